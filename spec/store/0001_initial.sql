-- 0001: the Data Catalog and the buckets.
-- json columns hold the AWS API's output shape of the entity; the other columns are what is looked up or sorted by.

CREATE TABLE catalog_database (
    name TEXT NOT NULL PRIMARY KEY,          -- lower case, as Glue folds it
    json TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE catalog_table (
    database_name TEXT NOT NULL REFERENCES catalog_database (name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (database_name, name)
) WITHOUT ROWID;

CREATE TABLE catalog_partition (
    database_name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    partition_values TEXT NOT NULL,          -- JSON array of strings: the partition's key
    json TEXT NOT NULL,
    PRIMARY KEY (database_name, table_name, partition_values),
    FOREIGN KEY (database_name, table_name) REFERENCES catalog_table (database_name, name) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE bucket (
    name TEXT NOT NULL PRIMARY KEY,
    created_us INTEGER NOT NULL
) WITHOUT ROWID;

-- An object is visible exactly when its row is here; its bytes are the file objects/<path> of the home directory, written and synced
-- before the row. A key's new version is a new file, so that a reader of the old one is not disturbed.
CREATE TABLE object (
    bucket TEXT NOT NULL REFERENCES bucket (name),
    key BLOB NOT NULL,                       -- UTF-8 bytes, so that the order is S3's
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified_us INTEGER NOT NULL,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;

-- Files that no row points to any more: unlinked when no other process uses the home directory.
CREATE TABLE garbage (
    path TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;
