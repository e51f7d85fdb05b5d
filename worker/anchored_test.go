package worker_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/internal/tsa"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// A package brings along what places outside gave, so that who trusts one of
// them need not trust the operator for what they saw.
func TestExportIsAnchored(t *testing.T) {
	s, o := newSystem(t), newOutside(t)
	s.activities.Anchors = o.anchors
	published := ledgertest.Publish(t, s.log, s.ledger, 30)
	s.work()
	r := request(audit.AccessLogs)
	if _, report := s.pack(s.await(s.order(r))); !report.Verified() || report.Anchored != nil {
		t.Errorf("before anything is anchored: %+v", report)
	}
	if _, err := s.anchor(); err != nil {
		t.Fatal(err)
	}
	ledgertest.Append(t, s.log, s.ledger, 30, 20)
	data, report := s.pack(s.await(s.order(r)))
	if a := report.Anchored; !report.Verified() || a == nil || a.Through != 29 || a.RegistrySize != published.Size || len(a.Places) != 3 {
		t.Fatalf("%+v\n%+v", report, report.Anchored)
	}
	report = evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.VerifyOptions{Vouch: func(a evidence.Anchor) evidence.Vouching {
		if _, err := anchor.VerifyCosignature(a.Cosigned(), o.witness.Key(t)); err != nil {
			t.Error(err)
		}
		i := slices.IndexFunc(a.Places, func(p evidence.AnchorPlace) bool { return p.Token != nil })
		if _, err := tsa.Verify(a.Places[i].Token, a.Note, o.roots); err != nil {
			t.Error(err)
		}
		return evidence.Vouching{By: []string{"both"}, Enough: true}
	}})
	if !report.Verified() || len(report.Anchored.VouchedBy) != 1 {
		t.Errorf("%+v", report)
	}
}
