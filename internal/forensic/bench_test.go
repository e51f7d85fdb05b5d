package forensic_test

import (
	"testing"

	"github.com/sealbook/sealbook/internal/forensic"
)

// BenchmarkAnalyse holds a quiet month of one office against all rules. Beside
// it stands the same without a rule that finds its entries, which is what
// reading and sorting cost.
func BenchmarkAnalyse(b *testing.B) {
	rules := mustLoad(b)
	list := entries(b, "0s+2m*20000 u%d issue.updated resource.id=r%d context.source_ip=203.0.113.9 change=a:1:2")
	none := &forensic.Rules{Version: 1}
	for _, c := range []struct {
		name  string
		rules *forensic.Rules
	}{{"all rules", rules}, {"no rule", none}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				forensic.Analyse(c.rules, list)
			}
			b.ReportMetric(float64(len(list)*b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
