package api

import (
	"net/http"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// dataSources names the stores that lists read.
var dataSources = []string{"primary_audit_db"}

// offsetPage and numberedPage are how the documents count pages; each also
// says with which cursor the list goes on.
type offsetPage struct {
	Total      *int64 `json:"total,omitempty"`
	Limit      int    `json:"limit"`
	Offset     *int   `json:"offset,omitempty"` // not with a cursor
	HasMore    bool   `json:"has_more"`
	NextCursor string `json:"next_cursor,omitempty"`
}

type numberedPage struct {
	Page       *int   `json:"page,omitempty"` // not with a cursor
	Limit      int    `json:"limit"`
	Total      *int64 `json:"total,omitempty"`
	NextCursor string `json:"next_cursor,omitempty"`
}

var (
	entryParameters = []string{
		"start_time", "end_time", "event_type", "user_id", "resource_type", "resource_id", "severity", "category",
		"compliance_framework", "status", "limit", "offset", "cursor", "order", "include_total",
	}
	logParameters = []string{
		"repository_id", "event_type", "actor", "from", "to", "page", "limit", "cursor", "order", "include_total",
	}
)

// listEntries answers GET /entries in document B's shape.
func (s *server) listEntries(r *http.Request) (reply, error) {
	q := callOf(r).query
	f := audit.Filter{
		Period:       q.period("start_time", "end_time"),
		Class:        audit.EventClass(q.oneOf("event_type", texts(audit.EventClasses)...)),
		UserID:       q.identifier("user_id"),
		ResourceType: q.identifier("resource_type"),
		ResourceID:   q.identifier("resource_id"),
		Severity:     audit.Severity(q.oneOf("severity", texts(audit.Severities)...)),
		Category:     q.text("category"),
		Framework:    q.framework("compliance_framework"),
	}
	status := q.oneOf("status", statusActive, "archived", "on_hold")
	offset := q.number("offset", 0, 0, 1<<31)
	page := q.page(offset, "offset")
	if q.err != nil {
		return reply{}, q.err
	}
	if status != "" && status != statusActive { // no entry is anything else
		total := int64(0)
		return reply{data: []any{}, pagination: offsetPage{Total: counted(page, total), Limit: page.Limit, Offset: &offset}, metadata: listMetadata(0)}, nil
	}
	list, entries, took, err := s.list(r, f, page)
	if err != nil {
		return reply{}, err
	}
	policies, err := s.retention.of(r.Context(), principal(r).Ledger)
	if err != nil {
		return reply{}, err
	}
	opened, err := s.investigationsOf(r, entries)
	if err != nil {
		return reply{}, err
	}
	data := make([]*entryBody, len(entries))
	for i, e := range entries {
		data[i] = entryView(e, policies, opened[e.Seq])
	}
	p := offsetPage{Total: counted(page, list.Total), Limit: page.Limit, HasMore: list.More, NextCursor: list.NextCursor}
	if page.Cursor == "" {
		p.Offset = &offset
	}
	return reply{data: data, pagination: p, metadata: listMetadata(took)}, nil
}

// listLogs answers GET /logs in document A's shape.
func (s *server) listLogs(r *http.Request) (reply, error) {
	q := callOf(r).query
	f := audit.Filter{
		Period: q.period("from", "to"), Types: q.eventTypes("event_type"),
		Actor: q.identifier("actor"), RepositoryID: q.identifier("repository_id"),
	}
	number := q.number("page", 1, 1, 1<<31)
	page := q.page(0, "page")
	page.Offset = (number - 1) * page.Limit
	if q.err != nil {
		return reply{}, q.err
	}
	list, entries, took, err := s.list(r, f, page)
	if err != nil {
		return reply{}, err
	}
	data := make([]*logBody, len(entries))
	for i, e := range entries {
		data[i] = logView(e)
	}
	p := numberedPage{Limit: page.Limit, Total: counted(page, list.Total), NextCursor: list.NextCursor}
	if page.Cursor == "" {
		p.Page = &number
	}
	return reply{data: data, pagination: p, metadata: listMetadata(took)}, nil
}

// page reads what both lists have in common. A cursor stands instead of the
// parameter that counts.
func (q *query) page(offset int, counting string) audit.Page {
	p := audit.Page{
		Limit: q.number("limit", audit.DefaultPageLimit, 1, audit.MaxPageLimit), Offset: offset, Cursor: q.text("cursor"),
		Ascending: q.oneOf("order", "asc", "desc") == "asc", Total: q.flag("include_total", true),
	}
	if _, both := q.values[counting]; both && p.Cursor != "" {
		q.fail("cursor", nil, "send either cursor or %s", counting)
	}
	return p
}

// eventTypes reads a comma-separated list of verbatim types.
func (q *query) eventTypes(name string) []string {
	s := q.text(name)
	if s == "" {
		return nil
	}
	types := strings.Split(s, ",")
	for _, t := range types {
		if !audit.ValidEventTypeName(t) {
			q.fail(name, nil, "%.80q cannot be an event type", t)
		}
	}
	return types
}

// list reads a page and masks it for callers who may not see everything. took
// is in milliseconds.
func (s *server) list(r *http.Request, f audit.Filter, p audit.Page) (list ledger.List, entries []audit.Entry, took int64, err error) {
	f.Within, f.EmailsMasked = principal(r).Constraints, !principal(r).Can(audit.ReadSensitive)
	started := s.Clock()
	list, err = s.Log.List(r.Context(), principal(r).Ledger, f, p)
	if err != nil {
		return list, nil, 0, err
	}
	took = s.Clock().Sub(started).Milliseconds()
	entries = make([]audit.Entry, len(list.Rows))
	for i := range list.Rows {
		entries[i] = s.read(r, &list.Rows[i])
		if !principal(r).Can(audit.ReadSensitive) {
			entries[i] = audit.Mask(entries[i])
		}
	}
	return list, entries, took, nil
}

func counted(p audit.Page, total int64) *int64 {
	if !p.Total {
		return nil
	}
	return &total
}

func listMetadata(took int64) map[string]any {
	return map[string]any{"query_execution_time_ms": took, "data_sources": dataSources}
}
