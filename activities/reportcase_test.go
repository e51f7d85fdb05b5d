package activities

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/report"
	"github.com/sealbook/sealbook/internal/store"
)

// someRecord is a case with steps of these kinds, a minute apart.
func someRecord(kinds ...string) *caseRecord {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	who := store.JSON[audit.Object]{V: audit.Object{"type": "user", "id": "user_a", "name": "Analyst"}}
	c := &caseRecord{Investigation: store.Investigation{
		ID: "inv_1", CaseNumber: "CASE-1", Kind: "test", Type: "test_incident", Priority: audit.SeverityHigh, Status: audit.InvestigationActive, Stage: audit.StageReview,
		OpenedBy: &who, CreatedAt: at, FromTime: at.AddDate(0, 0, -1), UntilTime: at, Request: store.JSON[audit.InvestigationRequest]{V: audit.InvestigationRequest{Priority: audit.SeverityHigh}},
	}}
	for i, kind := range kinds {
		c.steps = append(c.steps, store.InvestigationStep{ID: fmt.Sprint(i), Kind: kind, Stage: audit.StageReview, Actor: who, Reason: "for a reason.", At: at.Add(time.Duration(i+1) * time.Minute),
			Details: store.JSON[audit.Object]{V: audit.Object{"finding_id": "finding_1", "after": "accepted", "from": "findings_review", "to": "implications", "analysis": "pattern_detection",
				"entries": json.Number("22"), "findings": json.Number("1"), "round": json.Number("1"), "end_seq": json.Number("151"), "legal_hold_id": "hold_1", "error": "it broke", "resolution": "confirmed",
				"priority": map[string]any{"before": "low", "after": "high"}, "reviewer": map[string]any{"before": nil, "after": "user_b"}}}})
	}
	c.findings = []store.InvestigationFinding{{ID: "finding_1", Title: "A limit was widened"}}
	return c
}

// TestEachStepIsToldInProse, and the timeline has it, too.
func TestEachStepIsToldInProse(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"scoped": "the scope was fixed at the first 151 entries of the ledger, under the legal hold hold_1.", "evidence_collected": "evidence was collected in round 1.",
		"analysis_completed": "the pattern detection had read 22 entries and left 1 finding.", "analysis_failed": "the pattern detection failed: it broke.",
		"analysed": "the analyses of round 1 had ended, and people had 1 finding to decide on.", "note_added": "Analyst (user_a) wrote a note, whose text is not part of this report.",
		"finding_added": "Analyst (user_a) added the finding “A limit was widened”.", "finding_decided": "Analyst (user_a) made the finding “A limit was widened” accepted: for a reason.",
		"stage_changed": "Analyst (user_a) led the case from findings review to implications: for a reason.",
		"changed":       "Analyst (user_a) changed priority from low to high, reviewer from nobody to user_b: for a reason.", "overdue": "the stage findings review was overdue",
		"escalated": "the case was escalated", "attention_needed": "could not be done: it broke.", "closed": "Analyst (user_a) decided that the suspicion is confirmed, and closed the case.",
		"canceled": "ended the case without a decision: for a reason.", "reopened": "opened the case again: for a reason.", "of_another_version": "Analyst (user_a): of another version: for a reason.",
	} {
		c := someRecord(kind)
		told := strings.Join(c.narrative(), "\n")
		if !strings.Contains(told, want) || !strings.HasPrefix(told, "On 2026-03-01 at 09:00 UTC, the case was opened by Analyst (user_a) as test incident, with priority high") {
			t.Errorf("%s: %s", kind, told)
		}
		if events := c.events(); len(events) != 2 || events[0].Kind != "opened" || events[1].Kind != kind {
			t.Errorf("%s: %+v", kind, events)
		}
	}
}

// TestALongCaseIsToldInPart: runs are told together, and what is left stands in the
// timeline.
func TestALongCaseIsToldInPart(t *testing.T) {
	t.Parallel()
	c := someRecord("note_added", "note_added", "note_added", "finding_decided", "finding_decided")
	c.steps[4].Details.V = audit.Object{"finding_id": "finding_1", "after": "rejected"}
	if told := strings.Join(c.narrative(), "\n"); !strings.Contains(told, "wrote 3 notes, whose text") || !strings.Contains(told, "Analyst (user_a) accepted 1 finding and rejected 1 finding.") {
		t.Error(told)
	}
	kinds := make([]string, MaxNarrated+100)
	for i := range kinds {
		kinds[i] = "changed"
	}
	c = someRecord(kinds...)
	told := strings.Join(c.narrative(), "\n")
	if !strings.Contains(told, fmt.Sprintf("So much for the first %d steps; the timeline has 101 more.", MaxNarrated)) || strings.Count(told, "changed priority") != MaxNarrated-1 || len(c.events()) != MaxNarrated+101 {
		t.Errorf("%d told, %d events: %.300s", strings.Count(told, "changed priority"), len(c.events()), told)
	}
}

func TestNamedEntriesAreBounded(t *testing.T) {
	t.Parallel()
	ids := func(from, n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf("audit_entry_20260301_%06d", from+i))
		}
		return out
	}
	findings := []report.CaseFinding{{Status: "rejected", EntryIDs: ids(0, 100)}, {Status: "candidate", EntryIDs: ids(100, 1900)}, {Status: "accepted", EntryIDs: ids(1950, 200)}}
	got, left := namedIDs(findings, MaxNamedEntries)
	if len(got) != MaxNamedEntries || left != 150 || got[0] != findings[2].EntryIDs[0] || got[200] != findings[1].EntryIDs[0] {
		t.Errorf("%d, and %d are left: %s, %s", len(got), left, got[0], got[200])
	}
	if got, left := namedIDs(findings[:1], MaxNamedEntries); len(got) != 100 || left != 0 {
		t.Errorf("%d, and %d are left", len(got), left)
	}
}

// TestAFindingThatCannotBeReadIsShown with what the row has.
func TestAFindingThatCannotBeReadIsShown(t *testing.T) {
	t.Parallel()
	f := caseFinding(&store.InvestigationFinding{ID: "finding_1", Title: "t", Body: store.JSON[json.RawMessage]{V: json.RawMessage(`{"entries":"many"}`)}})
	if f.Title != "t" || f.EntryIDs == nil || f.Basis != "the finding's own text cannot be read" {
		t.Errorf("%+v", f)
	}
	if picture, why := pictureOf([]byte(`{"version":99}`)); picture != nil || !strings.Contains(why, "version is 99") {
		t.Errorf("%v, %q", picture, why)
	}
}
