package api

import (
	"net/http"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
)

// catalogBody is a control catalogue. Requirements are there when one is shown.
type catalogBody struct {
	Framework    audit.Framework   `json:"framework"`
	Edition      string            `json:"edition"`
	Version      int               `json:"version"`
	Digest       string            `json:"digest"`
	Total        int               `json:"requirements_total"`
	NotInLedger  []string          `json:"not_in_ledger"` // criteria that no log can show
	Requirements []requirementBody `json:"requirements,omitempty"`
}

type requirementBody struct {
	ID        string         `json:"id"`
	Criterion string         `json:"criterion"`
	Title     string         `json:"title"`
	Severity  audit.Severity `json:"severity"`
	Checks    []checkBody    `json:"checks"`
}

type checkBody struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
}

func catalogView(c *control.Catalog, whole bool) *catalogBody {
	v := &catalogBody{Framework: c.Framework, Edition: c.Edition, Version: c.Version, Digest: c.Digest, Total: len(c.Requirements), NotInLedger: append([]string{}, c.NotInLedger...)}
	if !whole {
		return v
	}
	for _, r := range c.Requirements {
		body := requirementBody{ID: r.ID, Criterion: r.Criterion, Title: r.Title, Severity: r.Severity}
		for _, check := range r.Checks {
			body.Checks = append(body.Checks, checkBody{check.ID, check.Kind})
		}
		v.Requirements = append(v.Requirements, body)
	}
	return v
}

// listFrameworks answers GET /compliance/frameworks: what assessments look for.
func (s *server) listFrameworks(*http.Request) (reply, error) {
	catalogs, err := control.Shipped()
	if err != nil {
		return reply{}, err
	}
	data := make([]*catalogBody, len(catalogs))
	for i, c := range catalogs {
		data[i] = catalogView(c, false)
	}
	return reply{data: data}, nil
}

func (s *server) showFramework(r *http.Request) (reply, error) {
	catalogs, err := control.Shipped()
	if err != nil {
		return reply{}, err
	}
	if f, ok := audit.ParseFramework(variable(r, "framework")); ok {
		for _, c := range catalogs {
			if c.Framework == f {
				return reply{data: catalogView(c, true)}, nil
			}
		}
	}
	return reply{}, audit.Errorf(audit.NotFound, "there is no such framework")
}
