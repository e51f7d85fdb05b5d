package evidence_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

const (
	accessEntries = "data/categories/access_logs/entries.jsonl"
	accessCSV     = "data/categories/access_logs/entries.csv"
	scanEntries   = "data/categories/scan_results/entries.jsonl"
	skeletonFile  = "data/ledger/skeleton.jsonl"
)

// forged is a package in the hands of someone who changes it.
type forged struct {
	*book
	scope  evidence.Scope
	folder string
	files  map[string][]byte
	seal   func(text string) ([]byte, error) // nil keeps the old signature
}

// insider also has the key, and so signs what he changed.
func (f *forged) insider() { f.seal = f.book.seal }

// pack makes the package's lists again.
func (f *forged) pack() []byte {
	f.tb.Helper()
	old := f.files["tagmanifest-sha256.txt.sig"]
	var out bytes.Buffer
	err := evidence.Repack(&out, f.folder, f.scope.FrozenAt, f.files, func(tagmanifest []byte) []byte {
		if f.seal == nil {
			return old
		}
		note, err := f.seal(evidence.SealText(testOrigin, f.scope.ExportID, tagmanifest))
		if err != nil {
			f.tb.Fatal(err)
		}
		return note
	})
	if err != nil {
		f.tb.Fatal(err)
	}
	return out.Bytes()
}

func (f *forged) lines(name string) []string {
	return strings.SplitAfter(strings.TrimSuffix(string(f.files[name]), "\n"), "\n")
}

func (f *forged) setLines(name string, lines []string) {
	for i, l := range lines {
		lines[i] = strings.TrimSuffix(l, "\n") + "\n"
	}
	f.files[name] = []byte(strings.Join(lines, ""))
}

func (f *forged) edit(name, old, changed string) {
	f.tb.Helper()
	if !bytes.Contains(f.files[name], []byte(old)) {
		f.tb.Fatalf("%s does not hold %q", name, old)
	}
	f.files[name] = bytes.Replace(f.files[name], []byte(old), []byte(changed), 1)
}

// hide replaces an entry's line in the skeleton by the one of an entry that is
// not exported, in which only keep is disclosed.
func (f *forged) hide(seq int64, keep func(path string) bool) {
	f.tb.Helper()
	row := f.rows[seq]
	var line struct {
		Record string         `json:"record"`
		Fields []ledger.Field `json:"fields"`
	}
	line.Record, line.Fields = string(row.Record), ledger.Withhold(row.Fields, keep)
	text, err := json.Marshal(line)
	if err != nil {
		f.tb.Fatal(err)
	}
	lines := f.lines(skeletonFile)
	lines[seq] = strings.TrimSuffix(strings.TrimSpace(lines[seq]), "}") + "," + string(text[1:])
	f.setLines(skeletonFile, lines)
}

// drop removes the n-th entry of a category from both files and returns its
// number.
func (f *forged) drop(category string, n int) int64 {
	dir := "data/categories/" + category + "/"
	lines := f.lines(dir + "entries.jsonl")
	seq := f.seqOf(lines[n])
	f.setLines(dir+"entries.jsonl", slices.Delete(lines, n, n+1))
	rows := bytes.SplitAfter(f.files[dir+"entries.csv"], []byte("\"\r\n")) // every row ends with its quoted payload
	head, first, _ := bytes.Cut(rows[0], []byte("\r\n"))
	rows[0] = first
	f.files[dir+"entries.csv"] = append(append(head, "\r\n"...), bytes.Join(slices.Delete(rows, n, n+1), nil)...)
	return seq
}

func (f *forged) seqOf(line string) int64 {
	f.tb.Helper()
	var l struct {
		Record string `json:"record"`
	}
	if err := json.Unmarshal([]byte(line), &l); err != nil {
		f.tb.Fatal(err)
	}
	rec, err := ledger.ParseRecord([]byte(l.Record))
	if err != nil {
		f.tb.Fatal(err)
	}
	return rec.Seq
}

func isFilter(path string) bool { return slices.Contains(audit.FilterFields, path) }
