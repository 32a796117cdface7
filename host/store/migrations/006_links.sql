-- The one-to-one tie between a record and a HubSpot object, appended to by the pull like `records`.
CREATE TABLE links (
    key                INTEGER PRIMARY KEY,
    pair               INTEGER NOT NULL REFERENCES object_pairs ON DELETE CASCADE,
    record             INTEGER NOT NULL, -- records.key; such a row is never removed
    hubspot_id         INTEGER NOT NULL,
    base               TEXT NOT NULL, -- JSON: `p` PartnerOS's values, `h` HubSpot's, at the last agreement
    hubspot_updated_at INTEGER NOT NULL, -- the newest modification time HubSpot told
    UNIQUE (pair, record),
    UNIQUE (pair, hubspot_id)
) STRICT;
