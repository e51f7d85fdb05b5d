package ledger

import (
	"crypto/sha256"
	"encoding"
	"hash"
)

// salter derives the salts of one entry's fields from its seed: HMAC-SHA-256
// (RFC 2104). An entry has a dozen fields or two, and every HMAC under its seed
// begins with the same two blocks. They are hashed once and the states after
// them are kept, which halves the blocks of each salt.
type salter struct {
	hash         resumable
	inner, outer []byte // states of hash after the key's two blocks
	sum          [sha256.Size]byte
}

// resumable is what crypto/sha256 says that its hash is.
type resumable interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// init takes a seed of at most SHA-256's block of 64 bytes. The salter's
// memory is used again.
func (s *salter) init(seed []byte) {
	if s.hash == nil {
		s.hash = sha256.New().(resumable)
	}
	s.inner = s.after(s.inner, seed, 0x36)
	s.outer = s.after(s.outer, seed, 0x5c)
}

func (s *salter) after(state, seed []byte, pad byte) []byte {
	var block [sha256.BlockSize]byte
	copy(block[:], seed)
	for i := range block {
		block[i] ^= pad
	}
	s.hash.Reset()
	s.hash.Write(block[:])
	state, err := s.hash.AppendBinary(state[:0])
	if err != nil { // it never returns one
		panic(err)
	}
	return state
}

// appendSalt appends the salt of the field at path; see FieldSalt.
func (s *salter) appendSalt(b, path []byte) []byte {
	inner := s.resume(s.inner, path)
	return append(b, s.resume(s.outer, inner)[:SaltSize]...)
}

// resume hashes message after what led to state. The sum is only lent.
func (s *salter) resume(state, message []byte) []byte {
	if err := s.hash.UnmarshalBinary(state); err != nil { // it is the state that this hash gave
		panic(err)
	}
	s.hash.Write(message)
	return s.hash.Sum(s.sum[:0])
}
