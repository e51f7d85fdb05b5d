package forensic

import (
	"cmp"
	"math"
	"slices"
)

// hours is when somebody works: for each hour of the week, in UTC, on how many
// days an entry was in it.
type hours struct {
	n     [168]float64
	total float64
}

func (h *hours) learn(list []int64) {
	for _, hour := range list {
		h.n[ofWeek(hour)]++
		h.total++
	}
}

// ofWeek is 0 for the first hour of a Thursday, as 1970 began with one.
func ofWeek(hour int64) int { return int(((hour % 168) + 168) % 168) }

// smooth is the number in an hour with a quarter of each neighbour: a week is a
// circle.
func (h *hours) smooth(b int) float64 {
	return h.n[b]/2 + (h.n[(b+1)%168]+h.n[(b+167)%168])/4
}

// What is not seen is still possible: the prior counts as much as hourPrior
// hours, and a part of it is the same for all hours.
const (
	hourPrior   = 20.0
	hourUniform = 0.2
)

// probability of an hour of the week, with the role's as prior, if there is one.
func (h *hours) probability(peer *hours, b int) float64 {
	prior := 1.0 / 168
	if peer != nil && peer.total > 0 {
		prior = hourUniform/168 + (1-hourUniform)*peer.smooth(b)/peer.total
	}
	return (h.smooth(b) + hourPrior*prior) / (h.total + hourPrior)
}

// usual is the median surprisal of the hours that are known, in bits.
func (h *hours) usual(peer *hours) float64 {
	type weighted struct{ bits, n float64 }
	var list []weighted
	for b, n := range h.n {
		if n > 0 {
			list = append(list, weighted{-math.Log2(h.probability(peer, b)), n})
		}
	}
	slices.SortFunc(list, func(a, b weighted) int { return cmp.Or(cmp.Compare(a.bits, b.bits), cmp.Compare(a.n, b.n)) })
	sum := 0.0
	for _, x := range list {
		if sum += x.n; sum*2 >= h.total {
			return x.bits
		}
	}
	return 0
}

// surprise is how many bits the day's hours are beyond what is usual. Hours
// that follow each other are one stretch of work and count once, by the rarest
// of them, which is returned, too.
func (h *hours) surprise(peer *hours, list []int64) (bits float64, rarest []int64) {
	usual := h.usual(peer)
	for i := 0; i < len(list); {
		most, at := 0.0, list[i]
		from := i
		for ; i < len(list) && (i == from || list[i] == list[i-1]+1); i++ {
			if s := -math.Log2(h.probability(peer, ofWeek(list[i]))) - usual; s > most {
				most, at = s, list[i]
			}
		}
		if most > 0 {
			bits += most
			rarest = append(rarest, at)
		}
	}
	return min(bits, maxBits), rarest
}
