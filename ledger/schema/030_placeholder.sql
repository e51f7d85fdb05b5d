-- Holds the number of a migration that is made elsewhere: versions have no gaps.
select 1;
