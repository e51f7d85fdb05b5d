package ledger_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// TestNothingAppearsBeforeACursor follows a ledger by cursor while two
// processes append to it, events of any time: the follower sees each entry
// once, in order, and a page that was read once reads the same for ever.
func TestNothingAppearsBeforeACursor(t *testing.T) {
	t.Parallel()
	first, id, dsn := ledgertest.New(t)
	const writers, submissions = 6, 15
	var wg sync.WaitGroup
	logs := []*ledger.Log{first, ledgertest.Open(t, dsn)}
	for w := range writers {
		wg.Go(func() {
			for n := range submissions {
				events := make([]audit.Event, 1+(w+n)%4)
				for i := range events {
					events[i] = ledgertest.Event(w*1000 + n*10 + i)
					at := audit.SystemClock().Add(-time.Duration((w*7+n*13+i)%50) * time.Hour)
					events[i].Timestamp = &at
				}
				if _, err := logs[w%2].Append(t.Context(), ledger.Submission{Ledger: id, Events: events}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()

	type page struct {
		asked string
		seqs  []int64
	}
	var pages []page
	var next int64
	cursor := ""
	read := func(cursor string) ledger.List {
		list, err := first.List(context.Background(), id, audit.Filter{}, audit.Page{Limit: 7, Cursor: cursor, Ascending: true})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	for last := false; ; {
		list := read(cursor)
		p := page{asked: cursor}
		for _, r := range list.Rows {
			if r.Seq != next {
				t.Fatalf("entry %d came where %d was due", r.Seq, next)
			}
			next++
			p.seqs = append(p.seqs, r.Seq)
		}
		if list.NextCursor == "" && next > 0 {
			t.Fatal("an ascending list has no cursor")
		}
		pages, cursor = append(pages, p), list.NextCursor
		if len(list.Rows) > 0 {
			continue
		}
		if last {
			break
		}
		select {
		case <-ended:
			last = true // one more look
		default:
		}
	}
	head, _, err := first.Head(t.Context(), id)
	if err != nil || next != head.Size {
		t.Fatalf("the follower saw %d of %d entries: %v", next, head.Size, err)
	}
	for _, p := range pages {
		again := read(p.asked).Rows
		for i, seq := range p.seqs {
			if again[i].Seq != seq {
				t.Fatalf("the page after %q begins with %d now, where %d was", p.asked, again[i].Seq, seq)
			}
		}
	}
	ledgertest.Check(t, first, id, -1)
}

// TestReadingGoesThroughARestart: a database that was restarted has ended every
// idle connection, and no reader notices.
func TestReadingGoesThroughARestart(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	ledgertest.Append(t, l, id, 0, 3)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for name, read := range map[string]func() error{
		"list": func() error { _, err := l.List(t.Context(), id, audit.Filter{}, audit.Page{Total: true}); return err },
		"row":  func() error { _, err := l.Row(t.Context(), id, 1); return err },
		"statistics": func() error {
			_, err := l.Statistics(t.Context(), id, audit.Period{Until: time.Now()}, audit.Constraints{})
			return err
		},
		"head": func() error { _, _, err := l.Head(t.Context(), id); return err },
	} {
		if err := read(); err != nil {
			t.Fatal(err)
		}
		var ended int
		if err := conn.QueryRow(t.Context(), `
			select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity
			where datname = current_database() and application_name = 'sealbook_reader'`).Scan(&ended); err != nil || ended == 0 {
			t.Fatalf("%d connections ended: %v", ended, err)
		}
		if err := read(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	ledgertest.Check(t, l, id, 3)
}
