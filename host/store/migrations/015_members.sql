-- People, what they are in which organization, and how they are known to the host.
CREATE TABLE users (
    key           INTEGER PRIMARY KEY,
    id            BLOB NOT NULL UNIQUE, -- UUID
    email         TEXT NOT NULL UNIQUE, -- in lower case
    password_hash TEXT NOT NULL, -- argon2id, with its parameters and salt
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    key          INTEGER PRIMARY KEY,
    organization INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    user         INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    id           BLOB NOT NULL UNIQUE, -- UUID
    role         TEXT NOT NULL, -- viewer, member, admin, owner
    created_at   INTEGER NOT NULL,
    UNIQUE (organization, user)
) STRICT;

CREATE INDEX members_of_user ON members (user);

CREATE TABLE sessions (
    key          INTEGER PRIMARY KEY,
    user         INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    organization INTEGER REFERENCES organizations ON DELETE SET NULL, -- the active one; null: none is chosen
    hash         BLOB NOT NULL UNIQUE, -- SHA-256; the session token itself is not kept
    created_at   INTEGER NOT NULL,
    used_at      INTEGER NOT NULL, -- to the minute
    idle_until   INTEGER NOT NULL, -- ends then unless it is used
    expires_at   INTEGER NOT NULL -- ends then even if it is used
) STRICT;

CREATE INDEX sessions_of_user ON sessions (user);
CREATE INDEX sessions_of_organization ON sessions (organization);

CREATE TABLE invitations (
    key          INTEGER PRIMARY KEY,
    organization INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id           BLOB NOT NULL UNIQUE, -- UUID
    email        TEXT NOT NULL, -- in lower case
    role         TEXT NOT NULL,
    invited_by   TEXT NOT NULL, -- as in audit_events.actor
    hash         BLOB NOT NULL UNIQUE, -- SHA-256 of the token in the link
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    UNIQUE (organization, email)
) STRICT;

ALTER TABLE api_tokens ADD COLUMN member INTEGER REFERENCES members ON DELETE CASCADE; -- null: the organization's
ALTER TABLE api_tokens ADD COLUMN role TEXT NOT NULL DEFAULT 'admin'; -- never counts for more than the member's
ALTER TABLE api_tokens ADD COLUMN expires_at INTEGER; -- null: never
ALTER TABLE api_tokens ADD COLUMN used_at INTEGER; -- to the minute; null: not yet

CREATE INDEX api_tokens_of_member ON api_tokens (member);
