package importer

import (
	"slices"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// oktaType is the event type of an event's type. It follows from the name
// alone, as cloudTrailType does. An identity provider decides who may do what,
// so most of its events are security events:
//
//	login, logout   sessions and authentication, even if they failed
//	system_event    what Okta, its agents and its imports do by themselves
//	data_change     changes of what is no right: applications, profiles, appearance
//	security_event  everything else
func oktaType(eventType string) audit.EventType {
	t := audit.EventType{
		Name:        typeName("okta.", eventType),
		Class:       audit.ClassSecurity,
		Severity:    audit.SeverityMedium,
		Description: "Okta System Log: " + clip(eventType, 128),
	}
	under := func(list []string) bool {
		return slices.ContainsFunc(list, func(p string) bool { return eventType == p || strings.HasPrefix(eventType, p+".") })
	}
	switch {
	case under(oktaAlarms):
		t.Severity = audit.SeverityHigh
	case under(oktaSignOut):
		t.Class, t.Severity = audit.ClassLogout, audit.SeverityLow
	case under(oktaSignIn):
		t.Class, t.Severity = audit.ClassLogin, audit.SeverityLow
	case under(oktaRoutine):
		t.Severity = audit.SeverityLow
	case under(oktaGuarding):
	case under([]string{"system", "scheduled_action", "core"}):
		t.Class, t.Severity = audit.ClassSystem, audit.SeverityLow
	case under([]string{"application", "app", "user.account.update_profile", "group.profile", "group.lifecycle", "workflows", "brand", "theme", "domain", "email"}):
		t.Class = audit.ClassChange
	}
	return t
}

// Names of events, and the starts of them up to a dot.
var (
	// oktaAlarms: somebody attacks or acts as another, or less is recorded and
	// asked for from now on.
	oktaAlarms = []string{
		"security.threat", "security.attack", "security.breached_credential", "user.account.report_suspicious_activity_by_enduser",
		"user.session.impersonation", "user.account.privilege", "app.oauth2.token.detect_reuse", "system.api_token.create",
		"system.log_stream.lifecycle.deactivate", "system.log_stream.lifecycle.delete", "policy.lifecycle.deactivate",
		"policy.lifecycle.delete", "policy.rule.deactivate", "policy.rule.delete", "zone.deactivate", "zone.delete",
		"user.mfa.factor.reset_all", "system.mfa.factor.deactivate", "event_hook.deactivated", "event_hook.deleted",
	}

	oktaSignOut = []string{"user.session.end", "user.session.clear", "user.session.expire", "user.authentication.slo"}
	oktaSignIn  = []string{"user.session.start", "user.session.access_admin_app", "user.authentication"}

	// oktaRoutine: rights are looked up or used.
	oktaRoutine = []string{"policy.evaluate_sign_on", "app.oauth2", "application.policy", "user.session.context", "app.generic.unauth_app_access_attempt"}

	// oktaGuarding are rights among what is else the system's or a change.
	oktaGuarding = []string{"system.api_token", "system.mfa", "system.log_stream", "system.idp", "application.user_membership", "application.lifecycle", "application.configuration.update_api_credentials"}
)

// oktaSeverity is the type's, raised to what the event itself says, and to
// medium at least when it failed or was refused.
func oktaSeverity(t audit.EventType, record map[string]any) audit.Severity {
	s := t.Severity
	switch text(record["severity"]) {
	case "WARN":
		s = higher(s, audit.SeverityMedium)
	case "ERROR":
		s = higher(s, audit.SeverityHigh)
	}
	switch text(object(record["outcome"])["result"]) {
	case "FAILURE", "DENY", "ABANDONED", "RATE_LIMIT":
		s = higher(s, audit.SeverityMedium)
	}
	return s
}
