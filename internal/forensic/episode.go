package forensic

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// ref is what is kept of an entry.
type ref struct {
	id    string
	at    time.Time
	seq   int64
	user  string
	value string // of the field that is counted
	mark  bool
}

func refer(v *view) ref {
	return ref{id: v.id(), at: v.at, seq: v.Seq, user: v.user, mark: v.isMarked()}
}

// after reports whether r comes after x, in time and then in order of arrival.
func (r ref) after(x ref) bool {
	return cmp.Or(r.at.Compare(x.at), cmp.Compare(r.seq, x.seq)) > 0
}

// episode is the entries of a finding in the making: the first ones, and the
// number of all.
type episode struct {
	refs        []ref // at most MaxEntryIDs
	users       map[string]bool
	first, last ref
	total       int
}

func newEpisode(refs ...ref) *episode {
	ep := &episode{}
	for _, r := range refs {
		ep.add(r)
	}
	return ep
}

func (ep *episode) add(r ref) {
	if ep.total == 0 || !r.after(ep.first) {
		ep.first = r
	}
	if ep.total == 0 || r.after(ep.last) {
		ep.last = r
	}
	if ep.total++; len(ep.refs) < MaxEntryIDs {
		ep.refs = append(ep.refs, r)
	}
	if r.user != "" && len(ep.users) < MaxEntryIDs {
		if ep.users == nil {
			ep.users = map[string]bool{}
		}
		ep.users[r.user] = true
	}
}

// name makes a finding name the entries. It has a mark if one of these has.
func (f *Finding) name(ep *episode) {
	for _, r := range ep.refs {
		f.EntryIDs = append(f.EntryIDs, r.id)
		f.marked = f.marked || r.mark
	}
}

func (ep *episode) names() []string {
	return append([]string{}, slices.Sorted(maps.Keys(ep.users))...)
}

// groups is a rule's state for each group of entries. A group that has been
// idle for longer than horizon cannot matter any more and is ended; horizon 0
// means never. Of more than maxGroups, those idle longest are ended early.
type groups[T any] struct {
	open    map[string]*group[T]
	horizon time.Duration
	end     func(*group[T]) // may be nil
	dropped *int
	swept   time.Time
}

type group[T any] struct {
	key           string
	names, values []string
	last          time.Time
	state         T
}

// named is what the group's entries have in common.
func (x *group[T]) named() map[string]string {
	out := make(map[string]string, len(x.names))
	for i, name := range x.names {
		out[name] = x.values[i]
	}
	return out
}

func newGroups[T any](r *running, horizon time.Duration, end func(*group[T])) *groups[T] {
	return &groups[T]{open: map[string]*group[T]{}, horizon: horizon, end: end, dropped: &r.look.Dropped}
}

// each calls f for every group that the entry belongs to. Fields with several
// values make it belong to several; by of another step takes the names of the
// first.
func (g *groups[T]) each(v *view, by, names []string, create bool, f func(*group[T])) {
	if g.horizon > 0 && v.at.Sub(g.swept) > g.horizon {
		g.sweep(v.at.Add(-g.horizon))
		g.swept = v.at
	}
	if values := singles(v, by); values != nil { // as nearly always
		g.enter(v, strings.Join(values, "\x00"), values, names, create, f)
		g.bound()
		return
	}
	for _, values := range product(v, by) {
		g.enter(v, strings.Join(values, "\x00"), values, names, create, f)
	}
	g.bound()
}

func (g *groups[T]) enter(v *view, key string, values, names []string, create bool, f func(*group[T])) {
	x := g.open[key]
	if x == nil {
		if !create {
			return
		}
		x = &group[T]{key: key, names: names, values: values}
		g.open[key] = x
	}
	x.last = v.at
	f(x)
}

func (g *groups[T]) bound() {
	if len(g.open) <= maxGroups {
		return
	}
	for _, x := range g.sorted()[:maxGroups/10] {
		g.close(x)
		*g.dropped++
	}
}

// singles are the fields' values, if each has just one.
func singles(v *view, by []string) []string {
	if len(by) == 1 {
		if values := v.values(by[0]); len(values) == 1 {
			return values
		}
		return nil
	}
	out := make([]string, 0, len(by))
	for _, field := range by {
		values := v.values(field)
		if len(values) != 1 {
			return nil
		}
		out = append(out, values[0])
	}
	return out
}

// product lists the combinations of the fields' values, each value once.
func product(v *view, by []string) [][]string {
	all := [][]string{nil}
	for _, field := range by {
		values := v.values(field)
		if len(values) > 1 {
			values = slices.Compact(slices.Sorted(slices.Values(values)))
		}
		var next [][]string
		for _, start := range all {
			for _, value := range values {
				next = append(next, append(slices.Clip(start), value))
			}
		}
		all = next
	}
	return all
}

func (g *groups[T]) close(x *group[T]) {
	if g.end != nil {
		g.end(x)
	}
	delete(g.open, x.key)
}

func (g *groups[T]) sweep(before time.Time) {
	for _, x := range g.sorted() {
		if !x.last.Before(before) {
			return
		}
		g.close(x)
	}
}

// sorted lists the groups, those idle longest first, so that what ends them
// does it in the same order every time.
func (g *groups[T]) sorted() []*group[T] {
	return slices.SortedFunc(maps.Values(g.open), func(a, b *group[T]) int {
		return cmp.Or(a.last.Compare(b.last), strings.Compare(a.key, b.key))
	})
}

func (g *groups[T]) finish() {
	for _, x := range g.sorted() {
		g.close(x)
	}
}
