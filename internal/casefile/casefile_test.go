package casefile_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/casefile"
)

func someCase(content string) *casefile.Case {
	at := time.Date(2025, 8, 26, 14, 30, 45, 0, time.UTC)
	return &casefile.Case{
		ID: "inv_1", Title: "t", Status: "active", Opened: at, Exported: at, Tool: "sealbook v1", Parts: map[string][]byte{"b.json": []byte("{}"), "a.json": []byte("[]")},
		Evidence: []casefile.Evidence{{ID: "ev/../1", FileName: "../../etc/passwd", Digest: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content))), Acquired: at}},
		Custody:  []casefile.Custody{{Evidence: "ev/../1", Event: "collected", Actor: "a", Tool: "sealbook v1", Number: 1, At: at}},
	}
}

func write(c *casefile.Case, content string) ([]byte, error) {
	var b bytes.Buffer
	err := c.Write(&b, func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil })
	return b.Bytes(), err
}

// TestTheSameCaseGivesTheSameBytes, in files whose names lead nowhere else.
func TestTheSameCaseGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	first, err := write(someCase("x"), "x")
	if err != nil {
		t.Fatal(err)
	}
	second, err := write(someCase("x"), "x")
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("other bytes: %v", err)
	}
	z, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if strings.Contains(f.Name, "..") && strings.Contains(f.Name, "../") || strings.HasPrefix(f.Name, "/") {
			t.Errorf("%s leads elsewhere", f.Name)
		}
	}
}

// TestChangedEvidenceIsNotExported: the file has no end.
func TestChangedEvidenceIsNotExported(t *testing.T) {
	t.Parallel()
	got, err := write(someCase("x"), "y")
	if err == nil {
		t.Fatal("other bytes were exported")
	}
	if _, err := zip.NewReader(bytes.NewReader(got), int64(len(got))); err == nil {
		t.Error("what was written passes for whole")
	}
}
