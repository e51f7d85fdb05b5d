// Package catalog knows the criteria of each framework and which entries of a
// ledger are evidence for them. It guards that every identifier in it is one
// that it lists and that its texts are our own. The API answers from it.
package catalog

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sealbook/sealbook/audit"
)

//go:embed catalog.yaml
var source []byte

// Catalog is the embedded catalogue.
type Catalog struct {
	Version    int
	Frameworks []Framework
	Queries    []Query
}

// Framework is one framework's criteria, in its order.
type Framework struct {
	Framework audit.Framework
	Edition   string
	Criteria  []Criterion
}

// Criterion is one requirement; its title is in our own words.
type Criterion struct {
	ID    string
	Title string
}

// Query selects the entries that are one item of evidence.
type Query struct {
	ID          string // [a-z-]+, for ever: ids of evidence are made of it
	Type        string
	Title       string
	Description string
	Match       []audit.Selector
	Criteria    map[audit.Framework][]string // for which it is evidence
}

// Load reads the embedded catalogue.
func Load() (*Catalog, error) {
	c, err := parse(source)
	if err != nil {
		return nil, fmt.Errorf("catalogue of criteria: %w", err)
	}
	return c, nil
}

func parse(text []byte) (*Catalog, error) {
	c := &Catalog{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil {
		return nil, err
	}
	return c, c.check()
}

var (
	criterionID = regexp.MustCompile(`^[A-Za-z0-9.()-]{1,32}$`) // no comma: lists of them are separated by it
	queryID     = regexp.MustCompile(`^[a-z-]{1,40}$`)
)

func (c *Catalog) check() error {
	owner := map[string]audit.Framework{} // an upload names criteria without their framework
	for _, f := range c.Frameworks {
		if !slices.Contains(audit.Frameworks, f.Framework) {
			return fmt.Errorf("there is no framework %q", f.Framework)
		}
		for _, x := range f.Criteria {
			key := strings.ToLower(x.ID)
			if _, twice := owner[key]; twice || !criterionID.MatchString(x.ID) || x.Title == "" {
				return fmt.Errorf("criterion %q is given twice, or is no identifier, or has no title", x.ID)
			}
			owner[key] = f.Framework
		}
	}
	seen := map[string]bool{}
	for _, q := range c.Queries {
		if seen[q.ID] || !queryID.MatchString(q.ID) || q.Type == "" || q.Title == "" || len(q.Match) == 0 || len(q.Criteria) == 0 {
			return fmt.Errorf("query %q is given twice or is not whole", q.ID)
		}
		seen[q.ID] = true
		for framework, ids := range q.Criteria {
			for _, id := range ids {
				if owner[strings.ToLower(id)] != framework {
					return fmt.Errorf("query %s: %s has no criterion %q", q.ID, framework, id)
				}
			}
		}
	}
	return nil
}

// Of returns a framework's criteria; ok is false when the catalogue has none.
func (c *Catalog) Of(f audit.Framework) (Framework, bool) {
	i := slices.IndexFunc(c.Frameworks, func(x Framework) bool { return x.Framework == f })
	if i < 0 {
		return Framework{}, false
	}
	return c.Frameworks[i], true
}

// Find returns a criterion's own spelling and its framework.
func (c *Catalog) Find(id string) (canonical string, f audit.Framework, ok bool) {
	for _, x := range c.Frameworks {
		if canonical, ok := x.Find(id); ok {
			return canonical, x.Framework, true
		}
	}
	return "", "", false
}

// Find returns the spelling of one of the framework's criteria.
func (f *Framework) Find(id string) (canonical string, ok bool) {
	i := slices.IndexFunc(f.Criteria, func(x Criterion) bool { return strings.EqualFold(x.ID, id) })
	if i < 0 {
		return "", false
	}
	return f.Criteria[i].ID, true
}

// IDs lists the framework's criteria.
func (f *Framework) IDs() []string {
	out := make([]string, len(f.Criteria))
	for i, x := range f.Criteria {
		out[i] = x.ID
	}
	return out
}

// For returns the queries that are evidence for at least one of a framework's
// criteria.
func (c *Catalog) For(f audit.Framework, criteria []string) (list []Query) {
	for _, q := range c.Queries {
		if slices.ContainsFunc(q.Criteria[f], func(id string) bool { return slices.Contains(criteria, id) }) {
			list = append(list, q)
		}
	}
	return list
}

// Query returns a query by its id.
func (c *Catalog) Query(id string) (Query, bool) {
	i := slices.IndexFunc(c.Queries, func(q Query) bool { return q.ID == id })
	if i < 0 {
		return Query{}, false
	}
	return c.Queries[i], true
}
