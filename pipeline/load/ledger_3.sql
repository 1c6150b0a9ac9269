-- The ledger, version 3: an object's loads of any status, and the replays of a load's rejects, are found by index.
SET LOCAL lock_timeout = '10s'; -- who waits here keeps others waiting; a load that gives up is tried again
CREATE INDEX load_source ON landfall.load (dataset, uri, finished_at DESC);
CREATE INDEX load_replay ON landfall.load (substring(uri FROM '^replay of ([0-9a-f-]{36}) '))
    WHERE uri LIKE 'replay of %';
DROP INDEX landfall.load_object;

INSERT INTO landfall.version (version) VALUES (3);
