-- What becomes of links whose HubSpot object, or record, is gone.
ALTER TABLE object_pairs ADD COLUMN delete_policy TEXT NOT NULL DEFAULT 'unlink'; -- unlink, mirror

-- What is looked at by the hour rather than with each run.
ALTER TABLE pair_progress ADD COLUMN archive_read_at INTEGER; -- when the archive was last read; null: never
ALTER TABLE pair_progress ADD COLUMN recheck_at INTEGER; -- when all linked objects were begun to be read again last
ALTER TABLE pair_progress ADD COLUMN recheck_after INTEGER; -- how far it has come; null: to the end

-- Links that ended, so that an object that comes back finds its record, and one that cannot is no stranger.
CREATE TABLE former_links (
    key                INTEGER PRIMARY KEY, -- grows with time
    pair               INTEGER NOT NULL REFERENCES object_pairs ON DELETE CASCADE,
    record             INTEGER NOT NULL, -- records.key
    hubspot_id         INTEGER NOT NULL,
    base               TEXT NOT NULL, -- as in links
    hubspot_updated_at INTEGER NOT NULL,
    parting            TEXT NOT NULL, -- archived, missing, merged, deleted
    merged_into        INTEGER, -- the object that is left; null: not merged
    fields             TEXT, -- the values of a record that was deleted with its object, JSON; null: it was not
    doomed             INTEGER NOT NULL, -- 1: the object is yet to be archived
    at                 INTEGER NOT NULL,
    UNIQUE (pair, hubspot_id)
) STRICT;

CREATE INDEX former_links_of_record ON former_links (record, pair);
CREATE INDEX former_links_doomed ON former_links (pair) WHERE doomed = 1;
CREATE INDEX former_links_kept ON former_links (at) WHERE fields IS NOT NULL;

-- Linked objects that one look did not find. The next one tells whether they are gone.
CREATE TABLE missing_objects (
    pair       INTEGER NOT NULL REFERENCES object_pairs ON DELETE CASCADE,
    hubspot_id INTEGER NOT NULL,
    since      INTEGER NOT NULL, -- the first look
    PRIMARY KEY (pair, hubspot_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE runs ADD COLUMN unlinked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN relinked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN records_deleted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN hubspot_archived INTEGER NOT NULL DEFAULT 0;
