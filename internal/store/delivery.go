package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Distribution is one sending of a report: a delivery for each recipient.
type Distribution struct {
	ID           audit.DistributionID
	Organisation audit.OrganisationID
	Deliveries   []Delivery
}

// Delivery is the row of a mail to one recipient.
type Delivery struct {
	ID           string // opaque: the provider gets to see it
	Ledger       int32
	Report       audit.ReportID
	Distribution audit.DistributionID
	Number       int
	Recipient    string // an address; "" of a notice, which goes to the one that the signatory has then
	State        audit.DeliveryState
	Attempts     int
	MessageID    string
	Detail       string
	CreatedAt    time.Time
	ChangedAt    time.Time
	TriedAt      *time.Time // when it was last handed to the provider; nil: never

	Signatory audit.PersonID // of a notice
	Turn      int            // of a notice: theirs, from 1
	Notice    audit.Notice   // what the mail tells them; "": it carries the report
}

const deliveryColumns = `id, ledger, report, distribution, number, recipient, state, attempts, message_id, detail, created_at, changed_at, tried_at,
	coalesce(signatory, '') as signatory, coalesce(turn, 0) as turn, coalesce(notice, '') as notice`

// NewDistribution makes a distribution of a report to recipients. The ids say
// nothing of whom they are of. With a seed they follow from it, so that who repeats
// it makes the same one; without, they are drawn.
func NewDistribution(o audit.OrganisationID, row *Report, to []string, now time.Time, seed string) Distribution {
	d := Distribution{ID: audit.DistributionID(mailID("distribution_", seed, 0)), Organisation: o}
	for i, address := range to {
		d.Deliveries = append(d.Deliveries, Delivery{ID: mailID("delivery_", seed, i+1), Ledger: row.Ledger, Report: row.ID, Number: i + 1, Recipient: address, CreatedAt: now})
	}
	return d
}

func mailID(prefix, seed string, n int) string {
	text := rand.Text()
	if seed != "" {
		sum := sha256.Sum256(fmt.Appendf(nil, "sealbook distribution\n%s\n%d\n", seed, n))
		text = base32.StdEncoding.EncodeToString(sum[:])[:len(text)]
	}
	return prefix + strings.ToLower(text)
}

// InsertDistribution adds the deliveries of a distribution, all of them pending,
// and queues the order to start its workflow.
func InsertDistribution(d Distribution) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		for _, x := range d.Deliveries {
			_, err := tx.Exec(ctx, `
				insert into delivery (id, ledger, report, distribution, number, recipient, state, created_at, changed_at)
				values ($1, $2, $3, $4, $5, $6, 'pending', $7, $7)`, x.ID, x.Ledger, x.Report, d.ID, x.Number, x.Recipient, x.CreatedAt)
			if err != nil {
				return translate("store delivery", err)
			}
		}
		return queue(ctx, tx, d.start())
	}
}

// start is the order to send a distribution.
func (d *Distribution) start() Start {
	first := d.Deliveries[0]
	return Start{Workflow: audit.DistributionWorkflow, WorkflowID: string(d.ID), At: first.CreatedAt, Input: audit.DistributionStart{
		ID: d.ID, Report: first.Report, Ledger: first.Ledger, Organisation: d.Organisation,
	}}
}

// Deliveries returns the mails that carry a report, oldest distribution first.
func (s *Store) Deliveries(ctx context.Context, ledger int32, id audit.ReportID) ([]Delivery, error) {
	return s.deliveries(ctx, `ledger = $1 and report = $2 and notice is null order by created_at, distribution, number`, ledger, id)
}

// DeliveriesOf returns the deliveries of a distribution, in their order.
func (s *Store) DeliveriesOf(ctx context.Context, ledger int32, id audit.DistributionID) ([]Delivery, error) {
	return s.deliveries(ctx, `ledger = $1 and distribution = $2 order by number`, ledger, id)
}

func (s *Store) deliveries(ctx context.Context, where string, args ...any) ([]Delivery, error) {
	rows, err := s.pool.Query(ctx, `select `+deliveryColumns+` from delivery where `+where, args...)
	if err != nil {
		return nil, translate("list deliveries", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Delivery])
	return list, translate("list deliveries", err)
}

// Delivery returns a delivery of a ledger, or NotFound.
func (s *Store) Delivery(ctx context.Context, ledger int32, id string) (Delivery, error) {
	return one[Delivery](ctx, s.pool, "read delivery", `select `+deliveryColumns+` from delivery where ledger = $1 and id = $2`, ledger, id)
}

