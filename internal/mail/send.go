package mail

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sendgrid/rest"
	"github.com/sendgrid/sendgrid-go"
	sgmail "github.com/sendgrid/sendgrid-go/helpers/mail"
)

const (
	sendPath        = "/v3/mail/send"
	deliveryIDArg   = "delivery_id"
	messageIDHeader = "X-Message-Id"
	resetHeader     = "X-RateLimit-Reset"

	// What is less is a number of seconds, what is more a time: 2001-09-09.
	leastUnixTime = 1_000_000_000
	// How long a writer that the deadline cut off has to say how far it came.
	traceGrace = 100 * time.Millisecond
	maxReason  = 300 // bytes of a reason that are kept
)

// Sender sends messages through SendGrid's v3 Mail Send. It is safe for
// concurrent use.
type Sender struct {
	Key            string // goes over TLS only, or to this machine
	From, FromName string
	BaseURL        string // https://api.sendgrid.com, or where an Outbox is served
}

// Sent is SendGrid's acceptance, or a mail server's: the message is queued, not
// delivered.
type Sent struct {
	MessageID string // how the message ids of its events begin; with SMTP its Message-ID without the brackets
}

// A redirect could lead the message elsewhere.
var httpClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Send hands the message over once and never tries again by itself, for
// SendGrid does not recognise repetitions. It takes at most [SendWait]. Every
// error is a *[Failure].
func (s *Sender) Send(ctx context.Context, m Message) (Sent, error) {
	if err := errors.Join(s.check(), m.Check()); err != nil {
		return Sent{}, &Failure{Outcome: Refused, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, SendWait)
	defer cancel()
	var p progress
	// sendgrid.Client keeps the body of the last message in itself and asks a
	// client that all share, so each message has a request and a client of its own.
	request := sendgrid.GetRequest(s.Key, sendPath, s.BaseURL)
	request.Method, request.Body = rest.Post, sgmail.GetRequestBody(s.body(m))
	answer, err := (&rest.Client{HTTPClient: httpClient}).SendWithContext(p.trace(ctx), request)
	// An answer whose body broke off comes with an error. Its status counts all the same.
	if answer == nil {
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err
		}
		if p.wrote() {
			return Sent{}, &Failure{Outcome: Unknown, Err: err}
		}
		return Sent{}, &Failure{Outcome: NotSent, Err: err}
	}
	f := &Failure{Status: answer.StatusCode, Err: fmt.Errorf("status %d%s", answer.StatusCode, reasons(answer.Body, m.To))}
	header := http.Header(answer.Headers)
	switch code := answer.StatusCode; {
	case code == http.StatusAccepted:
		return Sent{MessageID: header.Get(messageIDHeader)}, nil
	case code == http.StatusTooManyRequests:
		f.Outcome, f.RetryAfter = Limited, retryAfter(header)
	case code >= 300 && code < 500:
		f.Outcome = Refused
	default:
		f.Outcome = Unknown
	}
	return Sent{}, f
}

func (s *Sender) check() error {
	u, err := url.Parse(s.BaseURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return audit.Errorf(audit.InvalidParameter, "the mail service's URL is not of the form https://api.sendgrid.com")
	}
	ip, _ := netip.ParseAddr(u.Hostname())
	if u.Scheme == "http" && s.Key != "" && !ip.IsLoopback() && u.Hostname() != "localhost" {
		return audit.Errorf(audit.InvalidParameter, "the mail service's URL starts with https:// where a key is sent to another machine")
	}
	if !bareAddress(s.From) || !printable(s.FromName) || !printable(s.Key) {
		return audit.Errorf(audit.InvalidParameter, "the sender is not an address of the form ledger@example.com")
	}
	return nil
}

func (s *Sender) body(m Message) *sgmail.SGMailV3 {
	p := sgmail.NewPersonalization()
	p.AddTos(sgmail.NewEmail("", m.To))
	p.SetCustomArg(deliveryIDArg, m.DeliveryID)
	v := sgmail.NewV3Mail().SetFrom(sgmail.NewEmail(s.FromName, s.From)).AddPersonalizations(p).
		AddContent(sgmail.NewContent("text/plain", m.Text))
	v.Subject = m.Subject
	// Links stay as they were written, and who opens a report is not watched.
	v.SetTrackingSettings(sgmail.NewTrackingSettings().
		SetClickTracking(sgmail.NewClickTrackingSetting().SetEnable(false).SetEnableText(false)).
		SetOpenTracking(sgmail.NewOpenTrackingSetting().SetEnable(false)))
	if a := m.Attachment; a != nil {
		v.AddAttachment(sgmail.NewAttachment().SetFilename(a.Name).SetType(a.Type).
			SetContent(base64.StdEncoding.EncodeToString(a.Content)).SetDisposition("attachment"))
	}
	return v
}

// progress is how far a request came, as the transport tells it.
type progress struct {
	began atomic.Bool
	ended chan bool // whether all of it was written
}

func (p *progress) trace(ctx context.Context) context.Context {
	p.ended = make(chan bool, 1)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// The transport itself tries again on another connection only when the
		// first took nothing.
		GetConn: func(string) {
			p.began.Store(false)
			select {
			case <-p.ended:
			default:
			}
		},
		WroteHeaders: func() { p.began.Store(true) },
		WroteRequest: func(i httptrace.WroteRequestInfo) {
			select {
			case p.ended <- i.Err == nil:
			default:
			}
		},
	})
}

// wrote reports whether the whole request may have left. The deadline can come
// between the last byte and the report of it, so a writer that began is waited
// for, and in doubt it is yes.
func (p *progress) wrote() bool {
	if !p.began.Load() {
		return false
	}
	select {
	case whole := <-p.ended:
		return whole
	case <-time.After(traceGrace):
		return true
	}
}

// retryAfter compares times with the answer's own clock, where it has one.
func retryAfter(header http.Header) time.Duration {
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		now = audit.SystemClock()
	}
	for _, text := range []string{header.Get(resetHeader), header.Get("Retry-After")} {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= leastUnixTime {
			return min(max(0, time.Unix(n, 0).Sub(now)), MaxRetryAfter)
		} else if err == nil && n >= 0 {
			return min(time.Duration(n)*time.Second, MaxRetryAfter)
		} else if at, err := http.ParseTime(text); err == nil {
			return min(max(0, at.Sub(now)), MaxRetryAfter)
		}
	}
	return 0
}

// answerErrors is the form of SendGrid's errors.
type answerErrors struct {
	Errors []answerError `json:"errors"`
}

type answerError struct {
	Message string  `json:"message"`
	Field   *string `json:"field"`
	Help    *string `json:"help"`
}

// reasons leaves out the recipient, since errors are logged.
func reasons(body, to string) string {
	var a answerErrors
	if json.Unmarshal([]byte(body), &a) != nil {
		return ""
	}
	var b strings.Builder
	for _, e := range a.Errors {
		b.WriteString(": " + withoutRecipient(e.Message, to))
	}
	return clip(b.String())
}

// withoutRecipient also finds the address where a server spells it otherwise.
func withoutRecipient(text, to string) string {
	return regexp.MustCompile("(?i)"+regexp.QuoteMeta(to)).ReplaceAllLiteralString(text, "(recipient)")
}

func clip(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), maxReason)], "")
}
