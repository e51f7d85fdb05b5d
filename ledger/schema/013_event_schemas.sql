-- JSON Schemas of event types, by version. A version never changes, because
-- entries name the one that they were held against.
create table event_schema (
  ledger     integer     not null,
  name       text        not null, -- of the event type
  version    integer     not null,
  schema     text        not null,
  created_at timestamptz not null,
  constraint event_schema_pkey primary key (ledger, name, version),
  constraint event_schema_ledger_fkey foreign key (ledger) references ledger (id),
  constraint event_schema_version_is_positive check (version > 0)
);

create trigger refuse_change before update or delete on event_schema for each row execute function refuse_change();
create trigger refuse_truncate before truncate on event_schema for each statement execute function refuse_change();

grant select, insert on event_schema to sealbook_committer;
grant select on event_schema to sealbook_reader;

alter table event_schema enable row level security;
create policy all_ledgers on event_schema to sealbook_committer using (true) with check (true);
create policy one_ledger on event_schema for select to sealbook_reader using (ledger = sealbook_ledger());
