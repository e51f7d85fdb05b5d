-- search_ledger for a reader who may see a part of the ledger: the newest entries
-- that match and that the constraints cover, as ledger/list.go (within) says it of
-- lists. What is null or empty does not restrict. A function of its own, so that
-- the other needs no look at payload.
create function search_covered(query tsquery, everything boolean, most integer,
  frameworks text[], repositories text[], from_time timestamptz, until_time timestamptz)
returns table (seq bigint, score real)
language plpgsql stable security definer
set search_path = public, pg_temp
as $$
begin
  return query execute format('
    select m.seq, ts_rank_cd(''{1,1,1,1}'', m.vector, $1, 32)
    from (
      select t.seq, t.%1$I as vector
      from search_text t
      join payload p on p.ledger = t.ledger and p.seq = t.seq
      where t.ledger = sealbook_ledger() and t.%1$I @@ $1
        and (coalesce(cardinality($3), 0) = 0 or p.frameworks && $3)
        and (coalesce(cardinality($4), 0) = 0 or p.repository_id = any($4))
        and ($5 is null or p.event_time >= $5)
        and ($6 is null or p.event_time < $6)
      order by t.seq desc limit $2
    ) m', case when everything then 'sensitive' else 'basic' end)
  using query, most, frameworks, repositories, from_time, until_time;
end
$$;
revoke all on function search_covered(tsquery, boolean, integer, text[], text[], timestamptz, timestamptz) from public;
grant execute on function search_covered(tsquery, boolean, integer, text[], text[], timestamptz, timestamptz) to sealbook_reader;
