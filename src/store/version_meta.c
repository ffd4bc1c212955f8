/* version_meta.c - a version's metadata in place: what changes of an object that stays the same. See versions.h. */
#include "store/objects.h"
#include "store/versions.h"

static bool set_in(StStore *store, const char *sql, Str bucket, Str key, int64_t seq, Str meta, Err *err) {
    StStatement statement = st_prepare(store, sql, err);
    st_bind_str(&statement, bucket);
    st_bind_blob(&statement, key);
    st_bind_i64(&statement, seq);
    st_bind_str(&statement, meta);
    (void)st_step(&statement);
    return st_finish(&statement);
}

bool st_version_set_meta(StStore *store, Str bucket, Str key, int64_t seq, Str meta, Err *err) {
    static const char *const TABLES[] = {"UPDATE object SET meta = ?4 WHERE bucket = ?1 AND key = ?2 AND seq = ?3",
                                         "UPDATE object_version SET meta = ?4 WHERE bucket = ?1 AND key = ?2 AND seq = ?3 AND is_marker = 0"};
    bool ok = true;
    bool found = false;
    st_lock(store);
    for (size_t i = 0; ok && !found && i < 2; i++) {
        ok = set_in(store, TABLES[i], bucket, key, seq, meta, err);
        found = ok && sqlite3_changes(store->db) > 0;
    }
    st_unlock(store);
    return ok && (found || st_no_such_key(bucket, key, err));
}
