package eval_test

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic"
	"github.com/sealbook/sealbook/internal/forensic/eval"
	"github.com/sealbook/sealbook/internal/forensic/eval/corpus"
	"github.com/sealbook/sealbook/internal/forensic/eval/synthetic"
)

// TestWilson: values that were worked out by others.
func TestWilson(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s         eval.Share
		low, high float64
	}{
		{eval.Share{Of: 81, All: 263}, 0.2553, 0.3662}, // Newcombe 1998, table I, method 3
		{eval.Share{Of: 15, All: 148}, 0.0624, 0.1605},
		{eval.Share{Of: 0, All: 20}, 0, 0.1611},
		{eval.Share{Of: 1, All: 29}, 0.0061, 0.1718},
		{eval.Share{Of: 45, All: 50}, 0.7864, 0.9565},
		{eval.Share{}, 0, 1},
	} {
		low, high := c.s.Wilson()
		if math.Abs(low-c.low) > 5e-5 || math.Abs(high-c.high) > 5e-5 {
			t.Errorf("%d of %d: %.4f to %.4f, want %.4f to %.4f", c.s.Of, c.s.All, low, high, c.low, c.high)
		}
	}
}

// TestPrecision: the arithmetic of base rates, for an alarm that is right nine
// times in ten.
func TestPrecision(t *testing.T) {
	t.Parallel()
	for falseAlarms, want := range map[float64]float64{1e-3: 0.0826, 1e-4: 0.4737} {
		if got := eval.Precision(1e-4, 0.9, falseAlarms); math.Abs(got-want) > 5e-5 {
			t.Errorf("false alarms %g: %.4f, want %.4f", falseAlarms, got, want)
		}
	}
	if !math.IsNaN(eval.Precision(1e-4, 0, 0)) {
		t.Error("without alarms there is no precision")
	}
}

func at(hour float64) time.Time {
	return time.Date(2025, 3, 3, 0, 0, 0, 0, time.UTC).Add(time.Duration(hour * float64(time.Hour)))
}

func finding(detector string, kind forensic.Kind, last float64, users []string, ids ...string) forensic.Finding {
	return forensic.Finding{Detector: detector, RuleVersion: 2, Kind: kind, LastTime: at(last), Users: users, EntryIDs: ids, Entries: len(ids)}
}

// TestScore is worked out by hand: one incident is found by two detectors, the
// earlier of which names the wrong account; one is found too late; one is not
// found; and a look-alike causes a false alarm, as does ordinary work.
func TestScore(t *testing.T) {
	t.Parallel()
	labels := []corpus.Label{
		{ID: "1", Kind: corpus.Incident, Family: "A1", Actors: []string{"op-001"}, From: at(1), To: at(2), Entries: []string{"a", "b"}},
		{ID: "2", Kind: corpus.LookAlike, Family: "typo_burst", Entries: []string{"c", "d"}},
		{ID: "3", Kind: corpus.Incident, Family: "A2", Actors: []string{"op-002"}, From: at(1), To: at(2), Entries: []string{"e"}},
		{ID: "4", Kind: corpus.Incident, Family: "A3", Actors: []string{"op-003"}, From: at(1), To: at(2), Entries: []string{"f", "g"}},
	}
	r := eval.Score([]forensic.Finding{
		finding("later", forensic.Fact, 3, []string{"op-001"}, "b", "x"),
		finding("sooner", forensic.Pattern, 1.5, []string{"op-009"}, "a"),
		finding("late", forensic.Fact, 26.1, []string{"op-002"}, "e"),
		finding("sooner", forensic.Pattern, 5, []string{"op-004"}, "y", "d"),
		finding("odd", forensic.Unusual, 5, nil, "x"),
	}, labels)
	want := &eval.Result{
		Outcomes: []eval.Outcome{
			{Label: &labels[0], Found: true, After: 30 * time.Minute, Detectors: []string{"later", "sooner"}},
			{Label: &labels[2]}, {Label: &labels[3]},
		},
		Findings:  eval.Counts{True: 3, False: 2},
		Detectors: map[string]eval.Counts{"later": {True: 1}, "sooner": {True: 1, False: 1}, "late": {True: 1}, "odd": {False: 1}},
		Kinds:     map[forensic.Kind]eval.Counts{forensic.Fact: {True: 2}, forensic.Pattern: {True: 1, False: 1}, forensic.Unusual: {False: 1}},
		Versions:  map[string]int{"later": 2, "sooner": 2, "late": 2, "odd": 2},
		FalseBy:   map[string]int{"typo_burst": 1, "": 1},
		Named:     6, NamedRight: 3, Labelled: 5,
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	if got := r.Recall(); got != (eval.Share{Of: 1, All: 3}) {
		t.Errorf("recall %v", got)
	}
	if got := r.Attribution(); got != (eval.Share{Of: 0, All: 1}) {
		t.Errorf("attribution %v", got)
	}
	var out bytes.Buffer
	r.Print(&out, synthetic.FamilyName)
	for _, text := range []string{"password spraying", "| 0 of 1 | 0.00 – 0.79", "typo_burst", "ordinary work"} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("%q is not in\n%s", text, out.String())
		}
	}
}

