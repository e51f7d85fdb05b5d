package ledger_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// Verdicts on an attack.
const (
	detectedRow    = "row"        // verification names the entry
	detectedLedger = "ledger"     // verification names the range, the table's row or the ledger
	outsideOnly    = "outside"    // only a checkpoint from outside reveals it
	refused        = "refused"    // a constraint refuses it even to a superuser
	notHashed      = "not hashed" // by design; see notHashedByDesign
	notThere       = "–"          // there is no such value, or nothing would change
)

// notHashedByDesign lists tables, columns as table.column, or attacks on a
// table's rows as table: attack, that no hash covers, each with the reason.
// What is not here must be noticed.
var notHashedByDesign = map[string]string{
	"anchor":                         "what places outside gave: each piece proves itself by their signature, and they keep their own",
	"anchor_attempt":                 "how the last attempt to publish outside ended",
	"api_key":                        "credentials: making, changing and revoking a key are entries of the ledger; the row is only what requests are let in by",
	"event_type":                     "defaults for new entries: an entry holds its own class and severity",
	"evidence":                       "uploads: each is an entry of the ledger, which holds its description and the digests of its files",
	"erasure":                        "the state of an erasure: each change of it is an entry of the ledger, which holds the certificate's digest, as the registry does",
	"erasure_entry":                  "which entries an erasure under way is about; gone when it ends",
	"event_schema":                   "rules for new entries: an entry names the version that it was held against, and the entry about its registration has its digest",
	"export":                         "the state of a job: each change of it is an entry of the ledger, and the package proves itself",
	"investigation":                  "the state of a case: the entry that opened it says so itself, and its changes are entries, too",
	"investigation_step":             "the history of a case: each step is an entry of the ledger",
	"investigation_step_content":     "what a step says until it is taken; then it is an entry",
	"investigation_note":             "notes: the ledger holds the digest of each",
	"investigation_finding":          "findings: the ledger holds what was decided on each, and the digest of the analysis's whole result",
	"investigation_evidence":         "evidence: the ledger holds the digest of each item",
	"custody_event":                  "the chain of custody: each event is an entry of the ledger",
	"legal_hold":                     "holds: issuing and releasing one are entries of the ledger",
	"archive_retrieval":              "requests to bring archived payloads back: each step is an entry of the ledger",
	"archive_segment.entries":        "how many entries a segment has; its ranges, which the registry holds, decide",
	"archive_segment.recorded_from":  segmentTimes,
	"archive_segment.recorded_until": segmentTimes,
	"archive_segment.event_from":     segmentTimes,
	"archive_segment.event_until":    segmentTimes,
	"archive_segment.artifact":       "where the file is: what is found there must have the digest that the registry names",
	"archive_segment.archived_at":    "for people; the registry's entry has its own time",
	"archive_segment.purge_began":    "that payloads left for a file that the registry names, which still holds them",
	"archive_segment.purged_at":      "that payloads left for a file that the registry names, which still holds them",
	"archive_segment.replaces":       "a file that is to be deleted, because an erasure wrote it anew",
	"archive_segment.held":           "a count for people",
	"archive_segment.online_until":   "how long a retrieval lasts",
	"archive_segment.online_from":    "how long a retrieval lasts",

	"archive_segment.last_checked_at": fileChecks,
	"archive_segment.problem":         fileChecks,
	"archive_segment.check_changes":   fileChecks,

	"assessment":                    "the state of an assessment: each change of it is an entry of the ledger, which holds the digest of the result",
	"catalog":                       "an organisation's own rules for assessments: each is an entry with its digest, and each result names that digest",
	"gap":                           "what people say of findings and violations: each change is an entry of the ledger, and the rest follows from assessments",
	"report":                        "the state of a report: each change of it is an entry of the ledger, which holds the digests of its data, of what was signed and of its file",
	"signature":                     "electronic signatures; each is an entry of the ledger, and part of the sealed document",
	"signature_challenge":           "what a signature has to answer, for two minutes: whoever changes it can keep somebody from signing, and sign for nobody",
	"delivery":                      "where mails stand, for people; what became of a distribution, or of a mail to a signatory, is an entry of the ledger",
	"delivery_event":                "what the mail provider reported, for people",
	"assessment_score":              "scores for the history; each is in the entry of its assessment",
	"lease":                         "which process publishes at the moment; two at once do no harm, because the signer state lets one sign",
	"organisation":                  "names: the ledger's origin, which is hashed, holds the organisation's id",
	"outbox":                        "orders on their way to Temporal, gone once delivered",
	"person":                        "the directory: each change of it is an entry of the ledger, and so is each sign-in",
	"passkey":                       "credentials: adding, using and removing a passkey are entries of the ledger; the row is only what signatures are let in by",
	"linked_identity":               "credentials: linking a person to an identity, and ending that, are entries of the ledger",
	"session":                       "who is signed in at the moment; each beginning and end is an entry of the ledger",
	"stream":                        "who gets entries, and how far; each change of it by a person is an entry of the ledger, and what is sent is signed",
	"publication.created_at":        "when a publication was stored; what an anchor says of its time counts",
	"publication: delete":           copies,
	"publication: lose the tail":    copies,
	"publication: empty":            copies,
	"publication: restore a backup": copies,
	"request_key":                   "a day's memory of requests: a changed row makes a repeated request an error, a new entry or the receipt of another entry, never a change of one",
	"retention_change":              "policies that wait for a second person: asking and deciding are entries of the ledger, with the whole policy, and so is the policy that an approval sets",
	"retention_policy":              "each policy is an entry of the ledger, with the one before it; the row is what requests are answered from",
	"search_progress":               "how far the text index is; an entry beyond it is not found yet",
	"search_text":                   "an index: what is found is shown from the entries themselves, which are hashed; who suspects the index has it made anew",
	"verification":                  "the state of a job: each change of it is an entry of the ledger, which holds the result's counts",
	"verification_segment":          "what a running verification has found so far; gone when it ends",
	"schema_version":                "the number of the last migration",
}

