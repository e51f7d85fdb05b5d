package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

func assessCommand() *command {
	return &command{
		name: "assess", summary: "say what the ledger shows about a framework's requirements",
		usage: []string{"--organisation NAME [--framework NAME] [--from TIME --to TIME] [--json]", "--organisation NAME --replay ID|FILE"},
		about: `Reads an organisation's entries of a period once, verifies each, and holds them
against control catalogues. It changes nothing.

A score counts what could be assessed; the coverage beside it says how much that
was, and the floor what the score would be if all the rest had failed. What a
ledger cannot show, or what nobody reports, is not assessed and never passed. The
result is evidence for an assessor, and no attestation.

--replay makes a stored assessment again (or one that --json printed to a file) from
the same entries, which must still be in the tree that was assessed, and the facts
that it states, and compares every byte.`,
		examples: `sealbook assess --organisation "Example Ltd" --framework soc2
sealbook assess --organisation "Example Ltd" --from 2026-01-01 --to 2026-03-31 --json
sealbook assess --organisation "Example Ltd" --replay assess_01k3jy1z3n8w4q6t9v0b2c5d7f`,
		settings: []string{"SEALBOOK_DATABASE_URL", "SEALBOOK_ORIGIN", "SEALBOOK_ARTIFACTS"},
		exits:    "0  assessed, whatever the result; the same again\n1  the ledger could not be read; not the same again\n2  wrong usage or settings",
		setup: func(set *flag.FlagSet) action {
			o := &assessOptions{}
			set.StringVar(&o.organisation, "organisation", "", "`NAME` of the organisation")
			set.StringVar(&o.framework, "framework", "", "`NAME` of one framework, such as soc2 (default: all)")
			set.StringVar(&o.from, "from", "", "first `TIME` of the period, or its day (default: 90 days before the end)")
			set.StringVar(&o.to, "to", "", "last `TIME` of the period, or its day (default: now)")
			set.StringVar(&o.replay, "replay", "", "`ID` of an assessment, or a file, to make again and compare")
			set.BoolVar(&o.json, "json", false, "print everything, exceptions included, as JSON")
			return func(ctx context.Context, c *call, args []string) error {
				if len(args) > 0 || o.organisation == "" {
					return usagef("assess takes --organisation and no arguments; see sealbook assess --help")
				}
				if o.replay != "" && (o.framework != "" || o.from != "" || o.to != "" || o.json) {
					return usagef("what is replayed says itself of what it is: --replay takes --organisation alone")
				}
				return assess(ctx, c, o)
			}
		},
	}
}

type assessOptions struct {
	organisation, framework, from, to, replay string
	json                                      bool
}

func assess(ctx context.Context, c *call, o *assessOptions) error {
	if err := c.config.require("SEALBOOK_DATABASE_URL"); err != nil {
		return err
	}
	request := audit.AssessmentRequest{From: o.from, To: o.to, Frameworks: audit.Frameworks}
	if o.framework != "" {
		request.Frameworks = []audit.Framework{audit.Framework(o.framework)}
	}
	period, err := request.Normalise(audit.SystemClock())
	if err != nil {
		return usagef("%s", err.(*audit.Error).Fields[0].Message)
	}
	catalogs, err := activities.CatalogsOf(request.Frameworks)
	if err != nil {
		return err
	}
	l, err := ledger.Open(ctx, ledger.Config{Database: c.config.DatabaseURL, Origin: c.config.Origin, Clock: audit.SystemClock})
	if err != nil {
		return err
	}
	defer l.Close()
	s, err := store.Open(ctx, c.config.DatabaseURL, 1)
	if err != nil {
		return err
	}
	defer s.Close()
	organisation, err := s.OrganisationByName(ctx, o.organisation)
	if err != nil {
		return err
	}
	assessor := activities.Assessor{Log: l, Store: s, Clock: audit.SystemClock}
	if o.replay != "" {
		return replay(ctx, c, &assessor, organisation.Ledger, o.replay)
	}
	result, err := assessor.Assess(ctx, organisation.Ledger, catalogs, period)
	if err != nil {
		return err
	}
	if o.json {
		e := json.NewEncoder(c.stdout)
		e.SetIndent("", "  ")
		return e.Encode(result)
	}
	return printAssessment(c, &result)
}

func printAssessment(c *call, a *control.Assessment) error {
	fmt.Fprintf(c.stdout, "%s, entries %d to %d\nroot %s\n", a.Ledger, a.First, a.End-1, a.Root)
	for _, r := range a.Reports {
		score := "none"
		if r.Score != nil {
			score = fmt.Sprintf("%.1f", *r.Score)
		}
		fmt.Fprintf(c.stdout, "\n%s (%s, catalogue %d): %s\nscore %s, floor %.1f, coverage %.1f %% of %d requirements; %d entries of the period\n",
			r.Framework, r.Edition, r.CatalogVersion, strings.ReplaceAll(string(r.Status), "_", " "), score, r.Floor, r.Coverage, r.Counts.Total, r.Entries)
		w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
		for _, f := range r.Requirements {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", f.Requirement, f.Verdict, f.Title, because(f))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// because says of a requirement's checks what they counted, or why they could not.
func because(f control.Finding) string {
	var parts []string
	for _, r := range f.Checks {
		if r.Verdict == control.NotAssessed {
			parts = append(parts, r.Check+": "+r.Reason)
			continue
		}
		parts = append(parts, fmt.Sprintf("%s: %d of %d", r.Check, r.Passed, r.Population))
	}
	return strings.Join(parts, "; ")
}
