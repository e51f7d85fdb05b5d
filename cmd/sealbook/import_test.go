package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

const cloudTrailFixture = "../../internal/importer/testdata/cloudtrail.jsonl"

func TestImportCloudTrail(t *testing.T) {
	t.Parallel()
	i := install(t)
	env := i.client(i.serve(t))
	first := invoke(t, env, "", "import", "--format", "cloudtrail", cloudTrailFixture).want(t, exitOK).
		says(t, "6 records: 6 created, 0 duplicate, 0 rejected; 6 event types registered")
	if first.stderr != "" {
		t.Errorf("a pipe gets more than results: %q", first.stderr)
	}
	l := ledgertest.Open(t, i.dsn)
	size := ledgertest.Check(t, l, 1, -1).Checkpoint.Size

	// Importing twice adds nothing at all, also when it is packed.
	invoke(t, env, "", "import", "--format", "cloudtrail", cloudTrailFixture).want(t, exitOK).
		says(t, "6 records: 0 created, 6 duplicate, 0 rejected; 0 event types registered")
	content, err := os.ReadFile(cloudTrailFixture)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(content)
	z.Close()
	invoke(t, env, packed.String(), "import", "--format", "cloudtrail", "-", "--json").want(t, exitOK).says(t, `"duplicate":6`, `"rejections":[]`)
	ledgertest.Check(t, l, 1, size)

	// The entries have their own times, and the class of their types.
	found := map[string]audit.Entry{}
	for row, err := range l.Rows(t.Context(), 1, 0, size) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := row.Entry()
		if err != nil {
			t.Fatal(err)
		}
		found[e.Type] = e
	}
	login := found["cloudtrail.console_login"]
	if login.Class != audit.ClassLogin || login.Severity != audit.SeverityHigh || !login.Time().Equal(time.Date(2023, 7, 10, 11, 42, 18, 0, time.UTC)) ||
		login.ExternalID != "cloudtrail:00000000-0000-4000-8000-000000000002" {
		t.Errorf("%+v", login)
	}
	if e := found["cloudtrail.run_instances"]; e.Details["requestParameters"].(map[string]any)["big"] != "9007199254740993" || e.Details["import_notes"] == nil {
		t.Errorf("%+v", e.Details)
	}

	// A type that somebody has registered otherwise stays as it is.
	i.putType(t, env, "cloudtrail.get_object", `{"class":"login","severity":"critical"}`)
	record := `{"eventID":"x1","eventTime":"2023-07-10T11:42:18Z","eventSource":"s3.amazonaws.com","eventName":"GetObject"}`
	invoke(t, env, record, "import", "--format", "cloudtrail", "-").want(t, exitOK).says(t, "1 created", "0 event types registered")
	row, err := l.Row(t.Context(), 1, size+1)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := row.Entry(); err != nil || e.Class != audit.ClassLogin {
		t.Errorf("%+v %v", e, err)
	}
}

func (i *installation) putType(t *testing.T, env []string, name, body string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPut, strings.TrimPrefix(env[0], "SEALBOOK_URL=")+apiMount+"/event-types/"+name, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+i.key.Key)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status)
	}
}

// TestImportNamesWhatIsRejected: the good lines of a bad file are in, the bad
// ones are named, by whoever found them.
func TestImportNamesWhatIsRejected(t *testing.T) {
	t.Parallel()
	i := install(t)
	env := i.client(i.serve(t))
	lines := []string{
		entry(1),
		`{"event_type":"made.up"}`,
		`not JSON`,
		`{"event_type":"access.granted","details":{"n":9007199254740993}}`, // fails the whole request
		entry(2),
		strings.Replace(entry(1), `"n":1`, `"n":2`, 1), // other content under the same external id
		`{"event_type":"access.granted","user_id":"` + strings.Repeat("x", 300<<10) + `"}`,
		entry(3),
	}
	file := filepath.Join(t.TempDir(), "mixed.jsonl")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	r := invoke(t, env, "", "import", "--format", "jsonl", file).want(t, exitFailed).
		says(t, "8 records: 3 created, 0 duplicate, 5 rejected",
			"line 2: the entry is not valid; /event_type: unknown event type", "line 3: the JSON is malformed",
			"line 4: an integer is beyond", "line 6: ", "line 7: ")
	if strings.Count(r.stderr, "\n") != 5 {
		t.Errorf("%s", r.stderr)
	}
	r = invoke(t, env, "", "import", "--format", "jsonl", file, "--json").want(t, exitFailed)
	var said struct {
		Created, Duplicate, Rejected int
		Rejections                   []rejection
	}
	if err := json.Unmarshal([]byte(r.stdout), &said); err != nil || said.Created != 0 || said.Duplicate != 3 || said.Rejected != 5 || len(said.Rejections) != 5 {
		t.Errorf("%s %v", r.stdout, err)
	}
	l := ledgertest.Open(t, i.dsn)
	ledgertest.Check(t, l, 1, 4)

	for content, says := range map[string]string{"": "the recording is empty", "\x1f\x8bnot gzip": "unpack recording"} {
		invoke(t, env, content, "import", "--format", "jsonl", "-").want(t, exitFailed).says(t, says)
	}
}

