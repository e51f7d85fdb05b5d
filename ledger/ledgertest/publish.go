package ledgertest

import (
	"testing"

	"github.com/sealbook/sealbook/ledger"
)

// Publish lets the registry grow by n entries, each the checkpoint of one more
// entry of a ledger, and returns the last publication.
func Publish(t testing.TB, l *ledger.Log, id int32, n int) ledger.Publication {
	t.Helper()
	for i := range n {
		Append(t, l, id, i, 1)
		if err := l.Publish(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	p, err := l.Publication(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}
