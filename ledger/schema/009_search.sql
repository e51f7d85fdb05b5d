-- The text of the entries, for searching: two vectors beside each payload, of
-- what a caller with audit:read:basic may see and of everything. In both the
-- actor's text has the weight A, the details' B and the rest's C. A derived
-- table: delete from search_progress, and the indexer makes it again.
--
-- Who erases a part of a payload erases its text here, in the same transaction:
-- lock the ledger's row of search_progress first, then change the payload, then
-- delete the row of search_text or set both vectors anew. The indexer reads
-- payloads under that lock, so it cannot bring back what it read before.
create table search_text (
  ledger    integer  not null,
  seq       bigint   not null,
  basic     tsvector not null,
  sensitive tsvector not null,
  constraint search_text_pkey primary key (ledger, seq)
);
create index search_text_basic on search_text using gin (basic);
create index search_text_sensitive on search_text using gin (sensitive);

-- How far a ledger is indexed: its entries below size.
create table search_progress (
  ledger integer not null,
  size   bigint  not null,
  constraint search_progress_pkey primary key (ledger),
  constraint search_progress_ledger_fkey foreign key (ledger) references ledger (id),
  constraint search_progress_size_is_not_negative check (size >= 0)
);

-- The newest entries of the reader's ledger that match, at most so many, with
-- their score. A function of the tables' owner: under row level security the
-- text operators, which Postgres does not take for leakproof, may not use an
-- index. It is fenced by the same setting as every policy. Dynamic, so that
-- each query is planned for its own words.
create function search_ledger(query tsquery, everything boolean, most integer)
returns table (seq bigint, score real)
language plpgsql stable security definer
set search_path = public, pg_temp
as $$
begin
  return query execute format('
    select m.seq, ts_rank_cd(''{1,1,1,1}'', m.vector, $1, 32)
    from (
      select t.seq, t.%1$I as vector from search_text t
      where t.ledger = sealbook_ledger() and t.%1$I @@ $1
      order by t.seq desc limit $2
    ) m', case when everything then 'sensitive' else 'basic' end) using query, most;
end
$$;
revoke all on function search_ledger(tsquery, boolean, integer) from public;
grant execute on function search_ledger(tsquery, boolean, integer) to sealbook_reader;

grant select, insert, update on search_text to sealbook_committer;
grant select, insert, update on search_progress to sealbook_committer;
grant select on search_progress to sealbook_reader;
grant select, update, delete on search_text to sealbook_redactor;
grant select, update on search_progress to sealbook_redactor;

alter table search_text enable row level security;
create policy all_ledgers on search_text to sealbook_committer, sealbook_redactor using (true) with check (true);
alter table search_progress enable row level security;
create policy all_ledgers on search_progress to sealbook_committer, sealbook_redactor using (true) with check (true);
create policy one_ledger on search_progress for select to sealbook_reader using (ledger = sealbook_ledger());
