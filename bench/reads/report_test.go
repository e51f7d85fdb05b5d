package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/bench/program"
)

// TestARefusalIsALine drives a server that refuses: the question's line says
// with what, in every form of the report.
func TestARefusalIsALine(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"success":false,"error":{"code":"UNAVAILABLE","message":"it takes too long | use rarer words"}}`: "503 UNAVAILABLE: it takes too long | use rarer words",
		"no JSON": `503: "no JSON"`,
	} {
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, body)
		}))
		s := &server{Server: &program.Server{Address: strings.TrimPrefix(api.URL, "http://")}}
		q := question{name: "search", target: target{P99: 1}, ask: func(*rand.Rand) string { return "/search?q=x" }}
		_, err := q.measure(t.Context(), options{clients: 2, window: time.Millisecond}, s)
		api.Close()
		var refused *refusal
		if !errors.As(err, &refused) || refused.answer != want {
			t.Fatalf("%v", err)
		}
		l := q.line(measured{}, measured{took: time.Second, waits: []time.Duration{time.Millisecond}}, refused)
		if l.Met || len(l.cells()) != len(headings) {
			t.Errorf("%+v", l)
		}
		rep := report{Lines: []line{l}}
		var text, markdown, json bytes.Buffer
		if err := errors.Join(rep.text(&text), rep.markdown(&markdown), rep.json(&json)); err != nil {
			t.Fatal(err)
		}
		escaped := strings.ReplaceAll(want, "|", `\|`)
		if !strings.Contains(text.String(), want) || !strings.Contains(markdown.String(), escaped) || !strings.Contains(json.String(), `"refused": "503`) {
			t.Errorf("%s\n%s\n%s", &text, &markdown, &json)
		}
	}
}

// What is no answer ends the run as before.
func TestNoAnswerIsAnError(t *testing.T) {
	t.Parallel()
	q := question{check: func(context.Context) error { return errors.New("the totals differ") }}
	var refused *refusal
	if _, err := q.measure(t.Context(), options{}, nil); err == nil || errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
}
