package report_test

import (
	"bytes"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/report"
)

var (
	frozen = time.Date(2026, 7, 2, 8, 30, 0, 0, time.UTC)
	signed = time.Date(2026, 7, 3, 16, 5, 9, 0, time.FixedZone("", 2*60*60))
)

func f64(n float64) *float64 { return &n }

// rows are invented entries.
func rows(n int) iter.Seq2[report.Row, error] {
	types := []string{"data_change", "login", "issue.resolved", "scan.completed", "config.changed"}
	actors := []string{"analyst@example.com", "engineer@example.com", "Compliance scanner", "审 计", "Старший аудитор"}
	descriptions := []string{
		"Batch record 2026-0417 corrected: yield from 91.2 to 92.1, approved by quality assurance",
		"Signed in", "Issue issue_00042 resolved after review of the pull request",
		"1,204 files scanned, 3 issues found", "Retention of access logs set to seven years",
	}
	return func(yield func(report.Row, error) bool) {
		for i := range n {
			at := frozen.Add(time.Duration(i-n) * 137 * time.Second)
			if !yield(report.Row{Time: at, Seq: int64(i), EntryID: audit.EntryID(int64(i), at), Type: types[i%5],
				Actor: actors[i*7%5], Description: descriptions[i%5]}, nil) {
				return
			}
		}
	}
}

// sample is a document with all its parts.
func sample() report.Document {
	d := report.Document{
		Title: "Part 11 compliance, second quarter 2026", Organisation: "Example Organisation", ReportID: "report_compliance_20260702_003",
		Revision: 2, Type: report.ComplianceSummary,
		Period:      report.Period{From: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)},
		Scope:       []string{"Systems: filling line 2, laboratory information system", "Users: all", "With violations and their remediation"},
		GeneratedAt: frozen, GeneratedBy: "Compliance officer",
		Digest: "sha256:9f2c6a0e7b1d4c5588a1f3e09d7762bb4c0f1a2e3d4c5b6a79880716253443f1",
		Basis: report.Basis{Origin: "ledger.example.com/org", FirstSeq: 18204, LastSeq: 30551,
			HeadHash: "sha256:0b7e4f9a5d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a0f9e8d7c6b5a4938",
			Catalog:  "FDA_21CFR11", CatalogVersion: "4", CatalogDigest: "sha256:77aa6655443322110fedcba9876543210123456789abcdef0011223344556677"},
		Checked: []string{"12,348 entries, from 18204 to 30551, were held against their hashes, their places in the chain and the signed tree. All are what was recorded."},
		Limits: []string{
			"A log shows what systems reported to it. It can show that an entry was not changed since it was recorded, and that none was taken out; it cannot show that everything that happened was reported.",
			"Whether a procedure exists, is adequate, and is followed outside the systems that report is not in a log. Requirements of that sort are listed as not assessed, and lower the coverage.",
		},
		Frameworks: []report.Framework{
			{Name: audit.FDA21CFR11, Edition: "21 CFR Part 11, as of 1 April 2025", Score: f64(87.5), Coverage: 72.7, Floor: 63.6, Status: "partially_compliant",
				NotAssessed: []report.Unassessed{{"11.10(i)", "whether people have the education and training for their tasks is not in a ledger"}, {"11.100(b)", "identity is verified before an account is made, outside the systems that report"}, {"11.10(d)-review", "no entry of the period is of the population"}}},
			{Name: audit.ISO27001, Edition: "ISO/IEC 27001:2022, Annex A", Coverage: 0, Floor: 0, Status: "insufficient_evidence",
				NotAssessed: []report.Unassessed{{"A.5.1", "the policies are documents"}}},
		},
		EventsByType: []report.Count{{"login", 5210}, {"data_change", 3120}, {"scan.completed", 1800}, {"issue.resolved", 950}, {"config.changed", 268}},
		Severities:   []report.Count{{"low", 9800}, {"medium", 2100}, {"high", 430}, {"critical", 18}},
		Tables: []report.Table{
			{Title: "Changes of data", Note: "All entries of the class data_change within the period, in the order of the ledger.", Rows: rows(120)},
			{Title: "Access by administrators", Rows: rows(3)},
			{Title: "Entries under legal hold", Rows: rows(0)},
		},
		Checkpoint: "ledger.example.com/org\n30552\nq83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=\n\n— ledger.example.com/org q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4\n",
		Verification: []string{
			"Check the digital signature of this file in a PDF reader. It has to cover the whole document.",
			"Fetch the frozen data of the report and hash them. The result has to be the digest at the foot of each page.",
			"Run “sealbook verify” on the exported package. It recomputes the hash of each entry and the root of the checkpoint.",
		},
		Signatures:  []report.Signature{{Signatory: "Prüferin für Qualität", Meaning: "Approved for release to the authority", SignedAt: signed, Identity: "Signed in as qa.signatory with password and one-time code, at step-up level 2"}},
		Development: true,
	}
	fda := &d.Frameworks[0]
	for i, score := range []float64{61.2, 66.0, 64.5, 71.9, 75.0, 82.1, 87.5} {
		fda.Trend = append(fda.Trend, report.Point{Time: time.Date(2026, time.Month(i+1), 1, 0, 0, 0, 0, time.UTC), Score: score})
	}
	statuses := []string{"compliant", "compliant", "partial", "compliant", "non_compliant"}
	for i := range 18 {
		fda.Requirements = append(fda.Requirements, report.Requirement{ID: fmt.Sprintf("11.10(%c)", 'a'+i),
			Title:    "Changes of records keep what was recorded before, who changed it and when, and the reason for the change",
			Severity: audit.Severities[i%4], Status: statuses[i%5], Numbers: fmt.Sprintf("%d of 120 entries pass; lower bound 0.93", 120-i)})
	}
	for i := range 4 {
		d.Findings = append(d.Findings, report.Finding{ID: fmt.Sprintf("FDA_%03d", i+1), Title: "Changes of batch records without a reason",
			Description: "Nine changes of yield and of hold times carry no reason. The values before and after are recorded, so that nothing is lost; why they were changed has to be asked.",
			Requirement: "11.10(e)", Severity: audit.Severities[3-i], Status: "open", Owner: "Quality assurance", Due: time.Date(2026, 8, 15, 0, 0, 0, 0, time.UTC),
			Remediation: "Make the reason a required field of the form, and add the missing reasons as entries that refer to the changes.",
			EntryIDs:    []string{"audit_entry_20260414_018911", "audit_entry_20260502_021007", "audit_entry_20260611_027343"}})
	}
	d.Violations = []report.Finding{{ID: "viol_20260611_001", Title: "Shared account used to release a batch", Severity: audit.SeverityCritical, Status: "investigation_open",
		Description: "Two sessions of one account from two sites within a minute.", EntryIDs: []string{"audit_entry_20260611_027350"}, Owner: "Site security"}}
	return d
}

func render(t testing.TB, d report.Document) report.Rendered {
	t.Helper()
	out, err := report.PDF(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// tool runs a program over a PDF and returns what it prints.
func tool(t *testing.T, pdf []byte, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: install the packages poppler-utils and qpdf", name)
	}
	file := filepath.Join(t.TempDir(), "report.pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	for i, a := range args {
		if a == "FILE" {
			args[i] = file
		}
	}
	var out, errors bytes.Buffer
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdout, cmd.Stderr = &out, &errors
	if err := cmd.Run(); err != nil || errors.Len() > 0 {
		t.Fatalf("%s: %v: %s%s", name, err, errors.String(), out.String())
	}
	return out.String()
}
