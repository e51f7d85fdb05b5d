package client

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

// answering is a client of a server that answers everything with these bodies
// in turn, and keeps what it was asked.
func answering(t *testing.T, status int, bodies ...string) (c *Client, asked *[]string) {
	asked = new([]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
			boundary := strings.TrimPrefix(r.Header.Get("Content-Type"), "multipart/form-data; boundary=")
			body = []byte(strings.ReplaceAll(string(body), boundary, "B"))
		}
		*asked = append(*asked, r.Method+" "+r.URL.String()+" "+string(body))
		w.WriteHeader(status)
		io.WriteString(w, bodies[0])
		if len(bodies) > 1 {
			bodies = bodies[1:]
		}
	}))
	t.Cleanup(s.Close)
	c, err := New(s.URL, "key", WithDefaults(Patience(0)))
	if err != nil {
		t.Fatal(err)
	}
	return c, asked
}

func want(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%#v\nnot\n%#v", got, want)
	}
}

func TestOptionalMembers(t *testing.T) {
	ends := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	thing := Thing{ID: 1, Destination: &Destination{Webhook: &Webhook{Type: "webhook", URL: "u"}}}
	for _, c := range []struct {
		value any
		json  string
	}{
		{thing, `{"id":1,"destination":{"type":"webhook","url":"u"}}`},
		{Thing{Paused: new(false), Rank: new(int64(0)), Counts: map[string]int64{"a": 1}, Destination: &Destination{Splunk: &DestinationSplunk{Type: "splunk", Index: "i"}}},
			`{"id":0,"rank":0,"paused":false,"counts":{"a":1},"destination":{"type":"splunk","index":"i"}}`},
		{ThingChanges{}, `{"id":0,"destination":null}`},
		{ThingChanges{Note: Clear[string](), Rank: Set(int64(0)), Label: new(""), Ends: Set(ends)}, `{"id":0,"note":null,"rank":0,"label":"","ends":"2025-01-02T03:04:05Z","destination":null}`},
	} {
		text, err := json.Marshal(c.value)
		if err != nil {
			t.Fatal(err)
		}
		var got, documented map[string]any
		json.Unmarshal(text, &got)
		if err := json.Unmarshal([]byte(c.json), &documented); err != nil {
			t.Fatal(err)
		}
		want(t, got, documented)
	}
}

func TestOneOf(t *testing.T) {
	for text, read := range map[string]Destination{
		`{"type":"webhook","url":"u"}`:            {Webhook: &Webhook{Type: "webhook", URL: "u"}},
		`{"type":"queue","url":"u"}`:              {Queue: &DestinationQueue{Type: "queue", URL: "u"}},
		`{"type":"splunk","index":"i","url":"u"}`: {Splunk: &DestinationSplunk{Type: "splunk", Index: "i", URL: "u"}},
		`{"type":"other","url":"u"}`:              {Other: json.RawMessage(`{"type":"other","url":"u"}`)},
	} {
		var d Destination
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		want(t, d, read)
		again, err := json.Marshal(d)
		if err != nil || string(again) != text {
			t.Errorf("%s became %s, %v", text, again, err)
		}
	}
}

func TestCalls(t *testing.T) {
	thing := `{"success":true,"data":{"id":1,"client":"c","rank":null,"owner":{"name":"n"},"size":"big","destination":{"type":"webhook","url":"u"},"more":1},"metadata":{"at":"2025-01-02T03:04:05Z"}}`
	c, asked := answering(t, 201, thing)
	made, err := c.CreateThing(t.Context(), Thing{})
	if err != nil {
		t.Fatal(err)
	}
	want(t, made.Data.Owner, &Client2{Name: "n"})
	want(t, made.Data.Size, any("big"))
	want(t, made.Data.ClientValue, "c")
	want(t, made.Metadata.At.Year(), 2025)
	if !strings.Contains(string(made.Raw), `"more":1`) {
		t.Errorf("%s", made.Raw)
	}
	if _, err := c.ChangeThing(t.Context(), ChangeThingTypeA, 7, ThingChanges{Label: new("x")}); err != nil {
		t.Fatal(err)
	}
	want(t, (*asked)[1], `PATCH /api/things/a/7 {"id":0,"label":"x","destination":null}`)

	c, asked = answering(t, 204, "")
	if err := c.DeleteThing(t.Context(), ChangeThingTypeB, 7); err != nil {
		t.Fatal(err)
	}
	picture := UploadThingRequest{Picture: File{Name: "a/p.png", Content: strings.NewReader("PNG")}, Size: new(int64(0)), Tags: []string{"x", "y"}}
	if err := c.UploadThing(t.Context(), ChangeThingTypeB, 7, picture); err != nil {
		t.Fatal(err)
	}
	made, err = c.CreateThing(t.Context(), Thing{})
	if err != nil || made.Status != 204 {
		t.Errorf("%v %v", made, err)
	}
	want(t, (*asked)[0], "DELETE /api/things/b/7 ")
	for _, part := range []string{"PUT /api/things/b/7 ", "name=\"picture\"; filename=\"p.png\"", "PNG", "name=\"size\"\r\n\r\n0\r\n", "name=\"tags\"\r\n\r\nx\r\n", "name=\"tags\"\r\n\r\ny\r\n"} {
		if !strings.Contains((*asked)[1], part) {
			t.Errorf("%q is not in %q", part, (*asked)[1])
		}
	}
	if strings.Contains((*asked)[1], "note") {
		t.Errorf("%q", (*asked)[1])
	}

	c, asked = answering(t, 200, "a,b\n")
	d, err := c.DownloadThings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	text, err := io.ReadAll(d)
	want(t, string(text), "a,b\n")
	want(t, err, error(nil))
	want(t, (*asked)[0], "GET /things.csv ")
}

// TestUnsafe: what has no Idempotency-Key is sent once.
func TestUnsafe(t *testing.T) {
	c, asked := answering(t, 503, `{"error":{"code":"UNAVAILABLE","message":"later"}}`)
	if _, err := c.CreateThing(t.Context(), Thing{}, Patience(time.Minute)); CodeOf(err) != CodeUnavailable || len(*asked) != 1 {
		t.Errorf("%v %v", err, *asked)
	}
	if _, err := c.ChangeThing(t.Context(), ChangeThingTypeA, 7, ThingChanges{}, Patience(time.Minute)); CodeOf(err) != CodeUnavailable || len(*asked) != 2 {
		t.Errorf("%v %v", err, *asked)
	}
	if err := c.DeleteThing(t.Context(), ChangeThingTypeA, 7, Patience(time.Second)); CodeOf(err) != CodeUnavailable || len(*asked) < 4 {
		t.Errorf("%v %v", err, *asked)
	}
}

func TestNumberedPages(t *testing.T) {
	three := `{"success":true,"data":[{"id":1},{"id":2},{"id":3}],"pagination":{"limit":3},"metadata":{}}`
	one := `{"success":true,"data":[{"id":4}],"pagination":{"limit":3},"metadata":{}}`
	c, asked := answering(t, 200, three, one)
	var ids []int64
	since := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	for thing, err := range c.AllThings(t.Context(), ListThingsParams{Page: 2, Tag: []string{"x", "y"}, Since: since, Type: ListThingsTypeA}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, thing.ID)
	}
	want(t, ids, []int64{1, 2, 3, 4})
	want(t, *asked, []string{
		"GET /api/things?limit=3&page=2&since=2025-01-02T03%3A04%3A05Z&tag=x&tag=y&type=a ",
		"GET /api/things?limit=3&page=3&since=2025-01-02T03%3A04%3A05Z&tag=x&tag=y&type=a ",
	})
}
