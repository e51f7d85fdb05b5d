package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/api"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// FuzzAPI sends requests that openapi.yaml describes, and such that are nearly
// that, through the router to a real Postgres. Every answer must be one that
// the description has, with its shape, and none may be the server's fault. The
// first byte of an input chooses the operation, the others everything else.
func FuzzAPI(f *testing.F) {
	b := newBench(f, func(c *api.Config, _ *ledger.Config) { c.RateLimit = -1 })
	g := newGenerator(b)
	for i := range g.operations {
		f.Add([]byte{byte(i)}) // the plainest request
		for n := range 2 {
			f.Add(noise(i, n))
		}
	}
	f.Fuzz(func(t *testing.T, input []byte) { g.try(t, b, input) })
	ledgertest.Check(f, b.log, b.ledger, -1)
}

// TestGeneratedRequests does the same with inputs that are always the same.
func TestGeneratedRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c *api.Config, _ *ledger.Config) { c.RateLimit = -1 })
	g := newGenerator(b)
	for i := range g.operations {
		for n := range 16 {
			g.try(t, b, noise(i, 2+n))
		}
	}
	b.whole()
}

func (g *generator) try(t *testing.T, b *bench, input []byte) {
	t.Helper()
	one := *b
	one.t = t
	req := g.request(&chooser{input})
	if a := one.send(req); a.status >= 500 || t.Failed() {
		t.Fatalf("input %x: %s %s %v → %d %s\n%.2000s", input, req.method, req.path, req.header, a.status, a.body, req.body)
	}
}

// noise is a seed: bytes that are the same in every run.
func noise(operation, n int) []byte {
	out := []byte{byte(operation)}
	x := uint32(operation*7919 + n*104729 + 1)
	for range 40 + 60*n {
		x = x*1664525 + 1013904223
		out = append(out, byte(x>>24))
	}
	return out
}

// chooser turns an input into decisions. At its end, all of them are 0.
type chooser struct{ input []byte }

func (c *chooser) n(limit int) int {
	if len(c.input) == 0 || limit == 0 {
		return 0
	}
	x := int(c.input[0])
	c.input = c.input[1:]
	return x % limit
}

// rarely is true once in so many times, and never at the end.
func (c *chooser) rarely(times int) bool { return c.n(times) == times-1 }

// bytes takes up to most bytes of the input as they are.
func (c *chooser) bytes(most int) string {
	n := min(c.n(most+1), len(c.input))
	s := string(c.input[:n])
	c.input = c.input[n:]
	return s
}

// text is one that has broken readers before, or bytes of the input.
func (c *chooser) text() string {
	texts := []string{
		"x", "", " ", "0", "-1", "00", "1e3", "null", "true", "a,b", ",", "%", "%00", "'", `"`, `\`, "..", "../..", "/", "<script>", "\u202e", "é", "\ufeff",
		"2024-01-01", "2024-02-30T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "0000-01-01", "2024-01-15T10:30:00+14:00", "9223372036854775807",
		strings.Repeat("x", 257), strings.Repeat("é", 1025), "audit.entry_read", "sk_live_", "W/\"\"", "*",
	}
	if c.rarely(4) {
		return c.bytes(24)
	}
	return texts[c.n(len(texts))]
}

func pick[T any](c *chooser, list []T) T { return list[c.n(len(list))] }

// header makes values that the client agrees to send.
func (c *chooser) header(values ...string) string {
	if c.rarely(8) {
		return strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return -1
			}
			return r
		}, c.text())
	}
	return pick(c, values)
}

var contentTypes = []string{"application/json", "application/json; charset=utf-8", "application/json;charset=latin1", "text/plain", "json", ""}

func (g *generator) headers(c *chooser, idempotent bool) http.Header {
	h := http.Header{}
	set := func(times int, name string, values ...string) {
		if c.rarely(times) {
			h.Set(name, c.header(values...))
		}
	}
	set(4, "Accept", "application/problem+json", "text/plain", "application/json;q=0", "*/*")
	set(8, "Accept-Encoding", "gzip", "gzip;q=0", "br")
	set(8, "Prefer", "respond-async", "wait=0", "respond-async, wait=x")
	set(8, "If-None-Match", "*", `W/"sha256:0"`, `"`)
	set(8, "X-Request-Id", "id-1", "a b")
	set(8, "Origin", "https://console.example.com", "null")
	set(16, "Content-Type", contentTypes...)
	set(32, "Content-Encoding", "gzip", "identity")
	if idempotent {
		set(4, "Idempotency-Key", "k1", `"k2"`, "k 3", `"`)
	}
	return h
}

// caller is mostly one who may do everything.
func (g *generator) caller(c *chooser) string {
	return pick(c, slices.Concat(slices.Repeat([]string{"full"}, 12), []string{"other", "basic", "writer", "verifier", ""}))
}
