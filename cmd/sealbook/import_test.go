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
	l := ledgertest.Reader(t, i.dsn)
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
	l := ledgertest.Reader(t, i.dsn)
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
	l := ledgertest.Reader(t, i.dsn)
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
	l := ledgertest.Reader(t, i.dsn)
	size := ledgertest.Check(t, l, 1, 2001).Checkpoint.Size
	invoke(t, env, "", "sample").want(t, exitOK).says(t, "0 created, 2000 there before")
	ledgertest.Check(t, l, 1, size)
	invoke(t, env, "", "sample", "--entries", "50", "--year", "2020", "--seed", "9", "--json").want(t, exitOK).says(t, `"created":50`, `"year":2020`)
	ledgertest.Check(t, l, 1, size+50)
}

// TestImportSamples imports a recording of every format through the API, twice,
// packed the second time, and verifies the ledger afterwards.
func TestImportSamples(t *testing.T) {
	t.Parallel()
	const folder = "../../internal/importer/testdata/"
	for _, c := range []struct {
		file              string
		flags             []string
		records, types    int
		eventType, id     string
		class             audit.EventClass
		severity          audit.Severity
		actor, repository string
		at                time.Time
	}{
		{
			file: "github.jsonl", flags: []string{"--format", "github"}, records: 9, types: 8,
			eventType: "github.repo.access", id: "github:GhDoc0003aaa", class: audit.ClassSecurity, severity: audit.SeverityHigh,
			actor: "grace-example", repository: "example-org/payroll", at: time.Date(2025, 1, 2, 15, 8, 20, 0, time.UTC),
		},
		{
			file: "okta.json", flags: []string{"--format", "okta"}, records: 8, types: 7,
			eventType: "okta.user.authentication.sso", id: "okta:00000000-0000-4000-8000-000000000103", class: audit.ClassLogin, severity: audit.SeverityLow,
			actor: "00uEXAMPLEADA", at: time.Date(2025, 1, 2, 3, 6, 5, 1e8, time.UTC),
		},
		{
			file: "payroll.csv", flags: []string{"--format", "csv", "--mapping", folder + "payroll.yaml"}, records: 3, types: 1,
			eventType: "login", id: "csv:payroll:2", class: audit.ClassLogin, severity: audit.SeverityLow,
			actor: "u-2", at: time.Date(2025, 10, 26, 0, 30, 0, 0, time.UTC),
		},
		{
			file: "events.csv", flags: []string{"--format", "csv", "--mapping", folder + "events.json"}, records: 3, types: 0,
			eventType: "security_event", id: "csv.content:events:73c3b5c16549dd3ed59a1a21ef3d4b79:2", class: audit.ClassSecurity, severity: audit.SeverityHigh,
			actor: "u-1", at: time.Date(2025, 1, 2, 15, 4, 6, 0, time.UTC),
		},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			i := install(t)
			env := i.client(i.serve(t))
			invoke(t, env, "", append(append([]string{"import"}, c.flags...), folder+c.file)...).want(t, exitOK).
				says(t, fmt.Sprintf("%d records: %[1]d created, 0 duplicate, 0 rejected; %d event types registered", c.records, c.types))
			l := ledgertest.Reader(t, i.dsn)
			size := ledgertest.Check(t, l, 1, -1).Checkpoint.Size
			content, err := os.ReadFile(folder + c.file)
			if err != nil {
				t.Fatal(err)
			}
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			z.Write(content)
			z.Close()
			invoke(t, env, packed.String(), append(append([]string{"import"}, c.flags...), "-")...).want(t, exitOK).
				says(t, fmt.Sprintf("%d records: 0 created, %[1]d duplicate, 0 rejected; 0 event types registered", c.records))
			ledgertest.Check(t, l, 1, size)
			invoke(t, env, "", "verify", "--live").want(t, exitOK)
			for row, err := range l.Rows(t.Context(), 1, 0, size) {
				if err != nil {
					t.Fatal(err)
				}
				e, err := row.Entry()
				if err != nil {
					t.Fatal(err)
				}
				if e.ExternalID != c.id {
					continue
				}
				if e.Type != c.eventType || e.Class != c.class || e.Severity != c.severity || e.Actor.String("id") != c.actor ||
					e.Repository.String("id") != c.repository || !e.Time().Equal(c.at) {
					t.Errorf("%+v", e)
				}
				return
			}
			t.Errorf("there is no %s", c.id)
		})
	}
}

// TestImportNamesCells: whoever finds what is wrong with a row, the importer or
// the API, its line and its column are named, and the other rows are in.
func TestImportNamesCells(t *testing.T) {
	t.Parallel()
	i := install(t)
	env := i.client(i.serve(t))
	rows := "id,when,type,who,what\n" +
		"1,1735830245,security_event,u-1,fine\n" +
		"2,yesterday,security_event,u-1,\n" +
		"3,1735830245,made.up,u-1,fine\n" +
		"4,1735830245,security_event," + strings.Repeat("x", 300) + ",fine\n" +
		"5,1735830245,security_event,\"u\"1,fine\n" +
		"6,1735830245,security_event,u-1\n" +
		"7,1735830245,security_event,u-1,\"also\nfine\"\n"
	r := invoke(t, env, rows, "import", "--format", "csv", "--mapping", "../../internal/importer/testdata/events.json", "-").want(t, exitFailed).
		says(t, "7 records: 2 created, 0 duplicate, 5 rejected",
			`line 3: column 5, what: it is empty; column 2, when: "yesterday" is no number of seconds since 1970`,
			"line 4: the entry is not valid; /event_type: unknown event type", "(column 3, type)",
			"line 5: the entry is not valid; /actor/id: id has 1 to 256 bytes (column 4, who)",
			"line 6: column 4, who: text after the closing quotation mark",
			"line 7: column 5, what: the row has 4 columns and the file 5")
	if strings.Count(r.stderr, "\n") != 5 {
		t.Errorf("%s", r.stderr)
	}
	invoke(t, env, "a,b\n1,2\n", "import", "--format", "csv", "--mapping", "../../internal/importer/testdata/events.json", "-").want(t, exitFailed).
		says(t, "the columns of line 1 do not fit the mapping: there is no column")
	ledgertest.Check(t, ledgertest.Reader(t, i.dsn), 1, 3)
}
