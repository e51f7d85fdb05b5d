package evidence_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

// expect compares a report's verdicts.
func expect(t *testing.T, r *evidence.Report, integrity, completeness, authenticity evidence.Status, exit int, says ...string) {
	t.Helper()
	if r.Integrity != integrity || r.Completeness != completeness || r.Authenticity != authenticity || r.Exit() != exit {
		t.Errorf("got %s, %s, %s, exit %d", r.Integrity, r.Completeness, r.Authenticity, r.Exit())
	}
	text := reportText(t, r)
	for _, s := range says {
		if !strings.Contains(text, s) {
			t.Errorf("the report does not say %q", s)
		}
	}
	if t.Failed() {
		t.Log("\n" + text)
	}
}

func TestKeys(t *testing.T) {
	data, key := smallPackage(t)
	fingerprint, err := ledger.KeyFingerprint(key)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ledger.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	OK, Failed := evidence.OK, evidence.Failed
	expect(t, verify(t, data), OK, OK, evidence.Unpinned, 0, fingerprint, "VERIFIED", "authenticity  unpinned")
	expect(t, verify(t, data, key), OK, OK, OK, 0)
	expect(t, verify(t, data, fingerprint), OK, OK, OK, 0)
	expect(t, verify(t, data, other.Fingerprint(), " "+fingerprint+"\n"), OK, OK, OK, 0)
	expect(t, verify(t, data, other.Fingerprint()), OK, OK, Failed, 1, "none of the trusted keys", "FAILED")
	expect(t, verify(t, data, other.VerifierKey(testOrigin)), OK, OK, Failed, 1)
	expect(t, verify(t, data, mustKey(t).VerifierKey("ledger.example/t/other")), OK, OK, Failed, 1) // the same key, another ledger
	expect(t, verify(t, data, "nonsense"), OK, OK, Failed, 1)

	for key, ok := range map[string]bool{key: true, fingerprint: true, "": false, "SHA256:": false, "SHA256:AAAA": false, "a+b+c": false, fingerprint + "=": false} {
		if err := evidence.CheckKey(key); (err == nil) != ok {
			t.Errorf("CheckKey(%q): %v", key, err)
		}
	}
}

// TestForgedLedger is a whole ledger made by someone else under the same name:
// only a pinned key, or a checkpoint from elsewhere, tells.
func TestForgedLedger(t *testing.T) {
	real := newBook(t).fill(60)
	forged := newBook(t)
	key, err := ledger.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	forged.key, forged.genesis.Key = key, key.VerifierKey(testOrigin)
	forged.fill(60)
	data := forged.build(forged.scope(allCategories(audit.FormatZIP), 0))
	expect(t, verify(t, data), evidence.OK, evidence.OK, evidence.Unpinned, 0, key.Fingerprint())
	expect(t, verify(t, data, real.genesis.Key), evidence.OK, evidence.OK, evidence.Failed, 1)
}

// TestKnownCheckpoints compares a package with checkpoints that an auditor has
// kept: of the same history, of a rewritten one, and newer than the package.
func TestKnownCheckpoints(t *testing.T) {
	checkpoint := func(b *book) ledger.Checkpoint {
		c, err := ledger.OpenCheckpoint(b.scope(allCategories(audit.FormatZIP), 0).Checkpoint, b.genesis.Key)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	early := checkpoint(newBook(t).fill(33))
	b := newBook(t).fill(60)
	same := checkpoint(b)
	data := b.build(b.scope(allCategories(audit.FormatZIP), 0))
	fromTwenty := allCategories(audit.FormatZIP)
	fromTwenty.AuditPeriod.From = "2026-01-03"
	late := b.build(b.scope(fromTwenty, 20))
	newer := checkpoint(newBook(t).fill(61))

	rewritten := newBook(t).fill(20)
	rewritten.add(time.Minute, event(99, rewritten.at)) // what entry 20 was, before it was changed
	rewritten.fill(12)

	known := func(data []byte, c ...ledger.Checkpoint) *evidence.Report {
		return evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.VerifyOptions{Keys: []string{b.genesis.Key}, Known: c})
	}
	OK := evidence.OK
	expect(t, known(data, early, same), OK, OK, OK, 0)
	expect(t, known(late, early, same), OK, OK, OK, 0)
	expect(t, known(data, checkpoint(rewritten)), evidence.Failed, evidence.CannotTell, OK, 1, "the ledger's history was rewritten")
	expect(t, known(late, checkpoint(rewritten)), evidence.Failed, evidence.CannotTell, OK, 1, "the ledger's history was rewritten")
	expect(t, known(data, newer), OK, evidence.CannotTell, OK, 2, "covers 61 entries")
	expect(t, known(late, checkpoint(newBook(t).fill(10))), OK, OK, OK, 0, "lies before the range")
}

