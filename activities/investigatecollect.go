package activities

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/internal/evidence"
	"github.com/sealbook/sealbook/internal/store"
	"github.com/sealbook/sealbook/ledger"
)

// Kinds of evidence that is collected.
const (
	evidenceTrigger  = "trigger_entry"
	evidenceEntries  = "audit_entries"
	evidenceLogs     = "system_logs"
	evidenceSessions = "user_sessions"
	evidenceChanges  = "change_records"
)

// maxSessions bounds the sessions that are told apart; entries of more are
// collected all the same.
const maxSessions = 100_000

// CollectEvidence stores what the ledger has on an investigation, with digests and
// the first event of its custody, and leads it to its analyses. Files are named by
// their digests: repeated, it stores the same ones. Entries that are not what the
// ledger committed to are no evidence; how many they are stands in its source.
func (a *Activities) CollectEvidence(ctx context.Context, start audit.InvestigationStart) (audit.Case, error) {
	defer a.keepAlive(ctx)()
	row, err := a.Store.Investigation(ctx, start.Ledger, start.ID)
	if err != nil {
		return audit.Case{}, err
	}
	step := fmt.Sprintf("round/%d/collected", row.Round)
	if done, err := a.Store.StepTaken(ctx, start.Ledger, start.ID, step); err != nil || done || row.Stage != audit.StageCollection || row.Status.Final() {
		return row.Case(), err
	}
	head, _, err := a.Log.Head(ctx, row.Ledger)
	if err != nil {
		return audit.Case{}, err
	}
	end := head.Size
	if row.Round == 1 && row.EndSeq != nil {
		end = *row.EndSeq
	}
	c := &caseCollector{a: a, row: &row, end: end, sessions: map[string]*session{}, users: map[string]bool{}}
	defer c.close()
	if err := c.collect(ctx); err != nil {
		return row.Case(), err
	}
	items, err := c.items(ctx)
	if err != nil {
		return row.Case(), err
	}
	return a.takeStep(ctx, start, step, func(row *store.Investigation, now time.Time) (taken, error) {
		if row.Stage != audit.StageCollection || row.Status.Final() {
			return taken{}, audit.Errorf(audit.InvalidState, "the investigation is in %s, %s", row.Stage, row.Status)
		}
		t := taken{kind: "evidence_collected"}
		digests := audit.Object{}
		for i := range items {
			items[i].AcquiredAt = now
			digests[items[i].Kind] = audit.Object{"evidence_id": items[i].ID, "sha256": items[i].Artifact.V.Digest, "items": items[i].Items}
			t.with = append(t.with, store.InsertEvidenceItem(row.Ledger, items[i], a.Software))
		}
		t.details = audit.Object{"round": row.Round, "first_seq": c.first, "end_seq": c.end, "evidence": digests, "altered_entries": c.altered}
		row.EndSeq, row.Counts = &c.end, &store.JSON[store.CaseCounts]{V: c.counts}
		beginAnalyses(row, now)
		return t, nil
	})
}

// caseCollector goes through the entries of a scope's time once and writes those
// that are evidence to files.
type caseCollector struct {
	a          *Activities
	row        *store.Investigation
	first, end int64
	counts     store.CaseCounts
	altered    int64
	users      map[string]bool
	sessions   map[string]*session
	files      map[string]*caseFile
}

type session struct {
	ID      string `json:"session_id"`
	User    string `json:"user_id"`
	First   string `json:"first_entry_at"`
	Last    string `json:"last_entry_at"`
	Entries int    `json:"entries"`
}

type caseFile struct {
	file  *os.File
	w     *bufio.Writer
	lines int64
	line  []byte
}

func (c *caseCollector) close() {
	for _, kind := range slices.Sorted(maps.Keys(c.files)) {
		f := c.files[kind]
		f.file.Close()           // it was read, or is of no use
		os.Remove(f.file.Name()) //nolint:errcheck // the system clears its temporary files
	}
}

func (c *caseCollector) collect(ctx context.Context) error {
	c.files = map[string]*caseFile{}
	for _, kind := range []string{evidenceEntries, evidenceLogs, evidenceChanges} {
		f, err := os.CreateTemp(c.a.TempDir, "sealbook-case-*")
		if err != nil {
			return fmt.Errorf("make a file for evidence: %w", err)
		}
		c.files[kind] = &caseFile{file: f, w: bufio.NewWriter(f)}
	}
	first, end, _, err := c.a.Log.Range(ctx, c.row.Ledger, audit.Filter{Period: c.row.Period()})
	if err != nil {
		return err
	}
	if end = min(end, c.end); first < 0 || first >= end {
		c.first = c.end
		return nil
	}
	c.first = first
	period := c.row.Period()
	for r, err := range c.a.Log.Rows(ctx, c.row.Ledger, first, end) {
		if missingSeq(err) >= 0 {
			return audit.Errorf(audit.Tampered, "entry %d of the scope is missing; verify the ledger", missingSeq(err))
		}
		if err != nil {
			return err
		}
		e, err := r.Entry()
		if audit.CodeOf(err) == audit.Tampered || err == nil && !e.Verified {
			c.altered++
			continue
		}
		if err != nil {
			return err
		}
		if !period.Contains(e.Time()) {
			continue
		}
		if err := c.add(&r, &e); err != nil {
			return err
		}
	}
	for n := range slices.Values(c.row.Request.V.Scope.Users) {
		c.users[strings.ToLower(n)] = true
	}
	c.counts.Users, c.counts.Sessions = int64(len(c.users)), int64(len(c.sessions))
	return nil
}

