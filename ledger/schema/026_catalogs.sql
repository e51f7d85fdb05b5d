-- Control catalogues that organisations add. None is ever changed: another text is
-- another version. An assessment names those that stand in for the shipped ones.
create table catalog (
  id         text        not null,
  ledger     integer     not null,
  framework  text        not null,
  version    integer     not null,
  digest     text        not null, -- as results of assessments name it
  text       text        not null, -- YAML
  created_by text        not null,
  created_at timestamptz not null,
  constraint catalog_pkey primary key (id),
  constraint catalog_version_key unique (ledger, framework, version),
  constraint catalog_ledger_fkey foreign key (ledger) references ledger (id),
  constraint catalog_version_is_positive check (version > 0)
);
alter table assessment add column catalogs text[] not null default '{}';

grant select, insert on catalog to sealbook_committer;
grant select on catalog to sealbook_reader;
alter table catalog enable row level security;
create policy all_ledgers on catalog to sealbook_committer using (true) with check (true);
create policy one_ledger on catalog for select to sealbook_reader using (ledger = sealbook_ledger());
