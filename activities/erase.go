package activities

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/activity"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// The places that an erasure goes through, in this order: entries first, because
// files that are made after it hold nothing of the subject. While an erasure runs,
// nothing is archived.
const (
	EraseEntries   = "entries"
	EraseArchive   = "archive"
	EraseFiles     = "files"
	EraseDirectory = "directory"
)

// ErasedPlaces are all of them. Another store joins here and in EraseFrom.
var ErasedPlaces = []string{EraseEntries, EraseArchive, EraseFiles, EraseDirectory}

// BeginErasure takes a request over for the calling run.
func (a *Activities) BeginErasure(ctx context.Context, start audit.ErasureStart) (audit.ErasureStatus, error) {
	head, _, err := a.Log.Head(ctx, start.Ledger)
	if err != nil {
		return "", err
	}
	e, err := a.Store.BeginErasurePlan(ctx, start.Ledger, start.ID, activity.GetInfo(ctx).WorkflowExecution.RunID, head.Size)
	return e.Status, err
}

// PlanErasure counts what would be erased, for whoever decides. What is decided or
// planned already is left alone.
func (a *Activities) PlanErasure(ctx context.Context, start audit.ErasureStart) error {
	e, err := a.Store.Erasure(ctx, start.Ledger, start.ID)
	if err != nil || e.Status != audit.ErasureRequested || e.Plan != nil {
		return err
	}
	defer a.keepAlive(ctx)()
	if err := a.Log.Erase(ctx, erasureOf(&e, true)); err != nil {
		return err
	}
	if e, err = a.Store.Erasure(ctx, start.Ledger, start.ID); err != nil || e.Identifiers == nil {
		return err
	}
	plan := e.Counts.V
	archived, err := a.eraseArchive(ctx, &e, true)
	if err != nil {
		return err
	}
	plan.Add(&archived)
	files, _, err := a.Store.FilesOf(ctx, e.Ledger, e.ID)
	if err != nil {
		return err
	}
	plan.Packages, plan.HeldFiles = filesByKind(files, false), filesByKind(files, true)
	if plan.People, err = a.Store.ClosedAccountsOf(ctx, e.Ledger, e.Identifiers.V); err != nil {
		return err
	}
	if err := a.countUnreached(ctx, &e, &plan); err != nil {
		return err
	}
	return a.Store.PlanErasure(ctx, e.Ledger, e.ID, plan)
}

// erasureOf is the order to the ledger, from where the last part ended.
func erasureOf(e *store.Erasure, plan bool) ledger.Erasure {
	in := audit.ErasureRunning
	if plan {
		in = audit.ErasureRequested
	}
	return ledger.Erasure{
		Ledger: e.Ledger, First: e.NextSeq, End: *e.EndSeq, Subject: ledger.NewSubject(e.Identifiers.V), Plan: plan,
		With: func(part *ledger.Erased) store.Statements {
			p := store.ErasedPart{First: part.First, End: part.End, Counts: part.Counts, Months: part.Months}
			for _, f := range part.Found {
				p.Seqs, p.Times, p.Held = append(p.Seqs, f.Seq), append(p.Times, f.Time), append(p.Held, f.Held)
			}
			return store.KeepErased(e.ID, in, p)
		},
	}
}

func filesByKind(files []store.ErasedFile, held bool) map[string]int64 {
	n := map[string]int64{}
	for i := range files {
		if files[i].Held == held {
			n[files[i].Kind]++
		}
	}
	return n
}

// countUnreached counts what an erasure cannot reach.
func (a *Activities) countUnreached(ctx context.Context, e *store.Erasure, c *audit.ErasureCounts) (err error) {
	if c.Mentions, err = a.Store.Mentions(ctx, e.Ledger, e.Identifiers.V); err != nil {
		return err
	}
	c.Delivered, err = a.Store.DeliveredTo(ctx, e.Ledger, e.ID)
	return err
}

// ErasureDecision returns where a request stands.
func (a *Activities) ErasureDecision(ctx context.Context, start audit.ErasureStart) (audit.ErasureStatus, error) {
	e, err := a.Store.Erasure(ctx, start.Ledger, start.ID)
	return e.Status, err
}

