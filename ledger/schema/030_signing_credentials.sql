-- What people sign reports with instead of a one-time code, or of password and code.
-- Who is reset, closed or erased loses both. A row changes in the transaction that
-- appends the entry which records the change.
create table passkey (
  id            text        not null,
  ledger        integer     not null,
  person        text        not null,
  name          text        not null, -- that the person gave it
  credential    bytea       not null, -- the authenticator's id of it
  public_key    bytea       not null, -- in COSE form
  counter       bigint      not null, -- of the last signature; 0: the authenticator does not count
  backed_up     boolean     not null, -- it may be on several devices (BE)
  created_at    timestamptz not null,
  used_at       timestamptz,
  constraint passkey_pkey primary key (id),
  constraint passkey_credential_key unique (credential),
  constraint passkey_person_fkey foreign key (person) references person (id)
);
create index passkey_by_person on passkey (person, created_at, id);

-- Who a person is at the identity provider. Nobody there is two people here.
create table linked_identity (
  person    text        not null,
  ledger    integer     not null,
  issuer    text        not null,
  subject   text        not null,
  linked_at timestamptz not null,
  used_at   timestamptz,
  constraint linked_identity_pkey primary key (person),
  constraint linked_identity_subject_key unique (ledger, issuer, subject),
  constraint linked_identity_person_fkey foreign key (person) references person (id)
);

grant select, insert, update, delete on passkey, linked_identity to sealbook_committer;

-- No reader has a right on either, as on people.
alter table passkey enable row level security;
create policy all_passkeys on passkey to sealbook_committer using (true) with check (true);
alter table linked_identity enable row level security;
create policy all_identities on linked_identity to sealbook_committer using (true) with check (true);
