/* store/store.h - everything durable: SQLite rows and object files under one home directory.
 *
 * Used by daemon/ (catalog and storage for the engine), cli/ and, later, aws/ and service/. The only room that includes sqlite3.h.
 * Layout of the home directory: solder.db (WAL), objects/<txn>/<n> (bytes of objects), tmp/run-<pid>/ (a process's scratch),
 * home.lock (shared while a process uses it).
 * Invariants: what a function reported as done is on disk; rows of one transaction appear all at once; an object file is complete and
 * synced before its row exists. Thread-safe: one connection behind a mutex. Error codes are AWS's where AWS has one
 * (EntityNotFoundException, AlreadyExistsException, InvalidInputException, NoSuchBucket, NoSuchKey, BucketNotEmpty, BucketAlreadyOwnedByYou).
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

typedef struct StObject {
    Str key;
    Str path; /* absolute path of the file with its bytes */
    int64_t size;
    int64_t modified_us;
} StObject;

typedef struct StBucket {
    Str name;
    int64_t created_us;
} StBucket;

bool st_bucket_create(StStore *store, Str name, Err *err);
bool st_bucket_delete(StStore *store, Str name, Err *err); /* BucketNotEmpty */
bool st_bucket_exists(StStore *store, Str name, bool *ret_exists, Err *err);
bool st_bucket_list(StStore *store, Arena *arena, const StBucket **ret_buckets, size_t *ret_count, Err *err);

bool st_object_get(StStore *store, Arena *arena, Str bucket, Str key, StObject *ret_object, Err *err);
/* Objects whose key begins with prefix, in key order, after the key start_after (empty: from the first), at most limit (0: all). */
bool st_object_list(StStore *store, Arena *arena, Str bucket, Str prefix, Str start_after, size_t limit, const StObject **ret_objects,
                    size_t *ret_count, Err *err);
/* NoSuchKey is no error: S3's DeleteObject. */
bool st_object_delete(StStore *store, Str bucket, Str key, Err *err);

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
