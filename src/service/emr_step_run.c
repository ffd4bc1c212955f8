/* emr_step_run.c - one step of a cluster, from PENDING to its end. See emr.h.
 *
 * What a step is, its jar says: command-runner.jar is a command, spark-submit above all, whose JVM is started directly (emr_submit.h);
 * script-runner.jar is a script; any other is a jar with a main class. The process runs on the master's node, below a shell that writes the exit
 * status to a file, so that it is known after a restart of the server as well. Invariants: the state follows from that status, never from what the
 * Spark master says; keys stand in files and variables of the step's own user, never on a command line; they end with the step.
 */
#include "service/emr.h"
#include "service/emr_submit.h"
#include "service/json_members.h"
#include "service/loopback_http.h"
#include "store/keys.h"
#include "supervise/marked.h"

#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STEP_GRACE_MS = 5000, POLL_MS = 1000, DRAIN_MS = 3000, KEY_SECONDS = 7 * 86400, MESSAGE_MAX = 500 };

/* In Hadoop 3.3.4 its first use by several threads at once, as for the folders of a partitioned table, finds "no credentials" in all but one
 * (HADOOP-18233). Who does asks the next of the list: another of its kind, at last the driver's own environment. */
#define S3A_KEY "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider"

typedef VEC(const char *) Words;

typedef struct Step {
    EmCluster *cluster;
    Arena *arena;
    yyjson_doc *doc;
    Str id, directory;
    StKey key;
    Str status_path, controller_path, stdout_path, stderr_path;
    EmTask task;
    Str cannot_start; /* why */
} Step;

static StResourceName name_of(const Step *step) {
    return em_child_name(EM_STEP, step->cluster->id, step->id);
}

static yyjson_val *config_of(const Step *step) {
    return yyjson_obj_get(yyjson_doc_get_root(step->doc), "Config");
}

/* The supervisor's account of the step: the log "controller". */
static void tell(const Step *step, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void tell(const Step *step, const char *fmt, ...) {
    struct timespec now;
    struct tm parts;
    char time_text[32] = "";
    FILE *file = fopen(step->controller_path.data, "ae");
    va_list args;
    if (file == NULL) {
        return;
    }
    if (clock_gettime(CLOCK_REALTIME, &now) == 0 && gmtime_r(&now.tv_sec, &parts) != NULL) {
        (void)strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", &parts);
    }
    (void)fprintf(file, "%s.%03ldZ INFO ", time_text, now.tv_nsec / 1000000);
    va_start(args, fmt);
    (void)vfprintf(file, fmt, args);
    va_end(args);
    (void)fputc('\n', file);
    (void)fclose(file);
}

/* ---- settings ---- */

/* Calls back with each property of the cluster's spark-defaults. */
static void each_default(const EmCluster *cluster, void (*call)(void *self, Str name, Str value), void *self) {
    size_t i;
    size_t max;
    yyjson_val *configuration;
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(cluster->launch), "Configurations"), i, max, configuration) {
        size_t k;
        size_t members;
        yyjson_val *key;
        yyjson_val *value;
        if (!str_eq_c(js_str(configuration, "Classification"), "spark-defaults")) {
            continue;
        }
        yyjson_obj_foreach(yyjson_obj_get(configuration, "Properties"), k, members, key, value) {
            call(self, js_text(key), js_text(value));
        }
    }
}

typedef struct Wanted {
    Str name, value;
} Wanted;

static void take_wanted(void *self, Str name, Str value) {
    Wanted *wanted = self;
    if (str_eq(name, wanted->name)) {
        wanted->value = value;
    }
}

static Str find_default(const EmCluster *cluster, Str name) {
    Wanted wanted = {.name = name};
    each_default(cluster, take_wanted, &wanted);
    return wanted.value;
}

static Str default_setting(void *self, Str name) {
    const Step *step = self;
    return find_default(step->cluster, name);
}

