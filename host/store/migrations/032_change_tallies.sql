-- How many records the brake has counted, kept along so that no page counts what all pages before it have changed.
CREATE TABLE change_tallies (
    pair    INTEGER NOT NULL REFERENCES object_pairs ON DELETE CASCADE,
    side    TEXT NOT NULL, -- as in recent_changes
    field   TEXT NOT NULL,
    since   INTEGER NOT NULL, -- where the window began; for any other it is counted anew
    records INTEGER NOT NULL, -- rows of recent_changes since then
    allowed INTEGER NOT NULL, -- up to so many the links need not be counted
    PRIMARY KEY (pair, side, field)
) STRICT, WITHOUT ROWID;
