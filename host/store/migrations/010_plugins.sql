-- Uploaded plugins, what is bound to run where, and whose signatures count.
ALTER TABLE object_pairs ADD COLUMN plugin_failure_policy TEXT NOT NULL DEFAULT 'park_record'; -- park_record, skip_field, last_good_version
ALTER TABLE organizations ADD COLUMN binding_changes INTEGER NOT NULL DEFAULT 0; -- the newest version that a binding got

CREATE TABLE plugins (
    key          INTEGER PRIMARY KEY,
    organization INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    name         TEXT NOT NULL,
    last_number  INTEGER NOT NULL, -- what its newest version was given, also when that is deleted by now
    created_at   INTEGER NOT NULL,
    UNIQUE (organization, name)
) STRICT;

CREATE TABLE plugin_versions (
    key            INTEGER PRIMARY KEY,
    organization   INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE, -- the plugin's, repeated for the unique index
    plugin         INTEGER NOT NULL REFERENCES plugins ON DELETE CASCADE,
    digest         BLOB NOT NULL, -- SHA-256 of the component
    number         INTEGER NOT NULL, -- counts the plugin's versions, from 1
    state          TEXT NOT NULL, -- staged, active, retired, quarantined
    world          TEXT NOT NULL,
    contract       TEXT NOT NULL, -- such as `0.1.0`
    size_bytes     INTEGER NOT NULL,
    report         TEXT NOT NULL, -- JSON: what the checks found
    signed_by      TEXT, -- the name of a trusted key, which may be gone by now
    reason         TEXT, -- both null unless quarantined
    quarantined_at INTEGER,
    created_at     INTEGER NOT NULL,
    UNIQUE (organization, digest),
    UNIQUE (plugin, number)
) STRICT;

-- Apart from the versions, so that lists do not read past megabytes.
CREATE TABLE plugin_components (
    version INTEGER PRIMARY KEY REFERENCES plugin_versions ON DELETE CASCADE,
    bytes   BLOB NOT NULL
) STRICT;

-- Parts are JSON lists of digests in hexadecimal.
CREATE TABLE bindings (
    key          INTEGER PRIMARY KEY,
    organization INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    connection   INTEGER REFERENCES connections ON DELETE CASCADE, -- the scope; with both null it is the organization
    pair         INTEGER REFERENCES object_pairs ON DELETE CASCADE,
    parts        TEXT NOT NULL, -- what runs
    previous     TEXT, -- what ran before
    candidate    TEXT, -- JSON: what is tried, and how long
    failures     INTEGER NOT NULL, -- failed batches in a row
    version      INTEGER NOT NULL, -- from the organization's `binding_changes`
    at           INTEGER NOT NULL, -- when it was bound last
    CHECK (connection IS NULL OR pair IS NULL)
) STRICT;

CREATE INDEX bindings_of_organization ON bindings (organization);
CREATE UNIQUE INDEX bindings_by_organization ON bindings (organization)
    WHERE connection IS NULL AND pair IS NULL;
CREATE UNIQUE INDEX bindings_by_connection ON bindings (connection) WHERE connection IS NOT NULL;
CREATE UNIQUE INDEX bindings_by_pair ON bindings (pair) WHERE pair IS NOT NULL;

CREATE TABLE trusted_keys (
    organization INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    name         TEXT NOT NULL,
    public_key   BLOB NOT NULL, -- Ed25519
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (organization, name),
    UNIQUE (organization, public_key)
) STRICT, WITHOUT ROWID;
