package dataflow

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sealbook/sealbook/audit"
)

// plant is a year of a plant in short: several of everything, all edges.
func plant(n int, hostile string) []audit.Entry {
	random := rand.New(rand.NewPCG(1, 2))
	var out []audit.Entry
	for i := range n {
		user := fmt.Sprintf("%suser-%02d", hostile, random.IntN(9))
		resource := fmt.Sprintf("%srecipe-%03d", hostile, random.IntN(40))
		kind := []string{"record.read", "issue.updated", "record.read", "data.exported", "access.granted"}[random.IntN(5)]
		out = append(out, line(time.Duration(i)*time.Minute, user, kind, resource, func(e *audit.Entry) {
			e.Context = audit.Object{"source_ip": fmt.Sprintf("%s203.0.113.%d", hostile, random.IntN(6))}
			e.Actor["session_id"] = fmt.Sprintf("%ssession-%d", hostile, random.IntN(12))
			e.Metadata = audit.Object{"emitter": hostile + "mes", "credential_id": fmt.Sprint(hostile, "key-", random.IntN(3))}
			e.ExternalID = hostile + strconv.Itoa(i)
			switch kind {
			case "issue.updated":
				e.Resource["parent_machine"] = fmt.Sprintf("%sline-%d", hostile, random.IntN(5))
				e.Impact = audit.Object{"affected_systems": []any{hostile + "mes", hostile + "lab"}, "downstream_effects": []any{hostile + "release", hostile + "batch report"}}
			case "data.exported":
				e.Details = audit.Object{"recipients": []any{hostile + "auditor@example.com"}}
			case "access.granted":
				e.Details = audit.Object{"subject": fmt.Sprintf("%suser-%02d", hostile, random.IntN(9))}
			}
		}))
	}
	return out
}

// everyOutput renders a graph in each form, with a search both ways.
func everyOutput(t testing.TB, g *Graph, watched string) (m *Map, d *Drawing, texts map[string]string) {
	t.Helper()
	trigger, err := g.Trigger(watched)
	if err != nil {
		t.Fatal(err)
	}
	v := View{Baseline: graphOf(t, Bounds{}, nil, plant(60, "")...).Baseline()}
	if v.Forward, err = g.Forward(trigger); err != nil {
		t.Fatal(err)
	}
	if v.Backward, err = g.Backward(trigger); err != nil {
		t.Fatal(err)
	}
	m = g.Map(v)
	d = m.Drawing()
	texts = map[string]string{}
	for name, write := range map[string]func(io.Writer) error{"json": m.JSON, "graphml": m.GraphML, "svg": d.SVG} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		texts[name] = b.String()
	}
	drawn, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	texts["drawing"] = string(drawn)
	return m, d, texts
}

// TestSameBytes: chance in maps does not show in any form, and each says its
// limits.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	_, _, want := everyOutput(t, graphOf(t, Bounds{}, []string{"100"}, plant(400, "")...), "100")
	for range 8 {
		_, _, got := everyOutput(t, graphOf(t, Bounds{}, []string{"100"}, plant(400, "")...), "100")
		for form := range want {
			if got[form] != want[form] {
				t.Fatalf("another %s", form)
			}
		}
	}
	for form, text := range want {
		for _, limit := range Limits {
			if !strings.Contains(text, limit) {
				t.Errorf("%s does not say %q", form, limit)
			}
		}
		if strings.Contains(text, "influenced by") {
			t.Errorf("%s claims too much", form)
		}
	}
}

// graphML is the structure that GraphML's schema asks for.
type graphML struct {
	XMLName xml.Name `xml:"http://graphml.graphdrawing.org/xmlns graphml"`
	Keys    []struct {
		ID   string `xml:"id,attr"`
		For  string `xml:"for,attr"`
		Type string `xml:"attr.type,attr"`
	} `xml:"key"`
	Graphs []struct {
		Default string      `xml:"edgedefault,attr"`
		Data    []graphData `xml:"data"`
		Nodes   []struct {
			ID   string      `xml:"id,attr"`
			Data []graphData `xml:"data"`
		} `xml:"node"`
		Edges []struct {
			ID     string      `xml:"id,attr"`
			Source string      `xml:"source,attr"`
			Target string      `xml:"target,attr"`
			Data   []graphData `xml:"data"`
		} `xml:"edge"`
	} `xml:"graph"`
}

