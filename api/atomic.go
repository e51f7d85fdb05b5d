package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

var errRehearsal = errors.New("rehearsal")

// rehearsal is the statement of a submission that shall not be appended. It is
// generic only so as not to name the database's types here.
func rehearsal[C, T any](C, T) error { return errRehearsal }

// appendAtomic appends all entries of a bulk request or none. That an external
// id stands for other content only the ledger knows, and it rejects the one
// entry; so the submission is rehearsed first, as a whole and entry by entry.
// An entry that another request appends between rehearsal and submission under
// the same external id still rejects only its own, and the answer says so.
func (s *server) appendAtomic(r *http.Request, b *bulk, key *ledger.RequestKey) (ledger.Outcome, error) {
	sub := ledger.Submission{Events: b.events, Request: key}
	sub.With = rehearsal
	out, err := s.append(r, sub)
	if err == nil { // nothing is new, or the request was answered before
		b.reject(out.Items)
	} else if !errors.Is(err, errRehearsal) {
		return out, err
	} else if err := s.rehearse(r, b); err != nil {
		return out, err
	}
	if len(b.rejected) > 0 {
		return out, b.refusal()
	}
	if err == nil {
		return out, nil
	}
	sub.With = nil
	return s.append(r, sub)
}

// rehearse asks about every entry with an external id.
func (s *server) rehearse(r *http.Request, b *bulk) error {
	if err := b.rejectContradictions(); err != nil {
		return err
	}
	items, errs := make([]ledger.Item, len(b.events)), make([]error, len(b.events))
	var wg sync.WaitGroup
	for i, e := range b.events {
		if e.ExternalID == "" {
			continue
		}
		wg.Go(func() { // together, they share a commit
			one := ledger.Submission{Events: []audit.Event{e}}
			one.With = rehearsal
			out, err := s.append(r, one)
			if err == nil {
				items[i] = out.Items[0]
			} else if !errors.Is(err, errRehearsal) {
				errs[i] = err
			}
		})
	}
	wg.Wait()
	b.reject(items)
	return errors.Join(errs...)
}

// rejectContradictions rejects what gives one external id to two contents.
func (b *bulk) rejectContradictions() error {
	first := map[string][]byte{}
	for i, e := range b.events {
		if e.ExternalID == "" {
			continue
		}
		content, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode entry: %w", err)
		}
		content = append(content, e.Type...)
		if was, twice := first[e.ExternalID]; twice && !bytes.Equal(was, content) {
			b.rejected[i] = newErrorBody(audit.Errorf(audit.ExternalIDConflict, "external_id %.80q stands for two contents in this request", e.ExternalID))
		}
		first[e.ExternalID] = content
	}
	return nil
}

// reject takes over what the ledger rejected. In an atomic request every entry
// is an event, so they have the same index.
func (b *bulk) reject(items []ledger.Item) {
	for i, item := range items {
		if item.Err != nil {
			_, e := classify(item.Err)
			b.rejected[i] = newErrorBody(e)
		}
	}
}

// refusal is the error of an atomic request of which an entry is rejected.
func (b *bulk) refusal() error {
	refused := []bulkItem{}
	for i := range b.total {
		if e := b.rejected[i]; e != nil {
			refused = append(refused, bulkItem{Index: i, Status: ledger.Rejected, Error: e})
		}
	}
	return audit.Errorf(audit.ValidationFailed, "%d of %d entries cannot be written, so none was", len(refused), b.total).With("results", refused)
}
