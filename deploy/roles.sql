-- The login roles and the database of Sealbook, for psql as a superuser.
--
-- The development stack runs this file at every start and the Postgres image
-- runs it once; both give the passwords in the environment. It makes what is
-- missing and sets the passwords anew, so it can be repeated, also to rotate
-- them.
--
--   sealbook_owner     owns the database and runs the migrations, which make
--                      the tables and the group roles (committer, reader,
--                      redactor, archivist); nothing that serves requests holds it
--   sealbook_app       the API and the worker; has no rights of its own, the
--                      migrations make it a member of the group roles
--   sealbook_temporal  Temporal's two databases, and nothing of Sealbook

\set ON_ERROR_STOP on
\set owner_password `printf %s "$SEALBOOK_OWNER_PASSWORD"`
\set app_password `printf %s "$SEALBOOK_APP_PASSWORD"`
\set temporal_password `printf %s "$SEALBOOK_TEMPORAL_PASSWORD"`

select format('create role %I', role)
from unnest(array['sealbook_owner', 'sealbook_app', 'sealbook_temporal']) as role
where not exists (select from pg_roles where rolname = role)
\gexec

alter role sealbook_owner with login createrole nosuperuser nocreatedb nobypassrls password :'owner_password';
alter role sealbook_app with login nocreaterole nosuperuser nocreatedb nobypassrls password :'app_password';
alter role sealbook_temporal with login createdb nosuperuser nocreaterole nobypassrls password :'temporal_password';

-- Text compares by code point, on every machine and with every version of the
-- system's libraries: an index that sorts otherwise tomorrow would lie.
select $$create database sealbook owner sealbook_owner template template0
    encoding 'UTF8' lc_collate 'C.UTF-8' lc_ctype 'C.UTF-8'$$
where not exists (select from pg_database where datname = 'sealbook')
\gexec

revoke all on database sealbook from public;
grant connect on database sealbook to sealbook_app;
