-- What audits of a pair found: whether both sides hold the same, object by object.
CREATE TABLE audits (
    key                INTEGER PRIMARY KEY, -- grows with time
    pair               INTEGER NOT NULL REFERENCES object_pairs ON DELETE CASCADE,
    run                BLOB NOT NULL, -- UUID; the run itself may be forgotten earlier
    as_of              INTEGER NOT NULL, -- when it began to compare: nothing made before was left out
    finished_at        INTEGER NOT NULL,
    ranges             INTEGER NOT NULL, -- of ids, compared one after the other
    objects            INTEGER NOT NULL, -- that HubSpot has
    links              INTEGER NOT NULL, -- to records that are there
    differing          INTEGER NOT NULL, -- linked, and not as both sides had agreed
    missing_in_hubspot INTEGER NOT NULL,
    missing_here       INTEGER NOT NULL,
    waiting            INTEGER NOT NULL, -- differs, and the sync has it under way already: no difference
    mended             INTEGER NOT NULL,
    unsettled          INTEGER NOT NULL, -- differences that are left
    samples            TEXT NOT NULL -- JSON: some of those with the reasons
) STRICT;

CREATE INDEX audits_of_pair ON audits (pair);

-- When the next run by the schedule is an audit; null: not yet. Pairs that sync already are spread over a week.
ALTER TABLE pair_progress ADD COLUMN audit_due_at INTEGER;

UPDATE pair_progress SET audit_due_at = succeeded_at + (pair % 168) * 3600000
WHERE succeeded_at IS NOT NULL;

-- Which version of the mappings the cursor was reached under; it says nothing about any other.
ALTER TABLE pair_progress ADD COLUMN cursor_mappings INTEGER;

UPDATE pair_progress SET cursor_mappings =
    coalesce((SELECT m.version FROM mappings m WHERE m.pair = pair_progress.pair), 0)
WHERE cursor_modified_at IS NOT NULL;
