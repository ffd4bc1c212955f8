/* objects.c - buckets, objects, and the transaction that makes a set of objects visible in one step. See store.h.
 *
 * A transaction writes into a directory of its own, objects/<id>/, and its commit is one SQLite transaction over rows that point into
 * it. A process that is killed before that leaves a directory that no row points to; st_sweep removes it.
 */
#include "base/map.h"
#include "base/vec.h"
#include "store/store_room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct TxnFile {
    Str key;
    Str name; /* below objects/ */
} TxnFile;

struct StTxn {
    StStore *store;
    Arena *arena;
    Str bucket;
    Str id;
    VEC(TxnFile) files;
    VEC(Str) replaced_prefixes;
    pthread_mutex_t mutex; /* several writer threads add files */
};

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

bool st_bucket_create(StStore *store, Str name, Err *err) {
    if (!bucket_name_is_valid(name)) {
        return err_set(err, "InvalidBucketName",
                       "%.*s: a bucket's name is 3 to 63 characters of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit",
                       STR_ARG(name));
    }
    st_lock(store);
    StStatement statement = st_prepare(store, "INSERT INTO bucket (name, created_us) VALUES (?1, ?2) ON CONFLICT DO NOTHING", err);
    st_bind_str(&statement, name);
    st_bind_i64(&statement, st_now_us());
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
    st_lock(store);
    bool ok = bucket_exists_locked(store, name, ret_exists, err);
    st_unlock(store);
    return ok;
}

static bool require_bucket(StStore *store, Str name, Err *err) {
    bool exists = false;
    if (!bucket_exists_locked(store, name, &exists, err)) {
        return false;
    }
    return exists || err_set(err, "NoSuchBucket", "bucket %.*s does not exist: make it with solder s3 mb s3://%.*s", STR_ARG(name),
                             STR_ARG(name));
}

static bool bucket_delete_locked(StStore *store, Str name, Err *err) {
    if (!require_bucket(store, name, err)) {
        return false;
    }
    StStatement any = st_prepare(store, "SELECT 1 FROM object WHERE bucket = ?1 LIMIT 1", err);
    st_bind_str(&any, name);
    bool has_objects = st_step(&any);
    if (!st_finish(&any)) {
        return false;
    }
    if (has_objects) {
        return err_set(err, "BucketNotEmpty", "bucket %.*s is not empty", STR_ARG(name));
    }
    StStatement statement = st_prepare(store, "DELETE FROM bucket WHERE name = ?1", err);
    st_bind_str(&statement, name);
    (void)st_step(&statement);
    return st_finish(&statement);
}

bool st_bucket_delete(StStore *store, Str name, Err *err) {
    st_lock(store);
    bool ok = bucket_delete_locked(store, name, err);
    st_unlock(store);
    return ok;
}

bool st_bucket_list(StStore *store, Arena *arena, const StBucket **ret_buckets, size_t *ret_count, Err *err) {
    VEC(StBucket) rows = {.arena = arena};
    st_lock(store);
    StStatement statement = st_prepare(store, "SELECT name, created_us FROM bucket ORDER BY name", err);
    while (st_step(&statement)) {
        VEC_PUSH(&rows, (StBucket){st_column(&statement, arena, 0), st_column_i64(&statement, 1)});
    }
    bool ok = st_finish(&statement);
    st_unlock(store);
    *ret_buckets = rows.items;
    *ret_count = rows.count;
    return ok;
}

/* ---- objects ---- */

static StObject read_object(StStore *store, StStatement *statement, Arena *arena) {
    Str name = st_column(statement, arena, 1);
    return (StObject){.key = st_column(statement, arena, 0),
                      .path = str_fmt(arena, "%.*s/objects/%.*s", STR_ARG(store->home), STR_ARG(name)),
                      .size = st_column_i64(statement, 2),
                      .modified_us = st_column_i64(statement, 3)};
}

bool st_object_get(StStore *store, Arena *arena, Str bucket, Str key, StObject *ret_object, Err *err) {
    st_lock(store);
    bool ok = require_bucket(store, bucket, err);
    if (ok) {
        StStatement statement = st_prepare(store, "SELECT key, path, size, modified_us FROM object WHERE bucket = ?1 AND key = ?2", err);
        st_bind_str(&statement, bucket);
        st_bind_blob(&statement, key);
        bool found = st_step(&statement);
        if (found) {
            *ret_object = read_object(store, &statement, arena);
        }
        ok = st_finish(&statement) && (found || err_set(err, "NoSuchKey", "s3://%.*s/%.*s does not exist", STR_ARG(bucket), STR_ARG(key)));
    }
    st_unlock(store);
    return ok;
}

