package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

func TestWithoutTemporalEverythingButProgressWorks(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*api.Config, *ledger.Config){
		"it does not answer": func(*api.Config, *ledger.Config) {},
		"it is not there":    func(c *api.Config, _ *ledger.Config) { c.Workflows = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, change)
			b.workflows.ready = fmt.Errorf("dial tcp 10.0.0.7:7233: connection refused")
			a := b.get("", "/readyz").want(http.StatusServiceUnavailable)
			if a.header.Get("Retry-After") == "" || !strings.Contains(a.text("error.message"), "temporal") || !strings.Contains(a.text("error.message"), "ledger takes") {
				t.Errorf("%s", a.body)
			}
			checks, _ := json.Marshal(a.json.(map[string]any)["error"].(map[string]any)["details"])
			if want := `{"appends":true,"checks":[{"name":"database","ready":true},{"name":"artifacts","ready":true},{"name":"temporal","ready":false}]}`; string(checks) != want {
				t.Errorf("%s", checks)
			}
			if strings.Contains(string(a.body), "10.0.0.7") {
				t.Errorf("it tells where Temporal is: %s", a.body)
			}
			b.get("", "/healthz").want(http.StatusOK)
			b.post("full", "~/entries", `{"event_type":"scan.started"}`).want(http.StatusCreated)
			job := b.post("full", "~/evidence/export", exportBody).want(http.StatusAccepted).text("data.job_id")
			b.begin(job)
			b.get("full", "~/evidence/export/"+job).want(http.StatusOK)
			b.send(request{method: "DELETE", path: "~/evidence/export/" + job, as: "full"}).want(http.StatusAccepted)
			orders, err := b.store.TakeOrders(t.Context(), b.clock.now(), time.Minute, 10)
			if err != nil || len(orders) != 1 || orders[0].Kind != "start" { // the cancel comes after it
				t.Fatalf("%+v %v", orders, err)
			}
			b.whole()
		})
	}
}

func TestWithoutADatabaseItIs503(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.get("reader", "~/event-types").want(http.StatusOK)
	b.log.Close()
	b.store.Close()
	a := b.get("", "/readyz").want(http.StatusServiceUnavailable)
	if v, _ := a.at("error.details.appends"); v != false || strings.Contains(a.text("error.message"), "all the same") {
		t.Errorf("%s", a.body)
	}
	b.get("", "/healthz").want(http.StatusOK)
	a = b.post("full", "~/entries", `{"event_type":"scan.started"}`)
	if a.status < 500 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// A connection can be found closed before anything is sent, when the database
// was killed while nobody used it. Another try gets another connection.
func TestAClosedConnectionIs503(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), ledgertest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), "select 1")
	if status, _ := api.Status(fmt.Errorf("find key: %w", err)); status != http.StatusServiceUnavailable {
		t.Errorf("%v is %d", err, status)
	}
}

// TestTypesOfAnotherProcessAreUsedAtOnce: the cache of one API does not know
// what was registered at another.
func TestTypesOfAnotherProcessAreUsedAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	second, err := api.New(api.Config{Log: b.log, Store: b.store, Artifacts: b.artifacts, Clock: b.clock.now, Pepper: pepper, PublicURL: "http://localhost"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(second)
	t.Cleanup(server.Close)
	b.post("full", "~/entries", `{"event_type":"made.elsewhere"}`).want(http.StatusUnprocessableEntity)
	here := b.url
	b.url = server.URL
	b.send(request{method: "PUT", path: "~/event-types/made.elsewhere", as: "full", body: []byte(`{"class":"system_event","severity":"low"}`)}).want(http.StatusOK)
	b.url = here
	b.clock.move(200 * time.Millisecond) // unknown types are looked up this often
	b.post("full", "~/entries", `{"event_type":"made.elsewhere"}`).want(http.StatusCreated)
	b.whole()
}

func TestTypesAreLimited(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.superuser(`insert into event_type (ledger, name, class, severity, description, created_at)
		select $1, 'made.' || i, 'system_event', 'low', '', now() from generate_series(1, $2::int) i`, b.ledger, api.MaxEventTypes)
	put := func(name, severity string) *answer {
		return b.send(request{method: "PUT", path: "~/event-types/" + name, as: "full", body: []byte(`{"class":"system_event","severity":"` + severity + `"}`)})
	}
	put("made.1", "high").want(http.StatusOK)
	put("one.more", "low").want(http.StatusConflict)
}
