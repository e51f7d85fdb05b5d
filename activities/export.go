package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// Skeleton is the part of a package that lists every entry of its range.
const Skeleton = evidence.Skeleton

// ExportJob is what the workflow needs to know of a job.
type ExportJob struct {
	Status audit.ExportStatus `json:"status"`
	Parts  []string           `json:"parts"` // to collect: the categories, and for a package the skeleton
}

// BeginExport takes a job over for the calling run. A job that has ended comes
// back as it is.
func (a *Activities) BeginExport(ctx context.Context, start audit.ExportStart) (ExportJob, error) {
	e, err := a.Store.BeginExport(ctx, start.Ledger, start.ID, activity.GetInfo(ctx).WorkflowExecution.RunID)
	if err != nil {
		return ExportJob{}, err
	}
	job := ExportJob{Status: e.Status}
	if e.Request.V.Format == audit.FormatZIP { // the other formats show entries and prove nothing about the rest
		job.Parts = append(job.Parts, Skeleton)
	}
	for _, c := range e.Request.V.Include {
		job.Parts = append(job.Parts, string(c))
	}
	return job, nil
}

// FrozenExport is the range that was fixed and how much of it is selected.
type FrozenExport struct {
	First    int64 `json:"first"`
	End      int64 `json:"end"`
	Selected int64 `json:"selected"`
}

// FreezeExport fixes the checkpoint that the package is of and everything else
// that decides its bytes. The first to freeze an export decides; later calls
// return the same.
func (a *Activities) FreezeExport(ctx context.Context, start audit.ExportStart) (FrozenExport, error) {
	e, err := a.Store.Export(ctx, start.Ledger, start.ID)
	if err != nil {
		return FrozenExport{}, err
	}
	scope, err := a.scope(ctx, e)
	if err != nil {
		return FrozenExport{}, err
	}
	text, err := json.Marshal(scope)
	if err != nil {
		return FrozenExport{}, fmt.Errorf("encode scope: %w", err)
	}
	if text, err = a.Store.FreezeExport(ctx, start.Ledger, start.ID, text); err != nil {
		return FrozenExport{}, err
	}
	if err := json.Unmarshal(text, &scope); err != nil {
		return FrozenExport{}, fmt.Errorf("decode scope: %w", err)
	}
	selected, err := a.selected(ctx, start, scope, scope.Request.Include...)
	return FrozenExport{scope.First, scope.End, selected}, err
}

func (a *Activities) scope(ctx context.Context, e store.Export) (s evidence.Scope, err error) {
	organisation, err := a.Store.Organisation(ctx, e.Ledger)
	if err != nil {
		return s, err
	}
	d, err := a.Log.Descriptor(ctx, e.Ledger)
	if err != nil {
		return s, err
	}
	request := e.Request.V
	assessed, err := a.assessedFor(ctx, e.Ledger, &request)
	if err != nil {
		return s, err
	}
	checkpoint, err := a.Log.Checkpoint(ctx, e.Ledger, ledger.Newest)
	if err != nil {
		return s, err
	}
	first, err := a.Log.RecordedFrom(ctx, e.Ledger, checkpoint.Size, evidence.RangeBound(request.Period()))
	if err != nil {
		return s, err
	}
	if first > 0 {
		first-- // one entry from before, which shows that nothing earlier can belong
	}
	notes, err := a.Log.Introductions(ctx)
	if err != nil {
		return s, err
	}
	var introductions []string
	for _, n := range notes {
		introductions = append(introductions, string(n))
	}
	left, err := a.Log.LeftEdge(ctx, e.Ledger, first, checkpoint.Size)
	if err != nil {
		return s, err
	}
	anchored, err := a.anchorOf(ctx, e.Ledger, first, checkpoint.Size)
	if err != nil {
		return s, err
	}
	return evidence.Scope{
		ExportID: e.ID, Organisation: organisation.Name, Request: request, RequestedBy: e.RequestedBy.V,
		Genesis: d.Genesis.Encode(), VerifierKey: a.Key.VerifierKey(d.Genesis.Origin), Introductions: introductions, Checkpoint: checkpoint.Note,
		First: first, End: checkpoint.Size, Left: left,
		FrozenAt: audit.Instant(a.Clock()), Software: a.Software, Anchor: anchored, Assessed: assessed,
	}, nil
}

// frozen returns the scope that FreezeExport fixed.
func (a *Activities) frozen(ctx context.Context, start audit.ExportStart) (s evidence.Scope, err error) {
	e, err := a.Store.Export(ctx, start.Ledger, start.ID)
	if err != nil {
		return s, err
	}
	if e.Frozen == nil {
		return s, audit.Errorf(audit.InvalidState, "export %s is not frozen", start.ID)
	}
	if err := json.Unmarshal(*e.Frozen, &s); err != nil {
		return s, fmt.Errorf("decode scope: %w", err)
	}
	return s, nil
}

