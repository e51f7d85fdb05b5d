package synthetic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// emitter is a system that reports. Its clock is not ours: it has an offset,
// drifts, and may be set.
type emitter struct {
	name    string
	offset  time.Duration
	drift   float64       // in parts per million, since midnight
	batch   time.Duration // reports are collected for so long; 0 for at once
	tail    float64       // of the log-normal latency, in standard deviations
	retries float64       // the part of entries that is sent again under the same id
	repeats float64       // and under another one, because the emitter forgot that it had
	steps   []step
	quiet   []window // nothing is recorded
	down    []window // what is recorded comes late
	sent    int
}

type step struct {
	at time.Time
	by time.Duration
}

type window struct{ from, to time.Time }

func (w window) holds(t time.Time) bool { return !t.Before(w.from) && t.Before(w.to) }

// The emitters of a site: sign-in, control system, laboratory and quality, IT.
const (
	idp = "idp"
	hmi = "hmi"
	mes = "mes"
	it  = "it"
)

func (s *site) equip() {
	r := stream(s.seed, "emitters")
	for _, name := range []string{idp, hmi, mes, it} {
		s.emitters[name] = &emitter{
			name: fmt.Sprintf("%s-%02d", name, s.index), offset: time.Duration(r.NormFloat64() * float64(1500*time.Millisecond)).Truncate(time.Millisecond),
			drift: r.uniform(1, 50), tail: r.uniform(0.4, 1.3), retries: r.uniform(0, 0.006), repeats: 0,
		}
	}
	for n, name := range []string{"historian", "backup", "sync"} {
		p := &person{id: fmt.Sprintf("svc-%s-%02d", name, s.index), address: fmt.Sprintf("10.%d.1.%d", 20+s.index, 5+n), agent: name + "/3.2"}
		s.services = append(s.services, p)
	}
	s.emitters[hmi].batch, s.emitters[mes].batch = 10*time.Second, r.span(20*time.Second, 90*time.Second)
	s.emitters[mes].repeats = 0.001
	for _, name := range []string{idp, hmi, mes, it} {
		for day := range s.days {
			at := s.start.AddDate(0, 0, day).Add(r.span(time.Hour, 2*time.Hour))
			s.plan(at, name, nil, func(time.Time) body { return s.machineEntry(name, "source_heartbeat", "The source is up", nil) })
			s.plan(at.Add(r.span(0, time.Hour)), name, nil, func(at time.Time) body {
				// The clock follows: what it drifted in a day is taken back.
				return s.machineEntry(name, "clock_sync", "The clock was set right", body{"offset_ms": s.emitters[name].error(at).Milliseconds(), "source": "ntp"})
			})
		}
	}
}

func (e *emitter) silent(at time.Time) bool {
	return slices.ContainsFunc(e.quiet, func(w window) bool { return w.holds(at) })
}

// error is how far the clock is from ours. It drifts from midnight on.
func (e *emitter) error(at time.Time) time.Duration {
	d := e.offset + time.Duration(at.Sub(at.Truncate(24*time.Hour)).Seconds()*e.drift*1000)
	for _, s := range e.steps {
		if !at.Before(s.at) {
			d += s.by
		}
	}
	return d
}

// arrival is when a report of at reaches the ledger.
func (e *emitter) arrival(r random, at time.Time) time.Time {
	for _, w := range e.down {
		if w.holds(at) {
			at = w.to
		}
	}
	at = at.Add(time.Duration(math.Exp(r.NormFloat64()*e.tail) * float64(400*time.Millisecond)))
	if e.batch > 0 {
		at = at.Truncate(e.batch).Add(e.batch)
	}
	return at
}

// event is something that was done and reported.
type event struct {
	at      time.Time
	body    body
	emitter *emitter
	claimed time.Time // its own time, by the emitter's clock
	ids     []string  // external ids of the entries that it became; two if it was repeated
}

// delivery is an event on its way to the ledger.
type delivery struct {
	at   time.Time
	line []byte
}

// deliver gives each event its id and its own time, and returns what arrives,
// unsorted. Times that bodies already have are claims of people and stay.
func (s *site) deliver() ([]delivery, error) {
	r := stream(s.seed, "delivery")
	out := make([]delivery, 0, len(s.events))
	for _, e := range s.events {
		e.emitter.sent++
		id := fmt.Sprintf("%s:%06d", e.emitter.name, e.emitter.sent)
		e.claimed = audit.Instant(e.at.Add(e.emitter.error(e.at)).Truncate(time.Millisecond))
		if t, ok := e.body["timestamp"].(time.Time); ok {
			e.claimed = audit.Instant(t.Truncate(time.Millisecond))
		}
		e.ids = []string{id}
		e.body["timestamp"], e.body["external_id"] = audit.FormatTime(e.claimed), id
		line, err := json.Marshal(e.body)
		if err != nil {
			return nil, err
		}
		e.body = nil
		at := e.emitter.arrival(r, e.at)
		out = append(out, delivery{at: at, line: line})
		if r.chance(e.emitter.retries) {
			out = append(out, delivery{at: at.Add(r.span(time.Second, 2*time.Minute)), line: line})
		}
		if r.chance(e.emitter.repeats) {
			e.emitter.sent++
			again := fmt.Sprintf("%s:%06d", e.emitter.name, e.emitter.sent)
			e.ids = append(e.ids, again)
			line = bytes.Replace(line, []byte(`"external_id":"`+id+`"`), []byte(`"external_id":"`+again+`"`), 1)
			out = append(out, delivery{at: at.Add(r.span(time.Second, 20*time.Second)), line: line})
		}
	}
	return out, nil
}
