package control_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
)

// The period of these tests is the first quarter of 2026; a day is a number from
// its first, and may be before or after it.
var quarter = audit.Period{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)}

func day(n float64) time.Time { return quarter.From.Add(time.Duration(n * 24 * float64(time.Hour))) }

// happened is an entry of a day: a type or category, who, about what, and details
// as key=value.
func happened(n float64, name, who, what string, details ...string) audit.Entry {
	at := day(n)
	e := audit.Entry{RecordedAt: at, Event: audit.Event{
		Type: "security_event", Category: name, Class: audit.ClassSecurity, Severity: audit.SeverityHigh, Timestamp: &at,
		Actor: audit.Object{"type": "user", "id": who}, Resource: audit.Object{"id": what}, Details: audit.Object{},
	}}
	if strings.Contains(name, ".") {
		e.Type, e.Category = name, ""
	}
	for _, d := range details {
		k, v, _ := strings.Cut(d, "=")
		e.Details[k] = v
	}
	return e
}

// assess runs one check over entries in the given order.
func assess(t *testing.T, check string, facts control.Facts, entries ...audit.Entry) control.Result {
	t.Helper()
	c, err := control.Parse([]byte("framework: SOC2\nedition: of a test\nversion: 1\nrequirements:\n- id: R\n  criterion: CC6.1\n  title: t\n  severity: high\n  checks:\n  - id: c\n    " +
		strings.ReplaceAll(strings.TrimSpace(check), "\n", "\n    ") + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if facts.AsOf.IsZero() {
		facts.AsOf = quarter.Until
	}
	run := control.NewRun([]*control.Catalog{c}, quarter, &facts)
	for i := range entries {
		entries[i].Seq = int64(i)
		run.Observe(&entries[i])
	}
	return run.Reports()[0].Requirements[0].Checks[0]
}

// summary is a result in one line.
func summary(r control.Result) string {
	s := fmt.Sprintf("%s %d/%d", r.Verdict, r.Passed, r.Population)
	for _, part := range []struct {
		n    int64
		name string
	}{{r.Failed, "failed"}, {r.Pending, "pending"}, {r.RuleErrors, "errors"}} {
		if part.n > 0 {
			s += fmt.Sprintf(" %d %s", part.n, part.name)
		}
	}
	return s
}

const (
	passes    = "kind: ratio\nabout: [access_review]\npass: e.details.ok == 'yes'\ncompliant_at: 0.9\npartial_at: 0.5"
	lacks     = "kind: absence\nabout: [login_failed, access_review]\nviolation: \"e.details.bad == 'yes'\""
	quarterly = "kind: cadence\nabout: [access_review]\nmatch: \"'access_review' in e.names\"\nevery: P1M"
	bySystem  = "kind: cadence\nabout: [backup_completed, backup_failed]\nmatch: \"'backup_completed' in e.names\"\nmembers: \"'backup_failed' in e.names\"\nkey: e.resource.id\nevery: P1M"
	yearly    = "kind: cadence\nabout: [restore_tested]\nmatch: \"'restore_tested' in e.names\"\nevery: P1Y"
	revoked   = "kind: sla\nabout: [termination, access.revoked]\ntrigger: \"'termination' in e.names\"\nthen: \"'access.revoked' in e.names\"\nkey: e.resource.id\nwithin: P2D\npartial_at: 0.5"
	approved  = "kind: sequence\nabout: [deploy, change_approved]\ntarget: \"'deploy' in e.names\"\nneeds: \"'change_approved' in e.names\"\nkey: e.resource.id\ndiffer: e.user.user_id\nwithin: P30D\npartial_at: 0.5"
	personal  = "kind: unique\nabout: [login]\nvalue: e.resource.id\nowner: e.user.user_id"
	probed    = "kind: integrity\nprobes: [chain_verified, retention_floor]"
	attested  = "kind: attestation\nvalid_for: P1Y"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	long := control.Facts{First: day(-1000)}
	yes, no := true, false
	probes := func(a, b *bool) control.Facts {
		return control.Facts{Probes: map[string]control.Probe{"chain_verified": {OK: a}, "retention_floor": {OK: b, Detail: "why"}}}
	}
	proofs := func(days ...float64) (f control.Facts) {
		for _, d := range days {
			f.Proofs = append(f.Proofs, control.Proof{EvidenceID: "ev_1", Criterion: "CC6.1", Date: day(d)}, control.Proof{Criterion: "CC6.2", Date: day(80)})
		}
		return f
	}
	ok, bad, odd := "ok=yes", "ok=no", "other=1"
	for _, c := range []struct {
		name, check string
		facts       control.Facts
		entries     []audit.Entry
		want        string
	}{
		{"ratio: nothing", passes, long, nil, "not_assessed 0/0"},
		{"ratio: of another period", passes, long, []audit.Entry{happened(-1, "access_review", "a", "r", ok), happened(90, "access_review", "a", "r", ok)}, "not_assessed 0/0"},
		{"ratio: of another name", passes, long, []audit.Entry{happened(1, "login", "a", "r", ok)}, "not_assessed 0/0"},
		{"ratio: all", passes, long, []audit.Entry{happened(0, "access_review", "a", "r", ok), happened(89.9, "access_review", "a", "r", ok)}, "compliant 2/2"},
		{"ratio: half", passes, long, []audit.Entry{happened(1, "access_review", "a", "r", ok), happened(2, "access_review", "a", "r", bad)}, "partial 1/2 1 failed"},
		{"ratio: a rule without a value has not passed", passes, long, []audit.Entry{happened(1, "access_review", "a", "r", ok), happened(2, "access_review", "a", "r", odd)}, "partial 1/2 1 failed 1 errors"},
		{"ratio: none", passes, long, []audit.Entry{happened(1, "access_review", "a", "r", bad)}, "non_compliant 0/1 1 failed"},

		{"absence: silence", lacks, long, nil, "not_assessed 0/0"},
		{"absence: clean", lacks, long, []audit.Entry{happened(1, "access_review", "a", "r", "bad=no")}, "compliant 1/1"},
		{"absence: one", lacks, long, []audit.Entry{happened(1, "access_review", "a", "r", "bad=no"), happened(2, "login_failed", "a", "r", "bad=yes")}, "non_compliant 1/2 1 failed"},
		{"absence: not known", lacks, long, []audit.Entry{happened(1, "access_review", "a", "r", "bad=no"), happened(2, "login_failed", "a", "r")}, "not_assessed 1/2 1 errors"},

		{"cadence: each month", quarterly, long, []audit.Entry{happened(0, "access_review", "a", "r"), happened(31, "access_review", "a", "r"), happened(89, "access_review", "a", "r")}, "compliant 3/3"},
		{"cadence: none in February", quarterly, long, []audit.Entry{happened(0, "access_review", "a", "r"), happened(89, "access_review", "a", "r")}, "partial 2/3 1 failed"},
		{"cadence: only before", quarterly, long, []audit.Entry{happened(-20, "access_review", "a", "r")}, "non_compliant 0/3 3 failed"},
		{"cadence: nobody ever", quarterly, long, nil, "not_assessed 0/0"},
		{"cadence: the ledger began in February", quarterly, control.Facts{First: day(40)}, []audit.Entry{happened(40, "access_review", "a", "r"), happened(70, "access_review", "a", "r")}, "compliant 2/2"},
		{"cadence: until today", quarterly, control.Facts{First: day(-1000), AsOf: day(45)}, []audit.Entry{happened(3, "access_review", "a", "r")}, "compliant 1/1"},
		{"cadence: longer than the period", yearly, long, []audit.Entry{happened(-200, "restore_tested", "a", "r")}, "compliant 1/1"},
		{"cadence: too long ago", yearly, long, []audit.Entry{happened(-300, "restore_tested", "a", "r")}, "non_compliant 0/1 1 failed"},
		{"cadence: younger than a year", yearly, control.Facts{First: day(0)}, []audit.Entry{happened(-300, "restore_tested", "a", "r")}, "not_assessed 0/0"},
		{"cadence: one of two systems", bySystem, long, []audit.Entry{happened(-1, "backup_completed", "a", "x"), happened(-1, "backup_failed", "a", "y"),
			happened(5, "backup_completed", "a", "x"), happened(40, "backup_completed", "a", "x"), happened(65, "backup_completed", "a", "x"), happened(66, "backup_completed", "a", "y")}, "partial 4/6 2 failed"},

		{"sla: in time", revoked, long, []audit.Entry{happened(1, "termination", "hr", "ann"), happened(3, "access.revoked", "it", "ann")}, "compliant 1/1"},
		{"sla: late", revoked, long, []audit.Entry{happened(1, "termination", "hr", "ann"), happened(3.1, "access.revoked", "it", "ann")}, "non_compliant 0/1 1 failed"},
		{"sla: reported first", revoked, long, []audit.Entry{happened(2, "access.revoked", "it", "ann"), happened(1, "termination", "hr", "ann")}, "compliant 1/1"},
		{"sla: of somebody else, and before", revoked, long, []audit.Entry{happened(0, "access.revoked", "it", "ann"), happened(1, "termination", "hr", "ann"), happened(2, "access.revoked", "it", "bob")}, "non_compliant 0/1 1 failed"},
		{"sla: not due", revoked, control.Facts{AsOf: day(2)}, []audit.Entry{happened(0, "termination", "hr", "bob"), happened(1, "access.revoked", "it", "bob"), happened(1, "termination", "hr", "ann")}, "compliant 1/1 1 pending"},
		{"sla: after the period", revoked, long, []audit.Entry{happened(89, "termination", "hr", "ann"), happened(91, "access.revoked", "it", "ann")}, "compliant 1/1"},
		{"sla: nobody reports", revoked, long, []audit.Entry{happened(1, "termination", "hr", "ann")}, "not_assessed 0/1 1 failed"},

		{"sequence: in order", approved, long, []audit.Entry{happened(1, "change_approved", "bob", "c1"), happened(2, "deploy", "ann", "c1")}, "compliant 1/1"},
		{"sequence: the same person", approved, long, []audit.Entry{happened(1, "change_approved", "ann", "c1"), happened(2, "deploy", "ann", "c1")}, "non_compliant 0/1 1 failed"},
		{"sequence: afterwards", approved, long, []audit.Entry{happened(2, "deploy", "ann", "c1"), happened(3, "change_approved", "bob", "c1")}, "non_compliant 0/1 1 failed"},
		{"sequence: before the period", approved, long, []audit.Entry{happened(-20, "change_approved", "bob", "c1"), happened(2, "deploy", "ann", "c1")}, "compliant 1/1"},
		{"sequence: too long before", approved, long, []audit.Entry{happened(-40, "change_approved", "bob", "c1"), happened(2, "deploy", "ann", "c1")}, "non_compliant 0/1 1 failed"},
		{"sequence: reported late", approved, long, []audit.Entry{happened(2, "deploy", "ann", "c1"), happened(1, "change_approved", "bob", "c1")}, "compliant 1/1"},

		{"unique: personal", personal, long, []audit.Entry{happened(1, "login", "ann", "k1"), happened(2, "login", "ann", "k1"), happened(3, "login", "bob", "k2")}, "compliant 2/2"},
		{"unique: shared", personal, long, []audit.Entry{happened(1, "login", "ann", "k1"), happened(2, "login", "bob", "k1"), happened(3, "login", "cid", "k1")}, "non_compliant 0/1 1 failed"},
		{"unique: nothing", personal, long, []audit.Entry{happened(1, "login", "ann", "")}, "not_assessed 0/0"},

		{"integrity: good", probed, probes(&yes, &yes), nil, "compliant 2/2"},
		{"integrity: bad", probed, probes(&yes, &no), nil, "non_compliant 1/2 1 failed"},
		{"integrity: not run", probed, probes(&yes, nil), nil, "not_assessed 1/1"},
		{"integrity: not asked", probed, control.Facts{}, nil, "not_assessed 0/0"},

		{"attestation: none", attested, control.Facts{}, nil, "not_assessed 0/0"},
		{"attestation: none, and required", attested + "\nrequired: true", control.Facts{}, nil, "non_compliant 0/1 1 failed"},
		{"attestation: valid", attested, proofs(-200, -500), nil, "compliant 1/1"},
		{"attestation: expired", attested, proofs(-400), nil, "partial 0/1 1 failed"},
		{"attestation: of tomorrow", attested, proofs(91), nil, "not_assessed 0/0"},
	} {
		got := assess(t, c.check, c.facts, c.entries...)
		if summary(got) != c.want {
			t.Errorf("%s: %s, not %s (%s)", c.name, summary(got), c.want, got.Reason)
		}
		if (got.Verdict == control.NotAssessed) != (got.Reason != "") {
			t.Errorf("%s: %s for the reason %q", c.name, got.Verdict, got.Reason)
		}
		if int64(len(got.Exceptions)) != got.Failed {
			t.Errorf("%s: %d exceptions of %d failed", c.name, len(got.Exceptions), got.Failed)
		}
	}
}
