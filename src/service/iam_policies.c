/* iam_policies.c - IAM: managed policies and their versions; AWS's own by name.
 *
 * A policy's row keeps its versions as {"v1": {"Document", "CreateDate"}} and the number of the next one. AWS's own policies are no rows: of those in
 * spec/aws/managed_policies.tsv there is a document; any other may be attached, since nothing asks what it allows, but is not found by GetPolicy.
 */
#include "service/iam.h"

#include <string.h>
#include <time.h>

enum { MOST_VERSIONS = 5 };

#define AWS_ARN "arn:aws:iam::aws:policy"
#define AWS_CREATED 1420070400 /* 2015; the true dates are nobody's business */

static const ImManaged MANAGED[] = {
#include "gen/managed_policies.inc"
};

enum { MANAGED_COUNT = sizeof MANAGED / sizeof MANAGED[0] };

Str im_arn_name(Str arn) {
    const char *slash = arn.len == 0 ? NULL : memrchr(arn.data, '/', arn.len);
    return slash == NULL ? STR("") : str_slice(arn, (size_t)(slash - arn.data) + 1, arn.len);
}

static bool is_aws(Str arn) {
    return str_starts_with(arn, STR(AWS_ARN "/"));
}

static const ImManaged *find_managed(Arena *arena, Str arn) {
    for (size_t i = 0; i < MANAGED_COUNT; i++) {
        if (str_eq(arn, str_fmt(arena, AWS_ARN "%s%s", MANAGED[i].path, MANAGED[i].name))) {
            return &MANAGED[i];
        }
    }
    return NULL;
}

static bool not_found(Str arn, Err *err) {
    err_clear(err);
    return err_set(err, "NoSuchEntity", "Policy %.*s was not found.", STR_ARG(arn));
}

/* By its ARN, path and all. */
static bool load_policy(SvServices *services, AwsCall *call, Str arn, ImEntity *ret_policy, Err *err) {
    if (!im_load(services, call, IM_POLICY, im_arn_name(arn), ret_policy, err)) {
        return err_is(err, "NoSuchEntity") ? not_found(arn, err) : false;
    }
    return str_eq(im_member(ret_policy, "Arn"), arn) || not_found(arn, err);
}

bool im_check_attachable(SvServices *services, AwsCall *call, Str arn, Err *err) {
    ImEntity policy;
    if (is_aws(arn) && im_arn_name(arn).len > 0) {
        return true;
    }
    if (load_policy(services, call, arn, &policy, err)) {
        return true;
    }
    if (err_is(err, "NoSuchEntity")) {
        err_clear(err);
        (void)err_set(err, "NoSuchEntity", "Policy %.*s does not exist or is not attachable.", STR_ARG(arn));
    }
    return false;
}

/* ---- who has it ---- */

typedef struct Holders {
    ImEntities entities[2]; /* roles, users */
} Holders;

static bool load_holders(SvServices *services, AwsCall *call, Holders *ret_holders, Err *err) {
    return im_load_all(services, call, IM_ROLE, &ret_holders->entities[0], err) &&
           im_load_all(services, call, IM_USER, &ret_holders->entities[1], err);
}

static bool holds(const ImEntity *entity, Str arn) {
    return yyjson_mut_obj_getn(im_part(entity, "Attached"), arn.data, arn.len) != NULL;
}

static bool is_bounded(const ImEntity *entity, Str arn) {
    yyjson_mut_val *boundary = yyjson_mut_obj_get(yyjson_mut_obj_get(entity->root, "Shown"), "PermissionsBoundary");
    yyjson_mut_val *its = yyjson_mut_obj_get(boundary, "PermissionsBoundaryArn");
    return its != NULL && str_eq((Str){yyjson_mut_get_str(its), yyjson_mut_get_len(its)}, arn);
}

static int64_t count_holders(const Holders *holders, Str arn, bool (*has)(const ImEntity *entity, Str arn)) {
    int64_t n = 0;
    for (size_t t = 0; t < 2; t++) {
        for (size_t i = 0; i < holders->entities[t].count; i++) {
            n += has(&holders->entities[t].items[i], arn);
        }
    }
    return n;
}

