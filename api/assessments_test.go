package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

const assessed = `{"ledger":"ledger.test/org_test","first_seq":0,"end_seq":1,"root":"r","verification_hash":"h","facts":{},"frameworks":[]}`

// assess completes an assessment of SOC2 whose period ends with a day.
func (b *bench) assess(until string, score *float64) (id string) {
	b.t.Helper()
	id = b.post("full", "~/compliance/assessments", fmt.Sprintf(`{"from":"2024-01-01","to":%q}`, until)).want(http.StatusAccepted).text("data.assessment_id")
	if _, err := b.store.BeginAssessment(b.t.Context(), b.ledger, audit.AssessmentID(id), "run"); err != nil {
		b.t.Fatal(err)
	}
	a, err := b.artifacts.Put(b.t.Context(), "assessments/"+id, bytes.NewReader([]byte(assessed)))
	if err != nil {
		b.t.Fatal(err)
	}
	end, err := time.Parse(time.DateOnly, until)
	if err != nil {
		b.t.Fatal(err)
	}
	b.apply(store.CompleteAssessment(b.ledger, audit.AssessmentID(id), a, json.RawMessage(assessed),
		[]store.Score{{Framework: audit.SOC2, Assessed: end.AddDate(0, 0, 1), Status: "compliant", Score: score, Coverage: 80}}, nil, b.clock.now()))
	return id
}

// completeAssessment does what the worker does for an assessment, in its own code.
func (b *bench) completeAssessment(id audit.AssessmentID) audit.Artifact {
	b.t.Helper()
	row, err := b.store.Assessment(b.t.Context(), b.ledger, id)
	if err != nil {
		b.t.Fatal(err)
	}
	do := &activities.Activities{Log: b.log, Store: b.store, Artifacts: b.artifacts, Clock: b.clock.now}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(do)
	run := func(activity any, args, into any) {
		b.t.Helper()
		v, err := env.ExecuteActivity(activity, args)
		if err == nil {
			err = v.Get(into)
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
	start := audit.AssessmentStart{ID: id, Ledger: b.ledger, Frameworks: row.Frameworks}
	var status audit.AssessmentStatus
	run(do.BeginAssessment, start, &status)
	complete := activities.CompleteAssessment{Start: start}
	run(do.AssessPeriod, start, &complete.Result)
	var found []activities.Headline
	run(do.FinishAssessment, complete, &found)
	run(do.FinishAssessment, complete, &found) // repeated, it changes nothing
	return complete.Result
}

func TestAssessmentsAndTheirHistory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first, second, third := 78.0, 82.4, 85.0
	b.assess("2024-01-07", &first)
	b.assess("2024-01-14", &second)
	id := b.assess("2024-01-21", &third)

	a := b.get("full", "~/compliance/assessments/"+id).want(http.StatusOK)
	if a.text("data.status") != "completed" || a.text("data.result.root") != "r" || a.text("data.sha256") == "" || a.text("data.completed_at") == "" {
		t.Errorf("%s", a.body)
	}
	if got := b.get("full", "~/compliance/assessments/"+id+"/download").want(http.StatusOK); string(got.body) != assessed {
		t.Errorf("%s", got.body)
	}
	b.send(request{method: "DELETE", path: "~/compliance/assessments/" + id, as: "full"}).want(http.StatusConflict)

	// Document A's sample: three weeks, the score at the end of each.
	want := `[{"change":null,"period_end":"2024-01-07","period_start":"2024-01-01","value":78},{"change":4.4,"period_end":"2024-01-14","period_start":"2024-01-08","value":82.4},` +
		`{"change":2.6,"period_end":"2024-01-21","period_start":"2024-01-15","value":85},{"change":0,"period_end":"2024-01-28","period_start":"2024-01-22","value":85}]`
	for _, query := range []string{"", "&framework=soc2", "&metric=score"} {
		h := b.get("full", "~/history?from=2024-01-01&to=2024-01-28"+query).want(http.StatusOK)
		points, _ := h.at("data.data_points")
		if text, err := json.Marshal(points); err != nil || string(text) != want {
			t.Errorf("%s: %s", query, text)
		}
		if h.text("data.summary.trend") != "improving" {
			t.Errorf("%s", h.body)
		}
	}
	for query, why := range map[string]string{"&framework=sox": "no assessment", "&repository_id=r1": "assessments are of an organisation"} {
		h := b.get("full", "~/history?from=2024-01-01&to=2024-01-28"+query).want(http.StatusOK)
		if v, _ := h.at("data.data_points.0.value"); v != nil || !bytes.Contains([]byte(h.text("data.reason")), []byte(why)) {
			t.Errorf("%s: %s", query, h.body)
		}
	}
}
