package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/schema"
	"github.com/sealbook/sealbook/internal/store"
)

// schemas keeps compiled schemas. A version never changes, so none of them
// grows old.
type schemas struct {
	store *store.Store

	mu       sync.Mutex
	compiled map[schemaID]*schema.Schema
}

type schemaID struct {
	ledger  int32
	name    string
	version int
}

// maxCompiled bounds the memory, in schemas.
const maxCompiled = 1_000

func (id schemaID) String() string { return fmt.Sprintf("%s/%d", id.name, id.version) }

func (s *schemas) find(ctx context.Context, id schemaID) (*schema.Schema, error) {
	s.mu.Lock()
	found := s.compiled[id]
	s.mu.Unlock()
	if found != nil {
		return found, nil
	}
	stored, err := s.store.EventSchema(ctx, id.ledger, id.name, id.version)
	if err != nil {
		return nil, err
	}
	found, bad := schema.Compile(id.String(), "", []byte(stored.Schema))
	if bad != nil { // it was compiled before it was stored
		return nil, fmt.Errorf("stored schema %s: %s", id, bad[0].Message)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.compiled == nil || len(s.compiled) >= maxCompiled {
		s.compiled = map[schemaID]*schema.Schema{}
	}
	s.compiled[id] = found
	return found, nil
}

// holdAgainstSchema says what of a submitted entry its type's schema does not
// allow. An entry that passes names the version.
func (s *server) holdAgainstSchema(ctx context.Context, ledger int32, e *audit.Event, version int, body []byte, left *schema.Budget) ([]audit.FieldError, error) {
	id := schemaID{ledger, e.Type, version}
	rules, err := s.schemas.find(ctx, id)
	if err != nil {
		return nil, err
	}
	e.Schema = id.String()
	return rules.Check(body, left), nil
}

// schemaView is a version of a schema.
type schemaView struct {
	Name      string          `json:"name"`
	Version   int             `json:"version"`
	Digest    string          `json:"digest"` // of the schema's canonical JSON
	Schema    json.RawMessage `json:"schema"`
	CreatedAt string          `json:"created_at"`
}

func viewOfSchema(name string, e store.EventSchema) schemaView {
	return schemaView{name, e.Version, digest(e.Schema), json.RawMessage(e.Schema), audit.FormatTime(e.CreatedAt)}
}

func digest(text string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))) }

// listSchemas answers GET /event-types/{name}/schemas, the newest first.
func (s *server) listSchemas(r *http.Request) (reply, error) {
	t, _, err := s.eventType(r)
	if err != nil {
		return reply{}, err
	}
	list, err := s.Store.EventSchemas(r.Context(), principal(r).Ledger, t.Name)
	if err != nil {
		return reply{}, err
	}
	data := make([]schemaView, len(list))
	for i, e := range list {
		data[i] = viewOfSchema(t.Name, e)
	}
	return reply{data: data}, nil
}

// showSchema answers GET /event-types/{name}/schemas/{version}.
func (s *server) showSchema(r *http.Request) (reply, error) {
	t, _, err := s.eventType(r)
	if err != nil {
		return reply{}, err
	}
	version, err := schemaVersion(r)
	if err != nil {
		return reply{}, err
	}
	e, err := s.Store.EventSchema(r.Context(), principal(r).Ledger, t.Name, version)
	if audit.CodeOf(err) == audit.NotFound {
		err = audit.Errorf(audit.NotFound, "the event type has no such version of a schema")
	}
	return reply{data: viewOfSchema(t.Name, e), tagged: true}, err
}

func schemaVersion(r *http.Request) (int, error) {
	n, ok := parseNumber(variable(r, "version"))
	if !ok || n < 1 || n > MaxSchemaVersions {
		return 0, audit.Errorf(audit.NotFound, "versions of a schema are 1 to %d", MaxSchemaVersions)
	}
	return int(n), nil
}

// putNextSchema answers PUT /event-types/{name}/schemas: the schema becomes the
// next version, unless it is the newest already.
func (s *server) putNextSchema(r *http.Request) (reply, error) { return s.addSchema(r, 0) }

// putSchema answers PUT /event-types/{name}/schemas/{version}. The version must
// be the next, or be there as it is put.
func (s *server) putSchema(r *http.Request) (reply, error) {
	version, err := schemaVersion(r)
	if err != nil {
		return reply{}, err
	}
	return s.addSchema(r, version)
}

type schemaRequest struct {
	Schema json.RawMessage `json:"schema"`
}

// addSchema registers a schema under a version; 0 is the next.
func (s *server) addSchema(r *http.Request, version int) (reply, error) {
	req, _, err := decode[schemaRequest](r)
	if err != nil {
		return reply{}, err
	}
	if req.Schema == nil {
		return reply{}, invalid("the body is not what this request takes", audit.FieldError{Field: "/schema", Code: "required", Message: "schema is required"})
	}
	t, types, err := s.eventType(r)
	if err != nil {
		return reply{}, err
	}
	ledger, newest := principal(r).Ledger, types.schemas[t.Name]
	compared := version
	if version == 0 {
		version, compared = newest+1, newest
	}
	if compared > 0 && compared <= newest {
		there, err := s.Store.EventSchema(r.Context(), ledger, t.Name, compared)
		if err != nil {
			return reply{}, err
		}
		if there.Schema == string(req.Schema) {
			return reply{data: viewOfSchema(t.Name, there)}, nil
		}
		if compared == version {
			return reply{}, audit.Errorf(audit.InvalidState, "version %d of the schema of %s is another one, and versions do not change", version, t.Name)
		}
	}
	if version > MaxSchemaVersions {
		return reply{}, audit.Errorf(audit.InvalidState, "an event type has at most %d versions of its schema", MaxSchemaVersions)
	}
	id := schemaID{ledger, t.Name, version}
	if _, bad := schema.Compile(id.String(), "/schema", req.Schema); bad != nil {
		return reply{}, invalid("the schema is not valid", bad...)
	}
	e := store.EventSchema{Version: version, Schema: string(req.Schema), CreatedAt: s.Clock()}
	about := action(r, typeSchemaAdded, audit.Object{"type": "event_type", "id": t.Name}, audit.Object{"version": version, "digest": digest(e.Schema)})
	if _, err := s.record(r, about, nil, store.InsertEventSchema(ledger, t.Name, e)); err != nil {
		return reply{}, err
	}
	s.types.forget(ledger)
	return reply{status: http.StatusCreated, data: viewOfSchema(t.Name, e)}, nil
}