/* The counts that AWS shows of every policy. */
static void put_counts(AwsCall *call, const Holders *holders, yyjson_mut_val *shown, Str arn) {
    (void)yyjson_mut_obj_add_int(call->doc, shown, "AttachmentCount", count_holders(holders, arn, holds));
    (void)yyjson_mut_obj_add_int(call->doc, shown, "PermissionsBoundaryUsageCount", count_holders(holders, arn, is_bounded));
    (void)yyjson_mut_obj_add_bool(call->doc, shown, "IsAttachable", true);
}

static yyjson_mut_val *managed_shown(AwsCall *call, const ImManaged *managed) {
    yyjson_mut_val *shown = yyjson_mut_obj(call->doc);
    js_put_str(call->doc, shown, "PolicyName", str_from_c(managed->name));
    js_put_str(call->doc, shown, "PolicyId", str_fmt(call->arena, "ANPA%016llX", (unsigned long long)str_hash(str_from_c(managed->name))));
    js_put_str(call->doc, shown, "Arn", str_fmt(call->arena, AWS_ARN "%s%s", managed->path, managed->name));
    js_put_str(call->doc, shown, "Path", str_from_c(managed->path));
    js_put_str(call->doc, shown, "DefaultVersionId", STR("v1"));
    (void)yyjson_mut_obj_add_int(call->doc, shown, "CreateDate", AWS_CREATED);
    (void)yyjson_mut_obj_add_int(call->doc, shown, "UpdateDate", AWS_CREATED);
    return shown;
}

