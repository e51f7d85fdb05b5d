package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// TestKeysAreLimited uses up a small bucket and waits for it, by the clock of
// the test.
func TestKeysAreLimited(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.RateLimit, c.RateBurst = 1, 3 })
	b.clock.stop()
	for left := range 3 {
		a := b.get("reader", "~/entries").want(http.StatusOK)
		if got, want := a.header.Get("RateLimit"), []string{`"key";r=2;t=1`, `"key";r=1;t=2`, `"key";r=0;t=3`}[left]; got != want {
			t.Errorf("%s, not %s", got, want)
		}
		if got := a.header.Get("RateLimit-Policy"); got != `"key";q=3;w=3` {
			t.Error(got)
		}
	}
	a := b.post("reader", "~/entries", `{}`).want(http.StatusTooManyRequests) // before its right is asked for
	if a.text("error.code") != string(audit.RateLimited) || a.header.Get("Retry-After") != "1" {
		t.Errorf("%v %s", a.header, a.body)
	}
	b.get("basic", "~/entries").want(http.StatusOK) // another key
	b.get("", "/healthz").want(http.StatusOK)
	b.send(request{method: "GET", path: "~/entries", as: "reader", header: http.Header{"Accept": {"application/problem+json"}}}).want(http.StatusTooManyRequests)
	b.clock.move(2 * time.Second)
	b.get("reader", "~/entries").want(http.StatusOK)
	b.get("reader", "~/entries").want(http.StatusOK)
	b.get("reader", "~/entries").want(http.StatusTooManyRequests)
	b.clock.move(time.Hour)
	if got := b.get("reader", "~/entries").want(http.StatusOK).header.Get("RateLimit"); got != `"key";r=2;t=1` { // never more than the burst
		t.Error(got)
	}
}

func TestKeysAreNotLimited(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.RateLimit = -1 })
	if h := b.get("reader", "~/entries").want(http.StatusOK).header; h.Get("RateLimit") != "" {
		t.Error(h)
	}
}

// TestScriptsOfNamedOrigins sends what browsers send before and with a request
// of a page of another origin.
func TestScriptsOfNamedOrigins(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.CORSOrigins = []string{"https://console.example.com"} })
	ask := func(method, origin, wants string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/api/v1/audit/entries", nil)
		r.Header.Set("Origin", origin)
		if wants != "" {
			r.Header.Set("Access-Control-Request-Method", wants)
		}
		w := httptest.NewRecorder()
		b.handler.ServeHTTP(w, r)
		return w
	}
	w := ask("OPTIONS", "https://console.example.com", "POST")
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://console.example.com", "Access-Control-Allow-Methods": "POST, GET",
		"Access-Control-Allow-Credentials": "", "Access-Control-Max-Age": "600", "Vary": "Accept, Accept-Encoding, Authorization, Cookie, Origin",
	} {
		if got := w.Header().Get(name); w.Code != http.StatusNoContent || got != want || w.Body.Len() > 0 {
			t.Errorf("%d %s: %q, not %q; %s", w.Code, name, got, want, w.Body)
		}
	}
	if h := w.Header().Get("Access-Control-Allow-Headers"); !strings.Contains(h, "Authorization") || !strings.Contains(h, "Idempotency-Key") || !strings.Contains(h, "If-Match,") {
		t.Error(h)
	}
	if w := ask("OPTIONS", "https://console.example.com", ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("what is no question is answered with %d", w.Code)
	}
	for _, origin := range []string{"https://evil.example.com", "https://console.example.com.evil.com", "http://console.example.com", "null"} {
		if w := ask("OPTIONS", origin, "POST"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %v", origin, w.Code, w.Header())
		}
	}
	if w := ask("GET", "https://console.example.com", ""); w.Code != http.StatusUnauthorized || w.Header().Get("Access-Control-Allow-Origin") != "https://console.example.com" {
		t.Errorf("a script cannot read why it was refused: %d %v", w.Code, w.Header())
	}
	for _, bad := range []string{"*", "console.example.com", "https://a.example.com/", "https://u@a.example.com"} {
		c := api.Config{Log: b.log, Store: b.store, Artifacts: b.artifacts, Clock: b.clock.now, Pepper: pepper, PublicURL: "https://a.example.com", CORSOrigins: []string{bad}}
		if _, err := api.New(c); err == nil {
			t.Errorf("%s is taken for an origin", bad)
		}
	}
}

