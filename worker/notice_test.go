package worker_test

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/mail"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// received are the mails in an outbox, oldest first, each as its address and subject.
func (s *system) received(mails *mail.Outbox) (list []string) {
	s.t.Helper()
	found, err := mails.List()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range slices.Backward(found) {
		list = append(list, m.To+": "+m.Subject)
		if m.Attachment != "" {
			s.t.Errorf("%s has an attachment", m.Subject)
		}
	}
	return list
}

// text is what the newest mail in an outbox says.
func (s *system) text(mails *mail.Outbox) string {
	s.t.Helper()
	found, err := mails.List()
	if err != nil || len(found) == 0 {
		s.t.Fatal(found, err)
	}
	f, err := mails.Open(found[0].Name)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	m, err := netmail.ReadMessage(f)
	if err != nil {
		s.t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		s.t.Fatal(err)
	}
	part, err := multipart.NewReader(m.Body, params["boundary"]).NextRawPart()
	if err != nil {
		s.t.Fatal(err)
	}
	var body io.Reader = part
	if part.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(part)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s *system) notices(id audit.ReportID) []store.Delivery {
	s.t.Helper()
	list, err := s.store.Notices(s.t.Context(), s.ledger, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

// TestSignatoriesAreTold: with everything that the product has, each signatory gets a
// mail in their turn, and who lets half of the time pass another.
func TestSignatoriesAreTold(t *testing.T) {
	s := newSystem(t)
	// Asked as long ago as that, half of the time is over soon.
	var ago atomic.Int64
	ago.Store(int64(audit.SignatureWait/2 - 10*time.Second))
	s.activities.Clock = func() time.Time { return audit.SystemClock().Add(-time.Duration(ago.Load())) }
	_, mails := s.notary()
	s.activities.PublicURL = "https://audit.example.com"
	first, second := s.officer(), s.signer("second")
	ledgertest.Append(t, s.log, s.ledger, 0, 100)
	s.work()
	id := s.orderCountersigned(&first, []audit.PersonID{second}).ID
	const subject = "our signature is asked for: compliance summary, SOC2, 2024-01-01 to 2024-03-31"
	want := []string{"officer@example.com: Y" + subject, "officer@example.com: Reminder, y" + subject}
	s.eventually("the first is told and reminded", func() bool { return slices.Equal(s.received(mails), want) })
	text := s.text(mails)
	for _, part := range []string{string(id), "Approval", "1 of 2", strings.TrimPrefix(s.report(id).Draft.V.Digest, "sha256:"), s.report(id).SignatureDueAt.UTC().Format("2006-01-02 15:04 UTC"),
		"Asked by:  k", "Title:     SOC2, 2024-01-01 to 2024-03-31", "https://audit.example.com/api/v1/audit/reports/" + string(id) + "/signature", "neither signed nor declined yet"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %s", part, text)
		}
	}
	ago.Store(0)
	s.signReport(id, first)
	want = append(want, "second@example.com: Y"+subject)
	s.eventually("the second is told", func() bool { return slices.Equal(s.received(mails), want) })
	if text := s.text(mails); !strings.Contains(text, "Review") || !strings.Contains(text, "2 of 2") || strings.Contains(text, "neither signed nor declined yet") {
		t.Errorf("%s", text)
	}
	s.signReport(id, second)
	s.eventually("the report has ended", func() bool { return s.report(id).Status.Final() })
	s.record(audit.ExportID(id), "report_reminded")
	// What became of each mail is an entry, once that is known.
	list := s.notices(id)
	for i, x := range list {
		now := audit.SystemClock()
		e := store.DeliveryEvent{ID: fmt.Sprint("e", i), Delivery: x.ID, Event: "delivered", At: now, State: audit.DeliveryDelivered}
		if known, err := s.store.NoteDelivery(t.Context(), e, now); !known || err != nil {
			t.Fatal(known, err)
		}
	}
	s.relay.Wake()
	s.eventually("the ledger says what became of the mails", func() bool { return s.entries(audit.TypeSignatureNotified) == len(list) })
	if n := s.entries(audit.TypeSignatureReminded); n != 1 || len(list) != 3 || s.entries(audit.TypeReportDistributed) != 0 {
		t.Errorf("%d reminders of %d mails", n, len(list))
	}
	s.record(audit.ExportID(list[0].Distribution), "notice_ended")
}

// TestSignaturesWithoutMail: a provider that takes nothing, fails or hangs holds
// nobody up who signs, and asks nobody for what they have done.
func TestSignaturesWithoutMail(t *testing.T) {
	s := newSystem(t)
	_, mails := s.notary()
	ledgertest.Append(t, s.log, s.ledger, 0, 20)
	s.work()
	reports := map[string]audit.ReportID{}
	for _, name := range []string{"ratelimit", "error", "hang"} {
		who := s.signer(name)
		id := s.orderReport(&who).ID
		reports[name] = id
		s.eventually("the provider is asked", func() bool { list := s.notices(id); return len(list) == 1 && list[0].Attempts > 0 })
		s.signReport(id, who)
	}
	for name, id := range reports {
		s.eventually("the report has ended", func() bool { return s.report(id).Status.Final() })
		if r := s.report(id); r.Status != audit.ReportGenerated {
			t.Errorf("%s: %s %v", name, r.Status, r.Error)
		}
	}
	for name, want := range map[string]audit.DeliveryState{"ratelimit": audit.DeliveryRefused, "error": audit.DeliveryUnknown, "hang": audit.DeliveryUnknown} {
		s.eventually(name+" is "+string(want), func() bool { return s.notices(reports[name])[0].State == want })
	}
	if x := s.notices(reports["ratelimit"])[0]; !strings.Contains(x.Detail, "does not wait for this signature") {
		t.Errorf("%+v", x)
	}
	if list := s.received(mails); len(list) != 1 { // the one that hangs was taken
		t.Errorf("%q", list)
	}
}

// TestEachNoticeIsOneMail: each attempt of each activity is lost once after it was
// done. There is one mail of each kind in each turn, and one entry about it.
func TestEachNoticeIsOneMail(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	_, mails := s.notary()
	first, second := s.officer(), s.signer("second")
	ledgertest.Append(t, s.log, s.ledger, 0, 100)
	id := s.orderCountersigned(&first, []audit.PersonID{second}).ID
	send := func() {
		for _, x := range s.notices(id) {
			if x.State == audit.DeliveryPending {
				s.perform(audit.DistributionWorkflow, audit.DistributionStart{ID: x.Distribution, Report: id, Ledger: s.ledger, Organisation: "org_test"})
			}
		}
	}
	const day = 24 * time.Hour
	s.perform(audit.ReportWorkflow, audit.ReportStart{ID: id, Ledger: s.ledger, Organisation: "org_test"}, func(env *testsuite.TestWorkflowEnvironment) {
		s.activities.Clock = func() time.Time { return audit.Instant(env.Now()) }
		for _, after := range []time.Duration{day, 16 * day, 29*day + 12*time.Hour} {
			env.RegisterDelayedCallback(send, after)
		}
		env.RegisterDelayedCallback(func() {
			s.signReport(id, first)
			env.SignalWorkflow(audit.SignedSignal, nil)
		}, 29*day+13*time.Hour)
		env.RegisterDelayedCallback(send, 29*day+14*time.Hour)
		env.RegisterDelayedCallback(func() {
			s.signReport(id, second)
			env.SignalWorkflow(audit.SignedSignal, nil)
		}, 29*day+15*time.Hour)
	})
	const subject = "our signature is asked for: compliance summary, SOC2, 2024-01-01 to 2024-03-31"
	want := []string{"officer@example.com: Y" + subject, "officer@example.com: Reminder, y" + subject, "officer@example.com: Last reminder, y" + subject, "second@example.com: Y" + subject}
	if list := s.received(mails); !slices.Equal(list, want) {
		t.Errorf("%q, not %q", list, want)
	}
	for what, want := range map[string]int{audit.TypeSignatureReminded: 2, audit.TypeSignatureNotified: 4, audit.TypeReportDistributed: 0} {
		if n := s.entries(what); n != want {
			t.Errorf("%d entries %s, not %d", n, what, want)
		}
	}
	if r := s.report(id); r.Status != audit.ReportGenerated {
		t.Errorf("%s", r.Status)
	}
}

// TestANoticeThatIsNotSent: nothing is sent twice, to nobody who has decided or has no
// account any more, and without a provider; each says why.
func TestANoticeThatIsNotSent(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	_, mails := s.notary()
	ledgertest.Append(t, s.log, s.ledger, 0, 20)
	provider := s.activities.Mail
	for name, c := range map[string]struct {
		before func(id audit.ReportID, who audit.PersonID, notice store.Delivery)
		want   audit.DeliveryState
		says   string
	}{
		"taken": {func(_ audit.ReportID, _ audit.PersonID, x store.Delivery) {
			if taken, err := s.store.TakeDelivery(t.Context(), s.ledger, x.ID, audit.SystemClock()); !taken || err != nil {
				t.Fatal(taken, err)
			}
		}, audit.DeliveryUnknown, "the answer was lost"},
		"signed": {func(id audit.ReportID, who audit.PersonID, _ store.Delivery) { s.signReport(id, who) }, audit.DeliveryRefused, "does not wait for this signature"},
		"declined": {func(id audit.ReportID, who audit.PersonID, _ store.Delivery) {
			s.append("audit.signature_declined", nil, store.Decline(s.ledger, id, who, "no", audit.SystemClock()))
		}, audit.DeliveryRefused, "does not wait for this signature"},
		"canceled": {func(id audit.ReportID, _ audit.PersonID, _ store.Delivery) {
			now := audit.SystemClock()
			s.append("audit.report_cancel_requested", nil, store.CancelReport(s.ledger, id, now, store.Cancel{WorkflowID: string(id), At: now}))
		}, audit.DeliveryRefused, "does not wait for this signature"},
		"closed": {func(_ audit.ReportID, who audit.PersonID, _ store.Delivery) {
			s.append("audit.person_deactivated", nil, store.DeactivatePerson(s.ledger, who, audit.SystemClock()))
		}, audit.DeliveryRefused, "account is closed"},
		"alone": {func(audit.ReportID, audit.PersonID, store.Delivery) { s.activities.Mail = nil }, audit.DeliveryRefused, "no mail provider is configured"},
	} {
		s.activities.Mail = provider
		who := s.signer(name)
		id := s.orderReport(&who).ID
		start := audit.ReportStart{ID: id, Ledger: s.ledger, Organisation: "org_test"}
		// It is asked for, and then the worker has other things to do.
		_, err := s.attempt(audit.ReportWorkflow, start, func(env *testsuite.TestWorkflowEnvironment) {
			env.RegisterDelayedCallback(func() {
				x := s.notices(id)[0]
				c.before(id, who, x)
				s.perform(audit.DistributionWorkflow, audit.DistributionStart{ID: x.Distribution, Report: id, Ledger: s.ledger, Organisation: "org_test"})
				if x = s.notices(id)[0]; x.State != c.want || !strings.Contains(x.Detail, c.says) {
					t.Errorf("%s: %+v", name, x)
				}
				// Who has decided is not reminded, whatever the workflow has heard of it; without
				// a provider nobody is.
				about := activities.RemindSignatory{Start: start, Notice: audit.NoticeHalfway, DueAt: s.report(id).SignatureDueAt.UTC()}
				if err := s.activities.RemindSignatory(t.Context(), about); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if more := len(s.notices(id)) - 1; (more == 1) != (name == "taken" || name == "closed") {
					t.Errorf("%s: %d reminders", name, more)
				}
				env.CancelWorkflow()
			}, time.Hour)
		})
		if err == nil {
			t.Errorf("%s: the report was not canceled", name)
		}
	}
	if list := s.received(mails); len(list) != 0 {
		t.Errorf("%q", list)
	}
}
