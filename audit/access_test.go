package audit_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/audit"
)

func TestOnlySensitiveReadingImplies(t *testing.T) {
	t.Parallel()
	for _, has := range audit.Catalogue {
		p := audit.Principal{Permissions: []audit.Permission{has.Name}}
		for _, want := range audit.Catalogue {
			implied := has.Name == audit.ReadSensitive && want.Name == audit.ReadBasic
			if p.Can(want.Name) != (has.Name == want.Name || implied) {
				t.Errorf("%s gives %s: %v", has.Name, want.Name, p.Can(want.Name))
			}
		}
		if has.Description == "" || !strings.HasPrefix(string(has.Name), "audit:") {
			t.Errorf("%+v", has)
		}
	}
	if slices.Contains(audit.Permissions, audit.SignReports) || slices.Contains(audit.Permissions, audit.ExecuteErasure) || len(audit.Permissions) != len(audit.Catalogue)-2 {
		t.Errorf("API keys may hold %v", audit.Permissions)
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	for _, r := range audit.Roles {
		for _, p := range r.Permissions {
			i, ok := p.Info()
			if !ok {
				t.Errorf("%s has %s, which is none", r.Name, p)
			}
			if slices.Contains(r.KeyPermissions(), p) == i.Personal {
				t.Errorf("%s as a key: %s", r.Name, p)
			}
		}
		if found, ok := audit.RoleOf(r.Name); !ok || found.Name != r.Name || r.Description == "" {
			t.Errorf("%+v", r)
		}
		if slices.Contains(r.Permissions, audit.SignReports) != (r.Name == audit.ComplianceOfficer) {
			t.Errorf("%s signs", r.Name)
		}
		if r.Bounded != (r.Name == audit.Auditor) {
			t.Errorf("%s is bounded: %v", r.Name, r.Bounded)
		}
	}
	admin, _ := audit.RoleOf(audit.Administrator)
	for _, p := range admin.Permissions {
		if i, _ := p.Info(); i.Reveals || i.Personal && p != audit.ExecuteErasure {
			t.Errorf("the administrator holds %s", p)
		}
	}
	auditor, _ := audit.RoleOf(audit.Auditor)
	for _, p := range auditor.Permissions {
		if !strings.Contains(string(p), "read") && p != audit.VerifyLedger && p != audit.ExportEvidence {
			t.Errorf("the auditor, who changes nothing, holds %s", p)
		}
	}
}

func constraints(t *rapid.T, name string) audit.Constraints {
	days := []string{"", "2025-01-01", "2025-01-02", "2025-01-02T12:00:00Z", "2025-01-03"}
	c := audit.Constraints{
		Frameworks:   rapid.SliceOfNDistinct(rapid.SampledFrom([]audit.Framework{audit.SOC2, audit.GDPR, audit.SOX}), 0, 3, rapid.ID).Draw(t, name+" frameworks"),
		Repositories: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"r1", "r2"}), 0, 2, rapid.ID).Draw(t, name+" repositories"),
		From:         rapid.SampledFrom(days).Draw(t, name+" from"),
		To:           rapid.SampledFrom(days).Draw(t, name+" to"),
	}
	if _, err := audit.ParsePeriod(c.From, c.To); err != nil {
		c.To = ""
	}
	return c
}

// TestNarrowerConstraintsCoverLess: who may give only what is within their own
// constraints cannot give an entry that they do not see.
func TestNarrowerConstraintsCoverLess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		inner, outer := constraints(t, "inner"), constraints(t, "outer")
		at := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.Int64Range(-26, 100).Draw(t, "hours")) * time.Hour)
		e := audit.Entry{Event: audit.Event{
			Timestamp:  &at,
			Frameworks: rapid.SliceOfDistinct(rapid.SampledFrom([]audit.Framework{audit.SOC2, audit.GDPR, audit.SOX, audit.NISTCSF}), rapid.ID).Draw(t, "frameworks"),
			Repository: audit.Object{"id": rapid.SampledFrom([]string{"", "r1", "r2", "r3"}).Draw(t, "repository")},
		}}
		if !inner.Within(inner) || !inner.Within(audit.Constraints{}) || inner.Empty() && !inner.Covers(&e) {
			t.Fatalf("%s", inner)
		}
		if inner.Within(outer) && inner.Covers(&e) && !outer.Covers(&e) {
			t.Fatalf("%s is within %s and covers %+v", inner, outer, e)
		}
		if (audit.Constraints{}).Within(outer) && !outer.Empty() {
			t.Fatalf("everything is within %s", outer)
		}
	})
}

