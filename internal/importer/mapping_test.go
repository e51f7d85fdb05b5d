package importer

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestMappingsThatCannotBeUsed: each mistake is said, and none waits for the
// rows.
func TestMappingsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	field := func(path, value string) string { return plainMapping + "  " + path + ": " + value + "\n" }
	timestamp := func(value string) string {
		return "source: s\nfields:\n  event_type: {constant: login}\n  timestamp: " + value + "\n"
	}
	for text, says := range map[string]string{
		"":                              "it is empty",
		"[]":                            "cannot unmarshal",
		`{"source":"s","source":"t"}`:   "duplicate",
		`{"sauce":"s"}`:                 "sauce",
		"sauce: s":                      "sauce",
		"source: s\nsource: t":          "already defined",
		plainMapping + "---\nsource: x": "more than one document",
		"source: s":                     "fields has no event_type",
		"source: s\nfields: {event_type: {constant: login}}":                                                               "fields has no timestamp",
		strings.Replace(plainMapping, "source: s", "source: S!", 1):                                                        "1 to 64 of a-z",
		strings.Replace(plainMapping, "source: s", "source: "+strings.Repeat("s", 65), 1):                                  "1 to 64 of a-z",
		plainMapping + "delimiter: ab":                                                                                     "one ASCII character",
		plainMapping + "delimiter: '\"'":                                                                                   "one ASCII character",
		plainMapping + "delimiter: ä":                                                                                      "one ASCII character",
		plainMapping + "unmapped: keep":                                                                                    "drop, details, metadata",
		plainMapping + "columns: [" + strings.Repeat("x,", MaxColumns+1) + "]":                                             "at most 1000",
		field("user_id", "{column: a}"):                                                                                    "fields, user_id: a mapping cannot fill",
		field("actor.age", "{column: a}"):                                                                                  "cannot fill",
		field("details.", "{column: a}"):                                                                                   "cannot fill",
		field("external_id", "{column: a}"):                                                                                "cannot fill",
		field("actor.id", "{column: a}"):                                                                                   "no actor.type",
		field("category", "{}"):                                                                                            "either a column or a constant",
		field("category", "{column: a, constant: b}"):                                                                      "either a column or a constant",
		field("category", "{constant: b, default: c}"):                                                                     "are for columns",
		field("category", "{column: b, other: c}"):                                                                         "what values has not",
		field("category", "{column: b, default: c, required: true}"):                                                       "either required or has a default",
		field("category", "{column: b, type: number}"):                                                                     "members of details",
		field("details.a", "{column: b, type: date}"):                                                                      "text, number, boolean, json",
		field("details.a", "{column: b, zone: UTC}"):                                                                       "for the timestamp",
		timestamp("{constant: x}"):                                                                                         "its own time",
		timestamp("{column: a, default: x, layout: unix}"):                                                                 "its own time",
		timestamp("{column: a, values: {a: b}, layout: unix}"):                                                             "its own time",
		timestamp("{column: a}"):                                                                                           "layout says how",
		timestamp("{column: a, layout: '2006-01-02 15:04'}"):                                                               "zone is needed",
		timestamp("{column: a, layout: '2006-01-02', zone: Local}"):                                                        "zone is needed",
		timestamp("{column: a, layout: '2006-01-02', zone: Berlin}"):                                                       `no time zone "Berlin"`,
		timestamp("{column: a, layout: '15:04', zone: UTC}"):                                                               "year, month and day",
		timestamp("{column: a, layout: 'YYYY-MM-DD', zone: UTC}"):                                                          "year, month and day",
		timestamp("{column: a, layout: '2006-01-02 15:04 MST'}"):                                                           "letters for a zone",
		timestamp("{column: a, layout: rfc3339, zone: UTC}"):                                                               "say their offset themselves",
		timestamp("{column: a, layout: unix, ambiguous: later}"):                                                           "say their offset themselves",
		timestamp("{column: a, layout: '2006-01-02', zone: UTC, ambiguous: x}"):                                            "earlier or later",
		plainMapping + "event_types: {Audit: {class: login, severity: low}}":                                               "1 to 64 of",
		plainMapping + "event_types: {audit.x: {class: login, severity: low}}":                                             "Sealbook's own",
		plainMapping + "event_types: {login: {class: login, severity: low}}":                                               "exists in every organisation",
		plainMapping + "event_types: {a.b: {class: x, severity: low}}":                                                     "class is one of",
		plainMapping + "event_types: {a.b: {class: login, severity: x}}":                                                   "severity is one of",
		plainMapping + "event_types: {a.b: {class: login, severity: low, description: " + strings.Repeat("x", 1025) + "}}": "at most 1024",
	} {
		if _, err := ParseMapping([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.300s\n… gives %v, not %s", text, err, says)
		}
	}
	if _, err := ReadMapping(strings.NewReader(plainMapping + "#" + strings.Repeat("x", MaxMapping))); err == nil || !strings.Contains(err.Error(), "64 KiB") {
		t.Error(err)
	}
}

