-- Where the registry's checkpoints were published outside: one row for each
-- place and checkpoint. note holds the very bytes that the place was shown:
-- a time stamp is about them and about no other signature of the same tree.
-- evidence is what the place gave: a time-stamp token in DER, a witness's
-- signature lines, the name of an object in a bucket. Whoever holds note and
-- evidence needs nothing else from this database.
create table anchor (
  kind        text        not null,
  name        text        not null,
  size        bigint      not null,
  note        bytea       not null,
  evidence    bytea       not null,
  anchored_at timestamptz not null,
  constraint anchor_pkey primary key (kind, name, size),
  constraint anchor_kind_is_known check (kind in ('timestamp', 'bucket', 'witness')),
  constraint anchor_size_is_not_negative check (size >= 0)
);
create index anchor_by_size on anchor (size);

-- How it stands with each place: whether the workers are told to publish
-- there, and how the last attempt ended. A state and no evidence, so it may
-- change; error is null after an attempt that succeeded.
create table anchor_attempt (
  kind       text    not null,
  name       text    not null,
  configured boolean not null,
  at         timestamptz,
  size       bigint,
  error      text,
  constraint anchor_attempt_pkey primary key (kind, name),
  constraint anchor_attempt_kind_is_known check (kind in ('timestamp', 'bucket', 'witness')),
  constraint anchor_attempt_is_whole check (at is not null or (size is null and error is null))
);

create trigger refuse_change before update or delete on anchor for each row execute function refuse_change();
create trigger refuse_truncate before truncate on anchor for each statement execute function refuse_change();

grant select, insert on anchor to sealbook_committer;
grant select, insert, update on anchor_attempt to sealbook_committer;
grant select on anchor, anchor_attempt to sealbook_reader;

-- The registry's checkpoints hold no organisation's data: every reader may see
-- where they were published.
alter table anchor enable row level security;
create policy all_places on anchor to sealbook_committer using (true) with check (true);
create policy every_reader on anchor for select to sealbook_reader using (true);
alter table anchor_attempt enable row level security;
create policy all_places on anchor_attempt to sealbook_committer using (true) with check (true);
create policy every_reader on anchor_attempt for select to sealbook_reader using (true);
