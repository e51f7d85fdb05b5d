package evidence

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// maxSilences is how many of the longest silences a package names.
const maxSilences = 5

// Tally counts every entry of a range once, by category and by what the
// request's filter says of it. Its counts add up to the range.
type Tally struct {
	Total     int64                               `json:"total"`
	Counts    map[audit.Category]map[Reason]int64 `json:"counts"` // "" is no category
	FirstTime *time.Time                          `json:"first_recorded_at"`
	LastTime  *time.Time                          `json:"last_recorded_at"`
	Silences  []Silence                           `json:"silences"` // longest first
}

// Silence is a time in which nothing was recorded between two entries.
type Silence struct {
	After   int64     `json:"after_seq"` // the last entry before it
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	Seconds int64     `json:"seconds"` // whole ones
}

func (t *Tally) add(rec *ledger.Record, o outcome) {
	t.Total++
	if t.Counts == nil {
		t.Counts = map[audit.Category]map[Reason]int64{}
	}
	if t.Counts[o.category] == nil {
		t.Counts[o.category] = map[Reason]int64{}
	}
	t.Counts[o.category][o.reason]++
	at := rec.RecordedAt.UTC()
	if t.FirstTime == nil {
		t.FirstTime = &at
	} else {
		t.silence(Silence{rec.Seq - 1, *t.LastTime, at, int64(at.Sub(*t.LastTime) / time.Second)})
	}
	t.LastTime = &at
}

func (t *Tally) silence(s Silence) {
	last := len(t.Silences) - 1
	if s.Seconds < 1 || last+1 == maxSilences && s.Seconds <= t.Silences[last].Seconds {
		return
	}
	// A new slice, so that a clone does not change.
	t.Silences = append(slices.Clone(t.Silences), s)
	slices.SortStableFunc(t.Silences, func(a, b Silence) int { return cmp.Compare(b.Seconds, a.Seconds) })
	t.Silences = t.Silences[:min(len(t.Silences), maxSilences)]
}

func (t *Tally) clone() *Tally {
	c := *t
	c.Counts = map[audit.Category]map[Reason]int64{}
	for category, counts := range t.Counts {
		c.Counts[category] = maps.Clone(counts)
	}
	return &c
}

// of returns the entries of a category, or those in it with one reason.
func (t *Tally) of(c audit.Category, reasons ...Reason) (n int64) {
	for r, count := range t.Counts[c] {
		if len(reasons) == 0 || slices.Contains(reasons, r) {
			n += count
		}
	}
	return n
}

// reason returns the entries with a reason, over all categories.
func (t *Tally) reason(r Reason) (n int64) {
	for c := range t.Counts {
		n += t.of(c, r)
	}
	return n
}