/* A line of a Java properties file. */
static void add_setting(StrBuf *file, Str name, Str value) {
    const Str parts[] = {name, value};
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < parts[i].len; j++) {
            char c = parts[i].data[j];
            if (c == '\n' || c == '\r') {
                strbuf_add_c(file, c == '\n' ? "\\n" : "\\r");
                continue;
            }
            if (c == '\\' || c == '#' || c == '!' || c == ':' || c == '=' || (c == ' ' && (i == 0 || j == 0))) {
                strbuf_add_char(file, '\\');
            }
            strbuf_add_char(file, c);
        }
        strbuf_add_char(file, i == 0 ? ' ' : '\n');
    }
}

static void add_default(void *self, Str name, Str value) {
    add_setting(self, name, value);
}

/* JVM flags of executors: an archive of classes for a quick start, scratch of their own, and the second compiler only for what is really hot (a step's
 * first seconds go into its many small compilations otherwise: 13 % of a short step). The user's own come last, and choose the collector. */
static Str executor_options(void *self, Str own) {
    static const char LATE[] = "-XX:Tier4InvocationThreshold=100000 -XX:Tier4MinInvocationThreshold=20000 -XX:Tier4CompileThreshold=300000 "
                               "-XX:Tier4BackEdgeThreshold=800000 ";
    const Step *step = self;
    const SpSparkHome *spark = &step->cluster->services->clusters->spark;
    StrBuf options = {.arena = step->arena};
    for (size_t i = 0; spark->quick_flags[i] != NULL; i++) {
        strbuf_fmt(&options, "%s ", spark->quick_flags[i]);
    }
    bool has_collector = memmem(own.data, own.len, "GC", 2) != NULL;
    strbuf_fmt(&options, "%s%s-Djava.io.tmpdir=%.*s/tmp", LATE, step->cluster->share.cores == 1 && !has_collector ? "-XX:+UseSerialGC " : "",
               STR_ARG(step->directory));
    strbuf_fmt(&options, "%s%.*s", own.len > 0 ? " " : "", STR_ARG(own));
    return strbuf_str(&options);
}

static bool write_settings(Step *step, Err *err) {
    const EmCluster *cluster = step->cluster;
    const SvServices *services = cluster->services;
    Arena *arena = step->arena;
    Str address = cluster->nodes[0].address;
    StrBuf file = {.arena = arena};
    Str memory = find_default(step->cluster, STR("spark.executor.memory"));
    Str cores = find_default(step->cluster, STR("spark.executor.cores"));
    int64_t memory_mib = em_memory_mib(memory);
    int64_t ncores = 0;
    bool memory_fits = memory.len > 0 && memory_mib <= cluster->share.memory_mib;
    bool cores_fit = cores.len > 0 && str_to_i64(cores, &ncores) && ncores <= cluster->share.cores;
    /* What the cluster's own configuration may change comes first: the last line of a name counts. */
    add_setting(&file, STR("spark.ui.port"), STR("0"));
    add_setting(&file, STR("spark.hadoop.fs.s3.impl"), STR("org.apache.hadoop.fs.s3a.S3AFileSystem"));
    add_setting(&file, STR("spark.hadoop.fs.s3n.impl"), STR("org.apache.hadoop.fs.s3a.S3AFileSystem"));
    add_setting(&file, STR("spark.hadoop.fs.AbstractFileSystem.s3.impl"), STR("org.apache.hadoop.fs.s3a.S3A"));
    add_setting(&file, STR("spark.hadoop.fs.s3a.endpoint"), services->endpoint);
    add_setting(&file, STR("spark.hadoop.fs.s3a.endpoint.region"), services->region);
    add_setting(&file, STR("spark.hadoop.fs.s3a.path.style.access"), STR("true"));
    add_setting(&file, STR("spark.hadoop.fs.s3a.connection.ssl.enabled"), STR("false"));
    each_default(cluster, add_default, &file);
    if (!memory_fits) {
        add_setting(&file, STR("spark.executor.memory"), str_fmt(arena, "%lldm", (long long)cluster->share.memory_mib));
    }
    if (!cores_fit) {
        add_setting(&file, STR("spark.executor.cores"), str_fmt(arena, "%d", cluster->share.cores));
    }
    add_setting(&file, STR("spark.executor.extraJavaOptions"),
                executor_options(step, find_default(cluster, STR("spark.executor.extraJavaOptions"))));
    add_setting(&file, STR("spark.pyspark.python"), services->clusters->spark.python);
    add_setting(&file, STR("spark.driver.host"), address);
    add_setting(&file, STR("spark.driver.bindAddress"), address);
    add_setting(&file, STR("spark.hadoop.hadoop.tmp.dir"), str_fmt(arena, "%.*s/tmp", STR_ARG(step->directory)));
    add_setting(&file, STR("spark.hadoop.fs.s3a.aws.credentials.provider"),
                STR(S3A_KEY ", " S3A_KEY ", " S3A_KEY ", " S3A_KEY ", com.amazonaws.auth.EnvironmentVariableCredentialsProvider"));
    add_setting(&file, STR("spark.hadoop.fs.s3a.access.key"), step->key.id);
    add_setting(&file, STR("spark.hadoop.fs.s3a.secret.key"), step->key.secret);
    add_setting(&file, STR("spark.hadoop.fs.s3a.session.token"), step->key.token);
    return em_write_file(str_fmt(arena, "%.*s/conf/spark-defaults.conf", STR_ARG(step->directory)), strbuf_str(&file), err);
}

