package control

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/sealbook/sealbook/audit"
)

// The kinds of check. A catalogue cannot add one: what they mean is Go, and
// expressions only select.
const (
	Ratio       = "ratio"       // of the population, how many pass
	Absence     = "absence"     // in a living population, nothing violates
	Cadence     = "cadence"     // in every interval, each member has one
	SLA         = "sla"         // each trigger is followed in time
	Sequence    = "sequence"    // each target is preceded
	Unique      = "unique"      // each value has one owner
	Integrity   = "integrity"   // probes of the ledger itself
	Attestation = "attestation" // a person uploaded evidence that is still valid
)

// Check is one thing that is looked at. Kind says which of the fields it has;
// kinds, below, is the table.
type Check struct {
	ID   string `yaml:"id"`
	Kind string `yaml:"kind"`

	// About and Classes are the coarse choice of entries that can matter to any
	// expression of the check: entries whose type or category is one of the names,
	// or whose class is one of the classes. Without both, all but Sealbook's own.
	About   []string           `yaml:"about"`
	Classes []audit.EventClass `yaml:"classes"`

	Population Expression `yaml:"population"` // of ratio, absence, unique; default: all that the check is about
	Pass       Expression `yaml:"pass"`
	Violation  Expression `yaml:"violation"`
	Value      Expression `yaml:"value"` // a text
	Owner      Expression `yaml:"owner"` // a text
	Match      Expression `yaml:"match"`
	Members    Expression `yaml:"members"` // whose keys must have a match; default: Match
	Trigger    Expression `yaml:"trigger"`
	Then       Expression `yaml:"then"`
	Target     Expression `yaml:"target"`
	Needs      Expression `yaml:"needs"`
	Differ     Expression `yaml:"differ"` // a text that must not be the same of the two: who approved, and who did it
	Key        Expression `yaml:"key"`    // a text: what the two, or the intervals, are of; default: all are of one

	Every    *Span    `yaml:"every"`
	Within   *Span    `yaml:"within"`
	ValidFor *Span    `yaml:"valid_for"`
	Probes   []string `yaml:"probes"`
	Required bool     `yaml:"required"` // a missing attestation is a failure, and not only unknown

	// CompliantAt and PartialAt are shares, from 0 to 1; the defaults are 1 and
	// more than none.
	CompliantAt *float64 `yaml:"compliant_at"`
	PartialAt   *float64 `yaml:"partial_at"`

	common bool // a shared check: the same wherever it is used
}

// Probes of kind Integrity, which the caller answers.
var Probes = []string{"chain_verified", "checkpoint_consistent", "checkpoint_anchored", "retention_floor"}

// kinds lists which fields each kind must have, and which it may.
var kinds = map[string]struct{ must, may []string }{
	Ratio:       {[]string{"pass"}, []string{"about", "classes", "population", "compliant_at", "partial_at"}},
	Absence:     {[]string{"violation"}, []string{"about", "classes", "population"}},
	Cadence:     {[]string{"match", "every"}, []string{"about", "classes", "members", "key", "compliant_at", "partial_at"}},
	SLA:         {[]string{"trigger", "then", "within"}, []string{"about", "classes", "key", "compliant_at", "partial_at"}},
	Sequence:    {[]string{"target", "needs"}, []string{"about", "classes", "differ", "within", "key", "compliant_at", "partial_at"}},
	Unique:      {[]string{"value", "owner"}, []string{"about", "classes", "population"}},
	Integrity:   {[]string{"probes"}, nil},
	Attestation: {[]string{"valid_for"}, []string{"required"}},
}

// fields are the optional ones that are given, by name.
func (c *Check) fields() (given []string) {
	for name, there := range map[string]bool{
		"about": len(c.About) > 0, "classes": len(c.Classes) > 0, "population": c.Population.given(), "pass": c.Pass.given(), "violation": c.Violation.given(),
		"value": c.Value.given(), "owner": c.Owner.given(), "match": c.Match.given(), "members": c.Members.given(), "trigger": c.Trigger.given(),
		"then": c.Then.given(), "target": c.Target.given(), "needs": c.Needs.given(), "differ": c.Differ.given(), "key": c.Key.given(),
		"every": c.Every != nil, "within": c.Within != nil, "valid_for": c.ValidFor != nil, "probes": len(c.Probes) > 0, "required": c.Required,
		"compliant_at": c.CompliantAt != nil, "partial_at": c.PartialAt != nil,
	} {
		if there {
			given = append(given, name)
		}
	}
	slices.Sort(given)
	return given
}

func (c *Check) compile() error {
	kind, ok := kinds[c.Kind]
	if !ok {
		return fmt.Errorf("there is no kind %q", c.Kind)
	}
	given := c.fields()
	for _, name := range kind.must {
		if !slices.Contains(given, name) {
			return fmt.Errorf("%s needs %s", c.Kind, name)
		}
	}
	for _, name := range given {
		if !slices.Contains(kind.must, name) && !slices.Contains(kind.may, name) {
			return fmt.Errorf("%s has no %s", c.Kind, name)
		}
	}
	for _, x := range []*Expression{&c.Population, &c.Pass, &c.Violation, &c.Match, &c.Members, &c.Trigger, &c.Then, &c.Target, &c.Needs} {
		if err := compileGiven(x, cel.BoolType); err != nil {
			return err
		}
	}
	for _, x := range []*Expression{&c.Value, &c.Owner, &c.Differ, &c.Key} {
		if err := compileGiven(x, cel.StringType); err != nil {
			return err
		}
	}
	for _, name := range c.Probes {
		if !slices.Contains(Probes, name) {
			return fmt.Errorf("there is no probe %q; there are %s", name, strings.Join(Probes, ", "))
		}
	}
	compliant, partial := c.thresholds()
	if partial < 0 || partial > compliant || compliant > 1 {
		return fmt.Errorf("compliant_at and partial_at are shares from 0 to 1, the second not above the first")
	}
	return nil
}

func compileGiven(x *Expression, want *cel.Type) error {
	if !x.given() {
		return nil
	}
	return x.compile(want)
}

// thresholds are the shares from which a check is compliant, and partial. A
// partial of 0 means: more than none.
func (c *Check) thresholds() (compliant, partial float64) {
	compliant = 1
	if c.CompliantAt != nil {
		compliant = *c.CompliantAt
	}
	if c.PartialAt != nil {
		partial = *c.PartialAt
	}
	return compliant, partial
}

// selects reports whether an entry can matter to the check.
func (c *Check) selects(e *audit.Event) bool {
	if len(c.About) == 0 && len(c.Classes) == 0 {
		return !strings.HasPrefix(e.Type, "audit.")
	}
	return slices.Contains(c.About, e.Type) || slices.Contains(c.About, e.ShownCategory()) || slices.Contains(c.Classes, e.Class)
}
