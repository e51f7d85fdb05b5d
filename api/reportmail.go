package api

import (
	"net/http"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// deliveryBody is a mail to one recipient.
type deliveryBody struct {
	ID           string               `json:"delivery_id"`
	Distribution audit.DistributionID `json:"distribution_id"`
	Recipient    string               `json:"recipient"`
	State        audit.DeliveryState  `json:"state"`
	Attempts     int                  `json:"attempts"`
	MessageID    string               `json:"message_id,omitempty"`
	Detail       string               `json:"detail,omitempty"`
	CreatedAt    string               `json:"created_at"`
	ChangedAt    string               `json:"changed_at"`
	Events       []deliveryEvent      `json:"events"`
}

type deliveryEvent struct {
	Event  string `json:"event"`
	At     string `json:"at"`
	Reason string `json:"reason,omitempty"`
}

func (s *server) listDeliveries(r *http.Request) (reply, error) {
	row, err := s.report(r)
	if err != nil {
		return reply{}, err
	}
	list, err := s.Store.Deliveries(r.Context(), row.Ledger, row.ID)
	if err != nil {
		return reply{}, err
	}
	events, err := s.Store.DeliveryEvents(r.Context(), row.Ledger, row.ID)
	if err != nil {
		return reply{}, err
	}
	said := map[string][]deliveryEvent{}
	for _, e := range events {
		reason := e.Reason // a server's words, which may hold the address
		if reason != "" {
			reason = shownAddresses(r, []string{reason})[0]
		}
		said[e.Delivery] = append(said[e.Delivery], deliveryEvent{e.Event, audit.FormatTime(e.At), reason})
	}
	data := make([]deliveryBody, len(list))
	for i, d := range list {
		detail := d.Detail
		if len(said[d.ID]) > 0 && detail != "" { // it may be of an event
			detail = shownAddresses(r, []string{detail})[0]
		}
		data[i] = deliveryBody{
			ID: d.ID, Distribution: d.Distribution, Recipient: shownAddresses(r, []string{d.Recipient})[0], State: d.State, Attempts: d.Attempts, MessageID: d.MessageID, Detail: detail,
			CreatedAt: audit.FormatTime(d.CreatedAt), ChangedAt: audit.FormatTime(d.ChangedAt), Events: append([]deliveryEvent{}, said[d.ID]...),
		}
	}
	return reply{data: data}, nil
}

type distributionRequest struct {
	Recipients []string `json:"recipients,omitempty"` // none: those of the request
}

type distributionBody struct {
	ID         audit.DistributionID `json:"distribution_id"`
	Recipients []string             `json:"recipients"`
}

// distributeReport answers POST …/distribution: the report is sent, again or to
// somebody else. This is how a person decides about a mail of which nobody knows
// whether it went out.
func (s *server) distributeReport(r *http.Request) (reply, error) {
	row, err := s.report(r)
	if err != nil {
		return reply{}, err
	}
	req, body, err := decode[distributionRequest](r)
	if err != nil {
		return reply{}, err
	}
	if row.Status != audit.ReportGenerated {
		return reply{}, audit.Errorf(audit.InvalidState, "%s is %s and has no file", row.ID, row.Status).With("job_status", row.Status)
	}
	to, err := audit.Recipients(req.Recipients, "/recipients")
	if err != nil {
		return reply{}, err
	}
	if len(to) == 0 {
		to = row.Request.V.Distribution
	}
	if len(to) == 0 {
		return reply{}, invalid("the recipients are not valid", audit.FieldError{Field: "/recipients", Code: "required", Message: "the report has no recipients: name some"})
	}
	if id := row.Request.V.Investigation; id != "" {
		about, err := s.investigationOf(r, string(id))
		if err == nil {
			err = s.mayReceive(r, &about, "/recipients", to)
		}
		if err != nil {
			return reply{}, err
		}
	}
	key, err := requestKey(r, body)
	if err != nil {
		return reply{}, err
	}
	d := store.NewDistribution(principal(r).Organisation, &row, to, s.Clock(), "")
	if key != nil {
		key.Note = string(d.ID)
	}
	about := action(r, typeReportResent, reportResource(row.ID), audit.Object{"distribution_id": d.ID, "recipients": len(to)})
	about.Metadata["distribution"] = to
	out, err := s.record(r, about, key, store.InsertDistribution(d))
	if err != nil {
		return reply{header: replayed(nil, out.Replayed)}, err
	}
	if out.Replayed {
		d.ID = audit.DistributionID(out.Note)
	}
	s.wake()
	header := replayed(http.Header{"Location": {callOf(r).mount + "/reports/" + string(row.ID) + "/deliveries"}}, out.Replayed)
	return reply{status: http.StatusAccepted, header: header, data: distributionBody{d.ID, shownAddresses(r, to)}}, nil
}
