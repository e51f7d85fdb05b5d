package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Erasure is the row of a data subject's erasure. Subject and Identifiers are there
// until it ends.
type Erasure struct {
	ID             audit.ErasureID
	Ledger         int32
	Subject        *string
	Identifiers    *JSON[[]string]
	Reason         string
	Basis          string
	Status         audit.ErasureStatus
	RunID          *string
	RequestedBy    JSON[audit.Object]
	Requester      audit.PersonID
	DecidedBy      *JSON[audit.Object]
	Decider        *audit.PersonID
	DecidedAt      *time.Time
	DecisionReason *string
	Plan           *JSON[audit.ErasureCounts]
	EndSeq         *int64
	NextSeq        int64
	Counts         JSON[audit.ErasureCounts]
	Months         []string // of the partitions that were changed
	Certificate    *json.RawMessage
	Digest         *string
	Error          *string
	CreatedAt      time.Time
	CompletedAt    *time.Time
	ScrubbedAt     *time.Time
}

const erasureColumns = `id, ledger, subject, identifiers, reason, basis, status, run_id, requested_by, requester, decided_by, decider, decided_at, decision_reason,
	plan, end_seq, next_seq, counts, months, certificate, digest, error, created_at, completed_at, scrubbed_at`

// Erasure returns an organisation's erasure, or NotFound.
func (s *Store) Erasure(ctx context.Context, ledger int32, id audit.ErasureID) (Erasure, error) {
	return one[Erasure](ctx, s.pool, "read erasure", `select `+erasureColumns+` from erasure where ledger = $1 and id = $2`, ledger, id)
}

// Erasures lists an organisation's erasures, newest first, and counts them all. A
// status that is not empty selects those in it.
func (s *Store) Erasures(ctx context.Context, ledger int32, status audit.ErasureStatus, limit, offset int) (list []Erasure, total int64, err error) {
	const matching = ` from erasure where ledger = $1 and ($2 = '' or status = $2)`
	rows, err := s.pool.Query(ctx, `select `+erasureColumns+matching+` order by created_at desc, id desc limit $3 offset $4`, ledger, status, limit, offset)
	if err != nil {
		return nil, 0, translate("list erasures", err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Erasure]); err != nil {
		return nil, 0, translate("list erasures", err)
	}
	err = s.pool.QueryRow(ctx, `select count(*)`+matching, ledger, status).Scan(&total)
	return list, total, translate("count erasures", err)
}

