/* iam_users.c - IAM: users and their access keys; who a key stands for.
 *
 * A user's key is a row (its id the key's, {"UserName", "SecretAccessKey", "Status", "CreateDate"}); the gateway takes an Active one like those of the file
 * `credentials`, which are the account's own. Invariant: a user that has keys can't be deleted, so that every key's user is there.
 */
#include "service/iam.h"

#include "store/keys.h"

#include <time.h>

#define KEY_KIND "iam.key"

enum { MOST_KEYS = 2 };

typedef struct UserKey {
    Str id, user, secret, status;
    yyjson_mut_val *shown; /* AccessKeyMetadata */
} UserKey;

typedef VEC(UserKey) UserKeys;

static StResourceName key_name(Str id) {
    return (StResourceName){.kind = STR(KEY_KIND), .id = id};
}

static UserKey key_of(Arena *arena, const StResource *row) {
    yyjson_doc *doc = yyjson_read(row->json.data, row->json.len, 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    UserKey key = {.id = row->id,
                   .user = str_copy(arena, js_str(root, "UserName")),
                   .secret = str_copy(arena, js_str(root, "SecretAccessKey")),
                   .status = str_copy(arena, js_str(root, "Status"))};
    yyjson_doc_free(doc);
    return key;
}

/* *ret_found false without an error: there is no such key. */
static bool find_key(SvServices *services, Arena *arena, Str id, UserKey *ret_key, bool *ret_found, Err *err) {
    StResourceName name = key_name(id);
    StResource row;
    *ret_found = st_resource_get(services->store, arena, &name, &row, err);
    if (*ret_found) {
        *ret_key = key_of(arena, &row);
        return true;
    }
    if (!err_is(err, "EntityNotFoundException")) {
        return false;
    }
    err_clear(err);
    return true;
}

bool sv_find_user_key(SvServices *services, Arena *arena, Str id, Str *ret_secret) {
    UserKey key;
    bool found = false;
    Err ignored = {0}; /* a store that can't be read has no key to offer */
    if (!find_key(services, arena, id, &key, &found, &ignored) || !found || !str_eq_c(key.status, "Active")) {
        return false;
    }
    *ret_secret = key.secret;
    return true;
}

bool im_caller(SvServices *services, AwsCall *call, Str *ret_user, Err *err) {
    UserKey key;
    bool found = false;
    *ret_user = STR("");
    if (!find_key(services, call->arena, call->access_key, &key, &found, err)) {
        return false;
    }
    *ret_user = found ? key.user : STR("");
    return true;
}

static bool keys_of(SvServices *services, AwsCall *call, Str user, UserKeys *ret_keys, Err *err) {
    const StResource *rows = NULL;
    size_t count = 0;
    StResourceQuery query = {.kind = STR(KEY_KIND)};
    *ret_keys = (UserKeys){.arena = call->arena};
    if (!st_resource_list(services->store, call->arena, &query, &rows, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        UserKey key = key_of(call->arena, &rows[i]);
        if (str_eq(key.user, user)) {
            key.shown = js_parse_into(call->doc, rows[i].json);
            (void)yyjson_mut_obj_remove_key(key.shown, "SecretAccessKey");
            js_put_str(call->doc, key.shown, "AccessKeyId", key.id);
            VEC_PUSH(ret_keys, key);
        }
    }
    return true;
}

/* The call's user: the one it names, or the caller; empty: the account itself. */
static bool user_of(SvServices *services, AwsCall *call, Str *ret_user, Err *err) {
    *ret_user = js_str(call->input, "UserName");
    return ret_user->len > 0 || im_caller(services, call, ret_user, err);
}

/* ---- users ---- */

static bool fill_user(SvServices *services, AwsCall *call, ImEntity *user, Err *err) {
    Str arn = js_str(call->input, "PermissionsBoundary");
    if (arn.len == 0) {
        return true;
    }
    if (!im_check_attachable(services, call, arn, err)) {
        return false;
    }
    yyjson_mut_val *boundary = yyjson_mut_obj_add_obj(call->doc, im_part(user, "Shown"), "PermissionsBoundary");
    js_put_str(call->doc, boundary, "PermissionsBoundaryType", STR("Policy"));
    js_put_str(call->doc, boundary, "PermissionsBoundaryArn", arn);
    return true;
}

bool sv_iam_create_user(void *self, AwsCall *call, Err *err) {
    return im_create(self, call, IM_USER, fill_user, err);
}

bool sv_iam_get_user(void *self, AwsCall *call, Err *err) {
    Str name;
    ImEntity user;
    if (!user_of(self, call, &name, err)) {
        return false;
    }
    if (name.len == 0) {
        yyjson_mut_val *root = yyjson_mut_obj_add_obj(call->doc, call->output, "User");
        js_put_str(call->doc, root, "Path", STR("/"));
        js_put_str(call->doc, root, "UserName", STR("root"));
        js_put_str(call->doc, root, "UserId", call->account);
        js_put_str(call->doc, root, "Arn", im_arn(call, "root", STR(""), STR("")));
        return yyjson_mut_obj_add_int(call->doc, root, "CreateDate", 0);
    }
    return im_load(self, call, IM_USER, name, &user, err) &&
           yyjson_mut_obj_add_val(call->doc, call->output, "User", im_shown(call, &user, true));
}

static bool show_user(SvServices *services, AwsCall *call, const ImEntity *user, yyjson_mut_val **ret_shown, Err *err) {
    (void)services;
    (void)err;
    *ret_shown = im_shown(call, user, false);
    return true;
}

bool sv_iam_list_users(void *self, AwsCall *call, Err *err) {
    return im_list(self, call, IM_USER, show_user, err);
}

static bool move_user(SvServices *services, AwsCall *call, ImEntity *user, Err *err) {
    Str path = js_str(call->input, "NewPath");
    Str name = js_str(call->input, "NewUserName");
    (void)services;
    if (name.len > 0 && !str_eq(name, user->name)) {
        return err_set(err, "InvalidInput", "UpdateUser: Solder does not rename users: create %.*s and delete %.*s.", STR_ARG(name),
                       STR_ARG(user->name));
    }
    if (path.len > 0) {
        js_put_str(call->doc, im_part(user, "Shown"), "Path", path);
        js_put_str(call->doc, im_part(user, "Shown"), "Arn", im_arn(call, "user", path, user->name));
    }
    return true;
}

bool sv_iam_update_user(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_USER, js_str(call->input, "UserName"), move_user, err);
}

static bool may_delete_user(SvServices *services, AwsCall *call, ImEntity *user, Err *err) {
    UserKeys keys;
    if (yyjson_mut_obj_size(im_part(user, "Inline")) > 0) {
        return err_set(err, "DeleteConflict", "Cannot delete entity, must delete policies first.");
    }
    if (yyjson_mut_obj_size(im_part(user, "Attached")) > 0) {
        return err_set(err, "DeleteConflict", "Cannot delete entity, must detach all policies first.");
    }
    return keys_of(services, call, user->name, &keys, err) &&
           (keys.count == 0 || err_set(err, "DeleteConflict", "Cannot delete entity, must delete access keys first."));
}

bool sv_iam_delete_user(void *self, AwsCall *call, Err *err) {
    return im_delete(self, call, IM_USER, js_str(call->input, "UserName"), may_delete_user, err);
}

/* There are no groups, of which Terraform asks before it deletes a user. */
bool sv_iam_list_groups_for_user(void *self, AwsCall *call, Err *err) {
    ImEntity user;
    (void)yyjson_mut_obj_add_arr(call->doc, call->output, "Groups");
    (void)yyjson_mut_obj_add_bool(call->doc, call->output, "IsTruncated", false);
    return im_load(self, call, IM_USER, js_str(call->input, "UserName"), &user, err);
}

/* ---- access keys ---- */

static bool insert_key(SvServices *services, AwsCall *call, Str user, Err *err) {
    UserKeys keys;
    StKey made;
    if (!keys_of(services, call, user, &keys, err) || !st_key_make(call->arena, "AKIA", &made, err)) {
        return false;
    }
    if (keys.count >= MOST_KEYS) {
        return err_set(err, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: %d", MOST_KEYS);
    }
    yyjson_mut_val *key = yyjson_mut_obj(call->doc);
    js_put_str(call->doc, key, "UserName", user);
    js_put_str(call->doc, key, "Status", STR("Active"));
    js_put_str(call->doc, key, "SecretAccessKey", made.secret);
    (void)yyjson_mut_obj_add_int(call->doc, key, "CreateDate", (int64_t)time(NULL));
    StResourceName name = key_name(made.id);
    if (!st_resource_insert(services->store, &name, STR(""), js_write(call->arena, key), err)) {
        return false;
    }
    js_put_str(call->doc, key, "AccessKeyId", made.id);
    return yyjson_mut_obj_add_val(call->doc, call->output, "AccessKey", key);
}

bool sv_iam_create_access_key(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str name;
    ImEntity user;
    if (!user_of(services, call, &name, err)) {
        return false;
    }
    if (name.len == 0) {
        return err_set(err, "InvalidInput", "The account's own keys are made by solder key create; name a user.");
    }
    (void)pthread_mutex_lock(&services->iam_lock);
    bool ok = im_load(services, call, IM_USER, name, &user, err) && insert_key(services, call, name, err);
    (void)pthread_mutex_unlock(&services->iam_lock);
    return ok;
}

/* A key that the call names, of the user that it names. */
static bool named_key(SvServices *services, AwsCall *call, Str *ret_id, Err *err) {
    UserKey key;
    Str user;
    bool found = false;
    *ret_id = js_str(call->input, "AccessKeyId");
    if (!user_of(services, call, &user, err) || !find_key(services, call->arena, *ret_id, &key, &found, err)) {
        return false;
    }
    return (found && str_eq(key.user, user)) ||
           err_set(err, "NoSuchEntity", "The Access Key with id %.*s cannot be found.", STR_ARG(*ret_id));
}

bool sv_iam_delete_access_key(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str id;
    if (!named_key(services, call, &id, err)) {
        return false;
    }
    StResourceName name = key_name(id);
    return st_resource_delete(services->store, &name, err);
}

bool sv_iam_update_access_key(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str status = js_str(call->input, "Status");
    Str id;
    if (!named_key(services, call, &id, err)) {
        return false;
    }
    if (!str_eq_c(status, "Active") && !str_eq_c(status, "Inactive")) {
        return err_set(err, "InvalidInput", "A key's status is Active or Inactive.");
    }
    StResourceName name = key_name(id);
    return st_resource_patch(services->store, &name, str_fmt(call->arena, "{\"Status\": \"%.*s\"}", STR_ARG(status)), err);
}

/* Two at most. */
bool sv_iam_list_access_keys(void *self, AwsCall *call, Err *err) {
    Str name;
    ImEntity user;
    UserKeys keys;
    if (!user_of(self, call, &name, err) || (name.len > 0 && !im_load(self, call, IM_USER, name, &user, err)) ||
        !keys_of(self, call, name, &keys, err)) {
        return false;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, "AccessKeyMetadata");
    for (size_t i = 0; i < keys.count; i++) {
        (void)yyjson_mut_arr_append(list, keys.items[i].shown);
    }
    return yyjson_mut_obj_add_bool(call->doc, call->output, "IsTruncated", false);
}

/* When a key was used last is not kept: AWS's answer for a key that never was. */
bool sv_iam_get_access_key_last_used(void *self, AwsCall *call, Err *err) {
    Str id = js_str(call->input, "AccessKeyId");
    SvServices *services = self;
    UserKey key;
    bool found = false;
    if (!find_key(services, call->arena, id, &key, &found, err)) {
        return false;
    }
    if (!found) {
        return err_set(err, "NoSuchEntity", "The Access Key with id %.*s cannot be found.", STR_ARG(id));
    }
    js_put_str(call->doc, call->output, "UserName", key.user);
    yyjson_mut_val *used = yyjson_mut_obj_add_obj(call->doc, call->output, "AccessKeyLastUsed");
    js_put_str(call->doc, used, "ServiceName", STR("N/A"));
    js_put_str(call->doc, used, "Region", STR("N/A"));
    return true;
}

/* ---- the account ---- */

/* Terraform asks for the account's alias; it has none. */
bool sv_iam_list_account_aliases(void *self, AwsCall *call, Err *err) {
    (void)self;
    (void)err;
    (void)yyjson_mut_obj_add_arr(call->doc, call->output, "AccountAliases");
    return yyjson_mut_obj_add_bool(call->doc, call->output, "IsTruncated", false);
}
