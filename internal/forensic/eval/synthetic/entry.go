package synthetic

import (
	"fmt"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// entry begins what a person did in a session. category may be empty.
func (s *site) entry(in *session, kind, category string, severity audit.Severity, description string) body {
	b := body{
		"event_type": kind, "severity": severity, "description": description,
		"actor":   body{"type": "user", "id": in.who.id, "name": in.who.id, "role": in.who.role, "department": departments[in.who.role], "session_id": in.id},
		"context": body{"source_ip": in.address, "user_agent": in.agent, "location": in.place},
	}
	if category != "" {
		b["category"] = category
	}
	return b
}

func (s *site) login(in *session) body {
	b := s.entry(in, "login", "", audit.SeverityLow, in.who.id+" signed in")
	b["resource"] = body{"type": "application", "id": fmt.Sprintf("console_%02d", s.index)}
	b["details"] = body{"outcome": "success", "auth_method": "password"}
	return b
}

// failedLogin is of an account that the session's address tried.
func (s *site) failedLogin(in *session, id, reason string) body {
	return body{
		"event_type": "login", "category": "login_failed", "severity": audit.SeverityMedium, "description": "Sign-in of " + id + " failed",
		"actor":    body{"type": "user", "id": id, "name": id},
		"resource": body{"type": "application", "id": fmt.Sprintf("console_%02d", s.index)},
		"context":  body{"source_ip": in.address, "user_agent": in.agent, "attempted_username": id},
		"details":  body{"outcome": "failure", "reason": reason},
	}
}

func (s *site) logout(in *session, how string) body {
	b := s.entry(in, "logout", "", audit.SeverityLow, in.who.id+" signed out")
	b["resource"] = body{"type": "application", "id": fmt.Sprintf("console_%02d", s.index)}
	b["details"] = body{"reason": how}
	return b
}

// read is looking at something: a system event, because nothing changes.
func (s *site) read(in *session, kind, id string) body {
	b := s.entry(in, "system_event", "data_read", audit.SeverityLow, in.who.id+" opened "+id)
	b["resource"] = body{"type": kind, "id": id}
	b["action"] = body{"operation": "read", "method": "GET", "endpoint": "/v1/" + kind + "s/" + id}
	return b
}

// change is a change of fields of one thing.
func (s *site) change(in *session, category, operation, kind, id string, severity audit.Severity, changes ...body) body {
	b := s.entry(in, "data_change", category, severity, fmt.Sprintf("%s: %s of %s", in.who.id, operation, id))
	b["resource"] = body{"type": kind, "id": id}
	b["action"] = body{"operation": operation, "method": "PUT", "endpoint": "/v1/" + kind + "s/" + id, "changes": changes}
	return b
}

// because completes a change with its approval and reason; either may be empty,
// and so may be the change, which stays nil.
func (b body) because(reference, reason string) body {
	if b == nil {
		return nil
	}
	context := b["context"].(body)
	if reference != "" {
		context["approval_reference"] = reference
	}
	if reason != "" {
		context["business_justification"] = reason
	}
	return b
}

func (b body) signed(id, meaning string) body {
	b["electronic_signature"] = body{"signature_id": id, "meaning": meaning}
	b["compliance_frameworks"] = []string{"FDA_21CFR11"}
	return b
}

func field(name string, before, after any) body {
	return body{"field": name, "old_value": before, "new_value": after}
}

func (s *site) tagChange(in *session, t *tag, category, operation string, severity audit.Severity, changes ...body) body {
	b := s.change(in, category, operation, "tag", t.id, severity, changes...)
	b["resource"].(body)["parent_machine"] = t.machine
	return b
}

// setpoint writes a value.
func (s *site) setpoint(in *session, t *tag, value float64) body {
	before := t.value
	t.value = round(value, 2)
	return s.tagChange(in, t, "process_parameter", "write_setpoint", audit.SeverityLow, field("setpoint", before, t.value))
}

// limits moves the alarm limits to low and high, both if both differ. It is nil
// if neither does.
func (s *site) limits(in *session, t *tag, low, high float64) body {
	low, high = round(low, 2), round(high, 2)
	var changes []body
	if low != t.alarmLow {
		changes = append(changes, field("alarm_low", t.alarmLow, low))
	}
	if high != t.alarmHigh {
		changes = append(changes, field("alarm_high", t.alarmHigh, high))
	}
	if len(changes) == 0 {
		return nil
	}
	t.alarmLow, t.alarmHigh = low, high
	return s.tagChange(in, t, "configuration_change", "update_alarm_limits", audit.SeverityMedium, changes...)
}

// alarm switches a tag's alarm on or off.
func (s *site) alarm(in *session, t *tag, on bool) body {
	operation := "disable_alarm"
	if on {
		operation = "enable_alarm"
	}
	before := t.enabled
	t.enabled = on
	return s.tagChange(in, t, "configuration_change", operation, audit.SeverityMedium, field("alarm_enabled", before, on))
}

// grant gives a role to somebody, revoke takes it back.
func (s *site) grant(in *session, to, level, reference string) body {
	b := s.entry(in, "access.granted", "", audit.SeverityMedium, fmt.Sprintf("%s granted %s to %s", in.who.id, level, to))
	b["resource"] = body{"type": "application", "id": fmt.Sprintf("console_%02d", s.index)}
	b["details"] = body{"subject": to, "user_id": to, "level": level}
	return b.because(reference, "")
}

func (s *site) revoke(in *session, from, level, reason string) body {
	b := s.entry(in, "access.revoked", "", audit.SeverityMedium, fmt.Sprintf("%s revoked %s of %s", in.who.id, level, from))
	b["resource"] = body{"type": "application", "id": fmt.Sprintf("console_%02d", s.index)}
	b["details"] = body{"subject": from, "user_id": from, "level": level, "reason": reason}
	return b
}

// export is a copy of so many records for somebody.
func (s *site) export(in *session, records int, recipient string) body {
	b := s.entry(in, "system_event", "data_export", audit.SeverityMedium, fmt.Sprintf("%s exported %d records", in.who.id, records))
	b["resource"] = body{"type": "archive", "id": fmt.Sprintf("archive_%02d", s.index)}
	b["action"] = body{"operation": "export", "method": "POST", "endpoint": "/v1/exports"}
	b["details"] = body{"records": records, "recipient": recipient, "format": "csv"}
	return b
}

// machineEntry is what an emitter says of itself.
func (s *site) machineEntry(emitter, category, description string, details body) body {
	name := s.emitters[emitter].name
	b := body{
		"event_type": "system_event", "category": category, "severity": audit.SeverityLow, "description": description,
		"actor": body{"type": "system", "id": name, "name": name}, "resource": body{"type": "source", "id": name},
	}
	if details != nil {
		b["details"] = details
	}
	return b
}

// weekend reports whether a day is one, from the start on a Monday.
func weekend(day int) bool { return day%7 >= 5 }

func (s *site) day(t time.Time) int { return int(t.Sub(s.start) / (24 * time.Hour)) }
