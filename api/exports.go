package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// startExport answers POST /evidence/export: 202 once job, entry and the order
// to start the workflow are written together.
func (s *server) startExport(r *http.Request) (reply, error) {
	req, body, err := decode[audit.ExportRequest](r)
	if err != nil {
		return reply{}, err
	}
	if err := req.Validate(); err != nil {
		return reply{}, err
	}
	if err := s.mayExport(principal(r), &req); err != nil {
		return reply{}, err
	}
	return s.requestExport(r, body, store.Export{Request: store.JSON[audit.ExportRequest]{V: req}})
}

// retryExport answers POST …/retry: a new job for the request of one that has
// no package, and never will.
func (s *server) retryExport(r *http.Request) (reply, error) {
	body, err := noBody(r)
	if err != nil {
		return reply{}, err
	}
	old, err := s.export(r)
	if err != nil {
		return reply{}, err
	}
	switch status := s.statusOf(old); status {
	case audit.ExportFailed, audit.ExportCanceled, audit.ExportExpired:
	default:
		return reply{}, audit.Errorf(audit.InvalidState, "only a failed, canceled or expired export can be retried; %s is %s", old.ID, status).With("job_status", status)
	}
	return s.requestExport(r, body, store.Export{Request: old.Request, RetryOf: &old.ID})
}

// requestExport makes the job e. A replayed request shows the job that the
// first one made, as it is now.
func (s *server) requestExport(r *http.Request, body []byte, e store.Export) (reply, error) {
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	p, now := principal(r), s.Clock()
	e.ID = audit.ExportID("export_" + newULID(now))
	e.Ledger, e.Status, e.CreatedAt = p.Ledger, audit.ExportQueued, now
	e.RequestedBy.V = p.Actor()
	if err := s.Log.Online(r.Context(), p.Ledger, e.Request.V.Period()); err != nil {
		return reply{}, err
	}
	s.estimate(r.Context(), &e)
	if key != nil {
		key.Note = string(e.ID)
	}
	about, err := exportRequested(r, e)
	if err != nil {
		return reply{}, err
	}
	request := e.Request.V
	out, err := s.record(r, about, key, store.InsertExport(e, store.Start{
		Workflow: audit.ExportWorkflow, WorkflowID: string(e.ID), At: now,
		Input: audit.ExportStart{
			ID: e.ID, Ledger: e.Ledger, Organisation: p.Organisation, Framework: request.Framework,
			Period: request.AuditPeriod.From + " to " + request.AuditPeriod.To, Format: request.Format,
		},
	}))
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		if e, err = s.Store.Export(r.Context(), p.Ledger, audit.ExportID(out.Note)); err != nil {
			return reply{}, err
		}
	}
	s.wake()
	prefer := preferencesOf(r)
	err = prefer.await(r.Context(), func(ctx context.Context) (_ bool, err error) {
		now, err := s.Store.Export(ctx, p.Ledger, e.ID)
		if err == nil {
			e = now
		}
		return e.Status.Final(), err
	})
	if err != nil {
		return reply{}, err
	}
	header := replayed(http.Header{"Location": {callOf(r).mount + "/evidence/export/" + string(e.ID)}}, out.Replayed)
	prefer.applied(header)
	status := http.StatusAccepted
	if prefer.wait > 0 && e.Status.Final() {
		status = http.StatusCreated
	}
	return reply{status: status, header: header, data: s.exportView(r, e)}, nil
}

// exportRequested is the entry about a requested export.
func exportRequested(r *http.Request, e store.Export) (audit.Event, error) {
	request, err := json.Marshal(e.Request.V)
	if err != nil {
		return audit.Event{}, fmt.Errorf("encode export request: %w", err)
	}
	about := action(r, typeExportRequested, exportResource(e.ID), audit.Object{"request": json.RawMessage(request)})
	if e.RetryOf != nil {
		about.Details["retry_of"] = *e.RetryOf
	}
	return about, nil
}

func exportResource(id audit.ExportID) audit.Object {
	return audit.Object{"type": "evidence_export", "id": string(id)}
}

// cancelExport answers DELETE /evidence/export/{job_id}: 202, because the
// workflow cleans up first.
func (s *server) cancelExport(r *http.Request) (reply, error) {
	e, err := s.export(r)
	if err != nil {
		return reply{}, err
	}
	if status := s.statusOf(e); status.Final() {
		return reply{}, audit.Errorf(audit.InvalidState, "%s is %s and cannot be canceled any more", e.ID, status).With("job_status", status)
	}
	now := s.Clock()
	cancel := store.CancelExport(e.Ledger, e.ID, now, store.Cancel{WorkflowID: string(e.ID), At: now})
	if _, err := s.record(r, action(r, typeExportCancel, exportResource(e.ID), nil), nil, cancel); err != nil {
		return reply{}, err
	}
	s.wake()
	e.CancelRequestedAt = &now
	return reply{status: http.StatusAccepted, data: s.exportView(r, e)}, nil
}

func (s *server) showExport(r *http.Request) (reply, error) {
	e, err := s.export(r)
	if err != nil {
		return reply{}, err
	}
	view := s.exportView(r, e)
	if e.Status == audit.ExportProcessing && s.Workflows != nil {
		ctx, cancel := context.WithTimeout(r.Context(), s.ProgressTimeout)
		defer cancel()
		if p, err := s.Workflows.ExportProgress(ctx, e.ID); err == nil {
			view.Progress = &p
		}
	}
	return reply{data: view}, nil
}

func (s *server) listExports(r *http.Request) (reply, error) {
	page, err := jobPage(r)
	if err != nil {
		return reply{}, err
	}
	p := principal(r)
	read := s.Store.Exports
	if !p.Constraints.Empty() {
		read = s.Store.ExportsBy(p.Actor())
	}
	list, total, err := read(r.Context(), p.Ledger, page.limit, page.offset())
	if err != nil {
		return reply{}, err
	}
	data := make([]*exportBody, len(list))
	for i, e := range list {
		data[i] = s.exportView(r, e)
	}
	return reply{data: data, pagination: page.of(total)}, nil
}

var exportID = regexp.MustCompile(`^export_[0-9a-z]{26}$`)

// export returns the job that the path names. To a constrained caller there are
// only their own.
func (s *server) export(r *http.Request) (store.Export, error) {
	id := variable(r, "job_id")
	if !exportID.MatchString(id) {
		return store.Export{}, audit.Errorf(audit.NotFound, "there is no such export")
	}
	e, err := s.Store.Export(r.Context(), principal(r).Ledger, audit.ExportID(id))
	if audit.CodeOf(err) == audit.NotFound {
		err = audit.Errorf(audit.NotFound, "there is no such export")
	}
	p := principal(r)
	if err == nil && !p.Constraints.Empty() && (!sameActor(e.RequestedBy.V, p.Actor()) || s.mayExport(p, &e.Request.V) != nil) {
		return store.Export{}, audit.Errorf(audit.NotFound, "there is no such export")
	}
	return e, err
}

func sameActor(a, b audit.Object) bool {
	return a.String("type") == b.String("type") && a.String("id") == b.String("id")
}
