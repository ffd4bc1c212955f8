/* emr_clusters.c - EMR's clusters as requests see them, from RunJobFlow to TerminateJobFlows; their start with the server and their end.
 * They are led by emr_life.c. See emr.h.
 *
 * Behaviour: Amazon EMR API reference; texts of errors as AWS gives them, since clients look for them ("is not valid").
 */
#include "service/emr.h"
#include "service/json_members.h"
#include "service/emr_launch.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 50 };

/* ---- clusters that live ---- */

EmCluster *em_find_live(SvClusters *clusters, Str id) {
    for (EmCluster *cluster = clusters->first; cluster != NULL; cluster = cluster->next) {
        if (str_eq(cluster->id, id) && !cluster->is_over) {
            return cluster;
        }
    }
    return NULL;
}

/* Joins the threads of clusters that are over (or all). */
static void sweep(SvClusters *clusters, bool all) {
    for (;;) {
        em_lock(clusters);
        EmCluster **place = &clusters->first;
        while (*place != NULL && !all && !(*place)->is_over) {
            place = &(*place)->next;
        }
        EmCluster *cluster = *place;
        if (cluster != NULL && !all) {
            *place = cluster->next;
        }
        em_unlock(clusters);
        if (cluster == NULL) {
            return;
        }
        (void)pthread_join(cluster->thread, NULL);
        if (all) {
            /* It stayed in the list, where the others look for their turn, until it was over. */
            em_lock(clusters);
            for (place = &clusters->first; *place != cluster; place = &(*place)->next) {
            }
            *place = cluster->next;
            em_unlock(clusters);
        }
        arena_free(cluster->arena);
    }
}

static bool lead_cluster(SvServices *services, Str id, bool is_resumed, Err *err) {
    SvClusters *clusters = services->clusters;
    Arena *arena = arena_new();
    EmCluster *cluster = ARENA_NEW(arena, EmCluster);
    *cluster = (EmCluster){.services = services, .arena = arena, .id = str_copy(arena, id), .is_resumed = is_resumed};
    em_lock(clusters);
    if (em_find_live(clusters, id) != NULL) { /* a request that came while em_start looked through the rows */
        em_unlock(clusters);
        arena_free(arena);
        return true;
    }
    cluster->order = ++clusters->last_order;
    if (clusters->is_stopping) {
        cluster->end = (EmEnd){.is_set = true, .code = "INTERNAL_ERROR"};
        (void)snprintf(cluster->end.message, sizeof cluster->end.message, "The server is stopping");
    }
    cluster->next = clusters->first;
    int code = pthread_create(&cluster->thread, NULL, em_lead_cluster, cluster);
    if (code == 0) {
        clusters->first = cluster;
    }
    em_unlock(clusters);
    if (code != 0) {
        arena_free(arena);
        return err_set(err, ERR_INTERNAL, "cannot start a thread for cluster %.*s: %s", STR_ARG(id), strerror(code));
    }
    return true;
}

bool em_open(SvServices *services, Err *err) {
    SvClusters *clusters = ARENA_NEW(services->arena, SvClusters);
    pthread_condattr_t attributes;
    Err no_spark = {0}; /* said by the clusters that need it */
    clusters->services = services;
    clusters->machine = em_machine();
    bool ok = pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
              pthread_mutex_init(&clusters->mutex, NULL) == 0 && pthread_cond_init(&clusters->changed, &attributes) == 0;
    if (!ok) {
        return err_set(err, ERR_INTERNAL, "cannot make a mutex");
    }
    (void)pthread_condattr_destroy(&attributes);
    (void)sp_find_spark(services->arena, services->spark_home, services->python, &clusters->spark, &no_spark);
    services->clusters = clusters;
    return true;
}

bool em_start(SvServices *services, Err *err) {
    Arena *scratch = arena_new();
    const StResource *rows = NULL;
    size_t count = 0;
    StResourceQuery query = {.kind = STR(EM_CLUSTER)};
    bool ok = st_resource_list(services->store, scratch, &query, &rows, &count, err);
    for (size_t i = 0; i < count && ok; i++) {
        ok = em_is_over(rows[i].state) || lead_cluster(services, rows[i].id, true, err);
    }
    arena_free(scratch);
    return ok;
}

