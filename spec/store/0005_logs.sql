-- 0005: log groups and streams. Their events are files (store/logs.c); what a row tells of a stream's events is written about a second after
-- them, and made true again from the file when the server starts.

CREATE TABLE log_group (
    name TEXT NOT NULL PRIMARY KEY,
    created_ms INTEGER NOT NULL,
    retention_days INTEGER NOT NULL DEFAULT 0,   -- 0: for ever
    tags TEXT NOT NULL DEFAULT '{}'              -- JSON object
) WITHOUT ROWID;

CREATE TABLE log_stream (
    id INTEGER PRIMARY KEY AUTOINCREMENT,        -- names its files: logs/<id>.log
    log_group TEXT NOT NULL REFERENCES log_group (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    first_ms INTEGER NOT NULL DEFAULT 0,         -- of the events' timestamps
    last_ms INTEGER NOT NULL DEFAULT 0,
    ingested_ms INTEGER NOT NULL DEFAULT 0,      -- of the last event; 0: none yet
    stored_bytes INTEGER NOT NULL DEFAULT 0,     -- as CloudWatch counts: 26 beyond its text for each event
    file_bytes INTEGER NOT NULL DEFAULT 0,       -- the file's length for which this row is true
    UNIQUE (log_group, name)
);
