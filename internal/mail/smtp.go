package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sealbook/sealbook/audit"
)

// SMTPWait bounds the handing over of one message, from the look-up of the name
// to the answer to the final dot. RFC 5321 section 4.5.3.2 lets servers take up
// to 10 minutes for that answer alone; what is not answered by then is Unknown.
const SMTPWait = 2 * time.Minute

// maxSMTPAnswers bounds all that a server says in a session, in bytes, its
// certificates included.
const maxSMTPAnswers = 1 << 20

// TLSMode says how the connection to a mail server is protected.
type TLSMode string

// The modes. The zero one is StartTLS.
const (
	StartTLS    TLSMode = "starttls" // required (RFC 3207): a server without it gets no message
	ImplicitTLS TLSMode = "implicit" // from the first byte (RFC 8314)
	NoTLS       TLSMode = "none"     // for a server on this machine
)

// SMTP hands messages to a mail server (RFC 5321), which a [Sender] does
// otherwise with SendGrid. There are no events: what became of a message says
// what comes back to From. It is safe for concurrent use.
type SMTP struct {
	Addr               string // host:port; the certificate is for the host
	Username, Password string // for AUTH PLAIN or LOGIN; both empty: nobody logs in
	From, FromName     string // address in ASCII, and name of at most MaxName bytes
	TLS                TLSMode
	Roots              *x509.CertPool // that the server's certificate must lead to; nil: the machine's
	Clock              audit.Clock    // dates messages; nil: the machine's
}

// Send hands the message over once and never tries again by itself. It takes at
// most [SMTPWait]. The header X-Delivery-ID is the message's DeliveryID, and
// Message-ID follows from it, so that a repetition can be recognised:
// <DeliveryID@domain of From>. Every error is a *[Failure]:
//
//   - Limited: the server answers 4xx, before or after the message. It does not
//     say when to come back.
//   - Refused: it answers 5xx, or has no room for the message's size or its
//     recipient's letters; or the settings or the message cannot be right.
//   - Unknown: the final dot left this machine, and no answer is known.
//   - NotSent: all else, such as a server that offers no TLS.
func (s *SMTP) Send(ctx context.Context, m Message) (Sent, error) {
	if err := errors.Join(s.check(), m.Check()); err != nil {
		return Sent{}, &Failure{Outcome: Refused, Err: err}
	}
	now := s.Clock
	if now == nil {
		now = audit.SystemClock
	}
	_, domain, _ := strings.Cut(s.From, "@")
	id := m.DeliveryID + "@" + domain
	data, err := eml(&netmail.Address{Name: s.FromName, Address: s.From}, m, id, now())
	if err != nil {
		return Sent{}, &Failure{Outcome: Refused, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, SMTPWait)
	defer cancel()
	whole, err := s.hand(ctx, m.To, data)
	if err == nil {
		return Sent{MessageID: id}, nil
	}
	return Sent{}, smtpFailure(ctx, m.To, whole, err)
}

func (s *SMTP) check() error {
	host, port, err := net.SplitHostPort(s.Addr)
	if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || host == "" {
		return audit.Errorf(audit.InvalidParameter, "the mail server's address is not of the form mail.example.com:587")
	}
	ip, _ := netip.ParseAddr(host)
	switch {
	case s.TLS != "" && s.TLS != StartTLS && s.TLS != ImplicitTLS && s.TLS != NoTLS:
		return audit.Errorf(audit.InvalidParameter, "the mail server's TLS is %s, %s or %s", StartTLS, ImplicitTLS, NoTLS)
	case s.TLS == NoTLS && !ip.IsLoopback() && host != "localhost":
		return audit.Errorf(audit.InvalidParameter, "mail goes without TLS only to a server on this machine")
	case !bareAddress(s.From) || !ascii(s.From):
		return audit.Errorf(audit.InvalidParameter, "the sender is not an address of the form ledger@example.com")
	case !printable(s.FromName) || len(s.FromName) > MaxName:
		return audit.Errorf(audit.InvalidParameter, "the sender's name is one line of at most %d bytes", MaxName)
	case (s.Username == "") != (s.Password == "") || !printable(s.Username) || !printable(s.Password):
		return audit.Errorf(audit.InvalidParameter, "the mail server's username and password are one line each, both or neither")
	}
	return nil
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// refusal is a reason of this package never to send a message.
type refusal struct{ error }

// hand goes through a session. whole says that the final dot left this machine:
// from there on only the server knows what it did.
func (s *SMTP) hand(ctx context.Context, to string, data []byte) (whole bool, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }()
	// Reading and writing end with the context, whichever way it ends.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	c, err := s.greet(conn)
	if err != nil {
		return false, err
	}
	if err := s.envelope(c, to, len(data)); err != nil {
		return false, err
	}
	// Like smtp.Client.Data, which hides whether the end was written.
	if err := c.Text.PrintfLine("DATA"); err != nil {
		return false, err
	}
	if _, _, err := c.Text.ReadResponse(354); err != nil {
		return false, err
	}
	w := c.Text.DotWriter()
	_, err = w.Write(data)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		// The dot is in the last write, of which something is missing. A server
		// that hung up may have said why.
		if _, _, said := c.Text.ReadResponse(2); textError(said) != nil {
			err = said
		}
		return false, err
	}
	if _, _, err := c.Text.ReadResponse(2); err != nil {
		return true, err
	}
	// The message is the server's; how it says goodbye does not matter.
	_ = c.Text.PrintfLine("QUIT")
	_ = c.Close()
	return true, nil
}

