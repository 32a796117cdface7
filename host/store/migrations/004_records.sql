-- PartnerOS records. A pull appends to this table by the hundred thousand: rows lie in the order they were made, and
-- the two indexes are as narrow as they can be.
CREATE TABLE objects (
    key          INTEGER PRIMARY KEY, -- one object of one organization
    organization INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    name         TEXT NOT NULL, -- such as `partners`
    edits        INTEGER NOT NULL DEFAULT 0, -- counts edits of its records by others than the sync
    UNIQUE (organization, name)
) STRICT;

CREATE TABLE records (
    key          INTEGER PRIMARY KEY, -- the order they were made; links and the outbox refer to it
    organization INTEGER NOT NULL, -- the object's, repeated for the unique index
    object       INTEGER NOT NULL REFERENCES objects ON DELETE CASCADE,
    id           BLOB NOT NULL, -- UUID
    version      INTEGER NOT NULL, -- counts changes, from 1
    fields       TEXT NOT NULL, -- JSON object; empty once deleted
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL, -- by anyone
    edited_at    INTEGER NOT NULL, -- by someone other than the sync
    deleted_at   INTEGER, -- set: a tombstone; the row stays, so that its id and its links stay taken
    UNIQUE (organization, id)
) STRICT;

CREATE INDEX records_of_object ON records (object) WHERE deleted_at IS NULL;
