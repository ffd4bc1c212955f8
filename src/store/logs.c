/* logs.c - log groups and streams as rows, and appending to their files; see logs.h. */
#include "store/logs.h"

#include "base/vec.h"
#include "store/log_room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_PATIENCE_MS = 5000, LOCK_PAUSE_MS = 20 };

void st_logs_lock(StLogs *logs) {
    if (pthread_mutex_lock(&logs->mutex) != 0) {
        abort(); /* ours and valid: only memory corruption gets here */
    }
}

void st_logs_unlock(StLogs *logs) {
    if (pthread_mutex_unlock(&logs->mutex) != 0) {
        abort();
    }
}

static int64_t now_ms(void) {
    return st_now_us() / 1000;
}

static Str key_of(const int64_t *id) {
    return (Str){(const char *)id, sizeof *id};
}

StLogFile *st_logs_file(StLogs *logs, int64_t stream_id, Err *err) {
    StLogFile *file = map_get(&logs->files, key_of(&stream_id));
    if (file != NULL) {
        return file;
    }
    file = calloc(1, sizeof *file);
    if (file == NULL) {
        abort();
    }
    file->id = stream_id;
    file->fd = -1;
    file->path = str_fmt(logs->arena, "%.*s/%lld", STR_ARG(logs->folder), (long long)stream_id);
    if (!st_log_file_load(file, err)) {
        st_log_file_done(file);
        free(file);
        return NULL;
    }
    map_put(&logs->files, str_copy(logs->arena, key_of(&stream_id)), file);
    return file;
}

static void forget_file(StLogs *logs, int64_t stream_id) {
    StLogFile *file = map_get(&logs->files, key_of(&stream_id));
    if (file != NULL) {
        map_remove(&logs->files, key_of(&stream_id));
        st_log_file_done(file);
        free(file);
    }
}

static void remove_file(StLogs *logs, int64_t stream_id) {
    static const char *const ENDINGS[] = {"log", "idx"};
    Arena *scratch = arena_new();
    forget_file(logs, stream_id);
    for (size_t i = 0; i < 2; i++) {
        (void)unlink(str_fmt(scratch, "%.*s/%lld.%s", STR_ARG(logs->folder), (long long)stream_id, ENDINGS[i]).data);
    }
    arena_free(scratch);
}

/* What the file tells of the stream's events. */
static void describe(const StLogFile *file, StLogStream *stream) {
    stream->stored_bytes = 0;
    stream->ingested_ms = 0;
    for (size_t i = 0; i < file->nblocks; i++) {
        const StLogBlock *block = &file->blocks[i];
        stream->first_ms = i == 0 || block->min_ms < stream->first_ms ? block->min_ms : stream->first_ms;
        stream->last_ms = i == 0 || block->max_ms > stream->last_ms ? block->max_ms : stream->last_ms;
        stream->ingested_ms = block->ingested_ms;
        /* A record's header stands for CloudWatch's overhead, which is two bytes more. */
        stream->stored_bytes += block->end - block->start + block->count * (ST_LOG_EVENT_OVERHEAD - 24);
    }
}

static bool write_row(StLogs *logs, const StLogFile *file, Err *err) {
    StLogStream stream = {0};
    describe(file, &stream);
    StStatement statement = st_prepare(
        logs->store, "UPDATE log_stream SET first_ms = ?1, last_ms = ?2, ingested_ms = ?3, stored_bytes = ?4, file_bytes = ?5 WHERE id = ?6", err);
    st_bind_i64(&statement, stream.first_ms);
    st_bind_i64(&statement, stream.last_ms);
    st_bind_i64(&statement, stream.ingested_ms);
    st_bind_i64(&statement, stream.stored_bytes);
    st_bind_i64(&statement, file->size);
    st_bind_i64(&statement, file->id);
    (void)st_step(&statement);
    return st_finish(&statement);
}

/* ---- start and end ---- */

