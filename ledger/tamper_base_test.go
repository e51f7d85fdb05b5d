package ledger_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sealbook/sealbook/audit"
	"github.com/sealbook/sealbook/ledger"
	"github.com/sealbook/sealbook/ledger/ledgertest"
)

// attacked is a database with rows in every table: two organisations, of 600
// and of 30 entries, two of which were erased in part. The schema backup holds
// every table as it was after 400.
type attacked struct {
	conn    *pgx.Conn
	outside map[string]ledger.Checkpoint // held outside, by origin
	read    map[string]bool              // tables that verification reads
}

const (
	attackedEntries = 600
	backupEntries   = 400
)

// seeds are rows for the tables that appending does not fill.
var seeds = []string{
	`insert into anchor (kind, name, size, note, evidence, anchored_at)
	 select case n when 1 then 'timestamp' else 'bucket' end, 'name' || n, n, decode('0' || n, 'hex'), decode('1' || n, 'hex'), now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into anchor_attempt (kind, name, configured, at, size, error)
	 select case n when 1 then 'timestamp' else 'bucket' end, 'name' || n, n = 1, now() + n * interval '1 s', n, 'e' || n from generate_series(1, 2) n`,
	`insert into organisation (id, name, ledger, created_at) values ('org_a', 'A', 1, now()), ('org_b', 'B', 2, now() + interval '1 s')`,
	`insert into api_key (id, organisation, name, last4, mac, permissions, created_by, created_at, expires_at, last_used_at, revoked_at,
	   role, constraints, allowed_cidrs, previous_mac, previous_until, rotated_at)
	 select 'key' || n, case n when 1 then 'org_a' else 'org_b' end, 'name' || n, 'abc' || n, decode('0' || n, 'hex'), array['p' || n], 'by' || n,
	   now() + n * interval '1 s', now() + n * interval '1 s', now() + n * interval '1 s', now() + n * interval '1 s',
	   'role' || n, 'c' || n, array[('10.0.0.' || n)::cidr], decode('1' || n, 'hex'), now() + n * interval '1 s', now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into event_type (ledger, name, class, severity, description, created_at)
	 select 1, 'type' || n, 'class' || n, 'severity' || n, 'd' || n, now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into event_schema (ledger, name, version, schema, created_at)
	 select 1, 'type' || n, n, 's' || n, now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into export (id, ledger, request, requested_by, retry_of, status, run_id, frozen, estimated_bytes, estimated_completion, artifact, failures, error,
	   cancel_requested_at, created_at, completed_at, artifact_expires_at, erased_at)
	 select 'export' || n, 1, 'r' || n, 'by' || n, 'export' || n, case n when 1 then 'completed' else 'expired' end, 'run' || n, 'f' || n, n,
	   now() + n * interval '1 s', 'a' || n, 'f' || n, 'e' || n, now() + n * interval '1 s', now() + n * interval '1 s', now() + n * interval '1 s',
	   now() + n * interval '1 s', now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into verification (id, ledger, request, requested_by, status, run_id, frozen, result, error, cancel_requested_at, created_at, completed_at)
	 select 'verify' || n, 1, 'r' || n, 'by' || n, 'completed', 'run' || n, 'f' || n, 'x' || n, 'e' || n, now() + n * interval '1 s', now() + n * interval '1 s',
	   now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into verification_segment (verification, ledger, idx, result) select 'verify' || n, 1, n, 'x' || n from generate_series(1, 2) n`,
	`insert into catalog (id, ledger, framework, version, digest, text, created_by, created_at)
	 select 'catalog' || n, 1, 'f' || n, n, 'd' || n, 't' || n, 'by' || n, now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into assessment (id, ledger, frameworks, catalogs, from_time, until_time, period_name, requested_by, status, run_id, error, artifact, summary, cancel_requested_at, created_at, completed_at)
	 select 'assess' || n, 1, array['f' || n], array['c' || n], now() - n * interval '1 s', now() + n * interval '1 s', 'p' || n, 'by' || n, 'completed', 'run' || n, 'e' || n, 'a' || n, 's' || n,
	   now() + n * interval '1 s', now() + n * interval '1 s', now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into assessment_score (assessment, ledger, framework, assessed, status, score, coverage)
	 select 'assess' || n, 1, 'f' || n, now() + n * interval '1 s', 's' || n, n, n from generate_series(1, 2) n`,
	`insert into gap (ledger, id, kind, number, framework, requirement, check_id, title, severity, major, status, description, entries, failed, through_seq, span_days, passes,
	   detected_at, opened_by, seen_by, opened_at, closed_at, version, owner, plan, due_at, reason)
	 select 1, 'g' || n, case n when 1 then 'finding' else 'violation' end, n, 'f' || n, 'r' || n, case n when 1 then '' else 'c' end, 't' || n, 's' || n, n = 1,
	   case n when 1 then 'closed' else 'resolved' end, 'd' || n, 'e' || n, n, n, n, n, now() + n * interval '1 s', 'assess' || n, 'assess' || n, now() + n * interval '1 s',
	   now() + n * interval '1 s', n, 'o' || n, 'p' || n, now() + n * interval '1 s', 'w' || n from generate_series(1, 2) n`,
	`insert into person (id, ledger, email, name, title, department, certification, roles, constraints, expires_at, status, version, created_by, created_at, changed_at,
	   password, totp_secret, totp_step, failures, locked_until, signed_in_at, code_hash, code_until, new_password, new_secret, reset_by)
	 select 'user' || n, 1, 'e' || n, 'n' || n, 't' || n, 'd' || n, 'c' || n, array['r' || n], 'x' || n, now() + n * interval '1 s', case n when 1 then 'active' else 'invited' end, n, 'by' || n,
	   now() + n * interval '1 s', now() + n * interval '1 s', 'p' || n, decode('1' || n, 'hex'), n, n, now() + n * interval '1 s', now() + n * interval '1 s', decode('2' || n, 'hex'),
	   now() + n * interval '1 s', 'np' || n, decode('3' || n, 'hex'), 'rb' || n from generate_series(1, 2) n`,
	`insert into report (id, ledger, request, from_time, until_time, requested_by, signatory, countersigners, status, run_id, error, frozen, summary, draft, signature_due_at, artifact, seal,
	   cancel_requested_at, created_at, completed_at, links_expire_at, erased_at)
	 select 'report' || n, 1, 'q' || n, now() - n * interval '1 s', now() + n * interval '1 s', 'by' || n, 'user' || n, array['c' || n], case n when 1 then 'generated' else 'failed' end, 'run' || n, 'e' || n,
	   'f' || n, 's' || n, 'd' || n, now() + n * interval '1 s', 'a' || n, 'seal' || n, now() + n * interval '1 s', now() + n * interval '1 s', now() + n * interval '1 s',
	   now() + n * interval '1 s', now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into signature (id, ledger, report, turn, person, printed_name, meaning, digest, components, comment, signed_at)
	 select 'esig' || n, 1, 'report' || n, n, 'user' || n, 'n' || n, 'm' || n, 'd' || n, array['c' || n], 'w' || n, now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into signature_challenge (nonce_hash, ledger, report, session, digest, meaning, ends_at)
	 select decode('1' || n, 'hex'), 1, 'report' || n, decode('2' || n, 'hex'), 'd' || n, 'm' || n, now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into delivery (id, ledger, report, distribution, number, recipient, state, attempts, message_id, detail, created_at, changed_at)
	 select 'delivery' || n, 1, 'report' || n, 'dist' || n, n, 'r' || n, case n when 1 then 'accepted' else 'bounced' end, n, 'm' || n, 'd' || n, now() + n * interval '1 s',
	   now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into delivery (id, ledger, report, distribution, number, recipient, state, attempts, created_at, changed_at, tried_at, signatory, turn, notice)
	 select 'notice' || n, 1, 'report' || n, 'told' || n, n, '', case n when 1 then 'accepted' else 'bounced' end, n, now() + n * interval '1 s', now() + n * interval '1 s',
	   now() + n * interval '1 s', 'user' || n, n, case n when 1 then 'asked' else 'halfway' end from generate_series(1, 2) n`,
	`insert into delivery_event (id, delivery, ledger, event, reason, at, received_at)
	 select 'event' || n, 'delivery' || n, 1, 'e' || n, 'r' || n, now() + n * interval '1 s', now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into session (token_hash, person, ledger, started_at, seen_at, ends_at)
	 select decode('1' || n, 'hex'), 'user' || n, 1, now() + n * interval '1 s', now() + n * interval '1 s', now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into passkey (id, ledger, person, name, credential, public_key, counter, backed_up, created_at, used_at)
	 select 'passkey' || n, 1, 'user' || n, 'n' || n, decode('1' || n, 'hex'), decode('2' || n, 'hex'), n, n = 1, now() + n * interval '1 s', now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into linked_identity (person, ledger, issuer, subject, linked_at, used_at)
	 select 'user' || n, 1, 'i' || n, 's' || n, now() + n * interval '1 s', now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into stream (id, ledger, name, url, format, filter, status, secret, previous_secret, previous_until, next_seq, pending_end, replays, version, created_by, created_at, changed_at,
	   delivered, failures, failing_since, succeeded_at, failed_at, last_error)
	 select 'stream' || n, 1, 'n' || n, 'u' || n, 'f' || n, 'x' || n, case n when 1 then 'active' else 'paused' end, decode('1' || n, 'hex'), decode('2' || n, 'hex'),
	   now() + n * interval '1 s', n, n + 10, n, n, 'by' || n, now() + n * interval '1 s', now() + n * interval '1 s', n, n, now() + n * interval '1 s', now() + n * interval '1 s',
	   now() + n * interval '1 s', 'e' || n from generate_series(1, 2) n`,
	`insert into search_text (ledger, seq, basic, sensitive) select 1, n, to_tsvector('simple', 'b' || n), to_tsvector('simple', 's' || n) from generate_series(1, 2) n`,
	`insert into retention_policy (ledger, version, audit_log_days, audit_log_archive_days, scan_result_days, scan_result_archive_days, evidence_export_days, set_at)
	 select 1, n, n, n, n, n, n, now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into retention_change (ledger, id, status, based_on, previous, policy, reason, requested_by, requester, requested_at, decided_by, decider, decided_at, decision_reason, version)
	 select 1, 'c' || n, 'approved', n - 1, 'p' || n, 'q' || n, 'r' || n, 'b' || n, 'u' || n, now() + n * interval '1 s', 'd' || n, 'v' || n, now() + n * interval '1 s',
	   'w' || n, n from generate_series(1, 2) n`,
	`insert into evidence (id, ledger, type, title, description, date, criteria, files, uploaded_by, created_at)
	 select 'ev_' || n, 1, 't' || n, 'title' || n, 'd' || n, date '2024-01-01' + n, array['c' || n], 'f' || n, 'by' || n, now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into search_progress (ledger, size) values (1, 400), (2, 3)`,
	`insert into investigation (ledger, id, kind, opened_on, number, entry_seq, status, priority, assigned_to, created_at, case_number, opened_by, type, title, request,
	   from_time, until_time, trigger_seq, stage, version, round, investigator, reviewer, hands, run_id, end_seq, counts, analyses, implications, result, closed_by, due_at,
	   reminded, changed_at, closed_at)
	 select 1, 'inv' || n, 'kind' || n, 'day' || n, n, n, case n when 1 then 'active' else 'closed' end, case n when 1 then 'low' else 'high' end, 'team' || n,
	   now() + n * interval '1 s', 'c' || n, 'o' || n, 't' || n, 'l' || n, 'r' || n, now() + n * interval '1 s', now() + n * interval '2 s', n,
	   case n when 1 then 'scoping' else 'closed' end, n, n, 'user' || n, 'user' || (3 - n), array['h' || n], 'run' || n, n, 'n' || n, 'a' || n, 'i' || n, 'e' || n, 'b' || n,
	   now() + n * interval '1 s', n, now() + n * interval '1 s', now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into investigation_step (ledger, investigation, id, version, kind, stage, actor, reason, details, at)
	 select 1, 'inv' || n, 's' || n, n, 'k' || n, 'g' || n, 'a' || n, 'r' || n, 'd' || n, now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into investigation_step_content (ledger, investigation, id, content, created_at)
	 select 1, 'inv' || n, 's' || n, 'c' || n, now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into investigation_note (ledger, investigation, id, author, body, created_at)
	 select 1, 'inv' || n, 'n' || n, 'a' || n, 'b' || n, now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into investigation_finding (ledger, investigation, id, analysis, round, number, kind, severity, title, body, status, decided_by, decided_at, reason, created_at)
	 select 1, 'inv' || n, 'f' || n, 'a' || n, n, n, 'k' || n, 's' || n, 't' || n, 'b' || n, case n when 1 then 'accepted' else 'rejected' end, 'd' || n, now() + n * interval '1 s',
	   'r' || n, now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into investigation_evidence (ledger, investigation, id, kind, title, source, first_seq, end_seq, items, artifact, media_type, file_name, effective_from, effective_to,
	   acquired_at, acquired_by, round, erased_at)
	 select 1, 'inv' || n, 'e' || n, 'k' || n, 't' || n, 's' || n, n, n, n, 'a' || n, 'm' || n, 'f' || n, now() + n * interval '1 s', now() + n * interval '1 s',
	   now() + n * interval '1 s', 'b' || n, n, now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into custody_event (ledger, evidence, number, event, actor, recipient, reason, before, after, tool, at)
	 select 1, 'e' || n, n, case n when 1 then 'collected' else 'verified' end, 'a' || n, 'p' || n, 'r' || n, 'b' || n, 'c' || n, 't' || n, now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into legal_hold (ledger, id, investigation, matter, reason, from_time, until_time, scope, issued_by, issuer, issued_at, released_by, released_at, release_reason)
	 select 1, 'h' || n, 'inv' || n, 'm' || n, 'r' || n, now() + n * interval '1 s', now() + n * interval '1 s', 's' || n, 'i' || n, 'u' || n, now() + n * interval '1 s',
	   'b' || n, now() + n * interval '1 s', 'w' || n from generate_series(1, 2) n`,
	`insert into erasure (id, ledger, subject, identifiers, reason, basis, status, run_id, requested_by, requester, decided_by, decider, decided_at, decision_reason, plan, end_seq,
	   next_seq, counts, months, certificate, digest, error, created_at, completed_at, scrubbed_at)
	 select 'erasure' || n, 1, case n when 1 then 's1' end, case n when 1 then 'i1' end, 'r' || n, 'b' || n, case n when 1 then 'requested' else 'completed' end, 'run' || n, 'q' || n,
	   'user' || n, 'd' || n, 'user' || (3 - n), now() + n * interval '1 s', 'w' || n, 'p' || n, n, n, 'c' || n, array['2024_0' || n], case n when 2 then 'cert2' end,
	   case n when 2 then 'digest2' end, 'e' || n, now() + n * interval '1 s', now() + n * interval '1 s', now() + n * interval '1 s' from generate_series(1, 2) n`,
	`insert into erasure_entry (erasure, ledger, seq, event_time, held) select 'erasure' || n, 1, n, now() + n * interval '1 s', n = 1 from generate_series(1, 2) n`,
	`insert into archive_retrieval (ledger, id, status, from_time, until_time, reason, days, segments, entries, requested_by, requester, requested_at, decided_by, decided_at, refusal,
	   available_at, expires_at, ended_at, problem)
	 select 1, 'r' || n, case n when 1 then 'available' else 'failed' end, now() + n * interval '1 s', now() + n * interval '2 s', 'w' || n, n, array['s' || n], n, 'b' || n, 'u' || n,
	   now() + n * interval '1 s', 'd' || n, now() + n * interval '1 s', 'f' || n, now() + n * interval '1 s', now() + n * interval '1 s', now() + n * interval '1 s',
	   'p' || n from generate_series(1, 2) n`,
	`insert into outbox (kind, workflow_id, workflow, input, attempts, next_at, created_at)
	 select case n when 1 then 'start' else 'cancel' end, 'id' || n, 'w' || n, 'in' || n, n, now() + n * interval '1 s', now() + n * interval '1 s' from generate_series(1, 2) n`,
}

