package worker_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// orderAssessment does what the API does for POST /compliance/assessments.
func (s *system) orderAssessment(frameworks ...audit.Framework) audit.AssessmentID {
	s.t.Helper()
	return s.orderAssessmentBy(nil, frameworks...)
}

func (s *system) orderAssessmentBy(catalogs []audit.CatalogID, frameworks ...audit.Framework) audit.AssessmentID {
	s.t.Helper()
	exportMu.Lock()
	exportCount++
	id := audit.AssessmentID(fmt.Sprintf("assess_%d_%d", os.Getpid(), exportCount))
	exportMu.Unlock()
	now := audit.SystemClock()
	a := store.Assessment{ID: id, Ledger: s.ledger, Frameworks: frameworks, Catalogs: catalogs, FromTime: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), UntilTime: time.Date(2024, 4, 1, 0, 0, 0, 0, time.UTC),
		RequestedBy: store.JSON[audit.Object]{V: audit.Object{"type": "api_key", "id": "k"}}, CreatedAt: now}
	s.append("audit.compliance_assessment_requested", audit.Object{"assessment_id": id}, store.InsertAssessment(a, "org_test"))
	s.relay.Wake()
	return id
}

func (s *system) awaitAssessment(id audit.AssessmentID) store.Assessment {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		a, err := s.store.Assessment(s.t.Context(), s.ledger, id)
		switch {
		case err != nil:
			s.t.Fatal(err)
		case a.Status.Final():
			return a
		case time.Now().After(deadline):
			s.t.Fatalf("assessment %s does not end: %+v", id, a)
		}
	}
}

// TestAssessmentAsAJob: the result is an artifact whose digest the ledger has, its
// summary and scores are in the database, and a ledger that was tampered with is
// found out.
func TestAssessmentAsAJob(t *testing.T) {
	s := newSystem(t)
	ledgertest.Append(t, s.log, s.ledger, 0, 600)
	s.work()
	id := s.orderAssessment(audit.SOC2, audit.SOX)
	a := s.awaitAssessment(id)
	s.record(audit.ExportID(id), "assess_completed")
	if a.Status != audit.AssessmentCompleted || a.Summary == nil {
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
	var whole, brief control.Assessment
	for text, into := range map[string]*control.Assessment{string(text): &whole, string(*a.Summary): &brief} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	if len(whole.Reports) != 2 || whole.Reports[0].Entries != 600 || whole.Root != brief.Root || len(brief.Reports[0].Requirements) != len(whole.Reports[0].Requirements) {
		t.Errorf("%+v", whole)
	}
	if whole.Facts.Probes["chain_verified"].OK == nil || !*whole.Facts.Probes["chain_verified"].OK || !whole.Facts.AsOf.Equal(a.CreatedAt) {
		t.Errorf("%+v", whole.Facts)
	}
	scores, err := s.store.Scores(t.Context(), s.ledger, audit.SOC2, audit.SystemClock())
	if err != nil || len(scores) != 1 || scores[0].Status != string(whole.Reports[0].Status) || !scores[0].Assessed.Equal(a.UntilTime) {
		t.Errorf("%+v %v", scores, err)
	}
	recorded := ""
	for row, err := range s.log.Rows(t.Context(), s.ledger, 600, 1<<62) {
		if err != nil {
			break
		}
		if e, err := row.Entry(); err == nil && e.Type == audit.TypeComplianceAssessed {
			recorded = fmt.Sprint(e.Details["sha256"])
		}
	}
	if recorded != a.Artifact.V.Digest || !strings.HasPrefix(recorded, "sha256:") {
		t.Errorf("the ledger has %q, not %s", recorded, a.Artifact.V.Digest)
	}

	s.superuser(`update payload set actor_id = 'nobody' where ledger = ` + fmt.Sprint(s.ledger) + ` and seq = 7`)
	a = s.awaitAssessment(s.orderAssessment(audit.SOX))
	if err := json.Unmarshal(*a.Summary, &brief); err != nil {
		t.Fatal(err)
	}
	if ok := brief.Facts.Probes["chain_verified"].OK; ok == nil || *ok {
		t.Errorf("%+v", brief.Facts.Probes)
	}
	for _, f := range brief.Reports[0].Requirements {
		if f.Requirement == "S802" && f.Verdict != "non_compliant" {
			t.Errorf("%+v", f)
		}
	}
}