static bool take_lock(StLogs *logs, Err *err) {
    struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
    Str path = str_fmt(logs->arena, "%.*s/lock", STR_ARG(logs->folder));
    if (mkdir(logs->folder.data, 0700) != 0 && errno != EEXIST) {
        return err_set(err, err_io_code(errno), "%.*s: %s", STR_ARG(logs->folder), strerror(errno));
    }
    logs->lock_fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (logs->lock_fd < 0) {
        return err_set(err, err_io_code(errno), "%.*s: %s", STR_ARG(path), strerror(errno));
    }
    /* A server that was just killed may take a moment to let go. */
    for (int waited = 0; flock(logs->lock_fd, LOCK_EX | LOCK_NB) != 0; waited += LOCK_PAUSE_MS) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return err_set(err, err_io_code(errno), "%.*s: %s", STR_ARG(path), strerror(errno));
        }
        if (waited >= LOCK_PATIENCE_MS) {
            return err_set(err, ERR_IO, "another solder serve uses the home directory %.*s: stop it, or name another with --home",
                           STR_ARG(st_home(logs->store)));
        }
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

typedef struct Row {
    int64_t id, file_bytes;
} Row;

/* Rows that are not true of their file any more: the process was killed between an append and its sync. */
static bool make_rows_true(StLogs *logs, Err *err) {
    Arena *scratch = arena_new();
    VEC(Row) rows = {.arena = scratch};
    st_lock(logs->store);
    StStatement statement = st_prepare(logs->store, "SELECT id, file_bytes FROM log_stream", err);
    while (st_step(&statement)) {
        VEC_PUSH(&rows, (Row){st_column_i64(&statement, 0), st_column_i64(&statement, 1)});
    }
    bool ok = st_finish(&statement);
    for (size_t i = 0; i < rows.count && ok; i++) {
        struct stat status;
        Str path = str_fmt(scratch, "%.*s/%lld.log", STR_ARG(logs->folder), (long long)rows.items[i].id);
        int64_t size = stat(path.data, &status) == 0 ? status.st_size : 0;
        if (size != rows.items[i].file_bytes) {
            StLogFile *file = st_logs_file(logs, rows.items[i].id, err);
            ok = file != NULL && write_row(logs, file, err);
        }
    }
    st_unlock(logs->store);
    arena_free(scratch);
    return ok;
}

static bool has_row(StLogs *logs, int64_t id, bool *ret_has, Err *err) {
    StStatement statement = st_prepare(logs->store, "SELECT 1 FROM log_stream WHERE id = ?1", err);
    st_bind_i64(&statement, id);
    *ret_has = st_step(&statement);
    return st_finish(&statement);
}

/* Files of streams that were deleted, but whose unlinking did not come to pass. */
static void remove_strays(StLogs *logs) {
    DIR *folder = opendir(logs->folder.data);
    st_lock(logs->store);
    for (struct dirent *entry = folder == NULL ? NULL : readdir(folder); entry != NULL; entry = readdir(folder)) {
        Err ignored = {0};
        int64_t id = 0;
        bool has = true;
        Str name = str_from_c(entry->d_name);
        if (name.len > 4 && str_to_i64(str_slice(name, 0, name.len - 4), &id) && has_row(logs, id, &has, &ignored) && !has) {
            remove_file(logs, id);
        }
    }
    st_unlock(logs->store);
    if (folder != NULL) {
        (void)closedir(folder);
    }
}

static void free_logs(StLogs *logs) {
    for (size_t i = 0; i < logs->files.count; i++) {
        StLogFile *file = logs->files.entries[i].value;
        if (file != NULL) {
            st_log_file_done(file);
            free(file);
        }
    }
    if (logs->lock_fd >= 0) {
        (void)close(logs->lock_fd); /* also drops the lock */
    }
    (void)pthread_mutex_destroy(&logs->mutex);
    arena_free(logs->arena);
}

StLogs *st_logs_open(StStore *store, Err *err) {
    Arena *arena = arena_new();
    StLogs *logs = ARENA_NEW(arena, StLogs);
    logs->arena = arena;
    logs->store = store;
    logs->lock_fd = -1;
    logs->files.arena = arena;
    logs->folder = str_fmt(arena, "%.*s/logs", STR_ARG(st_home(store)));
    if (pthread_mutex_init(&logs->mutex, NULL) != 0) {
        (void)err_set(err, ERR_INTERNAL, "cannot make a mutex");
        arena_free(arena);
        return NULL;
    }
    if (!take_lock(logs, err) || !make_rows_true(logs, err)) {
        free_logs(logs);
        return NULL;
    }
    remove_strays(logs);
    return logs;
}

