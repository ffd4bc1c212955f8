/* s3_access.c - see s3_access.h.
 *
 * Sources: Amazon S3 User Guide, "How Amazon S3 authorizes a request", "Required permissions for Amazon S3 API operations", "ACL permissions and access policy
 * permissions"; AWS's wording of refusals. For a caller with a key of a bucket without a policy all this is one look-up by the policy's primary key.
 */
#include "service/s3_access.h"

#include "aws/model.h"
#include "service/policy.h"
#include "service/s3_acl.h"
#include "service/s3_settings.h"

#include <string.h>

typedef enum On { ON_ACCOUNT, ON_BUCKET, ON_OBJECT, ON_EACH, ON_SOURCE } On;

/* A row of spec/aws/s3_actions.tsv. */
typedef struct Action {
    const char *operation, *name;
    On on;
    const char *when; /* a member of the input; "": always */
    bool is_unless;   /* the member must not be there */
    On granted_on;
    const char *permission; /* of an ACL; NULL: none gives it */
} Action;

#include "gen/s3_actions.inc"

/* What no rule can open to callers without a key. */
static const struct {
    const char *operation, *message;
} NEEDS_KEY[] = {
    {"CreateMultipartUpload", "Anonymous users cannot initiate multipart uploads.  Please authenticate."},
    {"CopyObject", "Anonymous users cannot copy objects.  Please authenticate."},
    {"UploadPartCopy", "Anonymous users cannot copy objects.  Please authenticate."},
    {"GetBucketPolicy", NULL},
    {"PutBucketPolicy", NULL},
    {"DeleteBucketPolicy", NULL},
    {"PutPublicAccessBlock", NULL},
    {"DeletePublicAccessBlock", NULL},
    {"PutBucketOwnershipControls", NULL},
    {"DeleteBucketOwnershipControls", NULL},
};

/* The rules of one bucket. */
typedef struct Rules {
    Str bucket;
    yyjson_val *policy; /* NULL: none */
    /* For callers without a key: whether the policy counts for them, and what ACLs say. */
    bool is_policy_open, acls_count;
    Str acl;
} Rules;

typedef struct Access {
    SvServices *services;
    AwsCall *call;
    ImPrincipal principal;
    PolicyCaller caller;
    Str role_arn;
    Rules rules;
} Access;

static bool is_operation(const AwsCall *call, const char *name) {
    return strcmp(call->operation->name, name) == 0;
}

/* ---- rules ---- */

static void free_policy(void *document) {
    yyjson_doc_free(document);
}

/* json: as the setting is kept, a JSON text that holds the document's. */
static bool parse_policy(Arena *arena, Str json, yyjson_val **ret_policy, Err *err) {
    yyjson_doc *kept = yyjson_read(json.data, json.len, 0);
    Str text = js_text(yyjson_doc_get_root(kept));
    yyjson_doc *document = text.len == 0 ? NULL : yyjson_read(text.data, text.len, 0);
    yyjson_doc_free(kept);
    if (document == NULL) {
        return err_set(err, ERR_INTERNAL, "the policy of a bucket can't be read");
    }
    arena_on_free(arena, free_policy, document);
    *ret_policy = yyjson_doc_get_root(document);
    return true;
}

static bool read_policy(const SvServices *services, Arena *arena, Str bucket, yyjson_val **ret_policy, Err *err) {
    Str json;
    *ret_policy = NULL;
    return st_bucket_setting_peek(services->store, arena, bucket, STR("policy"), &json, err) &&
           (json.len == 0 || parse_policy(arena, json, ret_policy, err));
}

