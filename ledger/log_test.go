package ledger_test

import (
	"testing"

	"github.com/sealbook/sealbook/ledger/ledgertest"
)

func TestAppendAndVerify(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	d, err := l.Descriptor(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 1, 254, 1, 1, 700} {
		size := int(ledgertest.Check(t, l, id, -1).Checkpoint.Size)
		for i, r := range ledgertest.Append(t, l, id, size, n) {
			rec, _, err := r.Check(d.Genesis.Key)
			if err != nil {
				t.Fatal(err)
			}
			if rec.Seq != int64(size+i) {
				t.Fatalf("entry %d came as %d", rec.Seq, size+i)
			}
			again, err := l.Receipt(t.Context(), id, rec.Seq)
			if err != nil {
				t.Fatal(err)
			}
			a, _ := again.MarshalJSON()
			b, _ := r.MarshalJSON()
			if string(a) != string(b) {
				t.Fatalf("entry %d: another receipt:\n%s\n%s", rec.Seq, a, b)
			}
		}
		ledgertest.Check(t, l, id, int64(size+n))
	}
}
