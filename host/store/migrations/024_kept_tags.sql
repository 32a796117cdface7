-- An answer that is given again carries the version of what it shows, as it did the first time.
ALTER TABLE request_keys ADD COLUMN entity_tag TEXT; -- `ETag`; null: the answer had none
