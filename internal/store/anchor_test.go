package store_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

func TestAnchors(t *testing.T) {
	t.Parallel()
	l, id, dsn := ledgertest.New(t)
	s, err := store.Open(t.Context(), dsn, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	now := audit.SystemClock()
	states := func(n int) []store.AnchorState {
		t.Helper()
		list, err := s.AnchorStates(t.Context())
		if err != nil || len(list) != n {
			t.Fatalf("%+v %v", list, err)
		}
		return list
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	states(0)
	if n, _, err := s.NewestAnchor(t.Context()); err != nil || n != 0 {
		t.Errorf("%d %v", n, err)
	}
	must(s.ConfigureAnchors(t.Context(), []string{"witness", "bucket"}, []string{"w", "file:///b"}))
	if b := states(2)[0]; b.Kind != "bucket" || !b.Configured || b.AttemptAt != nil || b.Size != nil {
		t.Errorf("%+v", b)
	}
	must(s.AnchorFailed(t.Context(), "witness", "w", now, 7, "refuses connections"))
	if w := states(2)[1]; w.Size != nil || *w.AttemptSize != 7 || *w.AttemptError != "refuses connections" || !w.AttemptAt.Equal(now) {
		t.Errorf("%+v", w)
	}
	a := store.Anchor{Kind: "witness", Name: "w", Size: 7, Note: []byte("note"), Evidence: []byte("line"), AnchoredAt: now.Add(time.Second)}
	must(s.AddAnchor(t.Context(), a))
	again := a
	again.Evidence = []byte("another")
	must(s.AddAnchor(t.Context(), again))
	// An attempt that was overtaken does not hide the later one.
	must(s.AnchorFailed(t.Context(), "witness", "w", now, 6, "too slow"))
	if w := states(2)[1]; *w.Size != 7 || string(w.Evidence) != "line" || w.AttemptError != nil || !w.AttemptAt.Equal(a.AnchoredAt) {
		t.Errorf("%+v", w)
	}
	if n, err := s.AnchoredSize(t.Context(), "witness", "w"); err != nil || n != 7 {
		t.Errorf("%d %v", n, err)
	}
	if n, at, err := s.NewestAnchor(t.Context()); err != nil || n != 7 || !at.Equal(a.AnchoredAt) {
		t.Errorf("%d %s %v", n, at, err)
	}
	if n, err := s.AnchoredSize(t.Context(), "witness", "other"); err != nil || n != 0 {
		t.Errorf("%d %v", n, err)
	}
	if list, err := s.Anchors(t.Context(), 7); err != nil || len(list) != 1 || string(list[0].Note) != "note" {
		t.Errorf("%+v %v", list, err)
	}
	must(s.ConfigureAnchors(t.Context(), []string{"bucket"}, []string{"file:///b"}))
	if w := states(2)[1]; w.Configured || *w.Size != 7 {
		t.Errorf("%+v", w)
	}
	must(s.ConfigureAnchors(t.Context(), nil, nil))

	// Evidence is kept for ever, whoever asks; a reader sees it.
	conn, err := pgx.Connect(t.Context(), dsn)
	must(err)
	defer conn.Close(t.Context())
	for _, role := range []string{"sealbook_committer", "none"} {
		_, err := conn.Exec(t.Context(), "set role "+role)
		must(err)
		for _, sql := range []string{`update anchor set size = 8`, `delete from anchor`, `truncate anchor`} {
			if _, err := conn.Exec(t.Context(), sql); err == nil {
				t.Errorf("%s: %s is possible", role, sql)
			}
		}
	}
	_, err = conn.Exec(t.Context(), "set role sealbook_reader")
	must(err)
	var seen, attempts int
	must(conn.QueryRow(t.Context(), `select (select count(*) from anchor), (select count(*) from anchor_attempt)`).Scan(&seen, &attempts))
	if seen != 1 || attempts != 2 {
		t.Errorf("a reader sees %d anchors and %d attempts", seen, attempts)
	}
	if _, err := conn.Exec(t.Context(), `insert into anchor values ('witness', 'x', 1, '', '', now())`); err == nil {
		t.Error("a reader writes")
	}
	ledgertest.Check(t, l, id, 0)
}
