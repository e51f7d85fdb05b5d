package control_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
)

const watched = `
framework: SOC2
edition: of a test
version: 1
metrics:
  - {group: reviews, name: looked_at, check: reviewed, of: population}
  - {group: reviews, name: good, check: reviewed, of: passed}
  - {group: reviews, name: rate, check: reviewed, of: share}
  - {group: reviews, name: held, check: reviewed, of: verdict}
  - {group: trail, name: covered, of: verified}
requirements:
- {id: A, criterion: A, title: Work is reviewed, severity: low, checks: [{id: reviewed, kind: ratio, about: [review], pass: "e.details.?by.orValue('') != ''", compliant_at: 0.5}]}
- {id: B, criterion: B, title: Access is certified, severity: low, checks: [{id: quarterly, kind: cadence, about: [certified], match: "'certified' in e.names", key: e.resource.id, every: P3M}]}
- {id: C, criterion: C, title: A policy is kept, severity: low, checks: [{id: policy, kind: attestation, valid_for: P1Y}]}
`

// figures assesses the first quarter and shows metrics and what is upcoming.
func figures(t *testing.T, facts control.Facts, entries ...audit.Entry) (metrics, upcoming string) {
	t.Helper()
	c, err := control.Parse([]byte(watched))
	if err != nil {
		t.Fatal(err)
	}
	run := control.NewRun([]*control.Catalog{c}, audit.Period{From: quarter.From, Until: facts.AsOf}, &facts)
	for i := range entries {
		run.Observe(&entries[i])
	}
	r := run.Reports()[0]
	var b strings.Builder
	for _, u := range r.Upcoming {
		b.WriteString(u.Requirement + " " + u.Due.Format(time.DateOnly) + " " + string(u.Preparation) + " ")
		json.NewEncoder(&b).Encode([]int64{u.Done, u.Needed, int64(u.Completion)})
	}
	text, err := json.Marshal(r.Metrics)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), b.String()
}

func TestMetricsSayWhatTheChecksSaw(t *testing.T) {
	facts := control.Facts{AsOf: day(30), Verified: control.Tally{Read: 8, Sound: 7}}
	got, _ := figures(t, facts, happened(1, "review", "ada", "x", "by=eve"), happened(2, "review", "ada", "x"), happened(3, "review", "ada", "x", "by=eve"))
	want := `[{"group":"reviews","name":"looked_at","value":3},{"group":"reviews","name":"good","value":2},{"group":"reviews","name":"rate","value":66.7},` +
		`{"group":"reviews","name":"held","value":true},{"group":"trail","name":"covered","value":87.5}]`
	if got != want {
		t.Errorf("metrics are %s, want %s", got, want)
	}
	got, _ = figures(t, control.Facts{AsOf: day(30)})
	none := `"value":null,"reason":"no entry of the period is of the population"}`
	if strings.Count(got, none) != 4 || !strings.Contains(got, `"value":null,"reason":"there was no entry to verify"`) {
		t.Errorf("without entries, metrics are %s", got)
	}
}

func TestUpcomingIsWhatTheRunningIntervalLacks(t *testing.T) {
	first, second := happened(5, "certified", "ada", "crm"), happened(6, "certified", "ada", "erp")
	proof := []control.Proof{{EvidenceID: "ev", Criterion: "C", Date: day(-300)}}
	for _, c := range []struct {
		name    string
		asOf    float64
		entries []audit.Entry
		want    string
	}{
		{"nobody reports", 30, nil, ""},
		{"all did", 30, []audit.Entry{first, second}, "B 2026-04-01 on_track [2,2,100]\n"},
		{"the next quarter is young", 92, []audit.Entry{first, second}, "B 2026-07-01 not_started [0,2,0]\n"},
		{"one of two, late in it", 170, []audit.Entry{first, second, happened(100, "certified", "ada", "crm")}, "B 2026-07-01 at_risk [1,2,50]\n"},
	} {
		if _, got := figures(t, control.Facts{AsOf: day(c.asOf), First: day(0)}, c.entries...); got != c.want {
			t.Errorf("%s: upcoming is %q, want %q", c.name, got, c.want)
		}
	}
	for asOf, want := range map[float64]string{-200: "C 2026-03-07 not_started [0,1,0]\n", 30: "C 2026-03-07 at_risk [0,1,0]\n", 70: "C 2026-03-07 overdue [0,1,0]\n"} {
		facts := control.Facts{AsOf: day(asOf), Proofs: proof}
		if asOf < 0 {
			facts.Proofs[0].Date = day(-300)
		}
		if _, got := figures(t, facts); got != want {
			t.Errorf("as of day %v upcoming is %q, want %q", asOf, got, want)
		}
	}
}

func TestMetricsOfNothingAreRefused(t *testing.T) {
	for bad, want := range map[string]string{
		"{group: reviews, name: good, check: nobody, of: passed}":       "no requirement has",
		"{group: reviews, name: good, check: reviewed, of: sum}":        "nothing that is known",
		"{group: reviews, name: good, check: reviewed, of: verified}":   "of a check or of what was verified",
		"{group: reviews, name: looked_at, check: reviewed, of: share}": "twice",
	} {
		text := strings.Replace(watched, "{group: reviews, name: good, check: reviewed, of: passed}", bad, 1)
		if _, err := control.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want one with %q", bad, err, want)
		}
	}
}
