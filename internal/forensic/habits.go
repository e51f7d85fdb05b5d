package forensic

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"
	"time"
)

// habits are what a baseline knows of a user, or of all of a role: numbers of
// days, and no entries.
type habits struct {
	days   int // active user-days
	hours  hours
	known  [features]vocabulary
	moves  moves
	kinds  map[string]int // acts by kind
	total  int            // acts
	digest hash.Hash      // of the entries that were learnt
	first  time.Time
	last   time.Time

	seen    int  // entries, learnt or not
	wanted  bool // to be given up last
	weighed int  // weight, when it was last asked for
}

func newHabits() habits {
	h := habits{kinds: map[string]int{}, digest: sha256.New(), moves: moves{seen: map[[2]string]int{}, from: map[string]int{}, kinds: map[string]bool{}}}
	for f := range h.known {
		h.known[f].seen = map[string]int{}
	}
	return h
}

func (h *habits) learn(t *today) {
	h.days++
	h.hours.learn(t.hours)
	for f := range features {
		for _, i := range t.items[f] {
			h.known[f].learn(t.acts[i].values[f])
		}
	}
	h.moves.learn(t)
	for kind, n := range t.kinds {
		if _, there := h.kinds[kind]; there || len(h.kinds) < maxKnown {
			h.kinds[kind] += n
		}
	}
	h.total += len(t.acts)
	if h.first.IsZero() {
		h.first = t.acts[0].at
	}
	h.last = t.acts[len(t.acts)-1].at
	var line []byte
	for i := range t.acts {
		line = append(line[:0], t.acts[i].id...)
		line = append(line, '\t')
		line = t.acts[i].at.AppendFormat(line, time.RFC3339Nano)
		h.digest.Write(append(line, '\n'))
	}
}

// profile is a user's baseline.
type profile struct {
	habits
	rates     rates
	scores    ring           // deviations of earlier days
	mixes     ring           // divergences of earlier days
	news      [features]ring // numbers of new values of earlier days
	sequences [3]ring

	// met is what was new in the window: it is on the first day of it, and no
	// surprise of each day that follows.
	met [features]map[string]bool

	due, judged, byPeers int // days
	highest              *Highest
	most                 float64 // its z
}

func newProfile() *profile { return &profile{habits: newHabits()} }

// peers are the baseline of a role.
type peers struct {
	habits
	members map[string]int // active days by user
	rates   rates
	scores  ring // deviations of members' days from the role
}

func newPeers() *peers {
	p := &peers{habits: newHabits(), members: map[string]int{}}
	p.scores.most, p.rates.most = 2000, 2000
	return p
}

func (p *peers) learn(t *today) {
	p.habits.learn(t)
	p.rates.learn(t)
	if _, there := p.members[t.user]; there || len(p.members) < maxPeople {
		p.members[t.user]++
	}
}

// others is how many members there are besides one.
func (p *peers) others(user string) int {
	if _, there := p.members[user]; there {
		return len(p.members) - 1
	}
	return len(p.members)
}

// Baseline is what a day was compared with. Digest is "sha256:" and 64 hex
// digits: of a line for each entry of the user's baseline, "id TAB time LF" with
// the time as RFC 3339 in UTC, in the order in which they were learnt; where the
// role counts, the SHA-256 of that and of the role's, one after the other.
type Baseline struct {
	Of     string    `json:"of"`    // own, mixed (the user's, with the role's as a prior) or peer (the role's)
	Days   int       `json:"days"`  // active days of the user
	First  time.Time `json:"first"` // of its entries; zero without any
	Last   time.Time `json:"last"`
	Role   string    `json:"role,omitempty"`
	Peers  int       `json:"peers,omitempty"` // other users of the role
	Digest string    `json:"baseline_digest"`
}

// Whose baseline it is.
const (
	ownBaseline   = "own"
	mixedBaseline = "mixed"
	peerBaseline  = "peer"
)

func (t *today) baseline(of string) *Baseline {
	b := &Baseline{Of: of, Days: t.own.days, First: t.own.first, Last: t.own.last}
	sum := t.own.digest.Sum(nil)
	if of != ownBaseline {
		b.Role, b.Peers = t.role, t.peer.others(t.user)
		both := sha256.Sum256(t.peer.digest.Sum(sum))
		sum = both[:]
	}
	b.Digest = "sha256:" + hex.EncodeToString(sum)
	return b
}

// ring holds the latest values, 90 unless most says otherwise.
type ring struct {
	values []float64
	next   int
	most   int
	sorted []float64 // the same in order, once a median was asked for
}

func (r *ring) add(x float64) {
	most := r.most
	if most == 0 {
		most = 90
	}
	if len(r.values) < most {
		r.values = append(r.values, x)
		if r.sorted != nil {
			i, _ := slices.BinarySearch(r.sorted, x)
			r.sorted = slices.Insert(r.sorted, i, x)
		}
		return
	}
	was := r.values[r.next]
	r.values[r.next] = x
	r.next = (r.next + 1) % most
	if r.sorted != nil {
		i, _ := slices.BinarySearch(r.sorted, was)
		r.sorted = slices.Delete(r.sorted, i, i+1)
		i, _ = slices.BinarySearch(r.sorted, x)
		r.sorted = slices.Insert(r.sorted, i, x)
	}
}

// median sorts once; from then on values are put where they belong. There is one.
func (r *ring) median() float64 {
	if r.sorted == nil {
		r.sorted = slices.Clone(r.values)
		slices.Sort(r.sorted)
	}
	n := len(r.sorted)
	return (r.sorted[(n-1)/2] + r.sorted[n/2]) / 2
}

// list lists the values, the oldest first.
func (r *ring) list() []float64 {
	return append(append([]float64{}, r.values[r.next:]...), r.values[:r.next]...)
}

// rank is the conformal p-value of x: the share of the values, and x itself,
// that are at least x.
func (r *ring) rank(x float64) float64 {
	least := 1
	for _, v := range r.values {
		if v >= x {
			least++
		}
	}
	return float64(least) / float64(len(r.values)+1)
}
