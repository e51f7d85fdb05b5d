package stream

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
)

var update = flag.Bool("update", false, "write testdata anew")

const origin = "log.example/org/1"

// samples are one entry for each class of OCSF and what is peculiar in it.
func samples() []audit.Entry {
	at := time.Date(2026, 3, 14, 9, 26, 53, 589793000, time.UTC)
	ada := audit.Object{"type": "user", "id": "u-7", "name": "Ada", "email": "ada@example.com", "role": "engineer", "session_id": "s-1"}
	vault := audit.Object{"type": "vault", "id": "v-1", "name": "Vault", "zone": json.Number("3")}
	events := []audit.Event{
		{Type: "login", Class: audit.ClassLogin, Severity: audit.SeverityLow, Description: "Signed in", Timestamp: &at, Actor: ada,
			Resource: audit.Object{"type": "console", "id": "c-1"}, Context: audit.Object{"source_ip": "198.51.100.7", "user_agent": "curl/8"}},
		{Type: "logout", Class: audit.ClassLogout, Severity: audit.SeverityLow, Actor: audit.Object{"type": "api_key", "id": "k-1"},
			Repository: audit.Object{"id": "r-1", "name": "Billing"}, Metadata: audit.Object{"ip_address": "2001:db8::7", "request_id": "q-1"}},
		{Type: "access.granted", Class: audit.ClassSecurity, Severity: audit.SeverityMedium, Actor: ada, Resource: vault,
			Details: audit.Object{"subject": "u-9", "level": "read"}, Frameworks: []audit.Framework{audit.SOC2, audit.ISO27001}},
		{Type: "access.revoked", Class: audit.ClassSecurity, Severity: audit.SeverityMedium, Actor: ada, Resource: audit.Object{"type": "user", "id": "u-9", "name": "Ben"}},
		{Type: "config.changed", Class: audit.ClassChange, Severity: audit.SeverityHigh, Description: "limit < 5 & more", Actor: ada, Resource: vault,
			Action:  audit.Object{"operation": "update", "changes": []any{map[string]any{"field": "limit", "old_value": json.Number("180.0"), "new_value": json.Number("9007199254740993")}}},
			Context: audit.Object{"source_ip": "not an address"}},
		{Type: "fix.shipped", Class: audit.ClassChange, Severity: audit.SeverityLow, Actor: audit.Object{"type": "system", "name": "builder"}},
		{Type: "security_event", Class: audit.ClassSecurity, Severity: audit.SeverityCritical, Category: "brute_force", Description: "Ten failures",
			Context: audit.Object{"source_ip": "198.51.100.9", "failure_count": json.Number("10")}, Resource: audit.Object{"type": "console"}},
		{Type: "scan.completed", Class: audit.ClassSystem, Actor: audit.Object{"type": "system", "id": "scanner"}, Resource: vault, Details: audit.Object{"issues": json.Number("4")}},
	}
	out := make([]audit.Entry, len(events))
	for i, e := range events {
		recorded := at.Add(time.Duration(i+1) * time.Second)
		out[i] = audit.Entry{Event: e, Seq: int64(i + 40), EventID: "01JPA0000000000000000000" + string(rune('A'+i)) + "Z", RecordedAt: recorded,
			Hash: "sha256:" + strings.Repeat("b", 64), Previous: "sha256:" + strings.Repeat("a", 64), Verified: true}
	}
	return append(out, audit.Mask(out[0]))
}

