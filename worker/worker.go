// Package worker runs Sealbook's workflows and activities as a Temporal
// worker, and relays the outbox to Temporal. It guards two seams: an error
// becomes a retry or a failure in one place, and no order that was committed
// is forgotten. The worker command and the end-to-end tests wire it.
package worker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	sdk "go.temporal.io/sdk/worker"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/workflows"
)

// Limits of one worker process.
const (
	// StopTimeout is how long running activities get to reach a point from
	// which the next attempt can resume.
	StopTimeout = 20 * time.Second
	// MaxCollectors bounds the evidence activities that run at once: each
	// streams a ledger or a package.
	MaxCollectors = 4
)

// Worker polls Sealbook's task queues.
type Worker struct {
	// AnchorEvery is how often checkpoints are anchored when there are places
	// to anchor them at; 0 is workflows.AnchorEvery.
	AnchorEvery time.Duration

	// RetainEvery is how often retention is enforced; 0 is never.
	RetainEvery time.Duration

	temporal client.Client
	anchors  bool // there is a place to anchor at
	checks   bool // the archive's files are read again
	polls    []sdk.Worker
	logger   *slog.Logger
}

// New registers everything. Nothing runs before Run.
func New(c client.Client, a *activities.Activities, logger *slog.Logger) *Worker {
	options := sdk.Options{
		Interceptors:                []interceptor.WorkerInterceptor{&errorInterceptor{}},
		WorkerStopTimeout:           StopTimeout,
		DisableRegistrationAliasing: true,
	}
	core := sdk.New(c, workflows.CoreQueue, options)
	workflows.Register(core)
	core.RegisterActivityWithOptions(a, activity.RegisterOptions{})

	options.DisableWorkflowWorker = true
	options.MaxConcurrentActivityExecutionSize = MaxCollectors
	evidence := sdk.New(c, workflows.EvidenceQueue, options)
	evidence.RegisterActivityWithOptions(a, activity.RegisterOptions{})
	return &Worker{temporal: c, anchors: len(a.Anchors) > 0, checks: a.CheckArchiveIn > 0, polls: []sdk.Worker{core, evidence}, logger: logger}
}

// Run waits until Temporal answers, works until ctx ends, and then lets
// running activities stop in order.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.await(ctx); err != nil {
		return nil //nolint:nilerr // stopped before there was anything to do
	}
	anchorEvery := time.Duration(0)
	if w.anchors {
		anchorEvery = cmp.Or(w.AnchorEvery, workflows.AnchorEvery)
	}
	checkEvery := time.Duration(0)
	if w.checks {
		checkEvery = activities.CheckArchiveEvery
	}
	if err := workflows.NewClient(w.temporal).EnsureSchedules(ctx, anchorEvery, w.RetainEvery, checkEvery); err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // stopped before there was anything to do
		}
		return err
	}
	for i, p := range w.polls {
		if err := p.Start(); err != nil {
			for _, started := range w.polls[:i] {
				started.Stop()
			}
			return fmt.Errorf("start worker: %w", err)
		}
	}
	w.logger.Info("worker polls", "queues", []string{workflows.CoreQueue, workflows.EvidenceQueue})
	<-ctx.Done()
	for _, p := range w.polls {
		p.Stop()
	}
	return nil
}

// await tries with growing pauses until Temporal and its namespace answer, and
// says so once.
func (w *Worker) await(ctx context.Context) error {
	c := workflows.NewClient(w.temporal)
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := c.Ready(attempt)
		cancel()
		if err == nil {
			return nil
		}
		if pause == 200*time.Millisecond {
			w.logger.Warn("waiting for Temporal", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}
