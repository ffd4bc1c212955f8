/* objects.c - buckets and objects: rows, listings, single changes. See store.h; transactions are in txn.c, files in object_files.c. */
#include "store/objects.h"

#include "base/vec.h"
#include "store/object_files.h"
#include "store/version_rows.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- buckets ---- */

/* The rules of S3's "general purpose bucket naming" that matter for a local name; service/ checks the rest. */
static bool bucket_name_is_valid(Str name) {
    if (name.len < 3 || name.len > 63) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool is_inner = i > 0 && i + 1 < name.len;
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!is_alnum && !(is_inner && (c == '-' || (c == '.' && name.data[i - 1] != '.')))) {
            return false;
        }
    }
    return true;
}

bool st_bucket_create(StStore *store, Str name, Str location, Err *err) {
    if (!bucket_name_is_valid(name)) {
        return err_set(err, "InvalidBucketName",
                       "%.*s: a bucket's name is 3 to 63 characters of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit",
                       STR_ARG(name));
    }
    st_lock(store);
    StStatement statement = st_prepare(store, "INSERT INTO bucket (name, created_us, location) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", err);
    st_bind_str(&statement, name);
    st_bind_i64(&statement, st_now_us());
    st_bind_str(&statement, location);
    (void)st_step(&statement);
    bool ok = st_finish(&statement);
    bool created = sqlite3_changes(store->db) > 0;
    st_unlock(store);
    return ok && (created || err_set(err, "BucketAlreadyOwnedByYou", "bucket %.*s exists already", STR_ARG(name)));
}

static bool bucket_exists_locked(StStore *store, Str name, bool *ret_exists, Err *err) {
    StStatement statement = st_prepare(store, "SELECT 1 FROM bucket WHERE name = ?1", err);
    st_bind_str(&statement, name);
    *ret_exists = st_step(&statement);
    return st_finish(&statement);
}

bool st_bucket_exists(StStore *store, Str name, bool *ret_exists, Err *err) {
    StStore *reader = st_reader(store);
    st_lock(reader);
    bool ok = bucket_exists_locked(reader, name, ret_exists, err);
    st_unlock(reader);
    return ok;
}

static bool no_such_bucket(Str name, Err *err) {
    return err_set(err, "NoSuchBucket", "bucket %.*s does not exist: make it with solder s3 mb s3://%.*s", STR_ARG(name), STR_ARG(name));
}

bool st_require_bucket(StStore *store, Str name, Err *err) {
    bool exists = false;
    if (!bucket_exists_locked(store, name, &exists, err)) {
        return false;
    }
    return exists || no_such_bucket(name, err);
}

/* Buries what the query selects (one column: names of files) and then runs the deletion; both have the same parameter. */
static bool bury_and_delete(StStore *store, const char *burial, const char *deletion, Str parameter, Err *err) {
    const char *steps[] = {burial, deletion};
    for (size_t i = 0; i < 2; i++) {
        StStatement statement = st_prepare(store, steps[i], err);
        st_bind_str(&statement, parameter);
        (void)st_step(&statement);
        if (!st_finish(&statement)) {
            return false;
        }
    }
    return true;
}

static bool delete_bucket(StStore *store, void *self, Err *err) {
    Str name = *(const Str *)self;
    if (!st_require_bucket(store, name, err)) {
        return false;
    }
    StStatement any = st_prepare(store,
                                 "SELECT 1 WHERE EXISTS (SELECT 1 FROM object WHERE bucket = ?1) OR "
                                 "EXISTS (SELECT 1 FROM object_version WHERE bucket = ?1)",
                                 err);
    st_bind_str(&any, name);
    bool has_objects = st_step(&any);
    if (!st_finish(&any)) {
        return false;
    }
    if (has_objects) {
        return err_set(err, "BucketNotEmpty", "bucket %.*s is not empty", STR_ARG(name));
    }
    return bury_and_delete(store,
                           "INSERT INTO dead_file (path) SELECT p.path FROM upload_part p JOIN upload u ON u.id = p.upload WHERE u.bucket = ?1 "
                           "UNION SELECT file FROM upload WHERE bucket = ?1 AND file <> ''",
                           "DELETE FROM bucket WHERE name = ?1", name, err);
}

bool st_bucket_delete(StStore *store, Str name, Err *err) {
    bool ok = st_change(store, STR(""), delete_bucket, &name, err);
    st_sweep_soon(store);
    return ok;
}

#define BUCKET_COLUMNS "name, created_us, location, versioning, has_lock, lock_mode, lock_days, lock_years"