static Str managed_document(Arena *arena, const ImManaged *managed) {
    StrBuf out = {.arena = arena};
    strbuf_add_c(&out, "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"");
    for (const char *at = managed->actions; *at != '\0'; at++) {
        if (*at == ' ') {
            strbuf_add_c(&out, "\",\"");
        } else {
            strbuf_add_char(&out, *at);
        }
    }
    strbuf_add_c(&out, "\"],\"Resource\":\"*\"}]}");
    return strbuf_str(&out);
}

/* ---- policies ---- */

static Str version_id(Arena *arena, int64_t number) {
    return str_fmt(arena, "v%lld", (long long)number);
}

/* Adds a version of the call's document. */
static bool add_version(AwsCall *call, ImEntity *policy, bool is_default, Str *ret_id, Err *err) {
    Str document = js_str(call->input, "PolicyDocument");
    yyjson_mut_val *versions = im_part(policy, "Versions");
    yyjson_mut_val *next = yyjson_mut_obj_get(policy->root, "NextVersion");
    int64_t number = next == NULL ? 1 : yyjson_mut_get_sint(next);
    if (!im_check_document(document, IM_IDENTITY, err)) {
        return false;
    }
    if (yyjson_mut_obj_size(versions) >= MOST_VERSIONS) {
        return err_set(err, "LimitExceeded",
                       "A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.",
                       MOST_VERSIONS);
    }
    *ret_id = version_id(call->arena, number);
    yyjson_mut_val *version = yyjson_mut_obj(call->doc);
    js_put_str(call->doc, version, "Document", document);
    (void)yyjson_mut_obj_add_int(call->doc, version, "CreateDate", (int64_t)time(NULL));
    (void)yyjson_mut_obj_put(versions, yyjson_mut_strncpy(call->doc, ret_id->data, ret_id->len), version);
    (void)yyjson_mut_obj_put(policy->root, yyjson_mut_str(call->doc, "NextVersion"), yyjson_mut_sint(call->doc, number + 1));
    if (is_default) {
        js_put_str(call->doc, im_part(policy, "Shown"), "DefaultVersionId", *ret_id);
    }
    (void)yyjson_mut_obj_put(im_part(policy, "Shown"), yyjson_mut_str(call->doc, "UpdateDate"),
                             yyjson_mut_int(call->doc, (int64_t)time(NULL)));
    return true;
}

static bool fill_policy(SvServices *services, AwsCall *call, ImEntity *policy, Err *err) {
    Str id;
    (void)services;
    if (!add_version(call, policy, true, &id, err)) {
        return false;
    }
    yyjson_mut_val *shown = im_part(policy, "Shown");
    if (yyjson_obj_get(call->input, "Description") != NULL) {
        js_put_str(call->doc, shown, "Description", js_str(call->input, "Description"));
    }
    return true;
}

bool sv_iam_create_policy(void *self, AwsCall *call, Err *err) {
    if (!im_create(self, call, IM_POLICY, fill_policy, err)) {
        return false;
    }
    Holders nobody = {0};
    put_counts(call, &nobody, yyjson_mut_obj_get(call->output, "Policy"), STR(""));
    return true;
}

bool sv_iam_get_policy(void *self, AwsCall *call, Err *err) {
    Str arn = js_str(call->input, "PolicyArn");
    const ImManaged *managed = find_managed(call->arena, arn);
    ImEntity policy;
    Holders holders;
    if ((managed == NULL && !load_policy(self, call, arn, &policy, err)) || !load_holders(self, call, &holders, err)) {
        return false;
    }
    yyjson_mut_val *shown = managed != NULL ? managed_shown(call, managed) : im_shown(call, &policy, true);
    put_counts(call, &holders, shown, arn);
    return yyjson_mut_obj_add_val(call->doc, call->output, "Policy", shown);
}

static bool may_delete_policy(SvServices *services, AwsCall *call, ImEntity *policy, Err *err) {
    Str arn = im_member(policy, "Arn");
    Holders holders;
    if (!str_eq(arn, js_str(call->input, "PolicyArn"))) {
        return not_found(js_str(call->input, "PolicyArn"), err);
    }
    if (!load_holders(services, call, &holders, err)) {
        return false;
    }
    if (count_holders(&holders, arn, holds) > 0 || count_holders(&holders, arn, is_bounded) > 0) {
        return err_set(err, "DeleteConflict", "Cannot delete a policy attached to entities.");
    }
    return yyjson_mut_obj_size(im_part(policy, "Versions")) == 1 ||
           err_set(err, "DeleteConflict",
                   "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
                   "The default version is deleted with the policy.");
}

/* AWS's own can't be changed. */
static bool is_ours(Str arn, Err *err) {
    return !is_aws(arn) || err_set(err, "AccessDenied", "%.*s is AWS's own: it can't be changed.", STR_ARG(arn));
}

bool sv_iam_delete_policy(void *self, AwsCall *call, Err *err) {
    Str arn = js_str(call->input, "PolicyArn");
    return is_ours(arn, err) && im_delete(self, call, IM_POLICY, im_arn_name(arn), may_delete_policy, err);
}

static yyjson_mut_val *as_it_is(AwsCall *call, Str name, yyjson_mut_val *value) {
    (void)name;
    return yyjson_mut_val_mut_copy(call->doc, value);
}

/* Whether ListPolicies shows it. */
static bool is_listed(const AwsCall *call, yyjson_mut_val *shown) {
    Str path = {yyjson_mut_get_str(yyjson_mut_obj_get(shown, "Path")), yyjson_mut_get_len(yyjson_mut_obj_get(shown, "Path"))};
    bool by_boundary = str_eq_c(js_str(call->input, "PolicyUsageFilter"), "PermissionsBoundary");
    const char *count = by_boundary ? "PermissionsBoundaryUsageCount" : "AttachmentCount";
    bool is_used = yyjson_mut_get_sint(yyjson_mut_obj_get(shown, count)) > 0;
    return str_starts_with(path, js_str(call->input, "PathPrefix")) &&
           (is_used || !(by_boundary || js_bool(call->input, "OnlyAttached", false)));
}

bool sv_iam_list_policies(void *self, AwsCall *call, Err *err) {
    Str scope = js_str(call->input, "Scope");
    yyjson_mut_val *all = yyjson_mut_obj(call->doc); /* by ARN */
    Holders holders;
    ImEntities own;
    if (!load_holders(self, call, &holders, err) || !im_load_all(self, call, IM_POLICY, &own, err)) {
        return false;
    }
    for (size_t i = 0; i < own.count + MANAGED_COUNT; i++) {
        bool is_own = i < own.count;
        if (str_eq_c(scope, is_own ? "AWS" : "Local")) {
            continue;
        }
        yyjson_mut_val *shown = is_own ? im_shown(call, &own.items[i], false) : managed_shown(call, &MANAGED[i - own.count]);
        yyjson_mut_val *arn = yyjson_mut_obj_get(shown, "Arn");
        put_counts(call, &holders, shown, (Str){yyjson_mut_get_str(arn), yyjson_mut_get_len(arn)});
        if (is_listed(call, shown)) {
            (void)yyjson_mut_obj_add(all, yyjson_mut_val_mut_copy(call->doc, arn), shown);
        }
    }
    return im_page(call, "Policies", all, as_it_is, err);
}

static yyjson_mut_val *holder_item(AwsCall *call, const ImEntity *entity) {
    const ImNames *names = im_names(entity->type);
    yyjson_mut_val *item = yyjson_mut_obj(call->doc);
    js_put_str(call->doc, item, names->name, entity->name);
    js_put_str(call->doc, item, names->id, im_member(entity, names->id));
    return item;
}

/* All in one page: there are few. */
bool sv_iam_list_entities_for_policy(void *self, AwsCall *call, Err *err) {
    static const struct { const char *list, *filter; } LISTS[] = {{"PolicyRoles", "Role"}, {"PolicyUsers", "User"}};
    Str arn = js_str(call->input, "PolicyArn");
    Str filter = js_str(call->input, "EntityFilter");
    Str usage = js_str(call->input, "PolicyUsageFilter");
    Holders holders;
    if (!im_check_attachable(self, call, arn, err) || !load_holders(self, call, &holders, err)) {
        return false;
    }
    for (size_t t = 0; t < 2; t++) {
        yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, LISTS[t].list);
        bool is_wanted = filter.len == 0 || str_eq_c(filter, LISTS[t].filter);
        for (size_t i = 0; is_wanted && i < holders.entities[t].count; i++) {
            const ImEntity *entity = &holders.entities[t].items[i];
            bool has = (!str_eq_c(usage, "PermissionsBoundary") && holds(entity, arn)) ||
                       (!str_eq_c(usage, "PermissionsPolicy") && is_bounded(entity, arn));
            if (has && str_starts_with(im_member(entity, "Path"), js_str(call->input, "PathPrefix"))) {
                (void)yyjson_mut_arr_append(list, holder_item(call, entity));
            }
        }
    }
    (void)yyjson_mut_obj_add_arr(call->doc, call->output, "PolicyGroups");
    return yyjson_mut_obj_add_bool(call->doc, call->output, "IsTruncated", false);
}

