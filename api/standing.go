package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// What an entry's status can be. An archived entry is in no list; its own address
// answers 410 or, for who may read the archive, shows it.
const (
	statusActive   = "active"
	statusArchived = "archived"
	statusOnHold   = "on_hold"
)

// standings remembers for a short life which legal holds organisations have and
// whether anything of theirs is archived, because every list asks.
type standings struct {
	log   *ledger.Log
	clock audit.Clock
	life  time.Duration

	mu    sync.Mutex
	known map[int32]standing // by ledger
}

type standing struct {
	holds    []ledger.Hold
	archived bool
	until    time.Time
}

func newStandings(c Config) *standings {
	return &standings{log: c.Log, clock: c.Clock, life: c.RetentionCacheLife, known: map[int32]standing{}}
}

func (s *standings) of(ctx context.Context, org int32) (standing, error) {
	s.mu.Lock()
	found, ok := s.known[org]
	s.mu.Unlock()
	if ok && s.clock().Before(found.until) {
		return found, nil
	}
	now := standing{until: s.clock().Add(s.life)}
	var err error
	if now.holds, err = s.log.Holds(ctx, org); err != nil {
		return now, err
	}
	list, err := s.log.ArchivedSegments(ctx, org, audit.Period{}, 1)
	if err != nil {
		return now, err
	}
	now.archived = len(list) > 0
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxKnownLedgers {
		clear(s.known)
	}
	s.known[org] = now
	return now, nil
}

func (s *standings) forget(org int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, org)
}

// holdsSeen are the holds that the caller may know of: nobody learns of one that is
// about themselves, nor does who may not read holds.
func (s *server) holdsSeen(r *http.Request) ([]ledger.Hold, error) {
	if !principal(r).Can(audit.ManageLegalHolds) {
		return nil, nil
	}
	now, err := s.standing.of(r.Context(), principal(r).Ledger)
	if err != nil || len(now.holds) == 0 {
		return nil, err
	}
	names, err := s.selves(r)
	if err != nil {
		return nil, err
	}
	var seen []ledger.Hold
	for _, h := range now.holds {
		if !(&audit.InvestigationScope{Users: h.Scope.Users}).Concerns(names...) {
			seen = append(seen, h)
		}
	}
	return seen, nil
}

// statusOf is active, or on_hold when one of holds keeps the entry.
func statusOf(e *audit.Entry, holds []ledger.Hold) string {
	for i := range holds {
		if holds[i].Keeps(e) {
			return statusOnHold
		}
	}
	return statusActive
}
