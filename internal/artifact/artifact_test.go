package artifact_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/artifact"
)

func open(t *testing.T) (*artifact.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "not", "yet", "there")
	s, err := artifact.Open(t.Context(), "file://"+dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func TestPutIsByContent(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	a, err := s.Put(t.Context(), "exports/e1", strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	const digest = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
	if want := (audit.Artifact{Key: "exports/e1/" + digest, Digest: "sha256:" + digest, Size: 7}); a != want {
		t.Errorf("%+v, want %+v", a, want)
	}
	if again, err := s.Put(t.Context(), "exports/e1", strings.NewReader("content")); err != nil || again != a {
		t.Errorf("%+v %v", again, err)
	}
	r, err := s.Open(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != "content" {
		t.Errorf("%s %v", got, err)
	}
	// Nothing but the object lies in the folder.
	var files []string
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) != 1 {
		t.Errorf("%v %v", files, err)
	}
}

func TestOpenNoticesChangedBytes(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	a, err := s.Put(t.Context(), "exports/e1", strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	for _, changed := range []string{"contenT", "conten", "content+", ""} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(a.Key)), []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := s.Open(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(r); audit.CodeOf(err) != audit.Tampered {
			t.Errorf("%q: %v", changed, err)
		}
		r.Close()
	}
}

func TestWhatIsNotFinishedIsNotThere(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	w, err := s.Create(t.Context(), "work/x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<20)); err != nil {
		t.Fatal(err)
	}
	w.Abandon()
	if _, err := s.Read(t.Context(), "work/x"); audit.CodeOf(err) != audit.NotFound {
		t.Error(err)
	}
	if keys, err := s.List(t.Context(), "work/"); err != nil || keys != nil {
		t.Errorf("%v %v", keys, err)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	for _, key := range []string{"work/e1/a", "work/e1/b/c", "work/e10/a"} {
		w, err := s.Create(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteAll(t.Context(), "work/e1"); err == nil {
		t.Error("a prefix that reaches into another export's is accepted")
	}
	for range 2 { // what is gone is no error
		if err := s.DeleteAll(t.Context(), "work/e1/"); err != nil {
			t.Fatal(err)
		}
	}
	if keys, err := s.List(t.Context(), ""); err != nil || len(keys) != 1 || keys[0] != "work/e10/a" {
		t.Errorf("%v %v", keys, err)
	}
	if err := s.Delete(t.Context(), "work/e1/a"); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "nothing://x", ":"} {
		if _, err := artifact.Open(t.Context(), url); err == nil {
			t.Errorf("%q is accepted", url)
		}
	}
}

// TestReadKept: of a store that is empty, or away, nothing is said to be lost.
func TestReadKept(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s, err := artifact.Open(t.Context(), "file://"+folder)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	read := func(key string) audit.Code {
		r, err := s.ReadKept(t.Context(), key)
		if err == nil {
			r.Close()
			return ""
		}
		return audit.CodeOf(err)
	}
	if got := read("a"); got != audit.Unavailable {
		t.Errorf("an empty store: %q", got)
	}
	a, err := s.Put(t.Context(), "x", strings.NewReader("kept"))
	if err != nil {
		t.Fatal(err)
	}
	if got := read(a.Key); got != "" {
		t.Errorf("what is there: %q", got)
	}
	if got := read("a"); got != audit.NotFound {
		t.Errorf("what is lost: %q", got)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if got := read(a.Key); got != audit.Unavailable {
		t.Errorf("a store that is gone: %q", got)
	}
}
