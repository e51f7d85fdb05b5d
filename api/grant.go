package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sealbook/sealbook/audit"
)

// signedIn is the permission of routes that every credential may use.
const signedIn audit.Permission = "any"

// anyone is the permission of routes that need no credential: people get one
// there.
const anyone audit.Permission = "anyone"

// honoured says of each route that takes a constrained credential why it may:
// it applies the constraints, or shows nothing that they are about. Every other
// route refuses such a credential, and so does one that is new, until somebody
// has thought about it.
var honoured = map[string]string{
	"GET /entries":            "the query is restricted",
	"GET /entries/{id}":       "404 for what is not covered",
	"GET /entries/{id}/proof": "404 for what is not covered",
	"GET /logs":               "the query is restricted",
	"GET /logs/{log_id}":      "404 for what is not covered",

	"GET /search":     "what is not covered is not ranked",
	"GET /statistics": "covered entries are counted",
	"GET /history":    "covered entries are counted",

	"GET /evidence":                     "covered uploads",
	"GET /evidence/soc2":                "of a covered framework: covered entries are counted, covered uploads shown",
	"GET /evidence/{name}":              "likewise; 404 for an upload that is not covered",
	"GET /evidence/download/{artifact}": "404 for an upload that is not covered",

	"POST /verify": "the window selects covered entries alone; what stands between them is only hashed, and no job is made",

	"GET /compliance/frameworks":                           "no entries",
	"GET /compliance/frameworks/{framework}":               "no entries",
	"GET /compliance/assessments":                          "those that are about nothing else",
	"GET /compliance/assessments/{assessment_id}":          "404 for one that is about anything else",
	"GET /compliance/assessments/{assessment_id}/download": "404 for one that is about anything else",
	"GET /compliance/findings":                             "those of covered assessments",
	"GET /compliance/findings/{finding_id}":                "404 for one of an assessment that is about anything else",
	"GET /compliance/violations":                           "those of covered assessments",
	"GET /compliance/violations/{violation_id}":            "404 for one of an assessment that is about anything else",
	"GET /reports":                             "those that are about nothing else",
	"GET /reports/{report_id}":                 "404 for one that is about anything else",
	"GET /reports/{report_id}/download":        "404 for one that is about anything else",
	"GET /reports/{report_id}/deliveries":      "404 for one that is about anything else",
	"GET /reports/{report_id}/signature":       "404 for one that is about anything else",
	"POST /reports/{report_id}/download-links": "404 for one that is about anything else",
	"GET /retention":                           "the policy, without what is measured over entries",

	"GET /keys":               "public keys",
	"GET /checkpoint":         "hashes and sizes",
	"GET /checkpoints":        "hashes and sizes",
	"GET /checkpoints/latest": "hashes and sizes",
	"GET /checkpoints/{size}": "hashes and sizes",
	"GET /proofs/consistency": "hashes and sizes",
	"GET /proofs/range":       "hashes and sizes",
	"GET /anchors":            "of the registry, the same for everyone",
	"GET /event-types":        "no entries",

	"POST /evidence/export":                  "a wider package is refused",
	"GET /evidence/exports":                  "the caller's own",
	"GET /evidence/export/{job_id}":          "the caller's own; others are 404",
	"DELETE /evidence/export/{job_id}":       "the caller's own; others are 404",
	"GET /evidence/export/{job_id}/download": "the caller's own; others are 404",
	"POST /evidence/export/{job_id}/retry":   "the caller's own; others are 404",

	"GET /api-keys":                  "no entries",
	"POST /api-keys":                 "a wider key is refused",
	"GET /api-keys/{key_id}":         "no entries",
	"POST /api-keys/{key_id}/rotate": "a wider key is refused",
	"DELETE /api-keys/{key_id}":      "no entries",
	"GET /permissions":               "no entries",
	"GET /me":                        "no entries",
	"GET /auth/session":              "no entries",
	"POST /auth/logout":              "their own session",
	"POST /auth/password":            "their own password",

	"GET /auth/credentials":              "their own",
	"POST /auth/credentials/challenge":   "their own",
	"POST /auth/passkeys":                "their own",
	"DELETE /auth/passkeys/{passkey_id}": "their own",
	"PUT /auth/identity":                 "their own",
	"DELETE /auth/identity":              "their own",
}

