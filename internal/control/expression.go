package control

import (
	"errors"
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/sealbook/sealbook/audit"
)

// Limits of an expression, so that no catalogue can hold an assessment up.
const (
	MaxExpression = 2_000   // characters
	MaxCost       = 100_000 // of one evaluation, in CEL's own measure of work
)

// An expression has one variable, the entry. Optional types make keys askable
// that emitters choose: e.context.?badge.orValue("").
var environment = func() *cel.Env {
	env, err := cel.NewEnv(
		cel.OptionalTypes(),
		cel.CustomTypeAdapter(adapter{}),
		cel.Variable("e", cel.MapType(cel.StringType, cel.DynType)),
	)
	if err != nil {
		panic(err) // a fault of the program, seen at every start
	}
	return env
}()

// Expression is CEL over an entry; the zero value is none.
type Expression struct {
	text    string
	program cel.Program
}

// UnmarshalText takes the text; compile reads it.
func (x *Expression) UnmarshalText(text []byte) error {
	x.text = string(text)
	return nil
}

func (x *Expression) given() bool { return x.text != "" }

// compile type-checks the expression, whose value must be able to be of the
// wanted type: a field of an entry is of any.
func (x *Expression) compile(want *cel.Type) error {
	if len([]rune(x.text)) > MaxExpression {
		return fmt.Errorf("an expression has at most %d characters", MaxExpression)
	}
	ast, issues := environment.Compile(x.text)
	if issues.Err() != nil {
		return issues.Err()
	}
	if got := ast.OutputType(); !got.IsExactType(want) && !got.IsExactType(cel.DynType) {
		return fmt.Errorf("%s is of type %s, not %s", x.text, got, want)
	}
	var err error
	x.program, err = environment.Program(ast, cel.CostLimit(MaxCost), cel.EvalOptions(cel.OptOptimize))
	return err
}

var errKind = errors.New("the expression has a value of another type")

// holds evaluates a condition over an entry. An error is the entry's: a key that
// it lacks, or too much work.
func (x *Expression) holds(e view) (bool, error) {
	out, _, err := x.program.Eval(map[string]any{"e": map[string]any(e)})
	if err != nil {
		return false, err
	}
	b, ok := out.(types.Bool)
	if !ok {
		return false, errKind
	}
	return bool(b), nil
}

// key evaluates an expression whose value is a text; the empty text is none.
func (x *Expression) key(e view) (string, error) {
	out, _, err := x.program.Eval(map[string]any{"e": map[string]any(e)})
	if err != nil {
		return "", err
	}
	s, ok := out.(types.String)
	if !ok {
		return "", errKind
	}
	if len(s) > maxKey {
		s = s[:maxKey]
	}
	return string(s), nil
}

// maxKey bounds what a check remembers of one subject, in bytes.
const maxKey = audit.MaxIdentifier
