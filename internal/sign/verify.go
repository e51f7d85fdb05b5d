package sign

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/cms"
	"github.com/sealbook/sealbook/internal/tsa"
)

// maxSignatures bounds how many signatures of a document are verified: each
// hashes all of it.
const maxSignatures = 50

// clockSkew is how much later than its time stamp a signature may claim to be.
const clockSkew = 5 * time.Minute

// Signature is what a document's signature is worth. One without Problems is
// Valid, Trusted and over the WholeDocument; each that is not has a problem
// that says why.
type Signature struct {
	// Valid: the bytes that it covers are those that were signed, with the key
	// of the certificate, and its time stamp, if there is one, is about it.
	Valid bool
	// Trusted: the certificate is for signing documents and led to a root at
	// the time of the signature: the stamped one or, without a trusted stamp,
	// the one that the signer claims.
	Trusted bool
	// WholeDocument: it covers every byte of the file but itself. Of several
	// signatures only the last one can.
	WholeDocument bool

	Signer      string // common name of the certificate, or its whole subject
	Fingerprint string // of the certificate, see [Fingerprint]

	// What the signer says; of a signature that is not valid, anybody.
	Name, Reason, Location string
	SigningTime            time.Time // UTC; zero when it is not there

	// TimestampTime is when a trusted authority saw the signature, in UTC; zero
	// without one.
	TimestampTime time.Time

	Problems []string // for people
}

// Verify verifies all signatures of a document, in the order of its form; a
// document that is not signed has none. A nil pool of roots, of signers or of
// time-stamp authorities, is the machine's. It needs no network: whether a
// certificate was revoked is not looked up.
//
// Only ETSI.CAdES.detached is verified; a signature of another kind is one that
// is not valid. The error is InvalidParameter: the document cannot be read.
func Verify(pdf []byte, roots, tsaRoots *x509.CertPool) ([]Signature, error) {
	if len(pdf) > MaxDocument {
		return nil, audit.Errorf(audit.InvalidParameter, "a document has at most %d bytes", MaxDocument)
	}
	f, err := open(pdf)
	if err != nil {
		return nil, err
	}
	there, err := f.signatures()
	if err != nil {
		return nil, unreadable(err)
	}
	var all []Signature
	for _, one := range there {
		s := Signature{}
		err := one.err
		if err == nil {
			s.read(one.dictionary)
			err = s.verify(f, one.dictionary, roots, tsaRoots)
		}
		if err != nil {
			s.problem("%v", err)
		}
		all = append(all, s)
	}
	return all, nil
}

// verifyOwn checks what [Seal] made, whoever trusts it: a document can be made
// such that readers take something else for the signature.
func verifyOwn(pdf []byte) error {
	nobody := x509.NewCertPool()
	all, err := Verify(pdf, nobody, nobody)
	if err != nil {
		return err
	}
	if len(all) == 0 || !all[len(all)-1].Valid || !all[len(all)-1].WholeDocument {
		return unreadable(errors.New("a signature in it would not be found"))
	}
	return nil
}

func (s *Signature) problem(format string, args ...any) {
	s.Problems = append(s.Problems, fmt.Sprintf(format, args...))
}

// read reads what the dictionary says. A value that stands elsewhere is not
// followed: the signature might not cover it.
func (s *Signature) read(d object) {
	text := func(key string) string {
		v := d.get(key)
		if v.kind != kindString && v.kind != kindNull {
			s.problem("%s is no text in the signature's dictionary", key)
		}
		if v.kind != kindString {
			return ""
		}
		return readText(v.text)
	}
	s.Name, s.Reason, s.Location = text("Name"), text("Reason"), text("Location")
	if v := d.get("M"); v.kind != kindNull {
		var ok bool
		if s.SigningTime, ok = readTime(v.text); !ok || v.kind != kindString {
			s.problem("the time of signing cannot be read")
		}
	}
}

