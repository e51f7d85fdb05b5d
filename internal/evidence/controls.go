package evidence

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// MaxExceptions is how many exceptions a package lists, over all checks; all are
// counted. It keeps controls.json below the size of a file that is held whole.
const MaxExceptions = 20_000

// Controls are what the newest assessment of the package's framework and period
// came to. Without one Assessment is nil, and Reason says why.
type Controls struct {
	Framework  audit.Framework    `json:"framework"`
	Assessment *ControlAssessment `json:"assessment"`
	Reason     string             `json:"reason,omitempty"`
}

// ControlAssessment is an assessment by its place in the ledger and its results.
type ControlAssessment struct {
	ID             audit.AssessmentID `json:"assessment_id"`
	CompletedAt    string             `json:"completed_at"`
	Result         string             `json:"result_sha256"` // as the entry audit.compliance_assessed has it
	From           string             `json:"from"`
	Until          string             `json:"until"` // does not belong to the period
	First          int64              `json:"first_seq"`
	End            int64              `json:"end_seq"` // one past the last entry that was read
	Root           ledger.Hash        `json:"root"`    // of the tree of End entries
	Hash           string             `json:"verification_hash"`
	Edition        string             `json:"edition"`
	CatalogVersion int64              `json:"catalog_version"`
	CatalogDigest  string             `json:"catalog_digest"`
	Entries        int64              `json:"entries"` // of the period
	Status         string             `json:"status"`
	Score          *float64           `json:"score"`
	Floor          float64            `json:"floor"`
	Coverage       float64            `json:"coverage"`
	Counts         ControlCounts      `json:"counts"`
	Requirements   []ControlResult    `json:"requirements"`
	NotInLedger    []string           `json:"not_in_ledger"`
}

// ControlCounts are how many requirements have which verdict.
type ControlCounts struct {
	Total        int64 `json:"total"`
	Compliant    int64 `json:"compliant"`
	Partial      int64 `json:"partial"`
	NonCompliant int64 `json:"non_compliant"`
	NotAssessed  int64 `json:"not_assessed"`
}

// ControlResult is what a requirement came to.
type ControlResult struct {
	Requirement string         `json:"requirement"`
	Criterion   string         `json:"criterion"`
	Title       string         `json:"title"`
	Severity    audit.Severity `json:"severity"`
	Verdict     string         `json:"verdict"`
	Checks      []ControlCheck `json:"checks"`
}

// ControlCheck is what a check of it came to.
type ControlCheck struct {
	Check      string             `json:"check"`
	Kind       string             `json:"kind"`
	Verdict    string             `json:"verdict"`
	Reason     string             `json:"reason,omitempty"`
	Population int64              `json:"population"`
	Passed     int64              `json:"passed"`
	Failed     int64              `json:"failed"`
	Pending    int64              `json:"pending"`
	RuleErrors int64              `json:"rule_errors"`
	Exceptions []ControlException `json:"exceptions"` // at most; Failed counts all
}

// ControlException is an entry that failed, a time without one, or a moment at which
// something did not hold. Whom it concerns
// is not told: that stands in the entry, for those to whom it is disclosed.
type ControlException struct {
	EntryID string `json:"entry_id,omitempty"`
	Seq     *int64 `json:"seq,omitempty"`
	From    string `json:"from,omitempty"`
	Until   string `json:"until,omitempty"`
	Why     string `json:"why"`
}

