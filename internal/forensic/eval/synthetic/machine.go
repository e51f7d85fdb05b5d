package synthetic

import (
	"fmt"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// machines plans what service accounts do: the same every day, at nearly the
// same times.
func (s *site) machines() {
	r := stream(s.seed, "services")
	historian, backup, sync := s.services[0], s.services[1], s.services[2]
	for day := range s.days {
		for hour := 0; hour < 24; hour += 4 {
			s.plan(s.local(day, float64(hour)).Add(r.span(0, 90*time.Second)), hmi, nil, func(time.Time) body {
				return s.service(historian, "data_collected", "collect", body{"values": 20_000 + r.IntN(900)})
			})
		}
		s.plan(s.local(day, 2).Add(r.span(0, 4*time.Minute)), it, nil, func(time.Time) body {
			return s.service(backup, "backup_completed", "backup", body{"gigabytes": 40 + r.IntN(9)})
		})
		for hour := 5; hour < 22; hour += 3 {
			s.plan(s.local(day, float64(hour)).Add(r.span(0, time.Minute)), mes, nil, func(time.Time) body {
				return s.service(sync, "data_transferred", "transfer", body{"records": r.IntN(60)})
			})
		}
	}
}

func (s *site) service(p *person, category, operation string, details body) body {
	return body{
		"event_type": "system_event", "category": category, "severity": audit.SeverityLow, "description": p.id + ": " + operation,
		"actor":    body{"type": "system", "id": p.id, "name": p.id},
		"resource": body{"type": "archive", "id": fmt.Sprintf("archive_%02d", s.index)},
		"action":   body{"operation": operation}, "context": body{"source_ip": p.address, "user_agent": p.agent}, "details": details,
	}
}
