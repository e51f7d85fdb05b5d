package control

import "github.com/sealbook/sealbook/audit"

// Run assesses a period by one pass over the entries of a ledger, for any number
// of frameworks: a check that several requirements share is followed once. It is
// not safe for concurrent use.
type Run struct {
	catalogs []*Catalog
	period   audit.Period
	facts    *Facts

	all      [][][]*watch // by catalogue, by requirement, by check
	watching []*watch     // those that look at entries
	routes   map[route][]*watch
	entries  int64 // of the period
}

// watch is a tracker with the check that says what it looks at.
type watch struct {
	check *Check
	tracker
	found *Result
}

func (w *watch) result(facts *Facts) Result {
	if w.found == nil {
		r := w.tracker.result(facts)
		w.found = &r
	}
	return *w.found
}

type route struct {
	eventType, category string
	class               audit.EventClass
}

// maxRoutes bounds what is remembered of which checks look at which entries. An
// emitter chooses types and categories, so there may be any number.
const maxRoutes = 10_000

// NewRun begins an assessment. Both bounds of the period are set, and facts are
// complete but for what the entries say.
func NewRun(catalogs []*Catalog, period audit.Period, facts *Facts) *Run {
	r := &Run{catalogs: catalogs, period: period, facts: facts, routes: map[route][]*watch{}}
	common := map[string]*watch{}
	for _, c := range catalogs {
		var requirements [][]*watch
		for i := range c.Requirements {
			requirement := &c.Requirements[i]
			var checks []*watch
			for k := range requirement.Checks {
				check := &requirement.Checks[k]
				w := common[check.ID]
				if w == nil || !check.common {
					w = &watch{check: check, tracker: r.track(requirement, check)}
					if check.Kind != Integrity && check.Kind != Attestation {
						r.watching = append(r.watching, w)
					}
				}
				if check.common {
					common[check.ID] = w
				}
				checks = append(checks, w)
			}
			requirements = append(requirements, checks)
		}
		r.all = append(r.all, requirements)
	}
	return r
}

func (r *Run) track(requirement *Requirement, check *Check) tracker {
	base := counting{check: check, period: r.period, out: Result{Check: check.ID, Kind: check.Kind}}
	both := pairs{counting: base, first: map[string][]mark{}, second: map[string][]mark{}}
	switch check.Kind {
	case Ratio:
		return &ratio{base}
	case Absence:
		return &absence{counting: base}
	case Unique:
		return &unique{counting: base, owners: map[string]string{}, shared: map[string]bool{}}
	case Cadence:
		t := &cadence{counting: base}
		t.init(r.facts.AsOf)
		return t
	case SLA:
		return &sla{both}
	case Sequence:
		return &sequence{both}
	case Attestation:
		return &attestation{base, requirement.Criterion}
	default: // compile knows no other
		return &integrity{base}
	}
}

func (t *integrity) observe(*audit.Entry, view)   {}
func (t *attestation) observe(*audit.Entry, view) {}

// Window is the time of the events that Observe wants to see: the period, what
// lies so long before it that a check may need it, and what came after it.
func (r *Run) Window() audit.Period {
	from := r.period.From
	earlier := func(s Span) {
		if t := s.Before(r.period.From); t.Before(from) {
			from = t
		}
	}
	for _, w := range r.watching {
		switch t := w.tracker.(type) {
		case *cadence:
			earlier(*w.check.Every)
		case *sequence:
			earlier(t.lookback())
		}
	}
	return audit.Period{From: from}
}

// Observe takes the next entry in the ledger's order.
func (r *Run) Observe(e *audit.Entry) {
	if r.period.Contains(e.Time()) {
		r.entries++
	}
	watching := r.route(e)
	if len(watching) == 0 {
		return
	}
	v := see(e)
	for _, w := range watching {
		w.observe(e, v)
	}
}

// route finds the checks that an entry can matter to. These look at three fields
// alone, so what is true of one entry is true of every like it.
func (r *Run) route(e *audit.Entry) []*watch {
	key := route{e.Type, e.Category, e.Class}
	found, ok := r.routes[key]
	if !ok {
		for _, w := range r.watching {
			if w.check.selects(&e.Event) {
				found = append(found, w)
			}
		}
		if len(r.routes) < maxRoutes {
			r.routes[key] = found
		}
	}
	return found
}

// Reports says what was found, in the order of the catalogues. It ends the run.
func (r *Run) Reports() []Report {
	var reports []Report
	for i, c := range r.catalogs {
		out := Report{
			Framework: c.Framework, Edition: c.Edition, CatalogVersion: c.Version, CatalogDigest: c.Digest,
			Period: Period(r.period), Entries: r.entries, NotInLedger: append([]string{}, c.NotInLedger...),
		}
		for k := range c.Requirements {
			requirement := &c.Requirements[k]
			f := Finding{
				Requirement: requirement.ID, Criterion: requirement.Criterion, Title: requirement.Title, Severity: requirement.Severity, Notify: requirement.Notify,
			}
			for _, w := range r.all[i][k] {
				f.Checks = append(f.Checks, w.result(r.facts))
			}
			f.Verdict = worst(f.Checks)
			out.Requirements = append(out.Requirements, f)
		}
		out.derive()
		out.Metrics, out.Upcoming = c.metrics(out.Requirements, r.facts), r.upcoming(i)
		reports = append(reports, out)
	}
	return reports
}