static StBucket read_bucket(StStatement *statement, Arena *arena) {
    return (StBucket){.name = st_column(statement, arena, 0),
                      .created_us = st_column_i64(statement, 1),
                      .location = st_column(statement, arena, 2),
                      .versioning = st_column(statement, arena, 3),
                      .has_lock = st_column_i64(statement, 4) != 0,
                      .lock_mode = st_column(statement, arena, 5),
                      .lock_days = st_column_i64(statement, 6),
                      .lock_years = st_column_i64(statement, 7)};
}

bool st_find_bucket(StStore *store, Arena *arena, Str name, StBucket *ret_bucket, Err *err) {
    StStatement statement = st_prepare(store, "SELECT " BUCKET_COLUMNS " FROM bucket WHERE name = ?1", err);
    st_bind_str(&statement, name);
    bool found = st_step(&statement);
    if (found) {
        *ret_bucket = read_bucket(&statement, arena);
    }
    return st_finish(&statement) && (found || no_such_bucket(name, err));
}

bool st_bucket_get(StStore *store, Arena *arena, Str name, StBucket *ret_bucket, Err *err) {
    StStore *reader = st_reader(store);
    st_lock(reader);
    bool ok = st_find_bucket(reader, arena, name, ret_bucket, err);
    st_unlock(reader);
    return ok;
}

bool st_bucket_list(StStore *store, Arena *arena, const StBucket **ret_buckets, size_t *ret_count, Err *err) {
    VEC(StBucket) rows = {.arena = arena};
    StStore *reader = st_reader(store);
    st_lock(reader);
    StStatement statement = st_prepare(reader, "SELECT " BUCKET_COLUMNS " FROM bucket ORDER BY name", err);
    while (st_step(&statement)) {
        VEC_PUSH(&rows, read_bucket(&statement, arena));
    }
    bool ok = st_finish(&statement);
    st_unlock(reader);
    *ret_buckets = rows.items;
    *ret_count = rows.count;
    return ok;
}

/* ---- reading objects ---- */

/* The ETag of a file that was not hashed: its directory's number plus its own. */
static Str etag_of_name(Arena *arena, Str name) {
    char digits[17] = {0};
    int64_t n = 0;
    Str high = str_slice(name, 0, 16);
    Str low = str_slice(name, 16, 32);
    memcpy(digits, low.data, low.len);
    (void)str_to_i64(str_slice(name, 33, name.len), &n);
    return str_fmt(arena, "%.*s%016llx-1", STR_ARG(high), strtoull(digits, NULL, 16) + (unsigned long long)n);
}

StObject st_read_object(StStore *store, StStatement *statement, Arena *arena) {
    Str name = st_column_peek(statement, 1);
    Str etag = st_column(statement, arena, 4);
    return (StObject){.key = st_column(statement, arena, 0),
                      .path = name.len == 0 ? STR("") : st_file_path(arena, store, name),
                      .size = st_column_i64(statement, 2),
                      .modified_us = st_column_i64(statement, 3),
                      .etag = etag.len > 0 || name.len == 0 ? etag : etag_of_name(arena, name),
                      .meta = st_column(statement, arena, 5),
                      .tags = st_column(statement, arena, 6),
                      .version = st_column(statement, arena, 7),
                      .seq = st_column_i64(statement, 8),
                      .lock = {.mode = st_column(statement, arena, 9),
                               .until_us = st_column_i64(statement, 10),
                               .legal_hold = st_column_i64(statement, 11) != 0}};
}

bool st_find_object(StStore *store, Arena *arena, const StBucket *bucket, Str key, bool *ret_found, StObject *ret_object, Err *err) {
    StStatement statement = st_prepare(store, "SELECT " ST_OBJECT_COLUMNS " FROM object WHERE bucket = ?1 AND key = ?2", err);
    st_bind_str(&statement, bucket->name);
    st_bind_blob(&statement, key);
    *ret_found = st_step(&statement);
    if (*ret_found) {
        *ret_object = st_read_object(store, &statement, arena);
        ret_object->version = bucket->versioning.len > 0 ? ret_object->version : STR("");
    }
    return st_finish(&statement);
}

bool st_no_such_key(Str bucket, Str key, Err *err) {
    return err_set(err, "NoSuchKey", "s3://%.*s/%.*s does not exist", STR_ARG(bucket), STR_ARG(key));
}

