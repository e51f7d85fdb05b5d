-- Who has worked on an investigation: none of them decides on it.
alter table investigation add column hands text[] not null default '{}';
