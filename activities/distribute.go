package activities

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/mail"
	"github.com/sealbook/sealbook/internal/store"
)

// Mailer hands mails over: SendGrid's or a mail server's (mail.Sender, mail.SMTP).
// Every error is a *mail.Failure.
type Mailer interface {
	Send(context.Context, mail.Message) (mail.Sent, error)
}

// Distribution is where the deliveries of a distribution stand.
type Distribution struct {
	Unsent []string                    `json:"unsent,omitempty"` // ids of those that nobody was asked to send, or whose answer is missing
	Counts map[audit.DeliveryState]int `json:"counts"`
	Open   int                         `json:"open"` // of which the provider may still say something
}

// DeliveriesOf says where a distribution stands.
func (a *Activities) DeliveriesOf(ctx context.Context, start audit.DistributionStart) (Distribution, error) {
	list, err := a.Store.DeliveriesOf(ctx, start.Ledger, start.ID)
	return standing(list), err
}

func standing(list []store.Delivery) (d Distribution) {
	d.Counts = map[audit.DeliveryState]int{}
	for _, x := range list {
		d.Counts[x.State]++
		if x.State == audit.DeliveryPending || x.State == audit.DeliverySending {
			d.Unsent = append(d.Unsent, x.ID)
		}
		if x.State.Open() {
			d.Open++
		}
	}
	return d
}

// SendReport names one delivery.
type SendReport struct {
	Start    audit.DistributionStart `json:"start"`
	Delivery string                  `json:"delivery_id"`
}

// SendReport hands one mail to the provider, at most once. That it is about to is
// written first: an attempt that finds this, because another died after it, does
// not send again. Returns where the delivery stands; the error says that nothing
// was sent, and that trying again is safe.
func (a *Activities) SendReport(ctx context.Context, s SendReport) (audit.DeliveryState, error) {
	ledger, now := s.Start.Ledger, audit.Instant(a.Clock())
	x, err := a.Store.Delivery(ctx, ledger, s.Delivery)
	if err != nil {
		return "", err
	}
	if x.State == audit.DeliverySending {
		if err := a.Store.NoteSent(ctx, ledger, x.ID, audit.DeliveryUnknown, "", lostAnswer, now); err != nil {
			return "", err
		}
		return a.deliveryState(ctx, ledger, x.ID)
	}
	if x.State != audit.DeliveryPending {
		return x.State, nil
	}
	if a.Mail == nil {
		return a.refuse(ctx, ledger, x.ID, "no mail provider is configured; see SEALBOOK_MAIL_FROM")
	}
	var message mail.Message
	if x.Notice == "" {
		message, err = a.message(ctx, &x)
	} else {
		var moot string
		if message, moot, err = a.notice(ctx, &x); moot != "" {
			return a.refuse(ctx, ledger, x.ID, moot)
		}
	}
	if err != nil {
		return "", err
	}
	taken, err := a.Store.TakeDelivery(ctx, ledger, x.ID, now)
	if err != nil {
		return "", err
	}
	if !taken {
		return "", audit.Errorf(audit.Unavailable, "delivery %s is being sent by somebody else", x.ID)
	}
	// If the process dies from here on, nobody knows whether the mail went out.
	sent, err := a.Mail.Send(ctx, message)
	state, detail := audit.DeliveryAccepted, ""
	var failure *mail.Failure
	if errors.As(err, &failure) {
		detail = failure.Error()
		switch failure.Outcome {
		case mail.NotSent, mail.Limited:
			state = audit.DeliveryPending
		case mail.Refused:
			state = audit.DeliveryRefused
		default:
			state = audit.DeliveryUnknown
		}
	} else if err != nil {
		state, detail = audit.DeliveryUnknown, err.Error()
	}
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	if err := a.Store.NoteSent(note, ledger, x.ID, state, sent.MessageID, detail, audit.Instant(a.Clock())); err != nil {
		return "", err
	}
	if state == audit.DeliveryPending {
		return "", &audit.Error{Code: audit.Unavailable, Message: "the mail provider took nothing: " + detail, RetryAfter: failure.RetryAfter}
	}
	return a.deliveryState(ctx, ledger, x.ID)
}

// SendAttempt is how long one attempt to send may take, with all that is written
// down about it.
const SendAttempt = max(mail.SendWait, mail.SMTPWait) + 2*noteTimeout + 20*time.Second

const (
	lostAnswer  = "the provider was asked to send this, but the answer was lost: unless it reports the delivery, nobody knows whether the mail went out"
	noteTimeout = 10 * time.Second // of writing down what the provider answered
)

func (a *Activities) deliveryState(ctx context.Context, ledger int32, id string) (audit.DeliveryState, error) {
	x, err := a.Store.Delivery(ctx, ledger, id)
	return x.State, err
}

