package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os/user"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

func apikeyCommand() *command {
	return &command{
		name: "apikey", summary: "create, list, rotate and revoke API keys",
		usage: []string{"create|list|rotate|revoke [flags]"},
		about: `Works on the database directly, for an operator; every change is recorded in the
organisation's ledger in the same transaction.`,
		children: []*command{apikeyCreate(), apikeyList(), apikeyRotate(), apikeyRevoke()},
		closing:  "sealbook apikey COMMAND --help explains one of them.",
	}
}

func apikeyCreate() *command {
	return &command{
		name: "create", summary: "make a key for an organisation, and the organisation if need be",
		usage: []string{"--organisation NAME --name NAME --permissions all|LIST [flags]", "--organisation NAME --name NAME --role ROLE [flags]"},
		about: `Prints the key once; it is not kept and cannot be shown again. Also prints the
verifier key of the organisation's ledger, with which anybody can check its
receipts and packages.

The permissions are
  ` + strings.Join(names(audit.Permissions), "\n  ") + `

and the roles, which are sets of them,
  ` + strings.Join(roleNames(), "\n  ") + `

--frameworks, --from, --to and --repositories limit what entries the key reads.`,
		examples: `sealbook apikey create --organisation "Example Ltd" --create-organisation \
    --name ingest --permissions audit:write
sealbook apikey create --organisation "Example Ltd" --name auditor \
    --role auditor --frameworks soc2 --from 2025-01-01 --to 2025-12-31 \
    --expires 720h --json`,
		settings: append(ledgerSettings[:3:3], "SEALBOOK_PEPPER_FILE"),
		setup: func(set *flag.FlagSet) action {
			var o newKeyOptions
			set.StringVar(&o.organisation, "organisation", "", "the organisation's `NAME`")
			set.BoolVar(&o.create, "create-organisation", false, "make the organisation and its ledger if there is none of this name")
			set.StringVar(&o.name, "name", "", "what the key is for; it appears as the actor's `NAME`")
			set.StringVar(&o.permissions, "permissions", "", "`LIST` of permissions, separated by commas, or all")
			set.StringVar(&o.role, "role", "", "`ROLE` instead of permissions")
			set.StringVar(&o.limits.frameworks, "frameworks", "", "only entries of these frameworks, a `LIST`")
			set.StringVar(&o.limits.from, "from", "", "only entries of events since this `DATE` or time")
			set.StringVar(&o.limits.to, "to", "", "only entries of events until this `DATE` or time, inclusive")
			set.StringVar(&o.limits.repositories, "repositories", "", "only entries of the repositories with these ids, a `LIST`")
			set.StringVar(&o.limits.cidrs, "allowed-cidrs", "", "networks from which the key may be used, a `LIST`")
			set.DurationVar(&o.expires, "expires", 0, "how `LONG` the key is valid, such as 720h (default: until it is revoked)")
			set.BoolVar(&o.json, "json", false, "print JSON")
			return o.run
		},
	}
}

type newKeyOptions struct {
	organisation, name, permissions, role string
	create, json                          bool
	expires                               time.Duration
	limits                                struct{ frameworks, from, to, repositories, cidrs string }
}

// grant is what the flags ask for, as a request over HTTP would.
func (o *newKeyOptions) grant(now time.Time) (audit.CheckedGrant, error) {
	g := audit.KeyGrant{Name: o.name, Role: audit.RoleName(o.role), AllowedCIDRs: commaSeparated([]string{o.limits.cidrs})}
	if o.permissions == "all" {
		g.Permissions = audit.Permissions
	} else {
		for _, p := range commaSeparated([]string{o.permissions}) {
			g.Permissions = append(g.Permissions, audit.Permission(p))
		}
	}
	c := audit.Constraints{From: o.limits.from, To: o.limits.to, Repositories: commaSeparated([]string{o.limits.repositories})}
	for _, f := range commaSeparated([]string{o.limits.frameworks}) {
		c.Frameworks = append(c.Frameworks, audit.Framework(f))
	}
	if !c.Empty() {
		g.Constraints = &c
	}
	if o.expires > 0 {
		at := now.Add(o.expires).Format(time.RFC3339Nano)
		g.ExpiresAt = &at
	}
	checked, err := g.Check(now)
	if wrong, ok := err.(*audit.Error); ok {
		return checked, usagef("%s", wrong.Fields[0].Message)
	}
	return checked, err
}

func roleNames() (out []string) {
	for _, r := range audit.Roles {
		out = append(out, string(r.Name))
	}
	return out
}