func TestRender(t *testing.T) {
	for f, want := range map[Format]string{NDJSON: "application/x-ndjson", OCSF: "application/x-ndjson", CloudEvents: "application/cloudevents-batch+json"} {
		t.Run(string(f), func(t *testing.T) {
			entries := samples()
			body, contentType, n, err := Render(f, origin, entries)
			if err != nil || n != len(entries) || contentType != want {
				t.Fatalf("rendered %d of %d as %s: %v", n, len(entries), contentType, err)
			}
			golden := filepath.Join("testdata", string(f)+".golden")
			if *update {
				if err := os.WriteFile(golden, body, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			old, err := os.ReadFile(golden)
			if err != nil || !bytes.Equal(old, body) {
				t.Errorf("%s differs from what is rendered (%v); -update writes it anew. Now:\n%s", golden, err, body)
			}
			if again, _, _, _ := Render(f, origin, samples()); !bytes.Equal(again, body) {
				t.Error("rendered twice, two texts")
			}
		})
	}
}

// TestRenderLeavesEntries holds the entries against a second copy: what OCSF
// takes out of objects must not be missing for the next stream.
func TestRenderLeavesEntries(t *testing.T) {
	entries := samples()
	for _, f := range []Format{OCSF, CloudEvents, NDJSON} {
		if _, _, _, err := Render(f, origin, entries); err != nil {
			t.Fatal(err)
		}
	}
	was, _ := json.Marshal(samples())
	if is, _ := json.Marshal(entries); !bytes.Equal(was, is) {
		t.Errorf("entries were changed:\n%s\n%s", was, is)
	}
}

// TestOCSF states the rules of the schema that goldens do not explain.
func TestOCSF(t *testing.T) {
	body, _, _, err := Render(OCSF, origin, samples())
	if err != nil {
		t.Fatal(err)
	}
	types := []int64{300201, 300202, 300107, 300108, 300403, 300499, 200401, 600399, 300201}
	required := map[int64][]string{2004: {"finding_info", "evidences"}, 3001: {"user"}, 3002: {"user", "service"}, 3004: {"entity"}, 6003: {"api", "actor", "src_endpoint"}}
	for i, text := range bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n")) {
		var all map[string]any
		var e struct {
			Activity int64 `json:"activity_id"`
			Category int64 `json:"category_uid"`
			Class    int64 `json:"class_uid"`
			Type     int64 `json:"type_uid"`
			Time     int64 `json:"time"`
			Severity int64 `json:"severity_id"`
			Source   struct {
				IP string `json:"ip"`
			} `json:"src_endpoint"`
		}
		if json.Unmarshal(text, &all) != nil || json.Unmarshal(text, &e) != nil {
			t.Fatalf("line %d is not JSON: %s", i, text)
		}
		if e.Type != types[i] || e.Type != e.Class*100+e.Activity || e.Category != e.Class/1000 {
			t.Errorf("line %d has type %d, class %d, activity %d, category %d; want type %d", i, e.Type, e.Class, e.Activity, e.Category, types[i])
		}
		entry := samples()[i]
		if e.Time != entry.Time().UnixMilli() {
			t.Errorf("line %d has the time %d", i, e.Time)
		}
		if want := map[audit.Severity]int64{"low": 2, "medium": 3, "high": 4, "critical": 5}[entry.Severity]; e.Severity != want {
			t.Errorf("line %d has the severity %d, want %d", i, e.Severity, want)
		}
		for _, k := range required[e.Class] {
			if all[k] == nil {
				t.Errorf("line %d, of class %d, has no %s", i, e.Class, k)
			}
		}
	}
	masked := bytes.Split(body, []byte("\n"))[8]
	for _, secret := range []string{"198.51.100.7", "ada@example.com", "s-1", "curl/8", `"ip":"[masked]"`, `"email_addr"`} {
		if bytes.Contains(masked, []byte(secret)) {
			t.Errorf("a masked entry shows %s", secret)
		}
	}
}

func TestBatches(t *testing.T) {
	big := func(size int) audit.Entry {
		e := samples()[2] // its description stands once in every format
		e.Description = strings.Repeat("x", size)
		return e
	}
	const third = MaxBatchBytes/3 - 4096 // leaves no place for a fourth
	for _, f := range Formats {
		for _, c := range []struct {
			n       int
			entries []audit.Entry
		}{
			{1, []audit.Entry{big(0)}},
			{1, []audit.Entry{big(MaxBatchBytes + 1), big(0)}}, // too large, and so alone
			{1, []audit.Entry{big(0), big(MaxBatchBytes)}},
			{3, []audit.Entry{big(third), big(third), big(third), big(third)}},
		} {
			body := rendered(t, f, c.n, c.entries[0], c.entries[1:]...)
			if c.n > 1 && len(body) > MaxBatchBytes {
				t.Errorf("%s: %d bytes", f, len(body))
			}
		}
	}
	many := make([]audit.Entry, MaxBatchEntries+1)
	for i := range many {
		many[i] = audit.Entry{Event: audit.Event{Type: "login", Class: audit.ClassLogin}, Seq: int64(i)}
	}
	for _, f := range Formats {
		rendered(t, f, MaxBatchEntries, many[0], many[1:]...)
	}
}

func rendered(t *testing.T, f Format, want int, first audit.Entry, more ...audit.Entry) []byte {
	t.Helper()
	body, _, n, err := Render(f, origin, append([]audit.Entry{first}, more...))
	if err != nil || n != want {
		t.Fatalf("%s: %d entries in %d bytes, want %d: %v", f, n, len(body), want, err)
	}
	return body
}

func TestExactlyFull(t *testing.T) {
	for _, f := range Formats {
		e := samples()[0]
		fill := MaxBatchBytes - len(rendered(t, f, 2, e, e))
		full := e
		full.Description += strings.Repeat("x", fill)
		if body := rendered(t, f, 2, e, full); len(body) != MaxBatchBytes {
			t.Errorf("%s: %d bytes", f, len(body))
		}
		full.Description += "x"
		rendered(t, f, 1, e, full)
	}
}

func TestRenderRefuses(t *testing.T) {
	if _, _, _, err := Render(NDJSON, origin, nil); err == nil {
		t.Error("rendered nothing")
	}
	if _, _, _, err := Render("xml", origin, samples()); err == nil {
		t.Error("rendered an unknown format")
	}
	if f, err := ParseFormat("ocsf"); f != OCSF || err != nil {
		t.Errorf("%q, %v", f, err)
	}
	if _, err := ParseFormat("OCSF"); audit.CodeOf(err) != audit.InvalidParameter {
		t.Errorf("%v", err)
	}
}
