package api

import (
	"context"
	"fmt"
	"net/http"
	"regexp"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

var reportParameters = []string{"report_type", "framework", "status", "page", "limit"}

// startReport answers POST /reports: once job, entry and the order to start the
// workflow are written together, it waits for the report. 201 shows the report, 202
// that it is being made.
func (s *server) startReport(r *http.Request) (reply, error) {
	req, body, err := decode[audit.ReportRequest](r)
	if err != nil {
		return reply{}, err
	}
	p, now := principal(r), s.Clock()
	period, err := req.Normalise(now)
	if err != nil {
		return reply{}, err
	}
	if err := s.Log.Online(r.Context(), p.Ledger, period); err != nil {
		return reply{}, err
	}
	if len(req.Distribution) > 0 {
		if err := s.require(p, audit.DistributeReports); err != nil {
			return reply{}, err
		}
	}
	about, err := s.reportedCase(r, &req, &period, now)
	if err != nil {
		return reply{}, err
	}
	row := store.Report{
		ID: audit.ReportID("report_" + newULID(now)), Ledger: p.Ledger, Request: store.JSON[audit.ReportRequest]{V: req}, FromTime: period.From, UntilTime: period.Until,
		Status: audit.ReportQueued, CreatedAt: now, RequestedBy: store.JSON[audit.Object]{V: p.Actor()},
	}
	if req.MustSign() {
		if err := s.signatories(r, &row, about); err != nil {
			return reply{}, err
		}
	}
	if err := s.mayReceive(r, about, "/distribution", req.Distribution); err != nil {
		return reply{}, err
	}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	if key != nil {
		key.Note = string(row.ID)
	}
	if about != nil {
		if err := s.recordCaseRead(r, about, row.ID); err != nil {
			return reply{}, err
		}
	}
	out, err := s.record(r, reportRequested(r, &row), key, store.InsertReport(row, p.Organisation))
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		if row, err = s.Store.Report(r.Context(), p.Ledger, audit.ReportID(out.Note)); err != nil {
			return reply{}, err
		}
	} else {
		s.wake()
	}
	return s.reportAccepted(r, row, out.Replayed)
}

// reportRequested is the entry about a requested report. Addresses stand where they
// can be erased.
func reportRequested(r *http.Request, row *store.Report) audit.Event {
	req := row.Request.V
	details := audit.Object{
		"report_type": req.Type, "format": req.Format, "from": audit.FormatTime(row.FromTime), "until": audit.FormatTime(row.UntilTime), "recipients": len(req.Distribution),
	}
	if req.Framework != "" {
		details["framework"] = req.Framework
	}
	if req.Investigation != "" {
		details["investigation_id"] = req.Investigation
	}
	if row.Signatory != nil {
		details["signatory"], details["signature_meaning"] = *row.Signatory, req.Signature.Meaning
		if len(row.Countersigners) > 0 {
			var then []audit.Object
			for _, who := range row.Signatories()[1:] {
				then = append(then, audit.Object{"signatory": who.Person, "signature_meaning": who.Meaning})
			}
			details["countersigners"] = then
		}
	}
	about := action(r, typeReportRequested, reportResource(row.ID), details)
	if len(req.Distribution) > 0 {
		about.Metadata["distribution"] = req.Distribution
	}
	if c := req.Scope; c != nil {
		about.Metadata["scope"] = audit.Object{"include_systems": c.Systems, "include_users": []string(c.Users)}
	}
	return about
}

func reportResource(id audit.ReportID) audit.Object {
	return audit.Object{"type": "report", "id": string(id)}
}

// reportAccepted waits for the report, and for the provider's answers about its
// mails, for as long as the caller prefers to.
func (s *server) reportAccepted(r *http.Request, row store.Report, again bool) (reply, error) {
	prefer := preferencesOf(r)
	if !prefer.asked && !prefer.async {
		prefer.wait = max(0, s.ReportWait)
	}
	err := prefer.await(r.Context(), func(ctx context.Context) (bool, error) {
		now, err := s.Store.Report(ctx, row.Ledger, row.ID)
		if err != nil {
			return false, err
		}
		if row = now; row.Status != audit.ReportGenerated {
			return row.Status.Final() || row.Status == audit.ReportPending, nil
		}
		deliveries, err := s.Store.Deliveries(ctx, row.Ledger, row.ID)
		for _, d := range deliveries {
			if d.State == audit.DeliveryPending || d.State == audit.DeliverySending {
				return false, err
			}
		}
		return true, err
	})
	if err != nil {
		return reply{}, err
	}
	header := replayed(http.Header{"Location": {callOf(r).mount + "/reports/" + string(row.ID)}}, again)
	prefer.applied(header)
	view, err := s.reportView(r, &row)
	status := http.StatusAccepted
	if row.Status == audit.ReportGenerated {
		status = http.StatusCreated
	}
	return reply{status: status, header: header, data: view}, err
}

