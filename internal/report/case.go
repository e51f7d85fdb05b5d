package report

import (
	"math"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Case is what a report of an investigation says beside the rest: its record as it
// was when the report's data were frozen.
type Case struct {
	ID           string         `json:"investigation_id"`
	Number       string         `json:"case_number"`
	Category     string         `json:"investigation_type"`
	Priority     audit.Severity `json:"priority"`
	Status       string         `json:"status"`
	Stage        string         `json:"stage"`
	Interim      bool           `json:"interim"` // it has not ended, and may come to something else
	Version      int            `json:"version"` // of the record
	Round        int            `json:"round"`   // of collecting and of analyses
	Opened       time.Time      `json:"opened_at"`
	OpenedBy     string         `json:"opened_by"`
	Trigger      string         `json:"trigger_event_id,omitempty"`
	Investigator string         `json:"assigned_investigator"`
	Reviewer     string         `json:"assigned_reviewer,omitempty"`
	Narrative    []string       `json:"narrative"` // paragraphs, in the order of what happened
	Events       []CaseEvent    `json:"events"`    // all of them, likewise
	Findings     []CaseFinding  `json:"findings"`
	Flow         *Drawing       `json:"data_flow"` // nil: there is none
	FlowReason   string         `json:"data_flow_reason,omitempty"`
	Implications []Implication  `json:"implications"`
	Frameworks   []string       `json:"frameworks"`
	Notification string         `json:"regulatory_notification"` // whether an authority must be told, in words
	Decision     *Decision      `json:"decision"`                // nil: nobody has decided
	Evidence     []CaseEvidence `json:"evidence"`
}

// CaseEvent is a line of a case's history.
type CaseEvent struct {
	Time  time.Time `json:"time"`
	Kind  string    `json:"event"`
	Stage string    `json:"stage"` // after it
	Actor string    `json:"actor"`
	Text  string    `json:"text,omitempty"`
}

// CaseFinding is what an analysis, or a person, found, and what people made of it.
type CaseFinding struct {
	ID          string         `json:"finding_id"`
	Analysis    string         `json:"analysis"` // or manual
	Kind        string         `json:"kind"`     // what it claims: fact, pattern, unusual; of a person observation
	Round       int            `json:"round"`
	Title       string         `json:"title"`
	Severity    audit.Severity `json:"severity"`
	Description string         `json:"description,omitempty"`
	Alternative string         `json:"alternative_explanation,omitempty"`
	EntryIDs    []string       `json:"entry_ids"`
	Entries     int            `json:"entries"` // how many there are; more than EntryIDs when these are the first ones
	Confidence  *float64       `json:"confidence_score"`
	Basis       string         `json:"confidence_basis"` // what the confidence rests on, or why there is none
	Status      string         `json:"status"`           // candidate, accepted, rejected
	DecidedBy   string         `json:"decided_by,omitempty"`
	DecidedAt   time.Time      `json:"decided_at,omitzero"`
	Reason      string         `json:"reason,omitempty"`
}

// Implication is a requirement that accepted findings touch.
type Implication struct {
	Framework   audit.Framework `json:"framework"`
	Section     string          `json:"section"`
	Description string          `json:"description"`
	Severity    audit.Severity  `json:"severity"`
	Findings    []string        `json:"finding_ids"`
}

// Decision is what a case came to.
type Decision struct {
	Resolution string    `json:"resolution"`
	RootCause  string    `json:"root_cause"`
	Summary    string    `json:"summary,omitempty"`
	By         string    `json:"decided_by"`
	At         time.Time `json:"decided_at"`
}

// CaseEvidence is an item of evidence with its custody.
type CaseEvidence struct {
	ID       string    `json:"evidence_id"`
	Kind     string    `json:"type"`
	Title    string    `json:"title"`
	FileName string    `json:"file_name"`
	Digest   string    `json:"sha256"`
	Size     int64     `json:"size_bytes"`
	Items    int64     `json:"items"`
	FirstSeq *int64    `json:"first_seq"` // of the range of the ledger that was read; nil: of none
	EndSeq   *int64    `json:"end_seq"`   // exclusive
	Acquired time.Time `json:"acquired_at"`
	By       string    `json:"acquired_by"`
	Verified bool      `json:"chain_of_custody_verified"`
	Reason   string    `json:"chain_of_custody_reason,omitempty"`
	Custody  []Custody `json:"custody"`
}

// Custody is one handling of an item of evidence.
type Custody struct {
	Number    int       `json:"number"`
	Time      time.Time `json:"time"`
	Event     string    `json:"event"`
	Actor     string    `json:"actor"`
	Recipient string    `json:"recipient,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Tool      string    `json:"tool"`
	Before    string    `json:"sha256_before"`
	After     string    `json:"sha256_after"`
}

// Drawing is a picture of boxes and lines in a square of side 1, from its upper left
// corner; Ratio is how high it is for its width.
type Drawing struct {
	Ratio    float64  `json:"ratio"`
	TextSize float64  `json:"text_size"` // as a share of the height
	Boxes    []Box    `json:"boxes"`
	Lines    []Line   `json:"lines"` // below the boxes
	Labels   []Label  `json:"labels"`
	Notes    []string `json:"notes"` // what it does not show
}

// Box is a box of a drawing.
type Box struct {
	X        float64 `json:"x"`
	Y        float64 `json:"y"`
	W        float64 `json:"w"`
	H        float64 `json:"h"`
	Kind     string  `json:"kind"`
	Label    string  `json:"label"`
	Sub      string  `json:"sub,omitempty"`
	Nodes    int     `json:"nodes"` // that it stands for
	Seed     bool    `json:"seed,omitempty"`
	Forward  bool    `json:"forward,omitempty"`
	Backward bool    `json:"backward,omitempty"`
	Cut      bool    `json:"cut,omitempty"` // without it parts would be apart
}

// Line is a line of a drawing; the last of its points is where its arrow's point is.
type Line struct {
	Points   [][2]float64 `json:"points"`
	Kind     string       `json:"kind"`
	New      bool         `json:"new,omitempty"` // not in the baseline
	Mentions int          `json:"mentions"`
}

// Label is a text of a drawing, by the middle of its baseline.
type Label struct {
	X      float64 `json:"x"`
	Y      float64 `json:"y"`
	Text   string  `json:"text"`
	Strong bool    `json:"strong,omitempty"`
}

// What a PDF shows of a case at most; the other formats have all. The custody is
// that of all items together.
const (
	DefaultMaxCaseEvents   = 2_000
	DefaultMaxCaseFindings = 500
	DefaultMaxCaseEvidence = 500
	DefaultMaxCaseCustody  = 5_000
)

// CaseLimits are what a PDF shows of a case at most. 0 is the default, which is also
// the most.
type CaseLimits struct{ Events, Findings, Evidence, Custody int }

func (l CaseLimits) or() CaseLimits {
	for _, f := range []struct {
		n    *int
		most int
	}{{&l.Events, DefaultMaxCaseEvents}, {&l.Findings, DefaultMaxCaseFindings}, {&l.Evidence, DefaultMaxCaseEvidence}, {&l.Custody, DefaultMaxCaseCustody}} {
		if *f.n == 0 {
			*f.n = f.most
		}
	}
	return l
}

// check refuses what no page can show.
func (c *Case) check(l CaseLimits) error {
	if l.Events < 0 || l.Findings < 0 || l.Evidence < 0 || l.Custody < 0 ||
		l.Events > DefaultMaxCaseEvents || l.Findings > DefaultMaxCaseFindings || l.Evidence > DefaultMaxCaseEvidence || l.Custody > DefaultMaxCaseCustody {
		return audit.Errorf(audit.ValidationFailed, "a report shows of a case %d events, %d findings, %d items and %d handlings at most",
			DefaultMaxCaseEvents, DefaultMaxCaseFindings, DefaultMaxCaseEvidence, DefaultMaxCaseCustody)
	}
	for i := range c.Findings {
		if n := c.Findings[i].Confidence; n != nil && (math.IsNaN(*n) || *n < 0 || *n > 1) {
			return audit.Errorf(audit.ValidationFailed, "the confidence of %.50q is %v, outside 0 to 1", c.Findings[i].ID, *n)
		}
	}
	if c.Flow == nil {
		return nil
	}
	return c.Flow.check()
}

// check refuses a drawing that leaves its frame.
func (d *Drawing) check() error {
	numbers := []float64{d.TextSize}
	for _, b := range d.Boxes {
		numbers = append(numbers, b.X, b.Y, b.W, b.H, b.X+b.W, b.Y+b.H)
	}
	for _, l := range d.Lines {
		for _, p := range l.Points {
			numbers = append(numbers, p[0], p[1])
		}
	}
	for _, l := range d.Labels {
		numbers = append(numbers, l.X, l.Y)
	}
	for _, n := range numbers {
		if math.IsNaN(n) || n < -edge || n > 1+edge {
			return audit.Errorf(audit.ValidationFailed, "a drawing reaches to %v, outside its frame", n)
		}
	}
	if math.IsNaN(d.Ratio) || d.Ratio <= 0 || d.Ratio > 10 {
		return audit.Errorf(audit.ValidationFailed, "a drawing is %v times as high as it is wide", d.Ratio)
	}
	return nil
}

// edge is how far rounding may lead out of a frame.
const edge = 1e-3
