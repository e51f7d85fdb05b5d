package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/report"
	"github.com/sealbook/sealbook/internal/sign"
	"github.com/sealbook/sealbook/internal/store"
)

// ReportJob is what the workflow needs to know of a report.
type ReportJob struct {
	Status      audit.ReportStatus `json:"status"`
	MustSign    bool               `json:"must_sign,omitempty"`
	Signed      bool               `json:"signed,omitempty"` // by everybody who shall
	Signatories int                `json:"signatories,omitempty"`
	Signatures  int                `json:"signatures,omitempty"`
	DueAt       time.Time          `json:"due_at,omitzero"` // until when the next of them can sign
}

// BeginReport takes a report over for the calling run. One that has ended comes
// back as it is.
func (a *Activities) BeginReport(ctx context.Context, start audit.ReportStart) (ReportJob, error) {
	row, err := a.Store.BeginReport(ctx, start.Ledger, start.ID, activity.GetInfo(ctx).WorkflowExecution.RunID)
	if err != nil {
		return ReportJob{}, err
	}
	return a.reportJob(ctx, row)
}

// ReportDecision says where a report stands: who of its signatories has signed.
func (a *Activities) ReportDecision(ctx context.Context, start audit.ReportStart) (ReportJob, error) {
	row, err := a.Store.Report(ctx, start.Ledger, start.ID)
	if err != nil {
		return ReportJob{}, err
	}
	return a.reportJob(ctx, row)
}

func (a *Activities) reportJob(ctx context.Context, row store.Report) (ReportJob, error) {
	job := ReportJob{Status: row.Status, MustSign: row.Signatory != nil}
	if !job.MustSign {
		return job, nil
	}
	signatures, err := a.Store.SignaturesOf(ctx, row.Ledger, row.ID)
	job.Signatories, job.Signatures = len(row.Signatories()), len(signatures)
	job.Signed = job.Signatures == job.Signatories
	if row.SignatureDueAt != nil {
		job.DueAt = row.SignatureDueAt.UTC()
	}
	return job, err
}

func reportPrefix(id audit.ReportID) string { return "reports/" + string(id) }

func reportKey(id audit.ReportID) string { return "report/" + string(id) }

// runningReport returns a report that may still change, or InvalidState: a cancel
// that was asked for stops it at the next step.
func (a *Activities) runningReport(ctx context.Context, start audit.ReportStart) (store.Report, error) {
	row, err := a.Store.Report(ctx, start.Ledger, start.ID)
	switch {
	case err != nil:
	case row.Status.Final():
		err = audit.Errorf(audit.InvalidState, "report %s has ended as %s", row.ID, row.Status)
	case row.CancelRequestedAt != nil:
		err = audit.Errorf(audit.InvalidState, "report %s was asked to stop", row.ID)
	}
	return row, err
}

// DraftReport renders the document that the signatories get to see, and lets the
// report wait for the first, with an entry that names the document by its digest and a
// mail that asks.
// Whoever repeats it changes nothing. It returns until when whoever is next can sign.
func (a *Activities) DraftReport(ctx context.Context, start audit.ReportStart) (due time.Time, err error) {
	row, err := a.runningReport(ctx, start)
	if err == nil && row.Status != audit.ReportPending {
		err = a.draft(ctx, start.Organisation, &row)
		if code := audit.CodeOf(err); code == audit.InvalidState || code == audit.ExternalIDConflict { // an attempt that was thought lost may have done it
			if now, again := a.Store.Report(ctx, row.Ledger, row.ID); again == nil && now.Status == audit.ReportPending {
				err = nil
			}
		}
		if err == nil {
			row, err = a.Store.Report(ctx, row.Ledger, row.ID)
		}
	}
	if err == nil && row.SignatureDueAt == nil {
		err = audit.Errorf(audit.InvalidState, "report %s has ended as %s", row.ID, row.Status)
	}
	if err != nil {
		return due, err
	}
	return row.SignatureDueAt.UTC(), nil
}

