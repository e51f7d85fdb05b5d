// Package evidence builds and verifies evidence packages: what an export hands
// to an auditor, and the program that checks it offline. It guards that a
// package shows neither more nor less than the ledger at one checkpoint, and
// that any change to it, of an entry or of a byte, is found and named. The
// activities build with it; the verify command and the build's own last step
// read with it, and need neither network nor database.
package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// Version is the package format that this program writes (Sealbook-Package-Version
// in bag-info.txt). It knows the first one, too, which has no controls.json: an
// export that was frozen without it is still built so.
const (
	Version      = "1.1"
	firstVersion = "1"
)

// pageVersion numbers the wording of README-VERIFY.md and data/index.html, and
// the text of verify/verify.py. A verifier makes all three again and compares
// them when it knows the number; else the signed manifest alone covers them.
const pageVersion = 3

// Scope is everything that, beside the rows, fixes a package's bytes. It is
// decided once, when an export is frozen, and every retry uses the same.
type Scope struct {
	ExportID     audit.ExportID      `json:"export_id"`    // also the package's top folder
	Organisation string              `json:"organisation"` // its name, for people
	Request      audit.ExportRequest `json:"request"`      // valid and normalised
	RequestedBy  audit.Object        `json:"requested_by"` // a key's id and name; no personal data
	Genesis      []byte              `json:"genesis"`      // the ledger's descriptor
	VerifierKey  string              `json:"verifier_key"` // the ledger's public key as a vkey

	// Introductions lead from the genesis' key to VerifierKey, when the ledger
	// was founded with an older one (ledger.Introduction).
	Introductions []string      `json:"introductions,omitempty"`
	Checkpoint    []byte        `json:"checkpoint"`       // signed note of a tree of End entries
	First         int64         `json:"first"`            // of the range; see RangeBound
	End           int64         `json:"end"`              // one past the range's last; the tree's size
	Left          []ledger.Hash `json:"left"`             // roots of the subtrees that cover [0, First)
	FrozenAt      time.Time     `json:"frozen_at"`        // when the checkpoint was taken
	Anchor        *Anchor       `json:"anchor,omitempty"` // nil when no place outside vouches for a tree that the range reaches
	Software      string        `json:"software"`         // name and version of the program that builds

	// Assessed is where the control results come from; nil in what was frozen
	// before packages had any.
	Assessed *Assessed `json:"assessed,omitempty"`
}

// Assessed names a stored assessment, by its whole result, or says why there is
// none. Whoever builds makes [Controls] of it.
type Assessed struct {
	Assessment  audit.AssessmentID `json:"assessment_id,omitempty"`
	Result      audit.Artifact     `json:"result,omitzero"`
	From        time.Time          `json:"from,omitzero"`
	Until       time.Time          `json:"until,omitzero"`
	CompletedAt time.Time          `json:"completed_at,omitzero"`
	Reason      string             `json:"reason,omitempty"`
}

// RangeBound returns the time that decides where a package's range may start:
// at entry 0, or at any entry recorded before this time. Since an event's time
// is at most audit.MaxFutureEvent ahead of its recording, and recording times
// never decrease, no entry before such a one belongs to the period.
func RangeBound(p audit.Period) time.Time { return p.From.Add(-audit.MaxFutureEvent) }

var exportIDForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// frame is a scope that was checked, with its texts parsed.
type frame struct {
	Scope
	genesis    ledger.Genesis
	checkpoint ledger.Checkpoint
	period     audit.Period
	anchored   *anchored // nil when Anchor is
}

// newFrame refuses a scope whose parts contradict each other, or whose
// checkpoint the ledger's key did not sign.
func newFrame(s Scope) (*frame, error) {
	f, err := newUnsignedFrame(s)
	if err != nil {
		return nil, err
	}
	if _, err := ledger.OpenCheckpoint(s.Checkpoint, s.VerifierKey); err != nil {
		return nil, err
	}
	if err := f.founded(); err != nil {
		return nil, fmt.Errorf("the genesis names another key than the package: %w", err)
	}
	if f.anchored != nil {
		if err := f.anchored.check(f); err != nil {
			return nil, fmt.Errorf("anchor: %w", err)
		}
	}
	return f, nil
}

// newUnsignedFrame leaves the keys and signatures to the caller.
func newUnsignedFrame(s Scope) (*frame, error) {
	f := &frame{Scope: s}
	f.FrozenAt = audit.Instant(s.FrozenAt)
	if !exportIDForm.MatchString(string(s.ExportID)) {
		return nil, fmt.Errorf("export id %.80q cannot name a folder: it has 1 to 64 letters, digits, - and _", s.ExportID)
	}
	if y := f.FrozenAt.Year(); y < 1980 || y > 2107 {
		return nil, fmt.Errorf("the freezing time %s is not one that a zip file can hold", f.FrozenAt)
	}
	request := s.Request
	if err := request.Validate(); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	f.period = request.Period()
	var err error
	if f.genesis, err = ledger.ParseGenesis(s.Genesis); err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	body, _, _ := strings.Cut(string(s.Checkpoint), "\n\n")
	if f.checkpoint, err = ledger.ParseCheckpoint(body + "\n"); err != nil {
		return nil, err
	}
	if f.genesis.Origin != f.checkpoint.Origin {
		return nil, fmt.Errorf("the genesis is of %s, the checkpoint of %s", f.genesis.Origin, f.checkpoint.Origin)
	}
	if f.checkpoint.Size != s.End {
		return nil, fmt.Errorf("the range ends at %d, the checkpoint covers %d entries", s.End, f.checkpoint.Size)
	}
	if _, err = ledger.NewRangeRoot(f.proof()); err != nil {
		return nil, err
	}
	if s.Anchor != nil {
		if f.anchored, err = newAnchored(s.Anchor); err != nil {
			return nil, fmt.Errorf("anchor: %w", err)
		}
	}
	return f, nil
}

func (f *frame) proof() ledger.RangeProof {
	return ledger.RangeProof{First: f.First, End: f.End, Size: f.End, Left: f.Left}
}

func (f *frame) origin() string { return f.genesis.Origin }

// included returns the requested categories in the order of audit.Categories.
func (f *frame) included() []audit.Category {
	return slices.DeleteFunc(slices.Clone(audit.Categories), func(c audit.Category) bool {
		return !slices.Contains(f.Request.Include, c)
	})
}

// entry returns the public id of the entry that rec is about.
func entryID(rec *ledger.Record) string { return audit.EntryID(rec.Seq, rec.RecordedAt) }

// encodeDocument is the one JSON form of a package's small files: indented, no
// escaping for HTML, one line feed at the end.
func encodeDocument(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("evidence: %T cannot be encoded: %v", v, err)) // only types of this package come here
	}
	return b.Bytes()
}

// singleLine makes s fit for a line of a text file, and for a cell of a page:
// without line breaks, control characters and changes of direction.
func singleLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= '\u2028' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return ' '
		}
		return r
	}, s))
}
