package report

import (
	"strconv"
	"strings"
)

// records are those of a case: "case" (a term and its value), "narrative",
// "case_event", "case_finding", each followed by its "confidence", "implication",
// "decision", "evidence", each followed by its "custody", and "data_flow" for what is
// said beside the picture, which a table cannot hold.
func (c *Case) records() []record {
	interim := "no"
	if c.Interim {
		interim = "yes"
	}
	list := terms("case", "investigation_id", c.ID, "case_number", c.Number, "investigation_type", c.Category, "priority", string(c.Priority), "status", c.Status, "stage", c.Stage,
		"interim", interim, "version", strconv.Itoa(c.Version), "round", strconv.Itoa(c.Round), "opened_at", csvTime(c.Opened), "opened_by", c.OpenedBy, "trigger_event_id", c.Trigger,
		"assigned_investigator", c.Investigator, "assigned_reviewer", c.Reviewer, "frameworks", strings.Join(c.Frameworks, "; "), "regulatory_notification", c.Notification)
	for _, s := range c.Narrative {
		list = append(list, record{kind: "narrative", text: s})
	}
	for i, e := range c.Events {
		list = append(list, record{kind: "case_event", id: strconv.Itoa(i + 1), title: e.Kind, status: e.Stage, time: e.Time, actor: e.Actor, text: e.Text})
	}
	for i := range c.Findings {
		f := &c.Findings[i]
		text := f.Description
		if f.Alternative != "" {
			text += "\nInnocently: " + f.Alternative
		}
		list = append(list, record{kind: "case_finding", group: f.Analysis, id: f.ID, title: f.Title, status: f.Status, severity: f.Severity, time: f.DecidedAt,
			position: strconv.Itoa(f.Round), eventType: f.Kind, actor: f.DecidedBy, text: text, entryIDs: f.EntryIDs, remediation: f.Reason})
		value := ""
		if f.Confidence != nil {
			value = strconv.FormatFloat(*f.Confidence, 'f', -1, 64)
		}
		list = append(list, record{kind: "confidence", group: f.Analysis, id: f.ID, status: value, text: f.Basis})
	}
	for _, i := range c.Implications {
		list = append(list, record{kind: "implication", group: string(i.Framework), id: i.Section, title: i.Description, severity: i.Severity, text: strings.Join(i.Findings, " ")})
	}
	if d := c.Decision; d != nil {
		list = append(list, terms("decision", "resolution", d.Resolution, "root_cause", d.RootCause, "summary", d.Summary, "decided_by", d.By, "decided_at", csvTime(d.At))...)
	}
	if c.Flow != nil {
		for _, s := range c.Flow.Notes {
			list = append(list, record{kind: "data_flow", text: s})
		}
	}
	for i := range c.Evidence {
		list = append(list, c.Evidence[i].records()...)
	}
	return list
}

func (e *CaseEvidence) records() []record {
	verdict, positions := "verified", ""
	if !e.Verified {
		verdict = "not_verified"
	}
	if e.FirstSeq != nil && e.EndSeq != nil { // the end does not belong to it
		positions = strconv.FormatInt(*e.FirstSeq, 10) + " to " + strconv.FormatInt(*e.EndSeq, 10)
	}
	list := []record{{kind: "evidence", group: e.FileName, id: e.ID, title: e.Title, status: verdict, time: e.Acquired, position: positions, eventType: e.Kind, actor: e.By,
		text: strings.TrimSpace(e.Digest + "\n" + e.Reason)}}
	for _, h := range e.Custody {
		text := h.Reason
		if h.Before != h.After {
			text = strings.TrimSpace("other bytes were found: " + h.After + "\n" + text)
		}
		list = append(list, record{kind: "custody", group: h.Tool, id: e.ID, time: h.Time, position: strconv.Itoa(h.Number), eventType: h.Event, actor: h.Actor, text: text, owner: h.Recipient})
	}
	return list
}
