/* emr_life.c - one cluster's way from STARTING to its end, on a thread of its own. See emr.h.
 *
 * STARTING: it waits for its place on the machine, then its master starts. BOOTSTRAPPING: bootstrap actions, workers register. RUNNING: a step runs.
 * WAITING: none does. TERMINATING: steps, workers, master end, the last logs are written. A cluster that an earlier server left is taken up where
 * it was: what was starting starts again, what ran goes on when its master lives.
 */
#include "service/emr.h"
#include "service/json_members.h"
#include "supervise/marked.h"

#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 5000, LEFT_GRACE_MS = 3000 };

/* ---- waiting and asking ---- */

void em_lock(SvClusters *clusters) {
    if (pthread_mutex_lock(&clusters->mutex) != 0) {
        abort(); /* ours and valid: only memory corruption gets here */
    }
}

void em_unlock(SvClusters *clusters) {
    if (pthread_mutex_unlock(&clusters->mutex) != 0) {
        abort();
    }
}

void em_wait(SvClusters *clusters, int64_t ms) {
    struct timespec until;
    if (clock_gettime(CLOCK_MONOTONIC, &until) != 0) {
        abort();
    }
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(&clusters->changed, &clusters->mutex, &until);
}

bool em_ends(EmCluster *cluster) {
    em_lock(cluster->services->clusters);
    bool ends = cluster->end.is_set;
    em_unlock(cluster->services->clusters);
    return ends;
}

void em_ask_end(EmCluster *cluster, bool is_error, const char *code, const char *fmt, ...) {
    SvClusters *clusters = cluster->services->clusters;
    va_list args;
    em_lock(clusters);
    if (!cluster->end.is_set) {
        cluster->end = (EmEnd){.is_set = true, .is_error = is_error, .code = code};
        va_start(args, fmt);
        (void)vsnprintf(cluster->end.message, sizeof cluster->end.message, fmt, args);
        va_end(args);
    }
    (void)pthread_cond_broadcast(&clusters->changed);
    em_unlock(clusters);
}

/* ---- processes ---- */

void em_task_on_exit(void *self, const SuExit *exit) {
    EmTask *task = self;
    em_lock(task->clusters);
    task->has_ended = true;
    task->exit = *exit;
    (void)pthread_cond_broadcast(&task->clusters->changed);
    em_unlock(task->clusters);
}

/* Whether a JVM that is started here reads and writes names, arguments and output as UTF-8: by the first of these that is set. */
static bool has_utf8_locale(void) {
    static const char *const NAMES[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const char *value = getenv(NAMES[i]);
        if (value != NULL && value[0] != '\0') {
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
        }
    }
    return false;
}

static const char *const *join_env(Arena *arena, const EmCluster *cluster, const char *const *own) {
    VEC(const char *) env = {.arena = arena};
    VEC_PUSH(&env, str_fmt(arena, "SOLDER_CLUSTER=%.*s", STR_ARG(cluster->directory)).data);
    for (size_t i = 0; own != NULL && own[i] != NULL; i++) {
        VEC_PUSH(&env, own[i]);
    }
    for (size_t i = 0; cluster->extra_env != NULL && cluster->extra_env[i] != NULL; i++) {
        VEC_PUSH(&env, cluster->extra_env[i]);
    }
    if (!has_utf8_locale()) {
        VEC_PUSH(&env, "LC_ALL=C.UTF-8");
    }
    VEC_PUSH(&env, NULL);
    return env.items;
}

