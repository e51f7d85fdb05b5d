package forensic

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sealbook/sealbook/audit"
)

//go:embed rules.yaml
var source []byte

// Rules are a version of the rules.
type Rules struct {
	Version    int                  `yaml:"version"`    // from 1
	Selections map[string]Selection `yaml:"selections"` // by the names that steps use
	Rules      []Rule               `yaml:"rules"`
}

// Rule is one pattern to look for.
type Rule struct {
	ID          string         `yaml:"id"` // [a-z-]+, for ever
	Version     int            `yaml:"version"`
	Title       string         `yaml:"title"`
	Kind        Kind           `yaml:"kind"`
	Severity    audit.Severity `yaml:"severity"`
	Techniques  []string       `yaml:"techniques"`
	Correlation string         `yaml:"correlation"` // a key of correlations
	Parameters  `yaml:",inline"`
}

// Parameters are the figures of a rule. Which of them count is said where its
// correlation is implemented.
type Parameters struct {
	Window    Duration `yaml:"window" json:"window_seconds,omitempty"`
	Steps     []Step   `yaml:"steps" json:"steps,omitempty"`
	Reset     *Step    `yaml:"reset" json:"reset,omitempty"`
	Threshold float64  `yaml:"threshold" json:"threshold,omitempty"`
	Slack     float64  `yaml:"slack" json:"slack,omitempty"`
	Model     *Model   `yaml:"-" json:"model,omitempty"` // of behaviour
}

// Step selects entries and says how many of them are enough. The fields in By
// must be there; entries whose values agree, with those of the other steps by
// position, belong together.
type Step struct {
	Select     string   `yaml:"select" json:"select"`
	By         []string `yaml:"by" json:"by,omitempty"`
	Count      int      `yaml:"count" json:"count,omitempty"` // entries, or distinct values if Distinct is given; default 1
	Within     Duration `yaml:"within" json:"within_seconds,omitempty"`
	Distinct   string   `yaml:"distinct" json:"distinct,omitempty"`         // a field
	EachAtMost int      `yaml:"each_at_most" json:"each_at_most,omitempty"` // values that come more often do not count; 0: no bound
}

// Duration is written as in Go ("30m", "1080h") and shown in seconds.
type Duration time.Duration

// UnmarshalText reads the form of time.ParseDuration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// MarshalJSON writes seconds.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).Seconds()) }

// UnmarshalJSON reads seconds.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var seconds float64
	err := json.Unmarshal(text, &seconds)
	*d = Duration(seconds * float64(time.Second))
	return err
}

// Load reads the embedded rules.
func Load() (*Rules, error) {
	r, err := parse(source)
	if err != nil {
		return nil, fmt.Errorf("rules of analyses: %w", err)
	}
	return r, nil
}

func parse(text []byte) (*Rules, error) {
	r := &Rules{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(r); err != nil {
		return nil, err
	}
	if r.Version < 1 || len(r.Rules) == 0 {
		return nil, fmt.Errorf("there is no version, or no rule")
	}
	for name, s := range r.Selections {
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("selection %s: %w", name, err)
		}
	}
	seen := map[string]bool{}
	for i := range r.Rules {
		rule := &r.Rules[i]
		if seen[rule.ID] {
			return nil, fmt.Errorf("rule %s is given twice", rule.ID)
		}
		seen[rule.ID] = true
		if err := rule.check(r.Selections); err != nil {
			return nil, fmt.Errorf("rule %s: %w", rule.ID, err)
		}
	}
	return r, nil
}

var ruleID = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// check also sets what may be left out.
func (r *Rule) check(selections map[string]Selection) error {
	form, known := correlations[r.Correlation]
	switch {
	case !ruleID.MatchString(r.ID) || r.Version < 1 || r.Title == "":
		return fmt.Errorf("it needs an id, a version and a title")
	case !slices.Contains([]Kind{Fact, Pattern, Unusual}, r.Kind) || !slices.Contains(audit.Severities, r.Severity):
		return fmt.Errorf("there is no kind %q or no severity %q", r.Kind, r.Severity)
	case !known:
		return fmt.Errorf("there is no correlation %q", r.Correlation)
	case len(r.Steps) < form.least || len(r.Steps) > form.most:
		return fmt.Errorf("%s takes %d to %d steps", r.Correlation, form.least, form.most)
	case r.Window < 0:
		return fmt.Errorf("the window is negative")
	}
	if r.Techniques == nil {
		r.Techniques = []string{}
	}
	steps := make([]*Step, 0, len(r.Steps)+1)
	for i := range r.Steps {
		steps = append(steps, &r.Steps[i])
	}
	if r.Reset != nil {
		steps = append(steps, r.Reset)
	}
	for i, s := range steps {
		s.Count = max(s.Count, 1)
		if _, ok := selections[s.Select]; !ok {
			return fmt.Errorf("there is no selection %q", s.Select)
		}
		if len(s.By) != len(r.Steps[0].By) {
			return fmt.Errorf("steps are grouped by different numbers of fields")
		}
		if i > 0 && (s.Count > 1 || s.Distinct != "") {
			return fmt.Errorf("only the first step counts")
		}
	}
	return nil
}

func (s *Selection) check() error {
	for _, glob := range slices.Concat(s.Types, s.NotTypes) {
		if _, err := path.Match(glob, ""); err != nil {
			return fmt.Errorf("%q: %w", glob, err)
		}
	}
	if !slices.Contains([]string{"", "success", "failure"}, s.Outcome) {
		return fmt.Errorf("there is no outcome %q", s.Outcome)
	}
	for i := range s.Any {
		if err := s.Any[i].check(); err != nil {
			return err
		}
	}
	return nil
}
