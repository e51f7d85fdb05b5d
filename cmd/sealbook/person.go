package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/account"
	"github.com/sealbook/sealbook/internal/seal"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

func personCommand() *command {
	return &command{
		name: "person", summary: "add people to an organisation's directory, and reset them",
		usage: []string{"create|reset [flags]"},
		about: `Works on the database directly, for an operator: the first administrator comes
from here, people whose roles nobody may give over HTTP, and a new code for the only
administrator who has lost theirs. Each is recorded in the organisation's ledger in
the same transaction.`,
		children: []*command{personCreate(), personReset()},
		closing:  "sealbook person COMMAND --help explains one of them.",
	}
}

func personCreate() *command {
	return &command{
		name: "create", summary: "add a person and print the code that they enrol with",
		usage: []string{"--organisation NAME --email ADDRESS --name NAME --roles LIST [flags]"},
		about: `Prints a code, once. With it the person chooses a password and sets up their
authenticator (POST /auth/enrol), within 72 hours. Hand it to nobody else.

The roles are
  ` + strings.Join(roleNames(), "\n  "),
		examples: `sealbook person create --organisation "Example Ltd" --email ann@example.com \
    --name "Ann Example" --roles admin`,
		settings: append(ledgerSettings[:4:4], "SEALBOOK_PEPPER_FILE"),
		setup: func(set *flag.FlagSet) action {
			var o newPersonOptions
			set.StringVar(&o.organisation, "organisation", "", "the organisation's `NAME`")
			set.StringVar(&o.details.Email, "email", "", "e-mail `ADDRESS`, with which the person signs in")
			set.StringVar(&o.details.Name, "name", "", "`NAME` of the person")
			set.StringVar(&o.details.Title, "title", "", "what they are, such as a `TITLE`")
			set.StringVar(&o.details.Department, "department", "", "`DEPARTMENT`")
			set.StringVar(&o.roles, "roles", "", "`LIST` of roles, separated by commas")
			set.BoolVar(&o.json, "json", false, "print JSON")
			return o.run
		},
	}
}

type newPersonOptions struct {
	organisation, roles string
	details             audit.PersonDetails
	json                bool
}

func (o *newPersonOptions) run(ctx context.Context, c *call, args []string) error {
	switch {
	case len(args) > 0:
		return usagef("%q is not a flag; see sealbook person create --help", args[0])
	case o.organisation == "" || o.details.Email == "" || o.details.Name == "" || o.roles == "":
		return usagef("a person needs --organisation, --email, --name and --roles; see sealbook person create --help")
	}
	for _, r := range commaSeparated([]string{o.roles}) {
		o.details.Roles = append(o.details.Roles, audit.RoleName(r))
	}
	at := audit.SystemClock()
	if _, err := o.details.Check(at); err != nil {
		wrong := err.(*audit.Error).Fields[0]
		return usagef("%s: %s", strings.TrimPrefix(wrong.Field, "/"), wrong.Message)
	}
	l, s, err := openForChange(ctx, c)
	if err != nil {
		return err
	}
	defer l.Close()
	defer s.Close()
	org, err := s.OrganisationByName(ctx, o.organisation)
	if err != nil {
		return err
	}
	code, hash, err := newCode(c)
	if err != nil {
		return err
	}
	until := at.Add(audit.EnrolmentLife)
	id := strings.ToLower(ulid.MustNew(ulid.Timestamp(at), ulid.DefaultEntropy()).String())
	p := store.Person{
		ID: audit.PersonID("user_" + id), Ledger: org.Ledger, Email: o.details.Email, Name: o.details.Name, Title: o.details.Title, Department: o.details.Department,
		Roles: o.details.Roles, Status: audit.PersonInvited, CreatedBy: "operator " + operator(), CreatedAt: at, ChangedAt: at, CodeHash: hash, CodeUntil: &until,
	}
	details := audit.Object{"roles": p.Roles, "title": p.Title, "department": p.Department}
	if err := recordPerson(ctx, l, "audit.person_created", &p, details, store.InsertPerson(p)); err != nil {
		return err
	}
	return printCode(c, &p, org, code, until, o.json)
}