/* The least byte string that is greater than every string beginning with prefix; empty: there is none. */
static Str prefix_end(Arena *arena, Str prefix) {
    size_t len = prefix.len;
    while (len > 0 && (unsigned char)prefix.data[len - 1] == 0xFF) {
        len--;
    }
    if (len == 0) {
        return STR("");
    }
    char *end = str_to_c(arena, (Str){prefix.data, len});
    end[len - 1]++;
    return (Str){end, len};
}

bool st_object_list(StStore *store, Arena *arena, Str bucket, Str prefix, Str start_after, size_t limit, const StObject **ret_objects,
                    size_t *ret_count, Err *err) {
    VEC(StObject) rows = {.arena = arena};
    Str end = prefix_end(arena, prefix);
    st_lock(store);
    bool ok = require_bucket(store, bucket, err);
    if (ok) {
        StStatement statement = st_prepare(store,
                                           "SELECT key, path, size, modified_us FROM object WHERE bucket = ?1 AND key >= ?2 AND key > ?3 AND "
                                           "(length(?4) = 0 OR key < ?4) ORDER BY key LIMIT ?5",
                                           err);
        st_bind_str(&statement, bucket);
        st_bind_blob(&statement, prefix);
        st_bind_blob(&statement, start_after);
        st_bind_blob(&statement, end);
        st_bind_i64(&statement, limit == 0 ? -1 : (int64_t)limit);
        while (st_step(&statement)) {
            VEC_PUSH(&rows, read_object(store, &statement, arena));
        }
        ok = st_finish(&statement);
    }
    st_unlock(store);
    *ret_objects = rows.items;
    *ret_count = rows.count;
    return ok;
}

/* Moves the files of the objects that the condition names to garbage, then deletes the rows. Parameters: bucket, from, to ('' is none), txn. */
static bool drop_objects(StStore *store, Str bucket, Str from, Str to, Str kept_txn, Err *err) {
    static const char *const STEPS[] = {
        "INSERT OR IGNORE INTO garbage (path) SELECT path FROM object WHERE bucket = ?1 AND key >= ?2 AND (length(?3) = 0 OR key < ?3) AND "
        "(length(?4) = 0 OR path NOT GLOB ?4 || '/*')",
        "DELETE FROM object WHERE bucket = ?1 AND key >= ?2 AND (length(?3) = 0 OR key < ?3) AND (length(?4) = 0 OR path NOT GLOB ?4 || '/*')"};
    for (size_t i = 0; i < 2; i++) {
        StStatement statement = st_prepare(store, STEPS[i], err);
        st_bind_str(&statement, bucket);
        st_bind_blob(&statement, from);
        st_bind_blob(&statement, to);
        st_bind_str(&statement, kept_txn);
        (void)st_step(&statement);
        if (!st_finish(&statement)) {
            return false;
        }
    }
    return true;
}

static bool drop_key(StStore *store, Arena *scratch, Str bucket, Str key, Str kept_txn, Err *err) {
    /* key followed by NUL is the next possible key: the range holds this one key. */
    char *next = str_to_c(scratch, key);
    return drop_objects(store, bucket, key, (Str){next, key.len + 1}, kept_txn, err);
}

bool st_object_delete(StStore *store, Str bucket, Str key, Err *err) {
    Arena *scratch = arena_new();
    st_lock(store);
    bool ok = require_bucket(store, bucket, err) && st_exec(store, "BEGIN IMMEDIATE", err);
    if (ok) {
        ok = drop_key(store, scratch, bucket, key, STR(""), err);
        Err ignored = {0};
        ok = st_exec(store, ok ? "COMMIT" : "ROLLBACK", ok ? err : &ignored) && ok;
    }
    st_unlock(store);
    arena_free(scratch);
    return ok;
}

/* ---- transactions ---- */

static Str directory_of(Arena *arena, const StTxn *txn) {
    return str_fmt(arena, "%.*s/objects/%.*s", STR_ARG(txn->store->home), STR_ARG(txn->id));
}

