package main

import (
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/sealbook/sealbook/internal/anchor"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/internal/tsa"
)

// vouching judges what places outside gave for a package's history; nil when
// the person who verifies named nobody.
type vouching func(evidence.Anchor) evidence.Vouching

// readVouching reads whom the person who verifies believes: witnesses by a
// policy, time-stamp authorities by their roots. Either file may be "".
func readVouching(policyFile, rootsFile string) (vouching, error) {
	var policy *anchor.Policy
	var roots *x509.CertPool
	if policyFile != "" {
		text, err := readSettingFile("--witnesses", policyFile)
		if err != nil {
			return nil, err
		}
		if policy, err = anchor.ParsePolicy(text); err != nil {
			return nil, usagef("--witnesses: %s", err)
		}
		if len(policy.Witnesses) == 0 {
			return nil, usagef("--witnesses: %s names no witness", policyFile)
		}
	}
	if rootsFile != "" {
		text, err := readSettingFile("--tsa-roots", rootsFile)
		if err != nil {
			return nil, err
		}
		if roots, err = tsa.ParseRoots(text); err != nil {
			return nil, usagef("--tsa-roots: %s", err)
		}
	}
	if policy == nil && roots == nil {
		return nil, nil
	}
	return func(a evidence.Anchor) evidence.Vouching {
		out := evidence.Vouching{Enough: true}
		if policy != nil {
			out.Enough = cosigned(&out, policy, &a)
		}
		if roots != nil {
			out.Enough = stamped(&out, roots, &a) && out.Enough
		}
		return out
	}, nil
}

// cosigned reports whether the witnesses' cosignatures are what the policy asks
// for, and one at least.
func cosigned(out *evidence.Vouching, policy *anchor.Policy, a *evidence.Anchor) bool {
	by, enough, err := policy.Cosigned(a.Cosigned())
	if err != nil {
		out.Notes = append(out.Notes, fmt.Sprintf("The cosignatures do not hold: %s.", sentence(err)))
		return false
	}
	for _, k := range by {
		out.By = append(out.By, anchor.Place{Kind: anchor.KindWitness, Name: k.Name()}.String())
	}
	return enough && len(by) > 0
}

// stamped reports whether a time-stamp token holds under the roots.
func stamped(out *evidence.Vouching, roots *x509.CertPool, a *evidence.Anchor) (any bool) {
	for _, p := range a.Places {
		if p.Token == nil {
			continue
		}
		t, err := tsa.Verify(p.Token, a.Note, roots)
		if err != nil {
			out.Notes = append(out.Notes, fmt.Sprintf("The %s: %s.", p.Place, strings.TrimSuffix(sentence(err), ".")))
			continue
		}
		any = true
		out.By = append(out.By, fmt.Sprintf("%s at %s", p.Place, t.Time.Format("2006-01-02 15:04:05 UTC")))
	}
	return any
}
