package activities

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// MaxCaseEntries bounds the entries of a scope's time that an analysis reads. Of more
// it fails, and the case goes on without it and says so. Of the time before a scope,
// a part that has no more is read. Memory does not ask for it, time does; and where
// entries are in no order at all, a place of 32 bytes is kept of each.
const MaxCaseEntries = 5_000_000

// nearbyEntries is how far, in entries, the ledger's order and that of the entries'
// own time may differ for one reading to do. That many are held decoded. Tests make
// it less.
var nearbyEntries = 8192

// caseSpan is a time that an analysis reads, and where in the ledger its entries are.
type caseSpan struct {
	period     audit.Period
	first, end int64 // first is -1 if there are none
	partly     bool  // what is archived is left out; otherwise it is an error
}

// listener is an analysis that is being fed.
type listener struct {
	arrive func(*audit.Entry)       // in the ledger's order; nil if that is of no interest
	add    func(*audit.Entry) error // in the order of the entries' own time, ties by number
}

var errFarApart = errors.New("the orders of ledger and time are far apart")

// listen streams the entries of spans, which follow each other, to a listener. It
// reads them once if those that came late came nearly in time, and again, with
// another listener that begin makes, if not: what a listener hears in the end does
// not depend on it.
func (a *Activities) listen(ctx context.Context, row *store.Investigation, spans []caseSpan, begin func() listener) error {
	l := begin()
	var held pending
	var last time.Time
	next := func() error {
		e := heap.Pop(&held).(*audit.Entry)
		if e.Time().Before(last) {
			return errFarApart
		}
		last = e.Time()
		return l.add(e)
	}
	once := func(s *caseSpan) error {
		for e, err := range a.spanEntries(ctx, row, s) {
			if err != nil {
				return err
			}
			if l.arrive != nil {
				l.arrive(e)
			}
			if heap.Push(&held, e); len(held) > nearbyEntries {
				if err := next(); err != nil {
					return err
				}
			}
		}
		for len(held) > 0 {
			if err := next(); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range spans {
		err := once(&spans[i])
		if errors.Is(err, errFarApart) {
			held = nil
			return a.listenTwice(ctx, row, spans, begin())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// placed is where and when an entry is, in 32 bytes: two times would take 48.
type placed struct {
	seq, recorded int64 // microseconds since 1970
	second        int64 // since 1970
	nano          int64
}

// listenTwice first looks where everything is, and then reads in the order of time.
func (a *Activities) listenTwice(ctx context.Context, row *store.Investigation, spans []caseSpan, l listener) error {
	for i := range spans {
		var all []placed
		for e, err := range a.spanEntries(ctx, row, &spans[i]) {
			if err != nil {
				return err
			}
			if l.arrive != nil {
				l.arrive(e)
			}
			at := e.Time()
			all = append(all, placed{e.Seq, e.RecordedAt.UnixMicro(), at.Unix(), int64(at.Nanosecond())})
		}
		slices.SortFunc(all, func(a, b placed) int {
			return cmp.Or(cmp.Compare(a.second, b.second), cmp.Compare(a.nano, b.nano), cmp.Compare(a.seq, b.seq))
		})
		for part := range slices.Chunk(all, nearbyEntries) {
			places := make([]ledger.Place, len(part))
			for i, p := range part {
				places[i] = ledger.Place{Seq: p.seq, RecordedAt: time.UnixMicro(p.recorded).UTC()}
			}
			for r, err := range a.Log.RowsAt(ctx, row.Ledger, places) {
				if err != nil {
					return err
				}
				e, err := r.Entry()
				if err != nil {
					return err
				}
				if err := l.add(&e); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// spanEntries streams the entries of a span in the ledger's order, each of its own
// memory. What was altered is left out.
func (a *Activities) spanEntries(ctx context.Context, row *store.Investigation, s *caseSpan) iter.Seq2[*audit.Entry, error] {
	return func(yield func(*audit.Entry, error) bool) {
		rows, n := a.Log.Rows, 0
		if s.partly {
			rows = a.Log.BareRows
		}
		for r, err := range rows(ctx, row.Ledger, max(s.first, 0), max(s.end, 0)) {
			if err == nil && r.Bare && s.partly {
				continue
			}
			var e audit.Entry
			if err == nil {
				e, err = r.Entry()
			}
			if audit.CodeOf(err) == audit.Tampered && missingSeq(err) < 0 || err == nil && (!e.Verified || !s.period.Contains(e.Time())) {
				continue
			}
			if n++; err == nil && n > MaxCaseEntries {
				err = audit.Errorf(audit.InvalidState, "the time of the scope has more than %d entries; narrow it", MaxCaseEntries)
			}
			if !yield(&e, err) || err != nil {
				return
			}
		}
	}
}

// pending is a heap of entries, the earliest first.
type pending []*audit.Entry

func (p pending) Len() int { return len(p) }
func (p pending) Less(i, j int) bool {
	return cmp.Or(p[i].Time().Compare(p[j].Time()), cmp.Compare(p[i].Seq, p[j].Seq)) < 0
}
func (p pending) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *pending) Push(e any)   { *p = append(*p, e.(*audit.Entry)) }
func (p *pending) Pop() any {
	last := len(*p) - 1
	e := (*p)[last]
	(*p)[last] = nil
	*p = (*p)[:last]
	return e
}
