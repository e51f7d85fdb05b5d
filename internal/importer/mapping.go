package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v3"

	"github.com/sealbook/sealbook/audit"
)

// Limits of a mapping.
const (
	MaxMapping       = 64 << 10 // bytes of its file
	maxMappingSource = 64       // characters of source
)

// Mapping says how the rows of a CSV file become entries. docs/importing.md
// describes its file. Use ParseMapping; a Mapping is not changed afterwards.
type Mapping struct {
	Source     string                   `json:"source" yaml:"source"`           // names where the rows are from; starts their external ids
	Delimiter  string                   `json:"delimiter" yaml:"delimiter"`     // one character; a comma if it is empty
	Columns    []string                 `json:"columns" yaml:"columns"`         // their names, if the file has no line with them
	ExternalID string                   `json:"external_id" yaml:"external_id"` // the column with the id; without one, the row's content gives it
	Unmapped   string                   `json:"unmapped" yaml:"unmapped"`       // what becomes of columns that no field names: see unmappedPlaces
	Fields     map[string]MappedField   `json:"fields" yaml:"fields"`           // by their paths in an entry
	EventTypes map[string]MappingOfType `json:"event_types" yaml:"event_types"` // that are registered when a row has them

	fields []*MappedField // in the order of their paths
}

// MappingOfType describes an event type as PUT /event-types/{name} does.
type MappingOfType struct {
	Class       audit.EventClass `json:"class" yaml:"class"`
	Severity    audit.Severity   `json:"severity" yaml:"severity"`
	Description string           `json:"description" yaml:"description"`
}

// unmappedPlaces are the values of Mapping.Unmapped. What is in metadata can be
// erased column by column, what is in details cannot.
var unmappedPlaces = []string{"", "drop", "details", "metadata"}

var sourceForm = regexp.MustCompile(fmt.Sprintf(`^[a-z0-9._-]{1,%d}$`, maxMappingSource))

// ReadMapping reads a mapping, YAML or JSON. An error says what is wrong with
// it, in words for its author.
func ReadMapping(r io.Reader) (*Mapping, error) {
	content, err := io.ReadAll(io.LimitReader(r, MaxMapping+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read mapping: %w", err)
	case len(content) > MaxMapping:
		return nil, fmt.Errorf("the mapping is longer than %d KiB", MaxMapping>>10)
	}
	return ParseMapping(content)
}

// ParseMapping makes a mapping of the content of its file.
func ParseMapping(content []byte) (*Mapping, error) {
	content = bytes.TrimPrefix(content, byteOrderMark)
	m := &Mapping{}
	var err error
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte("{")) {
		err = json.Unmarshal(content, m, json.RejectUnknownMembers(true))
	} else {
		d := yaml.NewDecoder(bytes.NewReader(content))
		d.KnownFields(true)
		if err = d.Decode(m); err == nil && !errors.Is(d.Decode(&struct{}{}), io.EOF) {
			err = errors.New("there is more than one document")
		}
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("it is empty")
	}
	if err == nil {
		err = m.check()
	}
	if err != nil {
		return nil, fmt.Errorf("the mapping cannot be used: %w", err)
	}
	return m, nil
}

func (m *Mapping) check() error {
	if m.Delimiter == "" {
		m.Delimiter = ","
	}
	d := m.Delimiter[0]
	switch {
	case !sourceForm.MatchString(m.Source):
		return fmt.Errorf("source names where the rows are from, with 1 to %d of a-z, 0-9, dot, underscore and hyphen", maxMappingSource)
	case len(m.Delimiter) != 1 || d == '"' || d == '\r' || d == '\n' || d >= 0x80 || d == 0:
		return errors.New("delimiter is one ASCII character, and no quotation mark or line end")
	case len(m.Columns) > MaxColumns:
		return fmt.Errorf("columns names at most %d", MaxColumns)
	case !slices.Contains(unmappedPlaces, m.Unmapped):
		return fmt.Errorf("unmapped is one of drop, details, metadata")
	}
	for _, path := range []string{"event_type", "timestamp"} {
		if _, there := m.Fields[path]; !there {
			return fmt.Errorf("fields has no %s, which every entry needs", path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(m.Fields)) {
		f := m.Fields[path]
		f.path = path
		if err := f.check(); err != nil {
			return fmt.Errorf("fields, %s: %w", path, err)
		}
		m.fields = append(m.fields, &f)
	}
	if _, there := m.Fields["actor.type"]; !there && slices.ContainsFunc(m.fields, func(f *MappedField) bool { return f.group == "actor" }) {
		return errors.New("fields has parts of an actor and no actor.type: user, system or api_key")
	}
	for _, name := range slices.Sorted(maps.Keys(m.EventTypes)) {
		if err := m.EventTypes[name].check(name); err != nil {
			return fmt.Errorf("event_types, %s: %w", name, err)
		}
	}
	return nil
}

func (t MappingOfType) check(name string) error {
	_, builtin := audit.BuiltinEventTypes[name]
	switch {
	case !audit.ValidEventTypeName(name):
		return errors.New("a type's name has 1 to 64 of a-z, 0-9, dot, underscore and hyphen")
	case strings.HasPrefix(name, audit.ReservedPrefix):
		return errors.New("types that start with audit. are Sealbook's own")
	case builtin:
		return errors.New("this type exists in every organisation and cannot be changed")
	case !slices.Contains(audit.EventClasses, t.Class):
		return errors.New("class is one of login, logout, data_change, system_event, security_event")
	case !slices.Contains(audit.Severities, t.Severity):
		return errors.New("severity is one of low, medium, high, critical")
	case len(t.Description) > audit.MaxName:
		return fmt.Errorf("description has at most %d bytes", audit.MaxName)
	}
	return nil
}

// eventType is the type to register for a row of a type; it has no name if
// the mapping does not describe it.
func (m *Mapping) eventType(name string) audit.EventType {
	t, there := m.EventTypes[name]
	if !there {
		return audit.EventType{}
	}
	return audit.EventType{Name: name, Class: t.Class, Severity: t.Severity, Description: t.Description}
}
