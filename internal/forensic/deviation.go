package forensic

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Deviation is how far a user's day is from the days it was compared with.
//
// A day's surprise is the sum, in bits, of what its features add: -log2 of the
// probability of what was seen, each at most 20. Its p-value is conformal: the
// share of the days compared, and the day itself, whose surprise is at least as
// large. That needs no model to be right, only days that are exchangeable, and
// it can be no smaller than Floor.
type Deviation struct {
	Value    float64        `json:"value"`   // -10 log10 of PValue: 10 is one day in 10, 20 one in 100
	PValue   float64        `json:"p_value"` // in (0, 1]
	Windows  int            `json:"windows_compared"`
	Floor    float64        `json:"floor"` // 1/(Windows+1)
	AtFloor  bool           `json:"at_floor"`
	Baseline string         `json:"baseline"` // own, mixed or peer
	Bits     float64        `json:"bits"`     // the day's surprise
	Usual    float64        `json:"usual_bits"`
	Trending bool           `json:"trending"` // the surprise of the latest days drifts, so that days are not exchangeable
	Top      []Contribution `json:"top_contributions"`
}

// Contribution is what one feature adds to a day's surprise.
type Contribution struct {
	Feature  string   `json:"feature"`
	Value    string   `json:"value,omitempty"` // what was seen
	EntryIDs []string `json:"entry_ids"`       // the first 10
	Bits     float64  `json:"bits"`
	slot     int      // of the calibration; -1: by rank
	of       func(*act) bool
}

// surprise is what a day adds to what is known. With a role's habits alone, own
// is those, and what only a user can be known by (addresses, programs,
// resources) is left out.
func (t *today) surprise(own, peer *habits, counts, fallback *rates, personal bool) (parts []Contribution) {
	var peerHours *hours
	if peer != nil {
		peerHours = &peer.hours
	}
	if bits, rarest := own.hours.surprise(peerHours, t.hours); bits > 0 {
		parts = append(parts, Contribution{Feature: "hour of the week", Bits: bits, slot: slotHours, Value: shownHours(rarest), of: func(a *act) bool { return slices.Contains(rarest, a.at.Unix()/3600) }})
	}
	parts = append(parts, t.novelties(own, peer, personal)...)
	if c := t.numbers(counts, fallback, personal); c.Bits > 0 {
		parts = append(parts, c)
	}
	return parts
}

// weigh replaces what models say by how often they say it, and keeps the former
// for the calibration. The largest comes first.
func (c *calibration) weigh(parts []Contribution) (weighed []Contribution, raw [slots]float64) {
	for _, x := range parts {
		if x.slot >= 0 {
			raw[x.slot] = x.Bits
			x.Bits = c.bits(x.slot, x.Bits)
		}
		if x.Bits > 0 {
			weighed = append(weighed, x)
		}
	}
	slices.SortStableFunc(weighed, func(a, b Contribution) int { return cmp.Compare(b.Bits, a.Bits) })
	return weighed, raw
}

// numbers is the most surprising number of all classes, less what looking at
// several of them makes probable. A long day has more of everything, so that
// the others are no further surprise.
func (t *today) numbers(counts, fallback *rates, personal bool) (most Contribution) {
	tested := 0
	for class, n := range t.counts {
		if n == 0 {
			continue
		}
		tested++
		p := counts.tail(class, n, t.weekday())
		if fallback != nil && !counts.knows(class) && fallback.knows(class) {
			p = (p + fallback.tail(class, n, t.weekday())) / 2
		}
		c := Contribution{Feature: "number of " + classNames[class], Bits: surprisal(p), slot: slotNumbers, of: func(a *act) bool { return a.class == class }}
		if z := counts.drift(class, n); personal && z > driftLimit {
			if bits := surprisal(math.Erfc(z/math.Sqrt2) / 2); bits > c.Bits {
				c.Feature, c.Bits = "growing number of "+classNames[class], bits
			}
		}
		if c.Bits > most.Bits {
			c.Value = fmt.Sprintf("%d in a day", n)
			most = c
		}
	}
	most.Bits -= math.Log2(float64(max(tested, 1)))
	return most
}

func shownHours(list []int64) string {
	if len(list) == 0 {
		return ""
	}
	shown := time.Unix(list[0]*3600, 0).UTC().Format("Monday 15:04 UTC")
	if len(list) > 1 {
		shown += fmt.Sprintf(" and %d more", len(list)-1)
	}
	return shown
}

