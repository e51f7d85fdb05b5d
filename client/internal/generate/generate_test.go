package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	source = "../../../api/openapi.yaml"
	folder = "../.."
)

// TestGeneratedIsUpToDate: what is in the repository is what the document gives.
func TestGeneratedIsUpToDate(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	files, err := generate(text, folder)
	if err != nil {
		t.Fatal(err)
	}
	there, err := filepath.Glob(filepath.Join(folder, "*.gen.go"))
	if err != nil || len(there) != len(files) {
		t.Errorf("%d files are generated, %v are there", len(files), there)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("client/%s is not what api/openapi.yaml gives: run make client", name)
		}
	}
}

// TestOddDocument generates a client of a document with everything that the
// API's has not, and tests it as a module of its own, which needs no other.
func TestOddDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/odd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files, err := generate(text, folder)
	if err != nil {
		t.Fatal(err)
	}
	files["go.mod"] = []byte("module odd\n\ngo 1.26\n")
	if files["odd_test.go"], err = os.ReadFile("testdata/odd_test.go"); err != nil {
		t.Fatal(err)
	}
	written, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range written {
		if base := filepath.Base(name); !strings.HasSuffix(base, "_test.go") && !strings.HasSuffix(base, ".gen.go") {
			if files[base], err = os.ReadFile(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	test := exec.CommandContext(t.Context(), "go", "test", "-vet=all", "./...")
	test.Dir = dir
	test.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOPROXY=off")
	if out, err := test.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDocumentsThatCannotBe are refused, with the place.
func TestDocumentsThatCannotBe(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/odd.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, says string }{
		{"'#/components/schemas/Webhook'", "'#/components/schemas/Nowhere'", "leads nowhere"},
		{"operationId: deleteThing", "x-id: deleteThing", "DELETE /things/{type}/{thing-id}: there is no operationId"},
		{"    Code: {type", "    Kode: {type", "there is no schema Code"},
		{"multipart/form-data:", "text/plain:", "neither JSON nor a form"},
		{"paths:", "paths: [", "parse the document"},
	} {
		changed := strings.Replace(string(text), c.from, c.to, 1)
		if _, err := generate([]byte(changed), folder); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.to, err)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for from, to := range map[string]string{
		"job_id": "JobID", "showSOC2Evidence": "ShowSOC2Evidence", "audit:read:basic": "AuditReadBasic", "MALFORMED_JSON": "MalformedJSON",
		"If-None-Match": "IfNoneMatch", "sha256": "SHA256", "file_size_mb": "FileSizeMB", "2fa": "N2fa", "*": "N",
	} {
		if got := exported(from); got != to {
			t.Errorf("%s became %s", from, got)
		}
	}
	for from, to := range map[string]string{"Entries": "Entry", "Keys": "Key", "Accesses": "Access", "Status": "StatusItem", "Include": "IncludeItem"} {
		if got := singular(from); got != to {
			t.Errorf("%s became %s", from, got)
		}
	}
	if got := unexported("thing-id") + unexported("type") + unexported("id"); got != "thingIDtypeValueid" {
		t.Error(got)
	}
}
