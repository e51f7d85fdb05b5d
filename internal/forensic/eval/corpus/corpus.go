// Package corpus is labelled entries: a file of entries as POST /entries takes
// them, in their order of arrival, and a file of labels that say which of them
// belong to an incident or to harmless work that looks like one. It guards that
// a label points to entries that exist, and that the same content has the same
// digest. The generator writes it, the scoring reads it, and so can anybody who
// has labelled entries of their own.
package corpus

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sealbook/sealbook/audit"
)

// Kind is what a label claims of its entries.
type Kind string

// The kinds. A look-alike is harmless: what it is good for is to say which
// harmless work causes false alarms.
const (
	Incident  Kind = "incident"
	LookAlike Kind = "look_alike"
)

// Label names the entries of one incident, or of one look-alike.
type Label struct {
	ID      string    `json:"id"` // unique in its corpus
	Kind    Kind      `json:"kind"`
	Family  string    `json:"family"`  // such as A1, or typo_burst
	Variant string    `json:"variant"` // of the family; may be empty
	Actors  []string  `json:"actors"`  // ids of the accounts that a right finding names, at least one of them
	From    time.Time `json:"from"`    // own time of its first entry
	To      time.Time `json:"to"`      // own time of its last one, inclusive
	Entries []string  `json:"entries"` // external ids, which is how findings name entries of a file; sorted
}

// Corpus is labelled entries.
type Corpus struct {
	Name   string
	Lines  [][]byte // one entry each, without a line feed; repeated external ids are deliveries of the same entry
	Labels []Label
}

// Digest is the SHA-256 of the lines and then the labels as JSON, each ended by
// a line feed: that of the two files one after the other. Both are canonical
// where the generator wrote them, keys sorted and no space.
func (c *Corpus) Digest() string {
	h := sha256.New()
	for _, line := range c.Lines {
		h.Write(line)
		h.Write([]byte{'\n'})
	}
	for i := range c.Labels {
		line, err := json.Marshal(&c.Labels[i])
		if err != nil {
			panic(err) // it holds strings and times alone
		}
		h.Write(line)
		h.Write([]byte{'\n'})
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Entries are the lines as "sealbook analyse --format jsonl" reads them: an
// external id that came before adds nothing, the number is the place among
// those that are left, and the time of recording is zero, because a file does
// not have it. The error names the line that is no entry.
func (c *Corpus) Entries() ([]audit.Entry, error) {
	out := make([]audit.Entry, 0, len(c.Lines))
	known := make(map[string]bool, len(c.Lines))
	// The clock of this machine must not decide what is an entry.
	end := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	for i, line := range c.Lines {
		var request audit.EntryRequest
		if err := json.Unmarshal(line, &request); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		event, bad := request.Event(registered, end)
		switch {
		case len(bad) > 0:
			return nil, fmt.Errorf("line %d: %s: %s", i+1, bad[0].Field, bad[0].Message)
		case event.ExternalID == "" || event.Timestamp == nil:
			return nil, fmt.Errorf("line %d: an entry here has an external_id and a timestamp", i+1)
		case known[event.ExternalID]:
			continue
		}
		known[event.ExternalID] = true
		out = append(out, audit.Entry{Event: event, Seq: int64(len(out))})
	}
	return out, nil
}

// registered takes every type that could be one, with the class that its
// family implies.
func registered(name string) (audit.EventType, bool) {
	return audit.EventType{Name: name, Class: audit.ClassOf(name), Severity: audit.SeverityLow}, audit.ValidEventTypeName(name)
}

// Check returns the first label that is not sound: ids must be unique, and every
// label names entries of the corpus, an actor, and the span of its entries.
func (c *Corpus) Check(entries []audit.Entry) error {
	at := make(map[string]time.Time, len(entries))
	for i := range entries {
		at[entries[i].ExternalID] = entries[i].Time()
	}
	seen := map[string]bool{}
	for _, l := range c.Labels {
		if seen[l.ID] || l.ID == "" {
			return fmt.Errorf("label %q: there must be one of each id", l.ID)
		}
		seen[l.ID] = true
		if len(l.Entries) == 0 || l.Kind == Incident && len(l.Actors) == 0 {
			return fmt.Errorf("label %s: it needs entries, and an incident needs actors", l.ID)
		}
		first, last := time.Time{}, time.Time{}
		for _, id := range l.Entries {
			t, ok := at[id]
			if !ok {
				return fmt.Errorf("label %s: there is no entry %s", l.ID, id)
			}
			if first.IsZero() || t.Before(first) {
				first = t
			}
			if t.After(last) {
				last = t
			}
		}
		if !first.Equal(l.From) || !last.Equal(l.To) {
			return fmt.Errorf("label %s: its entries are of %s to %s", l.ID, audit.FormatTime(first), audit.FormatTime(last))
		}
	}
	return nil
}
