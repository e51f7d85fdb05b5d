package importer

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sealbook/sealbook/audit"
)

type wantedType struct {
	name     string
	class    audit.EventClass
	severity audit.Severity
}

func holdTypes(t *testing.T, typeOf func(string) audit.EventType, table map[string]wantedType) {
	t.Helper()
	for name, want := range table {
		got := typeOf(name)
		if (wantedType{got.Name, got.Class, got.Severity}) != want {
			t.Errorf("%s is %s, %s, %s", name, got.Name, got.Class, got.Severity)
		}
		if !audit.ValidEventTypeName(got.Name) || len(got.Description) > audit.MaxName {
			t.Errorf("%s gives a type that cannot be registered: %+v", name, got)
		}
	}
}

func TestGitHubTypes(t *testing.T) {
	t.Parallel()
	holdTypes(t, gitHubType, map[string]wantedType{
		"user.login":                        {"github.user.login", audit.ClassLogin, audit.SeverityLow},
		"user.failed_login":                 {"github.user.failed_login", audit.ClassLogin, audit.SeverityMedium},
		"org.sso_response":                  {"github.org.sso_response", audit.ClassLogin, audit.SeverityLow},
		"user.logout":                       {"github.user.logout", audit.ClassLogout, audit.SeverityLow},
		"git.clone":                         {"github.git.clone", audit.ClassSecurity, audit.SeverityLow},
		"git.push":                          {"github.git.push", audit.ClassChange, audit.SeverityLow},
		"repo.download_zip":                 {"github.repo.download_zip", audit.ClassSecurity, audit.SeverityLow},
		"org.audit_log_export":              {"github.org.audit_log_export", audit.ClassSecurity, audit.SeverityLow},
		"repo.create":                       {"github.repo.create", audit.ClassChange, audit.SeverityMedium},
		"repo.rename":                       {"github.repo.rename", audit.ClassChange, audit.SeverityMedium},
		"repo.access":                       {"github.repo.access", audit.ClassSecurity, audit.SeverityMedium},
		"repo.destroy":                      {"github.repo.destroy", audit.ClassSecurity, audit.SeverityHigh},
		"org.add_member":                    {"github.org.add_member", audit.ClassSecurity, audit.SeverityMedium},
		"public_key.create":                 {"github.public_key.create", audit.ClassSecurity, audit.SeverityMedium},
		"protected_branch.create":           {"github.protected_branch.create", audit.ClassSecurity, audit.SeverityMedium},
		"protected_branch.policy_override":  {"github.protected_branch.policy_override", audit.ClassSecurity, audit.SeverityHigh},
		"two_factor_authentication.enabled": {"github.two_factor_authentication.enabled", audit.ClassSecurity, audit.SeverityMedium},
		"audit_log_streaming.destroy":       {"github.audit_log_streaming.destroy", audit.ClassSecurity, audit.SeverityHigh},
		"workflows.created_workflow_run":    {"github.workflows.created_workflow_run", audit.ClassSystem, audit.SeverityLow},
		"pull_request.merge":                {"github.pull_request.merge", audit.ClassChange, audit.SeverityLow},
		"Weird Näme":                        {"github.weird_n_me", audit.ClassChange, audit.SeverityMedium},
		"…":                                 {"github.event_b4935894", audit.ClassChange, audit.SeverityMedium},
		strings.Repeat("repo.x", 12):        {"github.repo.xrepo.xrepo.xrepo.xrepo.xrepo.xrepo.xrepo.x_bd6a3107", audit.ClassChange, audit.SeverityMedium},
	})
}

func TestGitHubNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	const fine = `{"@timestamp":1735830245678,"_document_id":"x","action":"repo.create"}`
	content := strings.Join([]string{
		fine, `[]`, `{"@timestamp":1735830245678}`, `{"action":"","@timestamp":1}`, `{"action":"a","@timestamp":"yesterday"}`,
		`{"action":"a","@timestamp":1.5}`, `{"action":"a","@timestamp":-1}`, `{"action":"a","@timestamp":253402300800000}`, `{"action":"a"}`,
		`{"action":"` + strings.Repeat("a", audit.MaxName+1) + `","@timestamp":1}`,
		`{"action":"a","@timestamp":1,"_document_id":"` + strings.Repeat("x", 250) + `"}`,
		`{"action":"a","@timestamp":1,"_document_id":"` + strings.Repeat("x", 249) + `"}`,
		`{"action":`, `{"action":"a","action":"b"}`,
	}, "\n")
	want := []string{
		"", "is a JSON object", "no action", "no action", "@timestamp is no time", "@timestamp is no time", "@timestamp is no time", "@timestamp is no time",
		"no @timestamp", "no action of at most 1024 bytes", "_document_id is longer than 249 bytes", "", "ends too early", "duplicate",
	}
	for i, item := range collect(t, GitHub, []byte(content)) {
		got := ""
		if item.Err != nil {
			got = item.Err.Error()
		}
		if item.Line != i+1 || (got == "") != (want[i] == "") || !strings.Contains(got, want[i]) {
			t.Errorf("line %d: %q, not %q", item.Line, got, want[i])
		}
	}
}

// TestGitHubHoldsLimits: a record with more members about people than metadata
// has room for, and with long texts, is still an entry that loses nothing.
func TestGitHubHoldsLimits(t *testing.T) {
	t.Parallel()
	var more strings.Builder
	for n := range 100 {
		fmt.Fprintf(&more, `,"user_%d":"u"`, n)
	}
	record := `{"@timestamp":1735830245678,"action":"org.add_member","request_id":"r","actor":"ada","org":"` + strings.Repeat("ä", 3000) +
		`","user_agent":"` + strings.Repeat("x", audit.MaxProse+1) + `","user_zdeep":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + more.String() + `}`
	if !losesNothing(t, "github", []byte(record)) {
		t.Error("it is no entry")
	}
	for _, item := range collect(t, GitHub, []byte(record)) {
		acceptable(t, item)
		e := object(mustDecode(t, item.Entry))
		metadata := object(e["metadata"])
		if len(metadata) != audit.MaxMetadata || len(object(metadata[othersKey])) != 100+2-(maxOwnMetadata-1) {
			t.Errorf("%d members of metadata, %d others", len(metadata), len(object(metadata[othersKey])))
		}
		if n := utf8.RuneCountInString(text(e["description"])); n != maxDescription+1 {
			t.Errorf("the description has %d characters", n)
		}
		if text(object(metadata[othersKey])["user_agent"]) == "" || object(e["resource"])["type"] != "github.service" {
			t.Errorf("%v", e["resource"])
		}
	}
}

// TestGitHubShapes reads the same records as lines, as an array, with a mark.
func TestGitHubShapes(t *testing.T) {
	t.Parallel()
	content := strings.TrimSpace(string(read(t, "github.jsonl")))
	array := "[" + strings.ReplaceAll(content, "\n", ",\n") + "]"
	want := collect(t, GitHub, []byte(content))
	for _, form := range []string{array, "\xef\xbb\xbf \n" + array, "\xef\xbb\xbf" + content} {
		got := collect(t, GitHub, []byte(form))
		if len(got) != len(want) {
			t.Fatalf("%d of %d", len(got), len(want))
		}
		for i := range got {
			if string(got[i].Entry) != string(want[i].Entry) || got[i].Line != i+1 {
				t.Errorf("%d: %s", got[i].Line, got[i].Entry)
			}
		}
	}
}
