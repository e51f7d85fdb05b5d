-- Group roles. None can log in; the application's login is made a member of
-- the first three and takes on one of them for each connection. They belong to
-- the whole server, so another database may have made them already.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['sealbook_committer', 'sealbook_reader', 'sealbook_redactor'] loop
    begin
      execute format('create role %I nologin', wanted);
    exception when duplicate_object or unique_violation then null;
    end;
    execute format('grant usage on schema public to %I', wanted);
  end loop;
end
$$;

-- The organisation that a reader's transaction may see; null sees nothing.
create function sealbook_ledger() returns integer
language sql stable parallel safe
as $$ select nullif(current_setting('sealbook.ledger', true), '')::integer $$;
