/* cmd_s3.c - solder s3: local buckets from the command line, through the same store that the engine uses. */
#include "cli/cli.h"

#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct S3Url {
    Str bucket, key;
} S3Url;

bool cli_is_s3(const char *text) {
    return strncmp(text, "s3://", 5) == 0;
}

static bool parse_url(const char *text, S3Url *ret_url, Err *err) {
    if (!cli_is_s3(text)) {
        return err_set(err, "InvalidURI", "%s: expected s3://BUCKET[/KEY]", text);
    }
    Str rest = str_from_c(text + 5);
    size_t slash = 0;
    while (slash < rest.len && rest.data[slash] != '/') {
        slash++;
    }
    ret_url->bucket = str_slice(rest, 0, slash);
    ret_url->key = str_slice(rest, slash + 1, rest.len);
    return ret_url->bucket.len > 0 || err_set(err, "InvalidURI", "%s: no bucket's name", text);
}

bool cli_copy_bytes(int from, int to, const char *what, Err *err) {
    char buffer[1 << 16];
    for (;;) {
        ssize_t got = read(from, buffer, sizeof buffer);
        if (got == 0) {
            return true;
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set(err, ERR_IO, "reading %s: %s", what, strerror(errno));
        }
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(to, buffer + done, (size_t)(got - done));
            if (put < 0 && errno != EINTR) {
                return err_set(err, ERR_IO, "copying %s: %s", what, strerror(errno));
            }
            done += put < 0 ? 0 : put;
        }
    }
}

static Str base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return str_from_c(slash == NULL ? path : slash + 1);
}

int cli_s3_open(StStore *store, Arena *arena, const char *url, Err *err) {
    S3Url parts;
    StObject object;
    if (!parse_url(url, &parts, err) || !st_object_get(store, arena, parts.bucket, parts.key, &object, err)) {
        return -1;
    }
    int fd = open(object.path.data, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        (void)err_set(err, ERR_IO, "%s: %s", url, strerror(errno));
    }
    return fd;
}

/* The bytes of a source: a file, standard input, or an object's file. */
static int open_source(StStore *store, CliCall *call, const char *source, Err *err) {
    if (strcmp(source, "-") == 0) {
        return dup(STDIN_FILENO);
    }
    if (cli_is_s3(source)) {
        return cli_s3_open(store, call->arena, source, err);
    }
    const char *path = source;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        (void)err_set(err, ERR_IO, "%s: %s", source, strerror(errno));
    } else if (S_ISDIR(status.st_mode)) {
        (void)err_set(err, ERR_IO, "%s is a directory: name a file", source);
    } else {
        return fd;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return -1;
}

