package evidence

import (
	"fmt"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// populationDocument is population.json: every entry of the range counted
// once. By_category adds up to total, and so do exported and excluded.
type populationDocument struct {
	Range        populationRange `json:"range"`
	Total        int64           `json:"total"`
	ByCategory   []categoryCount `json:"by_category"`
	Exported     []categoryCount `json:"exported_by_category"`
	Excluded     []excludedCount `json:"excluded"`
	Undetermined int64           `json:"undetermined"`
	Failures     []string        `json:"failures"`
}

type populationRange struct {
	First     int64      `json:"first_seq"`
	End       int64      `json:"end_seq"` // one past the last
	TreeSize  int64      `json:"tree_size"`
	FirstTime *time.Time `json:"first_recorded_at"`
	LastTime  *time.Time `json:"last_recorded_at"`
}

type categoryCount struct {
	Category audit.Category `json:"category"`
	Count    int64          `json:"count"`
}

type excludedCount struct {
	Category audit.Category `json:"category"`
	Reason   Reason         `json:"reason"`
	Count    int64          `json:"count"`
}

// noCategory is how documents name the entries that have none.
const noCategory audit.Category = "none"

func (f *facts) population() populationDocument {
	t := f.skeleton.Tally
	d := populationDocument{
		Range: populationRange{f.First, f.End, f.checkpoint.Size, t.FirstTime, t.LastTime},
		Total: t.Total, Undetermined: t.reason(Undetermined),
		ByCategory: []categoryCount{}, Exported: []categoryCount{}, Excluded: []excludedCount{},
		Failures: f.failureList(),
	}
	for _, c := range audit.Categories {
		d.ByCategory = append(d.ByCategory, categoryCount{c, t.of(c)})
		for _, r := range []Reason{NotIncluded, OutsidePeriod, OtherRepository, Undetermined} {
			if n := t.of(c, r); n > 0 {
				d.Excluded = append(d.Excluded, excludedCount{c, r, n})
			}
		}
	}
	d.ByCategory = append(d.ByCategory, categoryCount{noCategory, t.of("")})
	for _, r := range []Reason{OwnAction, NoCategory, Undetermined} {
		if n := t.of("", r); n > 0 {
			d.Excluded = append(d.Excluded, excludedCount{noCategory, r, n})
		}
	}
	for _, c := range f.missing() { // not shown, although the filter finds them
		d.Excluded = append(d.Excluded, excludedCount{c, "collection_failed", t.of(c, Exported)})
	}
	for _, c := range f.present() {
		d.Exported = append(d.Exported, categoryCount{c, t.of(c, Exported)})
	}
	return d
}

func (f *facts) failureList() []string { return append([]string{}, f.failures...) }

// gapsDocument is gaps.json: what an auditor could miss.
type gapsDocument struct {
	Sequence string          `json:"sequence"`
	Silences []Silence       `json:"longest_silences"`
	Excluded []excludedCount `json:"categories_not_requested"`
	Missing  []categoryCount `json:"categories_not_collected"`
	Failures []string        `json:"failures"`
}

func (f *facts) gaps() gapsDocument {
	t := f.skeleton.Tally
	d := gapsDocument{
		Sequence: fmt.Sprintf("%d numbers from %d to %d, none missing", t.Total, f.First, f.End-1),
		Silences: append([]Silence{}, t.Silences...),
		Excluded: []excludedCount{}, Missing: []categoryCount{}, Failures: f.failureList(),
	}
	if f.First == f.End {
		d.Sequence = "the range is empty"
	}
	for _, c := range audit.Categories {
		if n := t.of(c, NotIncluded); n > 0 {
			d.Excluded = append(d.Excluded, excludedCount{c, NotIncluded, n})
		}
	}
	for _, c := range f.missing() {
		d.Missing = append(d.Missing, categoryCount{c, t.of(c, Exported)})
	}
	return d
}

// ipeDocument is IPE.json: what an auditor asks of information that the
// audited organisation produced itself.
type ipeDocument struct {
	Category   audit.Category `json:"category"`
	Source     string         `json:"source"`
	Query      string         `json:"query"`
	PeriodFrom string         `json:"period_from"`
	PeriodTo   string         `json:"period_to"`
	Stats
	JSONL     File     `json:"entries_jsonl"`
	CSV       File     `json:"entries_csv"`
	Columns   []string `json:"csv_columns"`
	Extracted string   `json:"extracted_at"` // the checkpoint's time: what is newer is not here
	Extractor string   `json:"extractor"`
}

func (f *facts) ipe(c audit.Category) ipeDocument {
	p := f.parts[c]
	return ipeDocument{
		Category: c, Source: fmt.Sprintf("ledger %s, entries %d to %d", f.origin(), f.First, f.End-1),
		Query:      f.query(c),
		PeriodFrom: f.Request.AuditPeriod.From, PeriodTo: f.Request.AuditPeriod.To,
		Stats: p.Stats, JSONL: p.JSONL, CSV: *p.CSV, Columns: csvColumns,
		Extracted: formatTime(f.FrozenAt), Extractor: f.Software,
	}
}

// query says the filter in words. Its exact form is the request.
func (f *facts) query(c audit.Category) string {
	q := fmt.Sprintf("category %s (by event type and class), event time in [%s, %s)", c, formatTime(f.period.From), formatTime(f.period.Until))
	if len(f.Request.RepositoryIDs) > 0 {
		q += ", repository " + strings.Join(f.Request.RepositoryIDs, " or ")
	}
	return q
}
