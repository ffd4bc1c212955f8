/* changes.c - st_change: small transactions that wait for the disk together. See store_room.h.
 *
 * A commit costs a sync of the write-ahead log, which takes longer than all else about a small change. So changes queue: the first one leads; it takes
 * all that have come, applies each below a savepoint of its own, and commits once. Those that come meanwhile wait for the next leader, one of them.
 * Invariants: a change is reported as done behind the commit that holds it; of one that failed nothing is left, and the others of its transaction stand;
 * when the commit fails, all of them have failed.
 */
#include "base/map.h"
#include "store/object_files.h"

#include <stdlib.h>

typedef struct Waiting {
    Str file;
    StApply apply;
    void *self;
    Err *err;
    bool ok, is_done;
    struct Waiting *next;
} Waiting;

struct StChanges {
    pthread_mutex_t mutex;
    pthread_cond_t done; /* some changes are, and nobody leads */
    Waiting *first, *last;
    bool has_leader;
};

bool st_changes_open(StStore *store, Err *err) {
    struct StChanges *changes = ARENA_NEW(store->arena, struct StChanges);
    if (pthread_mutex_init(&changes->mutex, NULL) != 0 || pthread_cond_init(&changes->done, NULL) != 0) {
        return err_set(err, ERR_INTERNAL, "cannot make a mutex");
    }
    store->changes = changes;
    return true;
}

void st_changes_close(StStore *store) {
    if (store->changes != NULL) {
        (void)pthread_mutex_destroy(&store->changes->mutex);
        (void)pthread_cond_destroy(&store->changes->done);
    }
}

static void lock_queue(struct StChanges *changes) {
    if (pthread_mutex_lock(&changes->mutex) != 0) {
        abort(); /* as st_lock */
    }
}

static void unlock_queue(struct StChanges *changes) {
    if (pthread_mutex_unlock(&changes->mutex) != 0) {
        abort();
    }
}

/* The new names in them are durable, each directory once. */
static bool sync_directories(StStore *store, Waiting *batch, Err *err) {
    Arena *scratch = arena_new();
    Map synced = {.arena = scratch};
    bool ok = true;
    for (Waiting *one = batch; ok && one != NULL; one = one->next) {
        Str directory = st_file_directory(one->file);
        if (directory.len > 0 && map_get(&synced, directory) == NULL) {
            ok = st_file_sync_directory(store, directory, err);
            map_put(&synced, directory, one);
        }
    }
    arena_free(scratch);
    return ok;
}

/* A full disk may end the whole transaction below a change: then no savepoint is there any more, and nothing can be told apart. */
static bool apply_one(StStore *store, Waiting *one, Err *err) {
    Err failure = {0};
    if (!st_exec(store, "SAVEPOINT change", err)) {
        return false;
    }
    one->ok = one->apply(store, one->self, one->err);
    bool is_lost = sqlite3_get_autocommit(store->db) != 0;
    bool ok = !is_lost && (one->ok || st_exec(store, "ROLLBACK TO change", &failure)) && st_exec(store, "RELEASE change", &failure);
    return ok || (is_lost ? err_set(err, one->err->code, "the transaction was ended: %s", one->err->message) : err_set(err, failure.code, "%s", failure.message));
}

static bool apply_all(StStore *store, Waiting *batch, Err *err) {
    bool ok = sync_directories(store, batch, err);
    st_lock(store);
    ok = ok && st_exec(store, "BEGIN IMMEDIATE", err);
    if (ok && batch->next == NULL) {
        batch->ok = batch->apply(store, batch->self, batch->err);
        ok = st_end(store, batch->ok, err) || !batch->ok;
    } else if (ok) {
        for (Waiting *one = batch; ok && one != NULL; one = one->next) {
            ok = apply_one(store, one, err);
        }
        ok = st_end(store, ok, err);
    }
    st_unlock(store);
    return ok;
}

static void lead(StStore *store, Waiting *batch) {
    Err err = {0};
    if (apply_all(store, batch, &err)) {
        return;
    }
    for (Waiting *one = batch; one != NULL; one = one->next) {
        if (!one->err->is_set) {
            (void)err_set(one->err, err.code, "%s", err.message);
        }
        one->ok = false;
    }
}

bool st_change(StStore *store, Str file, StApply apply, void *self, Err *err) {
    struct StChanges *changes = store->changes;
    Waiting own = {.file = file, .apply = apply, .self = self, .err = err};
    lock_queue(changes);
    *(changes->first == NULL ? &changes->first : &changes->last->next) = &own;
    changes->last = &own;
    while (changes->has_leader && !own.is_done) {
        (void)pthread_cond_wait(&changes->done, &changes->mutex);
    }
    if (!own.is_done) {
        Waiting *batch = changes->first;
        changes->first = changes->last = NULL;
        changes->has_leader = true;
        unlock_queue(changes);
        lead(store, batch);
        lock_queue(changes);
        for (Waiting *one = batch; one != NULL; one = one->next) {
            one->is_done = true;
        }
        changes->has_leader = false;
        (void)pthread_cond_broadcast(&changes->done);
    }
    unlock_queue(changes);
    return own.ok;
}

bool st_change_freeing(StStore *store, StApply apply, void *self, Err *err) {
    Err failure = {0};
    bool ok = st_change(store, STR(""), apply, self, &failure);
    while (!ok && err_is(&failure, ERR_DISK_FULL) && st_reserve_give(store)) {
        err_clear(&failure);
        ok = st_change(store, STR(""), apply, self, &failure);
    }
    return ok || err_set(err, failure.code, "%s", failure.message);
}
