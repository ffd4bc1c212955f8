/* emr_nodes.c - a cluster's instances as Spark daemons: one master, workers, each bound to a loopback address of its own. See emr.h.
 *
 * The JVM is started directly: the pid that is recorded is the daemon's. Workers start when the master's port answers (one that comes too early
 * waits long for its second try). What a daemon is, its row says: Inner.Pid and Inner.StartTicks.
 */
#include "service/emr.h"
#include "service/json_members.h"
#include "service/loopback_http.h"
#include "supervise/marked.h"

#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAEMON_GRACE_MS = 5000, ACTION_GRACE_MS = 3000, START_SECONDS = 300, POLL_MS = 50, MASTER_STARTS = 3 };

typedef VEC(const char *) Words;

static void add_word(Words *words, Str word) {
    VEC_PUSH(words, word.data);
}

bool em_read_nodes(EmCluster *cluster, Err *err) {
    const StResource *rows = NULL;
    size_t count = 0;
    StResourceQuery query = {.kind = STR(EM_INSTANCE), .parent = cluster->id, .by_parent = true};
    if (!st_resource_list(cluster->services->store, cluster->arena, &query, &rows, &count, err)) {
        return false;
    }
    if (count == 0) {
        return err_set(err, ERR_INTERNAL, "the cluster has no instances");
    }
    /* With one instance alone the master's node has the worker as well. */
    cluster->nnodes = count == 1 ? 2 : count;
    cluster->nodes = ARENA_ARRAY(cluster->arena, EmNode, cluster->nnodes);
    for (size_t i = 0; i < cluster->nnodes; i++) {
        EmNode *node = &cluster->nodes[i];
        const StResource *row = &rows[i < count ? i : 0];
        node->id = row->id;
        node->role = i == 0 ? STR("master") : STR("worker");
        node->address = em_address(cluster->arena, i < count ? i : 0);
        node->directory = str_fmt(cluster->arena, "%.*s/node/%.*s", STR_ARG(cluster->directory), STR_ARG(node->id));
    }
    return true;
}

static StResourceName node_name(const EmCluster *cluster, const EmNode *node) {
    return em_child_name(EM_INSTANCE, cluster->id, node->id);
}

static bool has_own_row(const EmCluster *cluster, size_t index) {
    return index == 0 || !str_eq(cluster->nodes[index].id, cluster->nodes[0].id);
}

static void move_nodes(EmCluster *cluster, const EmMove *move) {
    for (size_t i = 0; i < cluster->nnodes; i++) {
        StResourceName name = node_name(cluster, &cluster->nodes[i]);
        if (has_own_row(cluster, i)) {
            (void)em_move(cluster->services, &name, move);
        }
    }
}

/* ---- daemons ---- */

static const char *inner_name(const EmNode *node) {
    return str_eq_c(node->role, "master") ? "Master" : "Worker";
}

static bool record_daemon(EmCluster *cluster, const EmNode *node, Err *err) {
    Arena *scratch = arena_new();
    StResourceName name = node_name(cluster, node);
    Str patch = str_fmt(scratch, "{\"Inner\":{\"%s\":{\"Pid\":%d,\"StartTicks\":%lld}}}", inner_name(node), (int)node->daemon.identity.pid,
                        (long long)node->daemon.identity.start_ticks);
    bool ok = st_resource_patch(cluster->services->store, &name, patch, err);
    arena_free(scratch);
    return ok;
}

static Str log_path(Arena *arena, const EmNode *node) {
    return str_fmt(arena, "%.*s/spark-%.*s.out", STR_ARG(node->directory), STR_ARG(node->role));
}