func (c *caseCollector) add(r *ledger.Row, e *audit.Entry) error {
	c.counts.Entries++
	id, email := e.Actor.String("id"), e.Actor.String("email")
	if named := c.row.Request.V.Scope.Users; slices.ContainsFunc(named, func(n string) bool { return strings.EqualFold(n, email) }) {
		id = email // somebody who is named by address is not counted twice
	}
	if id == "" {
		id = email
	}
	if id != "" {
		c.users[strings.ToLower(id)] = true
	}
	if e.Class == audit.ClassSystem {
		c.counts.SystemLogs++
		if err := c.files[evidenceLogs].add(r); err != nil {
			return err
		}
	}
	if !c.row.Request.V.Scope.Covers(e) && (c.row.TriggerSeq == nil || e.Seq != *c.row.TriggerSeq) {
		return nil
	}
	c.counts.Collected++
	if err := c.files[evidenceEntries].add(r); err != nil {
		return err
	}
	if changes, _ := e.Action["changes"].([]any); e.Class == audit.ClassChange || len(changes) > 0 {
		c.counts.Changes++
		if err := c.files[evidenceChanges].add(r); err != nil {
			return err
		}
	}
	name := e.Actor.String("session_id")
	if name == "" {
		name = e.Metadata.String("session_id")
	}
	if name != "" {
		s := c.sessions[name]
		if s == nil && len(c.sessions) < maxSessions {
			s = &session{ID: name, User: id, First: audit.FormatTime(e.Time()), Last: audit.FormatTime(e.Time())}
			c.sessions[name] = s
		}
		if s != nil {
			at := audit.FormatTime(e.Time())
			s.First, s.Last, s.Entries = min(s.First, at), max(s.Last, at), s.Entries+1
		}
	}
	return nil
}

func (f *caseFile) add(r *ledger.Row) (err error) {
	if f.line, err = evidence.AppendEntryLine(f.line[:0], r); err != nil {
		return err
	}
	f.lines++
	_, err = f.w.Write(f.line)
	return err
}

// items stores the files and describes them.
func (c *caseCollector) items(ctx context.Context) (items []store.CaseEvidence, err error) {
	titles := map[string]string{
		evidenceEntries: "Entries of the scope", evidenceLogs: "Entries of systems in the time of the scope", evidenceChanges: "Entries of the scope that change something",
	}
	for _, kind := range []string{evidenceEntries, evidenceLogs, evidenceChanges} {
		f := c.files[kind]
		if err := f.w.Flush(); err != nil {
			return nil, fmt.Errorf("write evidence: %w", err)
		}
		if _, err := f.file.Seek(0, 0); err != nil {
			return nil, fmt.Errorf("rewind evidence: %w", err)
		}
		artifact, err := c.a.Artifacts.Put(ctx, casePrefix(c.row.ID), f.file)
		if err != nil {
			return nil, err
		}
		items = append(items, c.item(kind, titles[kind], "entries.jsonl", "application/x-ndjson", f.lines, artifact))
	}
	var b bytes.Buffer
	for _, id := range slices.Sorted(maps.Keys(c.sessions)) {
		line, err := json.Marshal(c.sessions[id])
		if err != nil {
			return nil, fmt.Errorf("encode session: %w", err)
		}
		b.Write(append(line, '\n'))
	}
	artifact, err := c.a.Artifacts.Put(ctx, casePrefix(c.row.ID), bytes.NewReader(b.Bytes()))
	if err != nil {
		return nil, err
	}
	items = append(items, c.item(evidenceSessions, "Sessions of the scope", "sessions.jsonl", "application/x-ndjson", int64(len(c.sessions)), artifact))
	if c.row.TriggerSeq == nil || c.row.Round > 1 {
		return items, nil
	}
	trigger, err := c.trigger(ctx, *c.row.TriggerSeq)
	return append([]store.CaseEvidence{trigger}, items...), err
}

// trigger is the entry that gave rise to the investigation.
func (c *caseCollector) trigger(ctx context.Context, seq int64) (store.CaseEvidence, error) {
	r, err := c.a.Log.Row(ctx, c.row.Ledger, seq)
	if err != nil {
		return store.CaseEvidence{}, err
	}
	line, err := evidence.AppendEntryLine(nil, &r)
	if err != nil {
		return store.CaseEvidence{}, err
	}
	artifact, err := c.a.Artifacts.Put(ctx, casePrefix(c.row.ID), bytes.NewReader(line))
	item := c.item(evidenceTrigger, "The entry that gave rise to the investigation", "trigger.jsonl", "application/x-ndjson", 1, artifact)
	end := seq + 1
	item.FirstSeq, item.EndSeq, item.EffectiveFrom, item.EffectiveTo = &seq, &end, nil, nil
	return item, err
}

func (c *caseCollector) item(kind, title, file, media string, n int64, artifact audit.Artifact) store.CaseEvidence {
	scope := c.row.Request.V.Scope
	return store.CaseEvidence{
		ID: fmt.Sprintf("%s_r%d_%s", c.row.ID, c.row.Round, kind), Investigation: c.row.ID, Kind: kind, Title: title, FirstSeq: &c.first, EndSeq: &c.end, Items: n,
		Source: store.JSON[audit.Object]{V: audit.Object{
			"query": kind, "from": audit.FormatTime(c.row.FromTime), "until": audit.FormatTime(c.row.UntilTime), "systems": scope.Systems, "users": scope.Users,
			"altered_entries": c.altered,
		}},
		Artifact: store.JSON[audit.Artifact]{V: artifact}, MediaType: media, FileName: file, EffectiveFrom: &c.row.FromTime, EffectiveTo: &c.row.UntilTime,
		AcquiredBy: store.JSON[audit.Object]{V: audit.Object{"type": "system", "id": "sealbook"}}, Round: c.row.Round,
	}
}

func casePrefix(id audit.InvestigationID) string { return "investigations/" + string(id) }
