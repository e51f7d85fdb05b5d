package api

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// MaxCountedClients bounds the addresses, and the names of clients, that a sum
// lists.
const MaxCountedClients = 20

// countedBy is whose reads are summed up.
type countedBy struct {
	ledger int32
	person bool
	id     string // of the key, or the person's subject
}

type countedRead struct {
	route  string
	status int
}

// readCount is what one credential read since first.
type readCount struct {
	actor       audit.Object
	first, last time.Time
	reads       map[countedRead]int64
	addresses   clients
	agents      clients
}

// clients are different texts, the first of them; more says that there were
// others.
type clients struct {
	list []string
	more bool
}

func (c *clients) add(s string) {
	switch {
	case slices.Contains(c.list, s):
	case len(c.list) < MaxCountedClients:
		c.list = append(c.list, s)
	default:
		c.more = true
	}
}

// count adds a read to its reader's sum.
func (l *readLog) count(r *http.Request, route string, status int) error {
	p := principal(r)
	by := countedBy{p.Ledger, p.Person(), cmp.Or(p.KeyID, p.Subject)}
	now := l.clock()
	l.mu.Lock()
	c := l.counts[by]
	alone := c == nil && len(l.counts) >= l.mostReaders
	if c == nil {
		c = &readCount{first: now, reads: map[countedRead]int64{}}
		if !alone {
			l.counts[by] = c
		}
	}
	c.actor, c.last = p.Actor(), now // of a person, the name may have changed
	c.reads[countedRead{route, status}]++
	c.addresses.add(remoteIP(r))
	c.agents.add(userAgent(r))
	closed := l.closed
	l.mu.Unlock()
	if alone || closed { // closed: nobody sums up any more, and take says so
		return l.take(r.Context(), p.Ledger, c.event())
	}
	return nil
}

// sumUp queues, under mu, the sums whose time has come, or all.
func (l *readLog) sumUp(all bool) {
	now := l.clock()
	for by, c := range l.counts {
		if all || now.Sub(c.first) >= CountedReadsEvery {
			l.put(by.ledger, c.event())
			delete(l.counts, by)
		}
	}
}

// event is the entry about what was counted. From where it was read stands
// where it can be erased.
func (c *readCount) event() audit.Event {
	keys := slices.SortedFunc(maps.Keys(c.reads), func(a, b countedRead) int {
		return cmp.Or(cmp.Compare(a.route, b.route), cmp.Compare(a.status, b.status))
	})
	var total int64
	reads := make([]any, len(keys))
	for i, k := range keys {
		total += c.reads[k]
		reads[i] = map[string]any{"route": k.route, "status": k.status, "count": c.reads[k]}
	}
	e := audit.Event{
		Type: typeReadsCounted, Class: audit.ClassSystem, Severity: audit.SeverityLow, Timestamp: &c.last, Actor: c.actor,
		Resource: audit.Object{"type": "audit_log"},
		Details: audit.Object{
			"from": audit.FormatTime(c.first), "to": audit.FormatTime(c.last), "total": total, "reads": reads,
			"clients_complete": !c.addresses.more && !c.agents.more,
		},
		Metadata: audit.Object{"addresses": c.addresses.list, "user_agents": c.agents.list},
		Context:  audit.Object{},
	}
	if len(c.addresses.list) == 1 {
		e.Context["source_ip"] = c.addresses.list[0]
	}
	if len(c.agents.list) == 1 {
		e.Context["user_agent"] = c.agents.list[0]
	}
	return e
}