/* What is open to everybody. */
static bool read_openings(const SvServices *services, Arena *arena, Rules *rules, Err *err) {
    bool restricts = true;
    bool ignores = true;
    bool ok = s3_blocks(services, arena, rules->bucket, S3_RESTRICT_BUCKETS, &restricts, err) &&
              s3_blocks(services, arena, rules->bucket, S3_IGNORE_ACLS, &ignores, err) &&
              s3_acls_count(services, arena, rules->bucket, &rules->acls_count, err) &&
              st_bucket_setting_peek(services->store, arena, rules->bucket, STR("acl"), &rules->acl, err);
    rules->acls_count = rules->acls_count && !ignores;
    rules->is_policy_open = rules->policy != NULL && !(restricts && policy_is_public(rules->policy));
    return ok;
}

/* ---- the caller ---- */

/* "arn:aws:sts::123456789012:assumed-role/name/session" of a role that may have a path. */
static bool find_role(Access *access, Err *err) {
    static const Str MARK = {":assumed-role/", 14};
    Str arn = access->principal.arn;
    const char *mark = memmem(arn.data, arn.len, MARK.data, MARK.len);
    if (mark == NULL) {
        return true;
    }
    Str rest = str_slice(arn, (size_t)(mark - arn.data) + MARK.len, arn.len);
    const char *slash = rest.len == 0 ? NULL : memchr(rest.data, '/', rest.len);
    Str name = str_slice(rest, 0, slash == NULL ? rest.len : (size_t)(slash - rest.data));
    ImEntity role;
    if (im_load(access->services, access->call, IM_ROLE, name, &role, err)) {
        access->role_arn = im_member(&role, "Arn");
        return true;
    }
    if (!err_is(err, "NoSuchEntity")) {
        return false;
    }
    err_clear(err); /* deleted meanwhile: its sessions live on */
    access->role_arn = im_arn(access->call, "role", STR("/"), name);
    return true;
}

static bool find_caller(Access *access, Err *err) {
    AwsCall *call = access->call;
    if (call->caller->is_anonymous) {
        access->caller = (PolicyCaller){.is_anonymous = true};
        return true;
    }
    if (!im_principal(access->services, call, &access->principal, err) || !find_role(access, err)) {
        return false;
    }
    access->caller = (PolicyCaller){.is_root = access->principal.is_root,
                                    .account = call->account,
                                    .canonical_id = s3_canonical_id(call->arena, call->account),
                                    .arn = access->principal.arn,
                                    .role_arn = access->role_arn};
    return true;
}

/* ---- one action on one thing ---- */

/* What an action is done to. */
typedef struct Thing {
    Str bucket, key, version;
} Thing;

static Str arn_of(Arena *arena, const Thing *thing) {
    return thing->key.len > 0 ? s3_object_arn(arena, thing->bucket, thing->key) : s3_bucket_arn(arena, thing->bucket);
}

static PolicyDecision decide(Access *access, const Rules *rules, const char *action, const Thing *thing) {
    AwsCall *call = access->call;
    if (rules->policy == NULL) {
        return POLICY_SILENT;
    }
    Arena *scratch = arena_new(); /* DeleteObjects asks a thousand times */
    S3Subject subject = {.services = access->services,
                         .call = call,
                         .principal = access->caller.is_anonymous ? NULL : &access->principal,
                         .role_arn = access->role_arn,
                         .bucket = thing->bucket,
                         .key = thing->key,
                         .version = thing->version};
    PolicyContext context = {.arena = scratch,
                             .caller = &access->caller,
                             .action = str_from_c(action),
                             .resource = arn_of(scratch, thing),
                             .values = s3_condition_values,
                             .self = &subject};
    PolicyDecision decision = policy_decide(rules->policy, &context);
    arena_free(scratch);
    return decision;
}

static bool is_open_to_list(Access *access, const Rules *rules) {
    Thing bucket = {.bucket = rules->bucket};
    PolicyDecision decision = decide(access, rules, "s3:ListBucket", &bucket);
    return decision != POLICY_DENIES && ((decision == POLICY_ALLOWS && rules->is_policy_open) || (rules->acls_count && s3_acl_opens(rules->acl, "READ")));
}

