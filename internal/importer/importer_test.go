package importer

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func TestOpenUnpacksByContent(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, "line\n")
	z.Close()
	for _, content := range []string{"line\n", packed.String()} {
		r, err := Open(strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r); err != nil || string(b) != "line\n" {
			t.Errorf("%q %v", b, err)
		}
	}
	r, err := Open(strings.NewReader(packed.String()[:packed.Len()-4]))
	if err != nil {
		t.Fatal(err)
	}
	for _, err = range JSONL(r) {
	}
	if err == nil {
		t.Error("a packed file that was cut is read without an error")
	}
}

func TestJSONLGivesEveryLineAnIdentity(t *testing.T) {
	t.Parallel()
	content := `{"event_type":"login","external_id":"mine","n":1.50}
{"event_type":"login","user_id":"ada"}
{"user_id":"ada","event_type":"login"}
{"event_type":"logout","user_id":"ada"}
`
	var ids []string
	for _, item := range collect(t, JSONL, []byte(content)) {
		if item.Err != nil {
			t.Fatal(item.Err)
		}
		var e struct {
			ExternalID string `json:"external_id"`
		}
		if err := json.Unmarshal(item.Entry, &e); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ExternalID)
		if item.Line == 1 && !bytes.Contains(item.Entry, []byte("1.50")) {
			t.Errorf("a number was changed: %s", item.Entry)
		}
	}
	if ids[0] != "mine" || ids[2] != ids[1]+":2" || ids[3] == ids[1] || !strings.HasPrefix(ids[1], "jsonl:") {
		t.Errorf("%q", ids)
	}
}

func TestLinesSurviveLongOnesAndFailures(t *testing.T) {
	t.Parallel()
	content := `{"a":1}` + "\n" + strings.Repeat("x", MaxLine+1) + "\n" + `{"a":2}`
	items := collect(t, JSONL, []byte(content))
	if len(items) != 3 || items[0].Err != nil || !errors.Is(items[1].Err, errLineTooLong) || items[2].Err != nil || items[2].Line != 3 {
		t.Errorf("%+v", items)
	}
	broken := errors.New("the disk is gone")
	var last error
	for _, err := range JSONL(io.MultiReader(strings.NewReader("{}\n{"), iotest.ErrReader(broken))) {
		last = err
	}
	if !errors.Is(last, broken) {
		t.Errorf("a failing file ends with %v", last)
	}
}

func TestKeepsValue(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"0": true, "0.0": true, "0e9": true, "-0": false, "-0.0": false, "1.50": true, "0.1": true, "1e-7": true, "-12": true,
		"9007199254740991": true, "9007199254740992": false, "-9007199254740993": false, "1e16": false, "1e400": false, "1e-400": false,
		"0.12345678901234567890": false, "123456789.123456789": false, "5e-324": true,
	} {
		if keepsValue(text) != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}

// TestFitKeepsEveryValue: what is not changed is kept, what is changed is
// noted and can be read back, and the depth holds.
func TestFitKeepsEveryValue(t *testing.T) {
	t.Parallel()
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		leaf := []*rapid.Generator[any]{
			rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.String().AsAny(),
			rapid.Map(rapid.Int64(), func(n int64) any { return json.Number(strconv.FormatInt(n, 10)) }),
			rapid.Map(rapid.Float64Range(-1e9, 1e9), func(f float64) any { return json.Number(strconv.FormatFloat(f, 'f', -1, 64)) }),
		}
		if depth == 0 {
			return rapid.OneOf(leaf...)
		}
		return rapid.OneOf(append(leaf,
			rapid.MapOfN(rapid.String(), rapid.Deferred(func() *rapid.Generator[any] { return value(depth - 1) }), 0, 3).AsAny(),
			rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return value(depth - 1) }), 0, 3).AsAny())...)
	}
	rapid.Check(t, func(t *rapid.T) {
		v := value(6).Draw(t, "value")
		before, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		notes := 0
		got := fit(v, 3, "", func(string, string) { notes++ })
		if d := depthOf(got); d > 3 {
			t.Errorf("depth %d", d)
		}
		after, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if notes == 0 && !bytes.Equal(before, after) {
			t.Errorf("changed without a note: %s to %s", before, after)
		}
	})
}

func depthOf(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, c := range v {
			deepest = max(deepest, depthOf(c))
		}
		return deepest + 1
	case []any:
		for _, c := range v {
			deepest = max(deepest, depthOf(c))
		}
		return deepest + 1
	}
	return 0
}
