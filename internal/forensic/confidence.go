package forensic

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"sync"
)

// calibrationFile is written by make eval on the validation split, which no
// detector was tuned on.
//
//go:embed calibration.json
var calibrationFile []byte

// MinCalibrated is how many findings of a detector must have been counted
// before a confidence is stated.
const MinCalibrated = 20

// Basis is what a confidence was counted from.
type Basis struct {
	Corpus   string     `json:"corpus_id"`
	Digest   string     `json:"corpus_sha256"`
	True     int        `json:"tp"` // findings that named an entry of an incident
	False    int        `json:"fp"`
	Interval [2]float64 `json:"interval95"` // Wilson's, of the share of true findings
}

var confidences = sync.OnceValues(func() (map[string]calibrated, error) {
	var c struct {
		Corpus    string `json:"corpus"`
		Digest    string `json:"digest"`
		Detectors []struct {
			Detector string `json:"detector"`
			Version  int    `json:"rule_version"`
			True     int    `json:"true"`
			False    int    `json:"false"`
		} `json:"detectors"`
	}
	if err := json.Unmarshal(calibrationFile, &c); err != nil {
		return nil, fmt.Errorf("read the calibration: %w", err)
	}
	out := map[string]calibrated{}
	for _, d := range c.Detectors {
		out[d.Detector] = calibrated{d.Version, Basis{c.Corpus, c.Digest, d.True, d.False, wilson(d.True, d.True+d.False)}}
	}
	return out, nil
})

type calibrated struct {
	version int
	basis   Basis
}

// confidence is the share of a detector's findings that were right on labelled
// entries, (tp+1)/(tp+fp+2), with what it was counted from; or nil, with the
// reason. It holds for entries like those of the corpus, in which incidents are far
// more frequent than in life. Of a fact it is 1: the entries say so themselves, and
// nothing is claimed about what somebody meant.
func (f *Finding) confidence() (score *float64, basis *Basis, reason string) {
	if f.Kind == Fact {
		one := 1.0
		return &one, nil, "the entries themselves say so; whether it was allowed, or meant ill, they do not"
	}
	all, err := confidences()
	if err != nil {
		return nil, nil, err.Error()
	}
	c, ok := all[f.Detector]
	n := c.basis.True + c.basis.False
	switch {
	case !ok || n < MinCalibrated:
		return nil, nil, fmt.Sprintf("not calibrated: %d findings of this detector were counted on labelled entries, and %d are needed", n, MinCalibrated)
	case c.version != f.RuleVersion:
		return nil, nil, fmt.Sprintf("not calibrated: version %d was counted, and this is version %d", c.version, f.RuleVersion)
	}
	share := float64(c.basis.True+1) / float64(n+2)
	return &share, &c.basis, "counted on an invented corpus in which incidents are far more frequent than in life"
}

// wilson is the interval of 95 % for k of n.
func wilson(k, n int) [2]float64 {
	if n == 0 {
		return [2]float64{0, 1}
	}
	const z = 1.959963984540054
	p, m := float64(k)/float64(n), float64(n)
	mid, half := (p+z*z/(2*m))/(1+z*z/m), z*math.Sqrt(p*(1-p)/m+z*z/(4*m*m))/(1+z*z/m)
	return [2]float64{max(0, mid-half), min(1, mid+half)}
}
