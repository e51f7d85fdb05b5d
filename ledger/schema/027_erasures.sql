-- Erasures of data subjects. Whom an erasure is about stands here, and nowhere
-- else, from the request until it ends; then subject and identifiers are null. A
-- row changes in the transaction that appends the entry which records the change;
-- next_seq, counts and months move in the transactions that erase.
create table erasure (
  id              text        not null,
  ledger          integer     not null,
  subject         text,
  identifiers     text,                 -- a list, as JSON; the subject's id is one of them
  reason          text        not null,
  basis           text        not null,
  status          text        not null,
  run_id          text,
  requested_by    text        not null,
  requester       text        not null, -- the person
  decided_by      text,
  decider         text,
  decided_at      timestamptz,
  decision_reason text,
  plan            text,                 -- what would be erased, as it was counted
  end_seq         bigint,               -- of what is planned or erased: the ledger's size when that began
  next_seq        bigint      not null default 0,
  counts          text        not null default '{}',
  months          text[]      not null default '{}', -- of the partitions that were changed, as 2024_01
  certificate     text,
  digest          text,                 -- of the certificate
  error           text,
  created_at      timestamptz not null,
  completed_at    timestamptz,
  scrubbed_at     timestamptz,
  constraint erasure_pkey primary key (id),
  constraint erasure_ledger_fkey foreign key (ledger) references ledger (id),
  constraint erasure_status_is_known check (status in ('requested', 'approved', 'running', 'completed', 'declined', 'failed')),
  constraint erasure_is_by_two check (decider <> requester or status = 'declined'),
  constraint erasure_destroys_what_was_approved check (status not in ('approved', 'running', 'completed') or (decider is not null and plan is not null)),
  constraint erasure_forgets check ((status in ('requested', 'approved', 'running')) = (identifiers is not null) and (subject is null) = (identifiers is null)),
  constraint erasure_completed_is_certified check ((status = 'completed') = (certificate is not null) and (certificate is null) = (digest is null))
);
create index erasure_by_time on erasure (ledger, created_at desc, id desc);
create unique index erasure_one_of_a_subject on erasure (ledger, lower(subject)) where subject is not null;

-- The entries that an erasure under way is about. They go with its end: a list of
-- one person's entries is about that person, too.
create table erasure_entry (
  erasure    text        not null,
  ledger     integer     not null,
  seq        bigint      not null,
  event_time timestamptz not null,
  held       boolean     not null,
  constraint erasure_entry_pkey primary key (erasure, seq),
  constraint erasure_entry_erasure_fkey foreign key (erasure) references erasure (id)
);

-- A file of these was destroyed because it held what was erased.
alter table export add column erased_at timestamptz;
alter table report add column erased_at timestamptz;
alter table investigation_evidence add column erased_at timestamptz;
alter table custody_event drop constraint custody_event_is_known;
alter table custody_event add constraint custody_event_is_known
  check (event in ('collected', 'accessed', 'analysed', 'transferred', 'accepted', 'exported', 'verified', 'failed', 'sealed', 'erased'));

-- What a transaction that erases entries of a ledger locks, in an order that nobody
-- crosses: the text index, which may be at work for a while; the head, which the
-- roll-ups' trigger needs and which who places a hold has locked before; and the
-- holds, so that one which is being placed is either seen here or waits until this
-- is done. Where nothing is indexed yet, there has to be a row to lock.
create function begin_erasure(ledger_id integer) returns void
language plpgsql security definer
set search_path = public, pg_temp
as $$
begin
  insert into search_progress (ledger, size) values (ledger_id, 0) on conflict do nothing;
  perform from search_progress where ledger = ledger_id for update;
  perform from head where ledger = ledger_id for no key update;
  lock table legal_hold in share mode;
end
$$;
revoke all on function begin_erasure(integer) from public;
grant execute on function begin_erasure(integer) to sealbook_redactor;

-- What follows for the roll-ups from an erasure in a segment file: entries are
-- counted under other actors.
create function move_archived_rollups(ledger_id integer, days date[], names text[], parts text[], deltas bigint[]) returns void
language plpgsql security definer
set search_path = public, pg_temp
as $$
begin
  perform from head where ledger = ledger_id for no key update;
  delete from rollup r using unnest(days, names, parts, deltas) as d (day, name, part, delta)
  where r.ledger = ledger_id and r.kind = 'actor' and r.day = d.day and r.name = d.name and r.part = d.part and r.entries + d.delta <= 0;
  update rollup r set entries = r.entries + d.delta from unnest(days, names, parts, deltas) as d (day, name, part, delta)
  where r.ledger = ledger_id and r.kind = 'actor' and r.day = d.day and r.name = d.name and r.part = d.part;
  insert into rollup (ledger, kind, day, name, part, entries)
  select ledger_id, 'actor', d.day, d.name, d.part, d.delta from unnest(days, names, parts, deltas) as d (day, name, part, delta)
  where d.delta > 0 on conflict (ledger, kind, day, name, part) do nothing;
end
$$;
revoke all on function move_archived_rollups(integer, date[], text[], text[], bigint[]) from public;
grant execute on function move_archived_rollups(integer, date[], text[], text[], bigint[]) to sealbook_committer;

grant update (erased_at) on investigation_evidence to sealbook_committer;
grant select, insert, update on erasure to sealbook_committer;
grant select, insert, update, delete on erasure_entry to sealbook_committer;
grant select on erasure to sealbook_redactor;
grant update (next_seq, counts, months) on erasure to sealbook_redactor;
grant select, insert, update on erasure_entry to sealbook_redactor;

-- No reader has a right on either. Should one ever get it, it sees none.
alter table erasure enable row level security;
create policy all_erasures on erasure to sealbook_committer, sealbook_redactor using (true) with check (true);
alter table erasure_entry enable row level security;
create policy all_entries on erasure_entry to sealbook_committer, sealbook_redactor using (true) with check (true);
