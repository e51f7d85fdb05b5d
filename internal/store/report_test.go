package store_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// officer is an active person with a one-time code's step that was taken.
func (b bundle) officer(t *testing.T, step int64) audit.PersonID {
	t.Helper()
	return b.person(t, "1", step)
}

func (b bundle) person(t *testing.T, name string, step int64) audit.PersonID {
	t.Helper()
	at := audit.SystemClock()
	until := at.Add(time.Hour)
	p := store.Person{ID: audit.PersonID("user_" + name), Ledger: b.ledger, Email: name + "@example.com", Name: "O", Roles: []audit.RoleName{audit.ComplianceOfficer}, CreatedBy: "test", CreatedAt: at,
		CodeHash: []byte("code" + name), CodeUntil: &until, NewSecret: []byte("secret")}
	if err := b.append(t, "person"+name, store.InsertPerson(p)); err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "offer"+name, store.OfferCredentials(p, "password", p.NewSecret)); err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "confirm"+name, store.ConfirmCredentials(p, step, at)); err != nil {
		t.Fatal(err)
	}
	return p.ID
}

// report is one that processes, with its data.
func (b bundle) report(t *testing.T, id audit.ReportID, who *audit.PersonID, then ...audit.PersonID) {
	t.Helper()
	at := audit.SystemClock()
	r := store.Report{ID: id, Ledger: b.ledger, FromTime: at.Add(-time.Hour), UntilTime: at, CreatedAt: at, Signatory: who, Countersigners: then,
		Request: store.JSON[audit.ReportRequest]{V: audit.ReportRequest{Type: audit.AuditTrailReport, Format: audit.ReportPDF}}}
	if err := b.append(t, string(id), store.InsertReport(r, "org_test")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.BeginReport(t.Context(), b.ledger, id, "run"); err != nil {
		t.Fatal(err)
	}
	for _, digest := range []string{"sha256:first", "sha256:second"} {
		if r, err := b.store.FreezeReport(t.Context(), b.ledger, id, audit.Artifact{Digest: digest}, store.ReportSummary{}); err != nil || r.Frozen.V.Digest != "sha256:first" {
			t.Fatalf("%+v %v", r.Frozen, err)
		}
	}
}

func TestReportsKeepWhatWasFixedFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.report(t, "report_1", nil)
	at := audit.SystemClock()
	if err := b.append(t, "early", store.CompleteReport(b.ledger, "report_1", at, nil)); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("a report without a file is complete: %v", err)
	}
	for i, seal := range []*store.ReportSeal{{Fingerprint: "first"}, {Fingerprint: "second"}} {
		r, err := b.store.FinishReportFile(t.Context(), b.ledger, "report_1", audit.Artifact{Digest: seal.Fingerprint}, seal)
		if err != nil || r.Artifact.V.Digest != "first" || r.Seal.V.Fingerprint != "first" {
			t.Errorf("attempt %d: %+v %v", i, r, err)
		}
	}
	if err := b.append(t, "done", store.CompleteReport(b.ledger, "report_1", at, nil)); err != nil {
		t.Fatal(err)
	}
	for name, late := range map[string]store.Statements{
		"complete again": store.CompleteReport(b.ledger, "report_1", at, nil), "end": store.EndReport(b.ledger, "report_1", audit.ReportFailed, "x"),
		"cancel": store.CancelReport(b.ledger, "report_1", at, store.Cancel{WorkflowID: "report_1", At: at}),
	} {
		if err := b.append(t, name, late); audit.CodeOf(err) != audit.InvalidState {
			t.Errorf("%s after the end: %v", name, err)
		}
	}
}

