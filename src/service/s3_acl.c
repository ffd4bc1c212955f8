/* s3_acl.c - S3: access control lists and object ownership; see s3_acl.h.
 *
 * Behaviour: Amazon S3 User Guide, "Access control list (ACL) overview", "Controlling ownership of objects and disabling ACLs for your bucket", "Blocking public
 * access to your Amazon S3 storage"; API Reference, PutBucketAcl, PutObjectAcl, CreateBucket.
 */
#include "service/s3_acl.h"

#include "aws/model.h"
#include "service/iam.h"
#include "service/s3_metadata.h"
#include "service/s3_settings.h"

#include <string.h>

#define GROUPS "http://acs.amazonaws.com/groups/"
#define ALL_USERS GROUPS "global/AllUsers"
#define AUTHENTICATED_USERS GROUPS "global/AuthenticatedUsers"
#define LOG_DELIVERY GROUPS "s3/LogDelivery"

enum { MOST_GRANTS = 100, ID_SIZE = 64 };

/* The canned lists, beside the owner's FULL_CONTROL that each has. */
static const struct {
    const char *name;
    const char *group; /* NULL: nobody else */
    const char *permissions[2];
} CANNED[] = {
    {"private", NULL, {NULL, NULL}},
    {"public-read", ALL_USERS, {"READ", NULL}},
    {"public-read-write", ALL_USERS, {"READ", "WRITE"}},
    {"authenticated-read", AUTHENTICATED_USERS, {"READ", NULL}},
    {"bucket-owner-read", NULL, {NULL, NULL}},
    {"bucket-owner-full-control", NULL, {NULL, NULL}},
    {"aws-exec-read", NULL, {NULL, NULL}}, /* EC2's own account, which nobody here is */
    {"log-delivery-write", LOG_DELIVERY, {"WRITE", "READ_ACP"}},
};

static const struct {
    const char *member, *header, *permission;
} GRANT_HEADERS[] = {
    {"GrantFullControl", "x-amz-grant-full-control", "FULL_CONTROL"}, {"GrantRead", "x-amz-grant-read", "READ"},
    {"GrantReadACP", "x-amz-grant-read-acp", "READ_ACP"},             {"GrantWrite", "x-amz-grant-write", "WRITE"},
    {"GrantWriteACP", "x-amz-grant-write-acp", "WRITE_ACP"},
};

enum { GRANT_HEADER_COUNT = sizeof GRANT_HEADERS / sizeof GRANT_HEADERS[0] };

/* ---- what a bucket was told ---- */

static const Str NOTHING = {"null", 4}; /* a setting that was deleted (s3_settings.c) */

static bool read_ownership(const SvServices *services, Arena *arena, Str bucket, bool *ret_enforced, Err *err) {
    Str json;
    if (!st_bucket_setting_peek(services->store, arena, bucket, STR("ownership"), &json, err)) {
        return false;
    }
    *ret_enforced = json.len == 0 || str_contains(json, STR("\"BucketOwnerEnforced\""));
    return true;
}

bool s3_acls_count(const SvServices *services, Arena *arena, Str bucket, bool *ret_count, Err *err) {
    bool is_enforced = true;
    bool ok = read_ownership(services, arena, bucket, &is_enforced, err);
    *ret_count = ok && !is_enforced;
    return ok;
}

