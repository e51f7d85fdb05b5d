package audit

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestSearchTextOfAnEntry(t *testing.T) {
	t.Parallel()
	e := Entry{Event: Event{
		Type: "fix.applied", Severity: SeverityLow, Category: "c", Description: "described", Frameworks: []Framework{SOX},
		Actor:   Object{"id": "u1", "email": "u1@example.com"},
		Action:  Object{"changes": []any{map[string]any{"field": "limit", "old_value": json.Number("180.0"), "change_reason": "better"}}},
		Details: Object{"b": "two", "a": []any{"one", nil, true, json.Number("3")}},
		Context: Object{"source_ip": "192.0.2.1"}, Metadata: Object{"request_id": "r1", "session_id": "s1"},
	}}
	got := e.SearchText()
	if want := (SearchText{
		Actor: "u1@example.com · u1", Details: "described · better · limit · 180.0 · one · 3 · two",
		Rest: "fix.applied · c · low · SOX · 192.0.2.1 · r1 · s1",
	}); got != want {
		t.Errorf("%+v", got)
	}
	masked := Mask(e)
	if got, want := masked.SearchText(), (SearchText{
		Actor: "u1", Details: "described · better · limit · one · 3 · two", Rest: "fix.applied · c · low · SOX · r1",
	}); got != want {
		t.Errorf("masked: %+v", got)
	}
	if got.Of(SearchAll) != got.Details+" · "+got.Actor+" · "+got.Rest || got.Of(SearchActor) != got.Actor || got.Of(SearchDetails) != got.Details {
		t.Errorf("%q", got.Of(SearchAll))
	}
	e.Details["b"] = strings.Repeat("ä", MaxSearchText)
	if got := e.SearchText().Details; len(got) > MaxSearchText+200 || strings.ContainsRune(got, '\uFFFD') || !strings.HasPrefix(got, "described · better") {
		t.Errorf("%d bytes can be searched: %.100q", len(got), got)
	}
	e.Type = TypeSearched
	if e.SearchText() != (SearchText{}) {
		t.Error("a search finds searches")
	}
}

func TestSearchParts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "plain words": "", "dev@acme.com of acme/web-app": "dev acme com acme web app", "(in) CR-2025": "in CR 2025", "… - ": "", "l'été": "l été", "e\u0301te": "",
	} {
		if got := SearchParts(text); got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
}
