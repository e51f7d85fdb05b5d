package mail

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	netmail "net/mail"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sealbook/sealbook/audit"
)

const (
	maxRequest     = 30 << 20 // bytes; SendGrid's limit of a message
	resetAfter     = 5 * time.Second
	eventTries     = 5
	firstPause     = 200 * time.Millisecond // before the second try; doubles
	eventPostWait  = 5 * time.Second        // of one try
	maxAnswerBytes = 64 << 10               // of the answer to events that are read
)

// Outbox takes SendGrid's place: it serves POST /v3/mail/send, writes each
// message to a file instead of sending it, and posts signed events about it. What
// stands before the @ of a recipient tries an outcome out: bounce, drop,
// ratelimit, reject, error, and hang, which takes the message and does not
// answer. It asks for no key, so only what may see every message may reach it.
// One process uses a directory. It must not be copied.
type Outbox struct {
	Dir       string            // made when the first message comes
	EventsURL string            // empty: no events
	Key       *ecdsa.PrivateKey // signs events; nil: no events
	Clock     audit.Clock
	Client    *http.Client // posts events; nil: http.DefaultClient

	mu     sync.Mutex
	last   uint64 // number of the newest file; 0: not looked up yet
	closed bool
	posts  sync.WaitGroup
}

// sendRequest is as much of SendGrid's request as there is here.
type sendRequest struct {
	Personalizations []struct {
		To         []address         `json:"to"`
		CustomArgs map[string]string `json:"custom_args"`
	} `json:"personalizations"`
	From    address `json:"from"`
	Subject string  `json:"subject"`
	Content []struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"content"`
	Attachments []struct {
		Content  []byte `json:"content"`
		Type     string `json:"type"`
		Filename string `json:"filename"`
	} `json:"attachments"`
}

type address struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

// ServeHTTP implements http.Handler.
func (o *Outbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != sendPath {
		refuse(w, http.StatusNotFound, "", "not found")
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "", "method not allowed")
		return
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "", "the message has more than 30 MB, or broke off")
		return
	}
	from, m, field, err := readRequest(raw)
	if err != nil {
		refuse(w, http.StatusBadRequest, field, err.Error())
		return
	}
	now := o.Clock()
	trial, _, _ := strings.Cut(m.To, "@")
	switch trial {
	case "ratelimit":
		w.Header().Set(resetHeader, strconv.FormatInt(now.Add(resetAfter).Unix(), 10))
		refuse(w, http.StatusTooManyRequests, "", "too many requests")
		return
	case "reject":
		refuse(w, http.StatusBadRequest, "personalizations.0.to", "this recipient is for trying out a refusal")
		return
	case "error":
		refuse(w, http.StatusInternalServerError, "", "this recipient is for trying out an error")
		return
	}
	messageID := rand.Text()
	if err := o.take(from, m, messageID, now); err != nil {
		refuse(w, http.StatusInternalServerError, "", "the outbox cannot write")
		return
	}
	o.report(r.Context(), m, messageID, trial)
	if trial == "hang" {
		<-r.Context().Done()
		return
	}
	w.Header().Set(messageIDHeader, messageID)
	w.WriteHeader(http.StatusAccepted)
}

// refuse answers in the form of SendGrid's errors.
func refuse(w http.ResponseWriter, status int, field, message string) {
	e := answerError{Message: message}
	if field != "" {
		e.Field = &field
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The answer is the status; whether its text arrives does not matter.
	_ = json.NewEncoder(w).Encode(answerErrors{Errors: []answerError{e}})
}

// readRequest takes what Sender makes: one recipient, plain text, one attachment
// at most. With an error comes the field that is wrong.
func readRequest(raw []byte) (from *netmail.Address, m Message, field string, err error) {
	var q sendRequest
	switch err := json.Unmarshal(raw, &q); {
	case err != nil:
		return nil, m, "", errors.New("the body is not a message in JSON")
	case !bareAddress(q.From.Email) || !printable(q.From.Name):
		return nil, m, "from.email", errors.New("the from address is missing or not an address")
	case len(q.Personalizations) != 1 || len(q.Personalizations[0].To) != 1 || !bareAddress(q.Personalizations[0].To[0].Email):
		return nil, m, "personalizations.0.to", errors.New("the outbox takes one recipient with an address")
	case q.Subject == "":
		return nil, m, "subject", errors.New("the subject is missing")
	case len(q.Content) != 1 || q.Content[0].Type != "text/plain" || q.Content[0].Value == "":
		return nil, m, "content", errors.New("the outbox takes one content of the type text/plain")
	case len(q.Attachments) > 1:
		return nil, m, "attachments", errors.New("the outbox takes one attachment")
	}
	p := q.Personalizations[0]
	m = Message{DeliveryID: p.CustomArgs[deliveryIDArg], To: p.To[0].Email, Subject: q.Subject, Text: q.Content[0].Value}
	for _, a := range q.Attachments {
		m.Attachment = &Attachment{Name: a.Filename, Type: a.Type, Content: a.Content}
	}
	return &netmail.Address{Name: q.From.Name, Address: q.From.Email}, m, "", m.Check()
}

// Close waits until the events of every message are posted or given up. A
// message that comes later has none.
func (o *Outbox) Close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.posts.Wait()
}

// report posts a message's events while the answer goes out.
func (o *Outbox) report(ctx context.Context, m Message, messageID, trial string) {
	kinds, reason := []string{Processed, Delivered}, ""
	switch trial {
	case "bounce":
		kinds, reason = []string{Processed, Bounce}, "550 no such mailbox"
	case "drop":
		kinds, reason = []string{Dropped}, "Bounced Address"
	}
	events := make([]wireEvent, len(kinds))
	for i, kind := range kinds {
		events[i] = wireEvent{ID: rand.Text(), MessageID: messageID + ".outbox", DeliveryID: m.DeliveryID, Email: m.To, Kind: kind, Timestamp: o.Clock().Unix()}
	}
	events[len(events)-1].Reason = reason
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.EventsURL == "" || o.Key == nil {
		return
	}
	// The events outlive the request that they are about.
	ctx = context.WithoutCancel(ctx)
	o.posts.Go(func() {
		for try := range eventTries {
			if try > 0 {
				time.Sleep(firstPause << (try - 1))
			}
			if o.post(ctx, events) == nil {
				return
			}
		}
	})
}

func (o *Outbox) post(ctx context.Context, events []wireEvent) error {
	ctx, cancel := context.WithTimeout(ctx, eventPostWait)
	defer cancel()
	raw, err := json.Marshal(events)
	if err != nil {
		return fmt.Errorf("post events: %w", err)
	}
	raw = append(raw, "\r\n"...) // SendGrid's bodies end so
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.EventsURL, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("post events: %w", err)
	}
	if r.Header, err = signEvents(o.Key, raw, o.Clock()); err != nil {
		return err
	}
	client := o.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("post events: %w", err)
	}
	defer resp.Body.Close()
	// Read so that the connection can be used again.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswerBytes))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("post events: status %d", resp.StatusCode)
	}
	return nil
}
