/* s3_versions.c - S3: finding a version, and ListObjectVersions.
 *
 * Behaviour: "Retaining multiple versions of objects with S3 Versioning" of the user guide. A page of versions costs as much as it has entries
 * (store/versions.h). Invariant: the pages of a listing together show each version that was there all the time exactly once.
 */
#include "service/s3_access.h"
#include "service/s3_metadata.h"

void s3_put_version(AwsCall *call, const StObject *object) {
    if (object->version.len > 0) {
        js_put_str(call->doc, call->output, "VersionId", object->version);
    }
}

/* Who may not list the bucket does not learn which keys it lacks. */
static bool hides_absence(AwsCall *call, Err *err) {
    if (s3_may_know(call)) {
        return false;
    }
    err_clear(err);
    (void)s3_error(call, err, "AccessDenied");
    return true;
}

bool s3_find_version(const SvServices *services, AwsCall *call, StVersion *ret_version, Err *err) {
    Str wanted = js_str(call->input, "VersionId");
    if (!st_version_get(services->store, call->arena, s3_bucket(call), s3_key(call), wanted, ret_version, err)) {
        return err_is(err, "NoSuchKey") && hides_absence(call, err) ? false : s3_failed(call, err);
    }
    if (!ret_version->is_marker) {
        return true;
    }
    if (wanted.len == 0 && hides_absence(call, err)) {
        return false;
    }
    s3_error_header(call, "x-amz-delete-marker", STR("true"));
    s3_error_header(call, "x-amz-version-id", ret_version->object.version);
    if (wanted.len == 0) {
        return s3_error(call, err, "NoSuchKey");
    }
    s3_error_header(call, "Allow", STR("DELETE"));
    s3_detail(call, "ResourceType", STR("DeleteMarker"));
    return s3_error(call, err, "MethodNotAllowed");
}

/* ---- listing ---- */

static void add_version(const SvServices *services, AwsCall *call, yyjson_mut_val *versions, yyjson_mut_val *markers, const StVersion *version) {
    yyjson_mut_val *item;
    if (version->is_marker) {
        item = yyjson_mut_arr_add_obj(call->doc, markers);
        s3_put_text(call, item, "Key", version->object.key);
        js_put_time(call->doc, item, "LastModified", version->object.modified_us);
        s3_put_owner(services, call, item, "Owner");
    } else {
        item = s3_add_listed(services, call, versions, &version->object, true);
    }
    js_put_str(call->doc, item, "VersionId", version->object.version);
    (void)yyjson_mut_obj_add_bool(call->doc, item, "IsLatest", version->is_latest);
}

static bool check_markers(AwsCall *call, const StVersionPage *page, yyjson_val *version, Err *err) {
    if (version == NULL) {
        return true;
    }
    if (page->after_key.len == 0) {
        return s3_bad_argument(call, err, "version-id-marker", page->after_version, "A version-id marker cannot be specified without a key marker.");
    }
    return page->after_version.len == 0 || st_version_is_valid(page->after_version) ||
           s3_bad_argument(call, err, "version-id-marker", page->after_version, "Invalid version id specified");
}

bool sv_s3_list_object_versions(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    const StVersionEntry *entries = NULL;
    size_t count = 0;
    bool more = false;
    StVersionPage page = {.prefix = js_str(call->input, "Prefix"),
                          .delimiter = js_str(call->input, "Delimiter"),
                          .after_key = js_str(call->input, "KeyMarker"),
                          .after_version = js_str(call->input, "VersionIdMarker")};
    if (!s3_check(services, call, err) || !s3_list_options(call, &page.limit, err) ||
        !check_markers(call, &page, yyjson_obj_get(call->input, "VersionIdMarker"), err)) {
        return false;
    }
    if (!st_version_page(services->store, call->arena, s3_bucket(call), &page, &entries, &count, &more, err)) {
        return s3_failed(call, err);
    }
    yyjson_mut_val *output = call->output;
    (void)yyjson_mut_obj_add_bool(call->doc, output, "IsTruncated", more);
    js_put_str(call->doc, output, "Name", s3_bucket(call));
    s3_put_text(call, output, "Prefix", page.prefix);
    if (page.delimiter.len > 0) {
        s3_put_text(call, output, "Delimiter", page.delimiter);
    }
    s3_put_text(call, output, "KeyMarker", page.after_key);
    js_put_str(call->doc, output, "VersionIdMarker", page.after_version);
    (void)yyjson_mut_obj_add_int(call->doc, output, "MaxKeys", (int64_t)page.limit);
    if (yyjson_obj_get(call->input, "EncodingType") != NULL) {
        js_put_str(call->doc, output, "EncodingType", STR("url"));
    }
    yyjson_mut_val *versions = yyjson_mut_obj_add_arr(call->doc, output, "Versions");
    yyjson_mut_val *markers = yyjson_mut_obj_add_arr(call->doc, output, "DeleteMarkers");
    yyjson_mut_val *prefixes = yyjson_mut_obj_add_arr(call->doc, output, "CommonPrefixes");
    for (size_t i = 0; i < count; i++) {
        if (entries[i].is_prefix) {
            s3_put_text(call, yyjson_mut_arr_add_obj(call->doc, prefixes), "Prefix", entries[i].version.object.key);
        } else {
            add_version(services, call, versions, markers, &entries[i].version);
        }
    }
    if (more) {
        const StVersionEntry *last = &entries[count - 1];
        s3_put_text(call, output, "NextKeyMarker", last->version.object.key);
        if (!last->is_prefix) {
            js_put_str(call->doc, output, "NextVersionIdMarker", last->version.object.version);
        }
    }
    return true;
}
