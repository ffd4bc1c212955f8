/* s3_tagging.c - S3: the tags of an object. They belong to a version of it, but changing them does not make a new one. */
#include "service/s3_metadata.h"

bool sv_s3_get_object_tagging(void *self, AwsCall *call, Err *err) {
    StVersion version;
    if (!s3_check(self, call, err) || !s3_find_version(self, call, &version, err)) {
        return false;
    }
    s3_put_version(call, &version.object);
    yyjson_mut_val *tags = version.object.tags.len == 0 ? NULL : js_parse_into(call->doc, version.object.tags);
    return yyjson_mut_obj_add_val(call->doc, call->output, "TagSet", tags != NULL ? tags : yyjson_mut_arr(call->doc));
}

static bool set_tags(SvServices *services, AwsCall *call, Str tags, Err *err) {
    StObject changed = {0};
    if (!st_version_set_tags(services->store, call->arena, s3_bucket(call), s3_key(call), js_str(call->input, "VersionId"), tags, &changed.version, err)) {
        return s3_failed(call, err);
    }
    s3_put_version(call, &changed);
    return true;
}

bool sv_s3_put_object_tagging(void *self, AwsCall *call, Err *err) {
    Str tags;
    yyjson_val *set = yyjson_obj_get(yyjson_obj_get(call->input, "Tagging"), "TagSet");
    return s3_check(self, call, err) && s3_tags_of_set(call, set, &tags, err) && set_tags(self, call, tags, err);
}

bool sv_s3_delete_object_tagging(void *self, AwsCall *call, Err *err) {
    return s3_check(self, call, err) && set_tags(self, call, STR(""), err);
}
