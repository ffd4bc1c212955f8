/* service/emr.h - what the files of EMR share: clusters as rows, and clusters that live.
 *
 * A request makes or reads rows (emr_clusters.c, emr_instances.c, emr_steps.c); each cluster that is not over has a thread that leads it from
 * STARTING to its end (emr_life.c), with Spark daemons (emr_nodes.c), steps (emr_step_run.c) and logs (emr_logs.c). Handlers and the thread meet
 * in the rows and under SvClusters.mutex.
 * Invariants: a state is in its row before anything acts on it; every process of a cluster has SOLDER_CLUSTER=<directory> in its environment, so
 * that none is lost, whenever the server was killed.
 */
#ifndef SOLDER_SERVICE_EMR_H
#define SOLDER_SERVICE_EMR_H

#include "service/emr_types.h"
#include "service/service.h"
#include "service/spark_home.h"

#include <pthread.h>

typedef struct SvClusters SvClusters;

#define EM_CLUSTER "cluster"
#define EM_INSTANCE "instance"
#define EM_STEP "step"

/* Why a cluster ends; its code stands in the row's StateChangeReason. */
typedef struct EmEnd {
    bool is_set;
    bool is_error;    /* TERMINATED_WITH_ERRORS */
    const char *code; /* of ClusterStateChangeReasonCode */
    char message[512];
} EmEnd;

/* A process of a cluster: a daemon, a bootstrap action or a step. Its members are changed under SvClusters.mutex. */
typedef struct EmTask {
    SvClusters *clusters;
    SuTaskId task; /* 0: not started */
    SuIdentity identity;
    bool has_ended;
    SuExit exit;
} EmTask;

typedef struct EmNode {
    Str id; /* i-… */
    Str role;
    Str address, directory;
    bool is_registered;
    EmTask daemon;
} EmNode;

typedef struct EmCluster {
    struct EmCluster *next;
    SvServices *services;
    Arena *arena;
    pthread_t thread;
    Str id, directory;
    uint64_t order;  /* of RunJobFlow: places on the machine are given in this order */
    bool is_resumed; /* left by an earlier server */

    /* Under SvClusters.mutex. */
    EmEnd end;      /* asked for */
    bool is_news;   /* steps were added or cancelled */
    bool is_placed; /* its memory is promised */
    bool is_over;   /* the thread is about to return */

    /* The thread's own. */
    yyjson_doc *launch; /* the row as it was when the thread began: what does not change */
    EmNode *nodes;      /* the first is the master */
    size_t nnodes;
    int rpc_port, web_port;
    EmShare share; /* what a worker gets */
    const char *const *extra_env;
    Str log_bucket, log_prefix; /* empty: no logs are kept */
    bool log_failure_is_noted;
} EmCluster;

struct SvClusters {
    SvServices *services;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    EmCluster *first;
    uint64_t last_order;
    int64_t promised_mib;
    EmMachine machine;
    SpSparkHome spark;
    bool is_stopping;
};

/* ---- emr_clusters.c ---- */

/* A cluster that lives; NULL: it does not. With the mutex held. */
EmCluster *em_find_live(SvClusters *clusters, Str id);
/* Called by sv_open, sv_start and sv_stop. */
bool em_open(SvServices *services, Err *err);
bool em_start(SvServices *services, Err *err);
void em_stop(SvServices *services);

/* ---- emr_records.c ---- */

/* Prefix and 13 characters as AWS has them. */
bool em_new_id(Arena *arena, const char *prefix, Str *ret_id, Err *err);
/* i-0123456789abcdef0 */
bool em_new_instance_id(Arena *arena, Str *ret_id, Err *err);
/* The loopback address of a cluster's instance, by its place in the list; the master is 0. */
Str em_address(Arena *arena, size_t index);
StResourceName em_cluster_name(Str id);
StResourceName em_child_name(const char *kind, Str cluster, Str id);
/* InvalidRequestException "Cluster id 'j-…' is not valid." */
bool em_get_cluster(SvServices *services, Arena *arena, Str id, StResource *ret_cluster, Err *err);
bool em_is_over(Str cluster_state);
/* A moment as stored and answered: seconds with milliseconds. */
void em_put_now(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name);
/* Moves a cluster, instance or step and sets its times and reason. ready and end say which times of its Timeline are now; code NULL: the reason
 * stays. false also when it has no such transition now. */
typedef struct EmMove {
    const char *state;
    bool starts, is_ready, ends;
    const char *code;
    Str message;
    yyjson_mut_doc *more; /* NULL, or members to merge beside Status; the caller's */
} EmMove;
bool em_move(SvServices *services, const StResourceName *name, const EmMove *move);
/* The same for what may not be lost, such as an end: while the disk does not take it, it is tried again, until the server stops (then the next
 * start settles it). Not with the mutex held. */
bool em_move_surely(SvServices *services, const StResourceName *name, const EmMove *move);
/* Waits before a store that failed is asked again; false: the server stops. Not with the mutex held. */
bool em_wait_for_store(SvClusters *clusters);
/* The row as AWS shows it: without Inner, with Status.State; in the call's document. */
yyjson_mut_val *em_shown(AwsCall *call, const StResource *row);

