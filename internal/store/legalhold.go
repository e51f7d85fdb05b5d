package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// LegalHold keeps what is in its scope from being destroyed, whatever retention
// says, until another person than its issuer releases it.
type LegalHold struct {
	ID            string
	Ledger        int32
	Investigation *audit.InvestigationID
	Matter        string
	Reason        string
	FromTime      *time.Time // of the entries' own times; nil: all
	UntilTime     *time.Time
	Scope         JSON[audit.HoldScope]
	IssuedBy      JSON[audit.Object]
	Issuer        audit.PersonID // behind it; "" is nobody of the directory
	IssuedAt      time.Time
	ReleasedBy    *JSON[audit.Object]
	ReleasedAt    *time.Time
	ReleaseReason *string
}

const holdColumns = `id, ledger, investigation, matter, reason, from_time, until_time, scope, issued_by, issuer, issued_at, released_by, released_at, release_reason`

// LegalHold returns an organisation's hold, or NotFound.
func (s *Store) LegalHold(ctx context.Context, ledger int32, id string) (LegalHold, error) {
	return one[LegalHold](ctx, s.pool, "read legal hold", `select `+holdColumns+` from legal_hold where ledger = $1 and id = $2`, ledger, id)
}

// LegalHolds lists an organisation's holds, newest first, and counts them all.
// state is active, released, or "" for both; hidden are names of whom none shall be.
func (s *Store) LegalHolds(ctx context.Context, ledger int32, state string, investigation audit.InvestigationID, hidden []string, limit, offset int) (list []LegalHold, total int64, err error) {
	const matching = ` from legal_hold where ledger = @ledger and (@state = '' or (released_at is null) = (@state = 'active'))
		and (@investigation = '' or investigation = @investigation)
		and not exists (select from jsonb_array_elements_text(coalesce(scope::jsonb -> 'users', '[]')) u where lower(u) = any (@hidden::text[]))`
	args := pgx.NamedArgs{"ledger": ledger, "state": state, "investigation": string(investigation), "hidden": lowered(hidden), "limit": limit, "offset": offset}
	rows, err := s.pool.Query(ctx, `select `+holdColumns+matching+` order by issued_at desc, id desc limit @limit offset @offset`, args)
	if err != nil {
		return nil, 0, translate("list legal holds", err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[LegalHold]); err != nil {
		return nil, 0, translate("list legal holds", err)
	}
	err = s.pool.QueryRow(ctx, `select count(*)`+matching, args).Scan(&total)
	return list, total, translate("count legal holds", err)
}

// HoldOf is the hold that an investigation sets on its scope.
func HoldOf(i *Investigation, id string, at time.Time) LegalHold {
	scope := i.Request.V.Scope
	return LegalHold{
		ID: id, Ledger: i.Ledger, Investigation: &i.ID, Matter: i.CaseNumber, Reason: "opened with the investigation", FromTime: &i.FromTime, UntilTime: &i.UntilTime,
		IssuedAt: at, Scope: JSON[audit.HoldScope]{V: audit.HoldScope{Systems: scope.Systems, Users: scope.Users}},
		IssuedBy: JSON[audit.Object]{V: audit.Object{"type": "system", "id": "sealbook"}},
	}
}

// InsertLegalHold sets a hold. An investigation that has one keeps it.
func InsertLegalHold(h LegalHold) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		scope, err := encoded("hold scope", h.Scope.V)
		if err != nil {
			return err
		}
		by, err := encoded("issuer", h.IssuedBy.V)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			insert into legal_hold (id, ledger, investigation, matter, reason, from_time, until_time, scope, issued_by, issuer, issued_at)
			values (@id, @ledger, @investigation, @matter, @reason, @from, @until, @scope, @by, @issuer, @at)
			on conflict (ledger, investigation) where investigation is not null and released_at is null do nothing`, pgx.StrictNamedArgs{
			"id": h.ID, "ledger": h.Ledger, "investigation": h.Investigation, "matter": h.Matter, "reason": h.Reason, "from": h.FromTime, "until": h.UntilTime,
			"scope": scope, "by": by, "issuer": h.Issuer, "at": h.IssuedAt,
		})
		return translate("store legal hold", err)
	}
}

// ReleaseLegalHold ends a hold. Returns InvalidState when it has ended.
func ReleaseLegalHold(ledger int32, id string, by audit.Object, reason string, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		who, err := encoded("releaser", by)
		if err != nil {
			return err
		}
		return change(ctx, tx, "release legal hold", `
			update legal_hold set released_by = $3, release_reason = $4, released_at = $5 where ledger = $1 and id = $2 and released_at is null`,
			ledger, id, who, reason, at)
	}
}