// TestBrokenChain verifies ledgers whose tree and signatures are right, but
// whose records contradict each other.
func TestBrokenChain(t *testing.T) {
	for name, tt := range map[string]struct {
		seq    int
		change func(*ledger.Record)
		says   string
	}{
		"another predecessor, of an entry that is not shown": {5, func(r *ledger.Record) { r.Prev[0] ^= 1 }, "skeleton.jsonl, audit_entry_20260101_000005: the record names"},
		"another predecessor, of an entry that is shown":     {36, func(r *ledger.Record) { r.Prev[0] ^= 1 }, "access_logs/entries.jsonl, line 5, audit_entry_20260102_000036: the record names"},
		"a time before the entry in front":                   {37, func(r *ledger.Record) { r.RecordedAt = r.RecordedAt.Add(-2 * time.Hour) }, "audit_entry_20260102_000037: it was recorded at"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBook(t).fill(60)
			b.rewrite(tt.seq, tt.change)
			expect(t, verify(t, b.build(b.scope(allCategories(audit.FormatZIP), 0)), b.genesis.Key), evidence.Failed, evidence.CannotTell, evidence.OK, 1, tt.says)
		})
	}
}

// TestSealedSpelling verifies an entry whose hashes all fit a value that is not
// in canonical form, so that readers could differ about it.
func TestSealedSpelling(t *testing.T) {
	b := newBook(t).fill(60)
	const seq = 36
	b.rewrite(seq, func(r *ledger.Record) {
		fields := b.rows[seq].Fields
		for i := range fields {
			if fields[i].Path == "/description" {
				fields[i].Value = append([]byte(" "), fields[i].Value...)
			}
		}
		r.PayloadRoot = ledger.PayloadRoot(fields)
	})
	r := verify(t, b.build(b.scope(allCategories(audit.FormatZIP), 0)), b.genesis.Key)
	expect(t, r, evidence.Failed, evidence.CannotTell, evidence.OK, 1, "audit_entry_20260102_000036: entry 36: field /description: the value is not in canonical form")
}

// TestRange builds packages that start later than the ledger.
func TestRange(t *testing.T) {
	b := newBook(t).fill(100)
	request := allCategories(audit.FormatZIP)
	request.AuditPeriod = audit.AuditPeriod{From: "2026-01-04", To: "2026-01-04"}
	bound := evidence.RangeBound(request.Period())
	first := int64(0)
	for _, row := range b.rows {
		if rec, err := row.Check(); err != nil {
			t.Fatal(err)
		} else if rec.RecordedAt.Before(bound) {
			first = rec.Seq
		}
	}
	if first == 0 {
		t.Fatal("the book is too short")
	}
	whole := verify(t, b.build(b.scope(request, 0)), b.genesis.Key)
	expect(t, whole, evidence.OK, evidence.OK, evidence.OK, 0)
	for _, f := range []int64{1, 2, 3, 31, 32, 33, first - 1, first} {
		r := verify(t, b.build(b.scope(request, f)), b.genesis.Key)
		expect(t, r, evidence.OK, evidence.OK, evidence.OK, 0)
		if !sameJSON(t, r.Counts.Shown, whole.Counts.Shown) {
			t.Errorf("from %d on, other entries are shown: %v, not %v", f, r.Counts.Shown, whole.Counts.Shown)
		}
	}
	// One later, and entries of the period could be missing.
	r := verify(t, b.build(b.scope(request, first+1)), b.genesis.Key)
	expect(t, r, evidence.OK, evidence.Failed, evidence.OK, 1, "the range must start at entry 0")
}

// TestEventFromTheFuture breaks the rule on which a late start rests.
func TestEventFromTheFuture(t *testing.T) {
	b := newBook(t).fill(50)
	ahead := audit.Instant(b.at.Add(2 * time.Hour))
	e := event(0, b.at)
	e.Timestamp = &ahead
	b.add(time.Minute, e)
	request := allCategories(audit.FormatZIP)
	request.AuditPeriod.From = "2026-01-03"
	expect(t, verify(t, b.build(b.scope(request, 0)), b.genesis.Key), evidence.OK, evidence.OK, evidence.OK, 0)
	expect(t, verify(t, b.build(b.scope(request, 10)), b.genesis.Key), evidence.OK, evidence.CannotTell, evidence.OK, 2, "could stand before the range")
}

