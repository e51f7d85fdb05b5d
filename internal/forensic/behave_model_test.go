package forensic

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > within {
		t.Errorf("%s is %v, not %v", what, got, want)
	}
}

// TestNegativeBinomialTail: k = 1 is the geometric distribution, whose tail is
// (m/(1+m))^n; a large k is nearly Poisson's; other values are summed one by one.
func TestNegativeBinomialTail(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 3, 10, 60} {
		near(t, "geometric tail", negativeBinomialTail(n, 4, 1), math.Pow(0.8, float64(n)), 1e-9)
	}
	near(t, "Poisson's tail", negativeBinomialTail(5, 2, 1e7), 0.052653, 1e-5)
	for _, k := range []float64{0.3, 2, 17} {
		for _, mean := range []float64{0.2, 5, 40} {
			sum := 0.0
			for n := range 200 {
				near(t, "tail", negativeBinomialTail(n, mean, k), 1-sum, 1e-7)
				lg := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
				x := float64(n)
				sum += math.Exp(lg(x+k)-lg(k)-lg(x+1)) * math.Pow(k/(k+mean), k) * math.Pow(mean/(k+mean), x)
			}
		}
	}
	if p := negativeBinomialTail(1000, 20, 2); p <= 0 || p > 1e-35 {
		t.Errorf("far out it is %v", p)
	}
	near(t, "dispersion", dispersion(10, 60), 2, 1e-12)
	near(t, "dispersion of too even numbers", dispersion(10, 5), maxDispersion, 0)
}

// TestRatesOfPeople: on numbers that vary as people's do, a tail below one in a
// thousand is met about so often. Poisson's is met a hundred times as often.
func TestRatesOfPeople(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 7))
	draw := func(mean float64) int { // geometric: k = 1
		return int(math.Log(1-random.Float64()) / math.Log(mean/(1+mean)))
	}
	const days = 20_000
	alarms, poisson := 0, 0
	for range days / 100 {
		mean := 3 + 30*random.Float64()
		r := rates{}
		for day := range 60 {
			r.learn(&today{counts: [classes]int{reading: draw(mean)}, hours: []int64{int64(day) * 24}, total: 1})
		}
		for range 100 {
			n := draw(mean)
			if r.tail(reading, n, 0) < 0.001 {
				alarms++
			}
			if negativeBinomialTail(n, mean, 1e6) < 0.001 {
				poisson++
			}
		}
	}
	if alarms > days*4/1000 || poisson < days*50/1000 {
		t.Errorf("%d and by Poisson %d of %d", alarms, poisson, days)
	}
}

// TestGoodTuring: known values, and a prediction that comes true.
func TestGoodTuring(t *testing.T) {
	t.Parallel()
	v := vocabulary{seen: map[string]int{}}
	near(t, "of nothing", v.unseen(), 0.5, 0)
	for _, value := range []string{"a", "b", "a", "c", "a", "b"} {
		v.learn(value)
	}
	if v.once != 1 || v.total != 6 {
		t.Errorf("%+v", v)
	}
	near(t, "next is new", v.unseen(), 1.5/7, 1e-12)
	peer := vocabulary{seen: map[string]int{"gate": 50}, total: 100}
	near(t, "known to peers", v.novel(&peer, "gate"), (1.5/7+0.5)/2, 1e-12)
	near(t, "new to peers", v.novel(&peer, "hut"), (1.5/7+0.5/101)/2, 1e-12)

	random := rand.New(rand.NewPCG(1, 1))
	zipf := rand.NewZipf(random, 1.3, 3, 5000)
	v = vocabulary{seen: map[string]int{}}
	predicted, met := 0.0, 0.0
	for i := range 20_000 {
		value := string(rune('a' + zipf.Uint64()))
		if i >= 1000 {
			predicted += v.unseen()
			if v.seen[value] == 0 {
				met++
			}
		}
		v.learn(value)
	}
	near(t, "predicted over met", predicted/met, 1, 0.1)
}

// TestBinomialTail against sums of the distribution.
func TestBinomialTail(t *testing.T) {
	t.Parallel()
	near(t, "three heads or more of five", binomialTail(5, 3, 0.5), 0.5, 1e-9)
	near(t, "one or more", binomialTail(20, 1, 0.01), 1-math.Pow(0.99, 20), 1e-9)
	for k := range 31 {
		sum := 0.0
		for i := k; i <= 30; i++ {
			sum += binomial(30, i, 0.2)
		}
		near(t, "tail", binomialTail(30, k, 0.2), sum, 1e-9)
	}
}

// TestDiscoveries is the example of Benjamini and Hochberg's paper of 1995: of 15
// p-values, four are below the threshold at 0.05.
func TestDiscoveries(t *testing.T) {
	t.Parallel()
	p := []float64{0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000}
	near(t, "threshold", discoveries(p, 15, 0.05), 0.0095, 0)
	near(t, "with ten times the tests", discoveries(p[:4], 150, 0.05), 0.0004, 0)
	near(t, "of nothing", discoveries(nil, 10, 0.05), 0, 0)
	near(t, "of none", discoveries([]float64{0.5, 0.2}, 2, 0.05), 0, 0)
}

