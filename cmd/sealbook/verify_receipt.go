package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

// receiptReport is what can be said of one receipt.
type receiptReport struct {
	File         string          `json:"file"`
	Receipt      int             `json:"receipt"` // in the file, from 1
	EntryID      string          `json:"entry_id,omitempty"`
	LogID        string          `json:"log_id,omitempty"`
	Origin       string          `json:"origin,omitempty"`
	Seq          *int64          `json:"seq,omitempty"`
	EventType    string          `json:"event_type,omitempty"`
	RecordedAt   string          `json:"recorded_at,omitempty"`
	TreeSize     int64           `json:"tree_size,omitempty"`
	Hash         string          `json:"hash,omitempty"`
	Fingerprint  string          `json:"key_fingerprint,omitempty"` // of the trusted key that signed
	Integrity    evidence.Status `json:"integrity"`
	Authenticity evidence.Status `json:"authenticity"`
	Findings     []string        `json:"findings"`
	NotProven    []string        `json:"not_proven"`
}

// notInReceipt is what no receipt shows.
var notInReceipt = []string{
	"what happened: the record holds a commitment to the content, not the content",
	"that the ledger has gone on from this tree; a later receipt, package or checkpoint shows it",
}

// maxReceipts bounds the size of a file of receipts, in bytes.
const maxReceipts = 256 << 20

// verifyReceipts checks every receipt in a file, which holds one or a line
// each.
func verifyReceipts(c *call, name string, r io.Reader, t trust, asJSON bool) error {
	worst, n := exitOK, 0
	for d := json.NewDecoder(io.LimitReader(r, maxReceipts)); ; n++ {
		var raw json.RawMessage
		err := d.Decode(&raw)
		if errors.Is(err, io.EOF) && n > 0 {
			break
		}
		if err != nil {
			fmt.Fprintf(c.stderr, "%s: %s: receipt %d is not whole JSON: %s\n", c.path, name, n+1, err)
			return &verdict{exitFailed}
		}
		report, err := checkReceipt(raw, t)
		if err != nil && worst == exitFailed { // a failure is not undone by what comes after it
			fmt.Fprintf(c.stderr, "%s: %s: %s\n", c.path, name, err)
			return &verdict{exitFailed}
		}
		if err != nil {
			return err
		}
		report.File, report.Receipt = name, n+1
		if asJSON {
			err = json.NewEncoder(c.stdout).Encode(report)
		} else {
			err = report.writeText(c.stdout)
		}
		if err != nil {
			return err
		}
		switch code := report.exit(); {
		case code == exitFailed, worst == exitOK:
			worst = code
		}
	}
	if worst != exitOK {
		return &verdict{worst}
	}
	return nil
}

// checkReceipt checks what it can: the proof always, the signature with a key.
func checkReceipt(raw []byte, t trust) (*receiptReport, error) {
	var members map[string]json.RawMessage // by their exact names
	var version *string
	if json.Unmarshal(raw, &members) != nil || json.Unmarshal(members["receipt"], &version) != nil || version == nil {
		return nil, &undecidedError{errors.New(`this is neither an evidence package nor a receipt, which has "receipt": "` + ledger.ReceiptVersion + `"`)}
	}
	report := &receiptReport{Integrity: evidence.OK, Authenticity: evidence.CannotTell, Findings: []string{}, NotProven: notInReceipt}
	var r ledger.Receipt
	if *version != ledger.ReceiptVersion {
		report.Integrity = evidence.CannotTell
		report.find("the receipt has the version %.40q, this program knows %s", *version, ledger.ReceiptVersion)
		return report, nil
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		report.fail("the receipt cannot be read: %s", err)
		return report, nil
	}
	rec, err := ledger.ParseRecord(r.Record)
	if err != nil {
		report.fail("the record cannot be read: %s", err)
		return report, nil
	}
	report.describe(&r, &rec)
	point, err := unsignedCheckpoint(r.Proof.Checkpoint)
	if err == nil {
		err = included(&r, &rec, point)
	}
	if err != nil {
		report.fail("%s", err)
	}
	report.TreeSize = point.Size
	report.checkSignature(&r, rec.Origin, t)
	return report, nil
}

func (r *receiptReport) describe(receipt *ledger.Receipt, rec *ledger.Record) {
	seq := rec.Seq
	r.EntryID, r.LogID, r.Origin, r.Seq = audit.EntryID(rec.Seq, rec.RecordedAt), "log_"+rec.EventID.String(), rec.Origin, &seq
	r.EventType, r.RecordedAt = rec.EventType, audit.FormatTime(rec.RecordedAt)
	r.Hash = ledger.FormatHash(ledger.LeafHash(receipt.Record))
}