/* ---- versions ---- */

static yyjson_mut_val *version_shown(AwsCall *call, Str id, yyjson_mut_val *version, Str default_id, bool with_document) {
    yyjson_mut_val *shown = yyjson_mut_obj(call->doc);
    yyjson_mut_val *document = yyjson_mut_obj_get(version, "Document");
    if (with_document) {
        js_put_str(call->doc, shown, "Document",
                   im_encoded(call->arena, (Str){yyjson_mut_get_str(document), yyjson_mut_get_len(document)}));
    }
    js_put_str(call->doc, shown, "VersionId", id);
    (void)yyjson_mut_obj_add_bool(call->doc, shown, "IsDefaultVersion", str_eq(id, default_id));
    (void)yyjson_mut_obj_add_val(call->doc, shown, "CreateDate",
                                 yyjson_mut_val_mut_copy(call->doc, yyjson_mut_obj_get(version, "CreateDate")));
    return shown;
}

/* Refuses another policy of the same name below another path. */
static bool check_arn(const AwsCall *call, const ImEntity *policy, Err *err) {
    Str arn = js_str(call->input, "PolicyArn");
    return str_eq(im_member(policy, "Arn"), arn) || not_found(arn, err);
}

static bool find_version(AwsCall *call, const ImEntity *policy, Str id, yyjson_mut_val **ret_version, Err *err) {
    *ret_version = yyjson_mut_obj_getn(im_part(policy, "Versions"), id.data, id.len);
    return *ret_version != NULL || err_set(err, "NoSuchEntity", "Policy %.*s version %.*s does not exist or is not attachable.",
                                           STR_ARG(js_str(call->input, "PolicyArn")), STR_ARG(id));
}

static bool new_version(SvServices *services, AwsCall *call, ImEntity *policy, Err *err) {
    Str id;
    (void)services;
    if (!check_arn(call, policy, err) || !add_version(call, policy, js_bool(call->input, "SetAsDefault", false), &id, err)) {
        return false;
    }
    yyjson_mut_val *version = yyjson_mut_obj_getn(im_part(policy, "Versions"), id.data, id.len);
    return yyjson_mut_obj_add_val(call->doc, call->output, "PolicyVersion",
                                  version_shown(call, id, version, im_member(policy, "DefaultVersionId"), false));
}

