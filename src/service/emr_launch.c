/* emr_launch.c - see emr_launch.h. What RunJobFlow may ask for is checked here; what the machine gives is decided when the cluster starts. */
#include "service/emr_launch.h"

#include "service/emr.h"
#include "service/json_members.h"

#include "base/vec.h"

#include <string.h>

enum { MAX_INSTANCES = 200 };

typedef struct Group {
    Str id, name, role, market, type;
    int64_t count;
    yyjson_val *config; /* as it was asked for; NULL: by MasterInstanceType and the like */
} Group;

typedef struct Launch {
    SvServices *services;
    AwsCall *call;
    yyjson_val *input, *instances;
    Str id;
    bool has_fleets;
    VEC(Group) groups;
    const EmRelease *release;
} Launch;

Str em_cluster_arn(const SvServices *services, Arena *arena, Str id) {
    return str_fmt(arena, "arn:aws:elasticmapreduce:%.*s:%.*s:cluster/%.*s", STR_ARG(services->region), STR_ARG(services->account),
                   STR_ARG(id));
}

/* ---- checks ---- */

static bool check_release(Launch *launch, Err *err) {
    Str label = js_str(launch->input, "ReleaseLabel");
    if (label.len == 0) {
        return err_set(err, "ValidationException", "ReleaseLabel is required: releases before emr-4.0.0 (AmiVersion) are not supported");
    }
    launch->release = em_release(label);
    return launch->release != NULL || err_set(err, "ValidationException", "The supplied release label is invalid: %.*s.", STR_ARG(label));
}

static bool check_applications(const Launch *launch, Err *err) {
    size_t i;
    size_t max;
    yyjson_val *application;
    yyjson_arr_foreach(yyjson_obj_get(launch->input, "Applications"), i, max, application) {
        const char *name = NULL;
        if (em_application_version(launch->release, js_str(application, "Name"), &name) == NULL) {
            return err_set(err, "ValidationException", "Specified application: %.*s is invalid for release label %s.",
                           STR_ARG(js_str(application, "Name")), launch->release->label);
        }
    }
    return true;
}

static bool check_the_rest(const Launch *launch, Err *err) {
    int64_t concurrency = js_i64(launch->input, "StepConcurrencyLevel", 1);
    static const char *const NOT_THERE[] = {"KerberosAttributes", "ManagedScalingPolicy"};
    for (size_t i = 0; i < sizeof NOT_THERE / sizeof NOT_THERE[0]; i++) {
        if (yyjson_obj_get(launch->input, NOT_THERE[i]) != NULL) {
            return err_set(err, "ValidationException", "%s is not supported by Solder yet", NOT_THERE[i]);
        }
    }
    if (concurrency != 1) {
        return err_set(err, "ValidationException", "StepConcurrencyLevel %lld is not supported by Solder yet: steps run one after another",
                       (long long)concurrency);
    }
    Str log_uri = js_str(launch->input, "LogUri");
    return log_uri.len == 0 || em_is_s3(log_uri) ||
           err_set(err, "ValidationException", "LogUri must be an s3:// URI: %.*s", STR_ARG(log_uri));
}

static bool add_group(Launch *launch, const Group *wanted, Err *err) {
    Group group = *wanted;
    if (em_instance_type(group.type) == NULL) {
        return err_set(err, "ValidationException", "Instance type '%.*s' is not supported.", STR_ARG(group.type));
    }
    if (group.count < 1 || group.count > MAX_INSTANCES) {
        return err_set(err, "ValidationException", "An instance group has 1 to %d instances here, not %lld", MAX_INSTANCES,
                       (long long)group.count);
    }
    if (str_eq_c(group.role, "MASTER") && group.count != 1) {
        return err_set(err, "ValidationException", "A cluster has one master instance here, not %lld", (long long)group.count);
    }
    if (!em_new_id(launch->call->arena, launch->has_fleets ? "if-" : "ig-", &group.id, err)) {
        return false;
    }
    VEC_PUSH(&launch->groups, group);
    return true;
}

