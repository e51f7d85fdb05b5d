package forensic_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic"
)

// monday is when scenarios begin: in working time.
var monday = time.Date(2025, 3, 3, 9, 0, 7, 123_000_000, time.UTC)

// entries reads a scenario, one entry a line in their order of arrival:
//
//	OFFSET USER TYPE [PATH=VALUE …]
//
// OFFSET is from monday; OFFSET+STEP*N makes N entries, in which %d counts.
// USER - is nobody, USER @x the system x. change=FIELD:OLD:NEW[:REASON] is a
// change of the action. Ids are e1, e2 and so on.
func entries(t testing.TB, scenario string) []audit.Entry {
	t.Helper()
	var out []audit.Entry
	for _, line := range strings.Split(strings.TrimSpace(scenario), "\n") {
		words := strings.Fields(line)
		offset, rest, _ := strings.Cut(words[0], "+")
		step, times, _ := strings.Cut(rest, "*")
		n := 1
		if times != "" {
			n, _ = strconv.Atoi(times)
		}
		for i := range n {
			at := monday.Add(duration(t, offset))
			if step != "" {
				at = at.Add(time.Duration(i) * duration(t, step))
			}
			out = append(out, entry(t, at, i, len(out), words[1:]))
		}
	}
	return out
}

func duration(t testing.TB, s string) time.Duration {
	t.Helper()
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		days, rest = "0", s
	}
	n, err := strconv.Atoi(days)
	d, err2 := time.ParseDuration("0s" + rest)
	if strings.HasPrefix(rest, "-") {
		d, err2 = time.ParseDuration(rest)
	}
	if err != nil || err2 != nil {
		t.Fatalf("%q is no offset", s)
	}
	return d + time.Duration(n)*24*time.Hour
}

func entry(t testing.TB, at time.Time, i, seq int, words []string) audit.Entry {
	t.Helper()
	body := map[string]any{"event_type": words[1], "description": "An entry", "severity": "low", "external_id": fmt.Sprint("e", seq+1), "timestamp": at.Format(time.RFC3339Nano)}
	user := strings.ReplaceAll(words[0], "%d", strconv.Itoa(i))
	if name, system := strings.CutPrefix(user, "@"); system {
		body["actor"] = map[string]any{"type": "system", "id": name}
	} else if user != "-" {
		body["actor"] = map[string]any{"type": "user", "id": user}
	}
	for _, w := range words[2:] {
		path, value, _ := strings.Cut(strings.ReplaceAll(w, "%d", strconv.Itoa(i)), "=")
		into, name := body, path
		for strings.Contains(name, ".") {
			var key string
			key, name, _ = strings.Cut(name, ".")
			if into[key] == nil {
				into[key] = map[string]any{}
			}
			into = into[key].(map[string]any)
		}
		switch path {
		case "change":
			p := append(strings.Split(value, ":"), "")
			c := map[string]any{"field": p[0], "old_value": p[1], "new_value": p[2]}
			if p[3] != "" {
				c["change_reason"] = p[3]
			}
			action, _ := body["action"].(map[string]any)
			if action == nil {
				action = map[string]any{}
				body["action"] = action
			}
			list, _ := action["changes"].([]any)
			action["changes"] = append(list, c)
		case "compliance_frameworks":
			body[path] = []any{value}
		default:
			into[name] = value
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var r audit.EntryRequest
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	event, bad := r.Event(func(name string) (audit.EventType, bool) {
		return audit.EventType{Name: name, Class: audit.ClassOf(name)}, true
	}, at)
	if len(bad) > 0 {
		t.Fatalf("%s: %v", text, bad)
	}
	return audit.Entry{Event: event, Seq: int64(seq)}
}

func analyse(t testing.TB, scenario string) *forensic.Report {
	t.Helper()
	rules, err := forensic.Load()
	if err != nil {
		t.Fatal(err)
	}
	return forensic.Analyse(rules, entries(t, scenario))
}

func of(report *forensic.Report, detector string) []forensic.Finding {
	return slices.DeleteFunc(slices.Clone(report.Findings), func(f forensic.Finding) bool { return f.Detector != detector })
}

// TestRules: each rule finds an attack, exactly the entries of it, and is
// silent on what looks like it. The look-alikes keep the rule busy: it must
// have had entries to look at.
func TestRules(t *testing.T) {
	t.Parallel()
	rules, err := forensic.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.Rules {
		c, ok := scenarios[r.ID]
		if !ok || len(c.benign) == 0 {
			t.Errorf("rule %s has no attack to find, or no look-alike", r.ID)
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			report := analyse(t, c.attack)
			found := of(report, r.ID)
			if len(found) != 1 {
				t.Fatalf("%d findings in the attack: %+v", len(found), found)
			}
			f := found[0]
			if got := strings.Join(f.EntryIDs, " "); got != span(c.ids) || strings.Join(f.Users, " ") != c.users {
				t.Errorf("found entries %s of %q, not %s of %q", got, f.Users, span(c.ids), c.users)
			}
			if f.Kind != r.Kind || f.Kind == forensic.Fact && (f.Confidence == nil || *f.Confidence != 1) || f.ConfidenceReason == "" || f.Score < 1 || f.Score >= 5 || f.FirstTime.After(f.LastTime) {
				t.Errorf("%+v", f)
			}
			for i, scenario := range c.benign {
				if found := of(analyse(t, scenario), r.ID); len(found) > 0 {
					t.Errorf("look-alike %d is reported: %+v", i, found)
				}
			}
		})
	}
	for id := range scenarios {
		if !slices.ContainsFunc(rules.Rules, func(r forensic.Rule) bool { return r.ID == id }) {
			t.Errorf("there is no rule %s", id)
		}
	}
}

// span writes e1..e5 out.
func span(ids string) string {
	var out []string
	for _, part := range strings.Fields(ids) {
		from, to, ranged := strings.Cut(part, "..")
		if !ranged {
			out = append(out, part)
			continue
		}
		a, _ := strconv.Atoi(from[1:])
		b, _ := strconv.Atoi(to[1:])
		for n := a; n <= b; n++ {
			out = append(out, fmt.Sprint("e", n))
		}
	}
	return strings.Join(out, " ")
}
