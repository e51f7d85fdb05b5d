// Command generate writes the parts of the client package that follow from the
// API's document: a type for each schema that is used and a method for each
// operation. It guards that the client is the document's, because a test compares
// what it writes with what is there; go generate runs it.
package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func main() {
	document := flag.String("document", "api/openapi.yaml", "the API's document, a `FILE` of OpenAPI 3.1")
	out := flag.String("out", "client", "the client package's `FOLDER`")
	flag.Parse()
	if err := run(*document, *out); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(document, folder string) error {
	source, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	files, err := generate(source, folder)
	if err != nil {
		return fmt.Errorf("%s: %w", document, err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the generated files of the client package in folder, by name.
func generate(source []byte, folder string) (map[string][]byte, error) {
	d, err := parse(source)
	if err != nil {
		return nil, err
	}
	g := &types{document: d, made: map[*yaml.Node]goType{}, source: map[string]string{}}
	if g.names, err = written(folder); err != nil {
		return nil, err
	}
	// Named schemas keep their names, whatever is made first.
	schemas := members(get(d.root, "components", "schemas"))
	for _, fixed := range []string{"Code", "ErrorBody"} { // the hand-written part needs them
		i := slices.IndexFunc(schemas, func(m member) bool { return m.name == fixed })
		if i < 0 {
			return nil, fmt.Errorf("there is no schema %s", fixed)
		}
		if _, err := g.of(schemas[i].value, fixed); err != nil {
			return nil, err
		}
	}
	operations, err := g.operations()
	if err != nil {
		return nil, err
	}
	var types, calls strings.Builder
	for _, name := range slices.Sorted(maps.Keys(g.source)) {
		types.WriteString("\n" + g.source[name])
	}
	if g.patched {
		types.WriteString(patchSource)
	}
	for _, o := range operations {
		o.write(&calls)
	}
	files := map[string][]byte{}
	for name, content := range map[string]string{"schemas.gen.go": types.String(), "operations.gen.go": calls.String()} {
		text, err := format.Source([]byte(header + imports(content) + content))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files[name] = text
	}
	return files, nil
}

const header = "// Code generated from api/openapi.yaml by go generate ./client; DO NOT EDIT.\n\npackage client\n\n"

// imports are those that the text uses.
func imports(content string) string {
	out := "import (\n"
	for _, path := range []string{"bytes", "cmp", "context", "encoding/json", "iter", "time"} {
		if used := regexp.MustCompile(`\b` + filepath.Base(path) + `\.[A-Z]`); used.MatchString(content) {
			out += fmt.Sprintf("\t%q\n", path)
		}
	}
	return out + ")\n\n"
}

// written returns the names that the package's other files declare.
func written(folder string) (map[string]bool, error) {
	names := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		if strings.HasSuffix(name, ".gen.go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					names[d.Name.Name] = true
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						names[s.Name.Name] = true
					case *ast.ValueSpec:
						for _, n := range s.Names {
							names[n.Name] = true
						}
					}
				}
			}
		}
	}
	return names, nil
}

// patchSource is written when the document has members that a request can take
// the value of away.
const patchSource = `
// Patch is the new value of a member that is changed: a value, or none. Its zero
// value leaves the member as it is.
type Patch[T any] struct {
	value *T
	set   bool
}

// Set changes a member to v.
func Set[T any](v T) Patch[T] { return Patch[T]{&v, true} }

// Clear takes a member's value away: null is sent.
func Clear[T any]() Patch[T] { return Patch[T]{nil, true} }

// IsZero reports whether nothing is changed.
func (p Patch[T]) IsZero() bool { return !p.set }

// MarshalJSON implements json.Marshaler.
func (p Patch[T]) MarshalJSON() ([]byte, error) { return json.Marshal(p.value) }
`
