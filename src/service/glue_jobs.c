/* glue_jobs.c - Glue: job definitions. Behaviour: AWS Glue API reference, "Jobs"; what is not given gets AWS's defaults when the job is stored. */
#include "service/glue_jobs.h"

#include "base/vec.h"
#include "service/glue_tags.h"

#include <string.h>
#include <time.h>

enum { DEFAULT_PAGE = 100, TIMEOUT_MINUTES = 2880, NEWER_TIMEOUT_MINUTES = 480, DEFAULT_CAPACITY = 10 };

/* The version whose Spark is the engine's (DESIGN, versions). */
#define DEFAULT_GLUE_VERSION "5.0"

int64_t gj_now_us(void) {
    struct timespec now;
    return clock_gettime(CLOCK_REALTIME, &now) == 0 ? (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 : 0;
}

static StResourceName job_name(Str name) {
    return (StResourceName){.kind = STR(GJ_JOB), .id = name};
}

yyjson_doc *gj_job(const SvServices *services, Arena *arena, Str name, Err *err) {
    StResourceName id = job_name(name);
    StResource row;
    if (!st_resource_get(services->store, arena, &id, &row, err)) {
        if (err_is(err, "EntityNotFoundException")) {
            err_clear(err);
            (void)err_set(err, "EntityNotFoundException", "Job %.*s not found.", STR_ARG(name));
        }
        return NULL;
    }
    yyjson_doc *doc = yyjson_read(row.json.data, row.json.len, 0);
    if (doc == NULL) {
        (void)err_set(err, ERR_INTERNAL, "the stored job %.*s is no JSON", STR_ARG(name));
    }
    return doc;
}

yyjson_mut_val *gj_shown(yyjson_mut_doc *doc, Str json) {
    yyjson_mut_val *shown = js_parse_into(doc, json);
    if (shown == NULL) {
        return yyjson_mut_obj(doc);
    }
    yyjson_mut_obj_iter members;
    yyjson_mut_obj_iter_init(shown, &members);
    for (yyjson_mut_val *key = yyjson_mut_obj_iter_next(&members); key != NULL; key = yyjson_mut_obj_iter_next(&members)) {
        if (strncmp(yyjson_mut_get_str(key), "Solder", 6) == 0) {
            (void)yyjson_mut_obj_iter_remove(&members);
        }
    }
    return shown;
}

int64_t gj_max_concurrent(yyjson_val *job) {
    int64_t max = js_i64(yyjson_obj_get(job, "ExecutionProperty"), "MaxConcurrentRuns", 1);
    return max < 1 ? 1 : max;
}

int64_t gj_default_timeout(Str glue_version) {
    return glue_version.len > 0 && glue_version.data[0] >= '5' ? NEWER_TIMEOUT_MINUTES : TIMEOUT_MINUTES;
}

bool gj_page_start(AwsCall *call, int64_t *ret_after, Err *err) {
    Str token = js_str(call->input, "NextToken");
    Str position;
    *ret_after = 0;
    return token.len == 0 || (js_page_position(call->arena, token, &position) && str_to_i64(position, ret_after)) ||
           err_set(err, "InvalidInputException", "NextToken is not one that this service gave");
}

void gj_put_page_end(AwsCall *call, int64_t last_seq) {
    js_put_str(call->doc, call->output, "NextToken", js_page_token(call->arena, str_fmt(call->arena, "%lld", (long long)last_seq)));
}

static void put_all(yyjson_mut_doc *doc, yyjson_mut_val *into, yyjson_val *from) {
    size_t index;
    size_t count;
    yyjson_val *key;
    yyjson_val *value;
    yyjson_obj_foreach(from, index, count, key, value) {
        (void)yyjson_mut_obj_put(into, yyjson_val_mut_copy(doc, key), yyjson_val_mut_copy(doc, value));
    }
}

yyjson_mut_val *gj_merged_arguments(yyjson_mut_doc *doc, yyjson_val *job, yyjson_mut_val *given) {
    yyjson_mut_val *merged = yyjson_mut_obj(doc);
    put_all(doc, merged, yyjson_obj_get(job, "DefaultArguments"));
    yyjson_mut_obj_iter members;
    yyjson_mut_obj_iter_init(given, &members);
    for (yyjson_mut_val *key = yyjson_mut_obj_iter_next(&members); key != NULL; key = yyjson_mut_obj_iter_next(&members)) {
        (void)yyjson_mut_obj_put(merged, yyjson_mut_val_mut_copy(doc, key), yyjson_mut_val_mut_copy(doc, yyjson_mut_obj_iter_get_val(key)));
    }
    put_all(doc, merged, yyjson_obj_get(job, "NonOverridableArguments"));
    return merged;
}

/* ---- definitions ---- */

static bool check_definition(yyjson_val *input, Err *err) {
    static const char *const KINDS[] = {"glueetl", "pythonshell", "gluestreaming"};
    bool has_capacity = yyjson_obj_get(input, "MaxCapacity") != NULL || yyjson_obj_get(input, "AllocatedCapacity") != NULL;
    bool has_type = yyjson_obj_get(input, "WorkerType") != NULL;
    bool has_workers = yyjson_obj_get(input, "NumberOfWorkers") != NULL;
    if (has_capacity && (has_type || has_workers)) {
        return err_set(err, "InvalidInputException", "Please do not set Max Capacity if using Worker Type and Number of Workers.");
    }
    if (has_type != has_workers) {
        return err_set(err, "InvalidInputException", "Please set both Worker Type and Number of Workers.");
    }
    if (js_i64(yyjson_obj_get(input, "ExecutionProperty"), "MaxConcurrentRuns", 1) < 1) {
        return err_set(err, "InvalidInputException", "MaxConcurrentRuns must be at least 1.");
    }
    if (js_i64(input, "MaxRetries", 0) < 0 || js_i64(input, "MaxRetries", 0) > 10) {
        return err_set(err, "InvalidInputException", "MaxRetries must be between 0 and 10.");
    }
    Str kind = js_str(yyjson_obj_get(input, "Command"), "Name");
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (str_eq_c(kind, KINDS[i])) {
            return true;
        }
    }
    return err_set(err, "InvalidInputException", "Command.Name must be glueetl, gluestreaming or pythonshell (Solder runs no Ray jobs), not '%.*s'.",
                   STR_ARG(kind));
}

