package audit_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sealbook/sealbook/audit"
)

// TestStagesAreDocumented compares docs/investigation.md with the stage table.
func TestStagesAreDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/investigation.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(text), "two -->\n")
	part, _, _ = strings.Cut(part, "<!-- end of stages -->")
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n  [*] --> scoping\n")
	for i, line := range audit.CaseStages {
		switch {
		case line.Stage == audit.StageDecision:
			b.WriteString("  decision --> closed: by a decision\n")
		case !line.Human && line.Stage != audit.StageClosed:
			fmt.Fprintf(&b, "  %s --> %s: by itself\n", line.Stage, audit.CaseStages[i+1].Stage)
		}
		for _, to := range line.To {
			fmt.Fprintf(&b, "  %s --> %s\n", line.Stage, to)
		}
	}
	b.WriteString("  closed --> findings_review: reopened\n```\n\n| stage | who leads on | before it goes forward |")
	for _, p := range audit.Severities {
		fmt.Fprintf(&b, " %s |", p)
	}
	b.WriteString("\n|---|---|---|---|---|---|---|\n")
	for _, line := range audit.CaseStages {
		if line.Stage == audit.StageClosed {
			continue
		}
		who := "the workflow"
		if line.Human {
			who = "a person"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |", line.Stage, who, line.Leaves)
		for _, p := range audit.Severities {
			fmt.Fprintf(&b, " %d h |", int(audit.StageTime(p, line.Stage).Hours()))
		}
		b.WriteString("\n")
	}
	if part != b.String() {
		t.Errorf("docs/investigation.md should have:\n%s", b.String())
	}
}

// TestNobodyDecidesOnTheirOwnInvestigation, and nothing is decided outside the
// stage for it.
func TestNobodyDecidesOnTheirOwnInvestigation(t *testing.T) {
	t.Parallel()
	c := audit.Case{Status: audit.InvestigationActive, Stage: audit.StageDecision, Version: 3, Investigator: "user_a"}
	decide := func(by audit.PersonID) error { return c.Check(&audit.CaseStep{Kind: audit.StepClose, Behind: by}) }
	for by, ok := range map[audit.PersonID]bool{"": false, "user_a": false, "user_b": true, "user_c": true} {
		if err := decide(by); (err == nil) != ok {
			t.Errorf("%q: %v", by, err)
		}
	}
	c.Hands = []audit.PersonID{"user_c"}
	if decide("user_c") == nil || decide("user_b") != nil {
		t.Error("who worked on it decides, or somebody else does not")
	}
	c.Hands, c.Reviewer = nil, "user_b"
	if decide("user_b") != nil || decide("user_c") == nil {
		t.Error("a reviewer who is named is not the only one who decides")
	}
	for _, line := range audit.CaseStages {
		if c.Stage = line.Stage; line.Stage != audit.StageDecision && decide("user_b") == nil {
			t.Errorf("decided in %s", line.Stage)
		}
	}
	c.Stage, c.Status = audit.StageDecision, audit.InvestigationOnHold
	if decide("user_b") == nil {
		t.Error("decided while on hold")
	}
	same := audit.PersonID("user_b")
	if err := c.Check(&audit.CaseStep{Kind: audit.StepChange, Change: &audit.CaseChange{Investigator: &same}}); err == nil {
		t.Error("the reviewer becomes the investigator, too")
	}
}
