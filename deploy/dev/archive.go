package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// The archive's part of the story has an organisation of its own, so that exports
// and reports of the sample organisation always find its entries.
const (
	archiveOrganisation = "Archive Organisation"
	archivistEmail      = "archivist@example.com"
)

// untilFor is how long the story waits for the archive.
const untilFor = 2 * time.Minute

// tellArchive has entries archived of which a legal hold keeps one, shows that
// receipts of the others still verify, and brings them back. Once: at the first
// start.
func (s *stack) tellArchive(ctx context.Context) error {
	if !s.first {
		return nil
	}
	s.screen.line("\n  %s", s.screen.faint("retention (docs/retention.md), of an organisation of its own: a hold, an archive, and the way back"))
	said := func(format string, args ...any) {
		s.screen.line("      %s", s.screen.faint(fmt.Sprintf(format, args...)))
	}
	all, err := s.keyOf(ctx, "retention", "all", "--create-organisation")
	if err != nil {
		return err
	}
	reader, err := s.keyOf(ctx, "reader", "audit:read:sensitive")
	if err != nil {
		return err
	}
	held, free, err := s.appendTwo(ctx, all)
	if err != nil {
		return err
	}
	err = all.call(ctx, "/legal-holds", map[string]any{"matter": "Sample matter", "reason": "shown", "scope": map[string]any{"systems": []string{"vault"}}}, nil)
	if err != nil {
		return err
	}
	err = all.call(ctx, "/archive/runs", map[string]any{"before": time.Now().UTC().Format(time.RFC3339Nano), "reason": "shown"}, nil)
	if err != nil {
		return err
	}
	var gone struct {
		Error struct {
			Code    string
			Details struct {
				Since string `json:"archive_date"`
			}
		}
	}
	if err := s.until(ctx, reader, free, http.StatusGone, &gone); err != nil {
		return err
	}
	said("%s: 410 %s, since %s", free, gone.Error.Code, gone.Error.Details.Since)
	if err := s.until(ctx, all, held, http.StatusOK, nil); err != nil {
		return err
	}
	said("%s: 200, because a legal hold keeps it", held)
	err = s.tell(ctx, []step{{
		args:   []string{"verify", s.show("story/archived.receipt.json"), "--key", s.trusted()},
		proves: "the receipt of the archived entry still shows that it is in the ledger",
	}})
	if err != nil {
		return err
	}
	return s.retrieve(ctx, all, reader, free, said)
}

// keyOf makes an API key of the organisation.
func (s *stack) keyOf(ctx context.Context, name, permissions string, more ...string) (*officer, error) {
	out, err := s.output(ctx, s.program(), append([]string{"apikey", "create", "--organisation", archiveOrganisation, "--name", name, "--permissions", permissions, "--json"}, more...)...)
	if err != nil {
		return nil, err
	}
	var made struct{ Key string }
	if err := json.Unmarshal(out, &made); err != nil || made.Key == "" {
		return nil, fmt.Errorf("sealbook apikey create printed no key: %w", errors.Join(err, errors.New(string(out))))
	}
	return &officer{api: s.publicURL + "/api/v1/audit", token: made.Key}, nil
}

// appendTwo appends an entry that the hold will keep and one that it will not, and
// keeps the receipt of the second.
func (s *stack) appendTwo(ctx context.Context, who *officer) (held, free string, err error) {
	for _, x := range []struct {
		resource string
		id       *string
	}{{"vault", &held}, {"lobby", &free}} {
		var entry struct {
			ID      string
			Receipt json.RawMessage
		}
		err := who.call(ctx, "/entries", map[string]any{"event_type": "access.granted", "user_id": "ada", "resource_id": x.resource}, &entry)
		if err != nil {
			return "", "", err
		}
		*x.id = entry.ID
		if x.id == &free {
			if err := os.WriteFile(filepath.Join(s.data, "story", "archived.receipt.json"), entry.Receipt, 0o600); err != nil {
				return "", "", fmt.Errorf("keep the receipt: %w", err)
			}
		}
	}
	return held, free, nil
}

// retrieve brings the archive back: the key asks, and a person approves.
func (s *stack) retrieve(ctx context.Context, all, reader *officer, free string, said func(string, ...any)) error {
	out, err := s.output(ctx, s.program(), "person", "create", "--organisation", archiveOrganisation, "--email", archivistEmail,
		"--name", "Sample Archivist", "--roles", "admin", "--json")
	if err != nil {
		return err
	}
	var made struct {
		Code string `json:"enrolment_code"`
	}
	if err := json.Unmarshal(out, &made); err != nil || made.Code == "" {
		return fmt.Errorf("sealbook person create printed no code: %w", errors.Join(err, errors.New(string(out))))
	}
	who, err := enrol(ctx, s.publicURL, archivistEmail, made.Code, s.codeEvery)
	if err == nil {
		err = who.signIn(ctx)
	}
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	var asked struct {
		ID string `json:"retrieval_id"`
	}
	err = all.call(ctx, "/archive/retrievals", map[string]any{"start_date": now.AddDate(0, 0, -1).Format(time.RFC3339), "end_date": now.AddDate(0, 0, 1).Format(time.RFC3339), "reason": "shown"}, &asked)
	if err == nil {
		err = who.call(ctx, "/archive/retrievals/"+asked.ID+"/decision", map[string]any{"decision": "approve"}, nil)
	}
	if err == nil {
		err = s.until(ctx, reader, free, http.StatusOK, nil)
	}
	if err != nil {
		return err
	}
	said("%s is back: %s was approved by %s", free, asked.ID, archivistEmail)
	return nil
}

// until asks for an entry until it is answered with a status.
func (s *stack) until(ctx context.Context, who *officer, id string, status int, into any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, untilFor, fmt.Errorf("%s is not answered with %d within %s", id, status, untilFor))
	defer cancel()
	for {
		text, got, err := who.ask(ctx, http.MethodGet, "/entries/"+id, nil)
		if err != nil {
			return err
		}
		if got == status {
			if into == nil {
				return nil
			}
			return json.Unmarshal(text, into)
		}
		if got != http.StatusOK && got != http.StatusGone {
			return fmt.Errorf("GET /entries/%s: %d: %s", id, got, text)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
