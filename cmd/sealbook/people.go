package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/identity"
)

// readRoles reads the map of a provider's roles to ours.
func readRoles(c *Config, v string) error {
	c.Identity.Roles = map[string]audit.RoleName{}
	for _, pair := range commaSeparated([]string{v}) {
		at := strings.LastIndex(pair, "=") // a role of the provider can hold an equals sign
		if at < 1 {
			return fmt.Errorf("%q is not like their-role=viewer", pair)
		}
		role, ok := audit.RoleOf(audit.RoleName(pair[at+1:]))
		if !ok {
			return fmt.Errorf("%q is not a role here", pair[at+1:])
		}
		c.Identity.Roles[pair[:at]] = role.Name
	}
	return nil
}

// identity makes the provider of people's tokens; nil when none is configured.
func (c *Config) identity() (*identity.Provider, error) {
	if c.Identity.Issuer == "" {
		return nil, nil
	}
	if err := c.require("SEALBOOK_OIDC_AUDIENCE", "SEALBOOK_OIDC_ROLES"); err != nil {
		return nil, err
	}
	if c.Identity.ClientID != "" || len(c.Identity.StepUpACR) > 0 {
		if err := c.require("SEALBOOK_OIDC_CLIENT_ID", "SEALBOOK_OIDC_STEP_UP_ACR"); err != nil {
			return nil, err
		}
	}
	settings := c.Identity
	settings.Clock = audit.SystemClock
	settings.OrganisationClaim = cmp.Or(settings.OrganisationClaim, identity.DefaultOrganisationClaim)
	settings.RolesClaim = cmp.Or(settings.RolesClaim, identity.DefaultRolesClaim)
	return identity.New(settings)
}
