package evidence

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"
	texttemplate "text/template"
	"time"

	_ "embed"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// maxPreview is how many entries of a category data/index.html shows, and
// maxPreviewText how many characters of one text.
const (
	maxPreview     = 200
	maxPreviewText = 160
)

//go:embed index.html.tmpl
var indexText string

//go:embed readme.md.tmpl
var readmeText string

var (
	indexTemplate  = template.Must(template.New("index").Funcs(template.FuncMap{"count": groupDigits, "when": humanTime, "duration": humanDuration}).Parse(indexText))
	readmeTemplate = texttemplate.Must(texttemplate.New("readme").Funcs(texttemplate.FuncMap{"sh": shellQuote}).Parse(readmeText))
)

// preview is what data/index.html shows of an entry.
type preview struct {
	Seq                                     int64
	ID, Time, Type, Severity, Actor, Object string
	Description, Hash                       string
}

func newPreview(e *entry) preview {
	hash := hex.EncodeToString(e.row.Leaf[:])
	return preview{
		Seq: e.rec.Seq, ID: entryID(&e.rec), Time: humanTime(e.time), Type: e.rec.EventType, Severity: string(e.event.Severity),
		Actor:       shorten(firstText(e.event.Actor, "name", "email", "id", "type")),
		Object:      shorten(strings.TrimSpace(text(e.event.Resource["type"]) + " " + firstText(e.event.Resource, "name", "id"))),
		Description: shorten(e.event.Description), Hash: hash[:16],
	}
}

func firstText(o audit.Object, keys ...string) string {
	for _, k := range keys {
		if s := text(o[k]); s != "" {
			return s
		}
	}
	return ""
}

func shorten(s string) string {
	s = singleLine(s)
	if r := []rune(s); len(r) > maxPreviewText {
		return string(r[:maxPreviewText]) + "…"
	}
	return s
}

// example is the entry with which README-VERIFY.md shows how a leaf is hashed.
type example struct {
	Seq    int64
	File   string // that has the record
	record []byte
	leaf   ledger.Hash
}

// Lines are the record's, without line feeds.
func (e *example) Lines() []string {
	return strings.Split(strings.TrimSuffix(string(e.record), "\n"), "\n")
}

func (e *example) Hex() string    { return hex.EncodeToString(e.leaf[:]) }
func (e *example) Base64() string { return base64.StdEncoding.EncodeToString(e.leaf[:]) }

// page is what both templates see.
type page struct {
	*facts
	Framework, Period, Frozen, Fingerprint, Root string
	Origin, Status                               string
	Requester                                    string
	Shown                                        int64
	Rows                                         []pageRow
	Undetermined                                 int64
	Categories                                   []pageCategory
	Example                                      *example
	Limits                                       []string
	SealName                                     string
	Manifest, TagManifest, Packed, Seal, Index   string
	Verifier                                     string
	KeyFile                                      string
}

// pageRow is a line of the population table.
type pageRow struct {
	Category                      audit.Category
	Total, Shown, Period, Request int64
	Repository, Other             int64
	Missing                       bool
	Percent                       string // of the range's entries, of which this category has
}

type pageCategory struct {
	Category audit.Category
	*Part
	Previews []preview
	Query    string
	File     string // relative to data/
}

func (f *facts) newPage() (*page, error) {
	fingerprint, err := ledger.KeyFingerprint(f.VerifierKey)
	if err != nil {
		return nil, err
	}
	p := &page{
		facts: f, Framework: strings.ReplaceAll(string(f.Request.Framework), "_", " "),
		Period: f.Request.AuditPeriod.From + " to " + f.Request.AuditPeriod.To,
		Frozen: humanTime(f.FrozenAt), Fingerprint: fingerprint, Root: base64.StdEncoding.EncodeToString(f.checkpoint.Root[:]),
		Origin: f.origin(), Status: f.status(), Requester: firstText(f.RequestedBy, "name", "id"),
		Undetermined: f.skeleton.Tally.reason(Undetermined), Example: f.example, Limits: limits(f.frame),
		SealName: SealName(f.origin()),
		Manifest: nameManifest, TagManifest: nameTagManifest, Packed: namePacked, Seal: nameSeal, Index: nameIndex, KeyFile: nameKey,
		Verifier: nameVerifier,
	}
	t := f.skeleton.Tally
	for _, c := range audit.Categories {
		r := pageRow{
			Category: c, Total: t.of(c), Shown: t.of(c, Exported), Period: t.of(c, OutsidePeriod), Request: t.of(c, NotIncluded),
			Repository: t.of(c, OtherRepository), Other: t.of(c, Undetermined), Percent: percent(t.of(c), t.Total),
		}
		for _, m := range f.missing() {
			r.Missing = r.Missing || m == c
		}
		if r.Missing {
			r.Other, r.Shown = r.Other+r.Shown, 0
		}
		p.Rows = append(p.Rows, r)
		p.Shown += r.Shown
	}
	p.Rows = append(p.Rows, pageRow{Category: noCategory, Total: t.of(""), Other: t.of(""), Percent: percent(t.of(""), t.Total)})
	for _, c := range f.present() {
		p.Categories = append(p.Categories, pageCategory{c, f.parts[c], f.previews[c], f.query(c), "categories/" + string(c) + "/"})
	}
	return p, nil
}

