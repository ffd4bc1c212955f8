/* emr_steps.c - EMR's steps as requests see them: AddJobFlowSteps, ListSteps, DescribeStep, CancelSteps. They run in emr_step_run.c.
 *
 * Behaviour: Amazon EMR API reference; texts of errors as AWS gives them, since clients look for them.
 */
#include "service/emr.h"
#include "service/json_members.h"

#include <stdlib.h>

enum { PAGE = 50, MAX_ACTIVE_STEPS = 256 };

static yyjson_mut_val *copy_into(yyjson_mut_doc *doc, yyjson_val *value, yyjson_mut_val *otherwise) {
    return value != NULL ? yyjson_val_mut_copy(doc, value) : otherwise;
}

/* A StepConfig as the row that DescribeStep answers. */
static Str step_json(Arena *arena, Str id, yyjson_val *config, Str output_directory) {
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *row = yyjson_mut_obj(doc);
    yyjson_val *jar = yyjson_obj_get(config, "HadoopJarStep");
    Str action = js_str(config, "ActionOnFailure");
    js_put_str(doc, row, "Id", id);
    js_put_str(doc, row, "Name", js_str(config, "Name"));
    js_put_str(doc, row, "ActionOnFailure", action.len > 0 ? action : STR("CONTINUE"));
    if (output_directory.len > 0) {
        js_put_str(doc, yyjson_mut_obj_add_obj(doc, row, "Inner"), "OutputDirectory", output_directory);
    }
    yyjson_mut_val *shown = yyjson_mut_obj_add_obj(doc, row, "Config");
    js_put_str(doc, shown, "Jar", js_str(jar, "Jar"));
    if (js_str(jar, "MainClass").len > 0) {
        js_put_str(doc, shown, "MainClass", js_str(jar, "MainClass"));
    }
    yyjson_mut_val *properties = yyjson_mut_obj_add_obj(doc, shown, "Properties");
    size_t i;
    size_t max;
    yyjson_val *pair;
    yyjson_arr_foreach(yyjson_obj_get(jar, "Properties"), i, max, pair) {
        js_put_str(doc, properties, str_to_c(arena, js_str(pair, "Key")), js_str(pair, "Value"));
    }
    (void)yyjson_mut_obj_add_val(doc, shown, "Args", copy_into(doc, yyjson_obj_get(jar, "Args"), yyjson_mut_arr(doc)));
    yyjson_mut_val *status = yyjson_mut_obj_add_obj(doc, row, "Status");
    (void)yyjson_mut_obj_add_obj(doc, status, "StateChangeReason");
    em_put_now(doc, yyjson_mut_obj_add_obj(doc, status, "Timeline"), "CreationDateTime");
    Str json = js_write(arena, row);
    yyjson_mut_doc_free(doc);
    return json;
}

static bool check_step(yyjson_val *config, Err *err) {
    yyjson_val *jar = yyjson_obj_get(config, "HadoopJarStep");
    return js_str(jar, "Jar").len > 0 ||
           err_set(err, "ValidationException", "Step '%.*s': HadoopJarStep.Jar must not be empty", STR_ARG(js_str(config, "Name")));
}

/* Whether so many more may be under way. */
static bool has_room(SvServices *services, Arena *arena, Str cluster, size_t more, Err *err) {
    static const char *const STATES[] = {"PENDING", "RUNNING", "CANCEL_PENDING"};
    size_t active = 0;
    for (size_t i = 0; i < 3; i++) {
        const StResource *rows = NULL;
        size_t count = 0;
        StResourceQuery query = {.kind = STR(EM_STEP), .parent = cluster, .by_parent = true, .state = str_from_c(STATES[i])};
        if (!st_resource_list(services->store, arena, &query, &rows, &count, err)) {
            return false;
        }
        active += count;
    }
    return active + more <= MAX_ACTIVE_STEPS ||
           err_set(err, "ValidationException",
                   "Maximum number of active steps(State = 'Running', 'Pending' or 'Cancel_Pending') for cluster exceeded.");
}

