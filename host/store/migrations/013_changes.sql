-- The order in which an organization's records changed last, for those who follow.
ALTER TABLE organizations ADD COLUMN changes INTEGER NOT NULL DEFAULT 0; -- counts changes of its records

ALTER TABLE records ADD COLUMN change INTEGER NOT NULL DEFAULT 0; -- the last one of this record, by that count
UPDATE records SET change = key;
UPDATE organizations SET changes =
    (SELECT coalesce(max(r.change), 0) FROM records r WHERE r.organization = organizations.key);

CREATE UNIQUE INDEX records_by_change ON records (organization, change);
