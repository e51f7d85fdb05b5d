package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestHelp holds every help text against its golden file.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{}, {"serve"}, {"worker"}, {"migrate"}, {"keygen"}, {"key"}, {"key", "list"}, {"key", "rotate"}, {"key", "retire"}, {"key", "adopt"}, {"apikey"}, {"apikey", "create"}, {"apikey", "list"}, {"apikey", "rotate"}, {"apikey", "revoke"},
		{"person"}, {"person", "create"}, {"person", "reset"}, {"append"}, {"import"}, {"sample"}, {"export"}, {"analyse"}, {"assess"}, {"report"}, {"certificate"}, {"outbox"}, {"scrub"}, {"verify"}, {"version"},
	} {
		got := invoke(t, []string{"SEALBOOK_WRONG=1"}, "", append(args, "--help")...).want(t, exitOK)
		if got.stderr != "" {
			t.Errorf("%s --help writes to stderr: %s", args, got.stderr)
		}
		file := filepath.Join("testdata", "help", strings.Join(append([]string{"sealbook"}, args...), "-")+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(got.stdout), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got.stdout); d != "" {
			t.Errorf("%s (run the test with -update if this is meant):\n%s", file, d)
		}
		for n, line := range strings.Split(got.stdout, "\n") {
			if len(line) > 130 || strings.HasSuffix(line, " ") {
				t.Errorf("%s: line %d is too long or ends with a blank: %q", file, n+1, line)
			}
		}
	}
}

