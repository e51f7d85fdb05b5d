package activities

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// How much one activity of a retention run does before it reports.
const (
	retentionLedgers  = 100
	retentionSegments = 100
	// deletedAgain is how long the file of a destroyed segment is deleted again, in
	// case that its deletion failed or its bucket was restored.
	deletedAgain = 30 * 24 * time.Hour
)

// ArchivedOne is a segment that an activity archived.
type ArchivedOne struct {
	Segment string `json:"segment"` // "": nothing is due
	Entries int64  `json:"entries"`
	Bytes   int64  `json:"bytes"`
}

// RetentionLedgers lists the organisations' ledgers after one of them.
func (a *Activities) RetentionLedgers(ctx context.Context, after int32) ([]int32, error) {
	return a.Log.Organisations(ctx, after, retentionLedgers)
}

// ArchiveOrder is of a ledger's entries that were recorded before a time; nil is what
// its policy says.
type ArchiveOrder struct {
	Ledger int32      `json:"ledger"`
	Before *time.Time `json:"before,omitempty"`
}

// ArchiveSegment writes the next segment file of a ledger, reads it back and
// compares it with the tree, and enters it into the registry. Until then nothing is
// taken from the database, and whoever repeats it writes the same file.
func (a *Activities) ArchiveSegment(ctx context.Context, order ArchiveOrder) (done ArchivedOne, err error) {
	ledgerID := order.Ledger
	history, err := a.Store.Retention(ctx, ledgerID)
	if err != nil {
		return done, err
	}
	policy := history.Current().Policy
	logs, scans := policy.Archivable(a.Clock())
	if order.Before != nil {
		logs, scans = *order.Before, *order.Before
	}
	plan, err := a.Log.PlanSegment(ctx, ledgerID, logs, scans, history)
	if err != nil || plan == nil {
		return done, err
	}
	file, err := os.CreateTemp(a.TempDir, "sealbook-segment-*")
	if err != nil {
		return done, fmt.Errorf("make a temporary file: %w", err)
	}
	defer os.Remove(file.Name()) //nolint:errcheck // the system clears its folder for temporary files
	defer file.Close()
	if err := a.Log.WriteSegment(ctx, plan, file, func(n int64) { activity.RecordHeartbeat(ctx, n) }); err != nil {
		return done, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return done, fmt.Errorf("rewind the segment file: %w", err)
	}
	artifact, err := a.Artifacts.Put(ctx, archivePrefix(ledgerID), file)
	if err != nil {
		return done, err
	}
	// What was stored is read back: from now on it is the only copy of what the
	// purge takes.
	stored, err := a.Artifacts.Open(ctx, artifact)
	if err != nil {
		return done, err
	}
	defer stored.Close()
	if err := a.Log.CheckSegment(ctx, ledgerID, plan.ID(), plan.Seqs, stored, nil); err != nil {
		return done, err
	}
	if err := a.Log.RegisterSegment(ctx, plan, artifact); err != nil {
		return done, err
	}
	err = a.record(ctx, ledgerID, "archive/"+plan.ID(), "audit.retention_archived", audit.Object{
		"segment": plan.ID(), "entries": plan.Entries, "sha256": artifact.Digest, "size_bytes": artifact.Size,
		"recorded_from": audit.FormatTime(plan.RecordedFrom), "recorded_until": audit.FormatTime(plan.RecordedUntil),
		"kept_until": audit.FormatTime(plan.KeptUntil), "policy_version": history.Current().Version,
	}, nil)
	return ArchivedOne{plan.ID(), plan.Entries, artifact.Size}, err
}

func archivePrefix(ledgerID int32) string { return "archive/" + strconv.Itoa(int(ledgerID)) }

