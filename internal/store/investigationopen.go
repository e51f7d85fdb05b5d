package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// caseNumber numbers the cases of a month. The ledger's head is locked while it is
// taken, so there is no gap and no number twice.
const caseNumber = `
	select 'CASE-' || @month::text || '-' || lpad(n::text, greatest(3, length(n::text)), '0')
	from (select count(*) + 1 as n from investigation where ledger = @ledger and case_number like 'CASE-' || @month::text || '-%') c`

const insertInvestigation = `
	insert into investigation (ledger, id, kind, opened_on, number, case_number, entry_seq, opened_by, type, title, request, from_time, until_time,
		trigger_seq, status, priority, assigned_to, investigator, reviewer, due_at, created_at, changed_at)
	values (@ledger, @id, @kind, @day, @number, (` + caseNumber + `), @seq, @by, @type, @title, @request, @from, @until,
		@trigger, @status, @priority, @assignee, @investigator, @reviewer, @due, @at, @at)`

// OpenInvestigations opens the investigations that events of a submission ask
// for, by the events' index, and orders the start of their workflows. The
// ledger's head is locked meanwhile, so two cannot take the same number.
func OpenInvestigations(o audit.OrganisationID, ledger int32, orders map[int]audit.InvestigationOrder) func(context.Context, pgx.Tx, []audit.NewEntry) error {
	return func(ctx context.Context, tx pgx.Tx, entries []audit.NewEntry) error {
		for _, e := range entries {
			order, ok := orders[e.Index]
			if !ok {
				continue
			}
			day := e.RecordedAt.UTC().Format("20060102")
			var id audit.InvestigationID
			var number int
			err := tx.QueryRow(ctx, `
				select 'inv_' || $2 || '_' || $3 || '_' || lpad(n::text, greatest(3, length(n::text)), '0'), n
				from (select coalesce(max(number), 0) + 1 as n from investigation where ledger = $1 and kind = $2 and opened_on = $3) c`,
				ledger, order.Kind, day).Scan(&id, &number)
			if err != nil {
				return translate("number investigation", err)
			}
			at := order.At
			if at.IsZero() || at.After(e.RecordedAt) {
				at = e.RecordedAt
			}
			i := Investigation{
				ID: id, Ledger: ledger, Kind: order.Kind, EntrySeq: e.Seq, Type: order.Kind + "_incident", Title: order.Title, TriggerSeq: &e.Seq,
				Request:  JSON[audit.InvestigationRequest]{V: audit.InvestigationRequest{Frameworks: order.Frameworks}},
				FromTime: at.Add(-audit.AutoScope), UntilTime: e.RecordedAt.Add(time.Microsecond), Priority: order.Priority, AssignedTo: order.AssignedTo, CreatedAt: e.RecordedAt,
			}
			if err := open(ctx, tx, o, &i, day, number); err != nil {
				return err
			}
		}
		return nil
	}
}

// NextInvestigation returns the number that an investigation of a kind and day
// would be given now.
func (s *Store) NextInvestigation(ctx context.Context, ledger int32, kind, day string) (n int, err error) {
	err = s.pool.QueryRow(ctx, `select coalesce(max(number), 0) + 1 from investigation where ledger = $1 and kind = $2 and opened_on = $3`, ledger, kind, day).Scan(&n)
	return n, translate("number investigation", err)
}

// OpenInvestigation opens one with the entry that records it, and orders the start
// of its workflow. Returns InProgress when somebody has just taken its number.
func OpenInvestigation(o audit.OrganisationID, i Investigation, day string, number int) func(context.Context, pgx.Tx, []audit.NewEntry) error {
	return func(ctx context.Context, tx pgx.Tx, entries []audit.NewEntry) error {
		i.EntrySeq = entries[0].Seq
		return open(ctx, tx, o, &i, day, number)
	}
}

func open(ctx context.Context, tx pgx.Tx, o audit.OrganisationID, i *Investigation, day string, number int) error {
	request, err := encoded("investigation request", i.Request.V)
	if err != nil {
		return err
	}
	var by *string
	if i.OpenedBy != nil {
		text, err := encoded("opener", i.OpenedBy.V)
		if err != nil {
			return err
		}
		by = &text
	}
	_, err = tx.Exec(ctx, insertInvestigation, pgx.StrictNamedArgs{
		"ledger": i.Ledger, "id": i.ID, "kind": i.Kind, "day": day, "number": number, "month": day[:4] + "-" + day[4:6], "seq": i.EntrySeq, "by": by,
		"type": i.Type, "title": i.Title, "request": request, "from": i.FromTime, "until": i.UntilTime, "trigger": i.TriggerSeq,
		"status": audit.InvestigationActive, "priority": i.Priority, "assignee": i.AssignedTo, "investigator": i.Investigator, "reviewer": i.Reviewer,
		"due": i.CreatedAt.Add(audit.StageTime(i.Priority, audit.StageScoping)), "at": i.CreatedAt,
	})
	if err != nil {
		return translate("open investigation", err)
	}
	return start(ctx, tx, i.ID, i.Ledger, o, i.Kind, i.Priority, i.CreatedAt)
}