// InsertErasure adds a requested erasure together with the order to start its
// workflow. Returns InvalidState when one of the subject is under way.
func InsertErasure(e Erasure, start Start) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		names, err := encoded("identifiers", e.Identifiers.V)
		if err != nil {
			return err
		}
		by, err := encoded("requester", e.RequestedBy.V)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			insert into erasure (id, ledger, subject, identifiers, reason, basis, status, requested_by, requester, created_at)
			values (@id, @ledger, @subject, @identifiers, @reason, @basis, 'requested', @by, @requester, @at)`, pgx.StrictNamedArgs{
			"id": e.ID, "ledger": e.Ledger, "subject": e.Subject, "identifiers": names, "reason": e.Reason, "basis": e.Basis, "by": by,
			"requester": e.Requester, "at": e.CreatedAt,
		})
		if err != nil {
			return translate("store erasure", err)
		}
		return queue(ctx, tx, start)
	}
}

// ErasureDecision is what a second person says of a request.
type ErasureDecision struct {
	By      audit.Object
	Decider audit.PersonID
	Reason  string
	At      time.Time
}

// ApproveErasure lets a planned erasure run. Returns InvalidState unless it waits
// for that.
func ApproveErasure(ledger int32, id audit.ErasureID, d ErasureDecision) Statements {
	return decideErasure(ledger, id, d, `status = 'approved'`, `and plan is not null`)
}

// DeclineErasure ends a request, and forgets whom it was about. Returns
// InvalidState unless it waits for a decision.
func DeclineErasure(ledger int32, id audit.ErasureID, d ErasureDecision) Statements {
	return decideErasure(ledger, id, d, `status = 'declined', completed_at = $6, subject = null, identifiers = null`, ``)
}

func decideErasure(ledger int32, id audit.ErasureID, d ErasureDecision, set, when string) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		by, err := encoded("decider", d.By)
		if err != nil {
			return err
		}
		err = change(ctx, tx, "decide on erasure", `
			update erasure set decided_by = $3, decider = $4, decision_reason = $5, decided_at = $6, `+set+`
			where ledger = $1 and id = $2 and status = 'requested' `+when, ledger, id, by, d.Decider, d.Reason, d.At)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `delete from erasure_entry where erasure = $1 and exists (select from erasure where id = $1 and status = 'declined')`, id); err != nil {
			return translate("forget entries of erasure", err)
		}
		return queue(ctx, tx, Signal{WorkflowID: string(id), Name: audit.ErasureSignal, At: d.At})
	}
}

// BeginErasurePlan fixes which entries are counted, once.
func (s *Store) BeginErasurePlan(ctx context.Context, ledger int32, id audit.ErasureID, runID string, end int64) (Erasure, error) {
	_, err := s.pool.Exec(ctx, `
		update erasure set run_id = $3, end_seq = coalesce(end_seq, $4) where ledger = $1 and id = $2 and status = 'requested'`, ledger, id, runID, end)
	if err != nil {
		return Erasure{}, translate("plan erasure", err)
	}
	return s.Erasure(ctx, ledger, id)
}

// PlanErasure keeps what would be erased, once.
func (s *Store) PlanErasure(ctx context.Context, ledger int32, id audit.ErasureID, plan audit.ErasureCounts) error {
	text, err := encoded("plan", plan)
	if err == nil {
		_, err = s.pool.Exec(ctx, `update erasure set plan = $3 where ledger = $1 and id = $2 and status = 'requested' and plan is null`, ledger, id, text)
	}
	return translate("plan erasure", err)
}

// BeginErasing starts an approved erasure of the entries below end: what was
// counted for the plan is counted again. One that runs is taken over, and one that
// has ended comes back as it is.
func (s *Store) BeginErasing(ctx context.Context, ledger int32, id audit.ErasureID, runID string, end int64) (Erasure, error) {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			update erasure set status = 'running', run_id = $3, end_seq = $4, next_seq = 0, counts = '{}'
			where ledger = $1 and id = $2 and status = 'approved'`, ledger, id, runID, end)
		if err == nil && tag.RowsAffected() > 0 {
			_, err = tx.Exec(ctx, `delete from erasure_entry where erasure = $1`, id)
		} else if err == nil {
			_, err = tx.Exec(ctx, `update erasure set run_id = $3 where ledger = $1 and id = $2 and status = 'running'`, ledger, id, runID)
		}
		return err
	})
	if err != nil {
		return Erasure{}, translate("begin erasure", err)
	}
	return s.Erasure(ctx, ledger, id)
}

// ErasedPart is what was found in the entries [First, End) of a ledger.
type ErasedPart struct {
	First, End int64
	Seqs       []int64
	Times      []time.Time // of the events
	Held       []bool
	Counts     audit.ErasureCounts
	Months     []string
}

