package forensic

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// DefaultRemembered bounds what the baselines of all users remember together, unless
// [Options] say otherwise. A value came to 45 to 73 bytes where that was measured.
// Roles may remember a quarter of it, besides.
const DefaultRemembered = 3_000_000

// Bounds of who is left out, and of a day in hand.
const (
	oneBaseline  = 200     // values that a baseline counts as besides those that it has
	maxLeft      = 100_000 // users that were given up and are told apart
	maxLeftNamed = 100     // of them, those that a result names
	maxDay       = 500_000 // entries of one day that are looked at singly; more are counted
)

// NotAnalysed is who was not compared with anything because of a bound: their baseline
// was given up, or never begun. What had been said of them before stands.
type NotAnalysed struct {
	Reason   string   `json:"reason"`
	Bound    int      `json:"bound"`     // values that baselines may remember, see Options.Remember
	Users    int      `json:"users"`     // of those who come after maxLeft of them, only those with a baseline
	UserDays int      `json:"user_days"` // that were due after that, and are in no other number
	Entries  int      `json:"entries"`   // of these users, all
	Roles    int      `json:"roles"`     // whose users are compared with their own days only
	Named    []string `json:"named"`     // the first of the users, sorted
}

// remembered is what is known of a user or a role.
type remembered interface {
	weight() int // in values
	base() *habits
}

// baselines are those of users, or of roles. Once they remember more than most, those of
// the fewest entries are given up, and never begun again: half a baseline would call
// usual work new. It depends on the entries alone who that is.
type baselines[T remembered] struct {
	kept map[string]T
	left map[string]int64 // the last day that was counted, since 1970
	full bool             // left is: who is not kept is left out
	most int
	size int
	make func() T
	lose func(T)
}

func newBaselines[T remembered](most int, made func() T, lose func(T)) baselines[T] {
	return baselines[T]{kept: map[string]T{}, left: map[string]int64{}, most: most, make: made, lose: lose}
}

// refuses reports whether nothing is to be known of a name.
func (b *baselines[T]) refuses(name string) bool {
	if _, left := b.left[name]; left || !b.full {
		return left
	}
	_, kept := b.kept[name]
	return !kept
}

// of is the baseline of a name that is not refused.
func (b *baselines[T]) of(name string) T {
	x, kept := b.kept[name]
	if !kept {
		x = b.make()
		b.kept[name] = x
	}
	return x
}

// weigh takes note of what a baseline has come to remember.
func (b *baselines[T]) weigh(x T) {
	h, now := x.base(), x.weight()
	b.size += now - h.weighed
	h.weighed = now
}

// bound gives up baselines until a tenth of the room is free: those of the fewest
// entries, of as many the last by name. Those that are wanted go last.
func (b *baselines[T]) bound() {
	if b.size <= b.most {
		return
	}
	names := slices.SortedFunc(maps.Keys(b.kept), func(x, y string) int {
		p, q := b.kept[x].base(), b.kept[y].base()
		if p.wanted != q.wanted {
			if q.wanted {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(p.seen, q.seen), strings.Compare(y, x))
	})
	for _, name := range names {
		if b.size <= b.most/10*9 {
			return
		}
		b.giveUp(name)
	}
}

func (b *baselines[T]) giveUp(name string) {
	x := b.of(name)
	b.size -= x.base().weighed
	delete(b.kept, name)
	b.lose(x)
	if len(b.left) < maxLeft {
		b.left[name] = -1
	}
	b.full = len(b.left) == maxLeft
}

func (h *habits) base() *habits { return h }

func (h *habits) weight() int {
	n := oneBaseline + len(h.kinds) + len(h.moves.kinds) + len(h.moves.from) + 2*len(h.moves.seen)
	for f := range h.known {
		n += len(h.known[f].seen)
	}
	return n
}

func (p *profile) weight() int {
	n := p.habits.weight()
	for f := range p.met {
		n += len(p.met[f])
	}
	return n
}

func (p *peers) weight() int { return p.habits.weight() + len(p.rates.days) + len(p.members) }

// leave counts an entry of a user who is left out.
func (w *Watch) leave(user string) {
	n := w.lost()
	n.Entries++
	if last, told := w.people.left[user]; told && last != w.day && (w.inside || w.o.Window == audit.Period{}) {
		w.people.left[user] = w.day
		n.UserDays++
	}
}

func (w *Watch) lost() *NotAnalysed {
	if w.result.NotAnalysed == nil {
		w.result.NotAnalysed = &NotAnalysed{Bound: w.people.most, Named: []string{},
			Reason: fmt.Sprintf("the baselines of all users may remember %d values together: those of the fewest entries were given up; so are users who come on a day after %d others", w.people.most, maxPeople)}
	}
	return w.result.NotAnalysed
}

// giveUp keeps what was counted of a user.
func (w *Watch) giveUp(p *profile) {
	n := w.lost()
	n.Users, n.Entries = n.Users+1, n.Entries+p.seen
	w.result.count(p)
}

func (w *Watch) giveUpRole(*peers) { w.lost().Roles++ }
