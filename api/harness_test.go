package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/account"
	"github.com/sealbook/sealbook/internal/artifact"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// pepper of the test keys.
var pepper = []byte("test pepper")

// bench is an API with everything real behind it but Temporal, serving over a
// real connection. Every answer that a test gets is held against openapi.yaml.
type bench struct {
	t         testing.TB
	dsn       string
	log       *ledger.Log
	store     *store.Store
	artifacts *artifact.Store
	workflows *fakeWorkflows
	logged    *lines
	clock     *testClock
	handler   *api.API // does not Run: reads are in the ledger once a test says flush
	url       string

	ledger int32             // of the organisation under test
	other  int32             // of another one
	keys   map[string]string // API keys by name

	documented *documented // what the statements fields and sent of a script ask
}

// fakeWorkflows stands for the only service that the API can do without.
type fakeWorkflows struct {
	mu       sync.Mutex
	woken    int
	progress func(context.Context, audit.ExportID) (audit.Progress, error)
	step     func(context.Context, audit.InvestigationID, audit.CaseStep) (audit.Case, error)
	ready    error
}

func (f *fakeWorkflows) Wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.woken++
}

func (f *fakeWorkflows) ExportProgress(ctx context.Context, id audit.ExportID) (audit.Progress, error) {
	f.mu.Lock()
	ask := f.progress
	f.mu.Unlock()
	if ask == nil {
		return audit.Progress{}, audit.Errorf(audit.Unavailable, "nobody answers")
	}
	return ask(ctx, id)
}

func (f *fakeWorkflows) AssessmentProgress(ctx context.Context, id audit.AssessmentID) (audit.Progress, error) {
	return f.ExportProgress(ctx, audit.ExportID(id))
}

func (f *fakeWorkflows) ReportProgress(ctx context.Context, id audit.ReportID) (audit.Progress, error) {
	return f.ExportProgress(ctx, audit.ExportID(id))
}

func (f *fakeWorkflows) VerificationProgress(ctx context.Context, id audit.VerificationID) (audit.Progress, error) {
	return f.ExportProgress(ctx, audit.ExportID(id))
}

func (f *fakeWorkflows) TakeStep(ctx context.Context, id audit.InvestigationID, step audit.CaseStep) (audit.Case, error) {
	f.mu.Lock()
	take := f.step
	f.mu.Unlock()
	if take == nil {
		return audit.Case{}, audit.Errorf(audit.Unavailable, "nobody answers")
	}
	return take(ctx, id, step)
}

// progressOf is a workflow that is always this far.
func progressOf(p audit.Progress) func(context.Context, audit.ExportID) (audit.Progress, error) {
	return func(context.Context, audit.ExportID) (audit.Progress, error) { return p, nil }
}

func (f *fakeWorkflows) Ready(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ready
}

// testClock is the machine's, moved, or stopped at a time and moved.
type testClock struct {
	mu      sync.Mutex
	moved   time.Duration
	stopped time.Time
}

func (c *testClock) stop() {
	now := audit.SystemClock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = now
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopped.IsZero() {
		return c.stopped.Add(c.moved)
	}
	return audit.Instant(audit.SystemClock().Add(c.moved))
}

func (c *testClock) move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moved += by
}

// lines keeps what is logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// testKeys are the keys of every bench, by name.
var testKeys = map[string][]audit.Permission{
	"full":     audit.Permissions,
	"writer":   {audit.Write},
	"basic":    {audit.ReadBasic},
	"reader":   {audit.ReadSensitive},
	"exporter": {audit.ExportEvidence, audit.ReadBasic},
	"verifier": {audit.VerifyLedger},
	"admin":    {audit.Admin},
}

