package report

import (
	"fmt"
	"strconv"
)

// entries lists the tables on pages that lie across.
func (r *renderer) entries(s *section) {
	r.begin(true)
	r.heading(0, s.title, 50)
	for i := range r.doc.Tables {
		if err := r.entriesOf(&r.doc.Tables[i], s.parts[i]); err != nil && r.err == nil {
			r.err = err
		}
		if r.err != nil {
			return
		}
	}
	r.begin(false)
}

func (r *renderer) entriesOf(d *Table, title string) error {
	t := r.table(smallest,
		column{"Time (UTC)", 31, regular, false}, column{"Position", 15, regular, true}, column{"Entry", 39, regular, false},
		column{"Type", 34, regular, false}, column{"Actor", 34, regular, false}, column{"Description", -1, regular, false})
	t.padding = 0.7
	t.lead = func(h float64) {
		if d.Note == "" {
			r.heading(1, title, h)
			return
		}
		r.heading(1, title, h+2*leading(small))
		r.paragraphOf(regular, small, grey, d.Note)
	}
	listed, omitted := 0, int64(0)
	for row, err := range d.Rows {
		if err != nil {
			return fmt.Errorf("read the entries of %s: %w", d.Title, err)
		}
		if r.err != nil {
			return r.err
		}
		if r.out.Rows == r.maxRows() {
			if omitted++; omitted%1000 == 1 && r.ctx.Err() != nil {
				return r.ctx.Err()
			}
			continue
		}
		r.out.Rows++
		listed++
		t.row(cell{row.Time.UTC().Format("2006-01-02 15:04:05.000"), ink}, cell{strconv.FormatInt(row.Seq, 10), ink}, cell{row.EntryID, ink},
			cell{row.Type, ink}, cell{row.Actor, ink}, cell{row.Description, ink})
	}
	t.end()
	r.out.Omitted += omitted
	switch {
	case omitted > 0:
		r.need(12)
		r.note(fmt.Sprintf("%s of this table left out: a report lists %s at most, and %s listed here.",
			count(omitted, "entry", "entries"), count(int64(r.maxRows()), "entry", "entries"), count(int64(listed), "entry is", "entries are")))
	case listed == 0:
		r.note("There is no entry of this kind.")
	default:
		r.note(count(int64(listed), "entry", "entries") + ", none left out.")
	}
	return nil
}
