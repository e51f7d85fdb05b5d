package sign

import "golang.org/x/crypto/cryptobyte"

// Forge makes the CMS that i's key signs with the attributes of named, with an
// unsigned attribute unless its value is nil. It is what an attacker would do
// who has the key or no scruples.
func Forge(i, named Identity, digest []byte, unsigned []byte) ([]byte, error) {
	attributes := named.attributes(digest)
	signature, err := i.sign(attributes)
	if err != nil {
		return nil, err
	}
	var extra []byte
	if unsigned != nil {
		extra = attribute(oidTimestamp, func(b *cryptobyte.Builder) { b.AddBytes(unsigned) })
	}
	return i.encode(attributes, signature, extra)
}
