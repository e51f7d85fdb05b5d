package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sealbook/sealbook/ledger"
)

// bench holds what the rows share.
type bench struct {
	options
	admin      *pgxpool.Pool
	postmaster int    // process id; 0 where it cannot be seen
	template   string // a migrated database
	databases  int
	version    string // of Postgres
	rowBytes   int    // what an entry of ours takes in its two tables
	dir        string
}

func newBench(ctx context.Context, o options) (_ *bench, err error) {
	b := &bench{options: o, template: fmt.Sprintf("bench_%d", os.Getpid())}
	if b.dir, err = os.MkdirTemp("", "sealbook-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.admin, err = pgxpool.New(ctx, o.database); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	var pid int
	if err := b.admin.QueryRow(ctx, `select pg_backend_pid(), split_part(current_setting('server_version'), ' ', 1)`).Scan(&pid, &b.version); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if f := stat(pid); len(f) > 1 {
		fmt.Sscan(f[1], &b.postmaster)
	}
	if _, err := b.admin.Exec(ctx, "create database "+b.template); err != nil {
		return nil, fmt.Errorf("make database: %w", err)
	}
	conn, err := pgx.Connect(ctx, b.url(b.template))
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	_, _, err = ledger.Migrate(ctx, conn)
	conn.Close(ctx)
	if err != nil {
		return nil, err
	}
	b.rowBytes, err = b.measureRow(ctx)
	return b, err
}

func (b *bench) close() {
	if b.admin != nil {
		b.admin.Exec(context.Background(), "drop database if exists "+b.template) // the server goes anyway
		b.admin.Close()
	}
	os.RemoveAll(b.dir)
}

func (b *bench) postgresCPU() time.Duration {
	if b.postmaster == 0 {
		return 0
	}
	return childrenCPU(b.postmaster)
}

func (b *bench) url(database string) string {
	u, err := url.Parse(b.database)
	if err != nil { // it was used to connect
		panic(err)
	}
	u.Path = "/" + database
	return u.String()
}

// scratch makes a database for one measurement. The checkpoint before it gives
// every row the same start.
func (b *bench) scratch(ctx context.Context) (dsn string, drop func(), err error) {
	b.databases++
	name := fmt.Sprintf("%s_%d", b.template, b.databases)
	for _, sql := range []string{"create database " + name + " template " + b.template, "checkpoint"} {
		if _, err := b.admin.Exec(ctx, sql); err != nil {
			return "", nil, fmt.Errorf("make database: %w", err)
		}
	}
	return b.url(name), func() {
		b.admin.Exec(context.WithoutCancel(ctx), "drop database "+name+" with (force)") // the server goes anyway
	}, nil
}

// measureRow finds out how many bytes our rows of entry and payload take, for
// the plain rows to take as many.
func (b *bench) measureRow(ctx context.Context) (n int, err error) {
	err = b.withLedgers(ctx, 1, func(s *sealbook) error {
		if err := s.append(ctx, s.ledgers[0], 1, 100); err != nil {
			return err
		}
		return s.conn.QueryRow(ctx, `select (avg(pg_column_size(e.*)) + avg(pg_column_size(p.*)))::int from entry e join payload p using (ledger, seq)`).Scan(&n)
	})
	return n, err
}

// plainInsert is the ceiling: one client inserts rows of as many bytes as ours
// take together, with one primary key and nothing else, in transactions of
// r.bulk rows.
func plainInsert(ctx context.Context, b *bench, r row) (s sample, err error) {
	dsn, drop, err := b.scratch(ctx)
	if err != nil {
		return s, err
	}
	defer drop()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return s, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `create table plain (id bigint primary key, at timestamptz not null, body text not null)`); err != nil {
		return s, err
	}
	const overhead = 24 + 8 + 8 + 4 // header, id, time, length
	tail := strings.Repeat(".", max(0, b.rowBytes-overhead-bodySize))
	ids, bodies := make([]int64, r.bulk), make([]string, r.bulk)
	s, err = b.drive(ctx, r, 0, func(ctx context.Context, _, n int) error {
		for i := range r.bulk {
			ids[i] = int64(n*r.bulk + i)
			bodies[i] = string(body(int(ids[i]))) + tail
		}
		_, err := conn.Exec(ctx, `insert into plain select id, now(), body from unnest($1::bigint[], $2::text[]) t (id, body)`, ids, bodies)
		return err
	})
	if err != nil {
		return s, err
	}
	s.perBatch = float64(r.bulk)
	return s, counted(ctx, conn, s, `select count(*) from plain`)
}

// naiveChain is what is commonly built: a transaction for each entry, which
// locks the head, hashes, inserts and moves the head.
func naiveChain(ctx context.Context, b *bench, r row) (s sample, err error) {
	dsn, drop, err := b.scratch(ctx)
	if err != nil {
		return s, err
	}
	defer drop()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return s, err
	}
	config.MaxConns = int32(r.callers)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return s, err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, `
		create table chain (seq bigint primary key, at timestamptz not null, previous bytea not null, hash bytea not null, body bytea not null);
		create table chain_head (only_one boolean primary key, seq bigint not null, hash bytea not null) with (fillfactor = 50);
		insert into chain_head values (true, 0, '')`); err != nil {
		return s, err
	}
	s, err = b.drive(ctx, r, 0, func(ctx context.Context, _, n int) error {
		text := body(n)
		return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			var seq int64
			var previous []byte
			if err := tx.QueryRow(ctx, `select seq, hash from chain_head for update`).Scan(&seq, &previous); err != nil {
				return err
			}
			hash := sha256.Sum256(bytes.Join([][]byte{previous, text}, nil))
			if _, err := tx.Exec(ctx, `insert into chain values ($1, now(), $2, $3, $4)`, seq+1, previous, hash[:], text); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `update chain_head set seq = $1, hash = $2`, seq+1, hash[:])
			return err
		})
	})
	if err != nil {
		return s, err
	}
	s.perBatch = 1
	return s, counted(ctx, pool, s, `select seq from chain_head`)
}

// counted refuses a measurement whose acknowledged entries are not there.
func counted(ctx context.Context, db interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}, s sample, sql string) error {
	var there int64
	if err := db.QueryRow(ctx, sql).Scan(&there); err != nil {
		return fmt.Errorf("count entries: %w", err)
	}
	if there != s.acknowledged {
		return fmt.Errorf("%d entries were acknowledged and %d are there", s.acknowledged, there)
	}
	return nil
}
