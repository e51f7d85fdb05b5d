package ledger_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/ledger"
)

var testSeed = bytes.Repeat([]byte{7}, ledger.SeedSize)

const samplePayload = `{"action":{"changes":[{"field":"alarm","new_value":{"x":1},"old_value":180},{"field":"b"}],"operation":"update"},` +
	`"actor":{"email":"a@example.com","id":"u1"},"context":{"failure_count":5,"source_ip":"203.0.113.1"},"description":"d","severity":"low","~odd/key":1}`

func TestSplitLiftsPersonalData(t *testing.T) {
	t.Parallel()
	fields, err := ledger.Split([]byte(samplePayload), testSeed, ledger.PersonalPaths)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range fields {
		got = append(got, f.Path+" "+string(f.Value))
	}
	want := []string{
		`/action {"changes":[{"field":"alarm"},{"field":"b"}],"operation":"update"}`,
		`/action/changes/0/new_value {"x":1}`,
		`/action/changes/0/old_value 180`,
		`/actor {}`,
		`/actor/email "a@example.com"`,
		`/actor/id "u1"`,
		`/context {"failure_count":5}`,
		`/context/source_ip "203.0.113.1"`,
		`/description "d"`,
		`/severity "low"`,
		`/~0odd~1key 1`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	joined, withheld, err := ledger.Join(fields)
	if err != nil || string(joined) != samplePayload || withheld != nil {
		t.Errorf("%s %v %v", joined, withheld, err)
	}
}

// The commitment rules are frozen with the record format.
func TestPayloadRootVector(t *testing.T) {
	t.Parallel()
	fields, err := ledger.Split([]byte(samplePayload), testSeed, ledger.PersonalPaths)
	if err != nil {
		t.Fatal(err)
	}
	const want = "sha256:169757ade6b68c18b3c2659c7ad5257df7698be814f3a7ed665555d296bf553c"
	if got := ledger.FormatHash(ledger.PayloadRoot(fields)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWithheldFieldsKeepTheRoot(t *testing.T) {
	t.Parallel()
	fields, err := ledger.Split([]byte(samplePayload), testSeed, ledger.PersonalPaths)
	if err != nil {
		t.Fatal(err)
	}
	root := ledger.PayloadRoot(fields)
	hidden := ledger.Withhold(fields, func(path string) bool { return path == "/severity" })
	if ledger.PayloadRoot(hidden) != root {
		t.Error("withholding changes the root")
	}
	text, err := json.Marshal(hidden)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"example.com", "203.0.113.1", "180"} {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("%s is still there", secret)
		}
	}
	var back []ledger.Field
	if err := json.Unmarshal(text, &back); err != nil || ledger.PayloadRoot(back) != root {
		t.Errorf("%v", err)
	}
	payload, withheld, err := ledger.Join(back)
	if err != nil || string(payload) != `{"severity":"low"}` || len(withheld) != len(fields)-1 {
		t.Errorf("%s %v %v", payload, withheld, err)
	}
}

func TestAnyChangedFieldChangesTheRoot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fields, err := ledger.Split([]byte(samplePayload), testSeed, ledger.PersonalPaths)
		if err != nil {
			t.Fatal(err)
		}
		root := ledger.PayloadRoot(fields)
		f := &fields[rapid.IntRange(0, len(fields)-1).Draw(t, "field")]
		flip := func(b []byte) []byte {
			b = bytes.Clone(b)
			b[rapid.IntRange(0, len(b)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			return b
		}
		switch rapid.IntRange(0, 3).Draw(t, "what") {
		case 0:
			f.Value = flip(f.Value)
		case 1:
			f.Salt = flip(f.Salt)
		case 2:
			f.Path = string(flip([]byte(f.Path)))
		case 3:
			fields = fields[:len(fields)-1]
		}
		if ledger.PayloadRoot(fields) == root {
			t.Fatal("the root is the same")
		}
	})
}

func TestSplitAndJoinAreInverse(t *testing.T) {
	t.Parallel()
	names := rapid.SampledFrom([]string{"actor", "user", "metadata", "description", "context", "action", "changes", "old_value", "source_ip", "other", "a/b", "c~d", ""})
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		return rapid.Custom(func(t *rapid.T) any {
			switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
			case kind == 0 && depth > 0:
				return rapid.SliceOfN(value(depth-1), 0, 3).Draw(t, "array")
			case kind < 3 && depth > 0:
				return rapid.MapOfN(names, value(depth-1), 0, 5).Draw(t, "object")
			}
			return rapid.IntRange(-5, 5).Draw(t, "number")
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(rapid.MapOfN(names, value(4), 0, 6).Draw(t, "payload"))
		if err != nil {
			t.Fatal(err)
		}
		payload, err := ledger.Canonical(text)
		if err != nil {
			t.Fatal(err)
		}
		fields, err := ledger.Split(payload, testSeed, ledger.PersonalPaths)
		if err != nil {
			t.Fatal(err)
		}
		back, _, err := ledger.Join(fields)
		if err != nil || !bytes.Equal(back, payload) {
			t.Fatalf("%s became %s %v", payload, back, err)
		}
	})
}