bool em_launch(EmCluster *cluster, const EmLaunch *launch, EmTask *task, Err *err) {
    Arena *scratch = arena_new();
    int out = open(launch->stdout_path.data, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int errors = open(launch->stderr_path.data, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    bool ok = out >= 0 && errors >= 0;
    if (!ok) {
        (void)err_set(err, ERR_IO, "%.*s: %s", STR_ARG(launch->stdout_path), strerror(errno));
    }
    *task = (EmTask){.clusters = cluster->services->clusters};
    if (ok) {
        SuTaskSpec spec = {.command = {.argv = launch->argv,
                                       .extra_env = join_env(scratch, cluster, launch->env),
                                       .stdin_fd = -1,
                                       .stdout_fd = out,
                                       .stderr_fd = errors},
                           .working_directory = launch->directory.data,
                           .grace_ms = launch->grace_ms,
                           .on_exit = em_task_on_exit,
                           .self = task};
        SuIdentity identity = {0};
        SuTaskId id = su_task_start(cluster->services->supervisor, &spec, &identity, err);
        em_lock(task->clusters);
        task->task = id;
        task->identity = identity;
        em_unlock(task->clusters);
        ok = id != 0;
    }
    if (out >= 0) {
        (void)close(out);
    }
    if (errors >= 0) {
        (void)close(errors);
    }
    arena_free(scratch);
    return ok;
}

bool em_task_ended(EmTask *task, SuExit *ret_exit) {
    if (task->clusters == NULL) {
        return true;
    }
    em_lock(task->clusters);
    bool ended = task->task == 0 || task->has_ended;
    if (ended && ret_exit != NULL) {
        *ret_exit = task->exit;
    }
    em_unlock(task->clusters);
    return ended;
}

void em_end_tasks(EmCluster *cluster, EmTask *const *tasks, size_t count) {
    SvClusters *clusters = cluster->services->clusters;
    for (size_t i = 0; i < count; i++) {
        if (!em_task_ended(tasks[i], NULL)) {
            su_task_stop(cluster->services->supervisor, tasks[i]->task);
        }
    }
    for (size_t i = 0; i < count; i++) {
        while (!em_task_ended(tasks[i], NULL)) {
            em_lock(clusters);
            em_wait(clusters, 100);
            em_unlock(clusters);
        }
    }
}

/* ---- the way ---- */

static bool move_cluster(EmCluster *cluster, const EmMove *move) {
    StResourceName name = em_cluster_name(cluster->id);
    return em_move(cluster->services, &name, move);
}

/* In the order of RunJobFlow, so that a big cluster is not passed by small ones for ever. */
static bool may_be_placed(const SvClusters *clusters, const EmCluster *cluster) {
    for (const EmCluster *other = clusters->first; other != NULL; other = other->next) {
        if (other->order < cluster->order && !other->is_placed && !other->is_over) {
            return false;
        }
    }
    /* One that was taken up has its processes already. */
    return cluster->is_resumed || clusters->promised_mib + cluster->share.promise_mib <= clusters->machine.budget_mib;
}

static void wait_for_place(EmCluster *cluster) {
    SvClusters *clusters = cluster->services->clusters;
    em_lock(clusters);
    while (!cluster->end.is_set && !may_be_placed(clusters, cluster)) {
        em_wait(clusters, LOOK_MS);
    }
    if (!cluster->end.is_set) {
        cluster->is_placed = true;
        clusters->promised_mib += cluster->share.promise_mib;
        (void)pthread_cond_broadcast(&clusters->changed);
    }
    em_unlock(clusters);
}

/* The oldest step that waits (or that an earlier server began). false: the store can't tell, which does not mean that there is none. */
static bool next_step(EmCluster *cluster, Arena *arena, StResource *ret_step, bool *ret_found) {
    static const char *const STATES[] = {"RUNNING", "CANCEL_PENDING", "PENDING"};
    *ret_found = false;
    for (size_t i = 0; i < 3 && !*ret_found; i++) {
        Err err = {0};
        const StResource *steps = NULL;
        size_t count = 0;
        StResourceQuery query = {
            .kind = STR(EM_STEP), .parent = cluster->id, .by_parent = true, .state = str_from_c(STATES[i]), .limit = 1};
        if (!st_resource_list(cluster->services->store, arena, &query, &steps, &count, &err)) {
            return false;
        }
        if (count > 0) {
            *ret_step = steps[0];
            *ret_found = true;
        }
    }
    return true;
}

/* The steps in these states; their number. Under the mutex, so that none is being added meanwhile. */
static size_t list_steps(EmCluster *cluster, Arena *arena, const char *states, const StResource **ret_steps) {
    SvClusters *clusters = cluster->services->clusters;
    StResourceQuery query = {.kind = STR(EM_STEP), .parent = cluster->id, .by_parent = true, .state = str_from_c(states)};
    size_t count = 0;
    bool ok = false;
    do {
        Err err = {0};
        em_lock(clusters);
        ok = st_resource_list(cluster->services->store, arena, &query, ret_steps, &count, &err);
        em_unlock(clusters);
    } while (!ok && em_wait_for_store(clusters));
    return ok ? count : 0;
}

static void end_steps(EmCluster *cluster) {
    Arena *scratch = arena_new();
    const StResource *steps = NULL;
    size_t count = list_steps(cluster, scratch, "PENDING RUNNING CANCEL_PENDING", &steps);
    for (size_t i = 0; i < count; i++) {
        bool is_pending = str_eq_c(steps[i].state, "PENDING");
        StResourceName name = em_child_name(EM_STEP, cluster->id, steps[i].id);
        EmMove move = {.state = is_pending ? "CANCELLED" : "INTERRUPTED", .ends = true, .code = "", .message = STR("The cluster ended")};
        (void)em_move_surely(cluster->services, &name, &move);
        yyjson_doc *doc = yyjson_read(steps[i].json.data, steps[i].json.len, 0);
        em_revoke_key(cluster->services, js_str(yyjson_obj_get(yyjson_doc_get_root(doc), "Inner"), "Key"));
        yyjson_doc_free(doc);
    }
    arena_free(scratch);
}

/* What may change while the cluster lives. */
static void read_policy(EmCluster *cluster, bool *ret_ends_by_itself, int64_t *ret_idle_s, bool *ret_is_protected) {
    Arena *scratch = arena_new();
    StResource row;
    Err err = {0};
    StResourceName name = em_cluster_name(cluster->id);
    *ret_ends_by_itself = *ret_is_protected = false;
    *ret_idle_s = 0;
    if (st_resource_get(cluster->services->store, scratch, &name, &row, &err)) {
        yyjson_doc *doc = yyjson_read(row.json.data, row.json.len, 0);
        yyjson_val *root = yyjson_doc_get_root(doc);
        *ret_ends_by_itself = js_bool(root, "AutoTerminate", false);
        *ret_is_protected = js_bool(root, "TerminationProtected", false);
        *ret_idle_s = js_i64(yyjson_obj_get(yyjson_obj_get(root, "Inner"), "AutoTerminationPolicy"), "IdleTimeout", 0);
        yyjson_doc_free(doc);
    }
    arena_free(scratch);
}

static void cancel_pending_steps(EmCluster *cluster, Str why) {
    Arena *scratch = arena_new();
    const StResource *steps = NULL;
    size_t count = list_steps(cluster, scratch, "PENDING", &steps);
    for (size_t i = 0; i < count; i++) {
        StResourceName name = em_child_name(EM_STEP, cluster->id, steps[i].id);
        (void)em_move_surely(cluster->services, &name, &(EmMove){.state = "CANCELLED", .ends = true, .code = "", .message = why});
    }
    arena_free(scratch);
}

/* ActionOnFailure of a step that has failed. */
static void act_on_failure(EmCluster *cluster, Str step_id) {
    Arena *scratch = arena_new();
    StResource step;
    Err err = {0};
    StResourceName name = em_child_name(EM_STEP, cluster->id, step_id);
    bool ends = false;
    bool is_protected = false;
    int64_t idle_s = 0;
    if (st_resource_get(cluster->services->store, scratch, &name, &step, &err) && str_eq_c(step.state, "FAILED")) {
        yyjson_doc *doc = yyjson_read(step.json.data, step.json.len, 0);
        Str action = js_str(yyjson_doc_get_root(doc), "ActionOnFailure");
        bool terminates = str_eq_c(action, "TERMINATE_CLUSTER") || str_eq_c(action, "TERMINATE_JOB_FLOW");
        read_policy(cluster, &ends, &idle_s, &is_protected);
        if (terminates || str_eq_c(action, "CANCEL_AND_WAIT")) {
            cancel_pending_steps(cluster, str_fmt(scratch, "Step %.*s failed", STR_ARG(step_id)));
        }
        if (terminates && !is_protected) {
            em_ask_end(cluster, true, "STEP_FAILURE", "Shut down as step failed");
        }
        yyjson_doc_free(doc);
    }
    arena_free(scratch);
}

static Str ready_message(const EmCluster *cluster, Arena *arena) {
    const SvClusters *clusters = cluster->services->clusters;
    size_t workers = cluster->nnodes - 1;
    return str_fmt(arena, "Cluster ready to run steps. Spark %.*s at spark://%.*s:%d; %zu worker%s with %d core%s and %lld MiB each%s",
                   STR_ARG(clusters->spark.version), STR_ARG(cluster->nodes[0].address), cluster->rpc_port, workers,
                   workers == 1 ? "" : "s", cluster->share.cores, cluster->share.cores == 1 ? "" : "s",
                   (long long)cluster->share.memory_mib,
                   cluster->share.is_scaled_down ? ": scaled down from the instance type to what this machine has" : "");
}

/* WAITING until a step comes, the end is asked for, or the idle time is over. */
static void wait_idle(EmCluster *cluster, int64_t idle_s) {
    SvClusters *clusters = cluster->services->clusters;
    em_lock(clusters);
    if (!cluster->end.is_set && !cluster->is_news) {
        em_wait(clusters, idle_s > 0 && idle_s * 1000 < LOOK_MS ? idle_s * 1000 : LOOK_MS);
    }
    cluster->is_news = false;
    em_unlock(clusters);
}

static int64_t monotonic_s(void) {
    struct timespec now;
    return clock_gettime(CLOCK_MONOTONIC, &now) == 0 ? (int64_t)now.tv_sec : 0;
}

static void serve(EmCluster *cluster) {
    int64_t idle_since = monotonic_s();
    while (!em_ends(cluster) && em_check_nodes(cluster)) {
        Arena *scratch = arena_new();
        StResource step;
        bool ends_by_itself = false;
        bool is_protected = false;
        int64_t idle_s = 0;
        Str message = ready_message(cluster, scratch);
        read_policy(cluster, &ends_by_itself, &idle_s, &is_protected);
        bool has_step = false;
        if (!next_step(cluster, scratch, &step, &has_step)) {
            (void)em_wait_for_store(cluster->services->clusters);
        } else if (has_step) {
            (void)move_cluster(cluster,
                               &(EmMove){.state = "RUNNING", .is_ready = !cluster->is_resumed, .code = "", .message = STR("Running step")});
            em_run_step(cluster, &step);
            act_on_failure(cluster, step.id);
            idle_since = monotonic_s();
        } else if (ends_by_itself) {
            (void)move_cluster(cluster, &(EmMove){.state = "RUNNING", .is_ready = !cluster->is_resumed, .code = "", .message = message});
            em_ask_end(cluster, false, "ALL_STEPS_COMPLETED", "Steps completed");
        } else if (idle_s > 0 && monotonic_s() - idle_since >= idle_s) {
            em_ask_end(cluster, false, "ALL_STEPS_COMPLETED", "Auto-terminated: idle for %lld seconds", (long long)idle_s);
        } else {
            (void)move_cluster(cluster, &(EmMove){.state = "WAITING", .is_ready = !cluster->is_resumed, .code = "", .message = message});
            wait_idle(cluster, idle_s);
        }
        cluster->is_resumed = true; /* its ReadyDateTime stands */
        arena_free(scratch);
    }
}

static void end_cluster(EmCluster *cluster) {
    EmEnd end = cluster->end; /* set: nobody changes it any more */
    Str message = str_from_c(end.message);
    yyjson_mut_doc *more = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(more);
    yyjson_mut_doc_set_root(more, root);
    (void)yyjson_mut_obj_add_bool(more, yyjson_mut_obj_add_obj(more, root, "Inner"), "EndsWithError", end.is_error);
    StResourceName name = em_cluster_name(cluster->id);
    (void)em_move_surely(cluster->services, &name, &(EmMove){.state = "TERMINATING", .code = end.code, .message = message, .more = more});
    yyjson_mut_doc_free(more);
    end_steps(cluster);
    em_end_nodes(cluster);
    Str mark = str_fmt(cluster->arena, "SOLDER_CLUSTER=%.*s", STR_ARG(cluster->directory));
    if (!su_end_marked(mark, LEFT_GRACE_MS)) {
        (void)fprintf(stderr, "solder: cluster %.*s: some of its processes can't be ended\n", STR_ARG(cluster->id));
    }
    st_remove_tree(cluster->directory.data);
    EmMove over = {.state = end.is_error ? "TERMINATED_WITH_ERRORS" : "TERMINATED", .ends = true, .code = end.code, .message = message};
    (void)em_move_surely(cluster->services, &name, &over);
}

/* spark-env's export: variables for everything that runs. */
static void read_exports(EmCluster *cluster) {
    VEC(const char *) env = {.arena = cluster->arena};
    yyjson_val *configurations = yyjson_obj_get(yyjson_doc_get_root(cluster->launch), "Configurations");
    size_t i;
    size_t max;
    yyjson_val *configuration;
    yyjson_arr_foreach(configurations, i, max, configuration) {
        Str classification = js_str(configuration, "Classification");
        bool is_env =
            str_eq_c(classification, "spark-env") || str_eq_c(classification, "hadoop-env") || str_eq_c(classification, "yarn-env");
        size_t j;
        size_t inner_max;
        yyjson_val *inner;
        yyjson_arr_foreach(yyjson_obj_get(configuration, "Configurations"), j, inner_max, inner) {
            size_t k;
            size_t members;
            yyjson_val *key;
            yyjson_val *value;
            if (!is_env || !str_eq_c(js_str(inner, "Classification"), "export")) {
                continue;
            }
            yyjson_obj_foreach(yyjson_obj_get(inner, "Properties"), k, members, key, value) {
                VEC_PUSH(&env, str_fmt(cluster->arena, "%.*s=%.*s", STR_ARG(js_text(key)), STR_ARG(js_text(value))).data);
            }
        }
    }
    VEC_PUSH(&env, NULL);
    cluster->extra_env = env.items;
}

static bool prepare(EmCluster *cluster, Str *ret_state, Err *err) {
    SvClusters *clusters = cluster->services->clusters;
    StResource row;
    cluster->directory = str_fmt(cluster->arena, "%.*s/emr/%.*s", STR_ARG(st_home(cluster->services->store)), STR_ARG(cluster->id));
    if (!em_get_cluster(cluster->services, cluster->arena, cluster->id, &row, err)) {
        return false;
    }
    *ret_state = row.state;
    cluster->launch = yyjson_read(row.json.data, row.json.len, 0);
    em_read_log_uri(cluster);
    read_exports(cluster);
    if (!em_read_nodes(cluster, err) || !em_make_directory(cluster->directory, err)) {
        return false;
    }
    if (clusters->spark.directory.len == 0) {
        SpSparkHome none; /* it was not there when the server started: say why */
        return !sp_find_spark(cluster->arena, cluster->services->spark_home, cluster->services->python, &none, err)
                   ? false
                   : err_set(err, "SOLDER.NO_SPARK", "Spark was not there when the server started: start it again");
    }
    yyjson_val *inner = yyjson_obj_get(yyjson_doc_get_root(cluster->launch), "Inner");
    Str type_name = js_str(inner, "WorkerType");
    const EmInstanceType *type = em_instance_type(type_name);
    if (type == NULL || !em_share(&clusters->machine, type, cluster->nnodes - 1, &cluster->share)) {
        return err_set(err, "VALIDATION_ERROR",
                       "%zu workers need at least %lld MiB of memory; this machine gives %lld MiB to all clusters together",
                       cluster->nnodes - 1, (long long)cluster->share.promise_mib, (long long)clusters->machine.budget_mib);
    }
    return true;
}

static void lead(EmCluster *cluster) {
    Str state = STR("");
    Err err = {0};
    bool ok = prepare(cluster, &state, &err);
    bool was_up = str_eq_c(state, "RUNNING") || str_eq_c(state, "WAITING");
    if (!ok) {
        bool is_known = err_is(&err, "VALIDATION_ERROR");
        em_ask_end(cluster, true, is_known ? "VALIDATION_ERROR" : "INTERNAL_ERROR", "%s", err.message);
    } else if (str_eq_c(state, "TERMINATING")) {
        yyjson_val *root = yyjson_doc_get_root(cluster->launch);
        yyjson_val *reason = yyjson_obj_get(yyjson_obj_get(root, "Status"), "StateChangeReason");
        em_ask_end(cluster, js_bool(yyjson_obj_get(root, "Inner"), "EndsWithError", false),
                   arena_strdup(cluster->arena, str_to_c(cluster->arena, js_str(reason, "Code"))), "%.*s",
                   STR_ARG(js_str(reason, "Message")));
    } else if (was_up && !em_adopt_nodes(cluster)) {
        em_ask_end(cluster, true, "INSTANCE_FAILURE", "The master's process was gone when the server started again");
    } else if (!was_up && cluster->is_resumed) {
        /* Half started: the processes that are there belong to a start that nobody leads. */
        (void)su_end_marked(str_fmt(cluster->arena, "SOLDER_CLUSTER=%.*s", STR_ARG(cluster->directory)), LEFT_GRACE_MS);
        cluster->is_resumed = false;
    }
    if (!em_ends(cluster)) {
        wait_for_place(cluster);
    }
    if (!em_ends(cluster) && !was_up && !em_start_nodes(cluster, &err)) {
        em_ask_end(cluster, true, "INTERNAL_ERROR", "%s", err.message);
    }
    if (!em_ends(cluster)) {
        serve(cluster);
    }
    end_cluster(cluster);
}

void *em_lead_cluster(void *self) {
    EmCluster *cluster = self;
    SvClusters *clusters = cluster->services->clusters;
    lead(cluster);
    yyjson_doc_free(cluster->launch);
    cluster->launch = NULL;
    em_lock(clusters);
    clusters->promised_mib -= cluster->is_placed ? cluster->share.promise_mib : 0;
    cluster->is_placed = false;
    cluster->is_over = true;
    (void)pthread_cond_broadcast(&clusters->changed);
    em_unlock(clusters);
    return NULL;
}
