package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

// listener reads a stream of events.
type listener struct {
	t      *testing.T
	lines  chan string
	leave  func()
	status int
}

// listen opens a stream of a case at a server.
func (b *bench) listen(t *testing.T, url, as, id string, header ...string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+api.Mounts[0]+"/investigations/"+id+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+b.keys[as])
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{t: t, lines: make(chan string, 1000), status: resp.StatusCode, leave: func() { cancel(); resp.Body.Close() }}
	t.Cleanup(l.leave)
	if resp.StatusCode == http.StatusOK && resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%v", resp.Header)
	}
	go func() {
		defer close(l.lines)
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			l.lines <- lines.Text()
		}
	}()
	return l
}

// next is the next line that begins with one of these, or "" when the stream ends.
func (l *listener) next(prefix string) string {
	l.t.Helper()
	over := time.After(20 * time.Second)
	for {
		select {
		case line, more := <-l.lines:
			if rest, ok := strings.CutPrefix(line, prefix); ok && more {
				return rest
			}
			if !more {
				return ""
			}
		case <-over:
			l.t.Fatalf("no line %q came", prefix)
		}
	}
}

// progress is the next event's data.
func (l *listener) progress() (p struct {
	ID       string            `json:"investigation_id"`
	Version  int               `json:"version"`
	Stage    string            `json:"stage"`
	Status   string            `json:"status"`
	Analyses map[string]string `json:"automated_analysis"`
	Reason   string            `json:"reason"`
}) {
	l.t.Helper()
	if err := json.Unmarshal([]byte(l.next("data: ")), &p); err != nil {
		l.t.Fatal(err)
	}
	return p
}

const otherCase = `{"investigation_type":"x","title":"A secret title","priority":"low","scope":{"time_range":{"start":"2025-08-25T00:00:00Z","end":"2025-08-26T00:00:00Z"}}}`

// TestCaseIsFollowed from its opening to its end, and who comes back gets what they
// have not seen.
func TestCaseIsFollowed(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.EventHeartbeat = 300 * time.Millisecond })
	d := newDetectives(b)
	id := b.post("full", "~/investigations", otherCase).want(201).text("data.investigation_id")
	b.flush()
	reads := len(b.entriesOf(b.ledger, "audit.investigation_read"))
	// The limits of the server on requests and answers are shorter than the stream.
	server := httptest.NewUnstartedServer(b.handler)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 200*time.Millisecond, 500*time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	l := b.listen(t, server.URL, "full", id)
	if retry := l.next("retry: "); retry != "5000" {
		t.Errorf("retry %s", retry)
	}
	if name := l.next("event: "); name != "investigation" {
		t.Error(name)
	}
	first := l.progress()
	if first.ID != id || first.Stage != "scoping" || first.Status != "active" || first.Analyses["pattern_detection"] != "queued" {
		t.Errorf("%+v", first)
	}
	if beat := l.next(":"); beat != " still here" {
		t.Errorf("%q", beat)
	}
	d.work(id)
	for seen := first.Version; ; {
		p := l.progress()
		if p.Version <= seen {
			t.Fatalf("version %d comes after %d", p.Version, seen)
		}
		if seen = p.Version; p.Stage == "findings_review" {
			break
		}
	}
	version := d.row(id).Version
	again := b.listen(t, b.url, "full", id, "Last-Event-ID", fmt.Sprint(version))
	b.post("full", "~/investigations/"+id+"/transitions", `{"to":"canceled","reason":"merged"}`).want(200)
	for _, l := range []*listener{l, again} {
		if p := l.progress(); p.Status != "canceled" || p.Version != version+1 {
			t.Errorf("%+v", p)
		}
		if name := l.next("event: "); name != "end" {
			t.Errorf("%s", name)
		}
		if p := l.progress(); p.Reason != "case_ended" {
			t.Errorf("%+v", p)
		}
		if line := l.next(""); l.next("never") != "" {
			t.Errorf("after its end: %q", line)
		}
	}
	b.flush()
	if n := len(b.entriesOf(b.ledger, "audit.investigation_read")); n != reads+2 {
		t.Errorf("two streams are %d reads of the case", n-reads)
	}
	if l := b.listen(t, b.url, "full", id, "Last-Event-ID", "-1"); l.status != http.StatusBadRequest {
		t.Errorf("%d", l.status)
	}
	whole := b.get("full", "~/investigations/"+id+"/events").want(200) // it has ended: the answer does, too
	if strings.Contains(string(whole.body), "secret") || !strings.Contains(string(whole.body), "event: end") {
		t.Errorf("%s", whole.body)
	}
}

