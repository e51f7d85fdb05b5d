package client_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sealbook/sealbook/client"
)

// reading is a file that cannot be read to its end, or not twice.
type reading struct {
	io.Reader
	err error
}

func (r reading) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if err == io.EOF && r.err != nil {
		err = r.err
	}
	return n, err
}

// TestUploads: a file is sent again if it can be read again.
func TestUploads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		upload := func(content io.Reader, options ...client.CallOption) (*server, error) {
			s := &server{answers: []func(*http.Request) (*http.Response, error){refuses(503, client.CodeUnavailable), made}}
			body := client.UploadEvidenceRequest{
				File: client.File{Name: "a/review.txt", Content: content}, Type: "access_review", Title: "Review", Date: "2025-01-02", Criteria: []string{"CC6.1", "CC6.2"},
			}
			_, err := s.client(t).UploadEvidence(t.Context(), body, options...)
			return s, err
		}
		s, err := upload(strings.NewReader("the file"))
		if err != nil || len(s.asked) != 2 || s.asked[0].Header.Get("Idempotency-Key") != s.asked[1].Header.Get("Idempotency-Key") {
			t.Fatalf("%v %d", err, len(s.asked))
		}
		for _, body := range s.bodies {
			if !strings.Contains(body, "\r\n\r\nthe file\r\n") || strings.Count(body, `name="criteria"`) != 2 || !strings.Contains(body, `filename="review.txt"`) || strings.Contains(body, "description") {
				t.Errorf("%s", body)
			}
		}
		// Also when the server answers before it has read anything.
		if s, err := upload(strings.NewReader("the file"), client.RequestID("unread")); err != nil || len(s.asked) != 2 {
			t.Errorf("%v %d", err, len(s.asked))
		}
		if s, err := upload(reading{strings.NewReader("x"), nil}); client.CodeOf(err) != client.CodeUnavailable || len(s.asked) != 1 {
			t.Errorf("%v %d", err, len(s.asked))
		}
		broken := errors.New("the disk is gone")
		if s, err := upload(reading{strings.NewReader("x"), broken}); !errors.Is(err, broken) || errors.As(err, new(*client.Error)) || len(s.asked) != 1 {
			t.Errorf("%v %d", err, len(s.asked))
		}
	})
}

// TestPages: iterators ask for what is looked at, and end with an error.
func TestPages(t *testing.T) {
	t.Parallel()
	page := func(next string, ids ...string) func(*http.Request) (*http.Response, error) {
		items := ""
		for _, id := range ids {
			items += `,{"id":"` + id + `"}`
		}
		return gives(200, `{"success":true,"data":[`+strings.TrimPrefix(items, ",")+`],"pagination":{"limit":2,"next_cursor":"`+next+`"},"metadata":{}}`)
	}
	walk := func(s *server, stop string, params client.ListLogsParams) (ids []string, err error) {
		for log, err := range s.client(t).AllLogs(t.Context(), params, client.Patience(0)) {
			if err != nil {
				return ids, err
			}
			ids = append(ids, log.ID)
			if log.ID == stop {
				break
			}
		}
		return ids, nil
	}
	s := &server{answers: []func(*http.Request) (*http.Response, error){page("c1", "a", "b"), page("c2", "c"), page("c2")}}
	ids, err := walk(s, "", client.ListLogsParams{Page: 3, Order: client.OrderAsc})
	if strings.Join(ids, "") != "abc" || err != nil || len(s.asked) != 3 {
		t.Errorf("%v %v", ids, err)
	}
	for i, want := range []string{"include_total=false&limit=200&order=asc&page=3", "cursor=c1&include_total=false&limit=200&order=asc", "cursor=c2&include_total=false&limit=200&order=asc"} {
		if got := s.asked[i].URL.RawQuery; got != want {
			t.Errorf("page %d: %s", i, got)
		}
	}
	s = &server{answers: []func(*http.Request) (*http.Response, error){page("c1", "a", "b"), page("", "c")}}
	if ids, err := walk(s, "", client.ListLogsParams{Limit: 2}); strings.Join(ids, "") != "abc" || err != nil || len(s.asked) != 2 {
		t.Errorf("%v %v", ids, err)
	}
	s = &server{answers: []func(*http.Request) (*http.Response, error){page("c1", "a", "b"), page("", "c")}}
	if ids, err := walk(s, "a", client.ListLogsParams{}); len(ids) != 1 || err != nil || len(s.asked) != 1 {
		t.Errorf("%v %v", ids, err)
	}
	s = &server{answers: []func(*http.Request) (*http.Response, error){page("c1", "a", "b"), refuses(400, client.CodeInvalidCursor)}}
	if ids, err := walk(s, "", client.ListLogsParams{}); len(ids) != 2 || client.CodeOf(err) != client.CodeInvalidCursor {
		t.Errorf("%v %v", ids, err)
	}
}

// TestPaths: nothing in an id leads to another operation.
func TestPaths(t *testing.T) {
	t.Parallel()
	s := &server{answers: []func(*http.Request) (*http.Response, error){gives(200, `{"data":{}}`)}}
	c := s.client(t)
	c.ShowExport(t.Context(), "a/b?c#d %2F..")
	c.ShowExport(t.Context(), "..")
	c.ShowTile(t.Context(), 0, "x001/x234/067.p/8", client.ShowTileParams{})
	for i, want := range []string{
		"https://audit.example.com/api/v1/audit/evidence/export/a%2Fb%3Fc%23d%20%252F..",
		"https://audit.example.com/api/v1/audit/evidence/export/%2E%2E",
		"https://audit.example.com/api/v1/audit/tile/0/x001/x234/067.p/8",
	} {
		if got := s.asked[i].URL.String(); got != want {
			t.Errorf("%s", got)
		}
	}
}
