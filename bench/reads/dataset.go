package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sealbook/sealbook/internal/sample"
	"github.com/sealbook/sealbook/ledger"
)

// dataset is a migrated database with entries, and the keys of its ledger.
type dataset struct {
	options
	name   string // of the database, and of the folder with its keys
	folder string
	state  state
	admin  *pgxpool.Pool // of the data set's database
	log    io.Writer
}

// state is what is known of a data set; it is kept beside its keys.
type state struct {
	Sample     int           `json:"sample_version"`
	Migrations []string      `json:"migrations"` // SHA-256 of each, in order
	Ledger     int32         `json:"ledger"`
	Key        string        `json:"api_key"` // of a database that only this machine can reach
	Parts      int           `json:"parts"`   // that are loaded
	Appending  time.Duration `json:"appending_ns"`
	Indexing   time.Duration `json:"indexing_ns"`
	Ready      bool          `json:"ready"`
}

func (d *dataset) dsn() string { return withDatabase(d.database, d.name) }

// withDatabase is a connection URL's with another database.
func withDatabase(connection, database string) string {
	u, err := url.Parse(connection)
	if err != nil { // it was used to connect
		panic(err)
	}
	u.Path = "/" + database
	return u.String()
}

// openDataset finds the data set of this size, or makes it. It is made anew
// when the sample is another or a migration was changed; migrations that were
// added are run. What was interrupted goes on where it was.
func openDataset(ctx context.Context, o options, log io.Writer) (_ *dataset, err error) {
	name := fmt.Sprintf("bench_%d", o.entries)
	d := &dataset{options: o, name: name, folder: filepath.Join(o.dir, name), log: log}
	migrations, err := digests(ledger.SchemaFiles())
	if err != nil {
		return nil, err
	}
	if err := d.load(); err != nil {
		return nil, err
	}
	known := d.state.Migrations
	usable := d.state.Sample == sample.Version && len(known) <= len(migrations) && slices.Equal(known, migrations[:len(known)])
	if o.rebuild || !usable {
		if err := d.create(ctx); err != nil {
			return nil, err
		}
	}
	if d.admin, err = pgxpool.New(ctx, d.dsn()); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if !slices.Equal(d.state.Migrations, migrations) {
		if err := d.migrate(ctx, migrations); err != nil {
			return nil, err
		}
	}
	if d.state.Key == "" {
		if err := d.identify(ctx); err != nil {
			return nil, err
		}
	}
	if !d.state.Ready {
		if err := d.fill(ctx); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *dataset) close() {
	if d.admin != nil {
		d.admin.Close()
	}
}

// digests says of each migration what it is.
func digests(files fs.FS) (all []string, err error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		all = append(all, fmt.Sprintf("%x", sha256.Sum256(text)))
	}
	return all, nil
}

func (d *dataset) stateFile() string { return filepath.Join(d.folder, "state.json") }

func (d *dataset) load() error {
	text, err := os.ReadFile(d.stateFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the data set's state: %w", err)
	}
	if err := json.Unmarshal(text, &d.state); err != nil {
		return fmt.Errorf("read the data set's state: %w", err)
	}
	return nil
}

// save keeps the state under its name once it is whole.
func (d *dataset) save() error {
	text, err := json.MarshalIndent(d.state, "", "  ")
	if err == nil {
		err = os.WriteFile(d.stateFile()+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(d.stateFile()+".new", d.stateFile())
	}
	if err != nil {
		return fmt.Errorf("keep the data set's state: %w", err)
	}
	return nil
}

// create makes an empty database in the place of what was there.
func (d *dataset) create(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, d.database)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := os.RemoveAll(d.folder); err != nil {
		return fmt.Errorf("remove the data set: %w", err)
	}
	if err := os.MkdirAll(d.folder, 0o700); err != nil {
		return fmt.Errorf("make the data set's folder: %w", err)
	}
	for _, sql := range []string{
		"drop database if exists " + d.name + " with (force)", "create database " + d.name,
		// Fewer checkpoints while gigabytes are written; nothing is less durable.
		"alter system set max_wal_size = '4GB'", "select pg_reload_conf()",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("make database: %w", err)
		}
	}
	d.state = state{Sample: sample.Version}
	return d.save()
}

func (d *dataset) migrate(ctx context.Context, migrations []string) error {
	conn, err := pgx.Connect(ctx, d.dsn())
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	from, to, err := ledger.Migrate(ctx, conn)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.log, "migrated from version %d to %d\n", from, to)
	d.state.Migrations = migrations
	return d.save()
}

// identify makes the installation's secrets, the organisation and its API key.
func (d *dataset) identify(ctx context.Context) error {
	if _, err := d.sealbook(ctx, "keygen", "--dir", d.folder); err != nil {
		return err
	}
	out, err := d.sealbook(ctx, "apikey", "create", "--organisation", "Bench", "--create-organisation", "--name", "bench", "--permissions", "all", "--json")
	if err != nil {
		return err
	}
	var made struct{ Key string }
	if err := json.Unmarshal(out, &made); err != nil {
		return fmt.Errorf("read the API key: %w", err)
	}
	if err := d.admin.QueryRow(ctx, `select ledger from organisation`).Scan(&d.state.Ledger); err != nil {
		return fmt.Errorf("find the ledger: %w", err)
	}
	d.state.Key = made.Key
	return d.save()
}

// describe says how large the data set is and how long it took to make.
func (d *dataset) describe(ctx context.Context, w io.Writer) error {
	f, err := d.facts(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, f.String())
	return err
}

// facts are what a report says of its data.
type facts struct {
	Entries   int64   `json:"entries"` // of the ledger, with those about reading and its keys
	Bytes     int64   `json:"bytes"`   // of the database
	Appended  float64 `json:"appended_per_s"`
	Indexed   float64 `json:"indexed_per_s"`
	Unindexed int64   `json:"entries_not_indexed"`
}

func (d *dataset) facts(ctx context.Context) (f facts, err error) {
	err = d.admin.QueryRow(ctx, `
		select h.size, pg_database_size(current_database()), h.size - coalesce(p.size, 0)
		from head h left join search_progress p on p.ledger = h.ledger where h.ledger = $1`, d.state.Ledger).Scan(&f.Entries, &f.Bytes, &f.Unindexed)
	if err != nil {
		return f, fmt.Errorf("describe the data set: %w", err)
	}
	f.Appended, f.Indexed = float64(d.entries)/d.state.Appending.Seconds(), float64(d.entries)/d.state.Indexing.Seconds()
	return f, nil
}

func (f facts) String() string {
	return fmt.Sprintf("%s entries in %.1f GB, appended at %s/s and indexed at %s/s when the data set was made",
		whole(float64(f.Entries)), float64(f.Bytes)/1e9, whole(f.Appended), whole(f.Indexed))
}
