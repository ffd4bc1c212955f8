-- 0006: versions of objects, locks on them, and the settings of buckets.
-- The table object goes on holding what a key stands for now, and nothing else, so that listing and reading cost what they did; what a bucket
-- with versioning keeps beside that is in object_version. Invariants: of one key, the row of object has the greatest seq; where there is none, the
-- greatest is a delete marker's; at most one row has the version 'null'.

ALTER TABLE bucket ADD COLUMN versioning TEXT NOT NULL DEFAULT '';     -- 'Enabled', 'Suspended'; '': never had it
ALTER TABLE bucket ADD COLUMN has_lock INTEGER NOT NULL DEFAULT 0;     -- object lock is on: it is never off again
ALTER TABLE bucket ADD COLUMN lock_mode TEXT NOT NULL DEFAULT '';      -- default retention of new versions: 'GOVERNANCE', 'COMPLIANCE'; '': none
ALTER TABLE bucket ADD COLUMN lock_days INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bucket ADD COLUMN lock_years INTEGER NOT NULL DEFAULT 0;   -- one of both

ALTER TABLE object ADD COLUMN version TEXT NOT NULL DEFAULT 'null';
ALTER TABLE object ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;          -- order of a key's versions; about the time it was made
ALTER TABLE object ADD COLUMN lock_mode TEXT NOT NULL DEFAULT '';      -- retention
ALTER TABLE object ADD COLUMN lock_until_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE object ADD COLUMN legal_hold INTEGER NOT NULL DEFAULT 0;

-- Versions that are not the current object, and all delete markers.
CREATE TABLE object_version (
    bucket TEXT NOT NULL REFERENCES bucket (name),
    key BLOB NOT NULL,
    seq INTEGER NOT NULL,
    version TEXT NOT NULL,
    is_marker INTEGER NOT NULL,
    path TEXT NOT NULL,                      -- '' of a marker
    size INTEGER NOT NULL,
    modified_us INTEGER NOT NULL,
    etag TEXT NOT NULL,
    meta TEXT NOT NULL,
    tags TEXT NOT NULL,
    lock_mode TEXT NOT NULL,
    lock_until_us INTEGER NOT NULL,
    legal_hold INTEGER NOT NULL,
    replaced_us INTEGER NOT NULL,            -- when something newer took its place; 0: nothing did
    PRIMARY KEY (bucket, key, seq DESC)
) WITHOUT ROWID;

CREATE UNIQUE INDEX object_version_by_id ON object_version (bucket, key, version);

-- What a bucket was told beyond that: the S3 API's JSON of it (CORSConfiguration, LifecycleConfiguration, …).
CREATE TABLE bucket_setting (
    bucket TEXT NOT NULL REFERENCES bucket (name) ON DELETE CASCADE,
    name TEXT NOT NULL,                      -- 'cors', 'lifecycle', …
    json TEXT NOT NULL,
    PRIMARY KEY (bucket, name)
) WITHOUT ROWID;