// KeepErased keeps what a part gave in the transaction that erased it, or that
// counted it for the plan of a requested erasure. An error undoes the part: it is
// InvalidState when the erasure is not in that state any more, and Unavailable when
// somebody else has come further, from where whoever tries again goes on.
func KeepErased(id audit.ErasureID, in audit.ErasureStatus, part ErasedPart) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		var next int64
		var status audit.ErasureStatus
		if err := tx.QueryRow(ctx, `select next_seq, status from erasure where id = $1 for no key update`, id).Scan(&next, &status); err != nil {
			return translate("read erasure", err)
		}
		switch {
		case status != in:
			return audit.Errorf(audit.InvalidState, "erasure %s is %s, not %s", id, status, in)
		case next > part.First:
			return audit.Errorf(audit.Unavailable, "erasure %s is at entry %d already", id, next)
		}
		if err := countErased(ctx, tx, id, func(c *audit.ErasureCounts) { c.Add(&part.Counts) }); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			update erasure set next_seq = $2, months = (select array(select distinct m from unnest(months || $3::text[]) m order by m)) where id = $1`,
			id, part.End, part.Months); err != nil {
			return translate("keep what was erased", err)
		}
		_, err := tx.Exec(ctx, `
			insert into erasure_entry (erasure, ledger, seq, event_time, held)
			select e.id, e.ledger, t.seq, t.at, t.held from erasure e, unnest($2::bigint[], $3::timestamptz[], $4::bool[]) as t (seq, at, held) where e.id = $1
			on conflict (erasure, seq) do update set held = excluded.held`, id, part.Seqs, part.Times, part.Held)
		return translate("keep entries of erasure", err)
	}
}

// KeepErasedArchived keeps what a segment file of the archive gave, in the
// transaction that replaces the file. Held entries are counted once, however often
// they are found. In a plan nothing is counted here.
func KeepErasedArchived(id audit.ErasureID, in audit.ErasureStatus, part ErasedPart) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		var status audit.ErasureStatus
		if err := tx.QueryRow(ctx, `select status from erasure where id = $1 for no key update`, id).Scan(&status); err != nil {
			return translate("read erasure", err)
		}
		if status != in {
			return audit.Errorf(audit.InvalidState, "erasure %s is %s, not %s", id, status, in)
		}
		var held int64
		err := tx.QueryRow(ctx, `
			with added as (
				insert into erasure_entry (erasure, ledger, seq, event_time, held)
				select e.id, e.ledger, t.seq, t.at, t.held from erasure e, unnest($2::bigint[], $3::timestamptz[], $4::bool[]) as t (seq, at, held) where e.id = $1
				on conflict (erasure, seq) do nothing returning held
			)
			select count(*) from added where held`, id, part.Seqs, part.Times, part.Held).Scan(&held)
		if err != nil || in != audit.ErasureRunning {
			return translate("keep entries of erasure", err)
		}
		part.Counts.Held = held
		return countErased(ctx, tx, id, func(c *audit.ErasureCounts) { c.Add(&part.Counts) })
	}
}

// Keep runs statements in a transaction of their own.
func (s *Store) Keep(ctx context.Context, with Statements) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return with(ctx, tx) })
}

// countErased adds to the counts of an erasure under way, with what is counted.
func countErased(ctx context.Context, tx pgx.Tx, id audit.ErasureID, add func(*audit.ErasureCounts)) error {
	var counts JSON[audit.ErasureCounts]
	if err := tx.QueryRow(ctx, `select counts from erasure where id = $1 for no key update`, id).Scan(&counts); err != nil {
		return translate("read erasure", err)
	}
	add(&counts.V)
	text, err := encoded("counts", counts.V)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `update erasure set counts = $2 where id = $1`, id, text)
	return translate("count what was erased", err)
}

// CompleteErasure ends an erasure with its certificate, and forgets whom it was
// about.
func CompleteErasure(ledger int32, id audit.ErasureID, certificate []byte, digest string, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		err := change(ctx, tx, "complete erasure", `
			update erasure set status = 'completed', certificate = $3, digest = $4, completed_at = $5, subject = null, identifiers = null
			where ledger = $1 and id = $2 and status = 'running'`, ledger, id, string(certificate), digest, at)
		if err != nil {
			return err
		}
		return forgetErased(ctx, tx, id)
	}
}

// EndErasure marks an erasure as declined, because nobody decided, or failed.
// What was erased stays erased.
func EndErasure(ledger int32, id audit.ErasureID, status audit.ErasureStatus, reason string, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		err := change(ctx, tx, "end erasure", `
			update erasure set status = $3, error = nullif($4, ''), completed_at = $5, subject = null, identifiers = null
			where ledger = $1 and id = $2 and status in ('requested', 'approved', 'running')`, ledger, id, status, reason, at)
		if err != nil {
			return err
		}
		return forgetErased(ctx, tx, id)
	}
}

func forgetErased(ctx context.Context, tx pgx.Tx, id audit.ErasureID) error {
	_, err := tx.Exec(ctx, `delete from erasure_entry where erasure = $1`, id)
	return translate("forget entries of erasure", err)
}

// UnfinishedErasures returns erasures made before a time that have not ended and
// for which the outbox holds no order, oldest first.
func (s *Store) UnfinishedErasures(ctx context.Context, before time.Time, limit int) ([]Erasure, error) {
	rows, err := s.pool.Query(ctx, `
		select `+erasureColumns+` from erasure e
		where status in ('requested', 'approved', 'running') and created_at < $1 and not exists (select from outbox o where o.workflow_id = e.id)
		order by created_at limit $2`, before, limit)
	if err != nil {
		return nil, translate("list unfinished erasures", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Erasure])
	return list, translate("list unfinished erasures", err)
}

// UnscrubbedErasures returns ended erasures whose old values may still lie in
// the database's files, of all organisations, oldest first.
func (s *Store) UnscrubbedErasures(ctx context.Context) ([]Erasure, error) {
	rows, err := s.pool.Query(ctx, `select `+erasureColumns+` from erasure where completed_at is not null and scrubbed_at is null order by created_at`)
	if err != nil {
		return nil, translate("list erasures to scrub", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Erasure])
	return list, translate("list erasures to scrub", err)
}

// ErasureScrubbed notes that the files are rewritten since.
func ErasureScrubbed(ledger int32, id audit.ErasureID, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "note that an erasure is scrubbed", `
			update erasure set scrubbed_at = $3 where ledger = $1 and id = $2 and completed_at is not null and scrubbed_at is null`, ledger, id, at)
	}
}
