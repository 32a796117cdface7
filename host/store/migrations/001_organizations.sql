-- Tenants and the API tokens that speak for them.
CREATE TABLE organizations (
    key        INTEGER PRIMARY KEY, -- compact form of `id`; the other tables refer to it
    id         BLOB NOT NULL UNIQUE, -- UUID
    name       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL -- this and every other time: milliseconds since 1970
) STRICT;

CREATE TABLE api_tokens (
    key          INTEGER PRIMARY KEY,
    organization INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id           BLOB NOT NULL UNIQUE, -- UUID
    name         TEXT NOT NULL, -- what it is for
    hash         BLOB NOT NULL UNIQUE, -- SHA-256; the token itself is not kept
    created_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX api_tokens_of_organization ON api_tokens (organization);