static bool read_groups(Launch *launch, Err *err) {
    size_t i;
    size_t max;
    yyjson_val *config;
    yyjson_arr_foreach(yyjson_obj_get(launch->instances, "InstanceGroups"), i, max, config) {
        Str market = js_str(config, "Market");
        Group group = {.name = js_str(config, "Name"),
                       .role = js_str(config, "InstanceRole"),
                       .market = market.len > 0 ? market : STR("ON_DEMAND"),
                       .type = js_str(config, "InstanceType"),
                       .count = js_i64(config, "InstanceCount", 0),
                       .config = config};
        if (!add_group(launch, &group, err)) {
            return false;
        }
    }
    return true;
}

/* A fleet's first type is taken, as many as its capacity asks for. */
static bool read_fleets(Launch *launch, Err *err) {
    size_t i;
    size_t max;
    yyjson_val *config;
    launch->has_fleets = true;
    yyjson_arr_foreach(yyjson_obj_get(launch->instances, "InstanceFleets"), i, max, config) {
        yyjson_val *first = yyjson_arr_get_first(yyjson_obj_get(config, "InstanceTypeConfigs"));
        int64_t weight = js_i64(first, "WeightedCapacity", 1);
        int64_t capacity = js_i64(config, "TargetOnDemandCapacity", 0) + js_i64(config, "TargetSpotCapacity", 0);
        weight = weight < 1 ? 1 : weight;
        if (capacity == 0) {
            continue;
        }
        Group group = {.name = js_str(config, "Name"),
                       .role = js_str(config, "InstanceFleetType"),
                       .market = js_i64(config, "TargetOnDemandCapacity", 0) > 0 ? STR("ON_DEMAND") : STR("SPOT"),
                       .type = js_str(first, "InstanceType"),
                       .count = (capacity + weight - 1) / weight,
                       .config = config};
        if (!add_group(launch, &group, err)) {
            return false;
        }
    }
    return true;
}

static bool read_counts(Launch *launch, Err *err) {
    int64_t count = js_i64(launch->instances, "InstanceCount", 1);
    Str master = js_str(launch->instances, "MasterInstanceType");
    Str slave = js_str(launch->instances, "SlaveInstanceType");
    if (master.len == 0 && slave.len == 0) {
        return err_set(err, "ValidationException",
                       "Instances must have InstanceGroups, InstanceFleets, or MasterInstanceType and SlaveInstanceType");
    }
    Group first = {.role = STR("MASTER"), .market = STR("ON_DEMAND"), .type = master.len > 0 ? master : slave, .count = 1};
    Group others = {.role = STR("CORE"), .market = STR("ON_DEMAND"), .type = slave.len > 0 ? slave : master, .count = count - 1};
    return add_group(launch, &first, err) && (count <= 1 || add_group(launch, &others, err));
}

static bool read_instances(Launch *launch, Err *err) {
    bool has_groups = yyjson_arr_size(yyjson_obj_get(launch->instances, "InstanceGroups")) > 0;
    bool has_fleets = yyjson_arr_size(yyjson_obj_get(launch->instances, "InstanceFleets")) > 0;
    launch->groups.arena = launch->call->arena;
    if (has_groups && has_fleets) {
        return err_set(err, "ValidationException", "Instance fleets and instance groups are mutually exclusive.");
    }
    if (!(has_groups ? read_groups(launch, err) : has_fleets ? read_fleets(launch, err) : read_counts(launch, err))) {
        return false;
    }
    size_t masters = 0;
    for (size_t i = 0; i < launch->groups.count; i++) {
        if (str_eq_c(launch->groups.items[i].role, "MASTER")) {
            Group master = launch->groups.items[i];
            launch->groups.items[i] = launch->groups.items[0];
            launch->groups.items[0] = master;
            masters++;
        }
    }
    return masters == 1 || err_set(err, "ValidationException", "A cluster must have exactly one master instance group, not %zu", masters);
}

/* ---- rows ---- */

static void put_created(yyjson_mut_doc *doc, yyjson_mut_val *object) {
    yyjson_mut_val *status = yyjson_mut_obj_add_obj(doc, object, "Status");
    (void)yyjson_mut_obj_add_obj(doc, status, "StateChangeReason");
    em_put_now(doc, yyjson_mut_obj_add_obj(doc, status, "Timeline"), "CreationDateTime");
}

