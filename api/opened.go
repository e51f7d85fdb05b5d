package api

import (
	"net/http"
	"slices"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// opened is the investigation that an entry opened, as document B shows it
// with the entry.
type opened struct {
	Auto       bool                  `json:"auto_created"`
	ID         audit.InvestigationID `json:"investigation_id"`
	Priority   audit.Severity        `json:"priority"`
	AssignedTo string                `json:"assigned_to"`
}

// submission is what a request appends: its events, and in the same
// transaction the investigations that they ask for.
func submission(r *http.Request, events []audit.Event, key *ledger.RequestKey) ledger.Submission {
	sub := ledger.Submission{Events: events, Request: key}
	orders := map[int]audit.InvestigationOrder{}
	for i := range events {
		if o, ok := events[i].InvestigationOrder(); ok {
			orders[i] = o
		}
	}
	if len(orders) > 0 {
		sub.WithNew = store.OpenInvestigations(principal(r).Organisation, principal(r).Ledger, orders)
	}
	return sub
}

// investigationsOf returns what these entries opened, by their numbers.
func (s *server) investigationsOf(r *http.Request, entries []audit.Entry) (map[int64]*opened, error) {
	var seqs []int64
	for _, e := range entries {
		if e.RequiresInvestigation {
			seqs = append(seqs, e.Seq)
		}
	}
	return s.openedBy(r, seqs)
}

func (s *server) openedBy(r *http.Request, seqs []int64) (map[int64]*opened, error) {
	if seqs == nil {
		return nil, nil
	}
	rows, err := s.Store.InvestigationsOf(r.Context(), principal(r).Ledger, seqs)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]*opened, len(rows))
	for seq, i := range rows {
		out[seq] = &opened{Auto: true, ID: i.ID, Priority: i.Priority, AssignedTo: i.AssignedTo}
	}
	return out, nil
}

// addOpened adds to the results of a bulk request what its entries opened.
func (s *server) addOpened(r *http.Request, b *bulk, results []bulkItem) error {
	if !slices.ContainsFunc(b.events, func(e audit.Event) bool { return e.RequiresInvestigation }) {
		return nil
	}
	var seqs []int64
	for _, item := range results {
		if item.Seq != nil {
			seqs = append(seqs, *item.Seq)
		}
	}
	found, err := s.openedBy(r, seqs)
	if err != nil {
		return err
	}
	for i := range results {
		if seq := results[i].Seq; seq != nil {
			results[i].Opened = found[*seq]
		}
	}
	return nil
}
