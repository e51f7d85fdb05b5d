package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// The forms of OSCAL's data types (NIST, OSCAL metaschema, data types).
var (
	oscalUUID   = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	oscalToken  = regexp.MustCompile(`^(\p{L}|_)(\p{L}|\p{N}|[.\-_])*$`)
	oscalString = regexp.MustCompile(`^\S(.*\S)?$`)
)

// TestAssessmentsAsOSCAL holds a document to what the model demands of the parts
// that it has: members, forms of values, ids that are unique and references that
// lead somewhere.
func TestAssessmentsAsOSCAL(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.post("full", "~/entries/bulk", `{"entries":[{"event_type":"access.granted","actor":{"type":"user","id":"user_1"},"details":{}},
		{"event_type":"access.granted","actor":{"type":"user","id":"user_1"},"details":{"approved_by":"user_2"}}]}`).want(http.StatusCreated)
	id := b.post("full", "~/compliance/assessments", `{"period":"last_90_days"}`).want(http.StatusAccepted).text("data.assessment_id")
	b.complete(id, nil)
	path := "~/compliance/assessments/" + id + "/download?format="
	b.get("full", path+"xml").want(http.StatusBadRequest)
	text := b.get("full", path+"oscal").want(http.StatusOK).body
	if again := b.get("full", path+"oscal").want(http.StatusOK).body; string(again) != string(text) {
		t.Error("the same assessment is another document")
	}
	var document struct {
		Results struct {
			UUID     string
			Metadata map[string]any
			ImportAP struct{ Href string } `json:"import-ap"`
			Results  []oscalResult
			Back     struct{ Resources []struct{ UUID string } } `json:"back-matter"`
		} `json:"assessment-results"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	d := document.Results
	for _, name := range []string{"title", "last-modified", "version", "oscal-version"} {
		if s, _ := d.Metadata[name].(string); s == "" {
			t.Errorf("metadata have no %s", name)
		}
	}
	if len(d.Results) != 6 || len(d.Back.Resources) != 1 || d.ImportAP.Href != "#"+d.Back.Resources[0].UUID {
		t.Fatalf("%d results, plan %s: %.2000s", len(d.Results), d.ImportAP.Href, text)
	}
	seen := map[string]bool{}
	unique := func(id string) {
		t.Helper()
		if !oscalUUID.MatchString(id) || seen[id] {
			t.Errorf("%q is no UUID, or there twice", id)
		}
		seen[id] = true
	}
	unique(d.UUID)
	failed := 0
	for _, r := range d.Results {
		unique(r.UUID)
		failed += r.check(t, unique)
	}
	if failed == 0 || !strings.Contains(string(text), `"relevant-evidence":[{"description":"it does not pass","href":"entries/audit_entry_`) {
		t.Errorf("%d requirements are not satisfied: %.3000s", failed, text)
	}
	var all any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	eachText(all, "", func(at, s string) {
		if !oscalString.MatchString(s) {
			t.Errorf("%s is %q", at, s)
		}
	})
}

type oscalResult struct {
	UUID, Title, Description, Start string
	Reviewed                        struct {
		Selections []struct {
			Controls []struct {
				ID string `json:"control-id"`
			} `json:"include-controls"`
		} `json:"control-selections"`
	} `json:"reviewed-controls"`
	Observations []struct {
		UUID, Description, Collected string
		Methods                      []string
	}
	Findings []struct {
		UUID, Title, Description string
		Target                   struct {
			Type   string
			ID     string `json:"target-id"`
			Status struct{ State, Reason string }
		}
		Related []struct {
			UUID string `json:"observation-uuid"`
		} `json:"related-observations"`
	}
}

// check returns how many requirements are not satisfied.
func (r *oscalResult) check(t *testing.T, unique func(string)) (failed int) {
	t.Helper()
	observed := map[string]bool{}
	for _, o := range r.Observations {
		unique(o.UUID)
		observed[o.UUID] = true
		if o.Description == "" || o.Collected == "" || len(o.Methods) == 0 {
			t.Errorf("an observation lacks something: %+v", o)
		}
	}
	controls := map[string]bool{}
	for _, c := range r.Reviewed.Selections[0].Controls {
		if controls[c.ID] || !oscalToken.MatchString(c.ID) {
			t.Errorf("control %q is no token, or there twice", c.ID)
		}
		controls[c.ID] = true
	}
	for _, f := range r.Findings {
		unique(f.UUID)
		if f.Target.Type != "objective-id" || !controls[f.Target.ID] || f.Title == "" || f.Description == "" || len(f.Related) == 0 {
			t.Errorf("%s: %+v", r.Title, f)
		}
		switch f.Target.Status.State + " " + f.Target.Status.Reason {
		case "satisfied pass":
		case "not-satisfied fail", "not-satisfied other":
			failed++
		default:
			t.Errorf("%s: %+v", r.Title, f.Target)
		}
		for _, o := range f.Related {
			if !observed[o.UUID] {
				t.Errorf("%s: there is no observation %s", f.Title, o.UUID)
			}
		}
	}
	return failed
}

func eachText(v any, at string, f func(at, s string)) {
	switch v := v.(type) {
	case string:
		f(at, v)
	case []any:
		for i, x := range v {
			eachText(x, fmt.Sprintf("%s/%d", at, i), f)
		}
	case map[string]any:
		for k, x := range v {
			eachText(x, at+"/"+k, f)
		}
	}
}
