package store

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// CaseFacts is what is shown of an investigation besides its row.
type CaseFacts struct {
	Investigator *Person
	Reviewer     *Person
	Tallies      []FindingTally
	Evidence     []CaseEvidence
	Custody      []Custody
}

// CaseFacts returns the facts of investigations of one organisation, in their order,
// in one exchange with the database, however many there are.
func (s *Store) CaseFacts(ctx context.Context, ledger int32, list []Investigation) ([]CaseFacts, error) {
	facts := make([]CaseFacts, len(list))
	if len(list) == 0 {
		return facts, nil
	}
	at, ids := make(map[audit.InvestigationID]*CaseFacts, len(list)), make([]audit.InvestigationID, len(list))
	who := []audit.PersonID{}
	for i := range list {
		ids[i], at[list[i].ID] = list[i].ID, &facts[i]
		for _, p := range []*audit.PersonID{list[i].Investigator, list[i].Reviewer} {
			if p != nil && !slices.Contains(who, *p) {
				who = append(who, *p)
			}
		}
	}
	var people []Person
	var tallies []talliedCase
	var items []CaseEvidence
	var custody []Custody
	b := &pgx.Batch{}
	b.Queue(`select `+personColumns+` from person where ledger = $1 and id = any($2)`, ledger, who).Query(into(&people))
	b.Queue(`select investigation, `+tallyColumns+` from investigation_finding
		where ledger = $1 and investigation = any($2) and status <> 'rejected' group by 1, 2, 3, 4 order by 1, 2, 3, 4`, ledger, ids).Query(into(&tallies))
	b.Queue(`select `+caseEvidenceColumns+` from investigation_evidence where ledger = $1 and investigation = any($2) order by `+evidenceOrder, ledger, ids).Query(into(&items))
	b.Queue(`select `+custodyColumns+custodyOf+` e.investigation = any($2) order by evidence, number`, ledger, ids).Query(into(&custody))
	if err := s.pool.SendBatch(ctx, b).Close(); err != nil {
		return nil, translate("read what is shown of investigations", err)
	}
	known := make(map[audit.PersonID]*Person, len(people))
	for i := range people {
		known[people[i].ID] = &people[i]
	}
	for i := range list {
		if p := list[i].Investigator; p != nil {
			facts[i].Investigator = known[*p]
		}
		if p := list[i].Reviewer; p != nil {
			facts[i].Reviewer = known[*p]
		}
	}
	for _, t := range tallies {
		at[t.Investigation].Tallies = append(at[t.Investigation].Tallies, t.FindingTally)
	}
	of := make(map[string]*CaseFacts, len(items))
	for i := range items {
		f := at[items[i].Investigation]
		f.Evidence, of[items[i].ID] = append(f.Evidence, items[i]), f
	}
	for _, c := range custody {
		if f := of[c.Evidence]; f != nil { // of an item that was added meanwhile
			f.Custody = append(f.Custody, c)
		}
	}
	return facts, nil
}

type talliedCase struct {
	Investigation audit.InvestigationID
	FindingTally
}

func into[T any](list *[]T) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*list, err = pgx.CollectRows(rows, pgx.RowToStructByName[T])
		return err
	}
}
