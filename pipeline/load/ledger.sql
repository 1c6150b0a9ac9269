-- The ledger, version 1. Run once, by ledger.ensure, under an advisory lock; a person may query all of it.
CREATE SCHEMA IF NOT EXISTS landfall;
COMMENT ON SCHEMA landfall IS 'Landfall: what was loaded, from where, with which result';
CREATE SCHEMA IF NOT EXISTS landfall_staging;
COMMENT ON SCHEMA landfall_staging IS 'Landfall: working tables of running loads; swept when their load is gone';

CREATE TABLE landfall.version (
    version integer NOT NULL PRIMARY KEY,
    installed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE landfall.version IS 'The ledger''s own schema version, for later migrations';

CREATE TABLE landfall.load (
    load_id uuid NOT NULL PRIMARY KEY,
    dataset text NOT NULL,
    uri text NOT NULL,
    bucket text,
    key text,
    version text,
    etag text,
    sequencer text,
    sha256 text,
    bytes bigint,
    contract_id text NOT NULL,
    contract_version text NOT NULL,
    contract_sha256 text NOT NULL,
    engine text NOT NULL,
    mode text NOT NULL,
    target text NOT NULL,
    status text NOT NULL
        CHECK (status IN ('running', 'loaded', 'already_loaded', 'refused', 'failed', 'stale')),
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    rows_read bigint,
    rows_inserted bigint,
    rows_updated bigint,
    rows_unchanged bigint,
    rows_deleted bigint,
    rows_duplicate bigint,
    rows_filtered bigint,
    rows_rejected bigint,
    rejects_by_rule jsonb,
    error_kind text,
    error_message text,
    previous_load uuid,
    receipt jsonb
);
COMMENT ON TABLE landfall.load IS
    'One row per attempt to load one source object. read = inserted + updated + unchanged + duplicate + filtered + rejected';
COMMENT ON COLUMN landfall.load.previous_load IS
    'running or loaded: the same object''s load before this one; already_loaded or stale: the load that made this one needless';
CREATE INDEX load_object ON landfall.load (dataset, uri, finished_at DESC) WHERE status = 'loaded';
CREATE INDEX load_content ON landfall.load (dataset, sha256) WHERE status = 'loaded';
CREATE INDEX load_latest ON landfall.load (dataset, finished_at DESC) WHERE status = 'loaded';
CREATE INDEX load_running ON landfall.load (load_id) WHERE status = 'running';
CREATE INDEX load_started ON landfall.load (started_at DESC);

CREATE TABLE landfall.reject (
    load_id uuid NOT NULL REFERENCES landfall.load,
    line bigint NOT NULL,
    ordinal integer NOT NULL DEFAULT 1,
    raw bytea,
    raw_text text,
    column_name text,
    rule text NOT NULL,
    message text NOT NULL,
    reasons jsonb,
    status text NOT NULL DEFAULT 'open',
    replayed_by uuid REFERENCES landfall.load,
    PRIMARY KEY (load_id, line, ordinal)
);
COMMENT ON TABLE landfall.reject IS 'One row per rejected record, as the sender wrote it, under its first reason';
COMMENT ON COLUMN landfall.reject.line IS
    'Physical line the record starts on, from 1; record number where the format has no lines';
COMMENT ON COLUMN landfall.reject.ordinal IS 'Tells apart rows that one record became (explode), from 1';
COMMENT ON COLUMN landfall.reject.raw IS 'The record''s bytes exactly as sent';
COMMENT ON COLUMN landfall.reject.raw_text IS 'The same, readable: bytes that are no text appear as \xNN';

-- Numbers the writing attempts of all loads, so that only confirmed ones are published.
CREATE SEQUENCE landfall_staging.attempt AS integer CYCLE;

INSERT INTO landfall.version (version) VALUES (1);
