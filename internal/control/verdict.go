package control

import (
	"math"
	"time"
)

// Verdict is what was found of a check, a requirement or a framework.
type Verdict string

// The verdicts, from the worst to the best; the last two are none.
const (
	NonCompliant Verdict = "non_compliant"
	Partial      Verdict = "partial"
	Compliant    Verdict = "compliant"
	NotAssessed  Verdict = "not_assessed" // the ledger cannot say; Reason does
)

// Limits of a result.
const (
	MaxExceptions = 1_000 // listed with a check; all are counted
	FewEvents     = 5     // a population below says little
)

// Result is what a check came to.
type Result struct {
	Check   string  `json:"check"`
	Kind    string  `json:"kind"`
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason,omitempty"` // why it is not assessed, or what was not looked at

	Population int64 `json:"population"`
	Passed     int64 `json:"passed"`
	Failed     int64 `json:"failed"`
	Pending    int64 `json:"pending,omitempty"`     // not due yet, and not counted
	RuleErrors int64 `json:"rule_errors,omitempty"` // entries for which an expression had no value

	Share      *float64    `json:"share"`       // passed of the population; null without one
	LowerBound *float64    `json:"lower_bound"` // Wilson's, of 95 %: what so few entries are worth
	FewEvents  bool        `json:"few_events,omitempty"`
	Exceptions []Exception `json:"exceptions,omitempty"` // in the ledger's order, MaxExceptions at most
}

// Exception is an entry that failed, or a gap in time.
type Exception struct {
	EntryID string     `json:"entry_id,omitempty"`
	Seq     *int64     `json:"seq,omitempty"`
	Time    time.Time  `json:"time"`
	Until   *time.Time `json:"until,omitempty"` // of an interval without an entry
	Subject string     `json:"subject,omitempty"`
	Why     string     `json:"why"`
}

// judge makes a verdict of the counts by the check's thresholds.
func (r *Result) judge(c *Check) {
	if r.Population == 0 {
		r.Verdict = NotAssessed
		if r.Reason == "" {
			r.Reason = "no entry of the period is of the population"
		}
		return
	}
	share := float64(r.Passed) / float64(r.Population)
	lower := wilson(r.Passed, r.Population)
	r.Share, r.LowerBound, r.FewEvents = &share, &lower, r.Population < FewEvents
	switch compliant, partial := c.thresholds(); {
	case share >= compliant:
		r.Verdict = Compliant
	case share >= partial && r.Passed > 0:
		r.Verdict = Partial
	default:
		r.Verdict = NonCompliant
	}
}

// wilson is the lower bound of the share that passed, at 95 %: Wilson, Probable
// Inference, 1927. Rounded, so that every machine has the same.
func wilson(passed, n int64) float64 {
	const z = 1.959963984540054
	p, m := float64(passed)/float64(n), float64(n)
	low := (p + z*z/(2*m) - z*math.Sqrt(p*(1-p)/m+z*z/(4*m*m))) / (1 + z*z/m)
	return math.Round(max(low, 0)*10_000) / 10_000
}

// fail notes an exception.
func (r *Result) fail(x Exception) {
	r.Failed++
	if len(r.Exceptions) < MaxExceptions {
		r.Exceptions = append(r.Exceptions, x)
	}
}
