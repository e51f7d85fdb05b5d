package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// How the progress of cases is streamed. A stream asks the database every EventPoll,
// and every EventRecheck whether its reader may still read the case.
const (
	EventPoll       = time.Second
	EventRecheck    = 5 * time.Second
	EventRetry      = 5 * time.Second // after which a client should come back
	MaxEventsOfOne  = 8               // streams of one credential at a time
	eventStreamType = "text/event-stream"
)

// caseProgress is what a stream says of a case: where it is, and nothing of what it
// is about.
type caseProgress struct {
	ID        audit.InvestigationID     `json:"investigation_id"`
	Version   int                       `json:"version"`
	Status    audit.InvestigationStatus `json:"status"`
	Stage     audit.InvestigationStage  `json:"stage"`
	Round     int                       `json:"round"`
	Undecided int                       `json:"undecided_findings"`
	Analyses  map[audit.Analysis]string `json:"automated_analysis"`
	ChangedAt string                    `json:"changed_at"`
}

func progressOf(row *store.Investigation) caseProgress {
	a := analysesOf(row)
	return caseProgress{
		ID: row.ID, Version: row.Version, Status: row.Status, Stage: row.Stage, Round: row.Round, Undecided: row.Undecided, ChangedAt: audit.FormatTime(row.ChangedAt),
		Analyses: map[audit.Analysis]string{audit.PatternDetection: a.Patterns.Status, audit.BehaviourAnalysis: a.Behaviour.Status, audit.DataFlowMapping: a.DataFlow.Status},
	}
}

// Why a stream ends.
const (
	streamCaseEnded   = "case_ended"
	streamCredentials = "credentials" // they have ended, or may not read the case any more
	streamLife        = "lifetime"    // come back, with Last-Event-ID
	streamStopping    = "stopping"    // likewise: this process ends
)

// streams counts the streams that are open, in all and by credential.
type streams struct {
	most int

	mu  sync.Mutex
	all int
	of  map[string]int
}

// take makes room for a stream, or says that there is none.
func (l *streams) take(who string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= l.most || l.of[who] >= MaxEventsOfOne {
		return false
	}
	if l.of == nil {
		l.of = map[string]int{}
	}
	l.all++
	l.of[who]++
	return true
}

func (l *streams) release(who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.of[who]--; l.of[who] == 0 {
		delete(l.of, who)
	}
}

// streamInvestigation answers GET …/events with each version of the case as a
// server-sent event, the present one first, unless Last-Event-ID names it. That the
// stream was opened is a read of the case.
func (s *server) streamInvestigation(r *http.Request) (reply, error) {
	row, err := s.investigation(r)
	if err != nil {
		return reply{}, err
	}
	seen := -1
	if last := r.Header.Get("Last-Event-Id"); last != "" {
		if seen, err = strconv.Atoi(last); err != nil || seen < 0 {
			return reply{}, audit.Errorf(audit.InvalidParameter, "Last-Event-ID is the version of a case that an event had")
		}
	}
	// It is noted here, because a place that is taken has to be given back by the stream.
	how := reading{typeInvestigationRead, "investigation", "investigation_id"}
	if err := s.reads.take(r.Context(), row.Ledger, s.readEvent(r, how, http.StatusOK)); err != nil {
		return reply{}, err
	}
	p := principal(r)
	who := string(p.Organisation) + "\n" + p.KeyID + "\n" + p.Subject
	if !s.listeners.take(who) {
		return reply{}, &audit.Error{Code: audit.Unavailable, Message: fmt.Sprintf(
			"too many streams are open: at most %d of one credential, and %d here; Prefer: wait waits without one", MaxEventsOfOne, s.MaxEventStreams), RetryAfter: EventRetry}
	}
	header := http.Header{"Content-Type": {eventStreamType}, "X-Accel-Buffering": {"no"}}
	return reply{header: header, stream: func(w io.Writer) error {
		defer s.listeners.release(who)
		return s.follow(r, w, &row, seen)
	}}, nil
}

