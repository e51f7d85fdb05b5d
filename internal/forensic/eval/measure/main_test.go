package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/internal/forensic/eval"
	"github.com/sealbook/sealbook/internal/forensic/eval/corpus"
)

// TestFiles: what is written can be measured and scored by somebody else, with
// the same outcome.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write := options{splits: "development", sites: 1, benign: 1, jsonl: dir}
	if err := write.run(&bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "development")
	var measured bytes.Buffer
	if err := (&options{corpus: folder}).run(&measured); err != nil {
		t.Fatal(err)
	}
	c, err := corpus.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := c.Entries()
	if err != nil {
		t.Fatal(err)
	}
	findings, _, err := eval.Find(eval.Sources(), entries)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(findings)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "findings.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var scored bytes.Buffer
	if err := (&options{score: file, labels: filepath.Join(folder, corpus.LabelsFile)}).run(&scored); err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(scored.String(), "By family") // the other tables know of the harmless corpus, if there is one
	for line := range strings.Lines(head) {
		if !strings.Contains(measured.String(), line) {
			t.Errorf("scoring the file says %q, measuring does not", line)
		}
	}
	if !strings.Contains(measured.String(), "not the published entries") || !strings.Contains(scored.String(), "of 8 |") {
		t.Error(measured.String(), scored.String())
	}
}

// TestWrongUsage is refused.
func TestWrongUsage(t *testing.T) {
	for name, o := range map[string]options{
		"a split that is not there": {splits: "training", sites: 1, benign: 1},
		"no sites":                  {splits: "development", benign: 1},
		"findings without labels":   {score: "findings.json"},
		"a folder without entries":  {corpus: t.TempDir()},
	} {
		if err := o.run(&bytes.Buffer{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
