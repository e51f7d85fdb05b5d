package forensic

import (
	"maps"
	"math"
	"slices"
)

// leastMixed is how many entries a day has at least before its mix means
// something.
const leastMixed = 10

// divergence is Jensen and Shannon's, of two distributions that are given as
// numbers: 0 for the same, 1 for two that share nothing (base 2).
func divergence(a, b map[string]int, totalA, totalB int) float64 {
	if totalA == 0 || totalB == 0 {
		return 0
	}
	// Sums of floats depend on their order. What only b has adds half its share.
	sum, shared := 0.0, 0
	for _, kind := range slices.Sorted(maps.Keys(a)) {
		p, q := float64(a[kind])/float64(totalA), float64(b[kind])/float64(totalB)
		shared += b[kind]
		m := (p + q) / 2
		sum += p * math.Log2(p/m) / 2
		if q > 0 {
			sum += q * math.Log2(q/m) / 2
		}
	}
	sum += float64(totalB-shared) / float64(totalB) / 2
	return min(max(sum, 0), 1)
}
