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
func (r *ref) after(x *ref) bool {
	c := r.at.Compare(x.at)
	return c > 0 || c == 0 && r.seq > x.seq
}

// slide appends to a window of which the first entries are taken away one by one. Where
// its memory is used up and half of it was taken away, it moves to the front of it
// instead of asking for more; whole is that memory.
func slide(refs []ref, whole *[]ref, r ref) []ref {
	if len(refs) == cap(refs) && len(*whole) >= 2*len(refs) && len(refs) > 0 {
		kept := copy(*whole, refs)
		clear((*whole)[kept:]) // of what was taken away, nothing is to be kept
		refs = (*whole)[:kept]
	}
	before := cap(refs)
	refs = append(refs, r)
	if cap(refs) != before {
		*whole = refs[:cap(refs)]
	}
	return refs
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
	ep := &episode{refs: make([]ref, 0, len(refs))}
	for _, r := range refs {
		ep.add(r)
	}
	return ep
}

func (ep *episode) add(r ref) {
	if ep.total == 0 || !r.after(&ep.first) {
		ep.first = r
	}
	if ep.total == 0 || r.after(&ep.last) {
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
	names   []string // of the fields that the first step groups by
	horizon time.Duration
	end     func(*group[T]) // may be nil
	dropped *int
	swept   time.Time
	key     []byte // room for one
}

type group[T any] struct {
	key    string
	values []string // by names of groups
	last   time.Time
	state  T
}

// named is what the group's entries have in common.
func (g *groups[T]) named(x *group[T]) map[string]string {
	out := make(map[string]string, len(g.names))
	for i, name := range g.names {
		out[name] = x.values[i]
	}
	return out
}

func newGroups[T any](r *running, horizon time.Duration, end func(*group[T])) *groups[T] {
	return &groups[T]{open: map[string]*group[T]{}, names: r.Steps[0].By, horizon: horizon, end: end, dropped: &r.look.Dropped}
}

// each calls f for every group that the entry belongs to. Fields with several
// values make it belong to several. by may be the fields of another step than the
// first: values belong together by position.
func (g *groups[T]) each(v *view, by []int, create bool, f func(*group[T])) {
	if g.horizon > 0 && v.at.Sub(g.swept) > g.horizon {
		g.sweep(v.at.Add(-g.horizon))
		g.swept = v.at
	}
	if !create && len(g.open) == 0 {
		return
	}
	if x, single := g.single(v, by, create); single { // as nearly always
		if x != nil {
			x.last = v.at
			f(x)
		}
		g.bound()
		return
	}
	for _, values := range product(v, by) {
		key := strings.Join(values, keySeparator)
		x := g.open[key]
		if x == nil && create {
			x = g.add(key, values)
		}
		if x != nil {
			x.last = v.at
			f(x)
		}
	}
	g.bound()
}

const keySeparator = "\x00"

// single is the entry's group, if each field has just one value. It makes no list of
// the values unless the group is a new one.
func (g *groups[T]) single(v *view, by []int, create bool) (x *group[T], single bool) {
	for _, field := range by {
		if len(v.held(field)) != 1 {
			return nil, false
		}
	}
	if len(by) == 1 {
		key := v.held(by[0])[0]
		if x = g.open[key]; x == nil && create {
			x = g.add(key, []string{key})
		}
		return x, true
	}
	g.key = g.key[:0]
	for i, field := range by {
		if i > 0 {
			g.key = append(g.key, keySeparator...)
		}
		g.key = append(g.key, v.held(field)[0]...)
	}
	if x = g.open[string(g.key)]; x == nil && create {
		values := make([]string, len(by))
		for i, field := range by {
			values[i] = v.held(field)[0]
		}
		x = g.add(string(g.key), values)
	}
	return x, true
}

func (g *groups[T]) add(key string, values []string) *group[T] {
	x := &group[T]{key: key, values: values}
	g.open[key] = x
	return x
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

// product lists the combinations of the fields' values, each value once.
func product(v *view, by []int) [][]string {
	all := [][]string{nil}
	for _, field := range by {
		values := v.held(field)
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
	for _, x := range g.since(before) {
		g.close(x)
	}
}

// since lists the groups without an entry since then, those idle longest first, so
// that what ends them does it in the same order every time.
func (g *groups[T]) since(then time.Time) (idle []*group[T]) {
	for _, x := range g.open { // most are not idle, and need not be put in order
		if x.last.Before(then) {
			idle = append(idle, x)
		}
	}
	inLine(idle)
	return idle
}

func (g *groups[T]) sorted() []*group[T] {
	all := slices.Collect(maps.Values(g.open))
	inLine(all)
	return all
}

func inLine[T any](list []*group[T]) {
	slices.SortFunc(list, func(a, b *group[T]) int {
		return cmp.Or(a.last.Compare(b.last), strings.Compare(a.key, b.key))
	})
}

func (g *groups[T]) finish() {
	for _, x := range g.sorted() {
		g.close(x)
	}
}
