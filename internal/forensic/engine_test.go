package forensic_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic"
)

// everything is all attacks in one analysis, a week apart so that they do not
// mix.
func everything(t testing.TB) []audit.Entry {
	var all []audit.Entry
	for i, id := range slices.Sorted(maps.Keys(scenarios)) {
		for _, e := range entries(t, scenarios[id].attack) {
			at := e.Timestamp.Add(time.Duration(i) * 7 * 24 * time.Hour)
			e.Timestamp, e.ExternalID, e.Seq = &at, id+"-"+e.ExternalID, int64(len(all))
			all = append(all, e)
		}
	}
	return all
}

// TestSameBytes: neither chance in maps nor the order in which entries are
// handed over shows in a report.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	rules, err := forensic.Load()
	if err != nil {
		t.Fatal(err)
	}
	encode := func(list []audit.Entry) string {
		text, err := json.Marshal(forensic.Analyse(rules, list))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	want := encode(everything(t))
	if n := strings.Count(want, `"detector"`); n < len(scenarios) {
		t.Fatalf("%d findings of %d attacks", n, len(scenarios))
	}
	for seed := range uint64(8) {
		list := everything(t)
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		if got := encode(list); got != want {
			t.Fatalf("seed %d: another report", seed)
		}
	}
}

// TestExactWindows holds the counting correlations against the definition:
// is there a moment whose window has enough?
func TestExactWindows(t *testing.T) {
	t.Parallel()
	const window = 5 * time.Minute
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 2))
		n := 1 + random.IntN(80)
		offsets := make([]int, n)
		for i := range offsets {
			offsets[i] = random.IntN(2400)
		}
		slices.Sort(offsets)
		var lines []string
		for _, o := range offsets {
			lines = append(lines, fmt.Sprintf("%ds ada login details.outcome=failure", o))
		}
		member := map[string]bool{} // of a window that has ten
		for i := range offsets {
			for j := i + 9; j < n && time.Duration(offsets[j]-offsets[i])*time.Second <= window; j++ {
				for k := i; k <= j; k++ {
					member[fmt.Sprint("e", k+1)] = true
				}
			}
		}
		found := map[string]bool{}
		for _, f := range of(analyse(t, strings.Join(lines, "\n")), "brute-force") {
			for _, id := range f.EntryIDs {
				if found[id] {
					t.Errorf("seed %d: %s is in two findings", seed, id)
				}
				found[id] = true
			}
		}
		if !maps.Equal(member, found) {
			t.Fatalf("seed %d: entries at %v: found %v, not %v", seed, offsets, found, member)
		}
	}
}

// TestEpisodes: windows that share entries are one finding, others are not.
func TestEpisodes(t *testing.T) {
	t.Parallel()
	apart := of(analyse(t, "0s+10s*10 ada login details.outcome=failure\n6m ada login details.outcome=failure\n12m+10s*10 ada login details.outcome=failure"), "brute-force")
	if len(apart) != 2 || apart[0].EntryIDs[9] != "e10" || apart[1].EntryIDs[0] != "e12" {
		t.Errorf("%+v", apart)
	}
	together := of(analyse(t, "0s+30s*10 ada login details.outcome=failure\n5m+30s*10 ada login details.outcome=failure"), "brute-force")
	if len(together) != 1 || together[0].Entries != 20 {
		t.Errorf("%+v", together)
	}
}

// TestNothingFound: the report says what was looked at, and which rules could
// not look.
func TestNothingFound(t *testing.T) {
	t.Parallel()
	r := analyse(t, "0s ada login details.outcome=failure\n1h bob login")
	if len(r.Findings) != 0 || r.Entries != 2 || r.Users != 2 || !r.From.Equal(monday) || !r.To.Equal(monday.Add(time.Hour)) {
		t.Errorf("%+v", r)
	}
	outcome := map[string]forensic.Outcome{}
	for _, l := range r.Rules {
		outcome[l.Rule] = l.Outcome
	}
	if outcome["brute-force-success"] != forensic.NoFindings || outcome["password-spraying"] != forensic.InsufficientData || outcome["alarm-widened"] != forensic.InsufficientData {
		t.Errorf("%v", outcome)
	}
	if empty := forensic.Analyse(mustLoad(t), nil); empty.Findings == nil || empty.Entries != 0 || empty.Rules[0].Outcome != forensic.InsufficientData {
		t.Errorf("%+v", empty)
	}
	if coarse := analyse(t, "-7123ms+60s*6 ada issue.updated"); !slices.ContainsFunc(coarse.Rules, func(l forensic.Look) bool {
		return l.Rule == "round-times" && l.Outcome == forensic.InsufficientData
	}) {
		t.Error("a clock that tells minutes only was judged")
	}
}

func mustLoad(t testing.TB) *forensic.Rules {
	t.Helper()
	rules, err := forensic.Load()
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// TestAddRefusesThePast: windows would be wrong.
func TestAddRefusesThePast(t *testing.T) {
	t.Parallel()
	e, list := forensic.New(mustLoad(t)), entries(t, "1m ada login\n0s ada login")
	if err := e.Add(&list[0]); err != nil {
		t.Fatal(err)
	}
	if err := e.Add(&list[1]); err == nil || !strings.Contains(err.Error(), "e2") {
		t.Errorf("%v", err)
	}
}

// TestLongFindings: of a long attack all is counted, and the first ids listed;
// of a sequence its end, too.
func TestLongFindings(t *testing.T) {
	t.Parallel()
	r := analyse(t, "0s+1s*500 ada login details.outcome=failure\n9m ada login")
	force, success := of(r, "brute-force"), of(r, "brute-force-success")
	if len(force) != 1 || force[0].Entries != 500 || len(force[0].EntryIDs) != forensic.MaxEntryIDs {
		t.Errorf("%+v", force)
	}
	if len(success) != 1 || success[0].Entries != 501 || len(success[0].EntryIDs) != forensic.MaxEntryIDs || success[0].EntryIDs[forensic.MaxEntryIDs-1] != "e501" {
		t.Errorf("%+v", success)
	}
	if force[0].Score <= 2.9 || force[0].Score >= 3 { // medium, a hundred times the threshold
		t.Errorf("score %v", force[0].Score)
	}
}

// TestFailure: what says that a sign-in failed, and what does not.
func TestFailure(t *testing.T) {
	t.Parallel()
	for says, failed := range map[string]bool{
		"details.success=false":      true,
		"details.success=true":       false,
		"details.outcome=FAILURE":    true,
		"details.result=denied":      true,
		"details.errorCode=x":        true,
		"category=login_failed":      true,
		"action.operation=LoginFail": true,
		"description=Login_failed":   true,
		"description=Login_went_on":  false,
		"details.outcome=success":    false,
	} {
		found := of(analyse(t, "0s+1s*10 ada login "+says), "brute-force")
		if (len(found) == 1) != failed {
			t.Errorf("%s: failed is %v", says, !failed)
		}
	}
}

// TestGrantByChange: a role that is written is a grant, too.
func TestGrantByChange(t *testing.T) {
	t.Parallel()
	r := analyse(t, "0s root config.changed resource.type=user resource.id=ada change=role:viewer:admin\n1h ada data.exported")
	if len(of(r, "escalate-use")) != 1 || len(of(r, "self-grant")) != 0 {
		t.Errorf("%+v", r.Findings)
	}
	r = analyse(t, "0s ada config.changed resource.type=user resource.id=ada change=role:viewer:Admin")
	if len(of(r, "self-grant")) != 1 {
		t.Errorf("%+v", r.Findings)
	}
}
