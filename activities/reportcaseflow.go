package activities

import (
	"bytes"
	"context"
	"fmt"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/dataflow"
	"github.com/sealbook/sealbook/internal/report"
	"github.com/sealbook/sealbook/internal/store"
)

// readFlow reads the map of data flows that the newest round left as evidence, and
// makes the picture of it. Its custody knows of the reading first, and of other
// bytes than were collected, which make no picture.
func (a *Activities) readFlow(ctx context.Context, row *store.Report, c *caseRecord) error {
	done := c.Analyses.V[audit.DataFlowMapping]
	switch {
	case done.Status == "" || done.Status == "queued" || done.Status == "in_progress":
		c.noFlow = "data flows are not mapped yet"
		return nil
	case done.Status != "completed":
		c.noFlow = "the mapping of data flows was " + done.Status + because(done.Reason)
		return nil
	case done.Evidence == "":
		c.noFlow = "the mapping of data flows left nothing"
		return nil
	}
	item, err := a.Store.CaseEvidenceItem(ctx, row.Ledger, c.ID, done.Evidence)
	if err != nil {
		return err
	}
	got, err := a.Artifacts.Digest(ctx, item.Artifact.V.Key)
	if audit.CodeOf(err) == audit.NotFound {
		got, err = "missing", nil
	}
	if err != nil {
		return err
	}
	if err := a.noteReading(ctx, row, &item, got); err != nil {
		return err
	}
	if got != item.Artifact.V.Digest {
		c.noFlow = "the map of data flows is not what was collected: see the custody of " + item.ID
		return nil
	}
	content, err := a.readArtifact(ctx, item.Artifact.V)
	if err != nil {
		return err
	}
	c.flow, c.noFlow = pictureOf(content)
	return nil
}

// pictureOf is the picture of a map, or why there is none: a map of another version
// than this program knows is no reason to have no report.
func pictureOf(content []byte) (picture *report.Drawing, why string) {
	m, err := dataflow.ReadMap(bytes.NewReader(content))
	switch {
	case err != nil:
		return nil, err.Error()
	case len(m.Nodes) == 0:
		return nil, "the entries of the scope say nothing of flows"
	}
	return drawn(m.Drawing()), ""
}

// noteReading adds to the custody of an item that a report read it, once for each
// report and outcome.
func (a *Activities) noteReading(ctx context.Context, row *store.Report, item *store.CaseEvidence, got string) error {
	want := item.Artifact.V.Digest
	h := store.Custody{
		Evidence: item.ID, Event: store.CustodyAccessed, Actor: row.RequestedBy, Reason: "read for the report " + string(row.ID), Before: want, After: got, Tool: a.Software,
		At: audit.Instant(a.Clock()),
	}
	severity := audit.SeverityLow
	if got != want {
		h.Event, severity = store.CustodyFailed, audit.SeverityCritical
	}
	details := audit.Object{
		"investigation_id": item.Investigation, "evidence_id": item.ID, "custody_event": h.Event, "sha256_before": want, "sha256_after": got, "report_id": row.ID,
	}
	key := fmt.Sprintf("%s/%s/%s", reportKey(row.ID), h.Event, item.ID)
	return a.recordAs(ctx, row.Ledger, severity, key, audit.TypeCustody, details, store.AddCustody(row.Ledger, h))
}

// drawn hands a drawing over as reports take it.
func drawn(d *dataflow.Drawing) *report.Drawing {
	out := &report.Drawing{Ratio: d.Ratio, TextSize: d.TextSize, Boxes: []report.Box{}, Lines: []report.Line{}, Labels: []report.Label{}, Notes: d.Notes}
	for i := range d.Boxes {
		b := &d.Boxes[i]
		out.Boxes = append(out.Boxes, report.Box{X: b.X, Y: b.Y, W: b.W, H: b.H, Kind: b.Kind.String(), Label: b.Label, Sub: b.Sub, Nodes: b.Nodes, Seed: b.Seed, Forward: b.Forward, Backward: b.Backward, Cut: b.Cut})
	}
	for i := range d.Lines {
		l := &d.Lines[i]
		out.Lines = append(out.Lines, report.Line{Points: l.Points, Kind: l.Kind.String(), New: l.New, Mentions: l.Mentions})
	}
	for _, l := range d.Labels {
		out.Labels = append(out.Labels, report.Label{X: l.X, Y: l.Y, Text: l.Text, Strong: l.Strong})
	}
	return out
}
