package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/bench/program"
)

// overHTTP measures the program as it is deployed: a server process, requests
// over connections that stay open, an API key in each. Its log goes to a file.
func overHTTP(ctx context.Context, b *bench, r row) (s sample, err error) {
	dsn, drop, err := b.scratch(ctx)
	if err != nil {
		return s, err
	}
	defer drop()
	server, err := b.serve(ctx, dsn)
	if err != nil {
		return s, err
	}
	defer server.Stop(syscall.SIGKILL)
	conns := make([]*client, r.callers)
	for i := range conns {
		if conns[i], err = server.dial(ctx, r); err != nil {
			return s, err
		}
		defer conns[i].Close()
	}
	size := max(r.bulk, 1)
	s, err = b.drive(ctx, r, server.PID(), func(_ context.Context, caller, n int) error {
		return conns[caller].post(n*size, size)
	})
	if err != nil {
		return s, fmt.Errorf("%w\n%s", err, server.Log())
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return s, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var commits int64
	if err := conn.QueryRow(ctx, `select count(distinct xmin::text) from checkpoint where ledger > 0`).Scan(&commits); err != nil {
		return s, fmt.Errorf("count commits: %w", err)
	}
	s.perBatch = float64(s.acknowledged) / float64(max(commits, 1))
	return s, counted(ctx, conn, s, `select count(*) from entry where ledger > 0 and position('config.changed' in encode(record, 'escape')) > 0`)
}

// process is a running server, with a key for it.
type process struct {
	*program.Server
	key string
}

// serve makes keys and an organisation on a migrated database and starts the
// server there. It does without Temporal, as appending does.
func (b *bench) serve(ctx context.Context, dsn string) (*process, error) {
	binary, err := filepath.Abs(b.program)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "server-")
	if err != nil {
		return nil, err
	}
	address, err := program.FreeAddress()
	if err != nil {
		return nil, err
	}
	p := &process{}
	env := append(os.Environ(),
		"SEALBOOK_DATABASE_URL="+dsn, "SEALBOOK_HTTP_ADDR="+address, "SEALBOOK_PUBLIC_URL=http://"+address,
		"SEALBOOK_ORIGIN=ledger.bench", "SEALBOOK_SIGNER_KEY="+filepath.Join(dir, "signer.pem"), "SEALBOOK_PEPPER_FILE="+filepath.Join(dir, "pepper"),
		"SEALBOOK_SIGNER_STATE="+filepath.Join(dir, "signer.state"), "SEALBOOK_RATE_LIMIT=0",
		"SEALBOOK_ARTIFACTS=file://"+filepath.Join(dir, "artifacts"), "TEMPORAL_ADDRESS=127.0.0.1:1")
	for _, args := range [][]string{
		{"keygen", "--dir", dir},
		{"apikey", "create", "--organisation", "Bench", "--create-organisation", "--name", "bench", "--permissions", "all", "--json"},
	} {
		cmd := exec.CommandContext(ctx, binary, args...)
		cmd.Env = env
		out, err := cmd.Output()
		if err != nil {
			var failed *exec.ExitError
			errors.As(err, &failed)
			return nil, fmt.Errorf("sealbook %s: %w %s", strings.Join(args, " "), err, failed.Stderr)
		}
		var made struct{ Key string }
		if args[0] == "apikey" && json.Unmarshal(out, &made) == nil {
			p.key = made.Key
		}
	}
	p.Server, err = program.Start(ctx, address, filepath.Join(dir, "log"), env, binary, "serve")
	return p, err
}

// client is one connection that stays open. It speaks just enough HTTP: it
// shares the machine with what it measures, and should not be what is measured.
type client struct {
	net.Conn
	reader  *bufio.Reader
	head    []byte // of every request, up to the length of its body
	request []byte
	bulk    bool
}

func (p *process) dial(ctx context.Context, r row) (*client, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.Address)
	if err != nil {
		return nil, err
	}
	path := "/api/v1/audit/entries"
	if r.bulk > 0 {
		path += "/bulk"
	}
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: ", path, p.Address, p.key)
	return &client{Conn: conn, reader: bufio.NewReaderSize(conn, 64<<10), head: []byte(head), bulk: r.bulk > 0}, nil
}

// post sends n bodies from number first on and takes nothing but the answer to
// n new entries for an acknowledgement.
func (c *client) post(first, n int) error {
	length := bodySize
	if c.bulk {
		length = len(`{"entries":[]}`) + n*bodySize + n - 1
	}
	c.request = append(c.request[:0], c.head...)
	c.request = strconv.AppendInt(c.request, int64(length), 10)
	c.request = append(c.request, "\r\n\r\n"...)
	if c.bulk {
		c.request = append(c.request, `{"entries":[`...)
	}
	for i := range n {
		if i > 0 {
			c.request = append(c.request, ',')
		}
		c.request = append(c.request, body(first+i)...)
	}
	if c.bulk {
		c.request = append(c.request, "]}"...)
	}
	if _, err := c.Write(c.request); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	status, tail, err := c.answer()
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if status != 201 || c.bulk && !bytes.Contains(tail, fmt.Appendf(nil, `"created":%d,`, n)) {
		return fmt.Errorf("the answer is %d …%s", status, tail)
	}
	return nil
}

// answer reads one answer to its end and returns the end of its body.
func (c *client) answer() (status int, tail []byte, err error) {
	length := int64(-1)
	for first := true; ; first = false {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if first {
			if len(line) < 12 {
				return 0, nil, fmt.Errorf("status line %q", line)
			}
			if status, err = strconv.Atoi(string(line[9:12])); err != nil {
				return 0, nil, fmt.Errorf("status line %q", line)
			}
			continue
		}
		if len(line) == 0 {
			break
		}
		if name, value, _ := bytes.Cut(line, []byte(": ")); string(name) == "Content-Length" {
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return 0, nil, fmt.Errorf("content length %q", value)
			}
		}
	}
	if length < 0 {
		return 0, nil, errors.New("the answer has no length")
	}
	const kept = 400
	if skip := length - kept; skip > 0 {
		if _, err := io.CopyN(io.Discard, c.reader, skip); err != nil {
			return 0, nil, err
		}
		length = kept
	}
	tail = make([]byte, length)
	_, err = io.ReadFull(c.reader, tail)
	return status, tail, err
}
