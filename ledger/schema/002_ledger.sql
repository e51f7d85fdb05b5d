-- Prevention, not evidence: what these triggers refuse, a superuser can still
-- do, and the hashes show it.
create function refuse_change() returns trigger
language plpgsql
as $$
begin
  raise exception '% of % is refused: the ledger is append-only', tg_op, tg_table_name
    using errcode = 'insufficient_privilege';
end
$$;

-- One row for each organisation's ledger. Its genesis is what the first
-- entry's record points back to.
create table ledger (
  id           integer     not null,
  organisation text        not null,
  origin       text        not null,
  genesis      text        not null,
  created_at   timestamptz not null,
  constraint ledger_pkey primary key (id),
  constraint ledger_organisation_key unique (organisation),
  constraint ledger_origin_key unique (origin),
  constraint ledger_id_is_positive check (id > 0)
);

-- The head of a ledger, the only row of it that is ever updated. Appending
-- locks it, numbers inside the lock, and so never leaves a gap: the order of
-- commits is the order of numbers.
create table head (
  ledger    integer     not null,
  size      bigint      not null,
  last_leaf bytea       not null, -- the genesis hash while size is 0
  last_time timestamptz not null,
  root      bytea       not null,
  edge      bytea       not null, -- roots of the subtrees that cover the tree, 32 bytes each
  constraint head_pkey primary key (ledger),
  constraint head_ledger_fkey foreign key (ledger) references ledger (id),
  constraint head_size_is_not_negative check (size >= 0),
  constraint head_hashes_are_sha256 check (octet_length(last_leaf) = 32 and octet_length(root) = 32 and octet_length(edge) % 32 = 0)
) with (fillfactor = 50); -- room for in-page updates

-- The hashed bytes. Never updated, never deleted: every proof stays possible.
-- event_id is the record's ULID, kept apart to look entries up by it and to
-- learn what became of a commit whose answer was lost.
create table entry (
  ledger   integer not null,
  seq      bigint  not null,
  event_id uuid    not null,
  record   bytea   not null,
  leaf     bytea   not null,
  constraint entry_pkey primary key (ledger, seq),
  constraint entry_event_id_key unique (ledger, event_id),
  constraint entry_seq_is_not_negative check (seq >= 0),
  constraint entry_leaf_is_sha256 check (octet_length(leaf) = 32)
);

-- What a record commits to, by month. fields maps each JSON Pointer to its
-- canonical value. The salt of a field comes from seed; once a field was
-- erased, seed is gone, salts holds those of the fields that stay, and
-- commitments those that stand for the erased. The other columns are
-- projections of the hashed content for searching; verification compares them.
create table payload (
  ledger          integer     not null,
  seq             bigint      not null,
  recorded_at     timestamptz not null,
  seed            bytea,
  fields          text,
  salts           text,
  commitments     text,
  event_type      text        not null,
  event_class     text        not null,
  event_time      timestamptz not null,
  severity        text        not null,
  category        text,
  actor_type      text,
  actor_id        text,
  actor_email     text,
  resource_type   text,
  resource_id     text,
  repository_id   text,
  repository_name text,
  frameworks      text[],
  constraint payload_pkey primary key (ledger, seq, recorded_at),
  constraint payload_seed_has_32_bytes check (octet_length(seed) = 32)
) partition by range (recorded_at);

create index payload_by_event_time on payload (ledger, event_time, seq);
create index payload_by_event_type on payload (ledger, event_type, seq);

-- Makes the partition of a month. The committer may call it but cannot create
-- tables otherwise.
create function ensure_payload_month(at timestamptz) returns void
language plpgsql security definer
set search_path = public, pg_temp
as $$
declare
  first  timestamptz := date_trunc('month', at at time zone 'UTC') at time zone 'UTC';
  next   timestamptz := (date_trunc('month', at at time zone 'UTC') + interval '1 month') at time zone 'UTC';
  name   text := 'payload_' || to_char(first at time zone 'UTC', 'YYYY_MM');
begin
  if to_regclass('public.' || name) is not null then
    return;
  end if;
  perform pg_advisory_xact_lock(hashtext('ensure_payload_month'));
  execute format('create table %I partition of payload for values from (%L) to (%L)', name, first, next);
  execute format('create trigger refuse_truncate before truncate on %I for each statement execute function refuse_change()', name);
exception when duplicate_table then null; -- another process was first
end
$$;
revoke all on function ensure_payload_month(timestamptz) from public;

