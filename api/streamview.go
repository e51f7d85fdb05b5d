package api

import (
	"net/http"
	"net/url"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/internal/stream"
)

// streamBody is a stream as it is shown. Lag counts entries of the ledger, whether
// or not the filter selects them.
type streamBody struct {
	ID            audit.StreamID     `json:"stream_id"`
	Name          string             `json:"name"`
	URL           string             `json:"url"`
	Format        string             `json:"format"`
	Filter        audit.StreamFilter `json:"filter"`
	Status        audit.StreamStatus `json:"status"`
	NextSeq       int64              `json:"next_seq"`
	Lag           int64              `json:"lag"`
	Delivered     int64              `json:"entries_delivered"`
	Failures      int                `json:"failures_in_a_row"`
	FailingSince  string             `json:"failing_since,omitempty"`
	SucceededAt   string             `json:"last_success_at,omitempty"`
	FailedAt      string             `json:"last_failure_at,omitempty"`
	LastError     string             `json:"last_failure,omitempty"`
	Secret        string             `json:"secret,omitempty"`                      // once
	PreviousUntil string             `json:"previous_secret_signs_until,omitempty"` // beside the new one
	CreatedBy     string             `json:"created_by"`
	CreatedAt     string             `json:"created_at"`
	ChangedAt     string             `json:"changed_at"`
}

// streamView shows a stream of a ledger with so many entries.
func (s *server) streamView(x *store.Stream, size int64, secret string) *streamBody {
	v := &streamBody{
		ID: x.ID, Name: x.Name, URL: x.URL, Format: x.Format, Filter: x.Filter.V, Status: x.Status, NextSeq: x.NextSeq, Lag: max(size-x.NextSeq, 0),
		Delivered: x.Delivered, Failures: x.Failures, FailingSince: formatted(x.FailingSince), SucceededAt: formatted(x.SucceededAt), FailedAt: formatted(x.FailedAt),
		Secret: secret, CreatedBy: x.CreatedBy, CreatedAt: audit.FormatTime(x.CreatedAt), ChangedAt: audit.FormatTime(x.ChangedAt),
	}
	if x.LastError != nil {
		v.LastError = *x.LastError
	}
	if x.PreviousUntil != nil && x.PreviousUntil.After(s.Clock()) {
		v.PreviousUntil = formatted(x.PreviousUntil)
	}
	return v
}

// streamDetails are what an entry says of a stream. Of the URL only the host: a
// path or a query may be a secret of the receiver's.
func streamDetails(x *store.Stream) audit.Object {
	host := ""
	if u, err := url.Parse(x.URL); err == nil {
		host = u.Host
	}
	return audit.Object{"name": x.Name, "host": host, "format": x.Format, "filter": x.Filter.V, "status": x.Status}
}

func streamChanged(r *http.Request, eventType string, x *store.Stream, details audit.Object) audit.Event {
	e := action(r, eventType, audit.Object{"type": "stream", "id": string(x.ID), "name": x.Name}, details)
	e.Severity = audit.SeverityMedium
	return e
}

// testedBody is what a receiver said to a test.
type testedBody struct {
	Delivered bool    `json:"delivered"`
	Status    *int    `json:"status"` // null: there was no answer
	LatencyMS *int64  `json:"latency_ms"`
	Reason    *string `json:"reason"` // why it was not delivered
}

// testStream answers POST …/test: an entry that was never appended, marked as a
// test, is sent now.
func (s *server) testStream(r *http.Request) (reply, error) {
	if _, err := noBody(r); err != nil {
		return reply{}, err
	}
	x, err := s.streamOf(r)
	if err != nil {
		return reply{}, err
	}
	d, err := s.Log.Descriptor(r.Context(), x.Ledger)
	if err != nil {
		return reply{}, err
	}
	now := s.Clock()
	e := audit.Entry{Event: audit.Event{Type: "audit.stream_test", Class: audit.ClassSystem, Severity: audit.SeverityLow,
		Description: "A test of the stream " + x.Name + ". It is in no ledger.", Details: audit.Object{"test": true}}, Seq: x.NextSeq, RecordedAt: now}
	body, contentType, _, err := stream.Render(stream.Format(x.Format), d.Genesis.Origin, []audit.Entry{e})
	if err != nil {
		return reply{}, err
	}
	secret, err := s.sealer.Open(x.Secret, string(x.ID))
	if err != nil {
		return reply{}, err
	}
	header := stream.Sign([][]byte{secret}, "msg_test_"+newULID(now), now, body)
	header.Set("Content-Type", contentType)
	answer, err := s.sender.Send(r.Context(), x.URL, header, body)
	out := testedBody{Delivered: err == nil && answer.Status/100 == 2}
	if err != nil {
		why := "it could not be sent"
		if e, ok := err.(*audit.Error); ok {
			why = e.Message
		}
		out.Reason = &why
	} else {
		ms := answer.Latency.Milliseconds()
		if out.Status, out.LatencyMS = &answer.Status, &ms; !out.Delivered {
			why := "the receiver did not answer with 2xx"
			out.Reason = &why
		}
	}
	if _, err := s.record(r, streamChanged(r, typeStreamTested, &x, audit.Object{"delivered": out.Delivered}), nil, nil); err != nil {
		return reply{}, err
	}
	return reply{data: out}, nil
}
