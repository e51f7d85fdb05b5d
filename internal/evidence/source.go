package evidence

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"io"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// source reads a category's two files side by side: the entries, of which it
// holds one at a time, and the CSV, which must be what the entries lead to.
type source struct {
	v        *verifier
	category audit.Category
	name     string // of entries.jsonl
	file     *unpacked
	lines    *lineReader
	part     *Part

	have   bool // the rest is about a row
	row    *ledger.Row
	rec    ledger.Record
	tested tested
	sound  bool // the row's hashes and content hold

	csv     *unpacked // nil when the package has none
	csvRows *bufio.Reader
	csvName string
	lost    bool // the CSV differs, or a row could not be compared
	want    []byte
	got     []byte
}

func newSource(v *verifier, c audit.Category) *source {
	s := &source{v: v, category: c, name: categoryFile(c, fileEntries), csvName: categoryFile(c, fileCSV), part: v.parts[c], row: newRow()}
	s.file = v.open(s.name)
	s.lines = newLineReader(s.file, v.opt.Limits.LineBytes)
	if s.csv = v.open(s.csvName); s.csv != nil {
		s.csvRows = bufio.NewReaderSize(s.csv, 64<<10)
		s.want = csvHeader()
		s.compareCSV(Finding{Line: 1})
	}
	s.advance()
	return s
}

// advance goes to the next entry that has a record. Lines without one are
// findings.
func (s *source) advance() {
	s.have = false
	for !s.have {
		line, err := s.lines.next()
		if err != nil {
			s.v.ended(s.file, s.name, err)
			return
		}
		if err := s.read(line); err != nil {
			s.v.rowsFailed = true
			s.lost = true // its row of the CSV cannot be told
			s.v.find(Finding{Verdict: Integrity, File: s.name, Line: s.lines.n}, "the line is malformed: %s", message(err))
		}
	}
}

// read takes a line. It returns an error only if the line does not say which
// entry it is.
func (s *source) read(line []byte) (err error) {
	if err := parseEntryLine(line, s.row); err != nil {
		return err
	}
	if s.rec, err = ledger.ParseRecord(s.row.Record); err != nil {
		return err
	}
	s.row.Seq, s.row.Leaf = s.rec.Seq, ledger.LeafHash(s.row.Record)
	s.have, s.sound = true, false
	at := Finding{Verdict: Integrity, File: s.name, Line: s.lines.n, Seq: new(int64), EntryID: entryID(&s.rec)}
	*at.Seq = s.rec.Seq
	fail := func(err error) error {
		s.v.rowsFailed, s.lost = true, true
		s.v.find(at, "%s", message(err))
		return nil
	}
	if _, err := checkRow(s.row); err != nil {
		return fail(err)
	}
	if s.tested, err = readTested(&s.rec, s.row.Fields); err != nil {
		return fail(err)
	}
	e, err := decode(s.row, s.rec, s.tested.Time)
	if err != nil {
		return fail(err)
	}
	s.sound = true
	s.part.Stats.add(e)
	s.v.offer(s.category, e)
	if len(e.withheld) > 0 {
		s.v.report.Counts.Withheld++
	}
	s.want = e.appendCSV(s.want[:0])
	s.compareCSV(at)
	return nil
}

// compareCSV reads as many bytes as the entry's row has. The first difference
// ends the comparison, because what follows it has lost its place.
func (s *source) compareCSV(at Finding) {
	if s.csv == nil || s.lost {
		return
	}
	if cap(s.got) < len(s.want) {
		s.got = make([]byte, 2*len(s.want))
	}
	s.got = s.got[:len(s.want)]
	n, err := io.ReadFull(s.csvRows, s.got)
	if bytes.Equal(s.got[:n], s.want) {
		return
	}
	s.lost = true
	at.File, at.Verdict = s.csvName, Integrity
	if err != nil && s.csv.err != nil && s.csv.err != io.EOF {
		s.v.finish(s.csvName, s.csv)
		return
	}
	s.v.rowsFailed = true
	what := "the row is not what the entry leads to"
	if at.EntryID == "" {
		what = "the header is not the one of such a file"
	} else if n == 0 {
		what = "the entry has no row"
	}
	s.v.find(at, "%s", what)
}

// close ends both files and completes the part.
func (s *source) close() {
	v := s.v
	v.finish(s.name, s.file)
	if s.file.finished {
		s.part.JSONL = s.file.file()
	}
	if s.csv == nil {
		v.rowsFailed = true // its absence is found with the other files
		return
	}
	if !s.lost {
		if _, err := s.csvRows.ReadByte(); err == nil {
			v.rowsFailed = true
			v.find(Finding{Verdict: Integrity, File: s.csvName}, "there are more rows than entries")
		}
	}
	v.finish(s.csvName, s.csv)
	if s.csv.finished {
		csv := s.csv.file()
		s.part.CSV = &csv
	}
}

// file describes what was read; it must be finished.
func (u *unpacked) file() File {
	return File{Bytes: u.n, SHA256: hex.EncodeToString(u.unpackedSHA256[:])}
}
