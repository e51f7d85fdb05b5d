package mail

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// outbox serves one whose events are verified and kept; the first post of all
// fails.
func outbox(t *testing.T) (o *Outbox, s *Sender, events func() []Event) {
	t.Helper()
	key := newKey(t, elliptic.P256())
	var mu sync.Mutex
	var got []Event
	failed := false
	o = &Outbox{Dir: filepath.Join(t.TempDir(), "out"), Key: key, Clock: audit.SystemClock}
	o.EventsURL = serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if !failed {
			failed = true
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		b, _ := io.ReadAll(r.Body)
		es, err := ParseEvents(&key.PublicKey, r.Header, b, audit.SystemClock())
		if err != nil {
			t.Error(err)
		}
		got = append(got, es...)
	})
	return o, sender(serve(t, o.ServeHTTP)), func() []Event {
		o.Close()
		return got
	}
}

func TestOutboxConcurrently(t *testing.T) {
	const sends = 400
	o, s, events := outbox(t)
	var wg sync.WaitGroup
	for i := range sends {
		wg.Go(func() {
			if sent, err := s.Send(t.Context(), message(fmt.Sprintf("d%d", i), fmt.Sprintf("reader-%d@example.com", i))); err != nil || sent.MessageID == "" {
				t.Errorf("%d: %+v, %v", i, sent, err)
			}
		})
	}
	wg.Wait()
	list, err := o.List()
	if err != nil || len(list) != sends {
		t.Fatalf("%d messages, %v", len(list), err)
	}
	seen := map[string]bool{}
	for _, e := range list {
		seen[e.To] = true
		id, _ := strings.CutSuffix(e.Name[strings.Index(e.Name, "-")+1:], ".eml")
		if e.To != "reader-"+id[1:]+"@example.com" {
			t.Errorf("%s went to %s", e.Name, e.To)
		}
	}
	kinds := map[string]int{}
	for _, e := range events() {
		kinds[e.DeliveryID+e.Kind]++
	}
	if len(seen) != sends || len(kinds) != 2*sends {
		t.Errorf("%d recipients, %d different events", len(seen), len(kinds))
	}
}

func TestOutboxKeepsTheMessage(t *testing.T) {
	o, s, events := outbox(t)
	m := message("d1", "reader-17@example.com")
	sent, err := s.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	again := &Outbox{Dir: o.Dir, Clock: audit.SystemClock} // after a restart
	if _, err := sender(serve(t, again.ServeHTTP)).Send(t.Context(), Message{DeliveryID: "d2", To: "reader-18@example.com", Subject: "s", Text: "t"}); err != nil {
		t.Fatal(err)
	}
	list, err := o.List()
	if err != nil || len(list) != 2 || list[0].Name != "00000002-d2.eml" || list[0].Attachment != "" || list[1].Name != "00000001-d1.eml" ||
		list[1].Subject != m.Subject || list[1].To != m.To || list[1].Attachment != m.Attachment.Name || list[1].Size != 400 || time.Since(list[1].Time) > time.Minute {
		t.Fatalf("%+v, %v", list, err)
	}
	f, err := o.Open(list[1].Name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read, err := netmail.ReadMessage(f)
	if err != nil {
		t.Fatal(err)
	}
	_, boundary, _ := strings.Cut(read.Header.Get("Content-Type"), "boundary=")
	parts := multipart.NewReader(read.Body, boundary)
	text, err := parts.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(text); string(b) != strings.ReplaceAll(m.Text, "\n", "\r\n") {
		t.Errorf("%q", b)
	}
	file, err := parts.NextPart()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, file)); err != nil || !bytes.Equal(b, m.Attachment.Content) {
		t.Errorf("%q, %v", b, err)
	}
	if i, err := os.Stat(filepath.Join(o.Dir, list[1].Name)); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", i.Mode(), err)
	}
	es := events()
	if len(es) != 2 || es[0].Kind != Processed || es[1].Kind != Delivered || !strings.HasPrefix(es[1].MessageID, sent.MessageID) {
		t.Errorf("%+v", es)
	}
}

