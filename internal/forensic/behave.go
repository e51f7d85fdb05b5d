package forensic

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// BehaviourVersion changes when the same entries give other findings of
// behaviour.
const BehaviourVersion = 2

// Options say what behaviour is judged, and against what.
type Options struct {
	// Window is what is investigated. Entries before it are the baseline; give
	// 90 days of them. Nothing in the window is learnt; what is new in it is so
	// on the first day that it is there. Zero: each day is judged by the same
	// user's earlier days, and then learnt.
	Window audit.Period

	// Leave are times that are in no baseline, as of incidents that were
	// confirmed.
	Leave []audit.Period

	// Rate is the false discovery rate that all tests together are held to, in
	// (0, 1). 0 means 0.05.
	Rate float64

	// Remember bounds what the baselines of all users remember together: values of
	// features, kinds of operations and moves between them, and for each user 200 more.
	// Beyond it, users with the fewest entries are given up, which the result says.
	// 0 means DefaultRemembered.
	Remember int

	// Want reports whether an entry is of somebody who is to be given up last. nil: of
	// nobody.
	Want func(*audit.Entry) bool

	// Mark has entries marked, so that each finding tells whether it names one of
	// them. nil marks none.
	Mark func(*audit.Entry) bool
}

// Behaviour is how users' days compare with what was usual for them.
type Behaviour struct {
	Version      int          `json:"version"`
	Outcome      Outcome      `json:"outcome"`
	Entries      int          `json:"entries"`            // with a user and no approval, or an emitter; all others were not looked at
	Users        int          `json:"users"`              // with at least one day that was due to be judged
	UserDays     int          `json:"user_days"`          // due: in the window, with an entry of that user
	Judged       int          `json:"judged"`             // of them, those with a baseline
	ByPeers      int          `json:"by_peers"`           // of the judged, by their role's baseline
	EmitterDays  int          `json:"emitter_days"`       // on which gaps between entries of an emitter were judged
	Tests        int          `json:"tests"`              // all that were made; the false discovery rate is over them
	Rate         float64      `json:"rate"`               // the false discovery rate
	Threshold    float64      `json:"threshold"`          // the largest p-value that was reported; 0: none was
	RareDay      float64      `json:"rare_day,omitempty"` // the p-value at which a user's own day was reported beyond what the rate allows; 0: there was none
	TooFew       bool         `json:"too_few_days"`       // of all users, for a single day to have been reported: that none was means nothing
	Insufficient []Unjudged   `json:"insufficient_data"`
	Unnamed      int          `json:"unnamed,omitempty"`      // unjudged users beyond MaxFindings
	Dropped      int          `json:"dropped,omitempty"`      // entries that bounds of memory left out
	NotAnalysed  *NotAnalysed `json:"not_analysed,omitempty"` // whom they left out; nil: nobody
	Highest      []Highest    `json:"highest"`                // the largest deviation of each user who was judged, reported or not; by user
	Findings     []Finding    `json:"findings"`
}

// Highest is the day on which a user deviated most, the first of several. It is
// no finding: somebody's most unusual day there always is.
type Highest struct {
	User      string     `json:"user"`
	Day       string     `json:"day"` // UTC
	Deviation *Deviation `json:"behavioral_baseline_deviation"`
	Baseline  *Baseline  `json:"baseline"`
}

// Unjudged is a user, or an emitter, whose behaviour could not be judged.
type Unjudged struct {
	User    string `json:"user,omitempty"`
	Emitter string `json:"emitter,omitempty"`
	Days    int    `json:"days"` // user-days that nothing is said about
	Reason  string `json:"reason"`
}

// Bounds of what is kept in memory.
const (
	maxPeople = 20_000 // users of one day, and of one role
	maxToday  = 50_000 // entries of one user and day that are looked at singly; more are counted
	maxKnown  = 20_000 // values of one feature that are remembered of one user or role
)

// minDays is how many active days a baseline has at least.
const minDays = 20

// Behave judges entries, which are in the order of their time.
func Behave(entries iter.Seq[*audit.Entry], o Options) (*Behaviour, error) {
	w := NewWatch(o)
	for e := range entries {
		if err := w.Add(e); err != nil {
			return nil, err
		}
	}
	return w.Report(), nil
}

// Watch judges entries one at a time. It keeps statistics of each user and
// role, and entries of the day in hand only. It is not safe for use by several
// goroutines.
type Watch struct {
	o        Options
	view     *view
	at       time.Time
	day      int64 // days since 1970, UTC
	inside   bool  // whether the day in hand is in the window
	today    map[string]*today
	acts     int // of all users, of the day in hand
	people   baselines[*profile]
	roles    baselines[*peers]
	emitters map[string]*emitter
	judge    judge
	result   Behaviour
}

// NewWatch starts to judge.
func NewWatch(o Options) *Watch {
	if o.Rate == 0 {
		o.Rate = 0.05
	}
	v := newView(newKinds())
	v.mark = o.Mark
	w := &Watch{o: o, view: v, today: map[string]*today{}, emitters: map[string]*emitter{},
		result: Behaviour{Version: BehaviourVersion, Rate: o.Rate, Insufficient: []Unjudged{}, Highest: []Highest{}, Findings: []Finding{}}}
	w.people = newBaselines(cmp.Or(o.Remember, DefaultRemembered), newProfile, w.giveUp)
	w.roles = newBaselines(w.people.most/4, newPeers, w.giveUpRole)
	return w
}

