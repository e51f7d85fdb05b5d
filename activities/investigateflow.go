package activities

import (
	"bytes"
	"context"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/dataflow"
	"github.com/sealbook/sealbook/internal/store"
)

// flowBasis is what a map of data flows says in numbers.
type flowBasis struct {
	Nodes    int                  `json:"nodes"`
	Edges    int                  `json:"edges"`
	NewEdges int                  `json:"new_edges"` // that the time before the scope does not have
	Forward  []dataflow.KindCount `json:"could_have_been_influenced"`
	Backward []dataflow.KindCount `json:"could_have_influenced"`
}

// mapDataFlow maps what the entries in the time of the scope say of flows. With an
// entry that gave rise to the investigation it is what that could have influenced,
// and what could have influenced it; without one, the flows of the scope's entries.
func (a *Activities) mapDataFlow(ctx context.Context, row *store.Investigation) (r analysed, err error) {
	window := row.Period()
	usual, why, err := a.baselineSpan(ctx, row)
	if err != nil {
		return r, err
	}
	span, err := a.scopeSpan(ctx, row)
	if err != nil {
		return r, err
	}
	watched, err := a.watchedEntry(ctx, row, &span)
	if err != nil {
		return r, err
	}
	var before, during *dataflow.Builder
	err = a.listen(ctx, row, []caseSpan{usual, span}, func() listener {
		before, during, r.entries = dataflow.NewEdges(dataflow.Bounds{}), dataflow.New(dataflow.Bounds{}, watched...), 0
		return listener{add: func(e *audit.Entry) error {
			into := before
			if window.Contains(e.Time()) {
				if into = during; watched == nil && !row.Request.V.Scope.Covers(e) {
					return nil
				}
				r.entries++
			}
			return into.Add(e)
		}}
	})
	if err != nil {
		return r, err
	}
	g := during.Graph()
	view := dataflow.View{Baseline: before.Graph().Baseline()}
	basis := flowBasis{Forward: []dataflow.KindCount{}, Backward: []dataflow.KindCount{}}
	for _, id := range watched {
		t, err := g.Trigger(id)
		if err != nil {
			return r, err
		}
		// An entry that names nothing but itself has nowhere to lead to, or to come from.
		if len(t.Heads) > 0 {
			if view.Forward, err = g.Forward(t); err != nil {
				return r, err
			}
			basis.Forward, _ = view.Forward.Radius()
		}
		if len(t.Tails) > 0 {
			if view.Backward, err = g.Backward(t); err != nil {
				return r, err
			}
			basis.Backward, _ = view.Backward.Radius()
		}
	}
	m := g.Map(view)
	basis.Nodes, basis.Edges, basis.NewEdges = len(m.Nodes), len(m.Edges), len(view.Baseline.New(g))
	var document, graph, picture bytes.Buffer
	for _, write := range []error{m.JSON(&document), m.GraphML(&graph), m.Drawing().SVG(&picture)} {
		if write != nil {
			return r, write
		}
	}
	r.watched = watched != nil
	r.first, r.source = firstOf(usual, span), audit.Object{"analysis": audit.DataFlowMapping, "version": m.Version, "baseline_from": audit.FormatTime(usual.period.From)}
	r.result.Basis, r.result.Reason = basis, why
	if why != "" {
		r.source["baseline_reason"] = why
	}
	r.files = []analysedFile{
		{"analysis_" + string(audit.DataFlowMapping), "Map of data flows: what could have influenced what", "data_flow.json", "application/json", document.Bytes(), len(m.Nodes)},
		{"data_flow_graphml", "The same as GraphML", "data_flow.graphml", "application/xml", graph.Bytes(), len(m.Nodes)},
		{"data_flow_picture", "The same as a picture", "data_flow.svg", "image/svg+xml", picture.Bytes(), len(m.Nodes)},
	}
	return r, nil
}

// watchedEntry is the entry that gave rise to an investigation, if it is one of its
// time and what it was when it was recorded.
func (a *Activities) watchedEntry(ctx context.Context, row *store.Investigation, s *caseSpan) (ids []string, err error) {
	if row.TriggerSeq == nil || *row.TriggerSeq < s.first || *row.TriggerSeq >= s.end {
		return nil, nil
	}
	one := *s
	one.first, one.end = *row.TriggerSeq, *row.TriggerSeq+1
	for e, err := range a.spanEntries(ctx, row, &one) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, e.EntryID())
	}
	return ids, nil
}