/* Whether an ACL lets everybody; of an object that is not there its handler may say so to those who may list. */
static bool is_granted(Access *access, const Rules *rules, const Action *action, const Thing *thing) {
    if (action->permission == NULL || !rules->acls_count) {
        return false;
    }
    if (action->granted_on == ON_BUCKET) {
        return s3_acl_opens(rules->acl, action->permission);
    }
    StVersion version;
    Err missing = {0};
    if (!st_version_get(access->services->store, access->call->arena, thing->bucket, thing->key, thing->version, &version, &missing) || version.is_marker) {
        return is_open_to_list(access, rules);
    }
    return s3_acl_opens(s3_acl_of_meta(access->call->arena, version.object.meta), action->permission);
}

/* The account's root can always get at the policy: else a wrong one would be there forever. */
static bool is_roots_own(const Access *access) {
    const AwsCall *call = access->call;
    return access->caller.is_root && (is_operation(call, "GetBucketPolicy") || is_operation(call, "PutBucketPolicy") || is_operation(call, "DeleteBucketPolicy"));
}

static bool check_action(Access *access, const Rules *rules, const Action *action, const Thing *thing, Err *err) {
    AwsCall *call = access->call;
    PolicyDecision decision = decide(access, rules, action->name, thing);
    if (access->caller.is_anonymous) {
        bool is_open = (decision == POLICY_ALLOWS && rules->is_policy_open) || (decision != POLICY_DENIES && is_granted(access, rules, action, thing));
        return is_open || err_set(err, "AccessDenied", "Access Denied");
    }
    return decision != POLICY_DENIES || is_roots_own(access) ||
           err_set(err, "AccessDenied", "User: %.*s is not authorized to perform: %s on resource: \"%.*s\" with an explicit deny in a resource-based policy",
                   STR_ARG(access->caller.arn), action->name, STR_ARG(arn_of(call->arena, thing)));
}

/* ---- an operation's actions ---- */

static bool is_wanted(const Action *action, const AwsCall *call, const Thing *thing) {
    if (action->when[0] == '\0') {
        return true;
    }
    bool there = (action->on == ON_EACH || action->on == ON_SOURCE) && strcmp(action->when, "VersionId") == 0 ? thing->version.len > 0
                                                                                                             : yyjson_obj_get(call->input, action->when) != NULL;
    return there != action->is_unless;
}

/* "bucket/key?versionId=…". A text that names nothing is the handler's to refuse. */
static Thing source_of(const AwsCall *call) {
    Str text = js_str(call->input, "CopySource");
    const char *mark = text.len == 0 ? NULL : memmem(text.data, text.len, "?versionId=", 11);
    size_t end = mark == NULL ? text.len : (size_t)(mark - text.data);
    Str path = s3_url_decoded(call->arena, str_slice(text, 0, end));
    path = str_starts_with(path, STR("/")) ? str_slice(path, 1, path.len) : path;
    const char *slash = path.len == 0 ? NULL : memchr(path.data, '/', path.len);
    size_t at = slash == NULL ? path.len : (size_t)(slash - path.data);
    return (Thing){.bucket = str_slice(path, 0, at), .key = str_slice(path, at + 1, path.len), .version = mark == NULL ? STR("") : str_slice(text, end + 11, text.len)};
}

/* The rows of the operation that are done on one of the two places. *ret_count: how many the operation has at all. */
static bool check_rows(Access *access, const Rules *rules, const Thing *thing, bool is_source, size_t *ret_count, Err *err) {
    const AwsCall *call = access->call;
    Thing bucket = {.bucket = thing->bucket};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        const Action *action = &ACTIONS[i];
        if (!is_operation(call, action->operation)) {
            continue;
        }
        ++*ret_count;
        if (action->on != ON_EACH && (action->on == ON_SOURCE) == is_source && is_wanted(action, call, thing)) {
            ok = action->on == ON_ACCOUNT ? !access->caller.is_anonymous || err_set(err, "AccessDenied", "Access Denied")
                                          : check_action(access, rules, action, action->on == ON_BUCKET ? &bucket : thing, err);
        }
    }
    return ok;
}

