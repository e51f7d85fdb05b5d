package ledger_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// old is a ledger whose entries were recorded over some months of the past.
type old struct {
	*ledger.Log
	id       int32
	dsn      string
	now      time.Time
	receipts []*ledger.Receipt
	files    map[string][]byte
}

const oldPerMonth = 40

// newOld appends oldPerMonth entries in each of four months, every fourth a scan
// result, and sets the clock two years on.
func newOld(t *testing.T) *old {
	t.Helper()
	o := &old{dsn: ledgertest.Database(t), now: time.Date(2022, 1, 3, 9, 0, 0, 0, time.UTC), files: map[string][]byte{}}
	o.Log = ledgertest.Open(t, o.dsn, func(c *ledger.Config) { c.Clock = func() time.Time { return o.now } })
	d, err := o.Create(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	o.id = d.ID
	for month := range 4 {
		for i := range 4 {
			var events []audit.Event
			for j := range oldPerMonth / 4 {
				e := ledgertest.Event(len(o.receipts) + j)
				e.Type, e.Timestamp, e.Frameworks = "fix.applied", nil, nil
				e.Actor = audit.Object{"type": "user", "id": fmt.Sprintf("u_%d", j%3), "email": fmt.Sprintf("u%d@example.com", j%3)}
				e.Repository = audit.Object{"id": "repo_" + fmt.Sprint(month%2), "name": "example/<one> & two"}
				if i == 3 {
					e.Type = "scan.completed"
				}
				events = append(events, e)
			}
			out, err := o.Append(t.Context(), ledger.Submission{Ledger: o.id, Events: events})
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range out.Items {
				if item.Err != nil {
					t.Fatal(item.Err)
				}
				o.receipts = append(o.receipts, item.Receipt)
			}
			o.now = o.now.Add(5 * 24 * time.Hour)
		}
		o.now = time.Date(2022, time.Month(month+2), 3, 9, 0, 0, 0, time.UTC)
	}
	o.now = time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)
	return o
}

// archive writes, checks and registers every segment that is due.
func (o *old) archive(t *testing.T) (plans []*ledger.ArchivePlan) {
	t.Helper()
	for {
		logs, scans := audit.DefaultRetention.Archivable(o.now)
		plan, err := o.PlanSegment(t.Context(), o.id, logs, scans, nil)
		if err != nil {
			t.Fatal(err)
		}
		if plan == nil {
			return plans
		}
		var file bytes.Buffer
		if err := o.WriteSegment(t.Context(), plan, &file, func(int64) {}); err != nil {
			t.Fatal(err)
		}
		if err := o.CheckSegment(t.Context(), o.id, plan.ID(), plan.Seqs, bytes.NewReader(file.Bytes()), nil); err != nil {
			t.Fatal(err)
		}
		for range 2 { // again has no effect
			if err := o.RegisterSegment(t.Context(), plan, audit.Artifact{Key: plan.ID(), Digest: "sha256:" + plan.ID(), Size: int64(file.Len())}); err != nil {
				t.Fatal(err)
			}
		}
		o.files[plan.ID()] = file.Bytes()
		plans = append(plans, plan)
	}
}

