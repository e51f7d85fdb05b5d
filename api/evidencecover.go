package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// coverage is metadata that tells a constrained caller that counts are of what
// their credential covers; nil for everyone else.
func coverage(r *http.Request) map[string]any {
	if c := principal(r).Constraints; !c.Empty() {
		return map[string]any{"constraints": c}
	}
	return nil
}

// coversFramework refuses the evidence of a framework that the caller's
// constraints do not name.
func (s *server) coversFramework(r *http.Request, f audit.Framework) error {
	p := principal(r)
	if c := p.Constraints; len(c.Frameworks) > 0 && !slices.Contains(c.Frameworks, f) {
		return s.beyond(p, audit.ReadEvidence, "this credential may not read evidence for "+string(f))
	}
	return nil
}

// coveredUploads narrows a query of uploads to what the caller's constraints
// cover: uploads for a criterion of a covered framework, of days that lie wholly
// in the covered period, and none where repositories are named, since an upload
// is of no repository. some is false when nothing can be left.
func (s *server) coveredUploads(r *http.Request, f store.EvidenceFilter) (narrowed store.EvidenceFilter, some bool) {
	c := principal(r).Constraints
	if c.Empty() {
		return f, true
	}
	if len(c.Frameworks) > 0 {
		var covered []string
		for _, name := range c.Frameworks {
			if framework, ok := s.catalog.Of(name); ok {
				covered = append(covered, framework.IDs()...)
			}
		}
		if len(f.Criteria) > 0 {
			covered = slices.DeleteFunc(covered, func(id string) bool { return !slices.Contains(f.Criteria, id) })
		}
		if f.Criteria = covered; len(covered) == 0 {
			return f, false
		}
	}
	f.Period = f.Period.Intersect(wholeDays(c.Period()))
	return f, len(c.Repositories) == 0
}

// coversUpload is what coveredUploads says of one upload.
func (s *server) coversUpload(r *http.Request, e *store.Evidence) bool {
	f, some := s.coveredUploads(r, store.EvidenceFilter{})
	return some && f.Period.Contains(e.Date) &&
		(len(f.Criteria) == 0 || slices.ContainsFunc(e.Criteria, func(id string) bool { return slices.Contains(f.Criteria, id) }))
}

// wholeDays are the days that lie wholly in a period.
func wholeDays(p audit.Period) audit.Period {
	const day = 24 * time.Hour
	if first := p.From.Truncate(day); first.Before(p.From) {
		p.From = first.Add(day)
	}
	p.Until = p.Until.Truncate(day)
	return p
}
