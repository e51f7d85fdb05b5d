-- Payloads leave the database for segment files: first the file, verified and
-- named in the registry, then the rows. Records, leaves and tiles stay.

do $$
begin
  begin
    create role sealbook_archivist nologin;
  exception when duplicate_object or unique_violation then null;
  end;
  grant usage on schema public to sealbook_archivist;
end
$$;

-- One file of payloads. seqs are the entries whose payloads it holds: those of
-- one month that are kept equally long. purge_began is set before the first
-- row goes, so a payload that is missing without it was taken by somebody else.
create table archive_segment (
  ledger         integer        not null,
  id             text           not null,
  seqs           int8multirange not null,
  entries        bigint         not null,
  recorded_from  timestamptz    not null,
  recorded_until timestamptz    not null, -- of the last entry, included
  event_from     timestamptz    not null,
  event_until    timestamptz    not null, -- included
  kept_until     timestamptz    not null, -- when the last promise about its entries ends
  artifact       text           not null,
  digest         text           not null,
  replaces       text,                    -- the file before an erasure, until it is deleted
  archived_at    timestamptz    not null,
  purge_began    timestamptz,
  purged_at      timestamptz,             -- all rows went that no hold keeps
  held           bigint         not null default 0, -- rows that a hold kept when the last purge ended
  online_until   timestamptz,             -- a retrieval brings its rows back until then
  online_from    timestamptz,             -- all of them are back
  destroyed_at   timestamptz,             -- the file is gone, too: retention ended
  constraint archive_segment_pkey primary key (ledger, id),
  constraint archive_segment_ledger_fkey foreign key (ledger) references ledger (id),
  constraint archive_segment_holds_something check (entries > 0 and not isempty(seqs)),
  constraint archive_segment_of_an_organisation check (ledger > 0),
  constraint archive_segment_steps_in_order check ((purged_at is null or purge_began is not null) and (destroyed_at is null or purged_at is not null))
);
-- Whether entries of a segment are in its file alone.
create function is_offline(s archive_segment) returns boolean
language sql immutable parallel safe
as $$ select s.purge_began is not null and s.online_from is null and s.entries > s.held $$;

create index archive_segment_by_event_time on archive_segment (ledger, event_from, event_until);

-- A request to bring archived payloads back for a time.
create table archive_retrieval (
  ledger       integer     not null,
  id           text        not null,
  status       text        not null,
  from_time    timestamptz not null, -- of the entries' own times
  until_time   timestamptz not null,
  reason       text        not null,
  days         integer     not null, -- how long they stay
  segments     text[]      not null, -- that it brings back
  entries      bigint      not null, -- that they hold
  requested_by text        not null,
  requester    text        not null, -- the person behind it; '' is nobody of the directory
  requested_at timestamptz not null,
  decided_by   text,
  decided_at   timestamptz,
  refusal      text,
  available_at timestamptz,
  expires_at   timestamptz,
  ended_at     timestamptz,
  problem      text,
  constraint archive_retrieval_pkey primary key (ledger, id),
  constraint archive_retrieval_ledger_fkey foreign key (ledger) references ledger (id),
  constraint archive_retrieval_status_is_known check (status in ('requested', 'restoring', 'available', 'refused', 'expired', 'failed')),
  constraint archive_retrieval_decision_is_whole check ((decided_by is null) = (decided_at is null))
);
create index archive_retrieval_by_time on archive_retrieval (ledger, requested_at desc, id desc);

grant select, insert, update on archive_segment, archive_retrieval to sealbook_committer;
grant select on archive_segment, archive_retrieval to sealbook_reader;

create trigger refuse_delete before delete on archive_segment for each row execute function refuse_change();
create trigger refuse_truncate before truncate on archive_segment for each statement execute function refuse_change();
-- What a file holds never changes; an erasure alone replaces the file.
create trigger refuse_update before update on archive_segment for each row
  when ((old.seqs, old.entries, old.recorded_from, old.recorded_until, old.event_from, old.event_until, old.archived_at)
    is distinct from (new.seqs, new.entries, new.recorded_from, new.recorded_until, new.event_from, new.event_until, new.archived_at))
  execute function refuse_change();

-- The archivist alone takes payloads away. It writes nothing else.
drop trigger refuse_delete on payload;
create trigger refuse_delete before delete on payload for each row
  when (current_user <> 'sealbook_archivist') execute function refuse_change();
grant select, delete on payload, search_text to sealbook_archivist;
grant select on archive_segment, legal_hold to sealbook_archivist;
alter table archive_segment enable row level security;
create policy all_ledgers on archive_segment to sealbook_committer, sealbook_archivist using (true) with check (true);
create policy one_ledger on archive_segment for select to sealbook_reader using (ledger = sealbook_ledger());
alter table archive_retrieval enable row level security;
create policy all_ledgers on archive_retrieval to sealbook_committer using (true) with check (true);
create policy one_ledger on archive_retrieval for select to sealbook_reader using (ledger = sealbook_ledger());
create policy archived on payload to sealbook_archivist using (true) with check (true);
create policy archived on search_text to sealbook_archivist using (true) with check (true);
create policy archived on legal_hold for select to sealbook_archivist using (true);

