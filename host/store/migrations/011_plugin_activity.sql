-- What plugins did. Digests stand for themselves here: the mapper that ships with the host has no row of its own, and
-- a bill outlives the version.
CREATE TABLE plugin_usage (
    pair              INTEGER NOT NULL REFERENCES object_pairs ON DELETE CASCADE,
    day               INTEGER NOT NULL, -- days since 1970 in UTC
    digest            BLOB NOT NULL, -- SHA-256 of the component
    calls             INTEGER NOT NULL,
    failed_calls      INTEGER NOT NULL,
    rows              INTEGER NOT NULL,
    fuel              INTEGER NOT NULL,
    duration_us       INTEGER NOT NULL,
    memory_bytes_peak INTEGER NOT NULL, -- the largest of any call
    PRIMARY KEY (pair, day, digest)
) STRICT, WITHOUT ROWID;

-- The newest calls of each version.
CREATE TABLE plugin_logs (
    key          INTEGER PRIMARY KEY,
    organization INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    digest       BLOB NOT NULL, -- SHA-256 of the component
    pair         INTEGER REFERENCES object_pairs ON DELETE SET NULL, -- null: for none, or for one that is gone
    function     TEXT NOT NULL,
    at           INTEGER NOT NULL,
    rows         INTEGER NOT NULL,
    outcome      TEXT NOT NULL, -- ok, or the failure's text
    log          TEXT NOT NULL,
    problems     TEXT NOT NULL, -- JSON
    fuel         INTEGER NOT NULL,
    duration_us  INTEGER NOT NULL
) STRICT;

CREATE INDEX plugin_logs_of_version ON plugin_logs (organization, digest);
CREATE INDEX plugin_logs_of_pair ON plugin_logs (pair) WHERE pair IS NOT NULL;

CREATE TABLE shadow_reports (
    pair   INTEGER PRIMARY KEY REFERENCES object_pairs ON DELETE CASCADE,
    report TEXT NOT NULL -- JSON
) STRICT;
