package workflows

import (
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
)

// Bounds of an investigation's run.
const (
	// maxCaseSteps is after how many steps of people a run is followed by another:
	// each is some events of history.
	maxCaseSteps = 200
	// CaseRetry is how long a stage that failed waits until it is tried again,
	// unless somebody does something before.
	CaseRetry = time.Hour
)

// Investigate leads an investigation through its stages, for as long as it takes:
//
//  1. scoping: fix the range of the ledger and set a legal hold
//  2. evidence_collection: store what the ledger has on it, with digests
//  3. analysis: run the analyses that are wanted, side by side; one that fails does
//     not stop the case
//  4. findings_review, implications, decision: people lead it on, by updates, and
//     are reminded when they are late; the second time the case is escalated
//
// Where it stands is in the database, and each step is taken there in the
// transaction of its entry: this run decides what happens next and when. If it
// dies, or another run follows it, nothing is lost and nothing is done twice. A
// person's step is refused by the same rules twice: here, before it becomes part of
// the history, and in the transaction.
func Investigate(ctx workflow.Context, start audit.InvestigationStart) error {
	i := &investigation{start: start, lock: workflow.NewMutex(ctx)}
	if err := workflow.SetQueryHandler(ctx, ProgressQuery, func() (audit.Progress, error) {
		return audit.Progress{Stage: string(i.at.Stage)}, nil
	}); err != nil {
		return err
	}
	err := workflow.SetUpdateHandlerWithOptions(ctx, audit.StepUpdate, i.take, workflow.UpdateHandlerOptions{
		Validator: i.validate, Description: "A step that a person takes",
	})
	if err != nil {
		return err
	}
	err = i.run(ctx)
	if waitErr := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err == nil {
		err = waitErr
	}
	if workflow.IsContinueAsNewError(err) {
		return err
	}
	err = conclude(ctx, start.Ledger, err, func(_ workflow.Context, cause error) error { return cause })
	// The case may have been reopened since it was looked at. No signal is lost: the
	// server lets no run end that has not seen one. A run that failed needs none, since
	// the sweep orders its case again.
	if err == nil && workflow.GetSignalChannel(ctx, audit.OrderedSignal).ReceiveAsync(nil) {
		return workflow.NewContinueAsNewError(ctx, audit.InvestigationWorkflow, start)
	}
	return err
}

type investigation struct {
	start audit.InvestigationStart
	at    audit.Case
	lock  workflow.Mutex // one step of a person at a time
	steps int            // of people, in this run
	stop  func()         // stops what runs for the stage
}

func (i *investigation) run(ctx workflow.Context) error {
	var do *activities.Activities
	if err := i.learn(ctx, workflow.ExecuteActivity(quick(ctx, "see where the case stands"), do.BeginInvestigation, i.start)); err != nil {
		return err
	}
	for !i.at.Status.Final() {
		if i.steps >= maxCaseSteps || workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, audit.InvestigationWorkflow, i.start)
		}
		var err error
		if audit.CaseStageOf(i.at.Stage).Human {
			err = i.await(ctx)
		} else {
			err = i.work(ctx)
		}
		if err != nil {
			return err
		}
	}
	i.show(ctx, "")
	return nil
}

// work does what a stage without people does, until it is done. A failure that
// trying again does not mend is shown, recorded and tried again later: what the
// case needs may be mended outside.
func (i *investigation) work(ctx workflow.Context) error {
	i.show(ctx, "")
	working, cancel := workflow.WithCancel(ctx)
	i.stop = cancel
	defer func() { cancel(); i.stop = nil }()
	var do *activities.Activities
	var err error
	switch i.at.Stage {
	case audit.StageScoping:
		err = i.learn(ctx, workflow.ExecuteActivity(quick(working, "fix the scope"), do.ScopeInvestigation, i.start))
	case audit.StageCollection:
		err = i.learn(ctx, workflow.ExecuteActivity(heavy(working, "collect evidence"), do.CollectEvidence, i.start))
	case audit.StageAnalysis:
		err = i.analyse(ctx, working)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case i.at.Status.Final(): // it was canceled meanwhile
		return nil
	}
	why := reason(err)
	i.show(ctx, "Needs attention: "+why)
	version := i.at.Version
	note := activities.CaseTrouble{Start: i.start, Stage: i.at.Stage, Round: i.at.Round, Reason: why}
	if err := i.settle(ctx, i.learn(ctx, workflow.ExecuteActivity(quick(ctx, "say that it needs attention"), do.NoteCaseTrouble, note))); err != nil {
		return err
	}
	version = max(version, i.at.Version)
	_, err = workflow.AwaitWithTimeout(ctx, CaseRetry, func() bool { return i.at.Version > version })
	return err
}