void em_stop(SvServices *services) {
    SvClusters *clusters = services->clusters;
    if (clusters == NULL) {
        return;
    }
    em_lock(clusters);
    clusters->is_stopping = true;
    for (EmCluster *cluster = clusters->first; cluster != NULL; cluster = cluster->next) {
        if (!cluster->end.is_set) {
            cluster->end = (EmEnd){.is_set = true, .code = "USER_REQUEST"};
            (void)snprintf(cluster->end.message, sizeof cluster->end.message, "The server was stopped");
        }
    }
    (void)pthread_cond_broadcast(&clusters->changed);
    em_unlock(clusters);
    sweep(clusters, true);
    (void)pthread_cond_destroy(&clusters->changed);
    (void)pthread_mutex_destroy(&clusters->mutex);
    services->clusters = NULL;
}

/* ---- RunJobFlow ---- */

bool sv_emr_run_job_flow(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str id;
    sweep(services->clusters, false);
    if (!em_insert_cluster(services, call, &id, err)) {
        return false;
    }
    if (!lead_cluster(services, id, false, err)) {
        StResourceName name = em_cluster_name(id); /* nobody leads it: it must not stay in STARTING */
        (void)em_move(services, &name, &(EmMove){.state = "TERMINATED_WITH_ERRORS", .ends = true, .code = "INTERNAL_ERROR", .message = str_from_c(err->message)});
        return false;
    }
    js_put_str(call->doc, call->output, "JobFlowId", id);
    js_put_str(call->doc, call->output, "ClusterArn", em_cluster_arn(services, call->arena, id));
    return true;
}

/* ---- reading ---- */

bool sv_emr_describe_cluster(void *self, AwsCall *call, Err *err) {
    StResource row;
    return em_get_cluster(self, call->arena, js_str(call->input, "ClusterId"), &row, err) &&
           yyjson_mut_obj_add_val(call->doc, call->output, "Cluster", em_shown(call, &row));
}

static int64_t time_us(yyjson_val *object, const char *name, int64_t fallback) {
    yyjson_val *value = yyjson_obj_get(object, name);
    return yyjson_is_num(value) ? (int64_t)(yyjson_get_num(value) * 1000000.0) : fallback;
}

static bool cluster_is_wanted(void *self, const StResource *row) {
    yyjson_val *input = self;
    return em_is_wanted(yyjson_obj_get(input, "ClusterStates"), row->state) && row->created_us >= time_us(input, "CreatedAfter", 0) &&
           row->created_us <= time_us(input, "CreatedBefore", INT64_MAX);
}

static yyjson_mut_val *show_cluster_summary(AwsCall *call, const StResource *row) {
    static const char *const MEMBERS[] = {"Id", "Name", "Status", "NormalizedInstanceHours", "ClusterArn"};
    yyjson_mut_val *whole = em_shown(call, row);
    yyjson_mut_val *summary = yyjson_mut_obj(call->doc);
    for (size_t i = 0; i < sizeof MEMBERS / sizeof MEMBERS[0]; i++) {
        yyjson_mut_val *value = yyjson_mut_obj_get(whole, MEMBERS[i]);
        if (value != NULL) {
            (void)yyjson_mut_obj_add_val(call->doc, summary, MEMBERS[i], yyjson_mut_val_mut_copy(call->doc, value));
        }
    }
    return summary;
}

bool sv_emr_list_clusters(void *self, AwsCall *call, Err *err) {
    EmPage page = {.query = {.kind = STR(EM_CLUSTER), .newest_first = true},
                   .size = PAGE,
                   .keeps = cluster_is_wanted,
                   .self = call->input,
                   .member = "Clusters",
                   .show = show_cluster_summary};
    return em_list_page(self, call, &page, err);
}

