-- Where an organization is told of audit events, and what it is to be told.
CREATE TABLE webhooks (
    key                   INTEGER PRIMARY KEY,
    organization          INTEGER NOT NULL REFERENCES organizations ON DELETE CASCADE,
    id                    BLOB NOT NULL UNIQUE, -- UUID
    url                   TEXT NOT NULL,
    types                 TEXT NOT NULL, -- JSON list of what the names of events begin with
    secret_even           BLOB, -- sealed; the secrets take turns by the count of rotations, so that none moves
    secret_odd            BLOB, -- sealed
    rotations             INTEGER NOT NULL DEFAULT 0,
    secret_previous_until INTEGER, -- until when the other secret signs as well; null: there was none
    created_at            INTEGER NOT NULL,
    disabled_at           INTEGER, -- null: enabled
    disabled_reason       TEXT, -- failing, queue_full; null: a person did it, or nobody
    failing_since         INTEGER, -- the first failure since the last success; null: none
    failed_at             INTEGER, -- the last failure
    delivered_at          INTEGER, -- the last success
    tried_at              INTEGER NOT NULL DEFAULT 0, -- the last attempt; those that waited longest come first
    missed                INTEGER NOT NULL DEFAULT 0 -- events that found the queue full
) STRICT;

CREATE INDEX webhooks_of_organization ON webhooks (organization);

-- A row is written in the transaction of its event, and sent from here as often as it takes.
CREATE TABLE webhook_deliveries (
    key        INTEGER PRIMARY KEY,
    webhook    INTEGER NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    event      BLOB NOT NULL, -- UUID, as in audit_events, which may be gone before
    type       TEXT NOT NULL, -- such as `alert.opened`
    body       TEXT NOT NULL, -- JSON, to the byte what is signed
    state      TEXT NOT NULL, -- pending, delivered, dead
    attempts   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    due_at     INTEGER, -- of one that is being sent, when it is taken to be lost; null: ended
    tried_at   INTEGER,
    ended_at   INTEGER,
    status     INTEGER, -- the HTTP status of the last answer
    error      TEXT, -- what was wrong the last time
    UNIQUE (webhook, event)
) STRICT;

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook, due_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_by_state ON webhook_deliveries (webhook, state);
CREATE INDEX webhook_deliveries_by_end ON webhook_deliveries (ended_at) WHERE ended_at IS NOT NULL;