bool st_logs_sync(StLogs *logs, bool *ret_did, Err *err) {
    bool ok = true;
    VEC(StLogFile *) written = {.arena = arena_new()};
    st_logs_lock(logs);
    for (size_t i = 0; i < logs->files.count && ok; i++) {
        StLogFile *file = logs->files.entries[i].value;
        if (file != NULL && file->is_dirty) {
            ok = st_log_file_sync(file, err);
            VEC_PUSH(&written, file);
        }
    }
    if (written.count > 0 && ok) {
        st_lock(logs->store);
        ok = st_exec(logs->store, "BEGIN IMMEDIATE", err);
        for (size_t i = 0; i < written.count && ok; i++) {
            ok = write_row(logs, written.items[i], err);
        }
        ok = ok && st_exec(logs->store, "COMMIT", err);
        if (!ok) {
            Err ignored = {0};
            (void)st_exec(logs->store, "ROLLBACK", &ignored);
        }
        st_unlock(logs->store);
    }
    st_logs_unlock(logs);
    *ret_did = written.count > 0;
    arena_free(written.arena);
    return ok;
}

void st_logs_close(StLogs *owned_logs) {
    if (owned_logs != NULL) {
        Err ignored = {0}; /* what is not synced is there all the same, and rows are made true at the next start */
        bool did = false;
        (void)st_logs_sync(owned_logs, &did, &ignored);
        free_logs(owned_logs);
    }
}

int64_t st_logs_bytes_read(StLogs *logs) {
    st_logs_lock(logs);
    int64_t bytes = logs->bytes_read;
    st_logs_unlock(logs);
    return bytes;
}

/* ---- groups ---- */

static bool no_group(Err *err) {
    return err_set(err, "ResourceNotFoundException", "The specified log group does not exist.");
}

static bool no_stream(Err *err) {
    return err_set(err, "ResourceNotFoundException", "The specified log stream does not exist.");
}

bool st_log_group_create(StLogs *logs, Str name, Str tags, Err *err) {
    st_lock(logs->store);
    StStatement statement = st_prepare(logs->store, "INSERT INTO log_group (name, created_ms, tags) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", err);
    st_bind_str(&statement, name);
    st_bind_i64(&statement, now_ms());
    st_bind_str(&statement, tags.len > 0 ? tags : STR("{}"));
    (void)st_step(&statement);
    bool ok = st_finish(&statement);
    bool inserted = ok && sqlite3_changes(logs->store->db) > 0;
    st_unlock(logs->store);
    return ok && (inserted || err_set(err, "ResourceAlreadyExistsException", "The specified log group already exists"));
}

/* One statement with a group's name first; ResourceNotFoundException when it changes nothing. */
static bool change_group(StLogs *logs, const char *sql, Str name, const int64_t *number, const Str *text, Err *err) {
    st_lock(logs->store);
    StStatement statement = st_prepare(logs->store, sql, err);
    st_bind_str(&statement, name);
    if (number != NULL) {
        st_bind_i64(&statement, *number);
    }
    if (text != NULL) {
        st_bind_str(&statement, *text);
    }
    (void)st_step(&statement);
    bool ok = st_finish(&statement);
    bool changed = ok && sqlite3_changes(logs->store->db) > 0;
    st_unlock(logs->store);
    return ok && (changed || no_group(err));
}

bool st_log_group_retain(StLogs *logs, Str name, int64_t days, Err *err) {
    return change_group(logs, "UPDATE log_group SET retention_days = ?2 WHERE name = ?1", name, &days, NULL, err);
}

bool st_log_group_tag(StLogs *logs, Str name, Str patch, Err *err) {
    return change_group(logs, "UPDATE log_group SET tags = json_patch(iif(tags = '', '{}', tags), ?2) WHERE name = ?1", name, NULL, &patch, err);
}