const segmentTimes = "where a segment's entries are looked for; the file and the records say their times"

const fileChecks = "when a file was last read again and what was found: each change of it is an entry of the ledger, and who reads the file finds the same"

const copies = "a publication that is gone contradicts nothing: the registry's entries give its tree again, and the newest is in the signer state and wherever it was anchored"

// TestTamperMatrix makes every attack on every column and table that the
// schema has. A new column or table joins by itself, and fails the test until
// verification notices what is done to it or notHashedByDesign says why not.
func TestTamperMatrix(t *testing.T) {
	t.Parallel()
	m := &matrix{verdicts: map[cell]string{}}
	const shards = 3
	t.Run("attacks", func(t *testing.T) {
		for shard := range shards {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				m.run(t, newAttacked(t), shard, shards)
			})
		}
	})
	if t.Failed() {
		return
	}
	const file = "../docs/tamper-matrix.md"
	want := m.document()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the attacks gave (%v); run go test ./ledger -run TestTamperMatrix -update and read the difference", file, err)
	}
}

// cell is one attack on one column, on a table, or on a whole ledger.
type cell struct{ table, column, attack string }

type matrix struct {
	sync.Mutex
	tables   []tableShape
	verdicts map[cell]string
}

func (m *matrix) run(t *testing.T, a *attacked, shard, shards int) {
	tables := tablesOf(t, a.conn)
	a.read = a.readTables(t)
	var shapes []tableShape
	for _, name := range tables {
		var s tableShape
		a.inside(t, func(ctx context.Context, tx pgx.Tx) (err error) {
			s, err = shapeOf(ctx, tx, name)
			return err
		})
		shapes = append(shapes, s)
	}
	if shard == 0 {
		m.tables = shapes
		for _, c := range ledgerAttacks {
			m.set(cell{attack: c.name}, a.ledgerVerdict(t, c))
		}
	}
	n := 0
	for i := range shapes {
		s := &shapes[i]
		for _, c := range s.columns {
			if n++; n%shards == shard {
				for _, k := range columnAttacks {
					at := cell{s.name, c.Name, k.name}
					m.set(at, a.verdict(t, at, s, k))
				}
			}
		}
		if n++; n%shards == shard {
			for _, k := range rowAttacks {
				at := cell{s.name, "", k.name}
				m.set(at, a.verdict(t, at, s, k))
			}
		}
	}
}

func (m *matrix) set(c cell, verdict string) {
	m.Lock()
	defer m.Unlock()
	m.verdicts[c] = verdict
}

// inside runs do as the attacker, in a transaction that is rolled back.
func (a *attacked) inside(t *testing.T, do func(context.Context, pgx.Tx) error) {
	t.Helper()
	ctx := t.Context()
	tx, err := a.conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if err := do(ctx, tx); err != nil {
		t.Fatal(err)
	}
}

