-- Runs are forgotten after some time, but not when the last one of a pair succeeded.
ALTER TABLE pair_progress ADD COLUMN succeeded_at INTEGER; -- when a run last did; null: never

UPDATE pair_progress SET succeeded_at =
    (SELECT r.finished_at FROM runs r
     WHERE r.pair = pair_progress.pair AND r.outcome = 'succeeded' ORDER BY r.key DESC LIMIT 1);

-- What a merge left is rare among links that ended, and looked for by the minute.
CREATE INDEX former_links_merged ON former_links (pair) WHERE parting = 'merged';