/* A page of a list, newest first or as the query says: rows that the filter lets through, shown, as the member of the output, with Marker. */
typedef struct EmPage {
    StResourceQuery query;
    size_t size;
    bool (*keeps)(void *self, const StResource *row); /* NULL: all */
    void *self;
    const char *member;
    yyjson_mut_val *(*show)(AwsCall *call, const StResource *row);
} EmPage;
bool em_list_page(SvServices *services, AwsCall *call, const EmPage *page, Err *err);
/* Whether an array of strings holds it; an array that is absent or empty holds everything. */
bool em_is_wanted(yyjson_val *array, Str text);

/* ---- emr_steps.c ---- */

/* Checks StepConfigs and inserts rows for them; *ret_ids has as many ids. */
bool em_insert_steps(SvServices *services, Arena *arena, Str cluster, yyjson_val *steps, const Str **ret_ids, Err *err);
typedef struct EmStepName {
    Str cluster, step;
} EmStepName;
/* Adds one step under an id of the caller's (em_new_id). What its process prints goes to stdout and stderr of the output directory, which is
 * the caller's and stays when the step is over; empty: to files of the cluster's own. */
bool em_add_step(SvServices *services, Arena *arena, const EmStepName *name, yyjson_val *config, Str output_directory, Err *err);
/* false: it is neither pending nor running. */
bool em_cancel_step(SvServices *services, const EmStepName *step);
/* The cluster that a job names as its endpoint: by id, or by its master's spark:// URL. */
bool em_cluster_of_endpoint(SvServices *services, Arena *arena, Str endpoint, Str *ret_cluster, Err *err);

/* ---- emr_life.c ---- */

void em_lock(SvClusters *clusters);
void em_unlock(SvClusters *clusters);
void *em_lead_cluster(void *cluster);
/* Waits for news of any kind, at most so long. With the mutex held. */
void em_wait(SvClusters *clusters, int64_t ms);
/* Under no lock: whether its end was asked for. */
bool em_ends(EmCluster *cluster);
/* Asks for the cluster's end; the first reason is kept. */
void em_ask_end(EmCluster *cluster, bool is_error, const char *code, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Starts a process of the cluster; its output goes to the files. */
typedef struct EmLaunch {
    const char *const *argv;
    const char *const *env; /* NULL-terminated; on top of the cluster's own */
    Str directory;          /* working directory */
    Str stdout_path, stderr_path;
    int grace_ms;
} EmLaunch;
bool em_launch(EmCluster *cluster, const EmLaunch *launch, EmTask *task, Err *err);
/* Whether it has ended; never started counts as ended. */
bool em_task_ended(EmTask *task, SuExit *ret_exit);
void em_end_tasks(EmCluster *cluster, EmTask *const *tasks, size_t count);
void em_task_on_exit(void *task, const SuExit *exit);

/* ---- emr_nodes.c ---- */

/* From the rows to cluster->nodes. */
bool em_read_nodes(EmCluster *cluster, Err *err);
bool em_start_nodes(EmCluster *cluster, Err *err);
/* Takes up the daemons of an earlier server; false: the master is gone. */
bool em_adopt_nodes(EmCluster *cluster);
/* Looks after the daemons; false with the cluster's end asked for when the master is gone or no worker is left. */
bool em_check_nodes(EmCluster *cluster);
void em_end_nodes(EmCluster *cluster);

/* ---- emr_step_run.c ---- */

/* Runs one step to its end (or takes it up), within which the cluster's end may be asked for. */
void em_run_step(EmCluster *cluster, const StResource *step);
/* Ends a step's key, by the id that its row has as Inner.Key; empty: none. */
void em_revoke_key(SvServices *services, Str key_id);

/* ---- emr_logs.c ---- */

void em_read_log_uri(EmCluster *cluster);
/* Writes a file, gzipped, as <LogUri>/<cluster>/<name>.gz; a file that is not there is skipped. */
typedef struct EmLog {
    Str path, name;
} EmLog;
void em_write_logs(EmCluster *cluster, const EmLog *logs, size_t count);
/* Containers of applications that have ended; all when is_last. */
void em_write_container_logs(EmCluster *cluster);

/* ---- emr_files.c ---- */

bool em_make_directory(Str path, Err *err);               /* with its parents, mode 0700 */
bool em_write_file(Str path, Str text, Err *err);         /* mode 0600, whole or not at all */
bool em_read_file(Arena *arena, Str path, Str *ret_text); /* false: it is not there or can't be read; at most 1 MiB */
bool em_read_tail(Arena *arena, Str path, Str *ret_text); /* the same of its last lines */
/* A local copy of s3://bucket/key (also s3n, s3a), or the path of a local file as it is. */
bool em_fetch(SvServices *services, Arena *arena, Str uri, Str into_directory, Str *ret_path, Err *err);
bool em_is_s3(Str uri);
bool em_split_s3(Str uri, Str *ret_bucket, Str *ret_key);

#endif
