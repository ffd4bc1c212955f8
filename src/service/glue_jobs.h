/* service/glue_jobs.h - what the files of Glue's jobs share: definitions (glue_jobs.c), runs as the API has them (glue_runs.c), runs as processes
 * (run_life.c).
 *
 * A job is a resource of kind "job", its JSON the API's Job; a run one of kind "job-run" below its job, its JSON the API's JobRun but for
 * JobRunState, which is the resource's state. Members whose names begin with "Solder" are ours and not answered.
 */
#ifndef SOLDER_SERVICE_GLUE_JOBS_H
#define SOLDER_SERVICE_GLUE_JOBS_H

#include "service/json_members.h"
#include "service/service.h"

#define GJ_JOB "job"
#define GJ_RUN "job-run"
#define GJ_LOG_GROUP "/aws-glue/jobs"

/* The stored job; EntityNotFoundException. The caller frees the document. */
yyjson_doc *gj_job(const SvServices *services, Arena *arena, Str name, Err *err);
/* A stored resource as it is answered: without our own members. */
yyjson_mut_val *gj_shown(yyjson_mut_doc *doc, Str json);
/* How many runs of a job may be under way at once. */
int64_t gj_max_concurrent(yyjson_val *job);
/* 2880 minutes, 480 from Glue 5.0 on. */
int64_t gj_default_timeout(Str glue_version);
/* The position of a paged list in the order of creation; 0: from its start. */
bool gj_page_start(AwsCall *call, int64_t *ret_after, Err *err);
void gj_put_page_end(AwsCall *call, int64_t last_seq);
/* DefaultArguments, Arguments, NonOverridableArguments over one another. */
yyjson_mut_val *gj_merged_arguments(yyjson_mut_doc *doc, yyjson_val *job, yyjson_mut_val *given);

int64_t gj_now_us(void);

/* ---- run_life.c ---- */

/* Takes a run that is stored on its way: its first process, or a place in the queue. Called with a run as a new row of state WAITING or STARTING. */
typedef struct SvJobs SvJobs;

SvJobs *rl_new(SvServices *services);
void rl_free(SvJobs *owned_jobs);
/* Settles the runs of an earlier server, then starts those that wait. */
bool rl_start(SvJobs *jobs, Err *err);
/* Starts none any more. */
void rl_stop(SvJobs *jobs);
/* Stores a new run and starts it when there is a place; else it waits, or when it may not wait because of its job's own limit:
 * ConcurrentRunsExceededException. */
bool rl_submit(SvJobs *jobs, Str job_name, int64_t max_concurrent, bool may_wait, Str run_id, Str json, Err *err);
/* Asks a run to stop. *ret_did false: it has ended, or is stopping already. */
bool rl_stop_run(SvJobs *jobs, Str job_name, Str run_id, bool *ret_did, Err *err);
/* The runs of a deleted job that wait will not start. */
bool rl_forget_job(SvJobs *jobs, Str job_name, Err *err);

#endif