static const char *const *daemon_env(EmCluster *cluster, Arena *arena, const EmNode *node) {
    const SpSparkHome *spark = &cluster->services->clusters->spark;
    Words env = {.arena = arena};
    add_word(&env, str_fmt(arena, "SPARK_HOME=%.*s", STR_ARG(spark->directory)));
    add_word(&env, str_fmt(arena, "SPARK_CONF_DIR=%.*s/conf", STR_ARG(spark->directory)));
    VEC_PUSH(&env, "SPARK_SCALA_VERSION=2.12"); /* without it every executor's launch fails */
    add_word(&env, str_fmt(arena, "SPARK_LOCAL_IP=%.*s", STR_ARG(node->address)));
    add_word(&env, str_fmt(arena, "SPARK_PUBLIC_DNS=%.*s", STR_ARG(node->address)));
    add_word(&env, str_fmt(arena, "SPARK_LOCAL_DIRS=%.*s/local", STR_ARG(node->directory)));
    add_word(&env, str_fmt(arena, "TMPDIR=%.*s/tmp", STR_ARG(node->directory)));
    add_word(&env, str_fmt(arena, "PYSPARK_PYTHON=%.*s", STR_ARG(spark->python)));
    VEC_PUSH(&env, NULL);
    return env.items;
}

static void add_jvm(EmCluster *cluster, Arena *arena, const EmNode *node, Words *argv) {
    const SpSparkHome *spark = &cluster->services->clusters->spark;
    add_word(argv, spark->java);
    VEC_PUSH(argv, "-cp");
    add_word(argv, spark->class_path);
    /* A daemon is small and does little: no second compiler, no parallel collector. */
    VEC_PUSH(argv, "-XX:+UseSerialGC");
    VEC_PUSH(argv, "-XX:TieredStopAtLevel=1");
    for (size_t i = 0; spark->quick_flags[i] != NULL; i++) {
        VEC_PUSH(argv, spark->quick_flags[i]);
    }
    VEC_PUSH(argv, "-Xmx256m");
    add_word(argv, str_fmt(arena, "-Djava.io.tmpdir=%.*s/tmp", STR_ARG(node->directory)));
    VEC_PUSH(argv, "-Dspark.port.maxRetries=0"); /* a daemon on another port than the one that was given is lost */
    VEC_PUSH(argv, "-Dspark.worker.timeout=15");
    VEC_PUSH(argv, "-Dspark.decommission.enabled=true");
    VEC_PUSH(argv, "-Dspark.worker.cleanup.enabled=false");
}

static bool launch_daemon(EmCluster *cluster, Arena *arena, EmNode *node, Words *argv, Err *err) {
    Str log = log_path(arena, node);
    VEC_PUSH(argv, NULL);
    EmLaunch launch = {.argv = argv->items,
                       .env = daemon_env(cluster, arena, node),
                       .directory = node->directory,
                       .stdout_path = log,
                       .stderr_path = log,
                       .grace_ms = DAEMON_GRACE_MS};
    static const char *const FOLDERS[] = {"work", "local", "tmp"};
    for (size_t i = 0; i < 3; i++) {
        if (!em_make_directory(str_fmt(arena, "%.*s/%s", STR_ARG(node->directory), FOLDERS[i]), err)) {
            return false;
        }
    }
    return em_launch(cluster, &launch, &node->daemon, err) && record_daemon(cluster, node, err);
}

static bool start_master(EmCluster *cluster, Err *err) {
    Arena *scratch = arena_new();
    EmNode *node = &cluster->nodes[0];
    Words argv = {.arena = scratch};
    cluster->rpc_port = lh_free_port(node->address);
    cluster->web_port = lh_free_port(node->address);
    add_jvm(cluster, scratch, node, &argv);
    VEC_PUSH(&argv, "org.apache.spark.deploy.master.Master");
    VEC_PUSH(&argv, "--host");
    add_word(&argv, node->address);
    VEC_PUSH(&argv, "--port");
    add_word(&argv, str_fmt(scratch, "%d", cluster->rpc_port));
    VEC_PUSH(&argv, "--webui-port");
    add_word(&argv, str_fmt(scratch, "%d", cluster->web_port));
    StResourceName name = em_cluster_name(cluster->id);
    Str patch = str_fmt(scratch, "{\"Inner\":{\"RpcPort\":%d,\"WebPort\":%d}}", cluster->rpc_port, cluster->web_port);
    bool ok = (cluster->rpc_port > 0 && cluster->web_port > 0) || err_set(err, ERR_IO, "no free port on %.*s", STR_ARG(node->address));
    ok = ok && st_resource_patch(cluster->services->store, &name, patch, err) && launch_daemon(cluster, scratch, node, &argv, err);
    arena_free(scratch);
    return ok;
}

