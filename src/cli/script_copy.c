/* script_copy.c - solder run s3://bucket/script.py: the object's bytes as a file that Python runs.
 *
 * Used by cmd_run.c: the object is opened before the engine starts, so that a wrong name costs nothing, and copied into the engine's
 * scratch folder, which is gone after the run. Invariant: the copy lies in a folder of its own (sys.path[0] of the script) under the key's
 * last part, and is what the object was when the run began, whatever becomes of the object.
 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool cli_script_open(Str home, const char *url, int *ret_fd, Err *err) {
    size_t len = strlen(url);
    if (url[len - 1] == '/') {
        return err_set(err, "InvalidURI", "script %s: the URL names a folder; name the script's key", url);
    }
    StStore *store = st_open(home, err);
    if (store == NULL) {
        return false;
    }
    Arena *arena = arena_new();
    *ret_fd = cli_s3_open(store, arena, url, err);
    arena_free(arena);
    st_close(store);
    return *ret_fd >= 0 || err_prefix(err, "script ");
}

bool cli_script_copy(Arena *arena, int fd, const char *url, Str scratch, Str *ret_path, Err *err) {
    Str folder = str_fmt(arena, "%.*s/script", STR_ARG(scratch));
    Str name = str_from_c(strrchr(url, '/') + 1);
    if (name.len > NAME_MAX || str_eq_c(name, ".") || str_eq_c(name, "..")) {
        name = STR("script.py"); /* a key, but no file's name */
    }
    Str path = str_fmt(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(name));
    if (mkdir(folder.data, 0700) != 0) {
        return err_set(err, ERR_IO, "%.*s: %s", STR_ARG(folder), strerror(errno));
    }
    int to = open(path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = (to >= 0 || err_set(err, ERR_IO, "%.*s: %s", STR_ARG(path), strerror(errno))) && cli_copy_bytes(fd, to, url, err);
    if (to >= 0 && close(to) != 0 && ok) {
        ok = err_set(err, ERR_IO, "%.*s: %s", STR_ARG(path), strerror(errno));
    }
    *ret_path = path;
    return ok;
}
