package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Signature is an electronic signature's row.
type Signature struct {
	ID          string
	Ledger      int32
	Report      audit.ReportID
	Person      audit.PersonID
	PrintedName string
	Meaning     audit.SignatureMeaning
	Digest      string // of the draft that was signed
	Components  []string
	Comment     string
	SignedAt    time.Time
}

const signatureColumns = `id, ledger, report, person, printed_name, meaning, digest, components, comment, signed_at`

// SignatureOf returns the signature of a report, or NotFound.
func (s *Store) SignatureOf(ctx context.Context, ledger int32, id audit.ReportID) (Signature, error) {
	return one[Signature](ctx, s.pool, "read signature", `select `+signatureColumns+` from signature where ledger = $1 and report = $2`, ledger, id)
}

// Signature returns an organisation's signature, or NotFound.
func (s *Store) Signature(ctx context.Context, ledger int32, id string) (Signature, error) {
	return one[Signature](ctx, s.pool, "read signature", `select `+signatureColumns+` from signature where ledger = $1 and id = $2`, ledger, id)
}

// Signatures lists an organisation's signatures, newest first, and counts them all.
func (s *Store) Signatures(ctx context.Context, ledger int32, reader CaseReader, limit, offset int) (list []Signature, total int64, err error) {
	const matching = ` from signature where ledger = @ledger and exists (select from report where report.id = signature.report` + readable + `)`
	args := reader.arguments(pgx.NamedArgs{"ledger": ledger, "limit": limit, "offset": offset})
	rows, err := s.pool.Query(ctx, `select `+signatureColumns+matching+` order by signed_at desc, id desc limit @limit offset @offset`, args)
	if err != nil {
		return nil, 0, translate("list signatures", err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Signature]); err != nil {
		return nil, 0, translate("list signatures", err)
	}
	err = s.pool.QueryRow(ctx, `select count(*)`+matching, args).Scan(&total)
	return list, total, translate("count signatures", err)
}

// AskSignature fixes the draft of a report and lets it wait for its signatory.
// Returns InvalidState when it is not processing any more: whoever repeats it
// finds it waiting.
func AskSignature(ledger int32, id audit.ReportID, draft string, due time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "ask for the signature", `
			update report set status = 'pending_signature', draft = $3, signature_due_at = $4
			where ledger = $1 and id = $2 and status = 'processing' and signatory is not null and cancel_requested_at is null`, ledger, id, draft, due)
	}
}

// Challenge is what one signature answers.
type Challenge struct {
	NonceHash []byte
	Ledger    int32
	Report    audit.ReportID
	Session   []byte // hash of its token
	Digest    string
	Meaning   audit.SignatureMeaning
	EndsAt    time.Time
}

// InsertChallenge adds a challenge; others of the same session and report end.
func InsertChallenge(c Challenge) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `delete from signature_challenge where session = $1 and report = $2`, c.Session, c.Report); err != nil {
			return translate("end challenges", err)
		}
		_, err := tx.Exec(ctx, `
			insert into signature_challenge (nonce_hash, ledger, report, session, digest, meaning, ends_at) values ($1, $2, $3, $4, $5, $6, $7)`,
			c.NonceHash, c.Ledger, c.Report, c.Session, c.Digest, c.Meaning, c.EndsAt)
		return translate("store challenge", err)
	}
}

// UseChallenge uses a challenge up, whatever comes of the signature, and returns
// whether there was one like it. It commits at once: a guess costs a challenge.
func (s *Store) UseChallenge(ctx context.Context, c Challenge, at time.Time) (bool, error) {
	tag, err := s.pool.Exec(ctx, `
		delete from signature_challenge
		where nonce_hash = $1 and ledger = $2 and report = $3 and session = $4 and digest = $5 and meaning = $6 and ends_at > $7`,
		c.NonceHash, c.Ledger, c.Report, c.Session, c.Digest, c.Meaning, at)
	return tag.RowsAffected() == 1, translate("use challenge", err)
}

// Sign adds a signature with a one-time code of a step, and tells the workflow.
// Returns InvalidState when the report does not wait for this person, has its
// signature, or the code was taken before: of two requests one wins.
func Sign(g Signature, step int64) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		if err := takeStep(ctx, tx, g.Person, step, g.SignedAt); err != nil {
			return err
		}
		err := change(ctx, tx, "sign", `
			insert into signature (id, ledger, report, person, printed_name, meaning, digest, components, comment, signed_at)
			select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 from report r
			where r.ledger = $2 and r.id = $3 and r.signatory = $4 and r.status = 'pending_signature' and r.draft::jsonb ->> 'digest' = $7
				and r.cancel_requested_at is null and r.signature_due_at > $10
			on conflict on constraint signature_report_key do nothing`,
			g.ID, g.Ledger, g.Report, g.Person, g.PrintedName, g.Meaning, g.Digest, g.Components, g.Comment, g.SignedAt)
		if err != nil {
			return err
		}
		return queue(ctx, tx, Signal{WorkflowID: string(g.Report), Name: audit.SignedSignal, At: g.SignedAt})
	}
}

// Decline ends a report that waits for this person, and tells the workflow.
// Returns InvalidState when it does not, or is signed.
func Decline(ledger int32, id audit.ReportID, who audit.PersonID, reason string, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		err := change(ctx, tx, "decline", `
			update report set status = 'failed', error = $4
			where ledger = $1 and id = $2 and signatory = $3 and status = 'pending_signature' and not exists (select from signature s where s.report = report.id)`,
			ledger, id, who, reason)
		if err != nil {
			return err
		}
		return queue(ctx, tx, Signal{WorkflowID: string(id), Name: audit.SignedSignal, At: at})
	}
}

// PruneChallenges removes challenges that have ended.
func (s *Store) PruneChallenges(ctx context.Context, at time.Time) (int64, error) {
	tag, err := s.pool.Exec(ctx, `delete from signature_challenge where ends_at <= $1`, at)
	return tag.RowsAffected(), translate("prune challenges", err)
}
