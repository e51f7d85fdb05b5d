package sample_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/sample"
)

// TestYear: the year is the same every time, valid, ordered, inside its
// year, and holds something of every category that has an emitter.
func TestYear(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, n := range []int{1, 7, 2000} {
		encoded, err := json.Marshal(sample.Year(n, 2025, 1))
		if err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(sample.Year(n, 2025, 1))
		if err != nil || !bytes.Equal(encoded, again) {
			t.Fatalf("%d entries: two runs differ: %v", n, err)
		}
		other, err := json.Marshal(sample.Year(n, 2025, 2))
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