-- An emitter's own id of an event, for ever: the same id and content is the
-- same entry. The digest is salted because content can hold personal data.
create table external_id (
  ledger      integer not null,
  external_id text    not null,
  seq         bigint  not null,
  salt        bytea,
  digest      bytea   not null,
  constraint external_id_pkey primary key (ledger, external_id)
);

-- Idempotency-Key of a request, for a day: result is what it was answered
-- with. Rows are replaced once they are older.
create table request_key (
  ledger     integer     not null,
  route      text        not null,
  key        text        not null,
  salt       bytea       not null,
  digest     bytea       not null,
  result     text        not null,
  created_at timestamptz not null,
  constraint request_key_pkey primary key (ledger, route, key)
);
create index request_key_by_age on request_key (created_at);

-- Full tiles of the Merkle tree, 256 hashes each (C2SP tlog-tiles): level 0
-- holds leaf hashes, level n the roots of level n-1's full tiles. root is this
-- tile's own.
create table tile (
  ledger integer  not null,
  level  smallint not null,
  idx    bigint   not null,
  hashes bytea    not null,
  root   bytea    not null,
  constraint tile_pkey primary key (ledger, level, idx),
  constraint tile_is_full check (octet_length(hashes) = 8192 and octet_length(root) = 32)
);

-- Every tree that was ever acknowledged, in the transaction that made it.
create table checkpoint (
  ledger     integer     not null,
  size       bigint      not null,
  root       bytea       not null,
  created_at timestamptz not null,
  constraint checkpoint_pkey primary key (ledger, size),
  constraint checkpoint_root_is_sha256 check (octet_length(root) = 32)
);

create trigger refuse_change before update or delete on ledger for each row execute function refuse_change();
create trigger refuse_change before update or delete on entry for each row execute function refuse_change();
create trigger refuse_change before update or delete on tile for each row execute function refuse_change();
create trigger refuse_change before update or delete on checkpoint for each row execute function refuse_change();
create trigger refuse_delete before delete on head for each row execute function refuse_change();
create trigger refuse_delete before delete on payload for each row execute function refuse_change();
create trigger refuse_delete before delete on external_id for each row execute function refuse_change();
create trigger refuse_update before update on payload for each row
  when (current_user <> 'sealbook_redactor') execute function refuse_change();
create trigger refuse_update before update on external_id for each row
  when (current_user <> 'sealbook_redactor') execute function refuse_change();
create trigger refuse_truncate before truncate on ledger for each statement execute function refuse_change();
create trigger refuse_truncate before truncate on head for each statement execute function refuse_change();
create trigger refuse_truncate before truncate on entry for each statement execute function refuse_change();
create trigger refuse_truncate before truncate on payload for each statement execute function refuse_change();
create trigger refuse_truncate before truncate on external_id for each statement execute function refuse_change();
create trigger refuse_truncate before truncate on tile for each statement execute function refuse_change();
create trigger refuse_truncate before truncate on checkpoint for each statement execute function refuse_change();

-- Who may do what. No role but the tables' owner can do more.
grant select, insert on ledger, entry, payload, external_id, tile, checkpoint to sealbook_committer;
grant select, insert, update on head to sealbook_committer;
grant select, insert, update, delete on request_key to sealbook_committer;
grant execute on function ensure_payload_month(timestamptz) to sealbook_committer;
grant select on ledger, head, entry, payload, external_id, tile, checkpoint to sealbook_reader;
grant select on ledger, entry, payload, external_id to sealbook_redactor;
grant update (seed, fields, salts, commitments, category, actor_id, actor_email, resource_id, repository_id, repository_name) on payload to sealbook_redactor;
grant update (salt) on external_id to sealbook_redactor;

-- The second fence between organisations: a reader's transaction sees the
-- rows of the ledger it names, whatever a statement forgets to say.
do $$
declare
  name text;
  key  text;
begin
  foreach name in array array['ledger', 'head', 'entry', 'payload', 'external_id', 'request_key', 'tile', 'checkpoint'] loop
    key := case name when 'ledger' then 'id' else 'ledger' end;
    execute format('alter table %I enable row level security', name);
    execute format('create policy all_ledgers on %I to sealbook_committer, sealbook_redactor using (true) with check (true)', name);
    execute format('create policy one_ledger on %I for select to sealbook_reader using (%I = sealbook_ledger())', name, key);
  end loop;
end
$$;
