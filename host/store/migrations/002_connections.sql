-- Authorised portals with their sealed tokens, and the connect flows that wait for a callback.
CREATE TABLE connections (
    key                INTEGER PRIMARY KEY,
    organization       INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id                 BLOB NOT NULL UNIQUE, -- UUID
    portal_id          INTEGER NOT NULL,
    status             TEXT NOT NULL, -- active, error, disconnected, reauth_required
    status_at          INTEGER NOT NULL, -- when the status was set
    scopes             TEXT NOT NULL, -- JSON list
    last_sync_at       INTEGER, -- the newest schema discovery that succeeded
    last_error_at      INTEGER,
    last_error_message TEXT,
    created_at         INTEGER NOT NULL,
    -- Sealed for this organization, this connection and the column's name. All are null once disconnected.
    access_token       BLOB,
    access_expires_at  INTEGER,
    refresh_token      BLOB,
    refresh_previous   BLOB, -- the one before, until `refresh_token` has worked
    token_generation   INTEGER NOT NULL, -- grows with each replacement, also when the tokens are forgotten
    UNIQUE (organization, portal_id)
) STRICT;

-- A portal is in the hands of one organization at a time.
CREATE UNIQUE INDEX connections_by_portal ON connections (portal_id) WHERE status <> 'disconnected';

CREATE TABLE oauth_states (
    hash         BLOB PRIMARY KEY, -- SHA-256 of the state parameter
    organization INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