static void put_absent_int(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, int64_t value) {
    if (yyjson_mut_obj_get(object, name) == NULL) {
        (void)yyjson_mut_obj_add_int(doc, object, name, value);
    }
}

/* DPUs of a worker: AWS Glue developer guide, "Worker types". */
static double worker_dpus(Str type) {
    static const struct {
        const char *type;
        double dpus;
    } ROWS[] = {{"Standard", 1}, {"G.025X", 0.25}, {"G.1X", 1}, {"G.2X", 2}, {"G.4X", 4}, {"G.8X", 8}, {"G.12X", 12}, {"G.16X", 16},
                {"R.1X", 1},     {"R.2X", 2},      {"R.4X", 4}, {"R.8X", 8}, {"Z.2X", 2}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (str_eq_c(type, ROWS[i].type)) {
            return ROWS[i].dpus;
        }
    }
    return 1;
}

static void put_capacity(yyjson_mut_doc *doc, yyjson_mut_val *job, yyjson_val *input) {
    yyjson_val *given = yyjson_obj_get(input, "MaxCapacity");
    Str type = js_str(input, "WorkerType");
    bool is_shell = str_eq_c(js_str(yyjson_obj_get(input, "Command"), "Name"), "pythonshell");
    double capacity = is_shell ? 0.0625 : DEFAULT_CAPACITY;
    if (given != NULL) {
        capacity = yyjson_get_num(given);
    } else if (yyjson_obj_get(input, "AllocatedCapacity") != NULL) {
        capacity = (double)js_i64(input, "AllocatedCapacity", DEFAULT_CAPACITY);
    } else if (type.len > 0) {
        capacity = worker_dpus(type) * (double)js_i64(input, "NumberOfWorkers", 1);
    }
    (void)yyjson_mut_obj_put(job, yyjson_mut_str(doc, "MaxCapacity"), yyjson_mut_real(doc, capacity));
    (void)yyjson_mut_obj_put(job, yyjson_mut_str(doc, "AllocatedCapacity"), yyjson_mut_int(doc, (int64_t)capacity));
}

