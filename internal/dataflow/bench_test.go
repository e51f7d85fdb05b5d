package dataflow

import (
	"crypto/sha256"
	"testing"
	"time"
)

// BenchmarkBuild builds the graph of entries, and prints how many times as long
// as reading time and actor of each and hashing its ids it takes, which is the
// least that any pass over them does.
func BenchmarkBuild(b *testing.B) {
	entries := plant(100_000, "")
	scan := func() {
		sum, users := sha256.New(), map[string]int{}
		for i := range entries {
			e := &entries[i]
			users[e.Actor.String("id")] += int(e.Time().UnixMicro() & 1)
			sum.Write([]byte(e.ExternalID))
		}
		if len(users) != 9 {
			b.Fatal(len(users))
		}
	}
	began := time.Now()
	for range 10 {
		scan()
	}
	bare := time.Since(began) / 10
	b.ReportAllocs()
	for b.Loop() {
		builder := New(Bounds{})
		for i := range entries {
			if err := builder.Add(&entries[i]); err != nil {
				b.Fatal(err)
			}
		}
		builder.Graph()
	}
	b.ReportMetric(float64(len(entries)*b.N)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/bare.Seconds(), "x-bare-scan")
}

// BenchmarkForward searches, and prints how many times as long as one look at
// each contact it takes.
func BenchmarkForward(b *testing.B) {
	g := graphOf(b, Bounds{}, []string{"0"}, plant(100_000, "")...)
	trigger, err := g.Trigger("0")
	if err != nil {
		b.Fatal(err)
	}
	began, sum := time.Now(), int64(0)
	for range 10 {
		for _, c := range g.contacts {
			sum += int64(g.edges[c.edge].to) ^ c.at
		}
	}
	bare := time.Since(began) / 10
	reached := 0
	for b.Loop() {
		r, err := g.Forward(trigger)
		if err != nil {
			b.Fatal(err)
		}
		reached = len(r.order)
	}
	b.ReportMetric(float64(len(g.contacts)*b.N)/b.Elapsed().Seconds(), "contacts/s")
	b.ReportMetric(float64(reached), "nodes")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/bare.Seconds(), "x-bare-scan")
	_ = sum
}
