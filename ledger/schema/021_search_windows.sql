-- Searching in bounded work. The text indexes know of each row in which windows
-- of its ledger it lies: one of 8,192 entries and one of 65,536. Postgres gives
-- the rows of an index in no order that a limit could cut, so what is asked of it
-- is one window at a time, from the newest back, until enough was found or read.
-- A word that every entry has is then as cheap in a large ledger as in a small
-- one, and so is one that only the oldest have.
create function search_windows(ledger integer, seq bigint) returns bigint[]
language sql immutable parallel safe
as $$ select array[(ledger::bigint << 32) | (seq >> 13), (ledger::bigint << 32) | (1::bigint << 31) | (seq >> 16)] $$;

drop function search_ledger(tsquery, boolean, integer);
drop function search_covered(tsquery, boolean, integer, text[], text[], timestamptz, timestamptz);
drop index search_text_basic;
drop index search_text_sensitive;
create index search_text_basic on search_text using gin (search_windows(ledger, seq), basic);
create index search_text_sensitive on search_text using gin (search_windows(ledger, seq), sensitive);

-- search_basic and search_sensitive find entries of the reader's ledger before a
-- number, the newest first, with their score: at most so many, and after about so
-- much work. Every entry from reached on was looked at.
--
-- loose matches at least what query does, and the index alone can tell of what:
-- it has no weights, positions or negations. So each row that is read is counted
-- in read, whether it matches or not. It is null where every row has to be read.
-- A window counts as 16 rows, though nothing is in it: that is what it costs.
--
-- Wide windows are for words that an eighth of the entries have at most, and
-- begin where a wide window does, so no row is read twice.
--
-- They are functions of the tables' owner: under row level security the text
-- operators, which Postgres does not take for leakproof, may not use an index.
-- They are fenced by the same setting as every policy. Their statements are
-- planned once, so what the planner may use is named.
do $do$
declare part text;
begin
  foreach part in array array['basic', 'sensitive'] loop
    execute format($create$
      create function search_%1$s(query tsquery, loose tsquery, before bigint, most integer, work bigint,
        out reached bigint, out read bigint, out seqs bigint[], out scores real[])
      language plpgsql stable security definer
      set search_path = public, pg_temp
      set enable_seqscan = off set enable_indexscan = off set enable_indexonlyscan = off set jit = off
      set plan_cache_mode = force_generic_plan
      as $$
      declare
        org    integer := sealbook_ledger();
        wide   boolean := false;
        first  bigint;
        mark   bigint;
        here   bigint;
        hits   bigint[];
        ranked real[];
      begin
        reached := before;
        read := 0;
        seqs := '{}';
        scores := '{}';
        while reached > 0 and cardinality(seqs) < most and read < work loop
          if wide and reached & 65535 = 0 then
            first := reached - 65536;
            mark := (org::bigint << 32) | (1::bigint << 31) | (first >> 16);
          else
            first := (reached - 1) & ~8191::bigint;
            mark := (org::bigint << 32) | (first >> 13);
          end if;
          if loose is null then
            select count(*), array_agg(c.seq) filter (where c.score is not null), array_agg(c.score) filter (where c.score is not null)
            into here, hits, ranked
            from (
              select t.ledger, t.seq, case when t.seq < reached and t.%1$I @@ query then ts_rank_cd('{1,1,1,1}', t.%1$I, query, 32) end as score
              from search_text t where search_windows(t.ledger, t.seq) @> array[mark]
              order by t.seq desc offset 0
            ) c
            where c.ledger = org;
          else
            select count(*), array_agg(c.seq) filter (where c.score is not null), array_agg(c.score) filter (where c.score is not null)
            into here, hits, ranked
            from (
              select t.ledger, t.seq, case when t.seq < reached and t.%1$I @@ query then ts_rank_cd('{1,1,1,1}', t.%1$I, query, 32) end as score
              from search_text t where search_windows(t.ledger, t.seq) @> array[mark] and t.%1$I @@ loose
              order by t.seq desc offset 0
            ) c
            where c.ledger = org;
          end if;
          wide := here * 8 <= reached - first;
          read := read + here + 16;
          seqs := seqs || hits;
          scores := scores || ranked;
          reached := first;
        end loop;
        if cardinality(seqs) > most then
          seqs := seqs[:most];
          scores := scores[:most];
          reached := seqs[most];
        end if;
      end
      $$;
      revoke all on function search_%1$s(tsquery, tsquery, bigint, integer, bigint) from public;
      grant execute on function search_%1$s(tsquery, tsquery, bigint, integer, bigint) to sealbook_reader;
    $create$, part);
  end loop;
end
$do$;

-- What was inserted last lies in a list beside each index until there is much of
-- it, and every look at the index reads the list. A search looks many times, so
-- the indexer has it sorted in after each batch.
create function sort_in_search_text() returns void
language sql security definer
set search_path = public, pg_temp
as $$ select gin_clean_pending_list('search_text_basic'), gin_clean_pending_list('search_text_sensitive') $$;
revoke all on function sort_in_search_text() from public;
grant execute on function sort_in_search_text() to sealbook_committer;