bool st_object_get(StStore *store, Arena *arena, Str bucket, Str key, StObject *ret_object, Err *err) {
    bool found = false;
    StBucket row;
    StStore *reader = st_reader(store);
    st_lock(reader);
    bool ok = st_lease(reader, arena, err) && st_find_bucket(reader, arena, bucket, &row, err) &&
              st_find_object(reader, arena, &row, key, &found, ret_object, err) && (found || st_no_such_key(bucket, key, err));
    st_unlock(reader);
    return ok;
}

Str st_prefix_end(Arena *arena, Str prefix) {
    size_t len = prefix.len;
    while (len > 0 && (unsigned char)prefix.data[len - 1] == 0xFF) {
        len--;
    }
    if (len == 0) {
        return STR("\xFF"); /* a key is UTF-8, which has no such byte */
    }
    char *end = str_to_c(arena, (Str){prefix.data, len});
    end[len - 1]++;
    return (Str){end, len};
}

bool st_object_list(StStore *store, Arena *arena, Str bucket, Str prefix, Str start_after, size_t limit, const StObject **ret_objects,
                    size_t *ret_count, Err *err) {
    VEC(StObject) rows = {.arena = arena};
    Str end = st_prefix_end(arena, prefix);
    StStore *reader = st_reader(store);
    st_lock(reader);
    bool ok = st_lease(reader, arena, err) && st_require_bucket(reader, bucket, err);
    if (ok) {
        StStatement statement = st_prepare(reader,
                                           "SELECT " ST_OBJECT_COLUMNS " FROM object WHERE bucket = ?1 AND key >= max(?2, ?3) AND key > ?3 AND key < ?4 "
                                           "ORDER BY key LIMIT ?5",
                                           err);
        st_bind_str(&statement, bucket);
        st_bind_blob(&statement, prefix);
        st_bind_blob(&statement, start_after);
        st_bind_blob(&statement, end);
        st_bind_i64(&statement, limit == 0 ? -1 : (int64_t)limit);
        while (st_step(&statement)) {
            VEC_PUSH(&rows, st_read_object(reader, &statement, arena));
        }
        ok = st_finish(&statement);
    }
    st_unlock(reader);
    *ret_objects = rows.items;
    *ret_count = rows.count;
    return ok;
}

Str st_rolled_up(Str key, Str prefix, Str delimiter) {
    if (delimiter.len == 0 || key.len < prefix.len + delimiter.len) {
        return STR("");
    }
    const char *found = memmem(key.data + prefix.len, key.len - prefix.len, delimiter.data, delimiter.len);
    return found == NULL ? STR("") : str_slice(key, 0, (size_t)(found - key.data) + delimiter.len);
}

/* The least key that may be in the page. */
static Str first_key(Arena *arena, const StPage *page) {
    Str from = page->prefix;
    Str rolled = page->after_is_rolled ? page->after : STR("");
    if (page->after_rolls_up && str_starts_with(page->after, page->prefix)) {
        rolled = st_rolled_up(page->after, page->prefix, page->delimiter);
    }
    if (rolled.len > 0) {
        Str end = st_prefix_end(arena, rolled);
        return str_cmp(end, from) > 0 ? end : from;
    }
    if (page->after.len > 0 && str_cmp(page->after, from) >= 0) {
        from = (Str){str_to_c(arena, page->after), page->after.len + 1}; /* a key followed by NUL is the next possible key */
    }
    return from;
}

typedef VEC(StEntry) EntryList;

/* Steps through the keys; behind the first key of a common prefix it goes on behind the last, by looking that up in the index. */
static bool walk_page(StStore *store, Arena *arena, Str bucket, const StPage *page, Str from, EntryList *entries, bool *ret_more, Err *err) {
    Str end = st_prefix_end(arena, page->prefix);
    for (bool jumps = true; jumps && !*ret_more;) {
        StStatement statement = st_prepare(store,
                                           "SELECT " ST_OBJECT_COLUMNS " FROM object WHERE bucket = ?1 AND key >= ?2 AND key < ?3 ORDER BY key",
                                           err);
        st_bind_str(&statement, bucket);
        st_bind_blob(&statement, from);
        st_bind_blob(&statement, end);
        jumps = false;
        while (!jumps && !*ret_more && st_step(&statement)) {
            Str rolled = st_rolled_up(st_column_peek(&statement, 0), page->prefix, page->delimiter);
            if (entries->count == page->limit) {
                *ret_more = true;
            } else if (rolled.len > 0) {
                VEC_PUSH(entries, (StEntry){.is_prefix = true, .object = {.key = str_copy(arena, rolled)}});
                from = st_prefix_end(arena, rolled);
                jumps = true;
            } else {
                VEC_PUSH(entries, (StEntry){.object = st_read_object(store, &statement, arena)});
            }
        }
        if (!st_finish(&statement)) {
            return false;
        }
    }
    return true;
}

