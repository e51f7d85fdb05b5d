package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/forensic"
)

// forced are entries of a brute force that succeeds.
func forced() string {
	var b strings.Builder
	line := func(n int, outcome string) {
		fmt.Fprintf(&b, `{"event_type":"login","severity":"low","description":"Sign-in","external_id":"in-%d","timestamp":"2025-03-03T09:00:%02dZ","user_id":"ada","context":{"source_ip":"203.0.113.%d"},"details":{"outcome":%q}}`+"\n", n, n, n, outcome)
	}
	for n := range 10 {
		line(n, "failure")
	}
	line(10, "success")
	return b.String()
}

func TestAnalyse(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "entries.jsonl")
	if err := os.WriteFile(file, []byte(forced()), 0o600); err != nil {
		t.Fatal(err)
	}
	first := invoke(t, nil, "", "analyse", "--format", "jsonl", file, "--json").want(t, exitOK)
	var findings []forensic.Finding
	if err := json.Unmarshal([]byte(first.stdout), &findings); err != nil || len(findings) != 2 {
		t.Fatalf("%v\n%s", err, first.stdout)
	}
	f := findings[1]
	if f.Detector != "brute-force-success" || f.Kind != forensic.Pattern || len(f.EntryIDs) != 11 || f.EntryIDs[10] != "in-10" || f.Users[0] != "ada" || f.Score < 3 {
		t.Errorf("%+v", f)
	}
	if !strings.Contains(first.stdout, `"confidence_score": null`) || !strings.Contains(first.stderr, "2 findings. Looked at 11 entries of 1 users") {
		t.Errorf("%s%s", first.stdout, first.stderr)
	}
	again := invoke(t, nil, forced(), "analyse", "--format", "jsonl", "-", "--json").want(t, exitOK)
	if again.stdout != first.stdout {
		t.Error("the standard input gives something else")
	}
	invoke(t, nil, forced(), "analyse", "--format", "jsonl", "-").want(t, exitOK).
		says(t, "HIGH  brute-force-success (pattern, version 2)", "11 entries, by ada", "in-0, in-1", "1 findings  entries by step [10 1]", "no entry to look at", "password-spraying")
}

// TestAnalyseBehaviour: a night that is unlike a user's forty days before is told
// with what it is made of, in both forms, and a user who is new is named.
func TestAnalyseBehaviour(t *testing.T) {
	t.Parallel()
	var in strings.Builder
	line := func(user string, at time.Time, kind, address string) {
		fmt.Fprintf(&in, `{"event_type":%q,"external_id":"x-%d","timestamp":%q,"actor":{"type":"user","id":%q},"resource":{"type":"record","id":"r-%d"},"context":{"source_ip":%q}}`+"\n",
			kind, in.Len(), at.Format(time.RFC3339), user, at.Minute()%7, address)
	}
	for day := range 40 {
		for n := range 8 + day%3 {
			for _, user := range []string{"ada", "cy", "di", "ed", "flo", "gus", "hal", "ida", "jo", "kim", "lou", "max"} {
				line(user, time.Date(2025, 3, 3+day, 9+n%8, 11+(day*7+n*13)%40, n, 0, time.UTC), "issue.updated", "10.0.0.1")
			}
		}
	}
	alone := strings.Join(slices.DeleteFunc(strings.SplitAfter(in.String(), "\n"), func(s string) bool { return !strings.Contains(s, `"ada"`) }), "")
	invoke(t, nil, alone, "analyse", "--format", "jsonl", "-").want(t, exitOK).says(t, "too few for any of them to be reported")
	for n := range 40 {
		line("ada", time.Date(2025, 4, 12, 2, n, n*7%60, 0, time.UTC), "data.exported", "203.0.113.66")
	}
	line("bob", time.Date(2025, 4, 13, 9, 0, 1, 0, time.UTC), "issue.updated", "10.0.0.2")
	got := invoke(t, nil, in.String(), "analyse", "--format", "jsonl", "-", "--json").want(t, exitOK)
	var findings []forensic.Finding
	if err := json.Unmarshal([]byte(got.stdout), &findings); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(findings, func(f forensic.Finding) bool { return f.Deviation != nil })
	if i < 0 {
		t.Fatalf("%s%s", got.stdout, got.stderr)
	}
	if f := findings[i]; f.Kind != forensic.Unusual || f.Users[0] != "ada" || f.Group["day"] != "2025-04-12" || f.Entries != 40 || !strings.HasPrefix(f.Baseline.Digest, "sha256:") || f.Deviation.Baseline != "own" {
		t.Errorf("%+v", f)
	}
	invoke(t, nil, in.String(), "analyse", "--format", "jsonl", "-").want(t, exitOK).
		says(t, "(unusual, version 1)", "deviation 1", "own baseline of 40 days", "hour of the week: Saturday 02:00 UTC", "new source address: 203.0.113.66", "nothing is said about them: bob")
}

// TestAnalyseNothing: no findings are an array, and what was looked at is said.
func TestAnalyseNothing(t *testing.T) {
	t.Parallel()
	got := invoke(t, nil, "", "analyse", "--format", "jsonl", "-", "--json").want(t, exitOK)
	if got.stdout != "[]\n" || !strings.Contains(got.stderr, "0 findings. Looked at 0 entries of 0 users, with rules version") {
		t.Errorf("%s%s", got.stdout, got.stderr)
	}
}

// TestAnalyseRejects: what is no entry is named, and the rest is analysed.
func TestAnalyseRejects(t *testing.T) {
	t.Parallel()
	in := forced() + "{\n" + `{"event_type":"audit.forged"}` + "\n" +
		`{"event_type":"config.changed"}` + "\n" + strings.SplitAfter(forced(), "\n")[0]
	got := invoke(t, nil, in, "analyse", "--format", "jsonl", "-", "--json").want(t, exitFailed)
	for _, says := range []string{"line 12: ", "line 13: /event_type: ", "Looked at 11 entries", "2 lines that are no entries, 1 entries without a time, 1 entries that were there before"} {
		if !strings.Contains(got.stderr, says) {
			t.Errorf("it does not say %q:\n%s", says, got.stderr)
		}
	}
	if !strings.Contains(got.stdout, "brute-force-success") {
		t.Errorf("the rest was not analysed: %s", got.stdout)
	}
}

// TestAnalyseRecordings: a recording of another system brings its classes along.
func TestAnalyseRecordings(t *testing.T) {
	t.Parallel()
	record := `{"eventID":"00000000-0000-4000-8000-000000000001","eventTime":"2023-07-10T11:42:18Z","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","userIdentity":{"type":"IAMUser","userName":"ada"}}`
	invoke(t, nil, record, "analyse", "--format", "cloudtrail", "-").want(t, exitOK).says(t, "CRITICAL  audit-weakened", "cloudtrail:00000000")
}
