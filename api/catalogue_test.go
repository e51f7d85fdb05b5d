package api_test

import (
	"slices"
	"testing"

	"github.com/sealbook/sealbook/audit"
)

// TestSpecificationKnowsTheCatalogue: clients that are generated from
// openapi.yaml know every permission and role, and no other.
func TestSpecificationKnowsTheCatalogue(t *testing.T) {
	t.Parallel()
	enum := func(schema string) (out []string) {
		for _, v := range contract.doc.Components.Schemas[schema].Value.Enum {
			out = append(out, v.(string))
		}
		return out
	}
	var permissions, roles []string
	for _, i := range audit.Catalogue {
		permissions = append(permissions, string(i.Name))
	}
	for _, r := range audit.Roles {
		roles = append(roles, string(r.Name))
	}
	if got := enum("Permission"); !slices.Equal(got, permissions) {
		t.Errorf("documented are %v, not %v", got, permissions)
	}
	if got := enum("RoleName"); !slices.Equal(got, roles) {
		t.Errorf("documented are %v, not %v", got, roles)
	}
}
