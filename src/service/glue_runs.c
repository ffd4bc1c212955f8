/* glue_runs.c - Glue: runs of jobs as the API has them; run_life.c is how they live. Behaviour: AWS Glue API reference, "Job runs". */
#include "service/glue_jobs.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

enum { DEFAULT_PAGE = 200, ID_BYTES = 32 };

static StResourceName run_name(Str job, Str id) {
    return (StResourceName){.kind = STR(GJ_RUN), .parent = job, .id = id};
}

static bool new_run_id(Arena *arena, Str *ret_id, Err *err) {
    unsigned char bytes[ID_BYTES];
    StrBuf text = {.arena = arena};
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return err_set(err, ERR_IO, "no random numbers: %s", strerror(errno));
    }
    strbuf_add_c(&text, "jr_");
    for (size_t i = 0; i < sizeof bytes; i++) {
        strbuf_fmt(&text, "%02x", bytes[i]);
    }
    *ret_id = strbuf_str(&text);
    return true;
}

static bool get_run(const SvServices *services, Arena *arena, Str job, Str id, StResource *ret_run, Err *err) {
    StResourceName name = run_name(job, id);
    if (st_resource_get(services->store, arena, &name, ret_run, err)) {
        return true;
    }
    if (err_is(err, "EntityNotFoundException")) {
        err_clear(err);
        (void)err_set(err, "EntityNotFoundException", "Job Run %.*s of job %.*s not found.", STR_ARG(id), STR_ARG(job));
    }
    return false;
}

/* ---- StartJobRun ---- */

/* What a run takes over from its job unless the request gives its own; the exclusive ones go together. */
static void put_settings(yyjson_mut_doc *doc, yyjson_mut_val *run, yyjson_val *job, yyjson_val *input) {
    static const char *const TAKEN[] = {"Timeout",     "SecurityConfiguration", "NotificationProperty", "ExecutionClass", "JobRunQueuingEnabled",
                                        "GlueVersion", "JobMode",               "MaintenanceWindow",    "MaxCapacity",    "AllocatedCapacity",
                                        "WorkerType",  "NumberOfWorkers"};
    bool own_workers = yyjson_obj_get(input, "WorkerType") != NULL || yyjson_obj_get(input, "NumberOfWorkers") != NULL;
    bool own_capacity = yyjson_obj_get(input, "MaxCapacity") != NULL || yyjson_obj_get(input, "AllocatedCapacity") != NULL;
    for (size_t i = 0; i < sizeof TAKEN / sizeof TAKEN[0]; i++) {
        bool is_capacity = strstr(TAKEN[i], "Capacity") != NULL;
        bool is_workers = strstr(TAKEN[i], "Worker") != NULL;
        yyjson_val *value = yyjson_obj_get(input, TAKEN[i]);
        if (value == NULL && !(is_capacity && own_workers) && !(is_workers && own_capacity)) {
            value = yyjson_obj_get(job, TAKEN[i]);
        }
        if (value != NULL) {
            (void)yyjson_mut_obj_add_val(doc, run, TAKEN[i], yyjson_val_mut_copy(doc, value));
        }
    }
    /* A run has a class even when its job was told none. */
    if (yyjson_mut_obj_get(run, "ExecutionClass") == NULL && str_eq_c(js_str(yyjson_obj_get(job, "Command"), "Name"), "glueetl")) {
        js_put_str(doc, run, "ExecutionClass", STR("STANDARD"));
    }
}

/* Arguments of the request; of a run that is started again, its own under them. */
static yyjson_mut_val *given_arguments(yyjson_mut_doc *doc, yyjson_val *input, const StResource *previous) {
    yyjson_mut_val *arguments = yyjson_mut_obj(doc);
    if (previous != NULL) {
        yyjson_mut_val *run = js_parse_into(doc, previous->json);
        yyjson_mut_val *before = yyjson_mut_obj_get(run, "Arguments");
        arguments = before != NULL ? yyjson_mut_val_mut_copy(doc, before) : arguments;
    }
    size_t index;
    size_t count;
    yyjson_val *key;
    yyjson_val *value;
    yyjson_obj_foreach(yyjson_obj_get(input, "Arguments"), index, count, key, value) {
        (void)yyjson_mut_obj_put(arguments, yyjson_val_mut_copy(doc, key), yyjson_val_mut_copy(doc, value));
    }
    return arguments;
}

