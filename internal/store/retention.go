package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Retention returns the policies that an organisation set, oldest first.
func (s *Store) Retention(ctx context.Context, ledger int32) (audit.RetentionHistory, error) {
	rows, err := s.pool.Query(ctx, `
		select version, audit_log_days, audit_log_archive_days, scan_result_days, scan_result_archive_days, evidence_export_days, set_at
		from retention_policy where ledger = $1 order by version`, ledger)
	if err != nil {
		return nil, translate("read retention policies", err)
	}
	history, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (v audit.RetentionVersion, err error) {
		p := &v.Policy
		err = row.Scan(&v.Version, &p.AuditLogs.RetentionDays, &p.AuditLogs.ArchiveAfterDays,
			&p.ScanResults.RetentionDays, &p.ScanResults.ArchiveAfterDays, &p.EvidenceExports.RetentionDays, &v.SetAt)
		v.SetAt = v.SetAt.UTC()
		return v, err
	})
	return history, translate("read retention policies", err)
}

// SetRetention adds a policy after the version that whoever sets it has seen.
// Returns PreconditionFailed when there is a later one.
func SetRetention(ledger int32, seen int, p audit.RetentionPolicy, at time.Time) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			insert into retention_policy (ledger, version, audit_log_days, audit_log_archive_days, scan_result_days, scan_result_archive_days,
				evidence_export_days, set_at)
			values (@ledger, @version, @logs, @logsArchive, @scans, @scansArchive, @exports, @at)`, pgx.StrictNamedArgs{
			"ledger": ledger, "version": seen + 1, "logs": p.AuditLogs.RetentionDays, "logsArchive": p.AuditLogs.ArchiveAfterDays,
			"scans": p.ScanResults.RetentionDays, "scansArchive": p.ScanResults.ArchiveAfterDays,
			"exports": p.EvidenceExports.RetentionDays, "at": at,
		})
		return translate("set retention policy", err)
	}
}

// ArtifactBytes is the size of the packages, uploads and segment files that an
// organisation holds.
func (s *Store) ArtifactBytes(ctx context.Context, ledger int32) (n int64, err error) {
	err = s.pool.QueryRow(ctx, `
		select coalesce(sum(size), 0)::bigint from (
			select (artifact::json->>'size')::bigint as size from export where ledger = $1 and status = 'completed'
			union all
			select (f->'artifact'->>'size')::bigint from evidence, json_array_elements(files::json) f where ledger = $1
			union all
			select (artifact::json->>'size')::bigint from archive_segment where ledger = $1 and destroyed_at is null
		) held`, ledger).Scan(&n)
	return n, translate("measure artifacts", err)
}