static bool check_source(Access *access, Err *err) {
    Thing source = source_of(access->call);
    Rules rules = {.bucket = source.bucket};
    size_t ignored = 0;
    return read_policy(access->services, access->call->arena, source.bucket, &rules.policy, err) &&
           (rules.policy == NULL || check_rows(access, &rules, &source, true, &ignored, err));
}

static bool check_needs_key(const AwsCall *call, Err *err) {
    for (size_t i = 0; i < sizeof NEEDS_KEY / sizeof NEEDS_KEY[0]; i++) {
        if (is_operation(call, NEEDS_KEY[i].operation)) {
            return err_set(err, "AccessDenied", "%s", NEEDS_KEY[i].message != NULL ? NEEDS_KEY[i].message : "Access Denied");
        }
    }
    return true;
}

bool sv_s3_authorize(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str bucket = s3_bucket(call);
    bool is_anonymous = call->caller->is_anonymous;
    bool has_source = yyjson_obj_get(call->input, "CopySource") != NULL;
    Rules rules = {.bucket = bucket};
    if (!read_policy(services, call->arena, bucket, &rules.policy, err)) {
        return false;
    }
    if (!is_anonymous && rules.policy == NULL && !has_source) {
        return true;
    }
    Access *access = ARENA_NEW(call->arena, Access);
    *access = (Access){.services = services, .call = call, .rules = rules};
    size_t rows = 0;
    Thing thing = {.bucket = bucket, .key = s3_key(call), .version = js_str(call->input, "VersionId")};
    if (!find_caller(access, err) || (is_anonymous && !(check_needs_key(call, err) && read_openings(services, call->arena, &access->rules, err)))) {
        return false;
    }
    call->access = access;
    return check_rows(access, &access->rules, &thing, false, &rows, err) && (rows > 0 || err_set(err, "AccessDenied", "Access Denied")) &&
           (!has_source || check_source(access, err));
}

/* ---- for the gateway and the handlers ---- */

bool sv_s3_admits(void *self, Arena *arena, Str operation, Str bucket, Err *err) {
    SvServices *services = self;
    Str policy;
    bool exists = false;
    bool acls_count = false;
    if (bucket.len > 0 && (!st_bucket_exists(services->store, bucket, &exists, err) ||
                           !st_bucket_setting_peek(services->store, arena, bucket, STR("policy"), &policy, err) ||
                           !s3_acls_count(services, arena, bucket, &acls_count, err))) {
        return false;
    }
    if (bucket.len > 0 && !exists && !str_eq_c(operation, "CreateBucket")) {
        return err_set(err, "NoSuchBucket", "%s", s3_message("NoSuchBucket"));
    }
    return (exists && (policy.len > 0 || acls_count)) || err_set(err, "AccessDenied", "%s", s3_message("AccessDenied"));
}

bool s3_may_delete(AwsCall *call, Str key, Str version, Err *failure) {
    Access *access = call->access;
    Thing thing = {.bucket = s3_bucket(call), .key = key, .version = version};
    bool ok = access != NULL || call->caller == NULL || !call->caller->is_anonymous || err_set(failure, "AccessDenied", "Access Denied");
    for (size_t i = 0; ok && access != NULL && i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        const Action *action = &ACTIONS[i];
        if (action->on == ON_EACH && is_operation(call, action->operation) && is_wanted(action, call, &thing)) {
            ok = check_action(access, &access->rules, action, &thing, failure);
        }
    }
    return ok;
}

bool s3_may_know(AwsCall *call) {
    Access *access = call->access;
    Thing bucket = {.bucket = s3_bucket(call)};
    if (access == NULL) {
        return true;
    }
    return access->caller.is_anonymous ? is_open_to_list(access, &access->rules)
                                       : decide(access, &access->rules, "s3:ListBucket", &bucket) != POLICY_DENIES;
}