func personReset() *command {
	return &command{
		name: "reset", summary: "take a person's credentials away and print a code to enrol with again",
		usage: []string{"--organisation NAME --email ADDRESS [--json]"},
		about: `Ends the person's sessions and prints a new code, once. Until an administrator has
confirmed the reset, the person cannot sign.`,
		examples: `sealbook person reset --organisation "Example Ltd" --email ann@example.com`,
		settings: append(ledgerSettings[:4:4], "SEALBOOK_PEPPER_FILE"),
		setup: func(set *flag.FlagSet) action {
			organisation := set.String("organisation", "", "the organisation's `NAME`")
			email := set.String("email", "", "e-mail `ADDRESS` of the person")
			asJSON := set.Bool("json", false, "print JSON")
			return func(ctx context.Context, c *call, args []string) error {
				if len(args) > 0 || *organisation == "" || *email == "" {
					return usagef("a reset needs --organisation and --email; see sealbook person reset --help")
				}
				return resetPerson(ctx, c, *organisation, *email, *asJSON)
			}
		},
	}
}

func resetPerson(ctx context.Context, c *call, organisation, email string, asJSON bool) error {
	l, s, err := openForChange(ctx, c)
	if err != nil {
		return err
	}
	defer l.Close()
	defer s.Close()
	org, err := s.OrganisationByName(ctx, organisation)
	if err != nil {
		return err
	}
	p, err := s.PersonToSignIn(ctx, email, org.ID)
	if err != nil {
		return err
	}
	code, hash, err := newCode(c)
	if err != nil {
		return err
	}
	at := audit.SystemClock()
	until := at.Add(audit.EnrolmentLife)
	if err := recordPerson(ctx, l, "audit.person_reset", &p, nil, store.ResetPerson(p.Ledger, p.ID, "operator "+operator(), hash, until, at)); err != nil {
		return err
	}
	return printCode(c, &p, org, code, until, asJSON)
}

// recordPerson appends the entry about a person with the change itself.
func recordPerson(ctx context.Context, l *ledger.Log, eventType string, p *store.Person, details audit.Object, with store.Statements) error {
	out, err := l.Append(ctx, ledger.Submission{Ledger: p.Ledger, With: with, Events: []audit.Event{{
		Type: eventType, Class: audit.ClassSystem, Severity: audit.SeverityMedium,
		Actor:    audit.Object{"type": "user", "id": "operator:" + operator()},
		Resource: audit.Object{"type": "person", "id": string(p.ID), "name": p.Name},
		Details:  details, Context: audit.Object{"email": p.Email},
	}}})
	if err != nil {
		return err
	}
	return out.Items[0].Err
}

func printCode(c *call, p *store.Person, org store.Organisation, code string, until time.Time, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(c.stdout).Encode(map[string]any{
			"user_id": p.ID, "organisation": org.ID, "email": p.Email, "enrolment_code": code, "enrolment_code_valid_until": until.Format(time.RFC3339),
		})
	}
	_, err := fmt.Fprintf(c.stdout, "%s is in the directory as %s\nenrolment code  %s\n                It is shown only now. Hand it to nobody else.\nvalid until     %s\n",
		p.Name, p.ID, code, until.Format(time.RFC3339))
	return err
}

// newCode draws a code to enrol with, and returns what is kept of it.
func newCode(c *call) (code string, hash []byte, err error) {
	if err := c.config.require("SEALBOOK_PEPPER_FILE"); err != nil {
		return "", nil, err
	}
	pepper, err := readPepper(c.config.PepperFile)
	if err != nil {
		return "", nil, err
	}
	sealer, err := seal.New(pepper)
	if err != nil {
		return "", nil, err
	}
	if code, err = account.NewCode(); err != nil {
		return "", nil, err
	}
	return code, sealer.MAC(account.PlainCode(code)), nil
}
