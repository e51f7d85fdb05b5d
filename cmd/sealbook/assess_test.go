package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/internal/control"
)

// TestAssess assesses a year of a sample company, twice, and again when an entry
// of it was changed behind the ledger's back.
func TestAssess(t *testing.T) {
	t.Parallel()
	i := install(t)
	url := i.serve(t)
	invoke(t, i.client(url), "", "sample", "--entries", "2000", "--year", "2025").want(t, exitOK)

	args := []string{"assess", "--organisation", "Test", "--framework", "soc2", "--from", "2025-01-01", "--to", "2025-12-31"}
	table := invoke(t, i.env, "", args...).want(t, exitOK).stdout
	t.Log(table)
	for _, want := range []string{"ledger.test/", "SOC2 (Trust Services Criteria, 2017, catalogue 1)", "2000 entries of the period", "CC7.2-log", "not_assessed", "sources-speak: nobody reports"} {
		if !strings.Contains(table, want) {
			t.Errorf("there is no %q", want)
		}
	}
	var results []control.Assessment
	for range 2 {
		var a control.Assessment
		if err := json.Unmarshal([]byte(invoke(t, i.env, "", append(args, "--json")...).want(t, exitOK).stdout), &a); err != nil {
			t.Fatal(err)
		}
		results = append(results, a)
	}
	first, err1 := json.Marshal(results[0].Reports)
	second, err2 := json.Marshal(results[1].Reports)
	if err1 != nil || err2 != nil || string(first) != string(second) {
		t.Errorf("the same period is assessed in two ways: %v %v", err1, err2)
	}
	counts := results[0].Reports[0].Counts
	if counts.NotAssessed == 0 || counts.Compliant == 0 || counts.Total != 25 {
		t.Errorf("%+v", counts)
	}

	// More entries change nothing of what was assessed; another number in it does,
	// and so does an entry that was changed.
	file := filepath.Join(t.TempDir(), "assessment.json")
	stored := invoke(t, i.env, "", append(args, "--json")...).want(t, exitOK).stdout
	if err := os.WriteFile(file, []byte(stored), 0o600); err != nil {
		t.Fatal(err)
	}
	again := []string{"assess", "--organisation", "Test", "--replay", file}
	invoke(t, i.client(url), "", "sample", "--entries", "10", "--year", "2025", "--seed", "2").want(t, exitOK)
	if got := invoke(t, i.env, "", again...).want(t, exitOK).stdout; !strings.HasPrefix(got, "the same again: ") {
		t.Errorf("it says %q", got)
	}
	lie := filepath.Join(t.TempDir(), "lie.json")
	if err := os.WriteFile(lie, []byte(strings.Replace(stored, `"entries": 2000`, `"entries": 2001`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := invoke(t, i.env, "", "assess", "--organisation", "Test", "--replay", lie).want(t, exitFailed).stdout; !strings.Contains(got, "NOT the same") || !strings.Contains(got, "2001") {
		t.Errorf("it says %q", got)
	}
	other := strings.Replace(stored, results[0].Root, "GNsLz8XYtbqbUVKpeI4PIIPGfvBWtcrJ2hYWC0rWBhA=", 1)
	if err := os.WriteFile(lie, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	invoke(t, i.env, "", "assess", "--organisation", "Test", "--replay", lie).want(t, exitFailed)
	invoke(t, i.env, "", append(again, "--framework", "sox")...).want(t, exitUsage)
	invoke(t, i.env, "", "assess", "--organisation", "Test", "--replay", "assess_01k3jy1z3n8w4q6t9v0b2c5d7f").want(t, exitUsage)

	conn, err := pgx.Connect(t.Context(), i.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `alter table payload disable trigger all; update payload set actor_id = 'nobody' where seq = 700`); err != nil {
		t.Fatal(err)
	}
	var broken control.Assessment
	if err := json.Unmarshal([]byte(invoke(t, i.env, "", append(args, "--json")...).want(t, exitOK).stdout), &broken); err != nil {
		t.Fatal(err)
	}
	for _, f := range broken.Reports[0].Requirements {
		if f.Requirement == "CC7.2-log" && f.Verdict != control.NonCompliant {
			t.Errorf("a ledger that was tampered with is %s", f.Verdict)
		}
	}
	if got := invoke(t, i.env, "", again...).want(t, exitFailed).stdout; !strings.Contains(got, "NOT the same") {
		t.Errorf("it says %q", got)
	}
	invoke(t, i.env, "", "assess").want(t, exitUsage)
	invoke(t, i.env, "", append(args, "--framework", "soc3")...).want(t, exitUsage)
	invoke(t, i.env, "", append(args, "--to", "2024-12-31")...).want(t, exitUsage)
}
