package importer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sealbook/sealbook/audit"
)

func TestCloudTrailTypes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		name     string
		class    audit.EventClass
		severity audit.Severity
	}{
		"ConsoleLogin":                {"cloudtrail.console_login", audit.ClassLogin, audit.SeverityLow},
		"DescribeDBInstances":         {"cloudtrail.describe_db_instances", audit.ClassSecurity, audit.SeverityLow},
		"GetFunction20150331v2":       {"cloudtrail.get_function20150331v2", audit.ClassSecurity, audit.SeverityLow},
		"ListSSHPublicKeys":           {"cloudtrail.list_ssh_public_keys", audit.ClassSecurity, audit.SeverityLow},
		"Decrypt":                     {"cloudtrail.decrypt", audit.ClassSecurity, audit.SeverityLow},
		"RunInstances":                {"cloudtrail.run_instances", audit.ClassChange, audit.SeverityMedium},
		"SharedSnapshotVolumeCreated": {"cloudtrail.shared_snapshot_volume_created", audit.ClassChange, audit.SeverityMedium},
		"CreateAccessKey":             {"cloudtrail.create_access_key", audit.ClassSecurity, audit.SeverityMedium},
		"PutBucketPolicy":             {"cloudtrail.put_bucket_policy", audit.ClassSecurity, audit.SeverityMedium},
		"RevokeSecurityGroupEgress":   {"cloudtrail.revoke_security_group_egress", audit.ClassSecurity, audit.SeverityMedium},
		"AddPermission20150331v2":     {"cloudtrail.add_permission20150331v2", audit.ClassSecurity, audit.SeverityMedium},
		"CreateFunction20150331":      {"cloudtrail.create_function20150331", audit.ClassChange, audit.SeverityMedium},
		"StopLogging":                 {"cloudtrail.stop_logging", audit.ClassSecurity, audit.SeverityHigh},
		"weird name/ÄÖ-x":             {"cloudtrail.weird_name_x", audit.ClassChange, audit.SeverityMedium},
		"事件":                          {"cloudtrail.event_c560201b", audit.ClassChange, audit.SeverityMedium},
		"DescribeVpcEndpointServiceConfigurationsOfAVeryLongKindOne": {"cloudtrail.describe_vpc_endpoint_service_configurations_be59baba", audit.ClassSecurity, audit.SeverityLow},
		"DescribeVpcEndpointServiceConfigurationsOfAVeryLongKindTwo": {"cloudtrail.describe_vpc_endpoint_service_configurations_a9ee7fbb", audit.ClassSecurity, audit.SeverityLow},
	} {
		got := cloudTrailType(name)
		if got.Name != want.name || got.Class != want.class || got.Severity != want.severity {
			t.Errorf("%s is %s, %s, %s", name, got.Name, got.Class, got.Severity)
		}
		if !audit.ValidEventTypeName(got.Name) {
			t.Errorf("%s gives a type that no record can hold: %s", name, got.Name)
		}
	}
}

