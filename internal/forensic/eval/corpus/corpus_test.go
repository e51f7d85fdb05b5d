package corpus_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sealbook/sealbook/internal/forensic/eval/corpus"
)

func line(id, at string) []byte {
	return []byte(`{"actor":{"id":"op-001","type":"user"},"event_type":"config.changed","external_id":"` + id + `","timestamp":"` + at + `"}`)
}

func sound() *corpus.Corpus {
	from, to := time.Date(2025, 3, 1, 8, 0, 0, 0, time.UTC), time.Date(2025, 3, 1, 9, 0, 0, 0, time.UTC)
	return &corpus.Corpus{
		Name:  "sound",
		Lines: [][]byte{line("a", "2025-03-01T08:00:00.000Z"), line("a", "2025-03-01T08:00:00.000Z"), line("b", "2025-03-01T09:00:00.000Z")},
		Labels: []corpus.Label{{
			ID: "one", Kind: corpus.Incident, Family: "A1", Actors: []string{"op-001"}, From: from, To: to,
			Entries: []string{"a", "b"},
		}},
	}
}

// TestEntries: what is delivered twice is one entry, and a label is held against
// the entries that are there.
func TestEntries(t *testing.T) {
	t.Parallel()
	c := sound()
	entries, err := c.Entries()
	if err != nil || len(entries) != 2 || entries[1].ExternalID != "b" {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	if err := c.Check(entries); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*corpus.Label){
		"there is no entry": func(l *corpus.Label) { l.Entries[1] = "c" },
		"its entries are":   func(l *corpus.Label) { l.To = l.To.Add(time.Second) },
		"needs actors":      func(l *corpus.Label) { l.Actors = nil },
		"needs entries":     func(l *corpus.Label) { l.Entries = nil },
		"one of each id":    func(l *corpus.Label) { l.ID = "" },
	} {
		bad := sound()
		spoil(&bad.Labels[0])
		if err := bad.Check(entries); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.Lines[2] = []byte(`{"event_type":"nothing that is known"}`)
	if _, err := c.Entries(); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("a line that is no entry: %v", err)
	}
}

// TestFiles: a corpus comes back as it was written, and its digest is that of
// its files.
func TestFiles(t *testing.T) {
	t.Parallel()
	c, dir := sound(), filepath.Join(t.TempDir(), "sound")
	if err := c.Write(dir); err != nil {
		t.Fatal(err)
	}
	back, err := corpus.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, back); diff != "" {
		t.Error(diff)
	}
	var both bytes.Buffer
	for _, name := range []string{corpus.EntriesFile, corpus.LabelsFile} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		both.Write(content)
	}
	sum := sha256.Sum256(both.Bytes())
	if want := "sha256:" + hex.EncodeToString(sum[:]); c.Digest() != want {
		t.Errorf("digest %s, of the files %s", c.Digest(), want)
	}
}
