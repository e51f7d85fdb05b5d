package api

import (
	"context"
	"sync"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// retentionPolicies remembers organisations' policies for a short life, because
// every entry that is shown says how long it is kept.
type retentionPolicies struct {
	store *store.Store
	clock audit.Clock
	life  time.Duration

	mu    sync.Mutex
	known map[int32]knownRetention // by ledger
}

type knownRetention struct {
	history audit.RetentionHistory
	until   time.Time
}

func newRetentionPolicies(s *store.Store, clock audit.Clock, life time.Duration) *retentionPolicies {
	return &retentionPolicies{store: s, clock: clock, life: life, known: map[int32]knownRetention{}}
}

func (p *retentionPolicies) of(ctx context.Context, ledger int32) (audit.RetentionHistory, error) {
	p.mu.Lock()
	found, ok := p.known[ledger]
	p.mu.Unlock()
	if ok && p.clock().Before(found.until) {
		return found.history, nil
	}
	return p.newest(ctx, ledger)
}

// newest reads the policies, whatever is remembered.
func (p *retentionPolicies) newest(ctx context.Context, ledger int32) (audit.RetentionHistory, error) {
	until := p.clock().Add(p.life)
	history, err := p.store.Retention(ctx, ledger)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= maxKnownLedgers {
		clear(p.known)
	}
	p.known[ledger] = knownRetention{history, until}
	return history, nil
}

func (p *retentionPolicies) forget(ledger int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, ledger)
}

// storageMeter measures what organisations hold. That reads every row of
// theirs, so a measurement is kept for a while, and there is one at a time.
type storageMeter struct {
	log   *ledger.Log
	store *store.Store
	clock audit.Clock
	life  time.Duration
	limit time.Duration

	measuring chan struct{} // holds a token while a measurement runs

	mu    sync.Mutex
	known map[int32]measured // by ledger
}

type measured struct {
	bytes int64
	at    time.Time
	known bool
}

func newStorageMeter(c Config) *storageMeter {
	return &storageMeter{
		log: c.Log, store: c.Store, clock: c.Clock, life: c.MeasureLife, limit: c.MeasureTimeout,
		measuring: make(chan struct{}, 1), known: map[int32]measured{},
	}
}

// of returns a measurement that is young enough, else a new one, else, when
// that takes too long, the last one that there was; known says whether any.
func (m *storageMeter) of(ctx context.Context, ledger int32) (measured, error) {
	if last := m.last(ledger); m.young(last) {
		return last, nil
	}
	wait := time.NewTimer(m.limit)
	defer wait.Stop()
	select {
	case m.measuring <- struct{}{}:
		defer func() { <-m.measuring }()
	case <-wait.C:
		return m.last(ledger), nil
	case <-ctx.Done():
		return measured{}, ctx.Err()
	}
	if last := m.last(ledger); m.young(last) { // somebody measured meanwhile
		return last, nil
	}
	now := measured{at: m.clock(), known: true}
	rows, err := m.log.Bytes(ctx, ledger, m.limit)
	if audit.CodeOf(err) == audit.Unavailable {
		return m.last(ledger), nil
	}
	if err != nil {
		return measured{}, err
	}
	artifacts, err := m.store.ArtifactBytes(ctx, ledger)
	if err != nil {
		return measured{}, err
	}
	now.bytes = rows + artifacts
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) >= maxKnownLedgers {
		clear(m.known)
	}
	m.known[ledger] = now
	return now, nil
}

func (m *storageMeter) young(last measured) bool {
	return last.known && m.clock().Sub(last.at) < m.life
}

func (m *storageMeter) last(ledger int32) measured {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[ledger]
}
