-- What was sent last to make an object of a record, while no answer to it is known: a base of `sent` values, JSON.
ALTER TABLE outbox ADD COLUMN sent TEXT;

-- Records that were deleted before anybody heard of the object that was made of them, in pairs that mirror deletions. Whether
-- there is one is not known; when it shows, it is to be archived with its record.
CREATE TABLE unheard_creates (
    pair   INTEGER NOT NULL REFERENCES object_pairs ON DELETE CASCADE,
    record INTEGER NOT NULL, -- records.key
    fields TEXT NOT NULL, -- the record's values when it was deleted, JSON
    sent   TEXT, -- as in outbox
    at     INTEGER NOT NULL,
    PRIMARY KEY (pair, record)
) STRICT, WITHOUT ROWID;

CREATE INDEX unheard_creates_of_record ON unheard_creates (record);
CREATE INDEX unheard_creates_kept ON unheard_creates (at);
