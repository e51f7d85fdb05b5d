package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// otherName returns the key of a vkey under another name.
func otherName(t testing.TB, vkey, name string) string {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(strings.SplitN(vkey, "+", 3)[2])
	if err != nil {
		t.Fatal(err)
	}
	other, err := note.NewEd25519VerifierKey(name, b[1:])
	if err != nil {
		t.Fatal(err)
	}
	return other
}

func TestVerifyReceipt(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	receipts := ledgertest.Append(t, l, id, 0, 5)
	origin := ledgertest.Origin + "/org_test"
	vkey := ledgertest.Key.VerifierKey(origin)
	stranger, err := ledger.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(receipts[3])
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	another, err := json.Marshal(receipts[4])
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	if err := os.WriteFile(keys, []byte("# ours\n\n"+stranger.VerifierKey(origin)+"\n"+vkey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content string
		keys    []string
		code    int
		says    []string
	}{
		"good":                     {good, []string{vkey}, exitOK, []string{"integrity     ok", "authenticity  ok", "entry 3 of 5", "VERIFIED", "SHA256:"}},
		"key of the installation":  {good, []string{ledgertest.Key.VerifierKey(ledgertest.Origin)}, exitOK, []string{"VERIFIED"}},
		"file of keys":             {good, []string{keys}, exitOK, nil},
		"several keys":             {good, []string{stranger.VerifierKey(origin), vkey}, exitOK, nil},
		"several receipts":         {good + "\n" + string(another), []string{vkey}, exitOK, []string{"entry 3 of 5", "entry 4 of 5"}},
		"no key":                   {good, nil, exitUsage, []string{"integrity     ok", "authenticity  cannot_tell", "a receipt does not show its key", "CANNOT TELL"}},
		"a fingerprint only":       {good, []string{ledgertest.Key.Fingerprint()}, exitUsage, []string{"a fingerprint cannot check a receipt"}},
		"another's key":            {good, []string{stranger.VerifierKey(origin)}, exitFailed, []string{"no trusted key of " + origin + " has signed", "FAILED"}},
		"key of another ledger":    {good, []string{ledgertest.Key.VerifierKey(ledgertest.Origin + "/org_other")}, exitFailed, []string{"none of the trusted keys is of the ledger"}},
		"name that starts alike":   {good, []string{ledgertest.Key.VerifierKey("ledger.tes")}, exitFailed, []string{"none of the trusted keys is of the ledger"}},
		"changed type":             {strings.Replace(good, "access.granted", "access.revoked", 1), []string{vkey}, exitFailed, []string{"record or proof was changed"}},
		"changed type, no key":     {strings.Replace(good, "access.granted", "access.revoked", 1), nil, exitFailed, []string{"record or proof was changed"}},
		"another entry's number":   {strings.Replace(good, "index 3", "index 2", 1), []string{vkey}, exitFailed, []string{"the record is entry 3, the proof of entry 2"}},
		"another size":             {strings.Replace(good, `\n5\n`, `\n6\n`, 1), []string{vkey}, exitFailed, []string{"no trusted key"}},
		"no signature":             {strings.Replace(good, "— "+origin, "— "+origin+"x", 1), []string{vkey}, exitFailed, []string{"no trusted key"}},
		"a good and a bad one":     {good + strings.Replace(string(another), "index 4", "index 2", 1), []string{vkey}, exitFailed, []string{"VERIFIED", "FAILED"}},
		"half of it":               {good[:len(good)/2], []string{vkey}, exitFailed, []string{"receipt 1 is not whole JSON"}},
		"another version":          {strings.Replace(good, ledger.ReceiptVersion, "sealbook/v9", 1), []string{vkey}, exitUsage, []string{"this program knows sealbook/v1"}},
		"no record":                {`{"receipt":"sealbook/v1","record":"","proof":""}`, []string{vkey}, exitFailed, []string{"the receipt cannot be read"}},
		"not a receipt":            {`{"record":"x"}`, []string{vkey}, exitUsage, []string{"neither an evidence package nor a receipt"}},
		"terminal control in text": {strings.Replace(good, origin, "\\u001b[2Jx", 1), []string{vkey}, exitFailed, nil},
	} {
		file := filepath.Join(t.TempDir(), "receipt.json")
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"verify", file}
		for _, k := range c.keys {
			args = append(args, "--key", k)
		}
		r := invoke(t, nil, "", args...)
		if r.code != c.code || strings.ContainsRune(r.stdout+r.stderr, 0x1b) {
			t.Errorf("%s: exit code %d, not %d\n%s%s", name, r.code, c.code, r.stdout, r.stderr)
		}
		r.says(t, c.says...)
		agree(t, c.keys, file)
	}
}