static const char *const *environment(const Step *step) {
    const EmCluster *cluster = step->cluster;
    const SvServices *services = cluster->services;
    const SpSparkHome *spark = &services->clusters->spark;
    Arena *arena = step->arena;
    Words env = {.arena = arena};
    const struct {
        const char *name;
        Str value;
    } VARIABLES[] = {
        {"SOLDER_STEP", step->directory},
        {"SPARK_HOME", spark->directory},
        {"SPARK_CONF_DIR", str_fmt(arena, "%.*s/conf", STR_ARG(step->directory))},
        {"SPARK_SCALA_VERSION", STR("2.12")},
        {"SPARK_LOCAL_IP", cluster->nodes[0].address},
        {"SPARK_PUBLIC_DNS", cluster->nodes[0].address},
        {"SPARK_LOCAL_DIRS", str_fmt(arena, "%.*s/local", STR_ARG(step->directory))},
        {"TMPDIR", str_fmt(arena, "%.*s/tmp", STR_ARG(step->directory))},
        {"MASTER", str_fmt(arena, "spark://%.*s:%d", STR_ARG(cluster->nodes[0].address), cluster->rpc_port)},
        {"PYSPARK_PYTHON", spark->python},
        {"PYSPARK_DRIVER_PYTHON", spark->python},
        {"PATH", str_fmt(arena, "%.*s/bin:%s", STR_ARG(spark->directory), getenv("PATH") != NULL ? getenv("PATH") : "/usr/bin:/bin")},
        {"AWS_ENDPOINT_URL", services->endpoint},
        {"AWS_DEFAULT_REGION", services->region},
        {"AWS_REGION", services->region},
        {"AWS_ACCESS_KEY_ID", step->key.id},
        {"AWS_SECRET_ACCESS_KEY", step->key.secret},
        {"AWS_SESSION_TOKEN", step->key.token},
    };
    for (size_t i = 0; i < sizeof VARIABLES / sizeof VARIABLES[0]; i++) {
        VEC_PUSH(&env, str_fmt(arena, "%s=%.*s", VARIABLES[i].name, STR_ARG(VARIABLES[i].value)).data);
    }
    VEC_PUSH(&env, NULL);
    return env.items;
}

/* ---- the command ---- */

static bool fetch(void *self, Str uri, Str *ret_path, Err *err) {
    const Step *step = self;
    /* Each in a folder of its own: two may have one name. */
    struct timespec now;
    long serial = clock_gettime(CLOCK_MONOTONIC, &now) == 0 ? now.tv_nsec : 0;
    Str folder = str_fmt(step->arena, "%.*s/files/%llx-%lx", STR_ARG(step->directory), (unsigned long long)str_hash(uri), serial);
    return em_fetch(step->cluster->services, step->arena, uri, folder, ret_path, err);
}

