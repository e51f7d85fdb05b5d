package evidence

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// Progress is how far a Collector has come: the chunks before it are complete
// and need not be written again. Its size is constant, a few kilobytes of
// JSON, so that it can be a heartbeat's detail.
type Progress struct {
	Next  int64  `json:"next"` // the entry that comes first after these chunks
	Part  Part   `json:"part"` // of these chunks
	JSONL []byte `json:"jsonl"`
	CSV   []byte `json:"csv,omitempty"` // states of the running digests
}

// Collector turns the rows of one part of a package into chunk objects. It
// takes constant memory. It is not safe for concurrent use, and unusable after
// an error.
type Collector struct {
	frame    *frame
	category audit.Category // "" for the skeleton
	create   func(name string) (io.WriteCloser, error)
	border   Progress // at the last chunk border
	part     Part
	next     int64 // the least number that the next row may have
	rows     int   // in the open chunk
	perChunk int
	files    []*chunkFile // the part's kinds
	line     []byte
	err      error
}

// chunkFile is one kind of a part: the digest of all its chunks and the chunk
// that is open.
type chunkFile struct {
	kind string
	sum  *digest
	open io.WriteCloser // nil between chunks
	w    *bufio.Writer
}

// NewCollector starts on a part: Skeleton or a category that the request
// includes. With the progress of an earlier attempt it goes on from there;
// with nil, or a progress that this program cannot read, it starts over and
// writes the same objects again. Next says which.
func NewCollector(s Scope, part string, p *Progress, create func(name string) (io.WriteCloser, error)) (*Collector, error) {
	f, err := newFrame(s)
	if err != nil {
		return nil, fmt.Errorf("collect %s: %w", part, err)
	}
	c := &Collector{frame: f, create: create, perChunk: ChunkEntries}
	if part != Skeleton {
		if c.category = audit.Category(part); !slices.Contains(f.Request.Include, c.category) {
			return nil, fmt.Errorf("collect %q: the request does not include it", part)
		}
	}
	if p == nil || p.Part.Name != part || !c.resume(*p) {
		c.start(part)
	}
	return c, nil
}

func (c *Collector) start(name string) {
	c.part = Part{Name: name}
	if name == Skeleton {
		c.part.Tally = &Tally{}
	} else {
		c.part.CSV = &File{}
	}
	c.next = c.frame.First
	c.files = nil
	for _, kind := range c.part.kinds() {
		c.files = append(c.files, &chunkFile{kind: kind, sum: newDigest()})
	}
	c.border = Progress{Next: c.next, Part: c.part}
	c.take(c.part)
}

func (c *Collector) resume(p Progress) bool {
	c.start(p.Part.Name)
	if p.Part.Chunks == 0 || p.Next <= c.frame.First || p.Next > c.frame.End || (p.Part.Tally == nil) != (c.category != "") {
		return false
	}
	for i, state := range [][]byte{p.JSONL, p.CSV}[:len(c.files)] {
		bytes := p.Part.JSONL.Bytes
		if i == 1 {
			if p.Part.CSV == nil {
				return false
			}
			bytes = p.Part.CSV.Bytes
		}
		if c.files[i].sum.restore(state, bytes) != nil {
			return false
		}
	}
	c.border, c.next = p, p.Next
	c.take(p.Part)
	return true
}

// take makes p the running part, independent of the border's.
func (c *Collector) take(p Part) {
	c.part = p
	if p.Tally != nil {
		c.part.Tally = p.Tally.clone()
	}
}

// Next is the number of the entry from which on rows must be added.
func (c *Collector) Next() int64 { return c.next }

// Progress returns the last chunk border. It changes only there.
func (c *Collector) Progress() Progress { return c.border }

// Add takes the next row, in the order of their numbers. The skeleton needs
// every row of the range, a category those that it shows. Returns Tampered,
// naming the entry, when a row contradicts its hashes, is missing, or is not
// one that the filter finds in the hashed bytes. The row may be reused
// afterwards.
func (c *Collector) Add(row ledger.Row) error {
	if c.err == nil {
		c.err = c.add(&row)
	}
	return c.err
}

