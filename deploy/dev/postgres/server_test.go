package postgres_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sealbook/sealbook/deploy/dev/postgres"
)

// folder is reachable for the account that root hands the server to, which
// the test's own folder need not be.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "sealbook-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func options(t *testing.T, dir string) postgres.Options {
	t.Helper()
	return postgres.Options{
		Data: dir, Dist: filepath.Join(dir, "dist"), Say: t.Logf,
		Binaries: os.Getenv("SEALBOOK_POSTGRES_BIN"),
	}
}

func start(t *testing.T, dir string) *postgres.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	s, err := postgres.Start(ctx, options(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	return s
}

func query(t *testing.T, s *postgres.Server, database, statement string) string {
	t.Helper()
	out, err := s.Query(t.Context(), database, statement)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestServer(t *testing.T) {
	dir := folder(t)
	s := start(t, dir)

	t.Run("is durable and checks its pages", func(t *testing.T) {
		for setting, want := range map[string]string{
			"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on",
			"server_encoding": "UTF8", "max_connections": "200", "shared_buffers": "256MB", "listen_addresses": "127.0.0.1",
		} {
			if got := query(t, s, "postgres", "show "+setting); got != want {
				t.Errorf("%s is %s, want %s", setting, got, want)
			}
		}
	})
	t.Run("makes the roles as often as it is asked", func(t *testing.T) {
		for range 2 {
			if _, err := s.Provision(t.Context(), "../../roles.sql"); err != nil {
				t.Fatal(err)
			}
		}
		const statement = `select string_agg(rolname || ':' || rolcanlogin || rolsuper || rolcreaterole || rolcreatedb || rolbypassrls, ' ' order by rolname)
			from pg_roles where rolname like 'sealbook%'`
		want := "sealbook_app:truefalsefalsefalsefalse sealbook_owner:truefalsetruefalsefalse sealbook_temporal:truefalsefalsetruefalse"
		if got := query(t, s, "postgres", statement); got != want {
			t.Errorf("roles are %s\nwant      %s", got, want)
		}
		const owner = `select pg_get_userbyid(datdba) || ' ' || datcollate from pg_database where datname = 'sealbook'`
		if got := query(t, s, "postgres", owner); got != "sealbook_owner C.UTF-8" {
			t.Errorf("database sealbook has %q", got)
		}
	})

	query(t, s, "sealbook", "create table kept (n int); insert into kept values (42)")
	port := s.Port
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}

	t.Run("keeps data and port over a restart", func(t *testing.T) {
		again := start(t, dir)
		if got := query(t, again, "sealbook", "select n from kept"); got != "42" {
			t.Errorf("kept %q, want 42", got)
		}
		if again.Port != port {
			t.Errorf("port %d, want %d as before", again.Port, port)
		}
		if err := again.Stop(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("takes another port when the old one is lost", func(t *testing.T) {
		other := start(t, folder(t))
		if err := os.WriteFile(filepath.Join(dir, "postgres.port"), []byte(strconv.Itoa(other.Port)), 0o600); err != nil {
			t.Fatal(err)
		}
		again := start(t, dir)
		if again.Port == other.Port {
			t.Errorf("both use port %d", again.Port)
		}
		if got := query(t, again, "sealbook", "select n from kept"); got != "42" {
			t.Errorf("kept %q, want 42", got)
		}
	})
}

func TestStartAfterAKill(t *testing.T) {
	dir := folder(t)
	s := start(t, dir)
	query(t, s, "postgres", "create table kept (n int); insert into kept values (1)")
	outer := t // the servers outlive the steps below

	t.Run("of the supervisor, with the server still running", func(t *testing.T) {
		again := start(outer, dir) // s is still up, as an orphan would be
		if query(t, again, "postgres", "insert into kept values (2) returning n") != "2" {
			t.Error("the new server does not write")
		}
		select {
		case <-s.Process().Done():
		case <-time.After(time.Second):
			t.Error("the orphan is still running")
		}
		s = again
	})
	t.Run("of the server", func(t *testing.T) {
		if err := syscall.Kill(s.Process().PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-s.Process().Done()
		again := start(outer, dir) // the pid file and, for a moment, the backends are still there
		if got := query(t, again, "postgres", "select string_agg(n::text, ',' order by n) from kept"); got != "1,2" {
			t.Errorf("kept %q, want 1,2", got)
		}
		s = again
	})
	t.Run("with the process id used again by a stranger", func(t *testing.T) {
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		pid := filepath.Join(s.Home, "cluster", "postmaster.pid")
		if err := os.WriteFile(pid, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		again := start(outer, dir)
		if got := query(t, again, "postgres", "select count(*) from kept"); got != "2" {
			t.Errorf("%s rows, want 2", got)
		}
	})
}

func TestClusterOutOfReach(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root hands the server to another account")
	}
	dir := folder(t)
	if err := os.Chmod(dir, 0o700); err != nil { // as /root is
		t.Fatal(err)
	}
	s := start(t, dir)
	t.Cleanup(func() { _ = s.Remove() })
	if strings.HasPrefix(s.Home, dir) {
		t.Errorf("the cluster lies in %s, where its account has no way to", s.Home)
	}
	query(t, s, "postgres", "create table kept (n int)")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	again := start(t, dir)
	query(t, again, "postgres", "select n from kept")
	if err := again.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := again.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(again.Home); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", again.Home, err)
	}
}

func TestLostPassword(t *testing.T) {
	dir := folder(t)
	s := start(t, dir)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "secrets", "postgres-superuser")); err != nil {
		t.Fatal(err)
	}
	_, err := postgres.Start(t.Context(), options(t, dir))
	if err == nil || !strings.Contains(err.Error(), "restore the file") {
		t.Errorf("Start = %v, want a sentence about the lost password", err)
	}
}
