/* versions.c - versions of objects: their rows, deletion and locks. See versions.h and version_rows.h; settings of buckets are in bucket_settings.c.
 *
 * An id is the version's seq and 64 random bits, both in hexadecimal digits: a listing goes on behind an id whose row is gone.
 */
#include "store/versions.h"

#include "base/vec.h"
#include "store/object_files.h"
#include "store/version_rows.h"

#include <stdlib.h>
#include <string.h>

enum { ID_SIZE = 32, SEQ_DIGITS = 16 };

static const Str NULL_VERSION = {"null", 4};

#define VERSION_COLUMNS ST_OBJECT_COLUMNS ", is_marker, replaced_us"

/* A statement about one key: ?1 the bucket, ?2 the key, which most here begin with. */
static StStatement key_statement(StStore *store, const char *sql, Str bucket, Str key, Err *err) {
    StStatement statement = st_prepare(store, sql, err);
    st_bind_str(&statement, bucket);
    st_bind_blob(&statement, key);
    return statement;
}

static bool run(StStatement *statement) {
    (void)st_step(statement);
    return st_finish(statement);
}

static bool is_versioned(const StBucket *bucket) {
    return bucket->versioning.len > 0;
}

bool st_version_is_valid(Str version) {
    if (str_eq(version, NULL_VERSION)) {
        return true;
    }
    for (size_t i = 0; i < version.len; i++) {
        char c = version.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
    }
    return version.len == ID_SIZE;
}

/* ---- reading ---- */

static StVersion read_version(StStore *store, StStatement *statement, Arena *arena) {
    return (StVersion){.object = st_read_object(store, statement, arena),
                       .is_marker = st_column_i64(statement, ST_OBJECT_COLUMN_COUNT) != 0,
                       .replaced_us = st_column_i64(statement, ST_OBJECT_COLUMN_COUNT + 1)};
}

/* The key's newest row of object_version. */
static bool find_newest_kept(StStore *store, Arena *arena, Str bucket, Str key, bool *ret_found, StVersion *ret_version, Err *err) {
    StStatement statement = key_statement(
        store, "SELECT " VERSION_COLUMNS " FROM object_version WHERE bucket = ?1 AND key = ?2 ORDER BY seq DESC LIMIT 1", bucket, key, err);
    *ret_found = st_step(&statement);
    if (*ret_found) {
        *ret_version = read_version(store, &statement, arena);
    }
    return st_finish(&statement);
}

static bool find_kept(StStore *store, Arena *arena, Str bucket, Str key, Str version, bool *ret_found, StVersion *ret_version, Err *err) {
    StStatement statement =
        key_statement(store, "SELECT " VERSION_COLUMNS " FROM object_version WHERE bucket = ?1 AND key = ?2 AND version = ?3", bucket, key, err);
    st_bind_str(&statement, version);
    *ret_found = st_step(&statement);
    if (*ret_found) {
        *ret_version = read_version(store, &statement, arena);
    }
    return st_finish(&statement);
}

/* The latest, or the one of that id; *ret_found is false when there is none. */
static bool find_version(StStore *store, Arena *arena, const StBucket *bucket, Str key, Str version, bool *ret_found, StVersion *ret_version, Err *err) {
    *ret_version = (StVersion){.is_latest = true};
    if (!st_find_object(store, arena, bucket, key, ret_found, &ret_version->object, err)) {
        return false;
    }
    Str current = is_versioned(bucket) ? ret_version->object.version : NULL_VERSION;
    if (*ret_found && (version.len == 0 || str_eq(version, current))) {
        return true;
    }
    bool has_current = *ret_found;
    *ret_found = false;
    if (!is_versioned(bucket)) {
        return true;
    }
    StVersion newest;
    bool has_kept = false;
    if (!find_newest_kept(store, arena, bucket->name, key, &has_kept, &newest, err)) {
        return false;
    }
    bool ok = true;
    if (version.len == 0) {
        *ret_found = has_kept;
        *ret_version = newest;
    } else if (has_kept) {
        ok = find_kept(store, arena, bucket->name, key, version, ret_found, ret_version, err);
    }
    if (*ret_found) {
        ret_version->is_latest = !has_current && ret_version->object.seq == newest.object.seq;
    }
    return ok;
}