// TestHelpIsComplete: whatever a command is given, its help says something
// about exit codes, and names only settings that exist.
func TestHelpIsComplete(t *testing.T) {
	t.Parallel()
	var check func(path string, list []*command)
	check = func(path string, list []*command) {
		for _, cmd := range list {
			if cmd.summary == "" || cmd.about == "" || len(cmd.usage) == 0 {
				t.Errorf("%s %s does not teach", path, cmd.name)
			}
			for _, name := range cmd.settings {
				settingHelp(name) // panics for one that does not exist
			}
			check(path+" "+cmd.name, cmd.children)
		}
	}
	check("sealbook", commands())
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"exprot"}, `there is no command "exprot"; did you mean export?`},
		{[]string{"frobnicate"}, `there is no command "frobnicate"; see sealbook --help`},
		{[]string{"apikey", "delete"}, "sealbook apikey: there is no command"},
		{[]string{"append", "--fiel", "x"}, "there is no flag --fiel; see sealbook append --help"},
		{[]string{"append", "--file"}, "a value is missing after --file"},
		{[]string{"append", "entry.json"}, "named with --file"},
		{[]string{"import", "x"}, "--format cloudtrail, csv, github, jsonl or okta"},
		{[]string{"import", "--format", "syslog", "x"}, `"syslog" is not a format`},
		{[]string{"import", "--format", "csv", "x"}, "--mapping MAPPING"},
		{[]string{"import", "--format", "okta", "--mapping", "x", "x"}, "--mapping is for --format csv"},
		{[]string{"import", "--format", "csv", "--mapping", "/dev/null", "x"}, "/dev/null: the mapping cannot be used: it is empty"},
		{[]string{"import", "--format", "csv", "--mapping", "no such file", "x"}, "no such file"},
		{[]string{"import", "--format", "jsonl"}, "name one FILE"},
		{[]string{"analyse", "x"}, "--format cloudtrail, github, jsonl or okta"},
		{[]string{"analyse", "--format", "csv", "x"}, `"csv" is not a format`},
		{[]string{"analyse", "--format", "jsonl"}, "name one FILE"},
		{[]string{"analyse", "--format", "jsonl", "/nowhere"}, "no such file"},
		{[]string{"keygen"}, "--dir DIR"},
		{[]string{"migrate", "now"}, "takes no arguments"},
		{[]string{"migrate"}, "SEALBOOK_MIGRATE_DATABASE_URL and SEALBOOK_DATABASE_URL are not set"},
		{[]string{"serve", "now"}, "takes no arguments"},
		{[]string{"serve"}, "SEALBOOK_PEPPER_FILE is not set (file of the secret"},
		{[]string{"worker", "now"}, "takes no arguments"},
		{[]string{"worker"}, "SEALBOOK_DATABASE_URL, SEALBOOK_SIGNER_KEY, SEALBOOK_ARTIFACTS and SEALBOOK_PEPPER_FILE are not set"},
		{[]string{"version", "now"}, "takes no arguments"},
		{[]string{"apikey", "create", "--organisation", "x"}, "needs --organisation, --name, and --permissions or --role"},
		{[]string{"apikey", "create", "--organisation", "x", "--name", "n", "--permissions", "audit:fly"}, `"audit:fly" is not a permission`},
		{[]string{"apikey", "create", "--organisation", "x", "--name", "n", "--permissions", "all", "--expires", "-1h"}, "not negative"},
		{[]string{"apikey", "create", "--organisation", "x", "--name", "n", "--permissions", "audit:reports:sign"}, "no API key can hold it"},
		{[]string{"apikey", "create", "--organisation", "x", "--name", "n", "--permissions", "all", "--role", "admin"}, "--permissions or --role"},
		{[]string{"apikey", "create", "--organisation", "x", "--name", "n", "--role", "king"}, `"king" is not a role`},
		{[]string{"apikey", "create", "--organisation", "x", "--name", "n", "--role", "auditor"}, "needs constraints and expires_at"},
		{[]string{"apikey", "create", "--organisation", "x", "--name", "n", "--role", "viewer", "--frameworks", "hipaa"}, "a framework is one of"},
		{[]string{"apikey", "create", "--organisation", "x", "--name", "n", "--role", "viewer", "--allowed-cidrs", "10.1.0.0/8"}, "use 10.0.0.0/8"},
		{[]string{"apikey", "rotate"}, "name one key"},
		{[]string{"apikey", "rotate", "--overlap", "721h", "x"}, "--overlap is from 0 to 720h"},
		{[]string{"apikey", "revoke"}, "name one key"},
		{[]string{"apikey", "list", "x"}, "is not a flag"},
		{[]string{"sample", "--entries", "0"}, "--entries is 1 to"},
		{[]string{"sample", "--year", "9999"}, "a year that is over"},
		{[]string{"sample"}, "SEALBOOK_KEY is not set (API key (apikey create))"},
		{[]string{"export"}, "--out FILE"},
		{[]string{"export", "--out", "x.zip"}, "needs --framework, --from and --to"},
		{[]string{"export", "--out", "/nowhere/at/all/x.zip"}, "there is no folder"},
		{[]string{"export", "--out", "x", "--framework", "pci", "--from", "2024-01-01", "--to", "2024-02-01"}, "framework is one of"},
		{[]string{"export", "--out", "x", "--framework", "soc2", "--from", "2024-02-01", "--to", "2024-01-01"}, "ends (2024-01-01) before it starts"},
		{[]string{"export", "--out", "x", "--framework", "soc2", "--from", "2024-01-01", "--to", "2024-02-01", "--include", "gossip"}, "unknown category gossip"},
		{[]string{"export", "--out", "x", "--job", "export_1", "--framework", "soc2"}, "leave the other flags away"},
		{[]string{"verify"}, "give one FILE"},
		{[]string{"verify", "a", "b"}, "give one FILE"},
		{[]string{"verify", "a", "--database"}, "give a FILE, or --database, or --live"},
		{[]string{"verify", "a", "--trusted", "b"}, "--trusted is for --database"},
		{[]string{"verify", "--database", "--key", "b"}, "--key is for the checkpoints of --trusted"},
		{[]string{"verify", "a", "--from", "2024-01-01"}, "--from and --to are for --live"},
		{[]string{"verify", "a", "--key", "nonsense"}, "neither a verifier key, nor a fingerprint, nor a file"},
		{[]string{"verify", "/nowhere"}, "no such file"},
		{[]string{"verify", "--database"}, "SEALBOOK_DATABASE_URL is not set"},
		{[]string{"verify", "--live"}, "SEALBOOK_KEY is not set"},
	} {
		got := invoke(t, nil, "", c.args...)
		if got.code != exitUsage || !strings.Contains(got.stderr, c.says) || strings.Count(got.stderr, "\n") != 1 || got.stdout != "" {
			t.Errorf("%q: code %d\n%s%s", c.args, got.code, got.stdout, got.stderr)
		}
	}
	if got := invoke(t, nil, ""); got.code != exitUsage || !strings.Contains(got.stderr, "Commands:") || got.stdout != "" {
		t.Errorf("without a command: %+v", got)
	}
}

func TestFlagsStandAnywhere(t *testing.T) {
	t.Parallel()
	set := flag.NewFlagSet("x", flag.ContinueOnError)
	key, asJSON := set.String("key", "", ""), set.Bool("json", false, "")
	rest, err := parseFlags(set, []string{"a.zip", "--key", "k", "-", "--json", "--", "--key"})
	if err != nil || *key != "k" || !*asJSON || !cmp.Equal(rest, []string{"a.zip", "-", "--key"}) {
		t.Errorf("%q %v %q %v", rest, err, *key, *asJSON)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	env := []string{"SEALBOOK_TYPO=1"} // a wrong setting must not hide which program it is that refuses it
	invoke(t, env, "", "version").want(t, exitOK).says(t, "sealbook devel-", "schema ", "audit-entry/v1")
	invoke(t, env, "", "version", "--json").want(t, exitOK).says(t, `"record":"audit-entry/v1"`)
}
