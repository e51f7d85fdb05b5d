package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

// gzipStart is what a segment file begins with, and nothing else that is verified.
const gzipStart = "\x1f\x8b"

// segmentReport is what can be said of a segment file of the archive.
type segmentReport struct {
	File          string          `json:"file"`
	Size          int64           `json:"size"` // in bytes
	SHA256        string          `json:"sha256"`
	Segment       string          `json:"segment,omitempty"`
	Origin        string          `json:"origin,omitempty"`
	Entries       int64           `json:"entries"` // that were checked
	First         *int64          `json:"first_seq,omitempty"`
	Last          *int64          `json:"last_seq,omitempty"`
	RecordedFrom  string          `json:"recorded_from,omitempty"`
	RecordedUntil string          `json:"recorded_until,omitempty"`
	Integrity     evidence.Status `json:"integrity"`
	Authenticity  evidence.Status `json:"authenticity"`
	Findings      []string        `json:"findings"`
	NotProven     []string        `json:"not_proven"`
}

// notInSegment is what no segment file shows.
var notInSegment = []string{
	"that the digest given is the registry's: it is as good as where you have it from",
	"that no other entry is archived, or missing: sealbook verify --database compares the archive with the ledger",
}

// checkDigest returns --digest as digests are written, or "" of none.
func checkDigest(given string) (string, error) {
	text := strings.ToLower(strings.TrimSpace(given))
	raw, err := hex.DecodeString(strings.TrimPrefix(text, "sha256:"))
	switch {
	case given == "":
		return "", nil
	case err != nil || len(raw) != sha256.Size || !strings.HasPrefix(text, "sha256:"):
		return "", usagef("--digest is sha256: and 64 hexadecimal digits")
	}
	return text, nil
}

// verifySegment checks a segment file. It is read once, so that the hash that is
// compared is that of the very bytes that were checked.
func verifySegment(c *call, name string, r io.Reader, o *verifyOptions) error {
	if len(o.keys) > 0 || o.witnesses != "" || o.roots != "" {
		return usagef("%s is a segment file of the archive: it is not signed, and --digest says which one it should be", name)
	}
	digest, err := checkDigest(o.digest)
	if err != nil {
		return err
	}
	report, err := checkSegment(r, digest)
	if err != nil {
		return err
	}
	report.File = name
	return tellVerdict(c, o.json, report)
}

// checkSegment reaches the verdicts. The file proves by itself that each payload
// belongs to its record; that the record is the ledger's follows from the registry's
// digest alone.
func checkSegment(r io.Reader, digest string) (*segmentReport, error) {
	s := &segmentReport{Integrity: evidence.OK, Authenticity: evidence.CannotTell, Findings: []string{}, NotProven: notInSegment}
	hash := sha256.New()
	read := io.TeeReader(r, io.MultiWriter(hash, (*countedBytes)(&s.Size)))
	h, err := ledger.ReadSegment(read, func(p *ledger.ArchivedPayload, _ *ledger.Row, rec *ledger.Record) error {
		if s.First == nil {
			s.First, s.RecordedFrom = &p.Seq, audit.FormatTime(rec.RecordedAt)
		}
		s.Last, s.RecordedUntil = &p.Seq, audit.FormatTime(rec.RecordedAt)
		s.Entries++
		return nil
	})
	var unread *fs.PathError
	if errors.As(err, &unread) {
		return nil, &undecidedError{err}
	}
	if _, err := io.Copy(io.Discard, read); err != nil { // what is behind a fault is part of the hash
		return nil, &undecidedError{err}
	}
	if h.Format != "" && h.Format != ledger.SegmentFormat {
		return nil, &undecidedError{fmt.Errorf("the file has the form %s, which is not known here", printable(h.Format))}
	}
	s.Segment, s.Origin, s.SHA256 = h.Segment, h.Origin, "sha256:"+hex.EncodeToString(hash.Sum(nil))
	if err != nil {
		s.Integrity = evidence.Failed
		s.Findings = append(s.Findings, sentence(err))
	}
	switch {
	case digest == "":
		s.Findings = append(s.Findings, "whether its records are the ledger's cannot be told without the database: give the digest that the registry names with --digest")
	case digest != s.SHA256:
		s.Authenticity = evidence.Failed
		s.Findings = append(s.Findings, "the file is not the one with the digest "+digest)
	default:
		s.Authenticity = evidence.OK
	}
	return s, nil
}

// countedBytes counts what is written to it.
type countedBytes int64

func (n *countedBytes) Write(p []byte) (int, error) {
	*n += countedBytes(len(p))
	return len(p), nil
}

func (r *segmentReport) exit() int {
	switch {
	case r.Integrity == evidence.Failed || r.Authenticity == evidence.Failed:
		return exitFailed
	case r.Authenticity == evidence.OK:
		return exitOK
	}
	return exitUsage
}

func (r *segmentReport) writeText(w io.Writer) error {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %-12s %s\n", name, printable(value))
		}
	}
	fmt.Fprintf(&b, "Segment file %s\n\n", printable(r.File))
	line("hash", r.SHA256)
	line("size", counted(r.Size, "byte", "bytes"))
	line("segment", r.Segment)
	line("ledger", r.Origin)
	if r.First != nil {
		line("entries", fmt.Sprintf("%d, from %d to %d", r.Entries, *r.First, *r.Last))
		line("recorded", r.RecordedFrom+" to "+r.RecordedUntil)
	}
	fmt.Fprintf(&b, "\nintegrity     %s\nauthenticity  %s\n\n", r.Integrity, r.Authenticity)
	if r.Integrity == evidence.OK {
		b.WriteString("  each payload is the one that its record commits to\n\n")
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "  %s\n\n", printable(f))
	}
	b.WriteString("Not proven by a segment file:\n  - " + strings.Join(r.NotProven, "\n  - ") + "\n")
	b.WriteString(map[int]string{
		exitOK: "\nVERIFIED\n", exitFailed: "\nFAILED: do not rely on this file\n",
		exitUsage: "\nCANNOT TELL: nothing is wrong, but not everything is proven\n",
	}[r.exit()])
	_, err := io.WriteString(w, b.String())
	return err
}
