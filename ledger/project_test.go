package ledger

import (
	"bytes"
	"encoding/binary"
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
		if err != nil || erased != nil || want.differs(stored(&got)) != nil {
			t.Fatalf("%v %v: %v differ", err, erased, want.differs(stored(&got)))
		}
		// Where fields are erased, exactly their columns are unknown.
		hidden := Withhold(fields, func(path string) bool { return path != "/actor/id" })
		if got, erased, err = project(&rec, hidden); err != nil {
			t.Fatal(err)
		}
		for _, name := range want.differs(stored(&got)) {
			if name != "actor_id" || len(erased) != 1 {
				t.Fatalf("column %s differs, erased are %v", name, erased)
			}
		}
	})
}

// stored are the columns as Postgres sends them.
func stored(p *Projection) (values [][]byte) {
	for _, c := range projected {
		switch v := c.of(p).(type) {
		case *string:
			values = append(values, []byte(*v))
		case *time.Time:
			values = append(values, binary.BigEndian.AppendUint64(nil, uint64(v.UnixMicro()-946684800*1e6)))
		case **string:
			switch {
			case *v == nil:
				values = append(values, nil)
			case c.name == "frameworks":
				values = append(values, textArray(strings.Split(**v, ",")))
			default:
				values = append(values, []byte(**v))
			}
		}
	}
	return values
}

func textArray(elements []string) []byte {
	var b []byte
	for _, n := range []int{1, 0, 25, len(elements), 1} {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	for _, e := range elements {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(e))), e...)
	}
	return b
}

// An array that reads like the right one once it is joined is not the right
// one.
func TestArraysAreComparedByElement(t *testing.T) {
	t.Parallel()
	null := append(textArray([]string{"SOC2"}), 0xff, 0xff, 0xff, 0xff)
	null[7], null[15] = 1, 2
	for name, c := range map[string]struct {
		stored []byte
		same   bool
	}{
		"the same":    {textArray([]string{"SOC2", "GDPR"}), true},
		"one element": {textArray([]string{"SOC2,GDPR"}), false},
		"another":     {textArray([]string{"SOC2", "GDPX"}), false},
		"shorter":     {textArray([]string{"SOC2"}), false},
		"longer":      {textArray([]string{"SOC2", "GDPR", "SOX"}), false},
		"a null":      {null, false},
		"cut":         {textArray([]string{"SOC2", "GDPR"})[:30], false},
		"empty":       {nil, false},
	} {
		if isTextArray(c.stored, "SOC2,GDPR") != c.same {
			t.Error(name)
		}
	}
}

// The salts of the fast path are those of the specification.
func TestSalter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), SeedSize, SeedSize).Draw(t, "seed")
		var s salter
		s.init(seed)
		for range 3 {
			path := rapid.StringN(0, 200, 400).Draw(t, "path")
			if !bytes.Equal(s.appendSalt(nil, []byte(path)), FieldSalt(seed, path)) {
				t.Fatalf("the salt of %q differs", path)
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
