-- Records that wait to be pushed, in the order they began to wait.
--
-- A place that was settled keeps its row, with `due_at` null, until the pair's lease is taken again: a push pass goes
-- on after the last record of its batch before, which by then is usually settled.
CREATE TABLE outbox (
    position INTEGER PRIMARY KEY,
    pair     INTEGER NOT NULL REFERENCES object_pairs ON DELETE CASCADE,
    record   INTEGER NOT NULL, -- records.key
    due_at   INTEGER, -- null: settled
    attempts INTEGER NOT NULL, -- failed so far
    UNIQUE (record, pair)
) STRICT;

CREATE INDEX outbox_waiting ON outbox (pair) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_settled ON outbox (pair) WHERE due_at IS NULL;
