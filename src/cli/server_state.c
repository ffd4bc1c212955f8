/* server_state.c - who serves a home directory, and what AWS's tools need to reach it.
 *
 * A server holds <home>/server.lock exclusively while it lives and has written there where it listens; so the verbs of other terminals find
 * it, and a second server over the same home is refused. The lock goes with the process, however that ends.
 */
#include "cli/cli.h"

#include "store/keys.h"
#include "supervise/process_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#include <yyjson.h>

#define DEFAULT_ENDPOINT "http://127.0.0.1:4566"
#define DEFAULT_REGION "us-east-1"

enum { MAX_STATE = 4096, LOCK_PAUSE_MS = 20, LOCK_PATIENCE_MS = 10000 };

static bool is_alive(pid_t pid) {
    SuProcessInfo process;
    return su_process_info(pid, &process) && process.state != 'Z' && process.state != 'X';
}

static Str lock_path(Arena *arena, Str home) {
    return str_fmt(arena, "%.*s/server.lock", STR_ARG(home));
}

static bool read_state(int fd, Arena *arena, CliServerState *state) {
    char *text = arena_alloc(arena, MAX_STATE);
    ssize_t got = pread(fd, text, MAX_STATE, 0);
    yyjson_doc *doc = got > 0 ? yyjson_read(text, (size_t)got, 0) : NULL;
    yyjson_val *root = yyjson_doc_get_root(doc);
    bool ok = yyjson_is_obj(root);
    if (ok) {
        state->pid = yyjson_get_sint(yyjson_obj_get(root, "pid"));
        state->connect_port = yyjson_get_sint(yyjson_obj_get(root, "connect_port"));
        state->no_auth = yyjson_get_bool(yyjson_obj_get(root, "no_auth"));
        state->endpoint = str_copy(arena, str_from_c(yyjson_get_str(yyjson_obj_get(root, "endpoint"))));
        state->region = str_copy(arena, str_from_c(yyjson_get_str(yyjson_obj_get(root, "region"))));
        state->ca_bundle = str_copy(arena, str_from_c(yyjson_get_str(yyjson_obj_get(root, "ca_bundle"))));
    }
    yyjson_doc_free(doc);
    return ok;
}

bool cli_server_lock(Arena *arena, Str home, int *ret_fd, Err *err) {
    Str path = lock_path(arena, home);
    *ret_fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*ret_fd < 0) {
        return err_set(err, ERR_IO, "%.*s: %s", STR_ARG(path), strerror(errno));
    }
    CliServerState state = {0};
    bool is_known = false;
    for (int waited = 0;; waited += LOCK_PAUSE_MS) {
        if (flock(*ret_fd, LOCK_EX | LOCK_NB) == 0) {
            return true;
        }
        is_known = read_state(*ret_fd, arena, &state);
        if (waited >= LOCK_PATIENCE_MS || !is_known || is_alive((pid_t)state.pid)) {
            break;
        }
        /* A killed server's child that has not become another program yet holds the lock for a moment. */
        struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
    (void)close(*ret_fd);
    *ret_fd = -1;
    return err_set(err, ERR_IO, "a server runs over %.*s already (process %lld, %.*s): stop it, or give another --home", STR_ARG(home),
                   (long long)(is_known ? state.pid : 0), STR_ARG(state.endpoint));
}

bool cli_server_announce(int lock_fd, Arena *arena, const CliServerState *state, Err *err) {
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(doc);
    yyjson_mut_doc_set_root(doc, root);
    (void)yyjson_mut_obj_add_int(doc, root, "pid", getpid());
    (void)yyjson_mut_obj_add_strn(doc, root, "endpoint", state->endpoint.data, state->endpoint.len);
    (void)yyjson_mut_obj_add_strn(doc, root, "region", state->region.data, state->region.len);
    (void)yyjson_mut_obj_add_int(doc, root, "connect_port", state->connect_port);
    (void)yyjson_mut_obj_add_bool(doc, root, "no_auth", state->no_auth);
    if (state->ca_bundle.len > 0) {
        (void)yyjson_mut_obj_add_strn(doc, root, "ca_bundle", state->ca_bundle.data, state->ca_bundle.len);
    }
    size_t len = 0;
    char *owned_text = yyjson_mut_write(doc, YYJSON_WRITE_NEWLINE_AT_END, &len);
    Str text = owned_text == NULL ? STR("{}\n") : str_copy(arena, (Str){owned_text, len});
    free(owned_text);
    yyjson_mut_doc_free(doc);
    if (ftruncate(lock_fd, 0) != 0 || pwrite(lock_fd, text.data, text.len, 0) != (ssize_t)text.len) {
        return err_set(err, ERR_IO, "server.lock: %s", strerror(errno));
    }
    return true;
}

bool cli_server_state(Arena *arena, Str home, CliServerState *ret_state, Err *err) {
    *ret_state = (CliServerState){.endpoint = STR(DEFAULT_ENDPOINT), .region = STR(DEFAULT_REGION), .connect_port = -1};
    Str path = lock_path(arena, home);
    int fd = open(path.data, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || err_set(err, ERR_IO, "%.*s: %s", STR_ARG(path), strerror(errno));
    }
    /* A shared lock is refused exactly while a server holds it. */
    if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
        CliServerState state = {0};
        if (read_state(fd, arena, &state) && state.endpoint.len > 0) {
            *ret_state = state;
            ret_state->is_running = true;
        }
    }
    (void)close(fd);
    return true;
}

const char *const *cli_aws_variables(StStore *store, Arena *arena, const CliServerState *state, Err *err) {
    StKey key;
    if (!st_key_default(store, arena, &key, err)) {
        return NULL;
    }
    const char **variables = ARENA_ARRAY(arena, const char *, 6);
    variables[0] = str_fmt(arena, "AWS_ENDPOINT_URL=%.*s", STR_ARG(state->endpoint)).data;
    variables[1] = str_fmt(arena, "AWS_ACCESS_KEY_ID=%.*s", STR_ARG(key.id)).data;
    variables[2] = str_fmt(arena, "AWS_SECRET_ACCESS_KEY=%.*s", STR_ARG(key.secret)).data;
    variables[3] = str_fmt(arena, "AWS_DEFAULT_REGION=%.*s", STR_ARG(state->region)).data;
    if (state->ca_bundle.len > 0) {
        variables[4] = str_fmt(arena, "AWS_CA_BUNDLE=%.*s", STR_ARG(state->ca_bundle)).data;
    }
    return variables;
}
