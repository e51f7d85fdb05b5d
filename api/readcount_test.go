package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// sums are the entries that sum up reads, by the credential's name, as the API
// shows them.
func (b *bench) sums() map[string]map[string]any {
	b.t.Helper()
	out := map[string]map[string]any{}
	list, _ := b.get("reader", "~/logs?event_type=audit.reads_counted&order=asc").want(http.StatusOK).at("data")
	for _, e := range list.([]any) {
		e := e.(map[string]any)
		out[e["actor"].(map[string]any)["name"].(string)] = e
	}
	return out
}

// TestListsAreCounted: lists, figures and refusals leave one entry a minute for
// each credential, however many there were.
func TestListsAreCounted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for range 30 {
		b.get("full", "~/entries").want(http.StatusOK)
	}
	b.get("full", "/v1/audit/entries").want(http.StatusOK) // the same route
	b.get("full", "~/statistics").want(http.StatusOK)
	b.get("full", "~/evidence/gdpr").want(http.StatusOK)
	b.get("full", "~/entries/audit_entry_20250101_999999").want(http.StatusNotFound)
	b.get("full", "~/entries?limit=0").want(http.StatusBadRequest) // nothing was read
	b.get("writer", "~/entries").want(http.StatusForbidden)
	b.get("other", "~/logs").want(http.StatusOK)
	b.flush()
	if n := len(b.sums()); n != 0 {
		t.Errorf("%d sums before the minute is over", n)
	}
	b.clock.move(api.CountedReadsEvery)
	b.flush()
	sums := b.sums()
	if len(sums) != 3 { // of full, writer and reader, who looked for sums in that minute
		t.Errorf("%v", sums)
	}
	details := sums["full"]["details"].(map[string]any)
	want := "[map[count:31 route:GET /entries status:200] map[count:1 route:GET /entries/{id} status:404] " +
		"map[count:1 route:GET /evidence/{name} status:200] map[count:1 route:GET /statistics status:200]]"
	if got := fmt.Sprint(details["reads"]); got != want || details["total"] != 34.0 || details["clients_complete"] != true {
		t.Errorf("%v", details)
	}
	if ip := sums["full"]["ip_address"]; ip != "127.0.0.1" {
		t.Errorf("from %v", ip)
	}
	if got := fmt.Sprint(sums["writer"]["details"].(map[string]any)["reads"]); got != "[map[count:1 route:GET /entries status:403]]" {
		t.Error(got)
	}
	if n := len(b.entriesOf(b.other, "audit.reads_counted")); n != 1 {
		t.Errorf("the other organisation has %d sums", n)
	}
	if n := len(b.entriesOf(b.ledger, "audit.entry_read")); n != 0 {
		t.Errorf("%d entries about what nobody saw", n)
	}
	b.whole()
}

// TestBoundsOfCounting: more clients than a sum lists, and more credentials
// than are counted at a time.
func TestBoundsOfCounting(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.MaxCountedReaders = 1 })
	for i := range api.MaxCountedClients + 1 {
		b.send(request{method: "GET", path: "~/me", as: "full", header: http.Header{"User-Agent": {fmt.Sprint("client ", i)}}}).want(http.StatusOK)
	}
	b.get("basic", "~/me").want(http.StatusOK)
	b.get("basic", "~/me").want(http.StatusOK)
	b.flush()
	alone := b.entriesOf(b.ledger, "audit.reads_counted")
	if len(alone) != 2 || alone[0].Actor.String("name") != "basic" || fmt.Sprint(alone[0].Details["total"]) != "1" {
		t.Errorf("%v", alone)
	}
	b.clock.move(api.CountedReadsEvery + time.Second)
	b.flush()
	all := b.entriesOf(b.ledger, "audit.reads_counted")
	e := all[len(all)-1]
	agents, _ := e.Metadata["user_agents"].([]any)
	if e.Actor.String("name") != "full" || len(agents) != api.MaxCountedClients || e.Details["clients_complete"] != false || e.Context.String("user_agent") != "" {
		t.Errorf("%v %v", e.Metadata, e.Details)
	}
	masked := audit.Mask(e)
	if list, ok := masked.Metadata["addresses"].([]any); ok {
		t.Errorf("a basic reader sees %v", list)
	}
}
