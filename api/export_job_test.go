package api_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

const exportBody = `{"format":"zip","framework":"soc2","audit_period":{"from":"2024-01-01","to":"2024-12-31"},"include":["scan_results","issue_history"]}`

// apply appends an entry with statements, as a worker does.
func (b *bench) apply(with store.Statements) {
	b.t.Helper()
	e := audit.Event{Type: "audit.test", Class: audit.ClassSystem, Severity: audit.SeverityLow}
	if _, err := b.log.Append(b.t.Context(), ledger.Submission{Ledger: b.ledger, Events: []audit.Event{e}, With: with}); err != nil {
		b.t.Fatal(err)
	}
}

// begin makes a worker take a job over.
func (b *bench) begin(job string) audit.ExportID {
	b.t.Helper()
	id := audit.ExportID(job)
	if _, err := b.store.BeginExport(b.t.Context(), b.ledger, id, "run"); err != nil {
		b.t.Fatal(err)
	}
	return id
}

// complete publishes a package for a job.
func (b *bench) complete(job string, content []byte, failures ...string) audit.Artifact {
	b.t.Helper()
	if strings.HasPrefix(job, "assess_") {
		return b.completeAssessment(audit.AssessmentID(job))
	}
	id := b.begin(job)
	a, err := b.artifacts.Put(b.t.Context(), "exports/"+job, bytes.NewReader(content))
	if err != nil {
		b.t.Fatal(err)
	}
	a.Files = 7
	b.apply(store.CompleteExport(b.ledger, id, a, failures, b.clock.now()))
	return a
}

func TestExportFromRequestToExpiry(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	job := b.post("full", "~/evidence/export", exportBody).want(http.StatusAccepted).text("data.job_id")
	if b.workflows.woken != 1 {
		t.Fatalf("the relay was woken %d times", b.workflows.woken)
	}
	orders, err := b.store.TakeOrders(t.Context(), b.clock.now(), time.Minute, 10)
	if err != nil || len(orders) != 1 || orders[0].WorkflowID != job || orders[0].Workflow != audit.ExportWorkflow {
		t.Fatalf("%+v %v", orders, err)
	}
	if want := fmt.Sprintf(`{"id":%q,"ledger":%d,"organisation":"org_test","framework":"SOC2","period":"2024-01-01 to 2024-12-31","format":"zip"}`, job, b.ledger); orders[0].Input != want {
		t.Fatalf("input %s, not %s", orders[0].Input, want)
	}

	content := bytes.Repeat([]byte("package "), 40_000) // some pieces
	stored := b.complete(job, content, "issue_history: 3 entries were archived")
	a := b.get("full", "~/evidence/export/"+job).want(http.StatusOK)
	for path, want := range map[string]any{
		"data.status": "completed", "data.file_size_mb": 1., "data.files_included": 7., "data.sha256": stored.Digest, "data.partial": true,
		"data.failures.0":   "issue_history: 3 entries were archived",
		"data.download_url": "https://audit.example.com/api/v1/audit/evidence/export/" + job + "/download",
	} {
		if got, _ := a.at(path); got != want {
			t.Errorf("%s is %v, not %v", path, got, want)
		}
	}
	done := a.text("data.completed_at")

	a = b.get("full", "/api/audit/evidence/export/"+job+"/download").want(http.StatusOK)
	sum := sha256.Sum256(content)
	if !bytes.Equal(a.body, content) {
		t.Fatalf("%d bytes came, not %d", len(a.body), len(content))
	}
	for name, want := range map[string]string{
		"Content-Type": "application/zip", "Content-Length": fmt.Sprint(len(content)),
		"Content-Disposition": `attachment; filename="` + job + `.zip"`,
		"Etag":                `"sha256:` + hex.EncodeToString(sum[:]) + `"`,
		"Digest":              "sha-256=" + base64.StdEncoding.EncodeToString(sum[:]),
		"Repr-Digest":         "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %s, not %s", name, got, want)
		}
	}
	a = b.get("full", "~/logs?event_type=audit.evidence_downloaded").want(http.StatusOK)
	if a.number("pagination.total") != 1 || a.text("data.0.resource.id") != job || a.text("data.0.details.sha256") != stored.Digest {
		t.Fatalf("%s", a.body)
	}

	// Completed is final, until the package's time is over.
	b.send(request{method: "DELETE", path: "~/evidence/export/" + job, as: "full"}).want(http.StatusConflict)
	b.post("full", "~/evidence/export/"+job+"/retry", "{}").want(http.StatusConflict)
	at, err := time.Parse(time.RFC3339, done)
	if err != nil {
		t.Fatal(err)
	}
	expires := func() time.Time {
		x, err := time.Parse(time.RFC3339, b.get("full", "~/evidence/export/"+job).want(http.StatusOK).text("data.expires_at"))
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	if got := expires(); !got.Equal(at.Add(audit.ExportLinkLife)) {
		t.Errorf("the link expires %s", got)
	}
	b.clock.move(audit.ExportLinkLife + time.Hour)
	if got := expires(); !got.After(b.clock.now()) { // asking gives a new link
		t.Errorf("the link expired %s", got)
	}
	b.clock.move(audit.ExportArtifactLife - audit.ExportLinkLife - 2*time.Hour)
	if got := expires(); !got.Equal(at.Add(audit.ExportArtifactLife)) {
		t.Errorf("the link outlives the package: %s", got)
	}
	b.clock.move(2 * time.Hour)
	a = b.get("full", "~/evidence/export/"+job).want(http.StatusOK)
	if _, linked := a.at("data.download_url"); linked || a.text("data.status") != "expired" {
		t.Fatalf("%s", a.body)
	}
	a = b.get("full", "~/evidence/export/"+job+"/download").want(http.StatusGone)
	if a.text("error.code") != "EXPORT_EXPIRED" {
		t.Fatalf("%s", a.body)
	}

	// Retrying makes a new job that names the old one.
	a = b.send(request{method: "POST", path: "~/evidence/export/" + job + "/retry", as: "full"}).want(http.StatusAccepted)
	if a.text("data.retry_of") != job || a.text("data.job_id") == job || a.text("data.request.framework") != "SOC2" {
		t.Fatalf("%s", a.body)
	}
	second := b.get("full", a.header.Get("Location")).want(http.StatusOK)
	if second.text("data.retry_of") != job || second.text("data.status") != "queued" {
		t.Fatalf("%s", second.body)
	}
	b.post("full", "~/evidence/export/"+second.text("data.job_id")+"/retry", "{}").want(http.StatusConflict)
	b.whole()
}

