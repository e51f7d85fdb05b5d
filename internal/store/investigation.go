package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Investigation is an investigation's row.
type Investigation struct {
	ID         audit.InvestigationID
	EntrySeq   int64 // of the entry that asked for it
	Status     audit.InvestigationStatus
	Priority   audit.Severity
	AssignedTo string
	CreatedAt  time.Time
}

// OpenInvestigations opens the investigations that events of a submission ask
// for, by the events' index. The ledger's head is locked meanwhile, so two
// cannot take the same number.
func OpenInvestigations(ledger int32, orders map[int]audit.InvestigationOrder) func(context.Context, pgx.Tx, []audit.NewEntry) error {
	return func(ctx context.Context, tx pgx.Tx, entries []audit.NewEntry) error {
		var kinds, priorities, assignees []string
		var seqs []int64
		var at time.Time // one transaction records all its entries at one time
		for _, e := range entries {
			if o, ok := orders[e.Index]; ok {
				kinds, priorities, assignees = append(kinds, o.Kind), append(priorities, string(o.Priority)), append(assignees, o.AssignedTo)
				seqs, at = append(seqs, e.Seq), e.RecordedAt
			}
		}
		if seqs == nil {
			return nil
		}
		_, err := tx.Exec(ctx, `
			insert into investigation (ledger, id, kind, opened_on, number, entry_seq, status, priority, assigned_to, created_at)
			select @ledger, 'inv_' || kind || '_' || @day::text || '_' || lpad(number::text, greatest(3, length(number::text)), '0'),
				kind, @day, number, seq, @status, priority, assignee, @at
			from (
				select kind, seq, priority, assignee, row_number() over (partition by kind order by seq) + coalesce((
					select max(i.number) from investigation i where i.ledger = @ledger and i.kind = o.kind and i.opened_on = @day), 0) as number
				from unnest(@kinds::text[], @seqs::bigint[], @priorities::text[], @assignees::text[]) o (kind, seq, priority, assignee)
			) o`, pgx.StrictNamedArgs{
			"ledger": ledger, "day": at.UTC().Format("20060102"), "at": at, "status": audit.InvestigationActive,
			"kinds": kinds, "seqs": seqs, "priorities": priorities, "assignees": assignees,
		})
		return translate("open investigation", err)
	}
}

// InvestigationsOf returns the investigations that these entries asked for.
func (s *Store) InvestigationsOf(ctx context.Context, ledger int32, seqs []int64) (map[int64]Investigation, error) {
	rows, err := s.pool.Query(ctx, `
		select id, entry_seq, status, priority, assigned_to, created_at from investigation where ledger = $1 and entry_seq = any($2)`, ledger, seqs)
	if err != nil {
		return nil, translate("read investigations", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Investigation])
	found := make(map[int64]Investigation, len(list))
	for _, i := range list {
		found[i.EntrySeq] = i
	}
	return found, translate("read investigations", err)
}
