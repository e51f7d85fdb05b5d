-- Streams: receivers outside that get an organisation's entries as they are
-- appended. next_seq is the first entry that was not delivered; it moves only
-- after the receiver took what came before it. pending_end fixes the end of the
-- message that is under way, so that what is sent again is the same. A deleted
-- stream keeps its row, because its workflow reads from it that it has ended.
create table stream (
  id              text        not null,
  ledger          integer     not null,
  name            text        not null,
  url             text        not null,
  format          text        not null,
  filter          text        not null, -- audit.StreamFilter as JSON
  status          text        not null,
  secret          bytea       not null, -- sealed
  previous_secret bytea,                -- signs, too, until
  previous_until  timestamptz,
  next_seq        bigint      not null,
  pending_end     bigint,
  replays         integer     not null default 0, -- tells messages of the same entries apart
  version         integer     not null default 1,
  created_by      text        not null,
  created_at      timestamptz not null,
  changed_at      timestamptz not null,
  delivered       bigint      not null default 0, -- entries, those of replays as often as they went
  failures        integer     not null default 0, -- in a row
  failing_since   timestamptz,
  succeeded_at    timestamptz,
  failed_at       timestamptz,
  last_error      text,
  constraint stream_pkey primary key (id),
  constraint stream_ledger_fkey foreign key (ledger) references ledger (id),
  constraint stream_status_is_known check (status in ('active', 'paused', 'disabled', 'deleted')),
  constraint stream_overlap_is_whole check ((previous_secret is null) = (previous_until is null)),
  constraint stream_position_is_not_negative check (next_seq >= 0 and (pending_end is null or pending_end > next_seq))
);
create index stream_by_ledger on stream (ledger, created_at desc, id desc);

grant select, insert, update on stream to sealbook_committer;

-- No reader has a right on streams: a row holds a secret. Should one ever get it,
-- it sees none.
alter table stream enable row level security;
create policy all_streams on stream to sealbook_committer using (true) with check (true);
