package evidence

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// csvColumns are the columns of entries.csv, the flat view of entries.jsonl.
// Times are UTC with six decimals; payload is the canonical JSON object as far
// as it is disclosed, withheld the paths of what was erased.
var csvColumns = []string{
	"entry_id", "seq", "recorded_at", "event_time", "event_type", "class", "severity",
	"actor_type", "actor_id", "actor_name", "actor_email",
	"resource_type", "resource_id", "resource_name",
	"repository_id", "repository_name",
	"description", "hash", "withheld", "payload",
}

// entry is a row that was checked and decoded.
type entry struct {
	row      *ledger.Row
	rec      ledger.Record
	time     time.Time // of the event
	event    audit.Event
	payload  []byte   // canonical, as far as disclosed
	withheld []string // JSON Pointers
}

// decode joins the fields of a row whose record was checked.
func decode(row *ledger.Row, rec ledger.Record, happened time.Time) (*entry, error) {
	payload, withheld, err := ledger.Join(row.Fields)
	if err != nil {
		return nil, audit.Errorf(audit.Tampered, "entry %d: %v", rec.Seq, err)
	}
	event, err := audit.DecodeEvent(rec.EventType, payload)
	if err != nil {
		return nil, audit.Errorf(audit.Tampered, "entry %d: %v", rec.Seq, err)
	}
	return &entry{row, rec, happened, event, payload, withheld}, nil
}

func csvHeader() []byte { return []byte(strings.Join(csvColumns, ",") + "\r\n") }

// appendCSV writes the entry as one RFC 4180 record, its cells in the order of
// csvColumns, after the cells in before.
func (e *entry) appendCSV(b []byte, before ...string) []byte {
	for _, cell := range before {
		b = append(appendCell(b, cell), ',')
	}
	repository := e.event.Repository
	cells := [...]string{
		entryID(&e.rec),
		strconv.FormatInt(e.rec.Seq, 10),
		formatTime(e.rec.RecordedAt),
		formatTime(e.time),
		e.rec.EventType,
		string(e.event.Class),
		string(e.event.Severity),
		text(e.event.Actor["type"]), text(e.event.Actor["id"]), text(e.event.Actor["name"]), text(e.event.Actor["email"]),
		text(e.event.Resource["type"]), text(e.event.Resource["id"]), text(e.event.Resource["name"]),
		text(repository["id"]), text(repository["name"]),
		e.event.Description,
		ledger.FormatHash(e.row.Leaf),
		strings.Join(e.withheld, " "),
	}
	for _, cell := range cells {
		b = append(appendCell(b, cell), ',')
	}
	// In JSON a semicolon stands inside strings only, where it has another
	// spelling; so the payload needs no change of meaning to be harmless.
	payload := strings.ReplaceAll(string(e.payload), ";", `\u003b`)
	return append(appendCell(b, payload), "\r\n"...)
}

func formatTime(t time.Time) string { return t.UTC().Format(ledger.TimeFormat) }

// text renders a payload's value for a person.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

func appendCell(b []byte, s string) []byte {
	s = harmless(s)
	if !strings.ContainsAny(s, "\",\r\n") && s == strings.TrimSpace(s) {
		return append(b, s...)
	}
	b = append(b, '"')
	b = append(b, strings.ReplaceAll(s, `"`, `""`)...)
	return append(b, '"')
}

// harmless puts an apostrophe before everything that a spreadsheet would run
// as a formula, which makes it text. That is a cell whose first character is
// one of = + - @ or their full-width forms, also behind quotes and characters
// that are trimmed or not seen, or is itself a tab or a line break. Where a
// semicolon, a tab or a line break is taken for the end of a cell, as in a
// locale whose list separator is the semicolon, what follows it starts one.
func harmless(s string) string {
	if s == "" || isPlain(s[0]) && !strings.ContainsAny(s, ";\t\r\n") {
		return s // as nearly all are
	}
	var b strings.Builder
	start := true
	for i, r := range s {
		switch {
		case strings.ContainsRune("=+-@＝＋－＠", r) && start, i == 0 && strings.ContainsRune("\t\r\n", r):
			b.WriteByte('\'')
		}
		switch {
		case strings.ContainsRune(";\t\r\n", r):
			start = true
		case strings.ContainsRune("\"'`“”‘’", r), unicode.IsSpace(r), unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zs):
		default:
			start = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isPlain tells the first characters after which only a new cell could start
// a formula.
func isPlain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '{'
}
