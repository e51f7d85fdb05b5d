package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/activities"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// tell hands over the newest mail to a signatory of a report, and returns when.
func (p *press) tell(id string) string {
	p.b.t.Helper()
	x := p.newestNotice(id)
	start := audit.DistributionStart{ID: x.Distribution, Report: audit.ReportID(id), Ledger: p.b.ledger, Organisation: "org_test"}
	var state audit.DeliveryState
	_ = p.run(p.do.SendReport, activities.SendReport{Start: start, Delivery: x.ID}, &state) // what fails is told by its state
	if x = p.newestNotice(id); x.TriedAt == nil {
		return ""
	}
	return audit.FormatTime(*x.TriedAt)
}

func (p *press) newestNotice(id string) store.Delivery {
	p.b.t.Helper()
	list, err := p.b.store.Notices(p.b.t.Context(), p.b.ledger, audit.ReportID(id))
	if err != nil || len(list) == 0 {
		p.b.t.Fatal(list, err)
	}
	return list[len(list)-1]
}

// remind does what the workflow does when a reminder is due.
func (p *press) remind(id string, what audit.Notice) {
	p.b.t.Helper()
	row, err := p.b.store.Report(p.b.t.Context(), p.b.ledger, audit.ReportID(id))
	if err != nil {
		p.b.t.Fatal(err)
	}
	about := activities.RemindSignatory{Start: p.start(id), Notice: what, DueAt: row.SignatureDueAt.UTC()}
	p.must(p.do.RemindSignatory, about, nil)
	p.must(p.do.RemindSignatory, about, nil)
}

// bounces has the server of the recipient refuse a mail.
func (p *press) bounces(x store.Delivery, says string) {
	p.b.t.Helper()
	at := p.b.clock.now()
	e := store.DeliveryEvent{ID: "bounce " + x.ID, Delivery: x.ID, Event: "bounce", Reason: says, At: at, State: audit.DeliveryBounced}
	if known, err := p.b.store.NoteDelivery(p.b.t.Context(), e, at); !known || err != nil {
		p.b.t.Fatal(known, err)
	}
}

func TestWhatSignatoriesWereTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := newPress(b)
	author, reviewer := b.join("author", audit.ComplianceOfficer), b.join("reviewer", audit.ComplianceOfficer)
	author.signIn()
	id := p.turns("full", author, "authorship", reviewer.email, "review")
	notice := func(as string, turn int, want map[string]any) {
		t.Helper()
		a := b.get(as, "~/reports/"+id+"/signature").want(200)
		for field, value := range want {
			a.has(fmt.Sprintf("data.signatories.%d.notice.%s", turn-1, field), value)
		}
	}
	nothing := map[string]any{"notified_at": nil, "reminded_at": nil, "reminders": 0}
	notice("full", 1, nothing)
	notice("full", 1, map[string]any{"state": "pending", "reason": "the mail is on its way to the mail provider"})
	b.get("full", "~/reports/"+id+"/signature").want(200).has("data.signatories.1.notice", nil)
	b.clock.move(time.Minute)
	earliest := audit.FormatTime(b.clock.now())
	asked := p.tell(id)
	if asked < earliest {
		t.Errorf("handed over at %s, before %s", asked, earliest)
	}
	notice("full", 1, map[string]any{"notified_at": asked, "reminded_at": nil, "reminders": 0, "state": "accepted", "reason": nil})
	b.clock.move(15 * 24 * time.Hour)
	p.remind(id, audit.NoticeHalfway)
	notice("full", 1, map[string]any{"notified_at": asked, "reminded_at": nil, "reminders": 0, "state": "pending"})
	reminded := p.tell(id)
	if reminded <= asked {
		t.Errorf("reminded at %s, asked at %s", reminded, asked)
	}
	notice("full", 1, map[string]any{"notified_at": asked, "reminded_at": reminded, "reminders": 1, "state": "accepted", "reason": nil})
	p.bounces(p.newestNotice(id), "550 no author@example.com here")
	notice("full", 1, map[string]any{"notified_at": asked, "reminded_at": nil, "reminders": 0, "state": "bounced", "reason": "550 no author@example.com here"})
	viewer := b.join("viewer", audit.Viewer)
	notice(viewer.signIn(), 1, map[string]any{"notified_at": asked, "state": "bounced", "reason": audit.Masked})
	// These mails carry no report: a report's deliveries do not list them.
	if a := b.get("full", "~/reports/"+id+"/deliveries").want(200); strings.Contains(string(a.body), "delivery_") {
		t.Errorf("%s", a.body)
	}
	author.signIn()
	author.sign(id, author.challenge(id)).want(201)
	p.do.Mail = nil
	p.tell(id)
	notice("full", 2, nothing)
	notice("full", 2, map[string]any{"state": "refused", "reason": "no mail provider is configured; see SEALBOOK_MAIL_FROM"})
	notice("full", 1, map[string]any{"notified_at": asked})
	p.remind(id, audit.NoticeHalfway)
	if x := p.newestNotice(id); x.Notice != audit.NoticeAsked {
		t.Errorf("without a provider there is %+v", x)
	}
	entries := b.entriesOf(b.ledger, audit.TypeSignatureReminded)
	if len(entries) != 1 {
		t.Fatalf("%d entries about one reminder", len(entries))
	}
	b.whole()
}

// Whoever waits since before there were notices was not told, and it says so.
func TestASignatoryWhomNothingTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := newPress(b)
	officer := b.join("officer", audit.ComplianceOfficer)
	officer.signIn()
	id := p.awaiting(officer, "approval")
	b.superuser(`delete from delivery where report = $1`, id)
	a := b.get("full", "~/reports/"+id+"/signature").want(200)
	a.has("data.signatories.0.notice.state", nil)
	a.has("data.signatories.0.notice.notified_at", nil)
	if why := a.text("data.signatories.0.notice.reason"); !strings.Contains(why, "no mail was made") {
		t.Errorf("%s", a.body)
	}
	officer.sign(id, officer.challenge(id)).want(201)
	b.get("full", "~/reports/"+id+"/signature").want(200).has("data.signatories.0.notice", nil)
}