// Of the guards of a signature the database holds the last ones: whoever comes in
// at the same moment, one signs, with a code that nobody took.
func TestOneSignsOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	who := b.officer(t, 100)
	b.report(t, "report_1", &who)
	at := audit.SystemClock()
	if _, err := b.store.FinishReportFile(t.Context(), b.ledger, "report_1", audit.Artifact{Digest: "d"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "unsigned", store.CompleteReport(b.ledger, "report_1", at, nil)); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("a report without its signature is complete: %v", err)
	}
	draft, err := json.Marshal(audit.Artifact{Digest: "sha256:draft"})
	if err != nil {
		t.Fatal(err)
	}
	g := store.Signature{ID: "esig_1", Ledger: b.ledger, Report: "report_1", Turn: 1, Person: who, Meaning: "approval", Digest: "sha256:draft", Components: []string{"password"}, SignedAt: at}
	if err := b.append(t, "before", store.Sign(g, store.TakeCode(g.Person, 101, g.SignedAt), at.Add(time.Hour))); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("a report is signed that does not wait: %v", err)
	}
	if err := b.append(t, "ask", store.AskSignature(b.ledger, "report_1", string(draft), at.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	other := g
	other.Digest = "sha256:other"
	if err := b.append(t, "other", store.Sign(other, store.TakeCode(other.Person, 101, other.SignedAt), at.Add(time.Hour))); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("another document is signed: %v", err)
	}
	if err := b.append(t, "old code", store.Sign(g, store.TakeCode(g.Person, 100, g.SignedAt), at.Add(time.Hour))); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("a code that was taken signs: %v", err)
	}
	late := g
	late.SignedAt = at.Add(2 * time.Hour)
	if err := b.append(t, "late", store.Sign(late, store.TakeCode(late.Person, 101, late.SignedAt), at.Add(time.Hour))); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("a signature comes too late, and counts: %v", err)
	}
	if err := b.append(t, "sign", store.Sign(g, store.TakeCode(g.Person, 101, g.SignedAt), at.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	again := g
	again.ID = "esig_2"
	if err := b.append(t, "again", store.Sign(again, store.TakeCode(again.Person, 102, again.SignedAt), at.Add(time.Hour))); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("a report is signed twice: %v", err)
	}
	if err := b.append(t, "decline", store.Decline(b.ledger, "report_1", who, "x", at)); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("what is signed is declined: %v", err)
	}
	if err := b.append(t, "done", store.CompleteReport(b.ledger, "report_1", at, nil)); err != nil {
		t.Error(err)
	}
}

