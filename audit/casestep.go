package audit

import (
	"fmt"
	"slices"
	"time"
)

// Case is where an investigation stands, as far as it decides on what may happen
// to it. It holds no name: people are ids of the directory.
type Case struct {
	Status       InvestigationStatus `json:"status"`
	Stage        InvestigationStage  `json:"stage"`
	Priority     Severity            `json:"priority"`
	Version      int                 `json:"version"` // rises with each step
	Round        int                 `json:"round"`   // of collecting and of analyses, from 1
	Investigator PersonID            `json:"investigator,omitempty"`
	Reviewer     PersonID            `json:"reviewer,omitempty"`
	Hands        []PersonID          `json:"hands,omitempty"` // who has worked on it, or was its investigator
	Undecided    int                 `json:"undecided"`       // findings
	DueAt        time.Time           `json:"due_at"`          // of the stage; zero: it has no time limit
	Reminded     int                 `json:"reminded"`        // how often, in this stage
}

// StepKind is what somebody does to an investigation.
type StepKind string

// The steps of people.
const (
	StepChange     StepKind = "changed"
	StepNote       StepKind = "note_added"
	StepFinding    StepKind = "finding_added"
	StepDecide     StepKind = "finding_decided"
	StepTransition StepKind = "stage_changed"
	StepClose      StepKind = "closed"
)

// CaseStep is a step that a person takes, as the workflow learns of it: ids and
// states only. What people say and who they are is in StepContent, which waits in
// the database.
type CaseStep struct {
	ID      string             `json:"id"` // unique; whoever repeats it changes nothing
	Kind    StepKind           `json:"kind"`
	Behind  PersonID           `json:"behind,omitempty"`  // the person of the directory who acts, or made the key that does
	If      int                `json:"if,omitempty"`      // only of this version; 0: of any
	Finding string             `json:"finding,omitempty"` // its id
	Verdict FindingStatus      `json:"verdict,omitempty"`
	To      InvestigationStage `json:"to,omitempty"`
	Change  *CaseChange        `json:"change,omitempty"`
}

// StepContent is what a step says.
type StepContent struct {
	Actor   Object         `json:"actor"`             // who does it, as in the entry
	Context Object         `json:"context,omitempty"` // from where
	Request string         `json:"request_id,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Text    string         `json:"text,omitempty"`  // of a note
	Title   *string        `json:"title,omitempty"` // changed
	Details *ManualFinding `json:"details,omitempty"`
	Result  *CaseResult    `json:"result,omitempty"`
	Body    string         `json:"request_sha256,omitempty"` // of a request with an idempotency key
}

// StepUpdate is the name of the workflow update that takes a step, and OrderedSignal of
// the signal that tells a run that its case was ordered to run while it ran already.
const (
	StepUpdate    = "step"
	OrderedSignal = "case_ordered"
)

// CaseChange changes what is said about an investigation; nil stays.
type CaseChange struct {
	Priority     *Severity            `json:"priority,omitempty"`
	Status       *InvestigationStatus `json:"status,omitempty"`
	Investigator *PersonID            `json:"investigator,omitempty"`
	Reviewer     *PersonID            `json:"reviewer,omitempty"`
}

// ManualFinding is a finding that a person made.
type ManualFinding struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Severity    Severity `json:"severity"`
	EntryIDs    []string `json:"entry_ids"`
	Alternative string   `json:"alternative_explanation,omitempty"`
}

// CaseResult is what an investigation came to.
type CaseResult struct {
	Resolution Resolution `json:"resolution"`
	RootCause  string     `json:"root_cause"`
	Notify     *bool      `json:"regulatory_notification_required"`
	Summary    string     `json:"summary,omitempty"`
}

// Works reports whether a step makes who takes it one of those who worked on the
// case: findings that they added or decided, and stages that they led forward. Who
// sends a case back from the decision has not worked on it.
func (c *Case) Works(s *CaseStep) bool {
	switch s.Kind {
	case StepFinding, StepDecide:
		return true
	case StepTransition:
		return (c.Stage == StageReview || c.Stage == StageImplications) && s.To != StageCanceled
	}
	return false
}

// Check reports whether a step can be taken now, or why not: InvalidState, with
// what would be allowed, or PreconditionFailed when it is of another version.
func (c *Case) Check(s *CaseStep) error {
	if c.Status.Final() {
		return c.refuse("the investigation is %s", c.Status)
	}
	if s.If != 0 && s.If != c.Version {
		return Errorf(PreconditionFailed, "the investigation was changed since it was read: it is at version %d", c.Version)
	}
	switch s.Kind {
	case StepTransition:
		return c.checkTransition(s)
	case StepClose:
		switch {
		case c.Stage != StageDecision:
			return c.refuse("an investigation is closed by a decision, in the stage decision, and it is in %s", c.Stage)
		case c.Status == InvestigationOnHold:
			return c.refuse("the investigation is on hold")
		case s.Behind == "":
			return c.refuse("only a person of the directory decides")
		case s.Behind == c.Investigator || slices.Contains(c.Hands, s.Behind):
			return c.refuse("whoever investigates, or has worked on the findings, does not decide: another person does")
		case c.Reviewer != "" && s.Behind != c.Reviewer:
			return c.refuse("the reviewer is %s", c.Reviewer)
		}
	case StepDecide, StepFinding:
		if c.Stage != StageReview {
			return c.refuse("findings are added and decided in the stage findings_review, and it is in %s", c.Stage)
		}
	case StepChange:
		if s.Change == nil {
			return nil // only what it is called
		}
		investigator, reviewer := c.Investigator, c.Reviewer
		if s.Change.Investigator != nil {
			investigator = *s.Change.Investigator
		}
		if s.Change.Reviewer != nil {
			reviewer = *s.Change.Reviewer
		}
		if investigator != "" && investigator == reviewer {
			return c.refuse("the reviewer is somebody else than the investigator")
		}
		if to := s.Change.Status; to != nil && to.Final() {
			return c.refuse("an investigation ends by a decision, or by a transition to canceled")
		}
	}
	return nil
}

func (c *Case) checkTransition(s *CaseStep) error {
	from := CaseStageOf(c.Stage)
	switch {
	case !slices.Contains(from.To, s.To):
		return c.refuse("from %s there is no way to %s", c.Stage, s.To)
	case s.To == StageCanceled:
		return nil
	case c.Status == InvestigationOnHold:
		return c.refuse("the investigation is on hold")
	case c.Stage == StageReview && s.To == StageImplications && c.Undecided > 0:
		return c.refuse("%d findings are neither accepted nor rejected", c.Undecided)
	}
	return nil
}

// refuse says what is allowed instead.
func (c *Case) refuse(format string, args ...any) error {
	return Errorf(InvalidState, "%s", fmt.Sprintf(format, args...)).
		With("stage", c.Stage).With("investigation_status", c.Status).With("allowed_transitions", c.Allowed())
}

// Allowed are the stages that a person can lead it to now. A decision closes
// it, which is no transition.
func (c *Case) Allowed() []InvestigationStage {
	if c.Status.Final() {
		return []InvestigationStage{}
	}
	return CaseStageOf(c.Stage).To
}