bool st_object_page(StStore *store, Arena *arena, Str bucket, const StPage *page, const StEntry **ret_entries, size_t *ret_count, bool *ret_more,
                    Err *err) {
    EntryList entries = {.arena = arena};
    Str from = first_key(arena, page);
    *ret_more = false;
    StStore *reader = st_reader(store);
    st_lock(reader);
    bool ok = st_lease(reader, arena, err) && st_snapshot(reader, err);
    if (ok) {
        ok = st_require_bucket(reader, bucket, err) && (page->limit == 0 || walk_page(reader, arena, bucket, page, from, &entries, ret_more, err));
        st_snapshot_end(reader);
    }
    st_unlock(reader);
    *ret_entries = entries.items;
    *ret_count = entries.count;
    return ok;
}

/* ---- writing objects ---- */

bool st_drop_objects(StStore *store, Str bucket, Str from, Str to, Err *err) {
    static const char *const STEPS[] = {
        "INSERT INTO dead_file (path) SELECT path FROM object WHERE bucket = ?1 AND key >= ?2 AND key < ?3",
        "DELETE FROM object WHERE bucket = ?1 AND key >= ?2 AND key < ?3"};
    for (size_t i = 0; i < 2; i++) {
        StStatement statement = st_prepare(store, STEPS[i], err);
        st_bind_str(&statement, bucket);
        st_bind_blob(&statement, from);
        st_bind_blob(&statement, to);
        (void)st_step(&statement);
        if (!st_finish(&statement)) {
            return false;
        }
    }
    return true;
}

bool st_drop_key(StStore *store, Arena *scratch, Str bucket, Str key, Err *err) {
    /* key followed by NUL is the next possible key: the range holds this one key. */
    return st_drop_objects(store, bucket, key, (Str){str_to_c(scratch, key), key.len + 1}, err);
}

bool st_check_key(Str key, Err *err) {
    if (key.len == 0 || key.len > ST_LONGEST_KEY) {
        return err_set(err, "KeyTooLongError", "a key has 1 to %d bytes, this one %zu", ST_LONGEST_KEY, key.len);
    }
    return key.data[0] != '\xFF' || err_set(err, "InvalidURI", "a key is UTF-8");
}

/* Inside the transaction that then writes the key. */
bool st_check_condition(StStore *store, Arena *scratch, const StBucket *bucket, Str key, const StCondition *condition, Err *err) {
    bool found = false;
    StObject object;
    if (!condition->must_be_absent && condition->etag.len == 0) {
        return true;
    }
    if (!st_find_object(store, scratch, bucket, key, &found, &object, err)) {
        return false;
    }
    if (condition->must_be_absent && found) {
        return err_set(err, "PreconditionFailed", "s3://%.*s/%.*s exists", STR_ARG(bucket->name), STR_ARG(key));
    }
    if (condition->etag.len > 0 && !found) {
        return st_no_such_key(bucket->name, key, err);
    }
    return condition->etag.len == 0 || str_eq_c(condition->etag, "*") || str_eq(condition->etag, object.etag) ||
           err_set(err, "PreconditionFailed", "s3://%.*s/%.*s has another ETag", STR_ARG(bucket->name), STR_ARG(key));
}

/* The lock of a new version: its own, or what the bucket gives all. */
static StLock lock_of(const StBucket *bucket, const StPut *put, int64_t now_us) {
    static const int64_t DAY_US = INT64_C(86400) * 1000000;
    StLock lock = put->lock;
    if (lock.mode.len == 0 && bucket->lock_mode.len > 0) {
        lock.mode = bucket->lock_mode;
        lock.until_us = now_us + (bucket->lock_days + 365 * bucket->lock_years) * DAY_US;
    }
    return lock;
}

