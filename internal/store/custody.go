package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// CaseEvidence is an item of evidence of an investigation.
type CaseEvidence struct {
	ID            string
	Investigation audit.InvestigationID
	Kind          string
	Title         string
	Source        JSON[audit.Object] // the query that made it, or what its bringer said
	FirstSeq      *int64             // of the ledger range that was read
	EndSeq        *int64
	Items         int64
	Artifact      JSON[audit.Artifact]
	MediaType     string
	FileName      string
	EffectiveFrom *time.Time // of what it holds
	EffectiveTo   *time.Time
	AcquiredAt    time.Time
	AcquiredBy    JSON[audit.Object]
	Round         int
	ErasedAt      *time.Time // when the file was destroyed because it held what was erased
}

const caseEvidenceColumns = `id, investigation, kind, title, source, first_seq, end_seq, items, artifact, media_type, file_name, effective_from, effective_to,
	acquired_at, acquired_by, round, erased_at`

const evidenceOrder = `acquired_at, kind <> 'trigger_entry', id`

// CaseEvidence returns the evidence of an investigation, oldest first: the entry
// that gave rise to it begins.
func (s *Store) CaseEvidence(ctx context.Context, ledger int32, id audit.InvestigationID) ([]CaseEvidence, error) {
	rows, err := s.pool.Query(ctx, `
		select `+caseEvidenceColumns+` from investigation_evidence where ledger = $1 and investigation = $2 order by `+evidenceOrder, ledger, id)
	if err != nil {
		return nil, translate("list evidence", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[CaseEvidence])
	return list, translate("list evidence", err)
}

// CaseEvidenceItem returns an item of evidence of an investigation, or NotFound.
func (s *Store) CaseEvidenceItem(ctx context.Context, ledger int32, id audit.InvestigationID, item string) (CaseEvidence, error) {
	return one[CaseEvidence](ctx, s.pool, "read evidence", `
		select `+caseEvidenceColumns+` from investigation_evidence where ledger = $1 and investigation = $2 and id = $3`, ledger, id, item)
}

// StaleEvidence is an item whose bytes were not compared for long.
type StaleEvidence struct {
	Ledger   int32
	ID       string
	Case     audit.InvestigationID
	Artifact JSON[audit.Artifact]
}

// StaleEvidence returns items of all organisations that were collected, and last
// verified, before a time, oldest first.
func (s *Store) StaleEvidence(ctx context.Context, before time.Time, limit int) ([]StaleEvidence, error) {
	rows, err := s.pool.Query(ctx, `
		select e.ledger, e.id, e.investigation as case, e.artifact from investigation_evidence e
		where e.acquired_at < $1 and e.erased_at is null and not exists (
			select from custody_event c where c.ledger = e.ledger and c.evidence = e.id and c.event in ('verified', 'failed') and c.at >= $1)
		order by coalesce((select max(c.at) from custody_event c where c.ledger = e.ledger and c.evidence = e.id and c.event in ('verified', 'failed')), e.acquired_at), e.id
		limit $2`, before, limit)
	if err != nil {
		return nil, translate("list stale evidence", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[StaleEvidence])
	return list, translate("list stale evidence", err)
}

// CustodyKind is a handling of evidence.
type CustodyKind = string

// The handlings. A transfer is open until its recipient accepts it; failed is a
// verification that found other bytes.
const (
	CustodyCollected   CustodyKind = "collected"
	CustodyAccessed    CustodyKind = "accessed"
	CustodyAnalysed    CustodyKind = "analysed"
	CustodyTransferred CustodyKind = "transferred"
	CustodyAccepted    CustodyKind = "accepted"
	CustodyExported    CustodyKind = "exported"
	CustodyVerified    CustodyKind = "verified"
	CustodyFailed      CustodyKind = "failed"
	CustodySealed      CustodyKind = "sealed"
	CustodyErased      CustodyKind = "erased" // the file held what was erased of somebody
)

// Custody is one handling of an item of evidence.
type Custody struct {
	Evidence  string
	Number    int // from 1, without a gap
	Event     CustodyKind
	Actor     JSON[audit.Object]
	Recipient audit.PersonID
	Reason    string
	Before    string // sha256 that the item has by its record
	After     string // sha256 that was found; of a handling that reads nothing, the same
	Tool      string // and version
	At        time.Time
}

const custodyColumns = `evidence, number, event, actor, recipient, reason, before, after, tool, at`

// custodyOf asks for the handlings of each item by their key. As a join, before the
// tables were analyzed for the first time, the planner compares every handling of the
// ledger with every item: with a thousand cases that takes longer than a request may.
const custodyOf = ` from investigation_evidence e
	cross join lateral (select ` + custodyColumns + ` from custody_event where ledger = e.ledger and evidence = e.id offset 0) handled
	where e.ledger = $1 and`

// CustodyOf returns the chain of custody of an investigation's evidence, by item
// and number.
func (s *Store) CustodyOf(ctx context.Context, ledger int32, id audit.InvestigationID) ([]Custody, error) {
	rows, err := s.pool.Query(ctx, `
		select `+custodyColumns+custodyOf+` e.investigation = $2 order by evidence, number`, ledger, id)
	if err != nil {
		return nil, translate("list custody", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Custody])
	return list, translate("list custody", err)
}

// InsertEvidenceItem adds an item of evidence and the first event of its custody.
func InsertEvidenceItem(ledger int32, e CaseEvidence, tool string) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		source, err := encoded("source", e.Source.V)
		if err != nil {
			return err
		}
		artifact, err := encoded("artifact", e.Artifact.V)
		if err != nil {
			return err
		}
		by, err := encoded("collector", e.AcquiredBy.V)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			insert into investigation_evidence (ledger, investigation, id, kind, title, source, first_seq, end_seq, items, artifact, media_type, file_name,
				effective_from, effective_to, acquired_at, acquired_by, round)
			values (@ledger, @investigation, @id, @kind, @title, @source, @first, @end, @items, @artifact, @media, @file, @from, @to, @at, @by, @round)`,
			pgx.StrictNamedArgs{
				"ledger": ledger, "investigation": e.Investigation, "id": e.ID, "kind": e.Kind, "title": e.Title, "source": source, "first": e.FirstSeq, "end": e.EndSeq,
				"items": e.Items, "artifact": artifact, "media": e.MediaType, "file": e.FileName, "from": e.EffectiveFrom, "to": e.EffectiveTo,
				"at": e.AcquiredAt, "by": by, "round": e.Round,
			})
		if err != nil {
			return translate("store evidence", err)
		}
		return AddCustody(ledger, Custody{
			Evidence: e.ID, Event: CustodyCollected, Actor: e.AcquiredBy, Before: e.Artifact.V.Digest, After: e.Artifact.V.Digest, Tool: tool, At: e.AcquiredAt,
		})(ctx, tx)
	}
}

// AddCustody adds handlings to the chains of their items, each with the next number.
// The ledger's head is locked meanwhile: two never take the same.
func AddCustody(ledger int32, events ...Custody) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		for _, c := range events {
			actor, err := encoded("actor", c.Actor.V)
			if err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `
				insert into custody_event (ledger, evidence, number, event, actor, recipient, reason, before, after, tool, at)
				select @ledger, @evidence, coalesce(max(number), 0) + 1, @event, @actor, @recipient, @reason, @before, @after, @tool, @at
				from custody_event where ledger = @ledger and evidence = @evidence`, pgx.StrictNamedArgs{
				"ledger": ledger, "evidence": c.Evidence, "event": c.Event, "actor": actor, "recipient": c.Recipient, "reason": c.Reason,
				"before": c.Before, "after": c.After, "tool": c.Tool, "at": c.At,
			})
			if err != nil {
				return translate("store custody", err)
			}
		}
		return nil
	}
}

// CustodyBroken says why the chain of custody of these items does not hold, or "":
// each chain begins with the collection, has no gap, no open transfer, and nobody
// has found other bytes than those collected.
func CustodyBroken(items []CaseEvidence, events []Custody) string {
	chains := map[string][]Custody{}
	for _, c := range events {
		chains[c.Evidence] = append(chains[c.Evidence], c)
	}
	for i := range items {
		e := &items[i]
		chain := chains[e.ID]
		if len(chain) == 0 || chain[0].Event != CustodyCollected {
			return fmt.Sprintf("the custody of %s does not begin with its collection", e.ID)
		}
		open := map[audit.PersonID]bool{} // to whom it was handed, and who have not accepted it
		for n := range chain {
			c := &chain[n]
			switch {
			case c.Number != n+1:
				return fmt.Sprintf("event %d of the custody of %s is missing", n+1, e.ID)
			case c.Before != e.Artifact.V.Digest || c.After != c.Before:
				return fmt.Sprintf("%s was found to be other bytes than were collected", e.ID)
			case c.Event == CustodyTransferred:
				open[c.Recipient] = true
			case c.Event == CustodyAccepted:
				delete(open, c.Recipient)
			}
		}
		if to := slices.Sorted(maps.Keys(open)); len(to) > 0 {
			return fmt.Sprintf("the transfer of %s to %s is not accepted", e.ID, to[0])
		}
	}
	return ""
}
