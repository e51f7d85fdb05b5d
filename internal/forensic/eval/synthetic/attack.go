package synthetic

import (
	"fmt"
	"time"

	"github.com/sealbook/sealbook/internal/forensic/eval/corpus"
)

// family is a kind of attack, from the list that detectors are measured by.
type family struct {
	id, name    string
	development bool     // its incidents may be looked at to tune detectors
	variants    []string // told in turns
	tell        func(s *site, r random, t *story, variant int)
}

var families = []family{
	{"A1", "brute force", true, []string{"fast", "slow", "distributed"}, (*site).bruteForce},
	{"A2", "password spraying", true, []string{"one source", "two sources", "slow"}, (*site).spraying},
	{"A3", "stolen session", false, []string{"concurrent", "afterwards", "writes"}, (*site).stolenSession},
	{"A4", "alarm widening, single", true, []string{"high", "both", "night"}, (*site).widening},
	{"A5", "creep over weeks", false, []string{"one side", "both sides", "with reasons"}, (*site).creep},
	{"A6", "widen, act, restore", true, []string{"limits", "alarm off", "two tags"}, (*site).widenActRestore},
	{"A7", "falsify a quality result, then revert", false, []string{"result", "status"}, (*site).falsify},
	{"A8", "escalate, act, cover", true, []string{"revoke", "log configuration", "new account"}, (*site).escalate},
	{"A9", "self-approval ring", false, []string{"pair", "alone"}, (*site).ring},
	{"A10", "shared signature credential", false, []string{"two places", "one session"}, (*site).sharedSignature},
	{"A11", "dormant account", false, []string{"reads", "changes"}, (*site).dormantWakes},
	{"A12", "leaver", true, []string{"reads", "changes", "late"}, (*site).leaverReturns},
	{"A13", "slow exfiltration", false, []string{"reads", "exports"}, (*site).slowExfiltration},
	{"A14", "bulk exfiltration", true, []string{"reads and export", "export", "night"}, (*site).bulkExfiltration},
	{"A15", "back-dated entries", false, []string{"results", "readings"}, (*site).backDated},
	{"A16", "clock manipulation", false, []string{"back", "forth"}, (*site).clockManipulation},
	{"A17", "emitter silenced during the act", false, []string{"stopped", "without a word"}, (*site).silenced},
	{"A18", "log configuration change", false, []string{"off", "retention", "filter", "destination"}, (*site).logConfiguration},
	{"A19", "insider with normal hours and resources only", false, []string{"engineer", "operator"}, (*site).insider},
	{"A20", "service account hijacked", false, []string{"reads", "changes"}, (*site).serviceHijacked},
	{"A21", "mass delete", true, []string{"records", "drafts", "night"}, (*site).massDelete},
	{"A22", "approval reference used again", false, []string{"other tags", "same tag"}, (*site).referenceReuse},
}

// FamilyName is what a family of attacks is called, or "".
func FamilyName(id string) string {
	for _, f := range families {
		if f.id == id {
			return f.name
		}
	}
	return ""
}

// attack tells one incident of each of the families whose development flag is
// this.
func (s *site) attack(development bool) {
	for n, f := range families {
		if f.development != development {
			continue
		}
		variant := (s.index + n) % len(f.variants)
		f.tell(s, stream(s.seed, "attack "+f.id), s.tell(corpus.Incident, f.id, f.variants[variant]), variant)
	}
}

// draw is a parameter of an attack, of the part of its range that this corpus
// draws from.
func (s *site) draw(r random, low, high float64) float64 {
	return low + (high-low)*r.uniform(s.tilt[0], s.tilt[1])
}

func (s *site) drawn(r random, low, high int) int {
	return int(s.draw(r, float64(low), float64(high)+0.999))
}

func (s *site) long(r random, low, high time.Duration) time.Duration {
	return time.Duration(s.draw(r, float64(low), float64(high))).Truncate(time.Millisecond)
}

// anyTime is in the second half, as every attack, so that there is a past to
// compare with.
func (s *site) anyTime(r random) time.Time {
	return s.local(r.between(s.days/2, s.days-5), r.uniform(0, 24))
}

func (s *site) night(r random) time.Time {
	return s.local(r.between(s.days/2, s.days-5), r.uniform(22, 28))
}

// foreign is an address that no site uses.
func foreign(r random) string {
	return fmt.Sprintf("%s.%d", pick(r, []string{"203.0.113", "198.51.100", "192.0.2"}), r.between(1, 254))
}

// abroad is a session of p's account by somebody else.
func (s *site) abroad(r random, p *person) *session {
	in := s.open(p)
	in.address, in.agent, in.place = foreign(r), pick(r, []string{"curl/8.5", "Mozilla/5.0 (X11)", "Mozilla/5.0 (Windows NT 10.0)"}), "unknown"
	return in
}

// victim is a person with the account that is attacked or misused.
func (s *site) victim(r random, jobs ...role) *person {
	return pick(r, s.of(pick(r, jobs)))
}

// during is a moment at which p is at work, for an insider who keeps to the
// usual hours.
func (s *site) during(r random, p *person) time.Time {
	for {
		day := r.between(s.days/2, s.days-5)
		if from, to, ok := s.shift(r, p, day); ok {
			return s.local(day, r.uniform(from+0.7, to-1))
		}
	}
}

// loot reads n records in a row, from at on, and returns when it is done.
func (s *site) loot(r random, t *story, in *session, at time.Time, n int, low, high time.Duration) time.Time {
	for range n {
		at = at.Add(r.span(low, high))
		s.plan(at, mes, t, func(time.Time) body { return s.read(in, "record", pick(r, s.records)) })
	}
	return at
}