static bool require_version(StStore *store, Arena *arena, const StBucket *bucket, Str key, Str version, StVersion *ret_version, Err *err) {
    bool found = false;
    if (!find_version(store, arena, bucket, key, version, &found, ret_version, err)) {
        return false;
    }
    return found || (version.len == 0 ? st_no_such_key(bucket->name, key, err)
                                      : err_set(err, "NoSuchVersion", "s3://%.*s/%.*s has no version %.*s", STR_ARG(bucket->name), STR_ARG(key),
                                                STR_ARG(version)));
}

bool st_version_get(StStore *store, Arena *arena, Str bucket, Str key, Str version, StVersion *ret_version, Err *err) {
    StBucket row;
    StStore *reader = st_reader(store);
    st_lock(reader);
    bool ok = st_lease(reader, arena, err) && st_snapshot(reader, err);
    if (ok) {
        ok = st_find_bucket(reader, arena, bucket, &row, err) && require_version(reader, arena, &row, key, version, ret_version, err);
        st_snapshot_end(reader);
    }
    st_unlock(reader);
    return ok;
}

/* ---- rows that go and come ---- */

static bool new_name(StStore *store, Arena *arena, const StBucket *bucket, Str key, int64_t now_us, StVersionName *ret_name, Err *err) {
    *ret_name = (StVersionName){NULL_VERSION, now_us};
    if (!is_versioned(bucket)) {
        return true;
    }
    StStatement newest = key_statement(store,
                                       "SELECT max(coalesce((SELECT seq FROM object WHERE bucket = ?1 AND key = ?2), 0), "
                                       "coalesce((SELECT max(seq) FROM object_version WHERE bucket = ?1 AND key = ?2), 0))",
                                       bucket->name, key, err);
    int64_t last = st_step(&newest) ? st_column_i64(&newest, 0) : 0;
    Str random;
    if (!st_finish(&newest) || !st_random_id(arena, &random, err)) {
        return false;
    }
    ret_name->seq = last >= now_us ? last + 1 : now_us; /* a clock may be set back */
    if (str_eq_c(bucket->versioning, "Enabled")) {
        ret_name->version = str_fmt(arena, "%016llx%.*s", (unsigned long long)ret_name->seq, STR_ARG(str_slice(random, 0, ID_SIZE - SEQ_DIGITS)));
    }
    return true;
}

/* Removes one row of object_version, and buries its file. */
static bool drop_kept(StStore *store, Str bucket, Str key, Str version, Err *err) {
    static const char *const STEPS[] = {
        "INSERT INTO dead_file (path) SELECT path FROM object_version WHERE bucket = ?1 AND key = ?2 AND version = ?3 AND path <> ''",
        "DELETE FROM object_version WHERE bucket = ?1 AND key = ?2 AND version = ?3"};
    for (size_t i = 0; i < 2; i++) {
        StStatement statement = key_statement(store, STEPS[i], bucket, key, err);
        st_bind_str(&statement, version);
        if (!run(&statement)) {
            return false;
        }
    }
    return true;
}

/* What the key stands for now becomes an older version. */
static bool keep_current(StStore *store, Str bucket, Str key, int64_t now_us, Err *err) {
    static const char *const STEPS[] = {
        "UPDATE object_version SET replaced_us = ?3 WHERE bucket = ?1 AND key = ?2 AND replaced_us = 0 AND "
        "seq = (SELECT max(seq) FROM object_version WHERE bucket = ?1 AND key = ?2)", /* a marker */
        "INSERT INTO object_version (bucket, " VERSION_COLUMNS ") SELECT bucket, " ST_OBJECT_COLUMNS
        ", 0, ?3 FROM object WHERE bucket = ?1 AND key = ?2"};
    for (size_t i = 0; i < 2; i++) {
        StStatement statement = key_statement(store, STEPS[i], bucket, key, err);
        st_bind_i64(&statement, now_us);
        if (!run(&statement)) {
            return false;
        }
    }
    StStatement drop = key_statement(store, "DELETE FROM object WHERE bucket = ?1 AND key = ?2", bucket, key, err);
    return run(&drop);
}

bool st_version_make_room(StStore *store, Arena *arena, const StBucket *bucket, Str key, int64_t now_us, StVersionName *ret_name, Err *err) {
    if (!new_name(store, arena, bucket, key, now_us, ret_name, err)) {
        return false;
    }
    if (!is_versioned(bucket)) {
        return st_drop_key(store, arena, bucket->name, key, err);
    }
    if (str_eq(ret_name->version, NULL_VERSION)) { /* the new null version replaces the one that is there, be it the latest or not */
        bool found = false;
        StObject object;
        if (!st_find_object(store, arena, bucket, key, &found, &object, err) ||
            (found && str_eq(object.version, NULL_VERSION) && !st_drop_key(store, arena, bucket->name, key, err)) ||
            !drop_kept(store, bucket->name, key, NULL_VERSION, err)) {
            return false;
        }
    }
    return keep_current(store, bucket->name, key, now_us, err);
}

