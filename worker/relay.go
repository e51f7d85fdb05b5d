package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/workflows"
)

// How the relay works: it looks for orders when it is woken and every
// RelayEvery, and holds an order for RelayLease; if it dies with it, the order
// is due again after that.
const (
	RelayEvery = time.Second
	RelayLease = 15 * time.Second
	relayBatch = 20
)

// Relay tells Temporal what the outbox holds. Any number of relays may run:
// an order is leased to one at a time, and telling Temporal twice is harmless.
// It never talks to Temporal inside a database transaction.
type Relay struct {
	store  *store.Store
	client *workflows.Client
	logger *slog.Logger
	clock  audit.Clock
	wake   chan struct{}
}

// NewRelay makes a relay; nothing runs before Run.
func NewRelay(s *store.Store, c *workflows.Client, logger *slog.Logger, clock audit.Clock) *Relay {
	return &Relay{store: s, client: c, logger: logger, clock: clock, wake: make(chan struct{}, 1)}
}

// Wake makes the relay look at once. It never blocks.
func (r *Relay) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run relays until ctx ends.
func (r *Relay) Run(ctx context.Context) {
	reachable := true // so that the first failure is said, and then only changes
	for {
		n, err := r.once(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && reachable:
			reachable = false
			r.logger.Warn("orders wait in the outbox", "error", err)
		case err == nil && n > 0 && !reachable:
			reachable = true
			r.logger.Info("orders are relayed again")
		}
		if err == nil && n > 0 {
			continue // there may be more
		}
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		case <-time.After(RelayEvery):
		}
	}
}

// once relays what is due and returns how many orders Temporal took.
func (r *Relay) once(ctx context.Context) (done int, err error) {
	orders, err := r.store.TakeOrders(ctx, r.clock(), RelayLease, relayBatch)
	if err != nil {
		return 0, err
	}
	for i, o := range orders {
		tell, cancel := context.WithTimeout(ctx, RelayLease/3)
		switch o.Kind {
		case "start":
			err = r.client.Start(tell, o.Workflow, o.WorkflowID, o.Input)
		case "cancel":
			err = r.client.Cancel(tell, o.WorkflowID)
		case "signal":
			err = r.client.Signal(tell, o.WorkflowID, o.Workflow)
		}
		cancel()
		if err != nil {
			// Temporal is away: give the rest of the lease back.
			for _, left := range orders[i:] {
				if retryErr := r.store.RetryOrder(ctx, left.ID, r.clock().Add(RelayEvery)); retryErr != nil {
					return done, retryErr
				}
			}
			return done, err
		}
		// If the process dies here the order is told again, to no effect.
		if err := r.store.OrderDone(ctx, o.ID); err != nil {
			return done, err
		}
		done++
	}
	return done, nil
}
