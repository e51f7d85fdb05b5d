package report

import (
	"fmt"
	"slices"
	"strings"
)

// caseSections are those of a case.
func (r *renderer) caseSections(add func(has bool, title string, parts []string, write func(*section))) {
	c := r.doc.Case
	r.findPeople()
	var groups []string
	for _, g := range r.findingGroups() {
		groups = append(groups, g.title)
	}
	add(true, "What happened in the case", nil, r.narrative)
	add(len(c.Events) > 0, "Timeline of the case", nil, r.timeline)
	add(true, "Findings", groups, r.caseFindings)
	add(true, "Flows of data", nil, r.caseFlow)
	add(true, "What it may mean for compliance", nil, r.implications)
	add(true, "Decision", nil, r.decision)
	add(true, "Custody of the evidence", nil, r.custody)
}

// caseCover says below the title what the case is, and that it has not ended.
func (r *renderer) caseCover() {
	c := r.doc.Case
	r.y += 1
	r.lines(regular, medium, grey, side, r.fonts[regular].wrap(r.clean(regular, c.Number+", "+words(c.Category)), medium, r.inner()))
	if !c.Interim {
		return
	}
	r.y += 4
	r.need(12)
	text := "Interim report: the case is open. What it comes to is not decided, and what stands here may change."
	lines := r.fonts[bold].wrap(text, body, r.inner()-8)
	h := float64(len(lines))*leading(body) + 4
	r.fill(wash, side, r.y, r.inner(), h)
	r.fill(amber, side, r.y, 1, h)
	r.y += 2
	r.lines(bold, body, amber, side+4, lines)
	r.y += 2
}

// casePairs are what the cover says of a case.
func (r *renderer) casePairs() {
	c := r.doc.Case
	state := statusLabel(c.Status)
	if c.Interim {
		state += ", in the stage " + words(c.Stage)
	}
	r.pairs(
		pair{"Case", regular, c.ID},
		pair{"Category", regular, statusLabel(c.Category) + ", priority " + string(c.Priority)},
		pair{"State", bold, state},
		pair{"Opened", regular, utc(c.Opened) + by(c.OpenedBy)},
		pair{"Gave rise to it", regular, c.Trigger},
		pair{"Investigator", regular, c.Investigator},
		pair{"Reviewer", regular, c.Reviewer},
	)
}

func words(s string) string { return strings.ReplaceAll(s, "_", " ") }

func (r *renderer) narrative(s *section) {
	r.heading(0, s.title, 30)
	r.note("Written from the record alone: each sentence is a step that the case's history has. The ledger has an entry about each.")
	r.y += 2
	for _, text := range r.doc.Case.Narrative {
		r.paragraph(text)
	}
	var people []pair
	for _, p := range r.people {
		people = append(people, pair{r.fonts[regular].fit(r.clean(regular, p.name), small, 36), regular, p.id})
	}
	if len(people) > 0 {
		r.y += 2
		r.need(20)
		r.lines(bold, small, ink, side, []string{"Who took part, by the names that stand in the tables"})
		r.y += 1
		r.pairs(people...)
	}
}

// person is somebody who did something in a case: name and id, or one text for both.
type person struct{ full, name, id string }

// findPeople finds who took part. Whose name is somebody else's, too, keeps the id
// beside it; so do those beyond maxPeople.
func (r *renderer) findPeople() {
	c, called := r.doc.Case, map[string][]string{}
	add := func(full string) {
		name, id, split := strings.Cut(full, " (")
		if !split || !strings.HasSuffix(id, ")") || len(name) > maxName {
			return
		}
		known := called[name]
		if slices.Contains(known, full) || known == nil && len(called) == maxPeople {
			return
		}
		called[name] = append(known, full)
		r.people = append(r.people, person{full, name, strings.TrimSuffix(id, ")")})
	}
	for i := range c.Events {
		add(c.Events[i].Actor)
	}
	for i := range c.Evidence {
		for n := range c.Evidence[i].Custody {
			add(c.Evidence[i].Custody[n].Actor)
		}
	}
	r.people = slices.DeleteFunc(r.people, func(p person) bool { return len(called[p.name]) != 1 })
}

