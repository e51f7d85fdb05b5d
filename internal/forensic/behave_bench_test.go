package forensic_test

import (
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/forensic"
)

// BenchmarkBehaviour counts what docs/detection.md says of behaviour, on twenty
// populations that no test uses: findings on a thousand user-days of people who
// only do their work, and of each hundred nights of night how many are found;
// each without a window and with one of ten days. -short has two populations, for
// whether it runs.
func BenchmarkBehaviour(b *testing.B) {
	for _, c := range []struct {
		name   string
		days   int
		seed   uint64
		window forensic.Options
	}{{"all days", 120, 200, forensic.Options{}}, {"window", 100, 100, forensic.Options{Window: investigation()}}} {
		b.Run(c.name, func(b *testing.B) {
			judged, alarms, found, seeds := 0, 0, 0, uint64(20)
			if testing.Short() {
				seeds = 2
			}
			for b.Loop() {
				judged, alarms, found = 0, 0, 0
				for seed := range seeds {
					p := live(c.seed+seed, 30, c.days)
					quiet := behave(b, p.entries, c.window)
					judged += quiet.Judged
					alarms += len(quiet.Findings)
					night(p, 95)
					for _, f := range behave(b, p.entries, c.window).Findings {
						if f.Users[0] == "u04" && f.Group["day"] == monday.Add(95*24*time.Hour).Format(time.DateOnly) {
							found++
						}
					}
				}
			}
			b.ReportMetric(float64(judged), "user-days")
			b.ReportMetric(float64(alarms)*1000/float64(judged), "alarms/1000-days")
			b.ReportMetric(float64(found)*100/float64(seeds), "found/100-nights")
		})
	}
}
