package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// EventSchema is a version of the JSON Schema of an event type.
type EventSchema struct {
	Version   int
	Schema    string // canonical JSON
	CreatedAt time.Time
}

// EventSchemaVersions returns the newest version of every event type that has
// a schema.
func (s *Store) EventSchemaVersions(ctx context.Context, ledger int32) (map[string]int, error) {
	newest := map[string]int{}
	rows, err := s.pool.Query(ctx, `select name, max(version) from event_schema where ledger = $1 group by name`, ledger)
	if err != nil {
		return nil, translate("list event schemas", err)
	}
	var name string
	var version int
	_, err = pgx.ForEachRow(rows, []any{&name, &version}, func() error {
		newest[name] = version
		return nil
	})
	return newest, translate("list event schemas", err)
}

const selectEventSchema = `select version, schema, created_at from event_schema where ledger = $1 and name = $2 `

// EventSchemas returns all versions of an event type's schema, the newest
// first.
func (s *Store) EventSchemas(ctx context.Context, ledger int32, name string) ([]EventSchema, error) {
	rows, err := s.pool.Query(ctx, selectEventSchema+`order by version desc`, ledger, name)
	if err != nil {
		return nil, translate("list event schemas", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[EventSchema])
	return list, translate("list event schemas", err)
}

// EventSchema returns a version of an event type's schema, or NotFound.
func (s *Store) EventSchema(ctx context.Context, ledger int32, name string, version int) (EventSchema, error) {
	return one[EventSchema](ctx, s.pool, "read event schema", selectEventSchema+`and version = $3`, ledger, name, version)
}

// InsertEventSchema adds the next version of an event type's schema. Returns
// InvalidState when somebody else was first, or when it is not the next.
func InsertEventSchema(ledger int32, name string, e EventSchema) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		var newest int
		if err := tx.QueryRow(ctx, `select coalesce(max(version), 0) from event_schema where ledger = $1 and name = $2`, ledger, name).Scan(&newest); err != nil {
			return translate("register event schema", err)
		}
		if e.Version != newest+1 {
			return audit.Errorf(audit.InvalidState, "the next version of the schema of %s is %d, not %d", name, newest+1, e.Version)
		}
		_, err := tx.Exec(ctx, `insert into event_schema (ledger, name, version, schema, created_at) values ($1, $2, $3, $4, $5)`,
			ledger, name, e.Version, e.Schema, e.CreatedAt)
		return translate("register event schema", err)
	}
}
