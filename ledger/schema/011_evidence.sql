-- Evidence that people uploaded. A row commits with the entry that holds the
-- digests of its files; the files are in the artifact store. What is personal
-- in it can be erased.
create table evidence (
  id          text        not null,
  ledger      integer     not null,
  type        text        not null,
  title       text        not null,
  description text        not null,
  date        date        not null,
  criteria    text[]      not null,
  files       text        not null,
  uploaded_by text        not null,
  created_at  timestamptz not null,
  constraint evidence_pkey primary key (id),
  constraint evidence_ledger_fkey foreign key (ledger) references ledger (id),
  constraint evidence_has_criteria check (cardinality(criteria) > 0)
);
create index evidence_by_ledger on evidence (ledger, created_at desc, id desc);

grant select, insert on evidence to sealbook_committer;
grant select on evidence to sealbook_reader;
grant select, update (title, description, files, uploaded_by), delete on evidence to sealbook_redactor;

alter table evidence enable row level security;
create policy all_ledgers on evidence to sealbook_committer, sealbook_redactor using (true) with check (true);
create policy one_ledger on evidence for select to sealbook_reader using (ledger = sealbook_ledger());
