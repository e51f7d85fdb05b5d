package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/audit"
)

func TestCatalogue(t *testing.T) {
	t.Parallel()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range audit.Frameworks {
		x, ok := c.Of(f)
		if !ok || len(c.For(f, x.IDs())) == 0 {
			t.Errorf("%s has no criteria, or no evidence", f)
		}
	}
	soc2, _ := c.Of(audit.SOC2)
	for _, id := range []string{"CC1.1", "CC2.3", "CC3.4", "CC4.2", "CC5.3", "CC6.8", "CC7.5", "CC8.1", "CC9.2"} {
		if !slices.Contains(soc2.IDs(), id) {
			t.Errorf("%s is missing", id)
		}
	}
	if id, ok := soc2.Find("cc6.1"); !ok || id != "CC6.1" {
		t.Errorf("%q %t", id, ok)
	}
	if id, f, ok := c.Find("art.33"); !ok || id != "Art.33" || f != audit.GDPR {
		t.Errorf("%q of %s, %t", id, f, ok)
	}
	for _, q := range c.Queries {
		for _, m := range q.Match {
			for _, name := range slices.Concat(m.Types, m.NotTypes) {
				if _, builtin := audit.BuiltinEventTypes[name]; !builtin && !strings.HasPrefix(name, audit.ReservedPrefix) {
					t.Errorf("%s: there is no type %s", q.ID, name)
				}
			}
			for _, class := range m.Classes {
				if !slices.Contains(audit.EventClasses, class) {
					t.Errorf("%s: there is no class %s", q.ID, class)
				}
			}
			for _, s := range m.Severities {
				if !slices.Contains(audit.Severities, s) {
					t.Errorf("%s: there is no severity %s", q.ID, s)
				}
			}
		}
	}
}

func TestCatalogueIsChecked(t *testing.T) {
	t.Parallel()
	const good = "frameworks: [{framework: SOC2, criteria: [{id: CC1.1, title: x}]}]\nqueries: [{id: q, type: x, title: x, match: [{}], criteria: {SOC2: [CC1.1]}}]"
	if _, err := parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"framework: SOC2", "framework: SOC3"}, {"[{id: CC1.1, title: x}]", "[{id: CC1.1, title: x}, {id: cc1.1, title: x}]"},
		{"id: CC1.1", "id: 'CC,1'"}, {"[CC1.1]", "[CC1.2]"}, {"SOC2: [", "GDPR: ["}, {"id: q,", "id: Q,"}, {"match: [{}]", "match: [{colour: red}]"}, {"match: [{}]", "match: []"},
	} {
		if bad := strings.Replace(good, change[0], change[1], 1); bad == good {
			t.Errorf("%v changes nothing", change)
		} else if _, err := parse([]byte(bad)); err == nil {
			t.Errorf("accepted: %s", bad)
		}
	}
}
