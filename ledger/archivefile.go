package ledger

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/sealbook/sealbook/audit"
)

// A segment file is gzip over lines of JSON: a header, then one line for each
// entry in the order of their numbers. A line holds the record and the payload
// as the database had it, so the file proves itself against the tree and can be
// put back. The same payloads give the same bytes.

// SegmentFormat is the first thing a segment file says.
const SegmentFormat = "sealbook-archive-segment/1"

// maxSegmentLine bounds what a reader takes from a file, in bytes: a line is an
// entry, whose payload is bounded when it is appended.
const maxSegmentLine = 64 << 20

// SegmentHeader says what a file holds.
type SegmentHeader struct {
	Format  string     `json:"format"`
	Segment string     `json:"segment"`
	Origin  string     `json:"origin"`
	Entries int64      `json:"entries"`
	Seqs    [][2]int64 `json:"seqs"` // ranges, both ends included
}

func headerOf(id, origin string, entries int64, seqs Spans) SegmentHeader {
	h := SegmentHeader{Format: SegmentFormat, Segment: id, Origin: origin, Entries: entries}
	for _, r := range seqs {
		h.Seqs = append(h.Seqs, [2]int64{r.First, r.End - 1})
	}
	return h
}

// ArchivedPayload is one line. A seed derives every salt; once a field was
// erased, salts and commitments stand in its place.
type ArchivedPayload struct {
	Seq         int64           `json:"seq"`
	Record      string          `json:"record"`
	Seed        []byte          `json:"seed,omitempty"`
	Fields      json.RawMessage `json:"fields,omitempty"`
	Salts       json.RawMessage `json:"salts,omitempty"`
	Commitments json.RawMessage `json:"commitments,omitempty"`
}

// check decodes the line and compares record and payload with each other.
func (p *ArchivedPayload) check(origin string) (row Row, rec Record, err error) {
	row = Row{Seq: p.Seq, Record: []byte(p.Record), Leaf: LeafHash([]byte(p.Record))}
	if row.Fields, err = decodeFields(p.Seed, p.Fields, p.Salts, p.Commitments); err != nil {
		return row, rec, audit.Errorf(audit.Tampered, "entry %d: %v", p.Seq, err)
	}
	if rec, err = row.Check(); err == nil && rec.Origin != origin {
		err = audit.Errorf(audit.Tampered, "entry %d: its record is of %s, not of %s", p.Seq, rec.Origin, origin)
	}
	return row, rec, err
}

// segmentWriter writes a file. Close ends it.
type segmentWriter struct {
	zip   *gzip.Writer
	lines *json.Encoder
	left  int64
}

func newSegmentWriter(w io.Writer, h SegmentHeader) (*segmentWriter, error) {
	zip := gzip.NewWriter(w) // no name and no time: the bytes follow from the content
	s := &segmentWriter{zip: zip, lines: json.NewEncoder(zip), left: h.Entries}
	s.lines.SetEscapeHTML(false) // a value's bytes are what was committed to
	return s, s.lines.Encode(h)
}

func (s *segmentWriter) add(p *ArchivedPayload) error {
	s.left--
	return s.lines.Encode(p)
}

func (s *segmentWriter) close() error {
	if s.left != 0 {
		return fmt.Errorf("the segment file is %d entries short of its header", s.left)
	}
	return s.zip.Close()
}

// ReadSegment checks a file as far as it proves itself and calls each with every
// line: that it holds the entries that its header names, once and in order, and
// that each payload is the one that its record commits to. Whether the records are
// the ledger's, only the tree can tell. What is wrong is Tampered.
func ReadSegment(r io.Reader, each func(*ArchivedPayload, *Row, *Record) error) (h SegmentHeader, err error) {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return h, broken(err)
	}
	in := bufio.NewReaderSize(zip, 1<<16)
	line, err := readLine(in)
	if err != nil {
		return h, broken(err)
	}
	if err := json.Unmarshal(line, &h); err != nil || h.Format != SegmentFormat {
		return h, audit.Errorf(audit.Tampered, "this is no segment file of the form %s", SegmentFormat)
	}
	var n int64
	next := int64(0)
	for _, x := range h.Seqs {
		if x[0] < next || x[1] < x[0] || x[1] == math.MaxInt64 {
			return h, audit.Errorf(audit.Tampered, "the ranges of the segment file's header are not in order")
		}
		next = x[1] + 1
	}
	for _, x := range h.Seqs {
		for seq := x[0]; seq <= x[1]; seq++ {
			var p ArchivedPayload
			line, err := readLine(in)
			if err != nil {
				return h, broken(err)
			}
			if err := json.Unmarshal(line, &p); err != nil {
				return h, broken(err)
			}
			if p.Seq != seq {
				return h, audit.Errorf(audit.Tampered, "the segment file holds entry %d where entry %d belongs", p.Seq, seq)
			}
			row, rec, err := p.check(h.Origin)
			if err == nil && each != nil {
				err = each(&p, &row, &rec)
			}
			if err != nil {
				return h, err
			}
			n++
		}
	}
	if _, err := in.ReadByte(); err != nil && !errors.Is(err, io.EOF) {
		return h, broken(err)
	} else if err == nil {
		return h, audit.Errorf(audit.Tampered, "the segment file goes on behind its last entry")
	}
	if n != h.Entries || n == 0 {
		return h, audit.Errorf(audit.Tampered, "the segment file says that it holds %d entries, its ranges have %d", h.Entries, n)
	}
	return h, nil
}

// readLine returns the next line without its end.
func readLine(in *bufio.Reader) (line []byte, err error) {
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return bytes.TrimSuffix(line, []byte("\n")), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		case len(line) > maxSegmentLine:
			return nil, fmt.Errorf("a line has more than %d bytes", maxSegmentLine)
		}
	}
}

// broken is what cannot be read as a segment file. A store that fails is not the
// file's fault.
func broken(err error) error {
	var e *audit.Error
	if errors.As(err, &e) {
		return err
	}
	return &audit.Error{Code: audit.Tampered, Message: "the segment file is damaged", Err: err}
}

// errFound ends the reading of a file early.
var errFound = errors.New("found")

// ReadArchived returns an entry out of its segment file, which open opens. The
// record is compared with the tree, and the payload with the record. Returns
// Destroyed when the file is gone.
func (l *Log) ReadArchived(ctx context.Context, ledger int32, seq int64, open func(audit.Artifact) (io.ReadCloser, error)) (found Row, err error) {
	s, err := l.SegmentOf(ctx, ledger, seq)
	if err != nil {
		return found, err
	}
	if s.DestroyedAt != nil {
		return found, s.Gone()
	}
	file, err := open(s.Artifact)
	if err != nil {
		return found, err
	}
	defer file.Close()
	leaves := map[int64]Hash{}
	if err := l.leaves(ctx, ledger, seq, seq+1, leaves); err != nil {
		return found, err
	}
	_, err = ReadSegment(file, func(p *ArchivedPayload, row *Row, _ *Record) error {
		switch {
		case p.Seq != seq:
			return nil
		case row.Leaf != leaves[seq]:
			return audit.Errorf(audit.Tampered, "the segment file's record of entry %d is not the one that the tree holds", seq)
		}
		found = *row
		return errFound
	})
	switch {
	case errors.Is(err, errFound):
		return found, nil
	case err == nil:
		err = audit.Errorf(audit.Tampered, "the segment file does not hold entry %d", seq)
	}
	return found, err
}
