package activities

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/store"
)

// TestImplicationsAreOfTheCatalogues holds the table: each requirement that it
// names is in a catalogue.
func TestImplicationsAreOfTheCatalogues(t *testing.T) {
	t.Parallel()
	catalogs, err := control.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	for about, byFramework := range requirements {
		for f, ids := range byFramework {
			for _, id := range ids {
				if !slices.ContainsFunc(catalogs, func(c *control.Catalog) bool {
					return c.Framework == f && slices.ContainsFunc(c.Requirements, func(r control.Requirement) bool { return r.ID == id })
				}) {
					t.Errorf("%s: %s has no requirement %s", about, f, id)
				}
			}
		}
	}
}

// TestImplicationsAreSuggested: who widens an alarm touches what part 11 says of
// earlier values and of the order of steps, and nothing of a framework that the
// investigation does not name.
func TestImplicationsAreSuggested(t *testing.T) {
	t.Parallel()
	row := &store.Investigation{Request: store.JSON[audit.InvestigationRequest]{V: audit.InvestigationRequest{Frameworks: []audit.Framework{audit.FDA21CFR11}}}}
	accepted := []store.InvestigationFinding{{ID: "finding_1", Severity: audit.SeverityHigh, Body: store.JSON[json.RawMessage]{V: json.RawMessage(`{"detector":"alarm-widened"}`)}}}
	got := implicationsOf(row, accepted)
	var sections []string
	for _, v := range got.Violations {
		sections = append(sections, v.Section)
		if v.Framework != audit.FDA21CFR11 || v.Severity != audit.SeverityHigh || !slices.Equal(v.Findings, []string{"finding_1"}) || v.Description == "" {
			t.Errorf("%+v", v)
		}
	}
	if !slices.Equal(sections, []string{"11.10(e)", "11.10(f)"}) || !slices.Equal(got.Frameworks, []audit.Framework{audit.FDA21CFR11}) {
		t.Errorf("%v %v", sections, got.Frameworks)
	}
	if none := implicationsOf(row, nil); len(none.Violations) > 0 || none.Violations == nil {
		t.Errorf("nothing accepted implies %+v", none)
	}
}
