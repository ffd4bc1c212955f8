-- 0002: resources: what the services keep beyond the catalog and the buckets (jobs, job runs, clusters, steps, …).
-- One table for all kinds: a resource is the AWS API's JSON of it, and the columns by which it is found. Its state is written by one
-- statement alone (store/resource.c), which allows the transitions of spec/states.tsv.

CREATE TABLE resource (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,   -- order of creation; the position in paged lists
    kind TEXT NOT NULL,                      -- 'job', 'job-run', 'cluster', …
    parent TEXT NOT NULL,                    -- id of what it belongs to (a run's job, a step's cluster), '' for none
    id TEXT NOT NULL,
    state TEXT NOT NULL,                     -- '' for kinds without states
    created_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL,             -- of the last change of state or JSON
    json TEXT NOT NULL,
    UNIQUE (kind, parent, id)
);

CREATE INDEX resource_by_state ON resource (kind, state);
CREATE INDEX resource_by_order ON resource (kind, parent, seq);