// selection is what the searchable columns must say of a category's entries.
// The types in use are asked for because categories are families of types.
func (a *Activities) selection(ctx context.Context, start audit.ExportStart, s evidence.Scope, categories ...audit.Category) (ledger.Selection, error) {
	all, err := a.Log.Types(ctx, start.Ledger)
	if err != nil {
		return ledger.Selection{}, err
	}
	sel := ledger.Selection{Period: s.Request.Period(), Repositories: s.Request.RepositoryIDs}
	for _, t := range all {
		c, ok := audit.CategoryOf(t.EventType, t.EventClass)
		for _, wanted := range categories {
			if ok && c == wanted {
				sel.Types = append(sel.Types, t)
			}
		}
	}
	return sel, nil
}

func (a *Activities) selected(ctx context.Context, start audit.ExportStart, s evidence.Scope, categories ...audit.Category) (int64, error) {
	sel, err := a.selection(ctx, start, s, categories...)
	if err != nil {
		return 0, err
	}
	return a.Log.Count(ctx, start.Ledger, s.First, s.End, sel)
}

// EstimateExport notes when the package will probably be there and what it
// will weigh, from what the organisation's last packages took for an entry.
// Without any there is nothing to estimate from, and the job keeps what its
// request was answered with.
func (a *Activities) EstimateExport(ctx context.Context, start audit.ExportStart) error {
	s, err := a.frozen(ctx, start)
	if err != nil {
		return err
	}
	selected, err := a.selected(ctx, start, s, s.Request.Include...)
	if err != nil {
		return err
	}
	last, _, err := a.Store.Exports(ctx, start.Ledger, 20, 0)
	if err != nil {
		return err
	}
	var bytes, entries int64
	var took time.Duration
	for _, e := range last {
		var done evidence.Scope
		if e.Artifact == nil || e.Frozen == nil || e.CompletedAt == nil || json.Unmarshal(*e.Frozen, &done) != nil {
			continue
		}
		bytes += e.Artifact.V.Size
		entries += done.End - done.First
		took += e.CompletedAt.Sub(e.CreatedAt)
	}
	if entries == 0 || selected == 0 {
		return nil
	}
	n := s.End - s.First
	return a.Store.EstimateExport(ctx, start.Ledger, start.ID, bytes*n/entries,
		audit.Instant(a.Clock().Add(time.Duration(float64(took)*float64(n)/float64(entries)))))
}

// PublishExport is a finished package.
type PublishExport struct {
	Start    audit.ExportStart `json:"start"`
	Artifact audit.Artifact    `json:"artifact"`
	Failures []string          `json:"failures,omitempty"`
}

// PublishExport completes the job. A cancel that was asked for first wins:
// InvalidState.
func (a *Activities) PublishExport(ctx context.Context, p PublishExport) error {
	details := audit.Object{
		"export_id": p.Start.ID, "sha256": p.Artifact.Digest, "size_bytes": p.Artifact.Size, "files": p.Artifact.Files, "partial": len(p.Failures) > 0,
	}
	err := a.record(ctx, p.Start.Ledger, "export/"+string(p.Start.ID)+"/completed", "audit.evidence_export_completed", details,
		store.CompleteExport(p.Start.Ledger, p.Start.ID, p.Artifact, p.Failures, audit.Instant(a.Clock())))
	if err != nil {
		return err
	}
	// If the process dies here, the retry finds the first entry and goes on.
	d, err := a.Log.Descriptor(ctx, p.Start.Ledger)
	if err != nil {
		return err
	}
	return a.Log.RecordExport(ctx, d.Genesis.Origin, string(p.Start.ID), p.Artifact)
}

// EndExport says how an export ended that got no package.
type EndExport struct {
	Start  audit.ExportStart  `json:"start"`
	Status audit.ExportStatus `json:"status"` // failed or canceled
	Reason string             `json:"reason,omitempty"`
}

// EndExport removes everything that the export made and ends its job. A job
// that was asked to cancel ends canceled, whatever stopped it first. One that
// has ended is left alone. Returns how the job ended.
func (a *Activities) EndExport(ctx context.Context, end EndExport) (audit.ExportStatus, error) {
	e, err := a.Store.Export(ctx, end.Start.Ledger, end.Start.ID)
	if err != nil || e.Status.Final() {
		return e.Status, err
	}
	if e.CancelRequestedAt != nil {
		end.Status, end.Reason = audit.ExportCanceled, ""
	}
	for _, prefix := range []string{workPrefix(end.Start.ID), packagePrefix(end.Start.ID) + "/"} {
		if err := a.Artifacts.DeleteAll(ctx, prefix); err != nil {
			return "", err
		}
	}
	details := audit.Object{"export_id": end.Start.ID}
	if end.Reason != "" {
		details["reason"] = end.Reason
	}
	err = a.record(ctx, end.Start.Ledger, "export/"+string(end.Start.ID)+"/ended", "audit.evidence_export_"+string(end.Status), details,
		store.EndExport(end.Start.Ledger, end.Start.ID, end.Status, end.Reason))
	return end.Status, err
}

// CleanExport removes the parts that a package was built from.
func (a *Activities) CleanExport(ctx context.Context, start audit.ExportStart) error {
	return a.Artifacts.DeleteAll(ctx, workPrefix(start.ID))
}

func workPrefix(id audit.ExportID) string    { return "work/" + string(id) + "/" }
func packagePrefix(id audit.ExportID) string { return "exports/" + string(id) }