// TakeDelivery marks a pending delivery as being sent, and returns whether this
// call did: who gets true, and nobody else, asks the provider.
func (s *Store) TakeDelivery(ctx context.Context, ledger int32, id string, at time.Time) (bool, error) {
	tag, err := s.pool.Exec(ctx, `
		update delivery set state = 'sending', attempts = attempts + 1, changed_at = $3, tried_at = $3 where ledger = $1 and id = $2 and state = 'pending'`, ledger, id, at)
	return tag.RowsAffected() == 1, translate("take delivery", err)
}

// RefuseDelivery ends a pending delivery that will not be sent.
func (s *Store) RefuseDelivery(ctx context.Context, ledger int32, id, why string, at time.Time) error {
	_, err := s.pool.Exec(ctx, `
		update delivery set state = 'refused', detail = $3, changed_at = $4 where ledger = $1 and id = $2 and state = 'pending'`, ledger, id, why, at)
	return translate("refuse delivery", err)
}

// NoteSent says what the provider answered to a delivery that is being sent. One
// that its events have overtaken stays as it is.
func (s *Store) NoteSent(ctx context.Context, ledger int32, id string, state audit.DeliveryState, messageID, detail string, at time.Time) error {
	_, err := s.pool.Exec(ctx, `
		update delivery set state = $3, message_id = $4, detail = $5, changed_at = $6 where ledger = $1 and id = $2 and state = 'sending'`,
		ledger, id, state, messageID, detail, at)
	return translate("note delivery", err)
}

// DeliveryEvent is what the provider says of a delivery.
type DeliveryEvent struct {
	ID       string // the provider's
	Delivery string
	Event    string
	Reason   string
	At       time.Time
	State    audit.DeliveryState // what it means; "" nothing
}

// NoteDelivery stores an event and moves its delivery, and tells the workflow. An
// event that is known, or of a delivery that is not, changes nothing. Events may
// come in any order: delivered is not taken back by one that happened before it,
// but a bounce after it counts.
func (s *Store) NoteDelivery(ctx context.Context, e DeliveryEvent, now time.Time) (known bool, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var ledger int32
		var distribution string
		err := tx.QueryRow(ctx, `select ledger, distribution from delivery where id = $1 for update`, e.Delivery).Scan(&ledger, &distribution)
		if err != nil {
			return err
		}
		known = true
		tag, err := tx.Exec(ctx, `
			insert into delivery_event (id, delivery, ledger, event, reason, at, received_at) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
			e.ID, e.Delivery, ledger, e.Event, e.Reason, e.At, now)
		if err != nil || tag.RowsAffected() == 0 || e.State == "" {
			return err
		}
		tag, err = tx.Exec(ctx, `
			update delivery set state = $2, detail = $3, changed_at = $4
			where id = $1 and state <> $2 and (state in ('pending', 'sending', 'accepted', 'unknown', 'refused')
				or $2 <> 'accepted' and not exists (
					select from delivery_event later where later.delivery = $1 and later.id <> $5 and (later.at > $6 and later.event in ('delivered', 'dropped') or later.at >= $6 and later.event = 'bounce')))`,
			e.Delivery, e.State, e.Reason, now, e.ID, e.At)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return queue(ctx, tx, Signal{WorkflowID: distribution, Name: audit.DeliveredSignal, At: now})
	})
	if audit.CodeOf(translate("note delivery", err)) == audit.NotFound {
		return false, nil
	}
	return known, translate("note delivery", err)
}

// DeliveryEvents returns what the provider said of a report's deliveries, as it
// happened.
func (s *Store) DeliveryEvents(ctx context.Context, ledger int32, id audit.ReportID) ([]DeliveryEvent, error) {
	rows, err := s.pool.Query(ctx, `
		select e.id, e.delivery, e.event, e.reason, e.at, '' as state from delivery_event e join delivery d on d.id = e.delivery
		where d.ledger = $1 and d.report = $2 order by e.at, e.id`, ledger, id)
	if err != nil {
		return nil, translate("list delivery events", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[DeliveryEvent])
	return list, translate("list delivery events", err)
}

// UnfinishedDistributions returns distributions with a delivery that is pending or
// being sent since before a time, and for which the outbox holds no order: those
// after an id, in the order of their ids.
func (s *Store) UnfinishedDistributions(ctx context.Context, before time.Time, after audit.DistributionID, limit int) ([]audit.DistributionStart, error) {
	rows, err := s.pool.Query(ctx, `
		select distinct d.distribution as id, d.report, d.ledger, g.id as organisation from delivery d join organisation g on g.ledger = d.ledger
		where d.state in ('pending', 'sending') and d.changed_at < $1 and d.distribution > $2 and not exists (select from outbox o where o.workflow_id = d.distribution)
		order by d.distribution limit $3`, before, after, limit)
	if err != nil {
		return nil, translate("list distributions", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[audit.DistributionStart])
	return list, translate("list distributions", err)
}