// follow sends what becomes of a case until somebody has enough.
func (s *server) follow(r *http.Request, w io.Writer, row *store.Investigation, seen int) error {
	ctx := r.Context()
	if rw, ok := w.(http.ResponseWriter); ok { // the server's limit on reading a request ends no stream
		if err := http.NewResponseController(rw).SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
	}
	if err := s.event(w, fmt.Sprintf("retry: %d\n\n", EventRetry.Milliseconds())); err != nil {
		return err
	}
	poll, recheck, beat := time.NewTicker(EventPoll), time.NewTicker(EventRecheck), time.NewTicker(s.EventHeartbeat)
	defer poll.Stop()
	defer recheck.Stop()
	defer beat.Stop()
	life := time.NewTimer(s.EventLife)
	defer life.Stop()
	for {
		if row.Version > seen {
			seen = row.Version
			data, err := json.Marshal(progressOf(row))
			if err != nil {
				return fmt.Errorf("encode progress: %w", err)
			}
			if err := s.event(w, fmt.Sprintf("event: investigation\nid: %d\ndata: %s\n\n", seen, data)); err != nil {
				return err
			}
		}
		if row.Status.Final() {
			return s.endEvents(w, streamCaseEnded)
		}
		select {
		case <-ctx.Done(): // nobody listens any more
			return nil
		case <-s.stopping:
			return s.endEvents(w, streamStopping)
		case <-life.C:
			return s.endEvents(w, streamLife)
		case <-beat.C:
			if err := s.event(w, ": still here\n\n"); err != nil {
				return err
			}
		case <-recheck.C:
			if reason, err := s.mayFollow(r); err != nil || reason != "" {
				return errors.Join(err, s.endEvents(w, reason))
			}
		case <-poll.C:
			now, err := s.Store.Investigation(ctx, row.Ledger, row.ID)
			if err == nil {
				*row = now
			} else if ctx.Err() == nil && audit.CodeOf(err) != audit.Unavailable { // a database that is away comes back
				return err
			}
		}
	}
}

// mayFollow is why somebody may not follow the case any more, or "". A session is
// looked at and not used: a page that is left open keeps nobody signed in.
func (s *server) mayFollow(r *http.Request) (why string, err error) {
	var p audit.Principal
	if token := principal(r).Session; token != nil {
		var found store.Session
		now := s.Clock()
		if found, err = s.Store.SessionOf(r.Context(), token, now); err == nil && !found.Usable(now) {
			err = audit.Errorf(audit.Unauthenticated, noSession)
		}
		if err == nil {
			p, err = sessionPrincipal(&found, now)
		}
	} else {
		p, err = s.authenticate(r)
	}
	if err == nil && (!p.Can(audit.ReadInvestigations) || !p.Constraints.Empty()) {
		return streamCredentials, nil
	}
	if err == nil {
		callOf(r).principal = p
		_, err = s.investigation(r)
	}
	switch audit.CodeOf(err) {
	case audit.Unauthenticated, audit.NotFound, audit.Forbidden:
		return streamCredentials, nil
	case audit.Unavailable: // a database that is away comes back
		return "", nil
	}
	if errors.Is(err, context.Canceled) {
		return "", nil
	}
	return "", err
}

func (s *server) endEvents(w io.Writer, reason string) error {
	if reason == "" {
		return nil
	}
	return s.event(w, fmt.Sprintf("event: end\ndata: {\"reason\":%q}\n\n", reason))
}

// event sends a text at once. What is in a data line is JSON on one line.
func (s *server) event(w io.Writer, text string) error {
	if err := s.send(w, []byte(text)); err != nil {
		return err
	}
	rw, ok := w.(http.ResponseWriter)
	if !ok {
		return nil
	}
	return http.NewResponseController(rw).Flush()
}

// EndStreams ends the streams of events, so that a server that stops need not wait for
// them.
func (a *API) EndStreams() { a.server.endStreams() }
