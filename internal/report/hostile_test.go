package report_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/report"
)

// filled is a document whose every text is one of the given.
func filled(next func() string) report.Document {
	one := 50.0
	finding := report.Finding{ID: next(), Title: next(), Description: next(), Requirement: next(), Severity: audit.Severity(next()), Status: next(),
		EntryIDs: []string{next(), next()}, Owner: next(), Due: frozen, Remediation: next()}
	return report.Document{
		Title: next(), Organisation: next(), ReportID: next(), Revision: 1, Type: report.Investigation, Scope: []string{next()},
		GeneratedAt: frozen, GeneratedBy: next(), Digest: next(), Checked: []string{next()}, Limits: []string{next()}, Checkpoint: next(), Verification: []string{next(), next()},
		Basis: report.Basis{Origin: next(), HeadHash: next(), Catalog: next(), CatalogVersion: next(), CatalogDigest: next()},
		Frameworks: []report.Framework{{Name: audit.Framework(next()), Edition: next(), Score: &one, Status: next(),
			Trend:        []report.Point{{Time: frozen, Score: 1}, {Time: frozen, Score: 2}, {Time: frozen.Add(-time.Hour), Score: 3}},
			Requirements: []report.Requirement{{ID: next(), Title: next(), Severity: audit.Severity(next()), Status: next(), Numbers: next()}},
			NotAssessed:  []report.Unassessed{{ID: next(), Reason: next()}}}},
		Findings: []report.Finding{finding}, Violations: []report.Finding{finding},
		EventsByType: []report.Count{{Name: next(), Count: 1<<63 - 1}, {Name: next()}}, Severities: []report.Count{{Name: next(), Count: 3}},
		Tables: []report.Table{{Title: next(), Note: next(), Rows: func(yield func(report.Row, error) bool) {
			_ = yield(report.Row{EntryID: next(), Type: next(), Actor: next(), Description: next()}, nil) &&
				yield(report.Row{Seq: -1 << 63, EntryID: next(), Type: next(), Actor: next(), Description: next()}, nil)
		}}},
		Signatures: []report.Signature{{Signatory: next(), Meaning: next(), SignedAt: signed, Identity: next()}}, Development: true,
	}
}

// filledCase is likewise one of a case.
func filledCase(next func() string) report.Document {
	one := 0.5
	finding := func(status string) report.CaseFinding {
		return report.CaseFinding{ID: next(), Analysis: next(), Kind: next(), Title: next(), Severity: audit.Severity(next()), Description: next(), Alternative: next(), EntryIDs: []string{next(), next()},
			Entries: 5, Confidence: &one, Basis: next(), Status: status, DecidedBy: next(), DecidedAt: frozen, Reason: next()}
	}
	return report.Document{Title: next(), ReportID: "r", Revision: 1, Type: report.Investigation, GeneratedAt: frozen, Case: &report.Case{
		ID: next(), Number: next(), Category: next(), Priority: audit.Severity(next()), Status: next(), Stage: next(), Interim: true, Opened: frozen, OpenedBy: next(), Trigger: next(), Investigator: next(),
		Reviewer: next(), Narrative: []string{next(), next()}, Events: []report.CaseEvent{{Time: frozen, Kind: next(), Stage: next(), Actor: next(), Text: next()}},
		Findings: []report.CaseFinding{finding("accepted"), finding(next())}, Frameworks: []string{next()}, Notification: next(),
		Implications: []report.Implication{{Framework: audit.Framework(next()), Section: next(), Description: next(), Severity: audit.Severity(next()), Findings: []string{next()}}},
		Decision:     &report.Decision{Resolution: next(), RootCause: next(), Summary: next(), By: next(), At: frozen},
		Evidence: []report.CaseEvidence{{ID: next(), Kind: next(), Title: next(), FileName: next(), Digest: next(), By: next(), Reason: next(),
			Custody: []report.Custody{{Number: 1, Time: frozen, Event: next(), Actor: next(), Recipient: next(), Reason: next(), Tool: next(), Before: next(), After: next()}}}},
		Flow: &report.Drawing{Ratio: 0.5, TextSize: 0.02, Boxes: []report.Box{{X: 0.1, Y: 0.1, W: 0.1, H: 0.1, Kind: next(), Label: next(), Sub: next(), Nodes: 2}},
			Lines: []report.Line{{Points: [][2]float64{{0, 0}, {1, 1}}, Kind: next(), Mentions: 1}}, Labels: []report.Label{{X: 0.5, Y: 0.5, Text: next()}}, Notes: []string{next()}},
	}}
}

func TestAnyTextRenders(t *testing.T) {
	t.Parallel()
	anything := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.StringOfN(rapid.RuneFrom([]rune{'\u202E', '\u05D0', '\u0300', '(', ' ', '\n', 'W', '1', '\U0001F680', '\uFFFF', '\\', ')'}), 0, 300, -1))
	for name, filled := range map[string]func(func() string) report.Document{"all": filled, "case": filledCase} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				out, err := report.PDF(t.Context(), filled(func() string { return anything.Draw(rt, "text") }))
				if err != nil || out.Pages < 5 {
					rt.Fatalf("%d pages, %v", out.Pages, err)
				}
			})
		})
	}
}

func TestWhatCannotBeShownIsMarkedAndCounted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, want string
		replaced   int
	}{
		{"plain", "plain", 0},
		{"ship it 🚀", "ship it [U+1F680]", 1},
		{"bad \xff\xc3(", "bad [0xFF][0xC3](", 2},
		{"nul\x00bell\a", "nul[U+0000]bell[U+0007]", 2},
		{"漢字", "[U+6F22][U+5B57]", 2},
		{"rtl \u202Egpj.exe", "rtl [U+202E]gpj.exe", 1},
		{"zero\u200Bwidth\uFEFF", "zero[U+200B]width[U+FEFF]", 2},
		{"one\u2028two\rthree", "one[U+2028]two[U+000D]three", 2},
		{"tab\tand\r\nline", "tab and line", 0},
		{"Ελληνικά, Кириллица, Łódź, naïve, ½ — “ok” €", "Ελληνικά, Кириллица, Łódź, naïve, ½ — “ok” €", 0},
		{"private \uE000 last \uFFFF soft\u00ADhyphen", "private [U+E000] last [U+FFFF] soft[U+00AD]hyphen", 3},
		{"read שלום 12.5", "read שלום 12.5", 0},
		{"a literal {nb} stays", "a literal {nb} stays", 0},
	}
	for _, test := range tests {
		d := bare(report.Table{Title: "T", Rows: func(yield func(report.Row, error) bool) { yield(report.Row{Description: test.text}, nil) }})
		out := render(t, d)
		if out.Replaced != test.replaced {
			t.Errorf("%q: %d replaced, want %d", test.text, out.Replaced, test.replaced)
		}
		all := tool(t, out.Bytes, "pdftotext", "-raw", "FILE", "-")
		if said := regexp.MustCompile(`Characters replaced: ([0-9,]+)\.`).FindStringSubmatch(all); said == nil || said[1] != strconv.Itoa(test.replaced) {
			t.Errorf("%q: the report says %q", test.text, said)
		}
		// pdftotext marks where it turned right to left with U+202B and U+202C.
		all = strings.NewReplacer("\u202B", "", "\u202C", "").Replace(all)
		if !strings.Contains(strings.Join(strings.Fields(all), " "), test.want) {
			t.Errorf("%q is not shown as %q", test.text, test.want)
		}
	}
}
