package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Passkey is a passkey's row.
type Passkey struct {
	ID         audit.PasskeyID
	Ledger     int32
	Person     audit.PersonID
	Name       string
	Credential []byte // the authenticator's id of it
	PublicKey  []byte // in COSE form
	Counter    int64  // of the last signature; 0: the authenticator does not count
	BackedUp   bool   // it may be on several devices
	CreatedAt  time.Time
	UsedAt     *time.Time
}

// LinkedIdentity is who a person is at the identity provider.
type LinkedIdentity struct {
	Person   audit.PersonID
	Ledger   int32
	Issuer   string
	Subject  string
	LinkedAt time.Time
	UsedAt   *time.Time
}

// Passkeys returns a person's passkeys, oldest first.
func (s *Store) Passkeys(ctx context.Context, ledger int32, who audit.PersonID) ([]Passkey, error) {
	rows, err := s.pool.Query(ctx, `
		select id, ledger, person, name, credential, public_key, counter, backed_up, created_at, used_at
		from passkey where ledger = $1 and person = $2 order by created_at, id`, ledger, who)
	if err != nil {
		return nil, translate("read passkeys", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Passkey])
	return list, translate("read passkeys", err)
}

// LinkedIdentity returns who a person is at the identity provider, or NotFound.
func (s *Store) LinkedIdentity(ctx context.Context, ledger int32, who audit.PersonID) (LinkedIdentity, error) {
	return one[LinkedIdentity](ctx, s.pool, "read linked identity",
		`select person, ledger, issuer, subject, linked_at, used_at from linked_identity where ledger = $1 and person = $2`, ledger, who)
}

// LinkedPerson returns who is linked to an identity, or NotFound.
func (s *Store) LinkedPerson(ctx context.Context, ledger int32, issuer, subject string) (LinkedIdentity, error) {
	return one[LinkedIdentity](ctx, s.pool, "read linked identity",
		`select person, ledger, issuer, subject, linked_at, used_at from linked_identity where ledger = $1 and issuer = $2 and subject = $3`, ledger, issuer, subject)
}

// InsertPasskey adds a passkey with a one-time code of a step. Returns InvalidState
// when the code was taken before, the person has audit.MaxPasskeys of them, or the
// authenticator's key is somebody's already.
func InsertPasskey(p Passkey, step int64) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		if err := takeStep(ctx, tx, p.Person, step, p.CreatedAt); err != nil { // and holds the person's row, so that the count stays true
			return err
		}
		tag, err := tx.Exec(ctx, `
			insert into passkey (id, ledger, person, name, credential, public_key, counter, backed_up, created_at)
			select $1, $2, $3, $4, $5, $6, $7, $8, $9 where (select count(*) from passkey where person = $3) < $10`,
			p.ID, p.Ledger, p.Person, p.Name, p.Credential, p.PublicKey, p.Counter, p.BackedUp, p.CreatedAt, audit.MaxPasskeys)
		if err == nil && tag.RowsAffected() == 0 {
			return audit.Errorf(audit.InvalidState, "a person has at most %d passkeys", audit.MaxPasskeys)
		}
		return translate("add passkey", err)
	}
}

// DeletePasskey takes a passkey from its person. Returns InvalidState when it is not
// theirs any more.
func DeletePasskey(ledger int32, who audit.PersonID, id audit.PasskeyID) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "remove passkey", `delete from passkey where ledger = $1 and person = $2 and id = $3`, ledger, who, id)
	}
}

// LinkIdentity links a person to an identity, instead of another, with a one-time code
// of a step. Returns InvalidState when the code was taken before, or the identity is
// somebody else's here.
func LinkIdentity(l LinkedIdentity, step int64) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		if err := takeStep(ctx, tx, l.Person, step, l.LinkedAt); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			insert into linked_identity (person, ledger, issuer, subject, linked_at) values ($1, $2, $3, $4, $5)
			on conflict on constraint linked_identity_pkey do update set issuer = excluded.issuer, subject = excluded.subject, linked_at = excluded.linked_at, used_at = null`,
			l.Person, l.Ledger, l.Issuer, l.Subject, l.LinkedAt)
		return translate("link identity", err)
	}
}

// UnlinkIdentity ends it. Returns InvalidState when the person is linked to none.
func UnlinkIdentity(ledger int32, who audit.PersonID) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "unlink identity", `delete from linked_identity where ledger = $1 and person = $2`, ledger, who)
	}
}

// TakeCode uses a one-time code of a step up. Returns InvalidState when it, or a later
// one, was taken before, or the account is locked or not active: of two requests one wins.
func TakeCode(who audit.PersonID, step int64, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error { return takeStep(ctx, tx, who, step, at) }
}

// UsePasskey notes that a passkey signed, up to its counter. Returns InvalidState when
// it was removed or is ahead of that, as a copy of it would make it, or the account
// is locked or not active.
func UsePasskey(p Passkey, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		if err := authenticated(ctx, tx, p.Person, at); err != nil {
			return err
		}
		return change(ctx, tx, "use passkey", `
			update passkey set counter = $4, used_at = $5 where ledger = $1 and person = $2 and id = $3 and (counter < $4 or counter = 0 and $4 = 0)`,
			p.Ledger, p.Person, p.ID, p.Counter, at)
	}
}

// UseIdentity notes that a person authenticated again with the identity provider.
// Returns InvalidState when they are linked to that identity no longer, or the
// account is locked or not active.
func UseIdentity(l LinkedIdentity, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		if err := authenticated(ctx, tx, l.Person, at); err != nil {
			return err
		}
		return change(ctx, tx, "use linked identity", `
			update linked_identity set used_at = $5 where ledger = $1 and person = $2 and issuer = $3 and subject = $4`, l.Ledger, l.Person, l.Issuer, l.Subject, at)
	}
}

// authenticated is takeStep for what has no step.
func authenticated(ctx context.Context, tx pgx.Tx, who audit.PersonID, at time.Time) error {
	return change(ctx, tx, "authenticate", `
		update person set failures = 0, locked_until = null, signed_in_at = $2
		where id = $1 and status = 'active' and (locked_until is null or locked_until <= $2)`, who, at)
}

// dropSigning takes from somebody all that they sign with beside password and code.
func dropSigning(ctx context.Context, tx pgx.Tx, who audit.PersonID) error {
	if _, err := tx.Exec(ctx, `delete from passkey where person = $1`, who); err != nil {
		return translate("remove passkeys", err)
	}
	_, err := tx.Exec(ctx, `delete from linked_identity where person = $1`, who)
	return translate("unlink identity", err)
}
