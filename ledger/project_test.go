package ledger

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sealbook/sealbook/audit"
)

// The columns that are derived from the fields are those that the event's own
// values say, whatever an organisation declares personal.
func TestProjectionsAgree(t *testing.T) {
	t.Parallel()
	text := rapid.SampledFrom([]string{"", "a", "é\"<x>", "user@example.com"})
	object := rapid.Custom(func(t *rapid.T) audit.Object {
		o := audit.Object{}
		for _, key := range []string{"type", "id", "email", "name", "other"} {
			switch rapid.IntRange(0, 2).Draw(t, key) {
			case 1:
				o[key] = text.Draw(t, "value")
			case 2:
				o[key] = json.Number("7")
			}
		}
		return o
	})
	rapid.Check(t, func(t *rapid.T) {
		e := audit.Event{
			Type: "scan.completed", Class: audit.ClassSystem, Severity: audit.SeverityHigh, Category: text.Draw(t, "category"),
			Actor: object.Draw(t, "actor"), Resource: object.Draw(t, "resource"), Repository: object.Draw(t, "repository"),
			Frameworks: rapid.SliceOfN(rapid.SampledFrom(audit.Frameworks), 0, 3).Draw(t, "frameworks"),
		}
		recorded := time.UnixMicro(5).UTC()
		want := valuesOf(&e, recorded)
		if rapid.Bool().Draw(t, "timed") {
			at := time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "time")).UTC()
			e.Timestamp, want.EventTime = &at, at
		}
		payload, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if payload, err = Canonical(payload); err != nil {
			t.Fatal(err)
		}
		personal := rapid.SampledFrom([][]string{PersonalPaths, nil, {"/resource/id", "/repository/*"}}).Draw(t, "personal")
		fields, err := Split(payload, make([]byte, SeedSize), personal)
		if err != nil {
			t.Fatal(err)
		}
		rec := Record{EventType: e.Type, RecordedAt: recorded}
		got, erased, err := project(&rec, fields)
		if err != nil || erased != nil || want.differs(&got) != nil {
			t.Fatalf("%v %v: %v differ", err, erased, want.differs(&got))
		}
		// Where fields are erased, exactly their columns are unknown.
		hidden := Withhold(fields, func(path string) bool { return path != "/actor/id" })
		if got, erased, err = project(&rec, hidden); err != nil {
			t.Fatal(err)
		}
		for _, name := range want.differs(&got) {
			if name != "actor_id" || len(erased) != 1 {
				t.Fatalf("column %s differs, erased are %v", name, erased)
			}
		}
	})
}

func valuesOf(e *audit.Event, recorded time.Time) Projection {
	p := Projection{
		EventType: e.Type, EventClass: string(e.Class), EventTime: recorded, Severity: string(e.Severity), Category: optional(e.Category),
		ActorType: optional(e.Actor.String("type")), ActorID: optional(e.Actor.String("id")), ActorEmail: optional(e.Actor.String("email")),
		ResourceType: optional(e.Resource.String("type")), ResourceID: optional(e.Resource.String("id")),
		RepositoryID: optional(e.Repository.String("id")), RepositoryName: optional(e.Repository.String("name")),
	}
	var names []string
	for _, f := range e.Frameworks {
		names = append(names, string(f))
	}
	p.Frameworks = optional(strings.Join(names, ","))
	return p
}
