/* store/store.h - everything durable: SQLite rows and object files under one home directory.
 *
 * Used by daemon/ (catalog and storage for the engine), cli/, aws/ and service/. The only room that includes sqlite3.h.
 * Layout of the home directory: solder.db (WAL), objects/<directory>/<n> (bytes of objects and of parts of uploads), readers/<id> (a process that
 * uses the home, and its leases), tmp/run-<pid>/ (a process's scratch), home.lock (shared while a process uses it).
 * Invariants: what a function reported as done is on disk; rows of one transaction appear all at once; an object file is complete and
 * synced before its row exists, and is never changed afterwards. Thread-safe: one connection behind a mutex. Error codes are AWS's where AWS has one
 * (EntityNotFoundException, AlreadyExistsException, InvalidInputException, NoSuchBucket, NoSuchKey, NoSuchUpload, PreconditionFailed,
 * BucketNotEmpty, BucketAlreadyOwnedByYou).
 * Versions: of a bucket that keeps them all functions here see the newest alone, and nothing where that is a delete marker.
 * Old bytes: the file of a replaced or deleted object is unlinked soon after (at the next change or st_sweep, about a second), but not while anyone
 * may still open it: a path that a function here gave stays good until the arena that it was copied into is freed, in whatever process.
 * How that is kept: store/object_files.h.
 */
#ifndef SOLDER_STORE_STORE_H
#define SOLDER_STORE_STORE_H

#include "base/err.h"

typedef struct StStore StStore;

/* Opens the home directory, makes it (mode 0700) and its database on first use, migrates, and sweeps what a killed process left. */
StStore *st_open(Str home, Err *err);
void st_close(StStore *owned_store);
/* Borrowed; the absolute path. */
Str st_home(const StStore *store);
/* A directory of this process for what need not last (spills, artifacts), made now: tmp/run-<pid>. st_close removes it; that of a killed
 * process goes with the next sweep. Borrowed from the store. */
bool st_scratch_directory(StStore *store, Str *ret_path, Err *err);
/* Removes a directory with all that is in it; what can't be removed is left. */
void st_remove_tree(const char *path);

/* The clock by which rows are dated: microseconds since 1970. */
int64_t st_now_us(void);

/* ---- catalog: JSON in the AWS API's shapes --------------------------------------------------------------------------- */

typedef enum StEntity { ST_DATABASE, ST_TABLE, ST_PARTITION } StEntity;

/* Which entity; table and values only as far as the entity has them. */
typedef struct StEntityName {
    Str database, table;
    Str values; /* partition: JSON array of strings */
} StEntityName;

/* json is the output shape (Database, Table, Partition). replace false: AlreadyExistsException when there. The parent must exist. */
bool st_catalog_put(StStore *store, StEntity entity, const StEntityName *name, Str json, bool replace, Err *err);
/* EntityNotFoundException when absent; the text is copied into the arena. */
bool st_catalog_get(StStore *store, Arena *arena, StEntity entity, const StEntityName *name, Str *ret_json, Err *err);
/* All of that kind below database (and table), sorted by name; empty names: everywhere. */
bool st_catalog_list(StStore *store, Arena *arena, StEntity entity, const StEntityName *below, const Str **ret_json, size_t *ret_count,
                     Err *err);
/* One page of the same list: the entities behind the own name `after` (a partition's values; empty: from the first), at most limit (0: all). */
bool st_catalog_page(StStore *store, Arena *arena, StEntity entity, const StEntityName *below, Str after, size_t limit, const Str **ret_json,
                     size_t *ret_count, Err *err);
/* Replaces what is there only when it still is what the caller saw; *ret_swapped says whether. */
bool st_catalog_swap(StStore *store, StEntity entity, const StEntityName *name, Str seen, Str json, bool *ret_swapped, Err *err);
bool st_catalog_delete(StStore *store, StEntity entity, const StEntityName *name, Err *err);

/* ---- buckets and objects ------------------------------------------------------------------------------------------- */

/* What keeps a version from being deleted. */
typedef struct StLock {
    Str mode; /* "GOVERNANCE", "COMPLIANCE"; empty: none */
    int64_t until_us;
    bool legal_hold;
} StLock;

/* An ETag is written without quotes. S3's PutObject gives the bytes' MD5. A file that the engine wrote in a transaction is not hashed: its ETag is
 * its file's own number, 32 hexadecimal digits, and "-1", which clients take for that of a multipart upload, so that nobody compares it with an
 * MD5. It changes with every new version of the key, and is the same for as long as the version is there. */
typedef struct StObject {
    Str key;
    Str path; /* absolute path of the file with its bytes; stays good until the arena is freed */
    int64_t size;
    int64_t modified_us;
    Str etag;
    Str meta; /* JSON, as it was put; empty: none (written by the engine) */
    Str tags; /* JSON; empty: none */
    Str version; /* "null" or an id; empty: its bucket never kept versions. More about them: versions.h */
    int64_t seq; /* greater than those of the key's older versions */
    StLock lock;
} StObject;

