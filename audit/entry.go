package audit

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Object is a JSON object whose keys are not all known to Sealbook. Numbers in
// it are json.Number, so that they keep their form.
type Object map[string]any

// String returns the string under key, or "".
func (o Object) String(key string) string {
	s, _ := o[key].(string)
	return s
}

// Event is what happened, normalised: the one shape behind both projections
// of the API. Its JSON form is an entry's payload, the content that the ledger
// commits to. The type is not in it because it stands in the record itself.
type Event struct {
	Type string `json:"-"`

	Class                 EventClass  `json:"class"`
	Timestamp             *time.Time  `json:"timestamp,omitempty"` // nil: when it was recorded
	Category              string      `json:"category,omitempty"`
	Severity              Severity    `json:"severity"`
	Description           string      `json:"description,omitempty"`
	ExternalID            string      `json:"external_id,omitempty"`
	Actor                 Object      `json:"actor,omitempty"`    // type, id, name, email, role, department, session_id
	Resource              Object      `json:"resource,omitempty"` // type, id, name, and whatever else was submitted
	Repository            Object      `json:"repository,omitempty"`
	Action                Object      `json:"action,omitempty"`
	Context               Object      `json:"context,omitempty"`
	Details               Object      `json:"details,omitempty"`
	Metadata              Object      `json:"metadata,omitempty"`
	Frameworks            []Framework `json:"frameworks,omitempty"`
	Impact                Object      `json:"impact_assessment,omitempty"`
	Signature             Object      `json:"electronic_signature,omitempty"`
	AutoResponse          Object      `json:"auto_response,omitempty"`
	RequiresInvestigation bool        `json:"requires_investigation,omitempty"`
	Schema                string      `json:"schema,omitempty"` // type/version of the schema that it was held against
}

// ShownCategory is what document B shows as the category: what was submitted,
// or the verbatim type where the class is not it.
func (e *Event) ShownCategory() string {
	if e.Category == "" && e.Type != string(e.Class) {
		return e.Type
	}
	return e.Category
}

// DecodeEvent reads a payload. Keys that this version does not know are kept
// out, not refused: a later version may have written them.
func DecodeEvent(eventType string, payload []byte) (Event, error) {
	e := Event{Type: eventType}
	if decodeShort(&e, payload) {
		return e, nil
	}
	e = Event{Type: eventType}
	d := json.NewDecoder(strings.NewReader(string(payload)))
	d.UseNumber()
	if err := d.Decode(&e); err != nil {
		return e, fmt.Errorf("decode payload: %w", err)
	}
	return e, nil
}

// Entry is an event in the ledger.
type Entry struct {
	Event
	Seq         int64     // position in the organisation's ledger, from 0
	EventID     string    // ULID
	RecordedAt  time.Time // by the ledger's clock; never decreases with Seq
	Hash        string    // "sha256:" and 64 hex digits: the leaf hash
	Previous    string    // the same form: the leaf before, or the genesis
	Checksum    string    // 64 hex digits: the payload root
	Verified    bool      // hashed again when read, and equal to what is stored
	Withheld    []string  // fields whose value was erased, as JSON Pointers
	ContentSize int       // bytes of the canonical payload
}

// Time is when the event happened.
func (e *Entry) Time() time.Time {
	if e.Timestamp != nil {
		return *e.Timestamp
	}
	return e.RecordedAt
}

// LogID is the entry's public id in document A's form.
func (e *Entry) LogID() string { return "log_" + e.EventID }

// EntryID is the entry's public id in document B's form.
func (e *Entry) EntryID() string { return EntryID(e.Seq, e.RecordedAt) }

// ParseEntryID reads the number out of document B's form of an id. That the date is
// the entry's is for who has the entry to see.
func ParseEntryID(id string) (seq int64, ok bool) {
	var date string
	if n, err := fmt.Sscanf(id, "audit_entry_%8s_%d", &date, &seq); n != 2 || err != nil || seq < 0 {
		return 0, false
	}
	day, err := time.Parse("20060102", date)
	return seq, err == nil && EntryID(seq, day) == id
}

// EntryID derives document B's id from the record: its date and its number.
func EntryID(seq int64, recordedAt time.Time) string {
	id := make([]byte, 0, len("audit_entry_20060102_000000"))
	id = append(id, "audit_entry_"...)
	id = recordedAt.UTC().AppendFormat(id, "20060102")
	id = append(id, '_')
	for n := int64(100_000); n > max(seq, 1) && n > 1; n /= 10 { // six digits, as %06d
		id = append(id, '0')
	}
	return string(strconv.AppendInt(id, seq, 10))
}

// SignatureRequired reports whether policy asks for an electronic signature: of
// changes of data under 21 CFR Part 11.
func (e *Event) SignatureRequired() bool {
	return e.Class == ClassChange && slices.Contains(e.Frameworks, FDA21CFR11)
}

// Selectable returns what an export's filter tests.
func (e *Entry) Selectable() Selectable {
	return Selectable{Type: e.Type, Class: e.Class, Time: e.Time(), RepositoryID: e.Repository.String("id")}
}

// Filter selects entries of one ledger; zero fields do not restrict.
type Filter struct {
	Period       Period     // of the event's time
	Types        []string   // verbatim event types
	Class        EventClass // document B's event_type
	Actor        string     // equals the actor's type, id or e-mail
	EmailsMasked bool       // Actor is not compared with e-mails: who may not see them must not find out by asking
	UserID       string     // equals the actor's id
	ResourceType string
	ResourceID   string
	RepositoryID string
	Severity     Severity
	Category     string // equals ShownCategory
	Framework    Framework
	OnHold       bool        // a legal hold of HeldBy covers it
	HeldBy       []string    // ids of holds
	Within       Constraints // of the caller: only what they cover
}

// Empty reports whether the filter lets everything through.
func (f Filter) Empty() bool {
	types, within := len(f.Types), f.Within.Empty()
	f.HeldBy = nil                                                // restricts only with OnHold
	f.Types, f.Within, f.EmailsMasked = nil, Constraints{}, false // of which the first two cannot be compared
	return types == 0 && within && reflect.ValueOf(f).IsZero()
}

// Page asks for a part of a list, newest first unless Ascending.
type Page struct {
	Limit     int
	Offset    int    // at most MaxOffset
	Cursor    string // opaque; instead of Offset
	Ascending bool
	Total     bool // count all that match
}

// MaxIdentifier bounds ids of actors, resources, repositories and external ids,
// in bytes.
const MaxIdentifier = 256

// Limits of lists.
const (
	DefaultPageLimit = 50
	MaxPageLimit     = 200
	MaxOffset        = 10_000
)

// MaxFutureEvent is how far an event's own time may lie ahead of the ledger's
// clock when it is appended. It lets emitters' clocks differ a little, and
// bounds where the events of a period can stand: never before the first entry
// recorded later than the period's start less this.
const MaxFutureEvent = 5 * time.Minute