bool sv_emr_get_auto_termination_policy(void *self, AwsCall *call, Err *err) {
    StResource row;
    if (!em_get_cluster(self, call->arena, js_str(call->input, "ClusterId"), &row, err)) {
        return false;
    }
    yyjson_mut_val *inner = yyjson_mut_obj_get(js_parse_into(call->doc, row.json), "Inner");
    yyjson_mut_val *policy = yyjson_mut_obj_get(inner, "AutoTerminationPolicy");
    return policy == NULL ||
           yyjson_mut_obj_add_val(call->doc, call->output, "AutoTerminationPolicy", yyjson_mut_val_mut_copy(call->doc, policy));
}

/* ---- ending ---- */

static bool job_flow(SvServices *services, AwsCall *call, Str id, StResource *ret_row, Err *err) {
    Err found = {0};
    if (em_get_cluster(services, call->arena, id, ret_row, &found)) {
        return true;
    }
    return err_is(&found, "InvalidRequestException") ? err_set(err, "ValidationException", "Specified job flow ID does not exist.")
                                                     : err_set(err, found.code, "%s", found.message);
}

static bool is_protected(const StResource *row) {
    yyjson_doc *doc = yyjson_read(row->json.data, row->json.len, 0);
    bool protects = js_bool(yyjson_doc_get_root(doc), "TerminationProtected", false);
    yyjson_doc_free(doc);
    return protects;
}

static void terminate(SvServices *services, Str id) {
    SvClusters *clusters = services->clusters;
    static const char WHY[] = "Terminated by user request";
    StResourceName name = em_cluster_name(id);
    (void)em_move(services, &name, &(EmMove){.state = "TERMINATING", .code = "USER_REQUEST", .message = STR("Terminated by user request")});
    em_lock(clusters);
    EmCluster *cluster = em_find_live(clusters, id);
    if (cluster != NULL && !cluster->end.is_set) {
        cluster->end = (EmEnd){.is_set = true, .code = "USER_REQUEST"};
        memcpy(cluster->end.message, WHY, sizeof WHY);
    }
    (void)pthread_cond_broadcast(&clusters->changed);
    em_unlock(clusters);
}

bool sv_emr_terminate_job_flows(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    bool is_kept = false;
    size_t i;
    size_t max;
    yyjson_val *id;
    StResource row;
    yyjson_arr_foreach(yyjson_obj_get(call->input, "JobFlowIds"), i, max, id) {
        if (!job_flow(services, call, js_text(id), &row, err)) {
            return false;
        }
    }
    /* Those that may be ended are, even when one may not. */
    yyjson_arr_foreach(yyjson_obj_get(call->input, "JobFlowIds"), i, max, id) {
        if (!job_flow(services, call, js_text(id), &row, err)) {
            return false;
        }
        if (em_is_over(row.state)) {
            continue;
        }
        if (is_protected(&row)) {
            is_kept = true;
        } else {
            terminate(services, js_text(id));
        }
    }
    return !is_kept ||
           err_set(err, "ValidationException", "Could not shut down one or more job flows since they are termination protected.");
}

/* ---- changing ---- */

/* Merges a patch into each cluster of JobFlowIds. */
static bool patch_each(SvServices *services, AwsCall *call, Str patch, Err *err) {
    size_t i;
    size_t max;
    yyjson_val *id;
    StResource row;
    yyjson_arr_foreach(yyjson_obj_get(call->input, "JobFlowIds"), i, max, id) {
        StResourceName name = em_cluster_name(js_text(id));
        if (!job_flow(services, call, js_text(id), &row, err) || !st_resource_patch(services->store, &name, patch, err)) {
            return false;
        }
    }
    em_lock(services->clusters);
    for (EmCluster *cluster = services->clusters->first; cluster != NULL; cluster = cluster->next) {
        cluster->is_news = true; /* an idle one looks at its policy */
    }
    (void)pthread_cond_broadcast(&services->clusters->changed);
    em_unlock(services->clusters);
    return true;
}

static Str flag_patch(AwsCall *call, const char *input, const char *member, bool inverted) {
    bool value = js_bool(call->input, input, false);
    return str_fmt(call->arena, "{\"%s\":%s}", member, value != inverted ? "true" : "false");
}

