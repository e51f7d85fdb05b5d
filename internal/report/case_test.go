package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/report"
)

func i64(n int64) *int64 { return &n }

// caseFile is a report of a case that was decided, with all its parts.
func caseFile() report.Document {
	d := sample()
	d.Title, d.Type, d.Frameworks, d.Findings, d.Violations, d.Tables = "Alarm limits of the reactor were widened", report.Investigation, nil, nil, nil, d.Tables[1:2]
	d.Scope = []string{"Systems: production_reactor_001", "People: user_operator_003", "Kinds of data: batch records"}
	at := func(hours int) time.Time { return frozen.Add(time.Duration(hours-100) * time.Hour) }
	c := &report.Case{
		ID: "inv_20260625_data_integrity_001", Number: "CASE-2026-06-0007", Category: "data_integrity_incident", Priority: "high", Status: "closed", Stage: "closed", Version: 14, Round: 1,
		Opened: at(0), OpenedBy: "Analyst (user_a)", Trigger: "audit_entry_20260625_000126", Investigator: "Investigator (user_b)", Reviewer: "Reviewer (user_c)",
		Narrative:  []string{"On 2026-06-28 04:30:00 UTC the case was opened by Analyst (user_a).", "Evidence was collected: 9 items."},
		Frameworks: []string{"FDA_21CFR11"}, Notification: "no: it was decided that none is required",
		Implications: []report.Implication{{Framework: audit.FDA21CFR11, Section: "11.10(f)", Description: "Operational system checks enforce the permitted sequence of steps", Severity: "high", Findings: []string{"finding_1"}}},
		Decision:     &report.Decision{Resolution: "confirmed", RootCause: "A limit was moved by hand", Summary: "Training was repeated", By: "Reviewer (user_c)", At: at(90)},
	}
	for i, kind := range []string{"opened", "scoped", "evidence_collected", "analysis_completed", "analysed", "note_added", "finding_decided", "stage_changed", "closed"} {
		c.Events = append(c.Events, report.CaseEvent{Time: at(i * 10), Kind: kind, Stage: "findings_review", Actor: "Investigator (user_b)", Text: fmt.Sprintf("said %d", i)})
	}
	for i, status := range []string{"rejected", "accepted", "candidate", "accepted"} {
		f := report.CaseFinding{ID: fmt.Sprintf("finding_%d", i), Analysis: "pattern_detection", Kind: "pattern", Round: 1, Title: fmt.Sprintf("Limit widened without approval, %d", i),
			Severity: audit.Severities[i], Description: "alarm_high: 180 to 230", EntryIDs: []string{"audit_entry_20260625_000126"}, Entries: 1 + i, Basis: "counted on a corpus: 9 true, 1 false", Status: status}
		if i != 2 {
			f.Confidence = f64(0.91)
		}
		if status != "candidate" {
			f.DecidedBy, f.DecidedAt, f.Reason = "Investigator (user_b)", at(50), "it was seen on site"
		}
		c.Findings = append(c.Findings, f)
	}
	for i := range 5 {
		e := report.CaseEvidence{ID: fmt.Sprintf("inv_r1_%d", i), Kind: "audit_entries", Title: fmt.Sprintf("Entries of the scope, part %d", i), FileName: "entries.jsonl", Digest: "sha256:" + strings.Repeat("0a", 32),
			Size: 12_345, Items: 20, FirstSeq: i64(100), EndSeq: i64(127), Acquired: at(20), By: "sealbook", Verified: i != 3}
		for n := range 3 {
			e.Custody = append(e.Custody, report.Custody{Number: n + 1, Time: at(20 + n), Event: []string{"collected", "accessed", "verified"}[n], Actor: "sealbook", Tool: "sealbook v1", Before: e.Digest, After: e.Digest})
		}
		if i == 3 {
			e.Reason = e.ID + " was found to be other bytes than were collected"
			e.Custody[2].Event, e.Custody[2].After = "failed", "sha256:"+strings.Repeat("ff", 32)
		}
		c.Evidence = append(c.Evidence, e)
	}
	c.Flow = drawing()
	d.Case = c
	return d
}

// drawing has boxes of all looks, and lines of all kinds.
func drawing() *report.Drawing {
	d := &report.Drawing{Ratio: 0.35, TextSize: 0.022, Labels: []report.Label{{X: 0.1, Y: 0.08, Text: "Users", Strong: true}}, Notes: []string{"22 entries: 9 nodes and 8 edges in all."}}
	for i := range 9 {
		d.Boxes = append(d.Boxes, report.Box{X: 0.02 + 0.3*float64(i%3), Y: 0.15 + 0.25*float64(i/3), W: 0.11, H: 0.08, Kind: "user", Label: fmt.Sprintf("user_%d", i), Sub: "after 3 min", Nodes: 1 + i/8,
			Seed: i == 0, Forward: i%2 == 1, Backward: i > 4, Cut: i == 3})
	}
	for i, kind := range []string{"use", "read", "write", "grant", "contains", "affects", "export", "another"} {
		from, to := &d.Boxes[i], &d.Boxes[i+1]
		d.Lines = append(d.Lines, report.Line{Points: [][2]float64{{from.X + from.W, from.Y + 0.04}, {0.3, 0.5}, {to.X, to.Y + 0.04}}, Kind: kind, New: i == 2, Mentions: 1 + 100*i})
	}
	return d
}

