package anchor_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/anchor"
)

func TestBucketOfFiles(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "worm")
	b, err := anchor.NewBucket("file://" + folder)
	if err != nil {
		t.Fatal(err)
	}
	l := newLog(t)
	l.grow(9, "")
	// What is not mounted is not made.
	refuses(t, b, l.state(5, 0), audit.NotFound)
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{5, 9, 5} {
		s := l.state(size, 0)
		evidence, err := b.Publish(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(folder, "checkpoints", "ledger.example%2Fregistry")
		if !strings.HasPrefix(string(evidence), "file://"+name) {
			t.Errorf("the evidence is %s", evidence)
		}
		files, err := os.ReadDir(filepath.Join(folder, "checkpoints"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%v %v", files, err)
		}
		kept, err := os.ReadFile(filepath.Join(folder, "checkpoints", files[0].Name(), strings.TrimPrefix(string(evidence), "file://"+name+"/")))
		if err != nil || string(kept) != string(s.Note) {
			t.Errorf("%s %v", kept, err)
		}
	}
	fork := newLog(t)
	fork.grow(5, "other")
	refuses(t, b, fork.state(5, 0), audit.Tampered)
	if _, err := b.Publish(t.Context(), l.state(5, 0)); err != nil {
		t.Errorf("a fork has replaced the checkpoint: %v", err)
	}
}

// objects is as much of S3 as a bucket needs, with conditional writes.
type objects struct {
	mu     sync.Mutex
	held   map[string]string
	refuse bool
}

func (o *objects) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	content, there := o.held[r.URL.Path]
	switch {
	case o.refuse:
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `<Error><Code>AccessDenied</Code></Error>`)
	case r.Method == http.MethodPut && r.Header.Get("If-None-Match") != "*":
		w.WriteHeader(http.StatusBadRequest) // an unconditional write could replace
	case r.Method == http.MethodPut && there:
		w.WriteHeader(http.StatusPreconditionFailed)
		io.WriteString(w, `<Error><Code>PreconditionFailed</Code></Error>`)
	case r.Method == http.MethodPut:
		b, _ := io.ReadAll(r.Body)
		o.held[r.URL.Path] = string(b)
		w.Header().Set("ETag", `"1"`)
	case there:
		io.WriteString(w, content)
	default:
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `<Error><Code>NoSuchKey</Code></Error>`)
	}
}

func TestBucketOfObjects(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	o := &objects{held: map[string]string{}}
	server := httptest.NewServer(o)
	defer server.Close()
	b, err := anchor.NewBucket("s3://anchors?region=eu-central-1&use_path_style=true&request_checksum_calculation=when_required&endpoint=" + server.URL)
	if err != nil {
		t.Fatal(err)
	}
	l := newLog(t)
	l.grow(9, "")
	for range 2 {
		evidence, err := b.Publish(t.Context(), l.state(9, 0))
		if err != nil || string(evidence) != "s3://anchors/checkpoints/ledger.example%2Fregistry/9.note" {
			t.Fatalf("%s %v", evidence, err)
		}
	}
	fork := newLog(t)
	fork.grow(9, "other")
	refuses(t, b, fork.state(9, 0), audit.Tampered)
	o.refuse = true
	refuses(t, b, l.state(8, 0), audit.Forbidden)
}

func TestBucketURL(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "/var/lib/anchors", "gopher://x/y", "file:", "mem"} {
		if _, err := anchor.NewBucket(bad); err == nil {
			t.Errorf("%q is taken as a bucket", bad)
		}
	}
	b, err := anchor.NewBucket("s3://anchors/deep?region=x&secret=y")
	if err != nil || b.Place() != (anchor.Place{Kind: anchor.KindBucket, Name: "s3://anchors/deep"}) {
		t.Errorf("%+v %v: a bucket's name must not hold its parameters", b, err)
	}
}
