package forensic

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// TestRulesAreRefused: a rule that could not work is noticed when it is loaded.
func TestRulesAreRefused(t *testing.T) {
	t.Parallel()
	const good = `version: 1
selections: {any: {}, some: {types: [a.*]}}
rules:
  - {id: a-rule, version: 1, title: T, kind: pattern, severity: low, correlation: temporal_ordered, window: 1m,
     steps: [{select: any, by: [user]}, {select: some, by: [user]}]}
`
	if r, err := parse([]byte(good)); err != nil || r.Rules[0].Steps[1].Count != 1 || r.Rules[0].Techniques == nil {
		t.Fatalf("%+v %v", r, err)
	}
	for _, c := range [][3]string{
		{"version: 1\n", "", "no version"},
		{"id: a-rule", "id: A_rule", "needs an id"},
		{"kind: pattern", "kind: guess", `no kind "guess"`},
		{"severity: low", "severity: dire", `no severity "dire"`},
		{"temporal_ordered", "near", `no correlation "near"`},
		{"temporal_ordered", "event_count", "takes 1 to 1 steps"},
		{"window: 1m", "window: -1m", "negative"},
		{"window: 1m", "window: soon", "invalid duration"},
		{"select: some", "select: none", `no selection "none"`},
		{"some, by: [user]", "some, by: []", "different numbers of fields"},
		{"some, by: [user]", "some, by: [user], count: 2", "only the first step counts"},
		{"types: [a.*]", `types: ["[a"]`, "selection some"},
		{"types: [a.*]", "any: [{outcome: maybe}]", `no outcome "maybe"`},
		{"types: [a.*]", "kinds: [a]", "kinds"},
		{"  - {id", "  - {id: a-rule, version: 1, title: T, kind: pattern, severity: low, correlation: event_count, steps: [{select: any}]}\n  - {id", "given twice"},
	} {
		_, err := parse([]byte(strings.Replace(good, c[0], c[1], 1)))
		if err == nil || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("%q for %q: %v", c[1], c[0], err)
		}
	}
}

// TestFieldsExist: a field that is misspelled would make a rule blind.
func TestFieldsExist(t *testing.T) {
	t.Parallel()
	rules, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	roots := []string{"actor", "resource", "repository", "action", "context", "details", "metadata", "signature", "impact"}
	exists := func(where, field string) {
		root, _, deep := strings.Cut(field, ".")
		_, ok := derived[field]
		if !ok && !slices.Contains([]string{"user", "type", "category", "changed", "rewritten", "written", "time"}, field) && (!deep || !slices.Contains(roots, root)) {
			t.Errorf("%s: there is no field %s", where, field)
		}
	}
	var check func(name string, s Selection)
	check = func(name string, s Selection) {
		for _, f := range slices.Concat(s.Present, s.Missing) {
			exists(name, f)
		}
		for _, fields := range []map[string][]string{s.Where, s.Unless} {
			for f := range fields {
				exists(name, f)
			}
		}
		for _, pair := range slices.Concat(s.Same, s.Differ, s.Later) {
			exists(name, pair[0])
			exists(name, pair[1])
		}
		for _, x := range s.Any {
			check(name, x)
		}
	}
	used := map[string]bool{}
	for name, s := range rules.Selections {
		check(name, s)
	}
	for _, r := range rules.Rules {
		for _, s := range r.Steps {
			used[s.Select] = true
			for _, f := range s.By {
				exists(r.ID, f)
			}
			if s.Distinct != "" {
				exists(r.ID, s.Distinct)
			}
		}
	}
	for name := range rules.Selections {
		if !used[name] && name != "regranted" && name != "account_opened" && name != "approval_recorded" { // these only reset
			t.Errorf("no rule uses selection %s", name)
		}
	}
}

// TestMemoryIsBounded: groups whose window is over are forgotten, and of those
// that never are, the ones idle longest, which is counted.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	r := &running{Rule: &Rule{Parameters: Parameters{Steps: []Step{{Select: "any", By: []string{"user"}, Count: 5, Within: Duration(5 * time.Minute)}}}}}
	k := newKinds()
	r.by = [][]int{k.numbers([]string{"user"})}
	counted := newCounting(r).(*counting)
	forever := newGroups[int](r, 0, nil)
	at := time.Date(2025, 3, 3, 0, 0, 0, 0, time.UTC)
	for i := range maxGroups + 50 {
		at = at.Add(time.Second)
		v := newView(k)
		v.set(&audit.Entry{Event: audit.Event{Type: "login", Timestamp: &at, Actor: audit.Object{"id": fmt.Sprint(i)}}, Seq: int64(i)})
		counted.add(v, nil)
		forever.each(v, r.by[0], true, func(*group[int]) {})
		if n := len(counted.groups.open); n > 700 {
			t.Fatalf("%d groups are open after entry %d", n, i)
		}
	}
	if len(forever.open) > maxGroups || r.look.Dropped != maxGroups/10 || forever.open["0"] != nil || forever.open[fmt.Sprint(maxGroups)] == nil {
		t.Errorf("%d groups, %d dropped", len(forever.open), r.look.Dropped)
	}
}

// TestSplit: names of every style fall into the same words.
func TestSplit(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cloudtrail.delete_trail", "CloudtrailDeleteTrail", "cloudtrail-delete.Trail"} {
		words := map[string]bool{}
		split(name, words)
		if len(words) != 3 || !words["cloudtrail"] || !words["delete"] || !words["trail"] {
			t.Errorf("%s: %v", name, words)
		}
	}
}

// TestRulesAreDocumented: each rule has a row, and each row a rule.
func TestRulesAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/detection.md")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, r := range rules.Rules {
		want = append(want, r.ID)
	}
	want = append(want, "user-behaviour", "rate-unusual", "rare-operation") // of behaviour, below
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+(?:-[a-z]+)+)` \\|").FindAllStringSubmatch(string(text), -1) {
		got = append(got, row[1])
	}
	if !slices.Equal(want, got) {
		t.Errorf("rules %v\nrows %v", want, got)
	}
}
