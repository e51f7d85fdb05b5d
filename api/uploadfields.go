package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
)

var evidenceType = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// request reads the form's fields; all that is wrong is told at once.
func (f *uploadForm) request(s *server) (req audit.EvidenceRequest, day time.Time, err error) {
	var bad []audit.FieldError
	fail := func(field, code, format string, args ...any) {
		bad = append(bad, audit.FieldError{Field: field, Code: code, Message: fmt.Sprintf(format, args...)})
	}
	for name := range f.fields {
		if !slices.Contains(uploadFields, name) {
			fail(strings.ToValidUTF8(name, "\uFFFD"), "unknown", "this field has no meaning here")
		}
	}
	text := func(name string) string {
		values := f.fields[name]
		if len(values) > 1 {
			fail(name, "duplicate", "%s is given %d times", name, len(values))
		}
		if len(values) == 0 {
			return ""
		}
		if !utf8.ValidString(values[0]) || strings.ContainsRune(values[0], 0) {
			fail(name, "invalid", "%s is UTF-8 without NUL", name)
		}
		return values[0]
	}
	req = audit.EvidenceRequest{Type: text("type"), Title: text("title"), Description: text("description"), Date: text("date")}
	if f.file == nil {
		fail("file", "required", "file is required")
	}
	if !evidenceType.MatchString(req.Type) {
		fail("type", "invalid", "type is 1 to 64 of a-z, 0-9 and underscore, such as access_review")
	}
	if strings.TrimSpace(req.Title) == "" || len(req.Title) > audit.MaxName {
		fail("title", "length", "title has 1 to %d bytes", audit.MaxName)
	}
	if utf8.RuneCountInString(req.Description) > audit.MaxProse {
		fail("description", "length", "description has at most %d characters", audit.MaxProse)
	}
	day, ok := parseDay(req.Date)
	switch {
	case !ok:
		fail("date", "invalid", "date is a date YYYY-MM-DD")
	case day.After(s.Clock().UTC().AddDate(0, 0, 1)): // it may be tomorrow somewhere
		fail("date", "future", "date lies in the future")
	}
	unknown := f.criteria(s, &req, fail)
	if bad == nil {
		return req, day, nil
	}
	e := &audit.Error{Code: audit.ValidationFailed, Message: "the evidence is not valid", Fields: bad[:min(len(bad), audit.MaxBadFields)]}
	if unknown {
		e = e.With("allowed", s.allCriteria())
	}
	return req, day, e
}

// criteria reads one or more fields, each with one criterion or several.
func (f *uploadForm) criteria(s *server, req *audit.EvidenceRequest, fail func(field, code, format string, args ...any)) (unknown bool) {
	seen := map[string]bool{}
	for _, field := range [][]string{f.fields["criteria"], f.fields["criteria[]"]} {
		for _, part := range strings.Split(strings.Join(field, ","), ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			id, _, ok := s.catalog.Find(part)
			if !ok {
				unknown = true
				fail("criteria", "unknown", "there is no criterion %.40q", part)
			} else if !seen[id] {
				seen[id] = true
				req.Criteria = append(req.Criteria, id)
			}
		}
	}
	if !unknown && (len(req.Criteria) == 0 || len(req.Criteria) > MaxEvidenceCriteria) {
		fail("criteria", "length", "1 to %d criteria are named", MaxEvidenceCriteria)
	}
	return unknown
}

// key reads the Idempotency-Key. What must be the same is what was understood,
// and the file by its digest: each client draws another boundary.
func (f *uploadForm) key(r *http.Request, req audit.EvidenceRequest, file audit.EvidenceFile) (*ledger.RequestKey, error) {
	body, err := json.Marshal([]any{req, file.Name, file.Artifact.Digest})
	if err != nil {
		return nil, fmt.Errorf("encode evidence: %w", err)
	}
	return requestKey(r, body)
}
