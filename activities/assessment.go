package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
	"github.com/sealbook/sealbook/internal/store"
)

// BeginAssessment takes an assessment over for the calling run and returns its
// state. One that has ended comes back as it is.
func (a *Activities) BeginAssessment(ctx context.Context, start audit.AssessmentStart) (audit.AssessmentStatus, error) {
	row, err := a.Store.BeginAssessment(ctx, start.Ledger, start.ID, activity.GetInfo(ctx).WorkflowExecution.RunID)
	return row.Status, err
}

// AssessPeriod reads the period and stores the result under its digest. Whoever
// repeats it may see a longer ledger and store another result; which of them
// counts, the workflow's history says.
func (a *Activities) AssessPeriod(ctx context.Context, start audit.AssessmentStart) (audit.Artifact, error) {
	row, err := a.Store.Assessment(ctx, start.Ledger, start.ID)
	switch {
	case err != nil:
		return audit.Artifact{}, err
	case row.Status == audit.AssessmentCompleted:
		return row.Artifact.V, nil
	case row.Status.Final():
		return audit.Artifact{}, audit.Errorf(audit.InvalidState, "assessment %s has ended as %s", row.ID, row.Status)
	}
	catalogs, err := a.catalogsOf(ctx, &row)
	if err != nil {
		return audit.Artifact{}, err
	}
	defer a.keepAlive(ctx)()
	if err := a.recall(ctx, &row, catalogs); err != nil {
		return audit.Artifact{}, err
	}
	// Due and not due are as of the request, however long it waits for a worker.
	assessor := Assessor{Log: a.Log, Store: a.Store, Clock: func() time.Time { return row.CreatedAt.UTC() }}
	result, err := assessor.Assess(ctx, row.Ledger, catalogs, row.Period())
	if err != nil {
		return audit.Artifact{}, err
	}
	text, err := json.Marshal(result)
	if err != nil {
		return audit.Artifact{}, fmt.Errorf("encode assessment: %w", err)
	}
	return a.Artifacts.Put(ctx, assessmentPrefix(row.ID), bytes.NewReader(text))
}

func assessmentPrefix(id audit.AssessmentID) string { return "assessments/" + string(id) }

func assessmentKey(id audit.AssessmentID) string { return "assessment/" + string(id) }

// CatalogsOf are the shipped catalogues of frameworks, in the catalogues' order.
func CatalogsOf(frameworks []audit.Framework) ([]*control.Catalog, error) {
	all, err := control.Shipped()
	return slices.DeleteFunc(all, func(c *control.Catalog) bool { return !slices.Contains(frameworks, c.Framework) }), err
}

// readAssessment reads a stored result, which must be the one that its digest
// names.
func (a *Activities) readAssessment(ctx context.Context, from audit.Artifact) (out control.Assessment, err error) {
	text, err := a.readArtifact(ctx, from)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		return out, fmt.Errorf("read assessment: %w", err)
	}
	return out, nil
}

// CompleteAssessment names an assessment whose result is stored.
type CompleteAssessment struct {
	Start  audit.AssessmentStart `json:"start"`
	Result audit.Artifact        `json:"result"`
}

// FinishAssessment completes the assessment in the transaction of its entry,
// which holds the digest of the result and of every catalogue. A cancel that was
// asked for first wins: InvalidState. Of one that is completed already it returns
// what was found.
func (a *Activities) FinishAssessment(ctx context.Context, c CompleteAssessment) ([]Headline, error) {
	row, err := a.Store.Assessment(ctx, c.Start.Ledger, c.Start.ID)
	if err != nil {
		return nil, err
	}
	if row.Status == audit.AssessmentCompleted {
		c.Result = row.Artifact.V
	}
	result, err := a.readAssessment(ctx, c.Result)
	if err != nil {
		return nil, err
	}
	brief := headlines(result.Reports)
	if row.Status == audit.AssessmentCompleted {
		return brief, nil
	}
	// By other requirements nothing is said of what the shipped catalogues found.
	own := len(row.Catalogs) > 0
	var moved *store.Assessed
	if !own {
		moved = gapsOf(&row, result.Reports)
	}
	for i := range result.Reports {
		result.Reports[i] = result.Reports[i].WithoutExceptions()
	}
	summary, err := json.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("encode summary: %w", err)
	}
	var scores []store.Score
	var found []audit.Object
	for _, r := range result.Reports {
		if !own {
			scores = append(scores, store.Score{Framework: r.Framework, Assessed: r.Period.Until, Status: string(r.Status), Score: r.Score, Coverage: r.Coverage})
		}
		found = append(found, audit.Object{"framework": r.Framework, "status": r.Status, "score": r.Score, "coverage": r.Coverage, "floor": r.Floor,
			"catalog_version": r.CatalogVersion, "catalog_digest": r.CatalogDigest, "failing": failing(&r)})
	}
	details := audit.Object{
		"assessment_id": row.ID, "from": audit.FormatTime(row.FromTime), "until": audit.FormatTime(row.UntilTime), "sha256": c.Result.Digest,
		"first_seq": result.First, "end_seq": result.End, "root": result.Root, "frameworks": found,
	}
	if own {
		details["catalogs"] = row.Catalogs
	}
	return brief, a.record(ctx, row.Ledger, assessmentKey(row.ID)+"/completed", audit.TypeComplianceAssessed, details,
		store.CompleteAssessment(row.Ledger, row.ID, c.Result, summary, scores, moved, audit.Instant(a.Clock())))
}

// Headline is what an assessment says of a framework, in a few words: what belongs
// into a history.
type Headline struct {
	Framework audit.Framework `json:"framework"`
	Status    control.Status  `json:"status"`
	Score     *float64        `json:"score"`
	Floor     float64         `json:"floor"`
	Coverage  float64         `json:"coverage"`
}

func headlines(reports []control.Report) (out []Headline) {
	for _, r := range reports {
		out = append(out, Headline{r.Framework, r.Status, r.Score, r.Floor, r.Coverage})
	}
	return out
}

// EndAssessment says how an assessment ended that has no result.
type EndAssessment struct {
	Start  audit.AssessmentStart  `json:"start"`
	Status audit.AssessmentStatus `json:"status"` // failed or canceled
	Reason string                 `json:"reason,omitempty"`
}

// EndAssessment ends an assessment without a result. One that was asked to cancel
// ends canceled, whatever stopped it first; one that has ended is left alone.
// Returns how it ended.
func (a *Activities) EndAssessment(ctx context.Context, end EndAssessment) (audit.AssessmentStatus, error) {
	row, err := a.Store.Assessment(ctx, end.Start.Ledger, end.Start.ID)
	if err != nil || row.Status.Final() {
		return row.Status, err
	}
	if row.CancelRequestedAt != nil {
		end.Status, end.Reason = audit.AssessmentCanceled, ""
	}
	details := audit.Object{"assessment_id": row.ID}
	if end.Reason != "" {
		details["reason"] = end.Reason
	}
	return end.Status, a.record(ctx, row.Ledger, assessmentKey(row.ID)+"/ended", "audit.compliance_assessment_"+string(end.Status), details,
		store.EndAssessment(row.Ledger, row.ID, end.Status, end.Reason))
}
