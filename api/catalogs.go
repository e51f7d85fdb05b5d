package api

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"regexp"
	"slices"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// maxCatalogBody leaves room for what JSON escapes of a text.
const maxCatalogBody = 2 * control.MaxCatalogSize

type catalogUpload struct {
	Text string `json:"text"`
}

// ownCatalogBody is an organisation's catalogue; content is there when it was added,
// and the text when it is shown.
type ownCatalogBody struct {
	ID        audit.CatalogID `json:"catalog_id"`
	Framework audit.Framework `json:"framework"`
	Version   int             `json:"version"`
	Digest    string          `json:"digest"`
	CreatedBy string          `json:"created_by"`
	CreatedAt string          `json:"created_at"`
	Content   *catalogBody    `json:"catalog,omitempty"`
	Text      string          `json:"text,omitempty"`
}

func ownCatalogView(c *store.Catalog) *ownCatalogBody {
	return &ownCatalogBody{ID: c.ID, Framework: c.Framework, Version: c.Version, Digest: c.Digest, CreatedBy: c.CreatedBy, CreatedAt: audit.FormatTime(c.CreatedAt)}
}

// addCatalog answers POST /compliance/catalogs: the text is read as an assessment
// reads it, and its digest is an entry.
func (s *server) addCatalog(r *http.Request) (reply, error) {
	req, body, err := decode[catalogUpload](r)
	if err != nil {
		return reply{}, err
	}
	if req.Text == "" {
		return reply{}, invalid("the catalogue is not valid", audit.FieldError{Field: "/text", Code: "required", Message: "text is required: the catalogue as YAML"})
	}
	c, err := control.Parse([]byte(req.Text))
	if err != nil {
		return reply{}, invalid("the catalogue is not valid", audit.FieldError{Field: "/text", Code: "invalid", Message: err.(*audit.Error).Message})
	}
	p, now := principal(r), s.Clock()
	by, _ := first(p.Actor()["id"], p.Actor()["type"]).(string)
	row := store.Catalog{ID: audit.CatalogID("catalog_" + newULID(now)), Ledger: p.Ledger, Framework: c.Framework, Version: c.Version, Digest: c.Digest, Text: req.Text, CreatedBy: by, CreatedAt: now}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	if key != nil {
		key.Note = string(row.ID)
	}
	about := action(r, typeCatalogAdded, catalogResource(row.ID), audit.Object{
		"catalog_id": row.ID, "framework": c.Framework, "edition": c.Edition, "version": c.Version, "catalog_digest": c.Digest,
		"sha256": ledger.FormatHash(sha256.Sum256([]byte(req.Text))), "requirements": len(c.Requirements),
	})
	about.Severity = audit.SeverityMedium
	out, err := s.record(r, about, key, store.InsertCatalog(row))
	if audit.CodeOf(err) == audit.InvalidState {
		err = audit.Errorf(audit.InvalidState, "there is a catalogue of %s with version %d or a newer one, or there are %d catalogues: a change is a new version", c.Framework, c.Version, audit.MaxCatalogs)
	}
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		if row, err = s.Store.Catalog(r.Context(), p.Ledger, audit.CatalogID(out.Note)); err != nil {
			return reply{}, err
		}
	}
	view := ownCatalogView(&row)
	view.Content = catalogView(c, true)
	header := replayed(http.Header{"Location": {callOf(r).mount + "/compliance/catalogs/" + string(row.ID)}}, out.Replayed)
	return reply{status: http.StatusCreated, header: header, data: view}, nil
}

func catalogResource(id audit.CatalogID) audit.Object {
	return audit.Object{"type": "compliance_catalog", "id": string(id)}
}

func (s *server) listCatalogs(r *http.Request) (reply, error) {
	list, err := s.Store.Catalogs(r.Context(), principal(r).Ledger)
	if err != nil {
		return reply{}, err
	}
	data := make([]*ownCatalogBody, len(list))
	for i := range list {
		data[i] = ownCatalogView(&list[i])
	}
	return reply{data: data}, nil
}

var catalogID = regexp.MustCompile(`^catalog_[0-9a-z]{26}$`)

func (s *server) showCatalog(r *http.Request) (reply, error) {
	none := audit.Errorf(audit.NotFound, "there is no such catalogue")
	id := variable(r, "catalog_id")
	if !catalogID.MatchString(id) {
		return reply{}, none
	}
	row, err := s.Store.Catalog(r.Context(), principal(r).Ledger, audit.CatalogID(id))
	if audit.CodeOf(err) == audit.NotFound {
		err = none
	}
	if err != nil {
		return reply{}, err
	}
	view := ownCatalogView(&row)
	view.Text = row.Text // which it would take seconds to compile again, for whoever reads
	return reply{data: view}, nil
}

// ownCatalogs completes a request for an assessment that names catalogues: each is of
// another framework, which is assessed.
func (s *server) ownCatalogs(r *http.Request, req *audit.AssessmentRequest) error {
	var frameworks []audit.Framework
	for i, id := range req.Catalogs {
		bad := func(code, message string) error {
			return invalid("the assessment is not valid", audit.FieldError{Field: fmt.Sprintf("/catalogs/%d", i), Code: code, Message: message})
		}
		c, err := s.Store.Catalog(r.Context(), principal(r).Ledger, id)
		switch {
		case audit.CodeOf(err) == audit.NotFound:
			return bad("unknown", "there is no such catalogue")
		case err != nil:
			return err
		case slices.Contains(frameworks, c.Framework):
			return bad("duplicate", "two catalogues are of "+string(c.Framework))
		case req.Frameworks != nil && !slices.Contains(req.Frameworks, c.Framework):
			return bad("conflict", "it is of "+string(c.Framework)+", which frameworks does not name")
		}
		frameworks = append(frameworks, c.Framework)
	}
	if req.Frameworks == nil {
		req.Frameworks = frameworks
	}
	return nil
}
