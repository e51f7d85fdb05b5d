-- Lists by type and period: without it, a week of one type costs as much as the
-- week of all types. The list by type alone keeps its own, in the order of the
-- list. recorded_at finds the partition of what is then read in full.
create index payload_by_type_and_time on payload (ledger, event_type, event_time, seq) include (recorded_at);

-- Histories add up a few names over many days. Counting an entry on a row that
-- is there does not touch it.
create index rollup_by_name on rollup (ledger, kind, name, part, day);
