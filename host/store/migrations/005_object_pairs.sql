-- Object pairs. What changes with every page (progress) and what is long (mappings) have rows of their own.
CREATE TABLE object_pairs (
    key             INTEGER PRIMARY KEY,
    organization    INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    connection      INTEGER NOT NULL REFERENCES connections ON DELETE CASCADE,
    object          INTEGER NOT NULL REFERENCES objects ON DELETE CASCADE,
    id              BLOB NOT NULL UNIQUE, -- UUID
    hubspot_object  TEXT NOT NULL, -- such as `companies`
    direction       TEXT NOT NULL, -- bidirectional, partneros_to_hubspot, hubspot_to_partneros
    state           TEXT NOT NULL, -- draft, active, paused
    conflict_policy TEXT NOT NULL, -- what new mappings start with
    match_field     TEXT, -- both null: existing records do not find each other
    match_property  TEXT,
    auto_mapped     REAL NOT NULL, -- thresholds of confidence
    suggested       REAL NOT NULL,
    created_at      INTEGER NOT NULL,
    UNIQUE (connection, object, hubspot_object)
) STRICT;

CREATE INDEX object_pairs_of_object ON object_pairs (object);
CREATE INDEX object_pairs_of_organization ON object_pairs (organization);

CREATE TABLE mappings (
    pair     INTEGER PRIMARY KEY REFERENCES object_pairs ON DELETE CASCADE,
    version  INTEGER NOT NULL, -- counts replacements
    mappings TEXT NOT NULL -- JSON list
) STRICT;

CREATE TABLE pair_progress (
    pair               INTEGER PRIMARY KEY REFERENCES object_pairs ON DELETE CASCADE,
    next_run_at        INTEGER, -- null: not until someone says when
    lease_epoch        INTEGER NOT NULL DEFAULT 0, -- grows each time the lease is taken
    lease_until        INTEGER, -- null: nobody holds it
    cursor_modified_at INTEGER, -- null: nothing was pulled
    cursor_drained_to  INTEGER
) STRICT;

CREATE INDEX pair_progress_by_due ON pair_progress (next_run_at) WHERE next_run_at IS NOT NULL;