/* A delete marker in the place of what is there. */
static bool hide(StStore *store, Arena *arena, const StBucket *bucket, Str key, int64_t now_us, Str *ret_version, Err *err) {
    StVersionName name;
    if (!st_version_make_room(store, arena, bucket, key, now_us, &name, err)) {
        return false;
    }
    *ret_version = name.version;
    StStatement statement = key_statement(store,
                                          "INSERT INTO object_version (bucket, key, version, seq, modified_us, is_marker, path, size, etag, meta, tags, "
                                          "lock_mode, lock_until_us, legal_hold, replaced_us) VALUES (?1, ?2, ?3, ?4, ?5, 1, '', 0, '', '', '', '', 0, 0, 0)",
                                          bucket->name, key, err);
    st_bind_str(&statement, name.version);
    st_bind_i64(&statement, name.seq);
    st_bind_i64(&statement, now_us);
    return run(&statement);
}

bool st_version_hide_range(StStore *store, Arena *arena, const StBucket *bucket, Str from, Str to, const Map *spared, int64_t now_us, Err *err) {
    VEC(Str) keys = {.arena = arena};
    StStatement statement = key_statement(store, "SELECT key FROM object WHERE bucket = ?1 AND key >= ?2 AND key < ?3", bucket->name, from, err);
    st_bind_blob(&statement, to);
    while (st_step(&statement)) {
        VEC_PUSH(&keys, st_column(&statement, arena, 0));
    }
    bool ok = st_finish(&statement);
    for (size_t i = 0; ok && i < keys.count; i++) {
        Str version;
        ok = map_get(spared, keys.items[i]) != NULL || hide(store, arena, bucket, keys.items[i], now_us, &version, err);
    }
    return ok;
}

/* After the latest is gone: what is now the newest becomes what the key stands for. */
static bool promote(StStore *store, Arena *arena, Str bucket, Str key, Err *err) {
    bool found = false;
    StVersion newest;
    if (!find_newest_kept(store, arena, bucket, key, &found, &newest, err) || !found) {
        return !err->is_set;
    }
    static const char *const OBJECT_STEPS[] = {"INSERT INTO object (bucket, " ST_OBJECT_COLUMNS ") SELECT bucket, " ST_OBJECT_COLUMNS
                                               " FROM object_version WHERE bucket = ?1 AND key = ?2 AND version = ?3",
                                               "DELETE FROM object_version WHERE bucket = ?1 AND key = ?2 AND version = ?3"};
    static const char *const MARKER_STEPS[] = {"UPDATE object_version SET replaced_us = 0 WHERE bucket = ?1 AND key = ?2 AND version = ?3"};
    const char *const *steps = newest.is_marker ? MARKER_STEPS : OBJECT_STEPS;
    for (size_t i = 0; i < (newest.is_marker ? 1u : 2u); i++) {
        StStatement statement = key_statement(store, steps[i], bucket, key, err);
        st_bind_str(&statement, newest.object.version);
        if (!run(&statement)) {
            return false;
        }
    }
    return true;
}

/* ---- deleting ---- */

static bool check_lock(const StLock *lock, bool bypasses_governance, int64_t now_us, Err *err) {
    bool is_retained = lock->until_us > now_us && (str_eq_c(lock->mode, "COMPLIANCE") || (lock->mode.len > 0 && !bypasses_governance));
    return (!lock->legal_hold && !is_retained) || err_set(err, "AccessDenied", "Access Denied because object protected by object lock.");
}

static bool remove_version(StStore *store, Arena *arena, const StBucket *bucket, const StRemoval *removal, int64_t now_us, StRemoved *ret_removed,
                           Err *err) {
    bool found = false;
    StVersion version;
    ret_removed->version = removal->version;
    if (!find_version(store, arena, bucket, removal->key, removal->version, &found, &version, err)) {
        return false;
    }
    if (!found || (removal->only_seq != 0 && removal->only_seq != version.object.seq)) {
        return true; /* as S3: what is not there needs no deleting */
    }
    ret_removed->is_marker = version.is_marker;
    if (!check_lock(&version.object.lock, removal->bypasses_governance, now_us, err)) {
        return false;
    }
    if (version.is_latest && !version.is_marker) {
        return st_drop_key(store, arena, bucket->name, removal->key, err) &&
               (!is_versioned(bucket) || promote(store, arena, bucket->name, removal->key, err));
    }
    return drop_kept(store, bucket->name, removal->key, removal->version, err) &&
           (!version.is_latest || promote(store, arena, bucket->name, removal->key, err));
}

