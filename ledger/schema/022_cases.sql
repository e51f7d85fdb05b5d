-- Investigations with their stages, evidence and findings. A row changes in the
-- transaction that appends the entry which records the change, and in no other;
-- version rises with each step. end_seq is the ledger's size when the scope was
-- fixed: what was recorded later is evidence of a later round only.
alter table investigation
  add column case_number      text,
  add column opened_by        text,                 -- null: the entry entry_seq asked for it
  add column type             text,
  add column title            text,
  add column request          text,
  add column from_time        timestamptz,
  add column until_time       timestamptz,
  add column trigger_seq      bigint,
  add column stage            text        not null default 'scoping',
  add column version          integer     not null default 1,
  add column round            integer     not null default 1,
  add column investigator     text,
  add column reviewer         text,
  add column run_id           text,
  add column end_seq          bigint,
  add column counts           text,                 -- of the scope and of what was collected
  add column analyses         text        not null default '{}',
  add column implications     text,
  add column result           text,
  add column closed_by        text,
  add column due_at           timestamptz,
  add column reminded         integer     not null default 0,
  add column changed_at       timestamptz,
  add column closed_at        timestamptz;

update investigation i set
  case_number = 'CASE-' || to_char(i.created_at at time zone 'UTC', 'YYYY-MM') || '-' || lpad(o.number::text, greatest(3, length(o.number::text)), '0'),
  type = i.kind || '_incident', title = 'Investigation ' || i.id, request = '{}', changed_at = i.created_at, trigger_seq = i.entry_seq,
  from_time = i.created_at - interval '24 hours', until_time = i.created_at + interval '1 microsecond'
from (
  select ledger, id, row_number() over (partition by ledger, to_char(created_at at time zone 'UTC', 'YYYY-MM') order by created_at, id) as number
  from investigation
) o where o.ledger = i.ledger and o.id = i.id;

alter table investigation
  alter column case_number set not null,
  alter column type set not null,
  alter column title set not null,
  alter column request set not null,
  alter column from_time set not null,
  alter column until_time set not null,
  alter column changed_at set not null,
  add constraint investigation_case_key unique (ledger, case_number),
  add constraint investigation_investigator_fkey foreign key (investigator) references person (id),
  add constraint investigation_reviewer_fkey foreign key (reviewer) references person (id),
  add constraint investigation_reviewer_is_another check (investigator <> reviewer),
  add constraint investigation_scope_is_forward check (from_time < until_time),
  add constraint investigation_stage_is_known check (stage in ('scoping', 'evidence_collection', 'analysis', 'findings_review', 'implications', 'decision', 'closed')),
  add constraint investigation_closed_has_result check ((status = 'closed') = (stage = 'closed') and (status <> 'closed' or (result is not null and closed_at is not null)));
create index investigation_by_time on investigation (ledger, created_at desc, id desc);

-- What happened to an investigation, and to nothing else: one row a step. Whoever
-- repeats a step finds it here.
create table investigation_step (
  ledger        integer     not null,
  investigation text        not null,
  id            text        not null,
  version       integer     not null, -- after it
  kind          text        not null,
  stage         text        not null, -- after it
  actor         text        not null,
  reason        text        not null,
  details       text        not null,
  at            timestamptz not null,
  constraint investigation_step_pkey primary key (ledger, investigation, id),
  constraint investigation_step_version_key unique (ledger, investigation, version),
  constraint investigation_step_investigation_fkey foreign key (ledger, investigation) references investigation (ledger, id)
);

-- What a step says, until it is taken: the workflow learns of ids and states only.
create table investigation_step_content (
  ledger        integer     not null,
  investigation text        not null,
  id            text        not null,
  content       text        not null,
  created_at    timestamptz not null,
  constraint investigation_step_content_pkey primary key (ledger, investigation, id),
  constraint investigation_step_content_investigation_fkey foreign key (ledger, investigation) references investigation (ledger, id)
);
create index investigation_step_content_by_time on investigation_step_content (created_at);

create table investigation_note (
  ledger        integer     not null,
  investigation text        not null,
  id            text        not null,
  author        text        not null,
  body          text        not null,
  created_at    timestamptz not null,
  constraint investigation_note_pkey primary key (ledger, id),
  constraint investigation_note_investigation_fkey foreign key (ledger, investigation) references investigation (ledger, id)
);
create index investigation_note_by_time on investigation_note (ledger, investigation, created_at, id);

-- Findings of analyses and of people. The id of an analysis's finding is made from
-- what was found, so an analysis that is repeated adds nothing.
create table investigation_finding (
  ledger        integer     not null,
  investigation text        not null,
  id            text        not null,
  analysis      text        not null, -- or manual
  round         integer     not null,
  number        integer     not null, -- order in which they are shown
  kind          text        not null,
  severity      text        not null,
  title         text        not null,
  body          text        not null,
  status        text        not null,
  decided_by    text,
  decided_at    timestamptz,
  reason        text,
  created_at    timestamptz not null,
  constraint investigation_finding_pkey primary key (ledger, investigation, id),
  constraint investigation_finding_investigation_fkey foreign key (ledger, investigation) references investigation (ledger, id),
  constraint investigation_finding_status_is_known check (status in ('candidate', 'accepted', 'rejected')),
  constraint investigation_finding_decision_is_whole check ((status = 'candidate') = (decided_by is null) and (status = 'candidate') = (reason is null) and (status = 'candidate') = (decided_at is null))
);

