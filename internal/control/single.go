package control

import "github.com/sealbook/sealbook/audit"

// tracker follows one check through the entries of a ledger.
type tracker interface {
	// observe takes an entry that the check selects, in the ledger's order.
	observe(e *audit.Entry, v view)
	// result is asked once, when all are seen.
	result(facts *Facts) Result
}

// counting is what trackers have in common.
type counting struct {
	check  *Check
	period audit.Period
	out    Result
}

// holds evaluates a condition; an error means no, and is counted.
func (c *counting) holds(x *Expression, v view) bool {
	ok, err := x.holds(v)
	if err != nil {
		c.out.RuleErrors++
	}
	return ok && err == nil
}

// text evaluates a text; an error means none, and is counted.
func (c *counting) text(x *Expression, v view) string {
	if !x.given() {
		return ""
	}
	s, err := x.key(v)
	if err != nil {
		c.out.RuleErrors++
		return ""
	}
	return s
}

// included reports whether an entry is of the population: without an expression
// all are that the check selects.
func (c *counting) included(e *audit.Entry, v view) bool {
	return c.period.Contains(e.Time()) && (!c.check.Population.given() || c.holds(&c.check.Population, v))
}

func exception(e *audit.Entry, why string) Exception {
	return Exception{EntryID: e.EntryID(), Seq: &e.Seq, Time: e.Time(), Why: why}
}

const noValue = "the rule has no value for this entry"

// ratio is the tracker of Ratio.
type ratio struct{ counting }

func (t *ratio) observe(e *audit.Entry, v view) {
	if !t.included(e, v) {
		return
	}
	t.out.Population++
	// An entry that a rule cannot read has not passed it: leaving it out would
	// make the share better for exactly the worst entries.
	switch ok, err := t.check.Pass.holds(v); {
	case err != nil:
		t.out.RuleErrors++
		t.out.fail(exception(e, noValue))
	case !ok:
		t.out.fail(exception(e, "it does not pass"))
	default:
		t.out.Passed++
	}
}

func (t *ratio) result(*Facts) Result {
	t.out.judge(t.check)
	return t.out
}

// absence is the tracker of Absence.
type absence struct {
	counting
	unknown int64
}

func (t *absence) observe(e *audit.Entry, v view) {
	if !t.included(e, v) {
		return
	}
	t.out.Population++
	switch bad, err := t.check.Violation.holds(v); {
	case err != nil:
		t.out.RuleErrors++
		t.unknown++
	case bad:
		t.out.fail(exception(e, "it is a violation"))
	default:
		t.out.Passed++
	}
}

func (t *absence) result(*Facts) Result {
	t.out.judge(t.check)
	switch {
	case t.out.Failed > 0:
		t.out.Verdict = NonCompliant
	case t.unknown > 0:
		t.out.Verdict, t.out.Reason = NotAssessed, "for some entries the rule has no value, so their innocence is not known"
	}
	return t.out
}

// unique is the tracker of Unique.
type unique struct {
	counting
	owners map[string]string
	shared map[string]bool
	full   bool
}

func (t *unique) observe(e *audit.Entry, v view) {
	if t.full || !t.included(e, v) {
		return
	}
	value, owner := t.text(&t.check.Value, v), t.text(&t.check.Owner, v)
	if value == "" || owner == "" {
		return
	}
	first, seen := t.owners[value]
	switch {
	case !seen && len(t.owners) == MaxSubjects:
		t.full = true
	case !seen:
		t.owners[value] = owner
	case first != owner && !t.shared[value]:
		t.shared[value] = true
		x := exception(e, "somebody else had it before")
		x.Subject = value
		t.out.fail(x)
	}
}

func (t *unique) result(*Facts) Result {
	if t.full {
		return t.out.tooMany()
	}
	t.out.Population = int64(len(t.owners))
	t.out.Passed = t.out.Population - t.out.Failed
	t.out.judge(t.check)
	if t.out.Failed > 0 {
		t.out.Verdict = NonCompliant
	}
	return t.out
}
