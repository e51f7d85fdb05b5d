package importer

import (
	"strings"
	"testing"

	"github.com/sealbook/sealbook/audit"
)

func TestOktaTypes(t *testing.T) {
	t.Parallel()
	holdTypes(t, oktaType, map[string]wantedType{
		"user.session.start":                     {"okta.user.session.start", audit.ClassLogin, audit.SeverityLow},
		"user.authentication.auth_via_mfa":       {"okta.user.authentication.auth_via_mfa", audit.ClassLogin, audit.SeverityLow},
		"user.session.end":                       {"okta.user.session.end", audit.ClassLogout, audit.SeverityLow},
		"user.authentication.slo":                {"okta.user.authentication.slo", audit.ClassLogout, audit.SeverityLow},
		"user.session.impersonation.grant":       {"okta.user.session.impersonation.grant", audit.ClassSecurity, audit.SeverityHigh},
		"security.threat.detected":               {"okta.security.threat.detected", audit.ClassSecurity, audit.SeverityHigh},
		"system.log_stream.lifecycle.deactivate": {"okta.system.log_stream.lifecycle.deactivate", audit.ClassSecurity, audit.SeverityHigh},
		"system.log_stream.lifecycle.create":     {"okta.system.log_stream.lifecycle.create", audit.ClassSecurity, audit.SeverityMedium},
		"policy.evaluate_sign_on":                {"okta.policy.evaluate_sign_on", audit.ClassSecurity, audit.SeverityLow},
		"policy.lifecycle.update":                {"okta.policy.lifecycle.update", audit.ClassSecurity, audit.SeverityMedium},
		"group.user_membership.add":              {"okta.group.user_membership.add", audit.ClassSecurity, audit.SeverityMedium},
		"application.user_membership.add":        {"okta.application.user_membership.add", audit.ClassSecurity, audit.SeverityMedium},
		"application.provision.user.push":        {"okta.application.provision.user.push", audit.ClassChange, audit.SeverityMedium},
		"user.account.update_profile":            {"okta.user.account.update_profile", audit.ClassChange, audit.SeverityMedium},
		"user.account.update_password":           {"okta.user.account.update_password", audit.ClassSecurity, audit.SeverityMedium},
		"system.import.complete":                 {"okta.system.import.complete", audit.ClassSystem, audit.SeverityLow},
		"systematic":                             {"okta.systematic", audit.ClassSecurity, audit.SeverityMedium},
		"user.authentication.auth_via_AD_agent":  {"okta.user.authentication.auth_via_ad_agent", audit.ClassLogin, audit.SeverityLow},
	})
}

func TestOktaNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	event := func(uuid, eventType, published string) string {
		return `{"uuid":"` + uuid + `","eventType":"` + eventType + `","published":"` + published + `"}`
	}
	const at = "2025-01-02T03:04:05.678Z"
	content := strings.Join([]string{
		event("u", "a.b", at), `7`, event("", "a.b", at), event("u", "", at), event("u", "a.b", ""),
		event(strings.Repeat("u", 252), "a.b", at), event(strings.Repeat("u", 251), "a.b", at), event("u", strings.Repeat("a", audit.MaxName+1), at),
	}, "\n")
	want := []string{"", "is a JSON object", "no uuid", "no eventType", "no published", "no uuid of at most 251 bytes", "", "no eventType of at most 1024 bytes"}
	for i, item := range collect(t, Okta, []byte(content)) {
		got := ""
		if item.Err != nil {
			got = item.Err.Error()
		} else {
			acceptable(t, item)
		}
		if item.Line != i+1 || (got == "") != (want[i] == "") || !strings.Contains(got, want[i]) {
			t.Errorf("line %d: %q, not %q", item.Line, got, want[i])
		}
	}
}

// TestOktaSeverity: the event's own word and its outcome raise what its type
// has, and never lower it.
func TestOktaSeverity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		eventType, severity, result string
		want                        audit.Severity
	}{
		{"user.session.start", "INFO", "SUCCESS", audit.SeverityLow},
		{"user.session.start", "INFO", "FAILURE", audit.SeverityMedium},
		{"policy.evaluate_sign_on", "INFO", "DENY", audit.SeverityMedium},
		{"user.session.start", "WARN", "SUCCESS", audit.SeverityMedium},
		{"user.session.start", "ERROR", "FAILURE", audit.SeverityHigh},
		{"security.threat.detected", "DEBUG", "ALLOW", audit.SeverityHigh},
	} {
		record := map[string]any{"severity": c.severity, "outcome": map[string]any{"result": c.result}}
		if got := oktaSeverity(oktaType(c.eventType), record); got != c.want {
			t.Errorf("%+v is %s", c, got)
		}
	}
}
