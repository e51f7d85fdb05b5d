package api

import (
	"context"
	"strconv"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// append submits a batch. An error means that nothing is known to be in the
// ledger and that it can be tried again. again holds entries that were refused
// as they are.
func (l *readLog) append(ctx context.Context, org int32, b *readBatch) (again []audit.Event, err error) {
	out, err := l.log.Append(ctx, ledger.Submission{
		Ledger: org, Events: b.events, Request: &ledger.RequestKey{Route: readRoute, Key: b.key, Body: []byte(b.key)},
	})
	if refusedForGood(err) {
		if len(b.events) > 1 {
			return l.appendEach(ctx, org, b)
		}
		l.unrecordable(ctx, org, b.events[0], err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for i, item := range out.Items {
		if item.Status != ledger.Rejected {
			continue
		}
		if b.events[i].Timestamp == nil {
			l.unrecordable(ctx, org, b.events[i], item.Err)
			continue
		}
		again = append(again, undated(b.events[i]))
	}
	return again, nil
}

// appendEach tries the entries of a batch one by one, under keys of their own,
// so that one that cannot be written keeps no other out.
func (l *readLog) appendEach(ctx context.Context, org int32, b *readBatch) (again []audit.Event, err error) {
	for i := range b.events {
		more, err := l.append(ctx, org, &readBatch{key: b.key + "/" + strconv.Itoa(i), events: b.events[i : i+1]})
		if err != nil {
			return nil, err
		}
		again = append(again, more...)
	}
	return again, nil
}

// refusedForGood reports whether an entry itself is at fault. A ledger that
// takes nothing, whatever the reason, is tried again.
func refusedForGood(err error) bool {
	switch audit.CodeOf(err) {
	case audit.ValidationFailed, audit.PayloadTooLarge, audit.MalformedJSON:
		return true
	}
	return false
}

// unrecordable says of a read what the ledger would not: nothing is lost in
// silence.
func (l *readLog) unrecordable(ctx context.Context, org int32, e audit.Event, why error) {
	l.logger.ErrorContext(ctx, "a read cannot be recorded", "ledger", org, "type", e.Type, "resource", e.Resource.String("id"),
		"request_id", e.Metadata.String("request_id"), "error", why)
}

// undated is a read whose time the ledger refuses because its clock was set
// back since: the entry's time is that of recording, and the read's own stands
// beside it.
func undated(e audit.Event) audit.Event {
	details := audit.Object{"read_at": audit.FormatTime(*e.Timestamp)}
	for name, v := range e.Details {
		details[name] = v
	}
	e.Details, e.Timestamp = details, nil
	return e
}
