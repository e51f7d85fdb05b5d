package api

import (
	"html"
	"maps"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

var searchParameters = []string{"q", "fields", "page", "limit"}

// searchBody is document A's answer; entry_id and seq are ours.
type searchBody struct {
	Results []searchResult `json:"results"`
	Total   int64          `json:"total"`
}

type searchResult struct {
	ID        string  `json:"id"`
	EventType string  `json:"event_type,omitempty"`
	Highlight string  `json:"highlight"`
	Score     float64 `json:"score"`
	Timestamp string  `json:"timestamp"`
	EntryID   string  `json:"entry_id"`
	Seq       int64   `json:"seq"`
}

// search answers GET /search. A caller without audit:read:sensitive searches
// what masking leaves, and gets highlights of nothing else: otherwise a search
// for an address would tell whether it is there.
func (s *server) search(r *http.Request) (reply, error) {
	q := callOf(r).query
	query := q.text("q")
	switch {
	case q.err == nil && query == "":
		q.fail("q", nil, "q is required: what to search for")
	case utf8.RuneCountInString(query) > audit.MaxSearchQuery:
		q.fail("q", nil, "q has at most %d characters", audit.MaxSearchQuery)
	}
	fields := audit.SearchFields(q.oneOf("fields", texts(audit.SearchFieldsList)...))
	if fields == "" {
		fields = audit.SearchAll
	}
	page, err := jobPage(r)
	if err != nil {
		return reply{}, err
	}
	everything := principal(r).Can(audit.ReadSensitive)
	started := s.Clock()
	found, err := s.Log.Search(r.Context(), principal(r).Ledger, ledger.Search{
		Query: query, Fields: fields, Everything: everything, Within: principal(r).Constraints, Limit: page.limit, Offset: page.offset(),
	})
	if err != nil {
		return reply{}, err
	}
	results, err := s.results(r, found, query, fields, everything)
	if err != nil {
		return reply{}, err
	}
	metadata := map[string]any{"query_execution_time_ms": s.Clock().Sub(started).Milliseconds(), "data_sources": databaseAlone}
	if err := s.addArchived(r, principal(r).Constraints.Period(), false, metadata); err != nil {
		return reply{}, err
	}
	maps.Copy(metadata, coverage(r))
	metadata["indexed_through_seq"], metadata["searched_from_seq"] = nil, nil
	if found.Indexed > 0 {
		metadata["indexed_through_seq"], metadata["searched_from_seq"] = found.Indexed-1, found.From
	}
	metadata["entries_not_indexed"] = max(found.Size-found.Indexed, 0)
	metadata["total_is_exact"] = !found.Capped
	metadata["searched_text"] = map[bool]string{true: "all", false: "unmasked"}[everything]
	// What was asked for stands where it can be erased, and where masking hides it.
	callOf(r).seen = seen{details: audit.Object{"fields": fields, "results": found.Total}, metadata: audit.Object{"query": query}}
	return reply{data: searchBody{results, found.Total}, pagination: page.of(found.Total), metadata: metadata}, nil
}

// results projects matches: each from its entry, as it is stored, and not from
// the index.
func (s *server) results(r *http.Request, found ledger.Found, query string, fields audit.SearchFields, everything bool) ([]searchResult, error) {
	out, all := make([]searchResult, len(found.Matches)), make([]string, len(found.Matches))
	for i := range found.Matches {
		m := &found.Matches[i]
		e := s.read(r, &m.Row)
		if !everything {
			e = audit.Mask(e)
		}
		all[i] = e.SearchText().Of(fields)
		out[i] = searchResult{
			ID: e.LogID(), EventType: e.Type, Score: float64(m.Score), Timestamp: audit.FormatTime(e.Time()), EntryID: e.EntryID(), Seq: e.Seq,
		}
	}
	highlights, err := s.Log.Highlight(r.Context(), principal(r).Ledger, query, all)
	if err != nil {
		return nil, err
	}
	for i, h := range highlights {
		out[i].Highlight = highlight(h, all[i])
	}
	return out, nil
}

var marks = strings.NewReplacer(ledger.MarkStart, "<em>", ledger.MarkEnd, "</em>")

// highlight makes HTML of a marked fragment of a text. Whatever emitters put
// into their events is escaped before the marks become the only tags.
func highlight(marked, text string) string {
	plain := strings.NewReplacer(ledger.MarkStart, "", ledger.MarkEnd, "").Replace(marked)
	before, after := "...", "..."
	if strings.HasPrefix(text, plain) {
		before = ""
	}
	if strings.HasSuffix(text, plain) {
		after = ""
	}
	return before + marks.Replace(html.EscapeString(marked)) + after
}
