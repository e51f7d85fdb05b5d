package importer

import (
	"sort"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// maxDetailDepth leaves room in the ledger's 16 levels for the payload and for
// the list of a bulk request.
const maxDetailDepth = 12

// maxDescription bounds the descriptions that are made here, in characters, far
// below the ledger's limit.
const maxDescription = 1000

// notesKey is the member of details that says what fit had to change.
const notesKey = "import_notes"

// fitRecord makes a record fit for the ledger, and notes in it what that
// changed, beside the notes that there are already. A record that has a member of the notes' name keeps it: the notes
// take another then.
func fitRecord(record map[string]any, notes ...any) {
	fit(record, maxDetailDepth, "", func(place, what string) { notes = append(notes, place+": "+what) })
	if notes == nil {
		return
	}
	sort.Slice(notes, func(i, j int) bool { return notes[i].(string) < notes[j].(string) })
	key := notesKey
	for _, taken := record[key]; taken; _, taken = record[key] {
		key += "_"
	}
	record[key] = notes
}

// moved takes the members that are texts out of a record, under new names. One
// that is too long for its place stays where it is.
func moved(record map[string]any, names map[string]string) map[string]any {
	out := map[string]any{}
	for from, to := range names {
		if s, ok := record[from].(string); ok && len(s) <= audit.MaxProse {
			out[to] = s
			delete(record, from)
		}
	}
	return out
}

// movedWhole takes members out of a record as they are.
func movedWhole(record, to map[string]any, names ...string) {
	for _, name := range names {
		if v, there := record[name]; there {
			to[name] = v
			delete(record, name)
		}
	}
}

// dropEmpty takes the parts out of an entry that say nothing.
func dropEmpty(entry map[string]any) {
	for _, key := range []string{"context", "metadata", "repository"} {
		if part, ok := entry[key].(map[string]any); ok && len(part) == 0 {
			delete(entry, key)
		}
	}
}

// describe bounds a description.
func describe(text string) string {
	if runes := []rune(text); len(runes) > maxDescription {
		text = string(runes[:maxDescription]) + "…"
	}
	return strings.TrimSpace(text)
}

// typeName makes a dotted event type of a name: prefix, and the name in lower
// case with an underscore for whatever a type's name cannot hold.
func typeName(prefix, name string) string {
	fitting := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '.', r == '_', r == '-':
			return r
		}
		return '_'
	}, name), "._")
	return prefix + shorten(fitting, name, maxTypeBytes-len(prefix))
}

// maxTypeBytes is what a record holds of a type's name.
const maxTypeBytes = 64
