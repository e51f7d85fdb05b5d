package api

import (
	"net/http"

	"github.com/sealbook/sealbook/audit"
)

// jobParameters are those of every list of jobs.
var jobParameters = []string{"page", "limit"}

// jobPage reads which page of a list of jobs is asked for.
func jobPage(r *http.Request) (p numbered, err error) {
	q := callOf(r).query
	p = numbered{q.number("page", 1, 1, 1<<31), q.number("limit", audit.DefaultPageLimit, 1, audit.MaxPageLimit)}
	if q.err != nil {
		return p, q.err
	}
	if p.offset() > audit.MaxOffset {
		return p, audit.Errorf(audit.PaginationTooDeep, "a list can be entered at most %d jobs deep", audit.MaxOffset)
	}
	return p, nil
}

type numbered struct{ number, limit int }

func (p numbered) offset() int { return (p.number - 1) * p.limit }

func (p numbered) of(total int64) numberedPage {
	return numberedPage{Page: &p.number, Limit: p.limit, Total: &total}
}

// wake tells the relay that an order waits.
func (s *server) wake() {
	if s.Workflows != nil {
		s.Workflows.Wake()
	}
}
