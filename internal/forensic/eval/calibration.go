package eval

import (
	"maps"
	"slices"
)

// Calibration is what a confidence can be counted from: how often each
// detector was right on a corpus whose truth is known. It holds for entries
// like those, and for no others.
type Calibration struct {
	Corpus    string       `json:"corpus"`
	Digest    string       `json:"digest"` // of the corpus
	Detectors []Calibrated `json:"detectors"`
}

// Calibrated are the findings of one version of one detector.
type Calibrated struct {
	Detector string `json:"detector"`
	Version  int    `json:"rule_version"`
	True     int    `json:"true"`  // findings that name an entry of an incident
	False    int    `json:"false"` // all others

	// Confidence is (true+1)/(true+false+2), the mean of the share of true
	// findings after these when all shares were equally likely before.
	Confidence float64 `json:"confidence_score"`
}

// Calibrate counts. The harmless corpus is not in it: how many harmless days
// there are for each incident would be a choice of ours.
func (m *Measurement) Calibrate() Calibration {
	c := Calibration{Corpus: m.Corpus, Digest: m.Digest, Detectors: []Calibrated{}}
	for _, d := range slices.Sorted(maps.Keys(m.Result.Detectors)) {
		n := m.Result.Detectors[d]
		c.Detectors = append(c.Detectors, Calibrated{
			Detector: d, Version: m.Result.Versions[d], True: n.True, False: n.False,
			Confidence: float64(n.True+1) / float64(n.All()+2),
		})
	}
	return c
}
