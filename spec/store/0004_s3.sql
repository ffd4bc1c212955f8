-- 0004: what S3 knows of an object beside its bytes, multipart uploads, and the files that wait to be unlinked.
-- meta columns hold JSON with the members of the S3 API's GetObject output (ContentType, Metadata, ChecksumCRC32, …) and PartSizes.

ALTER TABLE bucket ADD COLUMN location TEXT NOT NULL DEFAULT '';   -- the LocationConstraint it was made with
ALTER TABLE object ADD COLUMN etag TEXT NOT NULL DEFAULT '';       -- without quotes; '': that of its file's name (store.h)
ALTER TABLE object ADD COLUMN meta TEXT NOT NULL DEFAULT '';
ALTER TABLE object ADD COLUMN tags TEXT NOT NULL DEFAULT '';       -- JSON: the S3 API's TagSet

CREATE TABLE upload (
    id TEXT NOT NULL PRIMARY KEY,
    bucket TEXT NOT NULL REFERENCES bucket (name) ON DELETE CASCADE,
    key BLOB NOT NULL,
    created_us INTEGER NOT NULL,
    meta TEXT NOT NULL,                      -- of the object to be
    tags TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX upload_by_key ON upload (bucket, key, id);

-- A part's bytes are a file like an object's.
CREATE TABLE upload_part (
    upload TEXT NOT NULL REFERENCES upload (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified_us INTEGER NOT NULL,
    etag TEXT NOT NULL,
    meta TEXT NOT NULL,                      -- checksums
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;

-- Files that no row points to any more. The order of deletion is what a reader's lease counts by (store/object_files.c).
CREATE TABLE dead_file (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL
);
INSERT INTO dead_file (path) SELECT path FROM garbage;
DROP TABLE garbage;

-- Directories below objects/ into which a process puts files: those of a process that is gone hold files without a row.
CREATE TABLE open_directory (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL                      -- the file readers/<owner>, which its process holds locked
) WITHOUT ROWID;
CREATE INDEX open_directory_by_owner ON open_directory (owner);
