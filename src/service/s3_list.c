/* s3_list.c - S3: ListObjects and ListObjectsV2.
 *
 * A page costs as much as it has entries (store.h, st_object_page). Invariant: the pages of a listing together show each key that was there all the
 * time exactly once. A continuation token is the last entry's key, with a letter before it: 'k' for a key, 'p' for a common prefix.
 */
#include "service/s3_metadata.h"

#include <string.h>

bool s3_list_options(AwsCall *call, size_t *ret_limit, Err *err) {
    int64_t most = js_i64(call->input, "MaxKeys", S3_MOST_IN_A_PAGE);
    yyjson_val *encoding = yyjson_obj_get(call->input, "EncodingType");
    if (most < 0 || most > INT32_MAX) {
        return s3_bad_argument(call, err, "maxKeys", str_fmt(call->arena, "%lld", (long long)most),
                               "Argument maxKeys must be an integer between 0 and 2147483647");
    }
    *ret_limit = most > S3_MOST_IN_A_PAGE ? S3_MOST_IN_A_PAGE : (size_t)most;
    return encoding == NULL || str_eq_c(js_text(encoding), "url") ||
           s3_bad_argument(call, err, "encoding-type", js_text(encoding), "Invalid Encoding Method specified in Request");
}

yyjson_mut_val *s3_add_listed(const SvServices *services, AwsCall *call, yyjson_mut_val *contents, const StObject *object, bool with_owner) {
    yyjson_mut_val *item = yyjson_mut_arr_add_obj(call->doc, contents);
    yyjson_mut_val *meta = s3_meta_read(call, object->meta);
    s3_put_text(call, item, "Key", object->key);
    js_put_time(call->doc, item, "LastModified", object->modified_us);
    js_put_str(call->doc, item, "ETag", s3_quoted(call->arena, object->etag));
    (void)yyjson_mut_obj_add_int(call->doc, item, "Size", object->size);
    const char *class = yyjson_mut_get_str(yyjson_mut_obj_get(meta, "StorageClass"));
    js_put_str(call->doc, item, "StorageClass", class == NULL ? STR("STANDARD") : str_from_c(class));
    Str algorithm = s3_meta_algorithm(meta);
    if (algorithm.len > 0) {
        (void)yyjson_mut_arr_add_strncpy(call->doc, yyjson_mut_obj_add_arr(call->doc, item, "ChecksumAlgorithm"), algorithm.data, algorithm.len);
        const char *type = yyjson_mut_get_str(yyjson_mut_obj_get(meta, "ChecksumType"));
        js_put_str(call->doc, item, "ChecksumType", type == NULL ? STR("FULL_OBJECT") : str_from_c(type));
    }
    if (with_owner) {
        s3_put_owner(services, call, item, "Owner");
    }
    return item;
}

typedef struct Listed {
    const StEntry *entries;
    size_t count;
    bool more;
} Listed;

/* What both versions have in common. */
static bool list(SvServices *services, AwsCall *call, StPage *page, bool with_owner, Listed *ret_listed, Err *err) {
    page->prefix = js_str(call->input, "Prefix");
    page->delimiter = js_str(call->input, "Delimiter");
    if (!st_object_page(services->store, call->arena, s3_bucket(call), page, &ret_listed->entries, &ret_listed->count, &ret_listed->more, err)) {
        return s3_failed(call, err);
    }
    (void)yyjson_mut_obj_add_bool(call->doc, call->output, "IsTruncated", ret_listed->more);
    js_put_str(call->doc, call->output, "Name", s3_bucket(call));
    s3_put_text(call, call->output, "Prefix", page->prefix);
    if (page->delimiter.len > 0) {
        s3_put_text(call, call->output, "Delimiter", page->delimiter);
    }
    (void)yyjson_mut_obj_add_int(call->doc, call->output, "MaxKeys", (int64_t)page->limit);
    if (yyjson_obj_get(call->input, "EncodingType") != NULL) {
        js_put_str(call->doc, call->output, "EncodingType", STR("url"));
    }
    yyjson_mut_val *contents = yyjson_mut_obj_add_arr(call->doc, call->output, "Contents");
    yyjson_mut_val *prefixes = yyjson_mut_obj_add_arr(call->doc, call->output, "CommonPrefixes");
    for (size_t i = 0; i < ret_listed->count; i++) {
        const StEntry *entry = &ret_listed->entries[i];
        if (entry->is_prefix) {
            s3_put_text(call, yyjson_mut_arr_add_obj(call->doc, prefixes), "Prefix", entry->object.key);
        } else {
            (void)s3_add_listed(services, call, contents, &entry->object, with_owner);
        }
    }
    return true;
}

bool sv_s3_list_objects(void *self, AwsCall *call, Err *err) {
    Listed listed = {0};
    /* A marker below a common prefix is behind all of it: NextMarker may be one. */
    StPage page = {.after = js_str(call->input, "Marker"), .after_rolls_up = true};
    if (!s3_check(self, call, err) || !s3_list_options(call, &page.limit, err) || !list(self, call, &page, true, &listed, err)) {
        return false;
    }
    s3_put_text(call, call->output, "Marker", page.after);
    if (listed.more && page.delimiter.len > 0) {
        s3_put_text(call, call->output, "NextMarker", listed.entries[listed.count - 1].object.key);
    }
    return true;
}

bool sv_s3_list_objects_v2(void *self, AwsCall *call, Err *err) {
    Listed listed = {0};
    yyjson_val *token = yyjson_obj_get(call->input, "ContinuationToken");
    Str start_after = js_str(call->input, "StartAfter");
    StPage page = {.after = start_after};
    if (!s3_check(self, call, err) || !s3_list_options(call, &page.limit, err)) {
        return false;
    }
    if (token != NULL) {
        Str position;
        if (!js_page_position(call->arena, js_text(token), &position) || position.len < 2) {
            return s3_bad_argument(call, err, "continuation-token", js_text(token), "The continuation token provided is incorrect");
        }
        page.after = str_slice(position, 1, position.len);
        page.after_is_rolled = position.data[0] == 'p';
        js_put_str(call->doc, call->output, "ContinuationToken", js_text(token));
    }
    if (!list(self, call, &page, js_bool(call->input, "FetchOwner", false), &listed, err)) {
        return false;
    }
    (void)yyjson_mut_obj_add_int(call->doc, call->output, "KeyCount", (int64_t)listed.count);
    if (start_after.len > 0) {
        s3_put_text(call, call->output, "StartAfter", start_after);
    }
    if (listed.more) {
        const StEntry *last = &listed.entries[listed.count - 1];
        Str position = str_fmt(call->arena, "%c%.*s", last->is_prefix ? 'p' : 'k', STR_ARG(last->object.key));
        js_put_str(call->doc, call->output, "NextContinuationToken", js_page_token(call->arena, position));
    }
    return true;
}
