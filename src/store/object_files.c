/* object_files.c - see object_files.h, which says how leases work. */
#include "store/object_files.h"

#include "base/map.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ID_SIZE = 32,
    FILES_IN_A_DIRECTORY = 4096,
    SWEPT_AT_ONCE = 10000,
    SWEEP_EVERY_US = 1000000
};

struct StLease {
    StStore *store; /* NULL: closed meanwhile */
    int64_t seen;
    StLease *older, *younger;
};

/* ---- names and directories ---- */

Str st_file_path(Arena *arena, const StStore *store, Str name) {
    return str_fmt(arena, "%.*s/objects/%.*s", STR_ARG(store->home), STR_ARG(name));
}

bool st_random_id(Arena *arena, Str *ret_id, Err *err) {
    uint64_t random[2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        return err_set(err, ERR_IO, "no random numbers: %s", strerror(errno));
    }
    *ret_id = str_fmt(arena, "%016llx%016llx", (unsigned long long)random[0], (unsigned long long)random[1]);
    return true;
}

bool st_sync_path(const char *path, int flags, int64_t *ret_size, Err *err) {
    int fd = open(path, flags | O_CLOEXEC);
    struct stat status;
    bool ok = fd >= 0 && fsync(fd) == 0 && fstat(fd, &status) == 0;
    if (!ok) {
        (void)err_set(err, err_io_code(errno), "%s: %s", path, strerror(errno));
    } else if (ret_size != NULL) {
        *ret_size = (int64_t)status.st_size;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return ok;
}

static bool one_statement(StStore *store, const char *sql, Str first, Str second, Err *err) {
    StStatement statement = st_prepare(store, sql, err);
    st_bind_str(&statement, first);
    if (second.len > 0) {
        st_bind_str(&statement, second);
    }
    (void)st_step(&statement);
    return st_finish(&statement);
}

/* The row comes first: a directory that is there without one would never be looked after. */
static bool directory_open_locked(StStore *store, Str id, Err *err) {
    Arena *scratch = arena_new();
    Str path = st_file_path(scratch, store, id);
    Str objects = st_file_path(scratch, store, STR(""));
    bool ok = one_statement(store, "INSERT INTO open_directory (id, owner) VALUES (?1, ?2)", id, store->id, err) &&
              (mkdir(path.data, 0700) == 0 || err_set(err, err_io_code(errno), "%.*s: %s", STR_ARG(path), strerror(errno))) &&
              st_sync_path(objects.data, O_RDONLY | O_DIRECTORY, NULL, err);
    arena_free(scratch);
    return ok;
}

bool st_directory_open(StStore *store, Str id, Err *err) {
    st_lock(store);
    bool ok = directory_open_locked(store, id, err);
    st_unlock(store);
    return ok;
}

bool st_directory_settle(StStore *store, Str id, Err *err) {
    return one_statement(store, "DELETE FROM open_directory WHERE id = ?1", id, STR(""), err);
}

/* Unlinks the directory's files but those in kept, then the directory if it is empty: these directories hold no directories. */
static void clear_directory(const StStore *store, Str id, const Map *kept) {
    Arena *scratch = arena_new();
    Str path = st_file_path(scratch, store, id);
    DIR *directory = opendir(path.data);
    if (directory != NULL) {
        for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
            Str name = str_fmt(scratch, "%.*s/%s", STR_ARG(id), entry->d_name);
            if (entry->d_name[0] != '.' && (kept == NULL || map_get(kept, name) == NULL)) {
                (void)unlinkat(dirfd(directory), entry->d_name, 0);
            }
        }
        (void)closedir(directory);
        (void)rmdir(path.data);
    }
    arena_free(scratch);
}

void st_directory_drop(StStore *store, Str id) {
    clear_directory(store, id, NULL);
    Err ignored = {0};
    st_lock(store);
    (void)st_directory_settle(store, id, &ignored);
    st_unlock(store);
}

/* ---- single files ---- */