/* The stored text of a job: what was given, the defaults, the times. created_us 0: now. */
static Str job_json(AwsCall *call, yyjson_val *input, Str name, Str tags, int64_t created_us) {
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *job = yyjson_val_mut_copy(doc, input);
    Str version = js_str(input, "GlueVersion");
    (void)yyjson_mut_obj_remove_key(job, "Tags");
    js_put_str(doc, job, "Name", name);
    int64_t now_us = gj_now_us();
    js_put_time(doc, job, "CreatedOn", created_us > 0 ? created_us : now_us);
    js_put_time(doc, job, "LastModifiedOn", now_us);
    if (version.len == 0 || str_eq_c(version, "auto")) {
        version = STR(DEFAULT_GLUE_VERSION);
        js_put_str(doc, job, "GlueVersion", version);
    }
    put_absent_int(doc, job, "MaxRetries", 0);
    put_absent_int(doc, job, "Timeout", gj_default_timeout(version));
    if (yyjson_mut_obj_get(job, "ExecutionProperty") == NULL) {
        (void)yyjson_mut_obj_add_int(doc, yyjson_mut_obj_add_obj(doc, job, "ExecutionProperty"), "MaxConcurrentRuns", 1);
    }
    put_capacity(doc, job, input);
    (void)yyjson_mut_obj_add_val(doc, job, "SolderTags", js_parse_into(doc, tags));
    Str json = js_write(call->arena, job);
    yyjson_mut_doc_free(doc);
    return json;
}

bool sv_glue_create_job(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str name = js_str(call->input, "Name");
    yyjson_val *tags = yyjson_obj_get(call->input, "Tags");
    if (!check_definition(call->input, err)) {
        return false;
    }
    Str json = job_json(call, call->input, name, tags == NULL ? STR("{}") : js_write_val(call->arena, tags), 0);
    StResourceName id = job_name(name);
    if (!st_resource_insert(services->store, &id, STR(""), json, err)) {
        if (err_is(err, "AlreadyExistsException")) {
            err_clear(err);
            (void)err_set(err, "AlreadyExistsException", "Job with name %.*s already exists.", STR_ARG(name));
        }
        return false;
    }
    js_put_str(call->doc, call->output, "Name", name);
    return true;
}

bool sv_glue_update_job(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str name = js_str(call->input, "JobName");
    yyjson_val *update = yyjson_obj_get(call->input, "JobUpdate");
    yyjson_doc *before = gj_job(services, call->arena, name, err);
    if (before == NULL) {
        return false;
    }
    yyjson_val *root = yyjson_doc_get_root(before);
    Str tags = gt_job_tags(call->arena, root);
    int64_t created_us = (int64_t)(yyjson_get_num(yyjson_obj_get(root, "CreatedOn")) * 1000) * 1000;
    yyjson_doc_free(before);
    StResourceName id = job_name(name);
    /* All of it: what the update does not give goes back to its default. */
    if (!check_definition(update, err) || !st_resource_replace(services->store, &id, job_json(call, update, name, tags, created_us), err)) {
        return false;
    }
    js_put_str(call->doc, call->output, "JobName", name);
    return true;
}

bool sv_glue_delete_job(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str name = js_str(call->input, "JobName");
    StResourceName id = job_name(name);
    if (!st_resource_delete(services->store, &id, err)) {
        if (!err_is(err, "EntityNotFoundException")) {
            return false;
        }
        err_clear(err); /* "If the job definition is not found, no exception is thrown." */
    }
    js_put_str(call->doc, call->output, "JobName", name);
    return rl_forget_job(services->jobs, name, err);
}