// TestNothing is never green.
func TestNothing(t *testing.T) {
	b := newBook(t)
	expect(t, verify(t, b.build(b.scope(allCategories(audit.FormatZIP), 0)), b.genesis.Key), evidence.OK, evidence.CannotTell, evidence.OK, 2, "the range is empty")

	// But that nothing matches can be proven.
	b.fill(20)
	request := allCategories(audit.FormatZIP)
	request.AuditPeriod = audit.AuditPeriod{From: "2030-01-01", To: "2030-12-31"}
	expect(t, verify(t, b.build(b.scope(request, 0)), b.genesis.Key), evidence.OK, evidence.OK, evidence.OK, 0, "No entry of the range matches the request", "20  not selected")
}

// TestPartial says what is missing and proves the rest.
func TestPartial(t *testing.T) {
	b := newBook(t).fill(60)
	s := b.scope(allCategories(audit.FormatZIP), 0)
	m := b.material(s, audit.FixRecords, audit.ComplianceReports)
	var out bytes.Buffer
	summary, err := evidence.Build(&out, m)
	if err != nil {
		t.Fatal(err)
	}
	if summary.Status != "partial" {
		t.Errorf("status %s", summary.Status)
	}
	r := verify(t, out.Bytes(), b.genesis.Key)
	expect(t, r, evidence.OK, evidence.CannotTell, evidence.OK, 2, "the package is partial: fix_records: the collector gave up", "not collected")
	if r.Package.Status != "partial" || r.Counts.NotCollected != 7 {
		t.Errorf("status %s, %d entries not collected", r.Package.Status, r.Counts.NotCollected)
	}
	_, files := unzip(t, out.Bytes())
	if !bytes.Contains(files["bag-info.txt"], []byte("X-Status: partial\n")) || !bytes.Contains(files["data/index.html"], []byte("This package is partial")) {
		t.Error("bag-info.txt or index.html does not say that the package is partial")
	}
	m.Failures = nil
	if _, err := evidence.Build(io.Discard, m); err == nil {
		t.Error("a package without two categories is built, and no failure says why")
	}
}

// TestErased withholds fields in the ledger. Where the request's filter does
// not need them, everything is still proven.
func TestErased(t *testing.T) {
	request := allCategories(audit.FormatZIP)
	t.Run("personal data", func(t *testing.T) {
		b := newBook(t).fill(60)
		b.erase(24, "/actor/email")
		b.erase(25, "/description")
		r := verify(t, b.build(b.scope(request, 0)), b.genesis.Key)
		expect(t, r, evidence.OK, evidence.OK, evidence.OK, 0, "have erased fields")
		if r.Counts.Withheld != 2 && r.Counts.Withheld != 1 { // one of them may not be selected
			t.Errorf("%d entries with erased fields", r.Counts.Withheld)
		}
	})
	t.Run("what the request tests", func(t *testing.T) {
		b := newBook(t).fill(60)
		b.erase(24, "/class")
		r := verify(t, b.build(b.scope(request, 0)), b.genesis.Key)
		expect(t, r, evidence.OK, evidence.CannotTell, evidence.OK, 2, "audit_entry_20260102_000024: the fields that the request tests were erased", "1  undetermined")
	})
	t.Run("what this request does not need", func(t *testing.T) {
		b := newBook(t).fill(60)
		b.erase(24, "/repository") // no repositories are named
		b.erase(28, "/class")      // a scan is one by its type
		expect(t, verify(t, b.build(b.scope(request, 0)), b.genesis.Key), evidence.OK, evidence.OK, evidence.OK, 0)
		r := request
		r.RepositoryIDs = []string{"repo-1"}
		b.erase(22, "/timestamp")
		expect(t, verify(t, b.build(b.scope(r, 0)), b.genesis.Key), evidence.OK, evidence.CannotTell, evidence.OK, 2)
	})
}

