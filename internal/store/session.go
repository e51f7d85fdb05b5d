package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// OfferCredentials keeps the password and the secret that a person who enrols
// chose, until they are confirmed with a code of that secret. Returns
// InvalidState when the code is not theirs any more.
func OfferCredentials(p Person, password string, secret []byte) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "offer credentials", `
			update person set new_password = $3, new_secret = $4 where id = $1 and code_hash = $2 and status in ('invited', 'reset_pending')`, p.ID, p.CodeHash, password, secret)
	}
}

// ConfirmCredentials makes what was offered the person's credentials and uses the
// code to enrol up; step is of the code that confirms them. Returns InvalidState
// when somebody was faster.
func ConfirmCredentials(p Person, step int64, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "confirm credentials", `
			update person set password = new_password, totp_secret = new_secret, totp_step = $4, new_password = null, new_secret = null, code_hash = null, code_until = null,
				failures = 0, locked_until = null, status = 'active', version = version + 1, changed_at = $5
			where id = $1 and code_hash = $2 and new_secret = $3 and status in ('invited', 'reset_pending')`, p.ID, p.CodeHash, p.NewSecret, step, at)
	}
}

// NoteFailure counts a sign-in that failed, and locks the account after
// audit.MaxSignInFails of them. While it is locked nothing is counted, so nobody
// can keep somebody else out for ever; when the lock is over, counting begins anew.
func NoteFailure(id audit.PersonID, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			update person set failures = n, locked_until = case when n >= $2 then $4::timestamptz end
			from (select id as who, case when locked_until <= $3 then 1 else failures + 1 end as n from person) counted
			where id = $1 and who = id and (locked_until is null or locked_until <= $3)`,
			id, audit.MaxSignInFails, at, at.Add(audit.SignInLock))
		return translate("note failure", err)
	}
}

// Session is a session's row, with the person whose it is and their organisation.
type Session struct {
	Person
	Organisation audit.OrganisationID
	TokenHash    []byte
	StartedAt    time.Time
	SeenAt       time.Time
	EndsAt       time.Time
}

// StartSession signs a person in with a one-time code of a step. Returns
// InvalidState when the step, or a later one, was taken before, or the account is
// locked or not active: of two requests with one code, one wins.
func StartSession(s Session, step int64, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		err := takeStep(ctx, tx, s.ID, step, at)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into session (token_hash, person, ledger, started_at, seen_at, ends_at) values ($1, $2, $3, $4, $4, $5)`,
			s.TokenHash, s.ID, s.Ledger, at, s.EndsAt)
		return translate("start session", err)
	}
}

func takeStep(ctx context.Context, tx pgx.Tx, id audit.PersonID, step int64, at time.Time) error {
	err := change(ctx, tx, "take one-time code", `
		update person set totp_step = $2, failures = 0, locked_until = null, signed_in_at = $3
		where id = $1 and status = 'active' and (totp_step is null or totp_step < $2) and (locked_until is null or locked_until <= $3)`, id, step, at)
	if audit.CodeOf(err) == audit.InvalidState {
		err = audit.Errorf(audit.InvalidState, "the one-time code was used before, or the account is locked")
	}
	return err
}

// SessionOf returns the session that a token is of, or NotFound. One that nobody
// used for audit.SessionIdle, or that has lasted for its life, is none.
func (s *Store) SessionOf(ctx context.Context, tokenHash []byte, at time.Time) (Session, error) {
	return one[Session](ctx, s.pool, "read session", `
		select s.token_hash, s.started_at, s.seen_at, s.ends_at, o.id as organisation, p.*
		from session s join (select `+personColumns+` from person) p on p.id = s.person join organisation o on o.ledger = p.ledger
		where s.token_hash = $1 and s.ends_at > $2 and s.seen_at > $3`, tokenHash, at, at.Add(-audit.SessionIdle))
}

// TouchSession notes that a session is in use.
func (s *Store) TouchSession(ctx context.Context, tokenHash []byte, at time.Time) error {
	_, err := s.pool.Exec(ctx, `update session set seen_at = $2 where token_hash = $1 and seen_at < $2`, tokenHash, at)
	return translate("touch session", err)
}

// EndSession ends one session.
func EndSession(tokenHash []byte) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `delete from session where token_hash = $1`, tokenHash)
		return translate("end session", err)
	}
}

// NewPassword changes a person's own password with a one-time code of a step, and
// ends every session of theirs but the one with this token.
func NewPassword(id audit.PersonID, password string, step int64, keep []byte, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		if err := takeStep(ctx, tx, id, step, at); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `update person set password = $2, version = version + 1, changed_at = $3 where id = $1`, id, password, at); err != nil {
			return translate("change password", err)
		}
		return endSessions(ctx, tx, id, keep)
	}
}

// endSessions ends a person's sessions but one.
func endSessions(ctx context.Context, tx pgx.Tx, id audit.PersonID, keep []byte) error {
	_, err := tx.Exec(ctx, `delete from session where person = $1 and ($2::bytea is null or token_hash <> $2)`, id, keep)
	return translate("end sessions", err)
}

// PruneSessions removes sessions that have ended.
func (s *Store) PruneSessions(ctx context.Context, at time.Time) (n int64, err error) {
	tag, err := s.pool.Exec(ctx, `delete from session where ends_at <= $1 or seen_at <= $2`, at, at.Add(-audit.SessionIdle))
	return tag.RowsAffected(), translate("prune sessions", err)
}