static bool insert_instance(const Launch *launch, const Group *group, size_t index, Err *err) {
    Arena *arena = launch->call->arena;
    Str id;
    Str inner_id;
    if (!em_new_instance_id(arena, &id, err) || !em_new_id(arena, "ci-", &inner_id, err)) {
        return false;
    }
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *row = yyjson_mut_obj(doc);
    Str address = em_address(arena, index);
    js_put_str(doc, row, "Id", inner_id);
    js_put_str(doc, row, "Ec2InstanceId", id);
    static const char *const NAMES[] = {"PublicDnsName", "PublicIpAddress", "PrivateDnsName", "PrivateIpAddress"};
    for (size_t i = 0; i < 4; i++) {
        js_put_str(doc, row, NAMES[i], address);
    }
    js_put_str(doc, row, launch->has_fleets ? "InstanceFleetId" : "InstanceGroupId", group->id);
    js_put_str(doc, row, "Market", group->market);
    js_put_str(doc, row, "InstanceType", group->type);
    (void)yyjson_mut_obj_add_arr(doc, row, "EbsVolumes");
    put_created(doc, row);
    js_put_str(doc, yyjson_mut_obj_add_obj(doc, row, "Inner"), "Role", group->role);
    StResourceName name = em_child_name(EM_INSTANCE, launch->id, id);
    bool ok = st_resource_insert(launch->services->store, &name, STR("PROVISIONING"), js_write(arena, row), err);
    yyjson_mut_doc_free(doc);
    return ok;
}

static bool insert_instances(const Launch *launch, Err *err) {
    size_t index = 0;
    for (size_t i = 0; i < launch->groups.count; i++) {
        for (int64_t j = 0; j < launch->groups.items[i].count; j++) {
            if (!insert_instance(launch, &launch->groups.items[i], index++, err)) {
                return false;
            }
        }
    }
    return true;
}

static void put_group(const Launch *launch, yyjson_mut_doc *doc, yyjson_mut_val *list, const Group *group) {
    yyjson_mut_val *shown = yyjson_mut_arr_add_obj(doc, list);
    js_put_str(doc, shown, "Id", group->id);
    if (group->name.len > 0) {
        js_put_str(doc, shown, "Name", group->name);
    }
    put_created(doc, shown);
    if (launch->has_fleets) {
        js_put_str(doc, shown, "InstanceFleetType", group->role);
        (void)yyjson_mut_obj_add_sint(doc, shown, "TargetOnDemandCapacity", js_i64(group->config, "TargetOnDemandCapacity", 0));
        (void)yyjson_mut_obj_add_sint(doc, shown, "TargetSpotCapacity", js_i64(group->config, "TargetSpotCapacity", 0));
        (void)yyjson_mut_obj_add_int(doc, shown, "ProvisionedSpotCapacity", 0);
        yyjson_mut_val *types = yyjson_mut_obj_add_arr(doc, shown, "InstanceTypeSpecifications");
        yyjson_mut_val *type = yyjson_mut_arr_add_obj(doc, types);
        js_put_str(doc, type, "InstanceType", group->type);
        (void)yyjson_mut_obj_add_int(doc, type, "WeightedCapacity", 1);
        return;
    }
    js_put_str(doc, shown, "Market", group->market);
    js_put_str(doc, shown, "InstanceGroupType", group->role);
    js_put_str(doc, shown, "InstanceType", group->type);
    (void)yyjson_mut_obj_add_sint(doc, shown, "RequestedInstanceCount", group->count);
    static const char *const ECHOED[] = {"BidPrice", "Configurations", "CustomAmiId"};
    for (size_t i = 0; i < sizeof ECHOED / sizeof ECHOED[0]; i++) {
        yyjson_val *value = yyjson_obj_get(group->config, ECHOED[i]);
        if (value != NULL) {
            (void)yyjson_mut_obj_add_val(doc, shown, ECHOED[i], yyjson_val_mut_copy(doc, value));
        }
    }
    (void)yyjson_mut_obj_add_arr(doc, shown, "EbsBlockDevices");
    (void)yyjson_mut_obj_add_obj(doc, shown, "ShrinkPolicy");
}

