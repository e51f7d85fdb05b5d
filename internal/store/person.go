package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Person is a person's row.
type Person struct {
	ID            audit.PersonID
	Ledger        int32
	Email         string
	Name          string
	Title         string
	Department    string
	Certification string
	Roles         []audit.RoleName
	Constraints   *JSON[audit.Constraints]
	ExpiresAt     *time.Time
	Status        audit.PersonStatus
	Version       int // rises with every change of what others see
	CreatedBy     string
	CreatedAt     time.Time
	ChangedAt     time.Time
	Password      *string
	TOTPSecret    []byte `db:"totp_secret"`
	TOTPStep      *int64 `db:"totp_step"`
	Failures      int
	LockedUntil   *time.Time
	SignedInAt    *time.Time
	CodeHash      []byte
	CodeUntil     *time.Time
	NewPassword   *string
	NewSecret     []byte
	ResetBy       *string
}

// Usable reports whether the person may sign in, and use a session.
func (p *Person) Usable(at time.Time) bool {
	return p.Status == audit.PersonActive && (p.ExpiresAt == nil || at.Before(*p.ExpiresAt))
}

// Locked reports whether signing in is refused for a while.
func (p *Person) Locked(at time.Time) bool { return p.LockedUntil != nil && at.Before(*p.LockedUntil) }

const personColumns = `id, ledger, email, name, title, department, certification, roles, constraints, expires_at, status, version, created_by, created_at, changed_at,
	password, totp_secret, totp_step, failures, locked_until, signed_in_at, code_hash, code_until, new_password, new_secret, reset_by`

// Person returns an organisation's person, or NotFound.
func (s *Store) Person(ctx context.Context, ledger int32, id audit.PersonID) (Person, error) {
	return one[Person](ctx, s.pool, "read person", `select `+personColumns+` from person where ledger = $1 and id = $2`, ledger, id)
}

// People lists an organisation's people, newest first, and counts them all. A
// text that is not empty selects those whose id, e-mail address or name it is.
func (s *Store) People(ctx context.Context, ledger int32, who string, limit, offset int) (list []Person, total int64, err error) {
	const matching = ` from person where ledger = $1 and ($2 = '' or id = $2 or lower(email) = lower($2) or lower(name) = lower($2))`
	rows, err := s.pool.Query(ctx, `select `+personColumns+matching+` order by created_at desc, id desc limit $3 offset $4`, ledger, who, limit, offset)
	if err != nil {
		return nil, 0, translate("list people", err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Person]); err != nil {
		return nil, 0, translate("list people", err)
	}
	err = s.pool.QueryRow(ctx, `select count(*)`+matching, ledger, who).Scan(&total)
	return list, total, translate("count people", err)
}

// PersonToSignIn returns whoever has this e-mail address, in the organisation
// with this id if one is named. Returns NotFound when there is none, or more than
// one: the caller must not learn which.
func (s *Store) PersonToSignIn(ctx context.Context, email string, o audit.OrganisationID) (Person, error) {
	rows, err := s.pool.Query(ctx, `
		select `+personColumns+` from person
		where lower(email) = lower($1) and status <> 'deactivated' and ($2 = '' or ledger = (select ledger from organisation where id = $2)) limit 2`, email, string(o))
	if err != nil {
		return Person{}, translate("read person", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Person])
	if err != nil {
		return Person{}, translate("read person", err)
	}
	if len(list) != 1 {
		return Person{}, audit.Errorf(audit.NotFound, "there is no such person")
	}
	return list[0], nil
}

// PersonByCode returns who may enrol with a code, or NotFound.
func (s *Store) PersonByCode(ctx context.Context, hash []byte, at time.Time) (Person, error) {
	return one[Person](ctx, s.pool, "read person", `
		select `+personColumns+` from person where code_hash = $1 and code_until > $2 and status in ('invited', 'reset_pending')`, hash, at)
}

