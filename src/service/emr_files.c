/* emr_files.c - the files of clusters below <home>/emr/, and copies of objects for them. See emr.h. */
#include "service/emr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_READ = 1 << 20 };

bool em_make_directory(Str path, Err *err) {
    Arena *scratch = arena_new();
    char *text = str_to_c(scratch, path);
    bool ok = true;
    for (size_t i = 1; i <= path.len && ok; i++) {
        if (text[i] == '/' || i == path.len) {
            char kept = text[i];
            text[i] = '\0';
            if (mkdir(text, 0700) != 0 && errno != EEXIST) {
                ok = err_set(err, ERR_IO, "%s: %s", text, strerror(errno));
            }
            text[i] = kept;
        }
    }
    arena_free(scratch);
    return ok;
}

bool em_write_file(Str path, Str text, Err *err) {
    Arena *scratch = arena_new();
    Str aside = str_fmt(scratch, "%.*s.new", STR_ARG(path));
    char *final = str_to_c(scratch, path);
    int fd = open(aside.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0;
    for (size_t done = 0; ok && done < text.len;) {
        ssize_t put = write(fd, text.data + done, text.len - done);
        ok = put > 0 || (put < 0 && errno == EINTR);
        done += put > 0 ? (size_t)put : 0;
    }
    if (fd >= 0) {
        ok = close(fd) == 0 && ok;
    }
    ok = ok && rename(aside.data, final) == 0;
    if (!ok) {
        (void)err_set(err, ERR_IO, "%s: %s", final, strerror(errno));
    }
    arena_free(scratch);
    return ok;
}

bool em_read_file(Arena *arena, Str path, Str *ret_text) {
    int fd = open(str_to_c(arena, path), O_RDONLY | O_CLOEXEC);
    StrBuf text = {.arena = arena};
    char chunk[8192];
    ssize_t got = 0;
    if (fd < 0) {
        return false;
    }
    while (text.len < MAX_READ && (got = read(fd, chunk, sizeof chunk)) > 0) {
        strbuf_add(&text, (Str){chunk, (size_t)got});
    }
    (void)close(fd);
    *ret_text = strbuf_str(&text);
    return got >= 0;
}

bool em_read_tail(Arena *arena, Str path, Str *ret_text) {
    int fd = open(str_to_c(arena, path), O_RDONLY | O_CLOEXEC);
    off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    off_t start = size > MAX_READ ? size - MAX_READ : 0;
    char *text = arena_alloc(arena, MAX_READ);
    size_t len = 0;
    ssize_t got = size < 0 ? -1 : 1;
    while (got > 0 && len < MAX_READ) {
        got = pread(fd, text + len, MAX_READ - len, start + (off_t)len);
        len += got > 0 ? (size_t)got : 0;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    const char *end = start > 0 ? memchr(text, '\n', len) : NULL;
    *ret_text = str_slice((Str){text, len}, end == NULL ? 0 : (size_t)(end - text) + 1, len); /* from a line's beginning */
    return got >= 0;
}

static Str behind_scheme(Str uri) {
    static const char *const SCHEMES[] = {"s3://", "s3a://", "s3n://"};
    for (size_t i = 0; i < sizeof SCHEMES / sizeof SCHEMES[0]; i++) {
        if (str_starts_with(uri, str_from_c(SCHEMES[i]))) {
            return str_slice(uri, strlen(SCHEMES[i]), uri.len);
        }
    }
    return STR("");
}

bool em_is_s3(Str uri) {
    return behind_scheme(uri).len > 0;
}

bool em_split_s3(Str uri, Str *ret_bucket, Str *ret_key) {
    Str rest = behind_scheme(uri);
    const char *slash = rest.len > 0 ? memchr(rest.data, '/', rest.len) : NULL;
    size_t end = slash == NULL ? rest.len : (size_t)(slash - rest.data);
    *ret_bucket = str_slice(rest, 0, end);
    *ret_key = str_slice(rest, end + 1, rest.len);
    return ret_bucket->len > 0;
}

static bool copy_file(Str from, Str to, Err *err) {
    struct stat status;
    int in = open(from.data, O_RDONLY | O_CLOEXEC);
    int out = open(to.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = in >= 0 && out >= 0 && fstat(in, &status) == 0;
    off_t left = ok ? status.st_size : 0;
    while (ok && left > 0) {
        ssize_t put = sendfile(out, in, NULL, (size_t)left);
        ok = put > 0;
        left -= put > 0 ? put : 0;
    }
    if (!ok) {
        (void)err_set(err, ERR_IO, "copying to %.*s: %s", STR_ARG(to), strerror(errno));
    }
    if (in >= 0) {
        (void)close(in);
    }
    if (out >= 0 && close(out) != 0) {
        ok = err_set(err, ERR_IO, "%.*s: %s", STR_ARG(to), strerror(errno));
    }
    return ok;
}

bool em_fetch(SvServices *services, Arena *arena, Str uri, Str into_directory, Str *ret_path, Err *err) {
    Str bucket;
    Str key;
    StObject object;
    if (!em_is_s3(uri)) {
        Str local = str_starts_with(uri, STR("file://")) ? str_slice(uri, 7, uri.len) : uri;
        *ret_path = str_copy(arena, local);
        return access(ret_path->data, R_OK) == 0 || err_set(err, "NoSuchFile", "%.*s: %s", STR_ARG(uri), strerror(errno));
    }
    if (!em_split_s3(uri, &bucket, &key) || key.len == 0) {
        return err_set(err, "NoSuchKey", "%.*s names no object", STR_ARG(uri));
    }
    if (!st_object_get(services->store, arena, bucket, key, &object, err) || !em_make_directory(into_directory, err)) {
        return false;
    }
    const char *slash = memrchr(key.data, '/', key.len);
    Str base = slash == NULL ? key : str_slice(key, (size_t)(slash - key.data) + 1, key.len);
    *ret_path = str_fmt(arena, "%.*s/%.*s", STR_ARG(into_directory), STR_ARG(base));
    return copy_file(object.path, *ret_path, err);
}
