package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// Investigation is an investigation's row.
type Investigation struct {
	ID           audit.InvestigationID
	Ledger       int32
	CaseNumber   string
	Kind         string // of what, as it stands in the id
	EntrySeq     int64  // of the entry that asked for it, or that records its opening
	OpenedBy     *JSON[audit.Object]
	Type         string
	Title        string
	Request      JSON[audit.InvestigationRequest]
	FromTime     time.Time
	UntilTime    time.Time
	TriggerSeq   *int64
	Status       audit.InvestigationStatus
	Stage        audit.InvestigationStage
	Priority     audit.Severity
	AssignedTo   string
	Investigator *audit.PersonID
	Reviewer     *audit.PersonID
	Hands        []audit.PersonID // who has worked on it
	Version      int
	Round        int
	Undecided    int    // findings that are neither accepted nor rejected
	EndSeq       *int64 // of the ledger when the scope was fixed
	Counts       *JSON[CaseCounts]
	Analyses     JSON[CaseAnalyses]
	Implications *JSON[Implications]
	Result       *JSON[audit.CaseResult]
	ClosedBy     *JSON[audit.Object]
	DueAt        *time.Time
	Reminded     int
	CreatedAt    time.Time
	ChangedAt    time.Time
	ClosedAt     *time.Time
	Handlings    int64 // events of custody of its evidence
	Appointed    int64 // the versions of who investigates and who reviews
}

// CaseCounts is what was counted when the scope was fixed, and when its evidence
// was collected.
type CaseCounts struct {
	Entries    int64 `json:"entries"`     // in the time of the scope
	Users      int64 `json:"users"`       // of these entries, and those that are named
	Collected  int64 `json:"collected"`   // entries of the scope that were stored
	SystemLogs int64 `json:"system_logs"` // entries of systems in the time of the scope
	Sessions   int64 `json:"sessions"`    // of users of the scope
	Changes    int64 `json:"changes"`     // entries of the scope that change something
}

// CaseAnalyses is what became of each analysis.
type CaseAnalyses = map[audit.Analysis]CaseAnalysis

// CaseAnalysis is how far an analysis is. What it found are findings.
type CaseAnalysis struct {
	Status    string   `json:"status"` // queued, in_progress, completed, failed or skipped
	Reason    string   `json:"reason,omitempty"`
	Found     int      `json:"found"`
	Entries   int      `json:"entries"`             // looked at
	Evidence  string   `json:"evidence,omitempty"`  // the item of evidence that holds its result
	Deviation *float64 `json:"deviation,omitempty"` // behavioral_baseline_deviation
	Basis     any      `json:"basis,omitempty"`

	Confidence       *float64 `json:"confidence,omitempty"` // mean over the findings that have one
	ConfidenceReason string   `json:"confidence_reason,omitempty"`

	EndedAt *time.Time `json:"ended_at,omitempty"`
}

// Implications is what accepted findings may mean for compliance. They are
// suggestions: only a person confirms them.
type Implications struct {
	Frameworks []audit.Framework    `json:"frameworks"`
	Violations []PotentialViolation `json:"violations"`
}

// PotentialViolation is a requirement that a finding touches.
type PotentialViolation struct {
	Framework   audit.Framework `json:"framework"`
	Section     string          `json:"section"`
	Description string          `json:"description"`
	Severity    audit.Severity  `json:"severity"`
	Findings    []string        `json:"finding_ids"`
}

// Case is what decides on what may happen to it.
func (i *Investigation) Case() audit.Case {
	c := audit.Case{Status: i.Status, Stage: i.Stage, Priority: i.Priority, Version: i.Version, Round: i.Round, Undecided: i.Undecided, Reminded: i.Reminded}
	c.Hands = i.Hands
	if i.Investigator != nil {
		c.Investigator = *i.Investigator
	}
	if i.Reviewer != nil {
		c.Reviewer = *i.Reviewer
	}
	if i.DueAt != nil {
		c.DueAt = i.DueAt.UTC()
	}
	return c
}

// Hand notes that somebody has worked on it.
func (i *Investigation) Hand(who audit.PersonID) {
	if who != "" && !slices.Contains(i.Hands, who) {
		i.Hands = append(slices.Clone(i.Hands), who)
	}
}

// Period is the time of the scope.
func (i *Investigation) Period() audit.Period {
	return audit.Period{From: i.FromTime.UTC(), Until: i.UntilTime.UTC()}
}

const investigationColumns = `i.id, i.ledger, i.case_number, i.kind, i.entry_seq, i.opened_by, i.type, i.title, i.request, i.from_time, i.until_time, i.trigger_seq,
	i.status, i.stage, i.priority, i.assigned_to, i.investigator, i.reviewer, i.hands, i.version, i.round,
	(select count(*) from investigation_finding f where f.ledger = i.ledger and f.investigation = i.id and f.status = 'candidate') as undecided,
	i.end_seq, i.counts, i.analyses, i.implications, i.result, i.closed_by, i.due_at, i.reminded, i.created_at, i.changed_at, i.closed_at,
	(select coalesce(sum(c.n), 0)::bigint from investigation_evidence v
		cross join lateral (select count(*) as n from custody_event where ledger = v.ledger and evidence = v.id) c
		where v.ledger = i.ledger and v.investigation = i.id) as handlings,
	(select coalesce(sum(p.version), 0)::bigint from person p where p.ledger = i.ledger and p.id in (i.investigator, i.reviewer)) as appointed`

