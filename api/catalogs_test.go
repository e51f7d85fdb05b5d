package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/internal/control"
)

// ownCatalog is one that an organisation could add.
func ownCatalog(version int) string {
	return fmt.Sprintf(`framework: SOC2
edition: House rules
version: %d
not_in_ledger: [H9]
requirements:
  - {id: H1, criterion: H1, title: People are named, severity: high, checks: [{id: named, kind: ratio, population: "e.type != ''", pass: "e.user.user_id != ''"}]}
  - {id: H2, criterion: H2, title: It is attested, severity: low, uses: [ledger-intact]}
`, version)
}

func catalogBody(text string) string { return fmt.Sprintf(`{"text":%q}`, text) }

func TestOwnCatalogs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := control.Parse([]byte(ownCatalog(1))); err != nil {
		t.Fatal(err)
	}
	one := b.post("full", "~/compliance/catalogs", catalogBody(ownCatalog(3)), "Idempotency-Key", "k1").want(201)
	id := one.text("data.catalog_id")
	one.has("data.version", 3)
	one.has("data.framework", "SOC2")
	one.has("data.catalog.requirements_total", 2)
	b.post("full", "~/compliance/catalogs", catalogBody(ownCatalog(3)), "Idempotency-Key", "k1").want(201).has("data.catalog_id", id)
	entries := b.entriesOf(b.ledger, "audit.compliance_catalog_added")
	if len(entries) != 1 || entries[0].Details["catalog_digest"] != one.text("data.digest") || entries[0].Details["catalog_id"] != id {
		t.Errorf("%+v", entries)
	}
	for what, text := range map[string]string{
		"no framework": "framework: MADE_UP\nedition: x\nversion: 9\n", "no YAML": "{", "a rule that is no bool": strings.Replace(ownCatalog(9), `pass: "e.user.user_id != ''"`, `pass: "'yes'"`, 1),
		"a rule that does not compile": strings.Replace(ownCatalog(9), "e.user.user_id", "nobody", 1), "another field": ownCatalog(9) + "more: 1\n",
		"a check that is not shared": strings.Replace(ownCatalog(9), "ledger-intact", "no-such-check", 1),
	} {
		if a := b.post("full", "~/compliance/catalogs", catalogBody(text)).want(422); a.text("error.details.fields.0.field") != "/text" {
			t.Errorf("%s: %s", what, a.body)
		}
	}
	b.post("full", "~/compliance/catalogs", catalogBody("")).want(422)
	b.post("full", "~/compliance/catalogs", catalogBody(ownCatalog(3))).want(409)
	b.post("full", "~/compliance/catalogs", catalogBody(ownCatalog(2))).want(409)
	next := b.post("full", "~/compliance/catalogs", catalogBody(ownCatalog(4))).want(201).text("data.catalog_id")
	b.post("reader", "~/compliance/catalogs", catalogBody(ownCatalog(5))).want(403)
	list := b.get("full", "~/compliance/catalogs").want(200)
	if n := len(list.list("data")); n != 2 || list.text("data.0.catalog_id") != next {
		t.Errorf("%s", list.body)
	}
	if _, there := list.at("data.0.text"); there {
		t.Error("a list shows the texts")
	}
	b.get("full", "~/compliance/catalogs/"+id).want(200).has("data.text", ownCatalog(3))

	// An assessment names them, and frameworks are theirs.
	a := b.post("full", "~/compliance/assessments", fmt.Sprintf(`{"catalogs":[%q]}`, id)).want(202)
	a.has("data.frameworks", "[SOC2]")
	a.has("data.catalogs.0", id)
	a = b.post("full", "~/compliance/assessments", fmt.Sprintf(`{"catalogs":[%q],"frameworks":["sox","soc2"]}`, id)).want(202)
	a.has("data.frameworks", "[SOX SOC2]")
	for what, c := range map[string]struct{ body, code string }{
		"an unknown one":    {`{"catalogs":["catalog_01k3jy1z3n8w4q6t9v0b2c5d7f"]}`, "unknown"},
		"two of one":        {fmt.Sprintf(`{"catalogs":[%q,%q]}`, id, next), "duplicate"},
		"another framework": {fmt.Sprintf(`{"catalogs":[%q],"frameworks":["sox"]}`, id), "conflict"},
		"too many":          {`{"catalogs":["a","b","c","d","e","f","g"]}`, "too_many"},
	} {
		if a := b.post("full", "~/compliance/assessments", c.body).want(422); a.text("error.details.fields.0.code") != c.code {
			t.Errorf("%s: %s", what, a.body)
		}
	}
	if n := len(b.entriesOf(b.ledger, "audit.compliance_assessment_requested")); n != 2 {
		t.Errorf("%d entries about assessments", n)
	}
	b.whole()
}
