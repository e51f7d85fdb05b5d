package ledger

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sealbook/sealbook/audit"
)

// DefaultSearchTimeout bounds the database's work on one search.
const DefaultSearchTimeout = 10 * time.Second

// Search asks for entries by their text.
type Search struct {
	Query      string // as websearch_to_tsquery reads it: words, "phrases", or, -not
	Fields     audit.SearchFields
	Everything bool // also what masking hides
	Within     audit.Constraints
	Limit      int
	Offset     int // at most audit.MaxOffset
}

// Found is a page of matches, the best first.
type Found struct {
	Matches []Match
	Total   int64 // matches that were ranked: at most audit.MaxSearchMatches
	Capped  bool  // there can be more before From
	From    int64 // the indexed entries from this one on were looked at; 0 is all
	Indexed int64 // entries of the ledger that are indexed, from the first on
	Size    int64 // entries of the ledger
}

// Match is an entry with its score, from 0 to 1.
type Match struct {
	Row
	Score float32
}

// The configuration is simple: no stemming, no stop words. Audit text is ids,
// names and many languages; who searches for a word wants that word, and "who"
// and "it" are words.
//
// To look at a part of the text, each word of the query gets the part's weight.
// Postgres prints a word in quotes and doubles the quotes inside it.
const parseQuery = `
	select querytree(q), case $2 when '' then q::text::tsquery else regexp_replace(q::text, $re$'([^']|'')*'$re$, '\&:' || $2, 'g')::tsquery end, numnode(q)
	from websearch_to_tsquery('simple', $1) q`

// Postgres takes every dash for another negation, and has room for 32 of them
// inside each other.
var dashes = regexp.MustCompile(`-[-\s\p{Z}]*-`)

// parse returns the query in Postgres' own form. No query is an error of
// syntax, but what Postgres cannot hold is the caller's to say more simply.
func (s *Search) parse(ctx context.Context, tx pgx.Tx) (p parsed, err error) {
	weight := map[audit.SearchFields]string{audit.SearchActor: "A", audit.SearchDetails: "B"}[s.Fields]
	var words int
	var tree string
	err = tx.QueryRow(ctx, parseQuery, plainQuery(s.Query), weight).Scan(&tree, &p.query, &words)
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg) && !serverTrouble(pg):
		return p, (&audit.Error{Code: audit.InvalidParameter, Message: "the query is too involved", Err: err}).With("parameter", "q")
	case err == nil && words == 0:
		return p, audit.Errorf(audit.InvalidParameter, "the query holds no word: letters or digits").With("parameter", "q")
	}
	p.loose = loosen(tree)
	return p, err
}

func plainQuery(query string) string { return dashes.ReplaceAllString(query, "-") }

// Search finds entries. Returns InvalidParameter when the query holds no word,
// PaginationTooDeep, or Unavailable when it takes too long.
func (l *Log) Search(ctx context.Context, ledger int32, s Search) (found Found, err error) {
	if s.Offset > audit.MaxOffset {
		return found, audit.Errorf(audit.PaginationTooDeep, "results can be entered at most %d deep; use rarer words", audit.MaxOffset)
	}
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		if err := bound(ctx, tx, l.config.SearchTimeout); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `
			select h.size, coalesce(p.size, 0) from head h left join search_progress p on p.ledger = h.ledger where h.ledger = $1`, ledger).
			Scan(&found.Size, &found.Indexed); err != nil {
			return err
		}
		p, err := s.parse(ctx, tx)
		if err != nil {
			return err
		}
		return found.read(ctx, tx, ledger, p, s, l.config.SearchWork)
	})
	if tooLong(err) {
		err = &audit.Error{Code: audit.Unavailable, Message: "the search takes too long; use rarer words", Err: err}
	}
	if err != nil {
		return Found{}, fmt.Errorf("search: %w", err)
	}
	return found, nil
}

// bound lets the database itself give up: it would go on working for a client
// that has left.
func bound(ctx context.Context, tx pgx.Tx, limit time.Duration) error {
	var q pgx.Batch
	boundOnce(&q, limit)
	return tx.SendBatch(ctx, &q).Close()
}

// boundOnce is bound for queries that go in one round trip.
func boundOnce(q *pgx.Batch, limit time.Duration) {
	q.Queue(`select set_config('statement_timeout', $1, true)`, strconv.FormatInt(max(limit.Milliseconds(), 1), 10))
}

func tooLong(err error) bool {
	const queryCanceled = "57014"
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == queryCanceled
}

func (f *Found) read(ctx context.Context, tx pgx.Tx, ledger int32, p parsed, s Search, work int64) error {
	hits, err := f.walk(ctx, tx, ledger, p, s, work)
	if err != nil {
		return err
	}
	page := hits[min(s.Offset, len(hits)):min(s.Offset+s.Limit, len(hits))]
	seqs, scores := make([]int64, len(page)), make(map[int64]float32, len(page))
	for i, h := range page {
		seqs[i], scores[h.seq] = h.seq, h.score
	}
	rows, err := tx.Query(ctx, `
		select `+rowColumns+`
		from unnest($2::bigint[]) with ordinality as m (seq, place)
		join entry e on e.ledger = $1 and e.seq = m.seq
		left join payload p on p.ledger = e.ledger and p.seq = e.seq
		order by m.place`, binaryRows, ledger, seqs)
	if err != nil {
		return err
	}
	f.Matches, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Match, error) {
		r, err := collectRow(row)
		return Match{r, scores[r.Seq]}, err
	})
	return err
}

// Marks stand around the words of a highlight that the query names. They are
// private characters, and the texts that come in have none of them left.
const (
	MarkStart = "\uE000"
	MarkEnd   = "\uE001"
)

const highlightOptions = `MaxFragments=2, MaxWords=24, MinWords=8, FragmentDelimiter="...", StartSel=` + MarkStart + `, StopSel=` + MarkEnd

// The words of a text may be in the index by their parts alone. Then the
// highlight shows the parts.
const selectHighlights = `
	select case when strpos(h, $4) > 0 or parts = '' then h else ts_headline('simple', parts, q, $5) end
	from websearch_to_tsquery('simple', $1) q,
		unnest($2::text[], $3::text[]) with ordinality as t (words, parts, place),
		lateral ts_headline('simple', words, q, $5) h
	order by place`

// Highlight returns for each text the fragments that show best what a query
// finds, as plain text with marks around the words.
func (l *Log) Highlight(ctx context.Context, ledger int32, query string, all []string) (highlights []string, err error) {
	clean := strings.NewReplacer(MarkStart, "\uFFFD", MarkEnd, "\uFFFD")
	words, parts := make([]string, len(all)), make([]string, len(all))
	for i, text := range all {
		words[i] = clean.Replace(text)
		parts[i] = audit.SearchParts(words[i])
	}
	err = l.read(ctx, ledger, func(tx pgx.Tx) error {
		if err := bound(ctx, tx, l.config.SearchTimeout); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectHighlights, plainQuery(query), words, parts, MarkStart, highlightOptions)
		if err != nil {
			return err
		}
		highlights, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if tooLong(err) {
		err = &audit.Error{Code: audit.Unavailable, Message: "the search takes too long; ask for fewer results", Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("highlight: %w", err)
	}
	return highlights, nil
}