StTxn *st_txn_begin(StStore *store, Str bucket, Err *err) {
    st_lock(store);
    bool ok = require_bucket(store, bucket, err);
    st_unlock(store);
    uint64_t random[2];
    if (!ok) {
        return NULL;
    }
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        (void)err_set(err, ERR_IO, "no random numbers: %s", strerror(errno));
        return NULL;
    }
    Arena *arena = arena_new();
    StTxn *txn = ARENA_NEW(arena, StTxn);
    txn->store = store;
    txn->arena = arena;
    txn->bucket = str_copy(arena, bucket);
    txn->id = str_fmt(arena, "%016llx%016llx", (unsigned long long)random[0], (unsigned long long)random[1]);
    txn->files.arena = arena;
    txn->replaced_prefixes.arena = arena;
    if (pthread_mutex_init(&txn->mutex, NULL) != 0) {
        (void)err_set(err, ERR_INTERNAL, "cannot make a mutex");
        arena_free(arena);
        return NULL;
    }
    Str directory = directory_of(arena, txn);
    if (mkdir(directory.data, 0700) != 0) {
        (void)err_set(err, ERR_IO, "%.*s: %s", STR_ARG(directory), strerror(errno));
        st_txn_abort(txn);
        return NULL;
    }
    return txn;
}

bool st_txn_add(StTxn *txn, Arena *arena, Str key, Str *ret_path, Err *err) {
    if (key.len == 0 || key.len > 1024) {
        return err_set(err, "KeyTooLongError", "a key has 1 to 1024 bytes, this one %zu", key.len);
    }
    if (pthread_mutex_lock(&txn->mutex) != 0) {
        return err_set(err, ERR_INTERNAL, "cannot lock the transaction");
    }
    TxnFile file = {.key = str_copy(txn->arena, key), .name = str_fmt(txn->arena, "%.*s/%zu", STR_ARG(txn->id), txn->files.count)};
    VEC_PUSH(&txn->files, file);
    *ret_path = str_fmt(arena, "%.*s/objects/%.*s", STR_ARG(txn->store->home), STR_ARG(file.name));
    (void)pthread_mutex_unlock(&txn->mutex);
    return true;
}

bool st_txn_replace(StTxn *txn, Str prefix, Err *err) {
    if (pthread_mutex_lock(&txn->mutex) != 0) {
        return err_set(err, ERR_INTERNAL, "cannot lock the transaction");
    }
    VEC_PUSH(&txn->replaced_prefixes, str_copy(txn->arena, prefix));
    (void)pthread_mutex_unlock(&txn->mutex);
    return true;
}

