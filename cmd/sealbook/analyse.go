package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic"
	"github.com/sealbook/sealbook/internal/importer"
)

func analyseCommand() *command {
	return &command{
		name: "analyse", summary: "look for patterns of attack and misuse in entries",
		usage: []string{"--format cloudtrail|github|jsonl|okta FILE [--json]"},
		about: `Holds the entries in FILE (plain or packed with gzip; - is the standard input)
against rules: brute force, privileges granted and used, logs switched off, alarm
limits widened, changes out of order, and others. Then it compares each user's day
with that user's earlier days: hours, what is new, numbers, mix and sequence of
operations; and the silences of emitters with their rhythm. It needs no server and
no database, and changes nothing. docs/detection.md says what is looked for and what
cannot be seen.

The formats are those of import. Of jsonl, entries as POST /entries takes them, the
class of an event type that is not built in follows from its name.

A finding is that a pattern is there and no verdict on a person. The same entries
give the same findings, byte for byte. "Nothing found" comes with what was looked
at: a rule that no entry could meet has not looked at all.

--json prints an array of findings on the standard output (detector, kind,
entry_ids, users, score and others) and what was looked at on the other one.`,
		examples: `sealbook analyse --format jsonl entries.jsonl
zcat entries.jsonl.gz | sealbook analyse --format jsonl - --json
sealbook analyse --format cloudtrail cloudtrail-2023.jsonl.gz`,
		exits: "0  analysed, whatever was found\n1  some lines are no entries, or FILE could not be read to its end; the rest was analysed\n2  wrong usage or settings",
		setup: func(set *flag.FlagSet) action {
			var o analyseOptions
			set.StringVar(&o.format, "format", "", "`FORMAT` of FILE: cloudtrail, github, jsonl or okta")
			set.BoolVar(&o.json, "json", false, "print the findings as a JSON array")
			return o.run
		},
	}
}

type analyseOptions struct {
	format string
	json   bool
}

// Bounds of an analysis: entries are held in memory to be sorted, and of the
// lines that are no entries the first are named.
const (
	maxAnalysed  = 2_000_000
	maxComplaint = 10
)

func (o *analyseOptions) run(ctx context.Context, c *call, args []string) error {
	format, ok := importer.Formats[o.format]
	switch {
	case o.format == "":
		return usagef("say what FILE holds: --format cloudtrail, github, jsonl or okta")
	case !ok:
		return usagef("%q is not a format; there are cloudtrail, github, jsonl and okta", o.format)
	case len(args) != 1:
		return usagef("name one FILE, or - for the standard input")
	}
	in := c.stdin
	if args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			return usagef("%s", err)
		}
		defer f.Close()
		in = f
	}
	rules, err := forensic.Load()
	if err != nil {
		return err
	}
	r := recording{known: map[string]bool{}}
	ended := r.read(ctx, format, in)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	report := forensic.Analyse(rules, r.entries)
	behaviour, err := forensic.Behave(pointers(r.entries), forensic.Options{}) // Analyse left them in the order of time
	if err != nil {
		return err
	}
	report.Join(behaviour)
	looked := c.stdout
	if o.json {
		looked = c.stderr
		e := json.NewEncoder(c.stdout)
		e.SetIndent("", "  ")
		if err := e.Encode(report.Findings); err != nil {
			return err
		}
	} else if err := printFindings(c.stdout, report.Findings); err != nil {
		return err
	}
	printLooked(looked, report, &r)
	for _, complaint := range r.complaints {
		fmt.Fprintln(c.stderr, complaint)
	}
	if more := r.rejected - len(r.complaints); more > 0 {
		fmt.Fprintf(c.stderr, "and %d more\n", more)
	}
	if ended != nil {
		return ended
	}
	if r.rejected > 0 {
		return &verdict{exitFailed}
	}
	return nil
}

// recording is what was read of a file.
type recording struct {
	entries    []audit.Entry
	known      map[string]bool // external ids
	repeated   int             // entries whose external id was there before: importing them adds nothing
	timeless   int             // entries without a time of their own
	rejected   int
	complaints []string
}

// read takes all entries that there are. Its error is that they do not end
// where the file does.
func (r *recording) read(ctx context.Context, format importer.Format, in io.Reader) error {
	plain, err := importer.Open(in)
	if err != nil {
		return err
	}
	for item, err := range format(plain) {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if item.Err == nil {
			item.Err = r.take(item)
		}
		if item.Err != nil {
			if r.rejected++; len(r.complaints) < maxComplaint {
				r.complaints = append(r.complaints, fmt.Sprintf("line %d: %s", item.Line, sentence(item.Err)))
			}
		}
		if len(r.entries) > maxAnalysed {
			return fmt.Errorf("there are more than %d entries; only these were analysed: split the file by time", maxAnalysed)
		}
	}
	return nil
}

func (r *recording) take(item importer.Item) error {
	var request audit.EntryRequest
	if err := request.UnmarshalJSON(item.Entry); err != nil { // it is one value; a format has read it
		return err
	}
	types := func(name string) (audit.EventType, bool) {
		if item.Type.Name == name {
			return item.Type, true
		}
		return audit.EventType{Name: name, Class: classByName(name), Severity: audit.SeverityLow}, audit.ValidEventTypeName(name)
	}
	// The clock of this machine must not decide what is an entry.
	event, bad := request.Event(types, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))
	if len(bad) > 0 {
		return fmt.Errorf("%s: %s", bad[0].Field, bad[0].Message)
	}
	switch {
	case r.known[event.ExternalID]:
		r.repeated++
	case event.Timestamp == nil:
		r.timeless++
	default:
		r.known[event.ExternalID] = true
		r.entries = append(r.entries, audit.Entry{Event: event, Seq: int64(len(r.entries))})
	}
	return nil
}