static void add_words(Words *argv, const char *const *words) {
    for (size_t i = 0; words[i] != NULL; i++) {
        VEC_PUSH(argv, words[i]);
    }
}

static void add_driver_jvm(const Step *step, const EmSubmit *submit, Words *argv) {
    const SpSparkHome *spark = &step->cluster->services->clusters->spark;
    Arena *arena = step->arena;
    VEC_PUSH(argv, spark->java.data);
    VEC_PUSH(argv, "-cp");
    /* Ours first: the archive of classes fits a class path that begins with the one it was made with. */
    VEC_PUSH(argv, submit->driver_class_path.len == 0
                       ? spark->class_path.data
                       : str_fmt(arena, "%.*s:%.*s", STR_ARG(spark->class_path), STR_ARG(submit->driver_class_path)).data);
    add_words(argv, spark->quick_flags);
    /* A driver plans and waits: the first compiler does for it, and is quick. */
    VEC_PUSH(argv, "-XX:TieredStopAtLevel=1");
    VEC_PUSH(argv, "-XX:+UseSerialGC");
    VEC_PUSH(argv, str_fmt(arena, "-Xmx%.*s", STR_ARG(submit->driver_memory)).data);
    VEC_PUSH(argv, str_fmt(arena, "-Djava.io.tmpdir=%.*s/tmp", STR_ARG(step->directory)).data);
    if (submit->driver_library_path.len > 0) {
        VEC_PUSH(argv, str_fmt(arena, "-Djava.library.path=%.*s", STR_ARG(submit->driver_library_path)).data);
    }
    add_words(argv, spark->driver_options);
    add_words(argv, submit->driver_java_options);
    VEC_PUSH(argv, "org.apache.spark.deploy.SparkSubmit");
}

static bool submit_command(Step *step, const Str *words, size_t count, Words *argv, Err *err) {
    const EmCluster *cluster = step->cluster;
    const SvClusters *clusters = cluster->services->clusters;
    EmSubmit submit;
    EmSubmitContext context = {.arena = step->arena,
                               .master_url = str_fmt(step->arena, "spark://%.*s:%d", STR_ARG(cluster->nodes[0].address), cluster->rpc_port),
                               .worker_cores = cluster->share.cores,
                               .worker_memory_mib = cluster->share.memory_mib,
                               .driver_memory_limit_mib = clusters->machine.budget_mib / 4,
                               .setting = default_setting,
                               .executor_options = executor_options,
                               .fetch = fetch,
                               .self = step};
    if (!em_plan_submit(&context, words, count, &submit, err)) {
        return false;
    }
    for (size_t at = 0; at < submit.notes.len;) {
        const char *end = memchr(submit.notes.data + at, '\n', submit.notes.len - at);
        size_t line_end = end == NULL ? submit.notes.len : (size_t)(end - submit.notes.data);
        tell(step, "%.*s", STR_ARG(str_slice(submit.notes, at, line_end)));
        at = line_end + 1;
    }
    if (submit.needs_launcher || clusters->spark.driver_options == NULL) {
        VEC_PUSH(argv, str_fmt(step->arena, "%.*s/bin/spark-submit", STR_ARG(clusters->spark.directory)).data);
    } else {
        add_driver_jvm(step, &submit, argv);
    }
    add_words(argv, submit.arguments);
    return true;
}

static bool script_command(Step *step, const Str *words, size_t count, Words *argv, Err *err) {
    Str path;
    Str head;
    if (count == 0) {
        return err_set(err, "ValidationException", "script-runner.jar needs the script as its first argument");
    }
    if (!fetch(step, words[0], &path, err)) {
        return false;
    }
    VEC_PUSH(argv, "/bin/bash");
    if (em_is_s3(words[0]) && em_read_file(step->arena, path, &head) && str_starts_with(head, STR("#!"))) {
        VEC_PUSH(argv, "-c");
        VEC_PUSH(argv, "chmod 0700 \"$0\" && exec \"$0\" \"$@\"");
    }
    VEC_PUSH(argv, path.data);
    return true;
}

