package main

import (
	"fmt"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// bodySize is the size of every body, in bytes.
const bodySize = 450

const bodyFormat = `{"event_type":"config.changed","severity":"medium","description":"alarm limit changed by engineering%s",` +
	`"external_id":"bench-%010d","actor":{"type":"user","id":"user_%d","email":"u%d@example.com"},` +
	`"resource":{"type":"tag","id":"tag_%010d","name":"Reactor temperature"},"repository":{"id":"repo_1","name":"acme/plant"},` +
	`"context":{"source_ip":"203.0.113.1","approval":"CR-1"},"compliance_frameworks":["SOC2","GDPR"]}`

// padding makes every body exactly bodySize long.
var padding = strings.Repeat(".", bodySize-len(fmt.Sprintf(bodyFormat, "", 0, 0, 0, 0)))

// body is what every system is given for n, as text.
func body(n int) []byte {
	return fmt.Appendf(make([]byte, 0, bodySize), bodyFormat, padding, n, n%7, n%7, n)
}

// event is the same as the API hands it to the ledger.
func event(n int) audit.Event {
	return audit.Event{
		Type: "config.changed", Class: audit.BuiltinEventTypes["config.changed"].Class, Severity: audit.SeverityMedium,
		Description: "alarm limit changed by engineering" + padding, ExternalID: fmt.Sprintf("bench-%010d", n),
		Actor:      audit.Object{"type": "user", "id": fmt.Sprintf("user_%d", n%7), "email": fmt.Sprintf("u%d@example.com", n%7)},
		Resource:   audit.Object{"type": "tag", "id": fmt.Sprintf("tag_%010d", n), "name": "Reactor temperature"},
		Repository: audit.Object{"id": "repo_1", "name": "acme/plant"},
		Context:    audit.Object{"source_ip": "203.0.113.1", "approval": "CR-1"},
		Frameworks: []audit.Framework{audit.SOC2, audit.GDPR},
	}
}
