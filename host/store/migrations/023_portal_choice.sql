-- What a connection gets in with, since when, and what a connect flow does about the portals that are connected already.
ALTER TABLE connections ADD COLUMN access TEXT NOT NULL DEFAULT 'oauth'; -- oauth, private_app
ALTER TABLE connections ADD COLUMN connected_at INTEGER NOT NULL DEFAULT 0; -- when its tokens were granted by a person

UPDATE connections SET connected_at = created_at;
UPDATE connections SET access = 'private_app' WHERE access_token IS NOT NULL AND refresh_token IS NULL;

ALTER TABLE oauth_states ADD COLUMN beside INTEGER NOT NULL DEFAULT 0; -- 1: may connect one more portal
ALTER TABLE oauth_states ADD COLUMN instead_of INTEGER REFERENCES connections ON DELETE CASCADE; -- whose pairs move to another portal