static bool jar_command(Step *step, Str jar, Words *argv, Err *err) {
    const SpSparkHome *spark = &step->cluster->services->clusters->spark;
    yyjson_val *config = config_of(step);
    Str main_class = js_str(config, "MainClass");
    Str path;
    if (!fetch(step, jar, &path, err)) {
        return false;
    }
    VEC_PUSH(argv, spark->java.data);
    VEC_PUSH(argv, "-cp");
    VEC_PUSH(argv, spark->class_path.data);
    VEC_PUSH(argv, str_fmt(step->arena, "-Djava.io.tmpdir=%.*s/tmp", STR_ARG(step->directory)).data);
    size_t i;
    size_t max;
    yyjson_val *key;
    yyjson_val *value;
    yyjson_obj_foreach(yyjson_obj_get(config, "Properties"), i, max, key, value) {
        VEC_PUSH(argv, str_fmt(step->arena, "-D%.*s=%.*s", STR_ARG(js_text(key)), STR_ARG(js_text(value))).data);
    }
    /* Takes the main class from the jar's manifest when none is named, as EMR's "hadoop jar". */
    VEC_PUSH(argv, "org.apache.hadoop.util.RunJar");
    VEC_PUSH(argv, path.data);
    if (main_class.len > 0) {
        VEC_PUSH(argv, str_to_c(step->arena, main_class));
    }
    return true;
}

/* By its file name: script-runner.jar is given with the bucket of a region, which is not needed here. */
static bool is_runner(Str jar, const char *name) {
    Str wanted = str_from_c(name);
    return str_ends_with(jar, wanted) && (jar.len == wanted.len || jar.data[jar.len - wanted.len - 1] == '/');
}

static bool build_command(Step *step, Words *argv, Err *err) {
    yyjson_val *config = config_of(step);
    Str jar = js_str(config, "Jar");
    VEC(Str) words = {.arena = step->arena};
    size_t i;
    size_t max;
    yyjson_val *argument;
    yyjson_arr_foreach(yyjson_obj_get(config, "Args"), i, max, argument) {
        VEC_PUSH(&words, str_copy(step->arena, js_text(argument)));
    }
    /* The shell lives through a TERM to the group, to tell how its command ended. */
    VEC_PUSH(argv, "/bin/sh");
    VEC_PUSH(argv, "-c");
    VEC_PUSH(argv, "trap : TERM INT HUP; f=$1; shift; \"$@\"; s=$?; echo \"$s\" >\"$f.new\" && mv \"$f.new\" \"$f\"; exit \"$s\"");
    VEC_PUSH(argv, "step");
    VEC_PUSH(argv, step->status_path.data);
    size_t taken = 0;
    bool ok = true;
    if (is_runner(jar, "command-runner.jar")) {
        if (words.count == 0) {
            return err_set(err, "ValidationException", "command-runner.jar needs a command as its first argument");
        }
        if (str_eq_c(words.items[0], "spark-submit") || str_ends_with(words.items[0], STR("/spark-submit"))) {
            ok = submit_command(step, words.items + 1, words.count - 1, argv, err);
            taken = words.count;
        }
    } else if (is_runner(jar, "script-runner.jar")) {
        ok = script_command(step, words.items, words.count, argv, err);
        taken = 1;
    } else {
        ok = jar_command(step, jar, argv, err);
    }
    for (size_t j = taken; j < words.count; j++) {
        VEC_PUSH(argv, words.items[j].data);
    }
    VEC_PUSH(argv, NULL);
    return ok;
}

/* ---- start, wait, end ---- */

static bool record_process(Step *step, Err *err) {
    StResourceName name = name_of(step);
    Str patch = str_fmt(step->arena, "{\"Inner\":{\"Pid\":%d,\"StartTicks\":%lld}}", (int)step->task.identity.pid,
                        (long long)step->task.identity.start_ticks);
    return st_resource_patch(step->cluster->services->store, &name, patch, err);
}

