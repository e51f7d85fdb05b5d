package ledger

import (
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Summary is a verification as it is answered and kept: document A's keys, and
// ours.
type Summary struct {
	Verified     bool            `json:"verified"`
	Checked      int64           `json:"logs_checked"` // entries that match the window
	ChainValid   bool            `json:"chain_valid"`
	Mismatches   int64           `json:"hash_mismatches"`
	Gaps         int64           `json:"gaps_detected"`
	Digest       string          `json:"verification_hash"`
	VerifiedAt   string          `json:"verified_at"`
	FirstInvalid *InvalidEntry   `json:"first_invalid,omitempty"`
	Problems     []Problem       `json:"problems"`       // the first of them
	ProblemCount int64           `json:"problems_total"` // all of them
	Range        *VerifiedRange  `json:"range,omitempty"`
	TreeSize     int64           `json:"tree_size"`            // of the tree that the range was last seen in
	Checkpoint   string          `json:"checkpoint,omitempty"` // a signed note; of a job, of the tree that it began with
	Archive      *ArchiveSummary `json:"archive,omitempty"`    // of a range
	Anchored     *AnchorSummary  `json:"anchored"`             // set by who knows the anchors
	Receipt      *ReceiptSummary `json:"receipt,omitempty"`
}

// InvalidEntry is the first entry that is wrong. Seq is -1 when no problem
// concerns a single one.
type InvalidEntry struct {
	Seq    int64  `json:"seq"`
	ID     string `json:"id,omitempty"`
	Reason string `json:"reason"`
}

// ArchiveSummary tells of the range's entries whose content is not in the database.
// Their records, the chain and the tree are verified like all others'; their content
// is when the files were read.
type ArchiveSummary struct {
	Entries   int64 `json:"entries"`           // in segment files alone
	Destroyed int64 `json:"destroyed_entries"` // in no file any more: their retention ended
	FilesRead int64 `json:"files_read"`        // 0: the content of entries was not verified
}

// VerifiedRange is what was checked.
type VerifiedRange struct {
	First int64 `json:"first_seq"`
	Last  int64 `json:"last_seq"`
	Count int64 `json:"entries"`
}

// Summary sums the verification up. checked is how many entries of the range
// were asked for; at most limit problems are listed.
func (v *Verification) Summary(checked int64, limit int, at time.Time) Summary {
	s := Summary{Verified: v.OK(), Checked: checked, ChainValid: v.Rows > 0, Digest: v.Digest, TreeSize: v.Checkpoint.Size}
	s.Archive = &ArchiveSummary{v.Archived, v.Destroyed, v.FilesRead}
	if v.Rows > 0 {
		s.Range = &VerifiedRange{v.First, v.End - 1, v.Rows}
	}
	s.count(v.Counts)
	s.list(v.Problems, limit, at)
	return s
}

func (s *Summary) count(counts map[ProblemKind]int64) {
	s.Mismatches, s.Gaps = counts[HashMismatch], counts[MissingEntry]
	for kind, n := range counts {
		s.ProblemCount += n
		if kind != HashMismatch && kind != WrongColumn && kind != WrongRollup && kind != ArchiveFile {
			s.ChainValid = false
		}
	}
}

func (s *Summary) list(problems []Problem, limit int, at time.Time) {
	s.VerifiedAt = audit.FormatTime(at)
	s.Problems = append([]Problem{}, problems[:min(len(problems), limit)]...)
	for _, p := range problems {
		if f := s.FirstInvalid; f == nil || p.Seq >= 0 && (f.Seq < 0 || p.Seq < f.Seq) {
			s.FirstInvalid = &InvalidEntry{p.Seq, p.EntryID, p.Message}
		}
	}
}

// Details is what the ledger's entry about the verification says.
func (s *Summary) Details() audit.Object {
	d := audit.Object{
		"verified": s.Verified, "logs_checked": s.Checked, "chain_valid": s.ChainValid, "hash_mismatches": s.Mismatches,
		"gaps_detected": s.Gaps, "problems": s.ProblemCount, "verification_hash": s.Digest,
	}
	if s.Range != nil {
		d["first_seq"], d["last_seq"] = s.Range.First, s.Range.Last
	}
	if a := s.Archive; a != nil {
		d["archived_entries"], d["destroyed_entries"], d["files_read"] = a.Entries, a.Destroyed, a.FilesRead
	}
	return d
}

// Severity of that entry: critical when something is wrong with the ledger, and
// not when it is with a receipt alone.
func (s *Summary) Severity() audit.Severity {
	for _, p := range s.Problems {
		if p.Kind != Forged && p.Kind != OtherLedger {
			return audit.SeverityCritical
		}
	}
	return audit.SeverityLow
}

// ReceiptSummary says what holds of a receipt, point by point.
type ReceiptSummary struct {
	EntryID     string           `json:"entry_id"`
	LogID       string           `json:"log_id"`
	Seq         int64            `json:"seq"`
	EventType   string           `json:"event_type"`
	RecordedAt  string           `json:"recorded_at"`
	Hash        string           `json:"hash"`
	TreeSize    int64            `json:"tree_size"`
	SignedBy    string           `json:"signed_by,omitempty"` // fingerprint of the installation's key
	Genuine     bool             `json:"genuine"`             // this installation gave it
	Current     bool             `json:"current"`             // its record is still entry Seq
	Extended    bool             `json:"extended"`            // the present tree holds the receipt's
	Consistency *TreeConsistency `json:"consistency,omitempty"`
}

// TreeConsistency leads from the tree of First entries to that of Second (RFC
// 6962, section 2.1.2). Its hashes are base64.
type TreeConsistency struct {
	First  int64    `json:"first"`
	Second int64    `json:"second"`
	Hashes []string `json:"hashes"`
}

// Summary sums the check up in the same shape as a verification of the one
// entry. Document A's counts are of the ledger: what is wrong with the receipt
// alone is in the problems.
func (c *ReceiptCheck) Summary(at time.Time) Summary {
	s := Summary{Verified: c.OK(), Digest: c.Digest, TreeSize: c.Present.Size, ChainValid: c.Current && c.Holds()}
	if c.Current {
		s.Checked, s.Range = 1, &VerifiedRange{c.Record.Seq, c.Record.Seq, 1}
	}
	counts := map[ProblemKind]int64{}
	for _, p := range c.Problems {
		counts[p.Kind]++
	}
	s.count(counts)
	s.list(c.Problems, MaxProblems, at)
	r := &ReceiptSummary{
		EntryID: audit.EntryID(c.Record.Seq, c.Record.RecordedAt), LogID: "log_" + c.Record.EventID.String(), Seq: c.Record.Seq,
		EventType: c.Record.EventType, RecordedAt: audit.FormatTime(c.Record.RecordedAt), Hash: FormatHash(c.Leaf), TreeSize: c.Tree.Size,
		Genuine: c.Genuine(), Current: c.Current, Extended: c.Holds(),
	}
	if c.Key != "" {
		r.SignedBy, _ = KeyFingerprint(c.Key) // it has just verified a signature
	}
	if c.Holds() {
		r.Consistency = &TreeConsistency{c.Tree.Size, c.Present.Size, []string{}}
		for _, h := range c.Proof {
			r.Consistency.Hashes = append(r.Consistency.Hashes, encodeHash(h))
		}
	}
	s.Receipt = r
	return s
}
