package postgres

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Logins are the roles that roles.sql makes, with their passwords.
type Logins struct{ Owner, App, Temporal string }

// Provision runs the roles script, which is the same file that the images use.
// It may run again at any time: it makes what is missing and sets the
// passwords.
func (s *Server) Provision(ctx context.Context, script string) (Logins, error) {
	var l Logins
	for name, password := range map[string]*string{
		"postgres-owner": &l.Owner, "postgres-app": &l.App, "postgres-temporal": &l.Temporal,
	} {
		var err error
		if *password, err = Secret(s.data, name); err != nil {
			return l, err
		}
	}
	_, err := s.psql(ctx, []string{
		"SEALBOOK_OWNER_PASSWORD=" + l.Owner,
		"SEALBOOK_APP_PASSWORD=" + l.App,
		"SEALBOOK_TEMPORAL_PASSWORD=" + l.Temporal,
	}, "--dbname", "postgres", "--file", script)
	if err != nil {
		return l, fmt.Errorf("make the database roles: %w", err)
	}
	return l, nil
}

// Query runs one statement as the superuser and returns its rows as text.
func (s *Server) Query(ctx context.Context, database, statement string) (string, error) {
	out, err := s.psql(ctx, nil, "--dbname", database, "--tuples-only", "--no-align", "--command", statement)
	if err != nil {
		return "", fmt.Errorf("query postgres: %w", err)
	}
	return strings.TrimSpace(out), nil
}

// psql connects as the superuser. The password travels in the environment,
// which other accounts cannot read.
func (s *Server) psql(ctx context.Context, env []string, args ...string) (string, error) {
	host, port, _ := strings.Cut(s.Address(), ":")
	cmd := exec.CommandContext(ctx, s.bin.path("psql"), append([]string{
		"--host", host, "--port", port, "--username", Superuser,
		"--no-psqlrc", "--no-password", "--quiet", "--set", "ON_ERROR_STOP=1",
	}, args...)...)
	cmd.Env = append(s.bin.env("PGPASSWORD="+s.password, "PGSSLMODE=disable", "PGCONNECT_TIMEOUT=10"), env...)
	var out, fault bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &fault
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("psql: %w: %s", err, strings.TrimSpace(fault.String()))
	}
	return out.String(), nil
}
