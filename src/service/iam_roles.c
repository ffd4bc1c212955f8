/* iam_roles.c - IAM: roles, and the instance profiles that hand them to instances. */
#include "service/iam.h"

enum { DEFAULT_SESSION_SECONDS = 3600 };

/* ---- roles ---- */

static bool put_boundary(SvServices *services, AwsCall *call, ImEntity *entity, Err *err) {
    Str arn = js_str(call->input, "PermissionsBoundary");
    if (!im_check_attachable(services, call, arn, err)) {
        return false;
    }
    yyjson_mut_val *shown = im_part(entity, "Shown");
    (void)yyjson_mut_obj_remove_key(shown, "PermissionsBoundary");
    yyjson_mut_val *boundary = yyjson_mut_obj_add_obj(call->doc, shown, "PermissionsBoundary");
    js_put_str(call->doc, boundary, "PermissionsBoundaryType", STR("Policy"));
    js_put_str(call->doc, boundary, "PermissionsBoundaryArn", arn);
    return true;
}

static bool delete_boundary(SvServices *services, AwsCall *call, ImEntity *entity, Err *err) {
    (void)services;
    (void)call;
    return yyjson_mut_obj_remove_key(im_part(entity, "Shown"), "PermissionsBoundary") != NULL ||
           err_set(err, "NoSuchEntity", "%.*s has no permissions boundary.", STR_ARG(entity->name));
}

/* What a request may change later, too. */
static void put_settings(AwsCall *call, ImEntity *role) {
    yyjson_mut_val *shown = im_part(role, "Shown");
    yyjson_val *seconds = yyjson_obj_get(call->input, "MaxSessionDuration");
    if (yyjson_obj_get(call->input, "Description") != NULL) {
        js_put_str(call->doc, shown, "Description", js_str(call->input, "Description"));
    }
    if (seconds != NULL) {
        (void)yyjson_mut_obj_put(shown, yyjson_mut_str(call->doc, "MaxSessionDuration"), yyjson_val_mut_copy(call->doc, seconds));
    }
}

static bool fill_role(SvServices *services, AwsCall *call, ImEntity *role, Err *err) {
    Str trust = js_str(call->input, "AssumeRolePolicyDocument");
    yyjson_mut_val *shown = im_part(role, "Shown");
    if (!im_check_document(trust, IM_TRUST, err)) {
        return false;
    }
    js_put_str(call->doc, shown, "AssumeRolePolicyDocument", trust);
    (void)yyjson_mut_obj_add_int(call->doc, shown, "MaxSessionDuration", DEFAULT_SESSION_SECONDS);
    put_settings(call, role);
    return yyjson_obj_get(call->input, "PermissionsBoundary") == NULL || put_boundary(services, call, role, err);
}

bool sv_iam_create_role(void *self, AwsCall *call, Err *err) {
    return im_create(self, call, IM_ROLE, fill_role, err);
}

bool sv_iam_get_role(void *self, AwsCall *call, Err *err) {
    ImEntity role;
    if (!im_load(self, call, IM_ROLE, js_str(call->input, "RoleName"), &role, err)) {
        return false;
    }
    yyjson_mut_val *shown = im_shown(call, &role, true);
    (void)yyjson_mut_obj_add_obj(call->doc, shown, "RoleLastUsed");
    return yyjson_mut_obj_add_val(call->doc, call->output, "Role", shown);
}

static bool show_role(SvServices *services, AwsCall *call, const ImEntity *role, yyjson_mut_val **ret_shown, Err *err) {
    (void)services;
    (void)err;
    *ret_shown = im_shown(call, role, false);
    return true;
}

bool sv_iam_list_roles(void *self, AwsCall *call, Err *err) {
    return im_list(self, call, IM_ROLE, show_role, err);
}

static bool update_role(SvServices *services, AwsCall *call, ImEntity *role, Err *err) {
    (void)services;
    (void)err;
    put_settings(call, role);
    return true;
}

bool sv_iam_update_role(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_ROLE, js_str(call->input, "RoleName"), update_role, err);
}

static bool describe_role(SvServices *services, AwsCall *call, ImEntity *role, Err *err) {
    return update_role(services, call, role, err) && yyjson_mut_obj_add_val(call->doc, call->output, "Role", im_shown(call, role, true));
}

bool sv_iam_update_role_description(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_ROLE, js_str(call->input, "RoleName"), describe_role, err);
}

static bool trust_role(SvServices *services, AwsCall *call, ImEntity *role, Err *err) {
    Str trust = js_str(call->input, "PolicyDocument");
    (void)services;
    if (!im_check_document(trust, IM_TRUST, err)) {
        return false;
    }
    js_put_str(call->doc, im_part(role, "Shown"), "AssumeRolePolicyDocument", trust);
    return true;
}

bool sv_iam_update_assume_role_policy(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_ROLE, js_str(call->input, "RoleName"), trust_role, err);
}

static Str role_of(const ImEntity *profile) {
    yyjson_mut_val *role = yyjson_mut_obj_get(profile->root, "Role");
    return role == NULL ? STR("") : (Str){yyjson_mut_get_str(role), yyjson_mut_get_len(role)};
}

