package control

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// MaxSubjects bounds what a check remembers: entries of kinds that pair them, or
// values of Unique. A check that would need more is not assessed.
const MaxSubjects = 500_000

// defaultLookback is how long before a target what it needs may lie, when the
// check says nothing.
var defaultLookback = Span{Years: 1}

func (r *Result) tooMany() Result {
	r.Verdict, r.Reason = NotAssessed, fmt.Sprintf("the period has more than %d subjects; a shorter one can be assessed", MaxSubjects)
	return *r
}

// mark is what is kept of an entry.
type mark struct {
	at  time.Time
	seq int64
	id  string
	who string // of Differ
}

// pairs keeps two sorts of entries by key. What belongs together is matched at
// the end, by the time of the events: systems report late, and in any order.
type pairs struct {
	counting
	first, second map[string][]mark // what asks, and what answers
	size          int
}

func (t *pairs) keep(in map[string][]mark, e *audit.Entry, v view) {
	if t.size++; t.size > MaxSubjects {
		return
	}
	key := t.text(&t.check.Key, v)
	in[key] = append(in[key], mark{e.Time(), e.Seq, e.EntryID(), t.text(&t.check.Differ, v)})
}

// asking returns what asks, by time, with its key.
func (t *pairs) asking(yield func(key string, m mark)) {
	type keyed struct {
		key string
		mark
	}
	var all []keyed
	for key, list := range t.first {
		for _, m := range list {
			all = append(all, keyed{key, m})
		}
	}
	slices.SortFunc(all, func(a, b keyed) int { return cmp.Compare(a.seq, b.seq) })
	for _, list := range t.second {
		slices.SortFunc(list, func(a, b mark) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.seq, b.seq)) })
	}
	for _, k := range all {
		yield(k.key, k.mark)
	}
}

func (t *pairs) fail(key string, m mark, why string) {
	t.out.fail(Exception{EntryID: m.id, Seq: &m.seq, Time: m.at, Subject: key, Why: why})
}

// sla is the tracker of SLA.
type sla struct{ pairs }

func (t *sla) observe(e *audit.Entry, v view) {
	if t.period.Contains(e.Time()) && t.holds(&t.check.Trigger, v) {
		t.keep(t.first, e, v)
	}
	if !e.Time().Before(t.period.From) && t.holds(&t.check.Then, v) {
		t.keep(t.second, e, v)
	}
}

func (t *sla) result(facts *Facts) Result {
	if t.size > MaxSubjects {
		return t.out.tooMany()
	}
	t.asking(func(key string, m mark) {
		answers := t.second[key]
		i, _ := slices.BinarySearchFunc(answers, m.at, func(a mark, at time.Time) int { return a.at.Compare(at) })
		due := t.check.Within.After(m.at)
		switch {
		case i < len(answers) && !answers[i].at.After(due):
			t.out.Population++
			t.out.Passed++
		case i == len(answers) && due.After(facts.AsOf):
			t.out.Pending++
		case i == len(answers):
			t.out.Population++
			t.fail(key, m, "nothing followed it in time, or since")
		default:
			t.out.Population++
			t.fail(key, m, "what followed it was late")
		}
	})
	if t.out.Population > 0 && len(t.second) == 0 {
		return t.out.silent()
	}
	t.out.judge(t.check)
	return t.out
}

// silent is the verdict where nothing of what a check waits for was ever
// reported: whoever would report it may not be connected at all.
func (r *Result) silent() Result {
	r.Verdict, r.Reason = NotAssessed, "nobody reports what the check waits for"
	return *r
}

// sequence is the tracker of Sequence.
type sequence struct{ pairs }

func (t *sequence) lookback() Span {
	if t.check.Within != nil {
		return *t.check.Within
	}
	return defaultLookback
}

func (t *sequence) observe(e *audit.Entry, v view) {
	if t.period.Contains(e.Time()) && t.holds(&t.check.Target, v) {
		t.keep(t.first, e, v)
	}
	if t.holds(&t.check.Needs, v) {
		t.keep(t.second, e, v)
	}
}

func (t *sequence) result(*Facts) Result {
	if t.size > MaxSubjects {
		return t.out.tooMany()
	}
	t.asking(func(key string, m mark) {
		t.out.Population++
		earliest, same := t.lookback().Before(m.at), false
		for _, need := range t.second[key] {
			if need.at.After(m.at) {
				break
			}
			if need.at.Before(earliest) || need.seq == m.seq {
				continue
			}
			if t.check.Differ.given() && need.who == m.who {
				same = true
				continue
			}
			t.out.Passed++
			return
		}
		if same {
			t.fail(key, m, "what preceded it is of the same one")
			return
		}
		t.fail(key, m, "nothing that it needs preceded it")
	})
	if t.out.Population > 0 && len(t.second) == 0 {
		return t.out.silent()
	}
	t.out.judge(t.check)
	return t.out
}
