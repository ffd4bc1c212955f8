/* iam_entities.c - IAM's entities as rows, and the lists of them; see iam.h. */
#include "service/iam.h"

#include "store/keys.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DEFAULT_ITEMS = 100, MOST_TAGS = 50 };

static const ImNames NAMES[IM_TYPES] = {
    [IM_ROLE] = {"iam.role", "Role", "Roles", "RoleName", "RoleId", "AROA", "role", "The role with name %.*s cannot be found.",
                 "Role with name %.*s already exists."},
    [IM_USER] = {"iam.user", "User", "Users", "UserName", "UserId", "AIDA", "user", "The user with name %.*s cannot be found.",
                 "User with name %.*s already exists."},
    [IM_POLICY] = {"iam.policy", "Policy", "Policies", "PolicyName", "PolicyId", "ANPA", "policy", "Policy %.*s was not found.",
                   "A policy called %.*s already exists. Duplicate names are not allowed."},
    [IM_PROFILE] = {"iam.instance_profile", "InstanceProfile", "InstanceProfiles", "InstanceProfileName", "InstanceProfileId", "AIPA",
                    "instance-profile", "Instance Profile %.*s cannot be found.", "Instance Profile %.*s already exists."}};

const ImNames *im_names(ImType type) {
    return &NAMES[type];
}

static Str mut_text(yyjson_mut_val *value) {
    return yyjson_mut_is_str(value) ? (Str){yyjson_mut_get_str(value), yyjson_mut_get_len(value)} : STR("");
}

/* The message's one place for a name, filled in. */
static bool fail(Err *err, const char *code, const char *around, Str name) {
    const char *place = strstr(around, "%.*s");
    return err_set(err, code, "%.*s%.*s%s", (int)(place - around), around, STR_ARG(name), place + 4);
}

static StResourceName row_name(Arena *arena, ImType type, Str name) {
    return (StResourceName){.kind = str_from_c(NAMES[type].kind), .id = str_lower(arena, name)};
}

static bool of_row(AwsCall *call, ImType type, const StResource *row, ImEntity *ret_entity, Err *err) {
    yyjson_mut_val *root = js_parse_into(call->doc, row->json);
    *ret_entity = (ImEntity){.type = type, .doc = call->doc, .root = root, .seq = row->seq};
    if (root == NULL) {
        return err_set(err, ERR_INTERNAL, "the stored %s %.*s is no JSON", NAMES[type].arn_type, STR_ARG(row->id));
    }
    ret_entity->name = im_member(ret_entity, NAMES[type].name);
    return true;
}

bool im_load(SvServices *services, AwsCall *call, ImType type, Str name, ImEntity *ret_entity, Err *err) {
    StResourceName id = row_name(call->arena, type, name);
    StResource row;
    if (!st_resource_get(services->store, call->arena, &id, &row, err)) {
        if (!err_is(err, "EntityNotFoundException")) {
            return false;
        }
        err_clear(err);
        return fail(err, "NoSuchEntity", NAMES[type].missing, name);
    }
    return of_row(call, type, &row, ret_entity, err) &&
           (str_eq(ret_entity->name, name) || fail(err, "NoSuchEntity", NAMES[type].missing, name));
}