static bool may_delete_role(SvServices *services, AwsCall *call, ImEntity *role, Err *err) {
    ImEntities profiles;
    if (yyjson_mut_obj_size(im_part(role, "Inline")) > 0) {
        return err_set(err, "DeleteConflict", "Cannot delete entity, must delete policies first.");
    }
    if (yyjson_mut_obj_size(im_part(role, "Attached")) > 0) {
        return err_set(err, "DeleteConflict", "Cannot delete entity, must detach all policies first.");
    }
    if (!im_load_all(services, call, IM_PROFILE, &profiles, err)) {
        return false;
    }
    for (size_t i = 0; i < profiles.count; i++) {
        if (str_eq(role_of(&profiles.items[i]), role->name)) {
            return err_set(err, "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.");
        }
    }
    return true;
}

bool sv_iam_delete_role(void *self, AwsCall *call, Err *err) {
    return im_delete(self, call, IM_ROLE, js_str(call->input, "RoleName"), may_delete_role, err);
}

bool sv_iam_put_role_permissions_boundary(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_ROLE, js_str(call->input, "RoleName"), put_boundary, err);
}

bool sv_iam_delete_role_permissions_boundary(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_ROLE, js_str(call->input, "RoleName"), delete_boundary, err);
}

bool sv_iam_put_user_permissions_boundary(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_USER, js_str(call->input, "UserName"), put_boundary, err);
}

bool sv_iam_delete_user_permissions_boundary(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_USER, js_str(call->input, "UserName"), delete_boundary, err);
}

/* ---- instance profiles ---- */

/* With its role, which is another row. */
static bool profile_shown(SvServices *services, AwsCall *call, const ImEntity *profile, bool is_whole, yyjson_mut_val **ret_shown,
                          Err *err) {
    Str name = role_of(profile);
    ImEntity role;
    *ret_shown = im_shown(call, profile, is_whole);
    (void)yyjson_mut_obj_remove_key(*ret_shown, "Roles");
    yyjson_mut_val *roles = yyjson_mut_obj_add_arr(call->doc, *ret_shown, "Roles");
    return name.len == 0 ||
           (im_load(services, call, IM_ROLE, name, &role, err) && yyjson_mut_arr_append(roles, im_shown(call, &role, false)));
}

static bool no_roles(SvServices *services, AwsCall *call, ImEntity *profile, Err *err) {
    (void)services;
    (void)err;
    return yyjson_mut_obj_add_val(call->doc, im_part(profile, "Shown"), "Roles", yyjson_mut_arr(call->doc));
}

bool sv_iam_create_instance_profile(void *self, AwsCall *call, Err *err) {
    return im_create(self, call, IM_PROFILE, no_roles, err);
}

bool sv_iam_get_instance_profile(void *self, AwsCall *call, Err *err) {
    ImEntity profile;
    yyjson_mut_val *shown = NULL;
    return im_load(self, call, IM_PROFILE, js_str(call->input, "InstanceProfileName"), &profile, err) &&
           profile_shown(self, call, &profile, true, &shown, err) &&
           yyjson_mut_obj_add_val(call->doc, call->output, "InstanceProfile", shown);
}

static bool show_profile(SvServices *services, AwsCall *call, const ImEntity *profile, yyjson_mut_val **ret_shown, Err *err) {
    return profile_shown(services, call, profile, false, ret_shown, err);
}

bool sv_iam_list_instance_profiles(void *self, AwsCall *call, Err *err) {
    return im_list(self, call, IM_PROFILE, show_profile, err);
}

/* Those that hold the call's role. */
static bool show_profile_of_role(SvServices *services, AwsCall *call, const ImEntity *profile, yyjson_mut_val **ret_shown, Err *err) {
    return !str_eq(role_of(profile), js_str(call->input, "RoleName")) || profile_shown(services, call, profile, false, ret_shown, err);
}

bool sv_iam_list_instance_profiles_for_role(void *self, AwsCall *call, Err *err) {
    ImEntity role;
    return im_load(self, call, IM_ROLE, js_str(call->input, "RoleName"), &role, err) &&
           im_list(self, call, IM_PROFILE, show_profile_of_role, err);
}

static bool put_role_into(SvServices *services, AwsCall *call, ImEntity *profile, Err *err) {
    Str name = js_str(call->input, "RoleName");
    ImEntity role;
    if (!im_load(services, call, IM_ROLE, name, &role, err)) {
        return false;
    }
    if (role_of(profile).len > 0) {
        return err_set(err, "LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1");
    }
    js_put_str(call->doc, profile->root, "Role", name);
    return true;
}

bool sv_iam_add_role_to_instance_profile(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_PROFILE, js_str(call->input, "InstanceProfileName"), put_role_into, err);
}

static bool take_role_out(SvServices *services, AwsCall *call, ImEntity *profile, Err *err) {
    Str name = js_str(call->input, "RoleName");
    (void)services;
    if (!str_eq(role_of(profile), name)) {
        return err_set(err, "NoSuchEntity", "The role with name %.*s cannot be found in instance profile %.*s.", STR_ARG(name),
                       STR_ARG(profile->name));
    }
    (void)yyjson_mut_obj_remove_key(profile->root, "Role");
    return true;
}

bool sv_iam_remove_role_from_instance_profile(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_PROFILE, js_str(call->input, "InstanceProfileName"), take_role_out, err);
}

static bool may_delete_profile(SvServices *services, AwsCall *call, ImEntity *profile, Err *err) {
    (void)services;
    (void)call;
    return role_of(profile).len == 0 ||
           err_set(err, "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.");
}

bool sv_iam_delete_instance_profile(void *self, AwsCall *call, Err *err) {
    return im_delete(self, call, IM_PROFILE, js_str(call->input, "InstanceProfileName"), may_delete_profile, err);
}
