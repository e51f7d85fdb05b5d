package worker_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// TestExportCarriesWhatWasAssessed: of the framework and the period of the request,
// and of nothing else; without it the package says why.
func TestExportCarriesWhatWasAssessed(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 600)
	s.work()
	wanted := request()
	controls := func(r audit.ExportRequest) (c evidence.Controls) {
		t.Helper()
		data, report := s.pack(s.await(s.order(r)))
		if report.Exit() != 0 {
			t.Errorf("%+v", report.Findings)
		}
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			if !strings.HasSuffix(f.Name, "/data/controls/controls.json") {
				continue
			}
			in, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(in)
			if err == nil {
				err = json.Unmarshal(text, &c)
			}
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		t.Fatal("the package has no controls.json")
		return c
	}
	if c := controls(wanted); c.Assessment != nil || !strings.Contains(c.Reason, "SOC2") {
		t.Errorf("without any: %+v", c)
	}
	old := s.awaitAssessment(s.orderAssessment(audit.SOC2))
	id := s.orderAssessment(audit.SOC2, audit.SOX)
	a := s.awaitAssessment(id)
	s.orderAssessment(audit.SOX)
	c := controls(wanted)
	if got := c.Assessment; got == nil || got.ID != id || got.ID == old.ID || got.Result != a.Artifact.V.Digest || got.Entries == 0 || got.Counts.Total == 0 || got.Counts.Total != int64(len(got.Requirements)) {
		t.Fatalf("%+v", c)
	}
	named := 0
	for _, r := range c.Assessment.Requirements {
		for _, check := range r.Checks {
			for _, x := range check.Exceptions {
				if x.EntryID != "" {
					named++
				}
			}
		}
	}
	if named == 0 {
		t.Error("no exception names an entry")
	}
	wanted.AuditPeriod.To = "2024-03-30"
	if c := controls(wanted); c.Assessment != nil {
		t.Errorf("of another period: %+v", c)
	}
	wanted.Framework, wanted.AuditPeriod.To = audit.GDPR, "2024-03-31"
	if c := controls(wanted); c.Assessment != nil || c.Framework != audit.GDPR {
		t.Errorf("of another framework: %+v", c)
	}
}
