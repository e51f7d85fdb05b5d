package control

import (
	"math"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Status is how a framework stands. Only these are known.
type Status string

// The statuses, from the worst to the best; the last is none.
const (
	StatusNonCompliant       Status = "non_compliant"
	StatusPartiallyCompliant Status = "partially_compliant"
	StatusInsufficient       Status = "insufficient_evidence"
	StatusCompliant          Status = "compliant"
	StatusNotAssessed        Status = "not_assessed"
)

// How a status follows from score and coverage, in percent.
const (
	failingBelow      = 70
	coveredFrom       = 50
	compliantFrom     = 90
	compliantCoverage = 80 // a framework of which less was assessed is not called compliant
)

// Assessment is what a period of a ledger shows about frameworks, with all that
// it depends on: the ledger's range and root, and the facts beside the entries.
type Assessment struct {
	Ledger  string   `json:"ledger"` // its origin
	First   int64    `json:"first_seq"`
	End     int64    `json:"end_seq"` // exclusive: the size of the tree
	Root    string   `json:"root"`
	Hash    string   `json:"verification_hash"` // of the range that was read
	Facts   Facts    `json:"facts"`
	Reports []Report `json:"frameworks"`
}

// Report is what a framework's assessment came to. Its canonical JSON is what an
// assessment is compared by when it is made again.
type Report struct {
	Framework      audit.Framework `json:"framework"`
	Edition        string          `json:"edition"`
	CatalogVersion int             `json:"catalog_version"`
	CatalogDigest  string          `json:"catalog_digest"`
	Period         Period          `json:"period"`
	Entries        int64           `json:"entries"` // of the period

	Status   Status   `json:"status"`
	Score    *float64 `json:"score"`    // 0 to 100, one decimal: of what was assessed
	Floor    float64  `json:"floor"`    // the same if all that was not assessed had failed
	Coverage float64  `json:"coverage"` // percent of the requirements that were assessed
	Counts   Counts   `json:"counts"`

	Metrics      []Value    `json:"metrics"`
	Upcoming     []Upcoming `json:"upcoming"`
	Requirements []Finding  `json:"requirements"`
	NotInLedger  []string   `json:"not_in_ledger"`
}

// Period is [audit.Period] with names in JSON: From belongs to it, Until does not.
type Period struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// Counts are how many requirements have which verdict; they sum to Total.
type Counts struct {
	Total        int `json:"total"`
	Compliant    int `json:"compliant"`
	Partial      int `json:"partial"`
	NonCompliant int `json:"non_compliant"`
	NotAssessed  int `json:"not_assessed"`
}

// Finding is what a requirement came to.
type Finding struct {
	Requirement string         `json:"requirement"`
	Criterion   string         `json:"criterion"`
	Title       string         `json:"title"`
	Severity    audit.Severity `json:"severity"`
	Notify      bool           `json:"notify,omitempty"`
	Verdict     Verdict        `json:"verdict"`
	Checks      []Result       `json:"checks"`
}

// WithoutExceptions is the report with the counts alone.
func (r Report) WithoutExceptions() Report {
	r.Requirements = slices.Clone(r.Requirements)
	for i := range r.Requirements {
		f := &r.Requirements[i]
		f.Checks = slices.Clone(f.Checks)
		for k := range f.Checks {
			f.Checks[k].Exceptions = nil
		}
	}
	return r
}

// worst is a requirement's verdict: the worst of its checks that were assessed.
func worst(checks []Result) Verdict {
	order := []Verdict{NonCompliant, Partial, Compliant, NotAssessed}
	best := len(order) - 1
	for _, c := range checks {
		best = min(best, slices.Index(order, c.Verdict))
	}
	return order[best]
}

// derive is the one place where score and status come from, together: a score
// never says more than the status, and less coverage never looks better, because
// the floor stands beside the score.
func (r *Report) derive() {
	var credit float64
	critical := false
	for _, f := range r.Requirements {
		r.Counts.Total++
		switch f.Verdict {
		case Compliant:
			r.Counts.Compliant++
			credit++
		case Partial:
			r.Counts.Partial++
			credit += 0.5
		case NonCompliant:
			r.Counts.NonCompliant++
			critical = critical || f.Severity == audit.SeverityCritical
		default:
			r.Counts.NotAssessed++
		}
	}
	assessed := r.Counts.Total - r.Counts.NotAssessed
	if assessed == 0 {
		r.Status = StatusNotAssessed
		return
	}
	score := percent(credit, assessed)
	r.Score, r.Floor, r.Coverage = &score, percent(credit, r.Counts.Total), percent(float64(assessed), r.Counts.Total)
	switch {
	case critical || score < failingBelow:
		r.Status = StatusNonCompliant
	case r.Coverage < coveredFrom:
		r.Status = StatusInsufficient
	case score < compliantFrom || r.Coverage < compliantCoverage:
		r.Status = StatusPartiallyCompliant
	default:
		r.Status = StatusCompliant
	}
}

// percent has one decimal.
func percent(part float64, whole int) float64 {
	return math.Round(1000*part/float64(whole)) / 10
}
