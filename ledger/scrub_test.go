package ledger_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/oklog/ulid/v2"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// traces names the files of the server's data directory that hold a text, the
// write-ahead log included. It reads the bytes of all of them.
func traces(t *testing.T, conn *pgx.Conn, text string) (found []string) {
	t.Helper()
	var dir string
	if err := conn.QueryRow(t.Context(), `show data_directory`).Scan(&dir); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // files of other tests come and go
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // likewise
		}
		files++
		if bytes.Contains(bytes.ToLower(content), []byte(text)) {
			found = append(found, strings.TrimPrefix(path, dir))
		}
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("%d files were read: %v", files, err)
	}
	return found
}

// TestScrub reads the files of the server: an erasure alone leaves what was erased
// in them, and after scrubbing no file has it.
func TestScrub(t *testing.T) {
	conn := asSuperuser(t, os.Getenv(ledgertest.DatabaseVariable))
	for _, sql := range []string{`alter system set wal_recycle = off`, `select pg_reload_conf()`} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, sql := range []string{`alter system reset wal_recycle`, `select pg_reload_conf()`} {
			if _, err := conn.Exec(context.Background(), sql); err != nil {
				t.Error(err)
			}
		}
	})
	l, id, dsn := ledgertest.New(t)
	owner := asSuperuser(t, dsn)
	word := "trace" + strings.ToLower(ulid.Make().String())
	email := word + "@subject.example"
	for i := range 200 {
		e := ledgertest.Event(i)
		e.ExternalID = fmt.Sprint("ext-", i)
		if i%2 == 0 {
			e.Actor = audit.Object{"type": "user", "id": "u-" + word, "email": email, "name": word}
			e.Description = "done by " + word
		}
		if _, err := l.Append(t.Context(), ledger.Submission{Ledger: id, Events: []audit.Event{e}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{`analyze`, `checkpoint`} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	var months []string
	err := l.Erase(t.Context(), ledger.Erasure{Ledger: id, End: 200, Subject: ledger.NewSubject([]string{"u-" + word, email, word}),
		With: each(func(part *ledger.Erased) error {
			months = append(months, part.Months...)
			return nil
		})})
	if err != nil || len(months) == 0 {
		t.Fatal(months, err)
	}
	if _, err := owner.Exec(t.Context(), `checkpoint`); err != nil {
		t.Fatal(err)
	}
	places := map[string]bool{}
	for _, name := range traces(t, conn, word) {
		places[strings.Split(name, "/")[1]] = true
	}
	if !places["base"] || !places["pg_wal"] {
		t.Fatalf("an erasure alone left traces in %v: what is this test good for?", places)
	}
	var rewritten []string
	if err := ledger.Scrub(t.Context(), owner, months, func(table string) { rewritten = append(rewritten, table) }); err != nil {
		t.Fatal(err)
	}
	if left := traces(t, conn, word); len(left) == 0 {
		t.Error("the write-ahead log had none")
	}
	if err := ledger.LeaveLog(t.Context(), owner); err != nil {
		t.Fatal(err)
	}
	var left []string
	for range 10 { // files of dropped tables go with the checkpoint, a moment later
		if left = traces(t, conn, word); len(left) == 0 {
			break
		}
		time.Sleep(300 * time.Millisecond)
	}
	if len(left) > 0 {
		t.Errorf("%v hold what was erased", left)
	}
	if len(rewritten) < len(months)+9 {
		t.Errorf("%v", rewritten)
	}
	ledgertest.Check(t, l, id, -1)
}

func TestScrubRefuses(t *testing.T) {
	t.Parallel()
	conn := asSuperuser(t, ledgertest.Database(t))
	if err := ledger.Scrub(t.Context(), conn, []string{"2024_01; drop table entry"}, func(string) {}); err == nil {
		t.Error("that is no month")
	}
	// A role that does not own the tables is only warned by Postgres.
	if _, err := conn.Exec(t.Context(), `set role sealbook_committer`); err != nil {
		t.Fatal(err)
	}
	if err := ledger.Scrub(t.Context(), conn, nil, func(string) {}); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("%v", err)
	}
}