static void put_inner(const Launch *launch, yyjson_mut_doc *doc, yyjson_mut_val *row) {
    yyjson_mut_val *inner = yyjson_mut_obj_add_obj(doc, row, "Inner");
    yyjson_mut_val *groups = yyjson_mut_obj_add_arr(doc, inner, launch->has_fleets ? "Fleets" : "Groups");
    for (size_t i = 0; i < launch->groups.count; i++) {
        put_group(launch, doc, groups, &launch->groups.items[i]);
    }
    js_put_str(doc, inner, "WorkerType", launch->groups.items[launch->groups.count > 1 ? 1 : 0].type);
    yyjson_val *policy = yyjson_obj_get(launch->input, "AutoTerminationPolicy");
    if (policy != NULL) {
        (void)yyjson_mut_obj_add_val(doc, inner, "AutoTerminationPolicy", yyjson_val_mut_copy(doc, policy));
    }
    yyjson_mut_val *actions = yyjson_mut_obj_add_arr(doc, inner, "BootstrapActions");
    size_t i;
    size_t max;
    yyjson_val *action;
    yyjson_arr_foreach(yyjson_obj_get(launch->input, "BootstrapActions"), i, max, action) {
        yyjson_val *script = yyjson_obj_get(action, "ScriptBootstrapAction");
        yyjson_val *args = yyjson_obj_get(script, "Args");
        yyjson_mut_val *shown = yyjson_mut_arr_add_obj(doc, actions);
        js_put_str(doc, shown, "Name", js_str(action, "Name"));
        js_put_str(doc, shown, "ScriptPath", js_str(script, "Path"));
        (void)yyjson_mut_obj_add_val(doc, shown, "Args", args != NULL ? yyjson_val_mut_copy(doc, args) : yyjson_mut_arr(doc));
    }
}

static void put_applications(const Launch *launch, yyjson_mut_doc *doc, yyjson_mut_val *row) {
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, row, "Applications");
    size_t i;
    size_t max;
    yyjson_val *application;
    yyjson_arr_foreach(yyjson_obj_get(launch->input, "Applications"), i, max, application) {
        const char *name = "";
        const char *version = em_application_version(launch->release, js_str(application, "Name"), &name);
        yyjson_mut_val *shown = yyjson_mut_arr_add_obj(doc, list);
        js_put_str(doc, shown, "Name", str_from_c(name));
        if (version != NULL && version[0] != '\0') {
            js_put_str(doc, shown, "Version", str_from_c(version));
        }
    }
}

static void put_attributes(const Launch *launch, yyjson_mut_doc *doc, yyjson_mut_val *row) {
    static const char *const NAMES[] = {"Ec2KeyName",
                                        "Ec2SubnetId",
                                        "EmrManagedMasterSecurityGroup",
                                        "EmrManagedSlaveSecurityGroup",
                                        "ServiceAccessSecurityGroup",
                                        "AdditionalMasterSecurityGroups",
                                        "AdditionalSlaveSecurityGroups"};
    yyjson_mut_val *attributes = yyjson_mut_obj_add_obj(doc, row, "Ec2InstanceAttributes");
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        yyjson_val *value = yyjson_obj_get(launch->instances, NAMES[i]);
        if (value != NULL) {
            (void)yyjson_mut_obj_add_val(doc, attributes, NAMES[i], yyjson_val_mut_copy(doc, value));
        }
    }
    Str zone = js_str(yyjson_obj_get(launch->instances, "Placement"), "AvailabilityZone");
    js_put_str(doc, attributes, "Ec2AvailabilityZone",
               zone.len > 0 ? zone : str_fmt(launch->call->arena, "%.*sa", STR_ARG(launch->services->region)));
    if (js_str(launch->input, "JobFlowRole").len > 0) {
        js_put_str(doc, attributes, "IamInstanceProfile", js_str(launch->input, "JobFlowRole"));
    }
}

