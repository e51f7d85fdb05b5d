package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Anchor is a registry checkpoint that was published at a place outside, with
// the evidence that the place gave. Rows are added and never changed.
type Anchor struct {
	Kind       string
	Name       string
	Size       int64
	Note       []byte // the bytes that the evidence is about
	Evidence   []byte
	AnchoredAt time.Time
}

// AnchorState is how it stands with one place. What is nil has not happened.
type AnchorState struct {
	Kind       string
	Name       string
	Configured bool // the workers are told to publish there

	AttemptAt    *time.Time // of the last attempt
	AttemptSize  *int64     // of the checkpoint that it tried
	AttemptError *string    // nil when it succeeded

	Size       *int64 // of the largest checkpoint that is anchored there
	Note       []byte
	Evidence   []byte
	AnchoredAt *time.Time
}

// ConfigureAnchors notes which places the workers are told to publish at, as
// kinds and names. What was published at others stays known.
func (s *Store) ConfigureAnchors(ctx context.Context, kinds, names []string) error {
	return translate("note anchors", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `
			insert into anchor_attempt (kind, name, configured)
			select kind, name, true from unnest($1::text[], $2::text[]) as told (kind, name)
			on conflict (kind, name) do update set configured = true where not anchor_attempt.configured`, kinds, names); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			update anchor_attempt a set configured = false
			where configured and not exists (
				select from unnest($1::text[], $2::text[]) as told (kind, name) where told.kind = a.kind and told.name = a.name)`, kinds, names)
		return err
	}))
}

// AddAnchor keeps what a place gave, and that the attempt succeeded. The same
// checkpoint at the same place again changes nothing but the attempt.
func (s *Store) AddAnchor(ctx context.Context, a Anchor) error {
	return translate("keep anchor", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `
			insert into anchor (kind, name, size, note, evidence, anchored_at) values ($1, $2, $3, $4, $5, $6)
			on conflict on constraint anchor_pkey do nothing`,
			a.Kind, a.Name, a.Size, a.Note, a.Evidence, a.AnchoredAt); err != nil {
			return err
		}
		return noteAttempt(ctx, tx, a.Kind, a.Name, a.AnchoredAt, a.Size, nil)
	}))
}

// AnchorFailed notes why the attempt to publish a checkpoint at a place failed.
func (s *Store) AnchorFailed(ctx context.Context, kind, name string, at time.Time, size int64, reason string) error {
	return translate("note attempt to anchor", pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		return noteAttempt(ctx, tx, kind, name, at, size, &reason)
	}))
}

func noteAttempt(ctx context.Context, tx pgx.Tx, kind, name string, at time.Time, size int64, reason *string) error {
	_, err := tx.Exec(ctx, `
		insert into anchor_attempt (kind, name, configured, at, size, error) values ($1, $2, true, $3, $4, $5)
		on conflict (kind, name) do update set at = excluded.at, size = excluded.size, error = excluded.error
		where anchor_attempt.at is null or anchor_attempt.at <= excluded.at`, kind, name, at, size, reason)
	return err
}

// AnchoredSize is the size of the largest checkpoint that is anchored at a
// place; 0 is none.
func (s *Store) AnchoredSize(ctx context.Context, kind, name string) (size int64, err error) {
	err = s.pool.QueryRow(ctx, `select coalesce(max(size), 0) from anchor where kind = $1 and name = $2`, kind, name).Scan(&size)
	return size, translate("read anchor", err)
}

// NewestAnchor returns the size of the registry's largest checkpoint that any
// place has taken, and when; 0 is none.
func (s *Store) NewestAnchor(ctx context.Context) (size int64, at time.Time, err error) {
	err = s.pool.QueryRow(ctx, `
		select coalesce(max(size), 0), coalesce(min(anchored_at) filter (where size = (select max(size) from anchor)), 'epoch') from anchor`).Scan(&size, &at)
	return size, at.UTC(), translate("read anchor", err)
}

// AnchorStates returns every place that is or was configured, by kind and
// name.
func (s *Store) AnchorStates(ctx context.Context) ([]AnchorState, error) {
	rows, err := s.pool.Query(ctx, `
		select t.kind, t.name, t.configured, t.at as attempt_at, t.size as attempt_size, t.error as attempt_error,
			a.size, a.note, a.evidence, a.anchored_at
		from anchor_attempt t
		left join lateral (
			select size, note, evidence, anchored_at from anchor
			where kind = t.kind and name = t.name order by size desc limit 1
		) a on true
		order by t.kind, t.name`)
	if err != nil {
		return nil, translate("list anchors", err)
	}
	states, err := pgx.CollectRows(rows, pgx.RowToStructByName[AnchorState])
	return states, translate("list anchors", err)
}

// Anchors returns what is kept about the registry's checkpoint of a size, by
// kind and name.
func (s *Store) Anchors(ctx context.Context, size int64) ([]Anchor, error) {
	rows, err := s.pool.Query(ctx, `
		select kind, name, size, note, evidence, anchored_at from anchor where size = $1 order by kind, name`, size)
	if err != nil {
		return nil, translate("read anchors", err)
	}
	anchors, err := pgx.CollectRows(rows, pgx.RowToStructByName[Anchor])
	return anchors, translate("read anchors", err)
}
