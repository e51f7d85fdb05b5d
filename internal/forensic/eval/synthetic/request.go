package synthetic

import (
	"fmt"

	"github.com/sealbook/sealbook/audit"
)

// request is a change of a tag's alarm limits that somebody asked for.
type request struct {
	reference string
	by        *person
	tag       *tag
	low, high float64
	approved  bool
	told      bool // part of a story, whose people alone deal with it
}

// requestChange asks for limits that are somewhat narrower or wider.
func (s *site) requestChange(r random, in *session) body {
	t := s.preferred(r, in.who)
	width := t.alarmHigh - t.alarmLow
	q := &request{by: in.who, tag: t, low: t.alarmLow, high: round(t.alarmHigh+width*r.NormFloat64()*0.05, 2)}
	if r.chance(0.3) {
		q.low = round(t.alarmLow+width*r.NormFloat64()*0.05, 2)
	}
	if q.high-q.low < t.designW/2 || q.high-q.low > t.designW*1.6 {
		q.low, q.high = t.designLow, round(t.designLow+t.designW, 2) // back to the design
	}
	return s.ask(in, q)
}

func (s *site) ask(in *session, q *request) body {
	q.reference = s.ticket("CR")
	s.requests = append(s.requests, q)
	b := s.entry(in, "system_event", "change_requested", audit.SeverityLow, fmt.Sprintf("%s asked for %s", in.who.id, q.reference))
	b["resource"] = body{"type": "change", "id": q.reference}
	b["details"] = body{"change_id": q.reference, "requested_by": in.who.id, "tag": q.tag.id}
	return b.because(q.reference, "process optimisation")
}

// approve lets the oldest request of somebody else pass. Without one, records
// are looked at instead.
func (s *site) approve(r random, in *session) body {
	for _, q := range s.requests {
		if !q.approved && !q.told && q.by != in.who {
			return s.pass(in, q)
		}
	}
	return s.openRecord(r, in)
}

func (s *site) pass(in *session, q *request) body {
	q.approved = true
	b := s.entry(in, "system_event", "change_approved", audit.SeverityLow, fmt.Sprintf("%s approved %s", in.who.id, q.reference))
	b["resource"] = body{"type": "change", "id": q.reference}
	b["details"] = body{"change_id": q.reference, "requested_by": q.by.id, "approved_by": in.who.id}
	return b.because(q.reference, "").signed(s.signature(), "approval")
}

// implement does one's own oldest change that is approved. Without one, a value
// is looked at.
func (s *site) implement(r random, in *session) body {
	for i, q := range s.requests {
		if q.approved && !q.told && q.by == in.who {
			s.requests = append(s.requests[:i:i], s.requests[i+1:]...)
			if b := s.carryOut(in, q); b != nil {
				return b
			}
			break
		}
	}
	return s.viewTrend(r, in)
}

func (s *site) carryOut(in *session, q *request) body {
	b := s.limits(in, q.tag, q.low, q.high)
	if b == nil {
		return nil
	}
	b["details"] = body{"change_id": q.reference}
	return b.because(q.reference, "process optimisation").signed(s.signature(), "authorship")
}
