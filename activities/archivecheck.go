package activities

import (
	"context"
	"io"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

const (
	// CheckArchiveEvery is how often some of the archive's files are read again.
	CheckArchiveEvery = 24 * time.Hour
	// checkedFiles is how many one activity reads before it reports.
	checkedFiles = 50
)

// ArchiveFilesDue is what a run reads again of some ledgers.
type ArchiveFilesDue struct {
	Due  []CheckFiles `json:"due"`  // of ledgers that have files to read
	Last int32        `json:"last"` // the last ledger that was looked at; 0: there is none left
}

// ArchiveFilesDue looks which files of the next ledgers after one are to be read.
func (a *Activities) ArchiveFilesDue(ctx context.Context, after int32) (f ArchiveFilesDue, err error) {
	ids, err := a.Log.Organisations(ctx, after, retentionLedgers)
	if err != nil || a.CheckArchiveIn <= 0 {
		return f, err
	}
	for _, id := range ids {
		due, err := a.Log.FilesDue(ctx, id, a.CheckArchiveIn, CheckArchiveEvery)
		if err != nil {
			return f, err
		}
		if f.Last = id; due.Files > 0 {
			f.Due = append(f.Due, CheckFiles{Due: due})
		}
	}
	return f, nil
}

// CheckFiles orders the reading of due files behind a place.
type CheckFiles struct {
	Due   ledger.FilesDue  `json:"due"`
	After ledger.FilePlace `json:"after"`
}

// CheckedFiles is what was found. What was read is counted from the run's beginning,
// so an attempt whose result was lost counts, too.
type CheckedFiles struct {
	Read    int64             `json:"read"`
	Bad     int64             `json:"bad"`             // of them, those that are lost or damaged
	Names   []string          `json:"names,omitempty"` // the first of the bad ones
	Unread  int64             `json:"unread"`          // files that the store did not give this time
	Problem string            `json:"problem,omitempty"`
	Next    *ledger.FilePlace `json:"next,omitempty"` // there are more
}

// CheckArchiveFiles reads the next of the files that are due. A file that the store
// cannot give, for another reason than that it is not there, holds up no other; a
// store that is away is an error, and is tried again.
func (a *Activities) CheckArchiveFiles(ctx context.Context, order CheckFiles) (done CheckedFiles, err error) {
	list, err := a.Log.DueFiles(ctx, order.Due, order.After, checkedFiles)
	if err != nil {
		return done, err
	}
	for i := range list {
		s := &list[i]
		place := ledger.PlaceOf(s)
		_, err := a.checkFile(ctx, s)
		switch {
		case ctx.Err() != nil:
			return done, ctx.Err()
		case err != nil && a.Artifacts.Ping(ctx) != nil:
			return done, err
		case err != nil:
			if done.Unread++; done.Unread == 1 {
				done.Problem = err.Error()
			}
			activity.GetLogger(ctx).Warn("a file of the archive was not read", "segment", s.ID, "error", err)
		}
		if i == checkedFiles-1 {
			done.Next = &place
		}
	}
	done.Read, done.Bad, done.Names, err = a.Log.FilesRead(ctx, order.Due, audit.MaxBadNames)
	return done, err
}

// checkFile reads a segment's file and notes what is found: with an entry in the
// organisation's ledger, once, when that is another state than before.
func (a *Activities) checkFile(ctx context.Context, s *ledger.ArchivedSegment) (*ledger.SegmentFault, error) {
	fault, err := a.Log.CheckSegmentFile(ctx, s, func(key string) (io.ReadCloser, error) { return a.Artifacts.ReadKept(ctx, key) }, func(seq int64) error {
		activity.RecordHeartbeat(ctx, seq)
		return ctx.Err()
	})
	if err != nil || s.DestroyedAt != nil {
		return fault, err
	}
	details := audit.Object{"segment": s.ID, "first": s.First(), "last": s.Last(), "entries": s.Entries, "sha256": s.Digest}
	eventType, severity := audit.TypeArchiveCheckPassed, audit.SeverityLow
	if fault != nil {
		eventType, severity = audit.TypeArchiveCheckFailed, audit.SeverityCritical
		details["state"], details["reason"] = fault.State, fault.Reason
		if fault.Found != "" {
			details["found_sha256"] = fault.Found
		}
	}
	if s.Problem != nil {
		details["before"] = *s.Problem
	}
	return fault, a.Log.NoteFile(ctx, s, fault, func(key string, with store.Statements) error {
		return a.recordAs(ctx, s.Ledger, severity, key, eventType, details, with)
	})
}
