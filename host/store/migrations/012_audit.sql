-- What people did, and what they must look at.
CREATE TABLE audit_events (
    key          INTEGER PRIMARY KEY,
    organization INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id           BLOB NOT NULL UNIQUE, -- UUID
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    event        TEXT NOT NULL, -- such as `plugin.activated`
    subject      TEXT NOT NULL,
    metadata     TEXT NOT NULL -- JSON
) STRICT;

CREATE INDEX audit_events_of_organization ON audit_events (organization);

CREATE TABLE alerts (
    key          INTEGER PRIMARY KEY,
    organization INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id           BLOB NOT NULL UNIQUE, -- UUID
    kind         TEXT NOT NULL, -- such as `plugin.quarantined`
    severity     TEXT NOT NULL, -- critical, warning
    subject      TEXT NOT NULL,
    message      TEXT NOT NULL,
    opened_at    INTEGER NOT NULL, -- the last time
    resolved_at  INTEGER -- null: open
) STRICT;

CREATE INDEX alerts_of_organization ON alerts (organization);
-- One is open at a time for the same trouble.
CREATE UNIQUE INDEX alerts_open ON alerts (organization, kind, subject) WHERE resolved_at IS NULL;
