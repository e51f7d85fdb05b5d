package activities

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// eraseArchive writes the segment files of the archive anew that hold personal data
// of the subject. plan counts, and changes no file.
func (a *Activities) eraseArchive(ctx context.Context, e *store.Erasure, plan bool) (counts audit.ErasureCounts, err error) {
	list, err := a.Log.ArchivedSegments(ctx, e.Ledger, audit.Period{}, 0)
	if err != nil {
		return counts, err
	}
	for i := range list {
		if list[i].DestroyedAt != nil {
			continue
		}
		part, err := a.eraseSegment(ctx, e, &list[i], plan)
		if err != nil {
			return counts, fmt.Errorf("erase from %s: %w", list[i].ID, err)
		}
		counts.Add(&part)
	}
	if plan {
		return counts, nil
	}
	return counts, a.deleteUnregistered(ctx, e.Ledger)
}

// deleteUnregistered deletes segment files that no segment names: a run of retention
// died before it registered them, or was refused because of the erasure. Should one
// be registered at this very moment, the purge finds it gone and takes nothing.
func (a *Activities) deleteUnregistered(ctx context.Context, ledgerID int32) error {
	keys, err := a.Artifacts.List(ctx, archivePrefix(ledgerID)+"/")
	if err != nil {
		return err
	}
	list, err := a.Log.ArchivedSegments(ctx, ledgerID, audit.Period{}, 0)
	if err != nil {
		return err
	}
	named := map[string]bool{}
	for i := range list {
		named[list[i].Artifact.Key] = true
	}
	for _, key := range keys {
		if !named[key] {
			if err := a.Artifacts.Delete(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Activities) eraseSegment(ctx context.Context, e *store.Erasure, s *ledger.ArchivedSegment, plan bool) (counts audit.ErasureCounts, err error) {
	if err := a.deleteReplaced(ctx, s); err != nil { // an attempt before this one came so far
		return counts, err
	}
	known, err := a.Log.Holds(ctx, e.Ledger)
	if err != nil {
		return counts, err
	}
	old, err := a.Artifacts.Open(ctx, s.Artifact)
	if err != nil {
		return counts, err
	}
	defer old.Close()
	file, err := os.CreateTemp(a.TempDir, "sealbook-segment-*")
	if err != nil {
		return counts, fmt.Errorf("make a temporary file: %w", err)
	}
	defer os.Remove(file.Name()) //nolint:errcheck // the system clears its folder for temporary files
	defer file.Close()
	found, err := a.Log.EraseSegment(ctx, s, ledger.NewSubject(e.Identifiers.V), known, old, file)
	if err != nil {
		return counts, err
	}
	in := audit.ErasureRunning
	if plan {
		in = audit.ErasureRequested
	}
	part := store.ErasedPart{Counts: found.Counts}
	for _, f := range found.Found {
		part.Seqs, part.Times, part.Held = append(part.Seqs, f.Seq), append(part.Times, f.Time), append(part.Held, f.Held)
		if f.Held {
			counts.Held++
		}
	}
	counts.Add(&found.Counts)
	if plan || !found.Changed {
		if len(found.Found) == 0 && len(found.Counts.Kept) == 0 {
			return counts, nil
		}
		if !plan { // what cannot be erased is found again each time, and was counted in the plan
			part.Counts = audit.ErasureCounts{}
		}
		return counts, a.Store.Keep(ctx, store.KeepErasedArchived(e.ID, in, part))
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return counts, fmt.Errorf("rewind the segment file: %w", err)
	}
	artifact, err := a.Artifacts.Put(ctx, archivePrefix(e.Ledger), file)
	if err != nil {
		return counts, err
	}
	stored, err := a.Artifacts.Open(ctx, artifact)
	if err != nil {
		return counts, err
	}
	defer stored.Close()
	if err := a.Log.CheckSegment(ctx, s.Ledger, s.ID, s.Seqs, stored, nil); err != nil {
		return counts, err
	}
	if err := a.Log.ReplaceSegment(ctx, s, artifact, &found, known, store.KeepErasedArchived(e.ID, in, part)); err != nil {
		if audit.CodeOf(err) == audit.InvalidState { // a hold came: the next attempt compares again
			err = audit.Errorf(audit.Unavailable, "the segment %s has to be looked at again: %w", s.ID, err)
		}
		return counts, err
	}
	// A retrieval may have brought payloads back out of the old file since the
	// entries were gone through.
	again := ledger.Erasure{Ledger: e.Ledger, First: found.First, End: found.End, Subject: ledger.NewSubject(e.Identifiers.V)}
	if err := a.Log.Erase(ctx, again); err != nil {
		return counts, err
	}
	s.Replaces = &s.Artifact
	return counts, a.deleteReplaced(ctx, s)
}

func (a *Activities) deleteReplaced(ctx context.Context, s *ledger.ArchivedSegment) error {
	if s.Replaces == nil {
		return nil
	}
	if err := a.Artifacts.Delete(ctx, s.Replaces.Key); err != nil {
		return err
	}
	return a.Log.ReplacedDeleted(ctx, s)
}