static bool sync_path(const char *path, int flags, int64_t *ret_size, Err *err) {
    int fd = open(path, flags | O_CLOEXEC);
    struct stat status;
    bool ok = fd >= 0 && fsync(fd) == 0 && fstat(fd, &status) == 0;
    if (!ok) {
        (void)err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    } else if (ret_size != NULL) {
        *ret_size = (int64_t)status.st_size;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return ok;
}

static bool insert_object(StTxn *txn, const TxnFile *file, int64_t size, int64_t now_us, Err *err) {
    StStatement statement =
        st_prepare(txn->store, "INSERT INTO object (bucket, key, path, size, modified_us) VALUES (?1, ?2, ?3, ?4, ?5)", err);
    st_bind_str(&statement, txn->bucket);
    st_bind_blob(&statement, file->key);
    st_bind_str(&statement, file->name);
    st_bind_i64(&statement, size);
    st_bind_i64(&statement, now_us);
    (void)st_step(&statement);
    return st_finish(&statement);
}

static bool write_rows(StTxn *txn, const int64_t *sizes, Err *err) {
    for (size_t i = 0; i < txn->replaced_prefixes.count; i++) {
        Str prefix = txn->replaced_prefixes.items[i];
        if (!drop_objects(txn->store, txn->bucket, prefix, prefix_end(txn->arena, prefix), STR(""), err)) {
            return false;
        }
    }
    int64_t now_us = st_now_us();
    for (size_t i = 0; i < txn->files.count; i++) {
        const TxnFile *file = &txn->files.items[i];
        if (!drop_key(txn->store, txn->arena, txn->bucket, file->key, STR(""), err) || !insert_object(txn, file, sizes[i], now_us, err)) {
            return false;
        }
    }
    return true;
}

bool st_txn_commit(StTxn *owned_txn, Err *err) {
    StTxn *txn = owned_txn;
    int64_t *sizes = ARENA_ARRAY(txn->arena, int64_t, txn->files.count);
    bool ok = true;
    for (size_t i = 0; ok && i < txn->files.count; i++) {
        Str path = str_fmt(txn->arena, "%.*s/objects/%.*s", STR_ARG(txn->store->home), STR_ARG(txn->files.items[i].name));
        ok = sync_path(path.data, O_RDONLY, &sizes[i], err);
    }
    Str objects = str_fmt(txn->arena, "%.*s/objects", STR_ARG(txn->store->home));
    ok = ok && sync_path(directory_of(txn->arena, txn).data, O_RDONLY | O_DIRECTORY, NULL, err) &&
         sync_path(objects.data, O_RDONLY | O_DIRECTORY, NULL, err);
    if (ok) {
        st_lock(txn->store);
        ok = st_exec(txn->store, "BEGIN IMMEDIATE", err);
        if (ok) {
            /* The bucket may have gone meanwhile: the foreign key says so, but less clearly. */
            ok = require_bucket(txn->store, txn->bucket, err) && write_rows(txn, sizes, err);
            Err ignored = {0};
            ok = st_exec(txn->store, ok ? "COMMIT" : "ROLLBACK", ok ? err : &ignored) && ok;
        }
        st_unlock(txn->store);
    }
    if (!ok) {
        st_txn_abort(txn);
        return false;
    }
    (void)pthread_mutex_destroy(&txn->mutex);
    arena_free(txn->arena);
    return true;
}

/* Removes objects/<name> and the files in it: these directories hold no directories. */
static void remove_directory(StStore *store, Str name) {
    Arena *scratch = arena_new();
    Str path = str_fmt(scratch, "%.*s/objects/%.*s", STR_ARG(store->home), STR_ARG(name));
    DIR *directory = opendir(path.data);
    if (directory != NULL) {
        for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
            if (entry->d_name[0] != '.') {
                (void)unlinkat(dirfd(directory), entry->d_name, 0);
            }
        }
        (void)closedir(directory);
        (void)rmdir(path.data);
    }
    arena_free(scratch);
}

void st_txn_abort(StTxn *owned_txn) {
    remove_directory(owned_txn->store, owned_txn->id);
    (void)pthread_mutex_destroy(&owned_txn->mutex);
    arena_free(owned_txn->arena);
}

/* ---- sweeping ---- */

static void sweep_garbage(StStore *store, Arena *scratch) {
    Err ignored = {0};
    StStatement statement = st_prepare(store, "SELECT path FROM garbage", &ignored);
    while (st_step(&statement)) {
        Str name = st_column(&statement, scratch, 0);
        Str path = str_fmt(scratch, "%.*s/objects/%.*s", STR_ARG(store->home), STR_ARG(name));
        (void)unlink(path.data);
    }
    if (st_finish(&statement)) {
        (void)st_exec(store, "DELETE FROM garbage", &ignored);
    }
}

static void sweep_directories(StStore *store, Arena *scratch) {
    Str objects = str_fmt(scratch, "%.*s/objects", STR_ARG(store->home));
    DIR *directory = opendir(objects.data);
    if (directory == NULL) {
        return;
    }
    Err ignored = {0};
    /* One pass over the rows is one look at each path; the directories that hold none of them are left-overs. */
    Map used = {.arena = scratch};
    StStatement statement = st_prepare(store, "SELECT DISTINCT substr(path, 1, 32) FROM object", &ignored);
    while (st_step(&statement)) {
        map_put(&used, st_column(&statement, scratch, 0), store);
    }
    if (st_finish(&statement)) {
        for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
            Str name = str_copy(scratch, str_from_c(entry->d_name));
            if (name.len == 32 && map_get(&used, name) == NULL) {
                remove_directory(store, name);
            }
        }
    }
    (void)closedir(directory);
}

void st_sweep(StStore *store) {
    st_lock(store);
    /* Alone here: nobody reads an old file or is in a transaction. Converting back to shared can't fail while we hold it. */
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        Arena *scratch = arena_new();
        sweep_garbage(store, scratch);
        sweep_directories(store, scratch);
        st_remove_tree(str_fmt(scratch, "%.*s/tmp", STR_ARG(store->home)).data);
        arena_free(scratch);
        (void)flock(store->lock_fd, LOCK_SH);
    } else {
        /* A failed conversion drops the lock that was held (flock(2)): take it again. */
        (void)flock(store->lock_fd, LOCK_SH);
    }
    st_unlock(store);
}
