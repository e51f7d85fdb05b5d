package api

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/schema"
	"github.com/sealbook/sealbook/internal/store"
)

// eventTypes knows the types that organisations registered. It remembers them
// for a short life; a type that is not among them is looked for again, so a
// new one can be used at once wherever it was registered.
type eventTypes struct {
	store *store.Store
	clock audit.Clock
	life  time.Duration

	mu    sync.Mutex
	known map[int32]registeredTypes // by ledger
}

type registeredTypes struct {
	byName  map[string]audit.EventType
	schemas map[string]int // newest version of a type's schema
	read    time.Time
}

func (t registeredTypes) find(name string) (audit.EventType, bool) {
	found, ok := t.byName[name]
	return found, ok
}

const (
	maxKnownLedgers = 10_000                 // bounds the memory
	reloadAfter     = 100 * time.Millisecond // bounds the queries that unknown types can cause
)

func newEventTypes(s *store.Store, clock audit.Clock, life time.Duration) *eventTypes {
	return &eventTypes{store: s, clock: clock, life: life, known: map[int32]registeredTypes{}}
}

// of returns a ledger's types, at most maxAge old.
func (t *eventTypes) of(ctx context.Context, ledger int32, maxAge time.Duration) (registeredTypes, error) {
	now := t.clock()
	t.mu.Lock()
	types, ok := t.known[ledger]
	t.mu.Unlock()
	if ok && now.Sub(types.read) < maxAge {
		return types, nil
	}
	list, err := t.store.EventTypes(ctx, ledger)
	if err != nil {
		return registeredTypes{}, err
	}
	types = registeredTypes{byName: map[string]audit.EventType{}, read: now}
	if types.schemas, err = t.store.EventSchemaVersions(ctx, ledger); err != nil {
		return registeredTypes{}, err
	}
	for _, x := range list {
		types.byName[x.Name] = x
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.known) >= maxKnownLedgers {
		clear(t.known)
	}
	t.known[ledger] = types
	return types, nil
}

func (t *eventTypes) forget(ledger int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.known, ledger)
}

// normalise makes an event of a request and holds it against the schema of its
// type, if that has one. If its type is unknown, the types are read again
// before it is refused. left is what work of that kind the request may cause.
func (s *server) normalise(ctx context.Context, ledger int32, body []byte, left *schema.Budget) (audit.Event, []audit.FieldError, error) {
	var req audit.EntryRequest
	if err := json.Unmarshal(body, &req); err != nil {
		return audit.Event{}, nil, err
	}
	for _, age := range []time.Duration{s.EventTypeCacheLife, reloadAfter} {
		types, err := s.types.of(ctx, ledger, age)
		if err != nil {
			return audit.Event{}, nil, err
		}
		e, bad := req.Event(types.find, s.Clock())
		if age != reloadAfter && slices.ContainsFunc(bad, func(f audit.FieldError) bool { return f.Field == "/event_type" && f.Code == "unknown" }) {
			continue
		}
		if version := types.schemas[e.Type]; bad == nil && version > 0 {
			bad, err = s.holdAgainstSchema(ctx, ledger, &e, version, body, left)
		}
		return e, bad, err
	}
	panic("unreachable")
}

type eventTypeView struct {
	audit.EventType
	Builtin bool `json:"builtin"`
	Schema  int  `json:"schema_version,omitempty"` // the newest
}

func (s *server) listEventTypes(r *http.Request) (reply, error) {
	types, err := s.types.of(r.Context(), principal(r).Ledger, 0)
	if err != nil {
		return reply{}, err
	}
	list := []eventTypeView{}
	for t := range maps.Values(audit.BuiltinEventTypes) {
		list = append(list, eventTypeView{t, true, types.schemas[t.Name]})
	}
	for t := range maps.Values(types.byName) {
		list = append(list, eventTypeView{t, false, types.schemas[t.Name]})
	}
	slices.SortFunc(list, func(a, b eventTypeView) int { return cmp.Compare(a.Name, b.Name) })
	return reply{data: list}, nil
}

