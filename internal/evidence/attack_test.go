package evidence_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

// expected is what a report must say of an attack.
type expected struct {
	verdict evidence.Verdict
	status  evidence.Status
	says    string // part of a finding of that verdict
	file    string // of that finding, if not ""
	seq     int64  // of that finding, if not 0
}

var attacks = map[string]func(f *forged) expected{
	"a changed value, with all lists made again": func(f *forged) expected {
		f.edit(accessEntries, "Ada Ünsal", "Eve Ünsal")
		return expected{evidence.Integrity, evidence.Failed, "the payload's fields hash to", accessEntries, f.seqOf(f.lines(accessEntries)[0])}
	},
	"lists made again without the key": func(f *forged) expected {
		f.edit("README-VERIFY.md", "ok", "OK")
		return expected{evidence.Authenticity, evidence.Failed, "does not sign this tagmanifest", "tagmanifest-sha256.txt.sig", 0}
	},
	"signed by another key": func(f *forged) expected {
		other, err := ledger.GenerateSigningKey()
		if err != nil {
			f.tb.Fatal(err)
		}
		f.seal = func(text string) ([]byte, error) { return other.SignNote(evidence.SealName(testOrigin), text) }
		return expected{evidence.Authenticity, evidence.Failed, "by another key", "tagmanifest-sha256.txt.sig", 0}
	},
	"a signature of chance": func(f *forged) expected {
		f.seal = func(text string) ([]byte, error) {
			note, err := f.book.seal(text)
			if at := &note[len(note)-30]; *at == 'A' { // it stays base64, whatever was signed
				*at = 'B'
			} else {
				*at = 'A'
			}
			return note, err
		}
		return expected{evidence.Authenticity, evidence.Failed, "the signature is wrong", "tagmanifest-sha256.txt.sig", 0}
	},
	"the signature in another spelling": func(f *forged) expected {
		f.seal = func(text string) ([]byte, error) {
			note, err := f.book.seal(text)
			const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
			last := len(note) - len("=\n") - 1 // of its bits, base64 does not use all
			note[last] = alphabet[strings.IndexByte(alphabet, note[last])|1]
			return note, err
		}
		return expected{evidence.Authenticity, evidence.Failed, "malformed", "tagmanifest-sha256.txt.sig", 0}
	},
	"a second signature": func(f *forged) expected {
		f.seal = func(text string) ([]byte, error) {
			note, err := f.book.seal(text)
			return append(note, note[bytes.Index(note, []byte("\n\n"))+2:]...), err
		}
		return expected{evidence.Authenticity, evidence.Failed, "more than one", "tagmanifest-sha256.txt.sig", 0}
	},
	"another key in the package": func(f *forged) expected {
		other, err := ledger.GenerateSigningKey()
		if err != nil {
			f.tb.Fatal(err)
		}
		f.seal = func(text string) ([]byte, error) { return other.SignNote(evidence.SealName(testOrigin), text) }
		f.files["keys/ledger.vkey"] = []byte(other.VerifierKey(testOrigin) + "\n")
		return expected{evidence.Authenticity, evidence.Failed, "founded with another key", "data/ledger/genesis.txt", 0}
	},
	"the seal under a checkpoint": func(f *forged) expected { // a signature must not fit where another belongs
		f.insider()
		note, err := f.book.seal("sealbook-package/v1\nx\ny\nsha256:z\n")
		if err != nil {
			f.tb.Fatal(err)
		}
		_, signature, _ := bytes.Cut(note, []byte("\n\n"))
		body, _, _ := bytes.Cut(f.files["data/ledger/checkpoint.note"], []byte("\n\n"))
		f.files["data/ledger/checkpoint.note"] = slices.Concat(body, []byte("\n\n"), bytes.Replace(signature, []byte("/packages"), nil, 1))
		return expected{evidence.Authenticity, evidence.Failed, "checkpoint signature", "data/ledger/checkpoint.note", 0}
	},
	"a matching entry is left out": func(f *forged) expected {
		f.insider()
		seq := f.drop("access_logs", 2)
		f.hide(seq, isFilter)
		return expected{evidence.Completeness, evidence.Failed, "matches the request and is not shown: it belongs to access_logs", skeletonFile, seq}
	},
	"a matching entry is left out and its class withheld": func(f *forged) expected {
		f.insider()
		seq := f.drop("access_logs", 2)
		f.hide(seq, func(path string) bool { return isFilter(path) && path != "/class" })
		return expected{evidence.Completeness, evidence.Failed, "were erased", skeletonFile, seq}
	},
	"a matching entry is left out and given another class": func(f *forged) expected {
		f.insider()
		seq := f.drop("access_logs", 2)
		f.hide(seq, isFilter)
		lines := f.lines(skeletonFile)
		class := `"value":"` + strings.Split(strings.SplitAfter(lines[seq], `"/class","salt":"`)[1], `"value":"`)[1]
		class = class[:strings.Index(class, `"}`)]
		lines[seq] = strings.Replace(lines[seq], class, `"value":"system_event`, 1)
		f.setLines(skeletonFile, lines)
		return expected{evidence.Integrity, evidence.Failed, "the payload's fields hash to", skeletonFile, seq}
	},
	"a matching entry is left out and its type changed": func(f *forged) expected {
		f.insider()
		seq := f.drop("scan_results", 0)
		f.hide(seq, isFilter)
		lines := f.lines(skeletonFile)
		lines[seq] = strings.Replace(lines[seq], "scan.completed", "nothing.at.all", 1)
		f.setLines(skeletonFile, lines)
		return expected{evidence.Integrity, evidence.Failed, "the stored leaf is", skeletonFile, seq}
	},
	"a matching entry is in no file": func(f *forged) expected {
		f.insider()
		seq := f.drop("access_logs", 3)
		return expected{evidence.Completeness, evidence.Failed, "listed as exported, and no file shows it", skeletonFile, seq}
	},
	"an entry's line is cut out of the skeleton": func(f *forged) expected {
		f.insider()
		f.setLines(skeletonFile, slices.Delete(f.lines(skeletonFile), 5, 6))
		return expected{evidence.Completeness, evidence.Failed, "the entry has no line", skeletonFile, 5}
	},
	"several lines are cut out of the skeleton": func(f *forged) expected {
		f.insider()
		f.setLines(skeletonFile, slices.Delete(f.lines(skeletonFile), 5, 9))
		return expected{evidence.Completeness, evidence.Failed, "the entries 5 to 8 have no line", skeletonFile, 5}
	},
	"the skeleton's tail is cut off": func(f *forged) expected {
		f.insider()
		lines := f.lines(skeletonFile)
		f.setLines(skeletonFile, lines[:len(lines)-1])
		return expected{evidence.Completeness, evidence.Failed, "the entry has no line", skeletonFile, int64(len(lines) - 1)}
	},
	"a line of the skeleton comes twice": func(f *forged) expected {
		f.insider()
		lines := f.lines(skeletonFile)
		f.setLines(skeletonFile, slices.Insert(lines, 8, lines[7]))
		return expected{evidence.Completeness, evidence.Failed, "out of order, repeated", skeletonFile, 7}
	},
	"two rows are swapped": func(f *forged) expected {
		f.insider()
		lines := f.lines(accessEntries)
		lines[1], lines[2] = lines[2], lines[1]
		f.setLines(accessEntries, lines)
		return expected{evidence.Completeness, evidence.Failed, "out of order", accessEntries, f.seqOf(lines[2])}
	},
	"a row comes twice": func(f *forged) expected {
		f.insider()
		lines := f.lines(accessEntries)
		f.setLines(accessEntries, slices.Insert(lines, 1, lines[0]))
		return expected{evidence.Completeness, evidence.Failed, "out of order, repeated", accessEntries, f.seqOf(lines[0])}
	},
	"an entry is moved to another category": func(f *forged) expected {
		f.insider()
		from := f.lines(scanEntries)
		moved := from[0]
		seq := f.seqOf(moved)
		f.setLines(scanEntries, from[1:])
		to := f.lines(accessEntries)
		at, _ := slices.BinarySearchFunc(to, seq, func(l string, s int64) int { return int(f.seqOf(l) - s) })
		f.setLines(accessEntries, slices.Insert(to, at, moved))
		return expected{evidence.Completeness, evidence.Failed, "the entry belongs to scan_results", accessEntries, seq}
	},
	"an entry is shown in two categories": func(f *forged) expected {
		f.insider()
		shown := f.lines(scanEntries)[0]
		seq := f.seqOf(shown)
		to := f.lines(accessEntries)
		at, _ := slices.BinarySearchFunc(to, seq, func(l string, s int64) int { return int(f.seqOf(l) - s) })
		f.setLines(accessEntries, slices.Insert(to, at, shown))
		return expected{evidence.Completeness, evidence.Failed, "shows the entry too", scanEntries, seq}
	},
	"an entry is shown that the request does not select": func(f *forged) expected {
		f.insider()
		lines := f.lines(skeletonFile)
		lines[0] = lines[0][:strings.Index(lines[0], `,"record"`)] + "}\n"
		f.setLines(skeletonFile, lines)
		text, err := json.Marshal(map[string]any{"record": string(f.rows[0].Record), "fields": f.rows[0].Fields})
		if err != nil {
			f.tb.Fatal(err)
		}
		_, fields, _ := strings.Cut(string(text), `"fields":`)
		fields, record, _ := strings.Cut(fields, `,"record":`)
		line := `{"record":` + strings.TrimSuffix(record, "}") + `,"fields":` + fields + "}\n"
		f.files[accessEntries] = append([]byte(line), f.files[accessEntries]...)
		return expected{evidence.Completeness, evidence.Failed, "although the request does not select it: outside_period", accessEntries, 0}
	},
	"an entry is shown and also listed as not exported": func(f *forged) expected {
		f.insider()
		seq := f.seqOf(f.lines(accessEntries)[0])
		f.hide(seq, isFilter)
		return expected{evidence.Completeness, evidence.Failed, "listed as not exported, and " + accessEntries + " shows it", skeletonFile, seq}
	},
	"a leaf is exchanged": func(f *forged) expected {
		f.insider()
		lines := f.lines(skeletonFile)
		seq := f.seqOf(f.lines(accessEntries)[0])
		lines[seq] = lines[seq][:strings.Index(lines[seq], `"leaf"`)] + lines[seq+1][strings.Index(lines[seq+1], `"leaf"`):strings.Index(lines[seq+1], `="`)] + "=\"}\n"
		f.setLines(skeletonFile, lines)
		return expected{evidence.Integrity, evidence.Failed, "the record hashes to", accessEntries, seq}
	},
	"the CSV alone is changed": func(f *forged) expected {
		f.insider()
		f.edit(accessCSV, "ada@example.org", "eve@example.org")
		return expected{evidence.Integrity, evidence.Failed, "the row is not what the entry leads to", accessCSV, f.seqOf(f.lines(accessEntries)[0])}
	},
	"the CSV has one row less": func(f *forged) expected {
		f.insider()
		f.files[accessCSV] = f.files[accessCSV][:bytes.LastIndex(f.files[accessCSV], []byte("\r\naudit_entry"))+2]
		lines := f.lines(accessEntries)
		return expected{evidence.Integrity, evidence.Failed, "the entry has no row", accessCSV, f.seqOf(lines[len(lines)-1])}
	},
	"the CSV has one row more": func(f *forged) expected {
		f.insider()
		f.files[accessCSV] = append(f.files[accessCSV], "audit_entry_20260103_000099,99\r\n"...)
		return expected{evidence.Integrity, evidence.Failed, "more rows than entries", accessCSV, 0}
	},
	"the CSV's header is changed": func(f *forged) expected {
		f.insider()
		f.edit(accessCSV, "actor_id", "actor_no")
		return expected{evidence.Integrity, evidence.Failed, "the header is not", accessCSV, 0}
	},
	"the population is embellished": func(f *forged) expected {
		f.insider()
		f.edit("data/population/population.json", `"undetermined": 0`, `"undetermined": 1`)
		return expected{evidence.Completeness, evidence.Failed, "where the package's entries lead to", "data/population/population.json", 0}
	},
	"a failure is added": func(f *forged) expected {
		f.insider()
		f.edit("data/population/population.json", `"failures": []`, `"failures": ["no reason"]`)
		return expected{evidence.Integrity, evidence.Failed, `where the package's entries lead to "completeness  cannot_tell"`, "README-VERIFY.md", 0}
	},
	"an IPE count is changed": func(f *forged) expected {
		f.insider()
		f.edit("data/categories/access_logs/IPE.json", `"entries": `, `"entries": 1`)
		return expected{evidence.Completeness, evidence.Failed, "where the package's entries lead to", "data/categories/access_logs/IPE.json", 0}
	},
	"the page says something else": func(f *forged) expected {
		f.insider()
		f.edit("data/index.html", "Population", "Wishes")
		return expected{evidence.Integrity, evidence.Failed, "where the package's entries lead to", "data/index.html", 0}
	},
	"the silences are hidden": func(f *forged) expected {
		f.insider()
		f.edit("data/population/gaps.json", `"after_seq": 0`, `"after_seq": 1`)
		return expected{evidence.Completeness, evidence.Failed, "where the package's entries lead to", "data/population/gaps.json", 0}
	},
	"the request is narrowed": func(f *forged) expected {
		f.insider()
		f.edit("data/request/request.json", `"from": "2026-01-02"`, `"from": "2026-01-03"`)
		return expected{evidence.Completeness, evidence.Failed, "although the request does not select it", "", 0}
	},
	"the request is widened": func(f *forged) expected {
		f.insider()
		f.edit("data/request/request.json", `"from": "2026-01-02"`, `"from": "2025-12-02"`)
		return expected{evidence.Completeness, evidence.Failed, "matches the request and is not shown", skeletonFile, 0}
	},
	"a category is dropped": func(f *forged) expected {
		f.insider()
		for name := range f.files {
			if strings.HasPrefix(name, "data/categories/scan_results/") {
				delete(f.files, name)
			}
		}
		return expected{evidence.Completeness, evidence.Failed, "the request includes scan_results, the package does not", "", 0}
	},
	"the Oxum is wrong": func(f *forged) expected {
		f.insider()
		f.edit("bag-info.txt", "Payload-Oxum: ", "Payload-Oxum: 1")
		return expected{evidence.Integrity, evidence.Failed, "Payload-Oxum", "bag-info.txt", 0}
	},
	"the bag's declaration is another": func(f *forged) expected {
		f.insider()
		f.edit("bagit.txt", "1.0", "0.97")
		return expected{evidence.Integrity, evidence.Failed, "where the package's entries lead to", "bagit.txt", 0}
	},
	"a payload file is added": func(f *forged) expected {
		f.insider()
		f.files["data/remarks.txt"] = []byte("all is well\n")
		return expected{evidence.Integrity, evidence.Failed, "not part of such a package", "data/remarks.txt", 0}
	},
	"a tag file is added": func(f *forged) expected {
		f.insider()
		f.files["keys/other.vkey"] = []byte("x\n")
		return expected{evidence.Integrity, evidence.Failed, "not part of such a package", "keys/other.vkey", 0}
	},
	"a file is missing": func(f *forged) expected {
		f.insider()
		delete(f.files, "data/population/gaps.json")
		return expected{evidence.Integrity, evidence.Failed, "the file is missing", "data/population/gaps.json", 0}
	},
	"the skeleton is missing": func(f *forged) expected {
		f.insider()
		delete(f.files, skeletonFile)
		return expected{evidence.Integrity, evidence.Failed, "the file is missing", skeletonFile, 0}
	},
	"the CSV is missing": func(f *forged) expected {
		f.insider()
		delete(f.files, accessCSV)
		return expected{evidence.Integrity, evidence.Failed, "the file is missing", accessCSV, 0}
	},
	"the genesis is another": func(f *forged) expected {
		f.insider()
		f.edit("data/ledger/genesis.txt", "2026-01-01T07", "2025-01-01T07")
		return expected{evidence.Integrity, evidence.Failed, "the ledger's genesis is", skeletonFile, 0}
	},
	"the range starts late": func(f *forged) expected {
		f.insider()
		const first = 30
		f.setLines(skeletonFile, f.lines(skeletonFile)[first:])
		left, err := json.Marshal(f.edges[first])
		if err != nil {
			f.tb.Fatal(err)
		}
		f.edit("data/ledger/range.json", `"first": 0`, `"first": 30`)
		f.edit("data/ledger/range.json", `"left": []`, `"left": `+string(left))
		return expected{evidence.Completeness, evidence.Failed, "the range must start at entry 0, or at one that is shown to be recorded before", skeletonFile, first}
	},
	"the tail is cut off with an old checkpoint": func(f *forged) expected {
		// Everything about the shorter ledger is genuine, except that no one
		// signed this package.
		short := newBook(f.tb).fill(40)
		f.scope = short.scope(f.scope.Request, 0)
		sig := f.files["tagmanifest-sha256.txt.sig"]
		f.folder, f.files = unzip(f.tb, short.build(f.scope))
		f.files["tagmanifest-sha256.txt.sig"] = sig
		return expected{evidence.Authenticity, evidence.Failed, "does not sign this tagmanifest", "tagmanifest-sha256.txt.sig", 0}
	},
	"the tail is cut off, the checkpoint is not": func(f *forged) expected {
		short := newBook(f.tb).fill(40)
		_, files := unzip(f.tb, short.build(short.scope(f.scope.Request, 0)))
		files["data/ledger/checkpoint.note"] = f.files["data/ledger/checkpoint.note"]
		f.insider()
		f.files = files
		return expected{evidence.Integrity, evidence.Failed, "the range ends at 40, the checkpoint covers 60 entries", "", 0}
	},
	"an old root under a new size": func(f *forged) expected {
		f.insider()
		c, err := ledger.OpenCheckpoint(f.scope.Checkpoint, f.genesis.Key)
		if err != nil {
			f.tb.Fatal(err)
		}
		c.Root[0] ^= 1
		if f.files["data/ledger/checkpoint.note"], err = f.key.Sign(c); err != nil {
			f.tb.Fatal(err)
		}
		return expected{evidence.Integrity, evidence.Failed, "the leaves lead to the root", "data/ledger/checkpoint.note", 0}
	},
}