// TestWaitingForJobs ends a job while the caller waits for it, and does not
// end another.
func TestWaitingForJobs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const export = `{"format":"zip","framework":"soc2","audit_period":{"from":"2024-01-01","to":"2024-03-31"},"include":["scan_results"]}`
	const window = `{"from":"2024-01-01","to":"2024-03-31"}`

	a := b.post("exporter", "~/evidence/export", export, "Prefer", "respond-async, wait=1").want(http.StatusAccepted)
	if got := a.header.Get("Preference-Applied"); got != "respond-async, wait=1" {
		t.Errorf("%q", got)
	}
	for _, senseless := range []string{"wait=soon", "wait=-1", "wait=0", "wait", "return=minimal"} {
		if a := b.post("exporter", "~/evidence/export", export, "Prefer", senseless).want(http.StatusAccepted); a.header.Get("Preference-Applied") != "" {
			t.Errorf("%s was applied", senseless)
		}
	}

	asked, err := make(chan *answer, 2), error(nil)
	go func() {
		asked <- b.post("exporter", "~/evidence/export", export, "Prefer", "wait=20", "Idempotency-Key", "e")
	}()
	var e string
	for list := []store.Export{}; len(list) < 7; time.Sleep(10 * time.Millisecond) { // the seventh
		if list, _, err = b.store.Exports(t.Context(), b.ledger, 10, 0); err != nil {
			t.Fatal(err)
		}
		if len(list) > 0 {
			e = string(list[0].ID)
		}
	}
	b.end(store.EndExport(b.ledger, audit.ExportID(e), audit.ExportCanceled, ""))
	a = (<-asked).want(http.StatusCreated)
	if a.text("data.status") != "canceled" || a.text("data.job_id") != e || a.header.Get("Preference-Applied") != "wait=20" {
		t.Errorf("%v %s", a.header, a.body)
	}
	// The same request again finds it ended.
	a = b.post("exporter", "~/evidence/export", export, "Prefer", "wait=20", "Idempotency-Key", "e").want(http.StatusCreated)
	if a.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%v", a.header)
	}

	// A verification that completes is answered as if there had been no job.
	direct := b.post("verifier", "~/verify", window).want(http.StatusOK)
	v, _ := direct.at("data")
	result, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	go func() { asked <- b.post("verifier", "~/verify", window, "Prefer", "respond-async, wait=20") }()
	var id string
	for id == "" {
		list, _, err := b.store.Verifications(t.Context(), b.ledger, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range list {
			id = string(v.ID)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := b.store.BeginVerification(t.Context(), b.ledger, audit.VerificationID(id), "run"); err != nil {
		t.Fatal(err)
	}
	b.end(store.CompleteVerification(b.ledger, audit.VerificationID(id), result, b.clock.now()))
	if a := (<-asked).want(http.StatusOK); a.text("data.verification_hash") != direct.text("data.verification_hash") {
		t.Errorf("%s", a.body)
	}
	b.whole()
}

// end runs a job's last statements with an entry, as activities do.
func (b *bench) end(with store.Statements) {
	b.t.Helper()
	e := audit.Event{Type: "audit.job_ended", Class: audit.ClassSystem, Severity: audit.SeverityLow}
	if _, err := b.log.Append(b.t.Context(), ledger.Submission{Ledger: b.ledger, Events: []audit.Event{e}, With: with}); err != nil {
		b.t.Fatal(err)
	}
}

// TestTheDocumentationLoadsNothing reads the page's files for what a strict
// policy would keep from working, and for addresses of others.
func TestTheDocumentationLoadsNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"index.html", "docs.css", "docs.js"} {
		text, err := os.ReadFile("docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`https?://|//[a-z]|@import|url\(|style=|innerHTML|eval\(|<script>| on[a-z]+=`).FindString(string(text)); found != "" {
			t.Errorf("%s has %q", name, found)
		}
	}
}
