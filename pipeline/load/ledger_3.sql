-- The ledger, version 3: an object's loads of any status, and the replays of a load's rejects, are found by index.
DROP INDEX landfall.load_object;
CREATE INDEX load_object ON landfall.load (dataset, uri, finished_at DESC);
CREATE INDEX load_replay ON landfall.load (substring(uri FROM '^replay of ([0-9a-f-]{36}) '))
    WHERE uri LIKE 'replay of %';

INSERT INTO landfall.version (version) VALUES (3);
