package main

import (
	"context"
	"flag"
	"log/slog"
	"slices"
	"time"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/seal"
	"github.com/sealbook/sealbook/internal/stream"
	"github.com/sealbook/sealbook/worker"
	"github.com/sealbook/sealbook/workflows"
)

func workerCommand() *command {
	return &command{
		name: "worker", summary: "run the durable workflows: exports, assessments, streams, anchoring",
		usage: []string{""},
		about: `Runs workflows and activities for Temporal, and tells Temporal what the API has
ordered. It waits for Temporal to be there. On SIGTERM or SIGINT it takes no
more tasks, lets running ones come to a point from which another worker goes on,
and exits. Any number may run, with the same settings.`,
		examples: `TEMPORAL_ADDRESS=temporal:7233 sealbook worker`,
		settings: slices.Concat(processSettings, []string{"SEALBOOK_PEPPER_FILE", "SEALBOOK_STREAM_ALLOW", "SEALBOOK_ASSESS_EVERY", "SEALBOOK_RETENTION_EVERY", "SEALBOOK_ARCHIVE_CHECK_DAYS", "SEALBOOK_BACKUP_DAYS", "SEALBOOK_PUBLIC_URL"}, anchorSettings, notarySettings, mailSettings),
		exits:    "0  stopped in order\n1  it could not start or go on\n2  wrong usage or settings",
		setup: func(*flag.FlagSet) action {
			return func(ctx context.Context, c *call, args []string) error {
				if len(args) > 0 {
					return usagef("worker takes no arguments; see sealbook worker --help")
				}
				return work(ctx, c)
			}
		},
	}
}

func work(ctx context.Context, c *call) error {
	places, err := anchors(c.config)
	if err != nil {
		return err
	}
	if err := c.config.require("SEALBOOK_DATABASE_URL", "SEALBOOK_SIGNER_KEY", "SEALBOOK_ARTIFACTS", "SEALBOOK_PEPPER_FILE"); err != nil {
		return err
	}
	pepper, err := readPepper(c.config.PepperFile)
	if err != nil {
		return err
	}
	sealer, err := seal.New(pepper)
	if err != nil {
		return err
	}
	seals, err := notary(c.config)
	if err != nil {
		return err
	}
	mails, err := mailer(c.config)
	if err != nil {
		return err
	}
	s, err := connect(ctx, c)
	if err != nil {
		return err
	}
	defer s.close()
	var kinds, names []string
	for _, at := range places {
		kinds, names = append(kinds, string(at.Place().Kind)), append(names, at.Place().Name)
	}
	if err := s.store.ConfigureAnchors(ctx, kinds, names); err != nil {
		return err
	}
	relay := worker.NewRelay(s.store, workflows.NewClient(s.temporal), s.logger, audit.SystemClock)
	stopRelay := relayed(ctx, relay)
	defer stopRelay()
	publisher := published(ctx, s.log)
	defer publisher.stop() //nolint:errcheck // the call below tells
	stopIndexer := running(ctx, s.log.RunIndexer)
	defer stopIndexer()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		<-publisher.ended // the database contradicts what was published
		stop()
	}()
	s.logger.Info("the worker starts", "version", release(), "anchors", names)
	persevere(ctx, s.logger, func() error {
		w := worker.New(s.temporal, &activities.Activities{
			Log: s.log, Store: s.store, Artifacts: s.artifacts, Key: s.key, Temporal: s.temporal, Anchors: places,
			Sender: &stream.Sender{Clock: audit.SystemClock, Allow: c.config.StreamAllow}, Sealer: sealer, Notary: seals, Mail: mails, PublicURL: c.config.PublicURL,
			Clock: audit.SystemClock, Software: "sealbook " + release(), AssessEvery: c.config.AssessEvery, BackupDays: c.config.BackupDays,
			CheckArchiveIn: time.Duration(c.config.ArchiveCheckDays) * 24 * time.Hour,
		}, s.logger)
		w.AnchorEvery, w.RetainEvery = c.config.AnchorEvery, c.config.RetainEvery
		return w.Run(ctx)
	})
	stopRelay()
	stopIndexer()
	err = publisher.stop()
	s.close()
	s.logger.Info("stopped")
	return err
}

// persevere runs until ctx ends. A Temporal that has just started may answer
// before it knows the namespace; another attempt, a little later, finds it.
// What is wrong is said when it changes.
func persevere(ctx context.Context, logger *slog.Logger, attempt func() error) {
	said := ""
	for pause := 500 * time.Millisecond; ; pause = min(2*pause, 15*time.Second) {
		err := attempt()
		if ctx.Err() != nil || err == nil {
			return
		}
		if said != err.Error() {
			said = err.Error()
			logger.Warn("the worker cannot start yet", "error", said)
		}
		if sleep(ctx, pause) != nil {
			return
		}
	}
}
