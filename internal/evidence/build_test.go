package evidence_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden holds the format: a package once made must be made again, and
// verify, for ever. The zip also depends on the Go release, whose compressor
// may change; then only the digest of the unpacked files must stay.
func TestGolden(t *testing.T) {
	b := newBook(t).fill(24)
	b.erase(9, "/actor/email")
	request := allCategories(audit.FormatZIP)
	request.AuditPeriod = audit.AuditPeriod{From: "2026-01-01", To: "2026-01-01T20:00:00Z"}
	request.Include = []audit.Category{audit.AccessLogs, audit.ScanResults}
	data := b.build(b.scope(request, 0))
	expect(t, verify(t, data, b.genesis.Key), evidence.OK, evidence.OK, evidence.OK, 0)
	golden := filepath.Join("testdata", "package.zip")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, verify(t, want, b.genesis.Key), evidence.OK, evidence.OK, evidence.OK, 0)
	_, wantFiles := unzip(t, want)
	_, files := unzip(t, data)
	if diff := cmp.Diff(texts(wantFiles), texts(files)); diff != "" {
		t.Fatalf("the package differs from %s (-update writes it anew):\n%s", golden, diff)
	}
	if !bytes.Equal(data, want) {
		t.Errorf("the files are those of %s, the zip is not: another Go release?", golden)
	}
}

func texts(files map[string][]byte) map[string]string {
	out := map[string]string{}
	for name, content := range files {
		out[name] = string(content)
	}
	return out
}

// TestSameBytes builds twice, once through chunks of another size and a reader
// that gives single bytes.
func TestSameBytes(t *testing.T) {
	b := newBook(t).fill(60)
	s := b.scope(allCategories(audit.FormatZIP), 0)
	first := b.build(s)
	m := b.material(s)
	m.Parts = nil
	store := chunks{}
	for _, part := range append([]audit.Category{evidence.Skeleton}, s.Request.Include...) {
		c, err := evidence.NewCollector(s, string(part), nil, store.create)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range b.selected(s, string(part)) {
			if err := c.Add(row); err != nil {
				t.Fatal(err)
			}
		}
		p, err := c.Close()
		if err != nil {
			t.Fatal(err)
		}
		m.Parts = append(m.Parts, p)
	}
	m.Open = func(name string) (io.ReadCloser, error) {
		r, err := store.open(name)
		return oneByte{r}, err
	}
	var second bytes.Buffer
	summary, err := evidence.Build(&second, m)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second.Bytes()) {
		t.Error("two builds of the same scope and rows differ")
	}
	sum := sha256.Sum256(first)
	want := evidence.Summary{
		Digest: "sha256:" + hex.EncodeToString(sum[:]), Bytes: int64(len(first)), Files: len(zipFiles(t, first)), Range: 60, Status: "complete",
		Entries: map[audit.Category]int64{audit.ComplianceReports: 3, audit.ScanResults: 3, audit.IssueHistory: 6, audit.FixRecords: 4, audit.AccessLogs: 10, audit.ConfigurationHistory: 5},
	}
	if diff := cmp.Diff(want, summary); diff != "" {
		t.Error(diff)
	}
}

type oneByte struct{ io.ReadCloser }

func (o oneByte) Read(b []byte) (int, error) { return o.ReadCloser.Read(b[:min(1, len(b))]) }

// TestZip64 writes the fields that files above four gigabytes need.
func TestZip64(t *testing.T) {
	b := newBook(t).fill(30)
	s := b.scope(allCategories(audit.FormatZIP), 0)
	_, files := unzip(t, b.build(s))
	defer evidence.SetBigSize(evidence.SetBigSize(1000))
	data := b.build(s)
	expect(t, verify(t, data, b.genesis.Key), evidence.OK, evidence.OK, evidence.OK, 0)
	_, big := unzip(t, data)
	if diff := cmp.Diff(texts(files), texts(big)); diff != "" {
		t.Error(diff)
	}
	evidence.SetBigSize(1 << 40)
	if r := verify(t, data); r.Exit() != 1 {
		t.Errorf("ZIP64 fields where none are needed: exit %d", r.Exit())
	}
}

