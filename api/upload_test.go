package api_test

import (
	"bytes"
	"context"
	"fmt"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/catalog"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// form is a multipart body with a file and valid fields.
func form(t *testing.T, fileName, content string, fields ...string) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	values := append([]string{"type", "access_review", "title", "Review", "date", "2023-12-15", "criteria", "CC6.1"}, fields...)
	for i := 0; i+1 < len(values); i += 2 {
		if err := w.WriteField(values[i], values[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	header := textproto.MIMEHeader{"Content-Disposition": {mime.FormatMediaType("form-data", map[string]string{"name": "file", "filename": fileName})}, "Content-Type": {"text/html"}}
	part, err := w.CreatePart(header)
	if err == nil {
		_, err = part.Write([]byte(content))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

func (b *bench) upload(t *testing.T, fileName, content string, header ...string) *answer {
	t.Helper()
	return b.uploadAs(t, "full", fileName, content, header...)
}

func (b *bench) uploadAs(t *testing.T, as, fileName, content string, header ...string) *answer {
	t.Helper()
	body, contentType := form(t, fileName, content)
	h := http.Header{"Content-Type": {contentType}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return b.send(request{method: "POST", path: "~/evidence", as: as, header: h, body: body})
}

// TestUploadedFilesAreHarmless uploads what a browser would run if it were let.
func TestUploadedFilesAreHarmless(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, c := range []struct{ name, content, sniffed, sent, saved string }{
		{"page.pdf", "<!DOCTYPE html><script>alert(1)</script>", "text/html; charset=utf-8", "application/octet-stream", "page.pdf"},
		{"x.svg", `<?xml version="1.0"?><svg onload="alert(1)"/>`, "text/xml; charset=utf-8", "application/octet-stream", "x.svg"},
		{`C:\temp\..\a.txt`, "plain text", "text/plain; charset=utf-8", "text/plain; charset=utf-8", "a.txt"},
		{"../../etc/passwd", "\x89PNG\x0D\x0A\x1A\x0A", "image/png", "image/png", "passwd"},
		{"Prüfung \"Q4\" \u202efdp.exe", "MZ\x00\x01", "application/octet-stream", "application/octet-stream", "Prüfung \"Q4\" fdp.exe"},
		{"..", "PK\x03\x04", "application/zip", "application/zip", "file"},
		{strings.Repeat("ä", 400), "%PDF-1.4", "application/pdf", "application/pdf", strings.Repeat("ä", 127)},
	} {
		a := b.upload(t, c.name, c.content).want(http.StatusCreated)
		if got := a.text("data.artifacts.0.media_type"); got != c.sniffed {
			t.Errorf("%q is taken for %s", c.name, got)
		}
		if got := a.text("data.artifacts.0.name"); got != c.saved {
			t.Errorf("%q is kept as %q", c.name, got)
		}
		d := b.get("full", "~"+a.text("data.artifacts.0.url")).want(http.StatusOK)
		disposition, parameters, err := mime.ParseMediaType(d.header.Get("Content-Disposition"))
		if err != nil || disposition != "attachment" || parameters["filename"] != c.saved {
			t.Errorf("%q: %s, %v", c.name, d.header.Get("Content-Disposition"), err)
		}
		if d.header.Get("Content-Type") != c.sent || d.header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(d.header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%q: %v", c.name, d.header)
		}
		if string(d.body) != c.content {
			t.Errorf("%q came back as %q", c.name, d.body)
		}
	}
	b.whole()
}

// TestUploadIsBounded uploads as much as may be, and a byte more; and what is
// refused leaves no file, here or in the artifact store.
func TestUploadIsBounded(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	const most = 100_000
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.MaxEvidenceFile = most })
	b.upload(t, "x", strings.Repeat("x", most)).want(http.StatusCreated)
	a := b.upload(t, "x", strings.Repeat("x", most+1)).want(http.StatusRequestEntityTooLarge)
	if !strings.Contains(a.text("error.message"), "100000 bytes") {
		t.Errorf("%s", a.body)
	}
	b.upload(t, "x", strings.Repeat("x", most+api.MaxEvidenceForm)).want(http.StatusRequestEntityTooLarge)
	body, contentType := form(t, "x", "x", "date", "2023-12-16") // a date too many
	b.send(request{method: "POST", path: "~/evidence", as: "full", header: http.Header{"Content-Type": {contentType}}, body: body}).want(http.StatusUnprocessableEntity)
	var many []string
	for i := range api.MaxEvidenceParts {
		many = append(many, fmt.Sprint("x", i), "x")
	}
	body, contentType = form(t, "x", "x", many...)
	b.send(request{method: "POST", path: "~/evidence", as: "full", header: http.Header{"Content-Type": {contentType}}, body: body}).want(http.StatusRequestEntityTooLarge)
	body, contentType = form(t, "x", "x", "criteria", strings.Repeat("CC6.1,A.8.5,", 30)) // few, named often
	b.send(request{method: "POST", path: "~/evidence", as: "full", header: http.Header{"Content-Type": {contentType}}, body: body}).want(http.StatusCreated)
	if left, err := os.ReadDir(os.TempDir()); err != nil || hasSpool(left) {
		t.Errorf("%v are left, %v", left, err)
	}
	if kept, err := b.artifacts.List(t.Context(), "evidence/"); err != nil || len(kept) != 2 {
		t.Errorf("the store keeps %v, %v", kept, err)
	}
	b.whole()
}

func hasSpool(files []os.DirEntry) bool {
	for _, f := range files {
		if strings.HasPrefix(f.Name(), "sealbook-evidence-") {
			return true
		}
	}
	return false
}

// TestUploadIsIdempotent repeats an upload as a client does that lost the
// answer: with a boundary of its own, and the same key.
func TestUploadIsIdempotent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.upload(t, "a.txt", "one", "Idempotency-Key", "k").want(http.StatusCreated)
	again := b.upload(t, "a.txt", "one", "Idempotency-Key", "k").want(http.StatusCreated)
	if again.header.Get("Idempotent-Replayed") != "true" || again.text("data.id") != first.text("data.id") {
		t.Errorf("%s", again.body)
	}
	b.upload(t, "a.txt", "two", "Idempotency-Key", "k").want(http.StatusUnprocessableEntity)
	b.upload(t, "a.txt", "one", "Idempotency-Key", "not one ").want(http.StatusBadRequest)
	if kept, err := b.artifacts.List(t.Context(), "evidence/"); err != nil || len(kept) != 1 {
		t.Errorf("the store keeps %v, %v", kept, err)
	}
	if a := b.get("full", "~/evidence").want(http.StatusOK); a.number("pagination.total") != 1 {
		t.Errorf("%s", a.body)
	}
	if body := b.get("full", "~"+first.text("data.artifacts.0.url")).want(http.StatusOK).body; string(body) != "one" {
		t.Errorf("the file is %q", body)
	}
	b.whole()
}

// TestChangedFileIsNotSent changes a stored file behind the API's back.
func TestChangedFileIsNotSent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.upload(t, "a.txt", "as it was").want(http.StatusCreated)
	kept, err := b.artifacts.List(t.Context(), "evidence/")
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v %v", kept, err)
	}
	w, err := b.artifacts.Create(t.Context(), kept[0])
	if err == nil {
		_, err = w.Write([]byte("as it is!"))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+api.Mounts[0]+a.text("data.artifacts.0.url"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+b.keys["full"])
	if resp, err := http.DefaultClient.Do(r); err == nil {
		defer resp.Body.Close()
		var got bytes.Buffer
		if _, err := got.ReadFrom(resp.Body); err == nil {
			t.Errorf("a changed file came whole: %q", got.String())
		}
	}
}

// TestUploadsOfAFrameworkAreBounded has more uploads for a criterion than one
// answer shows.
func TestUploadsOfAFrameworkAreBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	e := audit.Event{Type: "audit.test", Class: audit.ClassSystem, Severity: audit.SeverityLow}
	_, err := b.log.Append(t.Context(), ledger.Submission{Ledger: b.ledger, Events: []audit.Event{e}, With: func(ctx context.Context, tx pgx.Tx) error {
		for i := range api.MaxUploadsShown + 3 {
			x := store.Evidence{
				ID: audit.EvidenceID(fmt.Sprintf("ev_%026d", i)), Ledger: b.ledger, Type: "x", Title: "x", Criteria: []string{"CC1.1"},
				Date: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), CreatedAt: b.clock.now(),
			}
			x.Files.V = []audit.EvidenceFile{{Name: "x", MediaType: "x", Artifact: audit.Artifact{Digest: "sha256:" + strings.Repeat("0", 64), Size: 1}}}
			x.UploadedBy.V = audit.Object{"type": "user"}
			if err := store.InsertEvidence(x)(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	a := b.get("full", "~/evidence/soc2?criteria=CC1.1&audit_period_start=2024-01-01&audit_period_end=2024-01-01").want(http.StatusOK)
	if items, _ := a.at("data.evidence_items"); len(items.([]any)) != api.MaxUploadsShown || a.number("metadata.uploads_not_shown") != 3 {
		t.Errorf("%d uploads are shown, and %d not", len(items.([]any)), a.number("metadata.uploads_not_shown"))
	}
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, f := range c.Frameworks {
		ids = append(ids, f.IDs()...)
	}
	for n, want := range map[int]int{api.MaxEvidenceCriteria: http.StatusCreated, api.MaxEvidenceCriteria + 1: http.StatusUnprocessableEntity} {
		body, contentType := form(t, "x", "x", "criteria", strings.Join(ids[:n], ",")) // CC6.1, which form names too, is among them
		b.send(request{method: "POST", path: "~/evidence", as: "full", header: http.Header{"Content-Type": {contentType}}, body: body}).want(want)
	}
}
