package api

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/schema"
	"github.com/sealbook/sealbook/ledger"
)

// bulkRequest is the body of POST /entries/bulk.
type bulkRequest struct {
	Entries []json.RawMessage `json:"entries"`
}

// bulkItem is what became of one entry of it.
type bulkItem struct {
	Index   int             `json:"index"`
	Status  ledger.Status   `json:"status"`
	ID      string          `json:"id,omitempty"`
	LogID   string          `json:"log_id,omitempty"`
	Seq     *int64          `json:"seq,omitempty"`
	Hash    string          `json:"hash,omitempty"`
	Opened  *opened         `json:"investigation,omitempty"`
	Receipt *ledger.Receipt `json:"receipt,omitempty"`
	Error   *errorBody      `json:"error,omitempty"`
}

// bulkResult is the data of the answer.
type bulkResult struct {
	Results   []bulkItem `json:"results"`
	Created   int        `json:"created"`
	Duplicate int        `json:"duplicate"`
	Rejected  int        `json:"rejected"`
}

var bulkParameters = []string{"atomic", "receipts"}

// bulk is one bulk request on its way.
type bulk struct {
	atomic   bool
	receipts bool
	total    int
	events   []audit.Event
	rejected map[int]*errorBody // by index; the other entries are events, in order
}

// entryMargin is by how much normalising can lengthen an entry, in bytes: it
// adds class, severity and the actor's type, and spells frameworks out. An
// entry that might not fit is rejected before it could fail all others.
const entryMargin = 1 << 10

// createEntries answers POST /entries/bulk: 201 when an entry was created, 200
// when none was, with a result for each. With atomic=true either none is
// rejected, or all are and the answer is 422.
func (s *server) createEntries(r *http.Request) (reply, error) {
	q := callOf(r).query
	b := &bulk{atomic: q.flag("atomic", false), receipts: q.oneOf("receipts", "all", "none") != "none", rejected: map[int]*errorBody{}}
	if q.err != nil {
		return reply{}, q.err
	}
	req, body, err := decode[bulkRequest](r)
	if err != nil {
		return reply{}, err
	}
	key, err := requestKey(r, fmt.Appendf(nil, "atomic=%t %s", b.atomic, body))
	if err != nil {
		return reply{}, err
	}
	if err := s.readBulk(r, b, req); err != nil {
		return reply{}, err
	}
	out, err := s.appendBulk(r, b, key)
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	result, err := b.result(out)
	if err != nil {
		return reply{}, err
	}
	err = s.addOpened(r, b, result.Results)
	return reply{status: created(result.Created > 0), header: replayed(nil, out.Replayed), data: result}, err
}

// readBulk normalises the entries and rejects those that are not valid.
func (s *server) readBulk(r *http.Request, b *bulk, req bulkRequest) error {
	if n := len(req.Entries); n < 1 || n > ledger.MaxBulk {
		return invalid("the request is not valid", audit.FieldError{Field: "/entries", Code: "length", Message: fmt.Sprintf("entries has 1 to %d elements", ledger.MaxBulk)})
	}
	b.total = len(req.Entries)
	left := schema.Budget(schema.MaxWork)
	for i, raw := range req.Entries {
		if len(raw) > ledger.MaxPayload-entryMargin {
			b.rejected[i] = &errorBody{Code: audit.PayloadTooLarge, Message: fmt.Sprintf("an entry of a bulk request has at most %d bytes", ledger.MaxPayload-entryMargin)}
			continue
		}
		event, bad, err := s.normalise(r.Context(), principal(r).Ledger, raw, &left)
		if err != nil {
			return err
		}
		if bad != nil {
			b.rejected[i] = newErrorBody(&audit.Error{Code: audit.ValidationFailed, Message: "the entry is not valid", Fields: bad})
			continue
		}
		b.events = append(b.events, event)
	}
	return nil
}

func (s *server) appendBulk(r *http.Request, b *bulk, key *ledger.RequestKey) (ledger.Outcome, error) {
	if b.atomic && len(b.rejected) > 0 {
		return ledger.Outcome{}, b.refusal()
	}
	if len(b.events) == 0 {
		return ledger.Outcome{}, nil
	}
	if key != nil {
		note, err := json.Marshal(b.rejected)
		if err != nil {
			return ledger.Outcome{}, fmt.Errorf("encode rejections: %w", err)
		}
		key.Note = string(note)
	}
	if b.atomic {
		return s.appendAtomic(r, b, key)
	}
	return s.append(r, submission(r, b.events, key))
}

// result puts together what the ledger said of the valid entries and what was
// said here of the others. Of a replay, the note knows which these were: since
// then, a type may have been registered.
func (b *bulk) result(out ledger.Outcome) (bulkResult, error) {
	rejected := b.rejected
	if out.Replayed {
		rejected = nil
		if err := json.Unmarshal([]byte(out.Note), &rejected); err != nil {
			return bulkResult{}, fmt.Errorf("decode rejections: %w", err)
		}
	}
	if len(rejected)+len(out.Items) != b.total {
		return bulkResult{}, fmt.Errorf("%d results and %d rejections for %d entries", len(out.Items), len(rejected), b.total)
	}
	result := bulkResult{Results: make([]bulkItem, b.total)}
	items := out.Items
	for i := range result.Results {
		item := bulkItem{Status: ledger.Rejected, Error: rejected[i]}
		if item.Error == nil {
			item, items = b.item(items[0]), items[1:]
		}
		item.Index = i
		result.Results[i] = item
		switch item.Status {
		case ledger.Created:
			result.Created++
		case ledger.Duplicate:
			result.Duplicate++
		case ledger.Rejected:
			result.Rejected++
		}
	}
	return result, nil
}

func (b *bulk) item(from ledger.Item) bulkItem {
	item := bulkItem{Status: from.Status}
	if from.Err != nil {
		_, e := classify(from.Err)
		item.Error = newErrorBody(e)
	}
	if from.Receipt == nil {
		return item
	}
	if rec, err := ledger.ParseRecord(from.Receipt.Record); err == nil {
		e := audit.Entry{Seq: rec.Seq, EventID: rec.EventID.String(), RecordedAt: rec.RecordedAt}
		item.ID, item.LogID, item.Seq = e.EntryID(), e.LogID(), &e.Seq
	}
	item.Hash = ledger.FormatHash(ledger.LeafHash(from.Receipt.Record))
	if b.receipts {
		item.Receipt = from.Receipt
	}
	return item
}
