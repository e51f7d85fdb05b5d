// Package stream turns entries into the messages that webhooks receive, signs
// them and sends them. It guards what leaves the installation: the forms that
// receivers were promised, signatures that prove where a message is from, and
// addresses of the inside that no organisation's URL may reach. The api package
// checks URLs with it, the activities render and send; it knows no SQL and no
// Temporal.
package stream

import (
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Format is the form in which a receiver gets entries.
type Format string

// The formats.
const (
	NDJSON      Format = "ndjson"      // one JSON object a line
	OCSF        Format = "ocsf"        // the same, as events of the Open Cybersecurity Schema Framework
	CloudEvents Format = "cloudevents" // a CloudEvents 1.0 batch
)

// Formats lists the valid values.
var Formats = []Format{NDJSON, OCSF, CloudEvents}

// ParseFormat reads a format's name. The error is InvalidParameter.
func ParseFormat(s string) (Format, error) {
	if f := Format(s); slices.Contains(Formats, f) {
		return f, nil
	}
	names := make([]string, len(Formats))
	for i, f := range Formats {
		names[i] = string(f)
	}
	return "", audit.Errorf(audit.InvalidParameter, "format %.40q is none of %s", s, strings.Join(names, ", "))
}

// Limits of one message.
const (
	MaxBatchEntries = 500     // entries; more wait for the next message
	MaxBatchBytes   = 1 << 20 // bytes of the body; a single entry that is larger goes alone
	MaxURL          = 2048    // bytes of a receiver's URL

	MaxAnswer     = 64 << 10         // bytes of a receiver's answer that are read
	MaxRetryAfter = time.Hour        // a longer Retry-After counts as this
	SendTimeout   = 15 * time.Second // of one message, from the look-up of the name to the end of the answer
)
