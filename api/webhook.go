package api

import (
	"net/http"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/mail"
	"github.com/sealbook/sealbook/internal/store"
)

// deliveryStates are what the provider's events mean for a delivery. The others
// are kept and move nothing.
var deliveryStates = map[string]audit.DeliveryState{
	mail.Processed: audit.DeliveryAccepted, mail.Delivered: audit.DeliveryDelivered, mail.Bounce: audit.DeliveryBounced, mail.Dropped: audit.DeliveryDropped,
}

// mailEvents answers POST /webhooks/sendgrid. The provider signs what it posts and
// posts it until it hears 2xx: events that are known, or of mails that are not ours,
// are taken and change nothing.
func (s *server) mailEvents(r *http.Request) (reply, error) {
	if s.MailEvents == nil {
		return reply{}, audit.Errorf(audit.NotFound, "there is nothing at this path")
	}
	raw, err := rawBody(r)
	if err != nil {
		return reply{}, err
	}
	events, err := mail.ParseEvents(s.MailEvents, r.Header, raw, s.Clock())
	if err != nil {
		return reply{}, err
	}
	changed := false
	for _, e := range events {
		if e.DeliveryID == "" || e.ID == "" {
			continue
		}
		known, err := s.Store.NoteDelivery(r.Context(), store.DeliveryEvent{
			ID: e.ID, Delivery: e.DeliveryID, Event: e.Kind, Reason: e.Reason, At: audit.Instant(e.Time), State: deliveryStates[e.Kind],
		}, s.Clock())
		if err != nil {
			return reply{}, err
		}
		changed = changed || known
	}
	if changed {
		s.wake()
	}
	return reply{status: http.StatusNoContent}, nil
}
