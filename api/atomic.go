package api

import (
	"net/http"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// appendAtomic appends all entries of a bulk request or none. Whether an
// external id stands for other content only the ledger knows, under its lock.
func (s *server) appendAtomic(r *http.Request, b *bulk, key *ledger.RequestKey) (ledger.Outcome, error) {
	sub := submission(r, b.events, key)
	sub.Atomic = true
	out, err := s.append(r, sub)
	if err != nil || !out.Refused {
		return out, err
	}
	for i, item := range out.Items { // in an atomic request every entry is an event
		if item.Err != nil {
			_, e := classify(item.Err)
			b.rejected[i] = newErrorBody(e)
		}
	}
	return out, b.refusal()
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
