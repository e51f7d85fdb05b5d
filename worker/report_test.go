package worker_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/mail"
	"github.com/sealbook/sealbook/internal/sign"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger/ledgertest"
	"github.com/sealbook/sealbook/workflows"
)

// notary gives a system a certificate and a mail provider.
func (s *system) notary() (roots *x509.CertPool, mails *mail.Outbox) {
	s.t.Helper()
	made, err := sign.Development(s.activities.Clock())
	if err != nil {
		s.t.Fatal(err)
	}
	identity, err := sign.LoadPEM(made.Certificates, made.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(made.Root)
	mails = &mail.Outbox{Dir: s.t.TempDir(), Clock: audit.SystemClock}
	server := httptest.NewServer(mails)
	s.t.Cleanup(server.Close)
	s.activities.Notary = &activities.Notary{Identity: identity}
	s.activities.Mail = &mail.Sender{Key: "k", From: "reports@example.com", BaseURL: server.URL}
	return roots, mails
}

// officer puts a person into the directory who may sign.
func (s *system) officer() audit.PersonID {
	s.t.Helper()
	return s.signer("officer")
}

func (s *system) signer(name string) audit.PersonID {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(s.t.Context(), `
		insert into person (id, ledger, email, name, roles, status, created_by, created_at, changed_at, password, totp_secret)
		values ('user_' || $2, $1, $2 || '@example.com', 'Officer', '{compliance_officer}', 'active', 'test', now(), now(), 'x', 'x')`, s.ledger, name)
	if err != nil {
		s.t.Fatal(err)
	}
	return audit.PersonID("user_" + name)
}

// orderReport does what the API does for POST /reports.
func (s *system) orderReport(signatory *audit.PersonID, to ...string) store.Report {
	s.t.Helper()
	return s.orderReportOf(summaryRequest(to), signatory, nil)
}

// orderCountersigned orders a report that further people sign.
func (s *system) orderCountersigned(signatory *audit.PersonID, then []audit.PersonID, to ...string) store.Report {
	s.t.Helper()
	return s.orderReportOf(summaryRequest(to), signatory, then)
}

func summaryRequest(to []string) audit.ReportRequest {
	return audit.ReportRequest{Type: audit.ComplianceSummaryReport, Framework: audit.SOC2, Period: audit.ReportPeriod{Start: "2024-01-01", End: "2024-03-31"}, Format: audit.ReportPDF, Distribution: to}
}

func (s *system) orderReportOf(r audit.ReportRequest, signatory *audit.PersonID, then []audit.PersonID) store.Report {
	s.t.Helper()
	exportMu.Lock()
	exportCount++
	id := audit.ReportID(fmt.Sprintf("report_%d_%d", os.Getpid(), exportCount))
	exportMu.Unlock()
	if signatory != nil {
		r.Signature = &audit.SignatureRequest{Required: true, Signatory: string(*signatory), Meaning: "approval"}
		for _, who := range then {
			r.Signature.Countersigners = append(r.Signature.Countersigners, audit.Countersigner{Signatory: string(who), Meaning: "review"})
		}
	}
	row := store.Report{ID: id, Ledger: s.ledger, Request: store.JSON[audit.ReportRequest]{V: r}, FromTime: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), UntilTime: time.Date(2024, 4, 1, 0, 0, 0, 0, time.UTC),
		RequestedBy: store.JSON[audit.Object]{V: audit.Object{"type": "api_key", "id": "k"}}, Signatory: signatory, Countersigners: then, CreatedAt: audit.SystemClock()}
	s.append("audit.report_requested", audit.Object{"report_id": id}, store.InsertReport(row, "org_test"))
	s.relay.Wake()
	return row
}

