package ledger

import (
	"bytes"
	"encoding/binary"
	"time"
)

// agree reports that every stored column is what the content says, without
// making the values. It knows the usual spellings only: after a no, project and
// differs decide, and name the columns. stored is as for differs.
func (s *sources) agree(rec *Record, stored [][]byte) bool {
	if string(stored[0]) != rec.EventType {
		return false
	}
	for at, value := range s.value {
		column := stored[at+1]
		same := false
		switch {
		case s.erased[at]:
		case at == ofTime:
			same = agreeTime(value, column, rec.RecordedAt)
		case value == nil:
			same = column == nil && at != ofClass && at != ofSeverity // which are never null
		case at == ofFrameworks:
			same = agreeList(value, column)
		default:
			text, plain := plainText(value)
			same = plain && len(text) > 0 && bytes.Equal(column, text)
		}
		if !same {
			return false
		}
	}
	return true
}

// agreeTime compares a time with the text that it has when it is written. Every
// such text reads as the time again.
func agreeTime(value, column []byte, recorded time.Time) bool {
	at, err := timeFrom(column)
	if err != nil || at.Year() < 0 || at.Year() > 9999 {
		return false
	}
	if value == nil {
		return at.Equal(recorded)
	}
	var room [40]byte
	text, plain := plainText(value)
	return plain && bytes.Equal(at.AppendFormat(room[:0], time.RFC3339Nano), text)
}

// agreeList compares an array of texts with a binary text[].
func agreeList(value, column []byte) bool {
	const header, textOID = 20, 25
	if len(column) < header {
		return false
	}
	var room [128]byte
	want := append(room[:0], column[:header]...)
	n := uint32(0)
	list := scanner{text: value}
	err := list.elements(func(element []byte) error {
		text, plain := plainText(element)
		if !plain || len(text) == 0 || bytes.IndexByte(text, ',') >= 0 {
			return errNotCanonical
		}
		n++
		want = append(binary.BigEndian.AppendUint32(want, uint32(len(text))), text...)
		return nil
	})
	for i, word := range [header / 4]uint32{1, 0, textOID, n, 1} { // see isTextArray
		binary.BigEndian.PutUint32(want[4*i:], word)
	}
	return err == nil && n > 0 && bytes.Equal(column, want)
}
