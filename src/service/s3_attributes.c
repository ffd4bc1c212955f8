/* s3_attributes.c - S3: GetObjectAttributes: what HeadObject tells, and the parts of what was a multipart upload, as XML.
 *
 * Parts are listed when they have checksums, as S3 does; else their number alone is told. The ETag stands without quotes here.
 */
#include "service/s3_metadata.h"

static bool wants(const AwsCall *call, const char *attribute) {
    size_t i;
    size_t count;
    yyjson_val *item;
    yyjson_arr_foreach(yyjson_obj_get(call->input, "ObjectAttributes"), i, count, item) {
        if (str_eq_c(js_text(item), attribute)) {
            return true;
        }
    }
    return false;
}

static void put_parts(AwsCall *call, yyjson_mut_val *meta) {
    yyjson_mut_val *sizes = yyjson_mut_obj_get(meta, "PartSizes");
    yyjson_mut_val *checksums = yyjson_mut_obj_get(meta, "PartChecksums");
    if (sizes == NULL) {
        return;
    }
    int64_t count = (int64_t)yyjson_mut_arr_size(sizes);
    yyjson_mut_val *parts = yyjson_mut_obj_add_obj(call->doc, call->output, "ObjectParts");
    (void)yyjson_mut_obj_add_int(call->doc, parts, "TotalPartsCount", count);
    if (checksums == NULL) {
        return;
    }
    int64_t marker = js_i64(call->input, "PartNumberMarker", 0);
    int64_t most = js_i64(call->input, "MaxParts", S3_MOST_IN_A_PAGE);
    int64_t limit = most < 0 || most > S3_MOST_IN_A_PAGE ? S3_MOST_IN_A_PAGE : most;
    int64_t first = marker < 0 ? 0 : marker > count ? count : marker;
    int64_t last = count - first > limit ? first + limit : count;
    Str member = s3_checksum_member(call->arena, s3_meta_algorithm(meta));
    (void)yyjson_mut_obj_add_int(call->doc, parts, "PartNumberMarker", marker);
    (void)yyjson_mut_obj_add_int(call->doc, parts, "NextPartNumberMarker", last);
    (void)yyjson_mut_obj_add_int(call->doc, parts, "MaxParts", limit);
    (void)yyjson_mut_obj_add_bool(call->doc, parts, "IsTruncated", last < count);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, parts, "Parts");
    for (int64_t i = first; i < last; i++) {
        yyjson_mut_val *item = yyjson_mut_arr_add_obj(call->doc, list);
        (void)yyjson_mut_obj_add_int(call->doc, item, "PartNumber", i + 1);
        (void)yyjson_mut_obj_add_int(call->doc, item, "Size", yyjson_mut_get_sint(yyjson_mut_arr_get(sizes, (size_t)i)));
        js_put_str(call->doc, item, member.data, js_mut_text(yyjson_mut_arr_get(checksums, (size_t)i)));
    }
}

bool sv_s3_get_object_attributes(void *self, AwsCall *call, Err *err) {
    static const char *const KNOWN[] = {"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"};
    StVersion version;
    size_t i;
    size_t count;
    yyjson_val *item;
    yyjson_arr_foreach(yyjson_obj_get(call->input, "ObjectAttributes"), i, count, item) {
        bool is_known = false;
        for (size_t k = 0; k < sizeof KNOWN / sizeof KNOWN[0]; k++) {
            is_known = is_known || str_eq_c(js_text(item), KNOWN[k]);
        }
        if (!is_known) {
            return s3_bad_argument(call, err, "x-amz-object-attributes", js_text(item), "Invalid attribute name specified.");
        }
    }
    if (!s3_check(self, call, err) || !s3_find_version(self, call, &version, err)) {
        return false;
    }
    const StObject *object = &version.object;
    yyjson_mut_val *meta = s3_meta_read(call, object->meta);
    yyjson_mut_val *output = call->output;
    s3_put_version(call, object);
    js_put_time(call->doc, output, "LastModified", object->modified_us / 1000000 * 1000000);
    if (wants(call, "ETag")) {
        js_put_str(call->doc, output, "ETag", object->etag);
    }
    if (wants(call, "Checksum") && s3_meta_algorithm(meta).len > 0) {
        s3_meta_show_checksums(call, meta, yyjson_mut_obj_add_obj(call->doc, output, "Checksum"));
    }
    if (wants(call, "ObjectParts")) {
        put_parts(call, meta);
    }
    if (wants(call, "StorageClass")) {
        Str class = js_mut_text(yyjson_mut_obj_get(meta, "StorageClass"));
        js_put_str(call->doc, output, "StorageClass", class.len == 0 ? STR("STANDARD") : class);
    }
    return !wants(call, "ObjectSize") || yyjson_mut_obj_add_int(call->doc, output, "ObjectSize", object->size);
}