static bool start_worker(EmCluster *cluster, EmNode *node, Err *err) {
    Arena *scratch = arena_new();
    Words argv = {.arena = scratch};
    add_jvm(cluster, scratch, node, &argv);
    static const char *const FIXED[] = {"org.apache.spark.deploy.worker.Worker", "--port", "0", "--webui-port", "0", "--host"};
    for (size_t i = 0; i < sizeof FIXED / sizeof FIXED[0]; i++) {
        VEC_PUSH(&argv, FIXED[i]);
    }
    add_word(&argv, node->address);
    VEC_PUSH(&argv, "--cores");
    add_word(&argv, str_fmt(scratch, "%d", cluster->share.cores));
    VEC_PUSH(&argv, "--memory");
    add_word(&argv, str_fmt(scratch, "%lldm", (long long)cluster->share.memory_mib));
    VEC_PUSH(&argv, "--work-dir");
    add_word(&argv, str_fmt(scratch, "%.*s/work", STR_ARG(node->directory)));
    add_word(&argv, str_fmt(scratch, "spark://%.*s:%d", STR_ARG(cluster->nodes[0].address), cluster->rpc_port));
    bool ok = launch_daemon(cluster, scratch, node, &argv, err);
    arena_free(scratch);
    return ok;
}

static void pause_a_little(EmCluster *cluster) {
    SvClusters *clusters = cluster->services->clusters;
    em_lock(clusters);
    em_wait(clusters, POLL_MS);
    em_unlock(clusters);
}

static bool daemon_failed(const EmNode *node, const SuExit *exit, Err *err) {
    return err_set(err, ERR_IO, "the Spark %.*s on %.*s (%.*s) ended with status %d", STR_ARG(node->role), STR_ARG(node->id),
                   STR_ARG(node->address), exit->status);
}

/* false with err set when it ended; false without when the cluster's end was asked for. */
static bool wait_for_master(EmCluster *cluster, Err *err) {
    EmNode *master = &cluster->nodes[0];
    SuExit exit;
    for (int waited = 0; !em_ends(cluster); waited += POLL_MS) {
        if (em_task_ended(&master->daemon, &exit)) {
            return daemon_failed(master, &exit, err);
        }
        if (lh_port_answers(master->address, cluster->rpc_port)) {
            return true;
        }
        if (waited > START_SECONDS * 1000) {
            return err_set(err, ERR_IO, "the Spark master did not answer within %d seconds", START_SECONDS);
        }
        pause_a_little(cluster);
    }
    return false;
}

/* Marks the nodes whose workers the master counts; the number of those. */
static size_t count_registered(EmCluster *cluster) {
    Arena *scratch = arena_new();
    Str body;
    size_t registered = 0;
    if (lh_get(scratch, cluster->nodes[0].address, cluster->web_port, "/json/", &body)) {
        yyjson_doc *doc = yyjson_read(body.data, body.len, 0);
        yyjson_val *workers = yyjson_obj_get(yyjson_doc_get_root(doc), "workers");
        size_t i;
        size_t max;
        yyjson_val *worker;
        yyjson_arr_foreach(workers, i, max, worker) {
            for (size_t j = 1; j < cluster->nnodes && str_eq_c(js_str(worker, "state"), "ALIVE"); j++) {
                cluster->nodes[j].is_registered |= str_eq(cluster->nodes[j].address, js_str(worker, "host"));
            }
        }
        yyjson_doc_free(doc);
    }
    for (size_t j = 1; j < cluster->nnodes; j++) {
        registered += cluster->nodes[j].is_registered;
    }
    arena_free(scratch);
    return registered;
}

