package control_test

import (
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/catalog"
	"github.com/sealbook/sealbook/internal/control"
)

// TestShippedCatalogues: all frameworks are there, every expression compiles,
// and each requirement is filed under a criterion that uploads can name.
func TestShippedCatalogues(t *testing.T) {
	t.Parallel()
	all, err := control.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	criteria, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(audit.Frameworks) {
		t.Fatalf("%d catalogues for %d frameworks", len(all), len(audit.Frameworks))
	}
	for i, c := range all {
		if c.Framework != audit.Frameworks[i] {
			t.Errorf("catalogue %d is of %s", i, c.Framework)
		}
		framework, _ := criteria.Of(c.Framework)
		if framework.Edition != c.Edition {
			t.Errorf("%s: edition %q, and %q of the criteria", c.Framework, c.Edition, framework.Edition)
		}
		for _, r := range c.Requirements {
			if id, ok := framework.Find(r.Criterion); !ok || id != r.Criterion {
				t.Errorf("%s %s: there is no criterion %s", c.Framework, r.ID, r.Criterion)
			}
		}
		t.Logf("%s: %d requirements, %s", c.Framework, len(c.Requirements), c.Digest)
	}
}