// TestRepositories narrows a request.
func TestRepositories(t *testing.T) {
	b := newBook(t).fill(60)
	request := allCategories(audit.FormatZIP)
	request.RepositoryIDs = []string{"repo-2"}
	r := verify(t, b.build(b.scope(request, 0)), b.genesis.Key)
	expect(t, r, evidence.OK, evidence.OK, evidence.OK, 0)
	if n := r.Counts.Shown[audit.AccessLogs]; n == 0 || n >= 10 {
		t.Errorf("%d access logs", n)
	}
}

// TestColumnsLie builds from a category that misses an entry, as a changed
// searchable column would make it.
func TestColumnsLie(t *testing.T) {
	b := newBook(t).fill(60)
	s := b.scope(allCategories(audit.FormatZIP), 0)
	store := chunks{}
	m := b.material(s)
	c, err := evidence.NewCollector(s, string(audit.AccessLogs), nil, store.create)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range b.selected(s, string(audit.AccessLogs))[1:] {
		if err := c.Add(row); err != nil {
			t.Fatal(err)
		}
	}
	p, err := c.Close()
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Parts {
		if m.Parts[i].Name == p.Name {
			m.Parts[i] = p
		}
	}
	if _, err := evidence.Build(io.Discard, m); audit.CodeOf(err) != audit.Tampered || !strings.Contains(err.Error(), "9 entries were found by their columns, 10 by their hashed bytes") {
		t.Errorf("got %v", err)
	}
}

// TestUnreadable is not the package's fault.
func TestUnreadable(t *testing.T) {
	data, _ := smallPackage(t)
	rapid.Check(t, func(t *rapid.T) {
		r := &flaky{data: data, left: rapid.IntRange(0, 60).Draw(t, "reads")}
		report := evidence.Verify(r, int64(len(data)), evidence.VerifyOptions{})
		want := 2
		if r.left >= 0 {
			want = 0
		}
		if report.Exit() != want {
			t.Fatalf("exit %d, not %d: %v", report.Exit(), want, report.Findings)
		}
	})
}

type flaky struct {
	data []byte
	left int
}

func (f *flaky) ReadAt(b []byte, at int64) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errors.New("the network is down")
	}
	return bytes.NewReader(f.data).ReadAt(b, at)
}

func TestVersion(t *testing.T) {
	b := newBook(t).fill(20)
	s := b.scope(allCategories(audit.FormatZIP), 0)
	folder, files := unzip(t, b.build(s))
	f := &forged{book: b, scope: s, folder: folder, files: files}
	f.insider()
	f.edit("bag-info.txt", "Sealbook-Package-Version: 1", "Sealbook-Package-Version: 2")
	expect(t, verify(t, f.pack()), evidence.CannotTell, evidence.CannotTell, evidence.CannotTell, 2, "this program knows 1")

	// A newer page is believed only as far as the other files go.
	folder, files = unzip(t, b.build(s))
	f = &forged{book: b, scope: s, folder: folder, files: files}
	f.insider()
	f.edit("bag-info.txt", "Sealbook-Page-Version: 3", "Sealbook-Page-Version: 9")
	f.edit("data/index.html", "Population", "POPULATION")
	expect(t, verify(t, f.pack()), evidence.OK, evidence.OK, evidence.Unpinned, 0, "data/index.html was written in a form that this program cannot make again")
}

func TestReport(t *testing.T) {
	data, key := smallPackage(t)
	var told []int64
	r := evidence.Verify(bytes.NewReader(data), int64(len(data)), evidence.VerifyOptions{Keys: []string{key}, Progress: func(done, total int64) { told = append(told, done, total) }})
	if n := len(told); n < 2 || told[n-1] != told[n-2] || told[n-1] == 0 {
		t.Errorf("progress: %v", told)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"integrity":"ok"`, `"completeness":"ok"`, `"authenticity":"ok"`, `"findings":[]`, `"export_id":"exp_01TEST"`, `"assurance":"signed, not anchored outside`, `"not_proven":[`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the JSON form does not hold %s: %s", want, text)
		}
	}

	// What a hostile package says cannot steer a terminal.
	b := newBook(t).fill(20)
	s := b.scope(allCategories(audit.FormatZIP), 0)
	s.Organisation, s.Software = "Evil\x1b[2J\u202e\r\ncompleteness  ok", "x\x07"
	if text := reportText(t, verify(t, b.build(s))); strings.ContainsAny(text, "\x1b\x07\r\u202e") {
		t.Errorf("the report holds control characters: %q", text)
	}
}
