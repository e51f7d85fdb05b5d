package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"

	"github.com/go-json-experiment/json/jsontext"
)

// bareArray is how a file starts that is one JSON array.
var bareArray = regexp.MustCompile(`^(\x{feff})?\s*\[`)

// records reads a recording of JSON values, one a line, or one array, which a
// file holds whose start matches array. The array may be a member of an
// object; what follows it there is read and has no meaning. item makes an
// entry of the n-th element, or of line n.
func records(r io.Reader, array *regexp.Regexp, item func(n int, v any) Item) iter.Seq2[Item, error] {
	b := bufio.NewReaderSize(r, 64<<10)
	start, _ := b.Peek(256) // an error comes again when it is read
	if array.Match(start) {
		return elements(b, item)
	}
	return func(yield func(Item, error) bool) {
		for n, line := range lines(b) {
			if line.end != nil {
				yield(Item{}, line.end)
				return
			}
			out := Item{Line: n, Err: line.bad}
			if out.Err == nil {
				var v any
				if v, out.Err = decode(line.text); out.Err == nil {
					out = item(n, v)
				}
			}
			if !yield(out, nil) {
				return
			}
		}
	}
}

// elements reads the records of one array.
func elements(r *bufio.Reader, item func(n int, v any) Item) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		if mark, _ := r.Peek(3); bytes.Equal(mark, byteOrderMark) {
			r.Discard(len(mark)) //nolint:errcheck // they were peeked
		}
		d := jsontext.NewDecoder(r)
		for {
			t, err := d.ReadToken() // up to the array's bracket, which was seen
			if err != nil {
				yield(Item{}, fmt.Errorf("read recording: %w", plain(err)))
				return
			}
			if t.Kind() == '[' {
				break
			}
		}
		n := 1
		for ; d.PeekKind() != ']'; n++ {
			v, err := readValue(d)
			if err != nil {
				yield(Item{}, fmt.Errorf("read record %d: %w", n, plain(err)))
				return
			}
			if !yield(item(n, v), nil) {
				return
			}
		}
		// What follows the array, down to the file's end.
		for {
			if _, err := d.ReadToken(); errors.Is(err, io.EOF) && d.StackDepth() == 0 {
				return
			} else if err != nil {
				yield(Item{}, fmt.Errorf("read what follows record %d: %w", n-1, plain(err)))
				return
			}
		}
	}
}
