/* service/emr_submit.h - what a step's spark-submit means here: the arguments of Spark's own SparkSubmit, and those of its JVM.
 *
 * EMR's steps are written for YARN. Here they run on a standalone cluster, as clients on the master's node (standalone takes no Python in cluster
 * mode): --master and --deploy-mode fall away, memory and cores that no worker has are cut to what it has (an executor that fits nowhere would
 * wait for ever), s3:// files of the command become local ones. Invariants: what is changed is said in notes; the order of arguments stays.
 */
#ifndef SOLDER_SERVICE_EMR_SUBMIT_H
#define SOLDER_SERVICE_EMR_SUBMIT_H

#include "base/err.h"

typedef struct EmSubmitContext {
    Arena *arena;
    Str master_url;
    int worker_cores;
    int64_t worker_memory_mib, driver_memory_limit_mib;
    /* A property's value in the cluster's spark-defaults; empty: none. */
    Str (*setting)(void *self, Str name);
    /* A file that the command names by s3:// as a local path. */
    bool (*fetch)(void *self, Str uri, Str *ret_path, Err *err);
    void *self;
} EmSubmitContext;

typedef struct EmSubmit {
    bool needs_launcher;                    /* only bin/spark-submit knows what it asks for */
    const char *const *arguments;           /* of SparkSubmit; NULL-terminated */
    Str driver_memory;                      /* as -Xmx has it */
    const char *const *driver_java_options; /* NULL-terminated */
    Str driver_class_path, driver_library_path;
    Str notes; /* lines */
} EmSubmit;

/* words: behind "spark-submit". */
bool em_plan_submit(const EmSubmitContext *context, const Str *words, size_t count, EmSubmit *ret_submit, Err *err);
/* "4g", "512m", "1024" (MiB) in MiB; -1: none of these. */
int64_t em_memory_mib(Str text);

#endif
