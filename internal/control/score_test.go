package control_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/control"
)

// required is a catalogue of requirements that are as uploads make them: of each
// verdict there is a criterion.
func required(t *testing.T, severity string, verdicts ...control.Verdict) control.Report {
	t.Helper()
	var text strings.Builder
	text.WriteString("framework: SOX\nedition: of a test\nversion: 1\nrequirements:\n")
	facts := control.Facts{AsOf: quarter.Until}
	for i, v := range verdicts {
		fmt.Fprintf(&text, "- {id: R%d, criterion: C%d, title: t, severity: %s, checks: [{id: a, kind: attestation, valid_for: P1Y, required: %t}]}\n", i, i, severity, v == control.NonCompliant)
		switch v {
		case control.Compliant:
			facts.Proofs = append(facts.Proofs, control.Proof{Criterion: fmt.Sprintf("C%d", i), Date: day(0)})
		case control.Partial:
			facts.Proofs = append(facts.Proofs, control.Proof{Criterion: fmt.Sprintf("C%d", i), Date: day(-1000)})
		}
	}
	c, err := control.Parse([]byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	return control.NewRun([]*control.Catalog{c}, quarter, &facts).Reports()[0]
}

func TestScore(t *testing.T) {
	t.Parallel()
	many := func(good, partial, bad, unknown int) []control.Verdict {
		return slices.Concat(slices.Repeat([]control.Verdict{control.Compliant}, good), slices.Repeat([]control.Verdict{control.Partial}, partial),
			slices.Repeat([]control.Verdict{control.NonCompliant}, bad), slices.Repeat([]control.Verdict{control.NotAssessed}, unknown))
	}
	for _, c := range []struct {
		severity string
		verdicts []control.Verdict
		want     string
	}{
		{"high", many(0, 0, 0, 5), "not_assessed <nil> 0 0"},
		{"high", many(5, 0, 0, 0), "compliant 100 100 100"},
		{"high", many(43, 2, 0, 0), "compliant 97.8 97.8 100"},
		{"high", many(106, 7, 1, 0), "compliant 96.1 96.1 100"},
		{"critical", many(106, 7, 1, 0), "non_compliant 96.1 96.1 100"},
		{"high", many(8, 2, 0, 0), "compliant 90 90 100"},
		{"high", many(7, 3, 0, 0), "partially_compliant 85 85 100"},
		{"high", many(7, 0, 3, 0), "partially_compliant 70 70 100"},
		{"high", many(6, 0, 3, 0), "non_compliant 66.7 66.7 100"},
		{"high", many(8, 0, 0, 2), "compliant 100 80 80"},
		{"high", many(7, 0, 0, 3), "partially_compliant 100 70 70"},
		{"high", many(4, 0, 0, 6), "insufficient_evidence 100 40 40"},
	} {
		r := required(t, c.severity, c.verdicts...)
		score := "<nil>"
		if r.Score != nil {
			score = fmt.Sprint(*r.Score)
		}
		if got := fmt.Sprint(r.Status, " ", score, " ", r.Floor, " ", r.Coverage); got != c.want {
			t.Errorf("%v: %s, not %s", r.Counts, got, c.want)
		}
		if n := r.Counts; n.Compliant+n.Partial+n.NonCompliant+n.NotAssessed != n.Total || n.Total != len(c.verdicts) {
			t.Errorf("the counts do not sum up: %+v", n)
		}
	}
}

// entries draws what happened in a small company, in and around the quarter.
func entries(t *rapid.T) []audit.Entry {
	names := []string{"access_review", "login_failed", "backup_completed", "backup_failed", "restore_tested", "termination", "access.revoked", "deploy", "change_approved"}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) audit.Entry {
		e := happened(float64(rapid.IntRange(-60, 100).Draw(t, "day"))+rapid.Float64Range(0, 0.9).Draw(t, "hour"), rapid.SampledFrom(names).Draw(t, "name"),
			rapid.SampledFrom([]string{"ann", "bob", ""}).Draw(t, "who"), rapid.SampledFrom([]string{"x", "y", ""}).Draw(t, "what"))
		for _, k := range []string{"ok", "bad"} {
			if v := rapid.SampledFrom([]string{"yes", "no", ""}).Draw(t, k); v != "" {
				e.Details[k] = v
			}
		}
		return e
	}), 0, 40).Draw(t, "entries")
}

// TestOrderDoesNotMatter: whoever reports first, the counts and verdicts are the
// same.
func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		all := entries(rt)
		seed := rapid.Uint64().Draw(rt, "seed")
		for _, check := range []string{passes, lacks, quarterly, bySystem, yearly, revoked, approved} {
			facts := control.Facts{First: day(-100)}
			first := summary(assess(t, check, facts, slices.Clone(all)...))
			mixed := slices.Clone(all)
			rand.New(rand.NewPCG(seed, 1)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
			if second := summary(assess(t, check, facts, mixed...)); first != second {
				rt.Fatalf("%s: %s, and in another order %s", check, first, second)
			}
		}
	})
}

