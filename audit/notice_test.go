package audit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
)

func TestReminders(t *testing.T) {
	t.Parallel()
	asked := time.Date(2030, 3, 1, 9, 0, 0, 0, time.UTC)
	for wait, want := range map[time.Duration]string{
		audit.SignatureWait:             "halfway after 360h0m0s, last_day after 696h0m0s",
		49*time.Hour + 30*time.Minute:   "halfway after 24h45m0s",                        // the last day begins 45 minutes later
		50 * time.Hour:                  "halfway after 25h0m0s, last_day after 26h0m0s", // an hour later
		48 * time.Hour:                  "halfway after 24h0m0s",
		30 * time.Hour:                  "last_day after 6h0m0s, halfway after 15h0m0s",
		24*time.Hour + 59*time.Minute:   "halfway after 12h29m30s", // the last day begins when they are asked
		24 * time.Hour:                  "halfway after 12h0m0s",
		90 * time.Minute:                "",
		0:                               "",
		-time.Hour:                      "",
		2*time.Hour + time.Microsecond:  "halfway after 1h0m0s", // no finer than what is stored
		61*time.Minute + 59*time.Second: "",
	} {
		got := ""
		for i, r := range audit.Reminders(asked, asked.Add(wait)) {
			if i > 0 {
				got += ", "
			}
			got += fmt.Sprintf("%s after %s", r.Notice, r.At.Sub(asked))
			if r.At.Location() != time.UTC {
				t.Errorf("%s: %v is not UTC", wait, r.At)
			}
		}
		if got != want {
			t.Errorf("of %s: %q, not %q", wait, got, want)
		}
	}
}
