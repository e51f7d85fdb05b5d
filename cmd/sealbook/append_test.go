package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sealbook/sealbook/ledger/ledgertest"
)

func TestAppend(t *testing.T) {
	t.Parallel()
	i := install(t)
	env := i.client(i.serve(t))
	receipt := filepath.Join(t.TempDir(), "receipt.json")

	invoke(t, env, entry(1), "append", "--receipt", receipt).want(t, exitOK).says(t, "audit_entry_", "appended", "entry 1 of "+i.key.Origin, "sha256:")
	invoke(t, env, "", "verify", receipt, "--key", i.key.VerifierKey).want(t, exitOK).says(t, "VERIFIED")
	// The same external id and content is the same entry with the same receipt.
	first, err := os.ReadFile(receipt)
	if err != nil {
		t.Fatal(err)
	}
	invoke(t, env, entry(1), "append", "--receipt", receipt).want(t, exitOK).says(t, "was there before", "entry 1 of")
	if again, err := os.ReadFile(receipt); err != nil || string(again) != string(first) {
		t.Errorf("another receipt: %s %v", again, err)
	}

	// A stream: what was acknowledged before a refusal is kept.
	r := invoke(t, env, entry(2)+"\n"+entry(3)+"\n{\"event_type\":\"made.up\"}\n"+entry(4), "append", "--receipt", receipt, "--json").
		want(t, exitFailed).says(t, "sealbook append: entry 3: the entry is not valid; /event_type: unknown event type")
	if strings.Count(r.stdout, "\n") != 2 || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	kept, err := os.ReadFile(receipt)
	if err != nil || strings.Count(string(kept), "\n") != 2 {
		t.Errorf("%s %v", kept, err)
	}
	invoke(t, env, "", "verify", receipt, "--key", i.key.VerifierKey).want(t, exitOK)

	file := filepath.Join(t.TempDir(), "entry.json")
	if err := os.WriteFile(file, []byte(entry(5)), 0o600); err != nil {
		t.Fatal(err)
	}
	invoke(t, append(env, "SEALBOOK_TRUSTED_KEYS="+filepath.Join(i.dir, verifierFile)), "", "append", "--file", file).want(t, exitOK)
	invoke(t, append(env, "SEALBOOK_TRUSTED_KEYS="+ledgertest.Key.VerifierKey(i.key.Origin)), entry(6), "append").
		want(t, exitFailed).says(t, "acknowledged with a receipt that does not hold")

	invoke(t, env, "", "append").want(t, exitFailed).says(t, "there was no entry to append")
	invoke(t, env, "{\"event_type\":", "append").want(t, exitFailed).says(t, "entry 1 is not JSON")
	invoke(t, env, `{"event_type":"login"}`, "append").want(t, exitFailed).says(t, "/description", "/severity")
	invoke(t, env, "", "append", "--file", "/nowhere").want(t, exitUsage).says(t, "no such file")
	invoke(t, env, entry(1), "append", "--receipt", "/nowhere/r.json").want(t, exitUsage).says(t, "the receipt cannot be written")
}

// TestAppendSurvivesALostAnswer: the entry is committed, the answer is lost,
// the second attempt gets the first one's answer.
func TestAppendSurvivesALostAnswer(t *testing.T) {
	t.Parallel()
	i := install(t)
	target, err := url.Parse(i.serve(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	var posts atomic.Int32
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if posts.Add(1) == 1 {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(between.Close)
	invoke(t, i.client(between.URL), `{"event_type":"access.granted","user_id":"ada"}`, "append").want(t, exitOK).says(t, "entry 1 of")
	if posts.Load() != 2 {
		t.Errorf("%d attempts", posts.Load())
	}
	l := ledgertest.Reader(t, i.dsn)
	ledgertest.Check(t, l, 1, 2)
}

// TestClientErrors: whatever answers, a person reads one sentence.
func TestClientErrors(t *testing.T) {
	t.Parallel()
	i := install(t)
	for _, c := range []struct {
		name, says string
		answer     http.HandlerFunc
	}{
		{"no Sealbook", "answered 404 Not Found and not as Sealbook does", http.NotFound},
		{"a redirect", "answered 302 Found and not as Sealbook does", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://example.com/", http.StatusFound)
		}},
		{"another JSON", "answered something else than Sealbook does", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }},
		{"no receipt", "the answer holds no receipt", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"data":{}}`)) }},
		{"a refusal", "You may not; required permission: audit:write; contact: admin@example.com", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			w.Write([]byte(`{"error":{"code":"INSUFFICIENT_AUDIT_PRIVILEGES","message":"You may not","details":{"required_permission":"audit:write","contact":"admin@example.com","user_permissions":[]}}}`))
		}},
		{"an internal error", "something went wrong here (request req_1)", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			w.Write([]byte(`{"error":{"code":"INTERNAL","message":"something went wrong here"},"metadata":{"request_id":"req_1"}}`))
		}},
	} {
		s := httptest.NewServer(c.answer)
		r := invoke(t, i.client(s.URL), entry(1), "append").want(t, exitFailed).says(t, c.says)
		if strings.Count(r.stderr, "\n") != 1 || strings.Contains(r.stderr, i.key.Key) {
			t.Errorf("%s: %s", c.name, r.stderr)
		}
		s.Close()
	}
}
