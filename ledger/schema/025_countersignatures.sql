-- Further signatories of a report, in the order in which they sign once the first
-- has. A signature has its turn; there is one for each turn, and one of a person.
-- The constraint keeps its name: it is what a signature that comes second runs into.
alter table report add column countersigners text[] not null default '{}';
alter table report add constraint report_countersigners_follow check (signatory is not null or countersigners = '{}');
alter table signature add column turn integer not null default 1;
alter table signature add constraint signature_turn_is_positive check (turn > 0);
alter table signature drop constraint signature_report_key;
alter table signature add constraint signature_report_key unique (report, turn);
alter table signature add constraint signature_person_key unique (report, person);
