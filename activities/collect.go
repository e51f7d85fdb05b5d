package activities

import (
	"context"
	"io"
	"iter"

	"go.temporal.io/sdk/activity"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/ledger"
)

// CollectPart names a part of a package.
type CollectPart struct {
	Start audit.ExportStart `json:"start"`
	What  string            `json:"what"` // Skeleton or a category
}

// Part describes a collected part; its entries are chunk objects in the
// artifact store.
type Part = evidence.Part

// heartbeatRows is after how many rows a collector says that it lives.
const heartbeatRows = 1000

// CollectPart streams a part of the ledger into chunk objects. It resumes
// after the last whole chunk of an earlier attempt; without its heartbeat it
// starts over and writes the same objects again. Returns Tampered when an
// entry contradicts its hashes.
func (a *Activities) CollectPart(ctx context.Context, p CollectPart) (Part, error) {
	s, err := a.frozen(ctx, p.Start)
	if err != nil {
		return Part{}, err
	}
	var from *evidence.Progress
	if activity.HasHeartbeatDetails(ctx) {
		var last evidence.Progress
		if err := activity.GetHeartbeatDetails(ctx, &last); err == nil {
			from = &last
		}
	}
	c, err := evidence.NewCollector(s, p.What, from, func(name string) (io.WriteCloser, error) {
		return a.Artifacts.Create(ctx, workPrefix(p.Start.ID)+name)
	})
	if err != nil {
		return Part{}, err
	}
	rows, err := a.rows(ctx, p, s, c.Next())
	if err != nil {
		return Part{}, err
	}
	n := 0
	for row, err := range rows {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = c.Add(row)
		}
		if err != nil {
			c.Abandon()
			return Part{}, err
		}
		if n++; n%heartbeatRows == 0 {
			activity.RecordHeartbeat(ctx, c.Progress())
		}
	}
	return c.Close()
}

func (a *Activities) rows(ctx context.Context, p CollectPart, s evidence.Scope, next int64) (iter.Seq2[ledger.Row, error], error) {
	if p.What == Skeleton {
		return a.Log.Rows(ctx, p.Start.Ledger, next, s.End), nil
	}
	sel, err := a.selection(ctx, p.Start, s, audit.Category(p.What))
	if err != nil {
		return nil, err
	}
	return a.Log.Matching(ctx, p.Start.Ledger, next, s.End, sel), nil
}