// TestRenamedField leaves out an entry whose event time brings it into the
// period, and renames its withheld time so that it seems to have none. Only a
// payload root that covers the paths of withheld fields shows that.
func TestRenamedField(t *testing.T) {
	b := newBook(t).fill(60)
	request := allCategories(audit.FormatZIP)
	request.AuditPeriod = audit.AuditPeriod{From: "2026-01-01", To: "2026-01-01"}
	scope := b.scope(request, 0)
	folder, files := unzip(t, b.build(scope))
	f := &forged{book: b, scope: scope, folder: folder, files: files}
	f.insider()
	lines := f.lines(accessEntries)
	seq := f.drop("access_logs", len(lines)-1) // recorded after the period
	f.hide(seq, func(path string) bool { return isFilter(path) && path != "/timestamp" })
	skeleton := f.lines(skeletonFile)
	if !strings.Contains(skeleton[seq], `"/timestamp","commitment"`) {
		t.Fatal("the last entry of the period has no time of its own")
	}
	skeleton[seq] = strings.Replace(skeleton[seq], `"/timestamp"`, `"/timestamq"`, 1)
	f.setLines(skeletonFile, skeleton)
	for _, found := range verify(t, f.pack(), b.genesis.Key).Findings {
		if found.Seq != nil && *found.Seq == seq && found.Verdict == evidence.Integrity {
			return
		}
	}
	t.Errorf("entry %d was left out and nothing names it: ledger.PayloadRoot must hash each field's path beside its commitment", seq)
}

