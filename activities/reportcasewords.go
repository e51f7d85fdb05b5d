package activities

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// MaxNarrated is how many of a case's steps its report tells of in prose. The
// timeline has all of them.
const MaxNarrated = 400

// opened says who opened the case.
func (c *caseRecord) opened() string {
	switch {
	case c.OpenedBy != nil:
		return whoIs(c.OpenedBy.V)
	case c.opener != nil && !c.opener.RecordedAt.IsZero():
		return "the entry " + c.opener.EntryID()
	}
	return "an entry of the ledger"
}

// clause is a step in prose, without its time.
type clause struct {
	at    time.Time
	text  string
	turns bool // the case is at another place after it: a paragraph ends
}

// narrative tells the case from its record, a paragraph for each day and each part
// of the work.
func (c *caseRecord) narrative() (paragraphs []string) {
	clauses := c.clauses()
	told := clauses[:min(len(clauses), MaxNarrated)]
	var b strings.Builder
	day, minute := "", ""
	for i, k := range told {
		at := k.at.UTC()
		switch d, m := at.Format(time.DateOnly), at.Format("15:04"); {
		case b.Len() == 0:
			fmt.Fprintf(&b, "On %s at %s UTC, %s.", d, m, k.text)
			day, minute = d, m
		case m != minute:
			fmt.Fprintf(&b, " At %s, %s.", m, k.text)
			minute = m
		default:
			fmt.Fprintf(&b, " Then %s.", k.text)
		}
		if k.turns || i+1 == len(told) || told[i+1].at.UTC().Format(time.DateOnly) != day {
			paragraphs = append(paragraphs, b.String())
			b.Reset()
		}
	}
	if left := len(clauses) - len(told); left > 0 {
		paragraphs = append(paragraphs, fmt.Sprintf("So much for the first %d steps; the timeline has %d more.", len(told), left))
	}
	if !c.Status.Final() {
		paragraphs = append(paragraphs, fmt.Sprintf("When this report was made the case was %s, in the stage %s, with %s and %d of them not decided.",
			spaced(string(c.Status)), spaced(string(c.Stage)), pluralOf(len(c.findings), "finding", "findings"), c.Undecided))
	}
	return paragraphs
}

// clauses are the steps in their order. Runs of notes, and of decisions on findings,
// by the same person are told together.
func (c *caseRecord) clauses() []clause {
	text := fmt.Sprintf("the case was opened by %s as %s, with priority %s, about %s to %s", c.opened(), spaced(c.typeName()), c.Request.V.Priority,
		audit.FormatTime(c.FromTime), audit.FormatTime(c.UntilTime))
	if c.Request.V.Priority == "" { // an entry opened it
		text = fmt.Sprintf("the case was opened by %s, about %s to %s", c.opened(), audit.FormatTime(c.FromTime), audit.FormatTime(c.UntilTime))
	}
	if c.trigger != "" {
		text += "; " + c.trigger + " gave rise to it"
	}
	out := []clause{{at: c.CreatedAt, text: text, turns: true}}
	for i := 0; i < len(c.steps); {
		e, n := &c.steps[i], 1
		if e.Kind == string(audit.StepNote) || e.Kind == string(audit.StepDecide) {
			for i+n < len(c.steps) && c.steps[i+n].Kind == e.Kind && whoIs(c.steps[i+n].Actor.V) == whoIs(e.Actor.V) {
				n++
			}
		}
		text := c.tell(e)
		if n > 1 {
			text = c.tellTogether(c.steps[i : i+n])
		}
		out = append(out, clause{at: e.At, text: text, turns: turning[e.Kind]})
		i += n
	}
	return out
}

// turning are the steps after which a case is somewhere else.
var turning = map[string]bool{"analysed": true, "stage_changed": true, "closed": true, "canceled": true, "reopened": true}

func (c *caseRecord) typeName() string {
	if c.Type != "" {
		return c.Type
	}
	return c.Kind
}