// verify stops with an error where the signature is not valid.
func (s *Signature) verify(f *file, d object, roots, tsaRoots *x509.CertPool) error {
	if sub := d.get("SubFilter"); !sub.isName(subFilter) {
		return fmt.Errorf("a signature of the kind %.60q is not verified here", sub.text)
	}
	before, after, err := f.covered(d)
	if err != nil {
		return err
	}
	if s.WholeDocument = after[1] == len(f.data); !s.WholeDocument {
		s.problem("the document goes on after what was signed")
	}
	signed, rest, err := cms.Parse(d.get("Contents").text)
	if err != nil {
		return err
	}
	s.Fingerprint = Fingerprint(signed.Signer)
	if s.Signer = signed.Signer.Subject.CommonName; s.Signer == "" {
		s.Signer = signed.Signer.Subject.String()
	}
	for _, c := range rest {
		if c != 0 {
			return errors.New("something stands behind the signature, where only zeros may fill up")
		}
	}
	if !signed.ContentType.Equal(cms.OIDData) || signed.Content != nil {
		return errors.New("what is signed is not the document")
	}
	if err := signed.Check(signed.Digest(f.data[:before], f.data[after[0]:after[1]])); err != nil {
		return err
	}
	stamp := signed.Unsigned[oidTimestamp.String()]
	if n := len(signed.Unsigned); n > 1 || n == 1 && stamp == nil {
		return errors.New("the signature carries something unsigned that is not known here")
	}
	at := s.SigningTime
	if stamp != nil {
		t, err := tsa.Parse(stamp, signed.Signature)
		if err != nil {
			return fmt.Errorf("the time stamp: %w", err)
		}
		if err := t.Trusted(tsaRoots); err != nil {
			s.problem("the time stamp: %v", err)
		} else {
			at = t.Time
			s.TimestampTime = at
			if s.SigningTime.After(at.Add(clockSkew)) {
				s.problem("it claims to be later than its time stamp")
			}
		}
	}
	s.Valid = true
	if err := trusted(signed, roots, at); err != nil {
		s.problem("%v", err)
	} else {
		s.Trusted = true
	}
	return nil
}

// covered is what a signature is over: the bytes up to before, and those from
// after[0] to after[1]. All that is left out must be its own Contents, from the
// one angle bracket to the other: in a wider gap anything could be changed.
func (f *file) covered(d object) (before int, after [2]int, err error) {
	contents, numbers := d.get("Contents"), d.get("ByteRange").items
	var n [4]int
	for i := range numbers {
		var ok bool
		if i == len(n) {
			return 0, after, errors.New("ByteRange has more than four numbers")
		}
		if n[i], ok = numbers[i].integer(); !ok {
			return 0, after, errors.New("ByteRange is not of numbers")
		}
	}
	// Each is at most 10^10 - 1, so that the sums do not overflow.
	end := n[2] + n[3]
	switch {
	case len(numbers) != len(n) || n[0] != 0 || end > len(f.data):
		return 0, after, errors.New("ByteRange is not one gap in the document")
	case contents.kind != kindString || contents.start != n[1] || contents.end != n[2]:
		return 0, after, errors.New("what ByteRange leaves out is not the signature alone")
	case d.end > end:
		return 0, after, errors.New("ByteRange does not cover the signature's dictionary")
	}
	if err := canonical(f.data[contents.start:contents.end]); err != nil {
		return 0, after, err
	}
	return n[1], [2]int{n[2], end}, nil
}

// canonical refuses spellings of Contents that say the same: nothing in the
// file can change without somebody seeing it.
func canonical(hex []byte) error {
	lower, upper := false, false
	for i, c := range hex {
		switch {
		case c >= '0' && c <= '9' || i == 0 && c == '<' || i == len(hex)-1 && c == '>':
		case c >= 'a' && c <= 'f':
			lower = true
		case c >= 'A' && c <= 'F':
			upper = true
		default:
			return errors.New("there is something else than hexadecimal digits in Contents")
		}
	}
	if lower && upper || len(hex)%2 != 0 {
		return errors.New("the hexadecimal digits of Contents are not in one spelling")
	}
	return nil
}
