package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

func apikeyList() *command {
	return &command{
		name: "list", summary: "list keys, without their secrets",
		usage:    []string{"[--organisation NAME] [--json]"},
		about:    `Lists the keys with what they may do and when they were last used.`,
		examples: `sealbook apikey list --organisation "Example Ltd"`,
		settings: []string{"SEALBOOK_DATABASE_URL"},
		setup: func(set *flag.FlagSet) action {
			organisation := set.String("organisation", "", "only keys of the organisation with this `NAME`")
			asJSON := set.Bool("json", false, "print JSON, one object a line")
			return func(ctx context.Context, c *call, args []string) error {
				if len(args) > 0 {
					return usagef("%q is not a flag; see sealbook apikey list --help", args[0])
				}
				if err := c.config.require("SEALBOOK_DATABASE_URL"); err != nil {
					return err
				}
				s, err := store.Open(ctx, c.config.DatabaseURL, 1)
				if err != nil {
					return err
				}
				defer s.Close()
				keys, err := s.Keys(ctx, *organisation)
				if err != nil {
					return err
				}
				return listKeys(c, keys, *asJSON)
			}
		},
	}
}

func listKeys(c *call, keys []store.ListedKey, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(c.stdout)
		for _, k := range keys {
			if err := e.Encode(map[string]any{
				"key_id": k.ID, "organisation": k.Organisation, "organisation_name": k.OrganisationName, "name": k.Name, "last4": k.Last4,
				"role": k.Role, "permissions": k.Permissions, "constraints": constraintsOf(k), "allowed_cidrs": k.AllowedCIDRs, "created_by": k.CreatedBy, "created_at": k.CreatedAt, "expires_at": k.ExpiresAt,
				"last_used_at": k.LastUsedAt, "rotated_at": k.RotatedAt, "previous_valid_until": k.PreviousUntil, "revoked_at": k.RevokedAt,
			}); err != nil {
				return err
			}
		}
		return nil
	}
	now := audit.SystemClock()
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY ID\tENDS WITH\tORGANISATION\tNAME\tPERMISSIONS\tLAST USED\tSTATE")
	for _, k := range keys {
		state := "valid"
		switch {
		case k.RevokedAt != nil:
			state = "revoked " + day(k.RevokedAt)
		case k.ExpiresAt != nil && !k.Usable(now):
			state = "expired " + day(k.ExpiresAt)
		case k.ExpiresAt != nil:
			state = "valid until " + day(k.ExpiresAt)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Last4, printable(k.OrganisationName), printable(k.Name),
			strings.Join(names(k.Permissions), ","), day(k.LastUsedAt), state)
	}
	return w.Flush()
}

func constraintsOf(k store.ListedKey) *audit.Constraints {
	if k.Constraints == nil {
		return nil
	}
	return &k.Constraints.V
}

func day(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.UTC().Format(time.DateOnly)
}