// showEventType answers GET /event-types/{name}.
func (s *server) showEventType(r *http.Request) (reply, error) {
	t, types, err := s.eventType(r)
	if err != nil {
		return reply{}, err
	}
	_, builtin := audit.BuiltinEventTypes[t.Name]
	return reply{data: eventTypeView{t, builtin, types.schemas[t.Name]}}, nil
}

// eventType returns the type that the path names, and the others beside it.
func (s *server) eventType(r *http.Request) (audit.EventType, registeredTypes, error) {
	name := variable(r, "name")
	types, err := s.types.of(r.Context(), principal(r).Ledger, 0)
	if err != nil {
		return audit.EventType{}, types, err
	}
	t, there := audit.BuiltinEventTypes[name]
	if !there {
		t, there = types.find(name)
	}
	if !there {
		return t, types, audit.Errorf(audit.NotFound, "there is no such event type")
	}
	return t, types, nil
}

// eventTypeRequest is the body of PUT /event-types/{name}.
type eventTypeRequest struct {
	Class       audit.EventClass `json:"class"`
	Severity    audit.Severity   `json:"severity"`
	Description string           `json:"description"`
}

// putEventType registers or changes a type. One that is there already as it
// is asked for leaves no entry: importers put the same types again.
func (s *server) putEventType(r *http.Request) (reply, error) {
	req, _, err := decode[eventTypeRequest](r)
	if err != nil {
		return reply{}, err
	}
	t := audit.EventType{Name: variable(r, "name"), Class: req.Class, Severity: req.Severity, Description: req.Description}
	if err := checkEventType(t); err != nil {
		return reply{}, err
	}
	ledger := principal(r).Ledger
	types, err := s.types.of(r.Context(), ledger, 0)
	if err != nil {
		return reply{}, err
	}
	was, there := types.find(t.Name)
	if !there && len(types.byName) >= MaxEventTypes {
		return reply{}, audit.Errorf(audit.InvalidState, "an organisation registers at most %d event types", MaxEventTypes)
	}
	if !there || was != t {
		e := action(r, typeTypeRegistered, audit.Object{"type": "event_type", "id": t.Name},
			audit.Object{"class": t.Class, "severity": t.Severity, "description": t.Description})
		if _, err := s.record(r, e, nil, store.PutEventType(ledger, t, s.Clock())); err != nil {
			return reply{}, err
		}
		s.types.forget(ledger)
	}
	return reply{data: eventTypeView{t, false, types.schemas[t.Name]}}, nil
}

func checkEventType(t audit.EventType) error {
	var bad []audit.FieldError
	fail := func(field, code, message string) {
		bad = append(bad, audit.FieldError{Field: field, Code: code, Message: message})
	}
	_, builtin := audit.BuiltinEventTypes[t.Name]
	switch {
	case !audit.ValidEventTypeName(t.Name):
		fail("name", "invalid", "a type's name has 1 to 64 of a-z, 0-9, dot, underscore and hyphen")
	case strings.HasPrefix(t.Name, audit.ReservedPrefix):
		fail("name", "reserved", "types that start with audit. are Sealbook's own")
	case builtin:
		fail("name", "builtin", "this type exists in every organisation and cannot be changed")
	}
	if !slices.Contains(audit.EventClasses, t.Class) {
		fail("/class", "invalid", "class is one of login, logout, data_change, system_event, security_event")
	}
	if !slices.Contains(audit.Severities, t.Severity) {
		fail("/severity", "invalid", "severity is one of low, medium, high, critical")
	}
	if len(t.Description) > audit.MaxName {
		fail("/description", "length", "description has at most 1024 bytes")
	}
	if bad != nil {
		return invalid("the event type is not valid", bad...)
	}
	return nil
}
