package forensic

import "testing"

// TestConcernsAreOfDetectors: each rule is about something, and nothing is named
// that is no detector.
func TestConcernsAreOfDetectors(t *testing.T) {
	t.Parallel()
	rules, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"silence": true}
	for _, l := range Analyse(rules, nil).Rules {
		known[l.Rule] = true
		if l.Rule != "machine-like" && ConcernOf(l.Rule) == Conduct {
			t.Errorf("nobody said what %s is about", l.Rule)
		}
	}
	for name := range concerns {
		if !known[name] {
			t.Errorf("there is no detector %s", name)
		}
	}
}