bool st_file_new(StStore *store, Arena *arena, Str *ret_name, Err *err) {
    bool ok = true;
    st_lock(store);
    if (store->single_directory[0] == '\0' || store->single_count == FILES_IN_A_DIRECTORY) {
        Str id;
        ok = st_random_id(arena, &id, err) && directory_open_locked(store, id, err);
        if (ok) {
            memcpy(store->single_directory, id.data, ID_SIZE + 1);
            store->single_count = 0;
        }
    }
    if (ok) {
        *ret_name = str_fmt(arena, "%s/%d", store->single_directory, store->single_count);
        store->single_count++;
    }
    st_unlock(store);
    return ok;
}

Str st_file_directory(Str name) {
    return str_slice(name, 0, ID_SIZE);
}

bool st_object_file(StStore *store, Arena *arena, Str *ret_path, Err *err) {
    Str name;
    if (!st_file_new(store, arena, &name, err)) {
        return false;
    }
    *ret_path = st_file_path(arena, store, name);
    return true;
}

bool st_file_sync_directory(const StStore *store, Str name, Err *err) {
    Arena *scratch = arena_new();
    bool ok = st_sync_path(st_file_path(scratch, store, st_file_directory(name)).data, O_RDONLY | O_DIRECTORY, NULL, err);
    arena_free(scratch);
    return ok;
}

bool st_file_take(StStore *store, Arena *arena, Str path, Str *ret_name, int64_t *ret_size, Err *err) {
    char *from = str_to_c(arena, path);
    Str objects = st_file_path(arena, store, STR(""));
    if (!st_sync_path(from, O_RDONLY, ret_size, err)) {
        return false;
    }
    if (str_starts_with(path, objects)) {
        *ret_name = str_slice(path, objects.len, path.len);
        return true;
    }
    if (!st_file_new(store, arena, ret_name, err)) {
        return false;
    }
    Str to = st_file_path(arena, store, *ret_name);
    return rename(from, to.data) == 0 || err_set(err, err_io_code(errno), "%s to %s: %s", from, to.data, strerror(errno));
}

static bool copy_piece(int to, const StPiece *piece, Err *err) {
    int from = open(piece->path.data, O_RDONLY | O_CLOEXEC);
    off_t offset = piece->offset;
    int64_t left = piece->size;
    bool ok = from >= 0;
    while (ok && left > 0) {
        ssize_t got = copy_file_range(from, &offset, to, NULL, (size_t)left, 0);
        if (got <= 0 && errno != EINTR) {
            errno = got == 0 ? ENODATA : errno;
            ok = false;
        }
        left -= got > 0 ? got : 0;
    }
    if (!ok) {
        (void)err_set(err, err_io_code(errno), "copying %s: %s", piece->path.data, strerror(errno));
    }
    if (from >= 0) {
        (void)close(from);
    }
    return ok;
}

