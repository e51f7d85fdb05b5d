package api

import (
	"net/http"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// unattributed stands for entries that name no repository, or no type of actor.
const unattributed = "unattributed"

var statisticsParameters = []string{"from", "to"}

// statisticsBody is document A's answer; each of the three maps sums to the
// total.
type statisticsBody struct {
	Period       statisticsPeriod `json:"period"`
	Total        int64            `json:"total_events"`
	ByType       map[string]int64 `json:"events_by_type"`
	ByRepository map[string]int64 `json:"events_by_repository"`
	ByActorType  map[string]int64 `json:"events_by_actor_type"`
	TopActors    []actorCount     `json:"top_actors"`
}

// statisticsPeriod has both ends inside.
type statisticsPeriod struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type actorCount struct {
	Actor      string `json:"actor"`
	EventCount int64  `json:"event_count"`
}

// showStatistics answers GET /statistics.
func (s *server) showStatistics(r *http.Request) (reply, error) {
	q := callOf(r).query
	p := q.recent(s.Clock(), DefaultStatisticsPeriod)
	if q.err != nil {
		return reply{}, q.err
	}
	found, err := s.Log.Statistics(r.Context(), principal(r).Ledger, p, principal(r).Constraints)
	if err != nil {
		return reply{}, err
	}
	return reply{data: statisticsBody{
		Period: statisticsPeriod{audit.FormatTime(p.From), audit.FormatTime(q.lastInstant(p))},
		Total:  found.Total, ByType: found.ByType, ByRepository: attribute(found.ByRepository), ByActorType: attribute(found.ByActorType),
		TopActors: topActors(found.TopActors, principal(r).Can(audit.ReadSensitive)),
	}, metadata: coverage(r)}, nil
}

// recent reads from and to. What is missing of the two is now, and so long
// before the end.
func (q *query) recent(now time.Time, standard time.Duration) audit.Period {
	p := q.period("from", "to")
	if p.Until.IsZero() {
		p.Until = now.UTC().Truncate(time.Millisecond).Add(time.Millisecond) // the whole of the one that is shown
	}
	if p.From.IsZero() {
		p.From = p.Until.Add(-standard)
	}
	if !p.From.Before(p.Until) {
		q.fail("from", nil, "the period starts in the future, and no end is given")
	}
	return p
}

// lastInstant is the end of a period as it was named: a time as it was given,
// of which the whole second belongs to the period, or a date's last millisecond.
func (q *query) lastInstant(p audit.Period) time.Time {
	if t, err := time.Parse(time.RFC3339Nano, q.text("to")); err == nil {
		return t
	}
	return p.Until.Add(-time.Millisecond)
}

// attribute names what has no name.
func attribute(counts map[string]int64) map[string]int64 {
	if n := counts[""]; n > 0 {
		delete(counts, "")
		counts[unattributed] += n
	}
	return counts
}

// topActors masks e-mail addresses as entries do.
func topActors(counts []ledger.ActorCount, sensitive bool) []actorCount {
	out := make([]actorCount, len(counts))
	for i, c := range counts {
		out[i] = actorCount{c.Actor, c.Entries}
		if c.IsEmail && !sensitive {
			out[i].Actor = audit.Masked
		}
	}
	return out
}
