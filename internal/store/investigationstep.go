package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
)

// InvestigationStep is a step of an investigation: a line of its history.
type InvestigationStep struct {
	ID      string
	Version int // of the investigation after it
	Kind    string
	Stage   audit.InvestigationStage // after it
	Actor   JSON[audit.Object]
	Reason  string
	Details JSON[audit.Object]
	At      time.Time
}

// InvestigationSteps returns the history of an investigation, oldest first.
func (s *Store) InvestigationSteps(ctx context.Context, ledger int32, id audit.InvestigationID) ([]InvestigationStep, error) {
	rows, err := s.pool.Query(ctx, `
		select id, version, kind, stage, actor, reason, details, at from investigation_step where ledger = $1 and investigation = $2 order by version`, ledger, id)
	if err != nil {
		return nil, translate("list steps", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[InvestigationStep])
	return list, translate("list steps", err)
}

// InvestigationStep returns a step that was taken, or NotFound.
func (s *Store) InvestigationStep(ctx context.Context, ledger int32, id audit.InvestigationID, step string) (InvestigationStep, error) {
	return one[InvestigationStep](ctx, s.pool, "read step", `
		select id, version, kind, stage, actor, reason, details, at from investigation_step where ledger = $1 and investigation = $2 and id = $3`, ledger, id, step)
}

// StepTaken reports whether an investigation has taken a step.
func (s *Store) StepTaken(ctx context.Context, ledger int32, id audit.InvestigationID, step string) (taken bool, err error) {
	err = s.pool.QueryRow(ctx, `select exists (select from investigation_step where ledger = $1 and investigation = $2 and id = $3)`, ledger, id, step).Scan(&taken)
	return taken, translate("find step", err)
}

// TakeStep stores an investigation as it is after a step, with what belongs to the
// step. i.Version is the version that it had before. Returns InvalidState when it
// has another one by now: whoever commits first wins, and the other looks again.
func TakeStep(i Investigation, step InvestigationStep, with ...Statements) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		actor, err := encoded("actor", step.Actor.V)
		if err != nil {
			return err
		}
		details, err := encoded("details", step.Details.V)
		if err != nil {
			return err
		}
		analyses, err := encoded("analyses", i.Analyses.V)
		if err != nil {
			return err
		}
		counts, err := optionalJSON("counts", i.Counts)
		if err != nil {
			return err
		}
		implications, err := optionalJSON("implications", i.Implications)
		if err != nil {
			return err
		}
		result, err := optionalJSON("result", i.Result)
		if err != nil {
			return err
		}
		closedBy, err := optionalJSON("closer", i.ClosedBy)
		if err != nil {
			return err
		}
		err = change(ctx, tx, "change investigation", `
			update investigation set version = version + 1, title = @title, priority = @priority, status = @status, stage = @stage, round = @round,
				assigned_to = @assignee, investigator = @investigator, reviewer = @reviewer, hands = @hands, end_seq = @end, counts = @counts, analyses = @analyses,
				implications = @implications, result = @result, closed_by = @closed_by, due_at = @due, reminded = @reminded, changed_at = @at, closed_at = @closed_at
			where ledger = @ledger and id = @id and version = @version`, pgx.StrictNamedArgs{
			"ledger": i.Ledger, "id": i.ID, "version": i.Version, "title": i.Title, "priority": i.Priority, "status": i.Status, "stage": i.Stage, "round": i.Round,
			"assignee": i.AssignedTo, "investigator": i.Investigator, "reviewer": i.Reviewer, "hands": handsOf(i), "end": i.EndSeq, "counts": counts, "analyses": analyses,
			"implications": implications, "result": result, "closed_by": closedBy, "due": i.DueAt, "reminded": i.Reminded, "at": step.At, "closed_at": i.ClosedAt,
		})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			insert into investigation_step (ledger, investigation, id, version, kind, stage, actor, reason, details, at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			i.Ledger, i.ID, step.ID, i.Version+1, step.Kind, i.Stage, actor, step.Reason, details, step.At)
		if err != nil {
			return translate("store step", err)
		}
		return each(ctx, tx, with)
	}
}

