-- What the last discovery of a portal found.
CREATE TABLE schemas (
    connection INTEGER NOT NULL REFERENCES connections ON DELETE CASCADE,
    object     TEXT NOT NULL, -- such as `companies`
    custom     INTEGER NOT NULL, -- 1: one of the portal's own object types
    schema     TEXT NOT NULL, -- JSON
    fetched_at INTEGER NOT NULL,
    PRIMARY KEY (connection, object)
) STRICT, WITHOUT ROWID;
