package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestServeIndexes appends to a real process and searches until the entry is
// found: somebody follows the ledger without being told.
func TestServeIndexes(t *testing.T) {
	t.Parallel()
	i := install(t)
	_, log := i.child(t, "serve")
	url := "http://" + log.address(t) + apiMount
	send := func(method, path, body string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+i.key.Key)
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode/100 != 2 {
			t.Fatalf("%s %s: %s %s, %v", method, path, answer.Status, text, err)
		}
		return string(text)
	}
	send("POST", "/entries", `{"event_type":"config.changed","details":{"note":"xylophone"}}`)
	began := time.Now()
	for !strings.Contains(send("GET", "/search?q=xylophone", ""), "<em>xylophone</em>") {
		if time.Since(began) > time.Minute {
			t.Fatalf("the entry cannot be found:\n%s", log)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("found after %s", time.Since(began))
}