func TestConstraintsAreNormalised(t *testing.T) {
	t.Parallel()
	c := audit.Constraints{Frameworks: []audit.Framework{"soc2", "iso-27001"}, From: "2025-01-01"}
	if bad := c.Normalise("/c"); bad != nil || c.String() != `{"frameworks":["SOC2","ISO_27001"],"from":"2025-01-01"}` {
		t.Errorf("%s %v", c, bad)
	}
	many := make([]string, audit.MaxConstraintRepositories+1)
	for i := range many {
		many[i] = strings.Repeat("r", i+1)
	}
	for field, c := range map[string]audit.Constraints{
		"/c":              {},
		"/c/frameworks":   {Frameworks: []audit.Framework{"soc2", "SOC 2"}},
		"/c/from":         {From: "yesterday"},
		"/c/to":           {From: "2025-01-02", To: "2025-01-01"},
		"/c/repositories": {Repositories: many},
	} {
		if bad := c.Normalise("/c"); len(bad) != 1 || bad[0].Field != field {
			t.Errorf("%s: %+v", field, bad)
		}
	}
	for _, c := range []audit.Constraints{{Repositories: []string{}}, {Repositories: []string{""}}, {Repositories: []string{strings.Repeat("x", 257)}}, {Frameworks: []audit.Framework{}, From: "2025-01-01"}} {
		if bad := c.Normalise(""); bad == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"", "x", "192.0.2.0/33", "192.0.2.1/24", "::ffff:192.0.2.0/120", "::ffff:192.0.2.1", "fe80::1%eth0", "192.0.2.0/024"} {
		if p, err := audit.ParseCIDRs([]string{wrong}); err == nil {
			t.Errorf("%q is %v", wrong, p)
		}
	}
	if _, err := audit.ParseCIDRs([]string{"192.0.2.1", "192.0.2.1/32"}); err == nil {
		t.Error("a network is named twice")
	}
	if _, err := audit.ParseCIDRs(make([]string, audit.MaxKeyCIDRs+1)); err == nil || !strings.Contains(err.Error(), "64") {
		t.Error(err)
	}
	nets := func(texts ...string) []netip.Prefix {
		p, err := audit.ParseCIDRs(texts)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	two := nets("192.0.2.0/24", "2001:db8::/32")
	for text, want := range map[string]bool{"192.0.2.255": true, "::ffff:192.0.2.1": true, "192.0.3.0": false, "2001:db8::1": true, "2001:db9::": false, "fe80::1%eth0": false} {
		if audit.CIDRsAllow(two, netip.MustParseAddr(text)) != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
	if audit.CIDRsAllow(two, netip.Addr{}) || !audit.CIDRsAllow(nil, netip.Addr{}) {
		t.Error("an address that is not known")
	}
	for _, c := range []struct {
		inner, outer []netip.Prefix
		want         bool
	}{
		{nil, nil, true}, {two, nil, true}, {nil, two, false}, {two, two, true}, {nets("192.0.2.7"), two, true},
		{nets("192.0.0.0/16"), two, false}, {nets("192.0.2.7", "198.51.100.0/24"), two, false}, {nets("0.0.0.0/0"), nets("::/0"), false},
	} {
		if audit.CIDRsWithin(c.inner, c.outer) != c.want {
			t.Errorf("%v in %v: %v", c.inner, c.outer, !c.want)
		}
	}
}
