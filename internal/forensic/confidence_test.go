package forensic

import (
	"math"
	"testing"
)

// TestConfidenceIsCounted: of a fact it is 1, of few findings there is none, of
// another version of a rule neither, and else it is what was counted.
func TestConfidenceIsCounted(t *testing.T) {
	t.Parallel()
	all, err := confidences()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range all {
		n := c.basis.True + c.basis.False
		f := Finding{Detector: name, RuleVersion: c.version, Kind: Pattern}
		score, basis, reason := f.confidence()
		if (score == nil) != (n < MinCalibrated) || reason == "" {
			t.Errorf("%s, %d findings: %v, %q", name, n, score, reason)
		}
		if score == nil {
			continue
		}
		if want := float64(c.basis.True+1) / float64(n+2); *score != want || basis.True != c.basis.True || basis.Interval[0] > *score || basis.Digest == "" {
			t.Errorf("%s: %v of %+v", name, *score, basis)
		}
		f.RuleVersion++
		if score, _, _ := f.confidence(); score != nil {
			t.Errorf("%s: another version has the confidence of this one", name)
		}
	}
	fact := Finding{Detector: "self-approval", Kind: Fact}
	if score, _, _ := fact.confidence(); score == nil || *score != 1 {
		t.Error("a fact is not one")
	}
	unknown := Finding{Detector: "unknown", Kind: Pattern}
	if score, _, _ := unknown.confidence(); score != nil {
		t.Error("who was never counted is sure")
	}
	if w := wilson(27, 30); math.Abs(w[0]-0.7438) > 0.0005 || math.Abs(w[1]-0.9654) > 0.0005 {
		t.Errorf("27 of 30: %v", w)
	}
}
