package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// AccountsOf counts the people of the directory who have one of these ids or
// e-mail addresses and whose account is not closed.
func (s *Store) AccountsOf(ctx context.Context, ledger int32, identifiers []string) (n int64, err error) {
	err = s.pool.QueryRow(ctx, `
		select count(*) from person where ledger = $1 and status <> 'deactivated' and (lower(id) = any ($2) or lower(email) = any ($2))`,
		ledger, lowered(identifiers)).Scan(&n)
	return n, translate("look for accounts", err)
}

// ClosedAccountsOf counts those whose account is closed and says something of them.
func (s *Store) ClosedAccountsOf(ctx context.Context, ledger int32, identifiers []string) (n int64, err error) {
	err = s.pool.QueryRow(ctx, `select count(*) from person where `+closedAccount, ledger, lowered(identifiers)).Scan(&n)
	return n, translate("look for closed accounts", err)
}

const closedAccount = `ledger = $1 and status = 'deactivated' and (lower(id) = any ($2) or lower(email) = any ($2)) and email <> id || '@erased.invalid'`

// EraseClosedAccounts takes what closed accounts of a subject say of them, and what
// servers said of mails to them as signatories; the id, which is never given to
// somebody else, stays.
func EraseClosedAccounts(ledger int32, id audit.ErasureID, identifiers []string, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		if err := eraseNoticesOf(ctx, tx, ledger, identifiers); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			update person set email = id || '@erased.invalid', name = 'erased', title = '', department = '', certification = '', version = version + 1, changed_at = $3,
				password = null, totp_secret = null, new_password = null, new_secret = null, code_hash = null, code_until = null
			where `+closedAccount, ledger, lowered(identifiers), at)
		if err != nil {
			return translate("erase closed accounts", err)
		}
		return countErased(ctx, tx, id, func(c *audit.ErasureCounts) { c.People += tag.RowsAffected() })
	}
}

// eraseNoticesOf takes a server's words from mails that the subject's closed accounts
// got as signatories: they may name the address. That and how each went stays.
func eraseNoticesOf(ctx context.Context, tx pgx.Tx, ledger int32, identifiers []string) error {
	const theirs = `signatory in (select id from person where ` + closedAccount + `)`
	for _, sql := range []string{
		`update delivery_event set reason = '' where delivery in (select id from delivery where ` + theirs + `)`,
		`update delivery set detail = '' where ` + theirs,
	} {
		if _, err := tx.Exec(ctx, sql, ledger, lowered(identifiers)); err != nil {
			return translate("erase what was said of mails", err)
		}
	}
	return nil
}

// mentioning are the tables in which people write, or that say who did something
// here: they are records of cases and of processing, with a life of their own, and
// no erasure reaches them. Their rows are looked through for a subject, so that
// the certificate can say what is left.
var mentioning = []string{
	"investigation", "investigation_step", "investigation_note", "investigation_finding", "investigation_evidence", "custody_event", "legal_hold",
	"evidence", "export", "report", "verification", "assessment", "gap", "signature", "delivery", "stream",
}

// Mentions counts the rows of other tables that name a subject, by table.
func (s *Store) Mentions(ctx context.Context, ledger int32, identifiers []string) (map[string]int64, error) {
	found := map[string]int64{}
	for _, table := range mentioning {
		var n int64
		err := s.pool.QueryRow(ctx, fmt.Sprintf(`
			select count(*) from %s t where t.ledger = $1 and exists (select from unnest($2::text[]) name where strpos(lower(t::text), name) > 0)`, table),
			ledger, lowered(identifiers)).Scan(&n)
		if err != nil {
			return nil, translate("look for mentions", err)
		}
		if n > 0 {
			found[table] = n
		}
	}
	return found, nil
}

// DeliveredTo counts the streams whose receivers got entries of an erasure under
// way before.
func (s *Store) DeliveredTo(ctx context.Context, ledger int32, id audit.ErasureID) (n int64, err error) {
	err = s.pool.QueryRow(ctx, `
		select count(*) from stream where ledger = $1 and next_seq > (select min(seq) from erasure_entry where erasure = $2)`, ledger, id).Scan(&n)
	return n, translate("look for receivers", err)
}