static bool wait_for_workers(EmCluster *cluster, Err *err) {
    for (int waited = 0; !em_ends(cluster); waited += POLL_MS) {
        SuExit exit;
        for (size_t i = 0; i < cluster->nnodes; i++) {
            if (em_task_ended(&cluster->nodes[i].daemon, &exit)) {
                return daemon_failed(&cluster->nodes[i], &exit, err);
            }
        }
        size_t registered = count_registered(cluster);
        if (registered == cluster->nnodes - 1) {
            return true;
        }
        if (waited > START_SECONDS * 1000) {
            return err_set(err, ERR_IO, "%zu of %zu Spark workers registered within %d seconds", registered, cluster->nnodes - 1,
                           START_SECONDS);
        }
        pause_a_little(cluster);
    }
    return false;
}

/* ---- bootstrap actions ---- */

/* A script runs by its first line, as a program does; one without such a line by bash. */
static bool action_argv(EmCluster *cluster, Arena *arena, yyjson_val *action, Str directory, Words *argv, Err *err) {
    Str path;
    Str head;
    if (!em_fetch(cluster->services, arena, js_str(action, "ScriptPath"), directory, &path, err)) {
        return false;
    }
    bool has_program = em_read_file(arena, path, &head) && str_starts_with(head, STR("#!"));
    VEC_PUSH(argv, "/bin/bash");
    if (has_program && em_is_s3(js_str(action, "ScriptPath"))) {
        VEC_PUSH(argv, "-c");
        VEC_PUSH(argv, "chmod 0700 \"$0\" && exec \"$0\" \"$@\"");
    }
    add_word(argv, path);
    size_t i;
    size_t max;
    yyjson_val *argument;
    yyjson_arr_foreach(yyjson_obj_get(action, "Args"), i, max, argument) {
        VEC_PUSH(argv, str_to_c(arena, js_text(argument)));
    }
    VEC_PUSH(argv, NULL);
    return true;
}

/* One action on every node at once; false with the cluster's end asked for. */
static bool run_action(EmCluster *cluster, size_t number, yyjson_val *action) {
    Arena *scratch = arena_new();
    EmTask *tasks = ARENA_ARRAY(scratch, EmTask, cluster->nnodes);
    EmTask **started = ARENA_ARRAY(scratch, EmTask *, cluster->nnodes);
    size_t count = 0;
    for (size_t i = 0; i < cluster->nnodes; i++) {
        EmNode *node = &cluster->nodes[i];
        Err err = {0};
        Words argv = {.arena = scratch};
        if (!has_own_row(cluster, i)) {
            continue;
        }
        Str directory = str_fmt(scratch, "%.*s/bootstrap-actions/%zu", STR_ARG(node->directory), number);
        EmLaunch launch = {.directory = directory,
                           .stdout_path = str_fmt(scratch, "%.*s/stdout", STR_ARG(directory)),
                           .stderr_path = str_fmt(scratch, "%.*s/stderr", STR_ARG(directory)),
                           .env = daemon_env(cluster, scratch, node),
                           .grace_ms = ACTION_GRACE_MS};
        bool ok = em_make_directory(directory, &err) && em_make_directory(str_fmt(scratch, "%.*s/tmp", STR_ARG(node->directory)), &err) &&
                  action_argv(cluster, scratch, action, directory, &argv, &err);
        launch.argv = argv.items;
        started[count] = &tasks[count];
        if (!ok || !em_launch(cluster, &launch, &tasks[count], &err)) {
            em_ask_end(cluster, true, "BOOTSTRAP_FAILURE", "Bootstrap action %zu can't be run on %.*s: %s", number, STR_ARG(node->id),
                       err.message);
            break;
        }
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        while (!em_ends(cluster) && !em_task_ended(started[i], NULL)) {
            pause_a_little(cluster);
        }
    }
    em_end_tasks(cluster, started, count);
    for (size_t i = 0; i < count; i++) {
        if (tasks[i].exit.status != 0) {
            em_ask_end(cluster, true, "BOOTSTRAP_FAILURE",
                       "On the %s instance (%.*s), bootstrap action %zu returned a non-zero return code", i == 0 ? "master" : "core",
                       STR_ARG(cluster->nodes[i].id), number);
        }
    }
    arena_free(scratch);
    return !em_ends(cluster);
}

