package importer

import (
	"slices"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// gitHubType is the event type of an action. It follows from the action alone,
// as cloudTrailType does from an event's name, and by the same rules: a sign-in
// is a login even if it failed; who may do what, what is read, and what is
// watched is security; a run of a workflow is the system's; everything else is
// a change.
func gitHubType(action string) audit.EventType {
	t := audit.EventType{
		Name:        typeName("github.", action),
		Class:       audit.ClassChange,
		Severity:    audit.SeverityMedium,
		Description: "GitHub audit log: " + clip(action, 128),
	}
	family, verb, _ := strings.Cut(action, ".")
	words := strings.FieldsFunc(action, func(r rune) bool { return r == '.' || r == '_' })
	switch {
	case slices.Contains(gitHubSignIn, action):
		t.Class, t.Severity = audit.ClassLogin, audit.SeverityLow
	case action == "user.failed_login":
		t.Class = audit.ClassLogin
	case action == "user.logout":
		t.Class, t.Severity = audit.ClassLogout, audit.SeverityLow
	case slices.Contains(gitHubBlinding, action):
		t.Class, t.Severity = audit.ClassSecurity, audit.SeverityHigh
	case slices.Contains(gitHubReading, verb):
		t.Class, t.Severity = audit.ClassSecurity, audit.SeverityLow
	case family == "workflows":
		t.Class, t.Severity = audit.ClassSystem, audit.SeverityLow
	case slices.Contains(gitHubDaily, family):
		t.Severity = audit.SeverityLow
	case slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains(gitHubGuarding, w) || slices.Contains(gitHubGuarding, strings.TrimSuffix(w, "s"))
	}):
		t.Class = audit.ClassSecurity
	}
	return t
}

var (
	gitHubSignIn = []string{"user.login", "org.sso_response", "business.sso_response", "user.two_factor_challenge_success"}

	gitHubReading = []string{
		"clone", "fetch", "download_zip", "audit_log_export", "audit_log_git_event_export", "request", "export", "check",
		"dormant_users_report", "members_csv_export",
	}

	// gitHubDaily are families of the daily work, of which there are many.
	gitHubDaily = []string{
		"git", "pull_request", "pull_request_review", "pull_request_review_comment", "issue", "issues", "issue_comment",
		"commit_comment", "discussion", "discussion_comment", "project", "project_card", "project_column", "checks", "packages",
	}

	// gitHubGuarding are the words, in singular, of what decides who may do
	// what, or is watched.
	gitHubGuarding = []string{
		"member", "membership", "owner", "admin", "role", "permission", "access", "token", "key", "secret", "credential",
		"password", "sso", "saml", "oidc", "scim", "two", "protected", "protection", "ruleset", "rule", "allow", "oauth",
		"authorization", "integration", "invitation", "invite", "collaborator", "security", "scanning", "vulnerability",
		"alert", "policy", "policie", "audit", "login", "device", "session", "passkey", "hook", "identity", "block", "unblock",
	}

	// gitHubBlinding are actions after which less is guarded or recorded.
	gitHubBlinding = []string{
		"org.disable_two_factor_requirement", "business.disable_two_factor_requirement", "two_factor_authentication.disabled",
		"org.disable_saml", "business.disable_saml", "org.disable_oidc", "business.disable_oidc",
		"protected_branch.destroy", "protected_branch.policy_override", "repository_ruleset.destroy", "repo.destroy",
		"audit_log_streaming.destroy", "audit_log_streaming.update", "ip_allow_list.disable",
		"ip_allow_list.disable_for_installed_apps", "secret_scanning.disable", "repository_secret_scanning.disable",
		"repository_secret_scanning_push_protection.disable", "secret_scanning_push_protection.bypass",
		"org.secret_scanning_push_protection_disable", "dependabot_alerts.disable", "repository_vulnerability_alerts.disable",
		"org.disable_oauth_app_restrictions",
	}
)

// gitHubSeverity is the type's, raised to high when something was made public.
func gitHubSeverity(action string, record map[string]any) audit.Severity {
	s := gitHubType(action).Severity
	if action == "repo.access" && (text(record["visibility"]) == "public" || record["public_repo"] == true) {
		s = higher(s, audit.SeverityHigh)
	}
	return s
}
