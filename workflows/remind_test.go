package workflows_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
)

const day = 24 * time.Hour

// RemindSignatory notes which reminder is asked for, how long after the beginning and
// how long before the end.
func (s *reportStage) RemindSignatory(_ context.Context, r activities.RemindSignatory) error {
	s.mu.Lock()
	now := s.now()
	s.reminded = append(s.reminded, fmt.Sprintf("%s on day %g, %g left", r.Notice, days(now.Sub(s.began)), days(r.DueAt.Sub(now))))
	s.mu.Unlock()
	return s.note("remind")
}

// days leaves the microseconds out that are not stored.
func days(d time.Duration) float64 { return d.Round(time.Second).Hours() / 24 }

// waiting is a report that waits for signatures, and what happens to it meanwhile.
func waiting(signatories int) *reportStage {
	return &reportStage{job: activities.ReportJob{MustSign: true}, decided: activities.ReportJob{Status: audit.ReportPending, MustSign: true, Signatories: signatories}}
}

// signs signs the report for whoever's turn it is.
func (s *reportStage) signs(env *testsuite.TestWorkflowEnvironment) {
	s.mu.Lock()
	s.decided.Signatures++
	s.decided.Signed, s.decided.DueAt = s.decided.Signatures == s.decided.Signatories, env.Now().Add(audit.SignatureWait)
	s.mu.Unlock()
	env.SignalWorkflow(audit.SignedSignal, nil)
}

func TestReminders(t *testing.T) {
	t.Parallel()
	type env = testsuite.TestWorkflowEnvironment
	const halfway, lastDay = "halfway on day 15, 15 left", "last_day on day 29, 1 left"
	for name, c := range map[string]struct {
		signatories int
		happens     map[time.Duration]func(*reportStage, *env)
		want        []string
		status      audit.ReportStatus // as which the report ends without a file
	}{
		"signs soon":        {happens: map[time.Duration]func(*reportStage, *env){14 * day: (*reportStage).signs}},
		"signs late":        {happens: map[time.Duration]func(*reportStage, *env){16 * day: (*reportStage).signs}, want: []string{halfway}},
		"signs on that day": {happens: map[time.Duration]func(*reportStage, *env){29*day + time.Hour: (*reportStage).signs}, want: []string{halfway, lastDay}},
		"never decides":     {want: []string{halfway, lastDay}, status: audit.ReportFailed},
		"declines": {status: "declined", want: []string{halfway}, happens: map[time.Duration]func(*reportStage, *env){20 * day: func(s *reportStage, env *env) {
			s.mu.Lock()
			s.decided.Status = audit.ReportFailed
			s.mu.Unlock()
			env.SignalWorkflow(audit.SignedSignal, nil)
		}}},
		"is canceled": {status: audit.ReportCanceled, want: []string{halfway}, happens: map[time.Duration]func(*reportStage, *env){20 * day: func(_ *reportStage, env *env) { env.CancelWorkflow() }}},
		// A signal that decides nothing begins no time anew.
		"is disturbed": {want: []string{halfway, lastDay}, status: audit.ReportFailed, happens: map[time.Duration]func(*reportStage, *env){
			7 * day: func(_ *reportStage, env *env) { env.SignalWorkflow(audit.SignedSignal, nil) }}},
		"two": {signatories: 2, happens: map[time.Duration]func(*reportStage, *env){20 * day: (*reportStage).signs, 49*day + 12*time.Hour: (*reportStage).signs},
			want: []string{halfway, "halfway on day 35, 15 left", "last_day on day 49, 1 left"}},
		"two, the second soon": {signatories: 2, happens: map[time.Duration]func(*reportStage, *env){29*day + time.Hour: (*reportStage).signs, 31 * day: (*reportStage).signs},
			want: []string{halfway, lastDay}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := waiting(max(c.signatories, 1))
			err := runReport(t, s, func(env *env) {
				for after, what := range c.happens {
					env.RegisterDelayedCallback(func() { what(s, env) }, after)
				}
			})
			if (c.status == "") != (s.called("publish") == 1) || c.status == audit.ReportFailed && err == nil || c.status == audit.ReportCanceled && s.end.Status != c.status {
				t.Errorf("it ends with %v, %+v, %q", err, s.end, s.taken())
			}
			if !slices.Equal(s.reminded, c.want) {
				t.Errorf("%q, not %q", s.reminded, c.want)
			}
		})
	}
}

// After an outage, or an operator's Reset, what is due by then comes at once, and of
// two such one.
func TestRemindersThatAreLate(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration][]string{
		10 * day:                {"halfway on day 0, 10 left", "last_day on day 9, 1 left"},
		day + 30*time.Minute:    {"last_day on day 0.020833333333333332, 1 left"},
		12 * time.Hour:          {"last_day on day 0, 0.5 left"},
		audit.SignatureWait / 2: {"halfway on day 0, 15 left", "last_day on day 14, 1 left"},
	} {
		s := waiting(1)
		err := runReport(t, s, func(env *testsuite.TestWorkflowEnvironment) {
			s.due = func() time.Time { return env.Now().Add(left) }
		})
		if err == nil || !slices.Equal(s.reminded, want) {
			t.Errorf("%s before the end: %v %q, not %q", left, err, s.reminded, want)
		}
	}
}

// Whatever comes of a reminder, the signature is waited for.
func TestRemindersThatFail(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]error{"for a while": errors.New("the database is away"), "for good": temporal.NewNonRetryableApplicationError("it is broken", "INVALID_STATE", nil)} {
		s := waiting(1)
		s.fail = map[string]error{"remind": failure}
		err := runReport(t, s, func(env *testsuite.TestWorkflowEnvironment) {
			env.RegisterDelayedCallback(func() { s.signs(env) }, 29*day+12*time.Hour)
		})
		if err != nil || s.called("publish") != 1 || !slices.ContainsFunc(s.reminded, func(r string) bool { return strings.HasPrefix(r, "last_day on day 29,") }) {
			t.Errorf("%s: %v %q", name, err, s.reminded)
		}
	}
	// One that hangs until the report is there does not hold it up.
	s := waiting(1)
	published := make(chan struct{})
	err := runReport(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		s.inside = map[string]func(){"publish": func() { close(published) }, "remind": func() {
			s.signs(env)
			<-published
		}}
	})
	if err != nil || s.called("publish") != 1 || len(s.reminded) != 1 {
		t.Errorf("%v %q", err, s.taken())
	}
}

// A run from before there were reminders has none.
func TestNoRemindersInOldRuns(t *testing.T) {
	t.Parallel()
	s := waiting(1)
	err := runReport(t, s, func(env *testsuite.TestWorkflowEnvironment) {
		env.OnGetVersion("signature-reminders", workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
		env.RegisterDelayedCallback(func() { s.signs(env) }, 29*day+12*time.Hour)
	})
	if err != nil || len(s.reminded) != 0 || s.called("publish") != 1 {
		t.Errorf("%v %q", err, s.taken())
	}
}
