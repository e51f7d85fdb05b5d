package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// StepWait is how long a request waits for the workflow of an investigation to
// take a step.
const StepWait = 8 * time.Second

// takeStep has a person's step taken, and returns the case as it is after it. An
// Idempotency-Key makes the step one: repeated, it is found and changes nothing.
func (s *server) takeStep(r *http.Request, row *store.Investigation, step audit.CaseStep, content audit.StepContent, body []byte) (after store.Investigation, again bool, err error) {
	key, err := requestKey(r, body)
	if err != nil {
		return after, false, err
	}
	step.ID = "step_" + newULID(s.Clock())
	content.Request = callOf(r).id
	if key != nil {
		by := principal(r).Actor()
		sum := sha256.Sum256([]byte(key.Route + "\n" + key.Key + "\n" + by.String("type") + "\n" + by.String("id")))
		step.ID = "step_" + hex.EncodeToString(sum[:16])
		content.Body = fmt.Sprintf("%x", sha256.Sum256(key.Body))
		taken, err := s.Store.InvestigationStep(r.Context(), row.Ledger, row.ID, step.ID)
		switch {
		case err == nil && taken.Details.V.String("request_sha256") != content.Body:
			return after, false, audit.Errorf(audit.IdempotencyKeyReused, "the Idempotency-Key was used for another request")
		case err == nil:
			after, err = s.Store.Investigation(r.Context(), row.Ledger, row.ID)
			return after, true, err
		case audit.CodeOf(err) != audit.NotFound:
			return after, false, err
		}
	}
	content.Actor = principal(r).Actor()
	content.Context = audit.Object{"source_ip": remoteIP(r), "user_agent": userAgent(r)}
	behind, err := s.behind(r, content.Actor)
	if err != nil {
		return after, false, err
	}
	step.Behind = audit.PersonID(behind)
	c := row.Case()
	if err := c.Check(&step); err != nil {
		return after, false, err
	}
	if s.Workflows == nil {
		return after, false, audit.Errorf(audit.Unavailable, "investigations need Temporal, which is missing")
	}
	if err := s.Store.PutStepContent(r.Context(), row.Ledger, row.ID, step.ID, content, s.Clock()); err != nil {
		return after, false, err
	}
	if key != nil { // an attempt before may have left what it said
		if waits, err := s.Store.StepContent(r.Context(), row.Ledger, row.ID, step.ID); err == nil && waits.Body != content.Body {
			return after, false, audit.Errorf(audit.IdempotencyKeyReused, "the Idempotency-Key was used for another request")
		}
	}
	if err := s.waitForStep(r.Context(), row.ID, step); err != nil {
		return after, false, err
	}
	after, err = s.Store.Investigation(r.Context(), row.Ledger, row.ID)
	return after, false, err
}

