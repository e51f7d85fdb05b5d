package postgres

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// hba admits the loopback address with a password and nothing else.
const hba = `# type  database  user  address       method
host    all       all   127.0.0.1/32  scram-sha-256
`

// create runs initdb in a folder that has no cluster yet. The cluster gets its
// name when initdb is through: a start that was interrupted leaves nothing
// that could be taken for one.
func create(ctx context.Context, bin binaries, home string, acct account, password string) error {
	if _, err := os.Stat(cluster(home)); err == nil {
		return nil
	}
	unfinished := filepath.Join(home, "unfinished")
	if err := os.RemoveAll(unfinished); err != nil {
		return fmt.Errorf("create postgres: %w", err)
	}
	// What proves the password goes through a file that only the account can read,
	// and never through an argument.
	secret := filepath.Join(home, "password")
	defer func() { _ = os.Remove(secret) }()
	if err := os.WriteFile(secret, []byte(verifier(password)+"\n"), 0o600); err != nil {
		return fmt.Errorf("create postgres: %w", err)
	}
	if err := acct.own(secret); err != nil {
		return fmt.Errorf("create postgres: %w", err)
	}
	cmd := exec.CommandContext(ctx, bin.path("initdb"), "--pgdata", unfinished,
		"--username", Superuser, "--pwfile", secret, "--auth", "scram-sha-256",
		"--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums")
	cmd.Env, cmd.Dir = bin.env("HOME="+home), home
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: acct.credential(), Setpgid: true}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("create postgres: initdb: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	if err := os.WriteFile(filepath.Join(unfinished, "pg_hba.conf"), []byte(hba), 0o600); err != nil {
		return fmt.Errorf("create postgres: %w", err)
	}
	if err := os.Rename(unfinished, cluster(home)); err != nil {
		return fmt.Errorf("create postgres: %w", err)
	}
	return nil
}

// verifier is what Postgres keeps of a password (RFC 5803). Rounds of hashing make up
// for the little that a password holds which people choose. This one is random, so that
// one is enough: tests connect some ten thousand times.
func verifier(password string) string {
	salt := make([]byte, 16)
	rand.Read(salt) // never returns an error
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	salted := mac([]byte(password), string(salt)+"\x00\x00\x00\x01") // PBKDF2 of one round
	stored := sha256.Sum256(mac(salted, "Client Key"))
	b64 := base64.StdEncoding.EncodeToString
	return "SCRAM-SHA-256$1:" + b64(salt) + "$" + b64(stored[:]) + ":" + b64(mac(salted, "Server Key"))
}

func cluster(home string) string { return filepath.Join(home, "cluster") }

// clusterVersion is the major version that wrote the folder's cluster, or 0.
func clusterVersion(data string) int {
	b, err := os.ReadFile(filepath.Join(cluster(located(data)), "PG_VERSION"))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return n
}

// clearStalePID removes a pid file whose process id now belongs to a stranger:
// Postgres would refuse to start because of it. Where the id belongs to nobody,
// Postgres looks for itself, and better, because it also looks for backends
// that outlived their postmaster.
func clearStalePID(dir string) error {
	path := filepath.Join(dir, "postmaster.pid")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	cmdline := commandLine(strings.TrimSpace(first))
	if cmdline == "" {
		return nil // nobody
	}
	if strings.Contains(cmdline, dir+"\x00") {
		return fmt.Errorf("another Postgres (process %s) runs on %s: stop it first", first, dir)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove a stale pid file: %w", err)
	}
	return nil
}

// commandLine returns a process's arguments, or "" when it is gone.
func commandLine(pid string) string {
	b, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
	if err != nil {
		return ""
	}
	return string(b)
}

// Secret returns a random password that is made once and kept in the folder.
func Secret(data, name string) (string, error) {
	path := filepath.Join(data, "secrets", name)
	b, err := os.ReadFile(path)
	if err == nil && len(b) > 0 {
		return strings.TrimSpace(string(b)), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if name == "postgres-superuser" && clusterVersion(data) > 0 {
		return "", fmt.Errorf("the database in %s is there, but its password in %s is not: restore the file, or remove both to start anew", located(data), path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("make secret: %w", err)
	}
	raw := make([]byte, 24)
	rand.Read(raw) // never returns an error
	secret := hex.EncodeToString(raw)
	// A name of its own first: a crash must not leave half a password.
	if err := os.WriteFile(path+".new", []byte(secret+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("make secret: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return "", fmt.Errorf("make secret: %w", err)
	}
	return secret, nil
}