func TestFailedAndCanceledExportsCanBeRetried(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, end := range []audit.ExportStatus{audit.ExportFailed, audit.ExportCanceled} {
		job := b.post("full", "~/evidence/export", exportBody).want(http.StatusAccepted).text("data.job_id")
		b.apply(store.EndExport(b.ledger, b.begin(job), end, "the disk is full"))
		a := b.get("full", "~/evidence/export/"+job).want(http.StatusOK)
		if a.text("data.status") != string(end) || a.text("data.error") != "the disk is full" {
			t.Fatalf("%s", a.body)
		}
		b.get("full", "~/evidence/export/"+job+"/download").want(http.StatusConflict)
		b.send(request{method: "DELETE", path: "~/evidence/export/" + job, as: "full"}).want(http.StatusConflict)
		first := b.post("full", "~/evidence/export/"+job+"/retry", "{}", "Idempotency-Key", "again").want(http.StatusAccepted)
		again := b.post("full", "~/evidence/export/"+job+"/retry", "{}", "Idempotency-Key", "again").want(http.StatusAccepted)
		if first.text("data.job_id") != again.text("data.job_id") || again.header.Get("Idempotent-Replayed") != "true" {
			t.Fatalf("%s\n%s", first.body, again.body)
		}
	}
	b.whole()
}

func TestProgressNeverFailsAStatusRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.ProgressTimeout = 100 * time.Millisecond })
	job := b.post("full", "~/evidence/export", exportBody).want(http.StatusAccepted).text("data.job_id")
	ask := func(progress func(context.Context, audit.ExportID) (audit.Progress, error)) *answer {
		t.Helper()
		b.workflows.mu.Lock()
		b.workflows.progress = progress
		b.workflows.mu.Unlock()
		return b.get("full", "~/evidence/export/"+job)
	}
	known := func(context.Context, audit.ExportID) (audit.Progress, error) {
		return audit.Progress{Stage: "collecting", Done: 3, Total: 9}, nil
	}
	if _, ok := ask(known).want(http.StatusOK).at("data.progress"); ok {
		t.Error("a queued job has progress")
	}
	b.begin(job)
	if a := ask(known).want(http.StatusOK); a.number("data.progress.entries_done") != 3 || a.text("data.progress.stage") != "collecting" {
		t.Errorf("%s", a.body)
	}
	for name, progress := range map[string]func(context.Context, audit.ExportID) (audit.Progress, error){
		"it fails": func(context.Context, audit.ExportID) (audit.Progress, error) {
			return audit.Progress{}, fmt.Errorf("no worker")
		},
		"it hangs": func(ctx context.Context, _ audit.ExportID) (audit.Progress, error) {
			<-ctx.Done()
			return audit.Progress{}, ctx.Err()
		},
	} {
		started := time.Now()
		a := ask(progress).want(http.StatusOK)
		if _, ok := a.at("data.progress"); ok || time.Since(started) > 5*time.Second {
			t.Errorf("%s: %s", name, a.body)
		}
	}

	// A panic in a handler is a 500 that tells nothing, and a log line that tells all.
	a := ask(func(context.Context, audit.ExportID) (audit.Progress, error) { panic("secret of the house") })
	a.want(http.StatusInternalServerError)
	if strings.Contains(string(a.body), "secret") || a.text("error.code") != "INTERNAL" {
		t.Errorf("%s", a.body)
	}
	line := b.logLine(a.header.Get("X-Request-Id"))
	if !strings.Contains(line, "secret of the house") || !strings.Contains(line, `"level":"ERROR"`) || !strings.Contains(line, "export_job_test.go") {
		t.Errorf("logged %s", line)
	}
}

