package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Catalog is an organisation's own control catalogue.
type Catalog struct {
	ID        audit.CatalogID
	Ledger    int32
	Framework audit.Framework
	Version   int
	Digest    string
	Text      string
	CreatedBy string
	CreatedAt time.Time
}

const catalogColumns = `id, ledger, framework, version, digest, text, created_by, created_at`

// InsertCatalog adds a catalogue. Returns InvalidState when the organisation has one
// of the framework that is as new, or has as many as it may.
func InsertCatalog(c Catalog) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		return change(ctx, tx, "add catalogue", `
			insert into catalog (`+catalogColumns+`)
			select $1, $2, $3, $4, $5, $6, $7, $8
			where not exists (select from catalog where ledger = $2 and framework = $3 and version >= $4)
				and (select count(*) from catalog where ledger = $2) < $9
			on conflict do nothing`,
			c.ID, c.Ledger, c.Framework, c.Version, c.Digest, c.Text, c.CreatedBy, c.CreatedAt, audit.MaxCatalogs)
	}
}

// Catalog returns an organisation's catalogue, or NotFound.
func (s *Store) Catalog(ctx context.Context, ledger int32, id audit.CatalogID) (Catalog, error) {
	return one[Catalog](ctx, s.pool, "read catalogue", `select `+catalogColumns+` from catalog where ledger = $1 and id = $2`, ledger, id)
}

// CatalogByDigest returns the catalogue of a framework that has a digest, or
// NotFound.
func (s *Store) CatalogByDigest(ctx context.Context, ledger int32, f audit.Framework, digest string) (Catalog, error) {
	return one[Catalog](ctx, s.pool, "find catalogue", `
		select `+catalogColumns+` from catalog where ledger = $1 and framework = $2 and digest = $3 order by version limit 1`, ledger, f, digest)
}

// Catalogs lists an organisation's catalogues, newest first.
func (s *Store) Catalogs(ctx context.Context, ledger int32) ([]Catalog, error) {
	rows, err := s.pool.Query(ctx, `select `+catalogColumns+` from catalog where ledger = $1 order by created_at desc, id desc`, ledger)
	if err != nil {
		return nil, translate("list catalogues", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Catalog])
	return list, translate("list catalogues", err)
}
