package evidence

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// errLongLine ends the reading of a file.
var errLongLine = errors.New("a line is longer than the limit")

// lineReader gives the lines of a stream, without their line feeds, in a
// buffer that is used again.
type lineReader struct {
	r    *bufio.Reader
	max  int
	long []byte
	n    int // lines that were read
}

func newLineReader(r io.Reader, most int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 64<<10), max: most}
}

// next returns io.EOF after the last line. A last line without a line feed is
// an error, since every line that is written has one.
func (l *lineReader) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		l.long = append(l.long[:0], line...)
		for err == bufio.ErrBufferFull && len(l.long) <= l.max {
			line, err = l.r.ReadSlice('\n')
			l.long = append(l.long, line...)
		}
		line = l.long
	}
	switch {
	case len(line) > l.max:
		return nil, errLongLine
	case err == io.EOF && len(line) > 0:
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	}
	l.n++
	return line[:len(line)-1], nil
}

func newRow() *ledger.Row { return &ledger.Row{Seq: -1} }

// checkRow checks a row's hashes, and that its values are in canonical form.
// Hashes fit any bytes that were sealed; only in canonical form do bytes mean
// the same to everyone who reads them.
func checkRow(row *ledger.Row) (ledger.Record, error) {
	rec, err := row.Check()
	if err != nil {
		return rec, err
	}
	for i := range row.Fields {
		f := &row.Fields[i]
		if !f.Disclosed() {
			continue
		}
		if canonical, err := ledger.Canonical(f.Value); err != nil || !bytes.Equal(canonical, f.Value) {
			return rec, audit.Errorf(audit.Tampered, "entry %d: field %.80s: the value is not in canonical form", rec.Seq, f.Path)
		}
	}
	return rec, nil
}

// decodeRow parses and decodes a row that an entry line gave; its leaf and
// number are taken from its record.
func (f *frame) decodeRow(row *ledger.Row) (*entry, error) {
	rec, err := ledger.ParseRecord(row.Record)
	if err != nil {
		return nil, err
	}
	row.Seq, row.Leaf = rec.Seq, ledger.LeafHash(row.Record)
	t, err := readTested(&rec, row.Fields)
	if err != nil {
		return nil, err
	}
	return decode(row, rec, t.Time)
}

// offer shows an entry of a category on the page if there is room, and as the
// example if it is the first of the first category.
func (f *facts) offer(c audit.Category, e *entry) {
	if len(f.previews[c]) >= maxPreview {
		return
	}
	f.previews[c] = append(f.previews[c], newPreview(e))
	if len(f.previews[c]) > 1 {
		return
	}
	for _, earlier := range f.present() {
		if earlier == c {
			break
		}
		if len(f.previews[earlier]) > 0 {
			return
		}
	}
	f.example = &example{e.rec.Seq, categoryFile(c, fileEntries), bytes.Clone(e.row.Record), e.row.Leaf}
}

// offerSkeleton takes the first record of the skeleton as the example when no
// entry is shown.
func (f *facts) offerSkeleton(row *ledger.Row) {
	if f.example == nil && row.Record != nil {
		f.example = &example{row.Seq, nameSkeleton, bytes.Clone(row.Record), row.Leaf}
	}
}

// message is what a person should read of an error: without its code.
func message(err error) string {
	var e *audit.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return fmt.Sprint(err)
}