/* One change of the policy that the call names. */
static bool change_policy(SvServices *services, AwsCall *call, ImChange change, Err *err) {
    Str arn = js_str(call->input, "PolicyArn");
    return is_ours(arn, err) && im_change(services, call, IM_POLICY, im_arn_name(arn), change, err);
}

bool sv_iam_create_policy_version(void *self, AwsCall *call, Err *err) {
    return change_policy(self, call, new_version, err);
}

static bool delete_version(SvServices *services, AwsCall *call, ImEntity *policy, Err *err) {
    Str id = js_str(call->input, "VersionId");
    yyjson_mut_val *version = NULL;
    (void)services;
    if (!check_arn(call, policy, err) || !find_version(call, policy, id, &version, err)) {
        return false;
    }
    if (str_eq(id, im_member(policy, "DefaultVersionId"))) {
        return err_set(err, "DeleteConflict", "Cannot delete the default version of a policy.");
    }
    return yyjson_mut_obj_remove_keyn(im_part(policy, "Versions"), id.data, id.len) != NULL;
}

bool sv_iam_delete_policy_version(void *self, AwsCall *call, Err *err) {
    return change_policy(self, call, delete_version, err);
}

static bool set_default(SvServices *services, AwsCall *call, ImEntity *policy, Err *err) {
    Str id = js_str(call->input, "VersionId");
    yyjson_mut_val *version = NULL;
    (void)services;
    if (!check_arn(call, policy, err) || !find_version(call, policy, id, &version, err)) {
        return false;
    }
    js_put_str(call->doc, im_part(policy, "Shown"), "DefaultVersionId", id);
    return true;
}

bool sv_iam_set_default_policy_version(void *self, AwsCall *call, Err *err) {
    return change_policy(self, call, set_default, err);
}

/* The policy of the call, with AWS's own made up as one that has a single version. */
static bool load_with_versions(SvServices *services, AwsCall *call, ImEntity *ret_policy, Err *err) {
    Str arn = js_str(call->input, "PolicyArn");
    const ImManaged *managed = find_managed(call->arena, arn);
    if (managed == NULL) {
        return load_policy(services, call, arn, ret_policy, err);
    }
    *ret_policy = (ImEntity){.type = IM_POLICY, .name = str_from_c(managed->name), .doc = call->doc, .root = yyjson_mut_obj(call->doc)};
    (void)yyjson_mut_obj_add_val(call->doc, ret_policy->root, "Shown", managed_shown(call, managed));
    yyjson_mut_val *version = yyjson_mut_obj_add_obj(call->doc, im_part(ret_policy, "Versions"), "v1");
    js_put_str(call->doc, version, "Document", managed_document(call->arena, managed));
    return yyjson_mut_obj_add_int(call->doc, version, "CreateDate", AWS_CREATED);
}

bool sv_iam_get_policy_version(void *self, AwsCall *call, Err *err) {
    Str id = js_str(call->input, "VersionId");
    yyjson_mut_val *version = NULL;
    ImEntity policy;
    return load_with_versions(self, call, &policy, err) && find_version(call, &policy, id, &version, err) &&
           yyjson_mut_obj_add_val(call->doc, call->output, "PolicyVersion",
                                  version_shown(call, id, version, im_member(&policy, "DefaultVersionId"), true));
}

/* Few enough for any page: newest first, as AWS. */
bool sv_iam_list_policy_versions(void *self, AwsCall *call, Err *err) {
    ImEntity policy;
    if (!load_with_versions(self, call, &policy, err)) {
        return false;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, "Versions");
    size_t i;
    size_t count;
    yyjson_mut_val *id;
    yyjson_mut_val *version;
    yyjson_mut_obj_foreach(im_part(&policy, "Versions"), i, count, id, version) {
        Str text = {yyjson_mut_get_str(id), yyjson_mut_get_len(id)};
        (void)yyjson_mut_arr_prepend(list, version_shown(call, text, version, im_member(&policy, "DefaultVersionId"), false));
    }
    return yyjson_mut_obj_add_bool(call->doc, call->output, "IsTruncated", false);
}
