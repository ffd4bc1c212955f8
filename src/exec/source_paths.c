/* exec/source_paths.c - paths of a read to files: local ones, s3:// through the storage, globs, directories. */
#include "exec/source.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool ex_source_is_hidden(Str name) {
    if (str_ends_with(name, STR("._COPYING_"))) {
        return true;
    }
    bool is_marked = name.len > 0 && (name.data[0] == '_' || name.data[0] == '.');
    bool is_partition = name.len > 0 && name.data[0] == '_' && memchr(name.data, '=', name.len) != NULL;
    return is_marked && !is_partition;
}

bool ex_source_is_s3(Str url) {
    return str_starts_with(url, STR("s3://")) || str_starts_with(url, STR("s3a://")) || str_starts_with(url, STR("s3n://"));
}

Str ex_source_s3_url(Arena *arena, Str url) {
    return str_starts_with(url, STR("s3://")) ? url : str_fmt(arena, "s3%.*s", STR_ARG(str_slice(url, 3, url.len)));
}

bool ex_source_local_path(Arena *arena, Str url, Str *ret_path) {
    Str path = url;
    if (str_starts_with(path, STR("file:"))) {
        path = str_slice(path, 5, path.len);
        while (path.len > 1 && path.data[0] == '/' && path.data[1] == '/') {
            path = str_slice(path, 1, path.len);
        }
    } else if (str_contains(path, STR("://"))) {
        return false;
    }
    if (path.len == 0 || path.data[0] != '/') {
        char cwd[4096];
        if (getcwd(cwd, sizeof cwd) == NULL) {
            return false;
        }
        path = str_fmt(arena, "%s/%.*s", cwd, STR_ARG(path));
    }
    while (path.len > 1 && path.data[path.len - 1] == '/') {
        path.len--;
    }
    *ret_path = str_copy(arena, path);
    return true;
}

static bool has_glob(Str path) {
    return memchr(path.data, '*', path.len) != NULL || memchr(path.data, '?', path.len) != NULL || memchr(path.data, '[', path.len) != NULL ||
           memchr(path.data, '{', path.len) != NULL;
}

static bool not_found(Str shown, Err *err) {
    return err_set(err, "PATH_NOT_FOUND", "[PATH_NOT_FOUND] Path does not exist: %.*s.", STR_ARG(shown));
}

