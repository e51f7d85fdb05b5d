package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/internal/stream"
)

// Delivery is what became of a stream's next message.
type Delivery struct {
	Ended      bool          `json:"ended,omitempty"`  // the stream is deleted
	Sent       int           `json:"sent,omitempty"`   // entries that the receiver took
	Failed     string        `json:"failed,omitempty"` // why it did not
	RetryAfter time.Duration `json:"retry_after,omitempty"`
}

// DeliverMessage waits until a stream has something to deliver, for a while, and
// sends it. A receiver that does not take it is a result and no error: the
// workflow decides when to try again. If the process dies after the receiver took
// a message and before that is noted, it is sent again, with the same id.
func (a *Activities) DeliverMessage(ctx context.Context, start audit.StreamStart) (d Delivery, err error) {
	defer a.keepAlive(ctx)()
	for deadline := a.Clock().Add(audit.StreamWait); ; {
		x, err := a.Store.Stream(ctx, start.Ledger, start.ID)
		switch {
		case audit.CodeOf(err) == audit.NotFound || err == nil && x.Status == audit.StreamDeleted:
			return Delivery{Ended: true}, nil
		case err != nil:
			return d, err
		case x.Status == audit.StreamActive:
			if d, waiting, err := a.deliver(ctx, x); err != nil || !waiting {
				return d, err
			}
		}
		if !a.Clock().Before(deadline) {
			return d, nil
		}
		select {
		case <-ctx.Done():
			return d, ctx.Err()
		case <-activity.GetWorkerStopChannel(ctx):
			return d, nil
		case <-time.After(audit.StreamPoll):
		}
	}
}

// deliver sends a stream's next message; waiting is whether there was none.
func (a *Activities) deliver(ctx context.Context, x store.Stream) (d Delivery, waiting bool, err error) {
	head, _, err := a.Log.Head(ctx, x.Ledger)
	if err != nil || x.NextSeq >= head.Size {
		return d, err == nil, err
	}
	end := min(head.Size, x.NextSeq+audit.MaxStreamScan)
	if x.PendingEnd != nil {
		end = *x.PendingEnd
	}
	entries, end, err := a.toDeliver(ctx, x, end)
	if code := audit.CodeOf(err); err != nil && (code == audit.Archived || code == audit.Destroyed) {
		return a.undelivered(ctx, x, stream.Answer{}, err) // who runs the stream has to see why it stands still
	}
	if err != nil {
		return d, false, err
	}
	if len(entries) == 0 {
		return d, false, a.Store.SkipEntries(ctx, x, end)
	}
	descriptor, err := a.Log.Descriptor(ctx, x.Ledger)
	if err != nil {
		return d, false, err
	}
	body, contentType, n, err := stream.Render(stream.Format(x.Format), descriptor.Genesis.Origin, entries)
	if err != nil {
		return d, false, err
	}
	if n < len(entries) {
		end = entries[n].Seq // what did not fit begins the next message
	}
	if x.PendingEnd == nil {
		fixed, err := a.Store.FixMessage(ctx, x, end)
		if audit.CodeOf(err) == audit.NotFound { // it was changed meanwhile; look again
			return d, false, nil
		}
		if err != nil || fixed != end { // somebody else fixed another; send theirs
			return d, false, err
		}
	}
	secrets, err := a.secretsOf(x)
	if err != nil {
		return d, false, err
	}
	now := a.Clock()
	header := stream.Sign(secrets, fmt.Sprintf("msg_%s_%d_%d_%d", x.ID, x.Replays, x.NextSeq, end), now, body)
	header.Set("Content-Type", contentType)
	answer, err := a.Sender.Send(ctx, x.URL, header, body)
	if err == nil && answer.Status/100 == 2 {
		return Delivery{Sent: n}, false, a.Store.DeliveryDone(ctx, x, end, n, audit.Instant(a.Clock()))
	}
	if ctx.Err() != nil {
		return d, false, ctx.Err()
	}
	return a.undelivered(ctx, x, answer, err)
}

// toDeliver reads entries from where the stream stands and returns those that it
// delivers, at most as many as a message has, and the end of what was read.
func (a *Activities) toDeliver(ctx context.Context, x store.Stream, end int64) (entries []audit.Entry, to int64, err error) {
	for row, err := range a.Log.Rows(ctx, x.Ledger, x.NextSeq, end) {
		if err != nil {
			return nil, 0, err
		}
		e, err := row.Entry()
		if err != nil {
			return nil, 0, fmt.Errorf("entry %d: %w", row.Seq, err)
		}
		if !x.Filter.V.Selects(&e) {
			continue
		}
		if len(entries) == stream.MaxBatchEntries {
			return entries, e.Seq, nil
		}
		entries = append(entries, e)
	}
	return entries, end, nil
}

func (a *Activities) secretsOf(x store.Stream) (secrets [][]byte, err error) {
	sealed := [][]byte{x.Secret}
	if x.PreviousUntil != nil && a.Clock().Before(*x.PreviousUntil) {
		sealed = append(sealed, x.PreviousSecret)
	}
	for _, s := range sealed {
		secret, err := a.Sealer.Open(s, string(x.ID))
		if err != nil {
			return nil, fmt.Errorf("secret of %s: %w", x.ID, err)
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}

// undelivered notes a failure, and disables the stream when its receiver is gone
// for good, or has failed for too long.
func (a *Activities) undelivered(ctx context.Context, x store.Stream, answer stream.Answer, cause error) (d Delivery, waiting bool, err error) {
	now := audit.Instant(a.Clock())
	d = Delivery{Failed: fmt.Sprintf("the receiver answers %d", answer.Status), RetryAfter: answer.RetryAfter}
	if cause != nil {
		d.Failed = said(cause)
	}
	since, err := a.Store.DeliveryFailed(ctx, x, d.Failed, now)
	if err != nil {
		return d, false, err
	}
	const gone = 410
	if answer.Status != gone && now.Sub(since) < audit.MaxStreamFailing {
		return d, false, nil
	}
	details := audit.Object{"stream_id": x.ID, "reason": d.Failed, "failing_since": audit.FormatTime(since), "next_seq": x.NextSeq}
	err = a.recordAs(ctx, x.Ledger, audit.SeverityHigh, fmt.Sprintf("stream/%s/disabled/%d", x.ID, x.Version), "audit.stream_disabled", details,
		store.DisableStream(x.Ledger, x.ID, now))
	if audit.CodeOf(err) == audit.InvalidState { // somebody changed it meanwhile
		err = nil
	}
	return d, false, err
}

// said is what an error says to people: no address inside is in it.
func said(err error) string {
	var e *audit.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "it could not be sent"
}