func TestAReportOfACaseHasEverything(t *testing.T) {
	t.Parallel()
	out := render(t, caseFile())
	if again := render(t, caseFile()); !bytes.Equal(again.Bytes, out.Bytes) {
		t.Error("rendered again, it is different")
	}
	if said := tool(t, out.Bytes, "qpdf", "--check", "FILE"); !strings.Contains(said, "No syntax or stream encoding errors") {
		t.Error(said)
	}
	all := strings.Join(strings.Fields(strings.Join(pagesOf(t, out), " ")), " ")
	for _, want := range []string{
		"CASE-2026-06-0007", "data integrity incident", "inv_20260625_data_integrity_001", "the case was opened by Analyst (user_a)", "Closed", "Accepted (2)", "Not decided yet (1)", "Rejected (1)",
		"0.91; counted on a corpus", "it was seen on site", "the first 1 of 4", "user_8", "22 entries: 9 nodes", "could have been influenced", "11.10(f)", "none is required", "Confirmed", "A limit was moved by hand",
		"Investigator user_b", "5 items, 15 handlings: the custody of 1 item does not hold", "100 to 126, by position", "other bytes were found", "Nothing of the case's record was left out",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in the text", want)
		}
	}
	if strings.Contains(all, "Interim") {
		t.Error("a case that was decided is said to be open")
	}
	if dir := os.Getenv("SEALBOOK_TEST_KEEP_REPORT"); dir != "" {
		if err := os.WriteFile(dir, out.Bytes, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAReportOfAnOpenCaseIsInterim(t *testing.T) {
	t.Parallel()
	d := caseFile()
	c := d.Case
	c.Interim, c.Status, c.Stage, c.Decision, c.Findings, c.Evidence, c.Implications, c.Flow, c.FlowReason = true, "active", "analysis", nil, nil, nil, nil, nil, "the analysis has not ended"
	all := strings.Join(strings.Fields(strings.Join(pagesOf(t, render(t, d)), " ")), " ")
	for _, want := range []string{"Interim report: the case is open", "in the stage analysis", "Nobody has decided yet", "Nothing was found.", "Nothing was collected yet", "There is no picture: the analysis has not ended."} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in the text", want)
		}
	}
	c.Interim, c.Status = false, "canceled"
	if all := strings.Join(pagesOf(t, render(t, d)), " "); !strings.Contains(all, "ended without a decision: it is canceled") {
		t.Error("a canceled case is not said to be")
	}
}

// TestWhatIsLeftOutOfACaseIsCounted, and the other formats have it.
func TestWhatIsLeftOutOfACaseIsCounted(t *testing.T) {
	t.Parallel()
	d := caseFile()
	d.CaseLimits = report.CaseLimits{Events: 4, Findings: 3, Evidence: 2, Custody: 4}
	all := strings.Join(strings.Fields(strings.Join(pagesOf(t, render(t, d)), " ")), " ")
	for _, want := range []string{
		"5 events left out: a report shows 4 at most", "1 finding left out here: a report shows 3 at most", "3 items left out: a report shows 2 at most",
		"2 handlings of it left out: a report shows 1 at most", "Parts of the case's record were left out",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in the text", want)
		}
	}
	kinds := map[string]int{}
	for _, r := range records(t, d) {
		kinds[r["record"]]++
	}
	for kind, n := range map[string]int{"case": 16, "narrative": 2, "case_event": 9, "case_finding": 4, "confidence": 4, "implication": 1, "decision": 5, "data_flow": 1, "evidence": 5, "custody": 15} {
		if kinds[kind] != n {
			t.Errorf("%d records of kind %s, want %d", kinds[kind], kind, n)
		}
	}
	var b bytes.Buffer
	if err := report.JSON(t.Context(), &b, d); err != nil {
		t.Fatal(err)
	}
	var got struct{ Report report.Document }
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if c := got.Report.Case; len(c.Events) != 9 || len(c.Evidence[3].Custody) != 3 || *c.Findings[0].Confidence != 0.91 || len(c.Flow.Lines) != 8 || c.Flow.Lines[7].Points[1] != [2]float64{0.3, 0.5} {
		t.Errorf("%+v", c)
	}
}

func TestWhatNoPageShowsOfACaseIsRefused(t *testing.T) {
	t.Parallel()
	for what, spoil := range map[string]func(*report.Document){
		"too many events": func(d *report.Document) { d.CaseLimits.Events = report.DefaultMaxCaseEvents + 1 },
		"findings":        func(d *report.Document) { d.CaseLimits.Findings = report.DefaultMaxCaseFindings + 1 },
		"items":           func(d *report.Document) { d.CaseLimits.Evidence = -1 },
		"handlings":       func(d *report.Document) { d.CaseLimits.Custody = report.DefaultMaxCaseCustody + 1 },
		"no confidence":   func(d *report.Document) { d.Case.Findings[0].Confidence = f64(1.5) },
		"a box outside":   func(d *report.Document) { d.Case.Flow.Boxes[0].W = 2 },
		"no number":       func(d *report.Document) { d.Case.Flow.Lines[0].Points[0][1] = math.NaN() },
		"no shape":        func(d *report.Document) { d.Case.Flow.Ratio = 0 },
	} {
		d := caseFile()
		spoil(&d)
		if _, err := report.PDF(t.Context(), d); audit.CodeOf(err) != audit.ValidationFailed {
			t.Errorf("%s: %v", what, err)
		}
	}
}
