-- The directory: people of an organisation, and what they sign in with. Nothing
-- here lets anybody sign in: passwords are argon2id, codes and tokens MACs under a
-- key that is not in the database, the secrets of one-time codes encrypted under
-- another. A row changes in the transaction that appends the entry which records
-- the change.
create table person (
  id             text        not null, -- never given to somebody else
  ledger         integer     not null,
  email          text        not null,
  name           text        not null,
  title          text        not null default '',
  department     text        not null default '',
  certification  text        not null default '',
  roles          text[]      not null,
  constraints    text,                 -- audit.Constraints as JSON
  expires_at     timestamptz,
  status         text        not null,
  version        integer     not null default 1,
  created_by     text        not null,
  created_at     timestamptz not null,
  changed_at     timestamptz not null,
  password       text,                 -- in the PHC string format
  totp_secret    bytea,                -- sealed
  totp_step      bigint,               -- the last that was taken: none is taken twice
  failures       integer     not null default 0, -- to sign in, in a row
  locked_until   timestamptz,
  signed_in_at   timestamptz,
  code_hash      bytea,                -- of the code to enrol with
  code_until     timestamptz,
  new_password   text,                 -- chosen with the code, and not confirmed yet
  new_secret     bytea,
  reset_by       text,                 -- who took the credentials away; until somebody else has confirmed it, the person cannot sign
  constraint person_pkey primary key (id),
  constraint person_ledger_fkey foreign key (ledger) references ledger (id),
  constraint person_status_is_known check (status in ('invited', 'active', 'reset_pending', 'deactivated')),
  constraint person_active_has_credentials check (status <> 'active' or password is not null and totp_secret is not null),
  constraint person_code_is_whole check ((code_hash is null) = (code_until is null))
);
create unique index person_email_is_unique on person (ledger, lower(email)) where status <> 'deactivated';
create index person_by_email on person (lower(email));
create index person_by_ledger on person (ledger, created_at desc, id desc);
create unique index person_code_is_unique on person (code_hash);

create table session (
  token_hash bytea       not null,
  person     text        not null,
  ledger     integer     not null,
  started_at timestamptz not null,
  seen_at    timestamptz not null, -- to the half minute
  ends_at    timestamptz not null,
  constraint session_pkey primary key (token_hash),
  constraint session_person_fkey foreign key (person) references person (id)
);
create index session_by_person on session (person);
create index session_by_end on session (ends_at);

grant select, insert, update on person to sealbook_committer;
grant select, insert, update, delete on session to sealbook_committer;

-- No reader has a right on either. Should one ever get it, it sees none.
alter table person enable row level security;
create policy all_people on person to sealbook_committer using (true) with check (true);
alter table session enable row level security;
create policy all_sessions on session to sealbook_committer using (true) with check (true);
