// Package sample invents a year of events of an organisation that does not
// exist: scans, issues, fixes, sign-ins, access and configuration changes that
// hang together. It guards that the same numbers give the same events, valid and
// with nobody's real data. The sample command loads them, and the benchmarks
// make their data of them.
package sample

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Version changes when the same numbers give other events than before.
const Version = 1

// Event is an entry request of the sample organisation.
type Event map[string]any

// Year invents so many entries that hang together, ordered by time. They follow
// from the arguments alone.
func Year(entries, year int, seed uint64) []Event {
	y := &inventedYear{
		random: rand.New(rand.NewPCG(seed, uint64(year))),
		start:  time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	y.length = time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC).Sub(y.start)
	// Each chapter is one thing that happens, with what follows from it. The
	// weights are those of an organisation that scans every day.
	chapters := []struct {
		weight int
		tell   func()
	}{{34, y.scan}, {22, y.session}, {20, y.access}, {16, y.configuration}, {8, y.attack}}
	total := 0
	for _, c := range chapters {
		total += c.weight
	}
	for len(y.events) < entries {
		pick := y.random.IntN(total)
		for _, c := range chapters {
			if pick -= c.weight; pick < 0 {
				c.tell()
				break
			}
		}
	}
	// The last chapter may end early: its last events have not happened yet.
	events := y.events[:entries]
	sort.SliceStable(events, func(i, j int) bool { return events[i].at.Before(events[j].at) })
	out := make([]Event, len(events))
	for i, e := range events {
		e.request["timestamp"] = e.at.Format("2006-01-02T15:04:05.000Z")
		e.request["external_id"] = fmt.Sprintf("sample:%d:%d:%d:%d", seed, year, entries, i+1)
		out[i] = e.request
	}
	return out
}

type inventedYear struct {
	random *rand.Rand
	start  time.Time
	length time.Duration
	events []timedEvent
	issues int
	pulls  int
}

type timedEvent struct {
	at      time.Time
	request Event
}

type person struct{ id, name, email, role, department string }

var (
	staff = []person{
		{"user_ada", "Ada Example", "ada@example.com", "engineer", "Platform"},
		{"user_grace", "Grace Example", "grace@example.com", "engineer", "Payments"},
		{"user_linus", "Linus Example", "linus@example.com", "engineer", "Mobile"},
		{"user_mary", "Mary Example", "mary@example.com", "security engineer", "Security"},
		{"user_alan", "Alan Example", "alan@example.com", "administrator", "Operations"},
		{"user_joan", "Joan Example", "joan@example.com", "compliance officer", "Compliance"},
		{"user_katherine", "Katherine Example", "katherine@example.com", "analyst", "Finance"},
	}
	sampleRepositories = []map[string]any{
		{"id": "repo_web", "name": "example/web-app"}, {"id": "repo_api", "name": "example/api"},
		{"id": "repo_mobile", "name": "example/mobile"}, {"id": "repo_infra", "name": "example/infrastructure"},
	}
	findings = []struct {
		name, framework, requirement string
		severity                     audit.Severity
	}{
		{"Personal data is stored without encryption", "GDPR", "Art. 32(1)(a)", audit.SeverityHigh},
		{"Access is not logged", "SOC2", "CC7.2", audit.SeverityMedium},
		{"A secret is in the source", "ISO_27001", "A.8.4", audit.SeverityCritical},
		{"A dependency has a known vulnerability", "NIST_CSF", "ID.RA-01", audit.SeverityHigh},
		{"Audit trail can be switched off", "FDA_21CFR11", "11.10(e)", audit.SeverityHigh},
		{"Change has no approval", "SOX", "ITGC-CM-02", audit.SeverityMedium},
		{"Sessions do not expire", "SOC2", "CC6.1", audit.SeverityMedium},
	}
	grants = []struct{ resource, kind, level string }{
		{"vault/production", "secret_store", "read"}, {"repo_api", "repository", "write"}, {"repo_infra", "repository", "admin"},
		{"db_customers", "database", "read"}, {"console", "application", "operator"}, {"billing", "application", "viewer"},
	}
	configurations = []struct{ id, field, before, after string }{
		{"session_policy", "timeout_minutes", "60", "15"}, {"password_policy", "minimum_length", "10", "14"},
		{"scan_schedule", "interval", "weekly", "daily"}, {"branch_protection", "required_reviews", "1", "2"},
		{"log_retention", "days", "365", "2555"}, {"mfa_policy", "required_for", "administrators", "everybody"},
	}
)

func choose[T any](y *inventedYear, from []T) T { return from[y.random.IntN(len(from))] }

// moment is in the year, on a working day and in working hours mostly, and
// early enough for a chapter of this length.
func (y *inventedYear) moment(chapter time.Duration) time.Time {
	for {
		at := y.start.Add(time.Duration(y.random.Int64N(int64(y.length - chapter)))).Truncate(time.Millisecond)
		working := at.Weekday() != time.Saturday && at.Weekday() != time.Sunday && at.Hour() >= 7 && at.Hour() < 19
		if working || y.random.IntN(12) == 0 {
			return at
		}
	}
}

func (y *inventedYear) between(least, most time.Duration) time.Duration {
	return least + time.Duration(y.random.Int64N(int64(most-least))).Truncate(time.Millisecond)
}

func (y *inventedYear) add(at time.Time, eventType string, request Event) {
	request["event_type"] = eventType
	y.events = append(y.events, timedEvent{at, request})
}

func (y *inventedYear) address() string { return fmt.Sprintf("198.51.100.%d", 1+y.random.IntN(254)) }

func (p person) actor() map[string]any {
	return map[string]any{"type": "user", "id": p.id, "name": p.name, "email": p.email, "role": p.role, "department": p.department}
}

func machine(id, name string) map[string]any {
	return map[string]any{"type": "system", "id": id, "name": name}
}
