-- Gaps: what assessments found that people have to deal with. A finding is a
-- requirement that does not hold; a violation is what happened against a rule.
-- Assessments open findings and close them; only people resolve violations.
-- version counts people's changes, each of which is an entry of the ledger.
create table gap (
  ledger      integer     not null,
  id          text        not null, -- FDA_001, viol_20260825_001
  kind        text        not null,
  number      integer     not null, -- of the finding in its framework, of the violation on its day
  framework   text        not null,
  requirement text        not null,
  check_id    text        not null, -- '' of a finding
  title       text        not null,
  severity    text        not null,
  major       boolean     not null, -- the requirement is not met, and not in part, either
  status      text        not null,
  description text        not null,
  entries     text        not null, -- the first entries that failed, a JSON list of their ids
  failed      bigint      not null,
  through_seq bigint,               -- the last of them
  span_days   integer     not null, -- of the period in which it was found
  passes      integer     not null default 0, -- assessments in a row in which it was not
  detected_at timestamptz not null,
  opened_by   text        not null,
  seen_by     text        not null,
  opened_at   timestamptz not null,
  closed_at   timestamptz,
  version     integer     not null default 1,
  owner       text,
  plan        text,
  due_at      timestamptz,
  reason      text,                 -- why it was accepted, or how it was resolved
  constraint gap_pkey primary key (ledger, id),
  constraint gap_opened_by_fkey foreign key (opened_by) references assessment (id),
  constraint gap_seen_by_fkey foreign key (seen_by) references assessment (id),
  constraint gap_kind_is_known check (kind in ('finding', 'violation') and (kind = 'finding') = (check_id = '')),
  constraint gap_status_is_known check (status in ('open', 'in_progress', 'accepted') or status = case kind when 'finding' then 'closed' else 'resolved' end),
  constraint gap_end_is_dated check ((closed_at is not null) = (status in ('closed', 'resolved')))
);
create unique index gap_one_finding_of_a_requirement on gap (ledger, framework, requirement) where kind = 'finding' and status <> 'closed';
create unique index gap_one_violation_of_a_check on gap (ledger, framework, requirement, check_id) where kind = 'violation' and status in ('open', 'in_progress');
create index gap_by_time on gap (ledger, kind, opened_at desc, id desc);

-- An assessment of a named period answers what is asked about that period.
alter table assessment add column period_name text not null default '';
create index assessment_newest on assessment (ledger, period_name, until_time desc) where status = 'completed';

grant select, insert, update on gap to sealbook_committer;
grant select on gap to sealbook_reader;
alter table gap enable row level security;
create policy all_ledgers on gap to sealbook_committer using (true) with check (true);
create policy one_ledger on gap for select to sealbook_reader using (ledger = sealbook_ledger());
