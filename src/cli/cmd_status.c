/* cmd_status.c - solder status: what runs, read from the home directory's rows; no server is asked. */
#include "cli/cli.h"

#include "base/vec.h"
#include "store/resource.h"

#include <time.h>
#include <yyjson.h>

/* Which rows are shown: kind, the state that is looked for, and the member of the JSON that names it for people (NULL: its id). */
static const struct {
    const char *kind, *state, *name_member;
} SHOWN[] = {
    {"job-run", "WAITING", "JobName"},   {"job-run", "STARTING", "JobName"}, {"job-run", "RUNNING", "JobName"},
    {"job-run", "STOPPING", "JobName"},  {"cluster", "STARTING", "Name"},    {"cluster", "BOOTSTRAPPING", "Name"},
    {"cluster", "RUNNING", "Name"},      {"cluster", "WAITING", "Name"},     {"cluster", "TERMINATING", "Name"},
    {"step", "PENDING", "Name"},         {"step", "RUNNING", "Name"},        {"step", "CANCEL_PENDING", "Name"},
};

enum { NCOLUMNS = 6 };

static Str duration(Arena *arena, int64_t seconds) {
    return seconds < 60     ? str_fmt(arena, "%lld s", (long long)seconds)
           : seconds < 3600 ? str_fmt(arena, "%lld min %lld s", (long long)(seconds / 60), (long long)(seconds % 60))
                            : str_fmt(arena, "%lld h %lld min", (long long)(seconds / 3600), (long long)(seconds / 60 % 60));
}

/* What a run has read so far, as its process reports it; empty when it reports nothing. */
static Str progress_of(Arena *arena, yyjson_val *root) {
    yyjson_val *progress = yyjson_obj_get(root, "SolderProgress");
    if (progress == NULL) {
        return STR("");
    }
    int64_t rows = yyjson_get_sint(yyjson_obj_get(progress, "rows_read"));
    int64_t bytes = yyjson_get_sint(yyjson_obj_get(progress, "bytes_read"));
    return str_fmt(arena, "%s rows, %s", cli_count(arena, rows).data, cli_bytes(arena, bytes).data);
}

int cmd_status(CliCall *call) {
    Err err = {0};
    if (call->argc > 0) {
        return cli_misuse("status", "unknown argument %s", call->argv[0]);
    }
    Arena *arena = call->arena;
    StStore *store = st_open(call->home, &err);
    CliServerState server;
    if (store == NULL || !cli_server_state(arena, st_home(store), &server, &err)) {
        st_close(store);
        return cli_fail(&err);
    }
    VEC(Str) cells = {.arena = arena};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof SHOWN / sizeof SHOWN[0]; i++) {
        const StResource *rows = NULL;
        size_t count = 0;
        ok = st_resource_list(store, arena, &(StResourceQuery){.kind = str_from_c(SHOWN[i].kind), .state = str_from_c(SHOWN[i].state)}, &rows,
                              &count, &err);
        for (size_t row = 0; ok && row < count; row++) {
            yyjson_doc *doc = yyjson_read(rows[row].json.data, rows[row].json.len, 0);
            yyjson_val *root = yyjson_doc_get_root(doc);
            VEC_PUSH(&cells, str_from_c(SHOWN[i].kind));
            VEC_PUSH(&cells, str_copy(arena, str_from_c(yyjson_get_str(yyjson_obj_get(root, SHOWN[i].name_member)))));
            VEC_PUSH(&cells, rows[row].id);
            VEC_PUSH(&cells, rows[row].state);
            VEC_PUSH(&cells, duration(arena, (int64_t)time(NULL) - rows[row].created_us / 1000000));
            VEC_PUSH(&cells, progress_of(arena, root));
            yyjson_doc_free(doc);
        }
    }
    st_close(store);
    if (!ok) {
        return cli_fail(&err);
    }
    if (server.is_running) {
        printf("serving on %.*s (process %lld)\n", STR_ARG(server.endpoint), (long long)server.pid);
    } else {
        puts("no server runs over this home directory");
    }
    if (cells.count > 0) {
        static const CliColumn COLUMNS[NCOLUMNS] = {{"kind", false}, {"name", false}, {"id", false}, {"state", false}, {"for", true}, {"read", true}};
        puts("");
        cli_print_table(stdout, arena, COLUMNS, NCOLUMNS, cells.items, cells.count / NCOLUMNS, cli_terminal_width(stdout));
    } else {
        puts("nothing runs");
    }
    return CLI_OK;
}