// InsertPerson adds a person who has a code to enrol with. Returns InvalidState
// when somebody in the organisation has the address.
func InsertPerson(p Person) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			insert into person (id, ledger, email, name, title, department, certification, roles, constraints, expires_at, status, created_by, created_at, changed_at, code_hash, code_until)
			values (@id, @ledger, @email, @name, @title, @department, @certification, @roles, @constraints, @expires, @status, @by, @at, @at, @code, @until)`, pgx.StrictNamedArgs{
			"id": p.ID, "ledger": p.Ledger, "email": p.Email, "name": p.Name, "title": p.Title, "department": p.Department, "certification": p.Certification,
			"roles": p.Roles, "constraints": constraintsText(p.Constraints), "expires": p.ExpiresAt, "status": audit.PersonInvited, "by": p.CreatedBy, "at": p.CreatedAt,
			"code": p.CodeHash, "until": p.CodeUntil,
		})
		return translate("store person", err)
	}
}

func constraintsText(c *JSON[audit.Constraints]) *string {
	if c == nil {
		return nil
	}
	text := c.V.String()
	return &text
}

// ChangePerson stores what a directory says of a person, if nobody else has
// changed it since version was read. Returns InvalidState otherwise.
func ChangePerson(p Person, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "change person", `
			update person set email = $4, name = $5, title = $6, department = $7, certification = $8, roles = $9, constraints = $10, expires_at = $11, version = version + 1, changed_at = $12
			where ledger = $1 and id = $2 and version = $3 and status <> 'deactivated'`,
			p.Ledger, p.ID, p.Version, p.Email, p.Name, p.Title, p.Department, p.Certification, p.Roles, constraintsText(p.Constraints), p.ExpiresAt, at)
	}
}

// ResetPerson takes all of a person's credentials and sessions away and gives them a code
// to enrol with again; by is who does it. Of somebody who never enrolled only the
// code is new.
func ResetPerson(ledger int32, id audit.PersonID, by string, code []byte, until, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		err := change(ctx, tx, "reset person", `
			update person set status = case status when 'invited' then 'invited' else 'reset_pending' end, reset_by = case status when 'invited' then reset_by else $3 end,
				password = null, totp_secret = null, totp_step = null, new_password = null, new_secret = null, failures = 0, locked_until = null,
				code_hash = $4, code_until = $5, version = version + 1, changed_at = $6
			where ledger = $1 and id = $2 and status <> 'deactivated'`, ledger, id, by, code, until, at)
		if err != nil {
			return err
		}
		if err := dropSigning(ctx, tx, id); err != nil {
			return err
		}
		return endSessions(ctx, tx, id, nil)
	}
}

// ConfirmReset lets a person sign again whose credentials were reset and who has
// enrolled since. Returns InvalidState unless there is a reset of somebody else
// than by.
func ConfirmReset(ledger int32, id audit.PersonID, by string, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "confirm reset", `
			update person set reset_by = null, version = version + 1, changed_at = $4 where ledger = $1 and id = $2 and status = 'active' and reset_by <> $3`, ledger, id, by, at)
	}
}

// UnlockPerson lets a person try to sign in again.
func UnlockPerson(ledger int32, id audit.PersonID) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "unlock person", `
			update person set failures = 0, locked_until = null, version = version + 1 where ledger = $1 and id = $2 and failures > 0`, ledger, id)
	}
}

// DeactivatePerson ends an account for good, with its sessions.
func DeactivatePerson(ledger int32, id audit.PersonID, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		err := change(ctx, tx, "deactivate person", `
			update person set status = 'deactivated', password = null, totp_secret = null, new_password = null, new_secret = null, code_hash = null, code_until = null,
				version = version + 1, changed_at = $3
			where ledger = $1 and id = $2 and status <> 'deactivated'`, ledger, id, at)
		if err != nil {
			return err
		}
		if err := dropSigning(ctx, tx, id); err != nil {
			return err
		}
		return endSessions(ctx, tx, id, nil)
	}
}
