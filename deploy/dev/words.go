package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// headline says what starts, and on what.
func (s *stack) headline() {
	state := "its data is here"
	if s.first {
		state = "first start"
	}
	s.screen.line("%s  %s %s\n", s.screen.bold("Sealbook"), s.show(""), s.screen.faint("("+state+")"))
}

// farewell says where everything is and how to try it.
func (s *stack) farewell() {
	env := s.show("dev.env")
	s.screen.line(`
%s

  API           %s
  Temporal UI   http://%s
  Outbox        http://%s/outbox
  Settings      %s %s
  Logs          %s

  Try it in another terminal:
    set -a; . %s; set +a
    curl -H "Authorization: Bearer $SEALBOOK_KEY" $SEALBOOK_URL/api/v1/audit/entries
    bin/sealbook verify --database
    psql "$SEALBOOK_ADMIN_DATABASE_URL"    %s

  Ctrl-C stops everything; the data stays.`,
		s.screen.bold(s.screen.green("Sealbook is ready")), s.publicURL, s.ui, s.outbox, env, s.screen.faint("(with an API key)"),
		s.show("logs"), env, s.screen.faint("# change a row, then verify again"))
}

// writeEnv leaves the settings for people's shells and scripts.
func (s *stack) writeEnv() error {
	vars := s.client()
	for name, value := range s.migration() {
		vars[name] = value
	}
	vars["SEALBOOK_ADMIN_DATABASE_URL"] = s.database.AdminURL("sealbook")
	vars["SEALBOOK_TRUSTED_KEYS"] = filepath.Join(s.data, "secrets", "signer.vkey")
	path := filepath.Join(s.data, "dev.env")
	if err := os.WriteFile(path+".new", []byte(envFile(s.show("dev.env"), vars)), 0o600); err != nil {
		return fmt.Errorf("write dev.env: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write dev.env: %w", err)
	}
	return nil
}

// envFile renders assignments that every POSIX shell reads back as they are.
func envFile(name string, vars map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Written at every start of the development stack. For a shell:\n#   set -a; . %s; set +a\n", name)
	names := make([]string, 0, len(vars))
	for name := range vars {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s='%s'\n", name, strings.ReplaceAll(vars[name], "'", `'\''`))
	}
	return b.String()
}