// verdict attacks a table and verifies the whole database.
func (a *attacked) verdict(t *testing.T, at cell, s *tableShape, k attack) (v string) {
	t.Helper()
	a.inside(t, func(ctx context.Context, tx pgx.Tx) error {
		before, err := stateOf(ctx, tx, s.name)
		if err != nil {
			return err
		}
		seqs, err := k.apply(ctx, tx, s, at.column)
		if rule, ok := refusal(err); ok {
			v = refused + ": " + rule
			return nil
		}
		if err == errNothingThere {
			v = notThere
			return nil
		}
		if err != nil {
			return fmt.Errorf("%v: %w", at, err)
		}
		if after, err := stateOf(ctx, tx, s.name); err != nil || after == before {
			v = notThere
			return err
		}
		_, byTable := notHashedByDesign[at.table]
		if byTable && at.column != "" && !a.read[at.table] { // verification would find what it finds without the attack
			v = notHashed
			return nil
		}
		found, problems, err := a.judge(ctx, tx, seqs)
		_, byColumn := notHashedByDesign[at.table+"."+at.column]
		if at.column == "" {
			_, byColumn = notHashedByDesign[at.table+": "+at.attack]
		}
		switch v = found; {
		case err != nil:
			return fmt.Errorf("%v: %w", at, err)
		case found == "" && (byTable || byColumn):
			v = notHashed
		case found == "":
			t.Errorf("%v: nobody notices", at)
		case byTable || byColumn:
			t.Errorf("%v: is said not to be hashed, and yet: %v", at, problems)
		}
		return nil
	})
	if v == notThere && at.column != "" && at.attack == "flip" {
		t.Errorf("%v: no row has a value; add one to the seeds", at)
	}
	return v
}

// stateOf is a digest of a table.
func stateOf(ctx context.Context, tx pgx.Tx, table string) (s string, err error) {
	err = tx.QueryRow(ctx, `select coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') from `+table+` t`).Scan(&s)
	return s, err
}

// judge verifies the database as sealbook verify --database does, first by
// itself, then against the checkpoints from outside.
func (a *attacked) judge(ctx context.Context, tx pgx.Tx, seqs []int64) (verdict string, problems []ledger.Problem, err error) {
	if problems, err = a.problems(ctx, tx, nil); err != nil {
		return "", nil, err
	}
	for _, p := range problems {
		if p.Seq >= 0 && slices.Contains(seqs, p.Seq) {
			return detectedRow, problems, nil
		}
	}
	if len(problems) > 0 {
		return detectedLedger, problems, nil
	}
	if problems, err = a.problems(ctx, tx, a.outside); err != nil || len(problems) == 0 {
		return "", nil, err
	}
	return outsideOnly, problems, nil
}

func (a *attacked) problems(ctx context.Context, tx pgx.Tx, outside map[string]ledger.Checkpoint) (all []ledger.Problem, err error) {
	rows, err := tx.Query(ctx, `select id, origin from ledger order by id`)
	if err != nil {
		return nil, err
	}
	type listed struct {
		ID     int32
		Origin string
	}
	ledgers, err := pgx.CollectRows(rows, pgx.RowToStructByPos[listed])
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, l := range ledgers {
		o := ledger.VerifyOptions{End: 1 << 62}
		if c, ok := outside[l.Origin]; ok {
			o.Trusted = append(o.Trusted, c)
		}
		v, err := ledger.VerifyIn(ctx, tx, l.ID, o)
		if err == nil && l.ID == ledger.Registry {
			v, err = ledger.VerifyRegistryIn(ctx, tx, v)
		}
		if err != nil {
			return nil, err
		}
		all, seen[l.Origin] = append(all, v.Problems...), true
	}
	if !seen[ledgertest.Origin] {
		all = append(all, ledger.Problem{Kind: ledger.LostLedger, Seq: -1, Message: "the registry is missing"})
	}
	for origin, c := range outside {
		if !seen[origin] {
			all = append(all, ledger.Problem{Kind: ledger.LostTail, Seq: -1, Message: origin + " is missing", Range: &ledger.SeqRange{Last: c.Size - 1}})
		}
	}
	orphans, err := ledger.OrphansIn(ctx, tx)
	for _, id := range orphans {
		all = append(all, ledger.Problem{Kind: ledger.ExtraEntry, Seq: -1, Message: fmt.Sprintf("rows of no ledger under the number %d", id)})
	}
	return all, err
}

// ledgerAttack is made on a ledger as a whole.
type ledgerAttack struct {
	name string
	want string
	do   func(t *testing.T, ctx context.Context, tx pgx.Tx, a *attacked) error
}

