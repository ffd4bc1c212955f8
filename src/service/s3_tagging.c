/* s3_tagging.c - S3: the tags of an object. They belong to it, but changing them does not make a new version of its bytes. */
#include "service/s3_metadata.h"

bool sv_s3_get_object_tagging(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StObject object;
    if (!s3_check(services, call, err)) {
        return false;
    }
    if (!st_object_get(services->store, call->arena, s3_bucket(call), s3_key(call), &object, err)) {
        return s3_failed(call, err);
    }
    yyjson_mut_val *tags = object.tags.len == 0 ? NULL : js_parse_into(call->doc, object.tags);
    return yyjson_mut_obj_add_val(call->doc, call->output, "TagSet", tags != NULL ? tags : yyjson_mut_arr(call->doc));
}

static bool set_tags(SvServices *services, AwsCall *call, Str tags, Err *err) {
    return st_object_set_tags(services->store, s3_bucket(call), s3_key(call), tags, err) || s3_failed(call, err);
}

bool sv_s3_put_object_tagging(void *self, AwsCall *call, Err *err) {
    Str tags;
    yyjson_val *set = yyjson_obj_get(yyjson_obj_get(call->input, "Tagging"), "TagSet");
    return s3_check(self, call, err) && s3_tags_of_set(call, set, &tags, err) && set_tags(self, call, tags, err);
}

bool sv_s3_delete_object_tagging(void *self, AwsCall *call, Err *err) {
    return s3_check(self, call, err) && set_tags(self, call, STR(""), err);
}
