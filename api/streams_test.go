package api_test

import (
	"net/http"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// TestADisabledStreamStaysDisabled until somebody makes it active: what a change
// leaves out stays.
func TestADisabledStreamStaysDisabled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.post("full", "~/streams", `{"name":"SIEM","url":"https://siem.example.com/","format":"ndjson"}`).want(http.StatusCreated)
	id := a.text("data.stream_id")
	b.apply(store.DisableStream(b.ledger, audit.StreamID(id), b.clock.now()))
	change := func(body string, want int) *answer {
		t.Helper()
		tag := b.get("full", "~/streams/"+id).want(http.StatusOK).header.Get("ETag")
		return b.send(request{method: "PATCH", path: "~/streams/" + id, as: "full", header: http.Header{"If-Match": {tag}, "Content-Type": {"application/json"}}, body: []byte(body)}).want(want)
	}
	if a := change(`{"name":"Another"}`, http.StatusOK); a.text("data.status") != "disabled" || a.text("data.name") != "Another" {
		t.Errorf("%s", a.body)
	}
	if a := change(`{"status":"active"}`, http.StatusOK); a.text("data.status") != "active" {
		t.Errorf("%s", a.body)
	}
	change(`{"filter":{"repositories":[""]}}`, http.StatusUnprocessableEntity)
}
