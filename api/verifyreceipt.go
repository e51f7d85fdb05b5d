package api

import (
	"net/http"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// receiptBody is a receipt as [ledger.Receipt] writes it.
type receiptBody struct {
	Version string `json:"receipt"`
	Record  string `json:"record"`
	Proof   string `json:"proof"`
}

// parse reads the receipt. Returns ValidationFailed with the part that cannot
// be read; a version of the future has a code of its own.
func (b *receiptBody) parse() (r ledger.Receipt, err error) {
	if b.Version != ledger.ReceiptVersion {
		code, message := "version", "the receipt has another version than "+ledger.ReceiptVersion+", which this program knows"
		if b.Version == "" {
			code, message = "required", "a receipt says its version: "+ledger.ReceiptVersion
		}
		return r, invalid("the receipt cannot be read", audit.FieldError{Field: "/receipt/receipt", Code: code, Message: message})
	}
	r.Record = []byte(b.Record)
	if r.Proof, err = ledger.ParseProof([]byte(b.Proof)); err != nil {
		return r, invalid("the receipt cannot be read", audit.FieldError{Field: "/receipt/proof", Code: "malformed", Message: err.Error()})
	}
	return r, nil
}

// verifyReceipt says whether an old receipt still holds: this installation
// gave it, its record is still the entry that it was, and the present tree
// extends the receipt's. The proof of the last is in the answer.
func (s *server) verifyReceipt(r *http.Request, req *verifyRequest, key *ledger.RequestKey) (reply, error) {
	if req.From != "" || req.To != "" || req.RepositoryID != "" {
		return reply{}, invalid("the verification is not valid",
			audit.FieldError{Field: "/receipt", Code: "exclusive", Message: "a verification is of a window or of a receipt, not of both"})
	}
	receipt, err := req.Receipt.parse()
	if err != nil {
		return reply{}, err
	}
	if err := s.mayCheck(r, &receipt); err != nil {
		return reply{}, err
	}
	check, err := s.Log.CheckReceipt(r.Context(), principal(r).Ledger, &receipt)
	if err != nil {
		return reply{}, err
	}
	result := check.Summary(s.Clock())
	if check.Holds() { // a tree that is known to be another than was signed before is not signed
		result.Checkpoint = s.checkpoint(r, check.Present)
	}
	about := verified(r, &result)
	about.Details["receipt"] = audit.Object{
		"seq": check.Record.Seq, "hash": result.Receipt.Hash, "tree_size": check.Tree.Size,
		"genuine": check.Genuine(), "current": check.Current, "extended": check.Holds(),
	}
	return s.answerVerified(r, result, about, key)
}

// mayCheck returns NotFound for a receipt of an entry that the caller's
// constraints do not cover.
func (s *server) mayCheck(r *http.Request, receipt *ledger.Receipt) error {
	p := principal(r)
	if p.Constraints.Empty() {
		return nil
	}
	row, err := s.Log.Row(r.Context(), p.Ledger, receipt.Proof.Index)
	if err != nil {
		return err
	}
	e := s.read(r, &row)
	return covered(r, &e)
}
