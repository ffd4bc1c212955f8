/* store/store_room.h - what the files of store/ share: the handle, statements that clean up after themselves, and changes.
 *
 * Not for other rooms. Invariant: every use of db happens between st_lock and st_unlock of the same handle. A store has two handles: the one that it is
 * known by, whose connection writes, and a reader, so that nobody who only looks waits for the disk. A function that reads alone takes the reader first.
 */
#ifndef SOLDER_STORE_STORE_ROOM_H
#define SOLDER_STORE_STORE_ROOM_H

#include "store/store.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

typedef struct StLease StLease;

/* A statement that is over and may be used again: preparing one takes longer than most of them run. */
typedef struct StIdleStatement {
    uint64_t hash; /* of its text */
    sqlite3_stmt *stmt; /* NULL: the place is free */
} StIdleStatement;

enum { ST_IDLE_STATEMENTS = 64 };

struct StStore {
    StStore *main;   /* the handle that holds all that is the store's own, not a connection's: itself, or of a reader the store */
    StStore *reader; /* NULL: this is one */
    Arena *arena; /* lives as long as the store */
    Str home;
    Str scratch; /* empty: not asked for */
    int lock_fd;
    sqlite3 *db;
    pthread_mutex_t mutex;
    StIdleStatement idle[ST_IDLE_STATEMENTS];
    size_t next_idle; /* which gives way when all places are taken */
    struct StKeyCache *key_cache; /* keys.c */
    struct StChanges *changes;    /* changes.c */
    /* object_files.c */
    Str id;                     /* of the file readers/<id> */
    int reader_fd;
    _Atomic int64_t *published; /* what that file holds */
    pthread_mutex_t lease_mutex;
    StLease *oldest_lease, *youngest_lease;
    pthread_mutex_t claims_mutex;
    struct StClaim *claims; /* part_places.c */
    char single_directory[33];  /* "": none yet */
    int single_count;
    _Atomic int64_t swept_us;
    atomic_bool reserve_is_whole; /* reserve.c */
};

/* The handle for functions that only read: what is committed when a statement begins. */
StStore *st_reader(StStore *store);
/* From here to its end all statements of the reader see the same rows. With its lock held, behind st_lease: a file must not go between the two. */
bool st_snapshot(StStore *reader, Err *err);
void st_snapshot_end(StStore *reader);

void st_lock(StStore *store);
void st_unlock(StStore *store);

/* One prepared statement. A failed step sets err once; every later call does nothing, so that a caller checks at the end. */
typedef struct StStatement {
    StStore *store;
    sqlite3_stmt *stmt;
    uint64_t hash; /* of its text */
    int bound;
    bool failed;
    Err *err;
} StStatement;

StStatement st_prepare(StStore *store, const char *sql, Err *err);
void st_bind_str(StStatement *statement, Str value);  /* the next parameter; TEXT */
void st_bind_blob(StStatement *statement, Str value); /* the next parameter; BLOB */
void st_bind_i64(StStatement *statement, int64_t value);
bool st_step(StStatement *statement); /* true: a row is there */
Str st_column(StStatement *statement, Arena *arena, int column);
Str st_column_peek(StStatement *statement, int column); /* borrowed until the next step */
int64_t st_column_i64(StStatement *statement, int column);
/* Ends the statement; true when nothing failed. */
bool st_finish(StStatement *statement);
bool st_exec(StStore *store, const char *sql, Err *err);
/* Ends a transaction: COMMIT when ok, else ROLLBACK. What became of it. */
bool st_end(StStore *store, bool ok, Err *err);

/* What one change does to rows; false with err set: none of it happens. */
typedef bool (*StApply)(StStore *store, void *self, Err *err);

/* Applies it in a transaction, and returns when that is on disk. Called without the lock. file: the name of an object file that the change's rows name,
 * synced itself, whose directory is to be made durable first; empty: none. Changes that come while the disk is busy share the next transaction and its
 * one sync; apply may then run on another thread, while the caller waits. */
bool st_change(StStore *store, Str file, StApply apply, void *self, Err *err);
/* The same for a change that frees bytes: on a full disk a piece of the reserve is given up for it. apply may run a second time. */
bool st_change_freeing(StStore *store, StApply apply, void *self, Err *err);
/* Room for such changes. Both take the lock themselves. */
void st_reserve_take(StStore *store);
bool st_reserve_give(StStore *store); /* false: there is none left */
bool st_changes_open(StStore *store, Err *err);
void st_changes_close(StStore *store);

/* NULL is allowed (keys.c). */
void st_key_cache_free(struct StKeyCache *owned_cache);

#endif
