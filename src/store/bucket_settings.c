/* bucket_settings.c - what a bucket was told: versioning, object lock, and settings by name. See versions.h. */
#include "store/objects.h"
#include "store/versions.h"

static bool set_versioning(StStore *store, Arena *scratch, Str name, Str versioning, Err *err) {
    StBucket bucket;
    if (!st_find_bucket(store, scratch, name, &bucket, err)) {
        return false;
    }
    if (bucket.has_lock && !str_eq_c(versioning, "Enabled")) {
        return err_set(err, "InvalidBucketState",
                       "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.");
    }
    StStatement statement = st_prepare(store, "UPDATE bucket SET versioning = ?2 WHERE name = ?1", err);
    st_bind_str(&statement, name);
    st_bind_str(&statement, versioning);
    (void)st_step(&statement);
    return st_finish(&statement);
}

bool st_bucket_set_versioning(StStore *store, Str bucket, Str versioning, Err *err) {
    Arena *scratch = arena_new();
    st_lock(store);
    bool ok = st_exec(store, "BEGIN IMMEDIATE", err);
    ok = ok && st_end(store, set_versioning(store, scratch, bucket, versioning, err), err);
    st_unlock(store);
    arena_free(scratch);
    return ok;
}

bool st_bucket_set_lock(StStore *store, Str bucket, Str mode, int64_t days, int64_t years, Err *err) {
    st_lock(store);
    StStatement statement = st_prepare(store,
                                       "UPDATE bucket SET has_lock = 1, versioning = 'Enabled', lock_mode = ?2, lock_days = ?3, lock_years = ?4 "
                                       "WHERE name = ?1",
                                       err);
    st_bind_str(&statement, bucket);
    st_bind_str(&statement, mode);
    st_bind_i64(&statement, days);
    st_bind_i64(&statement, years);
    (void)st_step(&statement);
    bool ok = st_finish(&statement) && (sqlite3_changes(store->db) > 0 || st_require_bucket(store, bucket, err));
    st_unlock(store);
    return ok;
}

bool st_bucket_setting_get(StStore *store, Arena *arena, Str bucket, Str name, Str *ret_json, Err *err) {
    *ret_json = STR("");
    st_lock(store);
    bool ok = st_require_bucket(store, bucket, err);
    if (ok) {
        StStatement statement = st_prepare(store, "SELECT json FROM bucket_setting WHERE bucket = ?1 AND name = ?2", err);
        st_bind_str(&statement, bucket);
        st_bind_str(&statement, name);
        if (st_step(&statement)) {
            *ret_json = st_column(&statement, arena, 0);
        }
        ok = st_finish(&statement);
    }
    st_unlock(store);
    return ok;
}

/* One change of one row, in a bucket that is there. */
static bool change(StStore *store, const char *sql, Str bucket, Str name, const Str *json, Err *err) {
    st_lock(store);
    bool ok = st_require_bucket(store, bucket, err);
    if (ok) {
        StStatement statement = st_prepare(store, sql, err);
        st_bind_str(&statement, bucket);
        st_bind_str(&statement, name);
        if (json != NULL) {
            st_bind_str(&statement, *json);
        }
        (void)st_step(&statement);
        ok = st_finish(&statement);
    }
    st_unlock(store);
    return ok;
}

bool st_bucket_setting_put(StStore *store, Str bucket, Str name, Str json, Err *err) {
    return change(store, "REPLACE INTO bucket_setting (bucket, name, json) VALUES (?1, ?2, ?3)", bucket, name, &json, err);
}

bool st_bucket_setting_delete(StStore *store, Str bucket, Str name, Err *err) {
    return change(store, "DELETE FROM bucket_setting WHERE bucket = ?1 AND name = ?2", bucket, name, NULL, err);
}

bool st_bucket_setting_peek(StStore *store, Arena *arena, Str bucket, Str name, Str *ret_json, Err *err) {
    *ret_json = STR("");
    st_lock(store);
    StStatement statement = st_prepare(store, "SELECT json FROM bucket_setting WHERE bucket = ?1 AND name = ?2", err);
    st_bind_str(&statement, bucket);
    st_bind_str(&statement, name);
    if (st_step(&statement)) {
        *ret_json = st_column(&statement, arena, 0);
    }
    bool ok = st_finish(&statement);
    st_unlock(store);
    return ok;
}