static bool remove_one(StStore *store, Arena *arena, const StBucket *bucket, const StRemoval *removal, int64_t now_us, StRemoved *ret_removed, Err *err) {
    bool found = false;
    StObject object;
    *ret_removed = (StRemoved){0};
    if (!st_check_condition(store, arena, bucket, removal->key, &removal->condition, err)) {
        return false;
    }
    if (removal->version.len > 0) {
        return remove_version(store, arena, bucket, removal, now_us, ret_removed, err);
    }
    if (removal->only_seq != 0) {
        if (!st_find_object(store, arena, bucket, removal->key, &found, &object, err)) {
            return false;
        }
        if (!found || object.seq != removal->only_seq) {
            return true;
        }
    }
    if (!is_versioned(bucket)) {
        return st_drop_key(store, arena, bucket->name, removal->key, err);
    }
    ret_removed->is_marker = true;
    return hide(store, arena, bucket, removal->key, now_us, &ret_removed->version, err);
}

typedef struct Removals {
    Arena *arena;
    Str bucket;
    const StRemoval *items;
    size_t count;
    StRemoved *ret_removed;
} Removals;

/* What speaks against one removal is found before it changes anything: the others go on. */
static bool remove_all(StStore *store, void *self, Err *err) {
    const Removals *all = self;
    StBucket bucket;
    int64_t now_us = st_now_us();
    bool ok = st_find_bucket(store, all->arena, all->bucket, &bucket, err);
    for (size_t i = 0; ok && i < all->count; i++) {
        Err failure = {0};
        if (!remove_one(store, all->arena, &bucket, &all->items[i], now_us, &all->ret_removed[i], &failure)) {
            ok = strncmp(failure.code, "SOLDER.", 7) != 0 || err_set(err, failure.code, "%s", failure.message);
            all->ret_removed[i].failure = ARENA_NEW(all->arena, Err);
            *all->ret_removed[i].failure = failure;
        }
    }
    return ok;
}

bool st_objects_remove(StStore *store, Arena *arena, Str bucket, const StRemoval *removals, size_t count, StRemoved *ret_removed, Err *err) {
    Removals all = {.arena = arena, .bucket = bucket, .items = removals, .count = count, .ret_removed = ret_removed};
    bool ok = st_change_freeing(store, remove_all, &all, err);
    st_sweep_soon(store);
    return ok;
}

/* ---- what changes of a version ---- */

typedef struct VersionChange {
    Arena *arena;
    Str bucket, key, version;
    Str tags;
    const StLock *lock; /* of which part is meant */
    StLockPart part;
    bool bypasses_governance;
    Str *ret_version;
} VersionChange;

/* The version that is to be changed, and the table that its row stands in. */
static bool find_changed(StStore *store, const VersionChange *change, StVersion *ret_version, bool *ret_is_kept, Err *err) {
    StBucket bucket;
    if (!st_find_bucket(store, change->arena, change->bucket, &bucket, err) ||
        !require_version(store, change->arena, &bucket, change->key, change->version, ret_version, err)) {
        return false;
    }
    *ret_is_kept = !ret_version->is_latest;
    return !ret_version->is_marker ||
           err_set(err, "MethodNotAllowed", "s3://%.*s/%.*s is a delete marker", STR_ARG(change->bucket), STR_ARG(change->key));
}

static bool set_tags(StStore *store, void *self, Err *err) {
    const VersionChange *change = self;
    StVersion found;
    bool is_kept = false;
    if (!find_changed(store, change, &found, &is_kept, err)) {
        return false;
    }
    *change->ret_version = found.object.version;
    StStatement statement = key_statement(store,
                                          is_kept ? "UPDATE object_version SET tags = ?3 WHERE bucket = ?1 AND key = ?2 AND seq = ?4"
                                                  : "UPDATE object SET tags = ?3 WHERE bucket = ?1 AND key = ?2 AND seq = ?4",
                                          change->bucket, change->key, err);
    st_bind_str(&statement, change->tags);
    st_bind_i64(&statement, found.object.seq);
    return run(&statement);
}