bool em_insert_steps(SvServices *services, Arena *arena, Str cluster, yyjson_val *steps, const Str **ret_ids, Err *err) {
    size_t count = yyjson_arr_size(steps);
    Str *ids = ARENA_ARRAY(arena, Str, count + 1);
    size_t i;
    size_t max;
    yyjson_val *config;
    *ret_ids = ids;
    if (!has_room(services, arena, cluster, count, err)) {
        return false;
    }
    yyjson_arr_foreach(steps, i, max, config) {
        if (!check_step(config, err)) {
            return false;
        }
    }
    yyjson_arr_foreach(steps, i, max, config) {
        if (!em_new_id(arena, "s-", &ids[i], err)) {
            return false;
        }
        StResourceName name = em_child_name(EM_STEP, cluster, ids[i]);
        if (!st_resource_insert(services->store, &name, STR("PENDING"), step_json(arena, ids[i], config, STR("")), err)) {
            return false;
        }
    }
    return true;
}

/* With the mutex held. */
static void tell_cluster(SvClusters *clusters, Str id) {
    EmCluster *cluster = em_find_live(clusters, id);
    if (cluster != NULL) {
        cluster->is_news = true;
    }
    (void)pthread_cond_broadcast(&clusters->changed);
}

static bool takes_steps(const StResource *cluster, Err *err) {
    return !(em_is_over(cluster->state) || str_eq_c(cluster->state, "TERMINATING")) ||
           err_set(err, "ValidationException", "A job flow that is shutting down, terminated, or finished may not be modified.");
}

/* With the mutex held, under which a cluster that ends looks for its last steps: none comes behind that look, to wait for ever. */
static bool add_steps(SvServices *services, AwsCall *call, Str id, yyjson_val *steps, const Str **ret_ids, Err *err) {
    StResource cluster;
    Err found = {0};
    if (!em_get_cluster(services, call->arena, id, &cluster, &found)) {
        return err_is(&found, "InvalidRequestException") ? err_set(err, "ValidationException", "Specified job flow ID does not exist.")
                                                         : err_set(err, found.code, "%s", found.message);
    }
    if (!takes_steps(&cluster, err) || !em_insert_steps(services, call->arena, id, steps, ret_ids, err)) {
        return false;
    }
    tell_cluster(services->clusters, id);
    return true;
}

bool sv_emr_add_job_flow_steps(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    const Str *ids = NULL;
    yyjson_val *steps = yyjson_obj_get(call->input, "Steps");
    em_lock(services->clusters);
    bool ok = add_steps(services, call, js_str(call->input, "JobFlowId"), steps, &ids, err);
    em_unlock(services->clusters);
    if (!ok) {
        return false;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, "StepIds");
    for (size_t i = 0; i < yyjson_arr_size(steps); i++) {
        (void)yyjson_mut_arr_add_strncpy(call->doc, list, ids[i].data, ids[i].len);
    }
    return true;
}

bool em_add_step(SvServices *services, Arena *arena, const EmStepName *name, yyjson_val *config, Str output_directory, Err *err) {
    StResource cluster;
    StResourceName row = em_child_name(EM_STEP, name->cluster, name->step);
    em_lock(services->clusters);
    bool ok = em_get_cluster(services, arena, name->cluster, &cluster, err) && takes_steps(&cluster, err) && check_step(config, err) &&
              has_room(services, arena, name->cluster, 1, err) &&
              st_resource_insert(services->store, &row, STR("PENDING"), step_json(arena, name->step, config, output_directory), err);
    if (ok) {
        tell_cluster(services->clusters, name->cluster);
    }
    em_unlock(services->clusters);
    return ok;
}

static bool step_is_wanted(void *self, const StResource *row) {
    yyjson_val *input = self;
    return em_is_wanted(yyjson_obj_get(input, "StepStates"), row->state) && em_is_wanted(yyjson_obj_get(input, "StepIds"), row->id);
}

static yyjson_mut_val *show_summary(AwsCall *call, const StResource *row) {
    yyjson_mut_val *shown = em_shown(call, row);
    (void)yyjson_mut_obj_remove_key(shown, "ExecutionRoleArn");
    return shown;
}