// Reopen makes an investigation that has ended one that is worked on, sets a legal
// hold unless there is one, and orders its workflow to run again. Returns
// InvalidState when it has not ended.
func Reopen(i Investigation, step InvestigationStep, hold LegalHold, o audit.OrganisationID) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		err := change(ctx, tx, "reopen investigation", `select from investigation where ledger = $1 and id = $2 and status in ('closed', 'canceled') for update`, i.Ledger, i.ID)
		if err == nil {
			err = TakeStep(i, step, InsertLegalHold(hold))(ctx, tx)
		}
		if err != nil {
			return err
		}
		return start(ctx, tx, i.ID, i.Ledger, o, i.Kind, i.Priority, step.At)
	}
}

func handsOf(i Investigation) []string {
	out := make([]string, len(i.Hands))
	for n, who := range i.Hands {
		out[n] = string(who)
	}
	return out
}

func optionalJSON[T any](what string, v *JSON[T]) (*string, error) {
	if v == nil {
		return nil, nil
	}
	text, err := encoded(what, v.V)
	return &text, err
}

// InvestigationNote is what somebody wrote down.
type InvestigationNote struct {
	ID        string
	Author    JSON[audit.Object]
	Body      string
	CreatedAt time.Time
}

// InvestigationNotes returns the notes of an investigation, oldest first.
func (s *Store) InvestigationNotes(ctx context.Context, ledger int32, id audit.InvestigationID) ([]InvestigationNote, error) {
	rows, err := s.pool.Query(ctx, `
		select id, author, body, created_at from investigation_note where ledger = $1 and investigation = $2 order by created_at, id`, ledger, id)
	if err != nil {
		return nil, translate("list notes", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[InvestigationNote])
	return list, translate("list notes", err)
}

// InsertNote adds a note.
func InsertNote(ledger int32, id audit.InvestigationID, n InvestigationNote) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		author, err := encoded("author", n.Author.V)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into investigation_note (ledger, investigation, id, author, body, created_at) values ($1, $2, $3, $4, $5, $6)`,
			ledger, id, n.ID, author, n.Body, n.CreatedAt)
		return translate("store note", err)
	}
}

// PutStepContent keeps what a step says until it is taken. Whoever repeats it finds
// what was there.
func (s *Store) PutStepContent(ctx context.Context, ledger int32, id audit.InvestigationID, step string, c audit.StepContent, at time.Time) error {
	text, err := encoded("step", c)
	if err != nil {
		return err
	}
	_, err = s.pool.Exec(ctx, `
		insert into investigation_step_content (ledger, investigation, id, content, created_at) values ($1, $2, $3, $4, $5)
		on conflict on constraint investigation_step_content_pkey do nothing`, ledger, id, step, text, at)
	return translate("store step", err)
}

// StepContent returns what a step says that was not taken yet, or NotFound.
func (s *Store) StepContent(ctx context.Context, ledger int32, id audit.InvestigationID, step string) (audit.StepContent, error) {
	row, err := one[struct{ Content JSON[audit.StepContent] }](ctx, s.pool, "read step", `
		select content from investigation_step_content where ledger = $1 and investigation = $2 and id = $3`, ledger, id, step)
	return row.Content.V, err
}

// DropStepContent forgets what a step said that is taken.
func DropStepContent(ledger int32, id audit.InvestigationID, step string) Statements {
	return func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `delete from investigation_step_content where ledger = $1 and investigation = $2 and id = $3`, ledger, id, step)
		return translate("forget step", err)
	}
}

// PruneSteps forgets what steps said that nobody has taken since a time.
func (s *Store) PruneSteps(ctx context.Context, before time.Time) (int64, error) {
	tag, err := s.pool.Exec(ctx, `delete from investigation_step_content where created_at < $1`, before)
	return tag.RowsAffected(), translate("prune steps", err)
}
