package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os/user"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

func apikeyCommand() *command {
	return &command{
		name: "apikey", summary: "create, list and revoke API keys",
		usage: []string{"create|list|revoke [flags]"},
		about: `Works on the database directly, for an operator; every change is recorded in the
organisation's ledger in the same transaction.`,
		children: []*command{apikeyCreate(), apikeyList(), apikeyRevoke()},
		closing:  "sealbook apikey COMMAND --help explains one of them.",
	}
}

func apikeyCreate() *command {
	return &command{
		name: "create", summary: "make a key for an organisation, and the organisation if need be",
		usage: []string{"--organisation NAME --name NAME --permissions all|LIST [flags]"},
		about: `Prints the key once; it is not kept and cannot be shown again. Also prints the
verifier key of the organisation's ledger, with which anybody can check its
receipts and packages.

The permissions are
  ` + strings.Join(names(audit.Permissions), "\n  "),
		examples: `sealbook apikey create --organisation "Example Ltd" --create-organisation \
    --name ingest --permissions audit:write
sealbook apikey create --organisation "Example Ltd" --name auditor \
    --permissions audit:read:basic,audit:verify,audit:export --expires 720h --json`,
		settings: append(ledgerSettings[:3:3], "SEALBOOK_PEPPER_FILE"),
		setup: func(set *flag.FlagSet) action {
			var o newKeyOptions
			set.StringVar(&o.organisation, "organisation", "", "the organisation's `NAME`")
			set.BoolVar(&o.create, "create-organisation", false, "make the organisation and its ledger if there is none of this name")
			set.StringVar(&o.name, "name", "", "what the key is for; it appears as the actor's `NAME`")
			set.StringVar(&o.permissions, "permissions", "", "`LIST` of permissions, separated by commas, or all")
			set.DurationVar(&o.expires, "expires", 0, "how `LONG` the key is valid, such as 720h (default: until it is revoked)")
			set.BoolVar(&o.json, "json", false, "print JSON")
			return o.run
		},
	}
}

type newKeyOptions struct {
	organisation, name, permissions string
	create, json                    bool
	expires                         time.Duration
}

func (o *newKeyOptions) run(ctx context.Context, c *call, args []string) error {
	o.organisation, o.name = strings.TrimSpace(o.organisation), strings.TrimSpace(o.name)
	switch {
	case len(args) > 0:
		return usagef("%q is not a flag; see sealbook apikey create --help", args[0])
	case o.organisation == "" || o.name == "" || o.permissions == "":
		return usagef("a key needs --organisation, --name and --permissions; see sealbook apikey create --help")
	case len(o.organisation) > audit.MaxIdentifier || len(o.name) > audit.MaxIdentifier:
		return usagef("a name has at most %d bytes", audit.MaxIdentifier)
	case o.expires < 0:
		return usagef("--expires is not negative")
	}
	permissions, err := parsePermissions(o.permissions)
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
	signer, err := readSigner(c.config.SignerKey)
	if err != nil {
		return err
	}
	l, s, err := openDatabase(ctx, c.config, signer, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer l.Close()
	defer s.Close()
	org, err := o.find(ctx, l, s)
	if err != nil {
		return err
	}
	at := audit.SystemClock()
	key, text, err := store.NewKey(pepper, org.ID, o.name, "operator "+operator(), permissions, at)
	if err != nil {
		return err
	}
	details := audit.Object{"permissions": permissions}
	if o.expires > 0 {
		until := audit.Instant(at.Add(o.expires))
		key.ExpiresAt = &until
		details["expires_at"] = audit.FormatTime(until)
	}
	if err := recordKey(ctx, l, org.Ledger, "audit.api_key_created", key, details, store.InsertKey(key)); err != nil {
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
			"origin": d.Genesis.Origin, "verifier_key": vkey, "permissions": permissions, "expires_at": key.ExpiresAt,
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

// recordKey appends the entry about a key with the change itself.
func recordKey(ctx context.Context, l *ledger.Log, ledgerID int32, eventType string, key store.Key, details audit.Object, with store.Statements) error {
	out, err := l.Append(ctx, ledger.Submission{
		Ledger: ledgerID,
		Events: []audit.Event{{
			Type: eventType, Class: audit.ClassOf(eventType), Severity: audit.SeverityMedium,
			ExternalID: audit.ReservedExternalID + eventType + "/" + key.ID,
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

func parsePermissions(text string) ([]audit.Permission, error) {
	if text == "all" {
		return audit.Permissions, nil
	}
	var out []audit.Permission
	for _, part := range commaSeparated([]string{text}) {
		p := audit.Permission(part)
		if !slices.Contains(audit.Permissions, p) {
			return nil, usagef("%q is not a permission; there are %s", part, oneOf(names(audit.Permissions)))
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, usagef("a key needs at least one permission")
	}
	return out, nil
}

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
				"permissions": k.Permissions, "created_by": k.CreatedBy, "created_at": k.CreatedAt, "expires_at": k.ExpiresAt,
				"last_used_at": k.LastUsedAt, "revoked_at": k.RevokedAt,
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

func day(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.UTC().Format(time.DateOnly)
}

func apikeyRevoke() *command {
	return &command{
		name: "revoke", summary: "end a key's validity for ever",
		usage: []string{"KEY_ID"},
		about: `Revokes a key by its id, the part after sk_live_ that apikey list shows. Servers
that are running notice within seconds.`,
		examples: `sealbook apikey revoke 3fJx0aQ2LmZp`,
		settings: ledgerSettings,
		setup: func(*flag.FlagSet) action {
			return func(ctx context.Context, c *call, args []string) error {
				if len(args) != 1 {
					return usagef("name one key: sealbook apikey revoke KEY_ID")
				}
				return revokeKey(ctx, c, args[0])
			}
		},
	}
}

func revokeKey(ctx context.Context, c *call, id string) error {
	if err := c.config.require("SEALBOOK_DATABASE_URL", "SEALBOOK_SIGNER_KEY"); err != nil {
		return err
	}
	signer, err := readSigner(c.config.SignerKey)
	if err != nil {
		return err
	}
	l, s, err := openDatabase(ctx, c.config, signer, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer l.Close()
	defer s.Close()
	key, ledgerID, err := s.KeyByID(ctx, id)
	if audit.CodeOf(err) == audit.NotFound {
		return fmt.Errorf("there is no API key %q; sealbook apikey list shows their ids", id)
	}
	if err != nil {
		return err
	}
	if key.RevokedAt != nil {
		return fmt.Errorf("the API key %s was revoked before, on %s", id, day(key.RevokedAt))
	}
	if err := recordKey(ctx, l, ledgerID, "audit.api_key_revoked", key, nil, store.RevokeKey(id, audit.SystemClock())); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.stdout, "revoked %s (%s)\n", id, printable(key.Name))
	return err
}
