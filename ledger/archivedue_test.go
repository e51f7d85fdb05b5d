package ledger_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// newFiled is newOld with its segments purged, whose files have their real digests.
func newFiled(t *testing.T) (o *old, open func(string) (io.ReadCloser, error)) {
	t.Helper()
	o = newOld(t)
	o.archive(t)
	o.purge(t)
	for id, content := range o.files { // as who owns the database can
		asOwner(t, o.dsn, `set session_replication_role = replica`, `update archive_segment set digest = '`+digestOf(content)+`' where id = '`+id+`'`)
	}
	return o, func(key string) (io.ReadCloser, error) {
		content, there := o.files[key]
		if !there {
			return nil, audit.Errorf(audit.NotFound, "%s is not there", key)
		}
		return io.NopCloser(bytes.NewReader(content)), nil
	}
}

// check reads what is due, and returns it.
func (o *old) check(t *testing.T, within time.Duration, open func(string) (io.ReadCloser, error)) (read []string) {
	t.Helper()
	due, err := o.FilesDue(t.Context(), o.id, within, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for after := (ledger.FilePlace{}); ; {
		list, err := o.DueFiles(t.Context(), due, after, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		after = ledger.PlaceOf(&list[0])
		fault, err := o.CheckSegmentFile(t.Context(), &list[0], open, func(int64) error { return nil })
		if err == nil {
			err = o.NoteFile(t.Context(), &list[0], fault, func(_ string, with func(context.Context, pgx.Tx) error) error {
				_, err := o.Append(t.Context(), ledger.Submission{Ledger: o.id, Events: []audit.Event{{Type: "audit.test", Class: audit.ClassSystem, Severity: audit.SeverityLow}}, With: with})
				return err
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		read = append(read, list[0].ID)
	}
	if int64(len(read)) != due.Files {
		t.Errorf("%d files were due, and %v read", due.Files, read)
	}
	return read
}

// Every file is read once in the time that is set, and those that were archived
// together are not all read together.
func TestFilesAreReadInTime(t *testing.T) {
	t.Parallel()
	for days, most := range map[int]int{1: 8, 4: 3, 9: 1, 20: 8} { // fewer files than days come round together
		o, open := newFiled(t)
		within := time.Duration(days) * 24 * time.Hour
		last := map[string]time.Time{}
		for id := range o.files {
			last[id] = o.now
		}
		for range 3 * days {
			o.now = o.now.Add(24 * time.Hour)
			for id, at := range last {
				if o.now.Sub(at) >= within && days > 1 {
					t.Errorf("of %d days: %s was last read %s ago", days, id, o.now.Sub(at))
				}
			}
			read := o.check(t, within, open)
			if len(read) > most {
				t.Errorf("of %d days: %d files are read on one day", days, len(read))
			}
			for _, id := range read {
				last[id] = o.now
			}
		}
		for _, id := range o.check(t, within, open) { // a second run at the same time
			if last[id].Equal(o.now) {
				t.Errorf("of %d days: %s is read again", days, id)
			}
		}
	}
}

// failing is a file whose store fails once on the way.
type failing struct {
	io.Reader
	failed bool
}

func (*failing) Close() error { return nil }

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if errors.Is(err, io.EOF) && !f.failed {
		f.failed, err = true, errors.New("the connection was reset")
	}
	return n, err
}

// A file is damaged when its bytes are wrong, and not when the store fails: that is an
// error, wherever it happens.
func TestAFailingStoreIsNoDamage(t *testing.T) {
	t.Parallel()
	o, open := newFiled(t)
	list, err := o.ArchivedSegments(t.Context(), o.id, audit.Period{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	content := o.files[list[0].ID]
	if fault, err := o.CheckSegmentFile(t.Context(), &list[0], open, goOn); fault != nil || err != nil {
		t.Fatalf("%v, %v", fault, err)
	}
	for _, n := range []int{0, 5, 100, len(content) - 1, len(content)} {
		fault, err := o.CheckSegmentFile(t.Context(), &list[0], func(string) (io.ReadCloser, error) { return &failing{Reader: bytes.NewReader(content[:n])}, nil }, goOn)
		if fault != nil || err == nil {
			t.Errorf("after %d bytes: %v, %v", n, fault, err)
		}
		if n == len(content) {
			continue
		}
		fault, err = o.CheckSegmentFile(t.Context(), &list[0], func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content[:n])), nil }, goOn)
		if err != nil || fault == nil || fault.State != ledger.FileDamaged || fault.Found != digestOf(content[:n]) {
			t.Errorf("%d bytes: %v, %v", n, fault, err)
		}
	}
}

// A file that an erasure wrote anew, or that was destroyed, while the old one was
// looked for is not lost.
func TestAReplacedFileIsNotLost(t *testing.T) {
	t.Parallel()
	o, open := newFiled(t)
	list, err := o.ArchivedSegments(t.Context(), o.id, audit.Period{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	stale := list[0]
	stale.Digest, stale.Artifact.Key = "sha256:old", "old"
	if fault, err := o.CheckSegmentFile(t.Context(), &stale, open, goOn); err != nil || fault != nil || stale.Digest != list[0].Digest {
		t.Errorf("%v, %v", fault, err)
	}
	delete(o.files, list[1].ID)
	asOwner(t, o.dsn, `update archive_segment set destroyed_at = now() where id = '`+list[1].ID+`'`)
	if fault, err := o.CheckSegmentFile(t.Context(), &list[1], open, goOn); err != nil || fault != nil || list[1].DestroyedAt == nil {
		t.Errorf("%v, %v", fault, err)
	}
	stale.Digest = "sha256:old" // what was found of it is not noted either
	err = o.NoteFile(t.Context(), &stale, &ledger.SegmentFault{State: ledger.FileLost, Reason: "r"}, func(_ string, with func(context.Context, pgx.Tx) error) error {
		_, err := o.Append(t.Context(), ledger.Submission{Ledger: o.id, Events: []audit.Event{{Type: "audit.test", Class: audit.ClassSystem, Severity: audit.SeverityLow}}, With: with})
		if err == nil {
			t.Error("an entry was appended")
		}
		return err
	})
	if now, readErr := o.SegmentByID(t.Context(), o.id, stale.ID); err != nil || readErr != nil || now.Problem != nil || now.LastCheckedAt != nil {
		t.Errorf("%v %v, %v", now.Problem, err, readErr)
	}
}

func goOn(int64) error { return nil }

func digestOf(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }
