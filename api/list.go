package api

import (
	"net/http"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// The stores that lists read: the database, in which payloads from the archive are
// for a time when somebody retrieved them.
var (
	databaseAlone = []string{"primary_audit_db"}
	withArchive   = []string{"primary_audit_db", "compliance_archive"}
)

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
	if status == statusArchived { // what is archived is in no list
		total := int64(0)
		return reply{data: []any{}, pagination: offsetPage{Total: counted(page, total), Limit: page.Limit, Offset: &offset}, metadata: map[string]any{"query_execution_time_ms": 0, "data_sources": databaseAlone}}, nil
	}
	if f.OnHold = status == statusOnHold; f.OnHold {
		if err := s.require(principal(r), audit.ManageLegalHolds); err != nil {
			return reply{}, err
		}
		seen, err := s.holdsSeen(r)
		if err != nil {
			return reply{}, err
		}
		for _, h := range seen {
			f.HeldBy = append(f.HeldBy, h.ID)
		}
	}
	list, entries, metadata, err := s.list(r, f, page)
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
	holds, err := s.holdsSeen(r)
	if err != nil {
		return reply{}, err
	}
	data := make([]*entryBody, len(entries))
	for i, e := range entries {
		data[i] = entryView(e, policies, holds, opened[e.Seq])
	}
	p := offsetPage{Total: counted(page, list.Total), Limit: page.Limit, HasMore: list.More, NextCursor: list.NextCursor}
	if page.Cursor == "" {
		p.Offset = &offset
	}
	return reply{data: data, pagination: p, metadata: metadata}, nil
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
	list, entries, metadata, err := s.list(r, f, page)
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
	return reply{data: data, pagination: p, metadata: metadata}, nil
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

// list reads a page and masks it for callers who may not see everything. metadata
// says which stores were read, and how much of the period is in the archive alone.
// Returns Archived when nothing of the period is anywhere else.
func (s *server) list(r *http.Request, f audit.Filter, p audit.Page) (list ledger.List, entries []audit.Entry, metadata map[string]any, err error) {
	f.Within, f.EmailsMasked = principal(r).Constraints, !principal(r).Can(audit.ReadSensitive)
	org, started := principal(r).Ledger, s.Clock()
	list, err = s.Log.List(r.Context(), org, f, p)
	if err != nil {
		return list, nil, nil, err
	}
	metadata = map[string]any{"query_execution_time_ms": s.Clock().Sub(started).Milliseconds(), "data_sources": databaseAlone}
	if err := s.addArchived(r, f.Period, len(list.Rows) == 0 && p.Cursor == "" && p.Offset == 0, metadata); err != nil {
		return list, nil, nil, err
	}
	entries = make([]audit.Entry, len(list.Rows))
	for i := range list.Rows {
		entries[i] = s.read(r, &list.Rows[i])
		if !principal(r).Can(audit.ReadSensitive) {
			entries[i] = audit.Mask(entries[i])
		}
	}
	return list, entries, metadata, nil
}

// addArchived says in metadata what of a period is in the archive.
func (s *server) addArchived(r *http.Request, p audit.Period, empty bool, metadata map[string]any) error {
	org := principal(r).Ledger
	now, err := s.standing.of(r.Context(), org)
	if err != nil || !now.archived {
		return err
	}
	o, err := s.Log.Offline(r.Context(), org, p)
	if err != nil {
		return err
	}
	if o.Restored {
		metadata["data_sources"] = withArchive
	}
	if o.Segments == 0 {
		return nil
	}
	metadata["archived_entries"] = o.Entries
	if !empty {
		return nil
	}
	some, err := s.Log.List(r.Context(), org, audit.Filter{Period: p}, audit.Page{Limit: 1})
	if err == nil && len(some.Rows) == 0 {
		err = s.Log.Online(r.Context(), org, p)
	}
	return err
}

func counted(p audit.Page, total int64) *int64 {
	if !p.Total {
		return nil
	}
	return &total
}