// TestVerifyReceiptJSON: every byte of a receipt counts, and the JSON result
// says the same as the exit code.
func TestVerifyReceiptJSON(t *testing.T) {
	t.Parallel()
	l, id, _ := ledgertest.New(t)
	receipts := ledgertest.Append(t, l, id, 0, 9)
	vkey := ledgertest.Key.VerifierKey(ledgertest.Origin + "/org_test")
	text, err := json.Marshal(receipts[5])
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "receipt.json")
	var several []string
	for at := range 3 * len(text) {
		changed := bytes.Clone(text)
		changed[at/3] ^= []byte{1, 2, 0x20}[at%3] // the lowest bits, of which base64 drops some, and the case
		if at%17 == 0 {
			several = append(several, filepath.Join(dir, fmt.Sprint(at)))
			if err := os.WriteFile(several[len(several)-1], changed, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(file, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := invoke(t, nil, "", "verify", file, "--key", vkey, "--json"); r.code == exitOK {
			t.Errorf("a receipt with byte %d changed is verified:\n%s", at/3, changed)
		}
	}
	agree(t, []string{vkey}, several...)
	agree(t, nil, several...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	r := invoke(t, nil, "", "verify", file, "--key", vkey, "--json").want(t, exitOK)
	var said receiptReport
	if err := json.Unmarshal([]byte(r.stdout), &said); err != nil || said.Integrity != "ok" || said.Authenticity != "ok" || *said.Seq != 5 || said.TreeSize != 9 {
		t.Errorf("%s %v", r.stdout, err)
	}
}

// TestVerifyDatabase: a superuser changes rows; the wrong ones are named.
func TestVerifyDatabase(t *testing.T) {
	t.Parallel()
	i := install(t)
	url := i.serve(t)
	env := i.client(url)
	for n := range 20 {
		invoke(t, env, entry(n), "append").want(t, exitOK)
	}
	invoke(t, i.env, "", "apikey", "create", "--organisation", "Second", "--create-organisation", "--name", "x", "--permissions", "all").want(t, exitOK)
	invoke(t, i.env, "", "verify", "--database").want(t, exitOK).says(t, "21 entries", " of 3 ledgers, every row")
	invoke(t, env, "", "verify", "--live").want(t, exitOK).says(t, "21 entries checked", "VERIFIED, as the server says")
	invoke(t, env, "", "verify", "--live", "--from", "1999-01-01", "--to", "1999-12-31").want(t, exitUsage).says(t, "there is nothing to check")
	invoke(t, env, "", "verify", "--live", "--from", "yesterday").want(t, exitUsage).says(t, "neither an RFC 3339 time nor a date")

	conn, err := pgx.Connect(t.Context(), i.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, sql := range []string{
		"set session_replication_role = replica",
		"update payload set actor_id = 'mallory' where ledger = 1 and seq = 7",
		"update entry set record = convert_to(replace(convert_from(record, 'UTF8'), 'access.granted', 'access.revoked'), 'UTF8') where ledger = 1 and seq = 11",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	r := invoke(t, i.env, "", "verify", "--database").want(t, exitFailed).
		says(t, "entry 7: column actor_id", "hash_mismatch", "entry 11", "FAILED: 1 ledger is not what was written")
	if strings.Contains(r.stdout, "VERIFIED") {
		t.Errorf("%s", r.stdout)
	}
	invoke(t, i.env, "", "verify", "--database", "--json").want(t, exitFailed).says(t, `"ok":false`, `"ok":true`, `"wrong_column"`)
	invoke(t, env, "", "verify", "--live").want(t, exitFailed).says(t, "entry 11", "FAILED: the ledger is not what was written")

	// Nothing to check is not a pass, and neither is no answer.
	empty := ledgertest.Database(t)
	invoke(t, []string{"SEALBOOK_DATABASE_URL=" + empty}, "", "verify", "--database").want(t, exitUsage).says(t, "there is nothing to check")
	invoke(t, []string{"SEALBOOK_DATABASE_URL=postgres://x@127.0.0.1:1/x"}, "", "verify", "--database").want(t, exitUsage).says(t, "the database does not answer")
	away := i.client("http://127.0.0.1:1")
	invoke(t, away, "", "verify", "--live").want(t, exitUsage).says(t, "nothing listens at http://127.0.0.1:1")
}
