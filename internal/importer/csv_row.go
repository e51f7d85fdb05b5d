package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// MaxColumns bounds the columns of a CSV file.
const MaxColumns = 1000

// csvReader reads rows as RFC 4180 describes them, with any delimiter and with
// line feeds alone for line ends. It is strict, because a row that two readers
// would cut differently must not become evidence, and it keeps every character
// of a field; encoding/csv makes line feeds of quoted CRLFs. Empty lines are
// no rows.
type csvReader struct {
	r         *bufio.Reader
	delimiter byte
	line      int // that the next byte is in
}

func newCSVReader(r io.Reader, delimiter byte) *csvReader {
	b := bufio.NewReaderSize(r, 64<<10)
	if mark, _ := b.Peek(len(byteOrderMark)); bytes.Equal(mark, byteOrderMark) {
		b.Discard(len(mark)) //nolint:errcheck // they were peeked
	}
	return &csvReader{r: b, delimiter: delimiter, line: 1}
}

// row is one row, or what is wrong with it.
type row struct {
	line   int // that it starts in
	fields []string
	bad    *rowError
}

// rowError is what is wrong with a row, and where.
type rowError struct {
	column int // from 1
	line   int
	what   string
}

// states of a reader inside a row
const (
	fieldStarts = iota
	inPlain
	inQuotes
	afterQuotes // a quotation mark inside quotes was read: their end, or half of a doubled one
)

// next returns the next row. io.EOF is the end; another error ends the file,
// since nobody can tell where the next row starts. After a bad row reading goes
// on with the next line.
func (c *csvReader) next() (row, error) {
	out := row{line: c.line}
	var field []byte
	state, opened := fieldStarts, 0
	end := func() {
		out.fields = append(out.fields, string(field))
		switch { // the rest of the row is read all the same
		case out.bad != nil:
		case !utf8.Valid(field):
			out.bad = &rowError{len(out.fields), c.line, "it is not UTF-8"}
		case bytes.IndexByte(field, 0) >= 0:
			out.bad = &rowError{len(out.fields), c.line, "it holds a NUL character, which cannot be stored"}
		}
		field, state = field[:0], fieldStarts
	}
	bad := func(format string, args ...any) (row, error) {
		out.bad = &rowError{len(out.fields) + 1, c.line, fmt.Sprintf(format, args...)}
		return out, c.skipLine()
	}
	for size := 0; ; size++ {
		b, err := c.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF) && state == inQuotes:
			out.bad = &rowError{len(out.fields) + 1, opened, "the quotation mark that opens it is never closed"}
			return out, nil
		case errors.Is(err, io.EOF) && state == fieldStarts && len(out.fields) == 0:
			return out, io.EOF
		case errors.Is(err, io.EOF):
			end()
			return out, nil
		case err != nil:
			return out, fmt.Errorf("read line %d: %w", c.line, err)
		case size >= MaxLine && state == inQuotes:
			return out, fmt.Errorf("the quotation mark in line %d, column %d, is not closed within %d MiB", opened, len(out.fields)+1, MaxLine>>20)
		}
		if b == '\r' && state != inQuotes {
			// Only as a half of a line's end; at the end of a file too.
			if after, _ := c.r.Peek(1); len(after) == 0 || after[0] == '\n' {
				continue
			}
			return bad("a carriage return without a line feed")
		}
		if b == '\n' && state != inQuotes {
			if state == fieldStarts && len(out.fields) == 0 { // an empty line
				c.line++
				out.line, size = c.line, -1
				continue
			}
			end()
			c.line++
			return out, nil
		}
		if size >= MaxLine {
			return bad("the row is longer than %d MiB", MaxLine>>20)
		}
		switch {
		case state == inQuotes && b == '"':
			state = afterQuotes
		case state == inQuotes:
			if field = append(field, b); b == '\n' {
				c.line++
			}
		case b == c.delimiter:
			if end(); len(out.fields) >= MaxColumns {
				return bad("the row has more than %d columns", MaxColumns)
			}
		case b == '"' && state == fieldStarts:
			state, opened = inQuotes, c.line
		case b == '"' && state == afterQuotes:
			state, field = inQuotes, append(field, b)
		case b == '"':
			return bad("a quotation mark in a field that does not start with one")
		case state == afterQuotes:
			return bad("text after the closing quotation mark")
		default:
			state, field = inPlain, append(field, b)
		}
	}
}

// skipLine reads up to the end of the line.
func (c *csvReader) skipLine() error {
	for {
		_, err := c.r.ReadSlice('\n')
		switch {
		case err == nil, errors.Is(err, io.EOF):
			c.line++
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("read line %d: %w", c.line, err)
		}
	}
}