bool st_log_group_list(StLogs *logs, Arena *arena, Str prefix, const StLogGroup **ret_groups, size_t *ret_count, Err *err) {
    VEC(StLogGroup) groups = {.arena = arena};
    st_lock(logs->store);
    StStatement statement = st_prepare(logs->store,
                                       "SELECT name, created_ms, retention_days, tags, "
                                       "(SELECT coalesce(sum(stored_bytes), 0) FROM log_stream WHERE log_group = log_group.name) "
                                       "FROM log_group WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name",
                                       err);
    st_bind_str(&statement, prefix);
    while (st_step(&statement)) {
        VEC_PUSH(&groups, (StLogGroup){.name = st_column(&statement, arena, 0),
                                       .created_ms = st_column_i64(&statement, 1),
                                       .retention_days = st_column_i64(&statement, 2),
                                       .tags = st_column(&statement, arena, 3),
                                       .stored_bytes = st_column_i64(&statement, 4)});
    }
    bool ok = st_finish(&statement);
    st_unlock(logs->store);
    *ret_groups = groups.items;
    *ret_count = groups.count;
    return ok;
}

bool st_log_group_get(StLogs *logs, Arena *arena, Str name, StLogGroup *ret_group, Err *err) {
    const StLogGroup *groups = NULL;
    size_t count = 0;
    if (!st_log_group_list(logs, arena, name, &groups, &count, err)) {
        return false;
    }
    if (count == 0 || !str_eq(groups[0].name, name)) {
        return no_group(err);
    }
    *ret_group = groups[0]; /* by name: the prefix itself comes first */
    return true;
}

bool st_log_group_delete(StLogs *logs, Str name, Err *err) {
    Arena *scratch = arena_new();
    /* No stream may come between the look and the deletion: both under the lock that creation takes. */
    st_logs_lock(logs);
    st_lock(logs->store);
    VEC(int64_t) ids = {.arena = scratch};
    StStatement statement = st_prepare(logs->store, "SELECT id FROM log_stream WHERE log_group = ?1", err);
    st_bind_str(&statement, name);
    while (st_step(&statement)) {
        VEC_PUSH(&ids, st_column_i64(&statement, 0));
    }
    bool ok = st_finish(&statement);
    st_unlock(logs->store);
    ok = ok && change_group(logs, "DELETE FROM log_group WHERE name = ?1", name, NULL, NULL, err);
    for (size_t i = 0; i < ids.count && ok; i++) {
        remove_file(logs, ids.items[i]);
    }
    st_logs_unlock(logs);
    arena_free(scratch);
    return ok;
}

/* ---- streams ---- */

static bool group_is_there(StLogs *logs, Str group, Err *err) {
    StStatement statement = st_prepare(logs->store, "SELECT 1 FROM log_group WHERE name = ?1", err);
    st_bind_str(&statement, group);
    bool found = st_step(&statement);
    return st_finish(&statement) && (found || no_group(err));
}

