-- Ledger 0 is the registry: the ledger of the ledgers. Its entries name every
-- organisation's ledger, its signing keys and its checkpoints, so whoever holds
-- a checkpoint of the registry holds all of them.
alter table ledger drop constraint ledger_id_is_positive;
alter table ledger add constraint ledger_id_is_not_negative check (id >= 0);

-- Which checkpoints of a ledger the registry's entries hold. The first row of a
-- ledger has size 0: its creation. Derived from those entries; verification
-- compares.
create table registration (
  ledger integer not null,
  size   bigint  not null,
  constraint registration_pkey primary key (ledger, size),
  constraint registration_ledger_fkey foreign key (ledger) references ledger (id),
  constraint registration_size_is_not_negative check (size >= 0)
);

-- The registry's checkpoints that were signed, by the one process that held
-- the lease. Each was in the signer state outside this database before it came
-- here.
create table publication (
  size       bigint      not null,
  root       bytea       not null,
  note       text        not null,
  created_at timestamptz not null,
  constraint publication_pkey primary key (size),
  constraint publication_root_is_sha256 check (octet_length(root) = 32)
);

-- The keys that sign checkpoints. Every key but the first was introduced by one
-- before it: introduction is the signed note that says so, and the registry's
-- entry holds it too. While two keys are not retired, both sign.
create table signing_key (
  public       bytea       not null,
  added_at     timestamptz not null,
  introduction text,
  retired_at   timestamptz,
  constraint signing_key_pkey primary key (public),
  constraint signing_key_is_ed25519 check (octet_length(public) = 32)
);

-- Who may do what only one process may do at a time. A lease that is not
-- renewed ends by itself.
create table lease (
  name   text        not null,
  holder text        not null,
  until  timestamptz not null,
  constraint lease_pkey primary key (name)
);

create trigger refuse_change before update or delete on registration for each row execute function refuse_change();
create trigger refuse_change before update or delete on publication for each row execute function refuse_change();
create trigger refuse_delete before delete on signing_key for each row execute function refuse_change();
create trigger refuse_truncate before truncate on registration for each statement execute function refuse_change();
create trigger refuse_truncate before truncate on publication for each statement execute function refuse_change();
create trigger refuse_truncate before truncate on signing_key for each statement execute function refuse_change();

grant select, insert on registration, publication to sealbook_committer;
grant select, insert on signing_key to sealbook_committer;
grant update (retired_at) on signing_key to sealbook_committer;
grant select, insert, update on lease to sealbook_committer;
grant select on registration, publication, signing_key to sealbook_reader;

-- Publications and keys are public; a registration is its organisation's.
alter table registration enable row level security;
create policy all_ledgers on registration to sealbook_committer using (true) with check (true);
create policy one_ledger on registration for select to sealbook_reader using (ledger = sealbook_ledger());
