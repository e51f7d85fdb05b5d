// Package ledger is the append-only, hash-chained record of what happened: the
// record format, the Merkle tree over it, signed checkpoints, proofs, and
// their storage in Postgres. It guards that an acknowledged entry can never
// change, move or disappear unnoticed. The API and the activities append to
// it; the offline verifier uses its pure half, which needs no database.
package ledger

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/sealbook/sealbook/audit"
)

// RecordVersion is the first line of a record. It separates records from
// everything else that is hashed, and names the rules of the other lines.
const RecordVersion = "audit-entry/v1"

// TimeFormat is how records write times: RFC 3339, UTC, six decimals always.
const TimeFormat = "2006-01-02T15:04:05.000000Z"

// Record is the leaf data of one entry: eight lines of text, each ended by a
// line feed, and nothing else.
//
//	audit-entry/v1
//	<origin>        of the ledger: binds the organisation
//	<seq>           decimal without leading zeros: binds the position
//	<prev>          base64 leaf hash of seq-1; for seq 0 the genesis hash
//	<recorded at>   TimeFormat; never before the previous entry's
//	<event type>    [a-z0-9._-]{1,64}
//	<event id>      ULID made by the server
//	<payload root>  base64
//
// No line can contain a line feed and their number is fixed, so no two records
// share an encoding. There is no personal data in it, so it never has to
// change.
type Record struct {
	Origin      string
	Seq         int64
	Prev        Hash
	RecordedAt  time.Time
	EventType   string
	EventID     ulid.ULID
	PayloadRoot Hash
}

// Encode returns the record's one encoding.
func (r *Record) Encode() []byte {
	return r.appendTo(make([]byte, 0, 256+len(r.Origin)))
}

func (r *Record) appendTo(b []byte) []byte {
	b = append(b, RecordVersion...)
	b = append(b, '\n')
	b = append(b, r.Origin...)
	b = append(b, '\n')
	b = strconv.AppendInt(b, r.Seq, 10)
	b = append(b, '\n')
	b = strictBase64.AppendEncode(b, r.Prev[:])
	b = append(b, '\n')
	b = r.RecordedAt.UTC().AppendFormat(b, TimeFormat)
	b = append(b, '\n')
	b = append(b, r.EventType...)
	b = append(b, '\n')
	b = appendULID(b, r.EventID)
	b = append(b, '\n')
	b = strictBase64.AppendEncode(b, r.PayloadRoot[:])
	return append(b, '\n')
}

func appendULID(b []byte, id ulid.ULID) []byte {
	var text [ulid.EncodedSize]byte
	if err := id.MarshalTextTo(text[:]); err != nil { // the room is right
		panic(err)
	}
	return append(b, text[:]...)
}

// ParseRecord reads a record and refuses every encoding but the one that
// Encode gives.
func ParseRecord(data []byte) (r Record, err error) {
	text := string(data)
	var lines [8]string
	rest, ok := text, true
	for i := range lines {
		if lines[i], rest, ok = strings.Cut(rest, "\n"); !ok {
			break
		}
	}
	if !ok || rest != "" {
		return r, fmt.Errorf("a record has 8 lines, each ended by a line feed")
	}
	if lines[0] != RecordVersion {
		return r, fmt.Errorf("record version %.64q is not one that this program knows (%s)", lines[0], RecordVersion)
	}
	r.Origin = lines[1]
	if err := checkOrigin(r.Origin); err != nil {
		return r, err
	}
	if r.Seq, err = strconv.ParseInt(lines[2], 10, 64); err != nil || r.Seq < 0 || strconv.FormatInt(r.Seq, 10) != lines[2] {
		return r, fmt.Errorf("sequence number %.64q", lines[2])
	}
	if r.Prev, err = decodeHash(lines[3]); err != nil {
		return r, fmt.Errorf("previous leaf hash: %w", err)
	}
	if r.RecordedAt, err = time.Parse(TimeFormat, lines[4]); err != nil {
		return r, fmt.Errorf("recorded-at time %.64q", lines[4])
	}
	r.EventType = lines[5]
	if !audit.ValidEventTypeName(r.EventType) {
		return r, fmt.Errorf("event type %.80q", r.EventType)
	}
	if r.EventID, err = ulid.ParseStrict(lines[6]); err != nil || r.EventID.String() != lines[6] {
		return r, fmt.Errorf("event id %.64q", lines[6])
	}
	if r.PayloadRoot, err = decodeHash(lines[7]); err != nil {
		return r, fmt.Errorf("payload root: %w", err)
	}
	var room [512]byte // more than most records have
	if !bytes.Equal(r.appendTo(room[:0]), data) {
		return r, fmt.Errorf("the record is not in its one canonical form")
	}
	return r, nil
}

// checkOrigin bounds origins to what both a record's line and a C2SP key name
// can hold: 1 to 200 visible ASCII characters without '+'.
func checkOrigin(s string) error {
	if s == "" || len(s) > 200 {
		return fmt.Errorf("an origin has 1 to 200 characters")
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || c == '+' {
			return fmt.Errorf("origin %q holds a character that is not visible ASCII, or '+'", s)
		}
	}
	return nil
}
