/* store/versions.h - versions of objects, delete markers, locks, and the settings of buckets.
 *
 * Used by service/s3_*.c. A bucket keeps versions once st_bucket_set_versioning said so. What a key stands for now is the row that store.h's functions read;
 * older versions and delete markers are beside it (spec/store/0006_versions.sql), so that they cost readers of the newest nothing. A version's
 * id is "null" (made without versioning, or while it was suspended: there is at most one of a key) or 32 hexadecimal digits.
 * Invariants: what a lock protects is deleted by nobody; a delete marker is never what store.h's functions return.
 */
#ifndef SOLDER_STORE_VERSIONS_H
#define SOLDER_STORE_VERSIONS_H

#include "store/store.h"

/* ---- buckets ---- */

/* "Enabled" or "Suspended". InvalidBucketState: a bucket with object lock is not suspended. */
bool st_bucket_set_versioning(StStore *store, Str bucket, Str versioning, Err *err);
/* Turns object lock on (which needs, and for a new bucket makes, versioning), with the default retention of new versions; mode empty: none. */
bool st_bucket_set_lock(StStore *store, Str bucket, Str mode, int64_t days, int64_t years, Err *err);

/* JSON by name; empty: there is none. */
bool st_bucket_setting_get(StStore *store, Arena *arena, Str bucket, Str name, Str *ret_json, Err *err);
bool st_bucket_setting_put(StStore *store, Str bucket, Str name, Str json, Err *err);
/* The same as _get in one step; of a bucket that is not there, there is none. */
bool st_bucket_setting_peek(StStore *store, Arena *arena, Str bucket, Str name, Str *ret_json, Err *err);
bool st_bucket_setting_delete(StStore *store, Str bucket, Str name, Err *err);
/* Whether any bucket has it. */
bool st_bucket_setting_is_used(StStore *store, Str name, bool *ret_is_used, Err *err);

/* Settings that a bucket has several of are named kind/id. As st_bucket_setting_put; TooManyConfigurations: it would be more than most. */
bool st_bucket_setting_put_one(StStore *store, Str bucket, Str kind, Str id, Str json, int64_t most, Err *err);
/* Their JSON in the order of the ids, up to limit, behind one id (empty: from the first). */
bool st_bucket_setting_list(StStore *store, Arena *arena, Str bucket, Str kind, Str after, size_t limit, const Str **ret_jsons, size_t *ret_count, Err *err);

/* ---- versions ---- */

typedef struct StVersion {
    StObject object;
    bool is_marker; /* then of object there are key, version, times and seq */
    bool is_latest;
    int64_t replaced_us; /* since when something newer is there; 0: it is the latest */
} StVersion;

/* Whether the text may be a version's id. */
bool st_version_is_valid(Str version);
/* version empty: the latest, which may be a marker. NoSuchKey: nothing is there, or NoSuchVersion. */
bool st_version_get(StStore *store, Arena *arena, Str bucket, Str key, Str version, StVersion *ret_version, Err *err);

/* Versions in the order of keys, the newest of a key first. */
typedef struct StVersionPage {
    Str prefix, delimiter;
    Str after_key;     /* behind all of this key … */
    Str after_version; /* … or, when not empty, behind this version of it */
    size_t limit;
} StVersionPage;

typedef struct StVersionEntry {
    bool is_prefix; /* then of version.object there is the key alone: the common prefix */
    StVersion version;
} StVersionEntry;

/* Costs as many steps as there are entries, as st_object_page. */
bool st_version_page(StStore *store, Arena *arena, Str bucket, const StVersionPage *page, const StVersionEntry **ret_entries, size_t *ret_count,
                     bool *ret_more, Err *err);

/* ---- deleting ---- */

typedef struct StRemoval {
    Str key;
    Str version;           /* empty: S3's plain deletion, which in a bucket with versions puts a marker */
    StCondition condition; /* of the key as it is now */
    int64_t only_seq;      /* 0, or: nothing is done unless this is the latest's (the version's) seq */
    bool bypasses_governance;
} StRemoval;

typedef struct StRemoved {
    Str version;    /* of the marker that was made or removed, or of the version that was asked for; empty: none */
    bool is_marker; /* a marker was made, or the version was one */
    Err *failure;   /* NULL, or why this one was left: AccessDenied (locked), PreconditionFailed, NoSuchKey */
} StRemoved;

/* Each on its own, all in one step. ret_removed has count places; its text lives in the arena. */
bool st_objects_remove(StStore *store, Arena *arena, Str bucket, const StRemoval *removals, size_t count, StRemoved *ret_removed, Err *err);

/* ---- what changes of a version ---- */

/* *ret_version is which it was, empty where the bucket has none. NoSuchKey, NoSuchVersion; MethodNotAllowed of a marker. */
bool st_version_set_tags(StStore *store, Arena *arena, Str bucket, Str key, Str version, Str tags, Str *ret_version, Err *err);

/* The metadata of the very version with that seq, which is not a new one. NoSuchKey: it is gone. */
bool st_version_set_meta(StStore *store, Str bucket, Str key, int64_t seq, Str meta, Err *err);

typedef enum StLockPart { ST_RETENTION, ST_LEGAL_HOLD } StLockPart;

/* The part of the lock. AccessDenied: a retention is shortened or taken away that must not be. */
bool st_version_set_lock(StStore *store, Arena *arena, Str bucket, Str key, Str version, StLockPart part, const StLock *lock, bool bypasses_governance,
                         Err *err);

#endif