-- Keeps legal holds as they are until the transaction ends: whoever destroys
-- reads the holds under this lock, so one that was set before wins.
create function freeze_legal_holds() returns void
language sql security definer
set search_path = public, pg_temp
as $$ lock table legal_hold in share mode $$;
revoke all on function freeze_legal_holds() from public;
grant execute on function freeze_legal_holds() to sealbook_archivist, sealbook_committer;

-- Whether a legal hold in force keeps a row of payload: the one definition in SQL.
-- ledger.Hold.Keeps says the same of an entry; tests compare them. Whatever the
-- scope says, the entry that gave rise to a held investigation is held, and so are
-- those about it and about the hold. among leaves out holds of which the asker must
-- not know.
create function is_held(p payload, among text[] default null) returns boolean
language sql stable security definer
set search_path = public, pg_temp
as $$
  select exists (
    select from legal_hold h, lateral (select h.scope::jsonb as scope, p.fields::jsonb as fields) x, lateral (
      select
        array(select lower(v) from jsonb_array_elements_text(coalesce(nullif(x.scope -> 'systems', 'null'), '[]')) v) as systems,
        array(select lower(v) from jsonb_array_elements_text(coalesce(nullif(x.scope -> 'users', 'null'), '[]')) v) as users,
        array(select jsonb_array_elements_text(coalesce(nullif(x.scope -> 'frameworks', 'null'), '[]'))) as frameworks
    ) s, lateral (
      select
        array[lower(x.fields ->> '/actor/id'), lower(x.fields ->> '/actor/email'),
          case when x.fields -> '/resource' ->> 'type' = 'user' then lower(x.fields -> '/resource' ->> 'id') end] as users,
        array[lower(x.fields -> '/repository' ->> 'id'), lower(x.fields -> '/repository' ->> 'name'),
          lower(x.fields -> '/resource' ->> 'parent_machine'), lower(x.fields -> '/resource' ->> 'id'), lower(x.fields -> '/resource' ->> 'name'),
          lower(x.fields -> '/context' ->> 'system'), lower(x.fields -> '/context' ->> 'environment')]
        || array(select lower(v) from jsonb_array_elements_text(
          case jsonb_typeof(x.fields -> '/impact_assessment' -> 'affected_systems') when 'array' then x.fields -> '/impact_assessment' -> 'affected_systems' else '[]' end) v) as systems
    ) e
    where h.ledger = p.ledger and h.released_at is null and (among is null or h.id = any (among))
      and (exists (select from investigation i where i.ledger = h.ledger and i.id = h.investigation and i.trigger_seq = p.seq)
        or x.fields -> '/resource' ->> 'id' in (h.id, h.investigation)
        or (h.from_time is null or p.event_time >= h.from_time) and (h.until_time is null or p.event_time < h.until_time)
          and (cardinality(s.frameworks) = 0 or coalesce(p.frameworks && s.frameworks, false))
          and (cardinality(s.systems) = 0 and cardinality(s.users) = 0 or e.users && s.users or e.systems && s.systems)))
$$;
revoke all on function is_held(payload, text[]) from public;
grant execute on function is_held(payload, text[]) to sealbook_archivist, sealbook_redactor, sealbook_committer, sealbook_reader;

-- Gives back the space of partitions that ended before a time: an empty one is
-- dropped, and of one in which little is left, such as what the registry wrote
-- or a hold keeps, that is moved to a new one. It holds up other statements for
-- as long as that takes, which most, a number of rows, bounds. A partition in use
-- is left for the next time.
create function give_back_payload_months(before timestamptz, most bigint)
returns table (month text, size_before bigint, size_after bigint)
language plpgsql security definer
set search_path = public, pg_temp
set lock_timeout = '2s'
as $$
declare
  part  record;
  first timestamptz;
  rest  bigint;
  bytes bigint;
begin
  for part in
    select c.relname::text as name, pg_total_relation_size(c.oid) as size
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'payload'::regclass and c.relname ~ '^payload_[0-9]{4}_[0-9]{2}$' order by 1
  loop
    first := make_timestamptz(substr(part.name, 9, 4)::int, substr(part.name, 14, 2)::int, 1, 0, 0, 0, 'UTC');
    continue when first + interval '1 month' > before;
    execute format('select count(*), coalesce(sum(pg_column_size(p)), 0) from (select p from %I p limit $1) p', part.name)
      into rest, bytes using most + 1;
    -- A partition with its indexes has some empty pages of its own.
    continue when rest > most or rest > 0 and part.size < 4 * bytes + 262144;
    begin
      execute format('lock table %I in access exclusive mode', part.name);
      execute format('alter table payload detach partition %I', part.name);
      execute format('alter table %I rename to payload_given_back', part.name);
      execute format('select count(*) from (select from payload_given_back limit $1) p') into rest using most + 1;
      if rest > most then
        raise lock_not_available; -- somebody put rows back; undo
      elsif rest > 0 then
        perform ensure_payload_month(first);
        insert into payload select * from payload_given_back;
      end if;
      drop table payload_given_back;
    exception when lock_not_available then continue;
    end;
    month := part.name;
    size_before := part.size;
    size_after := case when rest > 0 then pg_total_relation_size(to_regclass(part.name)) else 0 end;
    return next;
  end loop;
end
$$;
revoke all on function give_back_payload_months(timestamptz, bigint) from public;
grant execute on function give_back_payload_months(timestamptz, bigint) to sealbook_archivist;
