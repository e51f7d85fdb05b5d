package ledger

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a SHA-256 hash: of a leaf, a node, a genesis, a commitment or a
// payload root.
type Hash = tlog.Hash

// LeafHash is SHA-256(0x00 ‖ record), RFC 6962 section 2.1.
func LeafHash(record []byte) Hash { return tlog.RecordHash(record) }

// FormatHash renders h as the API does: "sha256:" and 64 hex digits.
func FormatHash(h Hash) string { return "sha256:" + hex.EncodeToString(h[:]) }

// strictBase64 refuses bits after the last byte: a hash has one spelling.
var strictBase64 = base64.StdEncoding.Strict()

func encodeHash(h Hash) string { return base64.StdEncoding.EncodeToString(h[:]) }

func decodeHash(s string) (h Hash, err error) {
	var b [48]byte // the least that decodes 44 characters
	if len(s) == strictBase64.EncodedLen(len(h)) {
		if n, err := strictBase64.Decode(b[:], []byte(s)); err == nil && n == len(h) {
			return Hash(b[:n]), nil
		}
	}
	return h, fmt.Errorf("%.80q is not a base64 SHA-256 hash", s)
}

func hashFrom(b []byte) (h Hash, err error) {
	if len(b) != len(h) {
		return h, fmt.Errorf("a hash has %d bytes, not %d", len(h), len(b))
	}
	return Hash(b), nil
}
