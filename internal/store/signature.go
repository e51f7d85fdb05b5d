package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Signature is an electronic signature's row, with where its report stands.
type Signature struct {
	ID          string
	Ledger      int32
	Report      audit.ReportID
	Turn        int // from 1
	Person      audit.PersonID
	PrintedName string
	Meaning     audit.SignatureMeaning
	Digest      string // of the draft that was signed
	Components  []string
	Comment     string
	SignedAt    time.Time
	Signatories int             // of the report
	Awaited     *audit.PersonID // whose turn it is now to sign the report; nil: nobody's
}

// inTurn is whose turn it is to sign a report, null when all have.
const inTurn = `(array[report.signatory] || report.countersigners)[1 + (select count(*) from signature s where s.report = report.id)]`

const signatureColumns = `id, ledger, report, turn, person, printed_name, meaning, digest, components, comment, signed_at,
	(select 1 + cardinality(countersigners) from report where report.id = signature.report) as signatories,
	(select ` + inTurn + ` from report where report.id = signature.report and report.status = 'pending_signature') as awaited`

// SignaturesOf returns the signatures that a report has, in the order of their turns.
func (s *Store) SignaturesOf(ctx context.Context, ledger int32, id audit.ReportID) ([]Signature, error) {
	rows, err := s.pool.Query(ctx, `select `+signatureColumns+` from signature where ledger = $1 and report = $2 order by turn`, ledger, id)
	if err != nil {
		return nil, translate("read signatures", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Signature])
	return list, translate("read signatures", err)
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

// SignatureAsked are the details of the entry which says that it is a signatory's
// turn to sign a document.
func SignatureAsked(r *Report, who Signatory, digest string, due time.Time) audit.Object {
	d := r.Details()
	d["signatory"], d["signature_meaning"], d["sha256"], d["due_at"] = who.Person, who.Meaning, digest, audit.FormatTime(due)
	if all := 1 + len(r.Countersigners); all > 1 {
		d["turn"], d["signatories"] = who.Turn, all
	}
	return d
}

// AskSignature fixes the draft of a report and lets it wait for its signatory, whom
// the statements of with tell. Returns InvalidState when it is not processing any
// more: whoever repeats it finds it waiting.
func AskSignature(ledger int32, id audit.ReportID, draft string, due time.Time, with ...Statements) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		err := change(ctx, tx, "ask for the signature", `
			update report set status = 'pending_signature', draft = $3, signature_due_at = $4
			where ledger = $1 and id = $2 and status = 'processing' and signatory is not null and cancel_requested_at is null`, ledger, id, draft, due)
		if err != nil {
			return err
		}
		return each(ctx, tx, with)
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
// whether there was one like it, and since when. It commits at once: a guess costs a
// challenge.
func (s *Store) UseChallenge(ctx context.Context, c Challenge, at time.Time) (since time.Time, known bool, err error) {
	err = s.pool.QueryRow(ctx, `
		delete from signature_challenge
		where nonce_hash = $1 and ledger = $2 and report = $3 and session = $4 and digest = $5 and meaning = $6 and ends_at > $7
		returning ends_at`,
		c.NonceHash, c.Ledger, c.Report, c.Session, c.Digest, c.Meaning, at).Scan(&since)
	if errors.Is(err, pgx.ErrNoRows) {
		return since, false, nil
	}
	return since.Add(-audit.ChallengeLife), err == nil, translate("use challenge", err)
}

// Sign adds a signature, uses up what the person showed for it, gives whoever comes
// next until due, tells them with the statements of with, and tells the workflow. Returns
// InvalidState when the report does not wait for this person in this turn, has its
// signature, or what was shown is used up: of two requests one wins.
func Sign(g Signature, use Statements, due time.Time, with ...Statements) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		if err := use(ctx, tx); err != nil {
			return err
		}
		err := change(ctx, tx, "sign", `
			insert into signature (id, ledger, report, person, printed_name, meaning, digest, components, comment, signed_at, turn)
			select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 from report
			where report.ledger = $2 and report.id = $3 and report.status = 'pending_signature' and report.draft::jsonb ->> 'digest' = $7
				and report.cancel_requested_at is null and report.signature_due_at > $10
				and (select count(*) from signature s where s.report = report.id) = $11 - 1 and `+inTurn+` = $4
			on conflict do nothing`,
			g.ID, g.Ledger, g.Report, g.Person, g.PrintedName, g.Meaning, g.Digest, g.Components, g.Comment, g.SignedAt, g.Turn)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update report set signature_due_at = $3 where ledger = $1 and id = $2 and `+inTurn+` is not null`, g.Ledger, g.Report, due)
		if err != nil {
			return translate("ask the next signatory", err)
		}
		if err := each(ctx, tx, with); err != nil {
			return err
		}
		return queue(ctx, tx, Signal{WorkflowID: string(g.Report), Name: audit.SignedSignal, At: g.SignedAt})
	}
}

// Decline ends a report that waits for this person, and tells the workflow.
// Returns InvalidState when it does not: it is somebody else's turn, or it is signed.
func Decline(ledger int32, id audit.ReportID, who audit.PersonID, reason string, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		err := change(ctx, tx, "decline", `
			update report set status = 'failed', error = $4
			where ledger = $1 and id = $2 and status = 'pending_signature' and `+inTurn+` = $3`,
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