// verdicts, from the worst to the best; a requirement has the worst of its checks.
var verdicts = []string{"non_compliant", "partial", "compliant", "not_assessed"}

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// check refuses what contradicts itself, or is of another package.
func (c *Controls) check(f *frame) error {
	switch {
	case c.Framework != f.Request.Framework:
		return fmt.Errorf("it is about the framework %.40q, the package about %s", c.Framework, f.Request.Framework)
	case (c.Assessment == nil) == (c.Reason == ""):
		return fmt.Errorf("it has either an assessment or the reason why there is none")
	case c.Assessment == nil:
		return nil
	}
	a := c.Assessment
	from, err1 := parseControlTime(a.From)
	until, err2 := parseControlTime(a.Until)
	_, err3 := parseControlTime(a.CompletedAt)
	switch {
	case err1 != nil || err2 != nil || err3 != nil:
		return fmt.Errorf("a time of the assessment is none")
	case a.ID == "":
		return fmt.Errorf("the assessment has no id")
	case !from.Equal(f.period.From) || !from.Before(until) || until.After(f.period.Until):
		return fmt.Errorf("the assessment is of another period: %s to %s", a.From, a.Until)
	case a.First < 0 || a.First > a.End || a.End > f.End:
		return fmt.Errorf("the assessment read the entries %d to %d, the package ends at %d", a.First, a.End, f.End)
	case !digestForm.MatchString(a.Result) || !digestForm.MatchString(a.CatalogDigest):
		return fmt.Errorf("a digest of the assessment is none")
	case a.Score != nil && !isPercent(*a.Score) || !isPercent(a.Floor) || !isPercent(a.Coverage):
		return fmt.Errorf("a share of the assessment is no percentage of one decimal")
	case a.Requirements == nil || a.NotInLedger == nil:
		return fmt.Errorf("a list of the assessment is missing")
	case a.CatalogVersion < 0 || a.Entries < 0:
		return fmt.Errorf("a number of the assessment is negative")
	}
	var counts ControlCounts
	for i := range a.Requirements {
		r := &a.Requirements[i]
		if err := r.check(a.End); err != nil {
			return fmt.Errorf("requirement %.80q: %w", r.Requirement, err)
		}
		counts.Total++
		*[]*int64{&counts.NonCompliant, &counts.Partial, &counts.Compliant, &counts.NotAssessed}[slices.Index(verdicts, r.Verdict)]++
	}
	if counts != a.Counts {
		return fmt.Errorf("the counts are not those of the requirements")
	}
	return nil
}

func (r *ControlResult) check(end int64) error {
	worst := len(verdicts) - 1
	if r.Checks == nil {
		return fmt.Errorf("it has no list of checks")
	}
	for i := range r.Checks {
		c := &r.Checks[i]
		at := slices.Index(verdicts, c.Verdict)
		switch {
		case at < 0:
			return fmt.Errorf("check %.80q has the verdict %.40q", c.Check, c.Verdict)
		case min(c.Population, c.Passed, c.Failed, c.Pending, c.RuleErrors) < 0 || c.Exceptions == nil || int64(len(c.Exceptions)) > c.Failed:
			return fmt.Errorf("check %.80q does not count its exceptions", c.Check)
		}
		worst = min(worst, at)
		for k := range c.Exceptions {
			if !c.Exceptions[k].sound(end) {
				return fmt.Errorf("check %.80q: exception %d is neither an entry that was read nor a time", c.Check, k+1)
			}
		}
	}
	if r.Verdict != verdicts[worst] {
		return fmt.Errorf("its checks lead to %s, it says %.40q", verdicts[worst], r.Verdict)
	}
	return nil
}

func (x *ControlException) sound(end int64) bool {
	if x.Seq != nil {
		return *x.Seq >= 0 && *x.Seq < end && x.From == "" && x.Until == "" && strings.HasSuffix(x.EntryID, fmt.Sprintf("_%06d", *x.Seq))
	}
	from, err := parseControlTime(x.From)
	if x.Until != "" && err == nil {
		var until time.Time
		if until, err = parseControlTime(x.Until); !from.Before(until) {
			return false
		}
	}
	return x.EntryID == "" && err == nil
}

func isPercent(x float64) bool {
	return x >= 0 && x <= 100 && !math.Signbit(x) && math.Round(x*10)/10 == x
}

func parseControlTime(text string) (time.Time, error) { return time.Parse(ledger.TimeFormat, text) }

// FormatControlTime is how controls.json writes a time.
func FormatControlTime(t time.Time) string { return formatTime(t) }

// named are the entries that exceptions name, by their numbers.
func (c *Controls) named() map[int64]string {
	ids := map[int64]string{}
	if c == nil || c.Assessment == nil {
		return ids
	}
	for _, r := range c.Assessment.Requirements {
		for _, check := range r.Checks {
			for _, x := range check.Exceptions {
				if x.Seq != nil {
					ids[*x.Seq] = x.EntryID
				}
			}
		}
	}
	return ids
}

// What the page asks of a requirement.

// Shown is the verdict in words.
func (r ControlResult) Shown() string { return strings.ReplaceAll(r.Verdict, "_", " ") }

// Population sums up the checks' populations.
func (r ControlResult) Population() (n int64) {
	for _, c := range r.Checks {
		n += c.Population
	}
	return n
}

// Failed sums up the checks' exceptions.
func (r ControlResult) Failed() (n int64) {
	for _, c := range r.Checks {
		n += c.Failed
	}
	return n
}
