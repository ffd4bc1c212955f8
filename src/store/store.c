/* store.c - opening the home directory: lock, database, migrations; statements. See store.h. */
#include "store/store.h"

#include "store/object_files.h"
#include "store/part_places.h"
#include "store/store_room.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct Migration {
    int number;
    const char *name;
    const char *sql;
} Migration;

static const Migration MIGRATIONS[] = {
#include "gen/store_migrations.inc"
};

enum { MIGRATION_COUNT = sizeof MIGRATIONS / sizeof MIGRATIONS[0], BUSY_TIMEOUT_MS = 30000 };

StStore *st_reader(StStore *store) {
    return store->reader != NULL ? store->reader : store;
}

static bool run_statement(StStore *store, const char *sql, Err *err) {
    StStatement statement = st_prepare(store, sql, err);
    (void)st_step(&statement);
    return st_finish(&statement);
}

bool st_snapshot(StStore *reader, Err *err) {
    return run_statement(reader, "BEGIN", err);
}

void st_snapshot_end(StStore *reader) {
    Err ignored = {0}; /* nothing was written */
    (void)run_statement(reader, "COMMIT", &ignored);
}

void st_lock(StStore *store) {
    if (pthread_mutex_lock(&store->mutex) != 0) {
        abort(); /* the mutex is ours and valid: only memory corruption gets here */
    }
}

void st_unlock(StStore *store) {
    if (pthread_mutex_unlock(&store->mutex) != 0) {
        abort();
    }
}

int64_t st_now_us(void) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return 0;
    }
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool sqlite_failed(StStore *store, Err *err) {
    int code = sqlite3_errcode(store->db) & 0xff;
    const char *name = code == SQLITE_FULL ? ERR_DISK_FULL : err_io_code(code == SQLITE_IOERR ? sqlite3_system_errno(store->db) : 0);
    return err_set(err, name, "%.*s/solder.db: %s", STR_ARG(store->home), sqlite3_errmsg(store->db));
}

bool st_exec(StStore *store, const char *sql, Err *err) {
    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return sqlite_failed(store, err);
    }
    return true;
}

static sqlite3_stmt *take_idle(StStore *store, uint64_t hash, const char *sql) {
    for (size_t i = 0; i < ST_IDLE_STATEMENTS; i++) {
        StIdleStatement *idle = &store->idle[i];
        if (idle->stmt != NULL && idle->hash == hash && strcmp(sqlite3_sql(idle->stmt), sql) == 0) {
            sqlite3_stmt *stmt = idle->stmt;
            idle->stmt = NULL;
            return stmt;
        }
    }
    return NULL;
}

static void put_idle(StStore *store, uint64_t hash, sqlite3_stmt *stmt) {
    size_t at = store->next_idle;
    for (size_t i = 0; i < ST_IDLE_STATEMENTS && store->idle[at].stmt != NULL; i++) {
        at = (at + 1) % ST_IDLE_STATEMENTS;
    }
    (void)sqlite3_finalize(store->idle[at].stmt); /* NULL is allowed */
    store->idle[at] = (StIdleStatement){hash, stmt};
    store->next_idle = (at + 1) % ST_IDLE_STATEMENTS;
}

static void free_idle(StStore *store) {
    for (size_t i = 0; i < ST_IDLE_STATEMENTS; i++) {
        (void)sqlite3_finalize(store->idle[i].stmt);
        store->idle[i].stmt = NULL;
    }
}

StStatement st_prepare(StStore *store, const char *sql, Err *err) {
    StStatement statement = {.store = store, .err = err, .hash = str_hash(str_from_c(sql))};
    statement.stmt = take_idle(store, statement.hash, sql);
    if (statement.stmt == NULL && sqlite3_prepare_v2(store->db, sql, -1, &statement.stmt, NULL) != SQLITE_OK) {
        statement.failed = true;
        (void)sqlite_failed(store, err);
    }
    return statement;
}

static void check_bind(StStatement *statement, int code) {
    if (code != SQLITE_OK) {
        statement->failed = true;
        (void)sqlite_failed(statement->store, statement->err);
    }
}

void st_bind_str(StStatement *statement, Str value) {
    if (!statement->failed) {
        statement->bound++;
        check_bind(statement, sqlite3_bind_text64(statement->stmt, statement->bound, value.data != NULL ? value.data : "", value.len,
                                                  SQLITE_TRANSIENT, SQLITE_UTF8));
    }
}

