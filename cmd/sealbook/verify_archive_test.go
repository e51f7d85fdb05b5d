package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/artifact"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// archivedInstallation has 20 entries whose content is in two files of the archive.
func archivedInstallation(t *testing.T) (env []string, folder string, files []string) {
	t.Helper()
	now, dsn := time.Date(2022, 1, 3, 9, 0, 0, 0, time.UTC), ledgertest.Database(t)
	folder = filepath.Join(t.TempDir(), "the archive")
	store, err := artifact.Open(t.Context(), "file://"+filepath.ToSlash(strings.ReplaceAll(folder, " ", "%20")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	l := ledgertest.Open(t, dsn, func(c *ledger.Config) { c.Clock = func() time.Time { return now } })
	d, err := l.Create(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	var events []audit.Event
	for n := range 20 {
		e := ledgertest.Event(n)
		e.Type, e.Timestamp, e.Frameworks = []string{"fix.applied", "scan.completed"}[n%2], nil, nil
		events = append(events, e)
	}
	if _, err := l.Append(t.Context(), ledger.Submission{Ledger: d.ID, Events: events}); err != nil {
		t.Fatal(err)
	}
	logs, scans := audit.DefaultRetention.Archivable(now.AddDate(2, 0, 0))
	for range 2 {
		plan, err := l.PlanSegment(t.Context(), d.ID, logs, scans, nil)
		if err != nil || plan == nil {
			t.Fatalf("%v, %v", plan, err)
		}
		var file bytes.Buffer
		if err := l.WriteSegment(t.Context(), plan, &file, func(int64) {}); err != nil {
			t.Fatal(err)
		}
		a, err := store.Put(t.Context(), "archive/1", bytes.NewReader(file.Bytes()))
		if err == nil {
			err = l.RegisterSegment(t.Context(), plan, a)
		}
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Join(folder, "archive", "1", path.Base(a.Key)))
	}
	list, err := l.Purgeable(t.Context(), d.ID, -1, 10)
	for i := range list {
		if err == nil {
			_, err = l.PurgeSegment(t.Context(), &list[i], func(int64) error { return nil })
		}
	}
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	return []string{"SEALBOOK_DATABASE_URL=" + dsn, "SEALBOOK_ORIGIN=" + ledgertest.Origin}, folder, files
}

func TestVerifyDatabaseWithItsArchive(t *testing.T) {
	t.Parallel()
	env, folder, files := archivedInstallation(t)
	verify := func(args ...string) result {
		return invoke(t, env, "", append([]string{"verify", "--database"}, args...)...)
	}
	verify().want(t, exitOK).says(t, "The content of 20 entries is in files of the archive", "these were not read", "VERIFIED")
	address := "file://" + strings.ReplaceAll(folder, " ", "%20")
	for _, place := range []string{folder, address} {
		verify("--archive", place).want(t, exitOK).says(t, "The content of 20 entries is in files of the archive: 2 files were read", "VERIFIED")
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for name, c := range map[string]struct {
		content []byte // nil: the file is not there
		says    string
	}{
		"lost":    {nil, "is lost: the file is not in the artifact store"},
		"damaged": {flipped, "is damaged: the file has the digest"},
		"swapped": {other, "which is not of the segment"},
	} {
		if err := os.Remove(files[0]); err != nil {
			t.Fatal(err)
		}
		if c.content != nil {
			if err := os.WriteFile(files[0], c.content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r := verify("--archive", folder).want(t, exitFailed).says(t, "archive_file", "the file of the segment seg_000001_0", c.says, "FAILED: 1 ledger is not what was written")
		if strings.Contains(r.stdout, "VERIFIED") {
			t.Errorf("%s: %s", name, r.stdout)
		}
		verify().want(t, exitOK) // it does not look
		if err := os.WriteFile(files[0], whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(verify("--archive", folder, "--json").want(t, exitOK).stdout) {
		var r databaseReport
		if err := json.Unmarshal([]byte(line), &r); err != nil || !r.OK || r.Ledger == 1 && (r.Archived != 20 || r.Files != 2) || r.Ledger == 0 && r.Files != 0 {
			t.Errorf("%s %v", line, err)
		}
	}

	// What is not there, or cannot be read, tells nothing of the files.
	verify("--archive", t.TempDir()).want(t, exitUsage).says(t, "the artifact store is empty")
	missing := filepath.Join(folder, "nowhere")
	verify("--archive", missing).want(t, exitUsage).says(t, "no such file or directory")
	verify("--archive", "file://"+strings.ReplaceAll(missing, " ", "%20")).want(t, exitUsage)
	if _, err := os.Stat(missing); err == nil {
		t.Error("the folder was made")
	}
	verify("--archive", files[0]).want(t, exitUsage).says(t, "is a file")
	verify("--archive", "nothing://x").want(t, exitUsage)
	invoke(t, env, "", "verify", "--archive", folder, files[0]).want(t, exitUsage).says(t, "--archive is for --database")
}