static bool run_actions(EmCluster *cluster) {
    yyjson_val *actions = yyjson_obj_get(yyjson_obj_get(yyjson_doc_get_root(cluster->launch), "Inner"), "BootstrapActions");
    size_t i;
    size_t max;
    yyjson_val *action;
    yyjson_arr_foreach(actions, i, max, action) {
        if (!run_action(cluster, i + 1, action)) {
            return false;
        }
    }
    return true;
}

/* ---- start, look, end ---- */

static void end_daemons(EmCluster *cluster) {
    Arena *scratch = arena_new();
    EmTask **tasks = ARENA_ARRAY(scratch, EmTask *, cluster->nnodes + 1);
    size_t count = 0;
    for (size_t i = 1; i < cluster->nnodes; i++) {
        tasks[count++] = &cluster->nodes[i].daemon;
    }
    em_end_tasks(cluster, tasks, count);
    if (cluster->nnodes > 0) {
        tasks[0] = &cluster->nodes[0].daemon;
        em_end_tasks(cluster, tasks, 1);
    }
    arena_free(scratch);
}

/* true with the cluster's end asked for is no start, either. */
static bool start_daemons(EmCluster *cluster, bool *did_actions, Err *err) {
    if (!start_master(cluster, err) || !wait_for_master(cluster, err)) {
        return !err->is_set;
    }
    StResourceName name = em_cluster_name(cluster->id);
    (void)em_move(cluster->services, &name, &(EmMove){.state = "BOOTSTRAPPING"});
    move_nodes(cluster, &(EmMove){.state = "BOOTSTRAPPING"});
    if (!*did_actions && !run_actions(cluster)) {
        return true;
    }
    *did_actions = true;
    for (size_t i = 1; i < cluster->nnodes; i++) {
        if (!start_worker(cluster, &cluster->nodes[i], err)) {
            return false;
        }
    }
    return wait_for_workers(cluster, err) || !err->is_set;
}

bool em_start_nodes(EmCluster *cluster, Err *err) {
    bool did_actions = false;
    /* A port that was free may be taken before the master's JVM binds it: then it ends, and another is looked for. */
    for (int starts = 1; !start_daemons(cluster, &did_actions, err); starts++) {
        if (starts == MASTER_STARTS || em_ends(cluster) || !em_task_ended(&cluster->nodes[0].daemon, NULL)) {
            return false;
        }
        err_clear(err);
        end_daemons(cluster);
    }
    if (!em_ends(cluster)) {
        move_nodes(cluster, &(EmMove){.state = "RUNNING", .is_ready = true});
    }
    return true;
}

static bool adopt(EmCluster *cluster, EmNode *node, Arena *arena) {
    StResource row;
    Err err = {0};
    StResourceName name = node_name(cluster, node);
    if (!st_resource_get(cluster->services->store, arena, &name, &row, &err)) {
        return false;
    }
    yyjson_doc *doc = yyjson_read(row.json.data, row.json.len, 0);
    yyjson_val *daemon = yyjson_obj_get(yyjson_obj_get(yyjson_doc_get_root(doc), "Inner"), inner_name(node));
    SuIdentity identity = {.pid = (pid_t)js_i64(daemon, "Pid", 0), .start_ticks = js_i64(daemon, "StartTicks", 0)};
    yyjson_doc_free(doc);
    node->daemon = (EmTask){.clusters = cluster->services->clusters, .identity = identity};
    node->daemon.exit.status = -1;
    SuTaskSpec spec = {.grace_ms = DAEMON_GRACE_MS, .on_exit = em_task_on_exit, .self = &node->daemon};
    return su_task_adopt(cluster->services->supervisor, &identity, &spec, &node->daemon.task);
}