func collect(t testing.TB, format Format, content []byte) []Item {
	t.Helper()
	var items []Item
	for item, err := range format(bytes.NewReader(content)) {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	return items
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCloudTrailLosesNothing puts every record together again from its entry.
func TestCloudTrailLosesNothing(t *testing.T) {
	t.Parallel()
	content := read(t, "cloudtrail.jsonl")
	records := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	items := collect(t, CloudTrail, content)
	if len(items) != len(records) {
		t.Fatalf("%d records gave %d items", len(records), len(items))
	}
	for i, item := range items {
		if item.Err != nil {
			t.Fatal(item.Err)
		}
		want, err := decode(records[i])
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(item.Entry)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, restored(t, got.(map[string]any))); d != "" {
			t.Errorf("record %d comes back differently:\n%s", i+1, d)
		}
	}
}

// restored undoes the mapping, as a reader of the ledger could.
func restored(t *testing.T, entry map[string]any) map[string]any {
	t.Helper()
	record := entry["details"].(map[string]any)
	put := func(key string, v any) {
		if v != nil {
			if _, there := record[key]; there {
				t.Errorf("%s is in the entry twice", key)
			}
			record[key] = v
		}
	}
	put("eventID", strings.TrimPrefix(text(entry["external_id"]), "cloudtrail:"))
	put("eventName", object(entry["action"])["operation"])
	put("eventSource", object(entry["action"])["endpoint"])
	put("sourceIPAddress", object(entry["context"])["source_ip"])
	put("userAgent", object(entry["context"])["user_agent"])
	put("requestID", object(entry["metadata"])["request_id"])
	put("userIdentity", object(entry["metadata"])["user_identity"])
	if record["eventTime"] == nil {
		put("eventTime", entry["timestamp"])
	}
	notes, _ := record["import_notes"].([]any)
	delete(record, "import_notes")
	for _, n := range notes {
		place, what, _ := strings.Cut(n.(string), ": ")
		steps := strings.Split(place, "/")[1:]
		var at any = record
		for _, s := range steps[:len(steps)-1] {
			at = at.(map[string]any)[s]
		}
		parent, last := at.(map[string]any), steps[len(steps)-1]
		original := text(parent[last])
		if strings.Contains(what, "number") {
			parent[last] = json.Number(original)
			continue
		}
		var err error
		if parent[last], err = decode([]byte(original)); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
	return record
}

func TestCloudTrailMapping(t *testing.T) {
	t.Parallel()
	want := []struct {
		eventType, severity, timestamp, actor, role, resource string
		notes                                                 int
	}{
		{"cloudtrail.get_bucket_logging", "low", "2023-07-10T11:42:18Z", "user arn:aws:iam::111122223333:user/ada ada", "", "AWS::S3::Bucket arn:aws:s3:::example-evidence", 0},
		{"cloudtrail.console_login", "high", "2023-07-10T11:42:18Z", "user arn:aws:iam::111122223333:root root", "", "AWS::Service signin.amazonaws.com", 0},
		{"cloudtrail.attach_user_policy", "medium", "2023-07-10T11:42:18Z", "user arn:aws:sts::111122223333:assumed-role/Operators/grace grace", "Operators", "AWS::IAM::Policy arn:aws:iam::aws:policy/AdministratorAccess", 0},
		{"cloudtrail.shared_snapshot_volume_created", "medium", "2023-07-10T11:42:18Z", "system ec2.amazonaws.com ec2.amazonaws.com", "", "AWS::Service ec2.amazonaws.com", 0},
		{"cloudtrail.run_instances", "medium", "2023-07-10T11:42:18Z", "user arn:aws:iam::111122223333:user/ada ada", "", "AWS::Service ec2.amazonaws.com", 3},
		{"cloudtrail.stop_logging", "high", "2023-07-10T13:42:18.5+02:00", "user arn:aws:iam::111122223333:user/ada ada", "", "AWS::Service cloudtrail.amazonaws.com", 0},
	}
	items := collect(t, CloudTrail, read(t, "cloudtrail.jsonl"))
	if len(items) != len(want) {
		t.Fatalf("%d items", len(items))
	}
	for i, w := range want {
		var e struct {
			EventType  string `json:"event_type"`
			Severity   string
			Timestamp  string
			ExternalID string `json:"external_id"`
			Actor      struct{ Type, ID, Name, Role string }
			Resource   struct{ Type, ID string }
			Details    struct {
				Notes []string `json:"import_notes"`
			}
		}
		if err := json.Unmarshal(items[i].Entry, &e); err != nil {
			t.Fatal(err)
		}
		actor := fmt.Sprintf("%s %s %s", e.Actor.Type, e.Actor.ID, e.Actor.Name)
		resource := e.Resource.Type + " " + e.Resource.ID
		if e.EventType != w.eventType || e.Severity != w.severity || e.Timestamp != w.timestamp || actor != w.actor ||
			e.Actor.Role != w.role || resource != w.resource || len(e.Details.Notes) != w.notes || items[i].Type.Name != w.eventType {
			t.Errorf("record %d became %+v (%s)", i+1, e, items[i].Type.Name)
		}
	}
}

func TestCloudTrailNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	want := []string{
		"1 ", "3 the JSON is malformed at byte 50: duplicate object member name", "4 the record has no eventID",
		"5 a CloudTrail record is a JSON object", "6 the JSON ends too early", "7 the JSON is malformed",
		"8 the JSON is malformed", "9 ",
	}
	items := collect(t, CloudTrail, read(t, "damaged.jsonl"))
	if len(items) != len(want) {
		t.Fatalf("%d items", len(items))
	}
	for i, item := range items {
		got := fmt.Sprintf("%d ", item.Line)
		if item.Err != nil {
			got += item.Err.Error()
		}
		if !strings.HasPrefix(got, want[i]) || strings.HasSuffix(want[i], " ") != (item.Err == nil) {
			t.Errorf("item %d is %q, not %q", i, got, want[i])
		}
	}
}

// TestCloudTrailShapes reads the same records in every form they come in.
func TestCloudTrailShapes(t *testing.T) {
	t.Parallel()
	content := read(t, "cloudtrail.jsonl")
	records := strings.Split(strings.TrimSpace(string(content)), "\n")
	list := "[" + strings.Join(records, ",\n ") + "]"
	want := collect(t, CloudTrail, content)
	for name, form := range map[string]string{
		"delivered": `{"Records":` + list + `}` + "\n", "spaced": "\n {\n \"Records\" : " + list + ", \"more\": [1]}",
		"array": list, "marked": "\xef\xbb\xbf" + list, "marked lines": "\xef\xbb\xbf" + string(content), "no last line feed": strings.TrimSpace(string(content)),
	} {
		got := collect(t, CloudTrail, []byte(form))
		for i := range got {
			got[i].Line = want[min(i, len(want)-1)].Line
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
	for _, broken := range []string{`{"Records":[`, `{"Records":[{"a":1},`, `{"Records":[]`, `[{"a":}]`, `{"Records":[]} x`} {
		var last error
		for _, err := range CloudTrail(strings.NewReader(broken)) {
			last = err
		}
		if last == nil {
			t.Errorf("%s is read without an error", broken)
		}
	}
}
