/* service/service.h - the AWS services: what their files share.
 *
 * Used by daemon/, which makes one SvServices a server, and by the handlers, which get it as their first parameter. A handler is
 * `bool sv_SERVICE_OPERATION(void *services, AwsCall *call, Err *err)`, in snake case (sv_glue_create_job); a row of spec/aws/supported.tsv names
 * it, and gen/handlers.inc declares it. Invariant: what a handler answered is in the store.
 */
#ifndef SOLDER_SERVICE_SERVICE_H
#define SOLDER_SERVICE_SERVICE_H

#include "aws/aws.h"
#include "store/logs.h"
#include "store/resource.h"
#include "supervise/supervisor.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct SvServices {
    Arena *arena; /* lives as long as the server */
    StStore *store;
    StLogs *logs;
    SuSupervisor *supervisor;
    Str account, region;
    Str program;     /* this program's own path: job runs are `solder run` */
    Str python;      /* that has pyspark: drivers of Spark */
    Str spark_home;  /* as tools/make_spark_home made it; the environment's SPARK_HOME goes before it */
    Str python_archive; /* awsglue and solder as a zip, for --py-files */
    Str endpoint;    /* http://127.0.0.1:4566, set when the gateway listens */
    int max_runs;    /* job runs at once; 0: as many as the machine has cores */
    SuLimits run_limits; /* of each process of a job run; memory 0: the machine's */
    int lifecycle_day;   /* seconds of a day of S3's lifecycle rules; 0: as long as a day is */
    struct S3Lifecycle *lifecycle; /* s3_settings.h */
    atomic_bool may_have_lifecycles; /* false: no bucket has rules, so that reads and writes of objects need not ask */
    struct SvJobs *jobs;         /* run_life.c: runs under way */
    struct SvClusters *clusters; /* emr.h: clusters under way */
    pthread_mutex_t iam_lock;    /* iam.h: one change at a time */
} SvServices;

/* Makes ready what handlers need: called before the gateway listens, with store and supervisor there. */
bool sv_open(SvServices *services, Err *err);
/* Settles what an earlier server left (runs, clusters, steps) and starts what waits; called once, when the gateway listens. */
bool sv_start(SvServices *services, Err *err);
/* Starts nothing any more. What must not outlive the server ends when the supervisor is freed, which comes next. */
void sv_stop(SvServices *services);
/* Frees what sv_open made, once the supervisor is gone. */
void sv_close(SvServices *services);

/* The secret of an IAM user's access key; false: there is no such key that is Active. */
bool sv_find_user_key(SvServices *services, Arena *arena, Str id, Str *ret_secret);

/* Every handler's row; see AwsFindHandler. */
AwsHandler sv_find_handler(Str service, Str operation);

#endif
