package ledger

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// DefaultSearchWork bounds what one search reads, in rows of the text index. A
// window of 65,536 entries, or of 8,192 where many match, counts as 16 rows when
// nothing in it matches, so a rare word is looked for in a thousand million
// entries. The last window may go over the bound by what it holds.
const DefaultSearchWork = 250_000

// parsed is a query as Postgres holds it.
type parsed struct {
	query string
	loose *string // what the index alone can tell of it; nil when that is nothing
}

var phraseOperator = regexp.MustCompile(`'(?:[^']|'')*'|<(?:-|\d+)>`)

// loosen makes a query that the index answers by itself, and that finds no less:
// without weights, and words that follow each other need only be there. tree is
// Postgres' querytree, which has no negations; T is one of nothing else.
func loosen(tree string) *string {
	if tree == "T" {
		return nil
	}
	loose := phraseOperator.ReplaceAllStringFunc(tree, func(s string) string {
		if s[0] == '<' {
			return "&"
		}
		return s
	})
	return &loose
}

// hit is a match before its entry is read.
type hit struct {
	seq   int64
	score float32
}

// walk looks at the indexed entries from the newest back, until there are more
// matches than are ranked or the work is done. What may not be read must not be
// ranked either: it would take the places of what may, and the total would tell
// of it. It is read, though, and counts as work: that a search ended early tells
// a constrained reader of a very common word, and of nothing rarer.
func (f *Found) walk(ctx context.Context, tx pgx.Tx, ledger int32, p parsed, s Search, work int64) ([]hit, error) {
	const most = audit.MaxSearchMatches + 1
	function := "search_basic"
	if s.Everything {
		function = "search_sensitive"
	}
	var hits []hit
	for f.From = f.Indexed; f.From > 0 && len(hits) < most && work > 0; {
		var read int64
		var seqs []int64
		var scores []float32
		err := tx.QueryRow(ctx, `select reached, read, seqs, scores from `+function+`($1::text::tsquery, $2::text::tsquery, $3, $4, $5)`,
			p.query, p.loose, f.From, most, work).Scan(&f.From, &read, &seqs, &scores)
		if err != nil {
			return nil, err
		}
		covered, err := coveredOf(ctx, tx, ledger, s.Within, seqs)
		if err != nil {
			return nil, err
		}
		for i, seq := range seqs {
			if covered == nil || covered[seq] {
				hits = append(hits, hit{seq, scores[i]})
			}
		}
		work -= read
	}
	f.Capped = f.From > 0
	if len(hits) > audit.MaxSearchMatches {
		hits = hits[:audit.MaxSearchMatches]
		f.From, f.Capped = hits[len(hits)-1].seq, true
	}
	f.Total = int64(len(hits))
	slices.SortFunc(hits, func(a, b hit) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.seq, a.seq)) })
	return hits, nil
}

// coveredOf returns which entries the constraints cover; nil is all.
func coveredOf(ctx context.Context, tx pgx.Tx, ledger int32, c audit.Constraints, seqs []int64) (map[int64]bool, error) {
	if c.Empty() {
		return nil, nil
	}
	args := pgx.NamedArgs{"ledger": ledger, "seqs": seqs}
	where := []string{"p.ledger = @ledger"}
	within(c, func(condition, name string, value any) {
		where = append(where, condition)
		args[name] = value
	})
	rows, err := tx.Query(ctx, `
		select p.seq from unnest(@seqs::bigint[]) s (seq) join payload p on p.seq = s.seq where `+strings.Join(where, " and "), args)
	if err != nil {
		return nil, fmt.Errorf("compare with constraints: %w", err)
	}
	covered := make(map[int64]bool, len(seqs))
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{&seq}, func() error {
		covered[seq] = true
		return nil
	})
	return covered, err
}