// novelties are the values that were never there before. An address and a
// location are one fact, so the larger of the two counts.
func (t *today) novelties(own, peer *habits, personal bool) (parts []Contribution) {
	place := -1
	for f := range features {
		if !personal && f != ofOperation || len(t.items[f]) == 0 {
			continue
		}
		var among *vocabulary
		if peer != nil {
			among = &peer.known[f]
		}
		values := make([]string, 0, len(t.items[f]))
		for _, i := range t.items[f] {
			values = append(values, t.acts[i].values[f])
		}
		p, found := own.known[f].newValues(among, values, t.own.met[f])
		if personal {
			t.found[f] = len(found)
			p = max(p, ofDays(&t.own.news[f], len(found)))
		}
		bits := surprisal(p)
		if len(found) == 0 || bits == 0 {
			continue
		}
		c := Contribution{Feature: featureNames[f], Bits: bits, slot: slotNew + f, Value: shownValues(found), of: func(a *act) bool { return slices.Contains(found, a.values[f]) }}
		if f == ofLocation && place >= 0 {
			if bits > parts[place].Bits {
				parts[place] = c
			}
			continue
		}
		if f == ofSource {
			place = len(parts)
		}
		parts = append(parts, c)
	}
	return parts
}

func shownValues(list []string) string {
	shown := list[0]
	if len(list) > 1 {
		shown += fmt.Sprintf(" and %d more", len(list)-1)
	}
	return shown
}

// order adds what a day's sessions and its mix say, both by rank among earlier
// ones, and returns what the day adds to those.
func (t *today) order() (parts []Contribution, mix float64, sequences [3][]float64) {
	own, peer := &t.own.habits, (*moves)(nil)
	if t.peer != nil {
		peer = &t.peer.moves
	}
	best, tested := Contribution{}, 0
	for _, s := range t.sessions {
		if len(s.acts)-1 < leastMoves {
			continue
		}
		score, at := own.moves.score(peer, t, s)
		past := &t.own.sequences[s.length()]
		sequences[s.length()] = append(sequences[s.length()], score)
		if len(past.values) < minDays {
			continue
		}
		tested++
		if bits := surprisal(past.rank(score)); bits > best.Bits {
			from, to := s.acts[at-1], s.acts[at]
			ids := []string{t.acts[from].id, t.acts[to].id}
			best = Contribution{Feature: "sequence", Bits: bits, slot: -1,
				Value: fmt.Sprintf("%s, then %s: seen %d times in %d", t.acts[from].kind, t.acts[to].kind, own.moves.seen[[2]string{t.acts[from].kind, t.acts[to].kind}], own.moves.from[t.acts[from].kind]),
				of:    func(a *act) bool { return slices.Contains(ids, a.id) }}
		}
	}
	if best.Bits -= math.Log2(float64(max(tested, 1))); best.Bits > 0 { // the best of several
		parts = append(parts, best)
	}
	mix = -1
	if len(t.acts) >= leastMixed {
		mix = divergence(t.kinds, own.kinds, len(t.acts), own.total)
		if past := &t.own.mixes; len(past.values) >= minDays {
			if p := past.rank(mix); p < 0.5 {
				parts = append(parts, Contribution{Feature: "mix of operations", Bits: surprisal(p), slot: -1, Value: fmt.Sprintf("divergence %.2f", mix),
					of: func(a *act) bool {
						return float64(own.kinds[a.kind])*float64(len(t.acts))*2 < float64(t.kinds[a.kind])*float64(own.total)
					}})
			}
		}
	}
	return parts, mix, sequences
}

// explain lists what a day's surprise is made of.
func (t *today) explain(d *Deviation, parts []Contribution) {
	d.Top = []Contribution{}
	for _, c := range parts {
		c.EntryIDs, c.Bits = t.where(c.of), short(c.Bits)
		d.Top = append(d.Top, c)
	}
}

// finding makes a day's finding, without what only all tests together tell.
func (t *today) finding(d *Deviation, parts []Contribution) Finding {
	ep := newEpisode()
	// Below three bits, a feature is as it is on every eighth day.
	for i := range t.acts {
		if slices.ContainsFunc(parts, func(c Contribution) bool { return c.Bits >= 3 && c.of(&t.acts[i]) }) {
			ep.add(t.acts[i].ref)
		}
	}
	if ep.total == 0 {
		for i := range t.acts {
			ep.add(t.acts[i].ref)
		}
	}
	f := Finding{
		Detector: "user-behaviour", RuleVersion: BehaviourVersion, Kind: Unusual, Correlation: "baseline", Title: "A user's day is unlike all before", Severity: audit.SeverityMedium,
		Techniques: []string{}, EntryIDs: []string{}, Entries: ep.total, Users: []string{t.user}, FirstTime: ep.first.at, LastTime: ep.last.at,
		Group:     map[string]string{"user": t.user, "day": t.acts[0].at.Format(time.DateOnly)},
		Deviation: d, Baseline: t.baseline(d.Baseline), last: ep.last.seq,
	}
	switch parts[0].slot { // the largest
	case slotNumbers:
		f.Detector, f.Title = "rate-unusual", "A user's day is unlike all before, above all in how much they did"
	case slotNew + ofOperation:
		f.Detector, f.Title = "rare-operation", "A user's day is unlike all before, above all in what they, and their role, hardly ever did"
	}
	f.name(ep)
	return f
}

// short rounds to what is sure on every machine.
func short(x float64) float64 { return math.Round(x*1000) / 1000 }
