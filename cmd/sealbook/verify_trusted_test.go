package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// TestVerifyDatabaseTrusted: what is kept outside says how far the database can
// be believed, and names what it lost.
func TestVerifyDatabaseTrusted(t *testing.T) {
	t.Parallel()
	dsn := ledgertest.Database(t)
	l := ledgertest.Open(t, dsn)
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	receipts := map[audit.OrganisationID][]ledger.Receipt{}
	for _, o := range []audit.OrganisationID{"org_a", "org_b"} {
		d, err := l.Create(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 3 {
			receipts[o] = append(receipts[o], ledgertest.Append(t, l, d.ID, 10*n, 10)[9])
		}
	}
	var lines []string
	for _, o := range []audit.OrganisationID{"org_a", "org_b"} {
		text, err := json.Marshal(receipts[o][0])
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(text))
	}
	if err := l.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	registry, err := l.Publication(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	note := string(receipts["org_a"][1].Proof.Checkpoint)
	file("receipts.json", strings.Join(lines, "\n"))
	file("a.tlog-proof", string(receipts["org_a"][1].Proof.Encode()))
	file("notes", note+"\n"+string(receipts["org_a"][2].Proof.Checkpoint)+string(receipts["org_b"][2].Proof.Encode())+"\n"+string(registry.Note))
	file("changed", strings.Replace(note, "\n20\n", "\n21\n", 1))
	file("empty", "\n")
	key := ledgertest.Key.VerifierKey(ledgertest.Origin)
	stranger, err := ledger.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	verify := func(args ...string) result {
		t.Helper()
		for i, a := range args {
			if !strings.HasPrefix(a, "--") && i > 0 && args[i-1] == "--trusted" {
				args[i] = filepath.Join(dir, a)
			}
		}
		return invoke(t, []string{"SEALBOOK_DATABASE_URL=" + dsn}, "", append([]string{"verify", "--database"}, args...)...)
	}
	verify().want(t, exitOK).says(t, "VERIFIED: 64 entries of 3 ledgers", "64 entries are not covered by a checkpoint from outside")
	verify("--trusted", "receipts.json", "--trusted", "a.tlog-proof", "--key", key).want(t, exitOK).says(t,
		"receipts.json: checkpoint of 10 entries  holds", "a.tlog-proof: checkpoint of 20 entries  holds",
		"entries 0 to 19 are those that were signed; 20 to 29 rest on the database alone", "34 entries are not covered")
	if r := verify("--trusted", "notes", "--key", key).want(t, exitOK).says(t, "every entry is one that was signed"); strings.Contains(r.stdout, "not covered") {
		t.Errorf("%s", r.stdout)
	}
	verify("--trusted", "notes").want(t, exitUsage).says(t, "cannot be told: name its verifier key")
	verify("--trusted", "notes", "--key", stranger.VerifierKey(ledgertest.Origin)).want(t, exitUsage).says(t, "no trusted key of ledger.test/org_a has signed")
	verify("--trusted", "changed", "--key", key).want(t, exitUsage).says(t, "no trusted key")
	verify("--trusted", "empty", "--key", key).want(t, exitUsage).says(t, "it holds no receipt, proof or signed checkpoint")
	verify("--trusted", "nowhere", "--key", key).want(t, exitUsage).says(t, "no such file")

	// A ledger is made to end earlier, as by an old backup, and one is gone.
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, sql := range []string{
		"set session_replication_role = replica",
		"delete from entry where ledger = 2", "delete from payload where ledger = 2", "delete from checkpoint where ledger = 2", "delete from rollup where ledger = 2",
		"delete from head where ledger = 2", "delete from ledger where id = 2",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	verify().want(t, exitFailed).says(t, "the ledger ledger.test/org_b, which entry 1 of the registry names, is not there", "FAILED: 1 ledger is")
	verify("--trusted", "receipts.json", "--key", key).want(t, exitFailed).says(t,
		"no ledger  ledger.test/org_b", "the whole ledger is missing: a trusted checkpoint covers 10 entries of it", "FAILED: 2 ledgers are")
	r := verify("--trusted", "receipts.json", "--key", key, "--json").want(t, exitFailed)
	var reports []databaseReport
	for d := json.NewDecoder(strings.NewReader(r.stdout)); d.More(); {
		var said databaseReport
		if err := d.Decode(&said); err != nil {
			t.Fatal(err)
		}
		reports = append(reports, said)
	}
	if len(reports) != 3 || reports[0].OK || !reports[1].OK || reports[1].Reached != 10 || !reports[1].Trusted[0].Holds || reports[2].OK || reports[2].Trusted[0].Holds {
		t.Errorf("%s", r.stdout)
	}
	for _, sql := range []string{
		"update checkpoint set root = sha256('x') where size = 30", "update head set root = sha256('x')",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	verify("--trusted", "a.tlog-proof", "--key", key, "--json").want(t, exitFailed).says(t, `"trusted_entries":20`)
}
