/* service/run_step.h - a job run as a step of an EMR cluster: "--enable-spark-submit": "true" with "--emr-endpoint".
 *
 * Used by run_life.c, which looks from time to time; the step itself is led by the cluster's thread (emr_step_run.c). Invariants: the step's name
 * is in the run's row before the step is there, so that after a kill either is found by the other; what the step prints stays in the run's own
 * folder until it has been read to its end.
 */
#ifndef SOLDER_SERVICE_RUN_STEP_H
#define SOLDER_SERVICE_RUN_STEP_H

#include "service/run_output.h"
#include "service/service.h"

#include <yyjson.h>

typedef struct RunStep {
    Str cluster, step;
    Str directory;      /* <home>/runs/<run>.output */
    int fds[2];         /* stdout, stderr; -1: not there yet */
    int64_t offsets[2]; /* what is in the log already */
} RunStep;

typedef enum RunStepState {
    RUN_STEP_WAITS,
    RUN_STEP_RUNS,
    RUN_STEP_OVER,
    RUN_STEP_LOST /* its row is not there */
} RunStepState;

/* How a step ended. */
typedef struct RunStepEnd {
    Str state; /* COMPLETED, FAILED, CANCELLED, INTERRUPTED */
    int64_t status;
    Str message; /* what went wrong; empty: nothing is known beside the status */
} RunStepEnd;

Str rs_directory(const SvServices *services, Arena *arena, Str run);
/* Whether a run of these arguments is a step. */
bool rs_is_step(yyjson_val *arguments);
/* The cluster that the arguments name, and a new step's id. */
bool rs_plan(SvServices *services, Arena *arena, Str run, yyjson_val *arguments, RunStep *ret_step, Err *err);
/* Members for the run's row, by which rs_resume finds the step again. */
Str rs_patch(const RunStep *step, Arena *arena);
/* false: the run is no step. */
bool rs_resume(const SvServices *services, Arena *arena, Str run, yyjson_val *row, RunStep *ret_step);
/* Adds the step: spark-submit of the script (s3://…) with the words behind it, awsglue shipped along. */
typedef struct RunStepCommand {
    Str name, script;
    const char *const *words; /* NULL-terminated */
    yyjson_val *arguments;    /* the job's: --conf, --extra-py-files, --extra-jars, --extra-files */
} RunStepCommand;
bool rs_submit(SvServices *services, Arena *arena, const RunStep *step, const RunStepCommand *command, Err *err);

RunStepState rs_look(SvServices *services, Arena *arena, const RunStep *step, RunStepEnd *ret_end);
/* Moves what was printed since the last call into the log, but for very much of it; false: nothing was. */
bool rs_read(RunStep *step, RunOutput *output);
/* false: it is over, which the next look tells, or the store does not take it now. */
bool rs_cancel(SvServices *services, const RunStep *step);
/* Closes its files; with is_over the folder goes, too. */
void rs_close(RunStep *step, bool is_over);

#endif
