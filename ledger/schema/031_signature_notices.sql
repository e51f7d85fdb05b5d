-- Mails that tell a signatory that it is their turn, or remind them of it, beside
-- those that carry a report: they are sent, and not sent twice, by the same states.
-- Such a row has no address: the mail goes to the one that the person has when it is
-- sent, and who is erased leaves none here.
alter table delivery
  add column signatory text,        -- the person; null: the mail carries the report
  add column turn      integer,     -- theirs, from 1
  add column notice    text,        -- what it tells them
  add column tried_at  timestamptz, -- when the mail was last handed to the provider; null: never, or before this column was
  add constraint delivery_signatory_fkey foreign key (signatory) references person (id),
  add constraint delivery_notice_is_known check (notice in ('asked', 'halfway', 'last_day')),
  add constraint delivery_notice_is_whole check ((signatory is null) = (notice is null) and (turn is null) = (notice is null) and (notice is null) = (recipient <> '')),
  -- The last guard of one mail each: of two that would ask or remind, one does.
  add constraint delivery_notice_key unique (report, turn, notice);
create index delivery_by_signatory on delivery (signatory) where signatory is not null;

-- A server's words about a mail may name the address: an erasure takes them away.
grant update (reason) on delivery_event to sealbook_committer;
