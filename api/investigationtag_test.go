package api_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// TestTagOfACaseKnowsItsCustody: a handling of evidence is no step of a case, and
// changes what is shown of it. Whoever changes the case is not refused for it.
func TestTagOfACaseKnowsItsCustody(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := newDetectives(b)
	id := b.post("full", "~/investigations", fmt.Sprintf(someCase, b.crime())).want(201).text("data.investigation_id")
	d.work(id)
	path := "~/investigations/" + id
	rob := b.join("rob", audit.Investigator)
	as := rob.signIn()
	cached := func(tag string, status int) string {
		t.Helper()
		return b.send(request{path: path, as: "full", header: http.Header{"If-None-Match": {tag}}}).want(status).header.Get("Etag")
	}
	tag := b.get("full", path).want(200).header.Get("Etag")
	cached(tag, 304)
	item := path + "/evidence/" + b.get("full", path+"/evidence").want(200).list("data")[1]["evidence_id"].(string)
	b.post("full", item+"/custody", `{"event":"transferred","recipient":"`+rob.email+`","reason":"review"}`).want(201)
	handed := cached(tag, 200)
	if handed == tag {
		t.Error("the tag does not know that evidence was handed over")
	}
	b.send(request{method: "PATCH", path: path, as: as, header: http.Header{"If-Match": {tag}}, body: []byte(`{"title":"Another"}`)}).want(200)
	b.send(request{method: "PATCH", path: path, as: as, header: http.Header{"If-Match": {tag}}, body: []byte(`{"title":"A third"}`)}).want(412)
	cached(handed, 200)
}

// TestListOfCasesIsWhatEachShows: a page has of every case what it has itself.
func TestListOfCasesIsWhatEachShows(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := newDetectives(b)
	trigger := b.crime()
	ines := b.join("ines", audit.Investigator)
	for i := range 3 {
		id := b.post("full", "~/investigations", fmt.Sprintf(someCase, trigger)).want(201).text("data.investigation_id")
		if i < 2 {
			d.work(id)
		}
		if i == 0 {
			tag := b.get("full", "~/investigations/"+id).want(200).header.Get("Etag")
			b.send(request{method: "PATCH", path: "~/investigations/" + id, as: "full", header: http.Header{"If-Match": {tag}}, body: []byte(`{"assigned_investigator":"` + ines.id + `"}`)}).want(200)
		}
	}
	list := b.get("full", "~/investigations").want(200).list("data")
	if len(list) != 3 {
		t.Fatalf("%d cases", len(list))
	}
	for _, c := range list {
		alone := b.get("full", "~/investigations/"+c["investigation_id"].(string)).want(200)
		for name, want := range c {
			if name == "scope" && c["stage"] == "scoping" {
				continue // what nobody has counted yet is counted for a single case only
			}
			alone.has("data."+name, want)
		}
	}
}

// TestAnalysedEvidenceHasIt in its custody, once for each analysis, though each of
// its steps is repeated.
func TestAnalysedEvidenceHasIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := newDetectives(b)
	id := b.post("full", "~/investigations", fmt.Sprintf(someCase, b.crime())).want(201).text("data.investigation_id")
	d.work(id)
	custody, err := b.store.CustodyOf(t.Context(), b.ledger, audit.InvestigationID(id))
	if err != nil {
		t.Fatal(err)
	}
	analysed := map[string]int{}
	for _, c := range custody {
		if c.Event == store.CustodyAnalysed {
			analysed[c.Evidence]++
		}
	}
	for kind, want := range map[string]int{"audit_entries": 3, "system_logs": 3, "change_records": 3, "trigger_entry": 1, "user_sessions": 0} {
		if got := analysed[id+"_r1_"+kind]; got != want {
			t.Errorf("%s was analysed %d times, not %d", kind, got, want)
		}
	}
	b.get("full", "~/investigations/"+id).want(200).has("data.evidence_collection.chain_of_custody_verified", true)
}
