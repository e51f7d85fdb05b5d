package api

import (
	"math"
	"net/http"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// The metrics of a history.
const (
	metricScore  = "score"  // of the assessment stored last; one decimal
	metricIssues = "issues" // created and not resolved at the period's end
	metricFixes  = "fixes"  // applied in the period
)

// How a history goes.
const (
	trendImproving = "improving"
	trendDeclining = "declining"
	trendStable    = "stable"
)

// Why a history has no value at some point.
const (
	reasonNotAssessed = "no assessment is stored of which this could be the score"
	reasonNotByPart   = "assessments are of an organisation and not of a repository, or of what a credential is limited to"
	reasonNotBegun    = "periods that have not begun have no value"
)

var historyParameters = []string{"repository_id", "framework", "metric", "from", "to", "interval"}

// historyBody is document A's answer. reason is ours.
type historyBody struct {
	Metric   string         `json:"metric"`
	Interval audit.Interval `json:"interval"`
	Points   []dataPoint    `json:"data_points"`
	Summary  historySummary `json:"summary"`
	Reason   string         `json:"reason,omitempty"` // why values are null
}

// dataPoint is one period, whole even where the range that was asked for
// begins or ends inside it. Both dates belong to it.
type dataPoint struct {
	Start  string   `json:"period_start"`
	End    string   `json:"period_end"`
	Value  *float64 `json:"value"`
	Change *float64 `json:"change"` // since the value before
}

type historySummary struct {
	Start  *float64 `json:"start_value"`
	End    *float64 `json:"end_value"`
	Change *float64 `json:"total_change"`
	Trend  *string  `json:"trend"`
}

// showHistory answers GET /history.
func (s *server) showHistory(r *http.Request) (reply, error) {
	q := callOf(r).query
	f := audit.Filter{RepositoryID: q.identifier("repository_id"), Framework: q.framework("framework"), Within: principal(r).Constraints}
	metric := q.oneOf("metric", metricScore, metricIssues, metricFixes)
	if metric == "" {
		metric = metricScore
	}
	interval := audit.Interval(q.oneOf("interval", texts(audit.Intervals)...))
	if interval == "" {
		interval = audit.Weekly
	}
	now := s.Clock()
	periods := q.intervals(interval, q.recent(now, DefaultHistoryPeriod))
	if q.err != nil {
		return reply{}, q.err
	}
	values, reason, err := s.history(r, metric, f, periods, now)
	if err != nil {
		return reply{}, err
	}
	points, summary := series(metric, periods, values)
	return reply{data: historyBody{Metric: metric, Interval: interval, Points: points, Summary: summary, Reason: reason}, metadata: coverage(r)}, nil
}

// intervals cuts a period into the points of a history.
func (q *query) intervals(i audit.Interval, p audit.Period) []audit.Period {
	if q.err != nil {
		return nil
	}
	periods, ok := i.Periods(p, MaxHistoryPoints)
	if !ok {
		q.fail("interval", texts(audit.Intervals), "from %s to %s there are more than %d periods of a %s",
			p.From.Format(time.DateOnly), p.Until.Format(time.DateOnly), MaxHistoryPoints, i)
	} else if last := periods[len(periods)-1].Until.AddDate(0, 0, -1); last.Year() > 9999 {
		q.fail("to", nil, "the last period ends after the year 9999")
	}
	return periods
}

// history finds a value for each period, nil where there is none and reason
// says why.
func (s *server) history(r *http.Request, metric string, f audit.Filter, periods []audit.Period, now time.Time) (values []*float64, reason string, err error) {
	values = make([]*float64, len(periods))
	if metric == metricScore {
		return s.scores(r, f, periods, now)
	}
	f.Period.Until = periods[len(periods)-1].Until
	f.Types = []string{ledger.IssueCreated, ledger.IssueResolved} // ever since
	if metric == metricFixes {
		f.Types, f.Period.From = []string{ledger.FixApplied}, periods[0].From
	}
	days, err := s.Log.CountDaily(r.Context(), principal(r).Ledger, f, periods[0].From)
	if err != nil {
		return nil, "", err
	}
	var n float64
	for i, p := range periods {
		if metric == metricFixes {
			n = 0
		}
		for ; len(days) > 0 && days[0].Day.Before(p.Until); days = days[1:] {
			if days[0].Type == ledger.IssueResolved {
				n -= float64(days[0].Entries)
			} else {
				n += float64(days[0].Entries)
			}
		}
		if p.From.After(now) {
			reason = reasonNotBegun
			continue
		}
		value := n
		values[i] = &value
	}
	return values, reason, nil
}

// scores finds for each period the score of the assessment stored last at its
// end: of the framework, or the mean over those that have one.
func (s *server) scores(r *http.Request, f audit.Filter, periods []audit.Period, now time.Time) (values []*float64, reason string, err error) {
	values = make([]*float64, len(periods))
	if f.RepositoryID != "" || !f.Within.Empty() {
		return values, reasonNotByPart, nil
	}
	frameworks := audit.Frameworks
	if f.Framework != "" {
		frameworks = []audit.Framework{f.Framework}
	}
	sums, counts := make([]float64, len(periods)), make([]int, len(periods))
	for _, framework := range frameworks {
		known, err := s.Store.Scores(r.Context(), principal(r).Ledger, framework, periods[len(periods)-1].Until)
		if err != nil {
			return nil, "", err
		}
		var last *float64
		for i, p := range periods {
			for ; len(known) > 0 && !known[0].Assessed.After(p.Until); known = known[1:] {
				last = known[0].Score
			}
			if last != nil && !p.From.After(now) {
				sums[i] += *last
				counts[i]++
			}
		}
	}
	for i, n := range counts {
		if n == 0 {
			if reason = reasonNotAssessed; periods[i].From.After(now) {
				reason = reasonNotBegun
			}
			continue
		}
		mean := math.Round(10*sums[i]/float64(n)) / 10
		values[i] = &mean
	}
	return values, reason, nil
}

// series makes the points, each with its change since the last value before
// it, and sums them up.
func series(metric string, periods []audit.Period, values []*float64) (points []dataPoint, s historySummary) {
	points = make([]dataPoint, len(periods))
	for i, p := range periods {
		v := values[i]
		points[i] = dataPoint{Start: p.From.Format(time.DateOnly), End: p.Until.AddDate(0, 0, -1).Format(time.DateOnly), Value: v}
		if v == nil {
			continue
		}
		if s.Start == nil {
			s.Start = v
		} else {
			points[i].Change = difference(*v, *s.End)
		}
		s.End = v
	}
	if s.Start == nil {
		return points, s
	}
	s.Change = difference(*s.End, *s.Start)
	better := *s.Change
	if metric == metricIssues { // fewer are better
		better = -better
	}
	trend := trendStable
	switch {
	case better > 0:
		trend = trendImproving
	case better < 0:
		trend = trendDeclining
	}
	s.Trend = &trend
	return points, s
}

func difference(a, b float64) *float64 {
	d := math.Round(10*(a-b)) / 10 // of two numbers with one decimal
	return &d
}