// Investigation returns an organisation's investigation, or NotFound.
func (s *Store) Investigation(ctx context.Context, ledger int32, id audit.InvestigationID) (Investigation, error) {
	return one[Investigation](ctx, s.pool, "read investigation", `select `+investigationColumns+` from investigation i where i.ledger = $1 and i.id = $2`, ledger, id)
}

// InvestigationFilter selects investigations; what is empty selects all.
type InvestigationFilter struct {
	Status, Stage, Priority, Type string
	AssignedTo                    string // a person's id, or whom it was assigned to
	Framework                     audit.Framework
	Period                        audit.Period // of when it was opened
	Hidden                        []string     // names of whom it must not concern
}

// Investigations lists an organisation's investigations, newest first, and counts
// them all.
func (s *Store) Investigations(ctx context.Context, ledger int32, f InvestigationFilter, limit, offset int) (list []Investigation, total int64, err error) {
	where := []string{"i.ledger = @ledger"}
	args := pgx.NamedArgs{"ledger": ledger, "limit": limit, "offset": offset}
	for column, value := range map[string]string{"status": f.Status, "stage": f.Stage, "priority": f.Priority, "type": f.Type} {
		if value != "" {
			where, args[column] = append(where, "i."+column+" = @"+column), value
		}
	}
	if f.AssignedTo != "" {
		where, args["assignee"] = append(where, "(i.investigator = @assignee or i.assigned_to = @assignee)"), f.AssignedTo
	}
	if f.Framework != "" {
		where, args["framework"] = append(where, "i.request::jsonb -> 'compliance_frameworks' ? @framework::text"), f.Framework
	}
	if !f.Period.From.IsZero() {
		where, args["from"] = append(where, "i.created_at >= @from"), f.Period.From
	}
	if !f.Period.Until.IsZero() {
		where, args["until"] = append(where, "i.created_at < @until"), f.Period.Until
	}
	if len(f.Hidden) > 0 {
		where, args["hidden"] = append(where, `not exists (
			select from jsonb_array_elements_text(coalesce(i.request::jsonb -> 'scope' -> 'potential_users', '[]')) u where lower(u) = any (@hidden::text[]))`), lowered(f.Hidden)
	}
	matching := ` from investigation i where ` + strings.Join(where, " and ")
	b := &pgx.Batch{}
	b.Queue(`select `+investigationColumns+matching+` order by i.created_at desc, i.id desc limit @limit offset @offset`, args).Query(into(&list))
	b.Queue(`select count(*)`+matching, args).QueryRow(func(row pgx.Row) error { return row.Scan(&total) })
	err = s.pool.SendBatch(ctx, b).Close()
	return list, total, translate("list investigations", err)
}

func lowered(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = strings.ToLower(t)
	}
	return out
}

// InvestigationsOf returns the investigations that these entries asked for.
func (s *Store) InvestigationsOf(ctx context.Context, ledger int32, seqs []int64) (map[int64]Investigation, error) {
	rows, err := s.pool.Query(ctx, `select `+investigationColumns+` from investigation i where i.ledger = $1 and i.entry_seq = any($2)`, ledger, seqs)
	if err != nil {
		return nil, translate("read investigations", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[Investigation])
	found := make(map[int64]Investigation, len(list))
	for _, i := range list {
		found[i.EntrySeq] = i
	}
	return found, translate("read investigations", err)
}

// LivingInvestigation is an investigation that has not ended, and whose it is.
type LivingInvestigation struct {
	ID           audit.InvestigationID
	Ledger       int32
	Organisation audit.OrganisationID
	Kind         string
	Priority     audit.Severity
}

// LivingInvestigations returns investigations of all organisations that have not
// ended, were changed last before a time, and for which the outbox holds no order,
// after one of them, in the order of ledger and id.
func (s *Store) LivingInvestigations(ctx context.Context, before time.Time, ledger int32, id audit.InvestigationID, limit int) ([]LivingInvestigation, error) {
	rows, err := s.pool.Query(ctx, `
		select i.id, i.ledger, o.id as organisation, i.kind, i.priority from investigation i join organisation o on o.ledger = i.ledger
		where i.status not in ('closed', 'canceled') and i.changed_at < $1 and (i.ledger, i.id) > ($2, $3)
			and not exists (select from outbox b where b.workflow_id = i.id)
		order by i.ledger, i.id limit $4`, before, ledger, id, limit)
	if err != nil {
		return nil, translate("list open investigations", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[LivingInvestigation])
	return list, translate("list open investigations", err)
}

func start(ctx context.Context, tx pgx.Tx, id audit.InvestigationID, ledger int32, o audit.OrganisationID, kind string, p audit.Severity, at time.Time) error {
	return queue(ctx, tx, Start{Workflow: audit.InvestigationWorkflow, WorkflowID: string(id), At: at, Input: audit.InvestigationStart{
		ID: id, Ledger: ledger, Organisation: o, Kind: kind, Priority: p,
	}})
}

func encoded(what string, v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", what, err)
	}
	return string(text), nil
}
