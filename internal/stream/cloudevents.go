package stream

import (
	"strconv"

	"github.com/sealbook/sealbook/audit"
)

// eventTypePrefix is the reversed domain that CloudEvents 1.0 (section 3.1.1,
// type) wants before a type's name.
const eventTypePrefix = "com.sealbook.entry."

// cloudEvent is an event in the JSON format of CloudEvents 1.0, section 3. Its
// source and id together name the entry for ever: a message that comes again
// has the same.
type cloudEvent struct {
	SpecVersion string `json:"specversion"`
	ID          string `json:"id"`
	Source      string `json:"source"`
	Type        string `json:"type"`
	Time        string `json:"time"`
	Subject     string `json:"subject,omitempty"`
	ContentType string `json:"datacontenttype"`
	Seq         string `json:"sealbookseq"` // text, because the specification's integers have 32 bits
	Data        *line  `json:"data"`
}

func cloudEventOf(origin string, e *audit.Entry) *cloudEvent {
	return &cloudEvent{
		SpecVersion: "1.0", ID: e.EntryID(), Source: origin,
		Type: eventTypePrefix + e.Type, Time: audit.FormatTime(e.Time()), Subject: e.Resource.String("id"),
		ContentType: "application/json", Seq: strconv.FormatInt(e.Seq, 10), Data: lineOf(e),
	}
}
