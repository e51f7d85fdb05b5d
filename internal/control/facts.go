package control

import (
	"fmt"
	"time"
)

// Facts are what an assessment knows beside the entries. They are stored with
// it: who makes it again must say the same.
type Facts struct {
	AsOf   time.Time        `json:"as_of"`        // when the assessment is made: what is due later is pending
	First  time.Time        `json:"first_entry"`  // of the ledger
	Probes map[string]Probe `json:"probes"`       // by name; one that is missing was not run
	Proofs []Proof          `json:"attestations"` // uploads that attest something, newest first

	Verified Tally `json:"verified"`
}

// Probe is what a probe of the ledger found.
type Probe struct {
	OK     *bool  `json:"ok"`               // nil: it could not be run
	Detail string `json:"detail,omitempty"` // what was looked at, or why it could not be
}

// Proof is a piece of uploaded evidence.
type Proof struct {
	EvidenceID string    `json:"evidence_id"`
	Criterion  string    `json:"criterion"`
	Date       time.Time `json:"date"`
}

// integrity is the tracker of Integrity: it needs no entry.
type integrity struct{ counting }

func (t *integrity) result(facts *Facts) Result {
	for _, name := range t.check.Probes {
		p, ran := facts.Probes[name]
		if !ran || p.OK == nil {
			t.out.Verdict, t.out.Reason = NotAssessed, fmt.Sprintf("%s was not looked at", name)
			if p.Detail != "" {
				t.out.Reason += ": " + p.Detail
			}
			return t.out
		}
		if t.out.Population++; *p.OK {
			t.out.Passed++
			continue
		}
		t.out.fail(Exception{Time: facts.AsOf, Subject: name, Why: p.Detail})
	}
	t.out.judge(t.check)
	t.out.FewEvents = false // there are no more probes than these
	if t.out.Failed > 0 {
		t.out.Verdict = NonCompliant
	}
	return t.out
}

// attestation is the tracker of Attestation.
type attestation struct {
	counting
	criterion string
}

func (t *attestation) result(facts *Facts) Result {
	newest := t.newest(facts)
	switch {
	case newest != nil && t.check.ValidFor.After(newest.Date).After(facts.AsOf):
		t.out.Population, t.out.Passed, t.out.Verdict = 1, 1, Compliant
	case newest != nil:
		t.out.Population, t.out.Verdict = 1, Partial
		t.out.fail(Exception{Time: newest.Date, Subject: newest.EvidenceID, Why: "what was uploaded is no longer valid"})
	case t.check.Required:
		t.out.Population, t.out.Verdict = 1, NonCompliant
		t.out.fail(Exception{Time: facts.AsOf, Why: "nothing was uploaded for " + t.criterion})
	default:
		t.out.Verdict, t.out.Reason = NotAssessed, "nothing was uploaded for "+t.criterion
	}
	return t.out
}

func (t *attestation) newest(facts *Facts) (newest *Proof) {
	for i := range facts.Proofs {
		if p := &facts.Proofs[i]; p.Criterion == t.criterion && !p.Date.After(facts.AsOf) && (newest == nil || p.Date.After(newest.Date)) {
			newest = p
		}
	}
	return newest
}