// Countersignatures: the database, too, takes them in their order, and the time of the
// next begins with each.
func TestSeveralSignInTurn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	people := []audit.PersonID{b.person(t, "one", 100), b.person(t, "two", 100), b.person(t, "three", 100)}
	b.report(t, "report_1", &people[0], people[1:]...)
	at := audit.SystemClock()
	draft, err := json.Marshal(audit.Artifact{Digest: "sha256:draft"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "ask", store.AskSignature(b.ledger, "report_1", string(draft), at.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	step := int64(100)
	sign := func(turn int, who audit.PersonID) error {
		step++
		g := store.Signature{ID: fmt.Sprint("esig_", step), Ledger: b.ledger, Report: "report_1", Turn: turn, Person: who, Meaning: "review", Digest: "sha256:draft", Components: []string{"password"}, SignedAt: at}
		return b.append(t, g.ID, store.Sign(g, store.TakeCode(g.Person, step, g.SignedAt), at.Add(time.Duration(turn+1)*time.Hour)))
	}
	for turn := 1; turn <= len(people); turn++ {
		for n := 1; n <= len(people); n++ {
			for _, who := range people {
				if n == turn && who == people[turn-1] {
					continue
				}
				if err := sign(n, who); audit.CodeOf(err) != audit.InvalidState {
					t.Errorf("in turn %d %s signs as %d: %v", turn, who, n, err)
				}
			}
		}
		for i, who := range people {
			if i != turn-1 {
				if err := b.append(t, fmt.Sprint("decline", turn, i), store.Decline(b.ledger, "report_1", who, "x", at)); audit.CodeOf(err) != audit.InvalidState {
					t.Errorf("in turn %d %s declines: %v", turn, who, err)
				}
			}
		}
		if err := b.append(t, fmt.Sprint("done", turn), store.CompleteReport(b.ledger, "report_1", at, nil)); audit.CodeOf(err) != audit.InvalidState {
			t.Errorf("complete with %d signatures: %v", turn-1, err)
		}
		if err := sign(turn, people[turn-1]); err != nil {
			t.Fatal(err)
		}
		given, err := b.store.SignaturesOf(t.Context(), b.ledger, "report_1")
		if err != nil || len(given) != turn || given[turn-1].Signatories != 3 {
			t.Fatalf("%+v, %v", given, err)
		}
		r, err := b.store.Report(t.Context(), b.ledger, "report_1")
		if err != nil {
			t.Fatal(err)
		}
		if next := given[0].Awaited; turn < 3 && (next == nil || *next != people[turn] || !r.SignatureDueAt.Equal(at.Add(time.Duration(turn+1)*time.Hour))) || turn == 3 && next != nil {
			t.Errorf("after turn %d it waits for %v until %s", turn, next, r.SignatureDueAt)
		}
	}
	if _, err := b.store.FinishReportFile(t.Context(), b.ledger, "report_1", audit.Artifact{Digest: "d"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.append(t, "complete", store.CompleteReport(b.ledger, "report_1", at, nil)); err != nil {
		t.Error(err)
	}
}

func TestAChallengeIsGoodOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	who := b.officer(t, 100)
	b.report(t, "report_1", &who)
	at := audit.SystemClock()
	c := store.Challenge{NonceHash: []byte("n"), Ledger: b.ledger, Report: "report_1", Session: []byte("s"), Digest: "d", Meaning: "approval", EndsAt: at.Add(time.Minute)}
	if err := b.append(t, "challenge", store.InsertChallenge(c)); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*store.Challenge){
		"nonce": func(c *store.Challenge) { c.NonceHash = []byte("m") }, "ledger": func(c *store.Challenge) { c.Ledger++ }, "report": func(c *store.Challenge) { c.Report = "report_2" },
		"session": func(c *store.Challenge) { c.Session = []byte("t") }, "digest": func(c *store.Challenge) { c.Digest = "e" }, "meaning": func(c *store.Challenge) { c.Meaning = "review" },
	} {
		wrong := c
		change(&wrong)
		if _, used, err := b.store.UseChallenge(t.Context(), wrong, at); used || err != nil {
			t.Errorf("another %s: %v %v", what, used, err)
		}
	}
	if _, used, err := b.store.UseChallenge(t.Context(), c, at.Add(time.Minute)); used || err != nil {
		t.Errorf("late: %v %v", used, err)
	}
	for _, want := range []bool{true, false} {
		since, used, err := b.store.UseChallenge(t.Context(), c, at)
		if used != want || err != nil {
			t.Errorf("%v, want %v: %v", used, want, err)
		}
		if used && !since.Equal(c.EndsAt.Add(-audit.ChallengeLife)) {
			t.Errorf("since %s", since)
		}
	}
}

// TestOneTakesADelivery: of many who would send a mail, one does.
func TestOneTakesADelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.report(t, "report_1", nil)
	at := audit.SystemClock()
	d := store.NewDistribution("org_test", &store.Report{ID: "report_1", Ledger: b.ledger}, []string{"a@example.com", "b@example.com"}, at, "")
	if d.Deliveries[0].ID == d.Deliveries[1].ID {
		t.Fatal("two deliveries have one id")
	}
	if err := b.append(t, "send", store.InsertDistribution(d)); err != nil {
		t.Fatal(err)
	}
	var took atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			mine, err := b.store.TakeDelivery(t.Context(), b.ledger, d.Deliveries[0].ID, at)
			if err != nil {
				t.Error(err)
			}
			if mine {
				took.Add(1)
			}
		})
	}
	group.Wait()
	if took.Load() != 1 {
		t.Errorf("%d take the delivery", took.Load())
	}
	// What the provider reported meanwhile stays.
	id := d.Deliveries[0].ID
	if _, err := b.store.NoteDelivery(t.Context(), store.DeliveryEvent{ID: "e", Delivery: id, Event: "delivered", At: at, State: audit.DeliveryDelivered}, at); err != nil {
		t.Fatal(err)
	}
	if err := b.store.NoteSent(t.Context(), b.ledger, id, audit.DeliveryUnknown, "", "lost", at); err != nil {
		t.Fatal(err)
	}
	if x, err := b.store.Delivery(t.Context(), b.ledger, id); err != nil || x.State != audit.DeliveryDelivered {
		t.Errorf("%s %v", x.State, err)
	}
	// A distribution with a mail that nobody sends any more is found.
	for before, want := range map[time.Duration]int{-time.Hour: 0, time.Hour: 0} { // the order to start it waits
		if list, err := b.store.UnfinishedDistributions(t.Context(), at.Add(before), "", 10); err != nil || len(list) != want {
			t.Errorf("%+v %v", list, err)
		}
	}
	for more := true; more; {
		orders, err := b.store.TakeOrders(t.Context(), at.Add(time.Minute), time.Minute, 20)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range orders {
			if err := b.store.OrderDone(t.Context(), o.ID); err != nil {
				t.Fatal(err)
			}
		}
		more = len(orders) > 0
	}
	if list, err := b.store.UnfinishedDistributions(t.Context(), at.Add(time.Hour), "", 10); err != nil || len(list) != 1 || list[0].ID != d.ID || list[0].Report != "report_1" || list[0].Organisation != "org_test" {
		t.Errorf("%+v %v", list, err)
	}
}
