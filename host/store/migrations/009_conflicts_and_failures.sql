-- What people look at when something seems wrong.
CREATE TABLE conflicts (
    key             INTEGER PRIMARY KEY,
    pair            INTEGER NOT NULL REFERENCES object_pairs ON DELETE CASCADE,
    record          INTEGER NOT NULL, -- records.key
    hubspot_id      INTEGER NOT NULL,
    field           TEXT NOT NULL,
    property        TEXT NOT NULL,
    partneros_value TEXT NOT NULL, -- JSON
    hubspot_value   TEXT,
    winner          TEXT NOT NULL, -- partneros, hubspot
    rule            TEXT NOT NULL, -- policy, newest, direction
    at              INTEGER NOT NULL
) STRICT;

CREATE INDEX conflicts_of_pair ON conflicts (pair);

-- Failures as they stand: those of a record or HubSpot object at a stage are replaced as a whole.
CREATE TABLE failures (
    key        INTEGER PRIMARY KEY,
    pair       INTEGER NOT NULL REFERENCES object_pairs ON DELETE CASCADE,
    record     INTEGER, -- records.key, if there is one
    hubspot_id INTEGER, -- if it was known
    stage      TEXT NOT NULL, -- pull, push
    field      TEXT,
    property   TEXT,
    code       TEXT NOT NULL, -- stable, such as `INVALID_OPTION`
    message    TEXT NOT NULL,
    hint       TEXT NOT NULL,
    at         INTEGER NOT NULL
) STRICT;

CREATE INDEX failures_of_pair ON failures (pair);
CREATE INDEX failures_of_record ON failures (record) WHERE record IS NOT NULL;
CREATE INDEX failures_of_hubspot_object ON failures (hubspot_id) WHERE hubspot_id IS NOT NULL;