// TestWorseIsNeverBetter: an entry more that fails, or that a rule cannot read,
// never makes a share rise.
func TestWorseIsNeverBetter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		all := entries(rt)
		for check, worse := range map[string]audit.Entry{
			passes: happened(5, "access_review", "ann", "x"), lacks: happened(5, "login_failed", "ann", "x", "bad=yes"),
			revoked: happened(5, "termination", "hr", "nobody"), approved: happened(5, "deploy", "ann", "nothing"),
		} {
			before, after := assess(t, check, control.Facts{}, slices.Clone(all)...), assess(t, check, control.Facts{}, append(slices.Clone(all), worse)...)
			if before.Share != nil && after.Share != nil && *after.Share > *before.Share || after.Population != before.Population+1 {
				rt.Fatalf("%s: %s, and with one that fails %s", check, summary(before), summary(after))
			}
		}
	})
}

// TestReportsAreReproducible: the same entries give the same bytes.
func TestReportsAreReproducible(t *testing.T) {
	t.Parallel()
	all, err := control.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		happened := entries(rt)
		var texts []string
		for range 2 {
			run := control.NewRun(all, quarter, &control.Facts{AsOf: quarter.Until})
			for i := range happened {
				happened[i].Seq = int64(i)
				run.Observe(&happened[i])
			}
			text, err := json.Marshal(run.Reports())
			if err != nil {
				rt.Fatal(err)
			}
			texts = append(texts, string(text))
		}
		if texts[0] != texts[1] {
			rt.Fatalf("%s\n%s", texts[0], texts[1])
		}
	})
}

func TestCatalogueRefuses(t *testing.T) {
	t.Parallel()
	const head = "framework: SOC2\nedition: e\nversion: 1\nrequirements:\n- {id: R, criterion: CC6.1, title: t, severity: high, checks: [{id: c, "
	for _, c := range []struct{ text, want string }{
		{head + "kind: ratio, pass: 'e.type'}]}", ""}, // a field may be anything; a value that is no bool fails
		{head + "kind: ratio, pass: '1 + 1'}]}", "of type int, not bool"},
		{head + "kind: ratio, pass: 'e.type =='}]}", "Syntax error"},
		{head + "kind: ratio, pass: 'x.type == e.type'}]}", "undeclared reference"},
		{head + "kind: ratio, pass: '" + strings.Repeat("true || ", 400) + "true'}]}", "at most 2000 characters"},
		{head + "kind: ratio}]}", "ratio needs pass"},
		{head + "kind: ratio, pass: 'true', within: P1D}]}", "ratio has no within"},
		{head + "kind: magic, pass: 'true'}]}", "no kind"},
		{head + "kind: ratio, pass: 'true', nonsense: 1}]}", "nonsense not found"},
		{head + "kind: ratio, pass: 'true', compliant_at: 0.5, partial_at: 0.6}]}", "shares from 0 to 1"},
		{head + "kind: ratio, pass: 'true', compliant_at: 2}]}", "shares from 0 to 1"},
		{head + "kind: cadence, match: 'true', every: 3 months}]}", "not a duration"},
		{head + "kind: cadence, match: 'true', every: P}]}", "no time at all"},
		{head + "kind: integrity, probes: [luck]}]}", "no probe"},
		{strings.Replace(head, "SOC2", "SOC9", 1) + "kind: ratio, pass: 'true'}]}", "no framework"},
		{strings.Replace(head, "severity: high", "severity: grave", 1) + "kind: ratio, pass: 'true'}]}", "no severity"},
		{strings.Replace(head, "id: c", "id: C C", 1) + "kind: ratio, pass: 'true'}]}", "no identifier"},
		{head + "kind: ratio, pass: 'true'}, {id: c, kind: ratio, pass: 'true'}]}", "there twice"},
		{"framework: SOC2\nedition: e\nversion: 1\nrequirements:\n- {id: R, criterion: CC6.1, title: t, severity: high, uses: [nothing]}", "no shared check"},
		{"framework: SOC2\nedition: e\nversion: 1\nrequirements:\n- {id: R, criterion: CC6.1, title: t, severity: high}", "1 to 20 checks"},
		{"framework: SOC2\nedition: e\nversion: 1\nrequirements: []", "1 to 500 requirements"},
		{"# " + strings.Repeat("x", control.MaxCatalogSize), "at most 524288 bytes"},
		{"", "EOF"},
	} {
		_, err := control.Parse([]byte(c.text))
		if c.want == "" && err == nil {
			continue
		}
		if audit.CodeOf(err) != audit.InvalidParameter || c.want == "" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.160s: %v, wanted %q", c.text, err, c.want)
		}
	}
}

// TestCostIsBounded: an expression that works for ever is an error of each entry.
func TestCostIsBounded(t *testing.T) {
	t.Parallel()
	list := "[" + strings.TrimSuffix(strings.Repeat("1,", 60), ",") + "]"
	check := "kind: ratio\nabout: [login]\npass: \"" + list + ".all(a, " + list + ".all(b, " + list + ".all(c, a + b + c > 0)))\""
	if got := assess(t, check, control.Facts{}, happened(1, "login", "ann", "x")); summary(got) != "non_compliant 0/1 1 failed 1 errors" {
		t.Error(summary(got))
	}
}
