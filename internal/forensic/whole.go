package forensic

// whole is tally: one finding for all entries of a group, however many and however far
// apart. It is for facts that are a state of records and their keeping rather
// than somebody's act: that thousands of changes give no reason is one thing to
// know. It keeps the first entries, and counts.
type whole struct {
	*running
	groups *groups[*episode]
}

func newWhole(r *running) detector {
	t := &whole{running: r}
	t.groups = newGroups(r, 0, func(x *group[*episode]) {
		if ep := x.state; ep.total >= t.Steps[0].Count {
			t.emit(ep, t.groups.named(x), map[string]any{"entries": ep.total, "users": len(ep.users)}, 1)
		}
	})
	return t
}

func (t *whole) add(v *view, _ []bool) {
	t.groups.each(v, t.by[0], true, func(x *group[*episode]) {
		if x.state == nil {
			x.state = newEpisode()
		}
		x.state.add(refer(v))
	})
}

func (t *whole) finish() { t.groups.finish() }
