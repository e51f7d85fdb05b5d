-- Retention policies that somebody asked for and that keep something for fewer days
-- than the one in force: another person decides. What was asked for never changes,
-- so what is approved is what its requester's entry says. A row changes in the
-- transaction that appends the entry about the decision, and an approval's sets the
-- policy in it, too.
create table retention_change (
  ledger          integer     not null,
  id              text        not null,
  status          text        not null,
  based_on        integer     not null, -- the version in force then; 0 is the default
  previous        text        not null, -- that version
  policy          text        not null,
  reason          text        not null,
  requested_by    text        not null,
  requester       text        not null, -- the person behind it
  requested_at    timestamptz not null,
  decided_by      text,
  decider         text,                 -- the person behind it
  decided_at      timestamptz,
  decision_reason text,
  version         integer,              -- that the approval set
  constraint retention_change_pkey primary key (ledger, id),
  constraint retention_change_ledger_fkey foreign key (ledger) references ledger (id),
  constraint retention_change_version_fkey foreign key (ledger, version) references retention_policy (ledger, version),
  constraint retention_change_status_is_known check (status in ('pending', 'approved', 'refused')),
  constraint retention_change_has_a_requester check (requester <> '' and reason <> ''),
  constraint retention_change_is_by_two check (decider <> requester and decider <> ''),
  constraint retention_change_decision_is_whole check ((status = 'pending') = (decider is null) and (decider is null) = (decided_by is null) and (decider is null) = (decided_at is null)),
  constraint retention_change_sets_what_was_seen check ((status = 'approved') = (version is not null) and (version is null or version = based_on + 1))
);
create index retention_change_by_time on retention_change (ledger, requested_at desc, id desc);
create unique index retention_change_one_pending on retention_change (ledger) where status = 'pending';

create trigger refuse_delete before delete on retention_change for each row execute function refuse_change();
create trigger refuse_truncate before truncate on retention_change for each statement execute function refuse_change();
create trigger refuse_update before update on retention_change for each row
  when (old.status <> 'pending' or (old.ledger, old.id, old.based_on, old.previous, old.policy, old.reason, old.requested_by, old.requester, old.requested_at)
    is distinct from (new.ledger, new.id, new.based_on, new.previous, new.policy, new.reason, new.requested_by, new.requester, new.requested_at))
  execute function refuse_change();

grant select, insert, update on retention_change to sealbook_committer;
grant select on retention_change to sealbook_reader;

alter table retention_change enable row level security;
create policy all_ledgers on retention_change to sealbook_committer using (true) with check (true);
create policy one_ledger on retention_change for select to sealbook_reader using (ledger = sealbook_ledger());