// tell is a step in prose.
func (c *caseRecord) tell(e *store.InvestigationStep) string {
	who, d := whoIs(e.Actor.V), e.Details.V
	switch e.Kind {
	case "scoped":
		return fmt.Sprintf("the scope was fixed at the first %s entries of the ledger, under the legal hold %s", shown(d["end_seq"]), shown(d["legal_hold_id"]))
	case "evidence_collected":
		text := fmt.Sprintf("evidence was collected in round %s", shown(d["round"]))
		if altered := shown(d["altered_entries"]); altered != "" && altered != "0" {
			text += "; entries that are not what the ledger committed to, and are no evidence: " + altered
		}
		return text
	case "analysis_completed":
		return fmt.Sprintf("the %s had read %s and left %s", spaced(shown(d["analysis"])), pluralOf(d["entries"], "entry", "entries"), pluralOf(d["findings"], "finding", "findings"))
	case "analysis_failed":
		return fmt.Sprintf("the %s failed: %s", spaced(shown(d["analysis"])), shown(d["error"]))
	case "analysed":
		return fmt.Sprintf("the analyses of round %s had ended, and people had %s to decide on", shown(d["round"]), pluralOf(d["findings"], "finding", "findings"))
	case "note_added":
		return who + " wrote a note, whose text is not part of this report"
	case "finding_added":
		return fmt.Sprintf("%s added the finding “%s”", who, c.findingTitle(shown(d["finding_id"])))
	case "finding_decided":
		return fmt.Sprintf("%s made the finding “%s” %s%s", who, c.findingTitle(shown(d["finding_id"])), shown(d["after"]), because(e.Reason))
	case "stage_changed":
		return fmt.Sprintf("%s led the case from %s to %s%s", who, spaced(shown(d["from"])), spaced(shown(d["to"])), because(e.Reason))
	case "changed":
		return who + " changed " + changes(d) + because(e.Reason)
	case "overdue":
		return fmt.Sprintf("the stage %s was overdue, and a reminder was recorded", spaced(string(e.Stage)))
	case "escalated":
		return fmt.Sprintf("the case was escalated, because the stage %s was overdue again", spaced(string(e.Stage)))
	case "attention_needed":
		return fmt.Sprintf("the stage %s could not be done: %s", spaced(string(e.Stage)), shown(d["error"]))
	case "closed":
		return fmt.Sprintf("%s decided that the suspicion is %s, and closed the case", who, shown(d["resolution"]))
	case "canceled":
		return who + " ended the case without a decision" + because(e.Reason)
	case "reopened":
		return who + " opened the case again" + because(e.Reason)
	}
	return who + ": " + spaced(e.Kind) + because(e.Reason)
}

// tellTogether is a run of notes, or of decisions on findings.
func (c *caseRecord) tellTogether(run []store.InvestigationStep) string {
	who := whoIs(run[0].Actor.V)
	if run[0].Kind == string(audit.StepNote) {
		return fmt.Sprintf("%s wrote %d notes, whose text is not part of this report", who, len(run))
	}
	verdicts := map[string]int{}
	for i := range run {
		verdicts[shown(run[i].Details.V["after"])]++
	}
	var parts []string
	for _, v := range []audit.FindingStatus{audit.FindingAccepted, audit.FindingRejected} {
		if n := verdicts[string(v)]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", v, pluralOf(n, "finding", "findings")))
		}
	}
	return who + " " + strings.Join(parts, " and ")
}

func because(reason string) string {
	if reason = strings.TrimRight(strings.Join(strings.Fields(reason), " "), "."); reason == "" {
		return ""
	}
	return ": " + reason
}

// shown is a value of an entry's details as text.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func spaced(s string) string { return strings.ReplaceAll(s, "_", " ") }

func pluralOf(n any, one, more string) string {
	if text := shown(n); text != "1" {
		return text + " " + more
	}
	return "1 " + one
}