var ledgerAttacks = []ledgerAttack{
	{"rewrite one entry, with every copy but the chain", detectedRow, func(t *testing.T, _ context.Context, tx pgx.Tx, _ *attacked) error {
		forgery{seq: 350, tiles: true, roots: true, head: true, points: true}.apply(t, tx, 1)
		return nil
	}},
	{"rewrite a suffix: records, leaves and chain", detectedRow, func(t *testing.T, _ context.Context, tx pgx.Tx, _ *attacked) error {
		forgery{seq: 350, rechain: true}.apply(t, tx, 1)
		return nil
	}},
	{"rewrite a suffix, with the tiles", detectedLedger, func(t *testing.T, _ context.Context, tx pgx.Tx, _ *attacked) error {
		forgery{seq: 350, rechain: true, tiles: true, roots: true}.apply(t, tx, 1)
		return nil
	}},
	{"rewrite a suffix, with tiles and head", detectedLedger, func(t *testing.T, _ context.Context, tx pgx.Tx, _ *attacked) error {
		forgery{seq: 350, rechain: true, tiles: true, roots: true, head: true}.apply(t, tx, 1)
		return nil
	}},
	{"rewrite a suffix consistently, without the signing key", detectedLedger, func(t *testing.T, ctx context.Context, tx pgx.Tx, _ *attacked) error {
		everything.of(350).apply(t, tx, 1)
		stranger, err := ledger.GenerateSigningKey()
		if err != nil {
			return err
		}
		return resign(ctx, t, tx, stranger, false)
	}},
	{"rewrite a suffix consistently, with the signing key", detectedLedger, func(t *testing.T, ctx context.Context, tx pgx.Tx, _ *attacked) error {
		everything.of(350).apply(t, tx, 1)
		return resign(ctx, t, tx, ledgertest.Key, true)
	}},
	{"restore an old backup of the whole database", outsideOnly, func(t *testing.T, ctx context.Context, tx pgx.Tx, a *attacked) error {
		for _, name := range tablesIn(ctx, t, tx) {
			if err := (&tableShape{name: name}).restore(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	}},
	{"delete the registry, with all that is about it", detectedLedger, func(t *testing.T, ctx context.Context, tx pgx.Tx, _ *attacked) error {
		for _, sql := range []string{`delete from ledger where id = 0`, `delete from publication`, `delete from signing_key`, `delete from registration`} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		for _, name := range tablesIn(ctx, t, tx) {
			if s, err := shapeOf(ctx, tx, name); err != nil {
				return err
			} else if !s.has("ledger") {
				continue
			}
			if _, err := tx.Exec(ctx, `delete from `+name+` where ledger = 0`); err != nil {
				return err
			}
		}
		return nil
	}},
	{"delete a whole organisation", detectedLedger, func(t *testing.T, ctx context.Context, tx pgx.Tx, _ *attacked) error {
		for _, name := range tablesIn(ctx, t, tx) {
			s, err := shapeOf(ctx, tx, name)
			if err != nil {
				return err
			}
			where := ""
			switch {
			case name == "ledger":
				where = "id = 2"
			case s.has("ledger"):
				where = "ledger = 2"
			case s.has("organisation"):
				where = "organisation = 'org_b'"
			default:
				continue
			}
			if _, err := tx.Exec(ctx, `delete from `+name+` where `+where); err != nil {
				return err
			}
		}
		return nil
	}},
}

// resign signs the head that a forgery left, as the attacker would show it, and
// checks whether the ledger's key is behind it.
func resign(ctx context.Context, t *testing.T, tx pgx.Tx, key *ledger.SigningKey, passes bool) error {
	var c ledger.Checkpoint
	var root []byte
	if err := tx.QueryRow(ctx, `select l.origin, h.size, h.root from head h join ledger l on l.id = h.ledger where l.id = 1`).Scan(&c.Origin, &c.Size, &root); err != nil {
		return err
	}
	c.Root = ledger.Hash(root)
	signed, err := key.Sign(c)
	if err != nil {
		return err
	}
	if _, err := ledger.OpenCheckpoint(signed, ledgertest.Key.VerifierKey(c.Origin)); (err == nil) != passes {
		t.Errorf("the forged checkpoint passes: %v", err)
	}
	return nil
}

func tablesIn(_ context.Context, t *testing.T, tx pgx.Tx) []string { return tablesOf(t, tx.Conn()) }

func (a *attacked) ledgerVerdict(t *testing.T, k ledgerAttack) (verdict string) {
	t.Helper()
	a.inside(t, func(ctx context.Context, tx pgx.Tx) error {
		if err := k.do(t, ctx, tx, a); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		var err error
		var problems []ledger.Problem
		if verdict, problems, err = a.judge(ctx, tx, []int64{350}); err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		if verdict != k.want {
			t.Errorf("%s: %q, not %q: %v", k.name, verdict, k.want, problems)
		}
		return nil
	})
	return verdict
}