bool st_file_join(StStore *store, Arena *arena, const StPiece *pieces, size_t count, Str *ret_name, Err *err) {
    if (!st_file_new(store, arena, ret_name, err)) {
        return false;
    }
    Str path = st_file_path(arena, store, *ret_name);
    /* A file has a limited number of links: then it is copied. */
    bool is_linked = count == 1 && pieces[0].is_whole && link(pieces[0].path.data, path.data) == 0;
    bool ok = true;
    if (!is_linked) {
        int to = open(path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        ok = to >= 0 || err_set(err, err_io_code(errno), "%s: %s", path.data, strerror(errno));
        for (size_t i = 0; ok && i < count; i++) {
            ok = copy_piece(to, &pieces[i], err);
        }
        ok = ok && (fsync(to) == 0 || err_set(err, err_io_code(errno), "%s: %s", path.data, strerror(errno)));
        if (to >= 0) {
            (void)close(to);
        }
    }
    if (!ok) {
        (void)unlink(path.data);
    }
    return ok;
}

bool st_file_fill(StStore *store, Str name, const StPiece *pieces, size_t count, Err *err) {
    Arena *scratch = arena_new();
    Str path = st_file_path(scratch, store, name);
    int to = open(path.data, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int64_t at = 0;
    bool ok = to >= 0 || err_set(err, err_io_code(errno), "%.*s: %s", STR_ARG(path), strerror(errno));
    for (size_t i = 0; ok && i < count; i++) {
        bool is_there = pieces[i].path.len == 0;
        ok = is_there || ((lseek(to, at, SEEK_SET) == at || err_set(err, err_io_code(errno), "%.*s: %s", STR_ARG(path), strerror(errno))) && copy_piece(to, &pieces[i], err));
        at += pieces[i].size;
    }
    ok = ok && ((ftruncate(to, at) == 0 && fsync(to) == 0) || err_set(err, err_io_code(errno), "%.*s: %s", STR_ARG(path), strerror(errno)));
    if (to >= 0) {
        (void)close(to);
    }
    arena_free(scratch);
    return ok;
}

void st_file_remove(const StStore *store, Str name) {
    Arena *scratch = arena_new();
    (void)unlink(st_file_path(scratch, store, name).data);
    arena_free(scratch);
}

bool st_file_bury(StStore *store, Str name, Err *err) {
    return one_statement(store, "INSERT INTO dead_file (path) VALUES (?1)", name, STR(""), err);
}

/* ---- leases ---- */

static void lock_leases(StStore *store) {
    if (pthread_mutex_lock(&store->lease_mutex) != 0) {
        abort(); /* as st_lock */
    }
}

static void unlock_leases(StStore *store) {
    if (pthread_mutex_unlock(&store->lease_mutex) != 0) {
        abort();
    }
}

static void publish(StStore *store) {
    atomic_store(store->published, store->oldest_lease == NULL ? INT64_MAX : store->oldest_lease->seen);
}

static void end_lease(void *self) {
    StLease *lease = self;
    StStore *store = lease->store;
    if (store == NULL) {
        return;
    }
    lock_leases(store);
    *(lease->older != NULL ? &lease->older->younger : &store->oldest_lease) = lease->younger;
    *(lease->younger != NULL ? &lease->younger->older : &store->youngest_lease) = lease->older;
    publish(store);
    unlock_leases(store);
}

bool st_lease(StStore *handle, Arena *arena, Err *err) {
    StStore *store = handle->main;
    StStatement statement = st_prepare(handle, "SELECT seq FROM sqlite_sequence WHERE name = 'dead_file'", err);
    int64_t seen = st_step(&statement) ? st_column_i64(&statement, 0) : 0;
    if (!st_finish(&statement)) {
        return false;
    }
    StLease *lease = ARENA_NEW(arena, StLease);
    lock_leases(store);
    /* seen never falls, but two handles may come here in another order than they looked: the list is kept in order of seen. */
    StLease *older = store->youngest_lease;
    while (older != NULL && older->seen > seen) {
        older = older->older;
    }
    StLease *younger = older != NULL ? older->younger : store->oldest_lease;
    *lease = (StLease){.store = store, .seen = seen, .older = older, .younger = younger};
    *(older != NULL ? &older->younger : &store->oldest_lease) = lease;
    *(younger != NULL ? &younger->older : &store->youngest_lease) = lease;
    publish(store);
    unlock_leases(store);
    arena_on_free(arena, end_lease, lease);
    return true;
}

/* ---- this store as a reader ---- */

static Str readers_path(Arena *arena, const StStore *store, const char *name) {
    return str_fmt(arena, "%.*s/readers/%s", STR_ARG(store->home), name);
}

/* Made aside, locked, then renamed: whoever finds the file under its name and unlocked knows that its process is gone. */
bool st_files_open(StStore *store, Err *err) {
    Arena *arena = store->arena;
    Str folder = readers_path(arena, store, "");
    if (mkdir(folder.data, 0700) != 0 && errno != EEXIST) {
        return err_set(err, err_io_code(errno), "%.*s: %s", STR_ARG(folder), strerror(errno));
    }
    if (!st_random_id(arena, &store->id, err)) {
        return false;
    }
    Str aside = readers_path(arena, store, str_fmt(arena, ".%.*s", STR_ARG(store->id)).data);
    Str path = readers_path(arena, store, store->id.data);
    store->reader_fd = open(aside.data, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = store->reader_fd >= 0 && ftruncate(store->reader_fd, sizeof *store->published) == 0 && flock(store->reader_fd, LOCK_EX) == 0;
    void *page = ok ? mmap(NULL, sizeof *store->published, PROT_READ | PROT_WRITE, MAP_SHARED, store->reader_fd, 0) : MAP_FAILED;
    if (page == MAP_FAILED) {
        return err_set(err, err_io_code(errno), "%.*s: %s", STR_ARG(aside), strerror(errno));
    }
    store->published = page;
    publish(store);
    return rename(aside.data, path.data) == 0 || err_set(err, err_io_code(errno), "%.*s: %s", STR_ARG(path), strerror(errno));
}

/* No file of an own directory lacks its row any more: nothing runs in this store. */
static void settle_own_directories(StStore *store) {
    Arena *scratch = arena_new();
    Err ignored = {0};
    VEC(Str) own = {.arena = scratch};
    st_lock(store);
    StStatement statement = st_prepare(store, "SELECT id FROM open_directory WHERE owner = ?1", &ignored);
    st_bind_str(&statement, store->id);
    while (st_step(&statement)) {
        VEC_PUSH(&own, st_column(&statement, scratch, 0));
    }
    if (st_finish(&statement) && own.count > 0 && one_statement(store, "DELETE FROM open_directory WHERE owner = ?1", store->id, STR(""), &ignored)) {
        for (size_t i = 0; i < own.count; i++) {
            (void)rmdir(st_file_path(scratch, store, own.items[i]).data); /* unless it holds files */
        }
    }
    st_unlock(store);
    arena_free(scratch);
}

void st_files_close(StStore *store) {
    for (StLease *lease = store->oldest_lease; lease != NULL; lease = lease->younger) {
        lease->store = NULL;
    }
    store->oldest_lease = store->youngest_lease = NULL;
    if (store->published != NULL) {
        publish(store);
        settle_own_directories(store);
        st_sweep(store);
        (void)munmap(store->published, sizeof *store->published);
        Arena *scratch = arena_new();
        (void)unlink(readers_path(scratch, store, store->id.data).data);
        arena_free(scratch);
    }
    if (store->reader_fd >= 0) {
        (void)close(store->reader_fd);
    }
}

/* ---- sweeping ---- */

typedef struct DeadFile {
    int64_t seq;
    Str name;
} DeadFile;

/* What was looked at, in this order, so that it holds (object_files.h). */
typedef struct Sweep {
    StStore *store;
    Arena *arena;
    VEC(DeadFile) dead;
    VEC(Str) directories, owners; /* open ones */
    Map alive;                    /* owners */
    int64_t least_seen;
} Sweep;

static bool read_rows(Sweep *sweep) {
    StStore *store = sweep->store;
    Err ignored = {0};
    st_lock(store);
    StStatement dead = st_prepare(store, "SELECT seq, path FROM dead_file ORDER BY seq LIMIT ?1", &ignored);
    st_bind_i64(&dead, SWEPT_AT_ONCE);
    while (st_step(&dead)) {
        VEC_PUSH(&sweep->dead, (DeadFile){st_column_i64(&dead, 0), st_column(&dead, sweep->arena, 1)});
    }
    bool ok = st_finish(&dead);
    StStatement open = st_prepare(store, "SELECT id, owner FROM open_directory", &ignored);
    while (st_step(&open)) {
        VEC_PUSH(&sweep->directories, st_column(&open, sweep->arena, 0));
        VEC_PUSH(&sweep->owners, st_column(&open, sweep->arena, 1));
    }
    ok = st_finish(&open) && ok;
    st_unlock(store);
    return ok;
}

/* One reader of the home: its number counts while its process lives; else its file goes. */
static void look_at_reader(Sweep *sweep, const char *name) {
    Str path = readers_path(sweep->arena, sweep->store, name);
    int fd = open(path.data, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return; /* it closed just now */
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        (void)unlink(path.data);
    } else {
        int64_t seen = 0;
        if (pread(fd, &seen, sizeof seen, 0) != (ssize_t)sizeof seen) {
            seen = 0;
        }
        sweep->least_seen = seen < sweep->least_seen ? seen : sweep->least_seen;
        map_put(&sweep->alive, str_copy(sweep->arena, str_from_c(name)), sweep);
    }
    (void)close(fd);
}

static bool read_readers(Sweep *sweep) {
    StStore *store = sweep->store;
    DIR *folder = opendir(readers_path(sweep->arena, store, "").data);
    if (folder == NULL) {
        return false;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.' && !str_eq_c(store->id, entry->d_name)) {
            look_at_reader(sweep, entry->d_name);
        }
    }
    (void)closedir(folder);
    int64_t own = atomic_load(store->published);
    sweep->least_seen = own < sweep->least_seen ? own : sweep->least_seen;
    map_put(&sweep->alive, store->id, sweep);
    return true;
}

static void remove_dead_files(Sweep *sweep) {
    StStore *store = sweep->store;
    int64_t last = 0;
    Map open = {.arena = sweep->arena};
    Map emptied = {.arena = sweep->arena};
    for (size_t i = 0; i < sweep->directories.count; i++) {
        map_put(&open, sweep->directories.items[i], sweep);
    }
    for (size_t i = 0; i < sweep->dead.count && sweep->dead.items[i].seq <= sweep->least_seen; i++) {
        Str name = sweep->dead.items[i].name;
        if (unlink(st_file_path(sweep->arena, store, name).data) != 0 && errno != ENOENT) {
            break; /* the next time */
        }
        last = sweep->dead.items[i].seq;
        map_put(&emptied, str_slice(name, 0, ID_SIZE), sweep);
    }
    if (last == 0) {
        return;
    }
    Err ignored = {0};
    st_lock(store);
    StStatement statement = st_prepare(store, "DELETE FROM dead_file WHERE seq <= ?1", &ignored);
    st_bind_i64(&statement, last);
    (void)st_step(&statement);
    (void)st_finish(&statement);
    st_unlock(store);
    /* A directory that is not open is never opened again: when it is empty, it goes. */
    for (size_t i = 0; i < emptied.count; i++) {
        if (map_get(&open, emptied.entries[i].key) == NULL) {
            (void)rmdir(st_file_path(sweep->arena, store, emptied.entries[i].key).data);
        }
    }
}

/* Files that processes left which ended between writing them and their rows. Rare, so one pass over all rows is cheap enough. */
static void remove_left_overs(const Sweep *sweep) {
    StStore *store = sweep->store;
    Map left = {.arena = sweep->arena};
    Map named = {.arena = sweep->arena};
    for (size_t i = 0; i < sweep->directories.count; i++) {
        if (map_get(&sweep->alive, sweep->owners.items[i]) == NULL) {
            map_put(&left, sweep->directories.items[i], store);
        }
    }
    if (left.count == 0) {
        return;
    }
    Err ignored = {0};
    st_lock(store);
    StStatement statement = st_prepare(store,
                                       "SELECT path FROM object UNION ALL SELECT path FROM object_version UNION ALL "
                                       "SELECT path FROM upload_part UNION ALL SELECT file FROM upload UNION ALL "
                                       "SELECT path FROM dead_file",
                                       &ignored);
    while (st_step(&statement)) {
        Str name = st_column_peek(&statement, 0);
        if (map_get(&left, str_slice(name, 0, ID_SIZE)) != NULL) {
            map_put(&named, str_copy(sweep->arena, name), store);
        }
    }
    bool ok = st_finish(&statement);
    st_unlock(store);
    for (size_t i = 0; ok && i < left.count; i++) {
        clear_directory(store, left.entries[i].key, &named);
        st_lock(store);
        (void)st_directory_settle(store, left.entries[i].key, &ignored);
        st_unlock(store);
    }
}

void st_sweep(StStore *store) {
    Sweep sweep = {.store = store, .arena = arena_new(), .least_seen = INT64_MAX};
    sweep.dead.arena = sweep.directories.arena = sweep.owners.arena = sweep.alive.arena = sweep.arena;
    atomic_store(&store->swept_us, st_now_us());
    if (read_rows(&sweep) && read_readers(&sweep)) {
        remove_dead_files(&sweep);
        remove_left_overs(&sweep);
    }
    st_reserve_take(store);
    arena_free(sweep.arena);
}

void st_sweep_soon(StStore *store) {
    int64_t now = st_now_us();
    int64_t last = atomic_load(&store->swept_us);
    /* Of several threads one goes. A clock that was set back must not stop the sweeping. */
    if ((now - last >= SWEEP_EVERY_US || now < last) && atomic_compare_exchange_strong(&store->swept_us, &last, now)) {
        st_sweep(store);
    }
}