// TestDivergence: bounds, symmetry and a value.
func TestDivergence(t *testing.T) {
	t.Parallel()
	a, b := map[string]int{"x": 1, "y": 1}, map[string]int{"x": 4}
	near(t, "of the same", divergence(a, map[string]int{"x": 7, "y": 7}, 2, 14), 0, 1e-12)
	near(t, "of strangers", divergence(a, map[string]int{"z": 3}, 2, 3), 1, 1e-12)
	near(t, "a to b", divergence(a, b, 2, 4), 0.311278, 1e-6)
	near(t, "b to a", divergence(b, a, 4, 2), 0.311278, 1e-6)
}

// TestHours: a week is a circle, hours that follow each other count once, and a
// role makes its hours less of a surprise.
func TestHours(t *testing.T) {
	t.Parallel()
	var h, peer hours
	for day := range int64(60) {
		h.learn([]int64{day * 24, day*24 + 1, day*24 + 2})
	}
	sum := 0.0
	for b := range 168 {
		sum += h.probability(nil, b)
	}
	near(t, "sum of probabilities", sum, 1, 1e-9)
	if h.smooth(167) == 0 || h.smooth(10) != 0 {
		t.Error("the last hour is not next to the first, or all are")
	}
	one, at := h.surprise(nil, []int64{1, 12})
	stretch, _ := h.surprise(nil, []int64{1, 12, 13, 14})
	two, _ := h.surprise(nil, []int64{1, 12, 14})
	if one < 3 || math.Abs(stretch-one) > 1e-9 || two < 1.9*one || len(at) != 1 || at[0] != 12 {
		t.Errorf("%v, %v, %v at %v", one, stretch, two, at)
	}
	if usual, _ := h.surprise(nil, []int64{24, 25, 26}); usual > 0.2 {
		t.Errorf("what is usual is a surprise of %v bits", usual)
	}
	for day := range int64(60) {
		peer.learn([]int64{day*24 + 12})
	}
	if with, _ := h.surprise(&peer, []int64{12}); with >= one {
		t.Errorf("%v with peers, %v without", with, one)
	}
}

// TestMoves: what was never seen is possible, and probabilities add up.
func TestMoves(t *testing.T) {
	t.Parallel()
	day := &today{}
	for i, kind := range []string{"a", "b", "a", "b", "c"} {
		day.acts = append(day.acts, act{kind: kind, ref: ref{at: time.Unix(int64(i)*60, 0)}})
	}
	day.sessions = sit(day.acts)
	m := newHabits().moves
	m.learn(day)
	sum := 0.0
	for _, to := range []string{"a", "b", "c", "anything else"} {
		sum += m.probability(nil, [2]string{"b", to})
	}
	near(t, "sum of probabilities", sum, 1, 1e-9)
	if common, rare := m.probability(nil, [2]string{"a", "b"}), m.probability(nil, [2]string{"a", "c"}); common < 2*rare {
		t.Errorf("%v and %v", common, rare)
	}
	if score, at := m.score(nil, day, day.sessions[0]); len(day.sessions) != 1 || score <= 0 || at < 1 {
		t.Errorf("%v at %d of %v", score, at, day.sessions)
	}
	day.acts[4].at = day.acts[4].at.Add(idle + time.Second)
	if n := len(sit(day.acts)); n != 2 {
		t.Errorf("%d sessions after half an hour", n)
	}
	day.acts[3].session = "s1"
	if n := len(sit(day.acts)); n != 3 {
		t.Errorf("%d sessions with an id", n)
	}
}

// TestDrift: steady numbers stay within the limit, and slow growth leaves it.
func TestDrift(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 3))
	r, grows := rates{}, rates{}
	for day := range 80 {
		n := 20 + random.IntN(11)
		r.learn(&today{counts: [classes]int{taking: n}, hours: []int64{int64(day) * 24}})
		grows.learn(&today{counts: [classes]int{taking: n + max(0, day-66)}, hours: []int64{int64(day) * 24}})
	}
	if z := r.drift(taking, 25); math.Abs(z) > driftLimit {
		t.Errorf("steady numbers drift by %v", z)
	}
	if z := grows.drift(taking, 40); z < driftLimit {
		t.Errorf("growth drifts by %v", z)
	}
}

// TestSilenceTail is the zero term of the negative binomial distribution.
func TestSilenceTail(t *testing.T) {
	t.Parallel()
	near(t, "k = 1", silenceTail(9, 1), 0.1, 1e-12)
	near(t, "large k", silenceTail(3, 1e9), math.Exp(-3), 1e-6)
	near(t, "as the distribution", silenceTail(7, 2.5), 1-negativeBinomialTail(1, 7, 2.5), 1e-9)
}

// TestRank: the conformal p-value of exchangeable values is met as often as it
// says, whatever their distribution.
func TestRank(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 5))
	met := 0
	for range 4000 {
		r := ring{}
		for range 100 { // of which the latest 90 count
			r.add(math.Exp(3 * random.NormFloat64()))
		}
		if len(r.values) != 90 {
			t.Fatal(len(r.values))
		}
		if r.rank(math.Exp(3*random.NormFloat64())) <= 0.1 {
			met++
		}
	}
	if met < 330 || met > 470 {
		t.Errorf("%d of 4000 at 0.1", met)
	}
	r := ring{}
	for x := range 100 {
		r.add(float64(x))
	}
	if list := r.list(); list[0] != 10 || list[89] != 99 {
		t.Errorf("%v", list)
	}
}
