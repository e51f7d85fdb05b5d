package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"go.temporal.io/sdk/activity"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// How a verification is cut. A segment is what is done again when a worker
// dies; some seconds of work by default. A range that would have more than
// MaxSegments gets longer ones, which bounds the workflow's history.
const (
	DefaultSegmentEntries = 1 << 18
	MaxSegments           = 100
)

// verificationScope is what a verification is of. It is kept in the job's row.
type verificationScope struct {
	First      int64      `json:"first"`
	End        int64      `json:"end"`
	Checked    int64      `json:"checked"`              // entries that match the window
	Tree       string     `json:"tree"`                 // a checkpoint's body; "" of an empty ledger
	Checkpoint string     `json:"checkpoint,omitempty"` // the same, signed, if its last entry is in it
	Segments   [][2]int64 `json:"segments"`             // adjacent half-open ranges
}

// BeginVerification takes a job over for the calling run and returns its
// state. A job that has ended comes back as it is.
func (a *Activities) BeginVerification(ctx context.Context, start audit.VerificationStart) (audit.VerificationStatus, error) {
	v, err := a.Store.BeginVerification(ctx, start.Ledger, start.ID, activity.GetInfo(ctx).WorkflowExecution.RunID)
	return v.Status, err
}

// FrozenVerification is the range that was fixed, in its segments.
type FrozenVerification struct {
	First    int64      `json:"first"`
	End      int64      `json:"end"`
	Segments [][2]int64 `json:"segments"`
}

// FreezeVerification finds the range that the window spans and fixes it and the
// checkpoint. The first to freeze a verification decides; later calls return
// the same.
func (a *Activities) FreezeVerification(ctx context.Context, start audit.VerificationStart) (f FrozenVerification, err error) {
	v, err := a.Store.Verification(ctx, start.Ledger, start.ID)
	if err != nil {
		return f, err
	}
	var scope verificationScope
	if v.Frozen == nil {
		if scope, err = a.verificationScope(ctx, v); err != nil {
			return f, err
		}
		text, err := json.Marshal(scope)
		if err != nil {
			return f, fmt.Errorf("encode scope: %w", err)
		}
		if text, err = a.Store.FreezeVerification(ctx, start.Ledger, start.ID, text); err != nil {
			return f, err
		}
		v.Frozen = (*json.RawMessage)(&text)
	}
	if scope, err = thawed(v); err != nil {
		return f, err
	}
	return FrozenVerification{scope.First, scope.End, scope.Segments}, nil
}

func (a *Activities) verificationScope(ctx context.Context, v store.Verification) (s verificationScope, err error) {
	filter, err := v.Request.V.Filter()
	if err != nil {
		return s, err
	}
	first, end, checked, err := a.Log.WindowRange(ctx, v.Ledger, filter)
	if err != nil {
		return s, err
	}
	// Read after the range: what the range holds is in this tree.
	head, _, err := a.Log.Head(ctx, v.Ledger)
	if err != nil {
		return s, err
	}
	s = verificationScope{First: max(first, 0), End: max(end, 0), Checked: checked}
	width := a.SegmentEntries
	if width == 0 {
		width = DefaultSegmentEntries
	}
	s.Segments = ledger.Ranges(s.First, s.End, width, MaxSegments)
	if head.Size == 0 {
		return s, nil
	}
	s.Tree = head.Body()
	receipt, err := a.Log.Receipt(ctx, v.Ledger, head.Size-1)
	if err != nil { // nothing is signed that does not hold; the segments will find it
		activity.GetLogger(ctx).Warn("the tree that is verified is not signed", "error", err)
		return s, nil
	}
	s.Checkpoint = string(receipt.Proof.Checkpoint)
	return s, nil
}

func thawed(v store.Verification) (s verificationScope, err error) {
	if v.Frozen == nil {
		return s, audit.Errorf(audit.InvalidState, "verification %s is not frozen", v.ID)
	}
	if err := json.Unmarshal(*v.Frozen, &s); err != nil {
		return s, fmt.Errorf("decode scope: %w", err)
	}
	return s, nil
}

// VerifySegment names a segment of a frozen verification.
type VerifySegment struct {
	Start audit.VerificationStart `json:"start"`
	Index int                     `json:"index"`
}