void st_bind_blob(StStatement *statement, Str value) {
    if (!statement->failed) {
        statement->bound++;
        check_bind(statement, sqlite3_bind_blob64(statement->stmt, statement->bound, value.data != NULL ? value.data : "", value.len,
                                                  SQLITE_TRANSIENT));
    }
}

void st_bind_i64(StStatement *statement, int64_t value) {
    if (!statement->failed) {
        statement->bound++;
        check_bind(statement, sqlite3_bind_int64(statement->stmt, statement->bound, value));
    }
}

bool st_step(StStatement *statement) {
    if (statement->failed) {
        return false;
    }
    int code = sqlite3_step(statement->stmt);
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code != SQLITE_DONE) {
        statement->failed = true;
        (void)sqlite_failed(statement->store, statement->err);
    }
    return false;
}

Str st_column_peek(StStatement *statement, int column) {
    const void *data = sqlite3_column_blob(statement->stmt, column);
    int size = sqlite3_column_bytes(statement->stmt, column);
    return (Str){data, data == NULL || size < 0 ? 0 : (size_t)size};
}

Str st_column(StStatement *statement, Arena *arena, int column) {
    return str_copy(arena, st_column_peek(statement, column));
}

int64_t st_column_i64(StStatement *statement, int column) {
    return sqlite3_column_int64(statement->stmt, column);
}

bool st_finish(StStatement *statement) {
    bool is_reusable = statement->stmt != NULL && !statement->failed && sqlite3_reset(statement->stmt) == SQLITE_OK &&
                       sqlite3_clear_bindings(statement->stmt) == SQLITE_OK;
    if (is_reusable) {
        put_idle(statement->store, statement->hash, statement->stmt);
    } else {
        (void)sqlite3_finalize(statement->stmt); /* repeats the error of the last step, which is reported already */
    }
    statement->stmt = NULL;
    return !statement->failed;
}

bool st_end(StStore *store, bool ok, Err *err) {
    Err ignored = {0};
    if (ok && st_exec(store, "COMMIT", err)) {
        return true;
    }
    (void)st_exec(store, "ROLLBACK", &ignored);
    return false;
}

static bool make_directories(Arena *arena, Str path, Err *err) {
    char *text = str_to_c(arena, path);
    for (char *at = text + 1;; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        char saved = *at;
        *at = '\0';
        if (mkdir(text, 0700) != 0 && errno != EEXIST) {
            return err_set(err, ERR_IO, "home directory %s: %s", text, strerror(errno));
        }
        *at = saved;
        if (saved == '\0') {
            return true;
        }
    }
}

static bool migrate(StStore *store, Err *err) {
    /* IMMEDIATE: of two processes that start on a new home directory, one migrates and the other waits. */
    if (!st_exec(store, "BEGIN IMMEDIATE", err)) {
        return false;
    }
    StStatement version = st_prepare(store, "PRAGMA user_version", err);
    int64_t done = st_step(&version) ? st_column_i64(&version, 0) : 0;
    bool ok = st_finish(&version);
    if (ok && done > MIGRATION_COUNT) {
        ok = err_set(err, ERR_IO, "%.*s was written by a newer solder (schema %lld, this one knows %d): use that version",
                     STR_ARG(store->home), (long long)done, (int)MIGRATION_COUNT);
    }
    for (int64_t i = done; ok && i < MIGRATION_COUNT; i++) {
        ok = st_exec(store, MIGRATIONS[i].sql, err);
        if (ok) {
            Arena *scratch = arena_new();
            ok = st_exec(store, str_to_c(scratch, str_fmt(scratch, "PRAGMA user_version = %d", MIGRATIONS[i].number)), err);
            arena_free(scratch);
        }
    }
    return st_end(store, ok, err);
}

static bool open_database(StStore *store, Err *err) {
    Str path = str_fmt(store->arena, "%.*s/solder.db", STR_ARG(store->home));
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX;
    if (sqlite3_open_v2(path.data, &store->db, flags, NULL) != SQLITE_OK) {
        return sqlite_failed(store, err);
    }
    (void)sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    return true;
}

/* When the tables are there. */
static bool open_reader(StStore *store, Err *err) {
    StStore *reader = ARENA_NEW(store->arena, StStore);
    *reader = (StStore){.main = store, .arena = store->arena, .home = store->home, .id = store->id, .lock_fd = -1, .reader_fd = -1};
    if (pthread_mutex_init(&reader->mutex, NULL) != 0) {
        return err_set(err, ERR_INTERNAL, "cannot make a mutex");
    }
    store->reader = reader;
    return open_database(reader, err) && st_exec(reader, "PRAGMA query_only = ON", err);
}