func (s *system) report(id audit.ReportID) store.Report {
	s.t.Helper()
	r, err := s.store.Report(s.t.Context(), s.ledger, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// signReport signs as the one whose turn it is, and has the next told, as the API does.
func (s *system) signReport(id audit.ReportID, who audit.PersonID) {
	s.t.Helper()
	r := s.report(id)
	given, err := s.store.SignaturesOf(s.t.Context(), s.ledger, id)
	if err != nil {
		s.t.Fatal(err)
	}
	of, now := r.Signatories()[len(given)], audit.Instant(s.activities.Clock())
	g := store.Signature{ID: fmt.Sprintf("esig_%s_%d", id, of.Turn), Ledger: s.ledger, Report: id, Turn: of.Turn, Person: who, PrintedName: "Officer", Meaning: of.Meaning, Digest: r.Draft.V.Digest,
		Components: []string{"password", "totp"}, SignedAt: now}
	var next []store.Statements
	if all := r.Signatories(); of.Turn < len(all) {
		next = append(next, store.InsertNotice(store.NewNotice("org_test", &r, all[of.Turn], audit.NoticeAsked, now)))
	}
	s.append("audit.signature_executed", audit.Object{"report_id": id}, store.Sign(g, store.TakeCode(g.Person, time.Now().UnixNano(), g.SignedAt), now.Add(audit.SignatureWait), next...))
	s.relay.Wake()
}

func (s *system) sealed(r store.Report, roots *x509.CertPool) sign.Signature {
	s.t.Helper()
	if r.Status != audit.ReportGenerated {
		s.t.Fatalf("the report is %s: %v", r.Status, r.Error)
	}
	f, err := s.artifacts.Open(s.t.Context(), r.Artifact.V)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	pdf, err := io.ReadAll(f)
	if err != nil {
		s.t.Fatal(err)
	}
	all, err := sign.Verify(pdf, roots, nil)
	if err != nil || len(all) != 1 || len(all[0].Problems) > 0 {
		s.t.Fatalf("%+v, %v", all, err)
	}
	return all[0]
}

// TestReportAsAJob: sealed and sent; what the provider says ends the distribution.
func TestReportAsAJob(t *testing.T) {
	s := newSystem(t)
	roots, mails := s.notary()
	ledgertest.Append(t, s.log, s.ledger, 0, 300)
	s.work()
	id := s.orderReport(nil, "one@example.com", "two@example.com").ID
	s.eventually("the report has ended", func() bool { return s.report(id).Status.Final() })
	s.sealed(s.report(id), roots)
	s.record(audit.ExportID(id), "report_generated")
	deliveries := func() []store.Delivery {
		list, err := s.store.Deliveries(t.Context(), s.ledger, id)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	s.eventually("both mails are accepted", func() bool {
		list := deliveries()
		return len(list) == 2 && list[0].State == audit.DeliveryAccepted && list[1].State == audit.DeliveryAccepted
	})
	for i, d := range deliveries() {
		now := audit.SystemClock()
		state := []audit.DeliveryState{audit.DeliveryDelivered, audit.DeliveryBounced}[i]
		if _, err := s.store.NoteDelivery(t.Context(), store.DeliveryEvent{ID: fmt.Sprint("e", i), Delivery: d.ID, Event: string(state), At: now, State: state}, now); err != nil {
			t.Fatal(err)
		}
	}
	s.relay.Wake()
	s.eventually("the ledger says what became of the mails", func() bool { return s.entries(audit.TypeReportDistributed) == 1 })
	s.record(audit.ExportID(deliveries()[0].Distribution), "distribution_ended")
	if list, err := mails.List(); err != nil || len(list) != 2 {
		t.Errorf("%d mails, %v", len(list), err)
	}
}

// TestReportThatAPersonSigns: the signature wakes the workflow.
func TestReportThatAPersonSigns(t *testing.T) {
	s := newSystem(t)
	roots, _ := s.notary()
	who := s.officer()
	ledgertest.Append(t, s.log, s.ledger, 0, 100)
	s.work()
	id := s.orderReport(&who).ID
	s.eventually("the report waits for its signature", func() bool { return s.report(id).Status == audit.ReportPending })
	s.signReport(id, who)
	s.eventually("the report has ended", func() bool { return s.report(id).Status.Final() })
	if seal := s.sealed(s.report(id), roots); seal.Name != "Officer" || seal.Reason != "Approval" {
		t.Errorf("%+v", seal)
	}
	s.record(audit.ExportID(id), "report_signed_reminders")
}

// TestReportThatTwoPeopleSign: the first signature leaves the workflow waiting for
// the second.
func TestReportThatTwoPeopleSign(t *testing.T) {
	s := newSystem(t)
	roots, _ := s.notary()
	first, second := s.officer(), s.signer("second")
	ledgertest.Append(t, s.log, s.ledger, 0, 100)
	s.work()
	id := s.orderCountersigned(&first, []audit.PersonID{second}).ID
	s.eventually("the report waits for its signatures", func() bool { return s.report(id).Status == audit.ReportPending })
	s.signReport(id, first)
	time.Sleep(time.Second) // for a workflow that would take one for all
	if r := s.report(id); r.Status != audit.ReportPending || r.Artifact != nil {
		t.Fatalf("%+v", r)
	}
	s.signReport(id, second)
	s.eventually("the report has ended", func() bool { return s.report(id).Status.Final() })
	if seal := s.sealed(s.report(id), roots); seal.Name != "Officer, Officer" || seal.Reason != "Approval, Review" {
		t.Errorf("%+v", seal)
	}
	s.record(audit.ExportID(id), "report_countersigned_reminders")
}

// TestReportWithoutACertificate: nothing is sealed with nothing, and the report
// says what is missing.
func TestReportWithoutACertificate(t *testing.T) {
	s := newSystem(t)
	s.work()
	id := s.orderReport(nil).ID
	s.eventually("the report has ended", func() bool { return s.report(id).Status.Final() })
	if r := s.report(id); r.Status != audit.ReportFailed || r.Error == nil || s.entries("audit.report_failed") != 1 {
		t.Errorf("%s %v", r.Status, r.Error)
	}
}

// recipients is how many get the report of TestReportSurvivesEveryStep.
const recipients = 400

// TestReportSurvivesEveryStep: each attempt of each activity is lost once after it
// was done, as when the worker dies before it can say so. There is one report, one
// signature of each of three people, and one mail for each of 400 recipients.
func TestReportSurvivesEveryStep(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	roots, mails := s.notary()
	signatories := []audit.PersonID{s.officer(), s.signer("second"), s.signer("third")}
	ledgertest.Append(t, s.log, s.ledger, 0, 100)
	id := s.orderCountersigned(&signatories[0], signatories[1:]).ID
	lost := s.perform(audit.ReportWorkflow, audit.ReportStart{ID: id, Ledger: s.ledger, Organisation: "org_test"}, func(env *testsuite.TestWorkflowEnvironment) {
		for i, who := range signatories {
			env.RegisterDelayedCallback(func() {
				s.signReport(id, who)
				env.SignalWorkflow(audit.SignedSignal, nil)
			}, time.Duration(i+1)*time.Hour)
		}
	})
	if lost < 6 {
		t.Errorf("only %d attempts were lost", lost)
	}
	r := s.report(id)
	s.sealed(r, roots)
	if given, err := s.store.SignaturesOf(t.Context(), s.ledger, id); err != nil || len(given) != len(signatories) {
		t.Errorf("%d signatures, %v", len(given), err)
	}
	for _, what := range []string{audit.TypeSignatureRequested, audit.TypeReportGenerated} {
		if n := s.entries(what); n != 1 {
			t.Errorf("%d entries %s", n, what)
		}
	}
	to := make([]string, recipients)
	for i := range to {
		to[i] = fmt.Sprintf("reader%d@example.com", i)
	}
	d := store.NewDistribution("org_test", &r, to, audit.SystemClock(), "")
	s.append("audit.report_distribution_requested", nil, store.InsertDistribution(d))
	start := audit.DistributionStart{ID: d.ID, Report: id, Ledger: s.ledger, Organisation: "org_test"}
	if lost := s.perform(audit.DistributionWorkflow, start); lost < recipients {
		t.Errorf("only %d attempts were lost", lost)
	}
	sent := map[string]int{}
	list, err := mails.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		sent[m.To]++
	}
	for _, address := range to {
		if sent[address] != 1 {
			t.Errorf("%s got %d mails", address, sent[address])
		}
	}
	if n := s.entries(audit.TypeReportDistributed); n != 1 {
		t.Errorf("%d entries about the distribution", n)
	}
}

// perform runs a workflow with the real activities, the first attempt of each call
// of which is lost after it was done, and returns how many were.
func (s *system) perform(name string, start any, prepare ...func(*testsuite.TestWorkflowEnvironment)) (lost int) {
	s.t.Helper()
	lost, err := s.attempt(name, start, prepare...)
	if err != nil {
		s.t.Fatal(err)
	}
	return lost
}

// attempt is perform for a workflow that may end with an error.
func (s *system) attempt(name string, start any, prepare ...func(*testsuite.TestWorkflowEnvironment)) (lost int, err error) {
	s.t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(patience)
	env.RegisterWorkflowWithOptions(workflows.PublishReport, workflow.RegisterOptions{Name: audit.ReportWorkflow})
	env.RegisterWorkflowWithOptions(workflows.DistributeReport, workflow.RegisterOptions{Name: audit.DistributionWorkflow})
	env.RegisterWorkflowWithOptions(func(workflow.Context, activities.HistoryRun) error { return nil }, workflow.RegisterOptions{Name: "ArchiveHistory"})
	var mu sync.Mutex
	of := reflect.ValueOf(s.activities)
	for i := range of.NumMethod() {
		do, what := of.Method(i), of.Type().Method(i).Name
		once := reflect.MakeFunc(do.Type(), func(args []reflect.Value) []reflect.Value {
			out := do.Call(args)
			failure := &out[len(out)-1]
			err, _ := failure.Interface().(error)
			var known *audit.Error
			if errors.As(err, &known) { // as worker's interceptor has it
				err = temporal.NewApplicationErrorWithOptions(known.Message, string(known.Code), temporal.ApplicationErrorOptions{NonRetryable: audit.Permanent(known)})
			}
			if ctx := args[0].Interface().(context.Context); err == nil && activity.GetInfo(ctx).Attempt == 1 {
				mu.Lock()
				lost++
				mu.Unlock()
				err = errors.New("the worker died after " + what)
			}
			if err != nil {
				*failure = reflect.ValueOf(&err).Elem()
			}
			return out
		})
		env.RegisterActivityWithOptions(once.Interface(), activity.RegisterOptions{Name: what})
	}
	for _, p := range prepare {
		p(env)
	}
	env.ExecuteWorkflow(name, start)
	return lost, env.GetWorkflowError()
}

// TestAMailWhoseAnswerIsLost: who finds that the provider was asked does not ask
// again.
func TestAMailWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	_, mails := s.notary()
	ledgertest.Append(t, s.log, s.ledger, 0, 20)
	r := s.orderReport(nil)
	s.perform(audit.ReportWorkflow, audit.ReportStart{ID: r.ID, Ledger: s.ledger, Organisation: "org_test"})
	d := store.NewDistribution("org_test", &r, []string{"a@example.com"}, audit.SystemClock(), "")
	s.append("audit.report_distribution_requested", nil, store.InsertDistribution(d))
	if taken, err := s.store.TakeDelivery(t.Context(), s.ledger, d.Deliveries[0].ID, audit.SystemClock()); !taken || err != nil {
		t.Fatal(taken, err)
	}
	s.perform(audit.DistributionWorkflow, audit.DistributionStart{ID: d.ID, Report: r.ID, Ledger: s.ledger, Organisation: "org_test"})
	x, err := s.store.Delivery(t.Context(), s.ledger, d.Deliveries[0].ID)
	if err != nil || x.State != audit.DeliveryUnknown || x.Detail == "" {
		t.Errorf("%+v, %v", x, err)
	}
	if list, err := mails.List(); err != nil || len(list) != 0 {
		t.Errorf("%d mails, %v", len(list), err)
	}
}
