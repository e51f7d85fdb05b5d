package activities

import (
	"context"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/store"
)

// catalogsOf are the catalogues of an assessment: the shipped ones of its frameworks,
// but for those that the organisation's own stand in for.
func (a *Activities) catalogsOf(ctx context.Context, row *store.Assessment) ([]*control.Catalog, error) {
	catalogs, err := CatalogsOf(row.Frameworks)
	if err != nil {
		return nil, err
	}
	for _, id := range row.Catalogs {
		own, err := a.Store.Catalog(ctx, row.Ledger, id)
		if err != nil {
			return nil, err
		}
		c, err := parsed(&own)
		if err != nil {
			return nil, err
		}
		for i := range catalogs {
			if catalogs[i].Framework == c.Framework {
				catalogs[i] = c
			}
		}
	}
	return catalogs, nil
}

// parsed reads a catalogue that was read when it was added. Returns InvalidState when
// it is not the same any more, because this program reads it otherwise.
func parsed(own *store.Catalog) (*control.Catalog, error) {
	c, err := control.Parse([]byte(own.Text))
	if err != nil {
		return nil, audit.Errorf(audit.InvalidState, "this program cannot use the catalogue %s: %w", own.ID, err)
	}
	if c.Digest != own.Digest {
		return nil, audit.Errorf(audit.InvalidState, "the catalogue %s had the digest %s when it was added, and has %s: the checks that catalogues share were changed since; add it again under a new version",
			own.ID, own.Digest, c.Digest)
	}
	return c, nil
}

// assessedWith returns the catalogue that a result names by its digest: the shipped
// one, or the organisation's own.
func (a *Assessor) assessedWith(ctx context.Context, ledger int32, shipped *control.Catalog, r *control.Report) (*control.Catalog, error) {
	if shipped.Digest == r.CatalogDigest {
		return shipped, nil
	}
	own, err := a.Store.CatalogByDigest(ctx, ledger, r.Framework, r.CatalogDigest)
	if audit.CodeOf(err) == audit.NotFound {
		return nil, audit.Errorf(audit.InvalidState, "the assessment used version %d of the catalogue of %s, %s; this program has version %d, %s, and the organisation has none like it",
			r.CatalogVersion, r.Framework, r.CatalogDigest, shipped.Version, shipped.Digest)
	}
	if err != nil {
		return nil, err
	}
	return parsed(&own)
}
