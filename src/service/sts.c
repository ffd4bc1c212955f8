/* sts.c - STS: who calls, and temporary keys for a role or for the caller.
 *
 * A temporary key's session token ends with the principal that it stands for ("ARN, line feed, user id", as a page token has its position): the store keeps the
 * token whole and the gateway compares it whole, so that its holder can't say to be another. Policies are not enforced: the key may do what any may.
 */
#include "service/iam.h"

#include "store/keys.h"

#include <string.h>

enum { DEFAULT_ROLE_SECONDS = 3600, MOST_ROOT_SECONDS = 3600, DEFAULT_USER_SECONDS = 43200 };

bool im_principal(SvServices *services, AwsCall *call, ImPrincipal *ret_principal, Err *err) {
    StKey key = {0};
    Str claim;
    Str user;
    ImEntity entity;
    bool found = false;
    /* The keys of a home directory have the rights of the account's root user. */
    *ret_principal = (ImPrincipal){.arn = im_arn(call, "root", STR(""), STR("")), .user_id = call->account, .is_root = true};
    if (!st_key_find(services->store, call->arena, call->access_key, &key, &found, err) || !im_caller(services, call, &user, err)) {
        return false;
    }
    ret_principal->is_temporary = key.token.len > 0;
    if (st_key_claim(&key).len > 0 && js_page_position(call->arena, st_key_claim(&key), &claim)) {
        const char *end = memchr(claim.data, '\n', claim.len);
        size_t at = end == NULL ? claim.len : (size_t)(end - claim.data);
        ret_principal->arn = str_slice(claim, 0, at);
        ret_principal->user_id = str_slice(claim, at + 1, claim.len);
        ret_principal->is_root = false;
    } else if (user.len > 0) {
        if (!im_load(services, call, IM_USER, user, &entity, err)) {
            return false;
        }
        ret_principal->arn = im_member(&entity, "Arn");
        ret_principal->user_id = im_member(&entity, "UserId");
        ret_principal->user_name = entity.name;
        ret_principal->is_root = false;
    }
    return true;
}

bool sv_sts_get_caller_identity(void *self, AwsCall *call, Err *err) {
    ImPrincipal principal;
    if (!im_principal(self, call, &principal, err)) {
        return false;
    }
    js_put_str(call->doc, call->output, "Account", call->account);
    js_put_str(call->doc, call->output, "UserId", principal.user_id);
    js_put_str(call->doc, call->output, "Arn", principal.arn);
    return true;
}

/* A key for a principal, as the call's Credentials. */
static bool issue(SvServices *services, AwsCall *call, int64_t seconds, Str claim, Err *err) {
    StKey key;
    if (!st_key_issue(services->store, call->arena, seconds, claim, &key, err)) {
        return false;
    }
    yyjson_mut_val *credentials = yyjson_mut_obj_add_obj(call->doc, call->output, "Credentials");
    js_put_str(call->doc, credentials, "AccessKeyId", key.id);
    js_put_str(call->doc, credentials, "SecretAccessKey", key.secret);
    js_put_str(call->doc, credentials, "SessionToken", key.token);
    return yyjson_mut_obj_add_int(call->doc, credentials, "Expiration", key.expires_us / 1000000);
}

bool sv_sts_assume_role(void *self, AwsCall *call, Err *err) {
    Str arn = js_str(call->input, "RoleArn");
    Str session = js_str(call->input, "RoleSessionName");
    int64_t seconds = js_i64(call->input, "DurationSeconds", DEFAULT_ROLE_SECONDS);
    Str policy = js_str(call->input, "Policy");
    ImEntity role;
    ImPrincipal caller;
    if (!im_principal(self, call, &caller, err) || (policy.len > 0 && !im_check_document(policy, IM_IDENTITY, err))) {
        return false;
    }
    bool is_there = im_load(self, call, IM_ROLE, im_arn_name(arn), &role, err) && str_eq(im_member(&role, "Arn"), arn);
    if (!is_there && (!err->is_set || err_is(err, "NoSuchEntity"))) {
        err_clear(err);
        return err_set(err, "AccessDenied", "User: %.*s is not authorized to perform: sts:AssumeRole on resource: %.*s",
                       STR_ARG(caller.arn), STR_ARG(arn));
    }
    if (!is_there) {
        return false;
    }
    if (seconds > yyjson_mut_get_sint(yyjson_mut_obj_get(im_part(&role, "Shown"), "MaxSessionDuration"))) {
        return err_set(err, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    }
    if (caller.is_temporary && !caller.is_root && seconds > DEFAULT_ROLE_SECONDS) {
        return err_set(err, "ValidationError",
                       "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining");
    }
    Str assumed =
        str_fmt(call->arena, "arn:aws:sts::%.*s:assumed-role/%.*s/%.*s", STR_ARG(call->account), STR_ARG(role.name), STR_ARG(session));
    Str id = str_fmt(call->arena, "%.*s:%.*s", STR_ARG(im_member(&role, "RoleId")), STR_ARG(session));
    Str claim = js_page_token(call->arena, str_fmt(call->arena, "%.*s\n%.*s", STR_ARG(assumed), STR_ARG(id)));
    yyjson_mut_val *user = yyjson_mut_obj_add_obj(call->doc, call->output, "AssumedRoleUser");
    js_put_str(call->doc, user, "AssumedRoleId", id);
    js_put_str(call->doc, user, "Arn", assumed);
    if (yyjson_obj_get(call->input, "SourceIdentity") != NULL) {
        js_put_str(call->doc, call->output, "SourceIdentity", js_str(call->input, "SourceIdentity"));
    }
    return issue(self, call, seconds, claim, err);
}

bool sv_sts_get_session_token(void *self, AwsCall *call, Err *err) {
    ImPrincipal caller;
    if (!im_principal(self, call, &caller, err)) {
        return false;
    }
    if (caller.is_temporary) {
        return err_set(err, "AccessDenied", "Cannot call GetSessionToken with session credentials");
    }
    int64_t seconds = js_i64(call->input, "DurationSeconds", DEFAULT_USER_SECONDS);
    if (caller.is_root) {
        seconds = seconds > MOST_ROOT_SECONDS ? MOST_ROOT_SECONDS : seconds; /* "defaults to one hour" for the account's owner */
    }
    Str claim = caller.is_root
                    ? STR("")
                    : js_page_token(call->arena, str_fmt(call->arena, "%.*s\n%.*s", STR_ARG(caller.arn), STR_ARG(caller.user_id)));
    return issue(self, call, seconds, claim, err);
}

/* One account: whatever the key, as AWS answers for keys that are gone. */
bool sv_sts_get_access_key_info(void *self, AwsCall *call, Err *err) {
    (void)self;
    (void)err;
    js_put_str(call->doc, call->output, "Account", call->account);
    return true;
}
