package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

var registered = map[string]audit.EventType{
	"plant.door_opened": {Name: "plant.door_opened", Class: audit.ClassSecurity, Severity: audit.SeverityHigh},
	"plant.silent":      {Name: "plant.silent", Class: audit.ClassSystem},
}

func lookup(name string) (audit.EventType, bool) {
	t, ok := registered[name]
	return t, ok
}

func event(t testing.TB, body string) (audit.Event, []audit.FieldError) {
	t.Helper()
	var r audit.EntryRequest
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r.Event(lookup, now)
}

func payload(t testing.TB, e audit.Event) string {
	t.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEntryRequestNormalises(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, eventType, payload string }{
		"document B's request": {
			`{"event_type":"security_event","category":"unauthorized_access_attempt","severity":"high",
			  "description":"Multiple failed login attempts detected from external IP",
			  "context":{"source_ip":"203.0.113.45","attempted_username":"admin","failure_count":5,"time_window":"300_seconds"},
			  "compliance_frameworks":["ISO_27001","NIST_CSF"],"requires_investigation":true,
			  "auto_response":{"ip_blocked":true,"admin_notified":true,"security_team_alerted":true}}`,
			"security_event",
			`{"class":"security_event","category":"unauthorized_access_attempt","severity":"high",
			  "description":"Multiple failed login attempts detected from external IP",
			  "context":{"attempted_username":"admin","failure_count":5,"source_ip":"203.0.113.45","time_window":"300_seconds"},
			  "frameworks":["ISO_27001","NIST_CSF"],
			  "auto_response":{"admin_notified":true,"ip_blocked":true,"security_team_alerted":true},"requires_investigation":true}`,
		},
		"document B's nested objects": {
			`{"event_type":"data_change","severity":"high","description":"d",
			  "user":{"user_id":"u1","username":"j.smith","role":"process_engineer","department":"production","session_id":"s1"},
			  "resource":{"resource_type":"tag","resource_id":"t1","resource_name":"Sensor","parent_machine":"m1"},
			  "action":{"operation":"update","method":"PUT","endpoint":"/v1","changes":[{"field":"alarm","old_value":180.0,"new_value":190.5,"change_reason":"r"}]},
			  "impact_assessment":{"safety_impact":"low","affected_systems":["a"],"downstream_effects":[]},
			  "electronic_signature":{"signature_id":"esig_1","signature_meaning":"approved"},
			  "timestamp":"2025-08-26T16:25:30.7891239+02:00"}`,
			"data_change",
			`{"class":"data_change","timestamp":"2025-08-26T14:25:30.789123Z","severity":"high","description":"d",
			  "actor":{"department":"production","id":"u1","name":"j.smith","role":"process_engineer","session_id":"s1","type":"user"},
			  "resource":{"id":"t1","name":"Sensor","parent_machine":"m1","type":"tag"},
			  "action":{"changes":[{"change_reason":"r","field":"alarm","new_value":190.5,"old_value":180.0}],"endpoint":"/v1","method":"PUT","operation":"update"},
			  "impact_assessment":{"affected_systems":["a"],"downstream_effects":[],"safety_impact":"low"},
			  "electronic_signature":{"meaning":"approved","signature_id":"esig_1"}}`,
		},
		"document A's event": {
			`{"event_type":"issue.resolved","actor":{"type":"user","id":"user_123","email":"dev@acme.com"},
			  "resource":{"type":"issue","id":"issue_456","name":"Missing encryption"},"repository":{"id":"repo_789","name":"acme/web-app"},
			  "details":{"previous_status":"open","pr_number":456,"framework":"gdpr"},
			  "metadata":{"ip_address":"203.0.113.1","request_id":"req_1"}}`,
			"issue.resolved",
			`{"class":"data_change","severity":"low","actor":{"email":"dev@acme.com","id":"user_123","type":"user"},
			  "resource":{"id":"issue_456","name":"Missing encryption","type":"issue"},"repository":{"id":"repo_789","name":"acme/web-app"},
			  "details":{"framework":"gdpr","pr_number":456,"previous_status":"open"},
			  "metadata":{"ip_address":"203.0.113.1","request_id":"req_1"},"frameworks":["GDPR"]}`,
		},
		"flat ids": {
			`{"event_type":"login","severity":"low","description":"d","user_id":"u1","resource_id":"r1"}`,
			"login", `{"class":"login","severity":"low","description":"d","actor":{"id":"u1","type":"user"},"resource":{"id":"r1"}}`,
		},
		"both shapes that agree": {
			`{"event_type":"scan.started","user_id":"u1","user":{"user_id":"u1"},"actor":{"type":"user","id":"u1"},
			  "resource_id":"r1","resource":{"id":"r1","resource_id":"r1"},
			  "context":{"source_ip":"1.2.3.4"},"metadata":{"ip_address":"1.2.3.4"}}`,
			"scan.started",
			`{"class":"system_event","severity":"low","actor":{"id":"u1","type":"user"},"resource":{"id":"r1"},
			  "context":{"source_ip":"1.2.3.4"},"metadata":{"ip_address":"1.2.3.4"}}`,
		},
		"a registered type's severity": {`{"event_type":"plant.door_opened"}`, "plant.door_opened", `{"class":"security_event","severity":"high"}`},
		"the submitted severity":       {`{"event_type":"plant.door_opened","severity":"low"}`, "plant.door_opened", `{"class":"security_event","severity":"low"}`},
		"frameworks in any spelling, order kept": {
			`{"event_type":"scan.started","compliance_frameworks":["sox","iso-27001","21 CFR Part 11"]}`,
			"scan.started", `{"class":"system_event","severity":"low","frameworks":["SOX","ISO_27001","FDA_21CFR11"]}`,
		},
		"a flat id keeps a given actor's type": {
			`{"event_type":"scan.started","user_id":"k","actor":{"type":"api_key","id":"k"}}`,
			"scan.started", `{"class":"system_event","severity":"low","actor":{"id":"k","type":"api_key"}}`,
		},
		"the last moment that is not too far ahead": {
			`{"event_type":"scan.started","timestamp":"2026-11-24T12:05:00Z"}`,
			"scan.started", `{"class":"system_event","timestamp":"2026-11-24T12:05:00Z","severity":"low"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, bad := event(t, c.body)
			if bad != nil {
				t.Fatalf("%+v", bad)
			}
			var want bytes.Buffer
			if err := json.Compact(&want, []byte(c.payload)); err != nil {
				t.Fatal(err)
			}
			if got := payload(t, e); e.Type != c.eventType || got != want.String() {
				t.Fatalf("%s\n got %s\nwant %s", e.Type, got, want.String())
			}
		})
	}
}

// minimal is a valid request into which a case puts one more member.
func minimal(member string) string { return `{"event_type":"scan.started",` + member + `}` }

func elements(n int, element string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
}

func keys(n int) string {
	var s []string
	for i := range n {
		s = append(s, fmt.Sprintf(`"k%d":1`, i))
	}
	return "{" + strings.Join(s, ",") + "}"
}

func TestEntryRequestRefuses(t *testing.T) {
	t.Parallel()
	x := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	for _, c := range []struct{ body, want string }{
		{`[]`, " type"},
		{`null`, " type"},
		{`"text"`, " type"},
		{`{}`, "/event_type required"},
		{`{"event_type":7}`, "/event_type type"},
		{`{"event_type":"login"}`, "/description required, /severity required"},
		{`{"event_type":"plant.silent"}`, "/severity required"},
		{`{"event_type":"audit.erased"}`, "/event_type reserved"},
		{`{"event_type":"nobody.knows"}`, "/event_type unknown"},
		{`{"event_type":"SCAN.STARTED"}`, "/event_type unknown"},
		{minimal(`"severity":"extreme"`), "/severity invalid"},
		{minimal(`"severity":null`), "/severity type"},
		{minimal(`"descripton":"typo"`), "/descripton unknown"},
		{minimal(`"a/b~c":1`), "/a~1b~0c unknown"},
		{minimal(`"type":"scan.started"`), "/type unknown"},
		{minimal(`"description":""`), "/description length"},
		{minimal(`"description":` + x(audit.MaxProse+1)), "/description length"},
		{minimal(`"category":` + x(audit.MaxCategory+1)), "/category length"},
		{minimal(`"external_id":` + x(audit.MaxIdentifier+1)), "/external_id length"},
		{minimal(`"external_id":"audit:export/1/completed"`), "/external_id reserved"},
		{minimal(`"user_id":` + x(audit.MaxIdentifier+1)), "/user_id length"},
		{minimal(`"user_id":5`), "/user_id type"},
		{minimal(`"resource_id":""`), "/resource_id length"},
		{minimal(`"timestamp":"yesterday"`), "/timestamp invalid"},
		{minimal(`"timestamp":"2026-11-24"`), "/timestamp invalid"},
		{minimal(`"timestamp":"2026-11-24T1:00:00Z"`), "/timestamp invalid"},
		{minimal(`"timestamp":"2026-11-24T01:00:00,5Z"`), "/timestamp invalid"},
		{minimal(`"timestamp":"1969-12-31T23:59:59Z"`), "/timestamp out_of_range"},
		{minimal(`"timestamp":"2026-11-24T12:05:00.000001Z"`), "/timestamp future"},
		{minimal(`"timestamp":1732449600`), "/timestamp type"},
		{minimal(`"actor":{}`), "/actor/type required"},
		{minimal(`"actor":{"type":"robot"}`), "/actor/type invalid"},
		{minimal(`"actor":{"type":"user","nickname":"x"}`), "/actor/nickname unknown"},
		{minimal(`"actor":{"type":"user","name":` + x(audit.MaxName+1) + `}`), "/actor/name length"},
		{minimal(`"actor":"me"`), "/actor type"},
		{minimal(`"user":{"id":"u"}`), "/user/id unknown"},
		{minimal(`"user":{"user_id":{}}`), "/user/user_id type"},
		{minimal(`"resource":{"type":["x"]}`), "/resource/type type"},
		{minimal(`"repository":{"id":"r","url":"u"}`), "/repository/url unknown"},
		{minimal(`"repository":{"id":` + x(audit.MaxIdentifier+1) + `}`), "/repository/id length"},
		{minimal(`"action":{"verb":"x"}`), "/action/verb unknown"},
		{minimal(`"action":{"changes":{}}`), "/action/changes type"},
		{minimal(`"action":{"changes":[1]}`), "/action/changes/0 type"},
		{minimal(`"action":{"changes":[{"old_value":1}]}`), "/action/changes/0/field required"},
		{minimal(`"action":{"changes":[{"field":"a","why":1}]}`), "/action/changes/0/why unknown"},
		{minimal(`"action":{"changes":` + elements(audit.MaxChanges+1, `{"field":"f"}`) + `}`), "/action/changes too_many"},
		{minimal(`"context":[]`), "/context type"},
		{minimal(`"context":{"source_ip":1}`), "/context/source_ip type"},
		{minimal(`"metadata":{"request_id":` + x(audit.MaxProse+1) + `}`), "/metadata/request_id length"},
		{minimal(`"metadata":` + keys(audit.MaxMetadata+1)), "/metadata too_many"},
		{minimal(`"details":"text"`), "/details type"},
		{minimal(`"compliance_frameworks":"SOX"`), "/compliance_frameworks type"},
		{minimal(`"compliance_frameworks":[1]`), "/compliance_frameworks/0 type"},
		{minimal(`"compliance_frameworks":["HIPPA"]`), "/compliance_frameworks/0 unknown"},
		{minimal(`"compliance_frameworks":["soc2","SOC-2"]`), "/compliance_frameworks/1 duplicate"},
		{minimal(`"impact_assessment":{"safety_impact":"huge"}`), "/impact_assessment/safety_impact invalid"},
		{minimal(`"impact_assessment":{"score":1}`), "/impact_assessment/score unknown"},
		{minimal(`"impact_assessment":{"affected_systems":[""]}`), "/impact_assessment/affected_systems/0 invalid"},
		{minimal(`"impact_assessment":{"affected_systems":` + elements(audit.MaxAffected+1, `"s"`) + `}`), "/impact_assessment/affected_systems too_many"},
		{minimal(`"electronic_signature":{"meaning":"m"}`), "/electronic_signature/signature_id required"},
		{minimal(`"electronic_signature":{"signature_id":"e","provided":true}`), "/electronic_signature/provided unknown"},
		{minimal(`"electronic_signature":{"signature_id":"e","meaning":"a","signature_meaning":"b"}`), "/electronic_signature/signature_meaning contradiction"},
		{minimal(`"requires_investigation":"yes"`), "/requires_investigation type"},
		{minimal(`"auto_response":{"ip_blocked":1}`), "/auto_response/ip_blocked type"},
		{minimal(`"auto_response":{"rebooted":true}`), "/auto_response/rebooted unknown"},

		// Both shapes of one thing that say different things.
		{minimal(`"user_id":"a","user":{"user_id":"b"}`), "/user_id contradiction"},
		{minimal(`"user":{"user_id":"b"},"actor":{"type":"user","id":"a"}`), "/user/user_id contradiction"},
		{minimal(`"user":{"username":"b"},"actor":{"type":"system","name":"b"}`), "/user contradiction"},
		{minimal(`"resource_id":"a","resource":{"id":"b"}`), "/resource_id contradiction"},
		{minimal(`"resource":{"type":"a","resource_type":"b"}`), "/resource/resource_type contradiction"},
		{minimal(`"context":{"source_ip":"a"},"metadata":{"ip_address":"b"}`), "/metadata/ip_address contradiction"},
		{minimal(`"context":{"user_agent":"a"},"metadata":{"user_agent":"b"}`), "/metadata/user_agent contradiction"},
		{minimal(`"actor":{"type":"user","session_id":"a"},"metadata":{"session_id":"b"}`), "/metadata/session_id contradiction"},
		{minimal(`"compliance_frameworks":["SOX"],"details":{"framework":"gdpr"}`), "/details/framework contradiction"},

		// Everything that is wrong is said at once.
		{`{"event_type":"nope","severity":1,"colour":"red"}`, "/colour unknown, /event_type unknown, /severity type"},
	} {
		e, bad := event(t, c.body)
		var got []string
		for _, f := range bad {
			got = append(got, f.Field+" "+f.Code)
			if f.Message == "" {
				t.Errorf("%.100s: %s has no message", c.body, f.Field)
			}
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%.200s:\n got %s\nwant %s (%+v)", c.body, s, c.want, e)
		}
	}
}

func TestEntryRequestTakesItsLimits(t *testing.T) {
	t.Parallel()
	x := func(n int) string { return `"` + strings.Repeat("ü", n) + `"` }
	for _, member := range []string{
		`"description":` + x(audit.MaxProse),
		`"category":` + x(audit.MaxCategory/2),
		`"external_id":` + x(audit.MaxIdentifier/2),
		`"user":{"username":` + x(audit.MaxName/2) + `}`,
		`"action":{"changes":` + elements(audit.MaxChanges, `{"field":"f","old_value":null}`) + `}`,
		`"metadata":` + keys(audit.MaxMetadata),
		`"impact_assessment":{"affected_systems":` + elements(audit.MaxAffected, `"s"`) + `}`,
		`"context":{"source_ip":"","anything":[{"deep":null}]}`,
	} {
		if _, bad := event(t, minimal(member)); bad != nil {
			t.Errorf("%.100s: %+v", member, bad)
		}
	}
}

func TestEntryRequestErrorsAreBounded(t *testing.T) {
	t.Parallel()
	_, bad := event(t, keys(10_000))
	if len(bad) != audit.MaxBadFields {
		t.Fatalf("%d errors", len(bad))
	}
	_, bad = event(t, `{"`+strings.Repeat("é", 10_000)+`":1}`)
	for _, f := range bad {
		if len(f.Field) > 200 || !json.Valid([]byte(`"`+f.Field+`"`)) {
			t.Fatalf("a pointer of %d bytes", len(f.Field))
		}
	}
	if !slices.IsSortedFunc(bad, func(a, b audit.FieldError) int { return strings.Compare(a.Field, b.Field) }) {
		t.Fatalf("not sorted: %+v", bad)
	}
}

// FuzzEntryRequest holds that no request panics, that the answer does not
// depend on chance, and that a valid one is an event that reads back as it was
// written.
func FuzzEntryRequest(f *testing.F) {
	for _, s := range []string{
		`{"event_type":"login","severity":"low","description":"d","user_id":"u"}`,
		`{"event_type":"issue.resolved","actor":{"type":"user","id":"u"},"details":{"framework":"gdpr","n":1e3}}`,
		`{"event_type":"data_change","severity":"high","description":"d","action":{"changes":[{"field":"f","old_value":1.0}]},"timestamp":"2025-01-01T00:00:00.5Z"}`,
		`{"event_type":"scan.started","resource":{"resource_id":"a","id":"b"},"metadata":{"ip_address":"a"},"context":{"source_ip":[]}}`,
		`{"event_type":"scan.started","user":{"role":"r"},"actor":{"type":{}}}`, `[]`, `{}`, `0`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var r audit.EntryRequest
		if json.Unmarshal(body, &r) != nil {
			return
		}
		e, bad := r.Event(lookup, now)
		again, badAgain := r.Event(lookup, now)
		if !reflect.DeepEqual(e, again) || !reflect.DeepEqual(bad, badAgain) {
			t.Fatalf("two answers: %+v %+v", bad, badAgain)
		}
		if bad != nil {
			return
		}
		if e.Class == "" || !slices.Contains(audit.Severities, e.Severity) || !audit.ValidEventTypeName(e.Type) {
			t.Fatalf("not a complete event: %+v", e)
		}
		text := payload(t, e)
		back, err := audit.DecodeEvent(e.Type, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := payload(t, back); got != text {
			t.Fatalf("it reads back as another:\n%s\n%s", text, got)
		}
	})
}