// TestBuildRefuses gives Build what does not belong together.
func TestBuildRefuses(t *testing.T) {
	b := newBook(t).fill(60)
	s := b.scope(allCategories(audit.FormatZIP), 0)
	other, err := ledger.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(m *evidence.Material){
		"no skeleton":              func(m *evidence.Material) { m.Parts = m.Parts[:len(m.Parts)-1] },
		"no category":              func(m *evidence.Material) { m.Parts = m.Parts[1:] },
		"a category twice":         func(m *evidence.Material) { m.Parts = append(m.Parts, m.Parts[0]) },
		"a part of another kind":   func(m *evidence.Material) { m.Parts[0].Name = "wishes" },
		"an export id with a path": func(m *evidence.Material) { m.Scope.ExportID = "../x" },
		"a wrong range":            func(m *evidence.Material) { m.Scope.End-- },
		"a wrong left side":        func(m *evidence.Material) { m.Scope.First = 3 },
		"another key":              func(m *evidence.Material) { m.Scope.VerifierKey = other.VerifierKey(testOrigin) },
		"another ledger": func(m *evidence.Material) {
			m.Scope.Genesis = bytes.Replace(m.Scope.Genesis, []byte("acme"), []byte("acne"), 1)
		},
		"no time":            func(m *evidence.Material) { m.Scope.FrozenAt = bookStart.AddDate(-100, 0, 0) },
		"an invalid request": func(m *evidence.Material) { m.Scope.Request.Framework = "ISO 9000" },
		"a signature by another key": func(m *evidence.Material) {
			m.Sign = func(text string) ([]byte, error) { return other.SignNote(evidence.SealName(testOrigin), text) }
		},
		"a signer that fails": func(m *evidence.Material) {
			m.Sign = func(string) ([]byte, error) { return nil, errors.New("no") }
		},
		"a lost chunk": func(m *evidence.Material) {
			m.Open = func(string) (io.ReadCloser, error) { return nil, errors.New("no such object") }
		},
		"a changed chunk": func(m *evidence.Material) {
			open := m.Open
			m.Open = func(name string) (io.ReadCloser, error) {
				r, err := open(name)
				if err != nil || name != evidence.ChunkName(evidence.Skeleton, 1, "jsonl") {
					return r, err
				}
				content, err := io.ReadAll(r)
				content[10] ^= 1
				return io.NopCloser(bytes.NewReader(content)), err
			}
		},
	} {
		m := b.material(s)
		spoil(&m)
		if _, err := evidence.Build(io.Discard, m); err == nil {
			t.Errorf("%s: a package is built", name)
		}
	}
}

var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// TestReadme runs the commands that README-VERIFY.md teaches, in the unpacked
// package, and compares what they print with what it says.
func TestReadme(t *testing.T) {
	b := newBook(t).fill(60)
	folder, files := unzip(t, b.build(b.scope(allCategories(audit.FormatZIP), 0)))
	root := filepath.Join(t.TempDir(), folder)
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	readme := string(files["README-VERIFY.md"])
	var printed []string
	scratch := t.TempDir()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("this test needs openssl, as the README does")
	}
	for _, block := range shellBlock.FindAllStringSubmatch(readme, -1) {
		// The commands' scratch files go where no other test's are.
		cmd := exec.Command("bash", "-eo", "pipefail", "-c", strings.ReplaceAll(block[1], "/tmp/", scratch+"/"))
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s\n%s%v", block[1], out, err)
		}
		printed = append(printed, string(out))
	}
	if len(printed) != 6 {
		t.Fatalf("README-VERIFY.md has %d blocks of commands", len(printed))
	}
	if n := strings.Count(printed[0], ": OK\n"); n != len(files)-2 || strings.Count(printed[0], "\n") != n {
		t.Errorf("sha256sum checks %d of %d files:\n%s", n, len(files), printed[0])
	}
	if first, second, _ := strings.Cut(strings.TrimSpace(printed[1]), "\n"); first != second || len(first) != 64 {
		t.Errorf("the signed digest and the computed one: %q", printed[1])
	}
	if !strings.Contains(printed[2], "Signature Verified Successfully") {
		t.Errorf("openssl prints %q", printed[2])
	}
	if fingerprint := strings.TrimSpace(printed[3]); !strings.Contains(readme, "\n    "+fingerprint+"\n") {
		t.Errorf("the fingerprint is printed as %q", fingerprint)
	}
	if leaf := strings.TrimSpace(printed[4]); !strings.Contains(readme, "\n    "+leaf+"\n") {
		t.Errorf("the leaf is printed as %q", leaf)
	}
	if a, b := strings.Fields(printed[4])[0], strings.TrimSpace(printed[5]); a != b {
		t.Errorf("the leaf by hand is %s, the skeleton's %s", a, b)
	}
	fingerprint, err := ledger.KeyFingerprint(b.genesis.Key)
	if err != nil {
		t.Fatal(err)
	}
	report := reportText(t, verify(t, b.build(b.scope(allCategories(audit.FormatZIP), 0))))
	for _, line := range []string{"integrity     ok", "completeness  ok", "authenticity  unpinned"} {
		if !strings.Contains(readme, "    "+line+"\n") || !strings.Contains(report, line+"\n") {
			t.Errorf("README-VERIFY.md and the report do not both say %q", line)
		}
	}
	if !strings.Contains(readme, fingerprint) {
		t.Error("README-VERIFY.md does not name the fingerprint")
	}
}