// analyse runs the analyses side by side. Each ends in one state or the other.
func (i *investigation) analyse(ctx, working workflow.Context) error {
	var do *activities.Activities
	running := make([]workflow.Future, len(audit.Analyses))
	for n, name := range audit.Analyses {
		running[n] = workflow.ExecuteActivity(analysisOptions(working, string(name)), do.AnalyseCase, activities.CaseAnalysis{Start: i.start, Analysis: name})
	}
	// What is learnt late would have people's steps refused for a version that is over.
	each := workflow.NewSelector(ctx)
	ended := make([]error, len(audit.Analyses))
	for n := range audit.Analyses {
		each.AddFuture(running[n], func(f workflow.Future) { ended[n] = i.learn(ctx, f) })
	}
	for range audit.Analyses {
		each.Select(ctx)
	}
	for n, name := range audit.Analyses {
		err := ended[n]
		if err == nil {
			continue
		}
		if working.Err() != nil {
			return working.Err()
		}
		failed := activities.CaseAnalysis{Start: i.start, Analysis: name, Reason: reason(err)}
		if err := i.learn(ctx, workflow.ExecuteActivity(quick(working, "note that an analysis failed"), do.FailAnalysis, failed)); err != nil {
			return err
		}
	}
	return i.learn(ctx, workflow.ExecuteActivity(quick(working, "hand over to people"), do.FinishAnalyses, i.start))
}

// await waits until people lead the case on, and reminds them when they are late.
func (i *investigation) await(ctx workflow.Context) error {
	i.show(ctx, "")
	version, due := i.at.Version, i.at.DueAt
	changed := func() bool { return i.at.Version > version }
	if due.IsZero() {
		return workflow.Await(ctx, changed)
	}
	ok, err := workflow.AwaitWithTimeout(ctx, max(due.Sub(workflow.Now(ctx)), 0), changed)
	if err != nil || ok {
		return err
	}
	var do *activities.Activities
	err = i.learn(ctx, workflow.ExecuteActivity(quick(ctx, "remind"), do.RemindInvestigation, activities.Reminder{Start: i.start, Version: version}))
	return i.settle(ctx, err)
}

// settle looks where the case stands when somebody was quicker than a step of ours.
func (i *investigation) settle(ctx workflow.Context, err error) error {
	var app *temporal.ApplicationError
	if !errors.As(err, &app) || app.Type() != string(audit.InvalidState) {
		return err
	}
	var do *activities.Activities
	return i.learn(ctx, workflow.ExecuteActivity(quick(ctx, "see where the case stands"), do.BeginInvestigation, i.start))
}

// learn takes over where the case stands after a step. Steps can end in another
// order than they were taken in.
func (i *investigation) learn(ctx workflow.Context, f workflow.Future) error {
	var c audit.Case
	if err := f.Get(ctx, &c); err != nil {
		return err
	}
	if c.Version >= i.at.Version {
		i.at = c
	}
	if i.at.Status.Final() && i.stop != nil {
		i.stop()
	}
	return nil
}

// validate refuses a step that the case does not allow, without a trace in the
// history.
func (i *investigation) validate(_ workflow.Context, step audit.CaseStep) error {
	if i.at.Version == 0 || step.If > i.at.Version { // the run does not know yet; the transaction checks
		return nil
	}
	return refused(i.at.Check(&step))
}

// take takes a step of a person.
func (i *investigation) take(ctx workflow.Context, step audit.CaseStep) (audit.Case, error) {
	if err := i.lock.Lock(ctx); err != nil {
		return i.at, err
	}
	defer i.lock.Unlock()
	i.steps++
	var do *activities.Activities
	err := i.learn(ctx, workflow.ExecuteActivity(prompt(ctx, string(step.Kind)), do.TakePersonStep, activities.PersonStep{Start: i.start, Step: step}))
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return i.at, refused(i.explained(app, &step))
	}
	return i.at, err
}

// explained is the error of a step's activity, with the details that errors of
// activities do not carry.
func (i *investigation) explained(app *temporal.ApplicationError, step *audit.CaseStep) error {
	if err := i.at.Check(step); err != nil {
		return err
	}
	return &audit.Error{Code: audit.Code(app.Type()), Message: app.Message()}
}

// refused makes an error of ours one that the client of an update gets with its
// code and details.
func refused(err error) error {
	var e *audit.Error
	if !errors.As(err, &e) {
		return err
	}
	return temporal.NewApplicationErrorWithOptions(e.Message, string(e.Code), temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{e.Details}})
}

// show says where the case is: to searches, and to whoever opens the workflow in
// Temporal's UI.
func (i *investigation) show(ctx workflow.Context, trouble string) {
	line := audit.CaseStageOf(i.at.Stage)
	text := fmt.Sprintf("**%s** – %s, priority %s, round %d", i.at.Stage, i.at.Status, i.at.Priority, i.at.Round)
	if trouble != "" {
		text += "\n\n" + trouble
	} else if len(line.Next) > 0 {
		text += "\n\n" + line.Next[0] + "."
	}
	if !i.at.DueAt.IsZero() {
		text += "\n\nDue at " + audit.FormatTime(i.at.DueAt) + "."
	}
	workflow.SetCurrentDetails(ctx, text)
	if err := workflow.UpsertTypedSearchAttributes(ctx, AttributeStage.ValueSet(string(i.at.Stage)), AttributeItems.ValueSet(int64(i.at.Undecided))); err != nil {
		workflow.GetLogger(ctx).Warn("search attributes not set", "error", err)
	}
}