static void close_reader(StStore *reader) {
    free_idle(reader);
    (void)sqlite3_close(reader->db);
    st_key_cache_free(reader->key_cache);
    (void)pthread_mutex_destroy(&reader->mutex);
}

static bool open_home(StStore *store, Str home, Err *err) {
    if (home.len == 0) {
        return err_set(err, ERR_IO, "no home directory given: set --home, SOLDER_HOME or HOME");
    }
    if (!make_directories(store->arena, home, err)) {
        return false;
    }
    char *resolved = realpath(str_to_c(store->arena, home), NULL);
    if (resolved == NULL) {
        return err_set(err, ERR_IO, "home directory %.*s: %s", STR_ARG(home), strerror(errno));
    }
    store->home = str_copy(store->arena, str_from_c(resolved));
    free(resolved);
    if (!make_directories(store->arena, str_fmt(store->arena, "%.*s/objects", STR_ARG(store->home)), err)) {
        return false;
    }
    Str lock = str_fmt(store->arena, "%.*s/home.lock", STR_ARG(store->home));
    store->lock_fd = open(lock.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0 || flock(store->lock_fd, LOCK_SH) != 0) {
        return err_set(err, ERR_IO, "%.*s: %s", STR_ARG(lock), strerror(errno));
    }
    if (!open_database(store, err)) {
        return false;
    }
    /* FULL: a commit is on disk when it returns, also after a power cut. */
    return st_exec(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON", err) && migrate(store, err) &&
           st_changes_open(store, err) && st_files_open(store, err) && open_reader(store, err);
}

/* What killed processes left in tmp/, when nobody else is here. Converting back to a shared lock can't fail while we hold it. */
static void sweep_scratch(StStore *store) {
    Arena *scratch = arena_new();
    st_lock(store);
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        st_remove_tree(str_fmt(scratch, "%.*s/tmp", STR_ARG(store->home)).data);
    }
    /* A failed conversion drops the lock that was held (flock(2)): take it again. */
    (void)flock(store->lock_fd, LOCK_SH);
    st_unlock(store);
    arena_free(scratch);
}

StStore *st_open(Str home, Err *err) {
    Arena *arena = arena_new();
    StStore *store = ARENA_NEW(arena, StStore);
    store->arena = arena;
    store->main = store;
    store->lock_fd = -1;
    store->reader_fd = -1;
    if (pthread_mutex_init(&store->mutex, NULL) != 0 || pthread_mutex_init(&store->lease_mutex, NULL) != 0 ||
        pthread_mutex_init(&store->claims_mutex, NULL) != 0) {
        (void)err_set(err, ERR_INTERNAL, "cannot make a mutex");
        arena_free(arena);
        return NULL;
    }
    if (!open_home(store, home, err)) {
        st_close(store);
        return NULL;
    }
    sweep_scratch(store);
    st_sweep(store);
    return store;
}

void st_close(StStore *owned_store) {
    if (owned_store == NULL) {
        return;
    }
    if (owned_store->scratch.len > 0) {
        st_remove_tree(owned_store->scratch.data);
    }
    if (owned_store->reader != NULL) {
        close_reader(owned_store->reader);
    }
    if (owned_store->db != NULL) {
        st_files_close(owned_store);
        sweep_scratch(owned_store);
        free_idle(owned_store);
        (void)sqlite3_close(owned_store->db);
    }
    if (owned_store->lock_fd >= 0) {
        (void)close(owned_store->lock_fd); /* also drops the lock */
    }
    st_changes_close(owned_store);
    st_key_cache_free(owned_store->key_cache);
    (void)pthread_mutex_destroy(&owned_store->mutex);
    (void)pthread_mutex_destroy(&owned_store->lease_mutex);
    st_claims_close(owned_store);
    (void)pthread_mutex_destroy(&owned_store->claims_mutex);
    arena_free(owned_store->arena);
}

Str st_home(const StStore *store) {
    return store->home;
}

bool st_scratch_directory(StStore *store, Str *ret_path, Err *err) {
    st_lock(store);
    Str path = str_fmt(store->arena, "%.*s/tmp/run-%d", STR_ARG(store->home), (int)getpid());
    st_remove_tree(path.data); /* of a killed process that had our pid */
    bool ok = make_directories(store->arena, path, err);
    if (ok) {
        store->scratch = path;
        *ret_path = path;
    }
    st_unlock(store);
    return ok;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where) {
    (void)status;
    (void)kind;
    (void)where;
    (void)remove(path);
    return 0;
}

void st_remove_tree(const char *path) {
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
