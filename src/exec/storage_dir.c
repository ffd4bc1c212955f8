/* exec/storage_dir.c - writes into plain directories, seen by nobody before they commit and by everybody after.
 *
 * The new state is built in a hidden directory beside the target: new files, and hard links to those old ones that stay. Commit puts it in the
 * target's place with one rename (an exchange when there is an old one). Invariant: at any moment the target's name leads to the whole old or the
 * whole new directory; what a killed writer left behind is removed by the next one.
 */
#include "exec/storage_dir.h"

#include "base/vec.h"
#include "exec/ex_internal.h"
#include "exec/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ExStorageTxn {
    Arena *arena;
    Str target, parent, name, staging;
    VEC(Str) replaced; /* relative directories whose old files go; "" all */
    VEC(Str) added;    /* paths of new files */
    pthread_mutex_t lock;
};

static bool fail(const char *what, Str path, Err *err) {
    int error = errno;
    return err_set(err, err_io_code(error), "%s %.*s: %s", what, STR_ARG(path), strerror(error));
}

static bool make_dirs(Arena *arena, Str path, Err *err) {
    for (size_t i = 1; i <= path.len; i++) {
        if (i < path.len && path.data[i] != '/') {
            continue;
        }
        const char *part = str_to_c(arena, str_slice(path, 0, i));
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            return fail("making the directory", str_from_c(part), err);
        }
    }
    return true;
}

