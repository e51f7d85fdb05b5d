package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

func TestKeygen(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "keys")
	first := invoke(t, nil, "", "keygen", "--dir", dir).want(t, exitOK).says(t, "fingerprint   SHA256:")
	before := map[string]string{}
	for name, mode := range map[string]os.FileMode{signerFile: 0o600, pepperFile: 0o600, verifierFile: 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		before[name] = string(b)
	}
	if !strings.HasPrefix(before[verifierFile], defaultOrigin+"+") || len(strings.TrimSpace(before[pepperFile])) != 2*pepperSize {
		t.Errorf("%q %q", before[verifierFile], before[pepperFile])
	}
	invoke(t, nil, "", "keygen", "--dir", dir).want(t, exitFailed).says(t, "is there already and is never overwritten")
	again := invoke(t, nil, "", "keygen", "--dir", dir, "--if-missing").want(t, exitOK)
	if again.stdout != first.stdout {
		t.Errorf("another key: %s %s", first.stdout, again.stdout)
	}
	// Only what is missing is made.
	if err := os.Remove(filepath.Join(dir, pepperFile)); err != nil {
		t.Fatal(err)
	}
	invoke(t, nil, "", "keygen", "--dir", dir, "--if-missing", "--json").want(t, exitOK).says(t, `"fingerprint":"SHA256:`)
	for name, want := range before {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || (string(b) == want) == (name == pepperFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 3 {
		t.Errorf("%v %v", files, err)
	}
}

func TestSecretsThatOthersCanRead(t *testing.T) {
	t.Parallel()
	i := install(t)
	pepper := filepath.Join(i.dir, pepperFile)
	if err := os.Chmod(pepper, 0o644); err != nil {
		t.Fatal(err)
	}
	invoke(t, i.env, "", "serve").want(t, exitUsage).says(t, "everybody can read or change", "chmod 600")
	if err := os.WriteFile(pepper, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(pepper, 0o600); err != nil {
		t.Fatal(err)
	}
	invoke(t, i.env, "", "serve").want(t, exitUsage).says(t, "does not hold 32 bytes in hex")
	if err := os.Remove(pepper); err != nil {
		t.Fatal(err)
	}
	invoke(t, i.env, "", "serve").want(t, exitUsage).says(t, "sealbook keygen makes it")
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	dsn := ledgertest.Database(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, sql := range []string{"drop schema public cascade", "create schema public"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"SEALBOOK_DATABASE_URL=" + dsn, "SEALBOOK_MIGRATE_DATABASE_URL=" + dsn}
	invoke(t, env, "", "verify", "--database").want(t, exitUsage).says(t, "run sealbook migrate")
	invoke(t, env, "", "migrate").want(t, exitOK).says(t, "went from version 0 to", "may act as committer, reader, redactor and archivist")
	invoke(t, env, "", "migrate").want(t, exitOK).says(t, "is up to date")
	r := invoke(t, env, "", "migrate", "--json").want(t, exitOK)
	var said struct{ From, To int32 }
	if err := json.Unmarshal([]byte(r.stdout), &said); err != nil || said.To != ledger.SchemaVersion() || said.From != said.To {
		t.Errorf("%s %v", r.stdout, err)
	}
	other := []string{"SEALBOOK_DATABASE_URL=postgres://x@h/other", "SEALBOOK_MIGRATE_DATABASE_URL=" + dsn}
	invoke(t, other, "", "migrate").want(t, exitUsage).says(t, "is of the database")
	away := []string{"SEALBOOK_DATABASE_URL=" + dsn, "SEALBOOK_MIGRATE_DATABASE_URL=postgres://x@127.0.0.1:1/" + conn.Config().Database}
	if r := invoke(t, away, "", "migrate").want(t, exitFailed).says(t, "the database does not answer: "); strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("more than a sentence: %s", r.stderr)
	}
}

// TestAPIKeysOfARole: the flags reach the row, and a rotated key works.
func TestAPIKeysOfARole(t *testing.T) {
	t.Parallel()
	i := install(t)
	made := invoke(t, i.env, "", "apikey", "create", "--organisation", "Test", "--name", "audit", "--role", "auditor", "--frameworks", "soc2,GDPR", "--from", "2025-01-01",
		"--to", "2025-12-31", "--repositories", "r1", "--allowed-cidrs", "127.0.0.0/8,::1", "--expires", "24h", "--json").want(t, exitOK)
	var key struct {
		ID string `json:"key_id"`
	}
	if err := json.Unmarshal([]byte(made.stdout), &key); err != nil {
		t.Fatal(err)
	}
	invoke(t, i.env, "", "apikey", "list", "--organisation", "Test", "--json").want(t, exitOK).says(t,
		`"role":"auditor"`, `"constraints":{"frameworks":["SOC2","GDPR"],"from":"2025-01-01","to":"2025-12-31","repositories":["r1"]}`, `"allowed_cidrs":["127.0.0.0/8","::1/128"]`)

	id := strings.Split(strings.TrimPrefix(i.key.Key, "sk_live_"), "_")[0]
	url := i.serve(t)
	var rotated struct {
		Key string `json:"key"`
	}
	out := invoke(t, i.env, "", "apikey", "rotate", "--overlap", "1h", "--json", id).want(t, exitOK).says(t, `"previous_valid_until":"2`)
	if err := json.Unmarshal([]byte(out.stdout), &rotated); err != nil || rotated.Key == i.key.Key {
		t.Fatal(out.stdout, err)
	}
	invoke(t, i.client(url), entry(1), "append").want(t, exitOK) // the old secret
	i.key.Key = rotated.Key
	invoke(t, i.client(url), entry(2), "append").want(t, exitOK)
	invoke(t, i.env, "", "apikey", "rotate", "--overlap", "0", id).want(t, exitOK).says(t, "It is shown only now")
	invoke(t, i.env, "", "apikey", "revoke", key.ID).want(t, exitOK)
	invoke(t, i.env, "", "apikey", "rotate", key.ID).want(t, exitFailed).says(t, "is revoked or expired")
	invoke(t, i.env, "", "apikey", "rotate", "nobody").want(t, exitFailed).says(t, "there is no API key")
	l := ledgertest.Reader(t, i.dsn)
	ids, err := l.Ledgers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ledgertest.Check(t, l, ids[1], 7) // two keys, two entries, two rotations, one revocation
}

// TestAPIKeys: keys are made, listed, revoked, and every change is an entry.
func TestAPIKeys(t *testing.T) {
	t.Parallel()
	i := install(t)
	if !strings.HasPrefix(i.key.Organisation, "org_") || !strings.HasPrefix(i.key.VerifierKey, "ledger.test/org_") || i.key.Origin != "ledger.test/"+i.key.Organisation {
		t.Errorf("%+v", i.key)
	}
	create := []string{"apikey", "create", "--organisation", "Test", "--name", "auditor", "--permissions", "audit:verify, audit:read:basic", "--expires", "24h"}
	invoke(t, i.env, "", create...).want(t, exitOK).says(t, "key           sk_live_", "It is shown only now", i.key.VerifierKey)
	invoke(t, i.env, "", "apikey", "create", "--organisation", "Nobody", "--name", "x", "--permissions", "all").
		want(t, exitFailed).says(t, `there is no organisation "Nobody"; --create-organisation makes it`)
	// An organisation is made once.
	invoke(t, i.env, "", append(create, "--create-organisation")...).want(t, exitOK).says(t, i.key.Organisation)

	list := invoke(t, i.env, "", "apikey", "list").want(t, exitOK).says(t, "auditor", "audit:read:basic,audit:verify", "valid until ", "never")
	if strings.Contains(list.stdout, i.key.Key) || strings.Count(list.stdout, "\n") != 4 {
		t.Errorf("%s", list.stdout)
	}
	id := strings.Split(strings.TrimPrefix(i.key.Key, "sk_live_"), "_")[0]
	url := i.serve(t)
	invoke(t, i.client(url), entry(1), "append").want(t, exitOK)
	invoke(t, i.env, "", "apikey", "revoke", id).want(t, exitOK).says(t, "revoked "+id)
	invoke(t, i.env, "", "apikey", "revoke", id).want(t, exitFailed).says(t, "was revoked before")
	invoke(t, i.env, "", "apikey", "revoke", "nobody").want(t, exitFailed).says(t, "there is no API key")
	invoke(t, i.env, "", "apikey", "list", "--organisation", "Test", "--json").want(t, exitOK).says(t, `"revoked_at":"2`)

	l := ledgertest.Reader(t, i.dsn)
	ids, err := l.Ledgers(t.Context())
	if err != nil || len(ids) != 2 || ids[0] != ledger.Registry {
		t.Fatalf("%v %v", ids, err)
	}
	ledgertest.Check(t, l, ledger.Registry, -1)
	ledgertest.Check(t, l, ids[1], 5) // three keys, one entry, one revocation
	row, err := l.Row(t.Context(), ids[1], 4)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := row.Entry(); err != nil || e.Type != "audit.api_key_revoked" || e.Resource.String("id") != id {
		t.Errorf("%+v %v", e, err)
	}
}
