package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestPersevere: what fails is tried again, ever more slowly, and said when it
// changes.
func TestPersevere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &logLines{}
		attempts := 0
		persevere(t.Context(), slog.New(slog.NewJSONHandler(log, nil)), func() error {
			attempts++
			switch {
			case attempts < 4:
				return errors.New("no namespace")
			case attempts < 6:
				return errors.New("no permission")
			}
			return nil
		})
		if attempts != 6 || strings.Count(log.String(), "\n") != 2 {
			t.Errorf("%d attempts:\n%s", attempts, log)
		}

		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		attempts = 0
		persevere(ctx, slog.New(slog.DiscardHandler), func() error {
			attempts++
			return errors.New("never")
		})
		if attempts < 200 || attempts > 300 {
			t.Errorf("%d attempts in an hour", attempts)
		}
	})
}