/* The new file's name on disk too, so that a synced append can't vanish with its folder's entry. */
static bool make_file(StLogs *logs, int64_t id, Err *err) {
    Arena *scratch = arena_new();
    Str path = str_fmt(scratch, "%.*s/%lld.log", STR_ARG(logs->folder), (long long)id);
    int fd = open(path.data, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int folder = open(logs->folder.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = (fd >= 0 && folder >= 0 && fsync(folder) == 0) || err_set(err, err_io_code(errno), "%.*s: %s", STR_ARG(path), strerror(errno));
    if (fd >= 0) {
        (void)close(fd);
    }
    if (folder >= 0) {
        (void)close(folder);
    }
    arena_free(scratch);
    return ok;
}

bool st_log_stream_create(StLogs *logs, Str group, Str name, Err *err) {
    bool inserted = false;
    st_logs_lock(logs);
    st_lock(logs->store);
    bool ok = group_is_there(logs, group, err);
    if (ok) {
        StStatement statement = st_prepare(logs->store, "INSERT INTO log_stream (log_group, name, created_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", err);
        st_bind_str(&statement, group);
        st_bind_str(&statement, name);
        st_bind_i64(&statement, now_ms());
        (void)st_step(&statement);
        ok = st_finish(&statement);
        inserted = ok && sqlite3_changes(logs->store->db) > 0;
    }
    int64_t id = inserted ? sqlite3_last_insert_rowid(logs->store->db) : 0;
    st_unlock(logs->store);
    ok = ok && (inserted || err_set(err, "ResourceAlreadyExistsException", "The specified log stream already exists")) && make_file(logs, id, err);
    st_logs_unlock(logs);
    return ok;
}

/* Under both locks: what the row tells, or of a loaded file the file. */
static StLogStream read_stream(StLogs *logs, StStatement *statement, Arena *arena) {
    StLogStream stream = {.id = st_column_i64(statement, 0),
                          .name = st_column(statement, arena, 1),
                          .created_ms = st_column_i64(statement, 2),
                          .first_ms = st_column_i64(statement, 3),
                          .last_ms = st_column_i64(statement, 4),
                          .ingested_ms = st_column_i64(statement, 5),
                          .stored_bytes = st_column_i64(statement, 6)};
    const StLogFile *file = map_get(&logs->files, key_of(&stream.id));
    if (file != NULL) {
        describe(file, &stream);
    }
    return stream;
}

#define STREAM_COLUMNS "id, name, created_ms, first_ms, last_ms, ingested_ms, stored_bytes"

bool st_log_stream_list(StLogs *logs, Arena *arena, Str group, Str prefix, const StLogStream **ret_streams, size_t *ret_count, Err *err) {
    VEC(StLogStream) streams = {.arena = arena};
    st_logs_lock(logs);
    st_lock(logs->store);
    bool ok = group_is_there(logs, group, err);
    if (ok) {
        StStatement statement = st_prepare(
            logs->store, "SELECT " STREAM_COLUMNS " FROM log_stream WHERE log_group = ?1 AND substr(name, 1, length(?2)) = ?2 ORDER BY name", err);
        st_bind_str(&statement, group);
        st_bind_str(&statement, prefix);
        while (st_step(&statement)) {
            VEC_PUSH(&streams, read_stream(logs, &statement, arena));
        }
        ok = st_finish(&statement);
    }
    st_unlock(logs->store);
    st_logs_unlock(logs);
    *ret_streams = streams.items;
    *ret_count = streams.count;
    return ok;
}

bool st_log_stream_get(StLogs *logs, Arena *arena, Str group, Str name, StLogStream *ret_stream, Err *err) {
    st_logs_lock(logs);
    st_lock(logs->store);
    bool ok = group_is_there(logs, group, err);
    bool found = false;
    if (ok) {
        StStatement statement = st_prepare(logs->store, "SELECT " STREAM_COLUMNS " FROM log_stream WHERE log_group = ?1 AND name = ?2", err);
        st_bind_str(&statement, group);
        st_bind_str(&statement, name);
        found = st_step(&statement);
        if (found) {
            *ret_stream = read_stream(logs, &statement, arena);
        }
        ok = st_finish(&statement);
    }
    st_unlock(logs->store);
    st_logs_unlock(logs);
    return ok && (found || no_stream(err));
}

bool st_log_stream_delete(StLogs *logs, Str group, Str name, Err *err) {
    Arena *scratch = arena_new();
    StLogStream stream;
    bool ok = st_log_stream_get(logs, scratch, group, name, &stream, err);
    if (ok) {
        st_logs_lock(logs);
        st_lock(logs->store);
        StStatement statement = st_prepare(logs->store, "DELETE FROM log_stream WHERE id = ?1", err);
        st_bind_i64(&statement, stream.id);
        (void)st_step(&statement);
        ok = st_finish(&statement);
        st_unlock(logs->store);
        if (ok) {
            remove_file(logs, stream.id);
        }
        st_logs_unlock(logs);
    }
    arena_free(scratch);
    return ok;
}

/* ---- events ---- */

bool st_log_append(StLogs *logs, int64_t stream_id, const StLogEvent *events, size_t count, bool sync, Err *err) {
    bool has = true;
    st_logs_lock(logs);
    /* A stream whose file is loaded has a row: deletion forgets the file. */
    if (map_get(&logs->files, key_of(&stream_id)) == NULL) {
        st_lock(logs->store);
        bool ok = has_row(logs, stream_id, &has, err);
        st_unlock(logs->store);
        has = ok && has;
    }
    if (!has) {
        st_logs_unlock(logs);
        return err->is_set ? false : no_stream(err);
    }
    StLogFile *file = st_logs_file(logs, stream_id, err);
    bool ok = file != NULL && st_log_file_append(file, events, count, now_ms(), err);
    if (ok && sync) {
        ok = fdatasync(file->fd) == 0 || err_set(err, err_io_code(errno), "%.*s.log: %s", STR_ARG(file->path), strerror(errno));
    }
    st_logs_unlock(logs);
    return ok;
}
