package sign

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/cms"
)

// subFilter names the form of the signature (ETSI EN 319 142-1 section 6.3).
const subFilter = "ETSI.CAdES.detached"

var oidTimestamp = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 14} // RFC 3161 appendix A

// message makes the CMS SignedData (RFC 5652) of CAdES-BES (ETSI EN 319 122-1)
// over what has this SHA-256 digest. The time of signing is not in it: the
// baseline profiles want it in the PDF's dictionary alone.
func (o Options) message(ctx context.Context, digest []byte) ([]byte, error) {
	attributes := o.Identity.attributes(digest)
	signature, err := o.Identity.sign(attributes)
	if err != nil {
		return nil, err
	}
	var unsigned []byte
	if o.Stamp != nil {
		token, err := o.stamp(ctx, signature)
		if err != nil {
			return nil, err
		}
		unsigned = attribute(oidTimestamp, func(b *cryptobyte.Builder) { b.AddBytes(token) })
	}
	return o.Identity.encode(attributes, signature, unsigned)
}

// encode puts the SignedData together.
func (i Identity) encode(attributes, signature, unsigned []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // ContentInfo
		b.AddASN1ObjectIdentifier(cms.OIDSignedData)
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // SignedData
				b.AddASN1Int64(1)
				b.AddASN1(tag.SET, func(b *cryptobyte.Builder) { algorithm(b, cms.OIDSHA256, false) })
				b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(cms.OIDData) })
				b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddBytes(i.certificates()) })
				b.AddASN1(tag.SET, func(b *cryptobyte.Builder) { i.signerInfo(b, attributes, signature, unsigned) })
			})
		})
	})
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode the signature: %w", err)
	}
	return out, nil
}

// explicit is the tag [n] of something constructed.
func explicit(n uint8) tag.Tag { return tag.Tag(n).ContextSpecific().Constructed() }

func algorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, null bool) {
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if null {
			b.AddASN1NULL()
		}
	})
}

func attribute(oid asn1.ObjectIdentifier, value func(*cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		b.AddASN1(tag.SET, value)
	})
	return b.BytesOrPanic() // fails only for what is longer than a length can say
}

// sorted is the order that DER gives the members of a SET OF.
func sorted(members [][]byte) []byte {
	slices.SortFunc(members, bytes.Compare)
	return slices.Concat(members...)
}

// attributes are the signed ones, in a SET as they are hashed.
func (i Identity) attributes(digest []byte) []byte {
	name := sha256.Sum256(i.chain[0].Raw)
	var b cryptobyte.Builder
	b.AddASN1(tag.SET, func(b *cryptobyte.Builder) {
		b.AddBytes(sorted([][]byte{
			attribute(cms.OIDContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(cms.OIDData) }),
			attribute(cms.OIDMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest) }),
			attribute(cms.OIDCertificateV2, func(b *cryptobyte.Builder) {
				b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // SigningCertificateV2
					b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // certs
						b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1OctetString(name[:]) }) // SHA-256 is the default
					})
				})
			}),
		}))
	})
	return b.BytesOrPanic()
}

func (i Identity) certificates() []byte {
	var all [][]byte
	for _, c := range i.chain {
		all = append(all, c.Raw)
	}
	return sorted(all)
}

func (i Identity) rsa() bool { _, ok := i.signer.Public().(*rsa.PublicKey); return ok }

// sign signs the attributes, and checks what it got: a key elsewhere may not
// be the one that it was, and nobody else looks before the document is out.
func (i Identity) sign(attributes []byte) ([]byte, error) {
	digest := sha256.Sum256(attributes)
	// Without randomness the standard library signs deterministically (RFC 6979).
	signature, err := i.signer.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	algorithm := x509.ECDSAWithSHA256
	if i.rsa() {
		algorithm = x509.SHA256WithRSA
	}
	if err := i.chain[0].CheckSignature(algorithm, attributes, signature); err != nil {
		return nil, audit.Errorf(audit.InvalidState, "the key does not sign as its certificate says: %v", err)
	}
	return signature, nil
}

func (i Identity) signerInfo(b *cryptobyte.Builder, attributes, signature, unsigned []byte) {
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { // IssuerAndSerialNumber
			b.AddBytes(i.chain[0].RawIssuer)
			b.AddASN1BigInt(i.chain[0].SerialNumber)
		})
		algorithm(b, cms.OIDSHA256, false)
		// In the message the SET has the tag [0] in place of its own.
		b.AddBytes(append([]byte{byte(explicit(0))}, attributes[1:]...))
		if i.rsa() {
			algorithm(b, cms.OIDSHA256RSA, true)
		} else {
			algorithm(b, cms.OIDSHA256ECDSA, false)
		}
		b.AddASN1OctetString(signature)
		if unsigned != nil {
			b.AddASN1(explicit(1), func(b *cryptobyte.Builder) { b.AddBytes(unsigned) })
		}
	})
}
