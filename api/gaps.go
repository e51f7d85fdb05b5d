package api

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

var gapParameters = []string{"framework", "status", "page", "limit"}

// listGaps answers GET of findings and of violations.
func (s *server) listGaps(kind audit.GapKind) handler {
	return func(r *http.Request) (reply, error) {
		q := callOf(r).query
		f := store.GapFilter{Kind: kind, Framework: q.framework("framework"), Status: audit.GapStatus(q.oneOf("status", texts(kind.Statuses())...)), Within: principal(r).Constraints}
		page, err := jobPage(r)
		if err != nil {
			return reply{}, err
		}
		list, total, err := s.Store.Gaps(r.Context(), principal(r).Ledger, f, page.limit, page.offset())
		if err != nil {
			return reply{}, err
		}
		data := make([]any, len(list))
		for i := range list {
			data[i] = gapView(&list[i])
		}
		return reply{data: data, pagination: page.of(total)}, nil
	}
}

func (s *server) showGap(kind audit.GapKind) handler {
	return func(r *http.Request) (reply, error) {
		g, err := s.gap(r, kind)
		if err != nil {
			return reply{}, err
		}
		return reply{header: http.Header{"Etag": {gapTag(&g)}}, data: gapView(&g)}, nil
	}
}

// gapRequest is what people say of a gap, in the words that the documents have for
// findings. Members that are left out stay; null takes back.
type gapRequest struct {
	Status audit.GapStatus `json:"status"`
	Owner  *string         `json:"owner"`
	Plan   *string         `json:"remediation_plan"`
	Due    *string         `json:"due_date"`
	Reason *string         `json:"reason"`
}

// violationRequest is the same in the words for violations.
type violationRequest struct {
	Status audit.GapStatus `json:"resolution_status"`
	Owner  *string         `json:"owner"`
	Plan   *string         `json:"remediation_plan"`
	Due    *string         `json:"estimated_resolution"`
	Reason *string         `json:"reason"`
}

// read decodes a request over what is.
func (q *gapRequest) read(body []byte, kind audit.GapKind) error {
	if kind == audit.FindingGap {
		return unmarshal(body, q)
	}
	v := violationRequest(*q)
	err := unmarshal(body, &v)
	*q = gapRequest(v)
	return err
}

// changeGap answers PATCH for who has seen what it changes. Each change is an
// entry.
func (s *server) changeGap(kind audit.GapKind) handler {
	return func(r *http.Request) (reply, error) {
		g, err := s.gap(r, kind)
		if err != nil {
			return reply{}, err
		}
		tag := gapTag(&g)
		if err := checkIfMatch(r, tag); err != nil {
			return reply{header: http.Header{"Etag": {tag}}}, err
		}
		body, err := readBody(r)
		if err != nil {
			return reply{}, err
		}
		due := formattedOrNil(g.DueAt)
		// Decoding writes through pointers, and what was before must stay.
		req := gapRequest{g.Status, cloned(g.Owner), cloned(g.Plan), cloned(due), cloned(g.Reason)}
		if err := req.read(body, kind); err != nil {
			return reply{}, err
		}
		if g.Status == audit.GapClosed {
			return reply{}, audit.Errorf(audit.InvalidState, "%s is closed: the requirement holds again", g.ID)
		}
		before, now := gapDetails(&g), s.Clock()
		if err := req.apply(&g, due); err != nil {
			return reply{}, err
		}
		e := action(r, gapChanged[kind], audit.Object{"type": "compliance_" + string(kind), "id": g.ID, "name": g.Title},
			audit.Object{"framework": g.Framework, "requirement": g.Requirement, "before": before, "after": gapDetails(&g)})
		e.Severity = audit.SeverityMedium
		if _, err = s.record(r, e, nil, store.ChangeGap(g, now)); err != nil {
			return reply{}, err
		}
		return s.showGap(kind)(r)
	}
}

var gapChanged = map[audit.GapKind]string{audit.FindingGap: typeFindingChanged, audit.ViolationGap: typeViolationChanged}

// apply checks the request and takes it over. due is what the gap's date was shown
// as: left alone, it stays as it is.
func (q *gapRequest) apply(g *store.Gap, due *string) error {
	var bad []audit.FieldError
	fail := func(field, code, format string, args ...any) {
		bad = append(bad, audit.FieldError{Field: field, Code: code, Message: fmt.Sprintf(format, args...)})
	}
	status, date := "/status", "/due_date"
	if g.Kind == audit.ViolationGap {
		status, date = "/resolution_status", "/estimated_resolution"
	}
	if !slices.Contains(g.Kind.Statuses(), q.Status) || q.Status == audit.GapClosed {
		fail(status, "invalid", "it is one of open, in_progress, accepted and, for a violation, resolved; only assessments close a finding")
	}
	text := func(field string, s **string, limit int) {
		if *s == nil {
			return
		}
		if trimmed := strings.TrimSpace(**s); trimmed == "" || len(trimmed) > limit {
			fail(field, "length", "it has 1 to %d bytes, or is null", limit)
		} else {
			*s = &trimmed
		}
	}
	text("/owner", &q.Owner, audit.MaxIdentifier)
	text("/remediation_plan", &q.Plan, audit.MaxPlan)
	text("/reason", &q.Reason, audit.MaxGapReason)
	if q.Reason == nil && (q.Status == audit.GapAccepted || q.Status == audit.GapResolved) {
		fail("/reason", "required", "say why it is accepted, or how it was resolved")
	}
	at := g.DueAt
	if !same(q.Due, due) {
		at = nil
		if q.Due != nil {
			t, err := time.Parse(time.RFC3339Nano, *q.Due)
			if err != nil || t.Year() < 2000 || t.Year() > 9999 {
				fail(date, "invalid", "it is an RFC 3339 time, or null")
			}
			t = audit.Instant(t)
			at = &t
		}
	}
	if bad != nil {
		return invalid("the change is not valid", bad...)
	}
	g.Status, g.Owner, g.Plan, g.Reason, g.DueAt = q.Status, q.Owner, q.Plan, q.Reason, at
	return nil
}

func cloned(s *string) *string {
	if s == nil {
		return nil
	}
	c := *s
	return &c
}

func same(a, b *string) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

func gapDetails(g *store.Gap) audit.Object {
	return audit.Object{"status": g.Status, "owner": g.Owner, "plan": g.Plan, "due": formattedOrNil(g.DueAt), "reason": g.Reason}
}

func gapTag(g *store.Gap) string { return `"` + g.ID + "-" + strconv.Itoa(g.Version) + `"` }

// gapID is what the ids of findings and violations have in common.
var gapID = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)

func (s *server) gap(r *http.Request, kind audit.GapKind) (g store.Gap, err error) {
	id := variable(r, string(kind)+"_id")
	if gapID.MatchString(id) {
		g, err = s.Store.Gap(r.Context(), principal(r).Ledger, kind, id, principal(r).Constraints)
	} else {
		err = audit.Errorf(audit.NotFound, "that is no id")
	}
	if audit.CodeOf(err) == audit.NotFound {
		err = audit.Errorf(audit.NotFound, "there is no such %s", kind)
	}
	return g, err
}
