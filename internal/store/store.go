// Package store keeps in Postgres what is not hashed: organisations, API keys,
// event types, jobs and the outbox. It guards that a job's row changes only in
// the transaction that appends the ledger entry about the change: its writing
// functions for jobs take that transaction. The API, the activities and the
// outbox relay use it; apart from package ledger nothing else knows SQL.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sealbook/sealbook/audit"
)

// Statements are a submission's own writes, run by the ledger's committer in
// the transaction that appends its entries.
type Statements = func(context.Context, pgx.Tx) error

// Store is the access to these tables. Every statement names the ledger of the
// organisation it is for.
type Store struct{ pool *pgxpool.Pool }

// DefaultConns is the size of the store's connection pool.
const DefaultConns = 16

// Open connects with the application's login; conns of 0 is DefaultConns.
func Open(ctx context.Context, url string, conns int32) (*Store, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	if conns == 0 {
		conns = DefaultConns
	}
	c.MaxConns = conns
	c.ConnConfig.RuntimeParams["timezone"] = "UTC"
	c.ConnConfig.RuntimeParams["application_name"] = "sealbook_store"
	c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "set role sealbook_committer")
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("connect store: %w", err)
	}
	return &Store{pool}, nil
}

// Close disconnects.
func (s *Store) Close() { s.pool.Close() }

// Organisation is a tenant.
type Organisation struct {
	ID        audit.OrganisationID
	Name      string
	Ledger    int32
	CreatedAt time.Time
}

// CreateOrganisation adds an organisation whose ledger exists. Returns
// InvalidState when its id or name is taken.
func (s *Store) CreateOrganisation(ctx context.Context, o Organisation) error {
	_, err := s.pool.Exec(ctx, `insert into organisation (id, name, ledger, created_at) values ($1, $2, $3, $4)`,
		o.ID, o.Name, o.Ledger, o.CreatedAt)
	return translate("create organisation", err)
}

const selectOrganisation = `select id, name, ledger, created_at from organisation `

// OrganisationByName returns NotFound when there is none.
func (s *Store) OrganisationByName(ctx context.Context, name string) (Organisation, error) {
	return one[Organisation](ctx, s.pool, "read organisation", selectOrganisation+`where name = $1`, name)
}

// Organisation returns an organisation by its ledger, or NotFound.
func (s *Store) Organisation(ctx context.Context, ledger int32) (Organisation, error) {
	return one[Organisation](ctx, s.pool, "read organisation", selectOrganisation+`where ledger = $1`, ledger)
}

// OrganisationByID returns NotFound when there is none.
func (s *Store) OrganisationByID(ctx context.Context, id audit.OrganisationID) (Organisation, error) {
	return one[Organisation](ctx, s.pool, "read organisation", selectOrganisation+`where id = $1`, id)
}

// EventTypes returns the types that an organisation registered.
func (s *Store) EventTypes(ctx context.Context, ledger int32) ([]audit.EventType, error) {
	rows, err := s.pool.Query(ctx, `select name, class, severity, description from event_type where ledger = $1 order by name`, ledger)
	if err != nil {
		return nil, translate("list event types", err)
	}
	types, err := pgx.CollectRows(rows, pgx.RowToStructByName[audit.EventType])
	return types, translate("list event types", err)
}

// PutEventType registers or changes a type; entries already written keep the
// class and severity that were theirs.
func PutEventType(ledger int32, t audit.EventType, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			insert into event_type (ledger, name, class, severity, description, created_at) values ($1, $2, $3, $4, $5, $6)
			on conflict (ledger, name) do update set class = excluded.class, severity = excluded.severity, description = excluded.description`,
			ledger, t.Name, t.Class, t.Severity, t.Description, at)
		return translate("register event type", err)
	}
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func one[T any](ctx context.Context, q querier, what, sql string, args ...any) (T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		var zero T
		return zero, translate(what, err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
	return v, translate(what, err)
}

// change runs an update of a job or an account whose condition is the state it
// may happen in. Returns InvalidState when it is in another.
func change(ctx context.Context, tx pgx.Tx, what, sql string, args ...any) error {
	tag, err := tx.Exec(ctx, sql, args...)
	if err != nil {
		return translate(what, err)
	}
	if tag.RowsAffected() == 0 {
		return audit.Errorf(audit.InvalidState, "%s: it is not in a state that allows this", what)
	}
	return nil
}

// each runs what somebody else adds to a transaction.
func each(ctx context.Context, tx pgx.Tx, with []Statements) error {
	for _, also := range with {
		if err := also(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// translate gives database errors their meaning, by constraint and never by
// text.
func translate(what string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return audit.Errorf(audit.NotFound, "%s: there is none", what)
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.ConstraintName {
		case "organisation_name_key", "organisation_pkey":
			return audit.Errorf(audit.InvalidState, "there is an organisation of this name")
		case "person_email_is_unique":
			return audit.Errorf(audit.InvalidState, "somebody in the organisation has this e-mail address")
		case "passkey_credential_key":
			return audit.Errorf(audit.InvalidState, "this passkey was added before")
		case "linked_identity_subject_key":
			return audit.Errorf(audit.InvalidState, "somebody else in the organisation is linked to this identity")
		case "retention_policy_pkey":
			return audit.Errorf(audit.PreconditionFailed, "the retention policy was changed since it was read")
		case "retention_change_one_pending":
			return audit.Errorf(audit.InvalidState, "another change of the retention policy waits for a decision; one at a time")
		case "gap_one_violation_of_a_check":
			return audit.Errorf(audit.InvalidState, "another violation of the same rule is open")
		case "erasure_one_of_a_subject":
			return audit.Errorf(audit.InvalidState, "an erasure of this subject is under way")
		case "investigation_number_key":
			return audit.Errorf(audit.InProgress, "another investigation has just taken this number")
		case "export_retry_of_fkey":
			return audit.Errorf(audit.NotFound, "there is no export to retry")
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// optional is a time as an argument: the zero time is none.
func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
