// Package importer turns recordings of other systems into entry requests. It
// guards that nothing of a recording is lost or changed on the way, and that
// the same recording always gives the same requests, so that importing twice
// adds nothing. The import command sends what it yields.
package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/sealbook/sealbook/audit"
)

// Item is what one line, or one element, of a recording became.
type Item struct {
	Line  int             // in the recording, from 1; of an element, its number
	Entry json.RawMessage // a body of POST /entries
	Type  audit.EventType // to be registered before; no name for types that exist
	Err   error           // why there is no entry; the recording goes on

	// Columns says which column of a CSV file each field of Entry is from, by
	// its JSON Pointer. It is the same map for all items.
	Columns map[string]string
}

// Format reads a recording, item by item. The second value is an error that
// ends the recording: what follows it cannot be read.
type Format func(io.Reader) iter.Seq2[Item, error]

// Formats are the formats that need no mapping, by name; see [CSV] for the
// other.
var Formats = map[string]Format{"cloudtrail": CloudTrail, "github": GitHub, "jsonl": JSONL, "okta": Okta}

// MaxLine bounds one line of a recording, in bytes. An entry's own limit is
// lower; this one keeps a file that is no recording from filling the memory.
const MaxLine = 4 << 20

// Open returns the content of a recording, which is unpacked if it starts like
// a gzip file, whatever its name.
func Open(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	magic, err := b.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return b, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, fmt.Errorf("unpack recording: %w", err)
	}
	return z, nil
}

// byteOrderMark is what some editors put before UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// lines yields the lines of r that are not empty, with their numbers. A line
// that is too long is yielded as nil.
func lines(r io.Reader) iter.Seq2[int, lineOrError] {
	return func(yield func(int, lineOrError) bool) {
		b := bufio.NewReaderSize(r, 256<<10)
		for n := 1; ; n++ {
			line, err := readLine(b)
			ended := errors.Is(err, io.EOF)
			switch {
			case errors.Is(err, errLineTooLong):
				if !yield(n, lineOrError{bad: err}) {
					return
				}
				continue
			case err != nil && !ended:
				yield(n, lineOrError{end: fmt.Errorf("read line %d: %w", n, err)})
				return
			}
			if n == 1 {
				line = bytes.TrimPrefix(line, byteOrderMark)
			}
			if line = bytes.TrimSpace(line); len(line) > 0 && !yield(n, lineOrError{text: line}) {
				return
			}
			if ended {
				return
			}
		}
	}
}

// lineOrError is a line, or what is wrong with it, or what ends the file.
type lineOrError struct {
	text []byte
	bad  error
	end  error
}

var errLineTooLong = fmt.Errorf("the line is longer than %d MiB", MaxLine>>20)

func readLine(b *bufio.Reader) (line []byte, err error) {
	for {
		part, err := b.ReadSlice('\n')
		if len(line)+len(part) > MaxLine {
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = b.ReadSlice('\n')
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			return nil, errLineTooLong
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}