// TestAttacks changes a package as someone does who knows how it is made.
func TestAttacks(t *testing.T) {
	b := newBook(t).fill(60)
	scope := b.scope(allCategories(audit.FormatZIP), 0)
	folder, files := unzip(t, b.build(scope))
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			mine := map[string][]byte{}
			for n, content := range files {
				mine[n] = bytes.Clone(content)
			}
			f := &forged{book: b, scope: scope, folder: folder, files: mine}
			f.tb = t
			want := attack(f)
			r := verify(t, f.pack(), b.genesis.Key)
			got := map[evidence.Verdict]evidence.Status{evidence.Integrity: r.Integrity, evidence.Completeness: r.Completeness, evidence.Authenticity: r.Authenticity}
			if f.seal != nil && r.Authenticity == evidence.Failed && want.verdict != evidence.Authenticity {
				t.Errorf("the insider's signature was refused: %v", r.Findings)
			}
			if got[want.verdict] != want.status || r.Exit() != 1 {
				t.Errorf("%s is %s, exit %d, not %s", want.verdict, got[want.verdict], r.Exit(), want.status)
			}
			for _, found := range r.Findings {
				if found.Verdict == want.verdict && strings.Contains(found.Message, want.says) &&
					(want.file == "" || found.File == want.file) && (want.seq == 0 || found.Seq != nil && *found.Seq == want.seq) {
					return
				}
			}
			t.Errorf("no finding says %q of %s, entry %d:\n%s", want.says, want.file, want.seq, reportText(t, r))
		})
	}
	if r := verify(t, (&forged{book: b, scope: scope, folder: folder, files: files, seal: b.seal}).pack(), b.genesis.Key); r.Exit() != 0 {
		t.Errorf("the unchanged package, packed again, does not verify:\n%s", reportText(t, r))
	}
}
