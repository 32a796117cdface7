-- How far HubSpot's change journal was read. It is an app's, and so the host's: one for the portals of all organizations.
CREATE TABLE journals (
    app         TEXT PRIMARY KEY, -- the app's client id
    position    TEXT, -- HubSpot's name of the last entry that was taken; null: none yet, so the earliest is next
    complete_at INTEGER, -- when nothing was left to read last; null: never
    gap_at      INTEGER, -- when entries were missed last; null: never
    lease_epoch INTEGER NOT NULL DEFAULT 0, -- grows each time the lease is taken
    lease_until INTEGER -- null: nobody holds it
) STRICT, WITHOUT ROWID;

-- Objects that the journal says something of, for the pair's next run to look up.
CREATE TABLE hinted_objects (
    pair       INTEGER NOT NULL REFERENCES object_pairs ON DELETE CASCADE,
    hubspot_id INTEGER NOT NULL,
    gone       INTEGER NOT NULL, -- 1: the last thing said of it is that it was deleted
    hints      INTEGER NOT NULL, -- counts what was said since it was looked up
    PRIMARY KEY (pair, hubspot_id)
) STRICT, WITHOUT ROWID;
