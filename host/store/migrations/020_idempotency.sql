-- Keys that callers gave to requests, so that a repeated request is answered and not done again.
CREATE TABLE request_keys (
    key          INTEGER PRIMARY KEY,
    organization INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    hash         BLOB NOT NULL, -- SHA-256 of the key and the operation
    fingerprint  BLOB NOT NULL, -- SHA-256 of what was asked for
    taken_at     INTEGER NOT NULL,
    status       INTEGER, -- of the answer; null: not answered
    body         BLOB,
    UNIQUE (organization, hash)
) STRICT;

CREATE INDEX request_keys_by_age ON request_keys (organization, taken_at);