// TestMappedValues holds what one cell becomes, or what is said about it.
func TestMappedValues(t *testing.T) {
	t.Parallel()
	const when = "2025-01-02T03:04:05Z"
	for _, c := range []struct{ path, field, cell, want string }{
		{"category", "{column: x}", "a", `"a"`},
		{"category", "{column: x}", "", `null`},
		{"category", "{column: x, default: d}", "", `"d"`},
		{"category", "{column: x, required: true}", "", `column 2, x: it is empty`},
		{"category", "{constant: c}", "a", `"c"`},
		{"category", "{column: x, values: {a: b}}", "a", `"b"`},
		{"category", "{column: x, values: {a: ''}, required: true}", "a", `column 2, x: the mapping makes it empty`},
		{"category", "{column: x, values: {a: b}}", "c", `column 2, x: "c" is not among the mapping's values`},
		{"category", "{column: x, values: {a: b}, other: o}", "c", `"o"`},
		{"category", "{column: x, values: {a: b}, other: o}", "", `null`},
		{"category", "{column: x, values: {'': b}}", "", `"b"`},
		{"compliance_frameworks", "{column: x}", "SOC2, FDA 21 CFR 11;GDPR", `["SOC2","FDA 21 CFR 11","GDPR"]`},
		{"requires_investigation", "{column: x, values: {Y: true, N: false}}", "Y", `true`},
		{"requires_investigation", "{column: x}", "1", `column 2, x: "1" is neither true nor false`},
		{"details.n.m", "{column: x, type: number}", "-1.50e3", `-1.50e3`},
		{"details.n", "{column: x, type: number}", "1,5", `column 2, x: "1,5" is not a number as JSON writes it`},
		{"details.n", "{column: x, type: number}", "9007199254740993", `"9007199254740993"`},
		{"details.n", "{column: x, type: boolean}", "false", `false`},
		{"details.n", "{column: x, type: json}", `{"a":[1]}`, `{"a":[1]}`},
		{"details.n", "{column: x, type: json}", `{"a":`, `column 2, x: the JSON ends too early`},
		{"details.n", "{column: x, type: text}", `01`, `"01"`},
		{"metadata.ticket", "{column: x}", `T-1`, `"T-1"`},
	} {
		m := parsed(t, plainMapping+"  "+c.path+": "+c.field)
		items := collect(t, CSV(m), []byte("when,x\n"+when+",\""+strings.ReplaceAll(c.cell, `"`, `""`)+"\"\n"))
		got := ""
		if len(items) != 1 {
			t.Fatalf("%d items", len(items))
		} else if items[0].Err != nil {
			got = items[0].Err.Error()
		} else {
			v, err := decode(items[0].Entry)
			if err != nil {
				t.Fatal(err)
			}
			if group, name, nested := strings.Cut(c.path, "."); nested {
				v = object(object(v)[group])[name]
			} else {
				v = object(v)[c.path]
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			got = string(b)
		}
		if got != c.want {
			t.Errorf("%s: %s of %q is %s, not %s", c.path, c.field, c.cell, got, c.want)
		}
	}
}

// TestMappedTimes: every layout, and the hours that clocks show twice or never.
func TestMappedTimes(t *testing.T) {
	t.Parallel()
	const local = "2006-01-02 15:04"
	for _, c := range []struct{ layout, zone, ambiguous, cell, want string }{
		{"rfc3339", "", "", "2025-01-02T03:04:05.678901+01:00", "2025-01-02T02:04:05.678901Z"},
		{"unix", "", "", "1735830245", "2025-01-02T15:04:05Z"},
		{"unix_ms", "", "", "1735830245678", "2025-01-02T15:04:05.678Z"},
		{"unix", "", "", "253402300799", "9999-12-31T23:59:59Z"},
		{"unix", "", "", "253402300800", "no number of seconds"},
		{"unix_ms", "", "", "-1", "no number of milliseconds"},
		{"02.01.2006", "UTC", "", "31.12.2024", "2024-12-31T00:00:00Z"},
		{"02.01.2006", "UTC", "", "31.02.2024", "not a time that is written as 02.01.2006"},
		{"2006-01-02 15:04 -0700", "", "", "2025-01-02 03:04 -0330", "2025-01-02T06:34:00Z"},
		{"1/2/06 3:04 PM", "America/New_York", "", "7/4/25 1:02 PM", "2025-07-04T17:02:00Z"},
		{local, "Europe/Berlin", "", "2025-03-30 01:59", "2025-03-30T00:59:00Z"},
		{local, "Europe/Berlin", "", "2025-03-30 02:30", "there was no 2025-03-30 02:30:00: the clocks were put forward"},
		{local, "Europe/Berlin", "", "2025-03-30 03:00", "2025-03-30T01:00:00Z"},
		{local, "Europe/Berlin", "", "2025-10-26 02:30", "twice; say in the mapping"},
		{local, "Europe/Berlin", "earlier", "2025-10-26 02:30", "2025-10-26T00:30:00Z"},
		{local, "Europe/Berlin", "later", "2025-10-26 02:30", "2025-10-26T01:30:00Z"},
		{local, "Europe/Berlin", "later", "2025-10-26 03:00", "2025-10-26T02:00:00Z"},
		{local, "Europe/Berlin", "later", "2025-10-25 02:30", "2025-10-25T00:30:00Z"},
		{local, "Australia/Lord_Howe", "earlier", "2025-04-06 01:45", "2025-04-05T14:45:00Z"}, // half an hour
		{local, "Australia/Lord_Howe", "later", "2025-04-06 01:45", "2025-04-05T15:15:00Z"},
		{local, "Pacific/Kiritimati", "", "2025-01-01 00:30", "2024-12-31T10:30:00Z"},
		{local, "Pacific/Apia", "", "2011-12-30 12:00", "there was no"}, // a day that Samoa left out
	} {
		f, err := newTimeForm(c.layout, c.zone, c.ambiguous)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		got, err := f.parse(c.cell)
		if err != nil {
			got = fmt.Sprint(err)
		}
		if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
			t.Errorf("%+v is %s", c, got)
		}
	}
}

// TestDocumentedMapping: what docs/importing.md shows can be used.
func TestDocumentedMapping(t *testing.T) {
	t.Parallel()
	_, after, _ := strings.Cut(string(read(t, "../../../docs/importing.md")), "```yaml\n")
	text, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("there is no mapping")
	}
	m := parsed(t, text)
	row := "Nr;Time;Action;Level;Text;Who;Staff number;Amount;Receipt\n17;02.01.2025 09:00:00;Salary;3;agreed;u-1;p-1;4200.50;B-1\n"
	items := collect(t, CSV(m), []byte(row))
	if len(items) != 1 || items[0].Err != nil {
		t.Fatalf("%+v", items)
	}
	acceptable(t, items[0])
}
