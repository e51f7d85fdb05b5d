package activities

import (
	"bytes"
	"context"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/internal/evidence"
)

// anchorOf leads from what places outside have of the registry to a tree that
// the entries [first, size) can tell the root of; nil when nothing does.
func (a *Activities) anchorOf(ctx context.Context, ledger int32, first, size int64) (*evidence.Anchor, error) {
	registered, _, err := a.Store.NewestAnchor(ctx)
	if err != nil || registered == 0 || size == 0 {
		return nil, err
	}
	proven, err := a.Log.ProveRegistered(ctx, ledger, registered, size)
	if audit.CodeOf(err) == audit.NotFound || err == nil && proven.Size < first {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	kept, err := a.Store.Anchors(ctx, registered)
	if err != nil {
		return nil, err
	}
	var places []evidence.AnchorPlace
	for _, k := range kept {
		if !bytes.Equal(k.Note, proven.Proof.Checkpoint) {
			continue // about the same tree, signed while the keys were others
		}
		at := anchor.Place{Kind: anchor.Kind(k.Kind), Name: k.Name}
		p := evidence.AnchorPlace{Place: at.String(), AnchoredAt: audit.FormatTime(k.AnchoredAt)}
		switch at.Kind {
		case anchor.KindWitness:
			p.Cosignature = string(k.Evidence)
		case anchor.KindTimestamp:
			p.Token = k.Evidence
		case anchor.KindBucket:
			p.Object = string(k.Evidence)
		}
		places = append(places, p)
	}
	if len(places) == 0 {
		return nil, nil
	}
	return evidence.NewAnchor(proven, places)
}
