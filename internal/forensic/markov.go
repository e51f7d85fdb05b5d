package forensic

import "math"

// moves are which kind of act follows which, in sessions: a Markov chain of the
// first order.
type moves struct {
	seen  map[[2]string]int
	from  map[string]int
	kinds map[string]bool
}

func (m *moves) learn(t *today) {
	for _, s := range t.sessions {
		for i := range s.acts {
			to := t.acts[s.acts[i]].kind
			if len(m.kinds) < maxKnown {
				m.kinds[to] = true
			}
			if i == 0 {
				continue
			}
			move := [2]string{t.acts[s.acts[i-1]].kind, to}
			if _, there := m.seen[move]; there || len(m.seen) < maxKnown {
				m.seen[move]++
				m.from[move[0]]++
			}
		}
	}
}

// movePrior is how many moves of the role, or else of any kind, are added to
// those from each kind.
const movePrior = 5.0

// probability of a move, with the role's as prior and below it all kinds alike.
func (m *moves) probability(peer *moves, move [2]string) float64 {
	prior := 1 / float64(len(m.kinds)+1)
	if peer != nil {
		prior = (float64(peer.seen[move]) + prior) / (float64(peer.from[move[0]]) + 1)
	}
	return (float64(m.seen[move]) + movePrior*prior) / (float64(m.from[move[0]]) + movePrior)
}

// leastMoves is how many moves a session has at least before it is compared.
const leastMoves = 2

// score is the mean surprisal of a session's moves, in bits, and the place of
// the most surprising one.
func (m *moves) score(peer *moves, t *today, s sitting) (mean float64, at int) {
	sum, most := 0.0, -1.0
	for i := 1; i < len(s.acts); i++ {
		bits := -math.Log2(m.probability(peer, [2]string{t.acts[s.acts[i-1]].kind, t.acts[s.acts[i]].kind}))
		sum += bits
		if bits > most {
			most, at = bits, i
		}
	}
	return sum / float64(len(s.acts)-1), at
}

// length groups sessions, since means over few moves vary more.
func (s sitting) length() int {
	switch n := len(s.acts) - 1; {
	case n < 5:
		return 0
	case n < 20:
		return 1
	}
	return 2
}