bool st_version_set_tags(StStore *store, Arena *arena, Str bucket, Str key, Str version, Str tags, Str *ret_version, Err *err) {
    VersionChange change = {.arena = arena, .bucket = bucket, .key = key, .version = version, .tags = tags, .ret_version = ret_version};
    return st_change(store, STR(""), set_tags, &change, err);
}

/* A retention that holds may be made longer by anyone, and a governance may become a compliance; else it takes the right to bypass, or is impossible. */
static bool may_retain(const StLock *old, const StLock *new, bool bypasses_governance, int64_t now_us) {
    bool is_over = old->mode.len == 0 || old->until_us <= now_us;
    bool is_stricter = new->until_us >= old->until_us && (str_eq(new->mode, old->mode) || str_eq_c(new->mode, "COMPLIANCE"));
    return is_over || is_stricter || (bypasses_governance && str_eq_c(old->mode, "GOVERNANCE"));
}

static bool set_lock(StStore *store, void *self, Err *err) {
    const VersionChange *change = self;
    const StLock *lock = change->lock;
    StVersion found;
    bool is_kept = false;
    if (!find_changed(store, change, &found, &is_kept, err)) {
        return false;
    }
    StLock new = found.object.lock;
    if (change->part == ST_LEGAL_HOLD) {
        new.legal_hold = lock->legal_hold;
    } else if (may_retain(&found.object.lock, lock, change->bypasses_governance, st_now_us())) {
        new.mode = lock->mode;
        new.until_us = lock->until_us;
    } else {
        return err_set(err, "AccessDenied", "Access Denied because object protected by object lock.");
    }
    StStatement statement = key_statement(
        store,
        is_kept ? "UPDATE object_version SET lock_mode = ?3, lock_until_us = ?4, legal_hold = ?5 WHERE bucket = ?1 AND key = ?2 AND seq = ?6"
                : "UPDATE object SET lock_mode = ?3, lock_until_us = ?4, legal_hold = ?5 WHERE bucket = ?1 AND key = ?2 AND seq = ?6",
        change->bucket, change->key, err);
    st_bind_str(&statement, new.mode);
    st_bind_i64(&statement, new.until_us);
    st_bind_i64(&statement, new.legal_hold ? 1 : 0);
    st_bind_i64(&statement, found.object.seq);
    return run(&statement);
}

bool st_version_set_lock(StStore *store, Arena *arena, Str bucket, Str key, Str version, StLockPart part, const StLock *lock, bool bypasses_governance,
                         Err *err) {
    VersionChange change = {.arena = arena,
                            .bucket = bucket,
                            .key = key,
                            .version = version,
                            .lock = lock,
                            .part = part,
                            .bypasses_governance = bypasses_governance};
    return st_change(store, STR(""), set_lock, &change, err);
}

/* ---- listing ---- */

typedef VEC(StVersionEntry) EntryList;

/* Where a walk begins: at a key, of which versions from before_seq on are left out. */
typedef struct Start {
    Str key;
    int64_t before_seq; /* INT64_MAX: none is left out */
} Start;

static Start first_version(Arena *arena, const StVersionPage *page) {
    Start start = {.key = page->prefix, .before_seq = INT64_MAX};
    Str rolled = str_starts_with(page->after_key, page->prefix) ? st_rolled_up(page->after_key, page->prefix, page->delimiter) : STR("");
    if (rolled.len > 0) {
        start.key = st_prefix_end(arena, rolled);
    } else if (page->after_key.len > 0 && str_cmp(page->after_key, start.key) >= 0) {
        char digits[SEQ_DIGITS + 1] = {0};
        bool is_inside = page->after_version.len == ID_SIZE;
        if (is_inside) {
            memcpy(digits, page->after_version.data, SEQ_DIGITS);
            start.before_seq = (int64_t)strtoull(digits, NULL, 16);
        }
        start.key = (Str){str_to_c(arena, page->after_key), page->after_key.len + (is_inside ? 0 : 1)}; /* followed by NUL: the next possible key */
    }
    return start;
}

/* Both tables in one order, each read along its index: SQLite merges them without sorting. */
#define WALK(table, more)                                                                                                                            \
    "SELECT " ST_OBJECT_COLUMNS more " FROM " table " WHERE bucket = ?1 AND key >= ?2 AND key < ?3"

