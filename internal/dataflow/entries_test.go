package dataflow

import (
	"fmt"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
)

var monday = time.Date(2025, 3, 3, 9, 0, 7, 123_000_000, time.UTC)

// line is an entry about a record. Its external id is given by graphOf.
func line(after time.Duration, user, eventType, resource string, more ...func(*audit.Entry)) audit.Entry {
	at := monday.Add(after)
	e := audit.Entry{Event: audit.Event{Type: eventType, Class: audit.ClassOf(eventType), Timestamp: &at}}
	if known, is := audit.BuiltinEventTypes[eventType]; is {
		e.Class = known.Class
	}
	if user != "" {
		e.Actor = audit.Object{"type": "user", "id": user}
	}
	if resource != "" {
		e.Resource = audit.Object{"type": "record", "id": resource}
	}
	for _, f := range more {
		f(&e)
	}
	return e
}

// graphOf builds a graph of entries e1, e2 and so on.
func graphOf(t testing.TB, bounds Bounds, watch []string, entries ...audit.Entry) *Graph {
	t.Helper()
	b := New(bounds, watch...)
	for i := range entries {
		e := &entries[i]
		if e.ExternalID == "" && e.EventID == "" {
			e.ExternalID = fmt.Sprint("e", i+1)
		}
		e.Seq = int64(i)
		if err := b.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	return b.Graph()
}
