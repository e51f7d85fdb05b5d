package ledger

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/tern/v2/migrate"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// SchemaFiles are the migrations, in order, as the binary carries them.
func SchemaFiles() fs.FS {
	sub, err := fs.Sub(schemaFiles, "schema")
	if err != nil { // the directory is embedded above
		panic(err)
	}
	return sub
}

// versionTable is where tern keeps the number of the last migration.
const versionTable = "public.schema_version"

// Migrate brings the database to the newest schema and returns the versions
// before and after. conn must be of the tables' owner. It waits for another
// process that migrates, and there is no way down.
func Migrate(ctx context.Context, conn *pgx.Conn) (from, to int32, err error) {
	m, err := migrate.NewMigrator(ctx, conn, versionTable)
	if err != nil {
		return 0, 0, fmt.Errorf("prepare migration: %w", err)
	}
	if err := m.LoadMigrations(SchemaFiles()); err != nil {
		return 0, 0, fmt.Errorf("load migrations: %w", err)
	}
	if from, err = m.GetCurrentVersion(ctx); err != nil {
		return 0, 0, fmt.Errorf("read schema version: %w", err)
	}
	if err := m.Migrate(ctx); err != nil {
		return from, from, fmt.Errorf("migrate: %w", err)
	}
	to, err = m.GetCurrentVersion(ctx)
	if err != nil {
		return from, from, fmt.Errorf("read schema version: %w", err)
	}
	if _, err := conn.Exec(ctx, `grant select on schema_version to sealbook_committer`); err != nil {
		return from, to, fmt.Errorf("grant schema version: %w", err)
	}
	return from, to, nil
}

// SchemaVersion is the newest migration that this program knows.
func SchemaVersion() int32 {
	names, _ := fs.Glob(SchemaFiles(), "*.sql")
	return int32(len(names))
}

// GrantMembership lets the login role take on the application's group roles.
func GrantMembership(ctx context.Context, conn *pgx.Conn, login string) error {
	sql := `grant sealbook_committer, sealbook_reader, sealbook_redactor, sealbook_archivist to ` + pgx.Identifier{login}.Sanitize()
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("grant roles to %s: %w", login, err)
	}
	return nil
}
