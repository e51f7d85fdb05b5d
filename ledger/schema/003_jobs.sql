-- Organisations, their credentials and event types.
create table organisation (
  id         text        not null,
  name       text        not null,
  ledger     integer     not null,
  created_at timestamptz not null,
  constraint organisation_pkey primary key (id),
  constraint organisation_name_key unique (name),
  constraint organisation_ledger_fkey foreign key (ledger) references ledger (id)
);

-- API keys. The secret itself is never kept: mac is HMAC-SHA-256 of it under
-- the installation's pepper.
create table api_key (
  id           text        not null,
  organisation text        not null,
  name         text        not null,
  last4        text        not null,
  mac          bytea       not null,
  permissions  text[]      not null,
  created_by   text        not null,
  created_at   timestamptz not null,
  expires_at   timestamptz,
  last_used_at timestamptz,
  revoked_at   timestamptz,
  constraint api_key_pkey primary key (id),
  constraint api_key_organisation_fkey foreign key (organisation) references organisation (id),
  constraint api_key_has_permissions check (cardinality(permissions) > 0)
);

create table event_type (
  ledger      integer     not null,
  name        text        not null,
  class       text        not null,
  severity    text        not null,
  description text        not null,
  created_at  timestamptz not null,
  constraint event_type_pkey primary key (ledger, name)
);

-- Evidence exports. A row changes in the transaction that appends the entry
-- which records the change. frozen fixes the package's bytes once the ledger
-- was frozen for it; it is never changed after that.
create table export (
  id                   text        not null,
  ledger               integer     not null,
  request              text        not null,
  requested_by         text        not null,
  retry_of             text,
  status               text        not null,
  run_id               text,
  frozen               text,
  estimated_bytes      bigint,
  estimated_completion timestamptz,
  artifact             text,
  failures             text,
  error                text,
  cancel_requested_at  timestamptz,
  created_at           timestamptz not null,
  completed_at         timestamptz,
  artifact_expires_at  timestamptz,
  constraint export_pkey primary key (id),
  constraint export_retry_of_fkey foreign key (retry_of) references export (id),
  constraint export_status_is_known check (status in ('queued', 'processing', 'completed', 'failed', 'canceled', 'expired')),
  constraint export_completed_has_artifact check (status not in ('completed', 'expired') or (artifact is not null and completed_at is not null and artifact_expires_at is not null))
);
create index export_by_ledger on export (ledger, created_at desc, id desc);
create index export_by_expiry on export (artifact_expires_at) where status = 'completed';

-- What Temporal has yet to be told. A row commits with the job it belongs to
-- and goes once Temporal has it.
create table outbox (
  id          bigint generated always as identity,
  kind        text        not null,
  workflow_id text        not null,
  workflow    text        not null,
  input       text        not null,
  attempts    integer     not null default 0,
  next_at     timestamptz not null,
  created_at  timestamptz not null,
  constraint outbox_pkey primary key (id),
  constraint outbox_kind_is_known check (kind in ('start', 'cancel'))
);
create index outbox_by_next_at on outbox (next_at);

grant select, insert on organisation to sealbook_committer;
grant select, insert, update on api_key, event_type, export to sealbook_committer;
grant select, insert, update, delete on outbox to sealbook_committer;
grant select on organisation, event_type, export to sealbook_reader;

alter table event_type enable row level security;
create policy all_ledgers on event_type to sealbook_committer using (true) with check (true);
create policy one_ledger on event_type for select to sealbook_reader using (ledger = sealbook_ledger());
alter table export enable row level security;
create policy all_ledgers on export to sealbook_committer using (true) with check (true);
create policy one_ledger on export for select to sealbook_reader using (ledger = sealbook_ledger());
alter table organisation enable row level security;
create policy all_ledgers on organisation to sealbook_committer using (true) with check (true);
create policy one_ledger on organisation for select to sealbook_reader using (ledger = sealbook_ledger());
