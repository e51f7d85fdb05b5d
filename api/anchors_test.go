package api_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/internal/anchor/anchortest"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

func TestAnchors(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	null := func(a *answer, path string) {
		t.Helper()
		if v, ok := a.at(path); !ok || v != nil {
			t.Errorf("%s is %v in %s", path, v, a.body)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	show := func() *answer {
		t.Helper()
		return b.get("verifier", "~/anchors").want(http.StatusOK)
	}
	a := show()
	for _, path := range []string{"data.registry", "data.anchored_through", "data.operator_attested_entries"} {
		null(a, path)
	}
	if !strings.Contains(a.text("data.reason"), "no worker is told") {
		t.Errorf("%s", a.body)
	}

	w := anchortest.NewWitness(t, "witness.example/w1")
	must(b.store.ConfigureAnchors(t.Context(), []string{"timestamp", "witness"}, []string{"https://tsa.example", "witness.example/w1"}))
	if a = show(); !strings.Contains(a.text("data.reason"), "no checkpoint") || a.text("data.places.0.reason") != "nothing was tried yet" {
		t.Errorf("%s", a.body)
	}
	null(a, "data.places.0.anchored")
	null(a, "data.places.0.last_attempt")

	p := ledgertest.Publish(t, b.log, b.ledger, 5)
	size := p.Size
	must(b.store.AnchorFailed(t.Context(), "timestamp", "https://tsa.example", b.clock.now(), size, "UNAVAILABLE: it refuses connections"))
	if a = show(); !strings.Contains(a.text("data.reason"), "each says why") || a.text("data.places.0.last_attempt.error") != "UNAVAILABLE: it refuses connections" ||
		a.number("data.operator_attested_entries") != size || a.text("data.places.0.reason") != "no attempt has succeeded yet" {
		t.Errorf("%s", a.body)
	}

	body, _, _ := strings.Cut(string(p.Note), "\n\n")
	line := w.Cosign([]byte(body+"\n"), time.Now())
	must(b.store.AddAnchor(t.Context(), store.Anchor{Kind: "witness", Name: "witness.example/w1", Size: size, Note: p.Note, Evidence: line, AnchoredAt: b.clock.now()}))
	a = show()
	if _, ok := a.at("data.reason"); ok || a.number("data.anchored_through") != size || a.number("data.operator_attested_entries") != 0 {
		t.Errorf("%s", a.body)
	}
	null(a, "data.places.1.last_attempt.error")
	for _, path := range []string{"data.registry.note", "data.places.1.anchored.note"} {
		if _, err := anchor.VerifyCosignature([]byte(a.text(path)), w.Key(t)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if e, err := base64.StdEncoding.DecodeString(a.text("data.places.1.anchored.evidence")); err != nil || string(e) != string(line) {
		t.Errorf("%s %v", e, err)
	}

	// What grows afterwards is the operator's word until it is anchored, and the
	// newest note does not have the old cosignature.
	next := ledgertest.Publish(t, b.log, b.ledger, 3)
	a = show()
	if a.number("data.anchored_through") != size || a.number("data.operator_attested_entries") != 3 || a.text("data.registry.note") != string(next.Note) {
		t.Errorf("%s", a.body)
	}
	must(b.store.ConfigureAnchors(t.Context(), nil, nil))
	if v, _ := show().at("data.places.1.configured"); v != false {
		t.Errorf("%s", show().body)
	}

	b.get("reader", "~/anchors").want(http.StatusForbidden)
	b.get("", "~/anchors").want(http.StatusUnauthorized)
	b.get("verifier", "~/anchors?limit=1").want(http.StatusBadRequest)
	b.whole()
}
