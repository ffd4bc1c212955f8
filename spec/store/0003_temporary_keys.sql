-- 0003: temporary access keys, issued to job runs, clusters and by STS. Expired ones are deleted when new ones are issued.

CREATE TABLE temporary_key (
    id TEXT NOT NULL PRIMARY KEY,
    secret TEXT NOT NULL,
    token TEXT NOT NULL,
    expires_us INTEGER NOT NULL
) WITHOUT ROWID;