type graphData struct {
	Key   string `xml:"key,attr"`
	Value string `xml:",chardata"`
}

var nmtoken = regexp.MustCompile(`^[A-Za-z0-9._:-]+$`)

// checkGraphML holds a text against the rules that the schema has: keys before
// the graph, ids that are unique tokens, ends that exist, data of declared keys
// for the right elements, once each, with values of the declared type.
func checkGraphML(t *testing.T, text string, m *Map) {
	t.Helper()
	var doc graphML
	if err := xml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	if strings.Index(text, "<graph ") < strings.LastIndex(text, "<key ") {
		t.Error("a key stands behind the graph")
	}
	ids, types := map[string]bool{}, map[string]string{}
	id := func(s string) {
		if ids[s] || !nmtoken.MatchString(s) {
			t.Errorf("%q is not a new token", s)
		}
		ids[s] = true
	}
	for _, k := range doc.Keys {
		id(k.ID)
		types[k.For+" "+k.ID] = k.Type
	}
	check := func(of string, list []graphData) {
		seen := map[string]bool{}
		for _, d := range list {
			var err error
			switch kind := types[of+" "+d.Key]; kind {
			case "boolean":
				_, err = strconv.ParseBool(d.Value)
			case "int":
				_, err = strconv.ParseInt(d.Value, 10, 32)
			case "double":
				_, err = strconv.ParseFloat(d.Value, 64)
			case "string":
			default:
				err = fmt.Errorf("%q has no type", d.Key)
			}
			if err != nil || seen[d.Key] {
				t.Errorf("%s: %v", d.Key, err)
			}
			seen[d.Key] = true
		}
	}
	if len(doc.Graphs) != 1 || doc.Graphs[0].Default != "directed" {
		t.Fatal("there is not one directed graph")
	}
	g := doc.Graphs[0]
	check("graph", g.Data)
	for _, n := range g.Nodes {
		id(n.ID)
		check("node", n.Data)
	}
	for _, e := range g.Edges {
		if !ids[e.Source] || !ids[e.Target] {
			t.Errorf("the edge %s has no ends", e.ID)
		}
		id(e.ID)
		check("edge", e.Data)
	}
	if len(g.Nodes) != len(m.Nodes) || len(g.Edges) != len(m.Edges) || len(g.Edges) == 0 {
		t.Errorf("%d nodes and %d edges", len(g.Nodes), len(g.Edges))
	}
}