bool im_load_all(SvServices *services, AwsCall *call, ImType type, ImEntities *ret_entities, Err *err) {
    const StResource *rows = NULL;
    size_t count = 0;
    StResourceQuery query = {.kind = str_from_c(NAMES[type].kind)};
    *ret_entities = (ImEntities){.arena = call->arena};
    if (!st_resource_list(services->store, call->arena, &query, &rows, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        ImEntity entity;
        if (!of_row(call, type, &rows[i], &entity, err)) {
            return false;
        }
        VEC_PUSH(ret_entities, entity);
    }
    return true;
}

Str im_member(const ImEntity *entity, const char *name) {
    return mut_text(yyjson_mut_obj_get(yyjson_mut_obj_get(entity->root, "Shown"), name));
}

yyjson_mut_val *im_part(const ImEntity *entity, const char *part) {
    yyjson_mut_val *object = yyjson_mut_obj_get(entity->root, part);
    return object != NULL ? object : yyjson_mut_obj_add_obj(entity->doc, entity->root, part);
}

static yyjson_mut_val *tag_item(AwsCall *call, Str name, yyjson_mut_val *value) {
    yyjson_mut_val *tag = yyjson_mut_obj(call->doc);
    js_put_str(call->doc, tag, "Key", name);
    js_put_str(call->doc, tag, "Value", mut_text(value));
    return tag;
}

static void put_tags(AwsCall *call, const ImEntity *entity, yyjson_mut_val *shown) {
    yyjson_mut_val *tags = im_part(entity, "Tags");
    yyjson_mut_val *list = yyjson_mut_obj_size(tags) == 0 ? NULL : yyjson_mut_obj_add_arr(call->doc, shown, "Tags");
    size_t i;
    size_t count;
    yyjson_mut_val *key;
    yyjson_mut_val *value;
    yyjson_mut_obj_foreach(tags, i, count, key, value) {
        (void)yyjson_mut_arr_append(list, tag_item(call, mut_text(key), value));
    }
}

yyjson_mut_val *im_shown(AwsCall *call, const ImEntity *entity, bool is_whole) {
    yyjson_mut_val *shown = yyjson_mut_val_mut_copy(call->doc, yyjson_mut_obj_get(entity->root, "Shown"));
    Str trust = mut_text(yyjson_mut_obj_get(shown, "AssumeRolePolicyDocument"));
    if (trust.len > 0) {
        js_put_str(call->doc, shown, "AssumeRolePolicyDocument", im_encoded(call->arena, trust));
    }
    if (is_whole) {
        put_tags(call, entity, shown);
    } else {
        (void)yyjson_mut_obj_remove_key(shown, "PermissionsBoundary");
    }
    return shown;
}

/* ---- changes ---- */

static bool store_entity(SvServices *services, AwsCall *call, const ImEntity *entity, Err *err) {
    StResourceName id = row_name(call->arena, entity->type, entity->name);
    return st_resource_replace(services->store, &id, js_write(call->arena, entity->root), err);
}

bool im_change(SvServices *services, AwsCall *call, ImType type, Str name, ImChange change, Err *err) {
    ImEntity entity;
    (void)pthread_mutex_lock(&services->iam_lock);
    bool ok = im_load(services, call, type, name, &entity, err) && change(services, call, &entity, err) &&
              store_entity(services, call, &entity, err);
    (void)pthread_mutex_unlock(&services->iam_lock);
    return ok;
}

Str im_arn(AwsCall *call, const char *type, Str path, Str name) {
    return str_fmt(call->arena, "arn:aws:iam::%.*s:%s%.*s%.*s", STR_ARG(call->account), type, STR_ARG(path), STR_ARG(name));
}

static bool add_tags(AwsCall *call, const ImEntity *entity, Err *err) {
    yyjson_mut_val *tags = im_part(entity, "Tags");
    size_t i;
    size_t count;
    yyjson_val *tag;
    yyjson_arr_foreach(yyjson_obj_get(call->input, "Tags"), i, count, tag) {
        yyjson_mut_val *key = yyjson_val_mut_copy(call->doc, yyjson_obj_get(tag, "Key"));
        (void)yyjson_mut_obj_put(tags, key, yyjson_val_mut_copy(call->doc, yyjson_obj_get(tag, "Value")));
    }
    return yyjson_mut_obj_size(tags) <= MOST_TAGS ||
           err_set(err, "LimitExceeded", "The number of tags has reached the maximum limit: %d.", MOST_TAGS);
}

static bool insert_entity(SvServices *services, AwsCall *call, const ImEntity *entity, Err *err) {
    StResourceName id = row_name(call->arena, entity->type, entity->name);
    if (st_resource_insert(services->store, &id, STR(""), js_write(call->arena, entity->root), err)) {
        return true;
    }
    if (err_is(err, "AlreadyExistsException")) {
        err_clear(err);
        (void)fail(err, "EntityAlreadyExists", NAMES[entity->type].duplicate, entity->name);
    }
    return false;
}

bool im_create(SvServices *services, AwsCall *call, ImType type, ImChange fill, Err *err) {
    const ImNames *names = &NAMES[type];
    Str name = js_str(call->input, names->name);
    Str path = js_str(call->input, "Path");
    StKey random;
    if (!st_key_make(call->arena, names->id_prefix, &random, err)) {
        return false;
    }
    path = path.len == 0 ? STR("/") : path;
    ImEntity entity = {.type = type, .name = name, .doc = call->doc, .root = yyjson_mut_obj(call->doc)};
    yyjson_mut_val *shown = im_part(&entity, "Shown");
    js_put_str(call->doc, shown, "Path", path);
    js_put_str(call->doc, shown, names->name, name);
    js_put_str(call->doc, shown, names->id, random.id);
    js_put_str(call->doc, shown, "Arn", im_arn(call, names->arn_type, path, name));
    (void)yyjson_mut_obj_add_int(call->doc, shown, "CreateDate", (int64_t)time(NULL));
    (void)pthread_mutex_lock(&services->iam_lock);
    bool ok =
        add_tags(call, &entity, err) && (fill == NULL || fill(services, call, &entity, err)) && insert_entity(services, call, &entity, err);
    (void)pthread_mutex_unlock(&services->iam_lock);
    return ok && yyjson_mut_obj_add_val(call->doc, call->output, names->shown, im_shown(call, &entity, true));
}

bool im_delete(SvServices *services, AwsCall *call, ImType type, Str name, ImChange check, Err *err) {
    ImEntity entity;
    StResourceName id = row_name(call->arena, type, name);
    (void)pthread_mutex_lock(&services->iam_lock);
    bool ok = im_load(services, call, type, name, &entity, err) && check(services, call, &entity, err) &&
              st_resource_delete(services->store, &id, err);
    (void)pthread_mutex_unlock(&services->iam_lock);
    return ok;
}

/* ---- lists ---- */

static size_t page_size(const AwsCall *call) {
    return (size_t)js_i64(call->input, "MaxItems", DEFAULT_ITEMS);
}

/* Where the page begins: the text behind which it goes on; empty: at the start. */
static bool page_start(AwsCall *call, Str *ret_after, Err *err) {
    Str marker = js_str(call->input, "Marker");
    *ret_after = STR("");
    return marker.len == 0 || js_page_position(call->arena, marker, ret_after) || err_set(err, "InvalidInput", "Invalid Marker.");
}

static void end_page(AwsCall *call, bool is_truncated, Str last) {
    (void)yyjson_mut_obj_add_bool(call->doc, call->output, "IsTruncated", is_truncated);
    if (is_truncated) {
        js_put_str(call->doc, call->output, "Marker", js_page_token(call->arena, last));
    }
}

bool im_list(SvServices *services, AwsCall *call, ImType type, ImShow show, Err *err) {
    Str after;
    int64_t after_seq = 0;
    ImEntities all;
    Str prefix = js_str(call->input, "PathPrefix");
    if (!page_start(call, &after, err) || !im_load_all(services, call, type, &all, err)) {
        return false;
    }
    if (after.len > 0 && !str_to_i64(after, &after_seq)) {
        return err_set(err, "InvalidInput", "Invalid Marker.");
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, NAMES[type].list);
    int64_t last = 0;
    bool is_truncated = false;
    for (size_t i = 0, taken = 0; i < all.count; i++) {
        if (all.items[i].seq <= after_seq || !str_starts_with(im_member(&all.items[i], "Path"), prefix)) {
            continue;
        }
        yyjson_mut_val *shown = NULL;
        if (!show(services, call, &all.items[i], &shown, err)) {
            return false;
        }
        if (shown == NULL) {
            continue;
        }
        if (taken == page_size(call)) {
            is_truncated = true;
            break;
        }
        (void)yyjson_mut_arr_append(list, shown);
        last = all.items[i].seq;
        taken++;
    }
    end_page(call, is_truncated, str_fmt(call->arena, "%lld", (long long)last));
    return true;
}

typedef struct Entry {
    Str name;
    yyjson_mut_val *value;
} Entry;

static int compare_entries(const void *a, const void *b) {
    return str_cmp(((const Entry *)a)->name, ((const Entry *)b)->name);
}

bool im_page(AwsCall *call, const char *list_name, yyjson_mut_val *object, ImItem item, Err *err) {
    VEC(Entry) entries = {.arena = call->arena};
    Str after;
    size_t i;
    size_t count;
    yyjson_mut_val *key;
    yyjson_mut_val *value;
    if (!page_start(call, &after, err)) {
        return false;
    }
    yyjson_mut_obj_foreach(object, i, count, key, value) {
        VEC_PUSH(&entries, ((Entry){mut_text(key), value}));
    }
    if (entries.count > 1) {
        qsort(entries.items, entries.count, sizeof entries.items[0], compare_entries);
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, list_name);
    bool is_truncated = false;
    Str last = STR("");
    for (size_t k = 0, taken = 0; k < entries.count; k++) {
        yyjson_mut_val *shown =
            after.len > 0 && str_cmp(entries.items[k].name, after) <= 0 ? NULL : item(call, entries.items[k].name, entries.items[k].value);
        if (shown == NULL) {
            continue;
        }
        if (taken == page_size(call)) {
            is_truncated = true;
            break;
        }
        (void)yyjson_mut_arr_append(list, shown);
        last = entries.items[k].name;
        taken++;
    }
    end_page(call, is_truncated, last);
    return true;
}

/* ---- tags: the same of every type ---- */

static bool tag(SvServices *services, AwsCall *call, ImEntity *entity, Err *err) {
    (void)services;
    return add_tags(call, entity, err);
}

static bool untag(SvServices *services, AwsCall *call, ImEntity *entity, Err *err) {
    (void)services;
    (void)err;
    size_t i;
    size_t count;
    yyjson_val *key;
    yyjson_arr_foreach(yyjson_obj_get(call->input, "TagKeys"), i, count, key) {
        (void)yyjson_mut_obj_remove_keyn(im_part(entity, "Tags"), yyjson_get_str(key), yyjson_get_len(key));
    }
    return true;
}

/* The name that the call gives: of policies, in their ARN. */
static Str named(const AwsCall *call, ImType type) {
    return type == IM_POLICY ? im_arn_name(js_str(call->input, "PolicyArn")) : js_str(call->input, NAMES[type].name);
}

static bool list_tags(SvServices *services, AwsCall *call, ImType type, Err *err) {
    ImEntity entity;
    return im_load(services, call, type, named(call, type), &entity, err) && im_page(call, "Tags", im_part(&entity, "Tags"), tag_item, err);
}

#define TAGS_OF(noun, type)                                                                                                                          \
    bool sv_iam_tag_##noun(void *self, AwsCall *call, Err *err) {                                                                                    \
        return im_change(self, call, type, named(call, type), tag, err);                                                                             \
    }                                                                                                                                                \
    bool sv_iam_untag_##noun(void *self, AwsCall *call, Err *err) {                                                                                  \
        return im_change(self, call, type, named(call, type), untag, err);                                                                           \
    }                                                                                                                                                \
    bool sv_iam_list_##noun##_tags(void *self, AwsCall *call, Err *err) {                                                                            \
        return list_tags(self, call, type, err);                                                                                                     \
    }

TAGS_OF(role, IM_ROLE)
TAGS_OF(user, IM_USER)
TAGS_OF(policy, IM_POLICY)
TAGS_OF(instance_profile, IM_PROFILE)