static const char WALK_SQL[] = WALK("object", ", 0 AS is_marker, 0 AS replaced_us, 1 AS is_current") " UNION ALL " WALK(
    "object_version", ", is_marker, replaced_us, 0 AS is_current") " ORDER BY key, seq DESC";
/* The rest of one key, whose latest version was shown already; ?3 says nothing new. */
static const char REST_SQL[] = "SELECT " VERSION_COLUMNS ", 0 FROM object_version WHERE bucket = ?1 AND key = ?2 AND length(?3) >= 0 AND seq < ?4 "
                               "ORDER BY seq DESC";

/* One row of a walk. true: the walk goes on behind a common prefix, at start->key. */
static bool take_row(StStore *store, Arena *arena, StStatement *statement, const StVersionPage *page, Start *start, Str *last_key, EntryList *entries) {
    Str rolled = st_rolled_up(st_column_peek(statement, 0), page->prefix, page->delimiter);
    if (rolled.len > 0) {
        VEC_PUSH(entries, (StVersionEntry){.is_prefix = true, .version.object.key = str_copy(arena, rolled)});
        start->key = st_prefix_end(arena, rolled);
        return true;
    }
    StVersion version = read_version(store, statement, arena);
    version.is_latest = st_column_i64(statement, ST_OBJECT_COLUMN_COUNT + 2) != 0 || !str_eq(version.object.key, *last_key);
    *last_key = version.object.key;
    VEC_PUSH(entries, (StVersionEntry){.version = version});
    return false;
}

/* Steps through the rows as st_object_page's walk does: behind the first key of a common prefix it goes on behind the last. */
static bool walk(StStore *store, Arena *arena, Str bucket, const StVersionPage *page, Start start, EntryList *entries, bool *ret_more, Err *err) {
    Str end = st_prefix_end(arena, page->prefix);
    Str last_key = STR("");
    for (bool is_done = false; !is_done && !*ret_more;) {
        bool is_rest = start.before_seq != INT64_MAX;
        bool jumps = false;
        StStatement statement = st_prepare(store, is_rest ? REST_SQL : WALK_SQL, err);
        st_bind_str(&statement, bucket);
        st_bind_blob(&statement, start.key);
        st_bind_blob(&statement, end);
        if (is_rest) {
            st_bind_i64(&statement, start.before_seq);
            last_key = start.key;
        }
        while (!jumps && !*ret_more && st_step(&statement)) {
            *ret_more = entries->count == page->limit;
            jumps = !*ret_more && take_row(store, arena, &statement, page, &start, &last_key, entries);
        }
        if (!st_finish(&statement)) {
            return false;
        }
        if (is_rest) { /* the key is over: on with the next possible one */
            start = (Start){.key = {str_to_c(arena, start.key), start.key.len + 1}, .before_seq = INT64_MAX};
        }
        is_done = !is_rest && !jumps;
    }
    return true;
}

/* "null" has no seq in it: its row says it. A row that is gone: the page begins behind the key. */
static bool find_start(StStore *store, Arena *arena, const StBucket *bucket, const StVersionPage *page, Start *ret_start, Err *err) {
    *ret_start = first_version(arena, page);
    if (!str_eq(page->after_version, NULL_VERSION)) {
        return true;
    }
    bool found = false;
    StVersion version;
    if (!find_version(store, arena, bucket, page->after_key, page->after_version, &found, &version, err)) {
        return false;
    }
    if (found && ret_start->key.len == page->after_key.len + 1) {
        ret_start->key.len--;
        ret_start->before_seq = version.object.seq;
    }
    return true;
}

bool st_version_page(StStore *store, Arena *arena, Str bucket, const StVersionPage *page, const StVersionEntry **ret_entries, size_t *ret_count,
                     bool *ret_more, Err *err) {
    EntryList entries = {.arena = arena};
    StBucket row;
    Start start;
    *ret_more = false;
    StStore *reader = st_reader(store);
    st_lock(reader);
    bool ok = st_lease(reader, arena, err) && st_snapshot(reader, err);
    if (ok) {
        ok = st_find_bucket(reader, arena, bucket, &row, err) && find_start(reader, arena, &row, page, &start, err) &&
             (page->limit == 0 || walk(reader, arena, bucket, page, start, &entries, ret_more, err));
        st_snapshot_end(reader);
    }
    st_unlock(reader);
    *ret_entries = entries.items;
    *ret_count = entries.count;
    return ok;
}
