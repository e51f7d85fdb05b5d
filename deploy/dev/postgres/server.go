// Package postgres runs a private Postgres server: one cluster in one folder,
// found or fetched binaries, reachable from this machine only.
// It guards what the ledger stands on: commits are flushed, pages carry
// checksums, every connection shows a password, and an earlier start that was
// killed leaves neither a second server nor a locked folder behind.
// The development stack and the test wrapper use it; production has its own.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sealbook/sealbook/deploy/dev/child"
	"github.com/sealbook/sealbook/deploy/dev/port"
)

// Superuser owns the cluster. Only a person who wants to try tampering, and
// the tests, connect as it.
const Superuser = "postgres"

const (
	startLimit = 60 * time.Second // a crash recovery can take a while
	stopLimit  = 30 * time.Second
)

// Options say where things are.
type Options struct {
	Data     string // the stack's folder; the cluster lies in Data/postgres if the account can get there
	Binaries string // a folder of server programs; "" finds or fetches them, "none" ignores those installed
	Dist     string // where fetched programs are kept
	Say      func(format string, args ...any)
}

// Server is a running Postgres.
type Server struct {
	Version string
	Port    int
	Home    string // the folder that holds the cluster

	bin      binaries
	process  *child.Child
	password string
	data     string
}

// Start brings the cluster of a folder up, and creates it the first time.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	if err := child.Reap(runDir(o.Data), "postgres", stopLimit); err != nil {
		return nil, err
	}
	acct, err := accountFor(o.Data)
	if err != nil {
		return nil, err
	}
	s := &Server{data: o.Data}
	if s.bin, err = provide(ctx, o, clusterVersion(o.Data)); err != nil {
		return nil, err
	}
	if acct, err = acct.settled(); err != nil { // the installation may have made its account
		return nil, err
	}
	if s.Home, err = home(o.Data, acct); err != nil {
		return nil, err
	}
	if s.password, err = Secret(o.Data, "postgres-superuser"); err != nil {
		return nil, err
	}
	if err := create(ctx, s.bin, s.Home, acct, s.password); err != nil {
		return nil, err
	}
	if err := clearStalePID(cluster(s.Home)); err != nil {
		return nil, err
	}
	if err := s.launch(ctx, acct); err != nil {
		return nil, err
	}
	if s.Version, err = s.Query(ctx, "postgres", "show server_version"); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	s.Version, _, _ = strings.Cut(s.Version, " ")
	return s, nil
}

// launch starts the server on the port of the last time, or on a free one. It
// tries again when the port was lost between the choice and the bind, and while
// backends of a server that was killed are still on their way out.
func (s *Server) launch(ctx context.Context, acct account) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		var err error
		if s.Port, err = choosePort(s.data); err != nil {
			return err
		}
		log := filepath.Join(s.data, "logs", "postgres.log")
		before := size(log)
		s.process, err = child.Start(child.Spec{
			Name: "postgres", Path: s.bin.path("postgres"), Args: s.arguments(),
			Env: s.bin.env("HOME=" + s.Home), Dir: s.Home, Account: acct.credential(),
			LogFile: log, RunDir: runDir(s.data),
			Stop: syscall.SIGINT, Grace: stopLimit, // fast shutdown: sessions end, a checkpoint is written
		})
		if err != nil {
			return err
		}
		err = s.process.Until(ctx, s.ready)
		if err == nil {
			return nil
		}
		err = errors.Join(err, s.process.Close())
		said := since(log, before)
		switch {
		case ctx.Err() != nil:
			return err
		case strings.Contains(said, "could not bind"):
			if err := os.Remove(portFile(s.data)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("forget a taken port: %w", err)
			}
		case strings.Contains(said, "shared memory block") && strings.Contains(said, "still in use"):
			time.Sleep(100 * time.Millisecond)
		default:
			return err
		}
	}
}

func (s *Server) arguments() []string {
	args := []string{"-D", cluster(s.Home)}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1",
		"port=" + strconv.Itoa(s.Port),
		// No socket: a path can be too long for one, and its peers would need
		// no password.
		"unix_socket_directories=",
		"max_connections=200",
		"shared_buffers=256MB",
		"fsync=on",
		"full_page_writes=on",
		"synchronous_commit=on",
		"jit=off", // short statements; and its library need not be fetched
		"timezone=GMT",
		"log_timezone=GMT",
		"log_line_prefix=%m [%p] %q%u@%d ",
	} {
		args = append(args, "-c", setting)
	}
	return args
}

// ready reads what the server itself says in the eighth line of its pid file.
func (s *Server) ready() bool {
	b, err := os.ReadFile(filepath.Join(cluster(s.Home), "postmaster.pid"))
	if err != nil {
		return false
	}
	lines := strings.Split(string(b), "\n")
	return len(lines) >= 8 && lines[0] == strconv.Itoa(s.process.PID()) && strings.TrimSpace(lines[7]) == "ready"
}

// Stop shuts the server down and returns when its files are closed.
func (s *Server) Stop() error { return s.process.Close() }

// Programs is the folder of the server's programs.
func (s *Server) Programs() string { return s.bin.dir }

// Libraries lists the folders of libraries that the programs need and the
// system does not have, as LD_LIBRARY_PATH does; usually none.
func (s *Server) Libraries() string { return strings.Join(s.bin.libs, ":") }

// Process is watched by who needs the server.
func (s *Server) Process() *child.Child { return s.process }

// Address is host:port.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)) }

// URL is a connection string for a role with its password.
func (s *Server) URL(role, password, database string) string {
	return (&url.URL{
		Scheme: "postgres", User: url.UserPassword(role, password),
		Host: s.Address(), Path: "/" + database, RawQuery: "sslmode=disable",
	}).String()
}

// AdminURL connects as the superuser.
func (s *Server) AdminURL(database string) string { return s.URL(Superuser, s.password, database) }

// Remove deletes a stopped cluster, wherever it lies.
func (s *Server) Remove() error {
	if err := os.RemoveAll(s.Home); err != nil {
		return fmt.Errorf("remove postgres: %w", err)
	}
	return nil
}

func runDir(data string) string   { return filepath.Join(data, "run") }
func portFile(data string) string { return filepath.Join(data, "postgres.port") }

// choosePort returns the remembered port if it is free, else a free one, which is
// then remembered: connection strings in people's shells stay good.
func choosePort(data string) (int, error) {
	if b, err := os.ReadFile(portFile(data)); err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && n > 0 {
			if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(n)); err == nil {
				return n, l.Close()
			}
		}
	}
	n, err := port.Free("127.0.0.1")
	if err != nil {
		return 0, fmt.Errorf("find a free port for postgres: %w", err)
	}
	if err := os.WriteFile(portFile(data), []byte(strconv.Itoa(n)+"\n"), 0o600); err != nil {
		return 0, fmt.Errorf("remember the port of postgres: %w", err)
	}
	return n, nil
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// since returns what was logged after a place.
func since(log string, from int64) string {
	b, err := os.ReadFile(log)
	if err != nil || int64(len(b)) < from {
		return ""
	}
	return string(b[from:])
}