bool st_object_insert(StStore *store, Arena *arena, const StBucket *bucket, const StPut *put, Str name, int64_t size, int64_t now_us,
                      StObject *ret_object, Err *err) {
    StVersionName own;
    StLock lock = lock_of(bucket, put, now_us);
    if (!st_version_make_room(store, arena, bucket, put->key, now_us, &own, err)) {
        return false;
    }
    StStatement statement = st_prepare(store,
                                       "INSERT INTO object (bucket, " ST_OBJECT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
                                       "?13)",
                                       err);
    st_bind_str(&statement, bucket->name);
    st_bind_blob(&statement, put->key);
    st_bind_str(&statement, name);
    st_bind_i64(&statement, size);
    st_bind_i64(&statement, now_us);
    st_bind_str(&statement, put->etag);
    st_bind_str(&statement, put->meta);
    st_bind_str(&statement, put->tags);
    st_bind_str(&statement, own.version);
    st_bind_i64(&statement, own.seq);
    st_bind_str(&statement, lock.mode);
    st_bind_i64(&statement, lock.until_us);
    st_bind_i64(&statement, lock.legal_hold ? 1 : 0);
    (void)st_step(&statement);
    if (st_finish(&statement) && ret_object != NULL) {
        *ret_object = (StObject){.key = put->key,
                                 .path = st_file_path(arena, store, name),
                                 .size = size,
                                 .modified_us = now_us,
                                 .etag = put->etag.len > 0 ? put->etag : etag_of_name(arena, name),
                                 .meta = put->meta,
                                 .tags = put->tags,
                                 .version = bucket->versioning.len > 0 ? own.version : STR(""),
                                 .seq = own.seq,
                                 .lock = lock};
    }
    return !statement.failed;
}

bool st_object_replace(StStore *store, Arena *arena, Str bucket, const StPut *put, Str name, int64_t size, StObject *ret_object, Err *err) {
    StBucket row;
    return st_find_bucket(store, arena, bucket, &row, err) && st_check_condition(store, arena, &row, put->key, &put->condition, err) &&
           st_object_insert(store, arena, &row, put, name, size, st_now_us(), ret_object, err);
}

typedef struct NewObject {
    Arena *arena;
    Str bucket, name;
    const StPut *put;
    int64_t size;
    StObject *ret_object;
} NewObject;

static bool replace_object(StStore *store, void *self, Err *err) {
    const NewObject *new = self;
    return st_lease(store, new->arena, err) &&
           st_object_replace(store, new->arena, new->bucket, new->put, new->name, new->size, new->ret_object, err);
}

/* The row of a file that is in its place; a file without a row goes. */
static bool put_row(StStore *store, Arena *arena, Str bucket, const StPut *put, Str name, int64_t size, StObject *ret_object, Err *err) {
    NewObject new = {.arena = arena, .bucket = bucket, .name = name, .put = put, .size = size, .ret_object = ret_object};
    bool ok = st_change(store, name, replace_object, &new, err);
    if (!ok) {
        st_file_remove(store, name);
    }
    st_sweep_soon(store);
    return ok;
}

bool st_object_put(StStore *store, Arena *arena, Str bucket, const StPut *put, Str path, StObject *ret_object, Err *err) {
    Str name;
    int64_t size = 0;
    bool ok = st_check_key(put->key, err) && st_file_take(store, arena, path, &name, &size, err);
    if (!ok) {
        (void)unlink(str_to_c(arena, path));
        return false;
    }
    return put_row(store, arena, bucket, put, name, size, ret_object, err);
}

bool st_object_copy(StStore *store, Arena *arena, const StObject *source, Str bucket, const StPut *put, StObject *ret_object, Err *err) {
    Str name;
    StPiece whole = {.path = source->path, .size = source->size, .is_whole = true};
    return st_check_key(put->key, err) && st_file_join(store, arena, &whole, 1, &name, err) &&
           put_row(store, arena, bucket, put, name, source->size, ret_object, err);
}

static bool delete_keys(StStore *store, Str bucket, const Str *keys, size_t count, const StCondition *condition, Err *err) {
    Arena *scratch = arena_new();
    StRemoval *removals = ARENA_ARRAY(scratch, StRemoval, count);
    StRemoved *removed = ARENA_ARRAY(scratch, StRemoved, count);
    for (size_t i = 0; i < count; i++) {
        removals[i] = (StRemoval){.key = keys[i], .condition = *condition};
    }
    bool ok = st_objects_remove(store, scratch, bucket, removals, count, removed, err);
    for (size_t i = 0; ok && i < count; i++) {
        ok = removed[i].failure == NULL || err_set(err, removed[i].failure->code, "%s", removed[i].failure->message);
    }
    arena_free(scratch);
    return ok;
}

bool st_object_delete(StStore *store, Str bucket, const Str *keys, size_t count, Err *err) {
    return delete_keys(store, bucket, keys, count, &(StCondition){0}, err);
}

bool st_object_delete_if(StStore *store, Str bucket, Str key, const StCondition *condition, Err *err) {
    return delete_keys(store, bucket, &key, 1, condition, err);
}
