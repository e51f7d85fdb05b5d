package forensic_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic"
)

func behave(t testing.TB, list []audit.Entry, o forensic.Options) *forensic.Behaviour {
	t.Helper()
	b, err := forensic.Behave(func(yield func(*audit.Entry) bool) {
		for i := range list {
			if !yield(&list[i]) {
				return
			}
		}
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSim.
func TestSim(t *testing.T) {
	for seed := range uint64(5) {
		p := live(seed, 30, 120)
		b := behave(t, p.entries, forensic.Options{})
		fmt.Println(seed, len(p.entries), b.UserDays, b.Judged, b.ByPeers, b.Tests, len(b.Findings), b.Threshold)
		for _, f := range b.Findings {
			fmt.Println("  FP", f.Users, f.Group, f.Observed, f.Deviation.Bits, f.Deviation.Usual)
			for _, c := range f.Deviation.Top {
				fmt.Printf("      %s %s %.1f\n", c.Feature, c.Value, c.Bits)
			}
		}
		// night attack
		for k := range 12 {
			p.act(monday.Add(100*24*time.Hour+time.Duration(-7*60+k*5)*time.Minute), "u04", "analyst", "record.read", fmt.Sprint("r3-", k), "203.0.113.66", "curl")
		}
		for k := range 300 {
			p.act(monday.Add(107*24*time.Hour+time.Duration(k)*time.Minute), "u07", "analyst", "data.exported", fmt.Sprint("r3-", k%10), "10.0.7.9", "browser 1")
		}
		p.sort()
		b = behave(t, p.entries, forensic.Options{})
		for _, f := range b.Findings {
			fmt.Println("  F", f.Detector, f.Users, f.Group, f.Observed, f.Deviation.Bits, f.Deviation.Usual, f.Score, f.Entries)
			for _, c := range f.Deviation.Top {
				fmt.Printf("      %s %s %.1f\n", c.Feature, c.Value, c.Bits)
			}
		}
	}
}