static Str run_json(AwsCall *call, yyjson_val *job, Str id, const StResource *previous) {
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *run = yyjson_mut_obj(doc);
    yyjson_mut_val *arguments = given_arguments(doc, call->input, previous);
    int64_t now = gj_now_us();
    js_put_str(doc, run, "Id", id);
    (void)yyjson_mut_obj_add_int(doc, run, "Attempt", 0);
    if (previous != NULL) {
        js_put_str(doc, run, "PreviousRunId", previous->id);
    }
    js_put_str(doc, run, "JobName", js_str(job, "Name"));
    js_put_time(doc, run, "StartedOn", now);
    js_put_time(doc, run, "LastModifiedOn", now);
    (void)yyjson_mut_obj_add_int(doc, run, "ExecutionTime", 0);
    (void)yyjson_mut_obj_add_arr(doc, run, "PredecessorRuns");
    js_put_str(doc, run, "LogGroupName", STR(GJ_LOG_GROUP));
    put_settings(doc, run, job, call->input);
    (void)yyjson_mut_obj_add_val(doc, run, "SolderArguments", gj_merged_arguments(doc, job, arguments));
    if (yyjson_mut_obj_size(arguments) > 0) {
        (void)yyjson_mut_obj_add_val(doc, run, "Arguments", arguments);
    }
    /* The definition as it is now: a run that waits is not changed by an update. */
    js_put_str(doc, run, "SolderScript", js_str(yyjson_obj_get(job, "Command"), "ScriptLocation"));
    (void)yyjson_mut_obj_add_int(doc, run, "SolderMaxRetries", js_i64(job, "MaxRetries", 0));
    Str json = js_write(call->arena, run);
    yyjson_mut_doc_free(doc);
    return json;
}

static bool check_request(yyjson_val *input, Err *err) {
    bool has_capacity = yyjson_obj_get(input, "MaxCapacity") != NULL || yyjson_obj_get(input, "AllocatedCapacity") != NULL;
    bool has_workers = yyjson_obj_get(input, "WorkerType") != NULL || yyjson_obj_get(input, "NumberOfWorkers") != NULL;
    return !(has_capacity && has_workers) ||
           err_set(err, "InvalidInputException", "Please do not set Max Capacity if using Worker Type and Number of Workers.");
}

bool sv_glue_start_job_run(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str name = js_str(call->input, "JobName");
    Str previous_id = js_str(call->input, "JobRunId");
    StResource previous;
    Str id;
    if (!check_request(call->input, err)) {
        return false;
    }
    yyjson_doc *doc = gj_job(services, call->arena, name, err);
    if (doc == NULL) {
        return false;
    }
    yyjson_val *job = yyjson_doc_get_root(doc);
    bool ok = (previous_id.len == 0 || get_run(services, call->arena, name, previous_id, &previous, err)) && new_run_id(call->arena, &id, err);
    if (ok) {
        bool may_wait = js_bool(call->input, "JobRunQueuingEnabled", js_bool(job, "JobRunQueuingEnabled", false));
        Str json = run_json(call, job, id, previous_id.len > 0 ? &previous : NULL);
        ok = rl_submit(services->jobs, name, gj_max_concurrent(job), may_wait, id, json, err);
    }
    yyjson_doc_free(doc);
    if (ok) {
        js_put_str(call->doc, call->output, "JobRunId", id);
    }
    return ok;
}

/* ---- what became of it ---- */

