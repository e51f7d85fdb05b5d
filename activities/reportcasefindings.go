package activities

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/report"
	"github.com/sealbook/sealbook/internal/store"
)

// caseFinding is a finding with what it rests on, whoever found it.
func caseFinding(f *store.InvestigationFinding) report.CaseFinding {
	var body struct {
		EntryIDs         []string          `json:"entry_ids"`
		Entries          int               `json:"entries"`
		First            time.Time         `json:"first_time"`
		Last             time.Time         `json:"last_time"`
		Group            map[string]string `json:"group"`
		Observed         map[string]any    `json:"observed"`
		Confidence       *float64          `json:"confidence_score"`
		ConfidenceReason string            `json:"confidence_reason"`
		Description      string            `json:"description"`
		Alternative      string            `json:"alternative_explanation"`
	}
	out := report.CaseFinding{
		ID: f.ID, Analysis: f.Analysis, Kind: f.Kind, Round: f.Round, Title: f.Title, Severity: f.Severity, Status: string(f.Status), EntryIDs: []string{},
		Basis: "none: a person found it",
	}
	if err := json.Unmarshal(f.Body.V, &body); err != nil { // it is our own text; what is wrong with it must not hide the finding
		out.Basis = "the finding's own text cannot be read"
	} else {
		out.EntryIDs, out.Entries, out.Confidence, out.Alternative = append(out.EntryIDs, body.EntryIDs...), max(body.Entries, len(body.EntryIDs)), body.Confidence, body.Alternative
		if f.Analysis != "manual" {
			out.Basis = body.ConfidenceReason
		}
		lines := []string{body.Description}
		if !body.First.IsZero() {
			lines = append(lines, fmt.Sprintf("From %s to %s.", audit.FormatTime(body.First), audit.FormatTime(body.Last)))
		}
		for _, part := range []struct {
			name string
			text string
		}{{"In common", listed(body.Group)}, {"Observed", listed(body.Observed)}} {
			if part.text != "" {
				lines = append(lines, part.name+": "+part.text+".")
			}
		}
		out.Description = strings.TrimSpace(strings.Join(lines, "\n"))
	}
	if f.DecidedBy != nil && f.DecidedAt != nil {
		out.DecidedBy, out.DecidedAt = whoIs(f.DecidedBy.V), f.DecidedAt.UTC()
	}
	if f.Reason != nil {
		out.Reason = *f.Reason
	}
	return out
}

// listed shows names with their values, in the order of the names.
func listed[V any](of map[string]V) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		var value string
		switch v := any(of[name]).(type) {
		case string:
			value = v
		default:
			text, err := json.Marshal(v)
			if err != nil {
				continue
			}
			value = string(text)
		}
		parts = append(parts, strings.ReplaceAll(name, "_", " ")+" "+clip(value))
	}
	return strings.Join(parts, "; ")
}
