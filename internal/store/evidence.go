package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Evidence is an upload's row.
type Evidence struct {
	ID          audit.EvidenceID
	Ledger      int32
	Type        string
	Title       string
	Description string
	Date        time.Time // a day, in UTC
	Criteria    []string
	Files       JSON[[]audit.EvidenceFile]
	UploadedBy  JSON[audit.Object]
	CreatedAt   time.Time
}

// EvidenceFilter selects uploads; what is empty does not restrict.
type EvidenceFilter struct {
	Type     string
	Criteria []string     // has one of them
	Period   audit.Period // of the date
}

const evidenceColumns = `id, ledger, type, title, description, date, criteria, files, uploaded_by, created_at`

// Evidence returns an organisation's upload, or NotFound.
func (s *Store) Evidence(ctx context.Context, ledger int32, id audit.EvidenceID) (Evidence, error) {
	return one[Evidence](ctx, s.pool, "read evidence", `select `+evidenceColumns+` from evidence where ledger = $1 and id = $2`, ledger, id)
}

// EvidenceList lists an organisation's uploads, newest first, and counts all
// that match.
func (s *Store) EvidenceList(ctx context.Context, ledger int32, f EvidenceFilter, limit, offset int) (list []Evidence, total int64, err error) {
	args := pgx.NamedArgs{"ledger": ledger, "limit": limit, "offset": offset}
	where := []string{"ledger = @ledger"}
	if f.Type != "" {
		where, args["type"] = append(where, "type = @type"), f.Type
	}
	if len(f.Criteria) > 0 {
		where, args["criteria"] = append(where, "criteria && @criteria"), f.Criteria
	}
	if !f.Period.From.IsZero() {
		where, args["from"] = append(where, "date >= @from::timestamptz::date"), f.Period.From
	}
	if !f.Period.Until.IsZero() {
		where, args["until"] = append(where, "date < @until::timestamptz::date"), f.Period.Until
	}
	matching := ` from evidence where ` + strings.Join(where, " and ")
	rows, err := s.pool.Query(ctx, `select `+evidenceColumns+matching+` order by created_at desc, id desc limit @limit offset @offset`, args)
	if err != nil {
		return nil, 0, translate("list evidence", err)
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByName[Evidence]); err != nil {
		return nil, 0, translate("list evidence", err)
	}
	err = s.pool.QueryRow(ctx, `select count(*)`+matching, args).Scan(&total)
	return list, total, translate("count evidence", err)
}

// InsertEvidence adds an upload in the transaction that records it.
func InsertEvidence(e Evidence) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		files, err := json.Marshal(e.Files.V)
		if err != nil {
			return fmt.Errorf("encode files: %w", err)
		}
		by, err := json.Marshal(e.UploadedBy.V)
		if err != nil {
			return fmt.Errorf("encode uploader: %w", err)
		}
		_, err = tx.Exec(ctx, `
			insert into evidence (`+evidenceColumns+`)
			values (@id, @ledger, @type, @title, @description, @date, @criteria, @files, @by, @at)`, pgx.StrictNamedArgs{
			"id": e.ID, "ledger": e.Ledger, "type": e.Type, "title": e.Title, "description": e.Description, "date": e.Date,
			"criteria": e.Criteria, "files": string(files), "by": string(by), "at": e.CreatedAt,
		})
		return translate("store evidence", err)
	}
}
