package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/internal/sign"
	"github.com/sealbook/sealbook/internal/tsa"
	"github.com/sealbook/sealbook/ledger"
)

// pdfStart is what a PDF begins with.
const pdfStart = "%PDF-"

// sealReport is what can be said of a PDF and its signatures.
type sealReport struct {
	File         string          `json:"file"`
	Size         int             `json:"size"` // in bytes
	SHA256       string          `json:"sha256"`
	Signatures   []sealSignature `json:"signatures"`
	Integrity    evidence.Status `json:"integrity"`
	Authenticity evidence.Status `json:"authenticity"`
	Findings     []string        `json:"findings"` // of the file; those of a signature are its problems
	NotProven    []string        `json:"not_proven"`
}

// sealSignature is a [sign.Signature] as JSON has it.
type sealSignature struct {
	Valid         bool      `json:"valid"`
	Trusted       bool      `json:"trusted"`
	WholeDocument bool      `json:"whole_document"`
	Signer        string    `json:"signer,omitempty"`
	Fingerprint   string    `json:"certificate_fingerprint,omitempty"`
	Name          string    `json:"name,omitempty"`
	Reason        string    `json:"reason,omitempty"`
	Location      string    `json:"location,omitempty"`
	SigningTime   time.Time `json:"signing_time,omitzero"`
	TimestampTime time.Time `json:"timestamp_time,omitzero"`
	Problems      []string  `json:"problems"`
}

// notInSeal is what no signature of a PDF shows.
var notInSeal = []string{
	"that what the report says is true, or is all of what the ledger holds; an evidence package can show that",
	"that no certificate was revoked: the check needs no network, so nobody was asked",
	"when it was signed, where no time stamp says so: the signing time is the signer's claim",
}

// verifyReport checks the signatures of a PDF. It is read once, so that the
// hash that is told is that of the very bytes that were checked.
func verifyReport(c *call, name string, r io.Reader, o *verifyOptions) error {
	if len(o.keys) > 0 || o.witnesses != "" {
		return usagef("%s is a PDF: --key and --witnesses are for packages and receipts, --roots says whose signature is believed", name)
	}
	roots, err := readRoots("--roots", o.signers)
	if err != nil {
		return err
	}
	tsaRoots, err := readRoots("--tsa-roots", o.roots)
	if err != nil {
		return err
	}
	pdf, err := io.ReadAll(io.LimitReader(r, sign.MaxDocument+1))
	if err != nil {
		return &undecidedError{err}
	}
	if len(pdf) > sign.MaxDocument {
		return &undecidedError{fmt.Errorf("%s is too large: a PDF with more than %d bytes is not checked", name, sign.MaxDocument)}
	}
	report := checkSeals(pdf, roots, tsaRoots)
	report.File = name
	return tellVerdict(c, o.json, report)
}

// judged is a file that was verified: a report or a segment file of the archive.
type judged interface {
	writeText(io.Writer) error
	exit() int
}

// tellVerdict writes what was found, and ends with the verdict's exit code.
func tellVerdict(c *call, asJSON bool, of judged) (err error) {
	if asJSON {
		e := json.NewEncoder(c.stdout)
		e.SetIndent("", "  ")
		err = e.Encode(of)
	} else {
		err = of.writeText(c.stdout)
	}
	if code := of.exit(); err == nil && code != exitOK {
		err = &verdict{code}
	}
	return err
}

// readRoots reads certificates that are believed; of no file, nil: the
// machine's.
func readRoots(flag, file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := readSettingFile(flag, file)
	if err != nil {
		return nil, err
	}
	pool, err := tsa.ParseRoots(text)
	if err != nil {
		return nil, usagef("%s: %s", flag, err)
	}
	return pool, nil
}

// checkSeals reaches the verdicts. A signature that leaves something of the
// file out fails even if a later one covers it: what was added may show readers
// something else than its signer saw.
func checkSeals(pdf []byte, roots, tsaRoots *x509.CertPool) *sealReport {
	r := &sealReport{
		Size: len(pdf), SHA256: ledger.FormatHash(sha256.Sum256(pdf)), Signatures: []sealSignature{},
		Integrity: evidence.OK, Authenticity: evidence.OK, Findings: []string{}, NotProven: notInSeal,
	}
	all, err := sign.Verify(pdf, roots, tsaRoots)
	switch {
	case err != nil: // a valid document of a kind that is not read here is as likely as a damaged one
		r.Integrity, r.Authenticity = evidence.CannotTell, evidence.CannotTell
		r.Findings = append(r.Findings, sentence(err))
		return r
	case len(all) == 0:
		r.Integrity, r.Authenticity = evidence.Failed, evidence.CannotTell
		r.Findings = append(r.Findings, "the document is not signed")
	}
	for _, s := range all {
		if s.Problems == nil {
			s.Problems = []string{}
		}
		r.Signatures = append(r.Signatures, sealSignature(s))
		if !s.Valid || !s.WholeDocument {
			r.Integrity = evidence.Failed
		}
		if len(s.Problems) > 0 {
			r.Authenticity = evidence.CannotTell
		}
	}
	return r
}

func (r *sealReport) exit() int {
	switch {
	case r.Integrity == evidence.Failed:
		return exitFailed
	case r.Integrity == evidence.OK && r.Authenticity == evidence.OK:
		return exitOK
	}
	return exitUsage
}

func (r *sealReport) writeText(w io.Writer) error {
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "  %-12s %s\n", name, printable(value)) }
	fmt.Fprintf(&b, "PDF %s\n\n", printable(r.File))
	line("hash", r.SHA256)
	line("size", counted(int64(r.Size), "byte", "bytes"))
	line("signatures", fmt.Sprint(len(r.Signatures)))
	for i, s := range r.Signatures {
		fmt.Fprintf(&b, "\nSignature %d of %d\n\n", i+1, len(r.Signatures))
		s.tell(line)
	}
	fmt.Fprintf(&b, "\nintegrity     %s\nauthenticity  %s\n\n", r.Integrity, r.Authenticity)
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "  %s\n\n", printable(f))
	}
	b.WriteString("Not proven by a signature:\n  - " + strings.Join(r.NotProven, "\n  - ") + "\n")
	b.WriteString(map[int]string{
		exitOK: "\nVERIFIED\n", exitFailed: "\nFAILED: do not rely on this document\n",
		exitUsage: "\nCANNOT TELL: nothing is wrong, but not everything is proven\n",
	}[r.exit()])
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *sealSignature) tell(line func(name, value string)) {
	yes := map[bool]string{true: "yes", false: "no"}
	line("valid", yes[s.Valid])
	line("trusted", yes[s.Trusted])
	line("covers all", yes[s.WholeDocument])
	said := func(t time.Time, by, without string) string {
		if t.IsZero() {
			return without
		}
		return t.Format("2006-01-02 15:04:05 UTC") + by
	}
	for _, l := range [][2]string{
		{"signer", s.Signer}, {"fingerprint", s.Fingerprint}, {"name", s.Name}, {"reason", s.Reason}, {"location", s.Location},
		{"signed", said(s.SigningTime, ", as the signer says", "")}, {"time stamp", said(s.TimestampTime, "", "none that is trusted")},
	} {
		if l[1] != "" {
			line(l[0], l[1])
		}
	}
	for _, p := range s.Problems {
		line("problem", p)
	}
}