// waitForStep asks the workflow, which may still have to be started. What it
// answers late is not lost: the step is taken, and repeating it finds it.
func (s *server) waitForStep(ctx context.Context, id audit.InvestigationID, step audit.CaseStep) error {
	ctx, cancel := context.WithTimeout(ctx, StepWait)
	defer cancel()
	for {
		_, err := s.Workflows.TakeStep(ctx, id, step)
		if audit.CodeOf(err) != audit.Unavailable {
			return err
		}
		s.wake()
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// stepped answers a step with the case after it.
func (s *server) stepped(r *http.Request, row *store.Investigation, again bool, status int) (reply, error) {
	view, err := s.investigationView(r, row)
	return reply{status: status, header: replayed(http.Header{"Etag": {investigationTag(row)}}, again), data: view, metadata: map[string]any{"case_number": row.CaseNumber}}, err
}

// caseRequest is what PATCH /investigations/{id} changes. What is left out stays;
// "" takes an investigator or a reviewer away.
type caseRequest struct {
	Title        *string                    `json:"title"`
	Priority     *audit.Severity            `json:"priority"`
	Status       *audit.InvestigationStatus `json:"status"`
	Investigator *string                    `json:"assigned_investigator"`
	Reviewer     *string                    `json:"assigned_reviewer"`
	Reason       string                     `json:"reason"`
}

func (s *server) changeInvestigation(r *http.Request) (reply, error) {
	row, err := s.investigation(r)
	if err != nil {
		return reply{}, err
	}
	if err := checkVersion(r, &row); err != nil {
		return reply{header: http.Header{"Etag": {investigationTag(&row)}}}, err
	}
	req, body, err := decode[caseRequest](r)
	if err != nil {
		return reply{}, err
	}
	var bad []audit.FieldError
	if req.Title != nil {
		if *req.Title = strings.TrimSpace(*req.Title); *req.Title == "" || len(*req.Title) > audit.MaxInvestigationTitle {
			bad = append(bad, audit.FieldError{Field: "/title", Code: "length", Message: fmt.Sprintf("it has 1 to %d bytes", audit.MaxInvestigationTitle)})
		}
	}
	if req.Priority != nil && !slices.Contains(audit.Severities, *req.Priority) {
		bad = append(bad, audit.FieldError{Field: "/priority", Code: "invalid", Message: "priority is one of low, medium, high, critical"})
	}
	if st := req.Status; st != nil && *st != audit.InvestigationActive && *st != audit.InvestigationOnHold && *st != audit.InvestigationEscalated {
		bad = append(bad, audit.FieldError{Field: "/status", Code: "invalid", Message: "status is set to one of active, on_hold, escalated; a decision closes, a transition cancels"})
	}
	if req.Status != nil && strings.TrimSpace(req.Reason) == "" {
		bad = append(bad, audit.FieldError{Field: "/reason", Code: "required", Message: "say why the status changes"})
	}
	if len(req.Reason) > audit.MaxInvestigationText {
		bad = append(bad, audit.FieldError{Field: "/reason", Code: "length", Message: fmt.Sprintf("it has at most %d bytes", audit.MaxInvestigationText)})
	}
	if bad != nil {
		return reply{}, invalid("the change is not valid", bad...)
	}
	change := &audit.CaseChange{Priority: req.Priority, Status: req.Status}
	for _, who := range []struct {
		field string
		want  *string
		into  **audit.PersonID
	}{{"/assigned_investigator", req.Investigator, &change.Investigator}, {"/assigned_reviewer", req.Reviewer, &change.Reviewer}} {
		if who.want == nil {
			continue
		}
		nobody := audit.PersonID("")
		*who.into = &nobody
		found, err := s.appointee(r, who.field, *who.want, &row.Request.V.Scope)
		if err != nil {
			return reply{}, err
		}
		if found != nil {
			*who.into = found
		}
	}
	step := audit.CaseStep{Kind: audit.StepChange, If: row.Version, Change: change}
	row, again, err := s.takeStep(r, &row, step, audit.StepContent{Title: req.Title, Reason: strings.TrimSpace(req.Reason)}, body)
	if err != nil {
		return reply{}, err
	}
	return s.stepped(r, &row, again, 0)
}

type transitionRequest struct {
	To     audit.InvestigationStage `json:"to"`
	Reason string                   `json:"reason"`
}

func (s *server) transitionInvestigation(r *http.Request) (reply, error) {
	row, err := s.investigation(r)
	if err != nil {
		return reply{}, err
	}
	req, body, err := decode[transitionRequest](r)
	if err != nil {
		return reply{}, err
	}
	if req.Reason, err = reasonOf(req.Reason); err != nil {
		return reply{}, err
	}
	row, again, err := s.takeStep(r, &row, audit.CaseStep{Kind: audit.StepTransition, To: req.To}, audit.StepContent{Reason: req.Reason}, body)
	if err != nil {
		return reply{}, err
	}
	return s.stepped(r, &row, again, 0)
}

func reasonOf(text string) (string, error) {
	if text = strings.TrimSpace(text); text == "" || len(text) > audit.MaxInvestigationText {
		return "", invalid("the step is not valid", audit.FieldError{Field: "/reason", Code: "required", Message: fmt.Sprintf("say why: 1 to %d bytes", audit.MaxInvestigationText)})
	}
	return text, nil
}

type closeRequest struct {
	Resolution audit.Resolution `json:"resolution"`
	RootCause  string           `json:"root_cause"`
	Summary    string           `json:"summary"`
	Notify     *bool            `json:"regulatory_notification_required"`
}

// closeInvestigation answers POST …/close: the decision of a person who is not the
// investigator.
func (s *server) closeInvestigation(r *http.Request) (reply, error) {
	row, err := s.investigation(r)
	if err != nil {
		return reply{}, err
	}
	req, body, err := decode[closeRequest](r)
	if err != nil {
		return reply{}, err
	}
	var bad []audit.FieldError
	if !slices.Contains(audit.Resolutions, req.Resolution) {
		bad = append(bad, audit.FieldError{Field: "/resolution", Code: "invalid", Message: "resolution is one of confirmed, unfounded, inconclusive, legitimate"})
	}
	for _, text := range []struct {
		field    string
		value    *string
		required bool
	}{{"/root_cause", &req.RootCause, true}, {"/summary", &req.Summary, false}} {
		if *text.value = strings.TrimSpace(*text.value); text.required && *text.value == "" || len(*text.value) > audit.MaxInvestigationText {
			bad = append(bad, audit.FieldError{Field: text.field, Code: "length", Message: fmt.Sprintf("it has at most %d bytes, and root_cause is required", audit.MaxInvestigationText)})
		}
	}
	if bad != nil {
		return reply{}, invalid("the decision is not valid", bad...)
	}
	result := &audit.CaseResult{Resolution: req.Resolution, RootCause: req.RootCause, Summary: req.Summary, Notify: req.Notify}
	row, again, err := s.takeStep(r, &row, audit.CaseStep{Kind: audit.StepClose}, audit.StepContent{Result: result}, body)
	if err != nil {
		return reply{}, err
	}
	return s.stepped(r, &row, again, 0)
}

type reopenRequest struct {
	Reason string `json:"reason"`
}

// reopenInvestigation answers POST …/reopen of a case that was closed or canceled,
// whose workflow has ended: it goes on at the review of findings, in a new run.
func (s *server) reopenInvestigation(r *http.Request) (reply, error) {
	row, err := s.investigation(r)
	if err != nil {
		return reply{}, err
	}
	req, body, err := decode[reopenRequest](r)
	if err != nil {
		return reply{}, err
	}
	if req.Reason, err = reasonOf(req.Reason); err != nil {
		return reply{}, err
	}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	p, now := principal(r), s.Clock()
	refusal := notClosed(&row)
	if !row.Status.Final() && key == nil {
		return reply{}, refusal
	}
	before, stage := row.Result, audit.StageReview
	if !audit.CaseStageOf(row.Stage).Human && row.Stage != audit.StageClosed { // it was canceled before people had their turn
		stage = row.Stage
	}
	due := now.Add(audit.StageTime(row.Priority, stage))
	row.Status, row.Stage, row.DueAt, row.Reminded, row.ClosedAt, row.ClosedBy, row.Result = audit.InvestigationActive, stage, &due, 0, nil, nil, nil
	details := audit.Object{"investigation_id": row.ID, "stage": row.Stage, "investigation_status": row.Status}
	if before != nil {
		details["resolution_before"] = before.V.Resolution
	}
	about := action(r, audit.InvestigationEvent+"reopened", investigationResource(row.ID), details)
	about.Severity = audit.SeverityMedium
	about.Metadata["reason"] = req.Reason
	step := store.InvestigationStep{
		ID: "reopened_" + newULID(now), Kind: "reopened", Actor: store.JSON[audit.Object]{V: p.Actor()}, Reason: req.Reason, Details: store.JSON[audit.Object]{V: details}, At: now,
	}
	out, err := s.append(r, ledger.Submission{Events: []audit.Event{about}, Request: key, With: store.Reopen(row, step, store.HoldOf(&row, "hold_"+newULID(now), now), p.Organisation)})
	if err == nil {
		err = out.Items[0].Err
	}
	if err != nil {
		if audit.CodeOf(err) == audit.InvalidState {
			err = refusal
		}
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if !out.Replayed {
		s.wake()
	}
	if row, err = s.Store.Investigation(r.Context(), row.Ledger, row.ID); err != nil {
		return reply{}, err
	}
	return s.stepped(r, &row, out.Replayed, 0)
}

func notClosed(row *store.Investigation) error {
	return audit.Errorf(audit.InvalidState, "only an investigation that was closed or canceled is reopened").With("investigation_status", row.Status).With("stage", row.Stage)
}

// noteBody is a note.
type noteBody struct {
	ID        string       `json:"note_id"`
	Author    audit.Object `json:"author"`
	Text      string       `json:"text"`
	CreatedAt string       `json:"created_at"`
}

type noteRequest struct {
	Text string `json:"text"`
}

func (s *server) addNote(r *http.Request) (reply, error) {
	row, err := s.investigation(r)
	if err != nil {
		return reply{}, err
	}
	req, body, err := decode[noteRequest](r)
	if err != nil {
		return reply{}, err
	}
	if strings.TrimSpace(req.Text) == "" || len(req.Text) > audit.MaxInvestigationNote {
		return reply{}, invalid("the note is not valid", audit.FieldError{Field: "/text", Code: "length", Message: fmt.Sprintf("it has 1 to %d bytes", audit.MaxInvestigationNote)})
	}
	row, again, err := s.takeStep(r, &row, audit.CaseStep{Kind: audit.StepNote}, audit.StepContent{Text: req.Text}, body)
	if err != nil {
		return reply{}, err
	}
	return s.stepped(r, &row, again, http.StatusCreated)
}

func (s *server) listNotes(r *http.Request) (reply, error) {
	row, err := s.investigation(r)
	if err != nil {
		return reply{}, err
	}
	list, err := s.Store.InvestigationNotes(r.Context(), row.Ledger, row.ID)
	data := make([]noteBody, len(list))
	for i, n := range list {
		data[i] = noteBody{n.ID, n.Author.V, n.Body, audit.FormatTime(n.CreatedAt)}
	}
	return reply{data: data}, err
}

// caseEvent is a line of an investigation's history.
type caseEvent struct {
	ID      string                   `json:"event_id"`
	Kind    string                   `json:"event"`
	Stage   audit.InvestigationStage `json:"stage"` // after it
	Version int                      `json:"version"`
	Actor   audit.Object             `json:"actor"`
	Reason  string                   `json:"reason,omitempty"`
	Details audit.Object             `json:"details"`
	At      string                   `json:"at"`
}

func (s *server) showTimeline(r *http.Request) (reply, error) {
	row, err := s.investigation(r)
	if err != nil {
		return reply{}, err
	}
	list, err := s.Store.InvestigationSteps(r.Context(), row.Ledger, row.ID)
	data := make([]caseEvent, len(list))
	for i, e := range list {
		data[i] = caseEvent{e.ID, e.Kind, e.Stage, e.Version, e.Actor.V, e.Reason, e.Details.V, audit.FormatTime(e.At)}
	}
	return reply{data: data}, err
}

// foundID is the form of a finding's id.
var foundID = regexp.MustCompile(`^finding_[0-9A-Za-z]{1,64}$`)
