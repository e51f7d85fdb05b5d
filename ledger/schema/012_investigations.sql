-- Investigations. One that an entry asks for is opened in the transaction that
-- appends the entry, under the lock of its ledger's head, so the numbers of a
-- kind and day leave no gap.
create table investigation (
  ledger      integer     not null,
  id          text        not null,
  kind        text        not null,
  opened_on   text        not null, -- UTC date, YYYYMMDD
  number      integer     not null,
  entry_seq   bigint      not null, -- of the entry that asked for it
  status      text        not null,
  priority    text        not null,
  assigned_to text        not null,
  created_at  timestamptz not null,
  constraint investigation_pkey primary key (ledger, id),
  constraint investigation_ledger_fkey foreign key (ledger) references ledger (id),
  constraint investigation_number_key unique (ledger, kind, opened_on, number),
  constraint investigation_entry_key unique (ledger, entry_seq),
  constraint investigation_number_is_positive check (number > 0),
  constraint investigation_status_is_known check (status in ('active', 'on_hold', 'escalated', 'closed', 'canceled')),
  constraint investigation_priority_is_known check (priority in ('low', 'medium', 'high', 'critical'))
);

grant select, insert, update on investigation to sealbook_committer;
grant select on investigation to sealbook_reader;

alter table investigation enable row level security;
create policy all_ledgers on investigation to sealbook_committer using (true) with check (true);
create policy one_ledger on investigation for select to sealbook_reader using (ledger = sealbook_ledger());
