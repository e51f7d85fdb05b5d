package api

import (
	"net/http"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

func (s *server) showEntry(r *http.Request) (reply, error) {
	policies, err := s.retention.of(r.Context(), principal(r).Ledger)
	if err != nil {
		return reply{}, err
	}
	e, err := s.show(r, variable(r, "id"))
	if err != nil {
		return reply{}, err
	}
	opened, err := s.investigationsOf(r, []audit.Entry{e})
	if err != nil {
		return reply{}, err
	}
	held, err := s.holdsSeen(r)
	view := entryView(e, policies, held, opened[e.Seq])
	if callOf(r).fromArchive {
		view.Status = statusArchived
	}
	return reply{data: view, tagged: true}, err
}

func (s *server) showLog(r *http.Request) (reply, error) {
	e, err := s.show(r, variable(r, "log_id"))
	return reply{data: logDetail(e), tagged: true}, err
}

// show reads one entry by either form of its id.
func (s *server) show(r *http.Request, id string) (audit.Entry, error) {
	row, err := s.row(r, id)
	if err != nil {
		return audit.Entry{}, err
	}
	e := s.read(r, &row)
	if err := covered(r, &e); err != nil {
		return audit.Entry{}, err
	}
	if sensitive(e) {
		if err := s.require(principal(r), audit.ReadSensitive); err != nil {
			return audit.Entry{}, err
		}
	}
	if !principal(r).Can(audit.ReadSensitive) {
		e = audit.Mask(e)
	}
	callOf(r).seen.id = e.EntryID()
	return e, nil
}

func (s *server) row(r *http.Request, id string) (ledger.Row, error) {
	org := principal(r).Ledger
	if eventID, ok := strings.CutPrefix(id, "log_"); ok {
		row, err := s.Log.RowByEventID(r.Context(), org, eventID)
		if err != nil {
			return s.archivedRow(r, row, err)
		}
		return row, nil
	}
	seq, ok := audit.ParseEntryID(id)
	if !ok {
		return ledger.Row{}, audit.Errorf(audit.NotFound, "there is no such entry")
	}
	row, err := s.Log.Row(r.Context(), org, seq)
	// The date in an id must be the entry's. Of an entry that was tampered with
	// it cannot be told, and the entry is shown as what it is.
	if rec, wrong := ledger.ParseRecord(row.Record); wrong == nil && ledger.LeafHash(row.Record) == row.Leaf && audit.EntryID(seq, rec.RecordedAt) != id {
		return row, audit.Errorf(audit.NotFound, "there is no such entry")
	}
	if err != nil {
		return s.archivedRow(r, row, err)
	}
	return row, nil
}
