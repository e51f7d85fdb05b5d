package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"go.temporal.io/sdk/client"
	temporallog "go.temporal.io/sdk/log"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/artifact"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// ledgerSettings are those of every command that appends on the database.
var ledgerSettings = []string{"SEALBOOK_DATABASE_URL", "SEALBOOK_SIGNER_KEY", "SEALBOOK_SIGNER_STATE", "SEALBOOK_ORIGIN"}

// processSettings are those of serve and worker, beside what is their own.
var processSettings = append(ledgerSettings[:4:4], "SEALBOOK_ARTIFACTS", "SEALBOOK_LOG_LEVEL", temporalSettings)

// system is what serve and worker are wired from.
type system struct {
	log       *ledger.Log
	store     *store.Store
	artifacts *artifact.Store
	temporal  client.Client // lazy: it connects when it is first used
	key       *ledger.SigningKey
	logger    *slog.Logger
}

// connect builds everything from the settings. It reaches for the database,
// because nothing works without it, and not for Temporal, because the ledger
// does.
func connect(ctx context.Context, c *call) (_ *system, err error) {
	if err := c.config.require("SEALBOOK_DATABASE_URL", "SEALBOOK_SIGNER_KEY", "SEALBOOK_ARTIFACTS"); err != nil {
		return nil, err
	}
	options, err := c.config.temporal()
	if err != nil {
		return nil, err
	}
	s := &system{logger: newLogger(c.stderr, c.config.LogLevel)}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.key, err = readSigner(c.config.SignerKey); err != nil {
		return nil, err
	}
	if s.log, s.store, err = openDatabase(ctx, c.config, s.key, s.logger); err != nil {
		return nil, err
	}
	if s.artifacts, err = artifact.Open(ctx, c.config.Artifacts); err != nil {
		return nil, err
	}
	options.Logger = temporallog.NewStructuredLogger(s.logger.With("component", "temporal"))
	if s.temporal, err = client.NewLazyClient(options); err != nil {
		return nil, fmt.Errorf("make the Temporal client: %w", err)
	}
	return s, nil
}

// close ends what connect began, the ledger first: it commits what it has
// taken. Closing again does nothing.
func (s *system) close() {
	if s.log == nil {
		return
	}
	s.log.Close()
	s.log = nil
	if s.temporal != nil {
		s.temporal.Close()
	}
	if s.store != nil {
		s.store.Close()
	}
	if s.artifacts != nil {
		if err := s.artifacts.Close(); err != nil {
			s.logger.Warn("closing the artifact store", "error", err)
		}
	}
}

// openDatabase opens the ledger and the job store on one database.
func openDatabase(ctx context.Context, c Config, key *ledger.SigningKey, logger *slog.Logger) (*ledger.Log, *store.Store, error) {
	l, err := openLedger(ctx, c, key, logger)
	if err != nil {
		return nil, nil, err
	}
	s, err := store.Open(ctx, c.DatabaseURL, 0)
	if err != nil {
		l.Close()
		return nil, nil, err
	}
	return l, s, nil
}

func openLedger(ctx context.Context, c Config, key *ledger.SigningKey, logger *slog.Logger) (*ledger.Log, error) {
	return ledger.Open(ctx, ledger.Config{
		Database: c.DatabaseURL, Key: key, Origin: c.Origin, SignerState: c.SignerState, Clock: audit.SystemClock, Logger: logger,
	})
}

func readSigner(file string) (*ledger.SigningKey, error) {
	b, err := readSecret("SEALBOOK_SIGNER_KEY", file)
	if err != nil {
		return nil, err
	}
	key, err := ledger.ParseSigningKey(b)
	if err != nil {
		return nil, usagef("SEALBOOK_SIGNER_KEY: %s: %s", file, err)
	}
	return key, nil
}

func readPepper(file string) ([]byte, error) {
	b, err := readSecret("SEALBOOK_PEPPER_FILE", file)
	if err != nil {
		return nil, err
	}
	pepper, err := hex.DecodeString(string(bytes.TrimSpace(b)))
	if err != nil || len(pepper) != pepperSize {
		return nil, usagef("SEALBOOK_PEPPER_FILE: %s does not hold %d bytes in hex, as sealbook keygen writes them", file, pepperSize)
	}
	return pepper, nil
}

// readSecret reads a key file and refuses one that everybody can read.
func readSecret(setting, file string) ([]byte, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("%s: there is no file %s; sealbook keygen makes it", setting, file)
	}
	if err != nil {
		return nil, usagef("%s: %s", setting, err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return nil, usagef("%s: everybody can read or change %s; run chmod 600 on it", setting, file)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, usagef("%s: %s", setting, err)
	}
	return b, nil
}

// newLogger writes one JSON object a line, or readable lines on a terminal.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			a.Value = slog.StringValue(a.Value.Time().UTC().Format("2006-01-02T15:04:05.000Z"))
		}
		return a
	}}
	if isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// oneOf lists names for a sentence: "a, b or c".
func oneOf(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// openForChange opens the database for an operator's command, which signs what it
// records.
func openForChange(ctx context.Context, c *call) (*ledger.Log, *store.Store, error) {
	if err := c.config.require("SEALBOOK_DATABASE_URL", "SEALBOOK_SIGNER_KEY"); err != nil {
		return nil, nil, err
	}
	signer, err := readSigner(c.config.SignerKey)
	if err != nil {
		return nil, nil, err
	}
	return openDatabase(ctx, c.config, signer, slog.New(slog.DiscardHandler))
}