/* ---- the policy itself ---- */

/* Whether the pattern of an action means something that can be done on a bucket (or on an object), or something that no row knows. */
static bool action_fits(Arena *scratch, Str action, bool on_object) {
    Str pattern;
    bool is_known = false;
    bool fits = false;
    bool ok = policy_expand(scratch, NULL, action, true, &pattern);
    for (size_t i = 0; ok && i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        if (policy_matches(pattern, str_from_c(ACTIONS[i].name), true)) {
            bool is_object = ACTIONS[i].on != ON_BUCKET && ACTIONS[i].on != ON_ACCOUNT;
            is_known = true;
            fits = fits || is_object == on_object;
        }
    }
    return fits || !is_known;
}

/* Each action of a statement can be done to one of its resources: "s3:ListBucket" on "bucket/" and a star is a policy that does not do what it seems to. */
static bool check_applies(yyjson_val *policy, Err *err) {
    yyjson_val *statements = yyjson_obj_get(policy, "Statement");
    Arena *scratch = arena_new();
    bool ok = true;
    for (size_t i = 0; ok && i < policy_count(statements); i++) {
        yyjson_val *actions = yyjson_obj_get(policy_item(statements, i), "Action");
        yyjson_val *resources = yyjson_obj_get(policy_item(statements, i), "Resource");
        bool has_bucket = resources == NULL; /* NotResource: anything else */
        bool has_object = resources == NULL;
        for (size_t r = 0; r < policy_count(resources); r++) {
            Str arn = js_text(policy_item(resources, r));
            bool is_object = str_contains(arn, STR("/"));
            has_bucket = has_bucket || !is_object;
            has_object = has_object || is_object || str_contains(arn, STR("*"));
        }
        for (size_t a = 0; ok && a < policy_count(actions); a++) {
            Str action = js_text(policy_item(actions, a));
            ok = (has_bucket && action_fits(scratch, action, false)) || (has_object && action_fits(scratch, action, true)) ||
                 err_set(err, "MalformedPolicy", "Action does not apply to any resource(s) in statement");
        }
    }
    arena_free(scratch);
    return ok;
}

bool sv_s3_put_bucket_policy(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str text = js_str(call->input, "Policy");
    bool blocks = false;
    if (!s3_check(services, call, err) || !policy_check(text, s3_bucket(call), err) ||
        !s3_blocks(services, call->arena, s3_bucket(call), S3_BLOCK_POLICY, &blocks, err)) {
        return false;
    }
    yyjson_doc *document = yyjson_read(text.data, text.len, 0);
    bool is_public = policy_is_public(yyjson_doc_get_root(document));
    bool applies = check_applies(yyjson_doc_get_root(document), err);
    yyjson_doc_free(document);
    if (!applies) {
        return false;
    }
    if (call->caller != NULL && blocks && is_public) {
        return s3_forbid(services, call, "s3:PutBucketPolicy", s3_bucket_arn(call->arena, s3_bucket(call)),
                         "because public policies are blocked by the BlockPublicPolicy block public access setting.", err);
    }
    return s3_serve_setting(services, call, err);
}

bool sv_s3_get_bucket_policy_status(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str json;
    yyjson_val *policy = NULL;
    if (!s3_check(services, call, err)) {
        return false;
    }
    if (!st_bucket_setting_get(services->store, call->arena, s3_bucket(call), STR("policy"), &json, err)) {
        return s3_failed(call, err);
    }
    if (json.len == 0) {
        return s3_error(call, err, "NoSuchBucketPolicy");
    }
    if (!parse_policy(call->arena, json, &policy, err)) {
        return false;
    }
    yyjson_mut_val *status = yyjson_mut_obj_add_obj(call->doc, call->output, "PolicyStatus");
    return yyjson_mut_obj_add_bool(call->doc, status, "IsPublic", policy_is_public(policy));
}