// greet begins a session, under TLS and authenticated as the settings say.
func (s *SMTP) greet(conn net.Conn) (*smtp.Client, error) {
	host, _, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return nil, err
	}
	local := conn.LocalAddr()
	config := &tls.Config{ServerName: host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	conn = &boundedConn{conn, maxSMTPAnswers}
	if s.TLS == ImplicitTLS {
		conn = tls.Client(conn, config)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, err
	}
	if err := c.Hello(literal(local)); err != nil {
		return nil, err
	}
	if s.TLS == StartTLS || s.TLS == "" {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return nil, errors.New("the mail server does not offer STARTTLS")
		}
		if err := c.StartTLS(config); err != nil {
			return nil, err
		}
	}
	if s.Username == "" {
		return c, nil
	}
	_, offered := c.Extension("AUTH")
	for _, mechanism := range strings.Fields(strings.ToUpper(offered)) {
		switch mechanism {
		case "PLAIN":
			return c, c.Auth(smtp.PlainAuth("", s.Username, s.Password, host))
		case "LOGIN":
			return c, c.Auth(&login{answers: []string{s.Username, s.Password}})
		}
	}
	return nil, errors.New("the mail server offers neither AUTH PLAIN nor LOGIN")
}

// literal is how a client that has no name in the DNS calls itself (RFC 5321
// section 4.1.3).
func literal(a net.Addr) string {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return "localhost"
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.Is6() {
		return "[IPv6:" + ip.String() + "]"
	}
	return "[" + ip.String() + "]"
}

// envelope says who writes to whom, after what the server told of itself.
func (s *SMTP) envelope(c *smtp.Client, to string, size int) error {
	if ok, most := c.Extension("SIZE"); ok { // RFC 1870; 0 is no limit
		if n, err := strconv.ParseInt(most, 10, 64); err == nil && n > 0 && int64(size) > n {
			return refusal{fmt.Errorf("the mail server takes %d bytes, and the message has %d", n, size)}
		}
	}
	if ok, _ := c.Extension("SMTPUTF8"); !ok && !ascii(to) {
		return refusal{errors.New("the mail server takes only ASCII in addresses")}
	}
	if err := c.Mail(s.From); err != nil {
		return err
	}
	return c.Rcpt(to)
}

// smtpFailure says what an error means for the message.
func smtpFailure(ctx context.Context, to string, whole bool, err error) *Failure {
	f := &Failure{Outcome: NotSent, Err: err}
	if whole {
		f.Outcome = Unknown
	}
	if said := textError(err); said != nil {
		f.Status = said.Code
		f.Err = fmt.Errorf("status %d: %s", said.Code, clip(withoutRecipient(said.Msg, to)))
		switch said.Code / 100 {
		case 4:
			f.Outcome = Limited
		case 5:
			f.Outcome = Refused
		}
		return f
	}
	if _, ok := err.(refusal); ok {
		f.Outcome = Refused
	} else if ctx.Err() != nil {
		f.Err = ctx.Err()
	}
	return f
}

// textError is what a server said, and nil when it was something else that
// went wrong.
func textError(err error) *textproto.Error {
	var said *textproto.Error
	errors.As(err, &said)
	return said
}

// login is AUTH LOGIN, which was never a standard and is all that some servers
// offer: they ask for the one, then for the other.
type login struct{ answers []string }

func (l *login) Start(*smtp.ServerInfo) (string, []byte, error) { return "LOGIN", nil, nil }

func (l *login) Next(_ []byte, more bool) ([]byte, error) {
	switch {
	case !more:
		return nil, nil
	case len(l.answers) == 0:
		return nil, errors.New("the mail server asks for more than username and password")
	}
	answer := l.answers[0]
	l.answers = l.answers[1:]
	return []byte(answer), nil
}

// boundedConn reads so many bytes and no more.
type boundedConn struct {
	net.Conn
	left int
}

func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("the mail server says too much")
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