// Bounds of the list of people.
const (
	maxPeople = 100
	maxName   = 60 // bytes
)

// short is who did something as tables name them.
func (r *renderer) short(full string) string {
	for _, p := range r.people {
		if p.full == full {
			return p.name
		}
	}
	return full
}

func (r *renderer) timeline(s *section) {
	r.heading(0, s.title, 50)
	all := r.doc.Case.Events
	shown := all[:min(len(all), r.caseLimits().Events)]
	t := r.table(smallest, column{"Time (UTC)", 29, regular, false}, column{"What", 25, bold, false}, column{"Stage after it", 22, regular, false},
		column{"By", -2, regular, false}, column{"Said", -3, regular, false})
	t.padding = 0.9
	for i := range shown {
		e := &shown[i]
		t.row(cell{e.Time.UTC().Format("2006-01-02 15:04:05"), ink}, cell{statusLabel(e.Kind), ink}, cell{words(e.Stage), grey}, cell{r.short(e.Actor), ink}, cell{e.Text, ink})
	}
	t.end()
	r.leftOut(len(all), len(shown), "event", "events")
}

// leftOut says how many were not shown.
func (r *renderer) leftOut(all, shown int, one, more string) {
	if all == shown {
		return
	}
	r.need(8)
	r.note(fmt.Sprintf("%s left out: a report shows %s at most. The report's JSON and CSV forms have them.", count(int64(all-shown), one, more), number(int64(shown))))
}

func (r *renderer) caseLimits() CaseLimits { return r.doc.CaseLimits.or() }

func (r *renderer) implications(s *section) {
	c := r.doc.Case
	r.heading(0, s.title, 40)
	r.paragraph("These are requirements of the catalogues that accepted findings touch: an order for people to look, and no verdict.")
	r.pairs(pair{"Frameworks", regular, strings.Join(c.Frameworks, ", ")}, pair{"Notification", regular, c.Notification})
	r.y += 2
	if len(c.Implications) == 0 {
		r.paragraph("No accepted finding touches a requirement, or nobody has looked at the implications yet.")
		return
	}
	t := r.table(small, column{"Framework", 34, regular, false}, column{"Section", 24, regular, false}, column{"What it asks for", -3, regular, false},
		column{"Severity", 16, bold, false}, column{"Findings", 14, regular, true})
	for _, i := range c.Implications {
		t.row(cell{frameworkLabel(i.Framework), ink}, cell{i.Section, ink}, cell{i.Description, ink},
			cell{statusLabel(string(i.Severity)), statusColour(string(i.Severity))}, cell{number(int64(len(i.Findings))), ink})
	}
	t.end()
}

func (r *renderer) decision(s *section) {
	c := r.doc.Case
	r.heading(0, s.title, 40)
	switch d := c.Decision; {
	case d != nil:
		r.pairs(pair{"Resolution", bold, statusLabel(d.Resolution)}, pair{"Root cause", regular, d.RootCause}, pair{"Summary", regular, d.Summary},
			pair{"Notification", regular, c.Notification}, pair{"Decided", regular, utc(d.At) + by(d.By)})
		r.y += 1
		r.paragraph("Who decided did not investigate: the record takes a decision from nobody who was the investigator, added or decided a finding, or led the case forward.")
	case c.Interim:
		r.paragraph("Nobody has decided yet. The case is open, in the stage " + words(c.Stage) + ".")
	default:
		r.paragraph("The case ended without a decision: it is " + words(c.Status) + ".")
	}
}

// noteCase says at the end what was left out of the case.
func (r *renderer) noteCase() {
	c, most := r.doc.Case, r.caseLimits()
	if len(c.Events) <= most.Events && len(c.Findings) <= most.Findings && len(c.Evidence) <= most.Evidence && r.handlings <= most.Custody {
		r.note("Nothing of the case's record was left out for want of room. The text of notes is not part of reports.")
		return
	}
	r.note("Parts of the case's record were left out for want of room; each place says how much. The report's JSON and CSV forms have all of it, but the text of notes.")
}
