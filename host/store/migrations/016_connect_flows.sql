-- A connect flow is for whoever began it. Flows that wait are begun again: they last for minutes.
DROP TABLE oauth_states;

CREATE TABLE oauth_states (
    hash         BLOB PRIMARY KEY, -- SHA-256 of the state parameter
    organization INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    session      BLOB, -- SHA-256 of the token of the session that began it
    token        BLOB, -- or of the API token; as they are in `sessions` and `api_tokens`, where they may be gone
    expires_at   INTEGER NOT NULL,
    CHECK ((session IS NULL) <> (token IS NULL))
) STRICT, WITHOUT ROWID;
