-- Reports. A row changes in the transaction that appends the entry which records
-- the change. frozen is where the data of the report are kept, by digest, once
-- they were read; draft is the PDF that a signatory sees; artifact is the file.
-- None of them is ever changed: whoever repeats a step finds what was there.
create table report (
  id                  text        not null,
  ledger              integer     not null,
  request             text        not null,
  from_time           timestamptz not null,
  until_time          timestamptz not null,
  requested_by        text        not null,
  signatory           text,                 -- the person who shall sign; null: nobody
  status              text        not null,
  run_id              text,
  error               text,
  frozen              text,
  summary             text,
  draft               text,
  signature_due_at    timestamptz,
  artifact            text,
  seal                text,                 -- of a PDF: whose certificate, and when it was stamped
  cancel_requested_at timestamptz,
  created_at          timestamptz not null,
  completed_at        timestamptz,
  links_expire_at     timestamptz,
  constraint report_pkey primary key (id),
  constraint report_ledger_fkey foreign key (ledger) references ledger (id),
  constraint report_signatory_fkey foreign key (signatory) references person (id),
  constraint report_status_is_known check (status in ('queued', 'processing', 'pending_signature', 'generated', 'failed', 'canceled')),
  constraint report_period_is_forward check (from_time < until_time),
  constraint report_generated_has_file check (status <> 'generated' or (frozen is not null and artifact is not null and completed_at is not null and links_expire_at is not null))
);
create index report_by_ledger on report (ledger, created_at desc, id desc);
create index report_unfinished on report (created_at) where status in ('queued', 'processing', 'pending_signature');

-- Electronic signatures (21 CFR 11.50 and 11.70): what was shown to the signatory
-- by its digest, who they are, when and why they signed. One of a report.
create table signature (
  id           text        not null,
  ledger       integer     not null,
  report       text        not null,
  person       text        not null,
  printed_name text        not null,
  meaning      text        not null,
  digest       text        not null, -- of the draft
  components   text[]      not null, -- what the person showed to be themselves
  comment      text        not null,
  signed_at    timestamptz not null,
  constraint signature_pkey primary key (id),
  constraint signature_report_key unique (report),
  constraint signature_report_fkey foreign key (report) references report (id),
  constraint signature_person_fkey foreign key (person) references person (id)
);

-- What a signature has to answer: good for one, by one session, of one document
-- with one meaning.
create table signature_challenge (
  nonce_hash bytea       not null,
  ledger     integer     not null,
  report     text        not null,
  session    bytea       not null,
  digest     text        not null,
  meaning    text        not null,
  ends_at    timestamptz not null,
  constraint signature_challenge_pkey primary key (nonce_hash),
  constraint signature_challenge_report_fkey foreign key (report) references report (id)
);
create index signature_challenge_by_end on signature_challenge (ends_at);

-- Mails of reports, one row for each recipient of a distribution. The id is all
-- that the mail provider learns beside the mail itself.
create table delivery (
  id           text        not null,
  ledger       integer     not null,
  report       text        not null,
  distribution text        not null,
  number       integer     not null, -- of the recipient in the distribution
  recipient    text        not null,
  state        text        not null,
  attempts     integer     not null default 0,
  message_id   text        not null default '', -- the provider's
  detail       text        not null default '', -- why it is in this state, for people
  created_at   timestamptz not null,
  changed_at   timestamptz not null,
  constraint delivery_pkey primary key (id),
  constraint delivery_recipient_key unique (distribution, number),
  constraint delivery_report_fkey foreign key (report) references report (id),
  constraint delivery_state_is_known check (state in ('pending', 'sending', 'accepted', 'delivered', 'bounced', 'dropped', 'refused', 'unknown'))
);
create index delivery_by_report on delivery (report, created_at, number);

-- What the provider said, as often and in whatever order it said it.
create table delivery_event (
  id          text        not null, -- the provider's: whoever hears it again does nothing
  delivery    text        not null,
  ledger      integer     not null,
  event       text        not null,
  reason      text        not null,
  at          timestamptz not null,
  received_at timestamptz not null,
  constraint delivery_event_pkey primary key (id),
  constraint delivery_event_delivery_fkey foreign key (delivery) references delivery (id)
);
create index delivery_event_by_delivery on delivery_event (delivery, at);

alter table outbox drop constraint outbox_kind_is_known;
alter table outbox add constraint outbox_kind_is_known check (kind in ('start', 'cancel', 'signal'));

grant select, insert, update on report, delivery to sealbook_committer;
grant select, insert on signature, delivery_event to sealbook_committer;
grant select, insert, update, delete on signature_challenge to sealbook_committer;
grant select on report, signature, delivery, delivery_event to sealbook_reader;

alter table report enable row level security;
create policy all_ledgers on report to sealbook_committer using (true) with check (true);
create policy one_ledger on report for select to sealbook_reader using (ledger = sealbook_ledger());
alter table signature enable row level security;
create policy all_ledgers on signature to sealbook_committer using (true) with check (true);
create policy one_ledger on signature for select to sealbook_reader using (ledger = sealbook_ledger());
alter table delivery enable row level security;
create policy all_ledgers on delivery to sealbook_committer using (true) with check (true);
create policy one_ledger on delivery for select to sealbook_reader using (ledger = sealbook_ledger());
alter table delivery_event enable row level security;
create policy all_ledgers on delivery_event to sealbook_committer using (true) with check (true);
create policy one_ledger on delivery_event for select to sealbook_reader using (ledger = sealbook_ledger());

-- No reader has a right on challenges. Should one ever get it, it sees none.
alter table signature_challenge enable row level security;
create policy all_challenges on signature_challenge to sealbook_committer using (true) with check (true);
