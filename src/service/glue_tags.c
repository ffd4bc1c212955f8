/* glue_tags.c - Glue: GetTags, TagResource, UntagResource. Behaviour: AWS Glue API reference, "Tagging APIs".
 *
 * Asked by ARN; a row of TAGGED says how the thing behind it is found. A job's tags are a member of its row, a database's a row of their own, since
 * the catalog's entities are the API's shapes and no more. Invariant: a change is one merge of a patch in the store, so two at once keep both.
 */
#include "service/glue_tags.h"

#include "service/glue_jobs.h"
#include "service/glue_names.h"

#define DATABASE_TAGS "database-tags"
#define JOB_TAGS "SolderTags"

enum { MAX_TAGS = 50 };

Str gt_job_tags(Arena *arena, yyjson_val *job) {
    yyjson_val *tags = yyjson_obj_get(job, JOB_TAGS);
    /* Text in the rows of Solder's first versions. */
    return yyjson_is_obj(tags) ? js_write_val(arena, tags) : yyjson_is_str(tags) ? str_copy(arena, js_text(tags)) : STR("{}");
}

bool gt_put_database(const SvServices *services, Arena *arena, Str database, yyjson_val *tags, Err *err) {
    StResourceName row = {.kind = STR(DATABASE_TAGS), .id = database};
    /* What a server that was killed while it deleted the last database of that name has left. */
    return gt_forget_database(services, database, err) &&
           st_resource_insert(services->store, &row, STR(""), tags == NULL ? STR("{}") : js_write_val(arena, tags), err);
}

bool gt_forget_database(const SvServices *services, Str database, Err *err) {
    StResourceName row = {.kind = STR(DATABASE_TAGS), .id = database};
    if (st_resource_delete(services->store, &row, err)) {
        return true;
    }
    bool was_none = err_is(err, "EntityNotFoundException");
    if (was_none) {
        err_clear(err);
    }
    return was_none;
}

/* ---- what an ARN means ---- */

typedef struct Tagged {
    StResourceName row; /* where the tags are */
    Str tags;           /* as they are now: a JSON object */
    bool is_member;     /* they are the member JOB_TAGS of the row, not all of it */
} Tagged;

static bool find_job(SvServices *services, AwsCall *call, Str name, Tagged *ret_tagged, Err *err) {
    yyjson_doc *job = gj_job(services, call->arena, name, err);
    if (job == NULL) {
        return false;
    }
    *ret_tagged = (Tagged){{.kind = STR(GJ_JOB), .id = name}, gt_job_tags(call->arena, yyjson_doc_get_root(job)), true};
    yyjson_doc_free(job);
    return true;
}

static bool find_database(SvServices *services, AwsCall *call, Str name, Tagged *ret_tagged, Err *err) {
    StEntityName entity = {.database = str_lower(call->arena, name)};
    StResource row;
    Str json;
    *ret_tagged = (Tagged){.row = {.kind = STR(DATABASE_TAGS), .id = entity.database}};
    if (!st_catalog_get(services->store, call->arena, ST_DATABASE, &entity, &json, err)) {
        return false;
    }
    if (!st_resource_get(services->store, call->arena, &ret_tagged->row, &row, err)) {
        if (!err_is(err, "EntityNotFoundException")) {
            return false;
        }
        err_clear(err); /* made by `solder catalog`, or before there were tags */
        row.json = STR("{}");
    }
    ret_tagged->tags = row.json;
    return true;
}

static const struct {
    const char *type; /* in the ARN before the name */
    bool (*find)(SvServices *services, AwsCall *call, Str name, Tagged *ret_tagged, Err *err);
} TAGGED[] = {{"job/", find_job}, {"database/", find_database}};

static bool find(SvServices *services, AwsCall *call, Tagged *ret_tagged, Err *err) {
    Str arn = js_str(call->input, "ResourceArn");
    for (size_t i = 0; i < sizeof TAGGED / sizeof TAGGED[0]; i++) {
        Str prefix = str_fmt(call->arena, "arn:aws:glue:%.*s:%.*s:%s", STR_ARG(services->region), STR_ARG(services->account), TAGGED[i].type);
        if (str_starts_with(arn, prefix)) {
            return TAGGED[i].find(services, call, str_slice(arn, prefix.len, arn.len), ret_tagged, err);
        }
    }
    return err_set(err, "InvalidInputException", "'%.*s' is no ARN of a job or database of this account and region", STR_ARG(arn));
}

/* ---- operations ---- */

bool sv_glue_get_tags(void *self, AwsCall *call, Err *err) {
    Tagged tagged;
    return find(self, call, &tagged, err) && yyjson_mut_obj_add_val(call->doc, call->output, "Tags", js_parse_into(call->doc, tagged.tags));
}

/* Merges what tags become (null: taken away) into the row. */
static bool patch(SvServices *services, AwsCall *call, const Tagged *tagged, yyjson_mut_val *changes, Err *err) {
    yyjson_mut_val *whole = changes;
    if (tagged->is_member) {
        whole = yyjson_mut_obj(call->doc);
        (void)yyjson_mut_obj_add_val(call->doc, whole, JOB_TAGS, changes);
        return st_resource_patch(services->store, &tagged->row, js_write(call->arena, whole), err);
    }
    if (!st_resource_insert(services->store, &tagged->row, STR(""), STR("{}"), err)) {
        if (!err_is(err, "AlreadyExistsException")) {
            return false;
        }
        err_clear(err);
    }
    return st_resource_patch(services->store, &tagged->row, js_write(call->arena, whole), err);
}

bool sv_glue_tag_resource(void *self, AwsCall *call, Err *err) {
    Tagged tagged;
    size_t index;
    size_t count;
    yyjson_val *key;
    yyjson_val *value;
    if (!find(self, call, &tagged, err)) {
        return false;
    }
    yyjson_mut_val *changes = yyjson_mut_obj(call->doc);
    yyjson_mut_val *after = js_parse_into(call->doc, tagged.tags);
    yyjson_obj_foreach(yyjson_obj_get(call->input, "TagsToAdd"), index, count, key, value) {
        (void)yyjson_mut_obj_put(changes, yyjson_val_mut_copy(call->doc, key), yyjson_val_mut_copy(call->doc, value));
        (void)yyjson_mut_obj_put(after, yyjson_val_mut_copy(call->doc, key), yyjson_val_mut_copy(call->doc, value));
    }
    if (yyjson_mut_obj_size(after) > MAX_TAGS) {
        return err_set(err, "InvalidInputException", "A resource has at most %d tags.", MAX_TAGS);
    }
    return patch(self, call, &tagged, changes, err);
}

bool sv_glue_untag_resource(void *self, AwsCall *call, Err *err) {
    Tagged tagged;
    size_t index;
    size_t count;
    yyjson_val *key;
    if (!find(self, call, &tagged, err)) {
        return false;
    }
    yyjson_mut_val *changes = yyjson_mut_obj(call->doc);
    yyjson_arr_foreach(yyjson_obj_get(call->input, "TagsToRemove"), index, count, key) {
        (void)yyjson_mut_obj_put(changes, yyjson_val_mut_copy(call->doc, key), yyjson_mut_null(call->doc));
    }
    return patch(self, call, &tagged, changes, err);
}
