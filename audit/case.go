package audit

import (
	"slices"
	"time"
)

// InvestigationStatus is whether an investigation is worked on.
type InvestigationStatus string

// The statuses. The last two are final; a closed one can be reopened.
const (
	InvestigationActive    InvestigationStatus = "active"
	InvestigationOnHold    InvestigationStatus = "on_hold"
	InvestigationEscalated InvestigationStatus = "escalated"
	InvestigationClosed    InvestigationStatus = "closed"
	InvestigationCanceled  InvestigationStatus = "canceled"
)

// InvestigationStatuses are all of them.
var InvestigationStatuses = []InvestigationStatus{InvestigationActive, InvestigationOnHold, InvestigationEscalated, InvestigationClosed, InvestigationCanceled}

// Final reports whether nobody works on it any more.
func (s InvestigationStatus) Final() bool {
	return s == InvestigationClosed || s == InvestigationCanceled
}

// InvestigationStage is how far an investigation is.
type InvestigationStage string

// The stages, in their order.
const (
	StageScoping      InvestigationStage = "scoping"
	StageCollection   InvestigationStage = "evidence_collection"
	StageAnalysis     InvestigationStage = "analysis"
	StageReview       InvestigationStage = "findings_review"
	StageImplications InvestigationStage = "implications"
	StageDecision     InvestigationStage = "decision"
	StageClosed       InvestigationStage = "closed"
)

// StageCanceled stands for the end of an investigation that comes to no decision,
// where a stage to go to is named. It is a status and no stage.
const StageCanceled InvestigationStage = "canceled"

// CaseStage is a line of the stage table, which the workflow, the API and
// docs/investigation.md are made from.
type CaseStage struct {
	Stage  InvestigationStage
	Human  bool                 // a person leads out of it; the others lead out of themselves
	To     []InvestigationStage // where a person can lead it; the first is forward
	Leaves string               // what must be true before it goes forward
	Next   []string             // what there is to do, in people's words
}

// CaseStages is the stage table. Only a decision closes: see StepClose.
var CaseStages = []CaseStage{
	{StageScoping, false, []InvestigationStage{StageCanceled}, "the range of the ledger is fixed and a legal hold is set", []string{"Wait until the scope is fixed"}},
	{StageCollection, false, []InvestigationStage{StageCanceled}, "each collection of entries is stored with its digest", []string{"Wait until the evidence is collected"}},
	{StageAnalysis, false, []InvestigationStage{StageCanceled}, "each analysis has completed, failed or been skipped", []string{"Wait until the analyses have ended"}},
	{StageReview, true, []InvestigationStage{StageImplications, StageCollection, StageAnalysis, StageCanceled}, "no finding is undecided",
		[]string{"Accept or reject each finding, with a reason", "Interview affected users", "Review change management procedures"}},
	{StageImplications, true, []InvestigationStage{StageDecision, StageReview, StageCanceled}, "an investigator has looked at the implications",
		[]string{"Check which requirements the accepted findings touch", "Decide whether an authority must be notified"}},
	{StageDecision, true, []InvestigationStage{StageReview, StageImplications, StageCollection, StageCanceled}, "somebody who is not the investigator decides",
		[]string{"Have somebody other than the investigator decide and close"}},
	{StageClosed, false, nil, "", nil},
}

// CaseStageOf returns the table's line of a stage.
func CaseStageOf(s InvestigationStage) CaseStage {
	i := slices.IndexFunc(CaseStages, func(c CaseStage) bool { return c.Stage == s })
	if i < 0 {
		return CaseStage{Stage: s}
	}
	return CaseStages[i]
}

// Time for each stage in which a person has to act, by priority. A reminder is
// recorded when it is over, and when it is over twice the case is escalated.
var stageTime = map[Severity]map[InvestigationStage]time.Duration{
	SeverityCritical: {StageReview: 24 * time.Hour, StageImplications: 12 * time.Hour, StageDecision: 12 * time.Hour},
	SeverityHigh:     {StageReview: 48 * time.Hour, StageImplications: 24 * time.Hour, StageDecision: 24 * time.Hour},
	SeverityMedium:   {StageReview: 120 * time.Hour, StageImplications: 60 * time.Hour, StageDecision: 60 * time.Hour},
	SeverityLow:      {StageReview: 240 * time.Hour, StageImplications: 120 * time.Hour, StageDecision: 120 * time.Hour},
}

// AutomaticStageTime is how long a stage without people may take.
const AutomaticStageTime = time.Hour

// StageTime is how long a stage may take until somebody is reminded.
func StageTime(p Severity, s InvestigationStage) time.Duration {
	if t, ok := stageTime[p][s]; ok {
		return t
	}
	return AutomaticStageTime
}

// TimeLeft is how long an investigation takes from the start of a stage, if each
// stage takes its time.
func TimeLeft(p Severity, from InvestigationStage) (left time.Duration) {
	for i := slices.IndexFunc(CaseStages, func(c CaseStage) bool { return c.Stage == from }); i >= 0 && i < len(CaseStages); i++ {
		if s := CaseStages[i].Stage; s != StageClosed {
			left += StageTime(p, s)
		}
	}
	return left
}

// Resolution is what an investigation came to.
type Resolution string

// Resolutions are what a decision can be.
var Resolutions = []Resolution{"confirmed", "unfounded", "inconclusive", "legitimate"}

// FindingStatus is what people made of a finding.
type FindingStatus string

// A finding is a candidate until somebody accepts or rejects it.
const (
	FindingCandidate FindingStatus = "candidate"
	FindingAccepted  FindingStatus = "accepted"
	FindingRejected  FindingStatus = "rejected"
)

// FindingStatuses are all of them.
var FindingStatuses = []FindingStatus{FindingCandidate, FindingAccepted, FindingRejected}
