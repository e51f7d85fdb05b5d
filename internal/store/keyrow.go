package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

const keyColumns = `k.id, k.organisation, k.name, k.last4, k.mac, k.role, k.permissions, k.constraints, k.allowed_cidrs, k.created_by, k.created_at,
	k.expires_at, k.last_used_at, k.revoked_at, k.previous_mac, k.previous_until, k.rotated_at`

// InsertKey stores a key in the transaction that records its making.
func InsertKey(k Key) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		var constraints *string
		if k.Constraints != nil {
			text := k.Constraints.V.String()
			constraints = &text
		}
		_, err := tx.Exec(ctx, `
			insert into api_key (id, organisation, name, last4, mac, role, permissions, constraints, allowed_cidrs, created_by, created_at, expires_at)
			values (@id, @organisation, @name, @last4, @mac, @role, @permissions, @constraints, @cidrs, @by, @at, @expires)`, pgx.StrictNamedArgs{
			"id": k.ID, "organisation": k.Organisation, "name": k.Name, "last4": k.Last4, "mac": k.MAC, "role": k.Role, "permissions": k.Permissions,
			"constraints": constraints, "cidrs": k.AllowedCIDRs, "by": k.CreatedBy, "at": k.CreatedAt, "expires": k.ExpiresAt,
		})
		return translate("store API key", err)
	}
}

// RotateKey stores the new secret of a key, in the transaction that records it.
// Returns InvalidState when the key is revoked or expired, or when somebody else
// has rotated it since it was read with the secret that k replaces.
func RotateKey(k Key, replaces []byte) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			update api_key set mac = @mac, last4 = @last4, previous_mac = @previous, previous_until = @until, rotated_at = @at
			where id = @id and organisation = @organisation and mac = @replaces and revoked_at is null and (expires_at is null or expires_at > @at)`, pgx.StrictNamedArgs{
			"mac": k.MAC, "last4": k.Last4, "previous": k.PreviousMAC, "until": k.PreviousUntil, "at": k.RotatedAt,
			"id": k.ID, "organisation": k.Organisation, "replaces": replaces,
		})
		if err == nil && tag.RowsAffected() == 0 {
			return audit.Errorf(audit.InvalidState, "the API key %s is revoked or expired, or was rotated meanwhile", k.ID)
		}
		return translate("rotate API key", err)
	}
}

// RevokeKey ends a key's validity, in the transaction that records it. Returns
// NotFound, or InvalidState when it was revoked before.
func RevokeKey(o audit.OrganisationID, id string, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `update api_key set revoked_at = $3 where organisation = $1 and id = $2 and revoked_at is null`, o, id, at)
		if err != nil {
			return translate("revoke API key", err)
		}
		if tag.RowsAffected() > 0 {
			return nil
		}
		var there bool
		if err := tx.QueryRow(ctx, `select exists (select from api_key where organisation = $1 and id = $2)`, o, id).Scan(&there); err != nil {
			return translate("revoke API key", err)
		}
		if !there {
			return audit.Errorf(audit.NotFound, "there is no API key %.40q", id)
		}
		return audit.Errorf(audit.InvalidState, "the API key %s was revoked before", id)
	}
}

// keyOwner is a key with its organisation's ledger.
type keyOwner struct {
	Key
	Ledger int32
}

// KeyByID returns a key and its organisation's ledger, or NotFound. Whose it
// is, is what the caller wants to know: this is how a request is
// authenticated.
func (s *Store) KeyByID(ctx context.Context, id string) (Key, int32, error) {
	k, err := one[keyOwner](ctx, s.pool, "read API key", `
		select `+keyColumns+`, o.ledger from api_key k join organisation o on o.id = k.organisation where k.id = $1`, id)
	return k.Key, k.Ledger, err
}

// OrganisationKey returns a key of an organisation, or NotFound.
func (s *Store) OrganisationKey(ctx context.Context, o audit.OrganisationID, id string) (Key, error) {
	return one[Key](ctx, s.pool, "read API key", `select `+keyColumns+` from api_key k where k.organisation = $1 and k.id = $2`, o, id)
}

// OrganisationKeys lists an organisation's keys, newest first, and counts them
// all.
func (s *Store) OrganisationKeys(ctx context.Context, o audit.OrganisationID, limit, offset int) (list []Key, total int64, err error) {
	rows, err := s.pool.Query(ctx, `
		select `+keyColumns+` from api_key k where k.organisation = $1 order by k.created_at desc, k.id desc limit $2 offset $3`, o, limit, offset)
	if err != nil {
		return nil, 0, translate("list API keys", err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Key]); err != nil {
		return nil, 0, translate("list API keys", err)
	}
	err = s.pool.QueryRow(ctx, `select count(*) from api_key where organisation = $1`, o).Scan(&total)
	return list, total, translate("count API keys", err)
}

// TouchKey notes that a key was used, to the minute.
func (s *Store) TouchKey(ctx context.Context, id string, at time.Time) error {
	_, err := s.pool.Exec(ctx, `
		update api_key set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute')`, id, at)
	return translate("note use of API key", err)
}

// ListedKey is a key with the name of its organisation.
type ListedKey struct {
	Key
	OrganisationName string
}

// Keys lists the keys of all organisations, or of the one with this name,
// oldest first. It is for operators: no request reaches it.
func (s *Store) Keys(ctx context.Context, organisation string) ([]ListedKey, error) {
	rows, err := s.pool.Query(ctx, `
		select `+keyColumns+`, o.name as organisation_name
		from api_key k join organisation o on o.id = k.organisation
		where $1 in ('', o.name) order by k.created_at, k.id`, organisation)
	if err != nil {
		return nil, translate("list API keys", err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByName[ListedKey])
	return keys, translate("list API keys", err)
}
