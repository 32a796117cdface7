-- Audit events are only ever added. What is older than the horizon may go, and what belonged to an organization that is gone.
CREATE TABLE audit_horizon (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at  INTEGER NOT NULL -- events before it may be deleted; only ever moves on
) STRICT;

INSERT INTO audit_horizon VALUES (1, 0);

CREATE TRIGGER audit_events_stay_as_they_are BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'an audit event is never changed');
END;

CREATE TRIGGER audit_events_stay BEFORE DELETE ON audit_events
WHEN old.at >= (SELECT at FROM audit_horizon)
    AND EXISTS (SELECT 1 FROM organizations WHERE key = old.organization)
BEGIN
    SELECT RAISE(ABORT, 'an audit event is not deleted before its time');
END;

DROP INDEX audit_events_of_organization;
CREATE INDEX audit_events_by_time ON audit_events (organization, at);
CREATE INDEX audit_events_of_subject ON audit_events (organization, subject, at);
