package report

import (
	"fmt"
	"strconv"
)

// custody is the appendix on evidence: each item, the range of the ledger that it
// was made of, and each handling.
func (r *renderer) custody(s *section) {
	c := r.doc.Case
	r.heading(0, s.title, 60)
	broken, most := 0, r.caseLimits()
	for i := range c.Evidence {
		r.handlings += len(c.Evidence[i].Custody)
		if !c.Evidence[i].Verified {
			broken++
		}
	}
	if len(c.Evidence) == 0 {
		r.paragraph("Nothing was collected yet.")
		return
	}
	r.paragraph("The custody of an item holds when it begins with the collection, has no gap and no transfer that its recipient has not accepted, and nobody has found other bytes than those collected. It was computed for this report.")
	verdict, colour := fmt.Sprintf("%s, %s: the custody of all of them holds.", count(int64(len(c.Evidence)), "item", "items"), count(int64(r.handlings), "handling", "handlings")), green
	if broken > 0 {
		verdict, colour = fmt.Sprintf("%s, %s: the custody of %s does not hold.", count(int64(len(c.Evidence)), "item", "items"),
			count(int64(r.handlings), "handling", "handlings"), count(int64(broken), "item", "items")), red
	}
	r.lines(bold, body, colour, side, []string{verdict})
	r.y += 4
	shown, left := c.Evidence[:min(len(c.Evidence), most.Evidence)], most.Custody
	for i := range shown {
		left -= r.evidence(&shown[i], left)
	}
	r.leftOut(len(c.Evidence), len(shown), "item", "items")
}

// evidence writes an item and at most so many of its handlings, and returns how many.
func (r *renderer) evidence(e *CaseEvidence, most int) int {
	verdict, colour := "The custody holds", green
	if !e.Verified {
		verdict, colour = "The custody does not hold: "+e.Reason, red
	}
	positions := "none"
	switch {
	case e.FirstSeq == nil || e.EndSeq == nil:
	case *e.EndSeq > *e.FirstSeq+1:
		positions = fmt.Sprintf("%d to %d, by position in the ledger", *e.FirstSeq, *e.EndSeq-1)
	case *e.EndSeq == *e.FirstSeq+1:
		positions = fmt.Sprintf("%d, by position in the ledger", *e.FirstSeq)
	default:
		positions = fmt.Sprintf("none: the range is empty, at position %d of the ledger", *e.FirstSeq)
	}
	p := r.panel("", colour)
	p.title(e.Title)
	p.line(bold, small, verdict)
	p.term("Item", regular, small, e.ID)
	p.term("File", regular, small, fmt.Sprintf("%s, %s, %s", e.FileName, count(e.Size, "byte", "bytes"), count(e.Items, "record", "records")))
	p.term("SHA-256", mono, smallest, e.Digest)
	p.term("Entries read", regular, small, positions)
	p.term("Acquired", regular, small, utc(e.Acquired)+by(e.By))
	p.keep = 24 // its first handlings
	p.end()
	r.y -= 3
	shown := e.Custody[:min(len(e.Custody), max(most, 0))]
	t := r.table(smallest, column{"No.", 8, regular, true}, column{"Time (UTC)", 29, regular, false}, column{"Handling", 20, bold, false},
		column{"By", -2, regular, false}, column{"Why, and with what", -3, regular, false})
	t.padding = 0.7
	for i := range shown {
		c := &shown[i]
		why, colour := c.Tool, ink
		if c.Reason != "" {
			why = c.Reason + "; " + c.Tool
		}
		if c.Before != c.After {
			why, colour = "other bytes were found: "+c.After+"; "+why, red
		}
		who := r.short(c.Actor)
		if c.Recipient != "" {
			who += ", to " + c.Recipient
		}
		t.row(cell{strconv.Itoa(c.Number), grey}, cell{c.Time.UTC().Format("2006-01-02 15:04:05"), ink}, cell{statusLabel(c.Event), colour}, cell{who, ink}, cell{why, colour})
	}
	t.end()
	r.leftOut(len(e.Custody), len(shown), "handling of it", "handlings of it")
	r.y += 4
	return len(shown)
}
