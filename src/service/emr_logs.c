/* emr_logs.c - a cluster's logs as objects below its LogUri, in EMR's layout, gzipped. See emr.h.
 *
 * steps/<step>/{controller,stdout,stderr}.gz, node/<instance>/…, containers/<application>/<container>/{stdout,stderr}.gz. A bucket that is not there
 * costs the logs, not the cluster: the reason is said once.
 */
#include "service/emr.h"
#include "service/json_members.h"

#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

void em_read_log_uri(EmCluster *cluster) {
    Str uri = js_str(yyjson_doc_get_root(cluster->launch), "LogUri");
    Str bucket;
    Str prefix;
    if (!em_split_s3(uri, &bucket, &prefix)) {
        return;
    }
    bool has_slash = prefix.len == 0 || prefix.data[prefix.len - 1] == '/';
    cluster->log_bucket = str_copy(cluster->arena, bucket);
    cluster->log_prefix = str_fmt(cluster->arena, "%.*s%s%.*s/", STR_ARG(prefix), has_slash ? "" : "/", STR_ARG(cluster->id));
}

static bool gzip_file(Str from, Str to, Err *err) {
    int in = open(from.data, O_RDONLY | O_CLOEXEC);
    if (in < 0) {
        return err_set(err, ERR_IO, "%.*s: %s", STR_ARG(from), strerror(errno));
    }
    gzFile out = gzopen(to.data, "wbe6");
    bool ok = out != NULL;
    char chunk[65536];
    ssize_t got = 0;
    while (ok && (got = read(in, chunk, sizeof chunk)) > 0) {
        ok = gzwrite(out, chunk, (unsigned)got) == (int)got;
    }
    (void)close(in);
    if (out != NULL) {
        ok = gzclose(out) == Z_OK && ok;
    }
    return (ok && got == 0) || err_set(err, ERR_IO, "compressing %.*s failed", STR_ARG(from));
}

static bool write_all(EmCluster *cluster, Arena *scratch, const EmLog *logs, size_t count, Err *err) {
    StTxn *txn = st_txn_begin(cluster->services->store, cluster->log_bucket, err);
    if (txn == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        Str key = str_fmt(scratch, "%.*s%.*s.gz", STR_ARG(cluster->log_prefix), STR_ARG(logs[i].name));
        Str path;
        if (access(logs[i].path.data, R_OK) == 0 && (!st_txn_add(txn, scratch, key, &path, err) || !gzip_file(logs[i].path, path, err))) {
            st_txn_abort(txn);
            return false;
        }
    }
    return st_txn_commit(txn, err);
}

void em_write_logs(EmCluster *cluster, const EmLog *logs, size_t count) {
    Err err = {0};
    if (cluster->log_bucket.len == 0 || count == 0) {
        return;
    }
    Arena *scratch = arena_new();
    if (!write_all(cluster, scratch, logs, count, &err) && !cluster->log_failure_is_noted) {
        cluster->log_failure_is_noted = true;
        (void)fprintf(stderr, "solder: cluster %.*s: its logs are not kept: %s\n", STR_ARG(cluster->id), err.message);
    }
    arena_free(scratch);
}

/* ---- containers ---- */

typedef VEC(EmLog) Logs;
typedef VEC(Str) Names;

static Names list_directory(Arena *arena, Str path) {
    Names names = {.arena = arena};
    DIR *directory = opendir(str_to_c(arena, path));
    if (directory != NULL) {
        for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
            if (entry->d_name[0] != '.') {
                VEC_PUSH(&names, str_copy(arena, str_from_c(entry->d_name)));
            }
        }
        (void)closedir(directory);
    }
    return names;
}

/* app-20261126010203-0000 and executor 3 of it: application_20261126010203_0000, container_20261126010203_0000_01_000005; 1 is the driver's. */
static void add_container(Arena *arena, Logs *logs, Str directory, Str application, Str executor) {
    int64_t number = 0;
    Str id = str_slice(application, 4, application.len);
    const char *dash = id.len > 0 ? memchr(id.data, '-', id.len) : NULL;
    if (!str_starts_with(application, STR("app-")) || dash == NULL || !str_to_i64(executor, &number)) {
        return;
    }
    size_t at = (size_t)(dash - id.data);
    Str time = str_slice(id, 0, at);
    Str serial = str_slice(id, at + 1, id.len);
    static const char *const STREAMS[] = {"stdout", "stderr"};
    for (size_t i = 0; i < 2; i++) {
        EmLog log = {.path = str_fmt(arena, "%.*s/%.*s/%.*s/%s", STR_ARG(directory), STR_ARG(application), STR_ARG(executor), STREAMS[i]),
                     .name = str_fmt(arena, "containers/application_%.*s_%.*s/container_%.*s_%.*s_01_%06d/%s", STR_ARG(time),
                                     STR_ARG(serial), STR_ARG(time), STR_ARG(serial), (int)number + 2, STREAMS[i])};
        VEC_PUSH(logs, log);
    }
}

void em_write_container_logs(EmCluster *cluster) {
    Arena *scratch = arena_new();
    Logs logs = {.arena = scratch};
    Names written = {.arena = scratch};
    for (size_t i = 0; i < cluster->nnodes; i++) {
        Str work = str_fmt(scratch, "%.*s/work", STR_ARG(cluster->nodes[i].directory));
        Names applications = list_directory(scratch, work);
        for (size_t j = 0; j < applications.count; j++) {
            Str directory = str_fmt(scratch, "%.*s/%.*s", STR_ARG(work), STR_ARG(applications.items[j]));
            Names executors = list_directory(scratch, directory);
            for (size_t k = 0; k < executors.count; k++) {
                add_container(scratch, &logs, work, applications.items[j], executors.items[k]);
            }
            VEC_PUSH(&written, directory);
        }
    }
    em_write_logs(cluster, logs.items, logs.count);
    for (size_t i = 0; i < written.count; i++) {
        st_remove_tree(written.items[i].data);
    }
    arena_free(scratch);
}
