-- What was said of an object: 0 that it changed, 1 that it was deleted, 2 only that an association of it was made or ended.
ALTER TABLE hinted_objects RENAME COLUMN gone TO sign;
