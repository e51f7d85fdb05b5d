package api

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/store"
)

var complianceParameters = []string{"framework", "period", "start", "end", "include_details", "assessment_id"}

// Limits of GET /compliance.
const (
	MaxShownGaps      = 200 // findings of all frameworks
	MaxViolations     = 50
	riskStableBelow   = 5 // percent of change that count as none
	reasonNoPrior     = "no assessment is as old as the period is long, so there is nothing to compare with"
	reasonNoneBefore  = "there was no risk before that a change could be a percentage of"
	reasonNoRisk      = "nothing was assessed"
	reasonUnscheduled = "assessments are not scheduled"
)

// assessed is a stored assessment with what its summary says.
type assessed struct {
	store.Assessment
	Reports []control.Report
	stored  bool
}

// showCompliance answers GET /compliance from the newest assessment of what is
// asked for. It assesses nothing itself: where there is no assessment, every figure
// is null.
func (s *server) showCompliance(r *http.Request) (reply, error) {
	q := callOf(r).query
	f, details := q.framework("framework"), q.flag("include_details", true)
	a, err := s.assessedAs(r, f)
	if err != nil {
		return reply{}, err
	}
	body := complianceBody{Frameworks: []frameworkStatus{}, Upcoming: []upcomingBody{}}
	ledger := principal(r).Ledger
	findings := map[audit.Framework][]*findingBody{}
	if details {
		list, _, err := s.Store.Gaps(r.Context(), ledger, store.GapFilter{Kind: audit.FindingGap, Framework: f, Living: true}, MaxShownGaps, 0)
		if err != nil {
			return reply{}, err
		}
		for i := range list {
			findings[list[i].Framework] = append(findings[list[i].Framework], findingView(&list[i]))
		}
		list, _, err = s.Store.Gaps(r.Context(), ledger, store.GapFilter{Kind: audit.ViolationGap, Framework: f}, MaxViolations, 0)
		if err != nil {
			return reply{}, err
		}
		body.Violations = []*violationBody{}
		for i := range list {
			body.Violations = append(body.Violations, violationView(&list[i]))
		}
	}
	assessedCount := 0
	for i := range a.Reports {
		report := &a.Reports[i]
		assessedCount += report.Counts.Total - report.Counts.NotAssessed
		view := statusView(report, details)
		if details {
			view.Findings = append([]*findingBody{}, findings[report.Framework]...)
		}
		body.Frameworks = append(body.Frameworks, view)
		for _, u := range report.Upcoming {
			body.Upcoming = append(body.Upcoming, upcomingBody{u.Title, u.Requirement, report.Framework, audit.FormatTime(u.Due), u.Preparation, u.Completion})
		}
	}
	slices.SortStableFunc(body.Upcoming, func(a, b upcomingBody) int { return strings.Compare(a.DueDate, b.DueDate) })
	body.Assessment = s.overall(a)
	if body.Risk, err = s.risk(r, f, a, assessedCount); err != nil {
		return reply{}, err
	}
	return reply{data: body, metadata: map[string]any{"assessment_period": a.Period().String()}}, nil
}

// assessedAs finds the newest assessment of what the request asks for. Without one
// it returns the catalogues with nothing assessed, of the period that was asked for.
func (s *server) assessedAs(r *http.Request, f audit.Framework) (*assessed, error) {
	q, now := callOf(r).query, s.Clock()
	name, id := q.text("period"), q.identifier("assessment_id")
	period := q.period("start", "end")
	switch {
	case q.err != nil:
		return nil, q.err
	case name != "" && (!period.From.IsZero() || !period.Until.IsZero()):
		return nil, audit.Errorf(audit.InvalidParameter, "a period has a name, or start and end").With("parameter", "period")
	case period.From.IsZero() != period.Until.IsZero():
		return nil, audit.Errorf(audit.InvalidParameter, "a period has both start and end").With("parameter", "start")
	case id != "" && !assessmentID.MatchString(id):
		return nil, audit.Errorf(audit.InvalidParameter, "there is no such assessment").With("parameter", "assessment_id")
	}
	frameworks := audit.Frameworks
	if f != "" {
		frameworks = []audit.Framework{f}
	}
	named, canonical := period, ""
	if name != "" {
		var err error
		if named, canonical, err = audit.NamedPeriod(name, now); err != nil {
			return nil, err
		}
		period = audit.Period{}
	}
	row, err := s.find(r, audit.AssessmentID(id), frameworks, canonical, period)
	if err == nil && f != "" && !slices.Contains(row.Frameworks, f) {
		return nil, audit.Errorf(audit.InvalidParameter, "%s is not of %s", row.ID, f).With("parameter", "framework")
	}
	if audit.CodeOf(err) == audit.NotFound {
		if named.From.IsZero() {
			named = audit.Period{From: now.Add(-audit.DefaultAssessmentPeriod), Until: now}
		}
		return nothingAssessed(frameworks, named)
	}
	if err != nil {
		return nil, err
	}
	return assessedIn(row, f)
}

