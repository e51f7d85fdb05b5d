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
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

func personCommand() *command {
	return &command{
		name: "person", summary: "add people to an organisation's directory",
		usage: []string{"create [flags]"},
		about: `Works on the database directly, for an operator: the first administrator comes
from here, and people whose roles nobody may give over HTTP. It is recorded in the
organisation's ledger in the same transaction.`,
		children: []*command{personCreate()},
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
		settings: ledgerSettings,
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
	code, hash, err := account.NewCode()
	if err != nil {
		return err
	}
	until := at.Add(audit.EnrolmentLife)
	id := strings.ToLower(ulid.MustNew(ulid.Timestamp(at), ulid.DefaultEntropy()).String())
	p := store.Person{
		ID: audit.PersonID("user_" + id), Ledger: org.Ledger, Email: o.details.Email, Name: o.details.Name, Title: o.details.Title, Department: o.details.Department,
		Roles: o.details.Roles, Status: audit.PersonInvited, CreatedBy: "operator " + operator(), CreatedAt: at, ChangedAt: at, CodeHash: hash, CodeUntil: &until,
	}
	out, err := l.Append(ctx, ledger.Submission{Ledger: org.Ledger, With: store.InsertPerson(p), Events: []audit.Event{{
		Type: "audit.person_created", Class: audit.ClassSystem, Severity: audit.SeverityMedium,
		Actor:    audit.Object{"type": "user", "id": "operator:" + operator()},
		Resource: audit.Object{"type": "person", "id": string(p.ID), "name": p.Name},
		Details:  audit.Object{"roles": p.Roles, "title": p.Title, "department": p.Department},
		Context:  audit.Object{"email": p.Email},
	}}})
	if err == nil {
		err = out.Items[0].Err
	}
	if err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(c.stdout).Encode(map[string]any{
			"user_id": p.ID, "organisation": org.ID, "email": p.Email, "enrolment_code": code, "enrolment_code_valid_until": until.Format(time.RFC3339),
		})
	}
	fmt.Fprintf(c.stdout, "%s is in the directory as %s\nenrolment code  %s\nvalid until     %s\n", p.Name, p.ID, code, until.Format(time.RFC3339))
	return nil
}