// BeginErasing starts what was approved, for the entries that there are now.
func (a *Activities) BeginErasing(ctx context.Context, start audit.ErasureStart) (audit.ErasureStatus, error) {
	head, _, err := a.Log.Head(ctx, start.Ledger)
	if err != nil {
		return "", err
	}
	e, err := a.Store.BeginErasing(ctx, start.Ledger, start.ID, activity.GetInfo(ctx).WorkflowExecution.RunID, head.Size)
	return e.Status, err
}

// EraseFrom names a place.
type EraseFrom struct {
	Start audit.ErasureStart `json:"start"`
	Place string             `json:"place"`
}

// EraseFrom erases the subject from one place. Each may be repeated, and goes on
// where it was. again says that something is at work there that may bring back
// what was erased, so the place has to be gone through once more after it.
func (a *Activities) EraseFrom(ctx context.Context, from EraseFrom) (again bool, err error) {
	e, err := a.Store.Erasure(ctx, from.Start.Ledger, from.Start.ID)
	if err != nil || e.Status.Final() {
		return false, err
	}
	if e.Status != audit.ErasureRunning {
		return false, audit.Errorf(audit.InvalidState, "erasure %s is %s: nothing is destroyed that nobody approved", e.ID, e.Status)
	}
	defer a.keepAlive(ctx)()
	switch from.Place {
	case EraseEntries:
		if e.NextSeq < *e.EndSeq {
			err = a.Log.Erase(ctx, erasureOf(&e, false))
		}
		return false, err
	case EraseArchive:
		_, err = a.eraseArchive(ctx, &e, false)
		return false, err
	case EraseFiles:
		return a.eraseFiles(ctx, &e)
	case EraseDirectory:
		return false, a.eraseDirectory(ctx, &e)
	}
	return false, audit.Errorf(audit.ValidationFailed, "there is nothing to erase from %q", from.Place)
}

// eraseFiles destroys what was made from the entries, unless it is held: the file
// first, so that a step that dies in between is found again.
func (a *Activities) eraseFiles(ctx context.Context, e *store.Erasure) (again bool, err error) {
	files, working, err := a.Store.FilesOf(ctx, e.Ledger, e.ID)
	if err != nil {
		return false, err
	}
	for i := range files {
		f := &files[i]
		if f.Held {
			continue
		}
		for _, artifact := range f.Artifacts {
			if err := a.Artifacts.Delete(ctx, artifact.Key); err != nil {
				return false, err
			}
		}
		if err := a.recordErasedFile(ctx, e, f); err != nil {
			return false, err
		}
	}
	return working > 0, nil
}

func (a *Activities) recordErasedFile(ctx context.Context, e *store.Erasure, f *store.ErasedFile) error {
	now := audit.Instant(a.Clock())
	digests := make([]string, len(f.Artifacts))
	for i, artifact := range f.Artifacts {
		digests[i] = artifact.Digest
	}
	details := audit.Object{"erasure_id": e.ID, "kind": f.Kind, "id": f.ID, "sha256": digests}
	var with []store.Statements
	if f.Kind == store.EvidenceFile {
		digest := f.Artifacts[0].Digest
		details["investigation_id"] = f.Case
		with = append(with, store.AddCustody(e.Ledger, store.Custody{
			Evidence: f.ID, Event: store.CustodyErased, Actor: store.JSON[audit.Object]{V: audit.Object{"type": "system", "id": "sealbook"}},
			Reason: "erasure " + string(e.ID), Before: digest, After: digest, Tool: a.Software, At: now,
		}))
	}
	return a.record(ctx, e.Ledger, fmt.Sprintf("erasure/%s/%s/%s", e.ID, f.Kind, f.ID), "audit.erasure_file_destroyed", details,
		store.FileErased(e.Ledger, e.ID, *f, now, with...))
}

func (a *Activities) eraseDirectory(ctx context.Context, e *store.Erasure) error {
	n, err := a.Store.ClosedAccountsOf(ctx, e.Ledger, e.Identifiers.V)
	if err != nil || n == 0 {
		return err
	}
	return a.record(ctx, e.Ledger, "erasure/"+string(e.ID)+"/directory", "audit.erasure_accounts_erased", audit.Object{"erasure_id": e.ID, "accounts": n},
		store.EraseClosedAccounts(e.Ledger, e.ID, e.Identifiers.V, audit.Instant(a.Clock())))
}
