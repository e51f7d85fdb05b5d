package forensic_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// population is invented people who do their work and nothing else: in hours
// of their own, at addresses of their own, more on some days than on others,
// with holidays, overtime, new machines, journeys and new projects.
type population struct {
	*rand.Rand
	entries []audit.Entry
}

var operations = map[string][]string{
	"engineer": {"issue.updated", "fix.applied", "record.read", "config.changed", "issue.created", "data.exported"},
	"analyst":  {"record.read", "report.viewed", "data.exported", "record.updated"},
	"operator": {"batch.started", "batch.updated", "alarm.acknowledged", "record.read", "limit.read"},
}

// live adds the working days of so many people over so many days from monday
// on. Of roles, every third has the same.
func live(seed uint64, people, days int) *population {
	p := &population{Rand: rand.New(rand.NewPCG(seed, 17))}
	roles := []string{"engineer", "analyst", "operator"}
	for i := range people {
		p.person(fmt.Sprintf("u%02d", i), roles[i%3], i, days)
	}
	p.sort()
	return p
}

func (p *population) sort() {
	slices.SortStableFunc(p.entries, func(a, b audit.Entry) int { return a.Time().Compare(b.Time()) })
	for i := range p.entries {
		p.entries[i].Seq = int64(i)
	}
}

func (p *population) person(name, role string, n, days int) {
	start := 6 + p.IntN(4)
	dispersion := float64(1 + p.IntN(5))
	mean := 5 + 35*p.Float64()
	address, agent, project := fmt.Sprintf("10.0.%d.%d", n, p.IntN(200)), fmt.Sprint("browser ", p.IntN(4)), p.IntN(30)
	vacation := p.IntN(days)
	for day := range days {
		weekend := day%7 >= 5
		switch {
		case weekend && p.IntN(25) > 0, day >= vacation && day < vacation+10:
			continue
		}
		if p.IntN(60) == 0 {
			agent = fmt.Sprint("browser ", 10+p.IntN(50))
		}
		if p.IntN(40) == 0 {
			project = p.IntN(60)
		}
		from := address
		if p.IntN(30) == 0 {
			from = fmt.Sprintf("198.51.100.%d", p.IntN(250))
		}
		hours := 8.0
		if p.IntN(15) == 0 {
			hours = 11
		}
		count := p.poisson(mean * p.gamma(dispersion) / dispersion)
		for range count {
			at := monday.Add(-9*time.Hour + time.Duration(day)*24*time.Hour + time.Duration((float64(start)+hours*p.Float64())*float64(time.Hour))).Truncate(time.Millisecond)
			list := operations[role]
			p.act(at, name, role, list[min(int(p.ExpFloat64()*1.3), len(list)-1)], fmt.Sprintf("r%d-%d", project, int(p.ExpFloat64()*4)), from, agent)
		}
	}
}

func (p *population) act(at time.Time, user, role, kind, resource, source, agent string) {
	p.entries = append(p.entries, audit.Entry{Event: audit.Event{
		Type: kind, Class: audit.ClassOf(kind), Severity: audit.SeverityLow, Timestamp: &at, ExternalID: fmt.Sprint("e", len(p.entries)),
		Actor:    audit.Object{"type": "user", "id": user, "role": role},
		Resource: audit.Object{"type": "record", "id": resource},
		Context:  audit.Object{"source_ip": source, "user_agent": agent},
	}})
}

// gamma is Marsaglia and Tsang's, for k of 1 and more.
func (p *population) gamma(k float64) float64 {
	d := k - 1.0/3
	for {
		x := p.NormFloat64()
		v := math.Pow(1+x/math.Sqrt(9*d), 3)
		if v > 0 && math.Log(p.Float64()) < x*x/2+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}

func (p *population) poisson(mean float64) (n int) {
	for sum := p.ExpFloat64(); sum < mean; sum += p.ExpFloat64() {
		n++
	}
	return n
}
