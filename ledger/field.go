package ledger

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// SeedSize and SaltSize are in bytes.
const (
	SeedSize = 32
	SaltSize = 16
)

// Field is one separately committed part of a payload. It is either disclosed
// (Salt and Value) or withheld (Commitment alone); both lead to the same
// payload root.
type Field struct {
	Path       string // JSON Pointer into the payload (RFC 6901)
	Salt       []byte
	Value      json.RawMessage // canonical JSON (RFC 8785)
	Commitment *Hash
}

// Disclosed reports whether the field's value is here.
func (f *Field) Disclosed() bool { return f.Commitment == nil }

// Commit returns the field's commitment:
//
//	SHA-256("audit-field/v1" ‖ 0x00 ‖ salt ‖ u32 len(path) ‖ path ‖ u32 len(value) ‖ value)
//
// with big-endian lengths. The salt hides the value from anyone who would try
// all likely ones.
func (f *Field) Commit() Hash {
	if f.Commitment != nil {
		return *f.Commitment
	}
	var room [512]byte // enough for most fields
	return sha256.Sum256(f.appendPreimage(room[:0]))
}

func (f *Field) appendPreimage(b []byte) []byte {
	b = append(b, "audit-field/v1\x00"...)
	b = append(b, f.Salt...)
	b = appendSized(b, f.Path)
	return appendSized(b, f.Value)
}

// PayloadRoot commits to fields, which must be sorted by path in byte order
// without a repetition:
//
//	SHA-256("audit-payload/v1" ‖ 0x00 ‖ u32 n ‖ (u32 len(path) ‖ path ‖ commitment)…)
//
// The paths are hashed here although each commitment holds its own: a withheld
// field shows only the path and the commitment, and could otherwise be passed
// off under another name.
func PayloadRoot(fields []Field) Hash {
	var room [2048]byte // enough for most payloads
	b := append(room[:0], "audit-payload/v1\x00"...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(fields)))
	for i := range fields {
		c := fields[i].Commit()
		b = appendSized(b, fields[i].Path)
		b = append(b, c[:]...)
	}
	return sha256.Sum256(b)
}

func appendSized[T string | []byte | json.RawMessage](b []byte, part T) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
	return append(b, part...)
}

// FieldSalt derives a field's salt from its entry's seed: the first SaltSize
// bytes of HMAC-SHA-256(seed, path). Whoever sees one salt learns nothing of
// the seed or of another salt.
func FieldSalt(seed []byte, path string) []byte {
	m := hmac.New(sha256.New, seed)
	m.Write([]byte(path))
	return m.Sum(nil)[:SaltSize]
}

// checkFields refuses a list that is not sorted, repeats a path, or holds a
// field that is neither disclosed nor withheld.
func checkFields(fields []Field) error {
	for i := range fields {
		f := &fields[i]
		if !strings.HasPrefix(f.Path, "/") {
			return fmt.Errorf("field path %.80q is not a JSON Pointer to a member", f.Path)
		}
		if i > 0 && fields[i-1].Path >= f.Path {
			return fmt.Errorf("field paths are not sorted or repeat at %.80q", f.Path)
		}
		if f.Disclosed() && len(f.Salt) != SaltSize {
			return fmt.Errorf("field %s: a salt has %d bytes", f.Path, SaltSize)
		}
	}
	return nil
}

func sortFields(fields []Field) {
	slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Path, b.Path) })
}

type jsonField struct {
	Path       string          `json:"path"`
	Salt       string          `json:"salt,omitempty"`
	Value      json.RawMessage `json:"value,omitempty"`
	Commitment string          `json:"commitment,omitempty"`
}

// MarshalJSON writes {"path","salt","value"} or {"path","commitment"}.
func (f Field) MarshalJSON() ([]byte, error) {
	b, err := jsontext.AppendQuote([]byte(`{"path":`), f.Path)
	if err != nil {
		return nil, err
	}
	if f.Commitment != nil {
		return fmt.Appendf(b, `,"commitment":"%s"}`, encodeHash(*f.Commitment)), nil
	}
	return fmt.Appendf(b, `,"salt":"%s","value":%s}`, base64.StdEncoding.EncodeToString(f.Salt), f.Value), nil
}

// UnmarshalJSON reads exactly one of the two forms.
func (f *Field) UnmarshalJSON(data []byte) error {
	var j jsonField
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*f = Field{Path: j.Path}
	if j.Commitment != "" {
		if j.Salt != "" || j.Value != nil {
			return fmt.Errorf("field %.80q is both disclosed and withheld", j.Path)
		}
		h, err := decodeHash(j.Commitment)
		if err != nil {
			return err
		}
		f.Commitment = &h
		return nil
	}
	if j.Value == nil {
		return fmt.Errorf("field %.80q is neither disclosed nor withheld", j.Path)
	}
	salt, err := base64.StdEncoding.Strict().DecodeString(j.Salt)
	if err != nil {
		return fmt.Errorf("field %.80q: salt is not base64", j.Path)
	}
	// A value is hashed in its canonical form, however the line spells it.
	value, err := Canonical(j.Value)
	if err != nil {
		return fmt.Errorf("field %.80q: %w", j.Path, err)
	}
	f.Salt, f.Value = salt, value
	return nil
}

// Withhold returns a copy of fields in which those that keep does not accept
// show their commitment only.
func Withhold(fields []Field, keep func(path string) bool) []Field {
	out := slices.Clone(fields)
	for i := range out {
		if out[i].Disclosed() && !keep(out[i].Path) {
			c := out[i].Commit()
			out[i] = Field{Path: out[i].Path, Commitment: &c}
		}
	}
	return out
}
