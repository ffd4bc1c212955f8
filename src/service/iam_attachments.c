/* iam_attachments.c - IAM: what roles and users have of policies: inline ones by name, managed ones by ARN. The same for both types. */
#include "service/iam.h"

#include <string.h>

enum { MOST_ATTACHED = 10 };

static Str entity_name(const AwsCall *call, ImType type) {
    return js_str(call->input, im_names(type)->name);
}

static Str mut_text(yyjson_mut_val *value) {
    return (Str){yyjson_mut_get_str(value), yyjson_mut_get_len(value)};
}

/* ---- inline ---- */

static bool put_inline(SvServices *services, AwsCall *call, ImEntity *entity, Err *err) {
    (void)services;
    Str document = js_str(call->input, "PolicyDocument");
    if (!im_check_document(document, IM_IDENTITY, err)) {
        return false;
    }
    yyjson_mut_val *name = yyjson_val_mut_copy(call->doc, yyjson_obj_get(call->input, "PolicyName"));
    return yyjson_mut_obj_put(im_part(entity, "Inline"), name, yyjson_mut_strncpy(call->doc, document.data, document.len));
}

static bool no_inline(const ImEntity *entity, Str name, Err *err) {
    return err_set(err, "NoSuchEntity", "The %s policy with name %.*s cannot be found.", im_names(entity->type)->arn_type, STR_ARG(name));
}

static bool delete_inline(SvServices *services, AwsCall *call, ImEntity *entity, Err *err) {
    (void)services;
    Str name = js_str(call->input, "PolicyName");
    return yyjson_mut_obj_remove_keyn(im_part(entity, "Inline"), name.data, name.len) != NULL || no_inline(entity, name, err);
}

static bool get_inline(SvServices *services, AwsCall *call, ImType type, Err *err) {
    ImEntity entity;
    Str name = js_str(call->input, "PolicyName");
    if (!im_load(services, call, type, entity_name(call, type), &entity, err)) {
        return false;
    }
    yyjson_mut_val *document = yyjson_mut_obj_getn(im_part(&entity, "Inline"), name.data, name.len);
    if (document == NULL) {
        return no_inline(&entity, name, err);
    }
    js_put_str(call->doc, call->output, im_names(type)->name, entity.name);
    js_put_str(call->doc, call->output, "PolicyName", name);
    js_put_str(call->doc, call->output, "PolicyDocument", im_encoded(call->arena, mut_text(document)));
    return true;
}

static yyjson_mut_val *name_item(AwsCall *call, Str name, yyjson_mut_val *value) {
    (void)value;
    return yyjson_mut_strncpy(call->doc, name.data, name.len);
}

static bool list_inline(SvServices *services, AwsCall *call, ImType type, Err *err) {
    ImEntity entity;
    return im_load(services, call, type, entity_name(call, type), &entity, err) &&
           im_page(call, "PolicyNames", im_part(&entity, "Inline"), name_item, err);
}

/* ---- managed ---- */

static bool attach(SvServices *services, AwsCall *call, ImEntity *entity, Err *err) {
    Str arn = js_str(call->input, "PolicyArn");
    yyjson_mut_val *attached = im_part(entity, "Attached");
    if (!im_check_attachable(services, call, arn, err)) {
        return false;
    }
    Str name = im_arn_name(arn);
    (void)yyjson_mut_obj_put(attached, yyjson_mut_strncpy(call->doc, arn.data, arn.len),
                             yyjson_mut_strncpy(call->doc, name.data, name.len));
    return yyjson_mut_obj_size(attached) <= MOST_ATTACHED ||
           err_set(err, "LimitExceeded", "Cannot exceed quota for PoliciesPer%s: %d", im_names(entity->type)->shown, MOST_ATTACHED);
}

static bool detach(SvServices *services, AwsCall *call, ImEntity *entity, Err *err) {
    (void)services;
    Str arn = js_str(call->input, "PolicyArn");
    return yyjson_mut_obj_remove_keyn(im_part(entity, "Attached"), arn.data, arn.len) != NULL ||
           err_set(err, "NoSuchEntity", "Policy %.*s was not found.", STR_ARG(arn));
}

/* "arn:aws:iam::aws:policy/service-role/X" → "/service-role/". */
static Str arn_path(Str arn) {
    const char *slash = memchr(arn.data, '/', arn.len);
    return slash == NULL ? STR("/") : str_slice(arn, (size_t)(slash - arn.data), arn.len - im_arn_name(arn).len);
}

static yyjson_mut_val *attached_item(AwsCall *call, Str arn, yyjson_mut_val *name) {
    Str prefix = js_str(call->input, "PathPrefix");
    if (!str_starts_with(arn_path(arn), prefix)) {
        return NULL;
    }
    yyjson_mut_val *policy = yyjson_mut_obj(call->doc);
    js_put_str(call->doc, policy, "PolicyName", mut_text(name));
    js_put_str(call->doc, policy, "PolicyArn", arn);
    return policy;
}

static bool list_attached(SvServices *services, AwsCall *call, ImType type, Err *err) {
    ImEntity entity;
    return im_load(services, call, type, entity_name(call, type), &entity, err) &&
           im_page(call, "AttachedPolicies", im_part(&entity, "Attached"), attached_item, err);
}

/* ---- the operations ---- */

bool sv_iam_put_role_policy(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_ROLE, entity_name(call, IM_ROLE), put_inline, err);
}

bool sv_iam_delete_role_policy(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_ROLE, entity_name(call, IM_ROLE), delete_inline, err);
}

bool sv_iam_attach_role_policy(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_ROLE, entity_name(call, IM_ROLE), attach, err);
}

bool sv_iam_detach_role_policy(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_ROLE, entity_name(call, IM_ROLE), detach, err);
}

bool sv_iam_get_role_policy(void *self, AwsCall *call, Err *err) {
    return get_inline(self, call, IM_ROLE, err);
}

bool sv_iam_list_role_policies(void *self, AwsCall *call, Err *err) {
    return list_inline(self, call, IM_ROLE, err);
}

bool sv_iam_list_attached_role_policies(void *self, AwsCall *call, Err *err) {
    return list_attached(self, call, IM_ROLE, err);
}

bool sv_iam_put_user_policy(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_USER, entity_name(call, IM_USER), put_inline, err);
}

bool sv_iam_delete_user_policy(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_USER, entity_name(call, IM_USER), delete_inline, err);
}

bool sv_iam_attach_user_policy(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_USER, entity_name(call, IM_USER), attach, err);
}

bool sv_iam_detach_user_policy(void *self, AwsCall *call, Err *err) {
    return im_change(self, call, IM_USER, entity_name(call, IM_USER), detach, err);
}

bool sv_iam_get_user_policy(void *self, AwsCall *call, Err *err) {
    return get_inline(self, call, IM_USER, err);
}

bool sv_iam_list_user_policies(void *self, AwsCall *call, Err *err) {
    return list_inline(self, call, IM_USER, err);
}

bool sv_iam_list_attached_user_policies(void *self, AwsCall *call, Err *err) {
    return list_attached(self, call, IM_USER, err);
}
