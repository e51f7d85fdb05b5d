package ledger

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Projection is what the searchable columns hold of an entry. It is a pure
// function of the hashed content, so verification can compare every column
// with what it must be.
type Projection struct {
	EventType      string
	EventClass     string
	EventTime      time.Time
	Severity       string
	Category       *string
	ActorType      *string
	ActorID        *string
	ActorEmail     *string
	ResourceType   *string
	ResourceID     *string
	RepositoryID   *string
	RepositoryName *string
	Frameworks     *string // comma-separated; column frameworks holds it as an array
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// column is one projected column: its name and where Projection keeps it.
type column struct {
	name string
	of   func(*Projection) any
}

// projected lists the columns in the order in which they are inserted and
// selected. Verification compares exactly these.
var projected = []column{
	{"event_type", func(p *Projection) any { return &p.EventType }},
	{"event_class", func(p *Projection) any { return &p.EventClass }},
	{"event_time", func(p *Projection) any { return &p.EventTime }},
	{"severity", func(p *Projection) any { return &p.Severity }},
	{"category", func(p *Projection) any { return &p.Category }},
	{"actor_type", func(p *Projection) any { return &p.ActorType }},
	{"actor_id", func(p *Projection) any { return &p.ActorID }},
	{"actor_email", func(p *Projection) any { return &p.ActorEmail }},
	{"resource_type", func(p *Projection) any { return &p.ResourceType }},
	{"resource_id", func(p *Projection) any { return &p.ResourceID }},
	{"repository_id", func(p *Projection) any { return &p.RepositoryID }},
	{"repository_name", func(p *Projection) any { return &p.RepositoryName }},
	{"frameworks", func(p *Projection) any { return &p.Frameworks }},
}

// columns turns projections into one array a column, for unnest.
func columns(all []Projection) []any {
	out := make([]any, len(projected))
	for c, col := range projected {
		switch col.of(&Projection{}).(type) {
		case *string:
			values := make([]string, len(all))
			for i := range all {
				values[i] = *col.of(&all[i]).(*string)
			}
			out[c] = values
		case *time.Time:
			values := make([]time.Time, len(all))
			for i := range all {
				values[i] = *col.of(&all[i]).(*time.Time)
			}
			out[c] = values
		case **string:
			values := make([]*string, len(all))
			for i := range all {
				values[i] = *col.of(&all[i]).(**string)
			}
			out[c] = values
		}
	}
	return out
}

// differs names the columns in which the stored projection is not what the
// content says.
func (p *Projection) differs(stored *Projection) (names []string) {
	for _, col := range projected {
		same := false
		switch want := col.of(p).(type) {
		case *string:
			same = *want == *col.of(stored).(*string)
		case *time.Time:
			same = want.Equal(*col.of(stored).(*time.Time))
		case **string:
			got := *col.of(stored).(**string)
			same = *want == nil && got == nil || *want != nil && got != nil && **want == *got
		}
		if !same {
			names = append(names, col.name)
		}
	}
	return names
}

// project computes the columns of an entry from its fields: of the committed
// bytes and not of the Go value they came from, so that appending and verifying
// cannot differ. erased names the columns whose fields were erased and which
// therefore cannot be derived.
func project(rec *Record, fields []Field) (p Projection, erased []string, err error) {
	p.EventType, p.EventTime = rec.EventType, rec.RecordedAt
	find := func(path string) *Field {
		i, ok := slices.BinarySearchFunc(fields, path, func(f Field, path string) int { return strings.Compare(f.Path, path) })
		if !ok {
			return nil
		}
		return &fields[i]
	}
	// value decodes what stands at a path, whether it is a field of its own or
	// inside its parent's. Anything of another JSON type is as good as absent.
	value := func(column, parent, key string, into any) {
		f := find(parent + "/" + key)
		if f == nil && parent != "" {
			if f = find(parent); f != nil && f.Disclosed() {
				var members map[string]json.RawMessage
				if len(f.Value) <= 2 || json.Unmarshal(f.Value, &members) != nil || members[key] == nil {
					return
				}
				json.Unmarshal(members[key], into) //nolint:errcheck // see above
				return
			}
		}
		switch {
		case f == nil:
		case !f.Disclosed():
			erased = append(erased, column)
		default:
			json.Unmarshal(f.Value, into) //nolint:errcheck // see above
		}
	}
	text := func(column, parent, key string) *string {
		var s string
		value(column, parent, key, &s)
		return optional(s)
	}
	value("event_class", "", "class", &p.EventClass)
	value("severity", "", "severity", &p.Severity)
	p.Category = text("category", "", "category")
	p.ActorType, p.ActorID, p.ActorEmail = text("actor_type", "/actor", "type"), text("actor_id", "/actor", "id"), text("actor_email", "/actor", "email")
	p.ResourceType, p.ResourceID = text("resource_type", "/resource", "type"), text("resource_id", "/resource", "id")
	p.RepositoryID, p.RepositoryName = text("repository_id", "/repository", "id"), text("repository_name", "/repository", "name")
	var names []string
	value("frameworks", "", "frameworks", &names)
	p.Frameworks = optional(strings.Join(names, ","))
	if at := text("event_time", "", "timestamp"); at != nil {
		if p.EventTime, err = time.Parse(time.RFC3339Nano, *at); err != nil {
			return p, erased, audit.Errorf(audit.Tampered, "the event's time %.40q", *at)
		}
		p.EventTime = audit.Instant(p.EventTime)
	}
	return p, erased, nil
}