func TestOutboxTrials(t *testing.T) {
	for _, c := range []struct {
		trial string
		want  Outcome
		files int
		kinds []string
	}{
		{"bounce", "", 1, []string{Processed, Bounce}},
		{"drop", "", 1, []string{Dropped}},
		{"ratelimit", Limited, 0, nil},
		{"reject", Refused, 0, nil},
		{"error", Unknown, 0, nil},
		{"hang", Unknown, 1, []string{Processed, Delivered}},
	} {
		o, s, events := outbox(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := s.Send(ctx, message("d1", c.trial+"@example.com"))
		cancel()
		if c.want != "" {
			if f := failure(t, err); f.Outcome != c.want || c.want == Limited && (f.RetryAfter < 3*time.Second || f.RetryAfter > 6*time.Second) {
				t.Errorf("%s: %v %s", c.trial, f, f.RetryAfter)
			}
		} else if err != nil {
			t.Errorf("%s: %v", c.trial, err)
		}
		var kinds []string
		for _, e := range events() {
			kinds = append(kinds, e.Kind)
		}
		if list, err := o.List(); err != nil || len(list) != c.files || !slices.Equal(kinds, c.kinds) {
			t.Errorf("%s: %v, %v, %v", c.trial, list, err, kinds)
		}
	}
}

func TestOutboxRefuses(t *testing.T) {
	o := &Outbox{Dir: t.TempDir(), Clock: audit.SystemClock}
	whole := `{"from":{"email":"a@example.com"},"personalizations":[{"to":[{"email":"b@example.com"}],"custom_args":{"delivery_id":"d1"}}],"subject":"s","content":[{"type":"text/plain","value":"t"}]}`
	for old, field := range map[string]string{
		`a@example.com`: "from.email", `b@example.com`: "personalizations.0.to", `"subject":"s"`: "subject", `"value":"t"`: "content", whole: "", `d1`: "",
	} {
		body := strings.Replace(whole, old, "", 1)
		if strings.HasPrefix(old, `"`) {
			body = strings.Replace(whole, old, `"x":""`, 1)
		}
		w := httptest.NewRecorder()
		o.ServeHTTP(w, httptest.NewRequest(http.MethodPost, sendPath, strings.NewReader(body)))
		var a answerErrors
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusBadRequest || len(a.Errors) != 1 || a.Errors[0].Message == "" ||
			(a.Errors[0].Field == nil) != (field == "") || field != "" && *a.Errors[0].Field != field {
			t.Errorf("without %s: %d %s", old, w.Code, w.Body)
		}
	}
	for method, status := range map[string]int{http.MethodGet: http.StatusMethodNotAllowed, http.MethodPost: http.StatusAccepted} {
		w := httptest.NewRecorder()
		o.ServeHTTP(w, httptest.NewRequest(method, sendPath, strings.NewReader(whole)))
		if w.Code != status {
			t.Errorf("%s: %d %s", method, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	o.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v3/templates", strings.NewReader(whole)))
	if w.Code != http.StatusNotFound {
		t.Errorf("another path: %d", w.Code)
	}
}

func TestOutboxOpensOnlyWhatItLists(t *testing.T) {
	top := t.TempDir()
	o := &Outbox{Dir: filepath.Join(top, "out"), Clock: audit.SystemClock}
	if list, err := o.List(); err != nil || len(list) != 0 {
		t.Errorf("no directory: %v, %v", list, err)
	}
	if err := os.MkdirAll(filepath.Join(o.Dir, "00000003-dir.eml"), 0o700); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(top, "00000001-d.eml")
	for _, path := range []string{secret, filepath.Join(o.Dir, "notes.txt"), filepath.Join(o.Dir, "00000002-d.eml.part")} {
		if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(secret, filepath.Join(o.Dir, "00000004-link.eml")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".", "..", "../00000001-d.eml", secret, "notes.txt", "00000002-d.eml.part", "00000003-dir.eml", "00000004-link.eml", "00000001-d.eml", "./00000001-d.eml", "00000001-d.eml\x00"} {
		if f, err := o.Open(name); audit.CodeOf(err) != audit.NotFound || f != nil {
			t.Errorf("%q: %v, %v", name, f, err)
		}
	}
}
