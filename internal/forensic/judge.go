package forensic

import (
	"math"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// judge compares days, and keeps those that may be reported until the number of
// all tests is known.
type judge struct {
	own, byRole pool
	weights     [2]calibration // of own, and of byRole
	tests       int
	floor       float64 // the smallest p-value that one of them could have without a pool
	held        []candidate
	dropped     int
}

// candidate is a day whose surprise few earlier days reach.
type candidate struct {
	finding Finding
	z       float64
	of      *pool
	p       float64 // if of is nil or too small, the conformal one
}

// Bounds of comparison.
const (
	firstScored = 5          // active days before a day's surprise is kept to compare others with
	leastScored = 15         // such days before one is judged
	leastPeers  = 3          // other users of a role that stands in for a baseline
	leastShared = 60         // user-days of that role
	rareDay     = 1.0 / 2000 // of users' own days, that is reported although the false discovery rate does not allow for it
	rarestShare = 0.02       // a larger conformal p-value is never reported, unless it is the smallest there can be
)

// day judges a day, if it is due, and keeps its surprise, if it is learnt.
func (j *judge) day(t *today, due, learnt bool) {
	own := t.own
	if due {
		own.due++
	}
	var prior *habits
	var fallback *rates
	if t.peer != nil && t.peer.others(t.user) > 0 {
		prior, fallback = &t.peer.habits, &t.peer.rates
	}
	parts := t.surprise(&own.habits, prior, &own.rates, fallback, true)
	more, mix, sequences := t.order()
	parts, t.raw[0] = j.weights[0].weigh(append(parts, more...))
	bits := total(parts)
	judged := own.days >= minDays && len(own.scores.values) >= leastScored
	if judged {
		of := mixedBaseline
		if prior == nil {
			of = ownBaseline
		}
		j.compare(t, bits, parts, of, &own.scores, &j.own, due, learnt)
	}
	if prior != nil && t.peer.days >= leastShared {
		var parts []Contribution
		parts, t.raw[1] = j.weights[1].weigh(t.surprise(prior, nil, fallback, nil, false))
		bits := total(parts)
		if !judged && t.peer.others(t.user) >= leastPeers && len(t.peer.scores.values) >= leastShared {
			if due {
				own.byPeers++
			}
			j.compare(t, bits, parts, peerBaseline, &t.peer.scores, &j.byRole, due, learnt)
		}
		if learnt {
			t.peer.scores.add(bits)
		}
	}
	if !learnt {
		return
	}
	if own.days >= firstScored {
		own.scores.add(bits)
		for f, n := range t.found {
			if own.known[f].total >= leastKnown {
				own.news[f].add(float64(n))
			}
		}
		if mix >= 0 {
			own.mixes.add(mix)
		}
		for length, list := range sequences {
			for _, score := range list {
				own.sequences[length].add(score)
			}
		}
	}
}

// learn adds a day to what days are weighed with, after all of that day were.
func (j *judge) learn(t *today) {
	if t.own.days >= firstScored {
		j.weights[0].learn(t.raw[0])
	}
	if t.peer != nil && t.peer.days >= leastShared {
		j.weights[1].learn(t.raw[1])
	}
}

func total(parts []Contribution) (sum float64) {
	for _, c := range parts {
		sum += c.Bits
	}
	return sum
}

func (j *judge) compare(t *today, bits float64, parts []Contribution, of string, past *ring, among *pool, due, learnt bool) {
	usual := past.median()
	z := bits - usual
	if learnt {
		among.add(z)
	}
	if !due {
		return
	}
	t.own.judged++
	j.tests++
	p, floor := past.rank(bits), 1/float64(len(past.values)+1)
	if j.floor == 0 || floor < j.floor {
		j.floor = floor
	}
	mayReport, highest := p <= max(rarestShare, floor), t.own.highest == nil || z > t.own.most
	if !mayReport && !highest {
		return
	}
	d := &Deviation{Value: short(-10 * math.Log10(p)), PValue: p, Windows: len(past.values), Floor: floor, AtFloor: p <= floor,
		Baseline: of, Bits: short(bits), Usual: short(usual), Trending: past.trending()}
	t.explain(d, parts)
	if highest {
		t.own.highest, t.own.most = &Highest{t.user, t.acts[0].at.Format(time.DateOnly), d, t.baseline(of)}, z
	}
	if !mayReport {
		return
	}
	j.hold(candidate{finding: t.finding(d, parts), z: z, of: among, p: p})
}

func (j *judge) hold(c candidate) {
	if len(j.held) == MaxFindings {
		j.dropped++
		return
	}
	j.held = append(j.held, c)
}

// trending reports whether the latest values, by their moving average, are
// above those before them by more than three of its standard deviations.
func (r *ring) trending() bool {
	list := r.list()
	before := len(list) - driftDays
	if before < minDays {
		return false
	}
	mean, squares, z := 0.0, 0.0, 0.0
	for _, x := range list[:before] {
		mean += x / float64(before)
	}
	for _, x := range list[:before] {
		squares += (x - mean) * (x - mean)
	}
	for _, x := range list[before:] {
		z = driftWeight*(x-mean) + (1-driftWeight)*z
	}
	return z > driftLimit*math.Sqrt(squares/float64(before-1)*driftWeight/(2-driftWeight))
}

// pool is how many bits days of all users were beyond what was usual for their
// user. One user has too few days to say how rare a rare day is.
type pool struct {
	z      []float64
	sorted bool
}

// Bounds of a pool: what is kept, how much it takes to know a tail, and how much
// to know it further out.
const (
	maxPool   = 500_000
	leastPool = 200
	manyPool  = 1000
)

func (p *pool) add(z float64) {
	if len(p.z) < maxPool {
		p.z, p.sorted = append(p.z, z), false
	}
}

// tail is the probability of a deviation of z or more. Above a percentile it
// falls exponentially, as surprisals do (2^-bits), by the slope between that one
// and a higher one: the 95th and the 99.5th, or of few days the 90th and the
// 98th. The largest, which may be what is looked for, have no say in it.
func (p *pool) tail(z float64) float64 {
	if !p.sorted {
		slices.Sort(p.z)
		p.sorted = true
	}
	upper, highest := 0.05, 0.005
	if len(p.z) < manyPool {
		upper, highest = 0.1, 0.02
	}
	at := func(above float64) float64 { return p.z[int((1-above)*float64(len(p.z)-1))] }
	start := at(upper)
	if z <= start {
		n, _ := slices.BinarySearch(p.z, z)
		return float64(len(p.z)-n+1) / float64(len(p.z)+1)
	}
	slope := max((at(highest)-start)/math.Log(upper/highest), 1/math.Ln2)
	return upper * math.Exp(-(z-start)/slope)
}

// discover reports of all candidates those that the false discovery rate
// allows. Over thousands of days it may allow for none, however good their
// order: so without a window the days that only one in 2,000 reaches are told,
// too, which is a number of alarms that somebody can look at. These are days
// compared with the user's own; a role's say too little about a person.
func (w *Watch) discover() {
	r, j := &w.result, &w.judge
	r.Tests += j.tests
	r.Dropped += j.dropped
	pooled := len(j.own.z) >= leastPool || len(j.byRole.z) >= leastPool
	r.TooFew = j.tests > 0 && !pooled && j.floor > r.Rate/float64(r.Tests)
	for i := range j.held {
		c := &j.held[i]
		if c.of != nil && len(c.of.z) >= leastPool {
			c.p = c.of.tail(c.z)
		}
	}
	p := make([]float64, len(j.held))
	for i := range j.held {
		p[i] = j.held[i].p
	}
	r.Threshold = discoveries(p, r.Tests, r.Rate)
	if w.o.Window == (audit.Period{}) && len(j.own.z) >= manyPool {
		r.RareDay = rareDay
	}
	allowed := r.Threshold
	for _, c := range j.held {
		limit := allowed
		if c.of == &j.own {
			limit = max(limit, r.RareDay)
		}
		if c.p > limit || limit == 0 {
			continue
		}
		r.Threshold = max(r.Threshold, c.p)
		f := c.finding
		if f.Observed == nil {
			f.Observed = map[string]any{}
		}
		f.Observed["p_value"], f.Observed["tests"] = threeDigits(c.p), r.Tests
		f.Parameters.Model = &Model{Version: BehaviourVersion, Rate: r.Rate, Threshold: threeDigits(limit), MinDays: minDays}
		rank := float64(slices.Index(audit.Severities, f.Severity) + 1)
		if c.p < limit {
			rank += 1 - math.Log(limit)/math.Log(c.p)
		}
		f.Score = short(rank)
		r.Findings = append(r.Findings, f)
	}
	r.Threshold = threeDigits(r.Threshold)
	inOrder(r.Findings)
}

// Model is the figures that behaviour was judged with.
type Model struct {
	Version   int     `json:"version"`
	Rate      float64 `json:"false_discovery_rate"`
	Threshold float64 `json:"p_value_at_most"`
	MinDays   int     `json:"min_days"`
}

// discoveries is Benjamini and Hochberg's threshold: the largest p-value that
// is at most rate·k/m, if it is the k-th smallest of m tests. Tests that are
// not in p count as ones that are larger. 0: there is none.
func discoveries(p []float64, m int, rate float64) float64 {
	threshold := 0.0
	for k, x := range slices.Sorted(slices.Values(p)) {
		if x <= rate*float64(k+1)/float64(m) {
			threshold = x
		}
	}
	return threshold
}
