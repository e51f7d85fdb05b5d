-- Lists by type and period: without it, a week of one type costs as much as the
-- week of all types. The list by type alone keeps its own, in the order of the
-- list.
create index payload_by_type_and_time on payload (ledger, event_type, event_time, seq);