// Add takes entries in the order of their time. It refuses one that is before
// the last.
func (w *Watch) Add(entry *audit.Entry) error {
	v := w.view
	v.set(entry)
	if v.at.Before(w.at) {
		return fmt.Errorf("judge behaviour: %s is before the entry that came before it", v.id())
	}
	w.at = v.at
	inside := w.o.Window != audit.Period{} && w.o.Window.Contains(v.at)
	if day := v.at.Unix() / secondsOfDay; day != w.day || inside != w.inside {
		w.close()
		w.day, w.inside = day, inside
	}
	if w.o.Window != (audit.Period{}) && !inside && !v.at.Before(w.o.Window.From) {
		return nil // after the window
	}
	if slices.ContainsFunc(w.o.Leave, func(p audit.Period) bool { return p.Contains(v.at) }) && !inside {
		return nil
	}
	seen := w.listen(v)
	// What was approved was announced: it makes no day unusual, and no baseline.
	if v.user != "" && len(v.held(approvalField)) == 0 {
		seen = w.add(v) || seen
	}
	if seen {
		w.result.Entries++
	}
	return nil
}

// add takes an entry of a user. It reports whether the user is one that is looked at.
func (w *Watch) add(v *view) bool {
	t := w.today[v.user]
	if t == nil {
		wanted := w.o.Want != nil && w.o.Want(v.Entry) // who may exceed the bound: a scope names few
		if len(w.today) >= maxPeople && !wanted && !w.people.refuses(v.user) {
			w.people.giveUp(v.user)
		}
		if w.people.refuses(v.user) {
			w.leave(v.user)
			return false
		}
		t = &today{user: v.user, wanted: wanted}
		w.today[v.user] = t
	} else if !t.wanted && w.o.Want != nil {
		t.wanted = w.o.Want(v.Entry)
	}
	if t.add(v, w.acts < maxDay || len(t.acts) == 0) { // one there is of everybody
		w.acts++
	} else {
		w.result.Dropped++
	}
	return true
}

const secondsOfDay = 24 * 60 * 60

// close judges the day in hand, everybody's before anybody's is learnt: what
// peers did on the same day is no baseline either.
func (w *Watch) close() {
	if len(w.today) == 0 {
		return
	}
	days := slices.SortedFunc(maps.Values(w.today), func(a, b *today) int { return cmp.Compare(a.user, b.user) })
	whole := w.o.Window == audit.Period{}
	for _, t := range days {
		t.end()
		t.own = w.people.of(t.user)
		t.own.seen, t.own.wanted = t.own.seen+t.total, t.own.wanted || t.wanted
		if t.role != "" && !w.roles.refuses(t.role) {
			t.peer = w.roles.of(t.role)
			t.peer.seen += t.total
		}
		w.judge.day(t, whole || w.inside, whole || !w.inside)
	}
	for _, t := range days {
		if whole || !w.inside {
			w.judge.learn(t) // first: the day is not among those that the user had before
			t.learn()
		} else {
			t.meet()
		}
		if w.people.weigh(t.own); t.peer != nil {
			w.roles.weigh(t.peer)
		}
	}
	w.people.bound()
	w.roles.bound()
	w.today, w.acts = map[string]*today{}, 0
}

// Report ends the judging. The watch cannot be used after it.
func (w *Watch) Report() *Behaviour {
	w.close()
	r := &w.result
	if r.NotAnalysed != nil {
		names := slices.Sorted(maps.Keys(w.people.left))
		r.NotAnalysed.Named = names[:min(len(names), maxLeftNamed)]
	}
	for _, name := range slices.Sorted(maps.Keys(w.people.kept)) {
		p := w.people.kept[name]
		r.count(p)
		if p.highest != nil {
			r.Highest = append(r.Highest, *p.highest)
		}
		if p.due > 0 && p.judged == 0 {
			r.unjudged(Unjudged{User: name, Days: p.due, Reason: fmt.Sprintf("fewer than %d earlier active days, and no role of which enough is known", minDays)})
		}
	}
	w.silences()
	w.discover()
	switch {
	case len(r.Findings) > 0:
		r.Outcome = Found
	case r.Tests == 0 || r.TooFew && r.EmitterDays == 0:
		r.Outcome = InsufficientData
	default:
		r.Outcome = NoFindings
	}
	return r
}

// count adds a user's days.
func (r *Behaviour) count(p *profile) {
	r.UserDays += p.due
	r.Judged += p.judged
	r.ByPeers += p.byPeers
	if p.due > 0 {
		r.Users++
	}
}

func (r *Behaviour) unjudged(u Unjudged) {
	if len(r.Insufficient) == MaxFindings {
		r.Unnamed++
		return
	}
	r.Insufficient = append(r.Insufficient, u)
}