// refuse ends a delivery that nobody was asked to send.
func (a *Activities) refuse(ctx context.Context, ledger int32, id, why string) (audit.DeliveryState, error) {
	if err := a.Store.RefuseDelivery(ctx, ledger, id, why, audit.Instant(a.Clock())); err != nil {
		return "", err
	}
	return a.deliveryState(ctx, ledger, id)
}

// GiveUpDelivery says that a delivery cannot be sent.
type GiveUpDelivery struct {
	SendReport
	Reason string `json:"reason"`
}

// GiveUpDelivery ends a delivery that was tried for as long as it may be: it is
// refused if it was never handed over, else unknown.
func (a *Activities) GiveUpDelivery(ctx context.Context, g GiveUpDelivery) (audit.DeliveryState, error) {
	x, err := a.Store.Delivery(ctx, g.Start.Ledger, g.Delivery)
	switch {
	case err != nil:
		return "", err
	case x.State == audit.DeliveryPending:
		return a.refuse(ctx, g.Start.Ledger, x.ID, "it could not be handed over: "+g.Reason)
	case x.State == audit.DeliverySending:
		err = a.Store.NoteSent(ctx, g.Start.Ledger, x.ID, audit.DeliveryUnknown, "", lostAnswer, audit.Instant(a.Clock()))
		if err != nil {
			return "", err
		}
	}
	return a.deliveryState(ctx, g.Start.Ledger, x.ID)
}

// message is the mail about a report: with its file, unless that is too large for
// mail.
func (a *Activities) message(ctx context.Context, x *store.Delivery) (m mail.Message, err error) {
	row, err := a.Store.Report(ctx, x.Ledger, x.Report)
	if err != nil {
		return m, err
	}
	if row.Artifact == nil {
		return m, audit.Errorf(audit.InvalidState, "report %s has no file", row.ID)
	}
	file, request := row.Artifact.V, &row.Request.V
	organisation, err := a.Store.Organisation(ctx, row.Ledger)
	if err != nil {
		return m, err
	}
	m = mail.Message{DeliveryID: x.ID, To: x.Recipient, Subject: "Report: " + subjectOf(&row)}
	text := fmt.Sprintf("%s sends you a report: %s, of %s.\n\n", organisation.Name, kindOf(&row), row.Period().String())
	if file.Size <= mail.MaxAttachment {
		content, err := a.readArtifact(ctx, file)
		if err != nil {
			return m, err
		}
		m.Attachment = &mail.Attachment{Name: string(row.ID) + "." + string(request.Format), Type: request.Format.MediaType(), Content: content}
		text += "It is attached. "
	} else {
		text += "It is too large to be attached. "
	}
	text += fmt.Sprintf("Who may read reports finds it at\n%s/api/v1/audit/reports/%s/download\n\n", a.PublicURL, row.ID)
	text += fmt.Sprintf("Report:  %s\nSHA-256: %s\nSize:    %d bytes\n", row.ID, strings.TrimPrefix(file.Digest, "sha256:"), file.Size)
	if row.Seal != nil {
		text += fmt.Sprintf("Sealed with the certificate %s\n", row.Seal.V.Fingerprint)
	}
	m.Text = text + "\nCheck the document before you rely on it: sealbook verify, or any reader that shows signatures.\n"
	return m, nil
}

// subjectOf says in a mail which report it is about. It says nothing of a case but its
// period.
func subjectOf(row *store.Report) string {
	return kindOf(row) + ", " + row.Period().String()
}

func kindOf(row *store.Report) string {
	what := strings.ReplaceAll(string(row.Request.V.Type), "_", " ")
	if f := row.Request.V.Framework; f != "" {
		what += ", " + string(f)
	}
	return what
}

func (a *Activities) readArtifact(ctx context.Context, from audit.Artifact) ([]byte, error) {
	r, err := a.Artifacts.Open(ctx, from)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read artifact: %w", err)
	}
	return content, nil
}

// FinishDistribution writes the entry about what became of a distribution, or of the
// mail to a signatory.
func (a *Activities) FinishDistribution(ctx context.Context, start audit.DistributionStart) (d Distribution, err error) {
	list, err := a.Store.DeliveriesOf(ctx, start.Ledger, start.ID)
	if err != nil {
		return d, err
	}
	d = standing(list)
	what, details := audit.TypeReportDistributed, audit.Object{"report_id": start.Report, "distribution_id": start.ID, "deliveries": d.Counts}
	if len(list) == 1 && list[0].Notice != "" {
		what, details = audit.TypeSignatureNotified, noticeDetails(&list[0])
	}
	err = a.record(ctx, start.Ledger, "distribution/"+string(start.ID)+"/ended", what, details, nil)
	if audit.CodeOf(err) == audit.ExternalIDConflict { // an attempt before has said it, with other counts
		err = nil
	}
	return d, err
}
