// Package mail sends messages, through SendGrid or a mail server, and reads what
// SendGrid reports about them; an outbox stands in for SendGrid where nothing may
// leave the machine. It guards against sending twice, by telling apart what
// certainly was not sent from what may have been, and against reports that
// SendGrid did not sign. The activities send with it, the api package takes
// events with it and shows the outbox; it knows no SQL and no Temporal.
package mail

import (
	"fmt"
	"mime"
	netmail "net/mail"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sealbook/sealbook/audit"
)

// Limits of one message.
const (
	MaxAttachment = 10 << 20 // bytes; base64 makes a third more of them, and SendGrid takes 30 MB
	MaxText       = 1 << 20  // bytes
	MaxSubject    = 250      // bytes
	MaxName       = 200      // bytes of an attachment's name

	SendWait      = 20 * time.Second // of one message, from the look-up of the name to the end of the answer
	MaxRetryAfter = time.Hour        // a longer wait counts as this
)

// Message is a message in plain text to one recipient.
type Message struct {
	// DeliveryID comes back with every event and is in every message that goes to
	// a mail server. SendGrid keeps it in the clear, so
	// it holds no personal data: 1 to 128 letters, digits, hyphens and underscores.
	DeliveryID string
	To         string // an address without a name
	Subject    string
	Text       string
	Attachment *Attachment
}

// Attachment is a file that goes with a message.
type Attachment struct {
	Name    string
	Type    string // media type
	Content []byte
}

var deliveryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// Check says whether the message can be sent at all. The error is
// InvalidParameter and does not repeat what the message says.
func (m Message) Check() error {
	switch a := m.Attachment; {
	case !deliveryID.MatchString(m.DeliveryID):
		return audit.Errorf(audit.InvalidParameter, "a delivery id is 1 to 128 letters, digits, hyphens and underscores")
	case !bareAddress(m.To):
		return audit.Errorf(audit.InvalidParameter, "the recipient is not an address of the form reader@example.com")
	case m.Subject == "" || len(m.Subject) > MaxSubject || !printable(m.Subject):
		return audit.Errorf(audit.InvalidParameter, "a subject is one line of 1 to %d bytes", MaxSubject)
	case m.Text == "" || len(m.Text) > MaxText || !utf8.ValidString(m.Text):
		return audit.Errorf(audit.InvalidParameter, "a text is 1 to %d bytes of UTF-8", MaxText)
	case a == nil:
		return nil
	default:
		return a.check()
	}
}

func (a *Attachment) check() error {
	if a.Name == "" || len(a.Name) > MaxName || !printable(a.Name) || strings.ContainsAny(a.Name, `/\`) {
		return audit.Errorf(audit.InvalidParameter, "an attachment's name is one line of 1 to %d bytes without slashes", MaxName)
	}
	if _, _, err := mime.ParseMediaType(a.Type); err != nil || !printable(a.Type) {
		return audit.Errorf(audit.InvalidParameter, "an attachment's type is a media type")
	}
	if len(a.Content) == 0 || len(a.Content) > MaxAttachment {
		return audit.Errorf(audit.InvalidParameter, "an attachment has 1 to %d bytes", MaxAttachment)
	}
	return nil
}

func bareAddress(s string) bool {
	a, err := netmail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s && printable(s)
}

// printable refuses what could end a header's line.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Outcome is what is known about a message that was not accepted.
type Outcome string

// The outcomes.
const (
	NotSent Outcome = "not_sent" // no whole message left this machine: sending again is safe
	Limited Outcome = "limited"  // SendGrid or the mail server took nothing, now: come back later
	Refused Outcome = "refused"  // SendGrid, the mail server or this package will never take this message
	Unknown Outcome = "unknown"  // it may have been sent; only an event, or who reads it, can tell
)

// Failure is every error of [Sender.Send] and [SMTP.Send].
type Failure struct {
	Outcome    Outcome
	RetryAfter time.Duration // with Limited; 0: not said; at most MaxRetryAfter
	Status     int           // of HTTP or SMTP; 0: there was no answer
	Err        error
}

// Error implements error. It names no recipient.
func (f *Failure) Error() string {
	return fmt.Sprintf("send mail: %s: %v", f.Outcome, f.Err)
}

// Unwrap gives errors.Is and errors.As the cause.
func (f *Failure) Unwrap() error { return f.Err }