// TestPage is self-contained: it runs and loads nothing, whatever the entries
// say.
func TestPage(t *testing.T) {
	b := newBook(t).fill(60)
	_, files := unzip(t, b.build(b.scope(allCategories(audit.FormatZIP), 0)))
	page := string(files["data/index.html"])
	if bad := regexp.MustCompile(`(?i)<(script|img|link|iframe|object|embed|form|base)|@import|url\(|src=|javascript:|<[^>]*\son[a-z]+=`).FindString(page); bad != "" {
		t.Errorf("the page holds %s", bad)
	}
	for _, link := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if target := link[1]; !strings.HasPrefix(target, "#") && files[filepath.Join("data", target)] == nil {
			t.Errorf("the page links to %s, which is not in the package", target)
		}
	}
	for _, want := range []string{"Acme &lt;Robotics&gt; GmbH", "default-src 'none'", "&lt;script&gt;", ">60</b><span>entries in the range"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not hold %q", want)
		}
	}
}

// TestFlat compares the formats json and csv with the zip's records.
func TestFlat(t *testing.T) {
	b := newBook(t).fill(60)
	s := b.scope(allCategories(audit.FormatJSON), 0)
	m := b.material(s)
	m.Parts = m.Parts[:len(m.Parts)-1] // they need no skeleton
	_, files := unzip(t, b.build(s))

	var out bytes.Buffer
	summary, err := evidence.BuildJSON(&out, m)
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		ExportID   string `json:"export_id"`
		Checkpoint string `json:"checkpoint"`
		Status     string `json:"status"`
		Entries    []struct {
			Category audit.Category  `json:"category"`
			EntryID  string          `json:"entry_id"`
			Hash     string          `json:"hash"`
			Record   string          `json:"record"`
			Fields   json.RawMessage `json:"fields"`
		} `json:"entries"`
	}
	if err := json.Unmarshal(out.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	if document.ExportID != "exp_01TEST" || document.Checkpoint != string(s.Checkpoint) || document.Status != "complete" || len(document.Entries) != 31 {
		t.Errorf("the document has %d entries: %.500s", len(document.Entries), out.Bytes())
	}
	for _, e := range document.Entries {
		line := `{"record":` + strings.ReplaceAll(quote(t, e.Record), "\\u003c", "<") + `,"fields":` + string(e.Fields) + "}\n"
		if !bytes.Contains(files["data/categories/"+string(e.Category)+"/entries.jsonl"], []byte(line)) {
			t.Errorf("%s of the JSON is not in the package", e.EntryID)
		}
		if e.Hash != ledger.FormatHash(ledger.LeafHash([]byte(e.Record))) {
			t.Errorf("%s has the hash %s", e.EntryID, e.Hash)
		}
	}
	if sum := sha256.Sum256(out.Bytes()); summary.Digest != "sha256:"+hex.EncodeToString(sum[:]) || summary.Files != 1 || summary.Entries[audit.AccessLogs] != 10 {
		t.Errorf("summary %+v", summary)
	}

	out.Reset()
	if _, err := evidence.BuildCSV(&out, m); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 32 || rows[0][0] != "category" || rows[0][1] != "entry_id" || rows[0][2] != "seq" {
		t.Fatalf("%d rows under %v", len(rows), rows[0])
	}
	for _, row := range rows[1:] {
		zipped, err := csv.NewReader(bytes.NewReader(files["data/categories/"+row[0]+"/entries.csv"])).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, z := range zipped {
			found = found || cmp.Equal(z, row[1:])
		}
		if !found {
			t.Errorf("the row of %s is not in the package", row[1])
		}
	}

	m.Parts = m.Parts[1:]
	if _, err := evidence.BuildCSV(io.Discard, m); err == nil {
		t.Error("a category is missing, and nothing says so")
	}
}

func quote(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
