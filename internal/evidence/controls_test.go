package evidence_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
)

const controlsFile = "data/controls/controls.json"

// TestFirstVersion: a package from before there were control results verifies, and
// what was frozen then is still built so.
func TestFirstVersion(t *testing.T) {
	b := newBook(t).fill(24)
	old, err := os.ReadFile(filepath.Join("testdata", "package-v1.zip"))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, verify(t, old, b.genesis.Key), evidence.OK, evidence.OK, evidence.OK, 0)
	s := b.scope(allCategories(audit.FormatZIP), 0)
	m := b.material(s)
	m.Controls = nil
	var out bytes.Buffer
	if _, err := evidence.Build(&out, m); err != nil {
		t.Fatal(err)
	}
	expect(t, verify(t, out.Bytes(), b.genesis.Key), evidence.OK, evidence.OK, evidence.OK, 0)
	folder, files := unzip(t, out.Bytes())
	if _, there := files[controlsFile]; there || !bytes.Contains(files["bag-info.txt"], []byte("Sealbook-Package-Version: 1\n")) {
		t.Errorf("%s", files["bag-info.txt"])
	}
	// One of the first version has no such file, and one of the second always.
	f := &forged{book: b, scope: s, folder: folder, files: clone(files)}
	f.insider()
	f.files[controlsFile] = []byte("{}\n")
	expect(t, verify(t, f.pack(), b.genesis.Key), evidence.Failed, evidence.CannotTell, evidence.OK, 1, "the file is not part of such a package")
	_, files = unzip(t, b.build(s))
	f = &forged{book: b, scope: s, folder: folder, files: clone(files)}
	f.insider()
	delete(f.files, controlsFile)
	expect(t, verify(t, f.pack(), b.genesis.Key), evidence.Failed, evidence.CannotTell, evidence.OK, 1, "the file is missing")
}

// TestControlsThatContradict: whoever has the key can change the file, and both
// verifiers tell what no assessment of this ledger can say.
func TestControlsThatContradict(t *testing.T) {
	b := newBook(t).fill(30)
	s := b.scope(allCategories(audit.FormatZIP), 0)
	folder, files := unzip(t, b.build(s))
	root := string(files[controlsFile][bytes.Index(files[controlsFile], []byte(`"root"`)):][:30])
	for what, edit := range map[string][2]string{
		"another framework":             {`"framework": "SOC2"`, `"framework": "SOX"`},
		"a reason beside it":            {`"framework": "SOC2",`, `"framework": "SOC2",` + "\n" + `  "reason": "none",`},
		"another member":                {`"framework": "SOC2",`, `"framework": "SOC2",` + "\n" + `  "more": 1,`},
		"members in another order":      {`"passed": 7,`, ``},
		"another start":                 {`"from": "2026-01-02T`, `"from": "2026-01-01T`},
		"a later end":                   {`"until": "2026-02-01T`, `"until": "2026-02-02T`},
		"a time that is none":           {`"from": "2026-01-02T`, `"from": "2026-01-32T`},
		"a tree beyond the package's":   {`"end_seq": 29`, `"end_seq": 31`},
		"another size of the tree":      {`"end_seq": 29`, `"end_seq": 30`},
		"another root":                  {root, strings.Map(rot, root)},
		"no catalogue's digest":         {`"catalog_digest": "sha256:0a`, `"catalog_digest": "sha256:0A`},
		"a score of two decimals":       {`"score": 66.7`, `"score": 66.75`},
		"a score of another form":       {`"score": 66.7`, `"score": 66.70`},
		"a whole score with a fraction": {`"floor": 50`, `"floor": 50.0`},
		"a negative zero":               {`"floor": 50`, `"floor": -0`},
		"a score above all":             {`"score": 66.7`, `"score": 100.1`},
		"a text for a score":            {`"score": 66.7`, `"score": "66.7"`},
		"other counts":                  {`"compliant": 1,`, `"compliant": 2,`},
		"a better verdict":              {`"verdict": "non_compliant",` + "\n" + `        "checks"`, `"verdict": "compliant",` + "\n" + `        "checks"`},
		"a verdict that is none":        {`"verdict": "not_assessed",` + "\n" + `            "reason"`, `"verdict": "fine",` + "\n" + `            "reason"`},
		"fewer failed than listed":      {`"failed": 7`, `"failed": 6`},
		"a negative count":              {`"pending": 2`, `"pending": -2`},
		"a fraction of an entry":        {`"pending": 2`, `"pending": 2.0`},
		"another entry's number":        {`"seq": 5`, `"seq": 6`},
		"an entry of another day":       {`"audit_entry_20260101_000005"`, `"audit_entry_20260102_000005"`},
		"an entry that was not read":    {`"audit_entry_20260101_000005",` + "\n" + `                "seq": 5`, `"audit_entry_20260101_000029",` + "\n" + `                "seq": 29`},
		"an interval that runs back":    {`"until": "2026-01-04T`, `"until": "2026-01-02T`},
		"no list":                       {`"checks": []`, `"checks": null`},
		"a list that is none":           {`"not_in_ledger": [`, `"not_in_ledger": 7, "x": [`},
		"something after it":            {"  }\n}\n", "  }\n}\n\n"},
		"no JSON":                       {"{\n", "[\n"},
	} {
		t.Run(what, func(t *testing.T) {
			f := &forged{book: b, scope: s, folder: folder, files: clone(files)}
			f.insider()
			f.edit(controlsFile, edit[0], edit[1])
			r := verify(t, f.pack(), b.genesis.Key)
			if r.Exit() != 1 || r.Integrity != evidence.Failed || !slices.ContainsFunc(r.Findings, func(f evidence.Finding) bool { return f.File == controlsFile }) {
				t.Errorf("%s", reportText(t, r))
			}
		})
	}
	f := &forged{book: b, scope: s, folder: folder, files: clone(files)} // without the key
	f.edit(controlsFile, `"failed": 7`, `"failed": 8`)
	if r := verify(t, f.pack(), b.genesis.Key); r.Exit() != 1 || r.Authenticity != evidence.Failed {
		t.Errorf("%s", reportText(t, r))
	}
}

func rot(r rune) rune {
	if r >= 'a' && r < 'z' {
		return r + 1
	}
	return r
}

// TestControlsBeforeTheRange: a tree that ends before the package's range cannot be
// compared, and that is no fault.
func TestControlsBeforeTheRange(t *testing.T) {
	b := newBook(t).fill(60)
	request := allCategories(audit.FormatZIP)
	request.AuditPeriod.From = "2026-01-03"
	s := b.scope(request, 30)
	m := b.material(s)
	m.Controls.Assessment.End = 20
	m.Controls.Assessment.Requirements = []evidence.ControlResult{}
	m.Controls.Assessment.Counts = evidence.ControlCounts{}
	var out bytes.Buffer
	if _, err := evidence.Build(&out, m); err != nil {
		t.Fatal(err)
	}
	expect(t, verify(t, out.Bytes(), b.genesis.Key), evidence.OK, evidence.OK, evidence.OK, 0, "could not be compared")
	m = b.material(s)
	m.Controls.Framework = audit.SOX
	if _, err := evidence.Build(&out, m); err == nil {
		t.Error("results of another framework are packed")
	}
}