// ownCases says with which other permission a route may be used for reports of the
// caller's own cases, and for nothing else: see ownCase. Who investigates needs the
// document of a case, and no other report.
var ownCases = map[string]audit.Permission{
	"POST /reports":                            audit.WriteInvestigations,
	"GET /reports":                             audit.ReadInvestigations,
	"GET /reports/{report_id}":                 audit.ReadInvestigations,
	"GET /reports/{report_id}/download":        audit.ReadInvestigations,
	"POST /reports/{report_id}/download-links": audit.ReadInvestigations,
}

// admit returns Forbidden unless p may use the route.
func (s *server) admit(p audit.Principal, rt route) error {
	if own := ownCases[rt.method+" "+rt.path]; rt.permission != signedIn && (own == "" || !p.Can(own)) {
		if err := s.require(p, rt.permission); err != nil {
			return err
		}
	}
	if _, ok := honoured[rt.method+" "+rt.path]; !ok && !p.Constraints.Empty() {
		return s.beyond(p, rt.permission, "the constraints of this credential cannot be applied here, so it may not")
	}
	return nil
}

// require returns Forbidden unless p holds want.
func (s *server) require(p audit.Principal, want audit.Permission) error {
	if err := p.Require(want); err != nil {
		return s.refused(err.(*audit.Error), p)
	}
	return nil
}

// beyond is Forbidden for who holds the permission, but not for so much.
func (s *server) beyond(p audit.Principal, want audit.Permission, why string) error {
	return s.refused(p.Refuse(want, why), p).With("constraints", p.Constraints)
}

// refused completes the details that document B shows. Of the caller's
// permissions it tells those to read.
func (s *server) refused(e *audit.Error, p audit.Principal) *audit.Error {
	reading := slices.DeleteFunc(slices.Clone(p.Permissions), func(has audit.Permission) bool {
		return !strings.HasPrefix(string(has), "audit:read:")
	})
	e.Details["user_permissions"] = append([]audit.Permission{}, reading...)
	if s.Contact != "" {
		e.Details["contact"] = s.Contact
	}
	return e
}

// covered returns NotFound for an entry that the caller's constraints do not
// cover: to them, there is none.
func covered(r *http.Request, e *audit.Entry) error {
	if c := principal(r).Constraints; !c.Empty() && !c.Covers(e) {
		return audit.Errorf(audit.NotFound, "there is no such entry")
	}
	return nil
}

// mayExport refuses a package that shows more than the caller's constraints
// cover. A package holds every entry of its range, those that were not asked
// for with their type, time and repository, so that nothing can be left out
// unseen. Constraints on frameworks or repositories would be about those, too.
func (s *server) mayExport(p audit.Principal, request *audit.ExportRequest) error {
	c := p.Constraints
	switch {
	case len(c.Frameworks) > 0 || len(c.Repositories) > 0:
		return s.beyond(p, audit.ExportEvidence, "a package shows of every entry in its range at least type, time and repository, which is more than this credential may read; ask for one to be made for you")
	case !request.Period().Within(c.Period()):
		return s.beyond(p, audit.ExportEvidence, "the package's period is longer than what this credential may read")
	}
	return nil
}

// mayGrant refuses to give rights that the caller does not hold: permissions
// with what they imply, wider constraints, more networks, a longer life. Who
// holds audit:admin may give permissions beyond their own, as long as these
// reveal nothing that they may not read themselves.
func (s *server) mayGrant(p audit.Principal, g audit.CheckedGrant) error {
	for _, give := range g.Permissions {
		info, _ := give.Info()
		if !p.Can(give) && (info.Reveals || info.Personal || !p.Can(audit.Admin)) {
			return s.refused(p.Refuse(give, "nobody can grant a permission that they do not hold"), p)
		}
	}
	switch {
	case !g.Constraints.Within(p.Constraints):
		return s.beyond(p, audit.ManageKeys, "the key's constraints are wider than those of this credential")
	case !audit.CIDRsWithin(g.AllowedCIDRs, p.AllowedCIDRs):
		return s.beyond(p, audit.ManageKeys, "the key's networks are wider than those of this credential")
	case !p.Person() && p.ExpiresAt != nil && (g.ExpiresAt == nil || g.ExpiresAt.After(*p.ExpiresAt)):
		return s.beyond(p, audit.ManageKeys, "the key would outlive this credential")
	}
	return nil
}
