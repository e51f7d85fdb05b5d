package ledger_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// indexedTexts puts texts into the index of a ledger, without entries, and
// returns a connection that searches it.
func indexedTexts(t *testing.T, texts string, args ...any) *pgx.Conn {
	t.Helper()
	_, id, dsn := ledgertest.New(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	for _, sql := range []string{
		fmt.Sprintf(`insert into search_text (ledger, seq, basic, sensitive) select %d, seq, '', vector from (%s) t (seq, vector)`, id, texts),
		`select sort_in_search_text()`, fmt.Sprintf(`select set_config('sealbook.ledger', '%d', false)`, id),
	} {
		if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
		args = nil
	}
	return conn
}

// walked is what search_sensitive returns, and how many rows Postgres itself
// says that it has read meanwhile.
type walked struct {
	strict              string // the query that was asked; "" is none
	reached, read, rows int64
	seqs                []int64
	scores              []float32
}

func walk(t *testing.T, conn *pgx.Conn, query string, fields audit.SearchFields, before, most, work int64) (w walked) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		strict, loose, err := ledger.ParseSearch(t.Context(), tx, query, fields)
		if err != nil && audit.CodeOf(err) == audit.InvalidParameter {
			return nil
		}
		if err != nil {
			return err
		}
		w.strict = strict
		const rows = `select pg_stat_get_xact_tuples_fetched('search_text'::regclass) + pg_stat_get_xact_tuples_returned('search_text'::regclass)`
		var had int64
		if err := tx.QueryRow(t.Context(), rows).Scan(&had); err != nil {
			return err
		}
		if err := tx.QueryRow(t.Context(), `select * from search_sensitive($1::text::tsquery, $2::text::tsquery, $3, $4, $5)`, strict, loose, before, most, work).
			Scan(&w.reached, &w.read, &w.seqs, &w.scores); err != nil {
			return err
		}
		err = tx.QueryRow(t.Context(), rows).Scan(&w.rows)
		w.rows -= had
		return err
	})
	if err != nil {
		t.Fatalf("%q: %v", query, err)
	}
	return w
}

// TestSearchWorkDoesNotGrow searches ledgers of two sizes, one three times the
// other. What is read does not depend on it, also of queries that the index
// cannot answer by itself, and ends where it is told to.
func TestSearchWorkDoesNotGrow(t *testing.T) {
	t.Parallel()
	const small, large, work = 70_000, 210_000, 30_000
	conn := indexedTexts(t, fmt.Sprintf(`
		select n, setweight(to_tsvector('simple', 'every one' || case when n %% 30 = 0 then ' some' else '' end || case when n < %d then ' once' else '' end), 'A')
		from generate_series(0, %d - 1) n`, small/2, large))
	const window, wide = 8192, 65536
	for _, c := range []struct {
		query  string
		fields audit.SearchFields
		found  bool
		most   int64 // rows that may be read
	}{
		{"every", audit.SearchAll, true, audit.MaxSearchMatches + 2*window},
		{"some", audit.SearchAll, true, audit.MaxSearchMatches + window},
		{"every one", audit.SearchAll, true, audit.MaxSearchMatches + 2*window},
		{"every or one", audit.SearchAll, true, audit.MaxSearchMatches + 2*window},
		{"every -some", audit.SearchAll, true, audit.MaxSearchMatches + 2*window},
		{"-some", audit.SearchAll, true, audit.MaxSearchMatches + 2*window},
		{"once", audit.SearchAll, true, audit.MaxSearchMatches + wide},
		{`"one every"`, audit.SearchAll, false, work + window}, // the words are there, and never in this order
		{"every", audit.SearchDetails, false, work + window},   // it stands in another part
		{"-every", audit.SearchAll, false, work + window},
		{"never", audit.SearchAll, false, 0},
		{"every never", audit.SearchAll, false, 0},
	} {
		var sizes [2]walked
		for i, size := range []int64{small, large} {
			w := walk(t, conn, c.query, c.fields, size, audit.MaxSearchMatches+1, work)
			sizes[i] = w
			if w.rows > c.most || w.rows > w.read || c.found != (len(w.seqs) > 0) {
				t.Errorf("%q in %d entries: %d matches, and %d rows were read, %d by its own account", c.query, size, len(w.seqs), w.rows, w.read)
			}
			if ended := len(w.seqs) == audit.MaxSearchMatches+1 || w.read >= work; ended != (w.reached > 0) {
				t.Errorf("%q in %d entries ended at %d with %d matches, after %d rows", c.query, size, w.reached, len(w.seqs), w.read)
			}
		}
		if d := sizes[1].rows - sizes[0].rows; d > window {
			t.Errorf("%q: %d more rows are read where there are more entries", c.query, d)
		}
	}
}

// TestSearchFindsWhatAScanFinds compares windows, loosened queries and all with
// the query itself over every row, for queries made at random.
func TestSearchFindsWhatAScanFinds(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	words := []string{"a", "b", "c", "d", "e", "it's", "x-y", "dev@acme.com", "/a/b", "-5"}
	var seqs []int64
	var texts [2][]string
	text := func() string {
		var out []string
		for range random.IntN(5) {
			out = append(out, words[min(random.IntN(len(words)), random.IntN(len(words)))])
		}
		return strings.Join(out, " ")
	}
	for seq := int64(random.IntN(50)); seq < 300_000; seq += 1 + int64(random.IntN(200)) {
		seqs, texts[0], texts[1] = append(seqs, seq), append(texts[0], text()), append(texts[1], text())
	}
	conn := indexedTexts(t, `select n, setweight(to_tsvector('simple', a), 'A') || setweight(to_tsvector('simple', b), 'B')
		from unnest($1::bigint[], $2::text[], $3::text[]) t (n, a, b)`, seqs, texts[0], texts[1])
	matched := 0
	for range 400 {
		query := text()
		for range random.IntN(3) {
			query += []string{" or ", " -", ` "`, `" `, ` -"`, " "}[random.IntN(6)] + text()
		}
		fields := audit.SearchFieldsList[random.IntN(3)]
		before, most := int64(random.IntN(310_000)), int64(1+random.IntN(4000))
		w := walk(t, conn, query, fields, before, most, 1<<40)
		if w.strict == "" {
			continue
		}
		rows, err := conn.Query(t.Context(), `select seq, ts_rank_cd('{1,1,1,1}', sensitive, $1::text::tsquery, 32) from search_text
			where sensitive @@ $1::text::tsquery and seq < $2 order by seq desc limit $3`, w.strict, before, most)
		if err != nil {
			t.Fatal(err)
		}
		var want walked
		var seq int64
		var score float32
		if _, err := pgx.ForEachRow(rows, []any{&seq, &score}, func() error {
			want.seqs, want.scores = append(want.seqs, seq), append(want.scores, score)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if int64(len(want.seqs)) == most {
			want.reached = want.seqs[most-1]
		}
		if matched += len(want.seqs); !slices.Equal(w.seqs, want.seqs) || !slices.Equal(w.scores, want.scores) || w.reached > want.reached {
			t.Errorf("%s before %d: %d matches down to %d, and a scan finds %d down to %d", w.strict, before, len(w.seqs), w.reached, len(want.seqs), want.reached)
		}
	}
	if matched < 10_000 {
		t.Errorf("the queries match too little: %d", matched)
	}
}