// attackedEvent has a value in every column.
func attackedEvent(n int) audit.Event {
	e := ledgertest.Event(n)
	e.Category = fmt.Sprintf("category-%d", n%5)
	e.Severity = []audit.Severity{audit.SeverityLow, audit.SeverityMedium, audit.SeverityHigh}[n%3]
	e.Actor["type"] = []string{"user", "service"}[n%2]
	e.Resource["type"] = []string{"issue", "scan"}[n%2]
	e.Frameworks = e.Frameworks[:1+n%2]
	at := e.Timestamp.AddDate(0, 0, n%11%3) // more on some days than on others
	e.Timestamp = &at
	if n%3 == 0 {
		e.ExternalID = fmt.Sprintf("external-%d", n)
	}
	return e
}

func newAttacked(t *testing.T) *attacked {
	t.Helper()
	ctx := context.Background() // outlives the subtest that made it, until cleanup
	dsn := ledgertest.Database(t)
	l := ledgertest.Open(t, dsn)
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(ctx) })
	a := &attacked{conn: conn, outside: map[string]ledger.Checkpoint{}}
	exec := func(sql string, args ...any) {
		if _, err := conn.Exec(ctx, sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	ids := make([]int32, 2)
	for i, o := range []audit.OrganisationID{"org_a", "org_b"} {
		d, err := l.Create(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = d.ID
	}
	n := 0
	fill := func(id int32, until int) {
		for first := n; n < until; first = n {
			s := ledger.Submission{Ledger: id, Request: &ledger.RequestKey{Route: fmt.Sprint("POST /", first%4), Key: fmt.Sprint("key-", id, "-", first), Body: []byte("{}")}}
			for range 50 {
				s.Events = append(s.Events, attackedEvent(n))
				n++
			}
			if _, err := l.Append(ctx, s); err != nil {
				t.Fatal(err)
			}
		}
	}
	next, err := ledger.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	fill(ids[0], backupEntries)
	if err := l.Publish(ctx); err != nil {
		t.Fatal(err)
	}
	a.archive(t, l, ids[0]) // before there is an erasure, which holds archiving up
	for _, sql := range seeds {
		exec(sql)
	}
	exec(`create schema backup`)
	for _, table := range tablesOf(t, conn) {
		exec(`create table backup.` + table + ` as table public.` + table)
	}
	fill(ids[0], attackedEntries)
	n = 0
	fill(ids[1], 50)
	if err := l.AddKey(ctx, next); err != nil {
		t.Fatal(err)
	}
	if err := l.RetireKeys(ctx); err != nil { // every key but the log's own
		t.Fatal(err)
	}
	if err := l.Publish(ctx); err != nil {
		t.Fatal(err)
	}
	exec(`set session_replication_role = replica`)
	a.erase(t, ids[0], 21)
	a.erase(t, ids[0], 22)
	for _, id := range append(ids, ledger.Registry) {
		c, _, err := l.Head(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		a.outside[c.Origin] = c
		ledgertest.Check(t, l, id, -1)
	}
	return a
}

// erase does to an entry's description what the redactor does.
func (a *attacked) erase(t *testing.T, id int32, seq int64) {
	t.Helper()
	const path = "/description"
	var seed []byte
	var fields map[string]json.RawMessage
	if err := a.conn.QueryRow(t.Context(), `select seed, fields::json from payload where ledger = $1 and seq = $2`, id, seq).Scan(&seed, &fields); err != nil {
		t.Fatal(err)
	}
	salts := map[string]string{}
	for p := range fields {
		salts[p] = base64.StdEncoding.EncodeToString(ledger.FieldSalt(seed, p))
	}
	gone := ledger.Field{Path: path, Salt: ledger.FieldSalt(seed, path), Value: fields[path]}
	h := gone.Commit()
	delete(fields, path)
	delete(salts, path)
	_, err := a.conn.Exec(t.Context(), `update payload set seed = null, fields = $3::json::text, salts = $4::json::text, commitments = $5::json::text where ledger = $1 and seq = $2`,
		id, seq, fields, salts, map[string]string{path: base64.StdEncoding.EncodeToString(h[:])})
	if err == nil {
		_, err = a.conn.Exec(t.Context(), `update external_id set salt = null where ledger = $1 and seq = $2`, id, seq)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// tablesOf lists the tables of the schema; partitions belong to theirs.
func tablesOf(t testing.TB, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(context.Background(), `
		select c.relname::text from pg_class c join information_schema.tables i on i.table_name = c.relname and i.table_schema = 'public'
		where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
		order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

// readTables are the tables that a verification reads, as Postgres counts it.
func (a *attacked) readTables(t *testing.T) map[string]bool {
	t.Helper()
	read := map[string]bool{}
	if _, err := a.conn.Exec(t.Context(), `select pg_stat_force_next_flush()`); err != nil { // or the counters have what came before
		t.Fatal(err)
	}
	a.inside(t, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := a.problems(ctx, tx, a.outside); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `select relname from pg_stat_xact_user_tables where coalesce(seq_scan, 0) + coalesce(idx_scan, 0) > 0 and schemaname = 'public'`)
		if err != nil {
			return err
		}
		var name string
		_, err = pgx.ForEachRow(rows, []any{&name}, func() error { read[name] = true; return nil })
		return err
	})
	if !read["head"] || !read["entry"] {
		t.Fatalf("verification is said to read nothing but %v", read)
	}
	return read
}

// archive registers two segments of an entry each, which stay in the database. Of
// one the file is destroyed, the other has a value in every other column.
func (a *attacked) archive(t *testing.T, l *ledger.Log, id int32) {
	t.Helper()
	ctx := t.Context()
	past := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range int64(2) {
		plan := &ledger.ArchivePlan{Ledger: id, Seqs: ledger.Spans{{First: 390 + i, End: 391 + i}}, Entries: 1,
			RecordedFrom: past, RecordedUntil: past, EventFrom: past, EventUntil: past, KeptUntil: past}
		if err := l.RegisterSegment(ctx, plan, audit.Artifact{Key: plan.ID(), Digest: "sha256:" + plan.ID(), Size: 1}); err != nil {
			t.Fatal(err)
		}
		set := `purge_began = now(), purged_at = now()`
		if i == 0 {
			set += `, replaces = artifact, held = 1, online_from = now(), online_until = now(), last_checked_at = now(), problem = 'lost: x', check_changes = 1`
		}
		if _, err := a.conn.Exec(ctx, `update archive_segment set `+set+` where ledger = $1 and id = $2`, id, plan.ID()); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			continue
		}
		s, err := l.SegmentByID(ctx, id, plan.ID())
		if err == nil {
			err = l.DestroySegment(ctx, &s, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