// VerifySegment verifies one segment and keeps what it found in the database,
// because lists of problems do not belong into histories. A segment that is
// kept is not verified again, and neither is one of a completed job: an
// operator may reset the workflow to any point. Returns InvalidState when the
// job ended without a result.
func (a *Activities) VerifySegment(ctx context.Context, s VerifySegment) error {
	v, err := a.Store.Verification(ctx, s.Start.Ledger, s.Start.ID)
	switch {
	case err != nil:
		return err
	case v.Status == audit.VerificationCompleted:
		return nil
	case v.Status.Final():
		return audit.Errorf(audit.InvalidState, "verification %s has ended as %s", v.ID, v.Status)
	}
	scope, err := thawed(v)
	if err != nil {
		return err
	}
	if s.Index < 0 || s.Index >= len(scope.Segments) {
		return audit.Errorf(audit.ValidationFailed, "verification %s has %d segments, not a segment %d", v.ID, len(scope.Segments), s.Index)
	}
	if kept, err := a.Store.HasSegment(ctx, v.Ledger, v.ID, s.Index); err != nil || kept {
		return err
	}
	defer a.keepAlive(ctx)()
	bounds := scope.Segments[s.Index]
	found, err := a.Log.VerifySegment(ctx, v.Ledger, bounds[0], bounds[1])
	if err != nil {
		return err
	}
	if err := a.verifyFiles(ctx, v.Ledger, ledger.Span{First: scope.First, End: scope.End}, &found); err != nil {
		return err
	}
	text, err := json.Marshal(found)
	if err != nil {
		return fmt.Errorf("encode segment: %w", err)
	}
	return a.Store.KeepSegment(ctx, v.Ledger, v.ID, s.Index, text)
}

// verifyFiles reads the files of the archive that belong to a segment of a
// verification of [of.First, of.End), one after the other and each as a stream, and
// adds what is wrong. What is found is noted as a check of the archive notes it.
func (a *Activities) verifyFiles(ctx context.Context, ledgerID int32, of ledger.Span, into *ledger.Segment) error {
	for after := int64(-1); ; {
		list, err := a.Log.SegmentFiles(ctx, ledgerID, of, ledger.Span{First: into.First, End: into.End}, after, retentionSegments)
		if err != nil {
			return err
		}
		for i := range list {
			s := &list[i]
			after = s.First()
			fault, err := a.checkFile(ctx, s)
			if err != nil {
				return err
			}
			if s.DestroyedAt != nil {
				continue // its time came meanwhile
			}
			if into.Files++; fault != nil {
				into.Add(fault.Problem(s))
			}
		}
		if len(list) < retentionSegments {
			return nil
		}
	}
}

// VerificationOutcome is a verification's result in a few words.
type VerificationOutcome struct {
	Verified bool  `json:"verified"`
	Rows     int64 `json:"rows"`
	Problems int64 `json:"problems"`
	Archived int64 `json:"archived,omitempty"` // of the rows, those whose content is in files
	Files    int64 `json:"files,omitempty"`    // that were read
}

// FinishVerification joins the segments, makes sure that every tree that they
// saw extends the one that the verification began with and is in the present
// one, and completes the job. A cancel that was asked for first wins:
// InvalidState. Of a job that is completed already it returns the outcome.
func (a *Activities) FinishVerification(ctx context.Context, start audit.VerificationStart) (VerificationOutcome, error) {
	v, err := a.Store.Verification(ctx, start.Ledger, start.ID)
	if err != nil {
		return VerificationOutcome{}, err
	}
	var result ledger.Summary
	if v.Status == audit.VerificationCompleted {
		if err := json.Unmarshal(*v.Result, &result); err != nil {
			return VerificationOutcome{}, fmt.Errorf("decode result: %w", err)
		}
		return outcome(result), nil
	}
	if result, err = a.joined(ctx, v); err != nil {
		return VerificationOutcome{}, err
	}
	text, err := json.Marshal(result)
	if err != nil {
		return VerificationOutcome{}, fmt.Errorf("encode result: %w", err)
	}
	details := result.Details()
	details["verification_id"], details["tree_size"] = v.ID, result.TreeSize
	details["from"], details["to"] = v.Request.V.From, v.Request.V.To
	if id := v.Request.V.RepositoryID; id != "" {
		details["repository_id"] = id
	}
	return outcome(result), a.recordAs(ctx, v.Ledger, result.Severity(), verificationKey(v.ID)+"/completed", audit.TypeLedgerVerified, details,
		store.CompleteVerification(v.Ledger, v.ID, text, audit.Instant(a.Clock())))
}

