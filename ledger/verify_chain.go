package ledger

import "time"

// rowSequence is how far the rows have come.
type rowSequence struct {
	next     int64     // the number that must come now
	previous *priorRow // the entry before, nil when it is missing or not in the range
	payloads int64     // rows of the payload table
	external int64     // external ids that are right
	tile     tileRun
}

// priorRow is what the next row needs of the one before.
type priorRow struct {
	seq        int64
	hash, leaf Hash
	recordedAt time.Time // zero when the row is not sound
}

func (s *rowSequence) start(first int64) {
	s.next = first
	s.tile.start(first)
}

// page takes the rows of a page in order.
func (v *verifier) page(p *page) {
	for i := range p.checked {
		v.row(&p.checked[i], p)
	}
	v.missing(p.end)
}

func (v *verifier) row(c *checkedRow, p *page) {
	s := &v.rows
	if c.payload {
		s.payloads++
	}
	if c.seq < s.next { // the join found a second payload
		v.problem(ExtraEntry, c.seq, "", "entry %d has more than one payload", c.seq)
		return
	}
	v.missing(c.seq)
	s.next = c.seq + 1
	v.result.Rows++
	if c.external {
		s.external++
	}
	switch {
	case c.archived && v.gone.Contains(c.seq):
		v.result.Destroyed++
	case c.archived:
		v.result.Archived++
	}
	id := ""
	if len(c.found) > 0 && c.record.Seq == c.seq {
		id = entryID(&c.record)
	}
	for _, f := range c.found {
		v.problem(f.kind, c.seq, id, "%s", f.message)
	}
	if c.sound {
		v.link(c)
	}
	v.trees.add(c.hash, c.leaf)
	v.tileLeaf(c, p)
	v.checkpoints(c, p)
	if c.row != nil {
		v.options.Each(c.row)
	}
	if s.previous == nil {
		s.previous = new(priorRow)
	}
	*s.previous = priorRow{seq: c.seq, hash: c.hash, leaf: c.leaf}
	if c.sound {
		s.previous.recordedAt = c.record.RecordedAt
	}
}

// missing reports the numbers between what must come and what came.
func (v *verifier) missing(seq int64) {
	for s := &v.rows; s.next < seq; s.next++ {
		v.problem(MissingEntry, s.next, "", "entry %d is missing", s.next)
		s.previous = nil
		s.tile.lose()
		v.trees.lose()
	}
}

// link checks the chain between an entry that hashes as it should and the one
// before. If they do not fit, it is the one before that was changed: this
// one's link is inside its own hash.
func (v *verifier) link(c *checkedRow) {
	rec, p := &c.record, v.rows.previous
	if rec.Origin != v.genesis.Origin {
		v.problem(HashMismatch, c.seq, entryID(rec), "entry %d: its record is of the ledger %s", c.seq, rec.Origin)
	}
	switch {
	case c.seq == 0 && rec.Prev != v.genesis.Hash():
		v.problem(BrokenChain, 0, entryID(rec), "entry 0 does not follow the ledger's genesis")
	case p == nil:
	case rec.Prev != p.leaf && rec.Prev != p.hash:
		v.problem(BrokenChain, p.seq, p.entryID(), "entry %d is not the one that entry %d was chained to", p.seq, c.seq)
	case rec.RecordedAt.Before(p.recordedAt):
		v.problem(BrokenChain, c.seq, entryID(rec), "entry %d is dated before the entry it follows", c.seq)
	}
}

func (p *priorRow) entryID() string {
	return entryID(&Record{Seq: p.seq, RecordedAt: p.recordedAt})
}

// checkLast compares the last entry with what the head row says of it.
func (v *verifier) checkLast() {
	p := v.rows.previous
	if p == nil || v.result.End != v.result.Checkpoint.Size || p.seq != v.result.End-1 {
		return
	}
	if p.leaf != v.head.lastLeaf && p.hash != v.head.lastLeaf {
		v.problem(BrokenChain, p.seq, p.entryID(), "the head row was written for a last entry with leaf %s", FormatHash(v.head.lastLeaf))
	}
	if !p.recordedAt.IsZero() && !p.recordedAt.Equal(v.head.lastTime) {
		v.general(WrongTree, "the head row says that the last entry is of %s, it is of %s", v.head.lastTime.Format(TimeFormat), p.recordedAt.Format(TimeFormat))
	}
}

// checkpointSequence compares the stored checkpoints with the tree as it grows.
type checkpointSequence struct {
	seen   int64              // size of the last one that was there
	held   int64              // size of the largest tree that a stored root is right about; entries before it are what was acknowledged
	failed []storedCheckpoint // those since with another root, MaxProblems at most
}

func (s *checkpointSequence) start(first int64) { s.seen, s.held = first, first }

// checkpoints takes those that end with the entry c, which the trees hold. All
// entries of a batch have one time, so where the time changes a batch ended,
// and its checkpoint was stored with it.
func (v *verifier) checkpoints(c *checkedRow, p *page) {
	s := &v.points
	for len(p.checkpoints) > 0 && p.checkpoints[0].size < c.seq {
		p.checkpoints = p.checkpoints[1:] // of entries that are missing
	}
	if prior := v.rows.previous; prior != nil && c.sound && !prior.recordedAt.IsZero() && !prior.recordedAt.Equal(c.record.RecordedAt) && s.seen < c.seq {
		v.general(WrongTree, "the checkpoint of %d entries is missing: a batch ended there", c.seq)
	}
	for len(p.checkpoints) > 0 && p.checkpoints[0].size <= c.seq+1 {
		point := p.checkpoints[0]
		p.checkpoints = p.checkpoints[1:]
		if point.size <= c.seq { // of an entry that is missing
			continue
		}
		s.seen = point.size
		if c.sound && !point.at.Equal(c.record.RecordedAt) {
			v.general(WrongTree, "the checkpoint of %d entries is dated %s, its last entry %s", point.size, point.at.UTC().Format(TimeFormat), c.record.RecordedAt.Format(TimeFormat))
		}
		v.compareCheckpoint(point)
	}
	v.pointTrust(c.seq + 1)
}

func (v *verifier) compareCheckpoint(point storedCheckpoint) {
	s := &v.points
	switch {
	case v.trees.lost:
	case v.trees.agree(point.root):
		v.confirm(point.size)
	case len(s.failed) < MaxProblems:
		s.failed = append(s.failed, point)
	}
}

// confirm is told that a root over the first size entries is right. A stored
// root of fewer entries that was not right is wrong itself, then: every tree
// holds the smaller ones.
func (v *verifier) confirm(size int64) {
	s := &v.points
	for _, f := range s.failed {
		v.general(WrongTree, "the checkpoint of %d entries has a root that its entries do not lead to", f.size)
	}
	s.failed, s.held = s.failed[:0], max(s.held, size)
}
