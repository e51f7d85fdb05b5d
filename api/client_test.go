package api_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/client"
	"github.com/sealbook/sealbook/ledger"
)

// checked sends a client's requests and holds each answer against openapi.yaml.
type checked struct {
	t      testing.TB
	called func(operation string, status int) // may be nil
	lose   atomic.Int32                       // answers that the client does not get
}

func (c *checked) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil && r.Header.Get("Content-Type") == "application/json" {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	answered, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answered.Body.Close()
	a := &answer{t: c.t, status: answered.StatusCode, header: answered.Header}
	if a.body, err = io.ReadAll(answered.Body); err != nil {
		return nil, err
	}
	if strings.HasPrefix(answered.Header.Get("Content-Type"), "application/json") {
		a.parse()
	}
	contract.check(c.t, r.Method, r.URL.Path, sent, a)
	if c.called != nil {
		template, _ := contract.operation(r.Method, r.URL.Path)
		c.called(r.Method+" "+template, a.status)
	}
	if c.lose.Add(-1) >= 0 {
		return nil, errors.New("the answer was lost")
	}
	answered.Body = io.NopCloser(bytes.NewReader(a.body))
	return answered, nil
}

// client is one with a bench's key.
func (b *bench) client(as string, transport *checked) *client.Client {
	b.t.Helper()
	c, err := client.New(b.url, b.keys[as], client.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// got returns what a call gave, or ends the test.
func got[A any](t testing.TB) func(A, error) A {
	return func(a A, err error) A {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
}

// TestClientAppends: what the client sends is in the ledger, once, and what it
// reads is what was sent.
func TestClientAppends(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	transport := &checked{t: t}
	c := b.client("full", transport)
	ctx := t.Context()
	request := client.EntryRequest{
		EventType: "data_change", Severity: client.SeverityHigh, Description: "a rule was changed", ExternalID: "rule:1",
		Timestamp: "2025-03-01T10:00:00.5Z",
		Actor:     &client.EntryRequestActor{Type: client.EntryRequestActorTypeUser, ID: "ada", Email: "ada@example.com"},
		Resource:  map[string]any{"type": "rule", "id": "r1", "own": []any{1., "x"}},
		Action: &client.EntryRequestAction{Operation: "update", Changes: []client.Change{
			{Field: "limit", OldValue: 0., NewValue: map[string]any{"max": 5.}, ChangeReason: "asked for"},
		}},
		Details:              map[string]any{"n": 1., "nested": map[string]any{"x": nil}},
		ComplianceFrameworks: []string{"soc2"},
		AutoResponse:         &client.EntryRequestAutoResponse{IPBlocked: new(false), AdminNotified: new(true)},
	}
	// The answer is lost, and the entry is there once.
	transport.lose.Store(1)
	entry := got[*client.Answer[client.Entry, client.Metadata]](t)(c.CreateEntry(ctx, request))
	if entry.Status != http.StatusCreated || !entry.Replayed() || entry.Data.Receipt == nil || entry.Data.Severity != client.SeverityHigh ||
		entry.Data.Timestamp.Format("15:04:05.000") != "10:00:00.500" || !reflect.DeepEqual(entry.Data.Action.Changes, request.Action.Changes) ||
		entry.Metadata.RequestID == "" || !bytes.Contains(entry.Raw, []byte(`"receipt"`)) {
		t.Errorf("%+v", entry)
	}
	again := got[*client.Answer[client.Entry, client.Metadata]](t)(c.CreateEntry(ctx, request))
	if again.Status != http.StatusOK || again.Replayed() || again.Data.ID != entry.Data.ID {
		t.Errorf("%+v", again)
	}
	// The same key in another call is the same request.
	first := got[*client.Answer[client.BulkData, client.Metadata]](t)(c.CreateEntries(ctx, client.CreateEntriesRequest{Entries: []client.EntryRequest{{EventType: "scan.started"}}}, client.CreateEntriesParams{}, client.IdempotencyKey("k1")))
	second := got[*client.Answer[client.BulkData, client.Metadata]](t)(c.CreateEntries(ctx, client.CreateEntriesRequest{Entries: []client.EntryRequest{{EventType: "scan.started"}}}, client.CreateEntriesParams{}, client.IdempotencyKey("k1")))
	if first.Replayed() || !second.Replayed() || !reflect.DeepEqual(first.Data, second.Data) || first.Data.Created != 1 {
		t.Errorf("%+v\n%+v", first, second)
	}
	_, err := c.CreateEntries(ctx, client.CreateEntriesRequest{Entries: []client.EntryRequest{{EventType: "scan.completed"}}}, client.CreateEntriesParams{}, client.IdempotencyKey("k1"))
	if client.CodeOf(err) != client.CodeIdempotencyKeyReused {
		t.Errorf("%v", err)
	}

	shown := got[*client.Answer[client.LogDetail, client.Metadata]](t)(c.ShowLog(ctx, entry.Data.LogID, client.ShowLogParams{}))
	if shown.Data.Actor.Email != "ada@example.com" || shown.Data.Resource["own"].([]any)[1] != "x" || shown.Data.Details["n"] != 1. {
		t.Errorf("%+v", shown.Data)
	}
	if _, err := c.ShowLog(ctx, entry.Data.LogID, client.ShowLogParams{IfNoneMatch: shown.ETag()}); err != client.ErrNotModified {
		t.Errorf("%v", err)
	}
	b.whole()
}

// TestClientErrors: what the API refuses is an Error with all that it said.
func TestClientErrors(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	transport := &checked{t: t}
	ctx := t.Context()
	var e *client.Error
	_, err := b.client("basic", transport).ListExports(ctx, client.ListExportsParams{}, client.RequestID("mine"))
	if !errors.As(err, &e) || e.Status != http.StatusForbidden || e.Code != client.CodeInsufficientAuditPrivileges || e.RequestID != "mine" ||
		e.Details.RequiredPermission != "audit:export" || e.Details.Contact != "audit@example.com" || e.Foreign {
		t.Errorf("%+v", err)
	}
	full := b.client("full", transport)
	_, err = full.CreateEntry(ctx, client.EntryRequest{EventType: "login"})
	if !errors.As(err, &e) || e.Code != client.CodeValidationFailed || len(e.Details.Fields) != 2 || e.Details.Fields[0].Field == "" {
		t.Errorf("%+v", err)
	}
	_, err = full.ListEntries(ctx, client.ListEntriesParams{Severity: "extreme"})
	if !errors.As(err, &e) || e.Details.Parameter != "severity" || !slices.Contains(e.Details.Allowed, "critical") {
		t.Errorf("%+v", err)
	}
	if _, err = full.ShowEntry(ctx, "bulk?x=../..", client.ShowEntryParams{}); client.CodeOf(err) != client.CodeNotFound {
		t.Errorf("%v", err)
	}
	if _, err = full.ShowExport(ctx, "export_01k3jy1z3n8w4q6t9v0b2c5d7f"); client.CodeOf(err) != client.CodeNotFound {
		t.Errorf("%v", err)
	}
}

// TestClientPages walks lists while they grow: in descending order what comes is
// not seen, in ascending order it is; nothing is seen twice.
func TestClientPages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	c := b.client("full", &checked{t: t})
	fill := func(n int) {
		t.Helper()
		entries := make([]client.EntryRequest, n)
		for i := range entries {
			entries[i].EventType = "scan.started"
		}
		got[*client.Answer[client.BulkData, client.Metadata]](t)(c.CreateEntries(t.Context(), client.CreateEntriesRequest{Entries: entries}, client.CreateEntriesParams{Receipts: client.CreateEntriesReceiptsNone}))
	}
	fill(20)
	for _, params := range []client.ListLogsParams{{EventType: "scan.started", Limit: 7}, {EventType: "scan.started", Limit: 7, Order: client.OrderAsc}} {
		before := got[*client.Page[[]client.Log, client.NumberedPage, client.ListMetadata]](t)(c.ListLogs(t.Context(), client.ListLogsParams{EventType: "scan.started", Limit: 1}))
		want, newest := *before.Pagination.Total, before.Data[0].Seq
		var seqs []int64
		for log, err := range c.AllLogs(t.Context(), params) {
			if err != nil {
				t.Fatal(err)
			}
			if seqs = append(seqs, log.Seq); len(seqs) == 10 {
				fill(5)
			}
		}
		if params.Order == client.OrderAsc {
			want += 5
		} else if seqs[0] != newest {
			t.Errorf("it starts at %d", seqs[0])
		}
		if slices.Reverse(seqs); int64(len(seqs)) != want || !slices.IsSorted(seqs) && params.Order == "" || len(slices.Compact(slices.Sorted(slices.Values(seqs)))) != len(seqs) {
			t.Errorf("%q: %d entries, not %d: %v", params.Order, len(seqs), want, seqs)
		}
	}
	n := 0
	for entry, err := range c.AllEntries(t.Context(), client.ListEntriesParams{Limit: 11, Offset: 5}) {
		if err != nil || entry.ID == "" {
			t.Fatal(err)
		}
		n++
	}
	total := got[*client.Page[[]client.Entry, client.OffsetPage, client.ListMetadata]](t)(c.ListEntries(t.Context(), client.ListEntriesParams{Limit: 1}))
	if int64(n) != *total.Pagination.Total-5 {
		t.Errorf("%d of %d", n, *total.Pagination.Total)
	}
	keys := map[string]bool{}
	for key, err := range c.AllAPIKeys(t.Context(), client.ListAPIKeysParams{Limit: 2}) {
		if err != nil || keys[key.ID] {
			t.Fatal(key.ID, err)
		}
		keys[key.ID] = true
	}
	if len(keys) != len(testKeys) {
		t.Errorf("%d keys", len(keys))
	}
}

// TestClientDoesEverything goes through what is not an append: forms, downloads,
// answers without a body, those of several shapes, and null.
func TestClientDoesEverything(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	transport := &checked{t: t}
	c := b.client("full", transport)
	ctx := t.Context()
	entry := got[*client.Answer[client.Entry, client.Metadata]](t)(c.CreateEntry(ctx, client.EntryRequest{EventType: "access.granted", UserID: "ada"}))

	me := got[*client.Answer[client.Me, client.Metadata]](t)(c.ShowMe(ctx))
	if me.Data.Constraints != nil || me.Data.ExpiresAt != nil || me.Data.Organisation.Name != "Test" {
		t.Errorf("%+v", me.Data)
	}
	anchors := got[*client.Answer[client.Anchors, client.Metadata]](t)(c.ShowAnchors(ctx))
	if anchors.Data.Registry != nil || anchors.Data.Reason == "" {
		t.Errorf("%+v", anchors.Data)
	}
	verified := got[*client.Answer[client.VerifyData, client.Metadata]](t)(c.Verify(ctx, client.VerifyRequest{VerifyWindow: &client.VerifyWindow{From: "1970-01-01", To: "9999-12-31"}}, client.VerifyParams{}))
	if v := verified.Data.Verification; v == nil || !v.Verified || v.Anchored.ThroughSeq != nil || verified.Data.VerificationJob != nil {
		t.Errorf("%+v", verified.Data)
	}
	job := got[*client.Answer[client.VerifyData, client.Metadata]](t)(c.Verify(ctx, client.VerifyRequest{VerifyWindow: &client.VerifyWindow{From: "1970-01-01", To: "9999-12-31"}}, client.VerifyParams{Prefer: "respond-async"}))
	if j := job.Data.VerificationJob; job.Status != http.StatusAccepted || j == nil || j.Status != client.VerificationJobStatusQueued || job.Header.Get("Location") == "" {
		t.Errorf("%+v", job)
	}
	receipt := got[*client.Answer[client.VerifyData, client.Metadata]](t)(c.Verify(ctx, client.VerifyRequest{Receipt: &client.VerifyRequestReceipt{Receipt: *entry.Data.Receipt}}, client.VerifyParams{}))
	if v := receipt.Data.Verification; v == nil || !v.Receipt.Genuine || v.Receipt.Seq != entry.Data.Seq {
		t.Errorf("%+v", receipt.Data)
	}

	uploaded := got[*client.Answer[client.UploadedEvidence, client.Metadata]](t)(c.UploadEvidence(ctx, client.UploadEvidenceRequest{
		File: client.File{Name: "review.txt", Content: strings.NewReader("reviewed")}, Type: "access_review", Title: "Review", Date: "2023-12-15", Criteria: []string{"CC6.1", "CC6.2"},
	}))
	if len(uploaded.Data.Criteria) != 2 || uploaded.Data.Artifacts[0].SizeBytes != 8 {
		t.Errorf("%+v", uploaded.Data)
	}
	artifact := uploaded.Data.Artifacts[0].URL
	download := got[*client.Download](t)(c.DownloadEvidence(ctx, artifact[strings.LastIndexByte(artifact, '/')+1:]))
	if text, err := io.ReadAll(download); string(text) != "reviewed" || err != nil || download.Name() != "review.txt" || download.Size != 8 {
		t.Errorf("%q %v %+v", text, err, download)
	}
	download.Close()
	one := got[*client.Answer[client.ShowEvidenceData, client.FrameworkEvidenceMetadata]](t)(c.ShowEvidence(ctx, uploaded.Data.ID, client.ShowEvidenceParams{}))
	if one.Data.UploadedEvidence == nil || one.Data.UploadedEvidence.Title != "Review" || one.Metadata.RequestID == "" {
		t.Errorf("%+v", one.Data)
	}
	all := got[*client.Answer[client.ShowEvidenceData, client.FrameworkEvidenceMetadata]](t)(c.ShowEvidence(ctx, "soc2", client.ShowEvidenceParams{AuditPeriodStart: "2023-12-01"}))
	items := all.Data.FrameworkEvidenceData.EvidenceItems
	if !slices.ContainsFunc(items, func(i client.FrameworkEvidenceDataEvidenceItem) bool { return i.UploadedEvidence != nil }) ||
		!slices.ContainsFunc(items, func(i client.FrameworkEvidenceDataEvidenceItem) bool { return i.AggregatedEvidence != nil }) || all.Metadata.Edition == "" {
		t.Errorf("%+v %+v", all.Data, all.Metadata)
	}

	key := got[*client.Answer[client.APIKey, client.Metadata]](t)(c.CreateAPIKey(ctx, client.APIKeyRequest{Name: "k", Permissions: []client.Permission{client.PermissionAuditReadBasic}, Constraints: &client.Constraints{Repositories: []string{"r1"}}}))
	rotated := got[*client.Answer[client.APIKey, client.Metadata]](t)(c.RotateAPIKey(ctx, key.Data.ID, client.RotateAPIKeyRequest{OverlapSeconds: new(int64(0))}))
	if rotated.Data.Key == key.Data.Key || rotated.Data.Constraints.Repositories[0] != "r1" || !rotated.Data.ExpiresAt.IsZero() {
		t.Errorf("%+v", rotated.Data)
	}
	if err := c.RevokeAPIKey(ctx, key.Data.ID); err != nil {
		t.Error(err)
	}

	retention := got[*client.Answer[client.RetentionData, client.RetentionMetadata]](t)(c.ShowRetention(ctx))
	policy := retention.Data.Policy
	policy.EvidenceExports.RetentionDays = 31
	asked := client.RetentionRequest{AuditLogs: policy.AuditLogs, ScanResults: policy.ScanResults, EvidenceExports: policy.EvidenceExports}
	changed := got[*client.Answer[client.PutRetentionData, client.RetentionMetadata]](t)(c.PutRetention(ctx, asked, client.PutRetentionParams{IfMatch: retention.ETag()}))
	if set := changed.Data.RetentionData; set == nil || set.Policy != policy || changed.ETag() == retention.ETag() || !slices.ContainsFunc(set.Floors, func(f client.RetentionDataFloor) bool { return f.RetentionDays == nil }) {
		t.Errorf("%+v", changed)
	}

	export := got[*client.Answer[client.Export, client.Metadata]](t)(c.StartExport(ctx, client.ExportRequest{
		Format: client.ExportRequestFormatZip, Framework: "soc2", AuditPeriod: client.ExportRequestAuditPeriod{From: "2024-01-01", To: "2024-03-31"},
		Include: []client.ExportRequestIncludeItem{client.ExportRequestIncludeItemScanResults},
	}, client.StartExportParams{}))
	if _, err := c.DownloadExport(ctx, export.Data.JobID); client.CodeOf(err) != client.CodeInvalidState {
		t.Errorf("%v", err)
	}
	canceled := got[*client.Answer[client.Export, client.Metadata]](t)(c.CancelExport(ctx, export.Data.JobID))
	if canceled.Data.JobID != export.Data.JobID {
		t.Errorf("%+v", canceled.Data)
	}

	proof := got[*client.Download](t)(c.ProveEntry(ctx, entry.Data.ID, client.ProveEntryParams{}))
	if text, err := io.ReadAll(proof); err != nil || !bytes.HasPrefix(text, []byte("c2sp.org/tlog-proof")) {
		t.Errorf("%q %v", text, err)
	}
	proof.Close()
	types := got[*client.Answer[client.EventSchema, client.Metadata]](t)
	c.PutEventType(ctx, "plant.door_opened", client.EventTypeRequest{Class: client.EventClassSecurityEvent, Severity: client.SeverityHigh})
	if s := types(c.PutNextEventSchema(ctx, "plant.door_opened", client.EventSchemaRequest{Schema: map[string]any{"required": []string{"details"}}})); s.Status != http.StatusCreated || s.Data.Version != 1 {
		t.Errorf("%+v", s)
	}
	document := got[*client.Answer[map[string]any, struct{}]](t)(c.OpenAPI(ctx))
	if document.Data["openapi"] != "3.1.0" {
		t.Errorf("%v", document.Data["openapi"])
	}
	b.whole()
}

// TestClientCallsEveryOperation calls all methods of the client: each leads to
// an operation, and each operation is led to.
func TestClientCallsEveryOperation(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.RateLimit = -1 })
	called := map[string]bool{}
	transport := &checked{t: t, called: func(operation string, _ int) { called[operation] = true }}
	c := reflect.ValueOf(b.client("full", transport))
	for i := range c.NumMethod() {
		method := c.Type().Method(i)
		if strings.HasPrefix(method.Name, "All") {
			continue // they call others
		}
		in := []reflect.Value{reflect.ValueOf(t.Context())}
		for k := 2; k < method.Type.NumIn()-1; k++ { // between the context and the options
			v := reflect.New(method.Type.In(k)).Elem()
			switch v.Kind() {
			case reflect.String:
				v.SetString("x")
			case reflect.Int64:
				v.SetInt(1)
			}
			in = append(in, v)
		}
		in = append(in, reflect.ValueOf(client.Patience(0)))
		before := len(called)
		out := c.Method(i).Call(in)
		if d, ok := out[0].Interface().(*client.Download); ok && d != nil {
			d.Close()
		}
		if len(called) != before+1 {
			t.Errorf("%s leads to nothing of its own: %v", method.Name, out[len(out)-1])
		}
	}
	for template, item := range contract.doc.Paths.Map() {
		for method := range item.Operations() {
			if !called[method+" "+template] {
				t.Errorf("no method calls %s %s", method, template)
			}
		}
	}
}
