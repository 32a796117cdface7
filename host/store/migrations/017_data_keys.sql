-- The keys that secrets are sealed under, one or more an organization. Erasing an organization removes them, and what is
-- sealed under them opens no more, wherever it is.
CREATE TABLE data_keys (
    organization  INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    number        INTEGER NOT NULL, -- from 1; the highest seals, the others open what was sealed before
    wrapped       BLOB NOT NULL, -- the data key, sealed itself under a wrapping key that no table holds
    wrapped_under TEXT NOT NULL, -- that wrapping key's name
    PRIMARY KEY (organization, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX data_keys_by_wrapping_key ON data_keys (wrapped_under);

-- Wrapping keys that were taken out of the ring: a process that still has one must not wrap under it.
CREATE TABLE retired_keys (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
