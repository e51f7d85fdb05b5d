package api

import (
	"cmp"
	"net/http"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// noticeBody is what mails told a signatory about their turn. A time is null when the
// mail did not go out, or nobody knows whether it did; then there is a reason.
type noticeBody struct {
	NotifiedAt *string              `json:"notified_at"` // that it is their turn
	RemindedAt *string              `json:"reminded_at"` // last
	Reminders  int                  `json:"reminders"`   // that went out
	State      *audit.DeliveryState `json:"state"`
	Reason     *string              `json:"reason"` // for the state of the newest mail
}

// noticeReasons say why a mail has not gone out of which nothing else is known.
var noticeReasons = map[audit.DeliveryState]string{
	audit.DeliveryPending: "the mail is on its way to the mail provider",
	audit.DeliverySending: "the mail provider is being asked",
	audit.DeliveryBounced: "the server of the signatory's address refused the mail",
	audit.DeliveryDropped: "the mail provider did not try the signatory's address",
	audit.DeliveryRefused: "the mail could not be handed over",
	audit.DeliveryUnknown: "nobody knows whether the mail went out",
}

// notMade is the reason for whoever is waited for since before there were notices.
const notMade = "no mail was made: the signature was asked for before mails of this kind were sent"

// noticeOf is what mails told the signatory of a turn, oldest first, or nil: nobody
// asked them yet.
func noticeOf(r *http.Request, mails []store.Delivery, turn int, awaited bool) *noticeBody {
	var v noticeBody
	for i := range mails {
		x := &mails[i]
		if x.Turn != turn {
			continue
		}
		v.State, v.Reason = &x.State, whyNotSent(r, x)
		if x.State != audit.DeliveryAccepted && x.State != audit.DeliveryDelivered {
			continue
		}
		if x.Notice == audit.NoticeAsked {
			v.NotifiedAt = formattedOrNil(x.TriedAt)
			continue
		}
		v.RemindedAt = formattedOrNil(x.TriedAt)
		v.Reminders++
	}
	if v.State != nil {
		return &v
	}
	if !awaited {
		return nil
	}
	why := notMade
	v.Reason = &why
	return &v
}

// whyNotSent is why a mail is in its state; nil: it went out.
func whyNotSent(r *http.Request, x *store.Delivery) *string {
	if x.State == audit.DeliveryAccepted || x.State == audit.DeliveryDelivered {
		return nil
	}
	why := cmp.Or(x.Detail, noticeReasons[x.State])
	if x.Detail != "" && (x.State == audit.DeliveryBounced || x.State == audit.DeliveryDropped) { // a server's words, which may hold the address
		why = shownAddresses(r, []string{why})[0]
	}
	return &why
}
