package api

import (
	"context"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// How an export is estimated: a few stretches of the ledger show how long its
// entries are, and the last exports how fast packages are made.
const (
	sampleStretches = 8
	sampleLength    = 25 // entries of a stretch
	measuredExports = 20
	estimateTimeout = 3 * time.Second
)

// estimate notes what e's package will probably weigh and when it will be
// there. What cannot be measured stays unknown, and is null in the answer:
// no match, or no export that was ever completed.
func (s *server) estimate(ctx context.Context, e *store.Export) {
	ctx, cancel := context.WithTimeout(ctx, estimateTimeout)
	defer cancel()
	size, err := s.estimateSize(ctx, e)
	if err == nil && size > 0 {
		e.EstimatedBytes = &size
		var rate float64
		if rate, err = s.throughput(ctx, e.Ledger); err == nil && rate > 0 {
			at := audit.Instant(e.CreatedAt.Add(time.Duration(float64(size) / rate * float64(time.Second))))
			e.EstimatedCompletion = &at
		}
	}
	if err != nil { // an export without an estimate is still an export
		s.Logger.WarnContext(ctx, "export not estimated", "export", e.ID, "error", err)
	}
}

// estimateSize is the number of entries that the export selects times the
// average size of their content, in bytes.
func (s *server) estimateSize(ctx context.Context, e *store.Export) (int64, error) {
	request := e.Request.V
	first, end, _, err := s.Log.Range(ctx, e.Ledger, audit.Filter{Period: request.Period()})
	if err != nil || first < 0 {
		return 0, err
	}
	sel, err := s.selection(ctx, e.Ledger, request)
	if err != nil || len(sel.Types) == 0 {
		return 0, err
	}
	n, err := s.Log.Count(ctx, e.Ledger, first, end, sel)
	if err != nil || n == 0 {
		return 0, err
	}
	var sampled, content int64
	step := max((end-first)/sampleStretches, 1)
	for at := first; at < end && err == nil; at += step {
		for row, rowErr := range s.Log.Matching(ctx, e.Ledger, at, min(at+sampleLength, end), sel) {
			if err = rowErr; err != nil {
				break
			}
			if entry, err := row.Entry(); err == nil {
				sampled++
				content += int64(entry.ContentSize)
			}
		}
	}
	if err != nil || sampled == 0 {
		return 0, err
	}
	return max(n*content/sampled, 1), nil
}

// selection is the request as the searchable columns can answer it: categories
// are families of types, so the types in use decide.
func (s *server) selection(ctx context.Context, org int32, request audit.ExportRequest) (ledger.Selection, error) {
	sel := ledger.Selection{Period: request.Period(), Repositories: request.RepositoryIDs}
	types, err := s.Log.Types(ctx, org)
	for _, t := range types {
		if c, ok := audit.CategoryOf(t.EventType, t.EventClass); ok && slices.Contains(request.Include, c) {
			sel.Types = append(sel.Types, t)
		}
	}
	return sel, err
}

// throughput is how many bytes a second the organisation's last exports made,
// waiting included; 0 when there are none.
func (s *server) throughput(ctx context.Context, org int32) (float64, error) {
	list, _, err := s.Store.Exports(ctx, org, measuredExports, 0)
	var size, seconds float64
	for _, e := range list {
		if e.Artifact != nil && e.CompletedAt != nil && e.CompletedAt.After(e.CreatedAt) {
			size += float64(e.Artifact.V.Size)
			seconds += e.CompletedAt.Sub(e.CreatedAt).Seconds()
		}
	}
	if seconds == 0 {
		return 0, err
	}
	return size / seconds, err
}
