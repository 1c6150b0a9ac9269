-- The ledger, version 2: what a load changed, as it was before, so that the load can be undone.
ALTER TABLE landfall.load DROP CONSTRAINT IF EXISTS load_status_check;
ALTER TABLE landfall.load ADD CONSTRAINT load_status_check
    CHECK (status IN ('running', 'loaded', 'already_loaded', 'refused', 'failed', 'stale', 'undone'));

CREATE TABLE landfall.before_image (
    load_id uuid NOT NULL,
    target text NOT NULL,
    key jsonb,
    action text NOT NULL CHECK (action IN ('update', 'delete')),
    image jsonb NOT NULL
);
COMMENT ON TABLE landfall.before_image IS
    'One row per row that a load updated or deleted, as it was before; kept for load.undo.keepDays of the contract';
COMMENT ON COLUMN landfall.before_image.key IS
    'The row''s key, for people: values of restricted columns are left out. NULL for a table without key';
COMMENT ON COLUMN landfall.before_image.image IS
    'Every column that the load could change (of a deleted row: all) as text, from which its type reads it back exactly';
CREATE INDEX before_image_load ON landfall.before_image (target, load_id);

INSERT INTO landfall.version (version) VALUES (2);
