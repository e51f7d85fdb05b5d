package forensic_test

import (
	"testing"

	"github.com/sealbook/sealbook/internal/forensic"
)

// BenchmarkAnalyse holds a quiet month of one office against all rules, and its
// days against each other. The baseline is a bare scan of the same entries, which
// looks who did what when and on what: x-scan says how many times as long
// everything else takes.
func BenchmarkAnalyse(b *testing.B) {
	rules := mustLoad(b)
	list := entries(b, "0s+2m*20000 u%d issue.updated resource.id=r%d context.source_ip=203.0.113.9 change=a:1:2")
	people := live(1, 30, 120).entries
	scan := 0.0 // seconds an entry
	measure := func(name string, n int, run func()) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				run()
			}
			each := b.Elapsed().Seconds() / float64(n*b.N)
			if scan == 0 {
				scan = each
			}
			b.ReportMetric(1/each, "entries/s")
			b.ReportMetric(each/scan, "x-scan")
		})
	}
	measure("scan", len(list), func() {
		seen := 0
		for i := range list {
			e := &list[i]
			seen += len(e.Actor.String("id")) + len(e.Type) + len(e.Resource.String("id")) + e.Time().Nanosecond()%2
		}
		if seen == 0 {
			b.Fatal("nothing was scanned")
		}
	})
	measure("no rule", len(list), func() { forensic.Analyse(&forensic.Rules{Version: 1}, list) })
	measure("all rules", len(list), func() { forensic.Analyse(rules, list) })
	measure("people, all rules", len(people), func() { forensic.Analyse(rules, people) })
	measure("people, behaviour", len(people), func() { behave(b, people, forensic.Options{}) })
}
