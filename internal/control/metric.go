package control

import (
	"fmt"
	"math"
	"slices"
)

// Metric is a figure that people follow, taken from what a check saw, so that it
// cannot say anything else than the check.
type Metric struct {
	Group string `yaml:"group"`
	Name  string `yaml:"name"`
	Check string `yaml:"check"` // of a requirement of the same catalogue; none for Verified
	Of    string `yaml:"of"`
}

// What a metric is of a check.
const (
	OfPopulation = "population" // how many were looked at
	OfPassed     = "passed"     // how many of them passed
	OfShare      = "share"      // the second of the first, in percent with one decimal
	OfVerdict    = "verdict"    // true when the check is compliant
	OfVerified   = "verified"   // the share of the entries read that a signed tree covers; of no check
)

// Value is what a metric came to: a number of one decimal at most, true or false,
// or nil with the reason.
type Value struct {
	Group  string `json:"group"`
	Name   string `json:"name"`
	Value  any    `json:"value"`
	Reason string `json:"reason,omitempty"`
}

func (c *Catalog) compileMetrics() error {
	known := map[string]bool{}
	for _, r := range c.Requirements {
		for _, check := range r.Checks {
			known[check.ID] = true
		}
	}
	named := map[string]bool{}
	for _, m := range c.Metrics {
		name := m.Group + "." + m.Name
		switch {
		case m.Group == "" || m.Name == "" || named[name]:
			return fmt.Errorf("metric %q has no group or no name, or is there twice", name)
		case !slices.Contains([]string{OfPopulation, OfPassed, OfShare, OfVerdict, OfVerified}, m.Of):
			return fmt.Errorf("metric %s is of nothing that is known: %q", name, m.Of)
		case (m.Of == OfVerified) != (m.Check == ""):
			return fmt.Errorf("metric %s is of a check or of what was verified", name)
		case m.Check != "" && !known[m.Check]:
			return fmt.Errorf("metric %s is of check %q, which no requirement has", name, m.Check)
		}
		named[name] = true
	}
	return nil
}

// metrics says what the figures of a catalogue came to.
func (c *Catalog) metrics(findings []Finding, facts *Facts) []Value {
	found := map[string]*Result{}
	for i := range findings {
		for k := range findings[i].Checks {
			found[findings[i].Checks[k].Check] = &findings[i].Checks[k]
		}
	}
	out := make([]Value, len(c.Metrics))
	for i, m := range c.Metrics {
		out[i] = Value{Group: m.Group, Name: m.Name}
		if m.Of == OfVerified {
			out[i].Value, out[i].Reason = facts.Verified.percent()
			continue
		}
		out[i].Value, out[i].Reason = found[m.Check].figure(m.Of)
	}
	return out
}

// figure is nil, with the reason, where the check could not be assessed. How many
// were looked at is known then, too, unless there were too many to follow.
func (r *Result) figure(of string) (any, string) {
	switch {
	case of == OfPopulation && r.Population > 0:
		return r.Population, ""
	case of == OfPassed && r.Population > 0:
		return r.Passed, ""
	case r.Verdict == NotAssessed:
		return nil, r.Reason
	case of == OfVerdict:
		return r.Verdict == Compliant, ""
	case r.Share == nil:
		return nil, "there is no population"
	default:
		return math.Round(1000**r.Share) / 10, ""
	}
}

// Tally is how many entries were read, and how many of them are what a signed
// tree says.
type Tally struct {
	Read  int64 `json:"read"`
	Sound int64 `json:"sound"`
}

func (t Tally) percent() (any, string) {
	if t.Read == 0 {
		return nil, "there was no entry to verify"
	}
	return percent(float64(t.Sound), int(t.Read)), ""
}
