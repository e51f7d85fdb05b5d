-- What an API key may be used for beyond its permissions: the role it was made
-- with, what of the entries it may read (audit.Constraints as JSON), from where.
-- A rotated key has two secrets for a while: previous_mac is of the one before,
-- which is good until previous_until.
alter table api_key
  add column role           text,
  add column constraints    text,
  add column allowed_cidrs  cidr[],
  add column previous_mac   bytea,
  add column previous_until timestamptz,
  add column rotated_at     timestamptz,
  add constraint api_key_overlap_is_whole check ((previous_mac is null) = (previous_until is null)),
  -- A signature is a person's.
  add constraint api_key_never_signs check (not 'audit:reports:sign' = any (permissions));
create index api_key_by_organisation on api_key (organisation, created_at desc, id desc);

-- No reader has a right on keys. Should one ever get it, it sees none.
alter table api_key enable row level security;
create policy all_keys on api_key to sealbook_committer using (true) with check (true);
