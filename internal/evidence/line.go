package evidence

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sealbook/sealbook/ledger"
)

// A line of entries.jsonl:
//
//	{"record":"…","fields":[{"path":"…","salt":"…","value":…} or {"path":"…","commitment":"…"},…]}
//
// and of skeleton.jsonl, where only entries that are not exported have a
// record and fields:
//
//	{"seq":n,"leaf":"…","record":"…","fields":[…]}
//
// Members come in this order and without white space, so that an entry has one
// line only. That, and speed, is why lines are read by the scanner below and
// not by a general JSON decoder; to every other reader they are plain JSON.

func appendRecord(b []byte, record []byte, fields []ledger.Field) ([]byte, error) {
	b = append(b, `"record":`...)
	b = strconv.AppendQuote(b, string(record)) // visible ASCII and line feeds: the same as in JSON
	b = append(b, `,"fields":[`...)
	for i := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		text, err := fields[i].MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("encode field %s: %w", fields[i].Path, err)
		}
		b = append(b, text...)
	}
	return append(b, ']'), nil
}

// AppendEntryLine appends the line of an entry, as entries.jsonl of a package has
// it: it can be checked without us.
func AppendEntryLine(b []byte, row *ledger.Row) ([]byte, error) { return appendEntryLine(b, row) }

func appendEntryLine(b []byte, row *ledger.Row) ([]byte, error) {
	b, err := appendRecord(append(b, '{'), row.Record, row.Fields)
	return append(b, "}\n"...), err
}

func appendLeaf(b []byte, seq int64, leaf ledger.Hash) []byte {
	b = append(b, `{"seq":`...)
	b = strconv.AppendInt(b, seq, 10)
	b = append(b, `,"leaf":"`...)
	b = base64.StdEncoding.AppendEncode(b, leaf[:])
	return append(b, '"')
}

// appendSkeletonLine hides all fields but those that the filter tests; an
// entry that is exported has its record elsewhere.
func appendSkeletonLine(b []byte, row *ledger.Row, exported bool) ([]byte, error) {
	b = appendLeaf(b, row.Seq, row.Leaf)
	if exported {
		return append(b, "}\n"...), nil
	}
	b, err := appendRecord(append(b, ','), row.Record, ledger.Withhold(row.Fields, isFilterPath))
	return append(b, "}\n"...), err
}

// parseEntryLine reads a line without its line feed. The row's values alias
// it. Seq and Leaf are not in the line and stay zero.
func parseEntryLine(line []byte, row *ledger.Row) error {
	s := scanner{rest: line}
	s.literal("{")
	s.record(row)
	s.literal("}")
	return s.end()
}

// parseSkeletonLine reads a line without its line feed. Record is nil when the
// line gives the leaf alone.
func parseSkeletonLine(line []byte, row *ledger.Row) error {
	s := scanner{rest: line}
	s.literal(`{"seq":`)
	row.Seq = s.number()
	s.literal(`,"leaf":"`)
	row.Leaf = s.hash()
	s.literal(`"`)
	row.Record, row.Fields = nil, row.Fields[:0]
	if s.err == nil && !bytes.Equal(s.rest, []byte("}")) {
		s.literal(",")
		s.record(row)
	}
	s.literal("}")
	return s.end()
}

// scanner reads the one form of a line from left to right. After the first
// error it does nothing.
type scanner struct {
	rest []byte
	err  error
}

func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf(format, args...)
	}
}

func (s *scanner) end() error {
	if s.err == nil && len(s.rest) > 0 {
		s.fail("there is something after the line's object")
	}
	return s.err
}

func (s *scanner) literal(text string) {
	if s.err == nil && !s.accept(text) {
		s.fail("expected %s, found %.40q", text, s.rest)
	}
}

func (s *scanner) accept(text string) bool {
	if len(s.rest) < len(text) || string(s.rest[:len(text)]) != text {
		return false
	}
	s.rest = s.rest[len(text):]
	return true
}

// take returns the next n bytes.
func (s *scanner) take(n int) []byte {
	if s.err != nil || n < 0 || len(s.rest) < n {
		s.fail("the line ends too early")
		return nil
	}
	b := s.rest[:n]
	s.rest = s.rest[n:]
	return b
}

