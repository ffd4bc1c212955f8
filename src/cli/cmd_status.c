/* cmd_status.c - solder status: what runs, read from the home directory's rows; no server is asked.
 *
 * Each kind of resource is one query, so that what moves meanwhile is seen once, in one state. Invariant: on a terminal lines are cut to its width;
 * elsewhere nothing is cut, so that ids and URLs can be taken from there.
 */
#include "cli/cli.h"

#include "base/vec.h"
#include "store/resource.h"

#include <time.h>
#include <yyjson.h>

#define RUN_STATES "STARTING RUNNING STOPPING WAITING"
#define CLUSTER_STATES "STARTING BOOTSTRAPPING RUNNING WAITING TERMINATING"
#define STEP_STATES "PENDING RUNNING CANCEL_PENDING"
#define INSTANCE_STATES "PROVISIONING BOOTSTRAPPING RUNNING"

typedef VEC(Str) Cells;

typedef struct Status {
    Arena *arena;
    StStore *store;
    int64_t now_us;
    Err *err;
} Status;

/* Rows of one kind, oldest first. */
typedef struct Rows {
    const StResource *items;
    size_t count;
} Rows;

static bool list_rows(Status *status, const char *kind, const char *states, const Str *parent, Rows *ret_rows) {
    StResourceQuery query = {
        .kind = str_from_c(kind), .state = str_from_c(states), .by_parent = parent != NULL, .parent = parent != NULL ? *parent : STR("")};
    return st_resource_list(status->store, status->arena, &query, &ret_rows->items, &ret_rows->count, status->err);
}

static Str text_of(Arena *arena, yyjson_val *object, const char *name) {
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_str(value) ? str_copy(arena, (Str){yyjson_get_str(value), yyjson_get_len(value)}) : STR("");
}

/* From then till now; a clock that was set back makes it nothing. */
static Str duration(const Status *status, double since_s) {
    long long seconds = (long long)((double)status->now_us / 1e6 - since_s);
    seconds = seconds > 0 ? seconds : 0;
    return seconds < 60      ? str_fmt(status->arena, "%lld s", seconds)
           : seconds < 3600  ? str_fmt(status->arena, "%lld min %lld s", seconds / 60, seconds % 60)
           : seconds < 86400 ? str_fmt(status->arena, "%lld h %lld min", seconds / 3600, seconds / 60 % 60)
                             : str_fmt(status->arena, "%lld d %lld h", seconds / 86400, seconds / 3600 % 24);
}

static double created_s(const StResource *row) {
    return (double)row->created_us / 1e6;
}

static void print_section(const Status *status, const char *title, const CliColumn *columns, size_t ncolumns, const Cells *cells) {
    if (cells->count > 0) {
        printf("\n%s\n", title);
        cli_print_table(stdout, status->arena, columns, ncolumns, cells->items, cells->count / ncolumns, cli_terminal_width(stdout));
    }
}

/* ---- job runs ---- */

