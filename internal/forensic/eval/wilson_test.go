package eval

import (
	"math"
	"testing"
)

// TestByar: within 0.1 of the exact Poisson limits.
func TestByar(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][2]float64{0: {0, 3.689}, 1: {0.0253, 5.572}, 10: {4.795, 18.390}, 50: {37.11, 65.92}} {
		if low, high := byar(n); math.Abs(low-want[0]) > 0.1 || math.Abs(high-want[1]) > 0.1 {
			t.Errorf("%d: %.3f to %.3f, want %v", n, low, high, want)
		}
	}
}