// assessedIn reads what a completed assessment says of a framework, or of all.
func assessedIn(row store.Assessment, f audit.Framework) (*assessed, error) {
	var summary control.Assessment
	if err := json.Unmarshal(*row.Summary, &summary); err != nil {
		return nil, fmt.Errorf("read the summary of %s: %w", row.ID, err)
	}
	out := &assessed{Assessment: row, stored: true}
	out.Reports = slices.DeleteFunc(summary.Reports, func(c control.Report) bool { return f != "" && c.Framework != f })
	return out, nil
}

func (s *server) find(r *http.Request, id audit.AssessmentID, frameworks []audit.Framework, name string, p audit.Period) (store.Assessment, error) {
	if id == "" {
		return s.Store.NewestAssessment(r.Context(), principal(r).Ledger, frameworks, name, p)
	}
	row, err := s.Store.Assessment(r.Context(), principal(r).Ledger, id)
	if audit.CodeOf(err) == audit.NotFound || err == nil && row.Status != audit.AssessmentCompleted {
		return row, audit.Errorf(audit.InvalidParameter, "there is no such assessment, or it is not completed").With("parameter", "assessment_id")
	}
	return row, err
}

// nothingAssessed is what is said where no assessment is stored.
func nothingAssessed(frameworks []audit.Framework, p audit.Period) (*assessed, error) {
	catalogs, err := control.Shipped()
	if err != nil {
		return nil, err
	}
	out := &assessed{Assessment: store.Assessment{FromTime: p.From, UntilTime: p.Until}}
	for _, c := range catalogs {
		if !slices.Contains(frameworks, c.Framework) {
			continue
		}
		report := control.Report{Framework: c.Framework, Edition: c.Edition, CatalogVersion: c.Version, CatalogDigest: c.Digest, Status: control.StatusNotAssessed}
		report.Counts.Total, report.Counts.NotAssessed = len(c.Requirements), len(c.Requirements)
		for _, m := range c.Metrics {
			report.Metrics = append(report.Metrics, control.Value{Group: m.Group, Name: m.Name, Reason: reasonNothingStored})
		}
		out.Reports = append(out.Reports, report)
	}
	return out, nil
}

// overall is the mean of the scores that are known, and the worst status that is.
func (s *server) overall(a *assessed) overallStatus {
	out := overallStatus{Status: control.StatusNotAssessed}
	order := []control.Status{control.StatusNonCompliant, control.StatusPartiallyCompliant, control.StatusInsufficient, control.StatusCompliant, control.StatusNotAssessed}
	var sum, floor, coverage float64
	n := 0
	for _, r := range a.Reports {
		if slices.Index(order, r.Status) < slices.Index(order, out.Status) {
			out.Status = r.Status
		}
		floor, coverage = floor+r.Floor, coverage+r.Coverage
		if r.Score != nil {
			sum, n = sum+*r.Score, n+1
		}
	}
	out.Floor, out.Coverage = oneDecimal(floor/float64(len(a.Reports))), oneDecimal(coverage/float64(len(a.Reports)))
	if n > 0 {
		score := oneDecimal(sum / float64(n))
		out.Score = &score
	}
	if s.AssessEvery > 0 {
		next := audit.FormatTime(s.Clock().Truncate(s.AssessEvery).Add(s.AssessEvery))
		out.Next = &next
	} else {
		out.NextReason = reasonUnscheduled
	}
	if !a.stored {
		out.Reason = reasonNothingStored
		return out
	}
	last := audit.FormatTime(*a.CompletedAt)
	out.Last, out.ID = &last, &a.ID
	return out
}

func oneDecimal(x float64) float64 { return math.Round(10*x) / 10 }
