package activities

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/mail"
	"github.com/sealbook/sealbook/internal/store"
)

// RemindSignatory is about the signatory who can sign a report until DueAt: it
// tells turns apart, as each ends later than the one before.
type RemindSignatory struct {
	Start  audit.ReportStart `json:"start"`
	Notice audit.Notice      `json:"notice"`
	DueAt  time.Time         `json:"due_at"`
}

// RemindSignatory puts a mail on its way to the signatory of a turn, with an entry
// that says so. One who has signed or declined, or whose time is over, gets none, nor
// does anybody of a report that has ended; a reminder that is on its way already
// stays the only one. Without a mail provider there is nothing to put on its way.
func (a *Activities) RemindSignatory(ctx context.Context, r RemindSignatory) error {
	if a.Mail == nil {
		return nil
	}
	row, err := a.Store.Report(ctx, r.Start.Ledger, r.Start.ID)
	if err != nil {
		return err
	}
	who, err := a.awaited(ctx, &row)
	if err != nil || who == nil || !row.SignatureDueAt.Equal(r.DueAt) {
		return err
	}
	notice := store.NewNotice(r.Start.Organisation, &row, *who, r.Notice, audit.Instant(a.Clock()))
	details := row.Details()
	details["signatory"], details["turn"], details["signatories"], details["notice"] = who.Person, who.Turn, len(row.Signatories()), r.Notice
	details["delivery_id"], details["due_at"] = notice.Deliveries[0].ID, audit.FormatTime(*row.SignatureDueAt)
	key := fmt.Sprintf("%s/signature_reminded/%d/%s", reportKey(row.ID), who.Turn, r.Notice)
	err = a.record(ctx, row.Ledger, key, audit.TypeSignatureReminded, details, store.InsertNotice(notice))
	if audit.CodeOf(err) == audit.InvalidState { // they have decided just now
		return nil
	}
	return err
}

// awaited is who can sign a report at this moment; nil: nobody.
func (a *Activities) awaited(ctx context.Context, row *store.Report) (*store.Signatory, error) {
	if row.Status != audit.ReportPending || row.CancelRequestedAt != nil || !a.Clock().Before(*row.SignatureDueAt) {
		return nil, nil
	}
	given, err := a.Store.SignaturesOf(ctx, row.Ledger, row.ID)
	all := row.Signatories()
	if err != nil || len(given) >= len(all) {
		return nil, err
	}
	return &all[len(given)], nil
}

// notice is the mail that tells a signatory about their turn, or why there is nothing
// to tell them any more: between the order to send it and now they may have decided.
func (a *Activities) notice(ctx context.Context, x *store.Delivery) (m mail.Message, moot string, err error) {
	row, err := a.Store.Report(ctx, x.Ledger, x.Report)
	if err != nil {
		return m, "", err
	}
	who, err := a.awaited(ctx, &row)
	if err != nil {
		return m, "", err
	}
	if who == nil || who.Turn != x.Turn {
		return m, "the report does not wait for this signature any more", nil
	}
	p, err := a.Store.Person(ctx, x.Ledger, x.Signatory)
	if err != nil {
		return m, "", err
	}
	if p.Status == audit.PersonDeactivated {
		return m, "the signatory's account is closed", nil
	}
	organisation, err := a.Store.Organisation(ctx, x.Ledger)
	if err != nil {
		return m, "", err
	}
	m = mail.Message{DeliveryID: x.ID, To: p.Email, Subject: noticeSubjects[x.Notice] + subjectOf(&row)}
	m.Text = a.noticeText(&row, *who, x.Notice, organisation.Name)
	return m, "", nil
}

var noticeSubjects = map[audit.Notice]string{
	audit.NoticeAsked:   "Your signature is asked for: ",
	audit.NoticeHalfway: "Reminder, your signature is asked for: ",
	audit.NoticeLastDay: "Last reminder, your signature is asked for: ",
}

// noticeText holds nothing that would let its reader sign, or read the report: that
// takes who they are.
func (a *Activities) noticeText(row *store.Report, who store.Signatory, what audit.Notice, organisation string) string {
	due := row.SignatureDueAt.UTC()
	var text strings.Builder
	fmt.Fprintf(&text, "%s asks for your signature on a report: %s.\n", organisation, subjectOf(row))
	if what != audit.NoticeAsked {
		text.WriteString("You have neither signed nor declined yet.\n")
	}
	fmt.Fprintf(&text, "\nReport:    %s\n", row.ID)
	fmt.Fprintf(&text, "Title:     %s\n", reportTitle(row))
	fmt.Fprintf(&text, "Meaning:   %s\n", who.Meaning.Words())
	if n := len(row.Signatories()); n > 1 {
		fmt.Fprintf(&text, "Turn:      %d of %d\n", who.Turn, n)
	}
	fmt.Fprintf(&text, "Document:  SHA-256 %s\n", strings.TrimPrefix(row.Draft.V.Digest, "sha256:"))
	fmt.Fprintf(&text, "Until:     %s UTC\n", due.Format("2006-01-02 15:04"))
	fmt.Fprintf(&text, "Asked by:  %s\n", strings.Join(strings.Fields(requester(row.RequestedBy.V)), " "))
	fmt.Fprintf(&text, "\nSign in, read the document, and sign it or decline:\n%s/api/v1/audit/reports/%s/signature\n", a.PublicURL, row.ID)
	text.WriteString("\nIf you do neither until then, the report fails.\n")
	return text.String()
}

// noticeDetails are those of the entry about what became of a mail to a signatory.
func noticeDetails(x *store.Delivery) audit.Object {
	return audit.Object{"report_id": x.Report, "signatory": x.Signatory, "turn": x.Turn, "notice": x.Notice, "delivery_id": x.ID, "state": x.State}
}