bool sv_emr_set_termination_protection(void *self, AwsCall *call, Err *err) {
    return patch_each(self, call, flag_patch(call, "TerminationProtected", "TerminationProtected", false), err);
}

bool sv_emr_set_visible_to_all_users(void *self, AwsCall *call, Err *err) {
    return patch_each(self, call, flag_patch(call, "VisibleToAllUsers", "VisibleToAllUsers", false), err);
}

bool sv_emr_set_keep_job_flow_alive_when_no_steps(void *self, AwsCall *call, Err *err) {
    return patch_each(self, call, flag_patch(call, "KeepJobFlowAliveWhenNoSteps", "AutoTerminate", true), err);
}

bool sv_emr_set_unhealthy_node_replacement(void *self, AwsCall *call, Err *err) {
    return patch_each(self, call, flag_patch(call, "UnhealthyNodeReplacement", "UnhealthyNodeReplacement", false), err);
}

static bool patch_policy(SvServices *services, AwsCall *call, Str policy, Err *err) {
    StResource row;
    Str id = js_str(call->input, "ClusterId");
    StResourceName name = em_cluster_name(id);
    return em_get_cluster(services, call->arena, id, &row, err) &&
           st_resource_patch(services->store, &name, str_fmt(call->arena, "{\"Inner\":{\"AutoTerminationPolicy\":%.*s}}", STR_ARG(policy)),
                             err);
}

bool sv_emr_put_auto_termination_policy(void *self, AwsCall *call, Err *err) {
    yyjson_val *policy = yyjson_obj_get(call->input, "AutoTerminationPolicy");
    return patch_policy(self, call, policy == NULL ? STR("null") : js_write_val(call->arena, policy), err);
}

bool sv_emr_remove_auto_termination_policy(void *self, AwsCall *call, Err *err) {
    return patch_policy(self, call, STR("null"), err);
}

/* Tags read, changed and written under the lock: two requests at once keep both their tags. */
static bool change_tags(SvServices *services, AwsCall *call, yyjson_val *added, yyjson_val *removed_keys, Err *err) {
    Str id = js_str(call->input, "ResourceId");
    StResource row;
    StResourceName name = em_cluster_name(id);
    bool ok = true;
    em_lock(services->clusters);
    if (!em_get_cluster(services, call->arena, id, &row, err)) {
        ok = false;
    } else {
        yyjson_mut_val *old = yyjson_mut_obj_get(js_parse_into(call->doc, row.json), "Tags");
        yyjson_mut_val *patch = yyjson_mut_obj(call->doc);
        yyjson_mut_val *tags = yyjson_mut_obj_add_arr(call->doc, patch, "Tags");
        size_t i;
        size_t max;
        yyjson_mut_val *tag;
        yyjson_val *new_tag;
        yyjson_mut_arr_foreach(old, i, max, tag) {
            Str key = str_from_c(yyjson_mut_get_str(yyjson_mut_obj_get(tag, "Key")));
            bool is_replaced = yyjson_arr_size(removed_keys) > 0 && em_is_wanted(removed_keys, key);
            size_t j;
            size_t added_max;
            yyjson_arr_foreach(added, j, added_max, new_tag) {
                is_replaced |= str_eq(key, js_str(new_tag, "Key"));
            }
            if (!is_replaced) {
                (void)yyjson_mut_arr_append(tags, yyjson_mut_val_mut_copy(call->doc, tag));
            }
        }
        yyjson_arr_foreach(added, i, max, new_tag) {
            (void)yyjson_mut_arr_append(tags, yyjson_val_mut_copy(call->doc, new_tag));
        }
        ok = st_resource_patch(services->store, &name, js_write(call->arena, patch), err);
    }
    em_unlock(services->clusters);
    return ok;
}

bool sv_emr_add_tags(void *self, AwsCall *call, Err *err) {
    return change_tags(self, call, yyjson_obj_get(call->input, "Tags"), NULL, err);
}

bool sv_emr_remove_tags(void *self, AwsCall *call, Err *err) {
    return change_tags(self, call, NULL, yyjson_obj_get(call->input, "TagKeys"), err);
}
