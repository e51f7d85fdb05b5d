package api

import (
	"bytes"
	"fmt"
	"net/http"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/schema"
	"github.com/sealbook/sealbook/ledger"
)

// createEntry answers POST /entries: 201 with the new entry and its receipt,
// or 200 with the one that the external id stands for.
func (s *server) createEntry(r *http.Request) (reply, error) {
	body, err := readBody(r)
	if err != nil {
		return reply{}, err
	}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	left := schema.Budget(schema.MaxWork)
	event, bad, err := s.normalise(r.Context(), principal(r).Ledger, body, &left)
	if err != nil {
		return reply{}, err
	}
	if bad != nil {
		return reply{}, invalid("the entry is not valid", bad...)
	}
	policies, err := s.retention.of(r.Context(), principal(r).Ledger)
	if err != nil {
		return reply{}, err
	}
	out, err := s.append(r, submission(r, []audit.Event{event}, key))
	if err != nil {
		return reply{}, err
	}
	item, header := out.Items[0], replayed(nil, out.Replayed)
	if item.Err != nil {
		return reply{header: header}, item.Err
	}
	entry, err := s.acknowledged(r, event, item, out.Replayed)
	if err != nil {
		return reply{}, err
	}
	opened, err := s.investigationsOf(r, []audit.Entry{entry})
	if err != nil {
		return reply{}, err
	}
	holds, err := s.holdsSeen(r)
	if err != nil {
		return reply{}, err
	}
	view := entryView(entry, policies, holds, opened[entry.Seq])
	view.Receipt = item.Receipt
	header.Set("Location", callOf(r).mount+"/entries/"+view.ID)
	return reply{status: created(item.Status == ledger.Created), header: header, data: view}, nil
}

func created(is bool) int {
	if is {
		return http.StatusCreated
	}
	return http.StatusOK
}

// acknowledged returns a submitted entry. One that was there before is read,
// because what was stored then decides; of a new one the submission and the
// receipt say everything.
func (s *server) acknowledged(r *http.Request, submitted audit.Event, item ledger.Item, replayed bool) (audit.Entry, error) {
	if replayed || item.Status != ledger.Created {
		row, err := s.Log.Row(r.Context(), principal(r).Ledger, item.Receipt.Proof.Index)
		switch code := audit.CodeOf(err); {
		case err == nil:
			return s.read(r, &row), nil
		case code != audit.Archived && code != audit.Destroyed:
			return audit.Entry{}, err
		}
		// Its content is not here to be read. That the submission is the same, its
		// digest has shown.
	}
	rec, err := ledger.ParseRecord(item.Receipt.Record)
	if err != nil {
		return audit.Entry{}, fmt.Errorf("read own record: %w", err)
	}
	return audit.Entry{
		Event: submitted, Seq: rec.Seq, EventID: rec.EventID.String(), RecordedAt: rec.RecordedAt,
		Hash: ledger.FormatHash(ledger.LeafHash(item.Receipt.Record)), Previous: ledger.FormatHash(rec.Prev),
		Checksum: fmt.Sprintf("%x", rec.PayloadRoot[:]), Verified: included(item.Receipt),
	}, nil
}

// included hashes a new record again and follows the receipt's proof to the
// root that was signed. The signature is ours and a moment old; checking it
// here would only slow appending down.
func included(receipt *ledger.Receipt) bool {
	body, _, ok := bytes.Cut(receipt.Proof.Checkpoint, []byte("\n\n"))
	if !ok {
		return false
	}
	c, err := ledger.ParseCheckpoint(string(body) + "\n")
	if err != nil {
		return false
	}
	p := receipt.Proof
	return tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Index, ledger.LeafHash(receipt.Record)) == nil
}