func (c *Collector) add(row *ledger.Row) error {
	if row.Seq < c.next || row.Seq >= c.frame.End {
		return fmt.Errorf("entry %d is out of order or range: expected %d to %d", row.Seq, c.next, c.frame.End-1)
	}
	if c.category == "" && row.Seq > c.next {
		return audit.Errorf(audit.Tampered, "entry %d: it is missing", c.next)
	}
	rec, err := row.Check()
	if err != nil {
		return err
	}
	if rec.Origin != c.frame.origin() {
		return audit.Errorf(audit.Tampered, "entry %d: its record is of the ledger %s, not %s", row.Seq, rec.Origin, c.frame.origin())
	}
	t, err := readTested(&rec, row.Fields)
	if err != nil {
		return audit.Errorf(audit.Tampered, "%v", err)
	}
	o := c.frame.judge(&t)
	c.next = row.Seq + 1
	switch {
	case c.category == "":
		c.part.Tally.add(&rec, o)
		c.line, err = appendSkeletonLine(c.line[:0], row, o.reason == Exported)
		if err == nil {
			err = c.write(0, c.line)
		}
	case o.reason == Undetermined:
		return nil // an erased entry: in the skeleton's count, in no category
	case o.reason != Exported || o.category != c.category:
		return audit.Errorf(audit.Tampered, "entry %d: it was found as one of %s, its hashed bytes say otherwise (category %q, %s)", row.Seq, c.category, o.category, o.reason)
	default:
		err = c.addEntry(row, rec, &t)
	}
	if err != nil {
		return err
	}
	if c.rows++; c.rows >= c.perChunk {
		return c.endChunk()
	}
	return nil
}

func (c *Collector) addEntry(row *ledger.Row, rec ledger.Record, t *tested) error {
	e, err := decode(row, rec, t.Time)
	if err != nil {
		return err
	}
	c.part.Stats.add(e)
	if c.line, err = appendEntryLine(c.line[:0], row); err != nil {
		return err
	}
	if err := c.write(0, c.line); err != nil {
		return err
	}
	c.line = e.appendCSV(c.line[:0])
	return c.write(1, c.line)
}

// write appends to the open chunk of a kind, and opens it first if need be.
func (c *Collector) write(kind int, b []byte) error {
	f := c.files[kind]
	if f.open == nil {
		w, err := c.create(ChunkName(c.part.Name, c.part.Chunks, f.kind))
		if err != nil {
			return fmt.Errorf("create chunk: %w", err)
		}
		f.open, f.w = w, bufio.NewWriterSize(w, 64<<10)
		if f.kind == "csv" && c.part.Chunks == 0 {
			if err := c.write(kind, csvHeader()); err != nil {
				return err
			}
		}
	}
	f.sum.add(b)
	_, err := f.w.Write(b)
	return err
}

// endChunk closes the open chunk and moves the border. If we stop before the
// border is known elsewhere, the retry writes the same chunk again.
func (c *Collector) endChunk() error {
	for kind, f := range c.files {
		if err := c.write(kind, nil); err != nil { // even an empty part has a chunk
			return err
		}
		err := f.w.Flush()
		open := f.open
		f.open = nil
		if err := errors.Join(err, open.Close()); err != nil {
			return fmt.Errorf("write chunk: %w", err)
		}
	}
	c.part.Chunks++
	c.rows = 0
	c.part.JSONL = c.files[0].sum.file()
	p := Progress{Next: c.next}
	var err error
	if p.JSONL, err = c.files[0].sum.state(); err != nil {
		return err
	}
	if len(c.files) > 1 {
		csv := c.files[1].sum.file()
		c.part.CSV = &csv
		if p.CSV, err = c.files[1].sum.state(); err != nil {
			return err
		}
	}
	p.Part = c.part
	c.border = p
	c.take(c.part)
	return nil
}

// Close ends the part after its last row. Returns Tampered when rows of the
// range are missing from the skeleton.
func (c *Collector) Close() (Part, error) {
	if c.err != nil {
		return Part{}, c.err
	}
	c.err = errors.New("the collector is closed")
	if c.category == "" && c.next != c.frame.End {
		return Part{}, audit.Errorf(audit.Tampered, "entry %d: it is missing", c.next)
	}
	if c.rows > 0 || c.part.Chunks == 0 {
		if err := c.endChunk(); err != nil {
			return Part{}, err
		}
	}
	return c.part, nil
}

// Abandon gives up: it closes what is open. The chunk that was open is not
// complete; a later attempt overwrites it.
func (c *Collector) Abandon() {
	c.err = errors.New("the collector was abandoned")
	for _, f := range c.files {
		if f.open != nil {
			f.open.Close()
			f.open = nil
		}
	}
}