bool s3_blocks(const SvServices *services, Arena *arena, Str bucket, S3Block which, bool *ret_blocks, Err *err) {
    static const char *const MEMBERS[] = {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"};
    Str json;
    *ret_blocks = true;
    if (!st_bucket_setting_peek(services->store, arena, bucket, STR("public-access-block"), &json, err)) {
        return false;
    }
    if (json.len > 0) {
        yyjson_doc *parsed = yyjson_read(json.data, json.len, 0);
        *ret_blocks = !str_eq(json, NOTHING) && js_bool(yyjson_doc_get_root(parsed), MEMBERS[which], false);
        yyjson_doc_free(parsed);
    }
    return true;
}

Str s3_bucket_arn(Arena *arena, Str bucket) {
    return str_fmt(arena, "arn:aws:s3:::%.*s", STR_ARG(bucket));
}

Str s3_object_arn(Arena *arena, Str bucket, Str key) {
    return str_fmt(arena, "arn:aws:s3:::%.*s/%.*s", STR_ARG(bucket), STR_ARG(key));
}

bool s3_forbid(SvServices *services, AwsCall *call, const char *action, Str resource, const char *because, Err *err) {
    ImPrincipal principal;
    if (call->caller == NULL || call->caller->is_anonymous) {
        return s3_error(call, err, "AccessDenied");
    }
    return im_principal(services, call, &principal, err) &&
           err_set(err, "AccessDenied", "User: %.*s is not authorized to perform: %s on resource: \"%.*s\" %s", STR_ARG(principal.arn), action,
                   STR_ARG(resource), because);
}

/* ---- reading lists ---- */

static bool is_open_grant(yyjson_val *grant, const char *group, const char *permission) {
    Str own = js_str(grant, "Permission");
    return str_eq_c(js_str(yyjson_obj_get(grant, "Grantee"), "URI"), group) &&
           (permission == NULL || str_eq_c(own, permission) || str_eq_c(own, "FULL_CONTROL"));
}

/* Any grant to a group that is everybody or any AWS account is public; permission NULL: any. */
static bool grants_any(Str json, const char *const *groups, size_t group_count, const char *permission) {
    yyjson_doc *parsed = json.len == 0 ? NULL : yyjson_read(json.data, json.len, 0);
    size_t i;
    size_t count;
    yyjson_val *grant;
    bool found = false;
    yyjson_arr_foreach(yyjson_doc_get_root(parsed), i, count, grant) {
        for (size_t g = 0; g < group_count; g++) {
            found = found || is_open_grant(grant, groups[g], permission);
        }
    }
    yyjson_doc_free(parsed);
    return found;
}

bool s3_acl_opens(Str json, const char *permission) {
    static const char *const EVERYBODY[] = {ALL_USERS};
    return grants_any(json, EVERYBODY, 1, permission);
}

static bool is_public(Str json) {
    static const char *const PUBLIC[] = {ALL_USERS, AUTHENTICATED_USERS};
    return grants_any(json, PUBLIC, 2, NULL);
}

Str s3_acl_of_meta(Arena *arena, Str meta) {
    if (!str_contains(meta, STR("\"Acl\""))) {
        return STR("");
    }
    yyjson_doc *parsed = yyjson_read(meta.data, meta.len, 0);
    yyjson_val *list = yyjson_obj_get(yyjson_doc_get_root(parsed), "Acl");
    Str json = list == NULL ? STR("") : js_write_val(arena, list);
    yyjson_doc_free(parsed);
    return json;
}

/* ---- making lists ---- */

static void add_grant(AwsCall *call, yyjson_mut_val *grants, const char *type, const char *member, Str who, Str permission) {
    yyjson_mut_val *grant = yyjson_mut_arr_add_obj(call->doc, grants);
    yyjson_mut_val *grantee = yyjson_mut_obj_add_obj(call->doc, grant, "Grantee");
    js_put_str(call->doc, grantee, "Type", str_from_c(type));
    js_put_str(call->doc, grantee, member, who);
    js_put_str(call->doc, grant, "Permission", permission);
}

static Str owner_of(const SvServices *services, const AwsCall *call) {
    return s3_canonical_id(call->arena, services->account);
}

static yyjson_mut_val *owners_grants(const SvServices *services, AwsCall *call) {
    yyjson_mut_val *grants = yyjson_mut_arr(call->doc);
    add_grant(call, grants, "CanonicalUser", "ID", owner_of(services, call), STR("FULL_CONTROL"));
    return grants;
}

static bool is_group(Str uri) {
    return str_eq_c(uri, ALL_USERS) || str_eq_c(uri, AUTHENTICATED_USERS) || str_eq_c(uri, LOG_DELIVERY);
}

static bool is_id(Str id) {
    bool ok = id.len == ID_SIZE;
    for (size_t i = 0; ok && i < id.len; i++) {
        ok = memchr("0123456789abcdefABCDEF", id.data[i], 22) != NULL;
    }
    return ok;
}

/* One grantee, by the member that names it. */
static bool add_grantee(AwsCall *call, yyjson_mut_val *grants, Str id, Str uri, Str email, Str permission, Err *err) {
    if (email.len > 0) {
        return s3_error(call, err, "UnresolvableGrantByEmailAddress");
    }
    if (uri.len > 0) {
        if (!is_group(uri)) {
            return s3_bad_argument(call, err, "uri", uri, "Invalid group uri");
        }
        add_grant(call, grants, "Group", "URI", uri, permission);
        return true;
    }
    if (!is_id(id)) {
        return s3_bad_argument(call, err, "CanonicalUser/ID", id, "Invalid id");
    }
    add_grant(call, grants, "CanonicalUser", "ID", id, permission);
    return true;
}

/* 'id="…", uri="…"' */
static bool add_header_grants(AwsCall *call, yyjson_mut_val *grants, Str header, const char *name, Str permission, Err *err) {
    for (size_t from = 0; from < header.len;) {
        const char *comma = memchr(header.data + from, ',', header.len - from);
        size_t end = comma == NULL ? header.len : (size_t)(comma - header.data);
        Str one = str_trim(str_slice(header, from, end));
        const char *equals = one.len == 0 ? NULL : memchr(one.data, '=', one.len);
        size_t at = equals == NULL ? one.len : (size_t)(equals - one.data);
        Str kind = str_trim(str_slice(one, 0, at));
        Str value = s3_unquoted(str_slice(one, at + 1, one.len));
        bool is_known = str_eq_nocase(kind, STR("id")) || str_eq_nocase(kind, STR("uri")) || str_eq_nocase(kind, STR("emailAddress"));
        if (!is_known || value.len == 0) {
            return s3_bad_argument(call, err, name, header, "Argument format not recognized");
        }
        if (!add_grantee(call, grants, str_eq_nocase(kind, STR("id")) ? value : STR(""), str_eq_nocase(kind, STR("uri")) ? value : STR(""),
                         str_eq_nocase(kind, STR("emailAddress")) ? value : STR(""), permission, err)) {
            return false;
        }
        from = end + 1;
    }
    return true;
}

static bool is_canned(Str name, size_t *ret_row) {
    for (size_t i = 0; i < sizeof CANNED / sizeof CANNED[0]; i++) {
        if (str_eq_c(name, CANNED[i].name)) {
            *ret_row = i;
            return true;
        }
    }
    return false;
}

static bool canned_grants(const SvServices *services, AwsCall *call, Str name, yyjson_mut_val **ret_grants, Err *err) {
    size_t row = 0;
    if (!is_canned(name, &row)) {
        return s3_bad_argument(call, err, "x-amz-acl", name, "");
    }
    *ret_grants = owners_grants(services, call);
    for (size_t i = 0; i < 2 && CANNED[row].permissions[i] != NULL; i++) {
        add_grant(call, *ret_grants, "Group", "URI", str_from_c(CANNED[row].group), str_from_c(CANNED[row].permissions[i]));
    }
    return true;
}

/* An AccessControlPolicy as XML: its owner can't be another's. */
static bool body_grants(const SvServices *services, AwsCall *call, yyjson_val *policy, yyjson_mut_val **ret_grants, Err *err) {
    Str owner = js_str(yyjson_obj_get(policy, "Owner"), "ID");
    yyjson_val *grants = yyjson_obj_get(policy, "Grants");
    size_t i;
    size_t count;
    yyjson_val *grant;
    if (owner.len == 0 || grants == NULL || yyjson_arr_size(grants) > MOST_GRANTS) {
        return err_set(err, "MalformedACLError", "The XML you provided was not well-formed or did not validate against our published schema");
    }
    if (!str_eq(owner, owner_of(services, call))) {
        return s3_error(call, err, "AccessDenied");
    }
    *ret_grants = yyjson_mut_arr(call->doc);
    yyjson_arr_foreach(grants, i, count, grant) {
        yyjson_val *grantee = yyjson_obj_get(grant, "Grantee");
        if (grantee == NULL || js_str(grant, "Permission").len == 0) {
            return err_set(err, "MalformedACLError", "The XML you provided was not well-formed or did not validate against our published schema");
        }
        if (!add_grantee(call, *ret_grants, js_str(grantee, "ID"), js_str(grantee, "URI"), js_str(grantee, "EmailAddress"), js_str(grant, "Permission"), err)) {
            return false;
        }
    }
    return true;
}

/* The list that the request asks for; *ret_grants NULL: it asks for none. */
static bool asked_grants(const SvServices *services, AwsCall *call, yyjson_mut_val **ret_grants, Err *err) {
    yyjson_val *canned = yyjson_obj_get(call->input, "ACL");
    yyjson_val *policy = yyjson_obj_get(call->input, "AccessControlPolicy");
    yyjson_mut_val *by_header = NULL;
    *ret_grants = NULL;
    for (size_t i = 0; i < GRANT_HEADER_COUNT; i++) {
        yyjson_val *header = yyjson_obj_get(call->input, GRANT_HEADERS[i].member);
        if (header == NULL) {
            continue;
        }
        by_header = by_header != NULL ? by_header : yyjson_mut_arr(call->doc);
        if (!add_header_grants(call, by_header, js_text(header), GRANT_HEADERS[i].header, str_from_c(GRANT_HEADERS[i].permission), err)) {
            return false;
        }
    }
    if (canned != NULL && by_header != NULL) {
        return err_set(err, "InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed");
    }
    if (policy != NULL && (canned != NULL || by_header != NULL)) {
        return s3_error(call, err, "UnexpectedContent");
    }
    *ret_grants = by_header;
    if (canned != NULL) {
        return canned_grants(services, call, js_text(canned), ret_grants, err);
    }
    return policy == NULL || body_grants(services, call, policy, ret_grants, err);
}

/* Whether the owner alone has everything: what a bucket without lists has anyway. */
static bool is_owners(const SvServices *services, const AwsCall *call, yyjson_mut_val *grants) {
    yyjson_mut_val *first = yyjson_mut_arr_get_first(grants);
    return yyjson_mut_arr_size(grants) == 1 && str_eq_c(js_mut_text(yyjson_mut_obj_get(first, "Permission")), "FULL_CONTROL") &&
           str_eq(js_mut_text(yyjson_mut_obj_get(yyjson_mut_obj_get(first, "Grantee"), "ID")), owner_of(services, call));
}

/* What the bucket lets lists be: *ret_keeps false: it has none, and this one changes nothing. is_header: "private" asks for no more than there is. */
static bool check_grants(SvServices *services, AwsCall *call, yyjson_mut_val *grants, bool is_header, const char *action, Str resource, bool *ret_keeps,
                         Err *err) {
    bool blocks = false;
    if (!s3_acls_count(services, call->arena, s3_bucket(call), ret_keeps, err)) {
        return false;
    }
    if (!*ret_keeps) {
        bool is_plain = is_owners(services, call, grants) && (is_header || !str_eq_c(js_str(call->input, "ACL"), "private"));
        return is_plain || s3_error(call, err, "AccessControlListNotSupported");
    }
    if (call->caller == NULL || !is_public(js_write(call->arena, grants))) {
        return true;
    }
    return s3_blocks(services, call->arena, s3_bucket(call), S3_BLOCK_ACLS, &blocks, err) &&
           (!blocks || s3_forbid(services, call, action, resource,
                                 "because public access control lists (ACLs) are blocked by the BlockPublicAcls block public access setting.", err));
}

bool s3_put_acl(SvServices *services, AwsCall *call, yyjson_mut_val *meta, Err *err) {
    yyjson_mut_val *grants = NULL;
    bool keeps = false;
    (void)yyjson_mut_obj_remove_key(meta, "Acl");
    if (!asked_grants(services, call, &grants, err) || grants == NULL) {
        return !err->is_set;
    }
    Str resource = s3_object_arn(call->arena, s3_bucket(call), s3_key(call));
    if (!check_grants(services, call, grants, true, "s3:PutObject", resource, &keeps, err)) {
        return false;
    }
    return !keeps || is_owners(services, call, grants) || yyjson_mut_obj_add_val(call->doc, meta, "Acl", grants);
}

/* ---- the operations ---- */

/* PutBucketAcl and PutObjectAcl: one of the three ways to say it. */
static bool new_grants(SvServices *services, AwsCall *call, const char *action, Str resource, bool *ret_keeps, yyjson_mut_val **ret_grants, Err *err) {
    if (!asked_grants(services, call, ret_grants, err)) {
        return false;
    }
    if (*ret_grants == NULL) {
        s3_detail(call, "MissingHeaderName", STR("x-amz-acl"));
        return s3_error(call, err, "MissingSecurityHeader");
    }
    return check_grants(services, call, *ret_grants, false, action, resource, ret_keeps, err);
}

/* Of json, the kept list, as Get…Acl shows it. */
static bool show(const SvServices *services, AwsCall *call, Str json) {
    yyjson_mut_val *grants = json.len == 0 ? NULL : js_parse_into(call->doc, json);
    s3_put_owner(services, call, call->output, "Owner");
    return yyjson_mut_obj_add_val(call->doc, call->output, "Grants", grants != NULL ? grants : owners_grants(services, call));
}

bool sv_s3_get_bucket_acl(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str json;
    bool counts = false;
    if (!s3_check(services, call, err)) {
        return false;
    }
    if (!st_bucket_setting_get(services->store, call->arena, s3_bucket(call), STR("acl"), &json, err)) {
        return s3_failed(call, err);
    }
    return s3_acls_count(services, call->arena, s3_bucket(call), &counts, err) && show(services, call, counts ? json : STR(""));
}

bool sv_s3_put_bucket_acl(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    yyjson_mut_val *grants = NULL;
    bool keeps = false;
    bool exists = false;
    if (!s3_check(services, call, err) || !st_bucket_exists(services->store, s3_bucket(call), &exists, err)) {
        return false;
    }
    if (!exists) {
        return s3_error(call, err, "NoSuchBucket");
    }
    if (!new_grants(services, call, "s3:PutBucketAcl", s3_bucket_arn(call->arena, s3_bucket(call)), &keeps, &grants, err)) {
        return false;
    }
    return !keeps || st_bucket_setting_put(services->store, s3_bucket(call), STR("acl"), js_write(call->arena, grants), err) || s3_failed(call, err);
}

bool sv_s3_get_object_acl(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StVersion version;
    bool counts = false;
    if (!s3_check(services, call, err) || !s3_find_version(services, call, &version, err) ||
        !s3_acls_count(services, call->arena, s3_bucket(call), &counts, err)) {
        return false;
    }
    return show(services, call, counts ? s3_acl_of_meta(call->arena, version.object.meta) : STR(""));
}

bool sv_s3_put_object_acl(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StVersion version;
    yyjson_mut_val *grants = NULL;
    Str text;
    bool keeps = false;
    Str resource = s3_object_arn(call->arena, s3_bucket(call), s3_key(call));
    if (!s3_check(services, call, err) || !s3_find_version(services, call, &version, err) ||
        !new_grants(services, call, "s3:PutObjectAcl", resource, &keeps, &grants, err)) {
        return false;
    }
    if (!keeps) {
        return true;
    }
    yyjson_mut_val *meta = s3_meta_read(call, version.object.meta);
    (void)yyjson_mut_obj_remove_key(meta, "Acl");
    bool ok = is_owners(services, call, grants) || yyjson_mut_obj_add_val(call->doc, meta, "Acl", grants);
    return ok && s3_meta_text(call, meta, &text, err) &&
           (st_version_set_meta(services->store, s3_bucket(call), s3_key(call), version.object.seq, text, err) || s3_failed(call, err));
}

/* Lists go out of force: a bucket's that gives others something must go first. */
bool sv_s3_put_bucket_ownership_controls(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    yyjson_val *rules = yyjson_obj_get(yyjson_obj_get(call->input, "OwnershipControls"), "Rules");
    if (s3_check(services, call, err) && str_eq_c(js_str(yyjson_arr_get_first(rules), "ObjectOwnership"), "BucketOwnerEnforced")) {
        Str json;
        if (!st_bucket_setting_peek(services->store, call->arena, s3_bucket(call), STR("acl"), &json, err)) {
            return false;
        }
        if (json.len > 0 && !is_owners(services, call, js_parse_into(call->doc, json))) {
            return s3_error(call, err, "InvalidBucketAclWithObjectOwnership");
        }
    }
    return !err->is_set && s3_serve_setting(services, call, err);
}

/* ---- making a bucket ---- */

bool s3_check_new_bucket(SvServices *services, AwsCall *call, Err *err) {
    Str ownership = js_str(call->input, "ObjectOwnership");
    bool is_enforced = ownership.len == 0 || str_eq_c(ownership, "BucketOwnerEnforced");
    yyjson_mut_val *grants = NULL;
    if (!asked_grants(services, call, &grants, err)) {
        return false;
    }
    if (grants == NULL || is_owners(services, call, grants)) {
        return true;
    }
    if (is_enforced) {
        return s3_error(call, err, "InvalidBucketAclWithObjectOwnership");
    }
    return call->caller == NULL || !is_public(js_write(call->arena, grants)) || s3_error(call, err, "InvalidBucketAclWithBlockPublicAccessError");
}

bool s3_open_new_bucket(SvServices *services, AwsCall *call, Err *err) {
    Str ownership = js_str(call->input, "ObjectOwnership");
    yyjson_mut_val *grants = NULL;
    if (!asked_grants(services, call, &grants, err)) {
        return false;
    }
    Str rules = str_fmt(call->arena, "{\"Rules\":[{\"ObjectOwnership\":\"%.*s\"}]}", STR_ARG(ownership));
    return (ownership.len == 0 || st_bucket_setting_put(services->store, s3_bucket(call), STR("ownership"), rules, err)) &&
           (grants == NULL || is_owners(services, call, grants) ||
            st_bucket_setting_put(services->store, s3_bucket(call), STR("acl"), js_write(call->arena, grants), err));
}
