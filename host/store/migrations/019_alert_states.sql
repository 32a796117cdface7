-- What people did about an alert, and since when edits wait.
ALTER TABLE alerts ADD COLUMN acknowledged_at INTEGER; -- null: nobody has; with who did
ALTER TABLE alerts ADD COLUMN acknowledged_by TEXT; -- as in audit_events.actor
ALTER TABLE alerts ADD COLUMN resolved_by TEXT; -- null: as resolved_at

UPDATE alerts SET resolved_by = 'system' WHERE resolved_at IS NOT NULL;

CREATE INDEX alerts_of_subject ON alerts (organization, kind, subject);
CREATE INDEX alerts_by_end ON alerts (resolved_at) WHERE resolved_at IS NOT NULL;

ALTER TABLE outbox ADD COLUMN since INTEGER NOT NULL DEFAULT 0; -- when the record began to wait; grows with the position

UPDATE outbox SET since = due_at WHERE due_at IS NOT NULL;
