/* bucket_settings.c - what a bucket was told: versioning, object lock, and settings by name. See versions.h. */
#include "store/objects.h"
#include "store/versions.h"

typedef struct VersioningChange {
    Arena *arena;
    Str bucket, versioning;
} VersioningChange;

static bool set_versioning(StStore *store, void *self, Err *err) {
    const VersioningChange *change = self;
    StBucket bucket;
    if (!st_find_bucket(store, change->arena, change->bucket, &bucket, err)) {
        return false;
    }
    if (bucket.has_lock && !str_eq_c(change->versioning, "Enabled")) {
        return err_set(err, "InvalidBucketState",
                       "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.");
    }
    StStatement statement = st_prepare(store, "UPDATE bucket SET versioning = ?2 WHERE name = ?1", err);
    st_bind_str(&statement, change->bucket);
    st_bind_str(&statement, change->versioning);
    (void)st_step(&statement);
    return st_finish(&statement);
}

bool st_bucket_set_versioning(StStore *store, Str bucket, Str versioning, Err *err) {
    VersioningChange change = {.arena = arena_new(), .bucket = bucket, .versioning = versioning};
    bool ok = st_change(store, STR(""), set_versioning, &change, err);
    arena_free(change.arena);
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
    StStore *reader = st_reader(store);
    st_lock(reader);
    bool ok = st_require_bucket(reader, bucket, err);
    if (ok) {
        StStatement statement = st_prepare(reader, "SELECT json FROM bucket_setting WHERE bucket = ?1 AND name = ?2", err);
        st_bind_str(&statement, bucket);
        st_bind_str(&statement, name);
        if (st_step(&statement)) {
            *ret_json = st_column(&statement, arena, 0);
        }
        ok = st_finish(&statement);
    }
    st_unlock(reader);
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

bool st_bucket_setting_is_used(StStore *store, Str name, bool *ret_is_used, Err *err) {
    StStore *reader = st_reader(store);
    st_lock(reader);
    StStatement statement = st_prepare(reader, "SELECT 1 FROM bucket_setting WHERE name = ?1 LIMIT 1", err);
    st_bind_str(&statement, name);
    *ret_is_used = st_step(&statement);
    bool ok = st_finish(&statement);
    st_unlock(reader);
    return ok;
}

bool st_bucket_setting_peek(StStore *store, Arena *arena, Str bucket, Str name, Str *ret_json, Err *err) {
    *ret_json = STR("");
    StStore *reader = st_reader(store);
    st_lock(reader);
    StStatement statement = st_prepare(reader, "SELECT json FROM bucket_setting WHERE bucket = ?1 AND name = ?2", err);
    st_bind_str(&statement, bucket);
    st_bind_str(&statement, name);
    if (st_step(&statement)) {
        *ret_json = st_column(&statement, arena, 0);
    }
    bool ok = st_finish(&statement);
    st_unlock(reader);
    return ok;
}

/* ---- several of a kind: the names between "kind/" and "kind0" ---- */

bool st_bucket_setting_put_one(StStore *store, Str bucket, Str kind, Str id, Str json, int64_t most, Err *err) {
    Arena *scratch = arena_new();
    st_lock(store);
    bool ok = st_require_bucket(store, bucket, err);
    if (ok) {
        StStatement statement = st_prepare(store,
                                           "REPLACE INTO bucket_setting (bucket, name, json) SELECT ?1, ?2, ?3 WHERE "
                                           "EXISTS (SELECT 1 FROM bucket_setting WHERE bucket = ?1 AND name = ?2) OR "
                                           "(SELECT count(*) FROM bucket_setting WHERE bucket = ?1 AND name > ?4 AND name < ?5) < ?6",
                                           err);
        st_bind_str(&statement, bucket);
        st_bind_str(&statement, str_fmt(scratch, "%.*s/%.*s", STR_ARG(kind), STR_ARG(id)));
        st_bind_str(&statement, json);
        st_bind_str(&statement, str_fmt(scratch, "%.*s/", STR_ARG(kind)));
        st_bind_str(&statement, str_fmt(scratch, "%.*s0", STR_ARG(kind)));
        st_bind_i64(&statement, most);
        (void)st_step(&statement);
        ok = st_finish(&statement) && (sqlite3_changes(store->db) > 0 || err_set(err, "TooManyConfigurations", "there are as many as there may be"));
    }
    st_unlock(store);
    arena_free(scratch);
    return ok;
}

bool st_bucket_setting_list(StStore *store, Arena *arena, Str bucket, Str kind, Str after, size_t limit, const Str **ret_jsons, size_t *ret_count, Err *err) {
    Str *jsons = ARENA_ARRAY(arena, Str, limit);
    *ret_jsons = jsons;
    *ret_count = 0;
    StStore *reader = st_reader(store);
    st_lock(reader);
    bool ok = st_require_bucket(reader, bucket, err);
    if (ok) {
        StStatement statement = st_prepare(reader, "SELECT json FROM bucket_setting WHERE bucket = ?1 AND name > ?2 AND name < ?3 ORDER BY name LIMIT ?4", err);
        st_bind_str(&statement, bucket);
        st_bind_str(&statement, str_fmt(arena, "%.*s/%.*s", STR_ARG(kind), STR_ARG(after)));
        st_bind_str(&statement, str_fmt(arena, "%.*s0", STR_ARG(kind)));
        st_bind_i64(&statement, (int64_t)limit);
        while (st_step(&statement)) {
            jsons[(*ret_count)++] = st_column(&statement, arena, 0);
        }
        ok = st_finish(&statement);
    }
    st_unlock(reader);
    return ok;
}
