-- How many entries there are: by the day of their time in UTC, and by what
-- statistics and the history ask for. The committer adds a batch's entries in
-- the transaction that writes them, under the lock of the ledger's head, so the
-- counts are exact at every moment. kind says what name and part are:
--
--   type        the event type, and the actor's type or ''
--   repository  the repository's name, or its id, or ''; part is ''
--   actor       the actor's e-mail address or id; part says which: 'email', 'id'
--   metric      the repository's id, and one of the types that the history counts
--
-- A projection of payload's columns and never more than them: what is counted
-- here can be counted there, and verification does and compares. So it holds
-- personal data, too: names of actors and repositories. These go with the last
-- payload row that holds them: blanking a column moves the row's count, in the
-- same statement (move_rollups below), to what is left of it, and a count that
-- falls to nothing is deleted. An erasure therefore needs to do nothing here,
-- and counts by type, actor type and day outlive it.
create table rollup (
  ledger  integer not null,
  kind    text    not null,
  day     date    not null,
  name    text    not null,
  part    text    not null,
  entries bigint  not null,
  constraint rollup_pkey primary key (ledger, kind, day, name, part),
  constraint rollup_kind_is_known check (kind in ('type', 'repository', 'actor', 'metric')),
  constraint rollup_counts_something check (entries > 0)
) with (fillfactor = 70); -- room for in-page updates: today's counts change with every batch

-- Under which rows an entry counts. ledger/rollup.go says the same of an entry
-- that is being appended; a test compares them.
create function rollup_keys(event_type text, actor_type text, actor_email text, actor_id text, repository_name text, repository_id text)
returns table (kind text, name text, part text)
language sql immutable parallel safe
as $$
  select 'type', event_type, coalesce(actor_type, '')
  union all
  select 'repository', coalesce(repository_name, repository_id, ''), ''
  union all
  select 'actor', coalesce(actor_email, actor_id), case when actor_email is null then 'id' else 'email' end
  where coalesce(actor_email, actor_id) is not null
  union all
  select 'metric', repository_id, event_type
  where repository_id is not null and event_type in ('issue.created', 'issue.resolved', 'fix.applied')
$$;

-- Moves the count of a payload row whose columns were blanked. The head's lock
-- is the one that the committer holds when it counts, so neither waits for the
-- other in a circle.
create function move_rollups() returns trigger
language plpgsql security definer
set search_path = public, pg_temp
as $$
declare
  at date := (new.event_time at time zone 'UTC')::date;
begin
  perform from head where ledger = new.ledger for no key update;
  delete from rollup r
  using rollup_keys(old.event_type, old.actor_type, old.actor_email, old.actor_id, old.repository_name, old.repository_id) k
  where r.ledger = new.ledger and r.day = at and r.kind = k.kind and r.name = k.name and r.part = k.part and r.entries = 1;
  update rollup r set entries = r.entries - 1
  from rollup_keys(old.event_type, old.actor_type, old.actor_email, old.actor_id, old.repository_name, old.repository_id) k
  where r.ledger = new.ledger and r.day = at and r.kind = k.kind and r.name = k.name and r.part = k.part;
  insert into rollup (ledger, kind, day, name, part, entries)
  select new.ledger, k.kind, at, k.name, k.part, 1
  from rollup_keys(new.event_type, new.actor_type, new.actor_email, new.actor_id, new.repository_name, new.repository_id) k
  on conflict (ledger, kind, day, name, part) do update set entries = rollup.entries + 1;
  return null;
end
$$;
revoke all on function move_rollups() from public;

create trigger move_rollups after update of actor_email, actor_id, repository_name, repository_id on payload for each row
  when ((old.actor_email, old.actor_id, old.repository_name, old.repository_id)
    is distinct from (new.actor_email, new.actor_id, new.repository_name, new.repository_id))
  execute function move_rollups();
create trigger refuse_truncate before truncate on rollup for each statement execute function refuse_change();

-- Counts everything again. For the entries from before there were roll-ups, and
-- for the tables' owner, when verification found a count to be wrong and the
-- entries to be right. Nothing is appended meanwhile.
create function recount_rollups() returns void
language sql
set search_path = public, pg_temp
as $$
  lock table head in exclusive mode;
  delete from rollup;
  insert into rollup (ledger, kind, day, name, part, entries)
  select p.ledger, k.kind, (p.event_time at time zone 'UTC')::date, k.name, k.part, count(*)
  from payload p cross join lateral rollup_keys(p.event_type, p.actor_type, p.actor_email, p.actor_id, p.repository_name, p.repository_id) k
  group by 1, 2, 3, 4, 5
$$;
revoke all on function recount_rollups() from public;
select recount_rollups();

grant select, insert, update on rollup to sealbook_committer;
grant select on rollup to sealbook_reader;

alter table rollup enable row level security;
create policy all_ledgers on rollup to sealbook_committer using (true) with check (true);
create policy one_ledger on rollup for select to sealbook_reader using (ledger = sealbook_ledger());
