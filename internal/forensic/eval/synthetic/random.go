package synthetic

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// random is a stream of numbers that follows from a seed and a name alone.
// Everything that is drawn has a stream of its own, so that one more family of
// attacks changes nothing that was there.
type random struct{ *rand.Rand }

func stream(seed uint64, name string) random {
	h := fnv.New64a()
	h.Write([]byte(name))
	return random{rand.New(rand.NewPCG(seed, h.Sum64()))}
}

func (r random) chance(p float64) bool { return r.Float64() < p }

// between is uniform in low to high, inclusive.
func (r random) between(low, high int) int { return low + r.IntN(high-low+1) }

func (r random) uniform(low, high float64) float64 { return low + (high-low)*r.Float64() }

func (r random) span(low, high time.Duration) time.Duration {
	return low + time.Duration(r.Float64()*float64(high-low)).Truncate(time.Millisecond)
}

// gamma has shape k and mean k (Marsaglia and Tsang 2000; below 1 by their boost).
func (r random) gamma(k float64) float64 {
	if k < 1 {
		return r.gamma(k+1) * math.Pow(1-r.Float64(), 1/k)
	}
	d := k - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-r.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

// poisson counts exponential waits, which is fast enough for means below 100.
func (r random) poisson(mean float64) int {
	n := 0
	for sum := r.ExpFloat64(); sum < mean; sum += r.ExpFloat64() {
		n++
	}
	return n
}

// count is Poisson with a Gamma mean: more days with little and with much than
// Poisson alone. The smaller k, the more.
func (r random) count(mean, k float64) int { return r.poisson(mean * r.gamma(k) / k) }

// dirichlet draws weights around a base; the greater the concentration, the
// nearer.
func (r random) dirichlet(base []float64, concentration float64) []float64 {
	out := make([]float64, len(base))
	for i, b := range base {
		out[i] = r.gamma(max(b*concentration, 1e-3))
	}
	return out
}

// weighted draws an index with a probability in proportion to its weight.
func (r random) weighted(weights []float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	at := r.Float64() * sum
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// zipf weighs n ranks by 1/(rank+1)^s.
func zipf(n int, s float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Pow(float64(i+1), -s)
	}
	return out
}

func pick[T any](r random, from []T) T { return from[r.IntN(len(from))] }

// some picks n different ones, or all if there are fewer.
func some[T any](r random, from []T, n int) []T {
	out := slices.Clone(from)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:min(n, len(out))]
}

func round(x float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(x*p) / p
}
