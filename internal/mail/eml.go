package mail

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/textproto"
	"strconv"
	"time"
)

// deliveryIDHeader carries [Message.DeliveryID].
const deliveryIDHeader = "X-Delivery-ID"

// base64Line is the length of a line of base64, RFC 2045, section 6.8.
const base64Line = 76

// Entry is a message in the outbox.
type Entry struct {
	Name       string // for Open
	To         string
	Subject    string
	Time       time.Time
	Attachment string // name; empty: none
	Size       int64  // bytes of the attachment
}

// eml writes a message as RFC 5322 and RFC 2045 have it. messageID has a domain.
func eml(from *netmail.Address, m Message, messageID string, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, h := range [][2]string{
		{"From", from.String()},
		{"To", (&netmail.Address{Address: m.To}).String()},
		{"Subject", mime.QEncoding.Encode("utf-8", m.Subject)},
		{"Date", at.Format(time.RFC1123Z)},
		{"Message-ID", "<" + messageID + ">"},
		{deliveryIDHeader, m.DeliveryID},
		{"MIME-Version", "1.0"},
		{"Content-Type", mime.FormatMediaType("multipart/mixed", map[string]string{"boundary": w.Boundary()})},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	if err := writeParts(w, m); err != nil {
		return nil, fmt.Errorf("write message: %w", err)
	}
	return b.Bytes(), nil
}

func writeParts(w *multipart.Writer, m Message) error {
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Type":              {"text/plain; charset=utf-8"},
		"Content-Transfer-Encoding": {"quoted-printable"},
	})
	if err != nil {
		return err
	}
	text := quotedprintable.NewWriter(part)
	if _, err := io.WriteString(text, m.Text); err != nil {
		return err
	}
	if err := text.Close(); err != nil {
		return err
	}
	if a := m.Attachment; a != nil {
		// The size (RFC 2183, section 2.7) lets List pass over the content.
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Type":              {a.Type},
			"Content-Transfer-Encoding": {"base64"},
			"Content-Disposition": {mime.FormatMediaType("attachment", map[string]string{
				"filename": a.Name, "size": strconv.Itoa(len(a.Content)),
			})},
		})
		if err != nil {
			return err
		}
		encoded := []byte(base64.StdEncoding.EncodeToString(a.Content))
		for len(encoded) > 0 {
			n := min(base64Line, len(encoded))
			if _, err := part.Write(append(encoded[:n:n], '\r', '\n')); err != nil {
				return err
			}
			encoded = encoded[n:]
		}
	}
	return w.Close()
}

// readEntry reads what List shows and not the attachment's content.
func readEntry(name string, r io.Reader) (Entry, error) {
	m, err := netmail.ReadMessage(r)
	if err != nil {
		return Entry{}, fmt.Errorf("read %s: %w", name, err)
	}
	e := Entry{Name: name}
	to, errTo := netmail.ParseAddress(m.Header.Get("To"))
	at, errDate := m.Header.Date()
	subject, errSubject := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	_, params, errType := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err := errors.Join(errTo, errDate, errSubject, errType); err != nil {
		return Entry{}, fmt.Errorf("read %s: %w", name, err)
	}
	e.To, e.Time, e.Subject = to.Address, at.UTC(), subject
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := parts.NextPart()
		if err == io.EOF {
			return e, nil
		}
		if err != nil {
			return Entry{}, fmt.Errorf("read %s: %w", name, err)
		}
		kind, params, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
		if err == nil && kind == "attachment" {
			e.Attachment = params["filename"]
			e.Size, err = strconv.ParseInt(params["size"], 10, 64)
			if err != nil {
				return Entry{}, fmt.Errorf("read %s: %w", name, err)
			}
			return e, nil
		}
	}
}
