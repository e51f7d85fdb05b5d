package activities

import (
	"context"
	"fmt"
	"slices"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/report"
	"github.com/sealbook/sealbook/internal/store"
)

// caseRecord is all that the record has of a case, as of one of its versions.
type caseRecord struct {
	store.Investigation
	steps    []store.InvestigationStep
	findings []store.InvestigationFinding
	evidence []store.CaseEvidence
	custody  []store.Custody
	flow     *report.Drawing
	noFlow   string       // why there is none
	opener   *audit.Entry // that asked for it; nil: a person did
	trigger  string       // id of the entry that gave rise to it
	people   map[audit.PersonID]string
}

// recordAttempts bounds how often a case is read again because a step was taken
// meanwhile.
const recordAttempts = 10

// readCase reads a case for a report. That its map of data flows is read is an event
// of that item's custody.
func (a *Activities) readCase(ctx context.Context, row *store.Report) (c *caseRecord, err error) {
	id := row.Request.V.Investigation
	for range recordAttempts {
		c = &caseRecord{people: map[audit.PersonID]string{}}
		if c.Investigation, err = a.Store.Investigation(ctx, row.Ledger, id); err != nil {
			return nil, err
		}
		if err = a.readFlow(ctx, row, c); err != nil {
			return nil, err
		}
		if c.steps, err = a.Store.InvestigationSteps(ctx, row.Ledger, id); err != nil {
			return nil, err
		}
		if c.findings, err = a.Store.InvestigationFindings(ctx, row.Ledger, id, ""); err != nil {
			return nil, err
		}
		if c.evidence, err = a.Store.CaseEvidence(ctx, row.Ledger, id); err != nil {
			return nil, err
		}
		if c.custody, err = a.Store.CustodyOf(ctx, row.Ledger, id); err != nil {
			return nil, err
		}
		now, err := a.Store.Investigation(ctx, row.Ledger, id)
		if err != nil {
			return nil, err
		}
		if now.Version == c.Version {
			return c, a.completeCase(ctx, c)
		}
	}
	return nil, audit.Errorf(audit.Unavailable, "the case changes faster than it can be read")
}

// completeCase adds what other places know: names, and the entries that began it.
func (a *Activities) completeCase(ctx context.Context, c *caseRecord) error {
	for _, who := range []*audit.PersonID{c.Investigator, c.Reviewer} {
		if who == nil {
			continue
		}
		p, err := a.Store.Person(ctx, c.Ledger, *who)
		if err != nil {
			return err
		}
		c.people[p.ID] = p.Name + " (" + string(p.ID) + ")"
	}
	entry := func(seq int64) (*audit.Entry, error) {
		r, err := a.Log.Row(ctx, c.Ledger, seq)
		if err != nil {
			return nil, err
		}
		e, err := r.Entry()
		if audit.CodeOf(err) == audit.Tampered {
			return &audit.Entry{Seq: seq}, nil
		}
		return &e, err
	}
	if c.OpenedBy == nil {
		e, err := entry(c.EntrySeq)
		if err != nil && audit.CodeOf(err) != audit.NotFound {
			return err
		}
		c.opener = e
	}
	if c.TriggerSeq != nil {
		e, err := entry(*c.TriggerSeq)
		switch {
		case audit.CodeOf(err) == audit.NotFound || err == nil && e.RecordedAt.IsZero():
			c.trigger = fmt.Sprintf("the entry at position %d, which is not what was recorded", *c.TriggerSeq)
		case err != nil:
			return err
		default:
			c.trigger = e.EntryID()
		}
	}
	return nil
}

// describe is the case as a report shows it.
func (c *caseRecord) describe() *report.Case {
	out := &report.Case{
		ID: string(c.ID), Number: c.CaseNumber, Category: c.Type, Priority: c.Priority, Status: string(c.Status), Stage: string(c.Stage), Interim: !c.Status.Final(), Version: c.Version,
		Round: c.Round, Opened: c.CreatedAt.UTC(), OpenedBy: c.opened(), Trigger: c.trigger, Investigator: c.AssignedTo, Narrative: c.narrative(), Events: c.events(),
		Findings: []report.CaseFinding{}, Flow: c.flow, FlowReason: c.noFlow, Implications: []report.Implication{}, Frameworks: []string{}, Evidence: []report.CaseEvidence{},
		Notification: "nobody has decided yet whether an authority must be notified",
	}
	if out.Category == "" {
		out.Category = c.Kind
	}
	if c.Investigator != nil {
		out.Investigator = c.people[*c.Investigator]
	}
	if c.Reviewer != nil {
		out.Reviewer = c.people[*c.Reviewer]
	}
	for i := range c.findings {
		out.Findings = append(out.Findings, caseFinding(&c.findings[i]))
	}
	frameworks := slices.Clone(c.Request.V.Frameworks)
	if c.Implications != nil {
		frameworks = append(frameworks, c.Implications.V.Frameworks...)
		for _, v := range c.Implications.V.Violations {
			out.Implications = append(out.Implications, report.Implication{Framework: v.Framework, Section: v.Section, Description: v.Description, Severity: v.Severity, Findings: v.Findings})
		}
	}
	for _, f := range frameworks {
		if !slices.Contains(out.Frameworks, string(f)) {
			out.Frameworks = append(out.Frameworks, string(f))
		}
	}
	if r := c.Result; r != nil && c.ClosedAt != nil {
		out.Decision = &report.Decision{Resolution: string(r.V.Resolution), RootCause: r.V.RootCause, Summary: r.V.Summary, At: c.ClosedAt.UTC()}
		if c.ClosedBy != nil {
			out.Decision.By = whoIs(c.ClosedBy.V)
		}
		switch notify := r.V.Notify; {
		case notify == nil:
			out.Notification = "the decision does not say whether an authority must be notified"
		case *notify:
			out.Notification = "it was decided that an authority must be notified"
		default:
			out.Notification = "it was decided that no authority has to be notified"
		}
	}
	for i := range c.evidence {
		out.Evidence = append(out.Evidence, c.item(&c.evidence[i]))
	}
	return out
}

// item is an item of evidence, with the state of its custody as it is computed now.
func (c *caseRecord) item(e *store.CaseEvidence) report.CaseEvidence {
	out := report.CaseEvidence{
		ID: e.ID, Kind: e.Kind, Title: e.Title, FileName: e.FileName, Digest: e.Artifact.V.Digest, Size: e.Artifact.V.Size, Items: e.Items, FirstSeq: e.FirstSeq, EndSeq: e.EndSeq,
		Acquired: e.AcquiredAt.UTC(), By: whoIs(e.AcquiredBy.V), Custody: []report.Custody{},
	}
	var own []store.Custody
	for _, h := range c.custody {
		if h.Evidence == e.ID {
			own = append(own, h)
			out.Custody = append(out.Custody, report.Custody{
				Number: h.Number, Time: h.At.UTC(), Event: h.Event, Actor: whoIs(h.Actor.V), Recipient: string(h.Recipient), Reason: h.Reason, Tool: h.Tool, Before: h.Before, After: h.After,
			})
		}
	}
	out.Reason = store.CustodyBroken([]store.CaseEvidence{*e}, own)
	out.Verified = out.Reason == ""
	return out
}

// whoIs names who did something: by name and id, if both are known.
func whoIs(by audit.Object) string {
	name, id := by.String("name"), by.String("id")
	switch {
	case name != "" && id != "" && name != id:
		return name + " (" + id + ")"
	case by.String("type") == "api_key" && id != "":
		return "API key " + id
	}
	return requester(by)
}
