package synthetic

import (
	"fmt"

	"github.com/sealbook/sealbook/audit"
)

// operation is one kind of work of a role. Its weight is among those of the
// role.
type operation struct {
	name    string
	emitter string
	weight  float64
	do      func(*site, random, *session) body
}

// operations of each role.
var operations = map[role][]operation{
	operator: {
		{"view_trend", hmi, 3, (*site).viewTrend},
		{"write_setpoint", hmi, 3, (*site).adjust},
		{"acknowledge_alarm", hmi, 3, (*site).acknowledge},
		{"record_reading", hmi, 2, (*site).reading},
		{"note", hmi, 1, (*site).note},
	},
	engineer: {
		{"view_trend", hmi, 3, (*site).viewTrend},
		{"open_document", mes, 2.5, (*site).openRecord},
		{"request_change", it, 0.7, (*site).requestChange},
		{"implement_change", hmi, 1.2, (*site).implement},
		{"approve_change", it, 0.5, (*site).approve},
		{"write_setpoint", hmi, 1.2, (*site).adjust},
		{"export", mes, 0.15, (*site).smallExport},
	},
	quality: {
		{"open_record", mes, 4, (*site).openRecord},
		{"review", mes, 2, (*site).review},
		{"approve_change", it, 1.5, (*site).approve},
		{"export", mes, 0.3, (*site).smallExport},
	},
	lab: {
		{"enter_result", mes, 4, (*site).result},
		{"correct_result", mes, 0.25, (*site).correct},
		{"open_record", mes, 2, (*site).openRecord},
		{"sign", mes, 0.8, (*site).review},
	},
	admin: {
		{"access", it, 1, (*site).access},
		{"reset_password", idp, 1, (*site).resetPassword},
		{"configure", it, 1, (*site).configure},
		{"read_log", it, 2, (*site).readLog},
		{"clean_up", it, 0.3, (*site).cleanUp},
	},
}

func (s *site) preferred(r random, p *person) *tag { return s.tags[r.weighted(p.likes)] }

// record is one that a person works on: near what they like, and newer ones
// more.
func (s *site) record(r random, p *person) string {
	return s.records[(r.weighted(p.likes)*12+r.IntN(12))%len(s.records)]
}

func (s *site) viewTrend(r random, in *session) body {
	t := s.preferred(r, in.who)
	b := s.read(in, "tag", t.id)
	b["resource"].(body)["parent_machine"] = t.machine
	return b
}

func (s *site) openRecord(r random, in *session) body {
	return s.read(in, "record", s.record(r, in.who))
}

// adjust keeps a value within its alarm limits, mostly near the middle.
func (s *site) adjust(r random, in *session) body {
	t := s.preferred(r, in.who)
	width := t.alarmHigh - t.alarmLow
	return s.setpoint(in, t, min(max(t.alarmLow+width/2+r.NormFloat64()*width*0.12, t.alarmLow), t.alarmHigh))
}

func (s *site) acknowledge(r random, in *session) body {
	t := s.preferred(r, in.who)
	b := s.entry(in, "system_event", "alarm_acknowledged", audit.SeverityLow, in.who.id+" acknowledged an alarm of "+t.id)
	b["resource"] = body{"type": "tag", "id": t.id, "parent_machine": t.machine}
	b["action"] = body{"operation": "acknowledge_alarm"}
	return b
}

func (s *site) reading(r random, in *session) body {
	t := s.preferred(r, in.who)
	value := round(t.value*(1+0.01*r.NormFloat64()), 2)
	return s.tagChange(in, t, "process_data", "record_reading", audit.SeverityLow, field("reading", nil, value))
}

func (s *site) note(r random, in *session) body {
	return s.change(in, "process_data", "add_note", "logbook", fmt.Sprintf("logbook_%02d", s.index), audit.SeverityLow, field("note", nil, fmt.Sprintf("note %d", r.IntN(1e6))))
}

func (s *site) smallExport(r random, in *session) body {
	return s.export(in, r.between(5, 80), "internal").because("", "monthly figures")
}

func (s *site) result(r random, in *session) body {
	b := s.change(in, "quality_result", "enter_result", "record", s.record(r, in.who), audit.SeverityLow, field("result", nil, round(r.uniform(90, 110), 2)))
	return b.signed(s.signature(), "authorship")
}

func (s *site) correct(r random, in *session) body {
	before := round(r.uniform(90, 110), 2)
	c := field("result", before, round(before+r.NormFloat64(), 2))
	c["change_reason"] = "transcription error"
	return s.change(in, "quality_result", "correct_result", "record", s.record(r, in.who), audit.SeverityMedium, c).signed(s.signature(), "responsibility")
}

func (s *site) review(r random, in *session) body {
	b := s.change(in, "quality_review", "review_record", "record", s.record(r, in.who), audit.SeverityLow, field("status", "entered", "reviewed"))
	return b.signed(s.signature(), "review")
}

func (s *site) signature() string {
	s.tickets++
	return fmt.Sprintf("esig_%02d%06d", s.index, s.tickets)
}

func (s *site) ticket(prefix string) string {
	s.tickets++
	return fmt.Sprintf("%s-%02d%05d", prefix, s.index, s.tickets)
}

func (s *site) access(r random, in *session) body {
	to := pick(r, s.people).id
	if r.chance(0.4) {
		return s.revoke(in, to, "viewer", "no longer needed")
	}
	return s.grant(in, to, pick(r, []string{"viewer", "viewer", "editor", "operator"}), s.ticket("AR"))
}

func (s *site) resetPassword(r random, in *session) body {
	to := pick(r, s.people).id
	b := s.entry(in, "security_event", "password_changed", audit.SeverityLow, in.who.id+" reset the password of "+to)
	b["resource"], b["details"] = body{"type": "account", "id": to}, body{"user_id": to}
	return b
}

var settings = []string{"session_policy", "backup_schedule", "printer_queue", "mail_relay", "patch_window", "screen_lock"}

func (s *site) configure(r random, in *session) body {
	b := s.change(in, "", "update", "configuration", pick(r, settings), audit.SeverityMedium, field("value", r.IntN(50), r.IntN(50)))
	b["event_type"] = "config.changed"
	return b.because(s.ticket("CR"), "")
}

func (s *site) readLog(r random, in *session) body {
	return s.read(in, "log", fmt.Sprintf("log_%02d%02d", s.index, r.IntN(12)))
}

// cleanUp removes one thing that nobody needs.
func (s *site) cleanUp(r random, in *session) body {
	return s.remove(in, "draft", fmt.Sprintf("draft_%02d%04d", s.index, r.IntN(9000))).because(s.ticket("CR"), "no longer needed")
}

func (s *site) remove(in *session, kind, id string) body {
	return s.change(in, "data_deletion", "delete", kind, id, audit.SeverityMedium, field("state", "active", "deleted"))
}
