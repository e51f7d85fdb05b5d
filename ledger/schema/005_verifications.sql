-- Verifications that run as a job. A row changes in the transaction that
-- appends the entry which records the change. frozen fixes what is verified
-- once the range was found; it is never changed after that.
create table verification (
  id                  text        not null,
  ledger              integer     not null,
  request             text        not null,
  requested_by        text        not null,
  status              text        not null,
  run_id              text,
  frozen              text,
  result              text,
  error               text,
  cancel_requested_at timestamptz,
  created_at          timestamptz not null,
  completed_at        timestamptz,
  constraint verification_pkey primary key (id),
  constraint verification_ledger_fkey foreign key (ledger) references ledger (id),
  constraint verification_status_is_known check (status in ('queued', 'processing', 'completed', 'failed', 'canceled')),
  constraint verification_completed_has_result check ((status = 'completed') = (result is not null and completed_at is not null))
);
create index verification_by_ledger on verification (ledger, created_at desc, id desc);
create index verification_unfinished on verification (created_at) where status in ('queued', 'processing');

-- What the segments of a running verification found. The first result of a
-- segment stays; all of them go when the job ends.
create table verification_segment (
  verification text    not null,
  ledger       integer not null,
  idx          integer not null,
  result       text    not null,
  constraint verification_segment_pkey primary key (verification, idx),
  constraint verification_segment_verification_fkey foreign key (verification) references verification (id)
);

grant select, insert, update on verification to sealbook_committer;
grant select, insert, delete on verification_segment to sealbook_committer;
grant select on verification, verification_segment to sealbook_reader;

alter table verification enable row level security;
create policy all_ledgers on verification to sealbook_committer using (true) with check (true);
create policy one_ledger on verification for select to sealbook_reader using (ledger = sealbook_ledger());
alter table verification_segment enable row level security;
create policy all_ledgers on verification_segment to sealbook_committer using (true) with check (true);
create policy one_ledger on verification_segment for select to sealbook_reader using (ledger = sealbook_ledger());