func newBench(t testing.TB, change ...func(*api.Config, *ledger.Config)) *bench {
	t.Helper()
	b := &bench{t: t, dsn: ledgertest.Database(t), workflows: &fakeWorkflows{}, logged: &lines{}, clock: &testClock{}, keys: map[string]string{}}
	lc := ledger.Config{}
	c := api.Config{
		Workflows: b.workflows, Pepper: pepper, PublicURL: "https://audit.example.com", Contact: "audit@example.com", Version: "v0.0.0-test",
		SignInRate: -1, SignInFloor: time.Millisecond, PasswordCost: account.Cost{Memory: 8, Time: 1}, ReportWait: -1, AssessEvery: 24 * time.Hour,
		Clock: b.clock.now, Logger: slog.New(slog.NewJSONHandler(b.logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, f := range change {
		f(&c, &lc)
	}
	b.log = ledgertest.Open(t, b.dsn, func(to *ledger.Config) {
		to.QueueSize, to.OutcomeFor = lc.QueueSize, lc.OutcomeFor
		if lc.Clock != nil {
			to.Clock = lc.Clock
		}
	})
	var err error
	if b.store, err = store.Open(t.Context(), b.dsn, 8); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.store.Close)
	if b.artifacts, err = artifact.Open(t.Context(), "file://"+t.TempDir()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.artifacts.Close() })
	b.ledger = b.organisation("org_test", "Test")
	b.other = b.organisation("org_other", "Other")
	for name, permissions := range testKeys {
		b.keys[name] = b.key("org_test", name, permissions)
	}
	b.keys["other"] = b.key("org_other", "other", audit.Permissions)

	c.Log, c.Store, c.Artifacts = b.log, b.store, b.artifacts
	if b.handler, err = api.New(c); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b.handler)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *bench) organisation(id audit.OrganisationID, name string) int32 {
	b.t.Helper()
	d, err := b.log.Create(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.store.CreateOrganisation(b.t.Context(), store.Organisation{ID: id, Name: name, Ledger: d.ID, CreatedAt: b.clock.now()}); err != nil {
		b.t.Fatal(err)
	}
	return d.ID
}

func (b *bench) key(o audit.OrganisationID, name string, permissions []audit.Permission, change ...func(*store.Key)) string {
	b.t.Helper()
	k, text, err := store.NewKey(pepper, o, name, "test", permissions, b.clock.now())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range change {
		f(&k)
	}
	e := audit.Event{Type: "audit.api_key_created", Class: audit.ClassSystem, Severity: audit.SeverityLow}
	if _, err := b.log.Append(b.t.Context(), ledger.Submission{Ledger: b.ledger, Events: []audit.Event{e}, With: store.InsertKey(k)}); err != nil {
		b.t.Fatal(err)
	}
	return text
}

// request is what a test sends. Path may start with ~, which is the canonical
// mount.
type request struct {
	method, path string
	as           string // a key's name; "" sends none
	header       http.Header
	body         []byte
}

// answer is what came back, checked against the contract.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
	json   any // nil if the body is not JSON
}

func (b *bench) send(req request) *answer {
	b.t.Helper()
	path := req.path
	if rest, ok := strings.CutPrefix(path, "~"); ok {
		path = api.Mounts[0] + rest
	}
	r, err := http.NewRequestWithContext(b.t.Context(), req.method, b.url+path, bytes.NewReader(req.body))
	if err != nil {
		b.t.Fatal(err)
	}
	if req.body == nil {
		r.Body, r.ContentLength = nil, 0
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	if req.as != "" {
		r.Header.Set("Authorization", "Bearer "+b.keys[req.as])
	}
	for name, values := range req.header {
		r.Header[name] = values
	}
	resp, err := http.DefaultTransport.RoundTrip(r) // follows no redirect
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	a := &answer{t: b.t, status: resp.StatusCode, header: resp.Header}
	body := io.Reader(resp.Body)
	if resp.Header.Get("Content-Encoding") == "gzip" { // who asks for it unpacks it
		if body, err = gzip.NewReader(resp.Body); err != nil {
			b.t.Fatal(err)
		}
	}
	if a.body, err = io.ReadAll(body); err != nil {
		b.t.Fatal(err)
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/") && strings.HasSuffix(resp.Header.Get("Content-Type"), "json") &&
		resp.Header.Get("Content-Disposition") == "" {
		a.parse()
	}
	contract.check(b.t, r.Method, r.URL.Path, req.body, a)
	return a
}

func (b *bench) get(as, path string) *answer {
	b.t.Helper()
	return b.send(request{method: "GET", path: path, as: as})
}

func (b *bench) post(as, path, body string, header ...string) *answer {
	b.t.Helper()
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return b.send(request{method: "POST", path: path, as: as, header: h, body: []byte(body)})
}

func (a *answer) parse() {
	a.t.Helper()
	if err := json.Unmarshal(a.body, &a.json); err != nil {
		a.t.Errorf("the answer is not JSON: %v\n%s", err, a.body)
	}
}

func (a *answer) receipt(path string) (r ledger.Receipt) {
	a.t.Helper()
	v, _ := a.at(path)
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		a.t.Fatalf("%s: %v", path, err)
	}
	return r
}

// want fails the test unless the status is the one that is expected.
func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, not %d: %s", a.status, status, a.body)
	}
	return a
}

// at returns the value at a path such as data.0.id; ok is whether it is there.
func (a *answer) at(path string) (v any, ok bool) {
	v = a.json
	for _, step := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			if v, ok = at[step]; !ok {
				return nil, false
			}
		case []any:
			var i int
			if _, err := fmt.Sscan(step, &i); err != nil || i < 0 || i >= len(at) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, true
}

func (a *answer) text(path string) string {
	a.t.Helper()
	v, ok := a.at(path)
	if !ok {
		a.t.Fatalf("there is no %s in %s", path, a.body)
	}
	s, ok := v.(string)
	if !ok {
		a.t.Fatalf("%s is %v", path, v)
	}
	return s
}

func (a *answer) number(path string) int64 {
	a.t.Helper()
	v, _ := a.at(path)
	f, ok := v.(float64)
	if !ok {
		a.t.Fatalf("%s is %v in %s", path, v, a.body)
	}
	return int64(f)
}

// flush brings what was read into the ledgers.
func (b *bench) flush() {
	b.t.Helper()
	if err := b.handler.Flush(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// whole is the oracle for both ledgers.
func (b *bench) whole() {
	b.t.Helper()
	ledgertest.Check(b.t, b.log, b.ledger, -1)
	ledgertest.Check(b.t, b.log, b.other, -1)
}
