package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// InvestigationFinding is a finding of an analysis, or of a person.
type InvestigationFinding struct {
	ID        string
	Analysis  string // "manual": a person's
	Round     int
	Number    int
	Kind      string // fact, pattern, unusual; of a person: observation
	Severity  audit.Severity
	Title     string
	Body      JSON[json.RawMessage] // as the analysis gave it
	Status    audit.FindingStatus
	DecidedBy *JSON[audit.Object]
	DecidedAt *time.Time
	Reason    *string
	CreatedAt time.Time
}

const findingColumns = `id, analysis, round, number, kind, severity, title, body, status, decided_by, decided_at, reason, created_at`

// InvestigationFindings returns findings of an investigation in their order; an
// empty status selects all.
func (s *Store) InvestigationFindings(ctx context.Context, ledger int32, id audit.InvestigationID, status audit.FindingStatus) ([]InvestigationFinding, error) {
	rows, err := s.pool.Query(ctx, `
		select `+findingColumns+` from investigation_finding where ledger = $1 and investigation = $2 and ($3 = '' or status = $3) order by round, number, id`, ledger, id, status)
	if err != nil {
		return nil, translate("list findings", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[InvestigationFinding])
	return list, translate("list findings", err)
}

// InvestigationFinding returns a finding, or NotFound.
func (s *Store) InvestigationFinding(ctx context.Context, ledger int32, id audit.InvestigationID, finding string) (InvestigationFinding, error) {
	return one[InvestigationFinding](ctx, s.pool, "read finding", `
		select `+findingColumns+` from investigation_finding where ledger = $1 and investigation = $2 and id = $3`, ledger, id, finding)
}

// FindingTally counts findings that nobody rejected.
type FindingTally struct {
	Analysis string
	Kind     string
	Detector string
	N        int
}

const tallyColumns = `analysis, kind, coalesce(body::jsonb ->> 'detector', '') as detector, count(*)::int as n`

// InsertFindings adds findings. One that is there stays as it is, with what was
// decided on it.
func InsertFindings(ledger int32, id audit.InvestigationID, findings []InvestigationFinding) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		b := &pgx.Batch{}
		for _, f := range findings {
			b.Queue(`
				insert into investigation_finding (ledger, investigation, id, analysis, round, number, kind, severity, title, body, status, created_at)
				values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'candidate', $11) on conflict on constraint investigation_finding_pkey do nothing`,
				ledger, id, f.ID, f.Analysis, f.Round, f.Number, f.Kind, f.Severity, f.Title, string(f.Body.V), f.CreatedAt)
		}
		return translate("store findings", tx.SendBatch(ctx, b).Close())
	}
}

// DecideFinding notes what somebody made of a finding. What was decided can be
// decided otherwise: the history of the investigation has both.
func DecideFinding(ledger int32, id audit.InvestigationID, f InvestigationFinding) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		by, err := encoded("decider", f.DecidedBy.V)
		if err != nil {
			return err
		}
		return change(ctx, tx, "decide finding", `
			update investigation_finding set status = $4, decided_by = $5, decided_at = $6, reason = $7 where ledger = $1 and investigation = $2 and id = $3`,
			ledger, id, f.ID, f.Status, by, f.DecidedAt, f.Reason)
	}
}
