package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// asked is a report that waits for the first of its signatories, who is told so, and
// has a countersigner.
func (b bundle) asked(t *testing.T, id audit.ReportID, people []audit.PersonID, at time.Time) store.Report {
	t.Helper()
	b.report(t, id, &people[0], people[1:]...)
	draft, err := json.Marshal(audit.Artifact{Digest: "sha256:draft"})
	if err != nil {
		t.Fatal(err)
	}
	row := store.Report{ID: id, Ledger: b.ledger}
	first := store.InsertNotice(store.NewNotice("org_test", &row, store.Signatory{Turn: 1, Person: people[0]}, audit.NoticeAsked, at))
	if err := b.append(t, "early"+string(id), first); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("somebody is told before they are asked: %v", err)
	}
	if err := b.append(t, "ask"+string(id), store.AskSignature(b.ledger, id, string(draft), at.Add(time.Hour), first)); err != nil {
		t.Fatal(err)
	}
	return row
}

func TestNotices(t *testing.T) {
	t.Parallel()
	b := setup(t)
	people := []audit.PersonID{b.person(t, "one", 100), b.person(t, "two", 100)}
	at := audit.SystemClock()
	row := b.asked(t, "report_1", people, at)
	tell := func(turn int, who audit.PersonID, what audit.Notice, when time.Time) error {
		d := store.NewNotice("org_test", &row, store.Signatory{Turn: turn, Person: who}, what, when)
		return b.append(t, fmt.Sprint(turn, who, what, when.UnixNano()), store.InsertNotice(d))
	}
	for what, err := range map[string]error{
		"told again":         tell(1, people[0], audit.NoticeAsked, at.Add(time.Second)),
		"told out of turn":   tell(2, people[1], audit.NoticeAsked, at),
		"told for another":   tell(1, people[1], audit.NoticeHalfway, at),
		"told too late":      tell(1, people[0], audit.NoticeHalfway, at.Add(time.Hour)),
		"told in a turn off": tell(2, people[0], audit.NoticeHalfway, at),
	} {
		if audit.CodeOf(err) != audit.InvalidState {
			t.Errorf("somebody is %s: %v", what, err)
		}
	}
	// Of many who would remind at the same moment one does.
	var reminded atomic.Int32
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			if err := tell(1, people[0], audit.NoticeHalfway, at.Add(time.Duration(i+1)*time.Microsecond)); err == nil {
				reminded.Add(1)
			} else if audit.CodeOf(err) != audit.InvalidState {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if reminded.Load() != 1 {
		t.Errorf("%d reminded", reminded.Load())
	}
	next := store.InsertNotice(store.NewNotice("org_test", &row, store.Signatory{Turn: 2, Person: people[1]}, audit.NoticeAsked, at))
	g := store.Signature{ID: "esig_1", Ledger: b.ledger, Report: row.ID, Turn: 1, Person: people[0], Meaning: "review", Digest: "sha256:draft", Components: []string{"password"}, SignedAt: at}
	if err := b.append(t, "sign", store.Sign(g, store.TakeCode(g.Person, 101, g.SignedAt), at.Add(2*time.Hour), next)); err != nil {
		t.Fatal(err)
	}
	if err := tell(1, people[0], audit.NoticeLastDay, at); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("who has signed is reminded: %v", err)
	}
	list, err := b.store.Notices(t.Context(), b.ledger, row.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range list {
		got = append(got, fmt.Sprintf("%s %d %s %s %q", x.Signatory, x.Turn, x.Notice, x.State, x.Recipient))
		if strings.Contains(x.ID, "report_1") || strings.Contains(x.ID, string(x.Signatory)) || x.TriedAt != nil {
			t.Errorf("%+v", x)
		}
	}
	if want := `[user_one 1 asked pending "" user_one 1 halfway pending "" user_two 2 asked pending ""]`; fmt.Sprint(got) != want {
		t.Errorf("%s, not %s", got, want)
	}
	if carried, err := b.store.Deliveries(t.Context(), b.ledger, row.ID); err != nil || len(carried) != 0 {
		t.Errorf("notices carry the report: %+v, %v", carried, err)
	}
	if taken, err := b.store.TakeDelivery(t.Context(), b.ledger, list[0].ID, at.Add(time.Minute)); !taken || err != nil {
		t.Fatal(taken, err)
	}
	if x, err := b.store.Delivery(t.Context(), b.ledger, list[0].ID); err != nil || x.TriedAt == nil || !x.TriedAt.Equal(at.Add(time.Minute)) {
		t.Errorf("%+v, %v", x, err)
	}
	// Each has an order to send it, and nobody is told of a report that shall stop.
	orders, err := b.store.TakeOrders(t.Context(), at.Add(time.Minute), time.Minute, 20)
	if err != nil {
		t.Fatal(err)
	}
	ordered := map[string]bool{}
	for _, o := range orders {
		ordered[o.Workflow+" "+o.WorkflowID] = true
	}
	for _, x := range list {
		if !ordered[audit.DistributionWorkflow+" "+string(x.Distribution)] {
			t.Errorf("%s is not ordered: %v", x.ID, ordered)
		}
	}
	if err := b.append(t, "cancel", store.CancelReport(b.ledger, row.ID, at, store.Cancel{WorkflowID: string(row.ID), At: at})); err != nil {
		t.Fatal(err)
	}
	if err := tell(2, people[1], audit.NoticeHalfway, at); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("a reminder about a report that shall stop: %v", err)
	}
}

// An erasure takes what servers said of mails to the person, and leaves what became of
// them, and mails to others.
func TestErasedSignatoriesLeaveNothingInNotices(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two := b.person(t, "one", 100), b.person(t, "two", 100)
	at := audit.SystemClock()
	for i, who := range []audit.PersonID{one, two} {
		row := b.asked(t, audit.ReportID(fmt.Sprint("report_", i)), []audit.PersonID{who}, at)
		list, err := b.store.Notices(t.Context(), b.ledger, row.ID)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		e := store.DeliveryEvent{ID: fmt.Sprint("e", i), Delivery: list[0].ID, Event: "bounce", Reason: "550 no " + string(who), At: at, State: audit.DeliveryBounced}
		if known, err := b.store.NoteDelivery(t.Context(), e, at); !known || err != nil {
			t.Fatal(known, err)
		}
	}
	if err := b.append(t, "close", store.DeactivatePerson(b.ledger, one, at)); err != nil {
		t.Fatal(err)
	}
	subject := string(one)
	e := store.Erasure{ID: "erasure_1", Ledger: b.ledger, Subject: &subject, Identifiers: &store.JSON[[]string]{V: []string{subject}}, Reason: "r", Basis: "b", Requester: two, CreatedAt: at}
	if err := b.append(t, "order", store.InsertErasure(e, store.Start{Workflow: audit.ErasureWorkflow, WorkflowID: "erasure_1", At: at})); err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "erase", store.EraseClosedAccounts(b.ledger, e.ID, []string{subject}, at)); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "550 no user_two"} {
		id := audit.ReportID(fmt.Sprint("report_", i))
		list, err := b.store.Notices(t.Context(), b.ledger, id)
		if err != nil || len(list) != 1 || list[0].Detail != want || list[0].State != audit.DeliveryBounced {
			t.Errorf("%s: %+v, %v", id, list, err)
		}
		events, err := b.store.DeliveryEvents(t.Context(), b.ledger, id)
		if err != nil || len(events) != 1 || events[0].Reason != want || events[0].Event != "bounce" {
			t.Errorf("%s: %+v, %v", id, events, err)
		}
	}
}
