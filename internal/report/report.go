// Package report renders a report's frozen data as a PDF, as JSON or as CSV. It
// guards that the same data gives the same bytes, that no text of the data can
// stop a page or stay invisible on it, and that no row is left out silently. The
// worker renders with it; what goes into a [Document], who signs and where the
// bytes are kept is decided elsewhere.
package report

import (
	"iter"
	"math"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Type is what a report is about.
type Type string

// The types of reports.
const (
	ComplianceSummary Type = "compliance_summary"
	AuditTrail        Type = "audit_trail"
	DataIntegrity     Type = "data_integrity"
	AccessReview      Type = "access_review"
	Investigation     Type = "investigation"
)

// Label is the type in words; "" for one that is not known.
func (t Type) Label() string {
	return map[Type]string{
		ComplianceSummary: "Compliance summary", AuditTrail: "Audit trail", DataIntegrity: "Data integrity",
		AccessReview: "Access review", Investigation: "Investigation",
	}[t]
}

// DefaultMaxRows is how many entries a PDF lists, over all its tables. They take
// some 3,600 pages when a description has a line or two, and 10 MB in the file.
const DefaultMaxRows = 100_000

// Document is a report's frozen data. Texts may be any strings; empty parts are
// left out of what is rendered.
type Document struct {
	Title        string      `json:"title"`
	Organisation string      `json:"organisation"`
	ReportID     string      `json:"report_id"`
	Revision     int         `json:"revision"` // from 1
	Type         Type        `json:"report_type"`
	Period       Period      `json:"period"`
	Scope        []string    `json:"scope,omitempty"` // a line each: systems, people, what was left out
	GeneratedAt  time.Time   `json:"generated_at"`    // also the date inside the PDF; required
	GeneratedBy  string      `json:"generated_by"`
	Digest       string      `json:"data_digest"` // of the frozen data, in the footer of each page
	Basis        Basis       `json:"basis"`
	Checked      []string    `json:"checked,omitempty"` // paragraphs: what was checked for this report, and what came of it
	Limits       []string    `json:"limits,omitempty"`  // paragraphs: what a log can and cannot show
	Frameworks   []Framework `json:"frameworks,omitempty"`
	Findings     []Finding   `json:"findings,omitempty"`
	Violations   []Finding   `json:"violations,omitempty"`
	EventsByType []Count     `json:"events_by_type,omitempty"` // by event type
	Severities   []Count     `json:"severities,omitempty"`     // by severity, in any order
	Tables       []Table     `json:"-"`                        // JSON has them beside the document
	Checkpoint   string      `json:"checkpoint,omitempty"`     // the signed note, verbatim
	Verification []string    `json:"verification,omitempty"`   // steps: how a reader checks the report
	Signatures   []Signature `json:"signatures,omitempty"`     // in their order; none: the report is not to be signed
	Development  bool        `json:"development,omitempty"`    // signed with a key that proves nothing
	MaxRows      int         `json:"-"`                        // of a PDF; 0 is DefaultMaxRows, which is also the most
	Case         *Case       `json:"case,omitempty"`           // of a report of an investigation
	CaseLimits   CaseLimits  `json:"-"`                        // of a PDF
}

// Period has names in JSON: From belongs to it, Until does not. A zero bound is open.
type Period struct {
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// Basis is the state of the ledger that the data were read from.
type Basis struct {
	Origin         string `json:"origin"` // of the ledger
	FirstSeq       int64  `json:"first_seq"`
	LastSeq        int64  `json:"last_seq"`
	HeadHash       string `json:"head_hash"` // of the entry LastSeq
	Catalog        string `json:"catalog,omitempty"`
	CatalogVersion string `json:"catalog_version,omitempty"`
	CatalogDigest  string `json:"catalog_digest,omitempty"`
}

// Table lists entries.
type Table struct {
	Title string
	Note  string                // how the entries were chosen
	Rows  iter.Seq2[Row, error] // read once; an error ends the rendering
}

// Row is an entry in a table.
type Row struct {
	Time        time.Time `json:"time"`
	Seq         int64     `json:"seq"`
	EntryID     string    `json:"entry_id"`
	Type        string    `json:"type"`
	Actor       string    `json:"actor"`
	Description string    `json:"description"`
}

// Count is how many there are of something.
type Count struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// Signature is what an electronic signature shows (21 CFR 11.50): the printed
// name, the date and time, and what is meant by it.
type Signature struct {
	Signatory string    `json:"signatory"`
	Meaning   string    `json:"meaning"`
	SignedAt  time.Time `json:"signed_at,omitzero"` // with the offset of its location; zero: the signature is awaited
	Identity  string    `json:"identity,omitempty"` // how the signatory was identified, in a line
}

// check refuses what no rendering can make sense of.
func (d *Document) check() error {
	switch {
	case d.GeneratedAt.IsZero():
		return audit.Errorf(audit.ValidationFailed, "a report needs the time at which its data were frozen")
	case d.Type.Label() == "":
		return audit.Errorf(audit.ValidationFailed, "%q is no type of a report", d.Type)
	case d.MaxRows < 0 || d.MaxRows > DefaultMaxRows:
		return audit.Errorf(audit.ValidationFailed, "a report lists 1 to %d rows, not %d", DefaultMaxRows, d.MaxRows)
	}
	if d.Case != nil {
		if err := d.Case.check(d.CaseLimits); err != nil {
			return err
		}
	}
	for _, f := range d.Frameworks {
		numbers := []float64{f.Coverage, f.Floor}
		if f.Score != nil {
			numbers = append(numbers, *f.Score)
		}
		for _, p := range f.Trend {
			numbers = append(numbers, p.Score)
		}
		for _, n := range numbers {
			if math.IsNaN(n) || n < 0 || n > 100 {
				return audit.Errorf(audit.ValidationFailed, "a figure of %s is %v, outside 0 to 100", f.Name, n)
			}
		}
	}
	for _, list := range [][]Count{d.EventsByType, d.Severities} {
		for _, c := range list {
			if c.Count < 0 {
				return audit.Errorf(audit.ValidationFailed, "there are %d of %q, less than none", c.Count, c.Name)
			}
		}
	}
	return nil
}
