-- The retention policies that an organisation set, in days; the newest is in
-- force, and without one the shipped default is. Older ones stay, because they
-- are what the entries of their time were promised. Each was set in the
-- transaction that appended the entry about it.
create table retention_policy (
  ledger                    integer     not null,
  version                   integer     not null,
  audit_log_days            integer     not null,
  audit_log_archive_days    integer     not null,
  scan_result_days          integer     not null,
  scan_result_archive_days  integer     not null,
  evidence_export_days      integer     not null,
  set_at                    timestamptz not null,
  constraint retention_policy_pkey primary key (ledger, version),
  constraint retention_policy_ledger_fkey foreign key (ledger) references ledger (id),
  constraint retention_policy_version_is_positive check (version > 0),
  constraint retention_policy_days_are_positive check (least(audit_log_days, audit_log_archive_days, scan_result_days, scan_result_archive_days, evidence_export_days) > 0)
);

create trigger refuse_change before update or delete on retention_policy for each row execute function refuse_change();
create trigger refuse_truncate before truncate on retention_policy for each statement execute function refuse_change();

grant select, insert on retention_policy to sealbook_committer;
grant select on retention_policy to sealbook_reader;

alter table retention_policy enable row level security;
create policy all_ledgers on retention_policy to sealbook_committer using (true) with check (true);
create policy one_ledger on retention_policy for select to sealbook_reader using (ledger = sealbook_ledger());

-- Bytes of the rows that belong to the reader's ledger: of every table that
-- says of its rows whose they are, so that a new one joins by itself. The size
-- of a value is the one it is stored with, compressed; 28 bytes are a row's
-- header and its pointer. Pages' free room and indexes are nobody's.
create function ledger_bytes() returns bigint
language plpgsql stable security definer
set search_path = public, pg_temp
as $$
declare
  shape record;
  part  bigint;
  total bigint := 0;
begin
  for shape in
    select c.oid::regclass as name, string_agg(format('coalesce(pg_column_size(%I), 0)', a.attname), ' + ') as size
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    group by c.oid having bool_or(a.attname = 'ledger')
  loop
    execute format('select coalesce(sum(28 + %s), 0) from %s where ledger = sealbook_ledger()', shape.size, shape.name) into part;
    total := total + part;
  end loop;
  return total;
end
$$;
revoke all on function ledger_bytes() from public;
grant execute on function ledger_bytes() to sealbook_reader;
