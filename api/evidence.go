package api

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/catalog"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

var evidenceParameters = []string{"criteria", "audit_period_start", "audit_period_end"}

const (
	// defaultEvidenceDays is the audit period when none is given: so many days,
	// the last of them today.
	defaultEvidenceDays = 90
	// MaxUploadsShown bounds the uploads in one framework's answer; the newest.
	MaxUploadsShown = 500
)

// frameworkBody is document A's answer.
type frameworkBody struct {
	Criteria string          `json:"criteria"`
	Items    []*evidenceBody `json:"evidence_items"`
	Controls controlResults  `json:"control_results"` // ours
}

// evidencePeriod is an audit period by its days, both inclusive.
type evidencePeriod struct{ from, to time.Time }

func (p evidencePeriod) period() audit.Period {
	return audit.Period{From: p.from, Until: p.to.AddDate(0, 0, 1)}
}

func (p evidencePeriod) dates() *dateRange {
	return &dateRange{p.from.Format(time.DateOnly), p.to.Format(time.DateOnly)}
}

// showSOC2Evidence answers GET /evidence/soc2, document A's own path.
func (s *server) showSOC2Evidence(r *http.Request) (reply, error) {
	return s.frameworkEvidence(r, audit.SOC2)
}

// showEvidence answers GET /evidence/{name}: a framework's evidence, or the one
// item that an id names.
func (s *server) showEvidence(r *http.Request) (reply, error) {
	name := variable(r, "name")
	if strings.HasPrefix(name, "ev_") {
		return s.evidenceItem(r, name)
	}
	framework, ok := audit.ParseFramework(name)
	if !ok {
		q := callOf(r).query
		q.fail("framework", texts(audit.Frameworks), "%.40q is no framework; there are %s", name, strings.Join(texts(audit.Frameworks), ", "))
		return reply{}, q.err
	}
	return s.frameworkEvidence(r, framework)
}

// frameworkEvidence lists what there is for a framework's criteria in a period:
// what the ledger's entries are, counted now, and what people uploaded.
func (s *server) frameworkEvidence(r *http.Request, f audit.Framework) (reply, error) {
	callOf(r).seen.counted = true
	if err := s.coversFramework(r, f); err != nil {
		return reply{}, err
	}
	q := callOf(r).query
	framework, _ := s.catalog.Of(f) // the catalogue has all; its test says so
	echo, criteria := q.criteria("criteria", &framework)
	period := q.evidencePeriod(s.Clock())
	if q.err != nil {
		return reply{}, q.err
	}
	items, err := s.aggregates(r, f, s.catalog.For(f, criteria), period)
	if err != nil {
		return reply{}, err
	}
	uploads, total, err := s.uploads(r, store.EvidenceFilter{Criteria: criteria, Period: period.period()}, MaxUploadsShown, 0)
	if err != nil {
		return reply{}, err
	}
	for _, u := range uploads {
		items = append(items, uploadView(u))
	}
	without := []string{}
	for _, id := range criteria {
		if !slices.ContainsFunc(items, func(e *evidenceBody) bool { return slices.Contains(e.Criteria, id) }) {
			without = append(without, id)
		}
	}
	metadata := map[string]any{
		"framework": strings.ToLower(string(f)), "edition": framework.Edition, "catalog_version": s.catalog.Version,
		"audit_period": period.dates(), "criteria_without_evidence": without, "uploads_not_shown": total - int64(len(uploads)),
	}
	maps.Copy(metadata, coverage(r))
	controls, err := s.controls(r, f, criteria)
	return reply{data: frameworkBody{echo, items, controls}, metadata: metadata}, err
}

// aggregates counts what queries select of the ledger. What selects nothing is
// no evidence and is left out.
func (s *server) aggregates(r *http.Request, f audit.Framework, queries []catalog.Query, period evidencePeriod) ([]*evidenceBody, error) {
	matches := make([][]audit.Selector, len(queries))
	for i, q := range queries {
		matches[i] = q.Match
	}
	tallies, err := s.Log.Tallies(r.Context(), principal(r).Ledger, period.period(), principal(r).Constraints, matches)
	if err != nil {
		return nil, err
	}
	items := []*evidenceBody{}
	for i, q := range queries {
		if tallies[i].Count > 0 {
			items = append(items, aggregateView(f, q, period, tallies[i]))
		}
	}
	return items, nil
}

func aggregateView(f audit.Framework, q catalog.Query, p evidencePeriod, t ledger.Tally) *evidenceBody {
	return &evidenceBody{
		ID: aggregateID(f, q.ID, p), Type: q.Type, Title: q.Title, Description: q.Description, Criteria: q.Criteria[f],
		Range: p.dates(), Count: &t.Count, First: formatted(t.First), Last: formatted(t.Last),
	}
}

// aggregateID is the same for the same question.
func aggregateID(f audit.Framework, query string, p evidencePeriod) audit.EvidenceID {
	const day = "20060102"
	return audit.EvidenceID(fmt.Sprintf("ev_%s_%s_%s_%s", strings.ToLower(string(f)), query, p.from.Format(day), p.to.Format(day)))
}

var aggregateForm = regexp.MustCompile(`^ev_([a-z0-9_]+)_([a-z-]+)_(\d{8})_(\d{8})$`)

// parseAggregateID reads the question out of an id that aggregateID made.
func (s *server) parseAggregateID(id string) (f audit.Framework, q catalog.Query, p evidencePeriod, ok bool) {
	m := aggregateForm.FindStringSubmatch(id)
	if m == nil {
		return f, q, p, false
	}
	var known, there bool
	f, known = audit.ParseFramework(m[1])
	q, there = s.catalog.Query(m[2])
	from, fromErr := time.Parse("20060102", m[3])
	to, toErr := time.Parse("20060102", m[4])
	p = evidencePeriod{from, to}
	ok = known && there && len(q.Criteria[f]) > 0 && fromErr == nil && toErr == nil && !to.Before(from) && from.Year() >= 1970
	return f, q, p, ok && string(aggregateID(f, q.ID, p)) == id
}

// criteria reads one criterion or several, separated by commas. Without any,
// all are meant.
func (q *query) criteria(name string, f *catalog.Framework) (echo string, ids []string) {
	echo = q.text(name)
	if echo == "" {
		return "all", f.IDs()
	}
	for _, part := range strings.Split(echo, ",") {
		id, ok := f.Find(strings.TrimSpace(part))
		if !ok {
			q.fail(name, f.IDs(), "%s has no criterion %.40q", f.Framework, part)
		} else if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return echo, ids
}

// evidencePeriod reads the audit period by its days.
func (q *query) evidencePeriod(now time.Time) evidencePeriod {
	from, to := q.date("audit_period_start"), q.date("audit_period_end")
	if to.IsZero() {
		to = now.UTC().Truncate(24 * time.Hour)
		if from.After(to) {
			to = from
		}
	}
	if from.IsZero() {
		from = to.AddDate(0, 0, 1-defaultEvidenceDays)
	}
	if to.Before(from) {
		q.fail("audit_period_end", nil, "the audit period ends before it starts")
	}
	return evidencePeriod{from, to}
}

// date reads a day; zero when it is not given.
func (q *query) date(name string) time.Time {
	s := q.text(name)
	if s == "" {
		return time.Time{}
	}
	t, ok := parseDay(s)
	if !ok {
		q.fail(name, nil, "%s is a date YYYY-MM-DD", name)
	}
	return t
}

// parseDay reads a date of a year that an audit can concern.
func parseDay(s string) (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, s)
	return t, err == nil && t.Year() >= 1970
}