func (o *newKeyOptions) run(ctx context.Context, c *call, args []string) error {
	o.organisation, o.name = strings.TrimSpace(o.organisation), strings.TrimSpace(o.name)
	switch {
	case len(args) > 0:
		return usagef("%q is not a flag; see sealbook apikey create --help", args[0])
	case o.organisation == "" || o.name == "" || (o.permissions == "") == (o.role == ""):
		return usagef("a key needs --organisation, --name, and --permissions or --role; see sealbook apikey create --help")
	case len(o.organisation) > audit.MaxIdentifier || len(o.name) > audit.MaxIdentifier:
		return usagef("a name has at most %d bytes", audit.MaxIdentifier)
	case o.expires < 0:
		return usagef("--expires is not negative")
	}
	at := audit.SystemClock()
	grant, err := o.grant(at)
	if err != nil {
		return err
	}
	if err := c.config.require("SEALBOOK_DATABASE_URL", "SEALBOOK_SIGNER_KEY", "SEALBOOK_PEPPER_FILE"); err != nil {
		return err
	}
	pepper, err := readPepper(c.config.PepperFile)
	if err != nil {
		return err
	}
	l, s, err := openForChange(ctx, c)
	if err != nil {
		return err
	}
	defer l.Close()
	defer s.Close()
	org, err := o.find(ctx, l, s)
	if err != nil {
		return err
	}
	key, text, err := store.GrantKey(pepper, org.ID, grant, "operator "+operator(), at)
	if err != nil {
		return err
	}
	if err := recordKey(ctx, l, org.Ledger, "audit.api_key_created", "", key, grant.Details(), store.InsertKey(key)); err != nil {
		return err
	}
	d, err := l.Descriptor(ctx, org.Ledger)
	if err != nil {
		return err
	}
	vkey := l.Key(d.Genesis.Origin)
	if o.json {
		return json.NewEncoder(c.stdout).Encode(map[string]any{
			"key": text, "key_id": key.ID, "organisation": org.ID, "organisation_name": org.Name,
			"origin": d.Genesis.Origin, "verifier_key": vkey, "permissions": key.Permissions, "expires_at": key.ExpiresAt,
		})
	}
	_, err = fmt.Fprintf(c.stdout, `key           %s
              It is shown only now. Keep it as a secret.
key id        %s
organisation  %s (%s)
ledger        %s
verifier key  %s
`, text, key.ID, org.Name, org.ID, d.Genesis.Origin, vkey)
	return err
}

// find returns the organisation, which is made when that was asked for. If the
// process dies between the two steps, a ledger without entries is left, and
// the next attempt makes another.
func (o *newKeyOptions) find(ctx context.Context, l *ledger.Log, s *store.Store) (store.Organisation, error) {
	org, err := s.OrganisationByName(ctx, o.organisation)
	if audit.CodeOf(err) != audit.NotFound {
		return org, err
	}
	if !o.create {
		return org, fmt.Errorf("there is no organisation %q; --create-organisation makes it", o.organisation)
	}
	id := audit.OrganisationID("org_" + strings.ToLower(ulid.Make().String()))
	d, err := l.Create(ctx, id)
	if err != nil {
		return org, err
	}
	org = store.Organisation{ID: id, Name: o.organisation, Ledger: d.ID, CreatedAt: d.Genesis.CreatedAt}
	err = s.CreateOrganisation(ctx, org)
	if audit.CodeOf(err) == audit.InvalidState { // somebody else was faster
		return s.OrganisationByName(ctx, o.organisation)
	}
	return org, err
}

// recordKey appends the entry about a key with the change itself. which tells
// changes of one type apart.
func recordKey(ctx context.Context, l *ledger.Log, ledgerID int32, eventType, which string, key store.Key, details audit.Object, with store.Statements) error {
	out, err := l.Append(ctx, ledger.Submission{
		Ledger: ledgerID,
		Events: []audit.Event{{
			Type: eventType, Class: audit.ClassOf(eventType), Severity: audit.SeverityMedium,
			ExternalID: audit.ReservedExternalID + eventType + "/" + key.ID + which,
			Actor:      audit.Object{"type": "user", "id": "operator:" + operator()},
			Resource:   audit.Object{"type": "api_key", "id": key.ID, "name": key.Name},
			Details:    details,
		}},
		With: with,
	})
	if err != nil {
		return err
	}
	return out.Items[0].Err
}

// operator is the account that runs this program: on the database itself there
// is no other credential to name.
func operator() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}
