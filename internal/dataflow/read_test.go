package dataflow

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// TestAMapThatIsReadIsDrawnAsItWas, in each of its forms.
func TestAMapThatIsReadIsDrawnAsItWas(t *testing.T) {
	t.Parallel()
	_, d, texts := everyOutput(t, graphOf(t, Bounds{}, []string{"100"}, plant(400, "")...), "100")
	read, err := ReadMap(strings.NewReader(texts["json"]))
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(read.Drawing())
	if err != nil || string(again) != texts["drawing"] || len(d.Boxes) < 20 {
		t.Errorf("another drawing, of %d boxes: %v", len(d.Boxes), err)
	}
	var b bytes.Buffer
	if err := read.JSON(&b); err != nil || b.String() != texts["json"] {
		t.Errorf("another map: %v", err)
	}
	for what, spoil := range map[string]func(*Map){
		"version": func(m *Map) { m.Version = 2 }, "node": func(m *Map) { m.Nodes[0].Kind = "ghost" }, "edge": func(m *Map) { m.Edges[0].Kind = "ghost" },
		"end": func(m *Map) { m.Edges[0].Target = "n9999" }, "radius": func(m *Map) { m.Forward.Radius = make([]KindCount, 99) },
	} {
		bad, err := ReadMap(strings.NewReader(texts["json"]))
		if err != nil {
			t.Fatal(err)
		}
		spoil(bad)
		b.Reset()
		if err := bad.JSON(&b); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadMap(&b); err == nil {
			t.Errorf("a map with a wrong %s is read", what)
		}
	}
	for _, text := range []string{"", "[]", "{", texts["json"][:len(texts["json"])/2]} {
		if _, err := ReadMap(strings.NewReader(text)); err == nil {
			t.Errorf("%.20q is read", text)
		}
	}
}