/* Its id is in the row before any process has the key: whoever ends the step ends the key. */
static bool make_key(Step *step, Err *err) {
    StStore *store = step->cluster->services->store;
    StResourceName name = name_of(step);
    return st_key_issue(store, step->arena, KEY_SECONDS, STR(""), &step->key, err) &&
           st_resource_patch(store, &name, str_fmt(step->arena, "{\"Inner\":{\"Key\":\"%.*s\"}}", STR_ARG(step->key.id)), err);
}

static bool start(Step *step, Err *err) {
    EmCluster *cluster = step->cluster;
    static const char *const FOLDERS[] = {"conf", "tmp", "local", "files"};
    Words argv = {.arena = step->arena};
    for (size_t i = 0; i < sizeof FOLDERS / sizeof FOLDERS[0]; i++) {
        if (!em_make_directory(str_fmt(step->arena, "%.*s/%s", STR_ARG(step->directory), FOLDERS[i]), err)) {
            return false;
        }
    }
    tell(step, "step %.*s on cluster %.*s", STR_ARG(step->id), STR_ARG(cluster->id));
    if (!make_key(step, err) || !write_settings(step, err) || !build_command(step, &argv, err)) {
        return false;
    }
    EmLaunch launch = {.argv = argv.items,
                       .env = environment(step),
                       .directory = step->directory,
                       .stdout_path = step->stdout_path,
                       .stderr_path = step->stderr_path,
                       .grace_ms = STEP_GRACE_MS};
    if (!em_launch(cluster, &launch, &step->task, err) || !record_process(step, err)) {
        return false;
    }
    tell(step, "process %d started", (int)step->task.identity.pid);
    return true;
}

/* The server was killed between a step's start and the note of its process: the process says itself whose it is. */
static bool find_unnoted(Step *step) {
    return step->task.identity.pid == 0 &&
           su_find_marked_leader(str_fmt(step->arena, "SOLDER_STEP=%.*s", STR_ARG(step->directory)), &step->task.identity);
}

/* One that an earlier server began: its process goes on, or has written its status. false: it never started. */
static bool take_up(Step *step) {
    yyjson_val *inner = yyjson_obj_get(yyjson_doc_get_root(step->doc), "Inner");
    step->key.id = js_str(inner, "Key");
    step->task = (EmTask){.clusters = step->cluster->services->clusters,
                          .identity = {.pid = (pid_t)js_i64(inner, "Pid", 0), .start_ticks = js_i64(inner, "StartTicks", 0)}};
    SuTaskSpec spec = {.grace_ms = STEP_GRACE_MS, .on_exit = em_task_on_exit, .self = &step->task};
    if (step->task.identity.pid == 0 && !find_unnoted(step) && access(step->status_path.data, F_OK) != 0) {
        return false;
    }
    tell(step, "taken up by a new server");
    if (!su_task_adopt(step->cluster->services->supervisor, &step->task.identity, &spec, &step->task.task)) {
        step->task.has_ended = true;
        step->task.exit.status = -1;
    }
    return true;
}

static bool is_cancelled(const Step *step) {
    Arena *scratch = arena_new();
    StResource row;
    Err err = {0};
    StResourceName name = name_of(step);
    bool cancelled = st_resource_get(step->cluster->services->store, scratch, &name, &row, &err) && str_eq_c(row.state, "CANCEL_PENDING");
    arena_free(scratch);
    return cancelled;
}

static void wait_for_end(Step *step) {
    EmCluster *cluster = step->cluster;
    SvClusters *clusters = cluster->services->clusters;
    while (!em_task_ended(&step->task, NULL)) {
        if (em_ends(cluster) || !em_check_nodes(cluster) || is_cancelled(step)) {
            tell(step, "ending the process: %s", em_ends(cluster) ? cluster->end.message : "the step was cancelled");
            EmTask *tasks[] = {&step->task};
            em_end_tasks(cluster, tasks, 1);
            return;
        }
        em_lock(clusters);
        if (!step->task.has_ended && !cluster->end.is_set && !cluster->is_news) {
            em_wait(clusters, POLL_MS);
        }
        cluster->is_news = false;
        em_unlock(clusters);
    }
}

