package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// RetentionChange is a policy that shortens something, with what became of it.
type RetentionChange struct {
	ID             audit.RetentionChangeID
	Ledger         int32
	Status         audit.RetentionChangeStatus
	BasedOn        int // the version that was in force
	Previous       JSON[audit.RetentionPolicy]
	Policy         JSON[audit.RetentionPolicy]
	Reason         string
	RequestedBy    JSON[audit.Object]
	Requester      audit.PersonID // behind it
	RequestedAt    time.Time
	DecidedBy      *JSON[audit.Object]
	Decider        *audit.PersonID
	DecidedAt      *time.Time
	DecisionReason *string
	Version        *int // that an approval set
}

// RetentionDecision is who decided on a change, when and why.
type RetentionDecision struct {
	By     audit.Object
	Person audit.PersonID // behind it
	Reason string         // may be empty
	At     time.Time
}

const retentionChangeColumns = `id, ledger, status, based_on, previous, policy, reason, requested_by, requester, requested_at,
	decided_by, decider, decided_at, decision_reason, version`

// RetentionChange returns an organisation's change, or NotFound.
func (s *Store) RetentionChange(ctx context.Context, ledger int32, id audit.RetentionChangeID) (RetentionChange, error) {
	return one[RetentionChange](ctx, s.pool, "read retention change", `select `+retentionChangeColumns+` from retention_change where ledger = $1 and id = $2`, ledger, id)
}

// RetentionChanges lists an organisation's changes, newest first, and counts them
// all. status "" is any.
func (s *Store) RetentionChanges(ctx context.Context, ledger int32, status audit.RetentionChangeStatus, limit, offset int) (list []RetentionChange, total int64, err error) {
	const matching = ` from retention_change where ledger = $1 and ($2 = '' or status = $2)`
	rows, err := s.pool.Query(ctx, `select `+retentionChangeColumns+matching+` order by requested_at desc, id desc limit $3 offset $4`, ledger, status, limit, offset)
	if err != nil {
		return nil, 0, translate("list retention changes", err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[RetentionChange]); err != nil {
		return nil, 0, translate("list retention changes", err)
	}
	err = s.pool.QueryRow(ctx, `select count(*)`+matching, ledger, status).Scan(&total)
	return list, total, translate("count retention changes", err)
}

// InsertRetentionChange stores one that waits for its decision. Returns
// InvalidState when another waits already.
func InsertRetentionChange(v RetentionChange) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		by, err := encoded("requester", v.RequestedBy.V)
		if err != nil {
			return err
		}
		previous, err := encoded("policy in force", v.Previous.V)
		if err != nil {
			return err
		}
		policy, err := encoded("policy", v.Policy.V)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			insert into retention_change (id, ledger, status, based_on, previous, policy, reason, requested_by, requester, requested_at)
			values (@id, @ledger, 'pending', @basedOn, @previous, @policy, @reason, @by, @requester, @at)`, pgx.StrictNamedArgs{
			"id": v.ID, "ledger": v.Ledger, "basedOn": v.BasedOn, "previous": previous, "policy": policy, "reason": v.Reason, "by": by,
			"requester": v.Requester, "at": v.RequestedAt,
		})
		return translate("store retention change", err)
	}
}

// ApproveRetentionChange puts the policy of a change in force. Returns InvalidState
// when somebody decided, or when another policy is in force by now.
func ApproveRetentionChange(v *RetentionChange, d RetentionDecision) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		err := SetRetention(v.Ledger, v.BasedOn, v.Policy.V, d.At)(ctx, tx)
		if audit.CodeOf(err) == audit.PreconditionFailed {
			return audit.Errorf(audit.InvalidState, "another retention policy was set since the change was asked for; refuse it, and ask again")
		}
		if err != nil {
			return err
		}
		return decideRetentionChange(ctx, tx, v, audit.RetentionChangeApproved, d, new(v.BasedOn+1))
	}
}

// RefuseRetentionChange ends a change. Returns InvalidState when somebody decided.
func RefuseRetentionChange(v *RetentionChange, d RetentionDecision) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return decideRetentionChange(ctx, tx, v, audit.RetentionChangeRefused, d, nil)
	}
}

func decideRetentionChange(ctx context.Context, tx pgx.Tx, v *RetentionChange, status audit.RetentionChangeStatus, d RetentionDecision, version *int) error {
	by, err := encoded("decider", d.By)
	if err != nil {
		return err
	}
	return change(ctx, tx, "decide on a retention change", `
		update retention_change set status = $3, decided_by = $4, decider = $5, decided_at = $6, decision_reason = nullif($7, ''), version = $8
		where ledger = $1 and id = $2 and status = 'pending'`, v.Ledger, v.ID, status, by, d.Person, d.At, d.Reason, version)
}
