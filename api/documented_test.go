package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sealbook/sealbook/api"
)

// TestDocumentedRequests runs testdata/documents: the requests that the two
// documents print, under every mount. Each field of their messages must have
// been seen with a value, or a line of fields.tsv would prove nothing.
func TestDocumentedRequests(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/documents/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	d := readDocumented(t, "testdata/documents/fields.tsv")
	t.Run("scripts", func(t *testing.T) {
		for _, file := range files {
			for _, mount := range api.Mounts {
				t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+mount, func(t *testing.T) {
					t.Parallel()
					b := newBench(t)
					b.documented = d
					runScript(t, b, file, mount)
				})
			}
		}
	})
	for _, message := range slices.Sorted(maps.Keys(d.messages)) {
		for _, f := range d.messages[message] {
			if !d.seen[message+f.pointer] {
				t.Errorf("no script shows %s of %q", f.pointer, message)
			}
		}
	}
}

// documented is the table of documented fields, and which of them were seen
// with a value.
type documented struct {
	messages map[string][]field

	mu   sync.Mutex
	seen map[string]bool
}

type field struct{ pointer, kind string }

func readDocumented(t *testing.T, file string) *documented {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := &documented{messages: map[string][]field{}, seen: map[string]bool{}}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(columns) != 3 {
			t.Fatalf("%s: %q", file, line)
		}
		d.messages[columns[0]] = append(d.messages[columns[0]], field{columns[1], columns[2]})
	}
	return d
}

// hold holds a message to its lines of the table.
func (d *documented) hold(message string, body []byte) error {
	if d == nil || d.messages[message] == nil {
		return fmt.Errorf("no message %q is documented", message)
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	for _, f := range d.messages[message] {
		found := values(v, strings.Split(f.pointer, "/")[1:])
		if len(found) == 0 {
			return fmt.Errorf("there is no %s", f.pointer)
		}
		for _, value := range found {
			if !f.holds(value) {
				return fmt.Errorf("%s is %v, not of type %s", f.pointer, value, f.kind)
			}
			if value != nil {
				d.mu.Lock()
				d.seen[message+f.pointer] = true
				d.mu.Unlock()
			}
		}
	}
	return nil
}

func (f field) holds(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return f.kind == "string"
	case bool:
		return f.kind == "boolean"
	case float64:
		return f.kind == "number" || f.kind == "integer" && v == math.Trunc(v)
	}
	return false
}

// values returns what a pointer leads to, with * in each element that has it.
func values(v any, steps []string) (out []any) {
	if len(steps) == 0 {
		return []any{v}
	}
	switch at := v.(type) {
	case []any:
		for i, element := range at {
			if steps[0] == "*" || steps[0] == strconv.Itoa(i) {
				out = append(out, values(element, steps[1:])...)
			}
		}
	case map[string]any:
		if member, ok := at[strings.NewReplacer("~1", "/", "~0", "~").Replace(steps[0])]; ok {
			out = values(member, steps[1:])
		}
	}
	return out
}
