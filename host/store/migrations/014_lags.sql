-- How long changes took to arrive, by pair and hour; hours that are long past are removed.
CREATE TABLE lags (
    pair INTEGER NOT NULL REFERENCES object_pairs ON DELETE CASCADE,
    hour INTEGER NOT NULL, -- hours since 1970
    pull TEXT NOT NULL, -- counts by size, JSON
    push TEXT NOT NULL,
    PRIMARY KEY (pair, hour)
) STRICT, WITHOUT ROWID;
