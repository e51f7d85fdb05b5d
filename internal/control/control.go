// Package control says what the entries of a ledger show about the requirements
// of a framework: control catalogues, their checks, and the one function that
// makes verdicts and a score of them. It guards that what cannot be known is
// never a pass: no population, nobody who reports, or a rule that fails. The
// worker's assessments are made with it, and anybody can make them again.
package control

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/sealbook/sealbook/audit"
)

//go:embed catalogs/*.yaml
var shipped embed.FS

// Limits of a catalogue, of ours as of one that an organisation adds.
const (
	MaxCatalogSize  = 512 << 10 // bytes of YAML
	MaxRequirements = 500
	MaxChecks       = 20 // of a requirement
)

// Catalog is a framework's requirements with what is checked of them.
type Catalog struct {
	Framework    audit.Framework `yaml:"framework"`
	Edition      string          `yaml:"edition"` // what the identifiers are of
	Version      int             `yaml:"version"` // rises with every change of a check
	Requirements []Requirement   `yaml:"requirements"`
	NotInLedger  []string        `yaml:"not_in_ledger"` // criteria that no log can show
	Metrics      []Metric        `yaml:"metrics"`

	Digest string `yaml:"-"` // "sha256:" and 64 hex digits, of the text
}

// Requirement is one line of a framework; its title is in our own words.
type Requirement struct {
	ID        string         `yaml:"id"`        // 11.10(e)-prior
	Criterion string         `yaml:"criterion"` // 11.10(e): what evidence is filed under
	Title     string         `yaml:"title"`
	Severity  audit.Severity `yaml:"severity"`
	Notify    bool           `yaml:"notify"` // a violation may have to be notified to an authority
	Checks    []Check        `yaml:"checks"`
	Uses      []string       `yaml:"uses"` // of the checks that catalogues share, by id; before the requirement's own
}

const sharedFile = "checks.yaml"

// shared are the checks that any catalogue may use.
var shared = sync.OnceValues(func() (map[string]Check, error) {
	text, err := shipped.ReadFile(path.Join("catalogs", sharedFile))
	if err != nil {
		return nil, err
	}
	var list struct {
		Checks []Check `yaml:"checks"`
	}
	if err := decode(text, &list); err != nil {
		return nil, err
	}
	byID := map[string]Check{}
	for i := range list.Checks {
		c := &list.Checks[i]
		if _, twice := byID[c.ID]; twice {
			return nil, fmt.Errorf("%s: check %s is there twice", sharedFile, c.ID)
		}
		if err := c.compile(); err != nil {
			return nil, fmt.Errorf("%s: check %s: %w", sharedFile, c.ID, err)
		}
		c.common = true
		byID[c.ID] = *c
	}
	return byID, nil
})

func decode(text []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	return d.Decode(into)
}

// Shipped reads the catalogues in the program, in the order of
// [audit.Frameworks]. An error is a fault of the program. The list is the
// caller's; the catalogues are everybody's.
func Shipped() ([]*Catalog, error) {
	all, err := compiled()
	return slices.Clone(all), err
}

var compiled = sync.OnceValues(func() ([]*Catalog, error) {
	files, err := shipped.ReadDir("catalogs")
	if err != nil {
		return nil, err
	}
	var all []*Catalog
	for _, f := range files {
		if f.Name() == sharedFile {
			continue
		}
		text, err := shipped.ReadFile(path.Join("catalogs", f.Name()))
		if err != nil {
			return nil, err
		}
		c, err := Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *Catalog) int {
		return slices.Index(audit.Frameworks, a.Framework) - slices.Index(audit.Frameworks, b.Framework)
	})
	return all, nil
})

// Parse reads a catalogue and compiles its expressions. Returns InvalidParameter
// with what is wrong, and where.
func Parse(text []byte) (*Catalog, error) {
	if len(text) > MaxCatalogSize {
		return nil, audit.Errorf(audit.InvalidParameter, "a catalogue has at most %d bytes", MaxCatalogSize)
	}
	c := &Catalog{}
	err := decode(text, c)
	if err == nil {
		err = c.compile()
	}
	if err == nil {
		c.Digest, err = digest(text)
	}
	if err != nil {
		return nil, &audit.Error{Code: audit.InvalidParameter, Message: "the catalogue is not valid: " + err.Error(), Err: err}
	}
	return c, nil
}

// digest is of everything that an assessment by a catalogue depends on: the
// checks that catalogues share, and its own text.
func digest(text []byte) (string, error) {
	common, err := shipped.ReadFile(path.Join("catalogs", sharedFile))
	if err != nil {
		return "", err
	}
	first, second := sha256.Sum256(common), sha256.Sum256(text)
	sum := sha256.Sum256(append(first[:], second[:]...))
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

var (
	requirementID = regexp.MustCompile(`^[A-Za-z0-9.()/-]{1,40}$`)
	checkID       = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
)

func (c *Catalog) compile() error {
	switch {
	case !slices.Contains(audit.Frameworks, c.Framework):
		return fmt.Errorf("there is no framework %q", c.Framework)
	case c.Version < 1 || c.Edition == "":
		return fmt.Errorf("a catalogue has a version from 1 and an edition")
	case len(c.Requirements) == 0 || len(c.Requirements) > MaxRequirements:
		return fmt.Errorf("a catalogue has 1 to %d requirements", MaxRequirements)
	}
	seen := map[string]bool{}
	for i := range c.Requirements {
		r := &c.Requirements[i]
		switch {
		case !requirementID.MatchString(r.ID) || seen[r.ID]:
			return fmt.Errorf("requirement %q is no identifier, or is there twice", r.ID)
		case r.Criterion == "" || r.Title == "":
			return fmt.Errorf("requirement %s has no criterion or no title", r.ID)
		case !slices.Contains(audit.Severities, r.Severity):
			return fmt.Errorf("requirement %s: %q is no severity", r.ID, r.Severity)
		case len(r.Checks)+len(r.Uses) == 0 || len(r.Checks)+len(r.Uses) > MaxChecks:
			return fmt.Errorf("requirement %s has 1 to %d checks", r.ID, MaxChecks)
		}
		seen[r.ID] = true
		if err := r.include(); err != nil {
			return fmt.Errorf("requirement %s: %w", r.ID, err)
		}
		checks := map[string]bool{}
		for k := range r.Checks {
			check := &r.Checks[k]
			if !checkID.MatchString(check.ID) || checks[check.ID] {
				return fmt.Errorf("requirement %s: check %q is no identifier, or is there twice", r.ID, check.ID)
			}
			checks[check.ID] = true
			if err := check.compile(); err != nil {
				return fmt.Errorf("requirement %s, check %s: %w", r.ID, check.ID, err)
			}
		}
	}
	return c.compileMetrics()
}

// include puts the shared checks that a requirement uses before its own.
func (r *Requirement) include() error {
	common, err := shared()
	if err != nil {
		return err
	}
	var used []Check
	for _, id := range r.Uses {
		c, ok := common[id]
		if !ok {
			return fmt.Errorf("there is no shared check %q", id)
		}
		used = append(used, c)
	}
	r.Checks = append(used, r.Checks...)
	return nil
}
