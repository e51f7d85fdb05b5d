package evidence

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sealbook/sealbook/ledger"
)

// Vouching is what those say whom the caller trusts.
type Vouching struct {
	By     []string // witnesses and authorities whose word holds, in words
	Enough bool     // the caller asks for no more
	Notes  []string // evidence that does not convince, and why
}

// AnchorReport says how far a checkpoint that is published outside covers the
// package's ledger. What comes after rests on the operator's word.
type AnchorReport struct {
	Through      int64    `json:"through_seq"` // the last entry that it covers
	Registry     string   `json:"registry"`
	RegistrySize int64    `json:"registry_size"`
	Places       []string `json:"places"`     // that have it, as the package says
	VouchedBy    []string `json:"vouched_by"` // of those that the caller trusts
}

// checkAnchor holds the anchor's parts together and asks whom the caller
// trusts. A place whose word does not hold takes nothing away from the
// package: it only does not add to it.
func (v *verifier) checkAnchor() {
	if v.anchored == nil {
		v.unvouched("", "the package does not say that any place outside has a checkpoint that covers its range")
		return
	}
	if err := v.anchored.check(v.frame); err != nil {
		file := nameAnchors
		if c := (*containerError)(nil); errors.As(err, &c) {
			file = c.file
		}
		v.find(Finding{Verdict: Authenticity, File: file}, "the anchor does not hold: %s", message(err))
		return
	}
	a := &AnchorReport{Through: v.anchored.Through(), Registry: v.anchored.registry.Origin, RegistrySize: v.anchored.registry.Size, VouchedBy: []string{}}
	for _, p := range v.anchored.Places {
		a.Places = append(a.Places, p.Place)
	}
	v.report.Anchored = a
	if v.opt.Vouch == nil {
		return
	}
	vouching := v.opt.Vouch(*v.Anchor)
	v.report.Notes = append(v.report.Notes, vouching.Notes...)
	if vouching.Enough && len(vouching.By) > 0 {
		a.VouchedBy = vouching.By
		return
	}
	v.unvouched(nameAnchors, fmt.Sprintf("those that you trust do not vouch for the registry's checkpoint of %d entries", a.RegistrySize))
}

// unvouched is a finding only for who asked for somebody's word.
func (v *verifier) unvouched(file, why string) {
	if v.opt.Vouch != nil {
		v.find(Finding{Verdict: Authenticity, Status: CannotTell, File: file}, "%s", why)
	}
}

// followAnchored compares the tree with the anchored checkpoint, too.
func (c *rowCheck) followAnchored() {
	cp := c.anchored.covers
	proof := c.proof()
	proof.End, proof.Size = cp.Size, cp.Size
	root, err := ledger.NewRangeRoot(proof)
	if err != nil {
		c.find(Finding{Verdict: Integrity, File: nameAnchorEntry}, "%s", message(err))
		return
	}
	c.known = append(c.known, &knownRoot{cp, root, "the registry, which is anchored outside,", nameAnchorEntry})
}

// assurance says what a package that holds is worth.
func (v *verifier) assurance() string {
	a := v.report.Anchored
	if a == nil {
		return assuranceSigned
	}
	rest := ""
	if n := v.End - 1 - a.Through; n > 0 {
		rest = fmt.Sprintf("; the operator alone attests to the last %d", n)
	}
	if len(a.VouchedBy) == 0 {
		return fmt.Sprintf("signed; evidence that others saw it through entry %d (%s) was not checked, because nobody was named whom to trust%s", a.Through, strings.Join(a.Places, ", "), rest)
	}
	return fmt.Sprintf("signed, and anchored outside through entry %d: vouched for by %s%s", a.Through, strings.Join(a.VouchedBy, ", "), rest)
}

// text is the report's line about the anchor.
func (a *AnchorReport) text() string {
	switch {
	case a == nil:
		return "no"
	case len(a.VouchedBy) == 0:
		return fmt.Sprintf("through entry %d, not checked", a.Through)
	}
	return fmt.Sprintf("through entry %d", a.Through)
}
