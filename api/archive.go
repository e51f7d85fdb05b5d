package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// maxSegmentsListed bounds a retrieval's segments, and a page of them.
const maxSegmentsListed = 1_000

var (
	retrievalParameters = []string{"status", "page", "limit"}
	segmentParameters   = []string{"from", "to", "problem", "limit"}
)

// archivedRow reads an entry whose payload is archived, for who may read the
// archive; for others it returns gone, as it is.
func (s *server) archivedRow(r *http.Request, row ledger.Row, gone error) (ledger.Row, error) {
	if audit.CodeOf(gone) != audit.Archived || !principal(r).Can(audit.ReadArchive) {
		return row, gone
	}
	callOf(r).fromArchive = true
	return s.Log.ReadArchived(r.Context(), principal(r).Ledger, row.Seq, func(a audit.Artifact) (io.ReadCloser, error) {
		return s.Artifacts.Open(r.Context(), a)
	})
}

// explainArchived adds what the documents say of archived data and only this
// installation knows: how it is asked for, and how long that took lately.
func (s *server) explainArchived(r *http.Request, err error) error {
	var e *audit.Error
	if !errors.As(err, &e) || e.Code != audit.Archived {
		return err
	}
	out := &audit.Error{Code: e.Code, Message: e.Message, Err: e.Err, Details: map[string]any{
		"retrieval_process": fmt.Sprintf("Submit the period and a reason to POST %s/archive/retrievals; another person approves it", callOf(r).mount),
	}}
	for k, v := range e.Details {
		out.Details[k] = v
	}
	out.Details["estimated_retrieval_time"] = nil
	median, unknown := s.Store.RetrievalTime(r.Context(), principal(r).Ledger)
	switch {
	case unknown != nil:
		out.Details["estimated_retrieval_reason"] = "it could not be measured"
	case median == nil:
		out.Details["estimated_retrieval_reason"] = "no retrieval has been completed yet, so nothing is known of how long one takes"
	case *median < time.Hour:
		out.Details["estimated_retrieval_time"] = fmt.Sprintf("%d_minutes", int(median.Minutes())+1)
	default:
		out.Details["estimated_retrieval_time"] = fmt.Sprintf("%d_hours", int(median.Hours())+1)
	}
	return out
}

// requestRetrieval answers POST /archive/retrievals. Nothing comes back before
// another person has approved it.
func (s *server) requestRetrieval(r *http.Request) (reply, error) {
	req, body, err := decode[audit.RetrievalRequest](r)
	if err != nil {
		return reply{}, err
	}
	period, bad := req.Check()
	if bad != nil {
		return reply{}, invalid("the retrieval is not valid", bad...)
	}
	p, now := principal(r), s.Clock()
	v := store.Retrieval{ID: audit.RetrievalID("retrieval_" + newULID(now)), Ledger: p.Ledger, Status: audit.RetrievalRequested, FromTime: period.From, UntilTime: period.Until,
		Reason: strings.TrimSpace(req.Reason), Days: req.Days, RequestedBy: store.JSON[audit.Object]{V: p.Actor()}, RequestedAt: now, Segments: []string{}}
	segments, err := s.Log.ArchivedSegments(r.Context(), p.Ledger, period, maxSegmentsListed+1)
	if err != nil {
		return reply{}, err
	}
	for i := range segments {
		if x := &segments[i]; x.DestroyedAt == nil && x.PurgeBegan != nil {
			v.Segments, v.Entries = append(v.Segments, x.ID), v.Entries+x.Entries
		}
	}
	switch {
	case len(v.Segments) == 0:
		return reply{}, audit.Errorf(audit.InvalidState, "nothing of this period is in the archive")
	case len(segments) > maxSegmentsListed || v.Entries > audit.MaxRetrievalEntries:
		return reply{}, invalid("the retrieval is too large", audit.FieldError{Field: "/end_date", Code: "too_many",
			Message: fmt.Sprintf("a retrieval brings back at most %d entries of %d segments; ask for a shorter period", audit.MaxRetrievalEntries, maxSegmentsListed)})
	}
	behind, err := s.behind(r, p.Actor())
	if err != nil {
		return reply{}, err
	}
	v.Requester = audit.PersonID(behind)
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	if key != nil {
		key.Note = string(v.ID)
	}
	about := action(r, typeRetrievalRequested, retrievalResource(v.ID), audit.Object{
		"from": audit.FormatTime(v.FromTime), "until": audit.FormatTime(v.UntilTime), "entries": v.Entries, "segments": len(v.Segments), "days": v.Days})
	about.Severity = audit.SeverityMedium
	about.Metadata["reason"] = v.Reason
	out, err := s.record(r, about, key, store.InsertRetrieval(v))
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		if v, err = s.Store.Retrieval(r.Context(), p.Ledger, audit.RetrievalID(out.Note)); err != nil {
			return reply{}, err
		}
	}
	header := replayed(http.Header{"Location": {callOf(r).mount + "/archive/retrievals/" + string(v.ID)}}, out.Replayed)
	return reply{status: http.StatusAccepted, header: header, data: retrievalView(&v)}, nil
}

func retrievalResource(id audit.RetrievalID) audit.Object {
	return audit.Object{"type": "archive_retrieval", "id": id}
}

var retrievalIDForm = regexp.MustCompile(`^retrieval_[A-Za-z0-9_]{1,128}$`)