func (s *scanner) number() int64 {
	n := 0
	for n < len(s.rest) && s.rest[n] >= '0' && s.rest[n] <= '9' {
		n++
	}
	text := string(s.take(n))
	v, err := strconv.ParseInt(text, 10, 64)
	if s.err == nil && (err != nil || strconv.FormatInt(v, 10) != text) {
		s.fail("%.40q is not an entry's number", text)
	}
	return v
}

func (s *scanner) base64(n int) []byte {
	b, err := base64.StdEncoding.Strict().DecodeString(string(s.take(base64.StdEncoding.EncodedLen(n))))
	if s.err == nil && (err != nil || len(b) != n) {
		s.fail("expected base64 of %d bytes", n)
	}
	return b
}

func (s *scanner) hash() (h ledger.Hash) {
	copy(h[:], s.base64(len(h)))
	return h
}

// quoted returns the bytes of a JSON string with its quotes.
func (s *scanner) quoted() []byte {
	for i := 1; i < len(s.rest) && s.rest[0] == '"'; i++ {
		switch s.rest[i] {
		case '\\':
			i++
		case '"':
			return s.take(i + 1)
		}
	}
	s.fail("expected a string, found %.40q", s.rest)
	return nil
}

func (s *scanner) record(row *ledger.Row) {
	s.literal(`"record":`)
	quoted := s.quoted()
	text, err := strconv.Unquote(string(quoted))
	if s.err == nil && (err != nil || strconv.Quote(text) != string(quoted)) {
		s.fail("the record is not written in its one form")
	}
	row.Record, row.Fields = []byte(text), row.Fields[:0]
	s.literal(`,"fields":[`)
	for first := true; s.err == nil && !s.accept("]"); first = false {
		if !first {
			s.literal(",")
		}
		row.Fields = append(row.Fields, s.field())
	}
}

func (s *scanner) field() (f ledger.Field) {
	s.literal(`{"path":`)
	quoted := s.quoted()
	plain := utf8.Valid(quoted) && !bytes.ContainsFunc(quoted, func(r rune) bool { return r == '\\' || r < ' ' })
	if plain && len(quoted) > 1 {
		f.Path = string(quoted[1 : len(quoted)-1])
	} else if err := json.Unmarshal(quoted, &f.Path); err != nil {
		s.fail("a field's path is not a string")
	}
	if strings.Count(f.Path, "/") > ledger.MaxDepth {
		s.fail("the path %.80q is deeper than %d levels", f.Path, ledger.MaxDepth)
	}
	switch {
	case s.accept(`,"commitment":"`):
		c := s.hash()
		f.Commitment = &c
		s.literal(`"}`)
	default:
		s.literal(`,"salt":"`)
		f.Salt = s.base64(ledger.SaltSize)
		s.literal(`","value":`)
		f.Value = s.value()
		s.literal("}")
	}
	if !plain && s.err == nil { // has the path another spelling than the one that is written?
		if head, err := (ledger.Field{Path: f.Path, Commitment: &ledger.Hash{}}).MarshalJSON(); err != nil || !bytes.HasPrefix(head, append([]byte(`{"path":`), quoted...)) {
			s.fail("the path %.80q is not written in its one form", f.Path)
		}
	}
	return f
}

var errValue = errors.New("expected a JSON value")

// value returns the extent of the next JSON value. What is inside is not
// looked at: the commitment decides whether these are the bytes that the
// ledger sealed, and those were canonical JSON.
func (s *scanner) value() json.RawMessage {
	depth := 0
	for i := 0; i < len(s.rest); i++ {
		switch c := s.rest[i]; c {
		case '"':
			for i++; i < len(s.rest) && s.rest[i] != '"'; i++ {
				if s.rest[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']', ',':
			if depth == 0 {
				if i == 0 {
					s.fail("%w", errValue)
				}
				return json.RawMessage(s.take(i))
			}
			if c != ',' {
				depth--
			}
		}
	}
	s.fail("%w", errValue)
	return nil
}
