package forensic

import "math"

// vocabulary is the values of a feature, each with the number of days on which
// it was there.
type vocabulary struct {
	seen  map[string]int
	once  int // values that were there on one day
	total int // of the numbers
	full  bool
}

func (v *vocabulary) learn(value string) {
	n, there := v.seen[value]
	if !there && len(v.seen) == maxKnown {
		v.full = true
		return
	}
	v.seen[value] = n + 1
	v.total++
	switch n {
	case 0:
		v.once++
	case 1:
		v.once--
	}
}

// unseen is the probability that the next value is a new one: Good–Turing's,
// the share of what was there once. The half and the one keep it off 0.
func (v *vocabulary) unseen() float64 {
	return min((float64(v.once)+0.5)/(float64(v.total)+1), 1)
}

// leastKnown is how many values a vocabulary has at least before something can
// be new to it.
const leastKnown = 20

// novel is the probability of a value that is new to the user. Half of it is
// the role's: what is common there is less of a surprise.
func (v *vocabulary) novel(peer *vocabulary, value string) float64 {
	if peer == nil || peer.total < leastKnown {
		return v.unseen()
	}
	byPeers := peer.unseen()
	if n := peer.seen[value]; n > 0 {
		byPeers = float64(n) / float64(peer.total)
	}
	return (v.unseen() + byPeers) / 2
}

// newValues are those of the day that are new to a user, and were not met since
// the baseline ended, with the probability that so many of the day's values, or
// more, are new: by the binomial distribution with the mean of their
// probabilities.
func (v *vocabulary) newValues(peer *vocabulary, values []string, met map[string]bool) (p float64, found []string) {
	if v.full || v.total < leastKnown {
		return 1, nil
	}
	sum := 0.0
	for _, value := range values {
		if v.seen[value] == 0 && !met[value] {
			found = append(found, value)
			sum += v.novel(peer, value)
		}
	}
	if len(found) == 0 {
		return 1, nil
	}
	return binomialTail(len(values), len(found), min(sum/float64(len(found)), 1-1e-9)), found
}

// ofDays is the probability that a day has so many new values, or more, by the
// earlier days' numbers. New things come together: a new project has many new
// files, and they are one surprise and not one each.
func ofDays(past *ring, n int) float64 {
	days, sum, squares, active := float64(len(past.values)), 0.0, 0.0, 0
	for _, x := range past.values {
		sum += x
		if x > 0 {
			active++
		}
	}
	if days < leastScored {
		return 1
	}
	for _, x := range past.values {
		squares += (x - sum/days) * (x - sum/days)
	}
	return tailByMoments(n, active, days, sum/days, squares, 1)
}

// binomialTail is the probability of k or more of n, each with probability p in
// (0, 1).
func binomialTail(n, k int, p float64) float64 {
	if float64(k) <= float64(n)*p { // the other side is shorter
		sum := 0.0
		for i := range k {
			sum += binomial(n, i, p)
		}
		return max(1-sum, 0)
	}
	sum, term := 0.0, binomial(n, k, p)
	for i := k; i <= n && term > sum*1e-12; i++ {
		sum += term
		term *= float64(n-i) / float64(i+1) * p / (1 - p)
	}
	return min(sum, 1)
}

func binomial(n, k int, p float64) float64 {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	return math.Exp(lg(n) - lg(k) - lg(n-k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

// maxBits bounds what one feature can say: a model is not known well enough for
// smaller probabilities than one in a million.
const maxBits = 20

// surprisal is -log2 p in bits, at most maxBits.
func surprisal(p float64) float64 {
	if p <= 0 {
		return maxBits
	}
	return min(max(-math.Log2(p), 0), maxBits)
}
