package evidence

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// Status is the outcome of one verdict.
type Status string

// The outcomes, from best to worst.
const (
	OK         Status = "ok"
	Unpinned   Status = "unpinned"    // of authenticity: signed by a key that nobody vouched for
	CannotTell Status = "cannot_tell" // what would decide it is missing or cannot be read
	Failed     Status = "failed"
)

// Verdict names what a finding speaks against.
type Verdict string

// The verdicts. Each is reached by itself.
const (
	Integrity    Verdict = "integrity"    // every byte and hash is as it was sealed
	Completeness Verdict = "completeness" // the range has what the request asks for, all of it and only that
	Authenticity Verdict = "authenticity" // the ledger's key signed it, and that key is trusted
)

// Finding is one thing that is wrong or cannot be told.
type Finding struct {
	Verdict Verdict `json:"verdict"`
	Status  Status  `json:"status"`             // Failed or CannotTell
	File    string  `json:"file,omitempty"`     // in the package
	Line    int     `json:"line,omitempty"`     // of the file, from 1
	Seq     *int64  `json:"seq,omitempty"`      // the entry's number
	EntryID string  `json:"entry_id,omitempty"` // when its record can be read
	Message string  `json:"message"`
}

// Report is the result of Verify. What it says about the package is what the
// package says of itself, and worth what the verdicts are worth.
type Report struct {
	File         string        `json:"file,omitempty"` // set by the caller: where the package was
	Package      *PackageInfo  `json:"package"`        // nil when it could not be read
	Integrity    Status        `json:"integrity"`
	Completeness Status        `json:"completeness"`
	Authenticity Status        `json:"authenticity"`
	Trusted      string        `json:"trusted_key,omitempty"` // fingerprint of the caller's key that vouches for the package's
	Anchored     *AnchorReport `json:"anchored"`              // nil when nothing that holds leads to a place outside
	Findings     []Finding     `json:"findings"`
	More         int           `json:"more_findings,omitempty"` // beyond Limits.Findings
	Counts       Counts        `json:"counts"`
	Notes        []string      `json:"notes,omitempty"`
	Assurance    string        `json:"assurance"`
	NotProven    []string      `json:"not_proven"`
}

// PackageInfo is a package's description of itself.
type PackageInfo struct {
	ExportID     audit.ExportID      `json:"export_id"`
	Organisation string              `json:"organisation"`
	Request      audit.ExportRequest `json:"request"`
	Origin       string              `json:"origin"`
	First        int64               `json:"first_seq"`
	End          int64               `json:"end_seq"` // one past the last
	FrozenAt     string              `json:"frozen_at"`
	Software     string              `json:"software"`
	Status       string              `json:"status"` // complete or partial
	Root         string              `json:"root"`
	Fingerprint  string              `json:"key_fingerprint"`
}

// Counts are what Verify counted itself.
type Counts struct {
	Files        int                      `json:"files"`
	Entries      int64                    `json:"entries"`      // of the range, that have a line
	Shown        map[audit.Category]int64 `json:"shown"`        // by category
	NotSelected  int64                    `json:"not_selected"` // the filter was applied and refused them
	Undetermined int64                    `json:"undetermined"`
	NotCollected int64                    `json:"not_collected"` // listed by hash alone, in a partial package
	Withheld     int64                    `json:"shown_with_erased_fields"`
}

// Exit returns the exit code of a program that verifies: 0 when everything is
// verified, 1 when anything failed, 2 when something cannot be told. An
// unpinned key is not a failure, but says who must be asked.
func (r *Report) Exit() int {
	code := 0
	for _, s := range []Status{r.Integrity, r.Completeness, r.Authenticity} {
		switch s {
		case Failed:
			return 1
		case OK, Unpinned:
		default:
			code = 2
		}
	}
	return code
}

// Verified reports whether everything that was asked is proven.
func (r *Report) Verified() bool { return r.Exit() == 0 }

// add records a finding and lowers its verdict.
func (r *Report) add(f Finding, most int) {
	v := map[Verdict]*Status{Integrity: &r.Integrity, Completeness: &r.Completeness, Authenticity: &r.Authenticity}[f.Verdict]
	if *v != Failed {
		*v = f.Status
	}
	if len(r.Findings) >= most {
		r.More++
		return
	}
	r.Findings = append(r.Findings, f)
}