// TestImportGoesThroughOutages: answers that are lost and a server that is
// away for a while cost nothing and add nothing twice.
func TestImportGoesThroughOutages(t *testing.T) {
	t.Parallel()
	i := install(t)
	target, err := url.Parse(i.serve(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	var requests atomic.Int32
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch requests.Add(1) % 4 {
		case 1: // committed, and the answer lost
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case 2: // a proxy without a Sealbook behind it
			http.Error(w, "bad gateway", http.StatusBadGateway)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(between.Close)
	var content strings.Builder
	for n := range 2500 {
		content.WriteString(entry(n) + "\n")
	}
	r := invoke(t, i.client(between.URL), content.String(), "import", "--format", "jsonl", "-").want(t, exitOK).
		says(t, "2500 records: 2500 created, 0 duplicate, 0 rejected")
	if !strings.Contains(r.stderr, "waiting: ") {
		t.Errorf("the waiting is not said: %s", r.stderr)
	}
	l := ledgertest.Open(t, i.dsn)
	ledgertest.Check(t, l, 1, 2501)
}

// TestImportWithALeastKey: a key that may only write can import.
func TestImportWithALeastKey(t *testing.T) {
	t.Parallel()
	i := install(t)
	made := invoke(t, i.env, "", "apikey", "create", "--organisation", "Test", "--name", "ingest", "--permissions", "audit:write", "--json").want(t, exitOK)
	if err := json.Unmarshal([]byte(made.stdout), &i.key); err != nil {
		t.Fatal(err)
	}
	env := i.client(i.serve(t))
	for _, n := range []int{6, 0} {
		invoke(t, env, "", "import", "--format", "cloudtrail", cloudTrailFixture).want(t, exitOK).says(t, fmt.Sprintf("%d created", n))
	}
	invoke(t, env, "", "verify", "--live").want(t, exitUsage).says(t, "required permission: audit:verify")
}

func TestSample(t *testing.T) {
	t.Parallel()
	i := install(t)
	env := i.client(i.serve(t))
	invoke(t, env, "", "sample").want(t, exitOK).says(t, "2000 created, 0 there before")
	l := ledgertest.Open(t, i.dsn)
	size := ledgertest.Check(t, l, 1, 2001).Checkpoint.Size
	invoke(t, env, "", "sample").want(t, exitOK).says(t, "0 created, 2000 there before")
	ledgertest.Check(t, l, 1, size)
	invoke(t, env, "", "sample", "--entries", "50", "--year", "2020", "--seed", "9", "--json").want(t, exitOK).says(t, `"created":50`, `"year":2020`)
	ledgertest.Check(t, l, 1, size+50)
}

// TestSampleYear: the year is the same every time, valid, ordered, inside its
// year, and holds something of every category that has an emitter.
func TestSampleYear(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, n := range []int{1, 7, 2000} {
		encoded, err := json.Marshal(sampleYear(n, 2025, 1))
		if err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(sampleYear(n, 2025, 1))
		if err != nil || !bytes.Equal(encoded, again) {
			t.Fatalf("%d entries: two runs differ: %v", n, err)
		}
		other, err := json.Marshal(sampleYear(n, 2025, 2))
		if err != nil || bytes.Equal(encoded, other) {
			t.Fatalf("%d entries: two seeds do not differ: %v", n, err)
		}
		var list []json.RawMessage
		if err := json.Unmarshal(encoded, &list); err != nil || len(list) != n {
			t.Fatalf("%d entries: %d %v", n, len(list), err)
		}
		categories := map[audit.Category]int{}
		ids := map[string]bool{}
		var last time.Time
		for k, raw := range list {
			var r audit.EntryRequest
			if err := json.Unmarshal(raw, &r); err != nil {
				t.Fatal(err)
			}
			e, bad := r.Event(nil, now)
			if bad != nil {
				t.Fatalf("entry %d is not valid: %+v\n%s", k, bad, raw)
			}
			if e.Timestamp.Year() != 2025 || e.Timestamp.Before(last) || ids[e.ExternalID] {
				t.Errorf("entry %d: %s", k, raw)
			}
			last, ids[e.ExternalID] = *e.Timestamp, true
			c, _ := audit.CategoryOf(e.Type, e.Class)
			categories[c]++
			if email, ok := e.Actor["email"].(string); ok && !strings.HasSuffix(email, "@example.com") {
				t.Errorf("a real address: %s", email)
			}
		}
		if n < 2000 {
			continue
		}
		for _, c := range []audit.Category{audit.ScanResults, audit.IssueHistory, audit.FixRecords, audit.AccessLogs, audit.ConfigurationHistory} {
			if categories[c] < n/40 {
				t.Errorf("only %d of %s", categories[c], c)
			}
		}
	}
}