// unsignedCheckpoint reads a checkpoint's text, whoever signed it. Signatures
// have one spelling: the last character of base64 can hide bits that decoding
// drops, and a receipt in which a byte was changed is not the one that was
// given.
func unsignedCheckpoint(signed []byte) (ledger.Checkpoint, error) {
	body, signatures, ok := strings.Cut(string(signed), "\n\n")
	if !ok {
		return ledger.Checkpoint{}, errors.New("the checkpoint is not signed")
	}
	for line := range strings.Lines(signatures) {
		encoded := strings.TrimSuffix(line[strings.LastIndex(line, " ")+1:], "\n")
		if raw, _ := base64.StdEncoding.DecodeString(encoded); base64.StdEncoding.EncodeToString(raw) != encoded {
			return ledger.Checkpoint{}, errors.New("a signature of the checkpoint is not in its one spelling")
		}
	}
	return ledger.ParseCheckpoint(body + "\n")
}

// included checks that the record is in the tree that the checkpoint describes.
func included(r *ledger.Receipt, rec *ledger.Record, c ledger.Checkpoint) error {
	switch {
	case c.Origin != rec.Origin:
		return fmt.Errorf("the record is of %s, the checkpoint of %s", rec.Origin, c.Origin)
	case rec.Seq != r.Proof.Index:
		return fmt.Errorf("the record is entry %d, the proof of entry %d", rec.Seq, r.Proof.Index)
	}
	if err := r.Proof.CheckUnder(c, ledger.LeafHash(r.Record)); err != nil {
		return fmt.Errorf("the record is not in the tree that the checkpoint describes, record or proof was changed: %w", err)
	}
	return nil
}

// checkSignature reaches the verdict on who signed.
func (r *receiptReport) checkSignature(receipt *ledger.Receipt, origin string, t trust) {
	vkeys := t.verifiers(origin)
	if len(vkeys) == 0 {
		switch {
		case len(t.keys) == 0:
			r.find("who signed it cannot be told: a receipt does not show its key; name the ledger's verifier key with --key or SEALBOOK_TRUSTED_KEYS")
		case len(t.verifiersOfAny()) == 0:
			r.find("who signed it cannot be told: a fingerprint cannot check a receipt, which does not show its key; name the verifier key itself")
		default:
			r.Authenticity = evidence.Failed
			r.find("none of the trusted keys is of the ledger %s", origin)
		}
		return
	}
	for _, vkey := range vkeys {
		if _, err := ledger.OpenCheckpoint(receipt.Proof.Checkpoint, vkey); err == nil {
			r.Authenticity = evidence.OK
			r.Fingerprint, _ = ledger.KeyFingerprint(vkey)
			return
		}
	}
	r.Authenticity = evidence.Failed
	r.find("no trusted key of %s has signed this checkpoint: it was changed, or another key signed it", origin)
}

func (r *receiptReport) find(format string, args ...any) {
	r.Findings = append(r.Findings, fmt.Sprintf(format, args...))
}

func (r *receiptReport) fail(format string, args ...any) {
	r.Integrity = evidence.Failed
	r.find(format, args...)
}

func (r *receiptReport) exit() int {
	switch {
	case r.Integrity == evidence.Failed, r.Authenticity == evidence.Failed:
		return exitFailed
	case r.Integrity == evidence.OK && r.Authenticity == evidence.OK:
		return exitOK
	}
	return exitUsage
}

func (r *receiptReport) writeText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Receipt of %s\n\n", printable(r.EntryID))
	for _, line := range [][2]string{
		{"ledger", r.Origin}, {"recorded", r.RecordedAt}, {"event type", r.EventType}, {"hash", r.Hash},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "  %-12s %s\n", line[0], printable(line[1]))
		}
	}
	if r.TreeSize > 0 {
		fmt.Fprintf(&b, "  %-12s entry %d of %d\n", "place", *r.Seq, r.TreeSize)
	}
	if r.Fingerprint != "" {
		fmt.Fprintf(&b, "  %-12s %s\n", "signed by", r.Fingerprint)
	}
	fmt.Fprintf(&b, "\nintegrity     %s\nauthenticity  %s\n\n", r.Integrity, r.Authenticity)
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "  %s\n", printable(f))
	}
	if len(r.Findings) > 0 {
		b.WriteString("\n")
	}
	b.WriteString("Not proven by a receipt:\n")
	for _, n := range r.NotProven {
		fmt.Fprintf(&b, "  - %s\n", n)
	}
	b.WriteString(map[int]string{
		exitOK: "\nVERIFIED\n", exitFailed: "\nFAILED: do not rely on this receipt\n",
		exitUsage: "\nCANNOT TELL: nothing is wrong, but not everything is proven\n",
	}[r.exit()])
	_, err := io.WriteString(w, b.String())
	return err
}

// printable replaces what could steer a terminal or turn the direction of what
// is read.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
