-- Assessments of a ledger by control catalogues. A row changes in the transaction
-- that appends the entry which records the change. artifact is where the whole
-- result is kept, by its digest; summary is the result without its exceptions.
create table assessment (
  id                  text        not null,
  ledger              integer     not null,
  frameworks          text[]      not null,
  from_time           timestamptz not null,
  until_time          timestamptz not null,
  requested_by        text        not null,
  status              text        not null,
  run_id              text,
  error               text,
  artifact            text,
  summary             text,
  cancel_requested_at timestamptz,
  created_at          timestamptz not null,
  completed_at        timestamptz,
  constraint assessment_pkey primary key (id),
  constraint assessment_ledger_fkey foreign key (ledger) references ledger (id),
  constraint assessment_status_is_known check (status in ('queued', 'processing', 'completed', 'failed', 'canceled')),
  constraint assessment_period_is_forward check (from_time < until_time),
  constraint assessment_completed_has_result check ((status = 'completed') = (artifact is not null and summary is not null and completed_at is not null))
);
create index assessment_by_ledger on assessment (ledger, created_at desc, id desc);
create index assessment_unfinished on assessment (created_at) where status in ('queued', 'processing');

-- What a completed assessment says of a framework, for the history of scores.
create table assessment_score (
  assessment text        not null,
  ledger     integer     not null,
  framework  text        not null,
  assessed   timestamptz not null, -- the end of the period that was assessed
  status     text        not null,
  score      integer,              -- tenths of a percent; null: nothing could be assessed
  coverage   integer     not null, -- likewise
  constraint assessment_score_pkey primary key (assessment, framework),
  constraint assessment_score_assessment_fkey foreign key (assessment) references assessment (id),
  constraint assessment_score_is_a_percentage check (score between 0 and 1000 and coverage between 0 and 1000)
);
create index assessment_score_by_time on assessment_score (ledger, framework, assessed desc);

grant select, insert, update on assessment to sealbook_committer;
grant select, insert on assessment_score to sealbook_committer;
grant select on assessment, assessment_score to sealbook_reader;

alter table assessment enable row level security;
create policy all_ledgers on assessment to sealbook_committer using (true) with check (true);
create policy one_ledger on assessment for select to sealbook_reader using (ledger = sealbook_ledger());
alter table assessment_score enable row level security;
create policy all_ledgers on assessment_score to sealbook_committer using (true) with check (true);
create policy one_ledger on assessment_score for select to sealbook_reader using (ledger = sealbook_ledger());
