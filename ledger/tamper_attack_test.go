package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// tableShape is what the catalogue says of a table.
type tableShape struct {
	name    string
	columns []columnShape
	keys    [][]string // columns of the unique indexes, the primary key first
}

type columnShape struct{ Name, Type string }

// target is a row to attack.
type target struct {
	ctid  string
	value *string // of the column in question
	seq   int64   // of the entry that it belongs to; -1 for none
}

// errNothingThere says that there is no row or value that the attack could be
// made on.
var errNothingThere = errors.New("nothing to attack")

func (s *tableShape) has(column string) bool {
	return slices.ContainsFunc(s.columns, func(c columnShape) bool { return c.Name == column })
}

func (s *tableShape) typeOf(column string) string {
	i := slices.IndexFunc(s.columns, func(c columnShape) bool { return c.Name == column })
	return s.columns[i].Type
}

// position is the column that orders a ledger's rows: the first of the primary
// key that does not say which ledger it is.
func (s *tableShape) position() string {
	if len(s.keys) == 0 {
		return s.columns[0].Name
	}
	for _, c := range s.keys[0] {
		if c != "ledger" {
			return c
		}
	}
	return s.keys[0][0]
}

// order sorts rows by position, and those that share one by the rest of the
// primary key, so that every run attacks the same rows.
func (s *tableShape) order() string {
	columns := []string{"t." + s.position()}
	if len(s.keys) > 0 {
		for _, c := range s.keys[0] {
			columns = append(columns, "t."+c)
		}
	}
	return strings.Join(columns, ", ")
}

func shapeOf(ctx context.Context, tx pgx.Tx, table string) (s tableShape, err error) {
	s.name = table
	rows, err := tx.Query(ctx, `
		select attname::text, format_type(atttypid, atttypmod) from pg_attribute
		where attrelid = ('public.' || $1)::regclass and attnum > 0 and not attisdropped order by attnum`, table)
	if err != nil {
		return s, err
	}
	if s.columns, err = pgx.CollectRows(rows, pgx.RowToStructByPos[columnShape]); err != nil {
		return s, err
	}
	rows, err = tx.Query(ctx, `
		select array(select attname::text from unnest(i.indkey) with ordinality k (n, at) join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n order by k.at)
		from pg_index i where i.indrelid = ('public.' || $1)::regclass and i.indisunique order by not i.indisprimary`, table)
	if err != nil {
		return s, err
	}
	s.keys, err = pgx.CollectRows(rows, pgx.RowTo[[]string])
	return s, err
}

// targets lists the rows of the first ledger that have a value in column, from
// the middle on and then from the start.
func (s *tableShape) targets(ctx context.Context, tx pgx.Tx, column string) ([]target, error) {
	seq, where := "-1", "true"
	if s.has("seq") {
		seq = "seq"
	}
	if s.has("ledger") && column != "ledger" && s.position() != "ledger" {
		where = "ledger = (select min(ledger) from " + s.name + " where ledger > 0)"
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(`select ctid::text, %s::text, %s::bigint from %s t where %s is not null and %s order by %s`,
		column, seq, s.name, column, where, s.order()))
	if err != nil {
		return nil, err
	}
	var all []target
	var r target
	_, err = pgx.ForEachRow(rows, []any{&r.ctid, &r.value, &r.seq}, func() error {
		all = append(all, r)
		r.value = nil
		return nil
	})
	if err == nil && len(all) == 0 {
		err = errNothingThere
	}
	return slices.Concat(all[len(all)/2:], all[:len(all)/2]), err
}