// TestADamagedPackageBreaksOff: the client must notice, and not by the digest
// alone.
func TestADamagedPackageBreaksOff(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"a byte changed":    func(b []byte) []byte { b[5] ^= 1; return b },
		"the end is lost":   func(b []byte) []byte { return b[:len(b)-100] },
		"something follows": func(b []byte) []byte { return append(b, 'x') },
		"nothing is left":   func([]byte) []byte { return nil },
	} {
		for _, size := range []int{50, 64 << 10, 300_000} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				t.Parallel()
				if size < 100 && name == "the end is lost" {
					t.Skip("there is no such end")
				}
				b := newBench(t)
				job := b.post("full", "~/evidence/export", exportBody).want(http.StatusAccepted).text("data.job_id")
				content := bytes.Repeat([]byte{'p'}, size)
				stored := b.complete(job, content)
				b.replace(stored.Key, damage(bytes.Clone(content)))
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/v1/audit/evidence/export/"+job+"/download", nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Authorization", "Bearer "+b.keys["full"])
				resp, err := http.DefaultTransport.RoundTrip(r)
				if err != nil {
					return // the connection broke before the header came through
				}
				defer resp.Body.Close()
				got, err := io.ReadAll(resp.Body)
				if err == nil {
					t.Fatalf("%d of %d bytes came as a whole", len(got), size)
				}
			})
		}
	}
}

// replace overwrites a stored object.
func (b *bench) replace(key string, content []byte) {
	b.t.Helper()
	w, err := b.artifacts.Create(b.t.Context(), key)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		b.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.t.Fatal(err)
	}
}

func TestAMissingPackageIsOurFault(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	job := b.post("full", "~/evidence/export", exportBody).want(http.StatusAccepted).text("data.job_id")
	stored := b.complete(job, []byte("package"))
	if err := b.artifacts.Delete(t.Context(), stored.Key); err != nil {
		t.Fatal(err)
	}
	b.get("full", "~/evidence/export/"+job+"/download").want(http.StatusInternalServerError)
	// It was not downloaded, so nothing says that it was.
	if a := b.get("full", "~/logs?event_type=audit.evidence_downloaded").want(http.StatusOK); a.number("pagination.total") != 0 {
		t.Fatalf("%s", a.body)
	}
}

func TestEstimatesAreMeasured(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ledgertest.Append(t, b.log, b.ledger, 0, 500) // of which scans and issues are two fifths
	a := b.post("full", "~/evidence/export", exportBody).want(http.StatusAccepted)
	if a.number("data.estimated_size_mb") != 1 {
		t.Fatalf("%s", a.body)
	}
	if v, _ := a.at("data.estimated_completion"); v != nil {
		t.Fatalf("nothing was ever completed: %s", a.body)
	}
	job := a.text("data.job_id")
	e, err := b.store.Export(t.Context(), b.ledger, audit.ExportID(job))
	if err != nil {
		t.Fatal(err)
	}
	row, err := b.log.Row(t.Context(), b.ledger, 10)
	if err != nil {
		t.Fatal(err)
	}
	one, err := row.Entry()
	if err != nil {
		t.Fatal(err)
	}
	if perEntry := *e.EstimatedBytes / 200; perEntry < int64(one.ContentSize)*8/10 || perEntry > int64(one.ContentSize)*12/10 {
		t.Fatalf("%d bytes for 200 entries of about %d", *e.EstimatedBytes, one.ContentSize)
	}

	// 100,000 bytes took a minute, so the next takes as long as its bytes do.
	b.clock.move(time.Minute)
	b.complete(job, bytes.Repeat([]byte("x"), 100_000))
	a = b.post("full", "~/evidence/export", exportBody).want(http.StatusAccepted)
	at, err := time.Parse(time.RFC3339, a.text("data.estimated_completion"))
	if err != nil {
		t.Fatal(err)
	}
	want := time.Duration(float64(*e.EstimatedBytes) / 100_000 * float64(time.Minute))
	if got := at.Sub(b.clock.now()); got < want*8/10 || got > want*12/10 {
		t.Fatalf("in %s, not in %s", got, want)
	}
	// Nothing selected, nothing estimated.
	a = b.post("full", "~/evidence/export", strings.Replace(exportBody, `"scan_results","issue_history"`, `"compliance_reports"`, 1)).want(http.StatusAccepted)
	if v, _ := a.at("data.estimated_size_mb"); v != nil {
		t.Fatalf("%s", a.body)
	}
}