/* ".name.solder-PID-…" of writers that live no more. */
static void remove_stale(ExStorageTxn *txn) {
    DIR *dir = opendir(txn->parent.data);
    Str prefix = str_fmt(txn->arena, ".%.*s.solder-", STR_ARG(txn->name));
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        Str name = str_from_c(entry->d_name);
        if (!str_starts_with(name, prefix)) {
            continue;
        }
        Str rest = str_slice(name, prefix.len, name.len);
        const char *dash = memchr(rest.data, '-', rest.len);
        int64_t pid;
        bool is_ours = dash != NULL && str_to_i64(str_slice(rest, 0, (size_t)(dash - rest.data)), &pid);
        if (is_ours && pid != getpid() && kill((pid_t)pid, 0) != 0 && errno == ESRCH) {
            ex_remove_tree(str_fmt(txn->arena, "%.*s/%s", STR_ARG(txn->parent), entry->d_name).data);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

static void txn_free(ExStorageTxn *owned) {
    pthread_mutex_destroy(&owned->lock);
    arena_free(owned->arena);
}

static ExStorageTxn *dir_begin(void *self, Str url, Err *err) {
    (void)self;
    Arena *arena = arena_new();
    ExStorageTxn *txn = ARENA_NEW(arena, ExStorageTxn);
    txn->arena = txn->replaced.arena = txn->added.arena = arena;
    pthread_mutex_init(&txn->lock, NULL);
    if (!ex_source_local_path(arena, url, &txn->target) || str_eq_c(txn->target, "/")) {
        err_set(err, ERR_IO, "%.*s is no directory to write to", STR_ARG(url));
        txn_free(txn);
        return NULL;
    }
    const char *slash = strrchr(txn->target.data, '/');
    txn->name = str_copy(arena, str_from_c(slash + 1));
    txn->parent = slash == txn->target.data ? STR("/") : str_copy(arena, str_slice(txn->target, 0, (size_t)(slash - txn->target.data)));
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    txn->staging = str_fmt(arena, "%.*s/.%.*s.solder-%d-%llx", STR_ARG(txn->parent), STR_ARG(txn->name), (int)getpid(),
                           (unsigned long long)now.tv_sec * 1000000000ULL + (unsigned long long)now.tv_nsec);
    if (!make_dirs(arena, txn->parent, err)) {
        txn_free(txn);
        return NULL;
    }
    remove_stale(txn);
    if (mkdir(txn->staging.data, 0777) != 0) {
        fail("making the directory", txn->staging, err);
        txn_free(txn);
        return NULL;
    }
    return txn;
}

static bool dir_add(ExStorageTxn *txn, Arena *arena, Str relative, Str *ret_path, Err *err) {
    pthread_mutex_lock(&txn->lock);
    Str path = str_fmt(txn->arena, "%.*s/%.*s", STR_ARG(txn->staging), STR_ARG(relative));
    size_t slash = path.len;
    while (path.data[slash - 1] != '/') {
        slash--;
    }
    bool is_ok = make_dirs(txn->arena, str_copy(txn->arena, str_slice(path, 0, slash - 1)), err);
    VEC_PUSH(&txn->added, path);
    *ret_path = str_copy(arena, path);
    pthread_mutex_unlock(&txn->lock);
    return is_ok;
}

static bool dir_replace(ExStorageTxn *txn, Str relative, Err *err) {
    (void)err;
    pthread_mutex_lock(&txn->lock);
    VEC_PUSH(&txn->replaced, str_copy(txn->arena, relative));
    pthread_mutex_unlock(&txn->lock);
    return true;
}

static bool is_replaced(const ExStorageTxn *txn, Str relative) {
    for (size_t i = 0; i < txn->replaced.count; i++) {
        Str r = txn->replaced.items[i];
        if (r.len == 0 || str_eq(r, relative) || (str_starts_with(relative, r) && relative.data[r.len] == '/')) {
            return true;
        }
    }
    return false;
}

static bool copy_file(Str from, Str to, Err *err) {
    int in = open(from.data, O_RDONLY | O_CLOEXEC), out = open(to.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    char buffer[65536];
    ssize_t n = in < 0 || out < 0 ? -1 : 1;
    while (n > 0) {
        n = read(in, buffer, sizeof buffer);
        if (n > 0 && write(out, buffer, (size_t)n) != n) {
            n = -1;
        }
    }
    bool is_ok = (n == 0 && fsync(out) == 0) || fail("copying", from, err);
    if (in >= 0) {
        close(in);
    }
    if (out >= 0) {
        close(out);
    }
    return is_ok;
}

/* The old files that stay, into the staging directory. A new file of the same name wins. */
static bool link_old(ExStorageTxn *txn, Str relative, Err *err) {
    Str from = relative.len > 0 ? str_fmt(txn->arena, "%.*s/%.*s", STR_ARG(txn->target), STR_ARG(relative)) : txn->target;
    DIR *dir = opendir(from.data);
    if (dir == NULL) {
        return fail("reading the directory", from, err);
    }
    bool is_ok = true;
    struct dirent *entry;
    while (is_ok && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        Str below = relative.len > 0 ? str_fmt(txn->arena, "%.*s/%s", STR_ARG(relative), entry->d_name) : str_from_c(arena_strdup(txn->arena, entry->d_name));
        Str old = str_fmt(txn->arena, "%.*s/%.*s", STR_ARG(txn->target), STR_ARG(below));
        Str new = str_fmt(txn->arena, "%.*s/%.*s", STR_ARG(txn->staging), STR_ARG(below));
        struct stat st;
        if (lstat(old.data, &st) != 0) {
            continue;
        }
        if (S_ISDIR(st.st_mode)) {
            is_ok = is_replaced(txn, below) || ((mkdir(new.data, 0777) == 0 || errno == EEXIST || fail("making the directory", new, err)) &&
                                                link_old(txn, below, err));
        } else if (link(old.data, new.data) != 0 && errno != EEXIST) {
            is_ok = copy_file(old, new, err);
        }
    }
    closedir(dir);
    return is_ok;
}

static bool sync_path(Str path, int flags, Err *err) {
    int fd = open(path.data, flags | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        fail("writing", path, err);
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    close(fd);
    return true;
}

static bool sync_dirs(Arena *arena, Str path, Err *err) {
    DIR *dir = opendir(path.data);
    bool is_ok = dir != NULL;
    struct dirent *entry;
    while (is_ok && (entry = readdir(dir)) != NULL) {
        struct stat st;
        Str child = str_fmt(arena, "%.*s/%s", STR_ARG(path), entry->d_name);
        if (entry->d_name[0] != '.' && lstat(child.data, &st) == 0 && S_ISDIR(st.st_mode)) {
            is_ok = sync_dirs(arena, child, err);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return is_ok && sync_path(path, O_RDONLY | O_DIRECTORY, err);
}

/* The one step. */
static bool swap_in(ExStorageTxn *txn, bool has_old, Err *err) {
    if (!has_old) {
        return rename(txn->staging.data, txn->target.data) == 0 || fail("renaming to", txn->target, err);
    }
    if (renameat2(AT_FDCWD, txn->staging.data, AT_FDCWD, txn->target.data, RENAME_EXCHANGE) == 0) {
        ex_remove_tree(txn->staging.data);
        (void)unlink(txn->staging.data);
        return true;
    }
    if (errno == EINVAL || errno == ENOSYS) {
        return err_set(err, ERR_IO, "writing %.*s: its file system can't exchange two directories in one step; write to a new path or to another disk",
                       STR_ARG(txn->target));
    }
    return fail("renaming to", txn->target, err);
}

static void dir_abort(ExStorageTxn *owned_txn) {
    ex_remove_tree(owned_txn->staging.data);
    txn_free(owned_txn);
}

static bool dir_commit(ExStorageTxn *owned_txn, Err *err) {
    ExStorageTxn *txn = owned_txn;
    struct stat st;
    bool has_old = lstat(txn->target.data, &st) == 0;
    bool keeps_old = has_old && S_ISDIR(st.st_mode) && !is_replaced(txn, STR(""));
    bool is_ok = true;
    for (size_t i = 0; i < txn->added.count && is_ok; i++) {
        is_ok = sync_path(txn->added.items[i], O_RDONLY, err);
    }
    is_ok = is_ok && (!keeps_old || link_old(txn, (Str){0}, err)) && sync_dirs(txn->arena, txn->staging, err) && swap_in(txn, has_old, err) &&
            sync_path(txn->parent, O_RDONLY | O_DIRECTORY, err);
    if (!is_ok) {
        dir_abort(txn);
        return false;
    }
    txn_free(txn);
    return true;
}

static bool dir_list(void *self, Arena *arena, Str url, const ExObject **ret_objects, size_t *ret_count, Err *err) {
    (void)self;
    ExFoundList files;
    Err missing = {0};
    *ret_count = 0;
    if (!ex_source_files(NULL, arena, &url, 1, NULL, 0, &files, &missing)) {
        return err_is(&missing, "PATH_NOT_FOUND") || err_set(err, missing.code, "%s", missing.message);
    }
    ExObject *objects = ARENA_ARRAY(arena, ExObject, files.count);
    for (size_t i = 0; i < files.count; i++) {
        const ExFound *f = &files.items[i];
        objects[i] = (ExObject){.url = f->shown, .path = f->path, .size = f->size, .modified_us = f->modified_us};
    }
    *ret_objects = objects;
    *ret_count = files.count;
    return true;
}

const ExStorage ex_dir_storage = {
    .list = dir_list, .begin = dir_begin, .add = dir_add, .replace = dir_replace, .commit = dir_commit, .abort = dir_abort};