func (s *server) retrieval(r *http.Request) (v store.Retrieval, err error) {
	if id := variable(r, "retrieval_id"); retrievalIDForm.MatchString(id) {
		v, err = s.Store.Retrieval(r.Context(), principal(r).Ledger, audit.RetrievalID(id))
	} else {
		err = audit.Errorf(audit.NotFound, "that is no id")
	}
	if audit.CodeOf(err) == audit.NotFound {
		err = audit.Errorf(audit.NotFound, "there is no such retrieval")
	}
	return v, err
}

func (s *server) showRetrieval(r *http.Request) (reply, error) {
	v, err := s.retrieval(r)
	return reply{data: retrievalView(&v)}, err
}

func (s *server) listRetrievals(r *http.Request) (reply, error) {
	status := callOf(r).query.oneOf("status", texts(audit.RetrievalStatuses)...)
	page, err := jobPage(r)
	if err != nil {
		return reply{}, err
	}
	list, total, err := s.Store.Retrievals(r.Context(), principal(r).Ledger, audit.RetrievalStatus(status), page.limit, page.offset())
	data := make([]retrievalBody, len(list))
	for i := range list {
		data[i] = retrievalView(&list[i])
	}
	return reply{data: data, pagination: page.of(total)}, err
}

// decideRetrieval answers POST /archive/retrievals/{id}/decision: a person who is
// not the one that asked approves or refuses.
func (s *server) decideRetrieval(r *http.Request) (reply, error) {
	v, err := s.retrieval(r)
	if err != nil {
		return reply{}, err
	}
	req, err := decisionOf(r, audit.MaxRetrievalReason)
	if err != nil {
		return reply{}, err
	}
	by := principal(r).Actor()
	behind, err := s.personBehind(r)
	switch {
	case err != nil:
		return reply{}, err
	case v.Status != audit.RetrievalRequested:
		return reply{}, audit.Errorf(audit.InvalidState, "the retrieval is %s already", v.Status)
	case behind == "":
		return reply{}, audit.Errorf(audit.InvalidState, "a retrieval is decided by a person of the directory, or by a key that one made")
	case behind == v.Requester:
		return reply{}, audit.Errorf(audit.InvalidState, "whoever asked for a retrieval does not decide it: another person does")
	}
	now := s.Clock()
	about := action(r, typeRetrievalApproved, retrievalResource(v.ID), audit.Object{"entries": v.Entries, "days": v.Days})
	change := store.ApproveRetrieval(v.Ledger, v.ID, by, now, store.Start{Workflow: audit.RetrievalWorkflow, WorkflowID: string(v.ID), At: now,
		Input: audit.RetrievalStart{ID: v.ID, Ledger: v.Ledger, Organisation: principal(r).Organisation}})
	if req.Decision == "refuse" {
		about.Type = typeRetrievalRefused
		change = store.RefuseRetrieval(v.Ledger, v.ID, by, req.Reason, now)
	}
	about.Severity = audit.SeverityMedium
	about.Metadata["reason"] = req.Reason
	if _, err := s.record(r, about, nil, change); err != nil {
		return reply{}, err
	}
	s.wake()
	return s.showRetrieval(r)
}

// archiveRun is an order to archive.
type archiveRun struct {
	ID     string `json:"run_id"` // of the workflow
	Before string `json:"before"`
	Reason string `json:"reason"`
}

// orderArchive answers POST /archive/runs: what was recorded before a time is
// archived now, whatever the policy says. It destroys nothing.
func (s *server) orderArchive(r *http.Request) (reply, error) {
	req, body, err := decode[audit.ArchiveRequest](r)
	if err != nil {
		return reply{}, err
	}
	p, now := principal(r), s.Clock()
	before, bad := req.Check(now)
	if bad != nil {
		return reply{}, invalid("the order is not valid", bad...)
	}
	run := archiveRun{ID: "archive_" + newULID(now), Before: audit.FormatTime(before), Reason: strings.TrimSpace(req.Reason)}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	if key != nil {
		key.Note = run.ID
	}
	about := action(r, typeArchiveOrdered, audit.Object{"type": "archive_run", "id": run.ID}, audit.Object{"before": run.Before})
	about.Severity = audit.SeverityMedium
	about.Metadata["reason"] = run.Reason
	out, err := s.record(r, about, key, store.Starting(store.Start{Workflow: audit.RetentionWorkflow, WorkflowID: run.ID, At: now, Input: audit.RetentionRun{Only: p.Ledger, Before: &before}}))
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		run.ID = out.Note
	} else {
		s.wake()
	}
	return reply{status: http.StatusAccepted, header: replayed(nil, out.Replayed), data: run}, nil
}

// listSegments answers GET /archive/segments.
func (s *server) listSegments(r *http.Request) (reply, error) {
	q := callOf(r).query
	p, bad, limit := q.period("from", "to"), q.flag("problem", false), q.number("limit", 100, 1, maxSegmentsListed)
	if q.err != nil {
		return reply{}, q.err
	}
	read := s.Log.ArchivedSegments
	if bad {
		read = s.Log.BadSegments
	}
	list, err := read(r.Context(), principal(r).Ledger, p, limit)
	data := make([]segmentBody, len(list))
	for i := range list {
		data[i] = segmentView(&list[i])
	}
	return reply{data: data}, err
}