// TestStreamsOfCasesEnd with what their reader may, with their time, and with the
// server; and there are not more of them than there may be.
func TestStreamsOfCasesEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.MaxEventStreams = 10 })
	newDetectives(b)
	ines, other := b.join("ines", audit.Investigator), b.join("olga", audit.Investigator)
	as, olga := ines.signIn(), other.signIn()
	id := b.post(olga, "~/investigations", otherCase).want(201).text("data.investigation_id")
	about := b.post(olga, "~/investigations", strings.Replace(otherCase, `"scope":{`, `"scope":{"potential_users":["`+ines.id+`"],`, 1)).want(201).text("data.investigation_id")
	if l := b.listen(t, b.url, as, about); l.status != http.StatusNotFound {
		t.Errorf("a subject follows their case: %d", l.status)
	}
	b.keys["narrow"] = b.key("org_test", "narrow", []audit.Permission{audit.ReadBasic})
	if l := b.listen(t, b.url, "narrow", id); l.status != http.StatusForbidden {
		t.Errorf("%d", l.status)
	}

	signedOut := b.listen(t, b.url, as, id)
	signedOut.progress()
	b.post(as, "~/auth/logout", `{}`)
	if p := signedOut.progress(); p.Reason != "credentials" {
		t.Errorf("after signing out: %+v", p)
	}
	demoted := b.listen(t, b.url, olga, id)
	demoted.progress()
	b.superuser(`update person set roles = '{viewer}' where id = $1`, other.id)
	if p := demoted.progress(); p.Reason != "credentials" {
		t.Errorf("without the permission: %+v", p)
	}

	var open []*listener
	for i := range api.MaxEventsOfOne + 1 {
		l := b.listen(t, b.url, "full", id)
		if (l.status == http.StatusOK) != (i < api.MaxEventsOfOne) || i == api.MaxEventsOfOne && l.status != http.StatusServiceUnavailable {
			t.Errorf("stream %d is %d", i+1, l.status)
		}
		open = append(open, l)
	}
	b.keys["second"], b.keys["third"] = b.key("org_test", "second", audit.Permissions), b.key("org_test", "third", audit.Permissions)
	for i := range 3 {
		l := b.listen(t, b.url, "second", id)
		if (l.status == http.StatusOK) != (i < 10-api.MaxEventsOfOne) {
			t.Errorf("stream %d of another credential is %d", i+1, l.status)
		}
		open = append(open, l)
	}
	open[0].leave() // its place is free, once the server has seen it
	for try := 0; ; try++ {
		if l := b.listen(t, b.url, "third", id); l.status == http.StatusOK {
			open[0] = l
			break
		}
		if try == 50 {
			t.Fatal("a place that was left is not free")
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.handler.EndStreams()
	for _, l := range open {
		if l.status != http.StatusOK {
			continue
		}
		l.progress()
		if p := l.progress(); p.Reason != "stopping" {
			t.Errorf("%+v", p)
		}
	}
	b.handler.EndStreams() // twice is once

	brief := newBench(t, func(c *api.Config, _ *ledger.Config) { c.EventLife = 100 * time.Millisecond })
	id = brief.post("full", "~/investigations", otherCase).want(201).text("data.investigation_id")
	l := brief.listen(t, brief.url, "full", id)
	l.progress()
	if p := l.progress(); p.Reason != "lifetime" {
		t.Errorf("%+v", p)
	}
	for _, spoil := range []func(*api.Config){func(c *api.Config) { c.MaxEventStreams = -1 }, func(c *api.Config) { c.EventLife = -1 }} {
		c := api.Config{Log: b.log, Store: b.store, Artifacts: b.artifacts, Pepper: []byte(strings.Repeat("p", 32)), Clock: b.clock.now, PublicURL: "https://audit.example.com"}
		spoil(&c)
		if _, err := api.New(c); err == nil || !strings.Contains(err.Error(), "streams of events") {
			t.Errorf("streams that cannot be are configured: %v", err)
		}
	}
}