static yyjson_mut_val *shown_run(yyjson_mut_doc *doc, const StResource *row) {
    yyjson_mut_val *run = gj_shown(doc, row->json);
    js_put_str(doc, run, "JobRunState", row->state);
    js_put_time(doc, run, "LastModifiedOn", row->changed_us);
    if (yyjson_mut_obj_get(run, "CompletedOn") == NULL && !str_eq_c(row->state, "WAITING")) {
        double started = yyjson_mut_get_real(yyjson_mut_obj_get(run, "StartedOn"));
        int64_t seconds = gj_now_us() / 1000000 - (int64_t)started;
        (void)yyjson_mut_obj_put(run, yyjson_mut_str(doc, "ExecutionTime"), yyjson_mut_int(doc, seconds < 0 ? 0 : seconds));
    }
    return run;
}

bool sv_glue_get_job_run(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StResource row;
    return get_run(services, call->arena, js_str(call->input, "JobName"), js_str(call->input, "RunId"), &row, err) &&
           yyjson_mut_obj_add_val(call->doc, call->output, "JobRun", shown_run(call->doc, &row));
}

bool sv_glue_get_job_runs(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str name = js_str(call->input, "JobName");
    size_t limit = (size_t)js_i64(call->input, "MaxResults", DEFAULT_PAGE);
    const StResource *rows = NULL;
    size_t count = 0;
    StResourceQuery query = {.kind = STR(GJ_RUN), .parent = name, .by_parent = true, .newest_first = true, .limit = limit + 1};
    yyjson_doc *job = gj_job(services, call->arena, name, err);
    yyjson_doc_free(job);
    if (job == NULL || !gj_page_start(call, &query.after_seq, err) || !st_resource_list(services->store, call->arena, &query, &rows, &count, err)) {
        return false;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, "JobRuns");
    for (size_t i = 0; i < count && i < limit; i++) {
        (void)yyjson_mut_arr_append(list, shown_run(call->doc, &rows[i]));
    }
    if (count > limit) {
        gj_put_page_end(call, rows[limit - 1].seq);
    }
    return true;
}

/* ---- BatchStopJobRun ---- */

static void add_stop_error(AwsCall *call, yyjson_mut_val *errors, Str job, Str id, const char *code, Str message) {
    yyjson_mut_val *item = yyjson_mut_arr_add_obj(call->doc, errors);
    js_put_str(call->doc, item, "JobName", job);
    js_put_str(call->doc, item, "JobRunId", id);
    yyjson_mut_val *detail = yyjson_mut_obj_add_obj(call->doc, item, "ErrorDetail");
    js_put_str(call->doc, detail, "ErrorCode", str_from_c(code));
    js_put_str(call->doc, detail, "ErrorMessage", message);
}

bool sv_glue_batch_stop_job_run(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str job = js_str(call->input, "JobName");
    yyjson_mut_val *submitted = yyjson_mut_obj_add_arr(call->doc, call->output, "SuccessfulSubmissions");
    yyjson_mut_val *errors = yyjson_mut_obj_add_arr(call->doc, call->output, "Errors");
    size_t index;
    size_t count;
    yyjson_val *item;
    yyjson_arr_foreach(yyjson_obj_get(call->input, "JobRunIds"), index, count, item) {
        Str id = js_text(item);
        StResource row;
        bool did = false;
        Err failure = {0};
        if (!get_run(services, call->arena, job, id, &row, &failure) || !rl_stop_run(services->jobs, job, id, &did, &failure)) {
            if (strncmp(failure.code, "SOLDER.", 7) == 0) {
                return err_set(err, failure.code, "%s", failure.message);
            }
            add_stop_error(call, errors, job, id, failure.code, str_from_c(failure.message));
        } else if (!did) {
            add_stop_error(call, errors, job, id, "JobRunInvalidStateTransitionException",
                           str_fmt(call->arena, "Job Run %.*s is in state %.*s and can't be stopped.", STR_ARG(id), STR_ARG(row.state)));
        } else {
            yyjson_mut_val *done = yyjson_mut_arr_add_obj(call->doc, submitted);
            js_put_str(call->doc, done, "JobName", job);
            js_put_str(call->doc, done, "JobRunId", id);
        }
    }
    return true;
}