static bool copy_to_object(StStore *store, CliCall *call, int from, const char *source, const char *target, Err *err) {
    S3Url url;
    if (!parse_url(target, &url, err)) {
        return false;
    }
    Str key = url.key;
    if (key.len == 0 || key.data[key.len - 1] == '/') {
        key = str_fmt(call->arena, "%.*s%.*s", STR_ARG(key), STR_ARG(base_name(source)));
    }
    StTxn *txn = st_txn_begin(store, url.bucket, err);
    if (txn == NULL) {
        return false;
    }
    Str path;
    bool ok = st_txn_add(txn, call->arena, key, &path, err);
    int to = ok ? open(path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    ok = ok && (to >= 0 || err_set(err, ERR_IO, "%.*s: %s", STR_ARG(path), strerror(errno))) && cli_copy_bytes(from, to, source, err);
    if (to >= 0 && close(to) != 0) {
        ok = err_set(err, ERR_IO, "%.*s: %s", STR_ARG(path), strerror(errno));
    }
    if (!ok) {
        st_txn_abort(txn);
        return false;
    }
    return st_txn_commit(txn, err);
}

static bool copy_to_file(CliCall *call, int from, const char *source, const char *target, Err *err) {
    if (strcmp(target, "-") == 0) {
        return cli_copy_bytes(from, STDOUT_FILENO, source, err);
    }
    struct stat status;
    const char *path = target;
    if (stat(target, &status) == 0 && S_ISDIR(status.st_mode)) {
        path = str_fmt(call->arena, "%s/%.*s", target, STR_ARG(base_name(source))).data;
    }
    /* Aside and renamed, so that an interrupted copy leaves no half file. */
    Str aside = str_fmt(call->arena, "%s.solder-%d", path, (int)getpid());
    int to = open(aside.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool ok = (to >= 0 || err_set(err, ERR_IO, "%s: %s", path, strerror(errno))) && cli_copy_bytes(from, to, source, err);
    if (to >= 0 && close(to) != 0) {
        ok = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (ok && rename(aside.data, path) != 0) {
        ok = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (!ok && to >= 0) {
        (void)unlink(aside.data);
    }
    return ok;
}

static bool run_cp(StStore *store, CliCall *call, int argc, char **argv, Err *err) {
    (void)argc;
    int from = open_source(store, call, argv[0], err);
    if (from < 0) {
        return false;
    }
    bool ok = cli_is_s3(argv[1]) ? copy_to_object(store, call, from, argv[0], argv[1], err) : copy_to_file(call, from, argv[0], argv[1], err);
    (void)close(from);
    return ok;
}

static bool run_mb(StStore *store, CliCall *call, int argc, char **argv, Err *err) {
    (void)call;
    (void)argc;
    S3Url url;
    if (!parse_url(argv[0], &url, err) || !st_bucket_create(store, url.bucket, STR(""), err)) {
        return false;
    }
    printf("make_bucket: %.*s\n", STR_ARG(url.bucket));
    return true;
}

static bool run_rb(StStore *store, CliCall *call, int argc, char **argv, Err *err) {
    (void)call;
    (void)argc;
    S3Url url;
    if (!parse_url(argv[0], &url, err) || !st_bucket_delete(store, url.bucket, err)) {
        return false;
    }
    printf("remove_bucket: %.*s\n", STR_ARG(url.bucket));
    return true;
}

static Str format_time(Arena *arena, int64_t microseconds) {
    time_t seconds = (time_t)(microseconds / 1000000);
    struct tm local;
    char text[32];
    if (localtime_r(&seconds, &local) == NULL || strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local) == 0) {
        return STR("-");
    }
    return str_copy(arena, str_from_c(text));
}

static bool list_buckets(StStore *store, CliCall *call, Err *err) {
    const StBucket *buckets;
    size_t count;
    if (!st_bucket_list(store, call->arena, &buckets, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        printf("%.*s %.*s\n", STR_ARG(format_time(call->arena, buckets[i].created_us)), STR_ARG(buckets[i].name));
    }
    return true;
}

/* As `aws s3 ls` prints: common prefixes as PRE lines unless recursive. */
static bool run_ls(StStore *store, CliCall *call, int argc, char **argv, Err *err) {
    bool recursive = argc > 1 && strcmp(argv[1], "--recursive") == 0;
    S3Url url;
    const StObject *objects;
    size_t count;
    if (argc == 0 || strcmp(argv[0], "s3://") == 0) {
        return list_buckets(store, call, err);
    }
    if (!parse_url(argv[0], &url, err) || !st_object_list(store, call->arena, url.bucket, url.key, STR(""), 0, &objects, &count, err)) {
        return false;
    }
    size_t from = url.key.len;
    while (from > 0 && url.key.data[from - 1] != '/') {
        from--;
    }
    Str last = STR("");
    for (size_t i = 0; i < count; i++) {
        Str name = recursive ? objects[i].key : str_slice(objects[i].key, from, objects[i].key.len);
        const char *slash = recursive ? NULL : memchr(name.data, '/', name.len);
        if (slash != NULL) {
            Str prefix = str_slice(name, 0, (size_t)(slash - name.data) + 1);
            if (!str_eq(prefix, last)) {
                printf("%27s PRE %.*s\n", "", STR_ARG(prefix));
                last = prefix;
            }
            continue;
        }
        printf("%.*s %10lld %.*s\n", STR_ARG(format_time(call->arena, objects[i].modified_us)), (long long)objects[i].size, STR_ARG(name));
    }
    return count > 0 || url.key.len == 0 || err_set(err, "NoSuchKey", "nothing at %s", argv[0]);
}

static bool run_rm(StStore *store, CliCall *call, int argc, char **argv, Err *err) {
    bool recursive = argc > 1 && strcmp(argv[1], "--recursive") == 0;
    S3Url url;
    if (!parse_url(argv[0], &url, err)) {
        return false;
    }
    if (!recursive) {
        StObject object;
        return st_object_get(store, call->arena, url.bucket, url.key, &object, err) && st_object_delete(store, url.bucket, &url.key, 1, err);
    }
    StTxn *txn = st_txn_begin(store, url.bucket, err);
    if (txn == NULL) {
        return false;
    }
    if (!st_txn_replace(txn, url.key, err)) {
        st_txn_abort(txn);
        return false;
    }
    return st_txn_commit(txn, err);
}

typedef struct Action {
    const char *name;
    int least, most; /* arguments */
    bool (*run)(StStore *store, CliCall *call, int argc, char **argv, Err *err);
} Action;

static const Action ACTIONS[] = {{"mb", 1, 1, run_mb}, {"rb", 1, 1, run_rb}, {"cp", 2, 2, run_cp}, {"ls", 0, 2, run_ls}, {"rm", 1, 2, run_rm}};

int cmd_s3(CliCall *call) {
    const Action *action = NULL;
    for (size_t i = 0; call->argc > 0 && i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        action = strcmp(call->argv[0], ACTIONS[i].name) == 0 ? &ACTIONS[i] : action;
    }
    if (action == NULL) {
        return cli_misuse("s3", "say one of mb, rb, cp, ls, rm");
    }
    if (call->argc - 1 < action->least || call->argc - 1 > action->most) {
        return cli_misuse("s3", "%s takes %d to %d arguments", action->name, action->least, action->most);
    }
    Err err = {0};
    StStore *store = st_open(call->home, &err);
    bool ok = store != NULL && action->run(store, call, call->argc - 1, call->argv + 1, &err);
    st_close(store);
    return ok ? CLI_OK : cli_fail(&err);
}
