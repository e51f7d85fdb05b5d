package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// StreamID names a stream; it is also its Temporal workflow's id.
type StreamID string

// StreamStatus is where a stream stands.
type StreamStatus string

// The states. A disabled stream is one that failed for too long, or whose
// receiver said that it is gone; who changes it to active lets it try again.
const (
	StreamActive   StreamStatus = "active"
	StreamPaused   StreamStatus = "paused"
	StreamDisabled StreamStatus = "disabled"
	StreamDeleted  StreamStatus = "deleted" // its workflow ends; nobody sees it any more
)

// Limits of streams.
const (
	MaxStreams       = 50             // of an organisation
	MaxStreamFilter  = 100            // values of each field of a filter
	StreamSecretLife = 24 * time.Hour // how long the old secret signs beside a new one
	MaxStreamFailing = 72 * time.Hour // after which a stream that only fails is disabled
	StreamBackoff    = 5 * time.Second
	MaxStreamBackoff = 5 * time.Minute
	MaxStreamScan    = 5_000 // entries that one delivery looks at
	StreamPoll       = 500 * time.Millisecond
	StreamWait       = 25 * time.Second // how long a delivery waits for something to deliver
	MaxStreamName    = 200              // bytes
)

// StreamFilter selects entries; what is empty does not restrict. Sealbook's own
// entries are selected only by their types.
type StreamFilter struct {
	Types        []string     `json:"event_types,omitempty"`
	Classes      []EventClass `json:"classes,omitempty"`
	Severities   []Severity   `json:"severities,omitempty"`
	Frameworks   []Framework  `json:"frameworks,omitempty"`   // carries one of them
	Repositories []string     `json:"repositories,omitempty"` // by id
}

// Check normalises the filter and returns every field that is wrong.
func (f *StreamFilter) Check(at string) (bad []FieldError) {
	fail := func(field, code, format string, args ...any) {
		bad = append(bad, FieldError{at + "/" + field, code, fmt.Sprintf(format, args...)})
	}
	for field, n := range map[string]int{"event_types": len(f.Types), "classes": len(f.Classes), "severities": len(f.Severities), "frameworks": len(f.Frameworks), "repositories": len(f.Repositories)} {
		if n > MaxStreamFilter {
			fail(field, "too_many", "at most %d values", MaxStreamFilter)
		}
	}
	for field, values := range map[string][]string{"event_types": f.Types, "repositories": f.Repositories} {
		if slices.ContainsFunc(values, func(v string) bool { return v == "" || len(v) > MaxIdentifier }) {
			fail(field, "length", "each has 1 to %d bytes", MaxIdentifier)
		}
	}
	for _, c := range f.Classes {
		if !slices.Contains(EventClasses, c) {
			fail("classes", "invalid", "%.40q is not a class", c)
		}
	}
	for _, s := range f.Severities {
		if !slices.Contains(Severities, s) {
			fail("severities", "invalid", "%.40q is not a severity", s)
		}
	}
	for i, name := range f.Frameworks {
		framework, ok := ParseFramework(string(name))
		if !ok {
			fail("frameworks", "invalid", "%.40q is not a framework", name)
		}
		f.Frameworks[i] = framework
	}
	slices.SortFunc(bad, func(a, b FieldError) int { return strings.Compare(a.Field, b.Field) })
	return bad
}

// Selects reports whether a stream with this filter delivers e.
func (f *StreamFilter) Selects(e *Entry) bool {
	if len(f.Types) == 0 && strings.HasPrefix(e.Type, ReservedPrefix) {
		return false
	}
	return among(f.Types, e.Type) && among(f.Classes, e.Class) && among(f.Severities, e.Severity) && among(f.Repositories, e.Repository.String("id")) &&
		(len(f.Frameworks) == 0 || slices.ContainsFunc(e.Frameworks, func(x Framework) bool { return slices.Contains(f.Frameworks, x) }))
}

func among[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

// StreamStart is the input of a stream's workflow, under the rules of
// [ExportStart].
type StreamStart struct {
	ID           StreamID       `json:"id"`
	Ledger       int32          `json:"ledger"`
	Organisation OrganisationID `json:"organisation"`
	Failures     int            `json:"failures,omitempty"` // in a row, carried over to the next run
}

// StreamWorkflow is the registered name of the workflow that delivers streams.
const StreamWorkflow = "DeliverStream"