func (a *Activities) draft(ctx context.Context, o audit.OrganisationID, row *store.Report) error {
	if err := a.canSeal(); err != nil {
		return err
	}
	defer a.keepAlive(ctx)()
	frozen, err := a.frozenReport(ctx, row)
	if err != nil {
		return err
	}
	document, signatories := a.document(ctx, row, frozen), row.Signatories()
	for _, who := range signatories {
		p, err := a.Store.Person(ctx, row.Ledger, who.Person)
		if err != nil {
			return err
		}
		document.Signatures = append(document.Signatures, report.Signature{Signatory: p.Name, Meaning: who.Meaning.Words()})
	}
	rendered, err := report.PDF(ctx, document)
	if err == nil && len(rendered.Bytes) > maxToSeal {
		err = audit.Errorf(audit.InvalidState, "the document would have %d bytes, and only %d can be sealed; ask for a shorter period", len(rendered.Bytes), maxToSeal)
	}
	if err != nil {
		return err
	}
	draft, err := a.Artifacts.Put(ctx, reportPrefix(row.ID), bytes.NewReader(rendered.Bytes))
	if err != nil {
		return err
	}
	text, err := json.Marshal(draft)
	if err != nil {
		return fmt.Errorf("encode draft: %w", err)
	}
	now := audit.Instant(a.Clock())
	due := now.Add(audit.SignatureWait)
	details := store.SignatureAsked(row, signatories[0], draft.Digest, due)
	return a.record(ctx, row.Ledger, reportKey(row.ID)+"/signature_requested", audit.TypeSignatureRequested, details,
		store.AskSignature(row.Ledger, row.ID, string(text), due, store.InsertNotice(store.NewNotice(o, row, signatories[0], audit.NoticeAsked, now))))
}

// maxToSeal leaves room for the seal itself.
const maxToSeal = sign.MaxDocument - 1<<20

// PublishReport makes a report whose file is there public, in the transaction of
// its entry, and queues its distribution. Of one that is public already it
// returns what it is.
func (a *Activities) PublishReport(ctx context.Context, start audit.ReportStart) (audit.Artifact, error) {
	row, err := a.Store.Report(ctx, start.Ledger, start.ID)
	switch {
	case err != nil:
		return audit.Artifact{}, err
	case row.Artifact == nil:
		return audit.Artifact{}, audit.Errorf(audit.InvalidState, "report %s has no file", row.ID)
	case row.Status == audit.ReportGenerated:
		return row.Artifact.V, nil
	}
	now, file := audit.Instant(a.Clock()), row.Artifact.V
	details := row.Details()
	details["sha256"], details["size_bytes"], details["format"], details["data_sha256"] = file.Digest, file.Size, row.Request.V.Format, row.Frozen.V.Digest
	details["first_seq"], details["end_seq"], details["score"] = row.Summary.V.FirstSeq, row.Summary.V.EndSeq, row.Summary.V.Score
	if row.Seal != nil {
		details["certificate_fingerprint"], details["timestamped_at"] = row.Seal.V.Fingerprint, row.Seal.V.StampedAt
	}
	signatures, err := a.Store.SignaturesOf(ctx, row.Ledger, row.ID)
	if err != nil {
		return audit.Artifact{}, err
	}
	if len(signatures) > 0 {
		details["signature_id"] = signatures[0].ID
	}
	if len(signatures) > 1 {
		ids := make([]string, len(signatures))
		for i := range signatures {
			ids[i] = signatures[i].ID
		}
		details["signature_ids"] = ids
	}
	var send *store.Distribution
	if to := row.Request.V.Distribution; len(to) > 0 {
		d := store.NewDistribution(start.Organisation, &row, to, now, string(row.ID))
		send = &d
		details["distribution_id"], details["recipients"] = d.ID, len(to)
	}
	return file, a.record(ctx, row.Ledger, reportKey(row.ID)+"/generated", audit.TypeReportGenerated, details,
		store.CompleteReport(row.Ledger, row.ID, now, send))
}

// EndReport says how a report ended that was not published.
type EndReport struct {
	Start  audit.ReportStart  `json:"start"`
	Status audit.ReportStatus `json:"status"` // failed or canceled
	Reason string             `json:"reason,omitempty"`
}

// EndReport ends a report that was not published. One that was asked to
// cancel ends canceled, whatever stopped it first; one that has ended is left
// alone. Returns how it ended.
func (a *Activities) EndReport(ctx context.Context, end EndReport) (audit.ReportStatus, error) {
	row, err := a.Store.Report(ctx, end.Start.Ledger, end.Start.ID)
	if err != nil || row.Status.Final() {
		return row.Status, err
	}
	if row.CancelRequestedAt != nil {
		end.Status, end.Reason = audit.ReportCanceled, ""
	}
	details := row.Details()
	if end.Reason != "" {
		details["reason"] = end.Reason
	}
	return end.Status, a.record(ctx, row.Ledger, reportKey(row.ID)+"/ended", "audit.report_"+string(end.Status), details,
		store.EndReport(row.Ledger, row.ID, end.Status, end.Reason))
}

// frozenReport reads the data of a report that SnapshotReport fixed.
func (a *Activities) frozenReport(ctx context.Context, row *store.Report) (f frozenReport, err error) {
	if row.Frozen == nil {
		return f, audit.Errorf(audit.InvalidState, "the data of report %s are not fixed", row.ID)
	}
	text, err := a.readArtifact(ctx, row.Frozen.V)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return f, fmt.Errorf("read the data of report %s: %w", row.ID, err)
	}
	return f, nil
}
