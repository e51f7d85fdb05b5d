package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sealbook/sealbook/audit"
)

// encodePayload returns the canonical form of an event's JSON: what
// [Canonical] makes of json.Marshal(e), and its errors. Nearly every event is
// made of plain values, for which one pass is enough; whatever is not goes the
// long way, which alone decides what is refused.
func encodePayload(e *audit.Event) ([]byte, error) {
	p := plain{b: make([]byte, 0, 768)} // more than most payloads have
	if p.event(e); !p.odd {
		return p.b, nil
	}
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return Canonical(text)
}

// plain writes canonical JSON (RFC 8785) of values that need no thought: no
// text that is not UTF-8 or holds a NUL, no key beyond ASCII (the order of
// others is one of UTF-16), no number but short integers, nothing deep. It
// gives up at the first other one.
type plain struct {
	b   []byte
	odd bool
}

// event writes the members that json.Marshal writes, in the order of their
// names.
func (p *plain) event(e *audit.Event) {
	p.b = append(p.b, '{')
	p.objectMember("action", e.Action)
	p.objectMember("actor", e.Actor)
	p.objectMember("auto_response", e.AutoResponse)
	p.textMember("category", e.Category)
	p.name("class")
	p.text(string(e.Class))
	p.objectMember("context", e.Context)
	p.textMember("description", e.Description)
	p.objectMember("details", e.Details)
	p.objectMember("electronic_signature", e.Signature)
	p.textMember("external_id", e.ExternalID)
	if len(e.Frameworks) > 0 {
		p.name("frameworks")
		p.b = append(p.b, '[')
		for _, f := range e.Frameworks {
			p.comma('[')
			p.text(string(f))
		}
		p.b = append(p.b, ']')
	}
	p.objectMember("impact_assessment", e.Impact)
	p.objectMember("metadata", e.Metadata)
	p.objectMember("repository", e.Repository)
	if e.RequiresInvestigation {
		p.name("requires_investigation")
		p.b = append(p.b, "true"...)
	}
	p.objectMember("resource", e.Resource)
	p.textMember("schema", e.Schema)
	p.name("severity")
	p.text(string(e.Severity))
	if e.Timestamp != nil {
		p.name("timestamp")
		p.time(*e.Timestamp)
	}
	p.b = append(p.b, '}')
}

func (p *plain) objectMember(name string, o audit.Object) {
	if len(o) > 0 {
		p.name(name)
		p.object(o, 1)
	}
}

func (p *plain) textMember(name, s string) {
	if s != "" {
		p.name(name)
		p.text(s)
	}
}

// comma writes a comma unless what is open has just begun.
func (p *plain) comma(open byte) {
	if p.b[len(p.b)-1] != open {
		p.b = append(p.b, ',')
	}
}

// name writes a member's name, which needs no escaping.
func (p *plain) name(s string) {
	p.comma('{')
	p.b = append(p.b, '"')
	p.b = append(p.b, s...)
	p.b = append(p.b, `":`...)
}

func (p *plain) text(s string) {
	var err error
	if p.b, err = jsontext.AppendQuote(p.b, s); err != nil || strings.IndexByte(s, 0) >= 0 {
		p.odd = true
	}
}

// time writes as json.Marshal does.
func (p *plain) time(t time.Time) {
	if year := t.Year(); t.Location() != time.UTC || year < 0 || year > 9999 {
		p.odd = true
		return
	}
	p.b = append(p.b, '"')
	p.b = t.AppendFormat(p.b, time.RFC3339Nano)
	p.b = append(p.b, '"')
}

// object writes an object that lies below depth others.
func (p *plain) object(o map[string]any, depth int) {
	var room [16]string
	keys := room[:0]
	for k := range o {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	p.b = append(p.b, '{')
	for _, k := range keys {
		if p.odd = p.odd || !isASCII(k); p.odd {
			return
		}
		p.comma('{')
		p.text(k)
		p.b = append(p.b, ':')
		p.value(o[k], depth+1)
	}
	p.b = append(p.b, '}')
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func (p *plain) value(v any, depth int) {
	if depth >= MaxDepth { // what stands here would be one too many if it has members
		p.odd = true
		return
	}
	switch v := v.(type) {
	case nil:
		p.b = append(p.b, "null"...)
	case bool:
		p.b = strconv.AppendBool(p.b, v)
	case string:
		p.text(v)
	case json.Number:
		if !isShortInteger(string(v)) {
			p.odd = true
			return
		}
		p.b = append(p.b, v...)
	case int:
		if v > maxInteger || v < -maxInteger {
			p.odd = true
			return
		}
		p.b = strconv.AppendInt(p.b, int64(v), 10)
	case map[string]any:
		p.objectOrNull(v, depth)
	case audit.Object:
		p.objectOrNull(v, depth)
	case []any:
		if v == nil {
			p.b = append(p.b, "null"...)
			return
		}
		p.b = append(p.b, '[')
		for _, element := range v {
			p.comma('[')
			if p.value(element, depth+1); p.odd {
				return
			}
		}
		p.b = append(p.b, ']')
	default:
		p.odd = true
	}
}

func (p *plain) objectOrNull(o map[string]any, depth int) {
	if o == nil {
		p.b = append(p.b, "null"...)
		return
	}
	p.object(o, depth)
}

// isShortInteger reports whether s is its own canonical form: digits that a
// double holds exactly, no leading zero, no negative zero.
func isShortInteger(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if len(digits) < 1 || len(digits) > 15 || digits[0] == '0' && len(s) > 1 {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}
