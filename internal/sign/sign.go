// Package sign seals PDF documents with electronic signatures in the PAdES
// baseline profiles B-B and B-T (ETSI EN 319 142-1), and verifies them. It
// guards that a document which verifies is whole and is what the holder of the
// certificate signed, and that a time stamp which was asked for is never left
// out in silence. The activities seal reports with it; the API and the command
// line verify what people hand in.
package sign

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/tsa"
)

// MaxDocument bounds a document in bytes, for sealing and for verifying.
const MaxDocument = 256 << 20

// maxText bounds Name, Reason and Location in bytes.
const maxText = 1000

// Options say who seals a document, and how it is shown.
type Options struct {
	Identity Identity

	// Name of the person who signs, Reason and Location: valid UTF-8, at most
	// 1,000 bytes each; what is empty is left out.
	Name, Reason, Location string

	// Time of the act of signing, to the second. It is the signer's claim
	// (/M); what proves the time is Stamp.
	Time time.Time

	Widget *Widget        // nil: the signature is not visible on a page
	Stamp  *tsa.Authority // nil: profile B-B; else B-T; its Room is that of the document
}

// Widget is the place on a page that shows a signature, in points (1/72 inch)
// from the page's lower left corner. Nothing is drawn there: what a reader
// shall see is part of the page, and so is signed.
type Widget struct {
	Page                     int // from 1
	Left, Bottom, Right, Top float64
}

func (w Widget) rectangle() string {
	return fmt.Sprintf("[%.2f %.2f %.2f %.2f]", w.Left, w.Bottom, w.Right, w.Top)
}

func (o Options) check(size int) error {
	switch {
	case o.Identity.signer == nil:
		return audit.Errorf(audit.InvalidParameter, "there is no identity to sign with")
	case o.Time.Year() < 1 || o.Time.Year() > 9999 || o.Time.IsZero():
		return audit.Errorf(audit.InvalidParameter, "there is no time of signing")
	case size > MaxDocument:
		return audit.Errorf(audit.InvalidParameter, "a document has at most %d bytes", MaxDocument)
	}
	for _, text := range []string{o.Name, o.Reason, o.Location} {
		if len(text) > maxText || !utf8.ValidString(text) {
			return audit.Errorf(audit.InvalidParameter, "name, reason and location are UTF-8 of at most %d bytes", maxText)
		}
	}
	if w := o.Widget; w != nil {
		for _, x := range []float64{w.Left, w.Bottom, w.Right, w.Top} {
			// 14,400 is the largest page (ISO 32000-1 annex C).
			if math.IsNaN(x) || math.Abs(x) > 14400 {
				return audit.Errorf(audit.InvalidParameter, "the widget's rectangle is not on a page")
			}
		}
		if w.Page < 1 || w.Right <= w.Left || w.Top <= w.Bottom {
			return audit.Errorf(audit.InvalidParameter, "the widget's page or rectangle is empty")
		}
	}
	if o.Stamp != nil {
		if err := o.Stamp.Check(); err != nil {
			return err
		}
	}
	return o.Identity.validAt(o.Time)
}

// Seal appends one incremental update with a signature over the whole document
// (ISO 32000-1 section 12.8, SubFilter ETSI.CAdES.detached) and returns the
// sealed document. What was signed before stays signed.
//
// Without a time stamp the same input gives the same bytes, provided that the
// identity's key signs deterministically: those of the standard library do,
// as they are given no randomness.
//
// Errors are InvalidParameter for a document that cannot be sealed (encrypted,
// cross-reference streams) or options out of bounds, and InvalidState for a
// certificate that is not valid at Options.Time. A time stamp that cannot be
// had fails the whole call, so that nobody takes a document without one for one
// with it: Unavailable when trying again may help, Forbidden when the authority
// wants other credentials, else InvalidState.
func Seal(ctx context.Context, pdf []byte, o Options) ([]byte, error) {
	if err := o.check(len(pdf)); err != nil {
		return nil, err
	}
	f, err := open(pdf)
	if err != nil {
		return nil, err
	}
	d, err := o.draft(f)
	if err != nil {
		return nil, err
	}
	digest := sha256.New()
	digest.Write(d.bytes[:d.gap])
	digest.Write(d.bytes[d.after:])
	message, err := o.message(ctx, digest.Sum(nil))
	if err != nil {
		return nil, err
	}
	room := d.bytes[d.gap+1 : d.after-1]
	if hex.EncodedLen(len(message)) > len(room) {
		return nil, audit.Errorf(audit.InvalidState, "the signature has %d bytes, and %d were kept free for it", len(message), len(room)/2)
	}
	hex.Encode(room, message)
	if err := verifyOwn(d.bytes); err != nil {
		return nil, err
	}
	return d.bytes, nil
}

// reserve is how many bytes are kept free for the signature: it depends on the
// options alone, so that the same input gives the same file.
func (o Options) reserve() int {
	// Attributes and what is around them, an ECDSA signature, and the issuer's
	// name, which is there once more; an RSA signature is as long as its key.
	n := 2048 + len(o.Identity.chain[0].RawIssuer)
	if key, ok := o.Identity.signer.Public().(*rsa.PublicKey); ok {
		n += key.Size()
	}
	for _, c := range o.Identity.chain {
		n += len(c.Raw)
	}
	if o.Stamp != nil {
		n += maxToken
	}
	return n
}
