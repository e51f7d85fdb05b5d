package ledgertest

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// History is what clients saw: every acknowledged request with the time when
// it was first sent, the time when its answer came, and the numbers it got.
type History struct {
	mu   sync.Mutex
	acks []acknowledgement
}

type acknowledgement struct {
	client       string
	began, ended time.Time
	first, last  int64 // numbers
}

// Acknowledged records an answer. Both times must come from time.Now, whose
// monotonic clock does not step.
func (h *History) Acknowledged(client string, began, ended time.Time, seqs ...int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acks = append(h.acks, acknowledgement{client, began, ended, slices.Min(seqs), slices.Max(seqs)})
}

// Len is how many requests were acknowledged.
func (h *History) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.acks)
}

// Check demands that the order of numbers is the order of real time: a request
// that began after another was acknowledged has a larger number, whoever sent
// the two. So a client's own numbers increase, too. (This is linearizability
// of a log that only grows.)
func (h *History) Check(t testing.TB) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	began := slices.SortedFunc(slices.Values(h.acks), func(a, b acknowledgement) int { return a.began.Compare(b.began) })
	ended := slices.SortedFunc(slices.Values(h.acks), func(a, b acknowledgement) int { return a.ended.Compare(b.ended) })
	largest := acknowledgement{last: -1} // of those that had ended when the next one began
	for _, a := range began {
		for ; len(ended) > 0 && ended[0].ended.Before(a.began); ended = ended[1:] {
			if ended[0].last > largest.last {
				largest = ended[0]
			}
		}
		if a.first <= largest.last {
			t.Errorf("entry %d of %s was asked for %s after entry %d of %s was acknowledged",
				a.first, a.client, a.began.Sub(largest.ended), largest.last, largest.client)
		}
	}
}