static void add_file(Arena *arena, Str path, Str below, const struct stat *st, ExFoundList *files) {
    VEC_PUSH(files, (ExFound){.path = path,
                              .shown = str_fmt(arena, "file:%.*s", STR_ARG(path)),
                              .size = st->st_size,
                              .modified_us = (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000,
                              .below = below});
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool walk(Arena *arena, Str path, Str below, ExFoundList *files, Err *err) {
    DIR *dir = opendir(path.data);
    if (dir == NULL) {
        return err_set(err, ERR_IO, "reading the directory %.*s: %s", STR_ARG(path), strerror(errno));
    }
    VEC(char *) names = {.arena = arena};
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (!ex_source_is_hidden(str_from_c(entry->d_name))) {
            VEC_PUSH(&names, arena_strdup(arena, entry->d_name));
        }
    }
    closedir(dir);
    if (names.count > 0) {
        qsort(names.items, names.count, sizeof *names.items, by_name);
    }
    for (size_t i = 0; i < names.count; i++) {
        Str child = str_fmt(arena, "%.*s/%s", STR_ARG(path), names.items[i]);
        struct stat st;
        if (stat(child.data, &st) != 0) {
            continue;
        }
        if (S_ISDIR(st.st_mode)) {
            Str deeper = below.len > 0 ? str_fmt(arena, "%.*s/%s", STR_ARG(below), names.items[i]) : str_from_c(names.items[i]);
            if (!walk(arena, child, deeper, files, err)) {
                return false;
            }
        } else {
            add_file(arena, child, below, &st, files);
        }
    }
    return true;
}

static bool local_path(Arena *arena, Str path, ExFoundList *files, Err *err) {
    struct stat st;
    if (stat(path.data, &st) != 0) {
        return not_found(str_fmt(arena, "file:%.*s", STR_ARG(path)), err);
    }
    if (S_ISDIR(st.st_mode)) {
        return walk(arena, path, (Str){0}, files, err);
    }
    add_file(arena, path, (Str){0}, &st, files);
    return true;
}

static bool local_glob(Arena *arena, Str path, ExFoundList *files, Err *err) {
    glob_t found;
    int state = glob(path.data, GLOB_BRACE, NULL, &found);
    if (state == GLOB_NOMATCH) {
        globfree(&found);
        return not_found(str_fmt(arena, "file:%.*s", STR_ARG(path)), err);
    }
    if (state != 0) {
        return err_set(err, ERR_IO, "expanding %.*s failed", STR_ARG(path));
    }
    bool is_ok = true;
    for (size_t i = 0; i < found.gl_pathc && is_ok; i++) {
        Str one = str_from_c(arena_strdup(arena, found.gl_pathv[i]));
        const char *slash = strrchr(one.data, '/');
        if (!ex_source_is_hidden(str_from_c(slash != NULL ? slash + 1 : one.data))) {
            is_ok = local_path(arena, one, files, err);
        }
    }
    globfree(&found);
    return is_ok;
}

/* The part of an object's key below the read's root, or false: the glob does not match it. */
static bool below_root(Arena *arena, Str url, Str root, bool is_glob, Str *ret_rest) {
    if (!is_glob) {
        *ret_rest = url.len > root.len ? str_slice(url, root.len + (root.data[root.len - 1] != '/'), url.len) : (Str){0};
        return true;
    }
    const char *pattern = str_to_c(arena, root);
    for (size_t i = 5; i <= url.len; i++) {
        if (i == url.len || url.data[i] == '/') {
            if (fnmatch(pattern, str_to_c(arena, str_slice(url, 0, i)), FNM_PATHNAME) == 0) {
                *ret_rest = i < url.len ? str_slice(url, i + 1, url.len) : (Str){0};
                return true;
            }
        }
    }
    return false;
}

static bool is_hidden_below(Str rest) {
    size_t from = 0;
    for (size_t i = 0; i <= rest.len; i++) {
        if (i == rest.len || rest.data[i] == '/') {
            if (i > from && ex_source_is_hidden(str_slice(rest, from, i))) {
                return true;
            }
            from = i + 1;
        }
    }
    return false;
}

static bool s3_path(ExEngine *engine, Arena *arena, Str given, ExFoundList *files, Err *err) {
    const ExStorage *storage = engine->config.storage;
    if (storage == NULL) {
        return err_set(err, ERR_NOT_SUPPORTED, "reading %.*s: this engine has no bucket storage", STR_ARG(given));
    }
    Str url = ex_source_s3_url(arena, given);
    bool is_glob = has_glob(url);
    Str prefix = url;
    if (is_glob) {
        size_t end = 0;
        for (size_t i = 0; i < url.len && strchr("*?[{", url.data[i]) == NULL; i++) {
            end = url.data[i] == '/' ? i : end;
        }
        prefix = str_slice(url, 0, end);
    }
    while (prefix.len > 5 && prefix.data[prefix.len - 1] == '/') {
        prefix.len--;
    }
    Str root = is_glob ? url : prefix;
    while (root.len > 5 && root.data[root.len - 1] == '/') {
        root.len--;
    }
    const ExObject *objects;
    size_t n;
    if (!storage->list(storage->self, arena, prefix, &objects, &n, err)) {
        return false;
    }
    bool has_any = false;
    for (size_t i = 0; i < n; i++) {
        Str rest;
        if (!below_root(arena, objects[i].url, root, is_glob, &rest)) {
            continue;
        }
        has_any = true;
        bool is_marker = objects[i].url.len > 0 && objects[i].url.data[objects[i].url.len - 1] == '/';
        if (is_marker || is_hidden_below(rest)) {
            continue;
        }
        size_t slash = rest.len;
        while (slash > 0 && rest.data[slash - 1] != '/') {
            slash--;
        }
        VEC_PUSH(files, (ExFound){.path = objects[i].path,
                                  .shown = objects[i].url,
                                  .size = objects[i].size,
                                  .modified_us = objects[i].modified_us,
                                  .below = slash > 0 ? str_slice(rest, 0, slash - 1) : (Str){0}});
    }
    return has_any || not_found(given, err);
}

/* Spark's option basePath: partition directories are counted from there, not from the read's own paths. */
static bool count_from(Arena *arena, Str base, ExFoundList *files, Err *err) {
    Str path, prefix;
    if (ex_source_is_s3(base)) {
        prefix = ex_source_s3_url(arena, base);
    } else if (ex_source_local_path(arena, base, &path)) {
        prefix = str_fmt(arena, "file:%.*s", STR_ARG(path));
    } else {
        return err_set(err, ERR_NOT_SUPPORTED, "basePath %.*s: paths, file:// and s3:// URLs can be read", STR_ARG(base));
    }
    while (prefix.len > 0 && prefix.data[prefix.len - 1] == '/') {
        prefix.len--;
    }
    for (size_t i = 0; i < files->count; i++) {
        ExFound *file = &files->items[i];
        if (!str_starts_with(file->shown, prefix) || file->shown.len <= prefix.len || file->shown.data[prefix.len] != '/') {
            return err_set(err, "SOLDER.BAD_REQUEST", "Wrong basePath %.*s for the root path: %.*s", STR_ARG(base), STR_ARG(file->shown));
        }
        size_t end = file->shown.len;
        while (file->shown.data[end - 1] != '/') {
            end--;
        }
        file->below = end - 1 > prefix.len ? str_slice(file->shown, prefix.len + 1, end - 1) : (Str){0};
    }
    return true;
}

bool ex_source_files(ExEngine *engine, Arena *arena, const Str *paths, size_t npaths, const PlOption *options, size_t noptions, ExFoundList *ret_files,
                     Err *err) {
    *ret_files = (ExFoundList){.arena = arena};
    for (size_t i = 0; i < npaths; i++) {
        Str path;
        if (ex_source_is_s3(paths[i])) {
            if (!s3_path(engine, arena, paths[i], ret_files, err)) {
                return false;
            }
        } else if (!ex_source_local_path(arena, paths[i], &path)) {
            return err_set(err, ERR_NOT_SUPPORTED, "reading %.*s: paths, file:// and s3:// URLs can be read", STR_ARG(paths[i]));
        } else if (!(has_glob(path) && access(path.data, F_OK) != 0 ? local_glob : local_path)(arena, path, ret_files, err)) {
            return false;
        }
    }
    const PlOption *base = ex_option_find(options, noptions, "basePath");
    if (base != NULL && !count_from(arena, base->value, ret_files, err)) {
        return false;
    }
    const PlOption *filter = ex_option_find(options, noptions, "pathGlobFilter");
    if (filter != NULL) {
        const char *pattern = str_to_c(arena, filter->value);
        size_t kept = 0;
        for (size_t i = 0; i < ret_files->count; i++) {
            const char *name = str_to_c(arena, ret_files->items[i].shown);
            const char *slash = strrchr(name, '/');
            if (fnmatch(pattern, slash != NULL ? slash + 1 : name, 0) == 0) {
                ret_files->items[kept++] = ret_files->items[i];
            }
        }
        ret_files->count = kept;
    }
    return true;
}
