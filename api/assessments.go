package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

var (
	assessmentParameters         = []string{"framework", "page", "limit"}
	assessmentDownloadParameters = []string{"format"}
)

// assessmentBody is an assessment. Result is there once it is completed.
type assessmentBody struct {
	ID                audit.AssessmentID     `json:"assessment_id"`
	Status            audit.AssessmentStatus `json:"status"`
	Frameworks        []audit.Framework      `json:"frameworks"`
	Catalogs          []audit.CatalogID      `json:"catalogs,omitempty"`
	Period            assessedPeriod         `json:"period"`
	RequestedBy       audit.Object           `json:"requested_by"`
	CreatedAt         string                 `json:"created_at"`
	CompletedAt       string                 `json:"completed_at,omitempty"`
	CancelRequestedAt string                 `json:"cancel_requested_at,omitempty"`
	Error             string                 `json:"error,omitempty"`
	Progress          *audit.Progress        `json:"progress,omitempty"`
	SHA256            string                 `json:"sha256,omitempty"` // of the whole result, as its entry has it
	Result            *json.RawMessage       `json:"result,omitempty"`
}

// assessedPeriod is half open, as it is assessed.
type assessedPeriod struct {
	Name  string `json:"name,omitempty"`
	From  string `json:"from"`
	Until string `json:"until"`
}

func assessmentView(a store.Assessment) *assessmentBody {
	body := &assessmentBody{
		ID: a.ID, Status: a.Status, Frameworks: a.Frameworks, Catalogs: a.Catalogs, RequestedBy: a.RequestedBy.V,
		Period:    assessedPeriod{a.PeriodName, audit.FormatTime(a.FromTime), audit.FormatTime(a.UntilTime)},
		CreatedAt: audit.FormatTime(a.CreatedAt), CompletedAt: formatted(a.CompletedAt), CancelRequestedAt: formatted(a.CancelRequestedAt),
		Result: a.Summary,
	}
	if a.Error != nil {
		body.Error = *a.Error
	}
	if a.Artifact != nil {
		body.SHA256 = a.Artifact.V.Digest
	}
	return body
}

// startAssessment answers POST /compliance/assessments: 202 once job, entry and
// the order to start the workflow are written together.
func (s *server) startAssessment(r *http.Request) (reply, error) {
	req, body, err := decode[audit.AssessmentRequest](r)
	if err != nil {
		return reply{}, err
	}
	p, now := principal(r), s.Clock()
	period, err := req.Normalise(now)
	if err != nil {
		return reply{}, err
	}
	if err := s.ownCatalogs(r, &req); err != nil {
		return reply{}, err
	}
	if req.Frameworks == nil {
		req.Frameworks = audit.Frameworks
	}
	if err := s.Log.Online(r.Context(), p.Ledger, period); err != nil {
		return reply{}, err
	}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	a := store.Assessment{
		ID: audit.AssessmentID("assess_" + newULID(now)), Ledger: p.Ledger, Frameworks: req.Frameworks, Catalogs: req.Catalogs, FromTime: period.From, UntilTime: period.Until, PeriodName: req.Period,
		Status: audit.AssessmentQueued, CreatedAt: now, RequestedBy: store.JSON[audit.Object]{V: p.Actor()},
	}
	if key != nil {
		key.Note = string(a.ID)
	}
	details := audit.Object{"frameworks": req.Frameworks, "from": audit.FormatTime(period.From), "until": audit.FormatTime(period.Until)}
	if len(req.Catalogs) > 0 {
		details["catalogs"] = req.Catalogs
	}
	out, err := s.record(r, action(r, typeAssessmentRequested, assessmentResource(a.ID), details), key, store.InsertAssessment(a, p.Organisation))
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		if a, err = s.Store.Assessment(r.Context(), p.Ledger, audit.AssessmentID(out.Note)); err != nil {
			return reply{}, err
		}
	} else {
		s.wake()
	}
	return s.assessmentAccepted(r, a, out.Replayed)
}

// assessmentAccepted waits for the result for as long as the caller prefers to.
func (s *server) assessmentAccepted(r *http.Request, a store.Assessment, again bool) (reply, error) {
	prefer := preferencesOf(r)
	err := prefer.await(r.Context(), func(ctx context.Context) (_ bool, err error) {
		now, err := s.Store.Assessment(ctx, a.Ledger, a.ID)
		if err == nil {
			a = now
		}
		return a.Status.Final(), err
	})
	if err != nil {
		return reply{}, err
	}
	header := replayed(http.Header{"Location": {callOf(r).mount + "/compliance/assessments/" + string(a.ID)}}, again)
	prefer.applied(header)
	return reply{status: http.StatusAccepted, header: header, data: assessmentView(a)}, nil
}

