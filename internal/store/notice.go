package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// NewNotice makes the mail that tells a signatory of a report something about their
// turn: a distribution of one, without an address. Its ids follow from whom it tells
// what, so that who repeats it makes the same one.
func NewNotice(o audit.OrganisationID, row *Report, who Signatory, what audit.Notice, now time.Time) Distribution {
	d := NewDistribution(o, row, []string{""}, now, fmt.Sprintf("%s/%d/%s", row.ID, who.Turn, what))
	x := &d.Deliveries[0]
	x.Signatory, x.Turn, x.Notice = who.Person, who.Turn, what
	return d
}

// InsertNotice adds a notice, and queues the order to send it. Returns InvalidState
// when it is not the signatory's turn, or is no more, or they were told before.
func InsertNotice(d Distribution) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		x := d.Deliveries[0]
		err := change(ctx, tx, "tell the signatory", `
			insert into delivery (id, ledger, report, distribution, number, recipient, state, created_at, changed_at, signatory, turn, notice)
			select $1, $2, $3, $4, $5, '', 'pending', $6, $6, $7, $8, $9 from report
			where report.ledger = $2 and report.id = $3 and report.status = 'pending_signature' and report.cancel_requested_at is null
				and report.signature_due_at > $6 and (select count(*) from signature s where s.report = report.id) = $8 - 1 and `+inTurn+` = $7
			on conflict do nothing`,
			x.ID, x.Ledger, x.Report, d.ID, x.Number, x.CreatedAt, x.Signatory, x.Turn, x.Notice)
		if err != nil {
			return err
		}
		return queue(ctx, tx, d.start())
	}
}

// Notices returns the mails to the signatories of a report, in their order.
func (s *Store) Notices(ctx context.Context, ledger int32, id audit.ReportID) ([]Delivery, error) {
	return s.deliveries(ctx, `ledger = $1 and report = $2 and notice is not null order by turn, created_at, id`, ledger, id)
}
