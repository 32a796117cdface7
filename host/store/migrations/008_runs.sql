-- One pass over a pair; the counts grow with each commit.
CREATE TABLE runs (
    key             INTEGER PRIMARY KEY,
    pair            INTEGER NOT NULL REFERENCES object_pairs ON DELETE CASCADE,
    id              BLOB NOT NULL UNIQUE, -- UUID
    kind            TEXT NOT NULL, -- first, incremental, full
    set_off_by      TEXT NOT NULL, -- schedule, manual
    started_at      INTEGER NOT NULL,
    finished_at     INTEGER,
    outcome         TEXT NOT NULL, -- running, succeeded, failed, interrupted
    error           TEXT, -- what stopped it
    pulled          INTEGER NOT NULL DEFAULT 0,
    unchanged       INTEGER NOT NULL DEFAULT 0,
    records_created INTEGER NOT NULL DEFAULT 0,
    records_updated INTEGER NOT NULL DEFAULT 0,
    matched         INTEGER NOT NULL DEFAULT 0,
    pushed          INTEGER NOT NULL DEFAULT 0,
    hubspot_created INTEGER NOT NULL DEFAULT 0,
    hubspot_updated INTEGER NOT NULL DEFAULT 0,
    conflicts       INTEGER NOT NULL DEFAULT 0,
    failed          INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX runs_of_pair ON runs (pair);