/* -1: unknown. */
static int exit_status(Step *step) {
    SuExit exit = {.status = -1};
    Str text;
    int64_t status = -1;
    (void)em_task_ended(&step->task, &exit);
    if (exit.status < 0 && em_read_file(step->arena, step->status_path, &text) && str_to_i64(str_trim(text), &status)) {
        return (int)status;
    }
    return exit.status;
}

/* The line that says best what went wrong: the last that names an exception or an error, in what the step printed last. */
static Str find_cause(Step *step) {
    const Str paths[] = {step->stderr_path, step->stdout_path};
    Str cause = STR("");
    for (size_t i = 0; i < 2 && cause.len == 0; i++) {
        Str text;
        if (!em_read_tail(step->arena, paths[i], &text)) {
            continue;
        }
        for (size_t at = 0; at < text.len;) {
            const char *end = memchr(text.data + at, '\n', text.len - at);
            size_t line_end = end == NULL ? text.len : (size_t)(end - text.data);
            Str line = str_slice(text, at, line_end);
            const char *colon = line.len > 0 ? memchr(line.data, ':', line.len) : NULL;
            Str head = colon == NULL ? line : str_slice(line, 0, (size_t)(colon - line.data));
            bool is_indented = line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t');
            bool names_one =
                str_ends_with(head, STR("Error")) || str_ends_with(head, STR("Exception")) || str_starts_with(line, STR("Exception in "));
            if (!is_indented && names_one) {
                cause = line;
            }
            at = line_end + 1;
        }
    }
    return str_slice(cause, 0, MESSAGE_MAX);
}

static Str log_file(const Step *step) {
    const EmCluster *cluster = step->cluster;
    return cluster->log_bucket.len == 0 ? STR("")
                                        : str_fmt(step->arena, "s3://%.*s/%.*ssteps/%.*s/stderr.gz", STR_ARG(cluster->log_bucket),
                                                  STR_ARG(cluster->log_prefix), STR_ARG(step->id));
}

void em_revoke_key(SvServices *services, Str key_id) {
    Err ignored = {0}; /* else it ends by its time */
    if (key_id.len > 0) {
        (void)st_key_revoke(services->store, key_id, &ignored);
    }
}

static void settle(Step *step, int status) {
    StResourceName name = name_of(step);
    SvServices *services = step->cluster->services;
    if (status == 0 && em_move_surely(services, &name, &(EmMove){.state = "COMPLETED", .ends = true})) {
        return;
    }
    if (em_move_surely(services, &name, &(EmMove){.state = "CANCELLED", .ends = true, .code = "", .message = STR("Cancelled by request")}) ||
        (em_ends(step->cluster) &&
         em_move_surely(services, &name, &(EmMove){.state = "INTERRUPTED", .ends = true, .code = "", .message = STR("The cluster ended")}))) {
        return;
    }
    Str reason = step->cannot_start.len > 0 ? STR("The step can't be started.")
                 : status < 0               ? STR("The step's process was gone when the server started again.")
                                            : str_fmt(step->arena, "The step's process ended with status %d.", status);
    Str message = step->cannot_start.len > 0 ? step->cannot_start : find_cause(step);
    yyjson_mut_doc *more = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *root = yyjson_mut_obj(more);
    yyjson_mut_doc_set_root(more, root);
    yyjson_mut_val *details = yyjson_mut_obj_add_obj(more, yyjson_mut_obj_add_obj(more, root, "Status"), "FailureDetails");
    if (status >= 0) {
        (void)yyjson_mut_obj_add_int(more, yyjson_mut_obj_add_obj(more, root, "Inner"), "ExitStatus", status);
    }
    js_put_str(more, details, "Reason", reason);
    if (message.len > 0) {
        js_put_str(more, details, "Message", message);
    }
    if (step->cluster->log_bucket.len > 0) {
        js_put_str(more, details, "LogFile", log_file(step));
    }
    (void)em_move_surely(services, &name, &(EmMove){.state = "FAILED", .ends = true, .more = more});
    yyjson_mut_doc_free(more);
}