func (s *server) listReports(r *http.Request) (reply, error) {
	q := callOf(r).query
	reader, err := s.caseReader(r)
	if err != nil {
		return reply{}, err
	}
	f := store.ReportFilter{
		Reader: reader, Type: audit.ReportType(q.oneOf("report_type", texts(audit.ReportTypes)...)), Framework: q.framework("framework"),
		Status: audit.ReportStatus(q.oneOf("status", texts(audit.ReportStatuses)...)), Within: principal(r).Constraints,
	}
	page, err := jobPage(r)
	if err != nil {
		return reply{}, err
	}
	list, total, err := s.Store.Reports(r.Context(), principal(r).Ledger, f, page.limit, page.offset())
	if err != nil {
		return reply{}, err
	}
	data := make([]*reportBody, len(list))
	for i := range list {
		if data[i], err = s.reportView(r, &list[i]); err != nil {
			return reply{}, err
		}
	}
	return reply{data: data, pagination: page.of(total)}, nil
}

func (s *server) showReport(r *http.Request) (reply, error) {
	row, err := s.report(r)
	if err != nil {
		return reply{}, err
	}
	view, err := s.reportView(r, &row)
	if err == nil && row.Status == audit.ReportProcessing && s.Workflows != nil {
		ctx, cancel := context.WithTimeout(r.Context(), s.ProgressTimeout)
		defer cancel()
		if p, err := s.Workflows.ReportProgress(ctx, row.ID); err == nil {
			view.Progress = &p
		}
	}
	return reply{data: view}, err
}

// cancelReport answers DELETE: 202, because the workflow comes to a stop first.
func (s *server) cancelReport(r *http.Request) (reply, error) {
	row, err := s.report(r)
	if err != nil {
		return reply{}, err
	}
	if row.Status.Final() {
		return reply{}, audit.Errorf(audit.InvalidState, "%s is %s and cannot be canceled any more", row.ID, row.Status).With("job_status", row.Status)
	}
	now := s.Clock()
	cancel := store.CancelReport(row.Ledger, row.ID, now, store.Cancel{WorkflowID: string(row.ID), At: now})
	if _, err := s.record(r, action(r, typeReportCancel, reportResource(row.ID), nil), nil, cancel); err != nil {
		return reply{}, err
	}
	s.wake()
	row.CancelRequestedAt = &now
	view, err := s.reportView(r, &row)
	return reply{status: http.StatusAccepted, data: view}, err
}

var reportID = regexp.MustCompile(`^report_[0-9a-z]{26}$`)

// report returns the one that the path names.
func (s *server) report(r *http.Request) (store.Report, error) {
	id := variable(r, "report_id")
	if !reportID.MatchString(id) {
		return store.Report{}, audit.Errorf(audit.NotFound, "there is no such report")
	}
	row, err := s.Store.Report(r.Context(), principal(r).Ledger, audit.ReportID(id))
	if err == nil {
		err = s.mayRead(r, &row)
	}
	if audit.CodeOf(err) == audit.NotFound {
		row, err = store.Report{}, audit.Errorf(audit.NotFound, "there is no such report")
	}
	return row, err
}

// generated returns the report that the path names if it has a file that may be
// downloaded.
func (s *server) generated(r *http.Request) (store.Report, error) {
	row, err := s.report(r)
	switch {
	case err != nil:
	case row.Status != audit.ReportGenerated:
		err = audit.Errorf(audit.InvalidState, "%s is %s and has no file", row.ID, row.Status).With("job_status", row.Status)
	case row.ErasedAt != nil:
		err = erasedReport(&row)
	case !s.Clock().Before(*row.LinksExpireAt):
		err = audit.Errorf(audit.ReportGone, "the time to download %s is over; POST %s/reports/%s/download-links renews it", row.ID, callOf(r).mount, row.ID).
			With("expired_at", formatted(row.LinksExpireAt))
	}
	return row, err
}

// erasedReport says why a report has no file any more.
func erasedReport(row *store.Report) error {
	return audit.Errorf(audit.ReportGone, "the file of %s was destroyed, because it held what was erased of a person; make the report again", row.ID).
		With("reason", "erased").With("erased_at", formatted(row.ErasedAt))
}

func (s *server) reportURL(r *http.Request, id audit.ReportID) string {
	return fmt.Sprintf("%s%s/reports/%s/download", s.PublicURL, callOf(r).mount, id)
}
