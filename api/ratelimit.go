package api

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// buckets holds a token bucket for each API key that was used of late: it
// fills with rate tokens a second up to burst, and a request takes one. Each
// process counts for itself.
type buckets struct {
	rate, burst float64

	mu sync.Mutex
	of map[string]bucket // by key id, or by person
}

type bucket struct {
	tokens float64
	at     time.Time
}

// maxBuckets bounds the memory, in keys. Beyond it, all begin again.
const maxBuckets = 10_000

// take takes a token. left is what remains, full when the bucket is full
// again, and wait, unless it is 0, when there will be a token.
func (b *buckets) take(key string, now time.Time) (left int, full, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	held, known := b.of[key]
	if !known {
		if b.of == nil || len(b.of) >= maxBuckets {
			b.of = map[string]bucket{}
		}
		held = bucket{b.burst, now}
	}
	if passed := now.Sub(held.at); passed > 0 { // a clock that steps back takes nothing away
		held.tokens = math.Min(b.burst, held.tokens+passed.Seconds()*b.rate)
	}
	held.at = now
	if held.tokens < 1 {
		wait = b.duration(1 - held.tokens)
	} else {
		held.tokens--
	}
	b.of[key] = held
	return int(held.tokens), b.duration(b.burst - held.tokens), wait
}

// duration is how long some tokens take to come.
func (b *buckets) duration(tokens float64) time.Duration {
	return time.Duration(tokens / b.rate * float64(time.Second))
}

// limitRate counts a request of a known key and says in the answer's header
// how it stands (draft-ietf-httpapi-ratelimit-headers). Returns RateLimited.
func (s *server) limitRate(c *call) error {
	if s.buckets == nil {
		return nil
	}
	who := c.principal.KeyID
	if c.principal.Person() {
		who = "user " + string(c.principal.Organisation) + " " + c.principal.Subject
	}
	left, full, wait := s.buckets.take(who, s.Clock())
	c.header = http.Header{
		"Ratelimit-Policy": {fmt.Sprintf(`"key";q=%d;w=%d`, s.RateBurst, seconds(s.buckets.duration(s.buckets.burst)))},
		"Ratelimit":        {fmt.Sprintf(`"key";r=%d;t=%d`, left, seconds(full))},
	}
	if wait == 0 {
		return nil
	}
	return &audit.Error{Code: audit.RateLimited, RetryAfter: wait,
		Message: "this key has sent too many requests; it may send " + strconv.FormatInt(s.RateLimit, 10) + " a second"}
}

// seconds rounds up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
