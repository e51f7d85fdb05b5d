package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// CSV reads rows as a mapping says. The first row names the columns, unless
// the mapping does. A row's external id is "csv:", the mapping's source, ":"
// and the cell of the mapping's column; without such a column it follows from
// the row's content, as that of a line of JSONL does, whatever the order of
// the columns. A row that is wrong is an Item whose error names each of its
// cells that are.
func CSV(m *Mapping) Format {
	return func(r io.Reader) iter.Seq2[Item, error] {
		return func(yield func(Item, error) bool) {
			in := newCSVReader(r, m.Delimiter[0])
			names, line := m.Columns, 1
			if len(names) == 0 {
				first, err := in.next()
				switch {
				case errors.Is(err, io.EOF):
					return
				case err == nil && first.bad != nil:
					err = fmt.Errorf("line %d, column %d: %s", first.bad.line, first.bad.column, first.bad.what)
				}
				if err != nil {
					yield(Item{}, fmt.Errorf("read the names of the columns: %w", err))
					return
				}
				names, line = first.fields, first.line
			}
			t, err := newTable(m, names)
			if err != nil {
				yield(Item{}, fmt.Errorf("the columns of line %d do not fit the mapping: %w", line, err))
				return
			}
			for {
				row, err := in.next()
				if errors.Is(err, io.EOF) {
					return
				}
				if err != nil {
					yield(Item{}, err)
					return
				}
				if !yield(t.item(row), nil) {
					return
				}
			}
		}
	}
}

// table is one file under a mapping.
type table struct {
	mapping    *Mapping
	names      []string
	of         map[string]int    // the place of each column that has a name of its own
	unmapped   []int             // columns that no field names, if they are kept
	columns    map[string]string // which column a field is from, by its JSON Pointer
	identities identities
}

func newTable(m *Mapping, names []string) (*table, error) {
	t := &table{mapping: m, names: names, of: map[string]int{}, columns: map[string]string{}, identities: identities{}}
	twice := map[string]bool{"": true}
	for i, name := range names {
		if _, there := t.of[name]; there {
			twice[name] = true
		}
		t.of[name] = i
	}
	used := map[string]bool{}
	use := func(column string) error {
		used[column] = true
		if _, there := t.of[column]; !there {
			return fmt.Errorf("there is no column %q; there are %s", clip(column, 80), clip(strings.Join(names, ", "), 500))
		}
		if twice[column] {
			return fmt.Errorf("there are two columns %q", clip(column, 80))
		}
		return nil
	}
	if m.ExternalID != "" {
		if err := use(m.ExternalID); err != nil {
			return nil, err
		}
		t.columns["/external_id"] = t.place(t.of[m.ExternalID])
	}
	inMetadata := 0
	for _, f := range m.fields {
		if f.group == "metadata" {
			inMetadata++
		}
		if f.Column == "" {
			continue
		}
		if err := use(f.Column); err != nil {
			return nil, err
		}
		t.columns[pointer(f.group, f.name)] = t.place(t.of[f.Column])
	}
	if m.Unmapped == "" || m.Unmapped == "drop" {
		return t, nil
	}
	for i, name := range names {
		if used[name] {
			continue
		}
		if _, taken := m.Fields[m.Unmapped+"."+name]; taken || twice[name] {
			return nil, fmt.Errorf("column %d, %q, cannot go to %s under its name: it has none, or something else has it", i+1, clip(name, 80), m.Unmapped)
		}
		t.unmapped = append(t.unmapped, i)
		t.columns[pointer(m.Unmapped, name)] = t.place(i)
	}
	if m.Unmapped == "metadata" && inMetadata+len(t.unmapped) > audit.MaxMetadata {
		return nil, fmt.Errorf("%d columns would go to metadata, which holds %d", inMetadata+len(t.unmapped), audit.MaxMetadata)
	}
	return t, nil
}

// place names a column for a person.
func (t *table) place(column int) string {
	if column >= len(t.names) || t.names[column] == "" {
		return fmt.Sprintf("column %d", column+1)
	}
	return fmt.Sprintf("column %d, %s", column+1, clip(t.names[column], 80))
}

func pointer(group, name string) string {
	if group == "" {
		return "/" + escapePointer(name)
	}
	return "/" + group + "/" + escapePointer(name)
}

func (t *table) item(r row) Item {
	item := Item{Line: r.line, Columns: t.columns}
	switch {
	case r.bad != nil:
		item.Err = fmt.Errorf("%s: %s", t.place(r.bad.column-1), r.bad.what)
		if r.bad.line != r.line {
			item.Err = fmt.Errorf("%w (in line %d)", item.Err, r.bad.line)
		}
	case len(r.fields) != len(t.names):
		item.Err = fmt.Errorf("%s: the row has %d columns and the file %d", t.place(min(len(r.fields), len(t.names))), len(r.fields), len(t.names))
	default:
		var entry map[string]any
		if entry, item.Err = t.entry(r.fields); item.Err == nil {
			item.Type = t.mapping.eventType(text(entry["event_type"]))
			item.Entry, item.Err = json.Marshal(entry)
		}
	}
	return item
}

// entry makes an entry of a row. Its error names every cell that is wrong.
func (t *table) entry(cells []string) (map[string]any, error) {
	entry := map[string]any{}
	var bad []string
	fail := func(column string, err error) { bad = append(bad, t.place(t.of[column])+": "+err.Error()) }
	if err := t.identify(entry, cells); err != nil {
		fail(t.mapping.ExternalID, err)
	}
	put := func(group, name string, v any) {
		if group == "" {
			entry[name] = v
			return
		}
		if entry[group] == nil {
			entry[group] = map[string]any{}
		}
		entry[group].(map[string]any)[name] = v
	}
	columns, filled := map[string]bool{}, map[string]bool{}
	for _, f := range t.mapping.fields {
		cell := ""
		if f.Column != "" {
			cell = cells[t.of[f.Column]]
		}
		v, there, err := f.value(cell)
		if err != nil {
			fail(f.Column, err)
			continue
		}
		columns[f.group] = columns[f.group] || f.Column != ""
		if there {
			put(f.group, f.name, v)
			filled[f.group] = filled[f.group] || f.Column != ""
		}
	}
	if bad != nil {
		return nil, errors.New(strings.Join(bad, "; "))
	}
	// The type of an actor that no column names says nothing.
	for _, group := range []string{"actor", "resource", "repository", "action"} {
		if columns[group] && !filled[group] {
			delete(entry, group)
		}
	}
	for _, i := range t.unmapped {
		put(t.mapping.Unmapped, t.names[i], cells[i])
	}
	if details := object(entry["details"]); details != nil {
		fitRecord(details)
	}
	return entry, nil
}

// identify gives an entry its external id.
func (t *table) identify(entry map[string]any, cells []string) (err error) {
	m := t.mapping
	if m.ExternalID != "" {
		id, prefix := cells[t.of[m.ExternalID]], "csv:"+m.Source+":"
		if id == "" || len(prefix)+len(id) > audit.MaxIdentifier {
			return fmt.Errorf("an id has 1 to %d bytes", audit.MaxIdentifier-len(prefix))
		}
		entry["external_id"] = prefix + id
		return nil
	}
	content := make([][2]string, len(cells))
	for i, cell := range cells {
		content[i] = [2]string{t.names[i], cell}
	}
	slices.SortFunc(content, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	entry["external_id"], err = t.identities.of("csv.content:"+m.Source+":", content)
	return err
}
