package forensic

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// revert finds a value that was changed and, at most Window later, set back to
// what it was: A, B, A, also by way of others. The time between is how long the
// other value was in force. By names the resource; the field is that of the
// change.
type revert struct {
	*running
	groups *groups[map[string][]write]
}

type write struct {
	ref
	old, new string
}

const maxWrites = 16 // of one field that are compared, the latest

func newRevert(r *running) detector {
	return &revert{running: r, groups: newGroups[map[string][]write](r, time.Duration(r.Window)+time.Second, nil)}
}

func (d *revert) add(v *view, _ []bool) {
	d.groups.each(v, d.by[0], true, func(x *group[map[string][]write]) {
		if x.state == nil {
			x.state = map[string][]write{}
		}
		for _, c := range v.changes() {
			now := write{refer(v), plain(c.old), plain(c.new)}
			past := x.state[c.field]
			for len(past) > 0 && v.at.Sub(past[0].at) > time.Duration(d.Window) {
				past = past[1:]
			}
			i := len(past) - 1
			for i >= 0 && past[i].old != now.new {
				i--
			}
			if i >= 0 && now.old != now.new && past[i].id != now.id {
				ep := newEpisode()
				for _, w := range past[i:] {
					ep.add(w.ref)
				}
				ep.add(now.ref)
				group := map[string]string{"field": c.field}
				for name, value := range d.groups.named(x) {
					group[name] = value
				}
				d.emit(ep, group, map[string]any{"value": now.new, "between": past[i].new, "dwell_seconds": v.at.Sub(past[i].at).Seconds()}, 1)
				past = nil
			}
			if past = append(past, now); len(past) > maxWrites {
				past = past[1:]
			}
			x.state[c.field] = past
		}
	})
}

func (d *revert) finish() {}

// plain is a value as text, by which values are compared. What stands in JSON as it
// is needs no encoder.
func plain(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case string:
		as := func(c byte) bool {
			return c >= ' ' && c <= '~' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
		}
		i := 0
		for i < len(value) && as(value[i]) {
			i++
		}
		if i == len(value) {
			return `"` + value + `"`
		}
	}
	text, err := json.Marshal(value)
	if err != nil { // it was decoded from JSON
		return ""
	}
	return string(text)
}

// limitOf says whether a field is a limit of an alarm, and which: +1 the upper,
// -1 the lower, 0 none. There are few fields and many changes.
func (k *kinds) limitOf(field string) int {
	limit, known := k.limits[field]
	if !known {
		limit = limitOf(field)
		if len(k.limits) < maxKinds {
			k.limits[field] = limit
		}
	}
	return limit
}

func limitOf(field string) int {
	words := map[string]bool{}
	split(field, words)
	has := func(list ...string) bool { return slices.ContainsFunc(list, func(w string) bool { return words[w] }) }
	switch {
	case !has("alarm", "limit", "threshold"):
		return 0
	case has("high", "hi", "hihi", "upper", "max", "maximum"):
		return 1
	case has("low", "lo", "lolo", "lower", "min", "minimum"):
		return -1
	}
	return 0
}

func number(value any) (float64, bool) {
	s := ""
	switch value := value.(type) {
	case json.Number:
		s = value.String()
	case string:
		s = strings.TrimSpace(value)
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// creep finds limits that are widened in steps of which each looks small: a
// cumulative sum of the logarithms of the band's growth, less Slack for each
// step, above the logarithm of Threshold (1.1: by a tenth). A band is known
// once both of its limits were written, or named in the change of one.
type creep struct {
	*running
	groups *groups[band]
}

type band struct {
	high, low       float64
	hasHigh, hasLow bool
	sum, start      float64 // the cumulative sum; the width when it began
	steps           *episode
}

func newCreep(r *running) detector { return &creep{running: r, groups: newGroups[band](r, 0, nil)} }

func (d *creep) add(v *view, _ []bool) {
	d.groups.each(v, d.by[0], true, func(x *group[band]) {
		b := &x.state
		changes := v.changes()
		set := func(c change, value any) {
			if f, ok := number(value); ok {
				switch v.kinds.limitOf(c.field) {
				case 1:
					b.high, b.hasHigh = f, true
				case -1:
					b.low, b.hasLow = f, true
				}
			}
		}
		for _, c := range changes {
			set(c, c.old)
		}
		before := b.high - b.low
		for _, c := range changes {
			set(c, c.new)
		}
		after := b.high - b.low
		if !b.hasHigh || !b.hasLow || before <= 0 || after <= 0 || before == after {
			return
		}
		if b.sum = max(0, b.sum+math.Log(after/before)-d.Slack); b.sum == 0 {
			b.steps = nil
			return
		}
		if b.steps == nil {
			b.steps, b.start = newEpisode(), before
		}
		b.steps.add(refer(v))
		// A single wide step is what widen is about.
		if b.sum > math.Log(d.Threshold) && b.steps.total >= d.Steps[0].Count {
			d.emit(b.steps, d.groups.named(x), map[string]any{"steps": b.steps.total, "width_before": b.start, "width_after": after}, b.sum/math.Log(d.Threshold))
			b.sum, b.steps = 0, nil
		}
	})
}

func (d *creep) finish() {}