func (o *old) purge(t *testing.T) (p ledger.Purged) {
	t.Helper()
	list, err := o.Purgeable(t.Context(), o.id, -1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		q, err := o.PurgeSegment(t.Context(), &list[i], func(int64) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		p.Entries += q.Entries
		p.Held += q.Held
	}
	return p
}

// payloads reads the rows of payloads as text, in order.
func (o *old) payloads(t *testing.T) []string {
	t.Helper()
	return queryTexts(t, o.dsn, `select p::text from payload p where ledger = `+fmt.Sprint(o.id)+` order by seq`)
}

func (o *old) texts(t *testing.T) []string {
	t.Helper()
	return queryTexts(t, o.dsn, `select seq || ' ' || basic::text || ' ' || sensitive::text from search_text where ledger = `+fmt.Sprint(o.id)+` order by seq`)
}

func codeAt(o *old, t *testing.T, seq int64) audit.Code {
	_, err := o.Row(t.Context(), o.id, seq)
	if err == nil {
		return ""
	}
	return audit.CodeOf(err)
}

// What was archived is gone from the database and comes back as it was; every
// receipt that was ever given verifies all the time, and so does the ledger.
func TestArchivedPayloadsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	o := newOld(t)
	if err := o.Index(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, found := o.payloads(t), o.texts(t)
	if len(found) < 4*oldPerMonth {
		t.Fatalf("%d texts", len(found))
	}
	plans := o.archive(t)
	if len(plans) != 8 { // four months, entries and scan results apart
		t.Fatalf("%d segments", len(plans))
	}
	for _, p := range plans { // seven years and two, by the calendar, as entries show it
		if kept := p.KeptUntil; kept != p.RecordedUntil.AddDate(7, 0, 0) && kept != p.RecordedUntil.AddDate(2, 0, 0) {
			t.Errorf("%s is kept until %s", p.ID(), kept)
		}
	}
	if p := o.purge(t); p.Entries != 4*oldPerMonth || p.Held != 0 {
		t.Fatalf("purged %+v", p)
	}
	if rows, texts := o.payloads(t), o.texts(t); len(rows) != 0 || len(texts) != 0 {
		t.Fatalf("%d payloads and %d texts are left", len(rows), len(texts))
	}
	given, err := o.GiveBack(t.Context(), time.Date(2022, 5, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || len(given) != 3 { // of January the registry keeps the creation of the ledger
		t.Errorf("given back %v, %v", given, err)
	}
	for i, g := range given {
		if g.Month != fmt.Sprintf("2022_%02d", i+2) || g.After != 0 || g.Before == 0 {
			t.Errorf("given back %+v", g)
		}
	}
	verifies := func(archived int64) {
		t.Helper()
		v := ledgertest.Check(t, o.Log, o.id, 4*oldPerMonth)
		if v.Archived != archived {
			t.Errorf("%d entries are archived, not %d", v.Archived, archived)
		}
		if r, err := o.VerifyRegistry(t.Context(), ledger.Registry, ledger.VerifyOptions{}); err != nil || len(r.Problems) > 0 {
			t.Errorf("the registry: %v, %v", r.Problems, err)
		}
		for _, r := range o.receipts {
			c, err := o.CheckReceipt(t.Context(), o.id, r)
			if err != nil || !c.Genuine() || !c.Current || len(c.Problems) > 0 || (c.Gone != nil) != (archived > 0) {
				t.Fatalf("receipt: %+v, %v", c, err)
			}
		}
	}
	verifies(4 * oldPerMonth)
	if code := codeAt(o, t, 5); code != audit.Archived {
		t.Errorf("an archived entry is answered with %q", code)
	}

	for range 2 { // again has no effect
		for _, p := range plans {
			s, err := o.SegmentByID(t.Context(), o.id, p.ID())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := o.RestoreSegment(t.Context(), &s, o.now.AddDate(0, 0, 7), bytes.NewReader(o.files[s.ID]), func(int64) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	if after := o.payloads(t); !slices.Equal(before, after) {
		t.Errorf("the payloads are not what they were: %d and %d", len(before), len(after))
	}
	if after := o.texts(t); !slices.Equal(found, after) {
		t.Errorf("the texts are not what they were: %d and %d", len(found), len(after))
	}
	verifies(0)
	if p := o.purge(t); p.Entries != 0 {
		t.Errorf("a retrieval was purged: %+v", p)
	}
	o.now = o.now.AddDate(0, 0, 8)
	if p := o.purge(t); p.Entries != 4*oldPerMonth {
		t.Errorf("after the retrieval went %+v", p)
	}
	verifies(4 * oldPerMonth)
}

// A hold keeps what it covers, whenever it was set before the rows go, and no
// longer than until it is released.
func TestHoldsWin(t *testing.T) {
	t.Parallel()
	o := newOld(t)
	o.archive(t)
	list, err := o.Purgeable(t.Context(), o.id, -1, 1000) // the plan
	if err != nil {
		t.Fatal(err)
	}
	asOwner(t, o.dsn, fmt.Sprintf(`insert into legal_hold (ledger, id, matter, reason, from_time, scope, issued_by, issuer, issued_at)
		values (%d, 'hold_1', 'm', 'r', '2022-02-01', '{"users": ["U1@example.com"]}', '{}', '', now())`, o.id))
	var held, gone int64
	for i := range list {
		p, err := o.PurgeSegment(t.Context(), &list[i], func(int64) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		held, gone = held+p.Held, gone+p.Entries
	}
	want := int64(len(queryTexts(t, o.dsn, `select 'x' from generate_series(1, 3) m, generate_series(1, 4) i, generate_series(0, 9) j where j % 3 = 1`)))
	if held != want || gone != 4*oldPerMonth-want {
		t.Fatalf("held %d of %d, purged %d", held, want, gone)
	}
	for _, email := range queryTexts(t, o.dsn, `select distinct actor_email || ' ' || (min(recorded_at) >= '2022-02-01') from payload where ledger = 1 group by actor_email`) {
		if email != "u1@example.com true" {
			t.Errorf("kept %s", email)
		}
	}
	ledgertest.Check(t, o.Log, o.id, 4*oldPerMonth)

	// Nor is a file destroyed that holds what is held.
	o.now = time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
	expired, err := o.Expired(t.Context(), o.id, -1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range expired {
		if s.Held > 0 || s.RecordedFrom.Month() != time.January && s.Entries != 10 {
			t.Errorf("%s would be destroyed although a hold covers %d entries", s.ID, s.Held)
		}
	}
	asOwner(t, o.dsn, `update legal_hold set released_at = now(), released_by = '{}', release_reason = 'r'`)
	if p := o.purge(t); p.Entries != want || p.Held != 0 {
		t.Errorf("after the release went %+v", p)
	}
}

// A file goes when its retention has ended, and not when a hold was set since its
// entries were compared with the holds.
func TestExpiredSegmentsAreDestroyed(t *testing.T) {
	t.Parallel()
	o := newOld(t)
	o.archive(t)
	o.purge(t)
	if list, err := o.Expired(t.Context(), o.id, -1, 10); err != nil || len(list) != 2 { // scan results: two years
		t.Fatalf("%d are due: %v", len(list), err)
	}
	o.now = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	list, err := o.Expired(t.Context(), o.id, -1, 10)
	if err != nil || len(list) != 8 {
		t.Fatalf("%d are due: %v", len(list), err)
	}
	known, err := o.Holds(t.Context(), o.id)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.DestroySegment(t.Context(), &list[0], known); err != nil {
		t.Fatal(err)
	}
	asOwner(t, o.dsn, fmt.Sprintf(`insert into legal_hold (ledger, id, matter, reason, scope, issued_by, issuer, issued_at)
		values (%d, 'hold_1', 'm', 'r', '{}', '{}', '', now())`, o.id))
	if err := o.DestroySegment(t.Context(), &list[1], known); audit.CodeOf(err) != audit.InvalidState {
		t.Errorf("with a new hold: %v", err)
	}
	if code := codeAt(o, t, list[0].Seqs[0].First); code != audit.Destroyed {
		t.Errorf("the entry is answered with %q", code)
	}
	if _, err := o.RestoreSegment(t.Context(), &list[0], o.now, bytes.NewReader(nil), func(int64) error { return nil }); audit.CodeOf(err) != audit.Destroyed {
		t.Errorf("restored: %v", err)
	}
	ledgertest.Check(t, o.Log, o.id, 4*oldPerMonth)
}

// Whoever takes a payload away without a registered file is found, and so is one
// who makes the row that would excuse it.
func TestPurgeWithoutAFileIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql  []string
		kind ledger.ProblemKind
	}{
		"a payload that is not due":  {[]string{`delete from payload where ledger = 1 and seq = 7`}, ledger.HashMismatch},
		"a row of one's own":         {[]string{`delete from payload where ledger = 1 and seq = 7`, `insert into archive_segment select ledger, 'seg_x', '{[7,8)}', 1, recorded_from, recorded_until, event_from, event_until, kept_until, artifact, digest, archived_at, now() from archive_segment limit 1`}, ledger.WrongRegistry},
		"a wider range":              {[]string{`update archive_segment set seqs = seqs + '{[7,8)}'`}, ledger.WrongRegistry},
		"another file":               {[]string{`update archive_segment set digest = 'sha256:00'`}, ledger.WrongRegistry},
		"the row gone":               {[]string{`delete from archive_segment where id = (select min(id) from archive_segment)`}, ledger.WrongRegistry},
		"destroyed and not recorded": {[]string{`update archive_segment set destroyed_at = now(), purge_began = now(), purged_at = now()`}, ledger.WrongRegistry},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOld(t)
			o.archive(t)
			asOwner(t, o.dsn, append([]string{`set session_replication_role = replica`}, c.sql...)...)
			v, err := o.Verify(t.Context(), o.id, 0, 1<<40, nil)
			if err != nil {
				t.Fatal(err)
			}
			r, err := o.VerifyRegistry(t.Context(), ledger.Registry, ledger.VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if v.Counts[c.kind]+r.Counts[c.kind] == 0 {
				t.Errorf("found %v and %v", v.Counts, r.Counts)
			}
		})
	}
}

// No file but the one that was written passes.
func TestSegmentFilesAreChecked(t *testing.T) {
	t.Parallel()
	o := newOld(t)
	plan := o.archive(t)[0]
	file := o.files[plan.ID()]
	check := func(b []byte) error {
		return o.CheckSegment(t.Context(), o.id, plan.ID(), plan.Seqs, bytes.NewReader(b), nil)
	}
	if err := check(file); err != nil {
		t.Fatal(err)
	}
	other := o.archiveFileOf(t, func(p *ledger.ArchivePlan) bool { return p.ID() != plan.ID() })
	for name, b := range map[string][]byte{
		"swapped": other, "cut": file[:len(file)-20], "empty": nil, "longer": append(slices.Clone(file), file...), "flipped": flip(file, len(file)/2),
	} {
		if err := check(b); audit.CodeOf(err) != audit.Tampered {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Its header must not name an entry twice, or in another order.
	for _, seqs := range []string{`[[0,0],[0,0]]`, `[[1,1],[0,0]]`, `[[1,0]]`, `[[-1,0]]`, `[[0,9223372036854775807]]`} {
		var b bytes.Buffer
		zip := gzip.NewWriter(&b)
		fmt.Fprintf(zip, `{"format":%q,"segment":"s","origin":"o","entries":2,"seqs":%s}`+"\n", ledger.SegmentFormat, seqs)
		if err := zip.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.ReadSegment(&b, nil); audit.CodeOf(err) != audit.Tampered || !strings.Contains(err.Error(), "not in order") {
			t.Errorf("%s: %v", seqs, err)
		}
	}
	var again bytes.Buffer
	if err := o.WriteSegment(t.Context(), plan, &again, func(int64) {}); err != nil || !bytes.Equal(again.Bytes(), file) {
		t.Errorf("written again it has other bytes: %v", err)
	}
}

func (o *old) archiveFileOf(t *testing.T, want func(*ledger.ArchivePlan) bool) []byte {
	t.Helper()
	for id, b := range o.files {
		if want(&ledger.ArchivePlan{Ledger: o.id, Seqs: ledger.Spans{{First: seqOf(id), End: seqOf(id) + 1}}}) {
			return b
		}
	}
	t.Fatal("there is no such file")
	return nil
}

func seqOf(id string) (seq int64) {
	var n int64
	if _, err := fmt.Sscanf(id, "seg_%d_%d", &n, &seq); err != nil {
		return -1
	}
	return seq
}

func flip(b []byte, at int) []byte {
	out := slices.Clone(b)
	out[at] ^= 0x10
	return out
}

// queryTexts reads one column of texts as the owner.
func queryTexts(t *testing.T, dsn, sql string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}
