-- Segment files are read again from time to time. What was found stands with the
-- segment, and changes in the transaction that appends the entry about it;
-- check_changes counts those, so that each has a key of its own.
alter table archive_segment
  add column last_checked_at timestamptz, -- null: not since it was written, when it was read back
  add column problem         text,        -- what is wrong with the file; null is nothing
  add column check_changes   integer not null default 0,
  add constraint archive_segment_problem_was_found check (problem is null or problem <> '' and last_checked_at is not null and check_changes > 0);