bool sv_emr_list_steps(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str id = js_str(call->input, "ClusterId");
    StResource cluster;
    EmPage page = {.query = {.kind = STR(EM_STEP), .parent = id, .by_parent = true, .newest_first = true},
                   .size = PAGE,
                   .keeps = step_is_wanted,
                   .self = call->input,
                   .member = "Steps",
                   .show = show_summary};
    return em_get_cluster(services, call->arena, id, &cluster, err) && em_list_page(services, call, &page, err);
}

bool sv_emr_describe_step(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str id = js_str(call->input, "ClusterId");
    Str step_id = js_str(call->input, "StepId");
    StResource cluster;
    StResource step;
    Err found = {0};
    StResourceName name = em_child_name(EM_STEP, id, step_id);
    if (!em_get_cluster(services, call->arena, id, &cluster, err)) {
        return false;
    }
    if (!st_resource_get(services->store, call->arena, &name, &step, &found)) {
        return err_is(&found, "EntityNotFoundException")
                   ? err_set(err, "InvalidRequestException", "Step id '%.*s' is not valid.", STR_ARG(step_id))
                   : err_set(err, found.code, "%s", found.message);
    }
    return yyjson_mut_obj_add_val(call->doc, call->output, "Step", em_shown(call, &step));
}

bool em_cancel_step(SvServices *services, const EmStepName *step) {
    StResourceName name = em_child_name(EM_STEP, step->cluster, step->step);
    Str message = STR("Cancelled by request");
    /* Either is on disk before a signal is sent. */
    bool cancelled = em_move(services, &name, &(EmMove){.state = "CANCEL_PENDING", .code = "", .message = message}) ||
                     em_move(services, &name, &(EmMove){.state = "CANCELLED", .ends = true, .code = "", .message = message});
    if (cancelled) {
        em_lock(services->clusters);
        tell_cluster(services->clusters, step->cluster);
        em_unlock(services->clusters);
    }
    return cancelled;
}

bool sv_emr_cancel_steps(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str id = js_str(call->input, "ClusterId");
    StResource cluster;
    size_t i;
    size_t max;
    yyjson_val *step;
    if (!em_get_cluster(services, call->arena, id, &cluster, err)) {
        return false;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, "CancelStepsInfoList");
    yyjson_arr_foreach(yyjson_obj_get(call->input, "StepIds"), i, max, step) {
        bool cancelled = em_cancel_step(services, &(EmStepName){id, js_text(step)});
        yyjson_mut_val *info = yyjson_mut_arr_add_obj(call->doc, list);
        js_put_str(call->doc, info, "StepId", js_text(step));
        js_put_str(call->doc, info, "Status", cancelled ? STR("SUBMITTED") : STR("FAILED"));
        if (!cancelled) {
            js_put_str(call->doc, info, "Reason", STR("The step is not of this cluster, or is not pending or running."));
        }
    }
    return true;
}

/* The master's URL is made of what its start wrote into the row. */
static bool has_master_at(const StResource *row, Arena *arena, Str url) {
    yyjson_doc *doc = yyjson_read(row->json.data, row->json.len, 0);
    int64_t port = js_i64(yyjson_obj_get(yyjson_doc_get_root(doc), "Inner"), "RpcPort", 0);
    bool has = str_eq(url, str_fmt(arena, "spark://%.*s:%lld", STR_ARG(em_address(arena, 0)), (long long)port));
    yyjson_doc_free(doc);
    return has;
}

bool em_cluster_of_endpoint(SvServices *services, Arena *arena, Str endpoint, Str *ret_cluster, Err *err) {
    const StResource *rows = NULL;
    size_t count = 0;
    StResource row;
    StResourceQuery query = {.kind = STR(EM_CLUSTER), .newest_first = true};
    if (!str_starts_with(endpoint, STR("spark://"))) {
        *ret_cluster = endpoint;
        return em_get_cluster(services, arena, endpoint, &row, err);
    }
    if (!st_resource_list(services->store, arena, &query, &rows, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!em_is_over(rows[i].state) && has_master_at(&rows[i], arena, endpoint)) {
            *ret_cluster = rows[i].id;
            return true;
        }
    }
    return err_set(err, "InvalidRequestException", "no cluster's master is at %.*s", STR_ARG(endpoint));
}
