package ledger

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/sealbook/sealbook/audit"
)

// Rows are verified in three stages: one reader fetches pages, workers check
// each row by itself, and the goroutine of the verification takes the pages in
// their order for everything that concerns more than one row. A page returns
// to the reader when all three are through with it, so memory stays flat.

// checkedRow is what a worker found out about a row.
type checkedRow struct {
	seq      int64
	record   Record // of a row that is sound
	hash     Hash   // of the record's bytes
	leaf     Hash   // as stored
	sound    bool   // the record is one, of this number, and hashes to the leaf
	payload  bool   // there is a payload row
	archived bool   // there is none because it is in a segment file
	external bool   // there is an external id and its row is right
	found    []finding
	row      *Row // only when someone wants it
}

// finding is a problem that has yet to be counted.
type finding struct {
	kind    ProblemKind
	message string
}

func (c *checkedRow) find(kind ProblemKind, format string, args ...any) {
	c.found = append(c.found, finding{kind, fmt.Sprintf(format, args...)})
}

// Bounds of a page of a verification. Payloads can be large, so later pages
// have as many rows as earlier ones lead to expect.
const (
	minPageRows   = 16
	firstPageRows = 256
	pageBytes     = 4 << 20
)

// scan verifies the rows of [first, end).
func (v *verifier) scan(first, end int64) error {
	ctx, cancel := context.WithCancel(v.ctx)
	pages := v.options.Workers + 2
	free, work, ordered := make(chan *page, pages), make(chan *page, pages), make(chan *page, pages)
	for range pages {
		free <- &page{tiles: map[int64]storedTile{}, done: make(chan struct{}, 1)}
	}
	var running sync.WaitGroup
	var readErr error
	running.Go(func() {
		defer close(work)
		defer close(ordered)
		readErr = v.readPages(ctx, first, end, free, func(p *page) {
			ordered <- p // there is room for every page in both
			work <- p
		})
	})
	for range v.options.Workers {
		running.Go(func() {
			var w rowWorker
			for p := range work {
				p.err = w.check(ctx, v, p)
				p.done <- struct{}{}
			}
		})
	}
	var err error
	for p := range ordered {
		<-p.done
		if err == nil {
			err = p.err
		}
		if err != nil {
			cancel() // the reader stops, and what is under way runs out
			continue
		}
		v.page(p)
		free <- p
	}
	running.Wait()
	cancel()
	if err == nil {
		err = readErr
	}
	return err
}

func (v *verifier) readPages(ctx context.Context, first, end int64, free <-chan *page, read func(*page)) error {
	n := int64(firstPageRows)
	for first < end {
		var p *page
		select {
		case p = <-free:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		until := min(first+n, end)
		v.conn.Lock()
		err := p.read(ctx, v.tx, v.ledger, first, until, !v.options.RecordsOnly)
		v.conn.Unlock()
		if err != nil {
			return err
		}
		if rows := p.rows(); rows > 0 {
			n = min(max(int64(pageBytes/(len(p.bytes)/rows+1)), minPageRows), pageRows)
		}
		first = until
		read(p)
	}
	return nil
}

// rowWorker checks rows by themselves. Its memory is used again for each.
type rowWorker struct {
	values   [][]byte
	stored   storedRow
	claims   []claim
	payloads []byte // of the claims
}

func (w *rowWorker) check(ctx context.Context, v *verifier, p *page) error {
	n := p.rows()
	p.checked = slices.Grow(p.checked[:0], n)[:n]
	p.kept.empty()
	w.claims, w.payloads = w.claims[:0], w.payloads[:0]
	for i := range p.checked {
		c := &p.checked[i]
		*c = checkedRow{found: c.found[:0]}
		w.values = p.values(i, w.values)
		if v.options.RecordsOnly {
			if err := w.stored.decodeRecord(w.values); err != nil {
				return err
			}
		} else if err := w.stored.decode(w.values); err != nil {
			return err
		}
		w.row(c, v)
		if v.options.Each != nil {
			c.row = p.kept.add(&w.stored.Row)
		}
	}
	if len(w.claims) > 0 {
		return w.checkClaims(ctx, v, p)
	}
	return nil
}

func (w *rowWorker) row(c *checkedRow, v *verifier) {
	s := &w.stored
	var err error
	c.seq, c.leaf = s.Seq, s.Leaf
	if c.record, c.hash, err = s.checkRecord(); err != nil {
		c.find(HashMismatch, "%s", messageOf(err))
	} else {
		c.sound = true
	}
	if c.sound && s.eventID != [16]byte(c.record.EventID) {
		c.find(WrongColumn, "entry %d: column event_id is not the record's", s.Seq)
	}
	if v.options.RecordsOnly {
		return
	}
	c.payload = s.payload
	switch {
	case !c.payload && v.offline.Contains(s.Seq):
		c.archived = true
	case !c.payload:
		c.find(HashMismatch, "entry %d: its payload is missing", s.Seq)
	case c.sound:
		w.columns(c)
	}
}

// columns compares what is searched with what is hashed.
func (w *rowWorker) columns(c *checkedRow) {
	s := &w.stored
	if err := s.checkPayload(&c.record); err != nil {
		c.find(HashMismatch, "%s", messageOf(err))
		return
	}
	if !s.recordedAt.Equal(c.record.RecordedAt) {
		c.find(WrongColumn, "entry %d: column recorded_at is not the record's", s.Seq)
	}
	if from := sourcesOf(s.Fields); !from.agree(&c.record, s.projected) {
		want, erased, err := project(&c.record, s.Fields)
		if err != nil {
			c.find(HashMismatch, "entry %d: %v", s.Seq, err)
			return
		}
		for _, name := range want.differs(s.projected) {
			if !slices.Contains(erased, name) {
				c.find(WrongColumn, "entry %d: column %s is not what the hashed content says", s.Seq, name)
			}
		}
	}
	w.claim(c)
}

func messageOf(err error) string {
	if e, ok := err.(*audit.Error); ok {
		return e.Message
	}
	return err.Error()
}