static Str cluster_json(const Launch *launch) {
    static const char *const ECHOED[] = {"Name",
                                         "LogEncryptionKmsKeyId",
                                         "ReleaseLabel",
                                         "ServiceRole",
                                         "Configurations",
                                         "SecurityConfiguration",
                                         "AutoScalingRole",
                                         "CustomAmiId",
                                         "EbsRootVolumeSize",
                                         "RepoUpgradeOnBoot",
                                         "OSReleaseLabel",
                                         "EbsRootVolumeIops",
                                         "EbsRootVolumeThroughput",
                                         "ExtendedSupport",
                                         "MonitoringConfiguration",
                                         "SessionEnabled"};
    yyjson_val *input = launch->input;
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *row = yyjson_mut_obj(doc);
    Arena *arena = launch->call->arena;
    js_put_str(doc, row, "Id", launch->id);
    for (size_t i = 0; i < sizeof ECHOED / sizeof ECHOED[0]; i++) {
        yyjson_val *value = yyjson_obj_get(input, ECHOED[i]);
        if (value != NULL) {
            (void)yyjson_mut_obj_add_val(doc, row, ECHOED[i], yyjson_val_mut_copy(doc, value));
        }
    }
    put_created(doc, row);
    put_applications(launch, doc, row);
    put_attributes(launch, doc, row);
    Str log_uri = js_str(input, "LogUri");
    if (log_uri.len > 0) {
        js_put_str(doc, row, "LogUri", log_uri.data[log_uri.len - 1] == '/' ? log_uri : str_fmt(arena, "%.*s/", STR_ARG(log_uri)));
    }
    Str scale_down = js_str(input, "ScaleDownBehavior");
    yyjson_val *tags = yyjson_obj_get(input, "Tags");
    js_put_str(doc, row, "ClusterArn", em_cluster_arn(launch->services, arena, launch->id));
    js_put_str(doc, row, "InstanceCollectionType", launch->has_fleets ? STR("INSTANCE_FLEET") : STR("INSTANCE_GROUP"));
    js_put_str(doc, row, "ScaleDownBehavior", scale_down.len > 0 ? scale_down : STR("TERMINATE_AT_TASK_COMPLETION"));
    js_put_str(doc, row, "MasterPublicDnsName", em_address(arena, 0));
    (void)yyjson_mut_obj_add_bool(doc, row, "AutoTerminate", !js_bool(launch->instances, "KeepJobFlowAliveWhenNoSteps", false));
    (void)yyjson_mut_obj_add_bool(doc, row, "TerminationProtected", js_bool(launch->instances, "TerminationProtected", false));
    (void)yyjson_mut_obj_add_bool(doc, row, "UnhealthyNodeReplacement", js_bool(launch->instances, "UnhealthyNodeReplacement", false));
    (void)yyjson_mut_obj_add_bool(doc, row, "VisibleToAllUsers", js_bool(input, "VisibleToAllUsers", true));
    (void)yyjson_mut_obj_add_int(doc, row, "NormalizedInstanceHours", 0);
    (void)yyjson_mut_obj_add_int(doc, row, "StepConcurrencyLevel", 1);
    (void)yyjson_mut_obj_add_val(doc, row, "Tags", tags != NULL ? yyjson_val_mut_copy(doc, tags) : yyjson_mut_arr(doc));
    (void)yyjson_mut_obj_add_arr(doc, row, "PlacementGroups");
    put_inner(launch, doc, row);
    Str json = js_write(arena, row);
    yyjson_mut_doc_free(doc);
    return json;
}

bool em_insert_cluster(SvServices *services, AwsCall *call, Str *ret_id, Err *err) {
    Launch launch = {.services = services, .call = call, .input = call->input, .instances = yyjson_obj_get(call->input, "Instances")};
    const Str *step_ids = NULL;
    if (!check_release(&launch, err) || !check_applications(&launch, err) || !check_the_rest(&launch, err) ||
        !read_instances(&launch, err) || !em_new_id(call->arena, "j-", &launch.id, err)) {
        return false;
    }
    StResourceName name = em_cluster_name(launch.id);
    *ret_id = launch.id;
    return em_insert_steps(services, call->arena, launch.id, yyjson_obj_get(call->input, "Steps"), &step_ids, err) &&
           insert_instances(&launch, err) && st_resource_insert(services->store, &name, STR("STARTING"), cluster_json(&launch), err);
}
