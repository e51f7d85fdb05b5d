package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// investigate opens a case over a year, waits until its evidence is
// collected and its analyses have ended, and writes a note: a step that the case's
// workflow takes.
func (o *officer) investigate(ctx context.Context, now time.Time, said func(string)) error {
	var c struct {
		ID         string `json:"investigation_id"`
		Stage      string
		Undecided  int `json:"undecided_findings"`
		Collection struct {
			Entries int   `json:"audit_entries_collected"`
			Custody *bool `json:"chain_of_custody_verified"`
		} `json:"evidence_collection"`
	}
	err := o.call(ctx, "/investigations", map[string]any{
		"investigation_type": "routine_review", "title": "A year of the sample organisation", "priority": "low",
		"scope": map[string]any{"time_range": map[string]any{"start": now.AddDate(-1, 0, 0).Format(time.RFC3339), "end": now.Format(time.RFC3339)}},
	}, &c)
	if err != nil {
		return err
	}
	for c.Stage != "findings_review" {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
		text, err := o.send(ctx, http.MethodGet, "/investigations/"+c.ID, nil)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &struct{ Data any }{&c}); err != nil {
			return fmt.Errorf("read the investigation: %w", err)
		}
	}
	if c.Collection.Custody == nil || !*c.Collection.Custody {
		return fmt.Errorf("the chain of custody of %s does not hold", c.ID)
	}
	said(fmt.Sprintf("%s: %d entries are evidence, their chain of custody holds, and %d findings wait for a person", c.ID, c.Collection.Entries, c.Undecided))
	return o.call(ctx, "/investigations/"+c.ID+"/notes", map[string]any{"text": "Opened to show how."}, nil)
}