typedef struct StBucket {
    Str name;
    int64_t created_us;
    Str location;   /* as it was made with; may be empty */
    Str versioning; /* "Enabled": a key's old versions are kept; "Suspended": those that are there stay; empty: there never were any */
    bool has_lock;
    Str lock_mode; /* the retention that new versions get: for days or years; empty: none */
    int64_t lock_days, lock_years;
} StBucket;

bool st_bucket_create(StStore *store, Str name, Str location, Err *err);
bool st_bucket_delete(StStore *store, Str name, Err *err); /* BucketNotEmpty; unfinished uploads go with it */
bool st_bucket_exists(StStore *store, Str name, bool *ret_exists, Err *err);
bool st_bucket_get(StStore *store, Arena *arena, Str name, StBucket *ret_bucket, Err *err); /* NoSuchBucket */
bool st_bucket_list(StStore *store, Arena *arena, const StBucket **ret_buckets, size_t *ret_count, Err *err);

bool st_object_get(StStore *store, Arena *arena, Str bucket, Str key, StObject *ret_object, Err *err);
/* Objects whose key begins with prefix, in key order, after the key start_after (empty: from the first), at most limit (0: all). */
bool st_object_list(StStore *store, Arena *arena, Str bucket, Str prefix, Str start_after, size_t limit, const StObject **ret_objects,
                    size_t *ret_count, Err *err);

/* One page of a listing that rolls keys up: a key with the delimiter behind the prefix stands for all that begin as it does up to there. */
typedef struct StPage {
    Str prefix, delimiter;    /* either may be empty */
    Str after;                /* begins behind this key … */
    bool after_is_rolled;     /* … and behind all keys that begin with it, */
    bool after_rolls_up;      /* … or, when it is a key that would be rolled up, behind what it is rolled up to */
    size_t limit;             /* entries, objects and prefixes together */
} StPage;

typedef struct StEntry {
    bool is_prefix; /* then of object there is the key alone: the common prefix */
    StObject object;
} StEntry;

/* Costs as many steps as there are entries, however many keys a common prefix stands for. */
bool st_object_page(StStore *store, Arena *arena, Str bucket, const StPage *page, const StEntry **ret_entries, size_t *ret_count, bool *ret_more,
                    Err *err);

/* A reader of a key sees what was put last, or after its deletion nothing, whatever versions the bucket keeps.
 *
 * What must hold of the key before it is written. PreconditionFailed; NoSuchKey when an ETag is asked for and the key is not there. */
typedef struct StCondition {
    bool must_be_absent;
    Str etag; /* without quotes; empty: any; "*": must be there */
} StCondition;

/* A path for the bytes of one more object or part, where nothing is yet: for st_object_put or st_part_put, which then need not move it. Who makes the
 * file and gives it to neither, removes it. */
bool st_object_file(StStore *store, Arena *arena, Str *ret_path, Err *err);

typedef struct StPut {
    Str key, etag, meta, tags;
    StLock lock; /* mode empty: the bucket's default */
    StCondition condition;
} StPut;

/* Makes the file at path (on the home's file system, complete) the object's bytes: the file is moved, not copied, or removed on failure. ret_object,
 * in the arena, may be NULL. */
bool st_object_put(StStore *store, Arena *arena, Str bucket, const StPut *put, Str path, StObject *ret_object, Err *err);
/* An object with the bytes of another one, which both keep in one place on disk. */
bool st_object_copy(StStore *store, Arena *arena, const StObject *source, Str bucket, const StPut *put, StObject *ret_object, Err *err);
/* NoSuchKey is no error, as of S3's DeleteObject. All of them in one step. Old versions stay where the bucket keeps them. */
bool st_object_delete(StStore *store, Str bucket, const Str *keys, size_t count, Err *err);
bool st_object_delete_if(StStore *store, Str bucket, Str key, const StCondition *condition, Err *err);

/* Unlinks what nobody needs any more: files of deleted objects, and what killed processes left. The store does it by itself after changes, about
 * once a second; a server calls it now and then for what was still being read at that time. */
void st_sweep(StStore *store);

/* A set of new objects (and deletions) that appears in one step. */
typedef struct StTxn StTxn;
StTxn *st_txn_begin(StStore *store, Str bucket, Err *err);
/* The file to write for the key; made by the caller, complete when st_txn_commit is called. */
bool st_txn_add(StTxn *txn, Arena *arena, Str key, Str *ret_path, Err *err);
/* At commit, every object whose key begins with prefix and is not of this transaction is deleted. */
bool st_txn_replace(StTxn *txn, Str prefix, Err *err);
/* Syncs the files, then writes all rows in one SQLite transaction. The transaction is gone afterwards, whatever happened. */
bool st_txn_commit(StTxn *owned_txn, Err *err);
void st_txn_abort(StTxn *owned_txn);

#endif
