package api

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/store"
)

// retentionBody is document A's answer; version, set_at and floors are ours.
type retentionBody struct {
	Policy  audit.RetentionPolicy  `json:"policy"`
	Storage *float64               `json:"storage_used_gb"` // null when it could not be measured
	Oldest  *string                `json:"oldest_log"`
	Version int                    `json:"version"`
	SetAt   string                 `json:"set_at,omitempty"`
	Floors  []audit.RetentionFloor `json:"floors"`
}

// showRetention answers GET /retention. Its ETag is what a change needs.
func (s *server) showRetention(r *http.Request) (reply, error) {
	history, err := s.retention.newest(r.Context(), principal(r).Ledger)
	if err != nil {
		return reply{}, err
	}
	return s.retentionReply(r, history.Current())
}

func (s *server) retentionReply(r *http.Request, v audit.RetentionVersion) (reply, error) {
	org := principal(r).Ledger
	tag, err := retentionTag(org, v)
	if err != nil {
		return reply{}, err
	}
	body := retentionBody{Policy: v.Policy, Version: v.Version, Floors: audit.RetentionFloors}
	if v.Version > 0 {
		body.SetAt = audit.FormatTime(v.SetAt)
	}
	if c := principal(r).Constraints; !c.Empty() { // the rest is measured over all entries
		const why = "it is about entries that this credential may not read"
		metadata := map[string]any{"storage_measured_at": nil, "storage_reason": why, "oldest_reason": why, "constraints": c}
		return reply{header: http.Header{"Etag": {tag}}, data: body, metadata: metadata}, nil
	}
	oldest, err := s.Log.Oldest(r.Context(), org)
	if err != nil {
		return reply{}, err
	}
	if oldest != nil {
		at := audit.FormatTime(*oldest)
		body.Oldest = &at
	}
	used, err := s.storage.of(r.Context(), org)
	if err != nil {
		return reply{}, err
	}
	metadata := map[string]any{"storage_measured_at": nil}
	if used.known {
		gb := float64(used.bytes) / 1e9
		body.Storage, metadata["storage_measured_at"] = &gb, audit.FormatTime(used.at)
	} else {
		metadata["storage_reason"] = "it could not be measured within " + s.MeasureTimeout.String()
	}
	return reply{header: http.Header{"Etag": {tag}}, data: body, metadata: metadata}, nil
}

// retentionTag names a version of a policy, of one organisation.
func retentionTag(ledger int32, v audit.RetentionVersion) (string, error) {
	text, err := json.Marshal(v.Policy)
	if err != nil {
		return "", fmt.Errorf("encode retention policy: %w", err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s", ledger, v.Version, text))
	return fmt.Sprintf(`"v%d-%x"`, v.Version, sum[:8]), nil
}

// putRetention answers PUT /retention: a new version of the policy, if the
// caller has seen the one that it replaces. What is in force already is left
// alone, and what shortens anything waits for another person. Entries keep the
// longest period that a policy has promised them.
func (s *server) putRetention(r *http.Request) (reply, error) {
	req, _, err := decode[audit.RetentionRequest](r)
	if err != nil {
		return reply{}, err
	}
	policy := req.RetentionPolicy
	req.Reason = strings.TrimSpace(req.Reason)
	org := principal(r).Ledger
	history, err := s.retention.newest(r.Context(), org)
	if err != nil {
		return reply{}, err
	}
	was := history.Current()
	tag, err := retentionTag(org, was)
	if err != nil {
		return reply{}, err
	}
	if err := checkIfMatch(r, tag); err != nil {
		return reply{header: http.Header{"Etag": {tag}}}, err
	}
	carried, err := s.Log.Carried(r.Context(), org, s.MeasureTimeout)
	if err != nil {
		return reply{}, err
	}
	bad := policy.Check(carried)
	if len(req.Reason) > audit.MaxRetentionReason {
		bad = append(bad, audit.FieldError{Field: "/reason", Code: "too_long", Message: fmt.Sprintf("reason has at most %d bytes", audit.MaxRetentionReason)})
	}
	if bad != nil {
		return reply{}, invalid("the retention policy is not valid", bad...)
	}
	if policy == was.Policy {
		return s.retentionReply(r, was)
	}
	if shortens := policy.Shortens(&was.Policy); shortens != nil {
		return s.requestRetentionChange(r, was, &req, shortens)
	}
	next := audit.RetentionVersion{Version: was.Version + 1, Policy: policy, SetAt: s.Clock()}
	_, err = s.record(r, aboutRetention(r, next, was.Policy, req.Reason), nil, store.SetRetention(org, was.Version, policy, next.SetAt))
	s.retention.forget(org) // also when somebody else was first
	if err != nil {
		return reply{}, err
	}
	return s.retentionReply(r, next)
}

// aboutRetention is the entry about a policy that is set.
func aboutRetention(r *http.Request, next audit.RetentionVersion, previous audit.RetentionPolicy, reason string) audit.Event {
	e := action(r, typeRetentionChanged, audit.Object{"type": "retention_policy", "id": fmt.Sprint(next.Version)},
		audit.Object{"policy": next.Policy, "previous": previous, "version": next.Version})
	e.Severity = audit.SeverityMedium
	if reason != "" {
		e.Metadata["reason"] = reason
	}
	return e
}

// checkIfMatch holds the request's If-Match (RFC 9110, section 13.1.1) against
// the ETag of what it changes. Returns PreconditionRequired or
// PreconditionFailed.
func checkIfMatch(r *http.Request, tag string) error {
	return checkIfMatches(r, func(given string) bool { return given == tag })
}

// checkIfMatches is checkIfMatch where current tells which tags will do.
func checkIfMatches(r *http.Request, current func(given string) bool) error {
	given := r.Header.Values("If-Match")
	if len(given) == 0 {
		return audit.Errorf(audit.PreconditionRequired, "send If-Match with the ETag of what this changes, as GET gives it")
	}
	for _, part := range strings.Split(strings.Join(given, ","), ",") {
		if part = strings.TrimSpace(part); part == "*" || current(part) {
			return nil
		}
	}
	return audit.Errorf(audit.PreconditionFailed, "it was changed since it was read; get it again")
}
