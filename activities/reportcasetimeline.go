package activities

import (
	"fmt"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/report"
	"github.com/sealbook/sealbook/internal/store"
)

// events are the steps as a timeline shows them, the opening first.
func (c *caseRecord) events() []report.CaseEvent {
	out := []report.CaseEvent{{Time: c.CreatedAt.UTC(), Kind: "opened", Stage: string(audit.StageScoping), Actor: c.opened(), Text: c.trigger}}
	for i := range c.steps {
		e := &c.steps[i]
		out = append(out, report.CaseEvent{Time: e.At.UTC(), Kind: e.Kind, Stage: string(e.Stage), Actor: whoIs(e.Actor.V), Text: c.said(e)})
	}
	return out
}

// said is what the timeline says of a step beside who took it.
func (c *caseRecord) said(e *store.InvestigationStep) string {
	d, parts := e.Details.V, []string(nil)
	switch e.Kind {
	case "finding_added", "finding_decided":
		parts = append(parts, "“"+c.findingTitle(shown(d["finding_id"]))+"”")
		if after := shown(d["after"]); after != "" {
			parts = append(parts, after)
		}
	case "analysis_completed", "analysis_failed":
		parts = append(parts, spaced(shown(d["analysis"])))
		if d["findings"] != nil {
			parts = append(parts, pluralOf(d["findings"], "finding", "findings"))
		}
	case "changed":
		parts = append(parts, changes(d))
	case "stage_changed":
		parts = append(parts, "from "+spaced(shown(d["from"])))
	case "scoped":
		parts = append(parts, "legal hold "+shown(d["legal_hold_id"]))
	case "closed":
		parts = append(parts, shown(d["resolution"]))
	case "note_added":
		parts = append(parts, shown(d["sha256"]))
	}
	if text := shown(d["error"]); text != "" {
		parts = append(parts, text)
	}
	if e.Reason != "" {
		parts = append(parts, e.Reason)
	}
	return strings.Join(parts, "; ")
}

// findingTitle is the title of a finding, or its id when it has none any more.
func (c *caseRecord) findingTitle(id string) string {
	for i := range c.findings {
		if c.findings[i].ID == id {
			return c.findings[i].Title
		}
	}
	return id
}

// changes are what a step changed of what is said about a case. What a title was
// is not in the details, which name nobody.
func changes(d audit.Object) string {
	var parts []string
	for _, what := range []string{"priority", "status", "investigator", "reviewer"} {
		change, ok := d[what].(map[string]any)
		if !ok {
			continue
		}
		before, after := shown(change["before"]), shown(change["after"])
		if before == "" {
			before = "nobody"
		}
		if after == "" {
			after = "nobody"
		}
		parts = append(parts, fmt.Sprintf("%s from %s to %s", what, before, after))
	}
	if parts == nil {
		return "the title"
	}
	return strings.Join(parts, ", ")
}
