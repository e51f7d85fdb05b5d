package activities

import (
	"context"
	"fmt"
	"math"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/ledger"
)

// Replay makes an assessment again from the same entries, the same catalogues and
// the facts that it states, and returns what comes out: the same, or something is
// wrong with one of them. Returns InvalidState when neither this program nor the
// organisation has such a catalogue, Archived when entries of the period are in the
// archive, and NotFound when the ledger does not have the tree any more that was
// assessed.
func (a *Assessor) Replay(ctx context.Context, id int32, was control.Assessment) (out control.Assessment, err error) {
	if len(was.Reports) == 0 {
		return out, audit.Errorf(audit.InvalidParameter, "the assessment is of no framework")
	}
	var frameworks []audit.Framework
	for _, r := range was.Reports {
		frameworks = append(frameworks, r.Framework)
	}
	catalogs, err := CatalogsOf(frameworks)
	if err != nil {
		return out, err
	}
	if len(catalogs) != len(was.Reports) {
		return out, audit.Errorf(audit.InvalidState, "this program does not have the catalogues of %v", frameworks)
	}
	for i, c := range catalogs {
		r := &was.Reports[i]
		if c.Framework != r.Framework {
			return out, audit.Errorf(audit.InvalidState, "the assessment has %s where this program has %s", r.Framework, c.Framework)
		}
		if catalogs[i], err = a.assessedWith(ctx, id, c, r); err != nil {
			return out, err
		}
	}
	root, err := tlog.ParseHash(was.Root)
	if err != nil {
		return out, audit.Errorf(audit.InvalidParameter, "the assessment states no root")
	}
	tree := ledger.Checkpoint{Origin: was.Ledger, Size: was.End, Root: root}
	out.Facts = was.Facts
	run := control.NewRun(catalogs, audit.Period(was.Reports[0].Period), &out.Facts)
	if err := a.Log.Online(ctx, id, run.Window()); err != nil {
		return out, err
	}
	found, _, err := a.observe(ctx, id, run, ledger.VerifyOptions{First: was.First, End: was.End, Trusted: []ledger.Checkpoint{tree}})
	if err != nil {
		return out, err
	}
	if len(found.Trusted) != 1 || !found.Trusted[0].Holds {
		return out, audit.Errorf(audit.NotFound, "the ledger does not have the tree of %d entries any more that was assessed, root %s", was.End, was.Root)
	}
	out.Ledger, out.First, out.End, out.Root, out.Hash = was.Ledger, found.First, was.End, was.Root, found.Digest
	out.Facts.Verified = verified(&found)
	out.Reports = run.Reports()
	return out, nil
}

// observe verifies a range and shows its entries to a run. broken is the first one
// that cannot be read.
func (a *Assessor) observe(ctx context.Context, id int32, run *control.Run, o ledger.VerifyOptions) (found ledger.Verification, broken, err error) {
	o.Each = func(row *ledger.Row) {
		if row.Bare { // archived, and so not of the window; what was taken otherwise, verification finds
			return
		}
		e, err := row.Entry()
		if err != nil {
			broken = fmt.Errorf("entry %d: %w", row.Seq, err)
			return
		}
		run.Observe(&e)
	}
	found, err = a.Log.VerifyWith(ctx, id, o)
	return found, broken, err
}

// everything is the range from an entry on; none is empty.
func everything(first int64) ledger.VerifyOptions {
	if first < 0 {
		return ledger.VerifyOptions{}
	}
	return ledger.VerifyOptions{First: first, End: math.MaxInt64}
}