// PurgeSegments takes the payloads of archived segments out of the database, but
// for those that legal holds keep. What it is about to take is entered into the
// ledger before the first goes.
func (a *Activities) PurgeSegments(ctx context.Context, ledgerID int32) (total ledger.Purged, err error) {
	for after := int64(-1); ; {
		list, err := a.Log.Purgeable(ctx, ledgerID, after, retentionSegments)
		if err != nil {
			return total, err
		}
		for i := range list {
			s := &list[i]
			after = s.Seqs[0].First
			key, ended := "archive/"+s.ID+"/purge", audit.Object(nil)
			if s.OnlineUntil != nil {
				key += "/" + strconv.FormatInt(s.OnlineUntil.Unix(), 10)
				ended = audit.Object{"retrieval_ended": audit.FormatTime(*s.OnlineUntil)}
			}
			details := audit.Object{"segment": s.ID, "entries": s.Entries, "sha256": s.Artifact.Digest, "first": s.Seqs[0].First, "last": s.Seqs[len(s.Seqs)-1].End - 1}
			for k, v := range ended {
				details[k] = v
			}
			// From here on the file is the only copy of what goes.
			if digest, err := a.Artifacts.Digest(ctx, s.Artifact.Key); err != nil {
				return total, err
			} else if digest != s.Artifact.Digest {
				return total, audit.Errorf(audit.Tampered, "the file of %s has the digest %s, not %s: nothing is purged", s.ID, digest, s.Artifact.Digest)
			}
			if err := a.record(ctx, ledgerID, key, "audit.retention_purge", details, nil); err != nil {
				return total, err
			}
			p, err := a.Log.PurgeSegment(ctx, s, func(n int64) error {
				activity.RecordHeartbeat(ctx, n)
				return ctx.Err()
			})
			total.Entries += p.Entries
			total.Held += p.Held
			if err != nil {
				return total, err
			}
		}
		if len(list) < retentionSegments {
			return total, nil
		}
	}
}

// DestroySegments deletes the files whose last promise has ended and of which no
// hold covers an entry.
func (a *Activities) DestroySegments(ctx context.Context, ledgerID int32) (n int, err error) {
	now := audit.Instant(a.Clock())
	history, err := a.Store.Retention(ctx, ledgerID)
	if err != nil {
		return n, err
	}
	for after := int64(-1); ; {
		list, err := a.Log.Expired(ctx, ledgerID, after, retentionSegments)
		if err != nil {
			return n, err
		}
		for i := range list {
			after = list[i].Seqs[0].First
			s := &list[i]
			if _, until := audit.KeptFrom(s.RecordedUntil, history.Since(s.ArchivedAt)); now.Before(until) {
				continue // a policy that was set since promises more
			}
			destroyed, err := a.destroySegment(ctx, &list[i])
			if err != nil {
				return n, err
			}
			if destroyed {
				n++
			}
		}
		if len(list) < retentionSegments {
			break
		}
	}
	replaced, err := a.Log.Replaced(ctx, ledgerID, retentionSegments)
	for i := range replaced {
		if err := a.deleteReplaced(ctx, &replaced[i]); err != nil {
			return n, err
		}
	}
	if err != nil {
		return n, err
	}
	list, err := a.Log.Destroyed(ctx, ledgerID, now.Add(-deletedAgain), retentionSegments)
	for i := range list {
		if err := a.deleteSegment(ctx, &list[i]); err != nil {
			return n, err
		}
	}
	return n, err
}

func (a *Activities) destroySegment(ctx context.Context, s *ledger.ArchivedSegment) (destroyed bool, err error) {
	known, err := a.Log.Holds(ctx, s.Ledger)
	if err != nil {
		return false, err
	}
	held := false
	if len(known) > 0 {
		file, err := a.Artifacts.Open(ctx, s.Artifact)
		if err != nil {
			return false, err
		}
		defer file.Close()
		err = a.Log.CheckSegment(ctx, s.Ledger, s.ID, s.Seqs, file, func(p *ledger.ArchivedPayload, row *ledger.Row, _ *ledger.Record) error {
			if p.Seq%1000 == 0 {
				activity.RecordHeartbeat(ctx, p.Seq)
			}
			if held {
				return nil
			}
			e, err := row.Entry()
			for i := range known {
				held = held || err == nil && known[i].Keeps(&e)
			}
			return err
		})
		if err != nil {
			return false, err
		}
	}
	if held {
		return false, nil
	}
	err = a.Log.DestroySegment(ctx, s, known)
	if audit.CodeOf(err) == audit.InvalidState { // a hold came, or a retrieval: the next run compares again
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, a.deleteSegment(ctx, s)
}

// deleteSegment comes after the registry's entry: should the process die between
// them, the next run deletes the file.
func (a *Activities) deleteSegment(ctx context.Context, s *ledger.ArchivedSegment) error {
	err := a.record(ctx, s.Ledger, "archive/"+s.ID+"/destroyed", "audit.retention_destroyed", audit.Object{
		"segment": s.ID, "entries": s.Entries, "sha256": s.Artifact.Digest, "kept_until": audit.FormatTime(s.KeptUntil),
	}, nil)
	if err != nil {
		return err
	}
	return a.Artifacts.Delete(ctx, s.Artifact.Key)
}

// GiveSpaceBack returns the space of months of which little is left.
func (a *Activities) GiveSpaceBack(ctx context.Context) (freed int64, err error) {
	now := a.Clock().UTC()
	list, err := a.Log.GiveBack(ctx, time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC))
	for _, g := range list {
		freed += g.Before - g.After
	}
	return freed, err
}
