package eval

import (
	"slices"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/forensic"
	"github.com/sealbook/sealbook/internal/forensic/eval/corpus"
)

// Measurement is what detectors reach on one labelled corpus, and on a harmless
// one beside it.
type Measurement struct {
	Corpus     string
	Digest     string
	Entries    int
	UserDays   int
	Unlisted   int // findings that no source lists, and that nothing here counts
	Result     *Result
	Harmless   Harmless
	Comparison []Comparison
}

// Harmless is how detectors do where there is nothing to find. Every finding
// there is false.
type Harmless struct {
	Corpus   string
	Digest   string
	Entries  int
	UserDays int // 0 if there was no such corpus
	Unlisted int
	Result   *Result
}

// Per1000 is alarms for each 1,000 user-days, NaN without any.
func (h Harmless) Per1000(alarms int) float64 { return 1000 * float64(alarms) / float64(h.UserDays) }

// Comparison is what a way to raise alarms reaches on the same entries.
type Comparison struct {
	Way       string
	Detectors bool // the way is what detectors say, with the labels as they are
	Alarms    int
	Recall    float64 // of incidents; of what is drawn by lot, the mean
	Found     Share   // the same as a count; unknown (0 of 0) of what is drawn by lot
	Harmless  int     // alarms on the harmless corpus
	Right     Share   // of the entries that are named; unknown of what is drawn by lot
}

// Measure looks for incidents in a corpus, and raises alarms on a harmless one,
// which may be nil.
func Measure(sources []Source, c, harmless *corpus.Corpus) (*Measurement, error) {
	m := &Measurement{Corpus: c.Name, Digest: c.Digest()}
	entries, findings, unlisted, err := look(sources, c)
	if err != nil {
		return nil, err
	}
	days := userDays(entries)
	m.Entries, m.UserDays, m.Unlisted, m.Result = len(entries), len(days), unlisted, Score(findings, c.Labels)
	var calm []audit.Entry
	var calmDays []userDay
	var calmFindings []forensic.Finding
	if harmless != nil {
		if calm, calmFindings, unlisted, err = look(sources, harmless); err != nil {
			return nil, err
		}
		calmDays = userDays(calm)
		m.Harmless = Harmless{Corpus: harmless.Name, Digest: harmless.Digest(), Entries: len(calm), UserDays: len(calmDays), Unlisted: unlisted,
			Result: Score(calmFindings, harmless.Labels)}
	}
	cmp := comparing{m: m, labels: c.Labels, entries: entries, days: days, calm: calm, calmDays: calmDays}
	cmp.detectors("rules and behaviour", findings, calmFindings)
	cmp.detectors("rules alone (fact, pattern)", sure(findings), sure(calmFindings))
	cmp.budget(len(findings), len(calmFindings))
	cmp.add("  labels shuffled", findings, calmFindings, shuffled(days, entries, c.Labels))
	if harmless != nil {
		quiet := func(f forensic.Finding) bool { return m.quiet(f.Detector) }
		few, calmFew := only(findings, quiet), only(calmFindings, quiet)
		cmp.detectors("quiet detectors", few, calmFew)
		cmp.budget(len(few), len(calmFew))
		cmp.add("  labels shuffled", few, calmFew, shuffled(days, entries, c.Labels))
	}
	cmp.add("every user-day with a change off hours", offHours(days, entries), offHours(calmDays, calm), c.Labels)
	return m, nil
}

// Few is how many false alarms for 1,000 user-days a quiet detector has at most:
// one a week for some 20 people.
const Few = 10

// quiet reports whether a detector has few false alarms on the harmless corpus.
func (m *Measurement) quiet(detector string) bool {
	return m.Harmless.Result != nil && m.Harmless.Per1000(m.Harmless.Result.Detectors[detector].All()) <= Few
}

func look(sources []Source, c *corpus.Corpus) (entries []audit.Entry, findings []forensic.Finding, unlisted int, err error) {
	if entries, err = c.Entries(); err != nil {
		return nil, nil, 0, err
	}
	if err := c.Check(entries); err != nil {
		return nil, nil, 0, err
	}
	findings, unlisted, err = Find(sources, entries)
	return entries, findings, unlisted, err
}

// sure leaves out what is only unusual.
func sure(findings []forensic.Finding) []forensic.Finding {
	return only(findings, func(f forensic.Finding) bool { return f.Kind != forensic.Unusual })
}

func only(findings []forensic.Finding, keep func(forensic.Finding) bool) []forensic.Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f forensic.Finding) bool { return !keep(f) })
}