static void write_step_logs(const Step *step) {
    EmLog logs[] = {{.path = step->controller_path, .name = str_fmt(step->arena, "steps/%.*s/controller", STR_ARG(step->id))},
                    {.path = step->stdout_path, .name = str_fmt(step->arena, "steps/%.*s/stdout", STR_ARG(step->id))},
                    {.path = step->stderr_path, .name = str_fmt(step->arena, "steps/%.*s/stderr", STR_ARG(step->id))}};
    em_write_logs(step->cluster, logs, sizeof logs / sizeof logs[0]);
}

/* Executors end a moment after their driver; their logs are whole then. */
static void drain(const EmCluster *cluster) {
    SvClusters *clusters = cluster->services->clusters;
    for (int waited = 0; waited < DRAIN_MS; waited += 100) {
        Arena *scratch = arena_new();
        Str body;
        bool is_busy = false;
        if (lh_get(scratch, cluster->nodes[0].address, cluster->web_port, "/json/", &body)) {
            yyjson_doc *doc = yyjson_read(body.data, body.len, 0);
            is_busy = yyjson_arr_size(yyjson_obj_get(yyjson_doc_get_root(doc), "activeapps")) > 0;
            yyjson_doc_free(doc);
        }
        arena_free(scratch);
        if (!is_busy) {
            return;
        }
        em_lock(clusters);
        em_wait(clusters, 100);
        em_unlock(clusters);
    }
}

void em_run_step(EmCluster *cluster, const StResource *row) {
    Arena *arena = arena_new();
    Err err = {0};
    Step step = {.cluster = cluster, .arena = arena, .id = row->id, .doc = yyjson_read(row->json.data, row->json.len, 0)};
    step.directory = str_fmt(arena, "%.*s/steps/%.*s", STR_ARG(cluster->directory), STR_ARG(row->id));
    step.status_path = str_fmt(arena, "%.*s/status", STR_ARG(step.directory));
    step.controller_path = str_fmt(arena, "%.*s/controller", STR_ARG(step.directory));
    Str output = js_str(yyjson_obj_get(yyjson_doc_get_root(step.doc), "Inner"), "OutputDirectory");
    output = output.len > 0 ? output : step.directory;
    step.stdout_path = str_fmt(arena, "%.*s/stdout", STR_ARG(output));
    step.stderr_path = str_fmt(arena, "%.*s/stderr", STR_ARG(output));
    StResourceName name = name_of(&step);
    bool is_new = str_eq_c(row->state, "PENDING");
    /* Lost against a CancelSteps: then it is not to be run. */
    if (is_new && !em_move_surely(cluster->services, &name, &(EmMove){.state = "RUNNING", .starts = true})) {
        yyjson_doc_free(step.doc);
        arena_free(arena);
        return;
    }
    bool was_begun = !is_new && take_up(&step);
    if (!was_begun && str_eq_c(row->state, "CANCEL_PENDING")) {
        step.task.exit.status = -1; /* cancelled before it began */
    } else if (!was_begun && !start(&step, &err)) {
        step.cannot_start = str_copy(arena, str_from_c(err.message));
        tell(&step, "it can't be started: %s", err.message);
        EmTask *tasks[] = {&step.task};
        em_end_tasks(cluster, tasks, 1);
    }
    wait_for_end(&step);
    int status = step.cannot_start.len > 0 ? -1 : exit_status(&step);
    if (status >= 0) {
        tell(&step, "ended with status %d", status);
    }
    write_step_logs(&step);
    em_revoke_key(cluster->services, step.key.id); /* first: who sees the step's end sees that of its key */
    settle(&step, status);
    if (!em_ends(cluster)) {
        drain(cluster);
        em_write_container_logs(cluster);
    }
    st_remove_tree(step.directory.data);
    yyjson_doc_free(step.doc);
    arena_free(arena);
}
