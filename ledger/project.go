package ledger

import (
	"encoding/binary"
	"strings"
	"time"
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

// differs names the columns whose stored values, in Postgres' binary formats
// and in the order of projected, are not what the content says.
func (p *Projection) differs(stored [][]byte) (names []string) {
	for i, col := range projected {
		same := false
		switch want := col.of(p).(type) {
		case *string:
			same = stored[i] != nil && string(stored[i]) == *want
		case *time.Time:
			at, err := timeFrom(stored[i])
			same = err == nil && at.Equal(*want)
		case **string:
			switch {
			case *want == nil || stored[i] == nil:
				same = *want == nil && stored[i] == nil
			case col.name == "frameworks":
				same = isTextArray(stored[i], **want)
			default:
				same = string(stored[i]) == **want
			}
		}
		if !same {
			names = append(names, col.name)
		}
	}
	return names
}

// isTextArray reports whether a binary text[] is the one that string_to_array
// makes of comma-separated elements: no other array that reads alike when it
// is joined, with a null or a comma inside an element.
func isTextArray(stored []byte, joined string) bool {
	elements := strings.Split(joined, ",")
	word := func() int32 {
		if len(stored) < 4 {
			return -2
		}
		n := int32(binary.BigEndian.Uint32(stored))
		stored = stored[4:]
		return n
	}
	const textOID = 25
	// One dimension, no nulls, of text, so many elements counted from 1.
	if word() != 1 || word() != 0 || word() != textOID || word() != int32(len(elements)) || word() != 1 {
		return false
	}
	for _, e := range elements {
		if n := word(); n != int32(len(e)) || len(stored) < len(e) || string(stored[:n]) != e {
			return false
		}
		stored = stored[len(e):]
	}
	return len(stored) == 0
}