/* place: in the queue, 0 for a run that is under way. */
static void add_run(const Status *status, const StResource *row, size_t place, Cells *cells) {
    Arena *arena = status->arena;
    yyjson_doc *doc = yyjson_read(row->json.data, row->json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *started = yyjson_obj_get(root, "StartedOn");
    yyjson_val *rows =
        yyjson_obj_get(yyjson_obj_get(root, "SolderProgress"), "rows_read"); /* not there: its process has told of none yet */
    VEC_PUSH(cells, row->parent);
    VEC_PUSH(cells, row->state);
    VEC_PUSH(cells, place > 0 ? str_fmt(arena, "%zu", place) : STR(""));
    VEC_PUSH(cells, duration(status, place == 0 && yyjson_is_num(started) ? yyjson_get_num(started) : created_s(row)));
    VEC_PUSH(cells, rows != NULL ? cli_count(arena, yyjson_get_sint(rows)) : STR(""));
    VEC_PUSH(cells, row->id);
    yyjson_doc_free(doc);
}

/* Those under way, then the queue in the order in which it is served. */
static bool show_runs(Status *status, size_t *shown) {
    static const CliColumn COLUMNS[] = {{"job", CLI_TEXT},   {"state", CLI_WHOLE},      {"queue", CLI_NUMBER},
                                        {"for", CLI_NUMBER}, {"rows read", CLI_NUMBER}, {"run", CLI_TEXT}};
    enum { NCOLUMNS = sizeof COLUMNS / sizeof COLUMNS[0] };
    Rows runs;
    if (!list_rows(status, "job-run", RUN_STATES, NULL, &runs)) {
        return false;
    }
    Cells cells = {.arena = status->arena};
    size_t place = 0;
    for (int waits = 0; waits < 2; waits++) {
        for (size_t i = 0; i < runs.count; i++) {
            if (str_eq_c(runs.items[i].state, "WAITING") == (waits == 1)) {
                place += waits == 1;
                add_run(status, &runs.items[i], place, &cells);
            }
        }
    }
    print_section(status, "job runs", COLUMNS, NCOLUMNS, &cells);
    *shown += runs.count;
    return true;
}

/* ---- clusters ---- */

/* A master alone has the worker beside it. */
static Str count_workers(const Status *status, const Rows *instances) {
    size_t masters[2] = {0, 0}; /* all, and those that run */
    size_t workers[2] = {0, 0};
    for (size_t i = 0; i < instances->count; i++) {
        yyjson_doc *doc = yyjson_read(instances->items[i].json.data, instances->items[i].json.len, 0);
        Str role = text_of(status->arena, yyjson_obj_get(yyjson_doc_get_root(doc), "Inner"), "Role");
        size_t *counts = str_eq_c(role, "MASTER") ? masters : workers;
        counts[0]++;
        counts[1] += str_eq_c(instances->items[i].state, "RUNNING");
        yyjson_doc_free(doc);
    }
    const size_t *counts = workers[0] > 0 ? workers : masters;
    return str_fmt(status->arena, "%zu of %zu", counts[1], counts[0]);
}

static bool add_cluster(Status *status, const StResource *row, Cells *cells) {
    Arena *arena = status->arena;
    Rows instances;
    if (!list_rows(status, "instance", INSTANCE_STATES, &row->id, &instances)) {
        return false;
    }
    yyjson_doc *doc = yyjson_read(row->json.data, row->json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    /* The port is there from when the master is started; it answers from BOOTSTRAPPING on. */
    yyjson_val *port = yyjson_obj_get(yyjson_obj_get(root, "Inner"), "RpcPort");
    bool answers = yyjson_get_sint(port) > 0 && !str_eq_c(row->state, "STARTING");
    VEC_PUSH(cells, text_of(arena, root, "Name"));
    VEC_PUSH(cells, row->id);
    VEC_PUSH(cells, row->state);
    VEC_PUSH(cells, duration(status, created_s(row)));
    VEC_PUSH(cells, count_workers(status, &instances));
    VEC_PUSH(cells, answers ? str_fmt(arena, "spark://%.*s:%lld", STR_ARG(text_of(arena, root, "MasterPublicDnsName")),
                                      (long long)yyjson_get_sint(port))
                            : STR(""));
    yyjson_doc_free(doc);
    return true;
}

static bool show_clusters(Status *status, size_t *shown) {
    static const CliColumn COLUMNS[] = {{"cluster", CLI_TEXT}, {"id", CLI_WHOLE},      {"state", CLI_WHOLE},
                                        {"age", CLI_NUMBER},   {"workers", CLI_WHOLE}, {"master", CLI_WHOLE}};
    enum { NCOLUMNS = sizeof COLUMNS / sizeof COLUMNS[0] };
    Rows clusters;
    if (!list_rows(status, "cluster", CLUSTER_STATES, NULL, &clusters)) {
        return false;
    }
    Cells cells = {.arena = status->arena};
    for (size_t i = 0; i < clusters.count; i++) {
        if (!add_cluster(status, &clusters.items[i], &cells)) {
            return false;
        }
    }
    print_section(status, "clusters", COLUMNS, NCOLUMNS, &cells);
    *shown += clusters.count;
    return true;
}

/* ---- steps ---- */

static void add_step(const Status *status, const StResource *row, Cells *cells) {
    yyjson_doc *doc = yyjson_read(row->json.data, row->json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    yyjson_val *started =
        yyjson_obj_get(yyjson_obj_get(yyjson_obj_get(root, "Status"), "Timeline"), "StartDateTime"); /* not while it is pending */
    VEC_PUSH(cells, text_of(status->arena, root, "Name"));
    VEC_PUSH(cells, row->id);
    VEC_PUSH(cells, row->parent);
    VEC_PUSH(cells, row->state);
    VEC_PUSH(cells, duration(status, yyjson_is_num(started) ? yyjson_get_num(started) : created_s(row)));
    yyjson_doc_free(doc);
}

static bool show_steps(Status *status, size_t *shown) {
    static const CliColumn COLUMNS[] = {
        {"step", CLI_TEXT}, {"id", CLI_WHOLE}, {"of cluster", CLI_WHOLE}, {"state", CLI_WHOLE}, {"for", CLI_NUMBER}};
    enum { NCOLUMNS = sizeof COLUMNS / sizeof COLUMNS[0] };
    Rows steps;
    if (!list_rows(status, "step", STEP_STATES, NULL, &steps)) {
        return false;
    }
    Cells cells = {.arena = status->arena};
    for (size_t i = 0; i < steps.count; i++) {
        add_step(status, &steps.items[i], &cells);
    }
    print_section(status, "steps", COLUMNS, NCOLUMNS, &cells);
    *shown += steps.count;
    return true;
}

static void show_server(const CliServerState *server) {
    if (!server->is_running) {
        puts("no server runs over this home directory");
        return;
    }
    printf("serving on %.*s", STR_ARG(server->endpoint));
    if (server->connect_port >= 0) {
        printf(" and sc://127.0.0.1:%lld", (long long)server->connect_port);
    }
    printf(" (process %lld)\n", (long long)server->pid);
}

int cmd_status(CliCall *call) {
    Err err = {0};
    if (call->argc > 0) {
        return cli_misuse("status", "unknown argument %s", call->argv[0]);
    }
    CliServerState server;
    Status status = {.arena = call->arena, .store = st_open(call->home, &err), .now_us = (int64_t)time(NULL) * 1000000, .err = &err};
    size_t shown = 0;
    bool ok = status.store != NULL && cli_server_state(call->arena, st_home(status.store), &server, &err);
    if (ok) {
        show_server(&server);
        ok = show_runs(&status, &shown) && show_clusters(&status, &shown) && show_steps(&status, &shown);
    }
    st_close(status.store);
    if (!ok) {
        return cli_fail(&err);
    }
    if (shown == 0) {
        puts("nothing runs");
    } else if (!server.is_running) {
        puts("\nAll this was left by a server that was killed: the next solder serve takes it up or settles it.");
    }
    return CLI_OK;
}
