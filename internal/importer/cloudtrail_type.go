package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/sealbook/sealbook/audit"
)

// cloudTrailType is the event type of an event name. It follows from the name
// alone, so every import of every recording gives the same. Two names that
// differ in letter case or separators only would share a type; each entry
// keeps its own name in action.operation.
//
// A class belongs to a type and not to an event, so whether a call was refused
// cannot decide it; that raises the event's severity. The classes are chosen
// for what an auditor looks for:
//
//	login, logout   somebody signs in or out
//	security_event  who may do what is read or changed, keys are used, or
//	                anything is read: access, as access.granted is
//	data_change     everything else
func cloudTrailType(eventName string) audit.EventType {
	snake := snakeCase(eventName)
	t := audit.EventType{
		Name:        typePrefix + shorten(snake, eventName, maxTypeName),
		Class:       audit.ClassChange,
		Severity:    audit.SeverityMedium,
		Description: "AWS CloudTrail: " + clip(eventName, 128),
	}
	words := strings.Split(snake, "_")
	switch {
	case slices.Contains(signIn, snake):
		t.Class, t.Severity = audit.ClassLogin, audit.SeverityLow
	case slices.Contains(signOut, snake):
		t.Class, t.Severity = audit.ClassLogout, audit.SeverityLow
	case slices.Contains(readingVerbs, words[0]):
		t.Class, t.Severity = audit.ClassSecurity, audit.SeverityLow
	case slices.Contains(blinding, snake):
		t.Class, t.Severity = audit.ClassSecurity, audit.SeverityHigh
	case slices.ContainsFunc(words, guards):
		t.Class = audit.ClassSecurity
	}
	return t
}

const typePrefix = "cloudtrail."

// maxTypeName is what is left of a type's name.
const maxTypeName = maxTypeBytes - len(typePrefix)

var (
	signIn  = []string{"console_login", "switch_role", "user_authentication", "get_signin_token"}
	signOut = []string{"logout", "console_logout", "sign_out", "exit_role"}

	// readingVerbs change nothing; encrypt, decrypt and generate use a key,
	// assume uses a role.
	readingVerbs = []string{
		"get", "list", "describe", "lookup", "search", "head", "select", "query", "scan", "check", "view", "preview",
		"validate", "test", "estimate", "simulate", "download", "batchget", "discover", "detect", "filter",
		"encrypt", "decrypt", "re", "generate", "sign", "verify", "assume",
	}

	// guarding are the nouns, in singular, of what decides who may do what.
	guarding = []string{
		"policy", "policie", "role", "user", "permission", "secret", "password", "credential", "mfa", "key", "profile",
		"saml", "anchor", "certificate", "security", "ingress", "egress", "trail", "logging", "selector", "detector",
	}

	// blinding are the calls after which less is recorded or seen.
	blinding = []string{
		"stop_logging", "delete_trail", "update_trail", "put_event_selectors", "delete_flow_logs", "delete_log_group",
		"delete_log_stream", "delete_detector", "update_detector", "disable_security_hub", "stop_configuration_recorder",
		"delete_configuration_recorder", "delete_delivery_channel", "leave_organization", "put_retention_policy",
		"disable_key", "schedule_key_deletion", "put_insight_selectors",
	}
)

// guards reports whether a word is one of guarding, in singular or plural and
// whether or not the version of an interface is stuck to it.
func guards(word string) bool {
	word = interfaceDate.ReplaceAllString(word, "")
	return slices.Contains(guarding, word) || slices.Contains(guarding, strings.TrimSuffix(word, "s"))
}

// interfaceDate is what Lambda adds to its calls, as in AddPermission20150331v2.
var interfaceDate = regexp.MustCompile(`\d{8}(v\d+)?$`)

// snakeCase makes describe_db_instances of DescribeDBInstances.
func snakeCase(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			if unicode.IsUpper(r) && i > 0 {
				after := !unicode.IsUpper(runes[i-1])
				ends := i+1 < len(runes) && unicode.IsLower(runes[i+1])
				if after || ends {
					underscore(&b)
				}
			}
			b.WriteRune(unicode.ToLower(r))
			continue
		}
		underscore(&b)
	}
	return strings.Trim(b.String(), "_")
}

func underscore(b *strings.Builder) {
	if s := b.String(); s != "" && !strings.HasSuffix(s, "_") {
		b.WriteByte('_')
	}
}

// shorten keeps a name that fits. Of another it keeps the start, with a digest
// of the whole so that two long names stay two.
func shorten(fitting, name string, most int) string {
	if fitting != "" && len(fitting) <= most {
		return fitting
	}
	sum := sha256.Sum256([]byte(name))
	suffix := hex.EncodeToString(sum[:4])
	if fitting == "" {
		return "event_" + suffix
	}
	return fitting[:most-len(suffix)-1] + "_" + suffix
}

func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

// cloudTrailSeverity is the type's, raised to high when root signs in or acts,
// and to medium at least when the call was not allowed or a sign-in failed.
func cloudTrailSeverity(eventName string, record, identity map[string]any) audit.Severity {
	s := cloudTrailType(eventName).Severity
	raise := func(to audit.Severity) { s = higher(s, to) }
	code := strings.ToLower(text(record["errorCode"]))
	for _, word := range []string{"accessdenied", "unauthorized", "failed authentication", "invalidaccess", "authfailure"} {
		if strings.Contains(code, word) {
			raise(audit.SeverityMedium)
		}
	}
	if text(object(record["responseElements"])["ConsoleLogin"]) == "Failure" {
		raise(audit.SeverityMedium)
	}
	if text(identity["type"]) == "Root" {
		raise(audit.SeverityHigh)
	}
	return s
}

func higher(a, b audit.Severity) audit.Severity {
	if slices.Index(audit.Severities, b) > slices.Index(audit.Severities, a) {
		return b
	}
	return a
}
