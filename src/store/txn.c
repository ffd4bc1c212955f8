/* txn.c - the transaction that makes a set of objects visible in one step. See store.h.
 *
 * It writes into a directory of its own, objects/<id>/, and its commit is one SQLite transaction over rows that point into it. A process that
 * is killed before that leaves a directory of files without rows; st_sweep removes them (object_files.c).
 */
#include "base/map.h"
#include "base/vec.h"
#include "store/object_files.h"
#include "store/objects.h"
#include "store/version_rows.h"

#include <fcntl.h>

typedef struct TxnFile {
    Str key;
    Str name; /* below objects/ */
    int64_t size; /* known at the commit */
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

StTxn *st_txn_begin(StStore *store, Str bucket, Err *err) {
    st_lock(store);
    bool ok = st_require_bucket(store, bucket, err);
    st_unlock(store);
    Arena *arena = arena_new();
    StTxn *txn = ARENA_NEW(arena, StTxn);
    *txn = (StTxn){.store = store, .arena = arena, .bucket = str_copy(arena, bucket), .files.arena = arena, .replaced_prefixes.arena = arena};
    ok = ok && st_random_id(arena, &txn->id, err) && (pthread_mutex_init(&txn->mutex, NULL) == 0 || err_set(err, ERR_INTERNAL, "cannot make a mutex"));
    if (!ok) {
        arena_free(arena);
        return NULL;
    }
    if (!st_directory_open(store, txn->id, err)) {
        st_txn_abort(txn);
        return NULL;
    }
    return txn;
}

bool st_txn_add(StTxn *txn, Arena *arena, Str key, Str *ret_path, Err *err) {
    if (!st_check_key(key, err)) {
        return false;
    }
    if (pthread_mutex_lock(&txn->mutex) != 0) {
        return err_set(err, ERR_INTERNAL, "cannot lock the transaction");
    }
    TxnFile file = {.key = str_copy(txn->arena, key), .name = str_fmt(txn->arena, "%.*s/%zu", STR_ARG(txn->id), txn->files.count)};
    VEC_PUSH(&txn->files, file);
    *ret_path = st_file_path(arena, txn->store, file.name);
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

/* Takes what is replaced away. A bucket without versions drops whole ranges; else each key but those that are written anyway gets a marker. */
static bool drop_replaced(StTxn *txn, const StBucket *bucket, int64_t now_us, Err *err) {
    Map written = {.arena = txn->arena};
    for (size_t i = 0; bucket->versioning.len > 0 && i < txn->files.count; i++) {
        map_put(&written, txn->files.items[i].key, txn);
    }
    for (size_t i = 0; i < txn->replaced_prefixes.count; i++) {
        Str prefix = txn->replaced_prefixes.items[i];
        Str end = st_prefix_end(txn->arena, prefix);
        bool ok = bucket->versioning.len == 0 ? st_drop_objects(txn->store, txn->bucket, prefix, end, err)
                                              : st_version_hide_range(txn->store, txn->arena, bucket, prefix, end, &written, now_us, err);
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool write_rows(StStore *store, void *self, Err *err) {
    StTxn *txn = self;
    StBucket bucket;
    int64_t now_us = st_now_us();
    /* The bucket may have gone meanwhile: the foreign key says so, but less clearly. */
    if (!st_find_bucket(store, txn->arena, txn->bucket, &bucket, err) || !drop_replaced(txn, &bucket, now_us, err)) {
        return false;
    }
    for (size_t i = 0; i < txn->files.count; i++) {
        const TxnFile *file = &txn->files.items[i];
        StPut put = {.key = file->key};
        if (!st_object_insert(store, txn->arena, &bucket, &put, file->name, file->size, now_us, NULL, err)) {
            return false;
        }
    }
    return st_directory_settle(store, txn->id, err);
}

bool st_txn_commit(StTxn *owned_txn, Err *err) {
    StTxn *txn = owned_txn;
    StStore *store = txn->store;
    bool ok = true;
    for (size_t i = 0; ok && i < txn->files.count; i++) {
        ok = st_sync_path(st_file_path(txn->arena, store, txn->files.items[i].name).data, O_RDONLY, &txn->files.items[i].size, err);
    }
    ok = ok && st_change(store, txn->id, write_rows, txn, err);
    if (!ok) {
        st_txn_abort(txn);
        return false;
    }
    (void)pthread_mutex_destroy(&txn->mutex);
    arena_free(txn->arena);
    st_sweep_soon(store);
    return true;
}

void st_txn_abort(StTxn *owned_txn) {
    st_directory_drop(owned_txn->store, owned_txn->id);
    (void)pthread_mutex_destroy(&owned_txn->mutex);
    arena_free(owned_txn->arena);
}