// TestHostileNames: what emitters write cannot break a form, hide in it or make
// it long.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	for _, hostile := range []string{
		"", "<script>alert(1)</script>", "]]>&amp;\"'", "\x00\x01\x1b[31m\r\n\t", "\u202e\u2066\u200b\ufeff\ufffe\uffff", "\xff\xfe", strings.Repeat("長", 3000), "</text></svg>--><!--", strings.Repeat("a", 5000) + "<",
	} {
		watched := hostile + "100"
		g := graphOf(t, Bounds{}, []string{watched}, plant(300, hostile)...)
		if want := graphOf(t, Bounds{}, nil, plant(300, "")...).Nodes(); g.Nodes() != want {
			t.Errorf("%.20q: %d nodes, not %d: different names became one", hostile, g.Nodes(), want)
		}
		m, d, texts := everyOutput(t, g, watched)
		checkGraphML(t, texts["graphml"], m)
		for _, form := range []string{"graphml", "svg"} {
			decoder := xml.NewDecoder(strings.NewReader(texts[form]))
			var parsed strings.Builder
			for {
				token, err := decoder.Token()
				if err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("%.20q, %s: %v", hostile, form, err)
				}
				switch token := token.(type) {
				case xml.StartElement:
					if name := token.Name.Local; name == "script" || name == "image" || name == "a" || name == "foreignObject" {
						t.Errorf("%.20q: a %s in %s", hostile, name, form)
					}
				case xml.Comment:
					t.Errorf("%.20q: a comment in %s", hostile, form)
				case xml.CharData:
					parsed.Write(token)
				}
			}
			for _, r := range parsed.String() {
				if r != '\n' && !unicode.IsPrint(r) || unicode.Is(unicode.Cf, r) {
					t.Fatalf("%.20q: %U in %s", hostile, r, form)
				}
			}
		}
		var back struct{ Nodes []struct{ Name string } }
		if err := json.Unmarshal([]byte(texts["json"]), &back); err != nil || len(back.Nodes) != len(m.Nodes) {
			t.Fatalf("%.20q: %v", hostile, err)
		}
		names := map[string]bool{}
		for i, n := range m.Nodes {
			key := n.Kind + n.Name
			if names[key] || len(n.Name) > maxName || !utf8.ValidString(n.Name) || back.Nodes[i].Name != n.Name {
				t.Fatalf("%.20q: the name %.40q", hostile, n.Name)
			}
			names[key] = true
		}
		checkDrawing(t, d)
	}
}

// checkDrawing: everything lies in the unit square, boxes do not overlap, lines
// end at boxes, and labels fit.
func checkDrawing(t *testing.T, d *Drawing) {
	t.Helper()
	if len(d.Boxes) > MaxBoxes || len(d.Lines) > MaxLines || len(d.Boxes) == 0 || len(d.Lines) == 0 {
		t.Errorf("%d boxes, %d lines", len(d.Boxes), len(d.Lines))
	}
	for i, b := range d.Boxes {
		if b.X < 0 || b.Y < 0 || b.X+b.W > 1 || b.Y+b.H > 1 || b.Label == "" || utf8.RuneCountInString(b.Label) > labelCells {
			t.Errorf("the box %+v", b)
		}
		for _, c := range d.Boxes[:i] {
			if b.X < c.X+c.W && c.X < b.X+b.W && b.Y < c.Y+c.H && c.Y < b.Y+b.H {
				t.Errorf("%s lies on %s", b.Label, c.Label)
			}
		}
	}
	atBox := func(p [2]float64) bool {
		for _, b := range d.Boxes {
			if p[1] >= b.Y && p[1] <= b.Y+b.H && (p[0]-b.X < 1e-5 && b.X-p[0] < 1e-5 || p[0]-b.X-b.W < 1e-5 && b.X+b.W-p[0] < 1e-5) {
				return true
			}
		}
		return false
	}
	for _, l := range d.Lines {
		if !atBox(l.Points[0]) || !atBox(l.Points[len(l.Points)-1]) {
			t.Errorf("a %s ends nowhere: %v", l.Kind, l.Points)
		}
		for _, p := range l.Points {
			if p[0] < 0 || p[0] > 1 || p[1] < 0 || p[1] > 1 {
				t.Errorf("a %s leaves the drawing: %v", l.Kind, p)
			}
		}
	}
}

// TestEdgesAloneAreABaseline: what keeps neither times nor ids gives the same one.
func TestEdgesAloneAreABaseline(t *testing.T) {
	whole, bare := New(Bounds{}), NewEdges(Bounds{})
	for _, e := range plant(300, "") {
		for _, b := range []*Builder{whole, bare} {
			if err := b.Add(&e); err != nil {
				t.Fatal(err)
			}
		}
	}
	if a, b := whole.Graph().Baseline(), bare.Graph().Baseline(); !reflect.DeepEqual(a, b) || len(a.edges) == 0 {
		t.Errorf("%d and %d edges", len(a.edges), len(b.edges))
	}
}
