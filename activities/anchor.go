package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// Anchor is a place outside where registry checkpoints are published: a
// time-stamp authority, a bucket, a witness.
type Anchor interface {
	Place() anchor.Place
	// Publish returns evidence, verified, that the place has the checkpoint.
	Publish(context.Context, anchor.Statement) (evidence []byte, err error)
}

// AnchorAttempt bounds how long one place may take for one checkpoint, and
// anchorNote how long noting what became of it may take after that. The
// activity is given longer than both.
const (
	AnchorAttempt = 20 * time.Second
	anchorNote    = 5 * time.Second
)

// DueAnchors are the places that do not have the newest checkpoint yet.
type DueAnchors struct {
	Size   int64          `json:"size"` // of the newest checkpoint; 0: none was published
	Places []anchor.Place `json:"places"`
}

// ListDueAnchors compares what was published with what is anchored.
func (a *Activities) ListDueAnchors(ctx context.Context) (DueAnchors, error) {
	due := DueAnchors{Places: []anchor.Place{}}
	newest, err := a.Log.Publication(ctx)
	if err != nil && audit.CodeOf(err) != audit.NotFound {
		return due, err
	}
	due.Size = newest.Size
	for _, at := range a.Anchors {
		p := at.Place()
		size, err := a.Store.AnchoredSize(ctx, string(p.Kind), p.Name)
		if err != nil {
			return due, err
		}
		if size != due.Size { // larger is a matter that AnchorCheckpoint looks into
			due.Places = append(due.Places, p)
		}
	}
	return due, nil
}

// AnchorCheckpoint is a registry checkpoint to publish at a place. All places
// of a round get the same one, so that their evidence stands together.
type AnchorCheckpoint struct {
	Place anchor.Place `json:"place"`
	Size  int64        `json:"size"`
}

// AnchorCheckpoint publishes a checkpoint at a place and keeps the evidence, or
// notes why it could not. Repeating it asks the place nothing once the
// checkpoint, or a later one, is anchored there; a lost answer costs one more
// request. Returns Tampered when the place has seen more of the registry than
// this database holds.
func (a *Activities) AnchorCheckpoint(ctx context.Context, in AnchorCheckpoint) error {
	p := in.Place
	i := slices.IndexFunc(a.Anchors, func(at Anchor) bool { return at.Place() == p })
	if i < 0 {
		return audit.Errorf(audit.InvalidState, "this worker is not told to publish at the %s: start all workers with the same settings", p)
	}
	last, err := a.Store.AnchoredSize(ctx, string(p.Kind), p.Name)
	if err != nil || last == in.Size {
		return err
	}
	if last > in.Size {
		if err := a.ahead(ctx, p, last); audit.CodeOf(err) != audit.Unavailable {
			return a.anchorFailed(ctx, p, in.Size, err)
		}
		return nil // a later round was quicker
	}
	published, err := a.Log.PublicationOf(ctx, in.Size)
	if err != nil {
		return err
	}
	c := published.Checkpoint
	attempt, cancel := context.WithTimeout(ctx, cmp.Or(a.AnchorAttempt, AnchorAttempt))
	defer cancel()
	evidence, err := a.Anchors[i].Publish(attempt, anchor.Statement{
		Checkpoint: c, Note: published.Note, Last: last, Consistency: a.Log.PublicationConsistency,
	})
	if err == nil {
		return a.anchored(ctx, p, published, evidence)
	}
	if ahead := (*anchor.AheadError)(nil); errors.As(err, &ahead) {
		err = a.ahead(ctx, p, ahead.Size)
	}
	return a.anchorFailed(ctx, p, c.Size, err)
}

func (a *Activities) anchored(ctx context.Context, p anchor.Place, what ledger.Publication, evidence []byte) error {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	return a.Store.AddAnchor(ctx, store.Anchor{
		Kind: string(p.Kind), Name: p.Name, Size: what.Size, Note: what.Note, Evidence: evidence, AnchoredAt: audit.Instant(a.Clock()),
	})
}

// anchorFailed notes an error and returns it.
func (a *Activities) anchorFailed(ctx context.Context, p anchor.Place, size int64, err error) error {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if noteErr := a.Store.AnchorFailed(ctx, string(p.Kind), p.Name, audit.Instant(a.Clock()), size, failure(err)); noteErr != nil {
		return errors.Join(err, noteErr)
	}
	return err
}

// afterwards is for writing what became of an attempt, even when the worker
// stops: the place may not give its evidence a second time.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), anchorNote)
}

// ahead tells a place that has seen more because something newer was published
// meanwhile, Unavailable, from one that has seen more than this database holds.
func (a *Activities) ahead(ctx context.Context, p anchor.Place, seen int64) error {
	newest, err := a.Log.Publication(ctx)
	if err != nil && audit.CodeOf(err) != audit.NotFound {
		return err
	}
	if seen <= newest.Size {
		return audit.Errorf(audit.Unavailable, "the %s has a newer checkpoint already", p)
	}
	return audit.Errorf(audit.Tampered, "the %s has seen %d entries of the registry, this database has published %d: it was set back, as by an old backup",
		p, seen, newest.Size)
}

// failure is what people may read of an error: the message that was made for
// them, or that there is none.
func failure(err error) string {
	var e *audit.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("%s: %s", e.Code, e.Message)
	}
	return "INTERNAL: the worker's log says why"
}
