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
	entries, first, from, err := a.baselineEntries(ctx, row)
	if err != nil {
		return r, err
	}
	var watched []string
	if row.TriggerSeq != nil {
		for i := range entries {
			if entries[i].Seq == *row.TriggerSeq && window.Contains(entries[i].Time()) {
				watched = append(watched, entries[i].EntryID())
			}
		}
	}
	before, during := dataflow.New(dataflow.Bounds{}), dataflow.New(dataflow.Bounds{}, watched...)
	for i := range entries {
		e, into := &entries[i], before
		if window.Contains(e.Time()) {
			if into = during; watched == nil && !row.Request.V.Scope.Covers(e) {
				continue
			}
			r.entries++
		}
		if err := into.Add(e); err != nil {
			return r, err
		}
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
	r.first, r.source = first, audit.Object{"analysis": audit.DataFlowMapping, "version": m.Version, "baseline_from": audit.FormatTime(from)}
	r.result.Basis = basis
	r.files = []analysedFile{
		{"analysis_" + string(audit.DataFlowMapping), "Map of data flows: what could have influenced what", "data_flow.json", "application/json", document.Bytes(), len(m.Nodes)},
		{"data_flow_graphml", "The same as GraphML", "data_flow.graphml", "application/xml", graph.Bytes(), len(m.Nodes)},
		{"data_flow_picture", "The same as a picture", "data_flow.svg", "image/svg+xml", picture.Bytes(), len(m.Nodes)},
	}
	return r, nil
}
