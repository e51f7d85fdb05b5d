package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// TestKeyRotation replaces the signing key under a server that is restarted
// between the steps, as an operator does.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	i := install(t)
	old := i.key.VerifierKey
	appended := func(want int) (receipt string) {
		url, stop := i.serveUntil(t)
		defer stop()
		receipt = filepath.Join(t.TempDir(), "receipt.json")
		invoke(t, i.client(url), entry(want), "append", "--receipt", receipt).want(t, exitOK)
		return receipt
	}
	appended(1)
	r := invoke(t, i.env, "", "key", "rotate").want(t, exitOK).says(t, "new key       SHA256:", "introduced by SHA256:", "Restart every serve and worker")
	fresh := strings.Fields(r.stdout)[2]
	invoke(t, i.env, "", "key", "rotate").want(t, exitFailed).says(t, "there are 2 keys")
	vkeys, err := os.ReadFile(filepath.Join(i.dir, verifierFile))
	if err != nil || strings.Count(string(vkeys), "\n") != 2 {
		t.Fatalf("%s %v", vkeys, err)
	}
	next, _, _ := strings.Cut(string(vkeys), "\n")
	during := appended(2)
	invoke(t, nil, "", "verify", during, "--key", old).want(t, exitOK)
	invoke(t, nil, "", "verify", during, "--key", next).want(t, exitOK)
	for range 2 { // again has no effect
		invoke(t, i.env, "", "key", "retire").want(t, exitOK).says(t, "signs alone   "+fresh)
	}
	after := appended(3)
	invoke(t, nil, "", "verify", after, "--key", old).want(t, exitFailed)
	invoke(t, nil, "", "verify", after, "--key", next).want(t, exitOK)
	list := invoke(t, i.env, "", "key", "list").want(t, exitOK).says(t, fresh, "retired 2")
	if strings.Count(list.stdout, "\n") != 2 {
		t.Errorf("%s", list.stdout)
	}
	invoke(t, i.env, "", "key", "list", "--json").want(t, exitOK).says(t, `"introduction":"sealbook-key/v1`)
	invoke(t, i.env, "", "verify", "--database").want(t, exitOK)
	ledgertest.Check(t, ledgertest.Reader(t, i.dsn), ledger.Registry, -1)
}

// TestAdoptState: a lost signer state stops everything until somebody vouches
// for the database.
func TestAdoptState(t *testing.T) {
	t.Parallel()
	i := install(t)
	url, stop := i.serveUntil(t)
	invoke(t, i.client(url), entry(1), "append").want(t, exitOK)
	stop()
	invoke(t, i.env, "", "key", "adopt").want(t, exitFailed).says(t, "there is a signer state")
	if err := os.Remove(filepath.Join(i.dir, stateFile)); err != nil {
		t.Fatal(err)
	}
	create := []string{"apikey", "create", "--organisation", "Test", "--name", "x", "--permissions", "all"}
	invoke(t, i.env, "", create...).want(t, exitFailed).says(t, "is missing although", "sealbook key adopt")
	invoke(t, i.env, "", "serve").want(t, exitFailed).says(t, "is missing although")
	invoke(t, i.env, "", "key", "adopt").want(t, exitOK).says(t, "adopted the registry of ")
	invoke(t, i.env, "", create...).want(t, exitOK)
	for _, args := range [][]string{{"rotate", "x"}, {"retire", "x"}, {"list", "x"}, {"adopt", "x"}} {
		invoke(t, i.env, "", append([]string{"key"}, args...)...).want(t, exitUsage).says(t, "takes no arguments")
	}
}

// TestServeEndsWhenTheDatabaseGoesBack: a server under which the database was
// put back to an old state ends, and does not start again.
func TestServeEndsWhenTheDatabaseGoesBack(t *testing.T) {
	t.Parallel()
	i := install(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log := &logLines{}
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"serve"}, strings.NewReader(""), &bytes.Buffer{}, log, i.env) }()
	url := "http://" + log.address(t)
	invoke(t, i.client(url), entry(1), "append").want(t, exitOK)
	conn, err := pgx.Connect(t.Context(), i.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for published := false; !published; {
		if err := conn.QueryRow(t.Context(), `select exists (select from publication where size > 1)`).Scan(&published); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Exec(t.Context(), `update head set size = 1, edge = last_leaf where ledger = 0`); err != nil {
		t.Fatal(err)
	}
	select {
	case code := <-ended:
		if code != exitFailed {
			t.Errorf("serve ends with %d:\n%s", code, log)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("serve goes on:\n%s", log)
	}
	invoke(t, i.env, "", "serve").want(t, exitFailed).says(t, "the database was restored from an old state")
}
