package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

// version is set when a release is linked.
var version string

// release is the version, or the revision that was built.
func release() string {
	if version != "" {
		return version
	}
	revision, changed := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = s.Value[:min(len(s.Value), 12)]
			case s.Key == "vcs.modified" && s.Value == "true":
				changed = "+changes"
			}
		}
	}
	return "devel-" + revision + changed
}

func versionCommand() *command {
	return &command{
		name: "version", summary: "print the versions of the program and of its formats",
		usage: []string{"[--json]"},
		about: `Prints the program's version, the Go that built it, the database schema that it
needs and the formats that it writes.`,
		exits:   "0  always, unless the arguments are wrong (2)",
		lenient: true,
		setup: func(set *flag.FlagSet) action {
			asJSON := set.Bool("json", false, "print JSON")
			return func(_ context.Context, c *call, args []string) error {
				if len(args) > 0 {
					return usagef("version takes no arguments")
				}
				if *asJSON {
					return json.NewEncoder(c.stdout).Encode(map[string]any{
						"version": release(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
						"schema": ledger.SchemaVersion(), "record": ledger.RecordVersion, "receipt": ledger.ReceiptVersion, "package": evidence.Version,
					})
				}
				_, err := fmt.Fprintf(c.stdout, "sealbook %s\ngo       %s %s/%s\nschema   %d\nrecord   %s\nreceipt  %s\npackage  %s\n",
					release(), runtime.Version(), runtime.GOOS, runtime.GOARCH,
					ledger.SchemaVersion(), ledger.RecordVersion, ledger.ReceiptVersion, evidence.Version)
				return err
			}
		},
	}
}
