package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/internal/forensic"
)

// forced are entries of a brute force that succeeds.
func forced() string {
	var b strings.Builder
	line := func(n int, outcome string) {
		fmt.Fprintf(&b, `{"event_type":"login","severity":"low","description":"Sign-in","external_id":"in-%d","timestamp":"2025-03-03T09:00:%02dZ","user_id":"ada","context":{"source_ip":"203.0.113.9"},"details":{"outcome":%q}}`+"\n", n, n, outcome)
	}
	for n := range 6 {
		line(n, "failure")
	}
	line(6, "success")
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
	if f.Detector != "brute-force-success" || f.Kind != forensic.Pattern || len(f.EntryIDs) != 7 || f.EntryIDs[6] != "in-6" || f.Users[0] != "ada" || f.Score < 3 {
		t.Errorf("%+v", f)
	}
	if !strings.Contains(first.stdout, `"confidence_score": null`) || !strings.Contains(first.stderr, "2 findings. Looked at 7 entries of 1 users") {
		t.Errorf("%s%s", first.stdout, first.stderr)
	}
	again := invoke(t, nil, forced(), "analyse", "--format", "jsonl", "-", "--json").want(t, exitOK)
	if again.stdout != first.stdout {
		t.Error("the standard input gives something else")
	}
	invoke(t, nil, forced(), "analyse", "--format", "jsonl", "-").want(t, exitOK).
		says(t, "HIGH  brute-force-success (pattern, version 1)", "7 entries, by ada", "in-0, in-1", "1 findings  entries by step [6 1]", "no entry to look at", "password-spraying")
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
	for _, says := range []string{"line 8: ", "line 9: /event_type: ", "Looked at 7 entries", "2 lines that are no entries, 1 entries without a time, 1 entries that were there before"} {
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
