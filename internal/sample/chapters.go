package sample

import (
	"fmt"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// scan runs over a repository and finds issues, some of which are fixed.
func (y *inventedYear) scan() {
	at := y.moment(45 * 24 * time.Hour)
	repository := choose(y, sampleRepositories)
	scan := map[string]any{"type": "scan", "id": fmt.Sprintf("scan_%s_%s", repository["id"], at.Format("20060102150405"))}
	scanner := machine("scanner", "Compliance scanner")
	y.add(at, "scan.started", Event{"actor": scanner, "resource": scan, "repository": repository, "details": map[string]any{"trigger": "schedule"}})
	at = at.Add(y.between(time.Minute, 9*time.Minute))
	found := max(0, y.random.IntN(5)-1)
	y.add(at, "scan.completed", Event{"actor": scanner, "resource": scan, "repository": repository,
		"details": map[string]any{"files_scanned": 200 + y.random.IntN(1800), "issues_found": found}})
	for range found {
		y.issue(at.Add(y.between(time.Second, time.Minute)), repository)
	}
}

func (y *inventedYear) issue(at time.Time, repository map[string]any) {
	f := choose(y, findings)
	y.issues++
	issue := map[string]any{"type": "issue", "id": fmt.Sprintf("issue_%05d", y.issues), "name": f.name}
	frameworks := []string{f.framework}
	y.add(at, "issue.created", Event{"actor": machine("scanner", "Compliance scanner"), "resource": issue, "repository": repository, "severity": f.severity,
		"compliance_frameworks": frameworks, "details": map[string]any{"requirement": f.requirement, "status": "open"}})
	if y.random.IntN(10) < 2 {
		return // nobody has come to it yet
	}
	who := choose(y, staff[:4])
	at = at.Add(y.between(time.Hour, 5*24*time.Hour))
	y.add(at, "issue.updated", Event{"actor": who.actor(), "resource": issue, "repository": repository, "compliance_frameworks": frameworks,
		"action": map[string]any{"operation": "assign", "changes": []any{map[string]any{"field": "assignee", "old_value": nil, "new_value": who.id}}}})
	y.pulls++
	pull := map[string]any{"url": fmt.Sprintf("https://git.example.com/%s/pull/%d", repository["name"], y.pulls), "number": y.pulls}
	at = at.Add(y.between(10*time.Minute, 3*24*time.Hour))
	fix := map[string]any{"type": "fix", "id": fmt.Sprintf("fix_%05d", y.pulls), "issue_id": issue["id"]}
	y.add(at, "fix.generated", Event{"actor": machine("assistant", "Fix assistant"), "resource": fix, "repository": repository,
		"compliance_frameworks": frameworks, "details": map[string]any{"fix_type": "code", "pull_request": pull}})
	if y.random.IntN(10) < 2 {
		return // the proposal waits for a review
	}
	at = at.Add(y.between(time.Hour, 7*24*time.Hour))
	y.add(at, "fix.applied", Event{"actor": who.actor(), "resource": fix, "repository": repository, "compliance_frameworks": frameworks,
		"details": map[string]any{"fix_type": "code", "pull_request": pull, "approved_by": choose(y, staff[3:6]).id}})
	y.add(at.Add(y.between(time.Minute, 20*time.Minute)), "issue.resolved", Event{"actor": who.actor(), "resource": issue, "repository": repository,
		"compliance_frameworks": frameworks, "details": map[string]any{"previous_status": "open", "new_status": "resolved", "pr_number": y.pulls}})
}

// session is a person who signs in, and mostly out.
func (y *inventedYear) session() {
	who, at := choose(y, staff), y.moment(12*time.Hour)
	console := map[string]any{"type": "application", "id": "console", "name": "Operations console"}
	from := map[string]any{"source_ip": y.address(), "user_agent": "Mozilla/5.0", "location": "Office"}
	y.add(at, "login", Event{"actor": who.actor(), "resource": console, "context": from, "severity": audit.SeverityLow,
		"description": who.name + " signed in with a second factor"})
	if y.random.IntN(5) > 0 {
		y.add(at.Add(y.between(5*time.Minute, 9*time.Hour)), "logout", Event{"actor": who.actor(), "resource": console, "context": from,
			"severity": audit.SeverityLow, "description": who.name + " signed out"})
	}
}

// access is granted with an approval, and taken back after a while or at the
// next review.
func (y *inventedYear) access() {
	who, admin, grant := choose(y, staff), staff[4], choose(y, grants)
	at := y.moment(91 * 24 * time.Hour)
	resource := map[string]any{"type": grant.kind, "id": grant.resource}
	ticket := fmt.Sprintf("AR-%04d", 1+y.random.IntN(9999))
	frameworks := []string{"SOC2", "ISO_27001"}
	details := map[string]any{"subject": who.id, "level": grant.level}
	y.add(at, "access.granted", Event{"actor": admin.actor(), "resource": resource, "details": details, "compliance_frameworks": frameworks,
		"context": map[string]any{"approval_reference": ticket, "business_justification": "Needed for the work in " + who.department}})
	if y.random.IntN(10) < 6 {
		reason := "no longer needed"
		if y.random.IntN(2) == 0 {
			reason = "quarterly access review"
		}
		y.add(at.Add(y.between(24*time.Hour, 90*24*time.Hour)), "access.revoked", Event{"actor": admin.actor(), "resource": resource,
			"details": map[string]any{"subject": who.id, "level": grant.level, "reason": reason}, "compliance_frameworks": frameworks,
			"context": map[string]any{"approval_reference": ticket}})
	}
}

// configuration changes under change control.
func (y *inventedYear) configuration() {
	c, who := choose(y, configurations), choose(y, staff[3:5])
	before, after := c.before, c.after
	reason := "hardening"
	if y.random.IntN(4) == 0 {
		before, after, reason = after, before, "rolled back after an incident"
	}
	y.add(y.moment(0), "config.changed", Event{"actor": who.actor(), "resource": map[string]any{"type": "configuration", "id": c.id},
		"compliance_frameworks": []string{"SOC2", "SOX"},
		"context":               map[string]any{"approval_reference": fmt.Sprintf("CR-%04d", 1+y.random.IntN(9999))},
		"action": map[string]any{"operation": "update", "changes": []any{
			map[string]any{"field": c.field, "old_value": before, "new_value": after, "change_reason": reason},
		}}})
}

// attack is a row of failed sign-ins that somebody answers.
func (y *inventedYear) attack() {
	at := y.moment(24 * time.Hour)
	from, failures := fmt.Sprintf("203.0.113.%d", 1+y.random.IntN(254)), 3+y.random.IntN(40)
	severity := audit.SeverityMedium
	if failures > 20 {
		severity = audit.SeverityHigh
	}
	y.add(at, "security_event", Event{"category": "unauthorized_access_attempt", "severity": severity,
		"actor":       machine("gateway", "Sign-in gateway"),
		"description": fmt.Sprintf("%d failed sign-ins from one address", failures), "resource": map[string]any{"type": "application", "id": "console"},
		"context": map[string]any{"source_ip": from, "failure_count": failures, "detection_system": "gateway"}, "compliance_frameworks": []string{"ISO_27001", "NIST_CSF"},
		"auto_response": map[string]any{"ip_blocked": failures > 10, "admin_notified": true, "security_team_alerted": failures > 20}})
	who := staff[3]
	y.add(at.Add(y.between(10*time.Minute, 8*time.Hour)), "system_event", Event{"category": "incident_reviewed", "severity": audit.SeverityLow, "actor": who.actor(),
		"description": "The failed sign-ins were reviewed; no account was entered", "context": map[string]any{"reviewed_address": from}})
}
