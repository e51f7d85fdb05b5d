package worker_test

import (
	"encoding/json"
	"io"
	"testing"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

const houseRules = `framework: SOC2
edition: House rules
version: 1
requirements:
  - {id: H1, criterion: H1, title: People are named, severity: critical, checks: [{id: named, kind: ratio, population: "e.type != ''", pass: "e.user.user_id == 'nobody'"}]}
`

// TestAssessmentByOwnRules: the organisation's catalogue stands in for the shipped
// one of its framework, moves nothing that follows from that, and can be replayed.
func TestAssessmentByOwnRules(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 300)
	s.work()
	c, err := control.Parse([]byte(houseRules))
	if err != nil {
		t.Fatal(err)
	}
	own := store.Catalog{ID: "catalog_1", Ledger: s.ledger, Framework: c.Framework, Version: c.Version, Digest: c.Digest, Text: houseRules, CreatedBy: "k", CreatedAt: audit.SystemClock()}
	s.append("audit.compliance_catalog_added", nil, store.InsertCatalog(own))
	a := s.awaitAssessment(s.orderAssessmentBy([]audit.CatalogID{own.ID}, audit.SOC2, audit.SOX))
	if a.Status != audit.AssessmentCompleted {
		t.Fatalf("%s: %v", a.Status, a.Error)
	}
	r, err := s.artifacts.Open(t.Context(), a.Artifact.V)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	var was control.Assessment
	if err := json.Unmarshal(text, &was); err != nil {
		t.Fatal(err)
	}
	if len(was.Reports) != 2 || was.Reports[0].CatalogDigest != c.Digest || was.Reports[0].Counts.Total != 1 || was.Reports[0].Status != control.StatusNonCompliant || was.Reports[1].Counts.Total < 5 {
		t.Fatalf("%+v", was.Reports)
	}
	scores, err := s.store.Scores(t.Context(), s.ledger, audit.SOC2, audit.SystemClock())
	if err != nil || len(scores) != 0 {
		t.Errorf("the history of the shipped catalogue's scores has %+v, %v", scores, err)
	}
	gaps, total, err := s.store.Gaps(t.Context(), s.ledger, store.GapFilter{}, 10, 0)
	if err != nil || total != 0 {
		t.Errorf("own rules opened %+v, %v", gaps, err)
	}
	if _, err := s.store.NewestAssessment(t.Context(), s.ledger, []audit.Framework{audit.SOC2}, "", audit.Period{}); audit.CodeOf(err) != audit.NotFound {
		t.Errorf("it counts as one by the shipped catalogue: %v", err)
	}
	assessor := activities.Assessor{Log: s.log, Store: s.store, Clock: audit.SystemClock}
	again, err := assessor.Replay(t.Context(), s.ledger, was)
	if err != nil {
		t.Fatal(err)
	}
	made, err := json.Marshal(again)
	if err != nil || string(made) != string(text) {
		t.Errorf("made again it is another: %v", err)
	}
	was.Reports[0].CatalogDigest = "sha256:none"
	if _, err := assessor.Replay(t.Context(), s.ledger, was); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("by a catalogue that nobody has: %v", err)
	}
}