-- Evidence: a file by its digest, and how it came about.
create table investigation_evidence (
  ledger         integer     not null,
  investigation  text        not null,
  id             text        not null,
  kind           text        not null,
  title          text        not null,
  source         text        not null, -- the query, or what the person who brought it said
  first_seq      bigint,
  end_seq        bigint,
  items          bigint      not null,
  artifact       text        not null,
  media_type     text        not null,
  file_name      text        not null,
  effective_from timestamptz,
  effective_to   timestamptz,
  acquired_at    timestamptz not null,
  acquired_by    text        not null,
  round          integer     not null,
  constraint investigation_evidence_pkey primary key (ledger, id),
  constraint investigation_evidence_investigation_fkey foreign key (ledger, investigation) references investigation (ledger, id)
);
create index investigation_evidence_by_case on investigation_evidence (ledger, investigation, acquired_at, id);

-- The chain of custody: each handling of an item of evidence, numbered without a
-- gap from 1.
create table custody_event (
  ledger   integer     not null,
  evidence text        not null,
  number   integer     not null,
  event    text        not null,
  actor    text        not null,
  recipient text       not null default '', -- of a transfer, a person's id
  reason   text        not null,
  before   text        not null, -- sha256 that was expected
  after    text        not null, -- sha256 that was found
  tool     text        not null,
  at       timestamptz not null,
  constraint custody_event_pkey primary key (ledger, evidence, number),
  constraint custody_event_evidence_fkey foreign key (ledger, evidence) references investigation_evidence (ledger, id),
  constraint custody_event_is_known check (event in ('collected', 'accessed', 'analysed', 'transferred', 'accepted', 'exported', 'verified', 'failed', 'sealed'))
);

-- Legal holds: what must not be destroyed, whatever retention says. Released by
-- another person than the one who issued it.
create table legal_hold (
  ledger         integer     not null,
  id             text        not null,
  investigation  text,
  matter         text        not null,
  reason         text        not null,
  from_time      timestamptz,
  until_time     timestamptz,
  scope          text        not null,
  issued_by      text        not null,
  issuer         text        not null, -- the person behind it; '' is nobody of the directory
  issued_at      timestamptz not null,
  released_by    text,
  released_at    timestamptz,
  release_reason text,
  constraint legal_hold_pkey primary key (ledger, id),
  constraint legal_hold_ledger_fkey foreign key (ledger) references ledger (id),
  constraint legal_hold_release_is_whole check ((released_by is null) = (released_at is null) and (released_by is null) = (release_reason is null))
);
create index legal_hold_by_time on legal_hold (ledger, issued_at desc, id desc);
create unique index legal_hold_of_investigation on legal_hold (ledger, investigation) where investigation is not null and released_at is null;

grant select, insert on investigation_step, investigation_note, investigation_evidence, custody_event to sealbook_committer;
grant select, insert, update on investigation_finding, legal_hold to sealbook_committer;
grant select, insert, delete on investigation_step_content to sealbook_committer;
grant select on investigation_step, investigation_note, investigation_finding, investigation_evidence, custody_event, legal_hold to sealbook_reader;

alter table investigation_step enable row level security;
create policy all_ledgers on investigation_step to sealbook_committer using (true) with check (true);
create policy one_ledger on investigation_step for select to sealbook_reader using (ledger = sealbook_ledger());
alter table investigation_note enable row level security;
create policy all_ledgers on investigation_note to sealbook_committer using (true) with check (true);
create policy one_ledger on investigation_note for select to sealbook_reader using (ledger = sealbook_ledger());
alter table investigation_finding enable row level security;
create policy all_ledgers on investigation_finding to sealbook_committer using (true) with check (true);
create policy one_ledger on investigation_finding for select to sealbook_reader using (ledger = sealbook_ledger());
alter table investigation_evidence enable row level security;
create policy all_ledgers on investigation_evidence to sealbook_committer using (true) with check (true);
create policy one_ledger on investigation_evidence for select to sealbook_reader using (ledger = sealbook_ledger());
alter table custody_event enable row level security;
create policy all_ledgers on custody_event to sealbook_committer using (true) with check (true);
create policy one_ledger on custody_event for select to sealbook_reader using (ledger = sealbook_ledger());
alter table legal_hold enable row level security;
create policy all_ledgers on legal_hold to sealbook_committer using (true) with check (true);
create policy one_ledger on legal_hold for select to sealbook_reader using (ledger = sealbook_ledger());

-- No reader has a right on what waits. Should one ever get it, it sees none.
alter table investigation_step_content enable row level security;
create policy all_contents on investigation_step_content to sealbook_committer using (true) with check (true);
