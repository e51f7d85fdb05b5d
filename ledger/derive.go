package ledger

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// What the searchable columns are derived from: the columns in the order of
// projected, but for the first, which is the record's.
const (
	ofClass = iota
	ofTime
	ofSeverity
	ofCategory
	ofActorType
	ofActorID
	ofActorEmail
	ofResourceType
	ofResourceID
	ofRepositoryID
	ofRepositoryName
	ofFrameworks
	sourceCount
)

// sources are the canonical values that stand at those places of a payload. They
// borrow from the fields.
type sources struct {
	value  [sourceCount][]byte // nil when there is none
	erased [sourceCount]bool   // then it cannot be known
}

// sourcesOf finds them in one pass, each as a field of its own or inside its
// parent's: what is lifted out of a parent is not in it.
func sourcesOf(fields []Field) (s sources) {
	var actor, resource, repository *Field
	for i := range fields {
		f := &fields[i]
		switch f.Path {
		case "/class":
			s.set(ofClass, f)
		case "/timestamp":
			s.set(ofTime, f)
		case "/severity":
			s.set(ofSeverity, f)
		case "/category":
			s.set(ofCategory, f)
		case "/frameworks":
			s.set(ofFrameworks, f)
		case "/actor/type":
			s.set(ofActorType, f)
		case "/actor/id":
			s.set(ofActorID, f)
		case "/actor/email":
			s.set(ofActorEmail, f)
		case "/resource/type":
			s.set(ofResourceType, f)
		case "/resource/id":
			s.set(ofResourceID, f)
		case "/repository/id":
			s.set(ofRepositoryID, f)
		case "/repository/name":
			s.set(ofRepositoryName, f)
		case "/actor":
			actor = f
		case "/resource":
			resource = f
		case "/repository":
			repository = f
		}
	}
	s.inside(actor, member{"type", ofActorType}, member{"id", ofActorID}, member{"email", ofActorEmail})
	s.inside(resource, member{"type", ofResourceType}, member{"id", ofResourceID})
	s.inside(repository, member{"id", ofRepositoryID}, member{"name", ofRepositoryName})
	return s
}

func (s *sources) set(at int, f *Field) {
	if f.Disclosed() {
		s.value[at] = f.Value
	} else {
		s.erased[at] = true
	}
}

type member struct {
	name string // none of them needs an escape
	at   int
}

// inside takes what is not a field of its own from the object f.
func (s *sources) inside(f *Field, members ...member) {
	if f == nil || string(f.Value) == "{}" {
		return
	}
	before := *s
	if !f.Disclosed() {
		for _, m := range members {
			s.erased[m.at] = before.value[m.at] == nil
		}
		return
	}
	object := scanner{text: f.Value}
	err := object.members(func(name, value []byte) error {
		for _, m := range members {
			if string(name[1:len(name)-1]) == m.name && before.value[m.at] == nil && !before.erased[m.at] {
				s.value[m.at] = value
			}
		}
		return nil
	})
	if err != nil {
		*s = before
	}
}

func (s *sources) text(at int) string { return textOf(s.value[at]) }

func (s *sources) frameworks() string {
	var names []string
	if list := s.value[ofFrameworks]; list != nil {
		json.Unmarshal(list, &names) //nolint:errcheck // as for textOf
	}
	return strings.Join(names, ",")
}

// project computes the columns of an entry from its fields: of the committed
// bytes and not of the Go value they came from, so that appending and verifying
// cannot differ. erased names the columns whose fields were erased and which
// therefore cannot be derived.
func project(rec *Record, fields []Field) (p Projection, erased []string, err error) {
	s := sourcesOf(fields)
	for at, gone := range s.erased {
		if gone {
			erased = append(erased, projected[at+1].name)
		}
	}
	p = Projection{
		EventType: rec.EventType, EventTime: rec.RecordedAt, EventClass: s.text(ofClass), Severity: s.text(ofSeverity),
		Category:  optional(s.text(ofCategory)),
		ActorType: optional(s.text(ofActorType)), ActorID: optional(s.text(ofActorID)), ActorEmail: optional(s.text(ofActorEmail)),
		ResourceType: optional(s.text(ofResourceType)), ResourceID: optional(s.text(ofResourceID)),
		RepositoryID: optional(s.text(ofRepositoryID)), RepositoryName: optional(s.text(ofRepositoryName)),
		Frameworks: optional(s.frameworks()),
	}
	if at := s.text(ofTime); at != "" {
		if p.EventTime, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return p, erased, audit.Errorf(audit.Tampered, "the event's time %.40q", at)
		}
		p.EventTime = audit.Instant(p.EventTime)
	}
	return p, erased, nil
}

// textOf decodes a JSON string. Anything of another JSON type is as good as
// absent.
func textOf(value []byte) (s string) {
	if plain, ok := plainText(value); ok {
		return string(plain)
	}
	if len(value) >= 2 && value[0] == '"' {
		json.Unmarshal(value, &s) //nolint:errcheck // see above
	}
	return s
}

// plainText returns what a JSON string without escapes says.
func plainText(value []byte) ([]byte, bool) {
	if len(value) < 2 || value[0] != '"' {
		return nil, false
	}
	plain := value[1 : len(value)-1]
	return plain, bytes.IndexByte(plain, '\\') < 0
}
