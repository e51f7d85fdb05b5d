package audit

import (
	"fmt"
	"testing"
	"time"
)

// TestEntryID: the date in UTC, and six digits or as many as it takes.
func TestEntryID(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 3, 4, 23, 30, 0, 0, time.FixedZone("", -3600))
	for _, seq := range []int64{0, 1, 9, 10, 11, 99, 100, 9_999, 10_000, 99_999, 100_000, 999_999, 1_000_000, 123_456_789} {
		id := EntryID(seq, at)
		if want := fmt.Sprintf("audit_entry_20250305_%06d", seq); id != want {
			t.Errorf("%d: %s, want %s", seq, id, want)
		}
		if got, ok := ParseEntryID(id); !ok || got != seq {
			t.Errorf("%s is read as %d, %v", id, got, ok)
		}
	}
}
