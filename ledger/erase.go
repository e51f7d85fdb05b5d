package ledger

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// erasePage is how many entries are looked at between two transactions that
// erase. While one runs, the ledger takes no entries.
const erasePage = 512

// Erasure is an order to erase a subject from the entries [First, End) of a
// ledger.
type Erasure struct {
	Ledger     int32
	First, End int64
	Subject    *Subject

	// Plan counts, and changes nothing.
	Plan bool

	// With gives the statements that run in the transaction of each part that
	// something was found in, and of the last, as sealbook_redactor. An error
	// undoes the part.
	With func(*Erased) func(context.Context, pgx.Tx) error
}

// Erased is what became of a part of the entries.
type Erased struct {
	First, End int64
	Found      []FoundEntry // in which something was, or would be, erased
	Counts     audit.ErasureCounts
	Months     []string // of the partitions that were changed, as in their names
}

// FoundEntry is an entry that holds personal data of the subject. A held one was
// left as it is.
type FoundEntry struct {
	Seq  int64
	Time time.Time // the event's
	Held bool
}

// Erase takes a subject's personal data out of entries: values and salts go, the
// commitments that stand for them stay, so that every proof still verifies.
// Columns, roll-ups, the text index and the digest of the emitter's id follow.
// What a legal hold keeps is left: holds that are placed meanwhile included.
// Each part commits alone; repeated, it finds nothing more.
func (l *Log) Erase(ctx context.Context, o Erasure) error {
	for first := o.First; first < o.End; first += erasePage {
		part := &Erased{First: first, End: min(first+erasePage, o.End)}
		seqs, err := l.named(ctx, o, part)
		if err != nil {
			return fmt.Errorf("look for the subject: %w", err)
		}
		if len(seqs) == 0 && len(part.Counts.Kept) == 0 && part.End < o.End {
			if err := ctx.Err(); err != nil {
				return err
			}
			continue
		}
		if err := l.erasePart(ctx, o, part, seqs); err != nil {
			return fmt.Errorf("erase from entries %d to %d: %w", part.First, part.End-1, err)
		}
	}
	return nil
}

// named returns the entries of a part that hold personal data of the subject, and
// counts what names them and cannot be erased. Nothing is locked: who decides
// looks at them again.
func (l *Log) named(ctx context.Context, o Erasure, part *Erased) (seqs []int64, err error) {
	err = l.read(ctx, o.Ledger, func(tx pgx.Tx) error {
		seqs, part.Counts.Kept = nil, nil
		return scanRange(ctx, tx, o.Ledger, part.First, part.End, func(s *storedRow) error {
			j := o.Subject.judge(s.Fields)
			if len(j.erase) > 0 {
				seqs = append(seqs, s.Seq)
			}
			for _, path := range j.kept {
				part.Counts.Add(&audit.ErasureCounts{Kept: map[string]int64{path: 1}})
			}
			return nil
		})
	})
	return seqs, err
}

// withHolds are the rows of entries that are to be erased, and whether a hold
// keeps them.
var withHolds = `
	select ` + rowColumns + `, is_held(p)
	from payload p join entry e on e.ledger = p.ledger and e.seq = p.seq
	where p.ledger = $1 and p.seq = any($2)
	order by p.seq`

func (l *Log) erasePart(ctx context.Context, o Erasure, part *Erased, seqs []int64) error {
	return pgx.BeginFunc(ctx, l.writes, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `set local role sealbook_redactor`); err != nil {
			return err
		}
		lock := ""
		if !o.Plan {
			if _, err := tx.Exec(ctx, `select begin_erasure($1)`, o.Ledger); err != nil {
				return err
			}
			lock = ` for no key update of p`
		}
		rows, err := tx.Query(ctx, withHolds+lock, binaryRows, o.Ledger, seqs)
		if err != nil {
			return err
		}
		var changed redactions
		_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
			return struct{}{}, part.take(row, o.Subject, &changed)
		})
		if err == nil && !o.Plan {
			err = changed.write(ctx, tx, o.Ledger, &part.Counts)
		}
		if err == nil && o.With != nil {
			err = o.With(part)(ctx, tx)
		}
		return err
	})
}

// take judges a row as it is under the locks.
func (e *Erased) take(row pgx.CollectableRow, subject *Subject, changed *redactions) error {
	raw := row.RawValues()
	values := make([][]byte, len(raw))
	for i, v := range raw {
		values[i] = bytes.Clone(v) // raw is only lent
	}
	var s storedRow
	if err := s.decode(values[:len(values)-1]); err != nil {
		return err
	}
	rec, err := s.Check()
	if err != nil {
		return err // what is not what was committed to is left for who looks into it
	}
	j := subject.judge(s.Fields)
	if len(j.erase) == 0 {
		return nil
	}
	p, _, err := project(&rec, s.Fields)
	if err != nil {
		return err
	}
	held := len(values[len(values)-1]) == 1 && values[len(values)-1][0] == 1
	e.Found = append(e.Found, FoundEntry{s.Seq, p.EventTime, held})
	if held {
		e.Counts.Held++
		return nil
	}
	e.Counts.Entries++
	e.Counts.Fields += int64(len(j.erase))
	if month := rec.RecordedAt.UTC().Format("2006_01"); !slices.Contains(e.Months, month) {
		e.Months = append(e.Months, month)
	}
	return changed.add(&s, &rec, &p, j.erase)
}