// What the templates ask of a page beside its fields.
func (p *page) Skeleton() *Tally      { return p.skeleton.Tally }
func (p *page) TreeSize() int64       { return p.checkpoint.Size }
func (p *page) Last() int64           { return p.End - 1 }
func (p *page) Failures() []string    { return p.failures }
func (p *page) Silences() []Silence   { return p.skeleton.Tally.Silences }
func (p *page) Sequence() string      { return p.gaps().Sequence }
func (p *page) FormatVersion() string { return p.version }
func (p *page) Controls() *Controls   { return p.controls }
func (p *page) Label() string         { return singleLine(p.Organisation) }
func (p *page) Anchored() bool        { return p.anchored != nil }
func (p *page) Through() int64        { return p.anchored.Through() }
func (p *page) Places() []AnchorPlace {
	return p.anchored.Places
}

// Tokens are the files of time-stamp tokens.
func (p *page) Tokens() (names []string) {
	for i, at := range p.anchored.Places {
		if at.Token != nil {
			names = append(names, tokenName(i))
		}
	}
	return names
}

func (c pageCategory) More() int64 { return c.Stats.Entries - int64(len(c.Previews)) }

// ExpectedCompleteness is the verdict that the verifier will reach.
func (p *page) ExpectedCompleteness() Status {
	if len(p.failures) > 0 || p.Undetermined > 0 || p.First == p.End {
		return CannotTell
	}
	return OK
}

func (f *facts) index() ([]byte, error)  { return f.render(indexTemplate) }
func (f *facts) readme() ([]byte, error) { return f.render(readmeTemplate) }

func (f *facts) render(t interface {
	Execute(w io.Writer, data any) error
}) ([]byte, error) {
	p, err := f.newPage()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	return b.Bytes(), nil
}

// limits are what a package cannot show. The report prints them too.
func limits(f *frame) []string {
	out := []string{
		"that every event was reported to the ledger in the first place",
		"that an actor named in an entry is the person who acted, or that an emitter's clock was right",
		"that the controls are adequate: the entries are facts, their assessment is yours",
		oneHistory(f),
	}
	if f != nil && f.First > 0 {
		out = append(out, fmt.Sprintf("what the entries 0 to %d say: they are in the tree, and all of them were recorded before the period could begin", f.First-1))
	}
	if f != nil && f.FrozenAt.Before(f.period.Until) {
		out = append(out, "what happened after "+formatTime(f.FrozenAt)+": the package was frozen before its period ended")
	}
	return out
}

// oneHistory says how far others than the operator vouch for the history.
func oneHistory(f *frame) string {
	const compare = "so compare it with a receipt or checkpoint that you hold"
	if f == nil || f.anchored == nil {
		return "that the operator kept one history only: the checkpoint is signed by the operator and not anchored outside, " + compare
	}
	a := f.anchored
	if a.Through() >= f.End-1 {
		return "that the operator kept one history only, unless you trust those that saw its checkpoint: " + a.places()
	}
	return fmt.Sprintf("that the operator kept one history only: through entry %d others saw a checkpoint (%s); what comes after is signed by the operator alone, %s", a.Through(), a.places(), compare)
}

func percent(n, total int64) string {
	if total == 0 {
		return "0"
	}
	return strconv.FormatFloat(math.Round(float64(n)*1000/float64(total))/10, 'f', -1, 64)
}

// groupDigits writes 1234567 as 1,234,567.
func groupDigits(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func humanTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func humanDuration(seconds int64) string {
	d := time.Duration(seconds) * time.Second
	if d >= 48*time.Hour {
		return fmt.Sprintf("%d days %d h", int64(d/(24*time.Hour)), int64(d%(24*time.Hour)/time.Hour))
	}
	return d.String()
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
