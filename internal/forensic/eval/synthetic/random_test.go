package synthetic

import (
	"math"
	"testing"
)

// TestDistributions: means and variances are those of the textbooks.
func TestDistributions(t *testing.T) {
	t.Parallel()
	r := stream(3, "distributions")
	moments := func(draw func() float64) (mean, variance float64) {
		const n = 40_000
		var sum, squares float64
		for range n {
			x := draw()
			sum += x
			squares += x * x
		}
		mean = sum / n
		return mean, squares/n - mean*mean
	}
	for _, c := range []struct {
		name           string
		draw           func() float64
		mean, variance float64
	}{
		{"gamma 0.5", func() float64 { return r.gamma(0.5) }, 0.5, 0.5},
		{"gamma 4", func() float64 { return r.gamma(4) }, 4, 4},
		{"poisson 6", func() float64 { return float64(r.poisson(6)) }, 6, 6},
		{"gamma-poisson 10, k 2", func() float64 { return float64(r.count(10, 2)) }, 10, 10 + 100.0/2},
		{"gamma-poisson 10, k 5", func() float64 { return float64(r.count(10, 5)) }, 10, 10 + 100.0/5},
	} {
		mean, variance := moments(c.draw)
		if math.Abs(mean-c.mean) > 0.05*c.mean || math.Abs(variance-c.variance) > 0.1*c.variance {
			t.Errorf("%s: mean %.2f and variance %.2f, want %.2f and %.2f", c.name, mean, variance, c.mean, c.variance)
		}
	}
	var counts [3]int
	for range 30_000 {
		counts[r.weighted([]float64{1, 2, 3})]++
	}
	for i, n := range counts {
		if want := 5_000 * (i + 1); math.Abs(float64(n-want)) > 300 {
			t.Errorf("weight %d was drawn %d times, want %d", i+1, n, want)
		}
	}
	if w := zipf(10, 1); w[0] != 1 || math.Abs(w[9]-0.1) > 1e-12 {
		t.Errorf("zipf: %v", w)
	}
	if a, b := stream(1, "a").Uint64(), stream(1, "b").Uint64(); a == b {
		t.Error("two streams of one seed are the same")
	}
}