func pointers(entries []audit.Entry) iter.Seq[*audit.Entry] {
	return func(yield func(*audit.Entry) bool) {
		for i := range entries {
			if !yield(&entries[i]) {
				return
			}
		}
	}
}

// classByName guesses the class of a type that only a server could know.
func classByName(name string) audit.EventClass {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '_' || r == '-' })
	has := func(list ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
	}
	switch {
	case has("login", "logon", "signin", "authentication"):
		return audit.ClassLogin
	case has("logout", "logoff", "signout"):
		return audit.ClassLogout
	case has("security", "permission", "role", "privilege", "mfa", "password"):
		return audit.ClassSecurity
	case has("system"):
		return audit.ClassSystem
	}
	return audit.ClassOf(name)
}

func printFindings(w io.Writer, findings []forensic.Finding) error {
	for _, f := range findings {
		fmt.Fprintf(w, "%s  %s (%s, version %d): %s\n", strings.ToUpper(string(f.Severity)), f.Detector, f.Kind, f.RuleVersion, f.Title)
		fmt.Fprintf(w, "  %s to %s, %d entries, by %s\n", audit.FormatTime(f.FirstTime), audit.FormatTime(f.LastTime), f.Entries, listed(f.Users))
		fmt.Fprintf(w, "  %s\n", listed(f.EntryIDs))
		observed, err := json.Marshal(f.Observed)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "  %s\n", observed)
		if d := f.Deviation; d != nil {
			fmt.Fprintf(w, "  deviation %.1f, %s baseline of %d days\n", d.Value, d.Baseline, f.Baseline.Days)
			for _, c := range d.Top {
				fmt.Fprintf(w, "  %5.1f bits  %s: %s\n", c.Bits, c.Feature, c.Value)
			}
		}
		fmt.Fprintln(w)
	}
	return nil
}

// listed names the first ones.
func listed(names []string) string {
	const most = 6
	switch {
	case len(names) == 0:
		return "nobody who is named"
	case len(names) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

func printLooked(out io.Writer, report *forensic.Report, r *recording) {
	fmt.Fprintf(out, "%d findings. Looked at %d entries of %d users", len(report.Findings), report.Entries, report.Users)
	if report.Entries > 0 {
		fmt.Fprintf(out, ", %s to %s", audit.FormatTime(report.From), audit.FormatTime(report.To))
	}
	fmt.Fprintf(out, ", with rules version %d.\n", report.RulesVersion)
	if r.repeated+r.timeless+r.rejected > 0 {
		fmt.Fprintf(out, "Not looked at: %d lines that are no entries, %d entries without a time, %d entries that were there before.\n", r.rejected, r.timeless, r.repeated)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	var blind []string
	for _, look := range report.Rules {
		if look.Outcome == forensic.InsufficientData {
			blind = append(blind, look.Rule)
			continue
		}
		fmt.Fprintf(w, "  %s\t%d findings\tentries by step %v", look.Rule, look.Findings, look.Selected)
		if look.Unlisted+look.Dropped > 0 {
			fmt.Fprintf(w, "\t%d not listed, %d groups forgotten early", look.Unlisted, look.Dropped)
		}
		fmt.Fprintln(w)
	}
	if len(blind) < len(report.Rules) {
		fmt.Fprintln(out, "Rules that had entries to look at:")
		w.Flush() //nolint:errcheck // out tells whoever reads it
	}
	if len(blind) > 0 {
		fmt.Fprintf(out, "Rules that had no entry to look at, and so say nothing:\n  %s\n", strings.Join(blind, "\n  "))
	}
	printBehaviour(out, report.Behaviour)
}

// printBehaviour says what was compared with a baseline, and for whom there is
// none.
func printBehaviour(out io.Writer, b *forensic.Behaviour) {
	fmt.Fprintf(out, "Behaviour: %d findings by %d tests (false discovery rate %g), on %d of %d user-days (%d against the role's baseline) and %d days of emitters.\n",
		len(b.Findings), b.Tests, b.Rate, b.Judged, b.UserDays, b.ByPeers, b.EmitterDays)
	if b.RareDay > 0 {
		fmt.Fprintf(out, "Beyond that rate, days of users that one in %.0f is like are reported, too.\n", 1/b.RareDay)
	}
	if b.TooFew {
		fmt.Fprintln(out, "Days of users are too few for any of them to be reported: that none is means nothing.")
	}
	if left := b.NotAnalysed; left != nil {
		fmt.Fprintf(out, "%d users with %d entries were not compared with anything, nor were %d roles: %s.\n", left.Users, left.Entries, left.Roles, left.Reason)
	}
	if b.Dropped > 0 {
		fmt.Fprintf(out, "%d entries were beyond what is kept in memory.\n", b.Dropped)
	}
	var users, emitters []string
	for _, u := range b.Insufficient {
		if u.User != "" {
			users = append(users, u.User)
		} else {
			emitters = append(emitters, u.Emitter)
		}
	}
	if len(users) > 0 {
		fmt.Fprintf(out, "Users of whom too little is known, so that nothing is said about them: %s\n", listed(users))
	}
	if len(emitters) > 0 {
		fmt.Fprintf(out, "Emitters that were not heard for long enough to judge their silence: %s\n", listed(emitters))
	}
}
