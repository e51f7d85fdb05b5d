package evidence

import (
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// rowCheck goes through the range once. The skeleton has a line for every
// entry; where that gives the leaf alone, the entry's record comes from the
// one category that shows it. All files are in the order of the entries'
// numbers, so they are read side by side and nothing is kept.
type rowCheck struct {
	*verifier
	sources []*source // categories, in the order of audit.Categories
	list    *unpacked // the skeleton
	tally   Tally

	root      *ledger.RangeRoot
	known     []*knownRoot
	broken    bool // a leaf is missing: the root cannot be computed
	next      int64
	prev      *ledger.Hash // the leaf before; nil when it is not known
	recorded  time.Time    // of the newest record
	bounded   bool         // the range starts where RangeBound allows it
	candidate *example
	excepted  map[int64]string // the entries that controls.json calls exceptions, with their ids
}

// knownRoot follows a checkpoint that the caller holds.
type knownRoot struct {
	ledger.Checkpoint
	root   *ledger.RangeRoot
	source string // who says so
	file   string
}

// checkRows verifies the entries and counts them.
func (v *verifier) checkRows() {
	if v.frame == nil {
		return
	}
	c := &rowCheck{verifier: v, next: v.First}
	v.parts, v.previews = map[audit.Category]*Part{}, map[audit.Category][]preview{}
	c.root, _ = ledger.NewRangeRoot(v.proof()) // the frame has checked it
	for _, cp := range v.opt.Known {
		c.follow(cp)
	}
	if v.anchored != nil && v.anchored.proven {
		c.followAnchored()
	}
	c.followAssessed()
	for _, category := range v.included() {
		if v.member(categoryFile(category, fileEntries)) == nil {
			continue
		}
		v.parts[category] = &Part{Name: string(category), CSV: &File{}}
	}
	for _, category := range v.present() { // parts are complete first: the example depends on them
		c.sources = append(c.sources, newSource(v, category))
	}
	if v.First == 0 {
		hash := v.genesis.Hash()
		c.prev = &hash
	}
	if c.list = v.open(nameSkeleton); c.list != nil {
		c.run()
	}
	for _, s := range c.sources {
		s.close()
	}
	if v.example == nil {
		v.example = c.candidate
	}
}

// bad records a finding about a row.
func (c *rowCheck) bad(f Finding, format string, args ...any) {
	if f.Status == "" || f.Status == Failed {
		c.rowsFailed = true
	}
	c.find(f, format, args...)
}

func (c *rowCheck) run() {
	lines := newLineReader(c.list, c.opt.Limits.LineBytes)
	row := newRow()
	for {
		line, err := lines.next()
		if err != nil {
			c.ended(c.list, nameSkeleton, err)
			break
		}
		if err := parseSkeletonLine(line, row); err != nil {
			c.bad(Finding{Verdict: Integrity, File: nameSkeleton, Line: lines.n}, "the line is malformed: %v", err)
			c.gap()
			c.next++
			continue
		}
		if row.Seq < c.next || row.Seq >= c.End {
			seq := row.Seq
			c.bad(Finding{Verdict: Completeness, File: nameSkeleton, Line: lines.n, Seq: &seq}, "the entry is out of order, repeated or out of the range")
			continue
		}
		if row.Seq > c.next {
			c.missing(c.next, row.Seq-1)
		}
		c.entry(row)
		c.next = row.Seq + 1
	}
	if c.next < c.End {
		c.missing(c.next, c.End-1)
	}
	for _, s := range c.sources {
		for s.have {
			c.orphan(s)
		}
	}
	c.skeleton = &Part{Name: Skeleton, Tally: &c.tally}
	c.finish(nameSkeleton, c.list)
	if c.list.finished {
		c.skeleton.JSONL = c.list.file()
	}
	c.checkRoots()
	if c.First > 0 && !c.bounded {
		c.bad(Finding{Verdict: Completeness, File: nameSkeleton, Seq: &c.First}, "the range must start at entry 0, or at one that is shown to be recorded before %s", formatTime(RangeBound(c.period)))
	}
	c.report.Counts.Entries = c.tally.Total + c.report.Counts.NotCollected
	c.report.Counts.Undetermined = c.tally.reason(Undetermined)
}

// ended records why the reading of a file's lines ended, unless that is told
// when the file is finished.
func (v *verifier) ended(u *unpacked, name string, err error) {
	switch {
	case err == io.EOF:
	case errors.Is(err, errLongLine):
		v.rowsFailed = true
		v.find(Finding{Verdict: Integrity, File: name}, "a line is longer than %d bytes (limit LineBytes)", v.opt.Limits.LineBytes)
	case errors.Is(err, io.ErrUnexpectedEOF) && (u.err == nil || u.err == io.EOF):
		v.rowsFailed = true
		v.find(Finding{Verdict: Integrity, File: name}, "the last line has no end")
	default:
		v.rowsFailed = true
		v.finish(name, u)
	}
}

// missing names entries that have no line.
func (c *rowCheck) missing(first, last int64) {
	f := Finding{Verdict: Completeness, File: nameSkeleton, Seq: &first}
	if first == last {
		c.bad(f, "the entry has no line")
	} else {
		c.bad(f, "the entries %d to %d have no line", first, last)
	}
	c.gap()
}

// gap forgets what a missing entry would have told.
func (c *rowCheck) gap() {
	c.broken = true
	c.prev = nil
}

// entry checks the next line of the skeleton.
func (c *rowCheck) entry(row *ledger.Row) {
	var shown []*source
	for _, s := range c.sources {
		for s.have && s.row.Seq < row.Seq {
			c.orphan(s)
		}
		if s.have && s.row.Seq == row.Seq {
			shown = append(shown, s)
		}
	}
	switch {
	case row.Record != nil:
		c.hidden(row, shown)
	case len(shown) == 0:
		c.unshown(row)
	default:
		c.shown(row, shown)
	}
	leaf := row.Leaf
	c.prev = &leaf
	c.addLeaf(leaf)
	for _, s := range shown {
		s.advance()
	}
}

// hidden checks an entry that is listed with its record and is not exported.
func (c *rowCheck) hidden(row *ledger.Row, shown []*source) {
	seq := row.Seq
	at := Finding{File: nameSkeleton, Seq: &seq}
	rec, err := checkRow(row)
	if err != nil {
		at.Verdict = Integrity
		c.bad(at, "%s", message(err))
		return
	}
	at.EntryID = entryID(&rec)
	if c.candidate == nil {
		c.candidate = &example{row.Seq, nameSkeleton, bytes.Clone(row.Record), row.Leaf}
	}
	t, err := readTested(&rec, row.Fields)
	if err != nil {
		at.Verdict = Integrity
		c.bad(at, "%s", message(err))
		return
	}
	o := c.judge(&t)
	c.sequence(&rec, &t, at)
	c.tally.add(&rec, o)
	at.Verdict = Completeness
	switch {
	case len(shown) > 0:
		c.bad(at, "the entry is listed as not exported, and %s shows it", shown[0].name)
	case o.reason == Exported:
		c.bad(at, "the entry matches the request and is not shown: it belongs to %s", o.category)
	case o.reason == Undetermined:
		at.Status = CannotTell
		c.bad(at, "the fields that the request tests were erased")
	default:
		c.report.Counts.NotSelected++
	}
}

// shown checks an entry that a category shows.
func (c *rowCheck) shown(row *ledger.Row, shown []*source) {
	s := shown[0]
	seq := row.Seq
	at := Finding{File: s.name, Line: s.lines.n, Seq: &seq, EntryID: entryID(&s.rec)}
	for _, other := range shown[1:] {
		at.Verdict = Completeness
		c.bad(at, "%s shows the entry too", other.name)
	}
	if s.row.Leaf != row.Leaf {
		at.Verdict = Integrity
		c.bad(at, "the record hashes to %s, the skeleton's leaf is %s", ledger.FormatHash(s.row.Leaf), ledger.FormatHash(row.Leaf))
		return
	}
	if !s.sound {
		return // was found when it was read
	}
	o := c.judge(&s.tested)
	c.sequence(&s.rec, &s.tested, at)
	c.tally.add(&s.rec, o)
	at.Verdict = Completeness
	switch {
	case o.reason != Exported:
		c.bad(at, "the entry is shown although the request does not select it: %s", o.reason)
	case o.category != s.category:
		c.bad(at, "the entry belongs to %s", o.category)
	default:
		c.report.Counts.Shown[s.category]++
	}
}

// unshown is an entry that the skeleton takes for exported and no file shows.
func (c *rowCheck) unshown(row *ledger.Row) {
	if len(c.facts.missing()) > 0 && len(c.failures) > 0 {
		c.report.Counts.NotCollected++
		return
	}
	seq := row.Seq
	c.bad(Finding{Verdict: Completeness, File: nameSkeleton, Seq: &seq}, "the entry is listed as exported, and no file shows it")
}

// orphan is an entry that a category shows and the skeleton does not list.
func (c *rowCheck) orphan(s *source) {
	seq := s.row.Seq
	c.bad(Finding{Verdict: Completeness, File: s.name, Line: s.lines.n, Seq: &seq, EntryID: entryID(&s.rec)}, "the skeleton does not list the entry there: it is out of order, repeated, or not in the range")
	s.advance()
}

// sequence checks what a record says of its place.
func (c *rowCheck) sequence(rec *ledger.Record, t *tested, at Finding) {
	c.except(rec)
	at.Verdict = Integrity
	if rec.Origin != c.origin() {
		c.bad(at, "the record is of the ledger %s", rec.Origin)
	}
	if c.prev != nil && rec.Prev != *c.prev {
		what := "the leaf before it"
		if rec.Seq == 0 {
			what = "the ledger's genesis"
		}
		c.bad(at, "the record names %s as its predecessor; %s is %s", ledger.FormatHash(rec.Prev), what, ledger.FormatHash(*c.prev))
	}
	if rec.RecordedAt.Before(c.recorded) {
		c.bad(at, "it was recorded at %s, before the entry in front of it (%s)", formatTime(rec.RecordedAt), formatTime(c.recorded))
	}
	c.recorded = rec.RecordedAt
	if c.First == 0 {
		return
	}
	at.Verdict = Completeness
	if rec.Seq == c.First {
		c.bounded = rec.RecordedAt.Before(RangeBound(c.period))
	}
	if tooFarAhead(t, rec.RecordedAt) {
		at.Status = CannotTell
		c.bad(at, "the event claims a time more than %s after its recording, so events of the period could stand before the range", audit.MaxFutureEvent)
	}
}

func (c *rowCheck) follow(cp ledger.Checkpoint) {
	if cp.Origin != c.origin() {
		return
	}
	proof := c.proof()
	proof.End, proof.Size = cp.Size, cp.Size
	root, err := ledger.NewRangeRoot(proof)
	switch {
	case cp.Size > c.End:
		c.find(Finding{Verdict: Completeness, Status: CannotTell, File: nameCheckpoint}, "the package ends with entry %d; a checkpoint that you hold covers %d entries", c.End-1, cp.Size)
	case err != nil:
		c.report.Notes = append(c.report.Notes, "A checkpoint that you hold lies before the range and could not be compared.")
	default:
		c.known = append(c.known, &knownRoot{cp, root, "a checkpoint that you hold", nameCheckpoint})
	}
}

func (c *rowCheck) addLeaf(leaf ledger.Hash) {
	if c.broken {
		return
	}
	if err := c.root.Add(leaf); err != nil {
		c.broken = true
		c.bad(Finding{Verdict: Integrity, File: nameSkeleton}, "%v", err)
	}
	for _, k := range c.known {
		if c.next < k.Size {
			if err := k.root.Add(leaf); err != nil {
				c.bad(Finding{Verdict: Integrity, File: nameSkeleton}, "%v", err)
			}
		}
	}
}

// checkRoots compares the leaves with the signed checkpoint, and with those
// that the caller holds.
func (c *rowCheck) checkRoots() {
	if c.broken {
		return // a line is missing, which was found
	}
	root, err := c.root.Root()
	switch {
	case err != nil:
		c.bad(Finding{Verdict: Integrity, File: nameSkeleton}, "the root cannot be computed: %v", err)
	case root != c.checkpoint.Root:
		c.bad(Finding{Verdict: Integrity, File: nameCheckpoint}, "the leaves lead to the root %s, the checkpoint says %s", ledger.FormatHash(root), ledger.FormatHash(c.checkpoint.Root))
	}
	for _, k := range c.known {
		if root, err := k.root.Root(); err == nil && root != k.Root {
			c.bad(Finding{Verdict: Integrity, File: k.file}, "the first %d entries lead to the root %s, %s says %s: the ledger's history was rewritten", k.Size, ledger.FormatHash(root), k.source, ledger.FormatHash(k.Root))
		}
	}
}
