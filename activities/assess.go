package activities

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// proofsPage is how many uploads are read at once.
const proofsPage = 500

// Assessor reads what an assessment is made of. It changes nothing.
type Assessor struct {
	Log   *ledger.Log
	Store *store.Store
	Clock audit.Clock
}

// Assess reads the entries that catalogues need of a period once, verifies each
// on the way, and says what they show. Where no event lies in the period or after
// it, nothing is read, and nothing is known of the ledger, either.
func (a *Assessor) Assess(ctx context.Context, id int32, catalogs []*control.Catalog, period audit.Period) (out control.Assessment, err error) {
	facts := &out.Facts
	facts.AsOf = audit.Instant(a.Clock())
	oldest, err := a.Log.Oldest(ctx, id)
	if err != nil {
		return out, err
	}
	if oldest != nil {
		facts.First = *oldest
	}
	run := control.NewRun(catalogs, period, facts)
	first, _, _, err := a.Log.Range(ctx, id, audit.Filter{Period: run.Window()})
	if err != nil {
		return out, err
	}
	found, broken, err := a.observe(ctx, id, run, everything(first))
	if err != nil {
		return out, err
	}
	d, err := a.Log.Descriptor(ctx, id)
	if err != nil {
		return out, err
	}
	out.Ledger, out.First, out.End = d.Genesis.Origin, found.First, found.Checkpoint.Size
	out.Root, out.Hash = found.Checkpoint.Root.String(), found.Digest
	facts.Verified = verified(&found)
	if facts.Probes, err = a.probes(ctx, id, &found, broken, catalogs); err != nil {
		return out, err
	}
	if facts.Proofs, err = a.proofs(ctx, id); err != nil {
		return out, err
	}
	out.Reports = run.Reports()
	return out, nil
}

// verified counts the entries of a verification that are what the signed tree
// says; of a tree that does not hold there are none.
func verified(v *ledger.Verification) control.Tally {
	t := control.Tally{Read: v.Rows, Sound: v.Rows}
	for kind, n := range v.Counts {
		switch kind {
		case ledger.WrongTree, ledger.Forked, ledger.LostTail:
			t.Sound = 0
		case ledger.WrongRollup: // says nothing of an entry
		default:
			t.Sound = max(0, t.Sound-n)
		}
	}
	return t
}

// probes answers what catalogues ask of the ledger itself.
func (a *Assessor) probes(ctx context.Context, id int32, v *ledger.Verification, broken error, catalogs []*control.Catalog) (map[string]control.Probe, error) {
	tree := v.Counts[ledger.WrongTree] + v.Counts[ledger.Forked] + v.Counts[ledger.LostTail]
	var entries int64
	for kind, n := range v.Counts {
		if kind != ledger.WrongTree && kind != ledger.Forked && kind != ledger.LostTail && kind != ledger.WrongRollup {
			entries += n
		}
	}
	of := func(ok bool, format string, args ...any) control.Probe {
		return control.Probe{OK: &ok, Detail: fmt.Sprintf(format, args...)}
	}
	probes := map[string]control.Probe{
		"chain_verified":        of(entries == 0 && broken == nil && v.Rows > 0, "%d entries were verified, %d problems", v.Rows, entries),
		"checkpoint_consistent": of(tree == 0 && v.Rows > 0, "the tree of %d entries, %d problems", v.Checkpoint.Size, tree),
	}
	if v.Rows == 0 {
		for _, name := range []string{"chain_verified", "checkpoint_consistent"} {
			probes[name] = control.Probe{Detail: "there was no entry to verify"}
		}
	}
	registered, at, err := a.Store.NewestAnchor(ctx)
	if err != nil {
		return nil, err
	}
	anchored, err := a.Log.Anchored(ctx, id, v.Checkpoint.Size, registered, at)
	if err != nil {
		return nil, err
	}
	switch {
	case registered == 0:
		probes["checkpoint_anchored"] = control.Probe{Detail: anchored.Reason}
	case anchored.Through == nil:
		probes["checkpoint_anchored"] = of(false, "%s", anchored.Reason)
	default:
		probes["checkpoint_anchored"] = of(a.Clock().Sub(at) < maxAnchorAge, "anchored through entry %d at %s", *anchored.Through, *anchored.AnchoredAt)
	}
	history, err := a.Store.Retention(ctx, id)
	if err != nil {
		return nil, err
	}
	policy := history.Current().Policy
	var short []string
	for _, c := range catalogs {
		if policy.AuditLogs.RetentionDays < audit.FloorOf(c.Framework) {
			short = append(short, fmt.Sprintf("%s asks for %d days", c.Framework, audit.FloorOf(c.Framework)))
		}
	}
	kept := append([]string{fmt.Sprintf("entries are kept for %d days", policy.AuditLogs.RetentionDays)}, short...)
	probes["retention_floor"] = of(len(short) == 0, "%s", strings.Join(kept, ", "))
	return probes, nil
}

// maxAnchorAge is how old the newest anchor may be for the ledger to count as
// anchored.
const maxAnchorAge = 24 * time.Hour

// proofs are what people uploaded, for each criterion that they named.
func (a *Assessor) proofs(ctx context.Context, id int32) (list []control.Proof, err error) {
	for offset := 0; ; offset += proofsPage {
		page, _, err := a.Store.EvidenceList(ctx, id, store.EvidenceFilter{}, proofsPage, offset)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			for _, criterion := range e.Criteria {
				list = append(list, control.Proof{EvidenceID: string(e.ID), Criterion: criterion, Date: e.Date})
			}
		}
		if len(page) < proofsPage {
			return list, nil
		}
	}
}