// other is an expression for a value that a column of a type does not have.
func other(column, kind string) (string, error) {
	switch kind {
	case "text":
		return column + ` || 'x'`, nil
	case "integer", "bigint":
		return column + ` + 100000`, nil
	case "smallint":
		return column + ` + 1`, nil
	case "boolean":
		return `not ` + column, nil
	case "bytea":
		return `case when length(` + column + `) = 0 then '\x00' else set_byte(` + column + `, 0, get_byte(` + column + `, 0) # 1) end`, nil
	case "timestamp with time zone":
		return column + ` + interval '1 us'`, nil
	case "uuid":
		return `gen_random_uuid()`, nil
	case "date":
		return column + ` + 1000`, nil
	case "tsvector":
		return column + ` || 'x'::tsvector`, nil
	case "text[]":
		return `array_append(` + column + `, 'x')`, nil
	case "cidr[]":
		return `array_append(` + column + `, '192.0.2.0/24')`, nil
	case "int8multirange":
		return column + ` + '{[5,6)}'`, nil
	}
	return "", fmt.Errorf("the matrix has no other value for a column of the type %s", kind)
}

// set changes one row and returns where it is then.
func (s *tableShape) set(ctx context.Context, tx pgx.Tx, ctid, column, expression string, args ...any) (string, error) {
	var at string
	err := tx.QueryRow(ctx, fmt.Sprintf(`update %s set %s = %s where ctid = '%s' returning ctid::text`, s.name, column, expression, ctid), args...).Scan(&at)
	return at, err
}

// attack changes one column of a row, or rows as a whole, and returns the
// entries whose rows it changed.
type attack struct {
	name  string
	apply func(ctx context.Context, tx pgx.Tx, s *tableShape, column string) ([]int64, error)
}

// columnAttacks are made on every column.
var columnAttacks = []attack{
	{"flip", func(ctx context.Context, tx pgx.Tx, s *tableShape, column string) ([]int64, error) {
		rows, err := s.targets(ctx, tx, column)
		if err != nil {
			return nil, err
		}
		value, err := other(column, s.typeOf(column))
		if err != nil {
			return nil, err
		}
		_, err = s.set(ctx, tx, rows[0].ctid, column, value)
		return []int64{rows[0].seq}, err
	}},
	{"null", func(ctx context.Context, tx pgx.Tx, s *tableShape, column string) ([]int64, error) {
		rows, err := s.targets(ctx, tx, column)
		if err != nil {
			return nil, err
		}
		_, err = s.set(ctx, tx, rows[0].ctid, column, "null")
		return []int64{rows[0].seq}, err
	}},
	{"swap", swap},
}

// swap exchanges a column's values of two rows, by way of a third value where
// both cannot have the same.
func swap(ctx context.Context, tx pgx.Tx, s *tableShape, column string) ([]int64, error) {
	rows, err := s.targets(ctx, tx, column)
	if err != nil {
		return nil, err
	}
	a := rows[0]
	i := slices.IndexFunc(rows, func(r target) bool { return *r.value != *a.value })
	if i < 0 {
		return nil, errNothingThere
	}
	b := rows[i]
	between, err := other(column, s.typeOf(column))
	if err != nil {
		return nil, err
	}
	at, err := s.set(ctx, tx, a.ctid, column, between)
	if err != nil {
		return nil, err
	}
	cast := "$1::text::" + s.typeOf(column)
	if _, err := s.set(ctx, tx, b.ctid, column, cast, *a.value); err != nil {
		return nil, err
	}
	_, err = s.set(ctx, tx, at, column, cast, *b.value)
	return []int64{a.seq, b.seq}, err
}