func outcome(s ledger.Summary) VerificationOutcome {
	o := VerificationOutcome{Verified: s.Verified, Problems: s.ProblemCount}
	if s.Range != nil {
		o.Rows = s.Range.Count
	}
	if s.Archive != nil {
		o.Archived, o.Files = s.Archive.Entries, s.Archive.FilesRead
	}
	return o
}

// joined makes the result of a verification whose segments are all kept.
func (a *Activities) joined(ctx context.Context, v store.Verification) (s ledger.Summary, err error) {
	scope, err := thawed(v)
	if err != nil {
		return s, err
	}
	kept, err := a.Store.Segments(ctx, v.Ledger, v.ID)
	if err != nil {
		return s, err
	}
	if len(kept) != len(scope.Segments) {
		return s, audit.Errorf(audit.InvalidState, "%d of the %d segments of verification %s are verified", len(kept), len(scope.Segments), v.ID)
	}
	segments := make([]ledger.Segment, len(kept))
	for i, k := range kept {
		if err := json.Unmarshal(k, &segments[i]); err != nil {
			return s, fmt.Errorf("decode segment %d: %w", i, err)
		}
	}
	joined, err := ledger.JoinSegments(segments)
	if err != nil {
		return s, err
	}
	if err := a.sameLedger(ctx, v.Ledger, scope, segments, &joined); err != nil {
		return s, err
	}
	s = joined.Summary(scope.Checked, ledger.MaxProblems, a.Clock())
	s.Checkpoint = scope.Checkpoint
	registered, at, err := a.Store.NewestAnchor(ctx)
	if err != nil {
		return s, err
	}
	anchored, err := a.Log.Anchored(ctx, v.Ledger, s.TreeSize, registered, at)
	s.Anchored = &anchored
	return s, err
}

// sameLedger adds a problem when a tree that was seen on the way is not in the
// present one: entries were rewritten while they were verified.
func (a *Activities) sameLedger(ctx context.Context, ledgerID int32, scope verificationScope, segments []ledger.Segment, into *ledger.Verification) error {
	if scope.Tree == "" {
		return nil
	}
	began, err := ledger.ParseCheckpoint(scope.Tree)
	if err != nil {
		return fmt.Errorf("decode scope: %w", err)
	}
	seen := map[ledger.Checkpoint]bool{}
	trees := []ledger.Checkpoint{began}
	for i := range segments {
		trees = append(trees, segments[i].Tree())
	}
	for _, tree := range trees {
		if seen[tree] || tree.Size == 0 {
			continue
		}
		seen[tree] = true
		e, err := a.Log.Extension(ctx, ledgerID, tree)
		if err != nil {
			return err
		}
		if e.Fault != nil {
			into.Add(*e.Fault)
			return nil
		}
	}
	return nil
}

// EndVerification says how a verification ended that has no result.
type EndVerification struct {
	Start  audit.VerificationStart  `json:"start"`
	Status audit.VerificationStatus `json:"status"` // failed or canceled
	Reason string                   `json:"reason,omitempty"`
}

// EndVerification ends a job without a result. One that was asked to cancel
// ends canceled, whatever stopped it first; one that has ended is left alone.
// Returns how the job ended.
func (a *Activities) EndVerification(ctx context.Context, end EndVerification) (audit.VerificationStatus, error) {
	v, err := a.Store.Verification(ctx, end.Start.Ledger, end.Start.ID)
	if err != nil || v.Status.Final() {
		return v.Status, err
	}
	if v.CancelRequestedAt != nil {
		end.Status, end.Reason = audit.VerificationCanceled, ""
	}
	details := audit.Object{"verification_id": v.ID}
	if end.Reason != "" {
		details["reason"] = end.Reason
	}
	return end.Status, a.record(ctx, v.Ledger, verificationKey(v.ID)+"/ended", "audit.ledger_verification_"+string(end.Status), details,
		store.EndVerification(v.Ledger, v.ID, end.Status, end.Reason))
}

func verificationKey(id audit.VerificationID) string { return "verification/" + string(id) }