bool sv_glue_get_job(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    yyjson_doc *job = gj_job(services, call->arena, js_str(call->input, "JobName"), err);
    if (job == NULL) {
        return false;
    }
    Str json = js_write_val(call->arena, yyjson_doc_get_root(job));
    yyjson_doc_free(job);
    return yyjson_mut_obj_add_val(call->doc, call->output, "Job", gj_shown(call->doc, json));
}

/* ---- lists ---- */

/* Whether a job has all of the tags that are asked for. */
static bool has_tags(Arena *arena, yyjson_val *job, yyjson_val *wanted) {
    Str text = gt_job_tags(arena, job);
    yyjson_doc *tags = yyjson_read(text.data, text.len, 0);
    bool has = true;
    size_t index;
    size_t count;
    yyjson_val *key;
    yyjson_val *value;
    yyjson_obj_foreach(wanted, index, count, key, value) {
        yyjson_val *its = yyjson_obj_getn(yyjson_doc_get_root(tags), yyjson_get_str(key), yyjson_get_len(key));
        has = has && its != NULL && str_eq(js_text(its), js_text(value));
    }
    yyjson_doc_free(tags);
    return has;
}

/* One page of jobs, whole or by name. */
static bool list_jobs(SvServices *services, AwsCall *call, const char *member, bool names_only, Err *err) {
    const StResource *rows = NULL;
    size_t count = 0;
    size_t limit = (size_t)js_i64(call->input, "MaxResults", DEFAULT_PAGE);
    yyjson_val *tags = yyjson_obj_get(call->input, "Tags");
    StResourceQuery query = {.kind = STR(GJ_JOB)};
    if (!gj_page_start(call, &query.after_seq, err) || !st_resource_list(services->store, call->arena, &query, &rows, &count, err)) {
        return false;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, member);
    int64_t last = 0;
    for (size_t i = 0, taken = 0; i < count; i++) {
        yyjson_doc *doc = tags == NULL ? NULL : yyjson_read(rows[i].json.data, rows[i].json.len, 0);
        bool is_wanted = tags == NULL || has_tags(call->arena, yyjson_doc_get_root(doc), tags);
        yyjson_doc_free(doc);
        if (!is_wanted) {
            continue;
        }
        if (taken == limit) {
            gj_put_page_end(call, last);
            break;
        }
        if (names_only) {
            (void)yyjson_mut_arr_add_strncpy(call->doc, list, rows[i].id.data, rows[i].id.len);
        } else {
            (void)yyjson_mut_arr_append(list, gj_shown(call->doc, rows[i].json));
        }
        last = rows[i].seq;
        taken++;
    }
    return true;
}

bool sv_glue_get_jobs(void *self, AwsCall *call, Err *err) {
    return list_jobs(self, call, "Jobs", false, err);
}

bool sv_glue_list_jobs(void *self, AwsCall *call, Err *err) {
    return list_jobs(self, call, "JobNames", true, err);
}

bool sv_glue_batch_get_jobs(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    yyjson_mut_val *found = yyjson_mut_obj_add_arr(call->doc, call->output, "Jobs");
    yyjson_mut_val *missing = yyjson_mut_obj_add_arr(call->doc, call->output, "JobsNotFound");
    size_t index;
    size_t count;
    yyjson_val *name;
    yyjson_arr_foreach(yyjson_obj_get(call->input, "JobNames"), index, count, name) {
        StResourceName id = job_name(js_text(name));
        StResource row;
        if (st_resource_get(services->store, call->arena, &id, &row, err)) {
            (void)yyjson_mut_arr_append(found, gj_shown(call->doc, row.json));
        } else if (err_is(err, "EntityNotFoundException")) {
            err_clear(err);
            (void)yyjson_mut_arr_append(missing, yyjson_val_mut_copy(call->doc, name));
        } else {
            return false;
        }
    }
    return true;
}
