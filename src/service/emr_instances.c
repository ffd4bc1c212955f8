/* emr_instances.c - what EMR tells of a cluster's machines: ListInstances, ListInstanceGroups, ListInstanceFleets, ListBootstrapActions. */
#include "service/emr.h"
#include "service/json_members.h"

enum { PAGE = 500 };

static bool read_cluster(SvServices *services, AwsCall *call, StResource *ret_row, yyjson_mut_val **ret_inner, Err *err) {
    if (!em_get_cluster(services, call->arena, js_str(call->input, "ClusterId"), ret_row, err)) {
        return false;
    }
    *ret_inner = yyjson_mut_obj_get(js_parse_into(call->doc, ret_row->json), "Inner");
    return true;
}

static bool instance_is_wanted(void *self, const StResource *row) {
    yyjson_val *input = self;
    yyjson_doc *doc = yyjson_read(row->json.data, row->json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    Str group = js_str(input, "InstanceGroupId");
    Str fleet = js_str(input, "InstanceFleetId");
    Str type = js_str(input, "InstanceFleetType");
    Str role = js_str(yyjson_obj_get(root, "Inner"), "Role");
    bool wanted = em_is_wanted(yyjson_obj_get(input, "InstanceStates"), row->state) &&
                  em_is_wanted(yyjson_obj_get(input, "InstanceGroupTypes"), role) &&
                  (group.len == 0 || str_eq(group, js_str(root, "InstanceGroupId"))) &&
                  (fleet.len == 0 || str_eq(fleet, js_str(root, "InstanceFleetId"))) && (type.len == 0 || str_eq(type, role));
    yyjson_doc_free(doc);
    return wanted;
}

bool sv_emr_list_instances(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StResource cluster;
    yyjson_mut_val *inner = NULL;
    EmPage page = {.query = {.kind = STR(EM_INSTANCE), .parent = js_str(call->input, "ClusterId"), .by_parent = true},
                   .size = PAGE,
                   .keeps = instance_is_wanted,
                   .self = call->input,
                   .member = "Instances",
                   .show = em_shown};
    return read_cluster(services, call, &cluster, &inner, err) && em_list_page(services, call, &page, err);
}

/* A group is as far as its cluster; what runs of it is counted. */
static const char *group_state(Str cluster_state) {
    static const char *const STATES[][2] = {{"STARTING", "PROVISIONING"},
                                            {"BOOTSTRAPPING", "BOOTSTRAPPING"},
                                            {"RUNNING", "RUNNING"},
                                            {"WAITING", "RUNNING"},
                                            {"TERMINATING", "TERMINATING"},
                                            {"TERMINATED", "TERMINATED"},
                                            {"TERMINATED_WITH_ERRORS", "TERMINATED"}};
    for (size_t i = 0; i < sizeof STATES / sizeof STATES[0]; i++) {
        if (str_eq_c(cluster_state, STATES[i][0])) {
            return STATES[i][1];
        }
    }
    return "RUNNING";
}

static bool count_running(SvServices *services, AwsCall *call, const char *member, const char *group, int *ret_count, Err *err) {
    const StResource *rows = NULL;
    size_t count = 0;
    StResourceQuery query = {
        .kind = STR(EM_INSTANCE), .parent = js_str(call->input, "ClusterId"), .by_parent = true, .state = STR("RUNNING")};
    *ret_count = 0;
    if (!st_resource_list(services->store, call->arena, &query, &rows, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        yyjson_doc *doc = yyjson_read(rows[i].json.data, rows[i].json.len, 0);
        *ret_count += group != NULL && str_eq_c(js_str(yyjson_doc_get_root(doc), member), group);
        yyjson_doc_free(doc);
    }
    return true;
}

static bool list_groups(SvServices *services, AwsCall *call, bool fleets, Err *err) {
    StResource cluster;
    yyjson_mut_val *inner = NULL;
    size_t i;
    size_t max;
    yyjson_mut_val *group;
    if (!read_cluster(services, call, &cluster, &inner, err)) {
        return false;
    }
    bool has_fleets = yyjson_mut_obj_get(inner, "Fleets") != NULL;
    if (has_fleets != fleets) {
        return err_set(
            err, "InvalidRequestException",
            "Instance fleets and instance groups are mutually exclusive. The EMR cluster specified in the request uses instance %s. The "
            "%s request only supports clusters that use instance %s. Use the %s request instead.",
            has_fleets ? "fleets" : "groups", fleets ? "ListInstanceFleets" : "ListInstanceGroups", fleets ? "fleets" : "groups",
            fleets ? "ListInstanceGroups" : "ListInstanceFleets");
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, fleets ? "InstanceFleets" : "InstanceGroups");
    yyjson_mut_arr_foreach(yyjson_mut_obj_get(inner, fleets ? "Fleets" : "Groups"), i, max, group) {
        yyjson_mut_val *shown = yyjson_mut_val_mut_copy(call->doc, group);
        const char *id = yyjson_mut_get_str(yyjson_mut_obj_get(shown, "Id"));
        int running = 0;
        if (!count_running(services, call, fleets ? "InstanceFleetId" : "InstanceGroupId", id, &running, err)) {
            return false;
        }
        (void)yyjson_mut_obj_add_int(call->doc, shown, fleets ? "ProvisionedOnDemandCapacity" : "RunningInstanceCount", running);
        yyjson_mut_val *status = yyjson_mut_obj_get(shown, "Status");
        js_put_str(call->doc, status, "State", str_from_c(group_state(cluster.state)));
        (void)yyjson_mut_arr_append(list, shown);
    }
    return true;
}

bool sv_emr_list_instance_groups(void *self, AwsCall *call, Err *err) {
    return list_groups(self, call, false, err);
}

bool sv_emr_list_instance_fleets(void *self, AwsCall *call, Err *err) {
    return list_groups(self, call, true, err);
}

bool sv_emr_list_bootstrap_actions(void *self, AwsCall *call, Err *err) {
    StResource cluster;
    yyjson_mut_val *inner = NULL;
    if (!read_cluster(self, call, &cluster, &inner, err)) {
        return false;
    }
    yyjson_mut_val *actions = yyjson_mut_obj_get(inner, "BootstrapActions");
    return yyjson_mut_obj_add_val(call->doc, call->output, "BootstrapActions",
                                  actions != NULL ? yyjson_mut_val_mut_copy(call->doc, actions) : yyjson_mut_arr(call->doc));
}
