package control_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
)

// BenchmarkAssess measures how many entries a second an assessment of all
// frameworks takes, beside decoding the same entries' payloads alone.
func BenchmarkAssess(b *testing.B) {
	all, err := control.Shipped()
	if err != nil {
		b.Fatal(err)
	}
	names := []string{"scan.completed", "issue.created", "issue.resolved", "fix.applied", "login", "access_review", "login_failed", "config.changed"}
	payloads := make([]string, len(names))
	for i := range payloads {
		payloads[i] = fmt.Sprintf(`{"class":"system_event","severity":"low","actor":{"type":"user","id":"user_%d","email":"u@example.com"},"resource":{"type":"issue","id":"r_%d"},`+
			`"repository":{"id":"repo_%d","name":"acme/web"},"details":{"summary":"What was done and why, at some length","number":%d},"frameworks":["SOC2","GDPR"]}`, i, i, i%3, i)
	}
	decode := func(i int) *audit.Entry {
		e, err := audit.DecodeEvent(names[i%len(names)], []byte(payloads[i%len(names)]))
		if err != nil {
			b.Fatal(err)
		}
		return &audit.Entry{Event: e, Seq: int64(i), RecordedAt: day(float64(i%90) + 0.5)}
	}
	const n = 20_000
	for b.Loop() {
		started := time.Now()
		for i := range n {
			decode(i)
		}
		decoding := time.Since(started).Seconds()

		started = time.Now()
		run := control.NewRun(all, quarter, &control.Facts{AsOf: quarter.Until})
		for i := range n {
			run.Observe(decode(i))
		}
		run.Reports()
		assessing := time.Since(started).Seconds()
		b.ReportMetric(n/decoding, "decoded/s")
		b.ReportMetric(n/assessing, "assessed/s")
		b.ReportMetric(assessing/decoding, "×-decoding")
	}
}
