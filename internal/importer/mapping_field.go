package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MappedField says where one field of an entry comes from: a column, or always
// the same.
type MappedField struct {
	Column   string            `json:"column" yaml:"column"`
	Constant string            `json:"constant" yaml:"constant"`
	Values   map[string]string `json:"values" yaml:"values"`     // what stands for what the column holds
	Other    string            `json:"other" yaml:"other"`       // for what Values has not; without it such a row is bad
	Default  string            `json:"default" yaml:"default"`   // for an empty cell
	Required bool              `json:"required" yaml:"required"` // a row whose cell is empty is bad

	Type string `json:"type" yaml:"type"` // of a member of details: see fieldTypes

	// Of the timestamp only.
	Layout    string `json:"layout" yaml:"layout"`       // rfc3339, unix, unix_ms, or as Go writes one: 02.01.2006 15:04:05
	Zone      string `json:"zone" yaml:"zone"`           // of times that do not say it, such as Europe/Berlin
	Ambiguous string `json:"ambiguous" yaml:"ambiguous"` // earlier or later, for a local time that there is twice

	path, group, name string // "actor.id", "actor", "id"; group is empty at the top
	time              *timeForm
}

var fieldTypes = []string{"", "text", "number", "boolean", "json"}

// mappable are the fields of an entry that a mapping can fill; * is any name.
var mappable = map[string][]string{
	"":           {"event_type", "severity", "description", "category", "timestamp", "compliance_frameworks", "requires_investigation"},
	"actor":      {"type", "id", "name", "email", "role", "department", "session_id"},
	"resource":   {"type", "id", "name"},
	"repository": {"id", "name"},
	"action":     {"operation", "method", "endpoint"},
	"context":    {"*"},
	"metadata":   {"*"},
	"details":    {"*"},
}

func (f *MappedField) check() error {
	f.name = f.path
	if group, name, nested := strings.Cut(f.path, "."); nested {
		f.group, f.name = group, name
	}
	names, ok := mappable[f.group]
	if !ok || f.name == "" || !slices.Contains(names, f.name) && !slices.Contains(names, "*") {
		return errors.New("a mapping cannot fill this field")
	}
	switch {
	case (f.Column == "") == (f.Constant == ""):
		return errors.New("it has either a column or a constant")
	case f.Constant != "" && (f.Values != nil || f.Other != "" || f.Default != "" || f.Required):
		return errors.New("values, other, default and required are for columns")
	case f.Other != "" && f.Values == nil:
		return errors.New("other is for what values has not")
	case f.Required && f.Default != "":
		return errors.New("it is either required or has a default")
	case !slices.Contains(fieldTypes, f.Type):
		return errors.New("type is one of text, number, boolean, json")
	case f.Type != "" && f.group != "details":
		return errors.New("type is for members of details")
	}
	if f.path == "event_type" && f.Default == "" {
		f.Required = true
	}
	if f.path != "timestamp" {
		if f.Layout != "" || f.Zone != "" || f.Ambiguous != "" {
			return errors.New("layout, zone and ambiguous are for the timestamp")
		}
		return nil
	}
	// Without a time an entry would get that of the import.
	if f.Constant != "" || f.Default != "" || f.Values != nil {
		return errors.New("every row has its own time: it has neither constant nor default nor values")
	}
	f.Required = true
	var err error
	f.time, err = newTimeForm(f.Layout, f.Zone, f.Ambiguous)
	return err
}

// value is what a cell gives. there is false for an empty one without a
// default.
func (f *MappedField) value(cell string) (v any, there bool, err error) {
	s := cell
	switch mapped, known := f.Values[cell]; {
	case f.Constant != "":
		s = f.Constant
	case known:
		s = mapped
	case cell == "" && f.Required:
		return nil, false, errors.New("it is empty")
	case cell == "":
		s = f.Default
	case f.Values != nil && f.Other == "":
		return nil, false, fmt.Errorf("%q is not among the mapping's values", clip(cell, 80))
	case f.Values != nil:
		s = f.Other
	}
	if s == "" && f.Required {
		return nil, false, errors.New("the mapping makes it empty")
	}
	if s == "" {
		return nil, false, nil
	}
	v, err = f.convert(s)
	return v, err == nil, err
}

func (f *MappedField) convert(s string) (any, error) {
	switch {
	case f.path == "timestamp":
		return f.time.parse(s)
	case f.path == "compliance_frameworks":
		var list []any
		for name := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ';' }) {
			list = append(list, strings.TrimSpace(name))
		}
		return list, nil
	case f.path == "requires_investigation", f.Type == "boolean":
		if s != "true" && s != "false" {
			return nil, fmt.Errorf("%q is neither true nor false", clip(s, 80))
		}
		return s == "true", nil
	case f.Type == "number", f.Type == "json":
		v, err := decode([]byte(s))
		if _, isNumber := v.(json.Number); f.Type == "number" && (err != nil || !isNumber) {
			return nil, fmt.Errorf("%q is not a number as JSON writes it", clip(s, 80))
		}
		return v, err
	}
	return s, nil
}