// WriteText writes the report for a person. Texts from the package are made
// harmless for a terminal.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	if p := r.Package; p != nil {
		line("Evidence package %s", p.ExportID)
		line("")
		line("  organisation  %s", visible(p.Organisation))
		line("  request       %s, %s to %s", p.Request.Framework, p.Request.AuditPeriod.From, p.Request.AuditPeriod.To)
		line("  ledger        %s", visible(p.Origin))
		line("  range         %s", r.rangeText())
		line("  frozen        %s by %s", p.FrozenAt, visible(p.Software))
		line("  signed by     %s", p.Fingerprint)
		line("")
	}
	line("integrity     %s", r.Integrity)
	line("completeness  %s", r.Completeness)
	line("authenticity  %s", r.Authenticity)
	line("anchored      %s", r.Anchored.text())
	line("")
	r.writeCounts(line)
	if len(r.Findings) > 0 {
		line("Findings")
		for _, f := range r.Findings {
			line("  %s: %s%s", f.Verdict, f.where(), visible(f.Message))
		}
		if r.More > 0 {
			line("  … and %d more", r.More)
		}
		line("")
	}
	for _, n := range r.Notes {
		line("Note: %s", visible(n))
	}
	line("Assurance: %s", r.Assurance)
	line("Not proven by any verification:")
	for _, n := range r.NotProven {
		line("  - %s", visible(n))
	}
	line("")
	switch r.Exit() {
	case 0:
		line("VERIFIED")
	case 1:
		line("FAILED: do not rely on this package")
	default:
		line("CANNOT TELL: nothing is wrong, but not everything is proven")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) rangeText() string {
	p := r.Package
	if p.First >= p.End {
		return "empty"
	}
	return fmt.Sprintf("entries %d to %d of %d", p.First, p.End-1, p.End)
}

func (r *Report) writeCounts(line func(string, ...any)) {
	if r.Package == nil {
		return
	}
	var shown int64
	for _, c := range audit.Categories {
		if n, ok := r.Counts.Shown[c]; ok {
			line("  %10d  shown as %s", n, c)
			shown += n
		}
	}
	line("  %10d  not selected by the request, each tested again", r.Counts.NotSelected)
	if n := r.Counts.Undetermined; n > 0 {
		line("  %10d  undetermined: what the request tests was erased", n)
	}
	if n := r.Counts.NotCollected; n > 0 {
		line("  %10d  not collected: the package is partial", n)
	}
	line("  %10d  entries in the range", r.Counts.Entries)
	if shown == 0 && r.Completeness == OK {
		line("  No entry of the range matches the request; that is what is verified.")
	}
	if n := r.Counts.Withheld; n > 0 {
		line("  %d of the entries shown have erased fields; only their hashes are here.", n)
	}
	line("")
}

func (f *Finding) where() string {
	var s []string
	if f.File != "" {
		s = append(s, visible(f.File))
	}
	if f.Line > 0 {
		s = append(s, fmt.Sprintf("line %d", f.Line))
	}
	switch {
	case f.EntryID != "":
		s = append(s, f.EntryID)
	case f.Seq != nil:
		s = append(s, fmt.Sprintf("entry %d", *f.Seq))
	}
	if len(s) == 0 {
		return ""
	}
	return strings.Join(s, ", ") + ": "
}

// visible replaces what could steer a terminal.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

const (
	assuranceSigned = "signed, not anchored outside: the operator attests to the history, and its key to the operator"
	assuranceNone   = "none: the package does not hold"
)

func newReport() *Report {
	return &Report{Integrity: OK, Completeness: OK, Authenticity: OK, Findings: []Finding{}, Counts: Counts{Shown: map[audit.Category]int64{}}, NotProven: limits(nil), Assurance: assuranceNone}
}

func (f *facts) packageInfo() *PackageInfo {
	fingerprint, _ := ledger.KeyFingerprint(f.VerifierKey)
	return &PackageInfo{
		ExportID: f.ExportID, Organisation: f.Organisation, Request: f.Request, Origin: f.origin(),
		First: f.First, End: f.End, FrozenAt: formatTime(f.FrozenAt), Software: f.Software, Status: f.status(),
		Root: ledger.FormatHash(f.checkpoint.Root), Fingerprint: fingerprint,
	}
}
