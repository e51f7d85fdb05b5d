package evidence_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

// testKey is for tests only, so that packages have the same bytes every time.
const testKey = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----
`

const testOrigin = "ledger.example/t/acme"

func mustKey(tb testing.TB) *ledger.SigningKey {
	tb.Helper()
	key, err := ledger.ParseSigningKey([]byte(testKey))
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// book is a ledger in memory, made with the functions that the real one uses.
type book struct {
	tb      testing.TB
	origin  string
	key     *ledger.SigningKey
	genesis ledger.Genesis
	rows    []ledger.Row
	tree    *ledger.Tree
	edges   map[int64][]ledger.Hash // by size: the left sides of range proofs
	at      time.Time               // of the newest record
	forget  bool                    // keep the newest row only
}

var bookStart = time.Date(2026, 1, 1, 8, 0, 0, 123456000, time.UTC)

func newBook(tb testing.TB) *book { return newBookOf(tb, testOrigin) }

func newBookOf(tb testing.TB, origin string) *book {
	b := &book{tb: tb, origin: origin, key: mustKey(tb), at: bookStart, edges: map[int64][]ledger.Hash{}}
	b.genesis = ledger.Genesis{Origin: origin, Key: b.key.VerifierKey(origin), CreatedAt: bookStart.Add(-time.Hour)}
	b.tree, _ = ledger.NewTree(0, nil)
	return b
}

// add appends an event after a pause.
func (b *book) add(pause time.Duration, e audit.Event) *ledger.Row {
	b.tb.Helper()
	seq := b.tree.Size()
	prev := b.genesis.Hash()
	if seq > 0 {
		prev = b.rows[len(b.rows)-1].Leaf
	}
	if b.forget {
		b.rows = b.rows[:0]
		b.tree.Trim()
	} else {
		b.edges[seq] = b.tree.Edge()
	}
	payload, err := json.Marshal(e)
	if err != nil {
		b.tb.Fatal(err)
	}
	if payload, err = ledger.Canonical(payload); err != nil {
		b.tb.Fatal(err)
	}
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("seed"), uint64(seq)))
	fields, err := ledger.Split(payload, seed[:], ledger.PersonalPaths)
	if err != nil {
		b.tb.Fatal(err)
	}
	b.at = b.at.Add(pause)
	var id ulid.ULID
	id.SetTime(ulid.Timestamp(b.at))
	copy(id[6:], seed[:])
	rec := ledger.Record{Origin: b.origin, Seq: seq, Prev: prev, RecordedAt: b.at, EventType: e.Type, EventID: id, PayloadRoot: ledger.PayloadRoot(fields)}
	row := ledger.Row{Seq: seq, Record: rec.Encode(), Fields: fields}
	row.Leaf = ledger.LeafHash(row.Record)
	if err := b.tree.Append(row.Leaf); err != nil {
		b.tb.Fatal(err)
	}
	b.rows = append(b.rows, row)
	return &b.rows[len(b.rows)-1]
}

// erase forgets a field's value and salt, as a redactor does.
func (b *book) erase(seq int, path string) {
	b.rows[seq].Fields = ledger.Withhold(b.rows[seq].Fields, func(p string) bool { return p != path })
}

// rewrite changes one record and makes everything after it fit again, as
// someone does who writes a ledger of his own under its key.
func (b *book) rewrite(seq int, change func(*ledger.Record)) {
	b.tb.Helper()
	tree, _ := ledger.NewTree(0, nil)
	for i := range b.rows {
		rec, err := ledger.ParseRecord(b.rows[i].Record)
		if err != nil {
			b.tb.Fatal(err)
		}
		if i > 0 {
			rec.Prev = b.rows[i-1].Leaf
		}
		if i == seq {
			change(&rec)
		}
		b.rows[i].Record = rec.Encode()
		b.rows[i].Leaf = ledger.LeafHash(b.rows[i].Record)
		if err := tree.Append(b.rows[i].Leaf); err != nil {
			b.tb.Fatal(err)
		}
	}
	b.tree = tree
}

var kinds = []string{
	"login", "access.granted", "scan.completed", "issue.created", "issue.resolved", "fix.applied", "config.changed",
	"audit.evidence_export_requested", "system_event", "report.generated", "logout", "security_event", "data_change",
}

// event is the n-th of a varied sequence.
func event(n int, at time.Time) audit.Event {
	e := audit.Event{Type: kinds[n%len(kinds)], Severity: audit.Severities[n%4], Description: fmt.Sprintf("Event %d, which is \"quoted\"; and more", n)}
	e.Class = audit.ClassOf(e.Type)
	if t, ok := audit.BuiltinEventTypes[e.Type]; ok {
		e.Class = t.Class
	}
	e.Actor = audit.Object{"type": "user", "id": fmt.Sprintf("u-%d", n%7), "name": "Ada Ünsal", "email": "ada@example.org"}
	e.Resource = audit.Object{"type": "repository", "id": fmt.Sprint(n % 5)}
	switch n % 3 {
	case 0:
		e.Repository = audit.Object{"id": "repo-1", "name": "core"}
	case 1:
		e.Repository = audit.Object{"id": "repo-2"}
	}
	switch n % 4 {
	case 1:
		happened := audit.Instant(at.Add(-36 * time.Hour))
		e.Timestamp = &happened
	case 2:
		happened := audit.Instant(at.Add(time.Minute))
		e.Timestamp = &happened
	}
	switch n % 5 {
	case 2:
		e.Description = "=HYPERLINK(\"http://evil.example\",\"<script>alert(1)</script>\")\nsecond line"
	case 3:
		e.Details = audit.Object{"count": json.Number("-5"), "ratio": json.Number("0.25"), "list": []any{"a;b", nil, true}}
	}
	return e
}

// fill appends n varied events, an hour apart.
func (b *book) fill(n int) *book {
	for range n {
		pause := time.Hour
		b.add(pause, event(int(b.tree.Size()), b.at.Add(pause)))
	}
	return b
}

// all gives the rows of a book of n events, making each only when it is asked
// for.
func all(tb testing.TB, n int) iter.Seq[ledger.Row] {
	return func(yield func(ledger.Row) bool) {
		b := newBook(tb)
		b.forget = true
		for range n {
			if b.fill(1); !yield(b.rows[0]) {
				return
			}
		}
	}
}

func allCategories(format audit.Format) audit.ExportRequest {
	return audit.ExportRequest{
		Format: format, Framework: audit.SOC2, AuditPeriod: audit.AuditPeriod{From: "2026-01-02", To: "2026-01-31"},
		Include: append([]audit.Category{}, audit.Categories...),
	}
}

// scope freezes the book as it is, from entry first on.
func (b *book) scope(request audit.ExportRequest, first int64) evidence.Scope {
	b.tb.Helper()
	checkpoint, size := b.checkpoint(), b.tree.Size()
	return evidence.Scope{
		ExportID: "exp_01TEST", Organisation: "Acme <Robotics> GmbH", Request: request,
		RequestedBy: audit.Object{"key_id": "key_1", "name": "audit desk"},
		Genesis:     b.genesis.Encode(), VerifierKey: b.genesis.Key, Checkpoint: checkpoint,
		First: first, End: size, Left: b.edges[first], FrozenAt: b.at.Add(1234567 * time.Microsecond), Software: "sealbook test",
	}
}

// checkpoint signs the book as it is.
func (b *book) checkpoint() []byte {
	b.tb.Helper()
	root, err := b.tree.Root()
	if err != nil {
		b.tb.Fatal(err)
	}
	signed, err := b.key.Sign(ledger.Checkpoint{Origin: b.origin, Size: b.tree.Size(), Root: root})
	if err != nil {
		b.tb.Fatal(err)
	}
	return signed
}

// chunks is an object store in memory.
type chunks map[string][]byte

type chunk struct {
	bytes.Buffer
	store chunks
	name  string
}

func (c *chunk) Close() error {
	c.store[c.name] = bytes.Clone(c.Bytes())
	return nil
}

func (c chunks) create(name string) (io.WriteCloser, error) { return &chunk{store: c, name: name}, nil }

func (c chunks) open(name string) (io.ReadCloser, error) {
	content, ok := c[name]
	if !ok {
		return nil, fmt.Errorf("no object %s", name)
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// selected gives the rows that the request selects in a category, as the
// searchable columns of a database would.
func (b *book) selected(s evidence.Scope, part string) []ledger.Row {
	return slices.Collect(selected(s, part, slices.Values(b.rows[s.First:s.End])))
}

func selected(s evidence.Scope, part string, rows iter.Seq[ledger.Row]) iter.Seq[ledger.Row] {
	if part == evidence.Skeleton {
		return rows
	}
	return func(yield func(ledger.Row) bool) {
		for row := range rows {
			e, err := row.Entry()
			if err != nil {
				continue // a collector will say what is wrong with it
			}
			if c, ok := s.Request.Selects(e.Selectable()); ok && string(c) == part && !yield(row) {
				return
			}
		}
	}
}

func (b *book) collect(s evidence.Scope, part string, into chunks) evidence.Part {
	b.tb.Helper()
	c, err := evidence.NewCollector(s, part, nil, into.create)
	if err != nil {
		b.tb.Fatal(err)
	}
	c.SetChunk(7)
	for _, row := range b.selected(s, part) {
		if err := c.Add(row); err != nil {
			b.tb.Fatal(err)
		}
	}
	p, err := c.Close()
	if err != nil {
		b.tb.Fatal(err)
	}
	return p
}

// material collects everything that a package needs, except the parts named.
func (b *book) material(s evidence.Scope, without ...audit.Category) evidence.Material {
	b.tb.Helper()
	store := chunks{}
	m := evidence.Material{Scope: s, Open: store.open, Sign: b.seal, Controls: b.controls(s)}
	for _, c := range without {
		m.Failures = append(m.Failures, fmt.Sprintf("%s: the collector gave up", c))
	}
	for _, c := range s.Request.Include {
		if !slices.Contains(without, c) {
			m.Parts = append(m.Parts, b.collect(s, string(c), store))
		}
	}
	m.Parts = append(m.Parts, b.collect(s, evidence.Skeleton, store))
	return m
}

// controls is an assessment of the package's period, which read all but the last
// entry and takes each fifth for an exception.
func (b *book) controls(s evidence.Scope) *evidence.Controls {
	b.tb.Helper()
	c := &evidence.Controls{Framework: s.Request.Framework}
	end := s.End - 1
	if end <= s.First || int64(len(b.rows)) != s.End {
		c.Reason = "No assessment of this framework and period is stored."
		return c
	}
	tree, _ := ledger.NewTree(0, nil)
	exceptions := []evidence.ControlException{{From: "2026-01-03T00:00:00.000000Z", Until: "2026-01-04T00:00:00.000000Z", Why: "there is none in this interval"}}
	for _, row := range b.rows[:end] {
		if err := tree.Append(row.Leaf); err != nil {
			b.tb.Fatal(err)
		}
		if rec, err := ledger.ParseRecord(row.Record); err == nil && row.Seq >= s.First && row.Seq%5 == 0 {
			exceptions = append(exceptions, evidence.ControlException{EntryID: audit.EntryID(rec.Seq, rec.RecordedAt), Seq: &row.Seq, Why: "it does not pass"})
		}
	}
	root, err := tree.Root()
	if err != nil {
		b.tb.Fatal(err)
	}
	p, score, digest := s.Request.Period(), 66.7, "sha256:"+strings.Repeat("0a", 32)
	c.Assessment = &evidence.ControlAssessment{
		ID: "assess_01test", CompletedAt: evidence.FormatControlTime(b.at), Result: digest, From: evidence.FormatControlTime(p.From), Until: evidence.FormatControlTime(p.Until),
		End: end, Root: root, Hash: digest, Edition: "Trust <Services> Criteria", CatalogVersion: 3, CatalogDigest: digest, Entries: end, Status: "non_compliant",
		Score: &score, Floor: 50, Coverage: 75, Counts: evidence.ControlCounts{Total: 3, Compliant: 1, NonCompliant: 1, NotAssessed: 1}, NotInLedger: []string{"CC1.1"},
		Requirements: []evidence.ControlResult{
			{Requirement: "CC2.1", Criterion: "CC2.1", Title: "Information is good & \u2028 known", Severity: audit.SeverityHigh, Verdict: "compliant",
				Checks: []evidence.ControlCheck{{Check: "who-did-what", Kind: "ratio", Verdict: "compliant", Population: 7, Passed: 7, Exceptions: []evidence.ControlException{}}}},
			{Requirement: "CC4.2", Criterion: "CC4.2", Title: "Deficiencies are fixed", Severity: audit.SeverityCritical, Verdict: "non_compliant", Checks: []evidence.ControlCheck{
				{Check: "fixed", Kind: "sla", Verdict: "non_compliant", Population: int64(len(exceptions)), Failed: int64(len(exceptions)), Pending: 2, RuleErrors: 1, Exceptions: exceptions},
				{Check: "told", Kind: "attestation", Verdict: "not_assessed", Reason: "nobody attested to it", Exceptions: []evidence.ControlException{}},
			}},
			{Requirement: "CC9.2", Criterion: "CC9.2", Title: "Access of vendors is bounded", Severity: audit.SeverityLow, Verdict: "not_assessed", Checks: []evidence.ControlCheck{}},
		},
	}
	return c
}

func (b *book) seal(text string) ([]byte, error) {
	return b.key.SignNote(evidence.SealName(testOrigin), text)
}

func (b *book) build(s evidence.Scope) []byte {
	b.tb.Helper()
	var out bytes.Buffer
	if _, err := evidence.Build(&out, b.material(s)); err != nil {
		b.tb.Fatal(err)
	}
	return out.Bytes()
}

func reportText(tb testing.TB, r *evidence.Report) string {
	tb.Helper()
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// unzip reads a package with the standard library's reader.
func unzip(tb testing.TB, data []byte) (folder string, files map[string][]byte) {
	tb.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		tb.Fatal(err)
	}
	files = map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			tb.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			tb.Fatal(err)
		}
		var name string
		folder, name, _ = strings.Cut(f.Name, "/")
		files[name] = content
	}
	return folder, files
}