func assessmentResource(id audit.AssessmentID) audit.Object {
	return audit.Object{"type": "compliance_assessment", "id": string(id)}
}

func (s *server) listAssessments(r *http.Request) (reply, error) {
	f := callOf(r).query.framework("framework")
	page, err := jobPage(r)
	if err != nil {
		return reply{}, err
	}
	list, total, err := s.Store.Assessments(r.Context(), principal(r).Ledger, f, principal(r).Constraints, page.limit, page.offset())
	if err != nil {
		return reply{}, err
	}
	data := make([]*assessmentBody, len(list))
	for i, a := range list {
		data[i] = assessmentView(a)
		data[i].Result = nil
	}
	return reply{data: data, pagination: page.of(total)}, nil
}

func (s *server) showAssessment(r *http.Request) (reply, error) {
	a, err := s.assessment(r)
	if err != nil {
		return reply{}, err
	}
	view := assessmentView(a)
	if a.Status == audit.AssessmentProcessing && s.Workflows != nil {
		ctx, cancel := context.WithTimeout(r.Context(), s.ProgressTimeout)
		defer cancel()
		if p, err := s.Workflows.AssessmentProgress(ctx, a.ID); err == nil {
			view.Progress = &p
		}
	}
	return reply{data: view}, nil
}

// downloadAssessment answers with the whole result, exceptions included, in the
// bytes that its entry names by their digest, or as a document of OSCAL.
func (s *server) downloadAssessment(r *http.Request) (reply, error) {
	q := callOf(r).query
	format := q.oneOf("format", "json", "oscal")
	if q.err != nil {
		return reply{}, q.err
	}
	a, err := s.assessment(r)
	if err != nil {
		return reply{}, err
	}
	if a.Artifact == nil {
		return reply{}, audit.Errorf(audit.InvalidState, "%s is %s and has no result", a.ID, a.Status).With("job_status", a.Status)
	}
	content, err := s.Artifacts.Open(r.Context(), a.Artifact.V)
	if err != nil {
		return reply{}, err
	}
	if format == "oscal" {
		defer content.Close()
		text, err := io.ReadAll(content)
		if err != nil {
			return reply{}, err
		}
		if text, err = oscalDocument(a, text); err != nil {
			return reply{}, err
		}
		header := http.Header{"Content-Disposition": {`attachment; filename="` + string(a.ID) + `.oscal.json"`}}
		return reply{header: header, raw: text}, nil
	}
	header := http.Header{"Content-Type": {"application/json"}, "Content-Disposition": {`attachment; filename="` + string(a.ID) + `.json"`}}
	return reply{header: header, stream: func(w io.Writer) error {
		defer content.Close()
		return s.copyVerified(w, content)
	}}, nil
}

// cancelAssessment answers DELETE: 202, because the workflow comes to a stop
// first.
func (s *server) cancelAssessment(r *http.Request) (reply, error) {
	a, err := s.assessment(r)
	if err != nil {
		return reply{}, err
	}
	if a.Status.Final() {
		return reply{}, audit.Errorf(audit.InvalidState, "%s is %s and cannot be canceled any more", a.ID, a.Status).With("job_status", a.Status)
	}
	now := s.Clock()
	cancel := store.CancelAssessment(a.Ledger, a.ID, now, store.Cancel{WorkflowID: string(a.ID), At: now})
	if _, err := s.record(r, action(r, typeAssessmentCancel, assessmentResource(a.ID), nil), nil, cancel); err != nil {
		return reply{}, err
	}
	s.wake()
	a.CancelRequestedAt = &now
	return reply{status: http.StatusAccepted, data: assessmentView(a)}, nil
}

var assessmentID = regexp.MustCompile(`^assess_[0-9a-z]{26}$`)

// assessment returns the one that the path names.
func (s *server) assessment(r *http.Request) (store.Assessment, error) {
	id := variable(r, "assessment_id")
	if !assessmentID.MatchString(id) {
		return store.Assessment{}, audit.Errorf(audit.NotFound, "there is no such assessment")
	}
	a, err := s.Store.Assessment(r.Context(), principal(r).Ledger, audit.AssessmentID(id))
	if audit.CodeOf(err) == audit.NotFound || err == nil && !a.Covered(principal(r).Constraints) {
		a, err = store.Assessment{}, audit.Errorf(audit.NotFound, "there is no such assessment")
	}
	return a, err
}