bool em_adopt_nodes(EmCluster *cluster) {
    Arena *scratch = arena_new();
    yyjson_val *inner = yyjson_obj_get(yyjson_doc_get_root(cluster->launch), "Inner");
    cluster->rpc_port = (int)js_i64(inner, "RpcPort", 0);
    cluster->web_port = (int)js_i64(inner, "WebPort", 0);
    bool has_master = adopt(cluster, &cluster->nodes[0], scratch);
    for (size_t i = 1; i < cluster->nnodes; i++) {
        (void)adopt(cluster, &cluster->nodes[i], scratch);
        cluster->nodes[i].is_registered = true; /* em_check_nodes sees when it is not there any more */
    }
    arena_free(scratch);
    return has_master;
}

bool em_check_nodes(EmCluster *cluster) {
    SuExit exit = {0};
    if (em_task_ended(&cluster->nodes[0].daemon, &exit)) {
        em_ask_end(cluster, true, "INSTANCE_FAILURE", "The master instance (%.*s) has failed: its Spark master ended with status %d",
                   STR_ARG(cluster->nodes[0].id), exit.status);
        return false;
    }
    size_t left = 0;
    for (size_t i = 1; i < cluster->nnodes; i++) {
        EmNode *node = &cluster->nodes[i];
        bool ended = em_task_ended(&node->daemon, &exit);
        left += !ended;
        if (ended && node->is_registered && has_own_row(cluster, i)) {
            Arena *scratch = arena_new();
            StResourceName name = node_name(cluster, node);
            EmMove gone = {.state = "TERMINATED",
                           .ends = true,
                           .code = "INSTANCE_FAILURE",
                           .message = str_fmt(scratch, "Its Spark worker ended with status %d", exit.status)};
            (void)em_move(cluster->services, &name, &gone);
            arena_free(scratch);
        }
        node->is_registered = node->is_registered && !ended;
    }
    if (left == 0) {
        em_ask_end(cluster, true, "INSTANCE_FAILURE", "All workers of the cluster have failed");
    }
    return left > 0;
}

static void write_node_logs(EmCluster *cluster) {
    Arena *scratch = arena_new();
    VEC(EmLog) logs = {.arena = scratch};
    size_t actions = yyjson_arr_size(yyjson_obj_get(yyjson_obj_get(yyjson_doc_get_root(cluster->launch), "Inner"), "BootstrapActions"));
    for (size_t i = 0; i < cluster->nnodes; i++) {
        const EmNode *node = &cluster->nodes[i];
        EmLog daemon = {.path = log_path(scratch, node),
                        .name = str_fmt(scratch, "node/%.*s/applications/spark/spark-%.*s.out", STR_ARG(node->id), STR_ARG(node->role))};
        VEC_PUSH(&logs, daemon);
        for (size_t j = 1; j <= actions && has_own_row(cluster, i); j++) {
            static const char *const STREAMS[] = {"stdout", "stderr"};
            for (size_t k = 0; k < 2; k++) {
                Str end = str_fmt(scratch, "bootstrap-actions/%zu/%s", j, STREAMS[k]);
                EmLog log = {.path = str_fmt(scratch, "%.*s/%.*s", STR_ARG(node->directory), STR_ARG(end)),
                             .name = str_fmt(scratch, "node/%.*s/%.*s", STR_ARG(node->id), STR_ARG(end))};
                VEC_PUSH(&logs, log);
            }
        }
    }
    em_write_logs(cluster, logs.items, logs.count);
    arena_free(scratch);
}

void em_end_nodes(EmCluster *cluster) {
    EmMove over = {.state = "TERMINATED", .ends = true, .code = "CLUSTER_TERMINATED", .message = STR("Cluster was terminated.")};
    end_daemons(cluster);
    for (size_t i = 0; i < cluster->nnodes; i++) {
        StResourceName name = node_name(cluster, &cluster->nodes[i]);
        if (has_own_row(cluster, i)) {
            (void)em_move_surely(cluster->services, &name, &over);
        }
    }
    em_write_container_logs(cluster);
    write_node_logs(cluster);
}