// rowAttacks are made on every table.
var rowAttacks = []attack{
	{"delete", func(ctx context.Context, tx pgx.Tx, s *tableShape, _ string) ([]int64, error) {
		rows, err := s.targets(ctx, tx, s.position())
		if err != nil {
			return nil, err
		}
		_, err = tx.Exec(ctx, fmt.Sprintf(`delete from %s where ctid = '%s'`, s.name, rows[0].ctid))
		return []int64{rows[0].seq}, err
	}},
	{"insert", func(ctx context.Context, tx pgx.Tx, s *tableShape, _ string) ([]int64, error) {
		keyed := map[string]bool{}
		for _, key := range s.keys {
			for _, c := range key {
				keyed[c] = c != "ledger" || len(key) == 1
			}
		}
		return s.copyRow(ctx, tx, keyed)
	}},
	{"duplicate", func(ctx context.Context, tx pgx.Tx, s *tableShape, _ string) ([]int64, error) {
		return s.copyRow(ctx, tx, nil)
	}},
	{"swap", func(ctx context.Context, tx pgx.Tx, s *tableShape, _ string) ([]int64, error) {
		return swap(ctx, tx, s, s.position())
	}},
	{"lose the tail", func(ctx context.Context, tx pgx.Tx, s *tableShape, _ string) ([]int64, error) {
		rows, err := s.targets(ctx, tx, s.position())
		if err != nil {
			return nil, err
		}
		var seqs []int64
		last := slices.Concat(rows[(len(rows)+1)/2:], rows[:(len(rows)+1)/2]) // in order again
		for _, r := range last[len(last)-max(1, len(last)/60):] {
			seqs = append(seqs, r.seq)
			if _, err := tx.Exec(ctx, fmt.Sprintf(`delete from %s where ctid = '%s'`, s.name, r.ctid)); err != nil {
				return nil, err
			}
		}
		return seqs, nil
	}},
	{"empty", func(ctx context.Context, tx pgx.Tx, s *tableShape, _ string) ([]int64, error) {
		_, err := tx.Exec(ctx, `delete from `+s.name)
		return nil, err
	}},
	{"restore a backup", func(ctx context.Context, tx pgx.Tx, s *tableShape, _ string) ([]int64, error) {
		return nil, s.restore(ctx, tx)
	}},
	{"move to another organisation", func(ctx context.Context, tx pgx.Tx, s *tableShape, _ string) ([]int64, error) {
		for _, column := range []string{"ledger", "organisation"} {
			if !s.has(column) || s.name == "ledger" {
				continue
			}
			rows, err := s.targets(ctx, tx, s.position())
			if err != nil {
				return nil, err
			}
			_, err = s.set(ctx, tx, rows[0].ctid, column, fmt.Sprintf(`(select max(%s) from %s)`, map[string]string{"ledger": "id", "organisation": "organisation"}[column], "ledger"))
			return []int64{rows[0].seq}, err
		}
		return nil, errNothingThere
	}},
}

// copyRow inserts a row once more, with other values in the named columns.
func (s *tableShape) copyRow(ctx context.Context, tx pgx.Tx, changed map[string]bool) ([]int64, error) {
	rows, err := s.targets(ctx, tx, s.position())
	if err != nil {
		return nil, err
	}
	var names, values []string
	for _, c := range s.columns {
		value := c.Name
		if changed[c.Name] {
			if value, err = other(c.Name, c.Type); err != nil {
				return nil, err
			}
		}
		names, values = append(names, c.Name), append(values, value)
	}
	var seq int64
	returning := "-1::bigint"
	if s.has("seq") {
		returning = "seq"
	}
	err = tx.QueryRow(ctx, fmt.Sprintf(`insert into %s (%s) overriding system value select %s from %s where ctid = '%s' returning %s`,
		s.name, strings.Join(names, ", "), strings.Join(values, ", "), s.name, rows[0].ctid, returning)).Scan(&seq)
	return []int64{seq}, err
}

// restore makes a table what it was when the backup was made.
func (s *tableShape) restore(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, fmt.Sprintf(`delete from %s`, s.name))
	if err == nil {
		_, err = tx.Exec(ctx, fmt.Sprintf(`insert into %s overriding system value select * from backup.%s`, s.name, s.name))
	}
	return err
}

// refusal names the constraint or rule by which Postgres refuses a change even
// from a superuser.
func refusal(err error) (string, bool) {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return "", false
	}
	switch pg.Code {
	case "23502":
		return "not null", true
	case "23505":
		return "unique", true
	case "23514":
		return "check", true
	case "23503":
		return "foreign key", true
	case "428C9":
		return "identity", true
	}
	return "", false
}