// TestMeasure: a detector that knows the labels finds everything and nothing
// else, one that knows nothing finds nothing; with shuffled labels the first
// is worth nothing, and simple ways are worse than it.
func TestMeasure(t *testing.T) {
	t.Parallel()
	attacked, err := synthetic.Splits[0].Attacked(1)
	if err != nil {
		t.Fatal(err)
	}
	harmless, err := synthetic.Splits[0].Benign(1)
	if err != nil {
		t.Fatal(err)
	}
	known, err := attacked.Entries()
	if err != nil {
		t.Fatal(err)
	}
	oracle := eval.Source{Name: "oracle", Find: func(entries []audit.Entry) ([]forensic.Finding, int, error) {
		var out []forensic.Finding
		for _, l := range attacked.Labels {
			if l.Kind == corpus.Incident && len(entries) == len(known) {
				out = append(out, forensic.Finding{Detector: "oracle", Kind: forensic.Unusual, Users: l.Actors, EntryIDs: l.Entries, LastTime: l.To})
			}
		}
		return out, 0, nil
	}}
	m, err := eval.Measure([]eval.Source{oracle}, attacked, harmless)
	if err != nil {
		t.Fatal(err)
	}
	if s := m.Result.Recall(); s != (eval.Share{Of: 8, All: 8}) || m.Result.Findings.False != 0 || m.Result.Attribution().Value() != 1 {
		t.Errorf("the oracle finds %v, %+v", s, m.Result.Findings)
	}
	by := map[string]eval.Comparison{}
	for _, c := range m.Comparison {
		by[strings.Fields(c.Way)[0]+strings.Fields(c.Way)[len(strings.Fields(c.Way))-1]] = c
	}
	if c := by["rulespattern)"]; c.Alarms != 0 || c.Recall != 0 {
		t.Errorf("rules alone: %+v", c)
	}
	if c := by["labelsshuffled"]; c.Recall > m.Result.Recall().Value()/4 {
		t.Errorf("labels shuffled: %+v", c)
	}
	if c := by["aslot"]; c.Recall > 0.2 {
		t.Errorf("by lot: %+v", c)
	}
	if c := m.Calibrate(); len(c.Detectors) != 1 || c.Digest != attacked.Digest() ||
		c.Detectors[0].Confidence != float64(c.Detectors[0].True+1)/float64(c.Detectors[0].True+2) {
		t.Errorf("calibration %+v", c)
	}
	// What stands beside it must be able to reach something.
	if c := by["everyhours"]; c.Alarms < 100 || c.Recall == 0 || c.Recall == 1 {
		t.Errorf("off hours: %+v", c)
	}
}
