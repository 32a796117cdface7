-- The brake: what changed of late, and what was about to when a pair was stopped.
CREATE TABLE recent_changes (
    pair    INTEGER NOT NULL REFERENCES object_pairs ON DELETE CASCADE,
    side    TEXT NOT NULL, -- which was written: partneros, hubspot
    field   TEXT NOT NULL, -- the PartnerOS field; empty: the record or object was deleted
    record  INTEGER NOT NULL, -- records.key; each counts once
    blanked INTEGER NOT NULL, -- 1: the field has no value any more
    at      INTEGER NOT NULL, -- the last time
    PRIMARY KEY (pair, side, field, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE brakes (
    pair       INTEGER NOT NULL REFERENCES object_pairs ON DELETE CASCADE,
    side       TEXT NOT NULL, -- as in recent_changes
    field      TEXT NOT NULL,
    run        BLOB NOT NULL, -- UUID
    at         INTEGER NOT NULL,
    records    INTEGER NOT NULL, -- how many would have changed within the window
    blanked    INTEGER NOT NULL, -- of those, losing their value
    allowed    INTEGER NOT NULL,
    links      INTEGER NOT NULL, -- linked records
    samples    TEXT NOT NULL, -- JSON: some of the changes
    verdict    TEXT, -- approved, discarded; with the others null: nobody has decided
    decided_by TEXT, -- as in audit_events.actor
    decided_at INTEGER,
    until      INTEGER, -- it holds until then, or until a run has succeeded
    PRIMARY KEY (pair, side, field)
) STRICT, WITHOUT ROWID;
