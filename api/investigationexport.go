package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/casefile"
	"github.com/sealbook/sealbook/internal/store"
)

// exportInvestigation answers POST …/export with a ZIP of the case and its evidence,
// as it is now. The custody of each item knows of it before the first byte is sent.
func (s *server) exportInvestigation(r *http.Request) (reply, error) {
	row, err := s.investigation(r)
	if err != nil {
		return reply{}, err
	}
	if err := s.require(principal(r), audit.ReadSensitive); err != nil { // entries in full
		return reply{}, err
	}
	if _, err := noBody(r); err != nil {
		return reply{}, err
	}
	items, err := s.Store.CaseEvidence(r.Context(), row.Ledger, row.ID)
	if err != nil {
		return reply{}, err
	}
	c := &casefile.Case{ID: string(row.ID), Title: row.Title, Status: string(row.Status), Opened: row.CreatedAt, Exported: s.Clock(), Tool: "sealbook " + s.Version, Parts: map[string][]byte{}}
	var events []store.Custody
	byID := map[string]audit.Artifact{}
	for i := range items {
		if items[i].ErasedAt != nil { // the case says so, and has no file of it
			continue
		}
		a := items[i].Artifact.V
		byID[items[i].ID] = a
		events = append(events, store.Custody{
			Evidence: items[i].ID, Event: store.CustodyExported, Actor: store.JSON[audit.Object]{V: principal(r).Actor()}, Before: a.Digest, After: a.Digest, Tool: c.Tool, At: c.Exported,
		})
		c.Evidence = append(c.Evidence, casefile.Evidence{
			ID: items[i].ID, Kind: items[i].Kind, Title: items[i].Title, FileName: items[i].FileName, MediaType: items[i].MediaType, Digest: a.Digest, Size: a.Size,
			Acquired: items[i].AcquiredAt, By: items[i].AcquiredBy.V.String("id"),
		})
	}
	about := action(r, audit.InvestigationEvent+"exported", investigationResource(row.ID), audit.Object{"investigation_id": row.ID, "items": len(items)})
	about.Severity = audit.SeverityMedium
	if _, err := s.record(r, about, nil, store.AddCustody(row.Ledger, events...)); err != nil {
		return reply{}, err
	}
	if err := s.describeCase(r, &row, items, c); err != nil {
		return reply{}, err
	}
	ctx := r.Context()
	header := http.Header{"Content-Type": {"application/zip"}, "Content-Disposition": {fmt.Sprintf("attachment; filename=%s.zip", row.ID)}}
	return reply{header: header, stream: func(w io.Writer) error {
		return c.Write(w, func(id string) (io.ReadCloser, error) { return s.Artifacts.Open(ctx, byID[id]) })
	}}, nil
}

// describeCase adds what the API says of a case, and the custody of its evidence.
func (s *server) describeCase(r *http.Request, row *store.Investigation, items []store.CaseEvidence, c *casefile.Case) error {
	custody, err := s.Store.CustodyOf(r.Context(), row.Ledger, row.ID)
	if err != nil {
		return err
	}
	evidence := make([]caseEvidenceBody, len(items))
	for i := range items {
		evidence[i] = caseEvidenceView(&items[i], custody)
	}
	for _, h := range custody {
		c.Custody = append(c.Custody, casefile.Custody{
			Evidence: h.Evidence, Event: h.Event, Actor: h.Actor.V.String("id"), Tool: h.Tool, Reason: h.Reason, Number: h.Number, At: h.At,
		})
	}
	view, err := s.investigationView(r, row)
	if err != nil {
		return err
	}
	parts := map[string]any{"investigation.json": view, "evidence.json": evidence}
	for name, list := range map[string]handler{"timeline.json": s.showTimeline, "findings.json": s.listFound, "notes.json": s.listNotes} {
		rep, err := list(r)
		if err != nil {
			return err
		}
		parts[name] = rep.data
	}
	for name, part := range parts {
		text, err := json.MarshalIndent(part, "", "  ")
		if err != nil {
			return fmt.Errorf("encode %s: %w", name, err)
		}
		c.Parts[name] = append(text, '\n')
	}
	return nil
}
