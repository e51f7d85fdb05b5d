package ledger

import (
	"fmt"

	"github.com/sealbook/sealbook/audit"
)

// Row is one entry as the ledger keeps it: the hashed bytes, the leaf hash
// that is stored beside them, and the payload's fields.
type Row struct {
	Seq    int64
	Record []byte
	Leaf   Hash
	Fields []Field // sorted by path
	Bare   bool    // there is no payload in the database: it is archived, or was taken

	plain bool // the fields' values are known to be canonical
}

// Check recomputes everything that the row says about itself: the record's
// form and number, the leaf hash, and the payload root over the fields.
// Returns the parsed record, or Tampered.
func (r *Row) Check() (Record, error) {
	rec, _, err := r.checkRecord()
	if err == nil {
		err = r.checkPayload(&rec)
	}
	return rec, err
}

// checkRecord also returns the leaf hash that the record's bytes have,
// whatever else is wrong.
func (r *Row) checkRecord() (Record, Hash, error) {
	hash := LeafHash(r.Record)
	rec, err := ParseRecord(r.Record)
	if err != nil {
		return rec, hash, audit.Errorf(audit.Tampered, "entry %d: %v", r.Seq, err)
	}
	if rec.Seq != r.Seq {
		return rec, hash, audit.Errorf(audit.Tampered, "entry %d: its record says that it is entry %d", r.Seq, rec.Seq)
	}
	if hash != r.Leaf {
		return rec, hash, audit.Errorf(audit.Tampered, "entry %d: the record hashes to %s, the stored leaf is %s", r.Seq, FormatHash(hash), FormatHash(r.Leaf))
	}
	return rec, hash, nil
}

func (r *Row) checkPayload(rec *Record) error {
	if r.Bare {
		return audit.Errorf(audit.Tampered, "entry %d: its payload is missing", r.Seq)
	}
	if err := checkFields(r.Fields); err != nil {
		return audit.Errorf(audit.Tampered, "entry %d: %v", r.Seq, err)
	}
	if got := PayloadRoot(r.Fields); got != rec.PayloadRoot {
		return audit.Errorf(audit.Tampered, "entry %d: the payload's fields hash to %s, the record says %s", r.Seq, FormatHash(got), FormatHash(rec.PayloadRoot))
	}
	return nil
}

// Entry decodes the row. Verified tells whether Check passes; a row that does
// not pass is still decoded as far as it goes, so that it can be shown.
func (r *Row) Entry() (audit.Entry, error) {
	rec, checkErr := r.Check()
	payload, withheld, err := r.join(checkErr == nil)
	if err != nil {
		return audit.Entry{}, audit.Errorf(audit.Tampered, "entry %d: %v", r.Seq, err)
	}
	event, err := audit.DecodeEvent(rec.EventType, payload)
	if err != nil {
		return audit.Entry{}, audit.Errorf(audit.Tampered, "entry %d: %v", r.Seq, err)
	}
	return audit.Entry{
		Event: event, Seq: r.Seq, EventID: rec.EventID.String(), RecordedAt: rec.RecordedAt,
		Hash: FormatHash(r.Leaf), Previous: FormatHash(rec.Prev), Checksum: fmt.Sprintf("%x", rec.PayloadRoot[:]),
		Verified: checkErr == nil, Withheld: withheld, ContentSize: len(payload),
	}, nil
}

// join puts the payload together: of a row that passes Check and is plain, the
// short way.
func (r *Row) join(checked bool) (payload []byte, withheld []string, err error) {
	if checked && r.plain {
		size := 2
		for i := range r.Fields {
			size += len(r.Fields[i].Path) + len(r.Fields[i].Value) + 4
		}
		if payload, ok := joinPlain(make([]byte, 0, size), r.Fields); ok {
			return payload, nil, nil
		}
	}
	return Join(r.Fields)
}
