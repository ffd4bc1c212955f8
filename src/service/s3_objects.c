/* s3_objects.c - S3: single objects: put, get, head, copy, delete, and deleting many.
 *
 * Behaviour: Amazon S3 API Reference; conditions: "Conditional requests" of the user guide. ETags are as PutObject's (MD5) except where
 * store/store.h says otherwise; a copy keeps its source's, since its bytes are the same.
 */
#include "service/s3_access.h"
#include "service/s3_acl.h"
#include "service/s3_locks.h"
#include "service/s3_metadata.h"
#include "service/s3_settings.h"

#include <string.h>

enum { MOST_DELETED = 1000 };
static const int64_t LARGEST_COPY = INT64_C(5) * 1024 * 1024 * 1024;

/* ---- put ---- */

bool sv_s3_put_object(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    AwsUpload *upload = call->upload;
    StPut put = {.key = s3_key(call)};
    StObject object;
    if (upload == NULL) {
        return err_set(err, ERR_INTERNAL, "PutObject came without a body");
    }
    if (!s3_check(services, call, err) || !s3_write_condition(call, &put.condition, err) ||
        !s3_tags_of_header(call, js_str(call->input, "Tagging"), &put.tags, err) || !s3_lock_of_input(services, call, &put.lock, err)) {
        return false;
    }
    yyjson_mut_val *meta = s3_meta_of_input(call, err);
    if (meta == NULL || !s3_put_acl(services, call, meta, err) || !s3_put_encryption(services, call, meta, err)) {
        return false;
    }
    s3_meta_put_uploaded(call, meta);
    put.etag = s3_hex(call->arena, (Str){(const char *)upload->md5, sizeof upload->md5});
    if (!s3_meta_text(call, meta, &put.meta, err)) {
        return s3_failed(call, err);
    }
    upload->is_taken = true;
    if (!st_object_put(services->store, call->arena, s3_bucket(call), &put, upload->path, &object, err)) {
        return s3_failed(call, err);
    }
    js_put_str(call->doc, call->output, "ETag", s3_quoted(call->arena, put.etag));
    s3_put_version(call, &object);
    s3_meta_show_checksums(call, meta, call->output);
    return s3_put_expiration(services, call, &object, err);
}

/* ---- get and head ---- */

/* The bytes of one part of what was a multipart upload; everything else has one part. */
static bool part_range(AwsCall *call, yyjson_mut_val *meta, int64_t size, S3Range *ret_range, Err *err) {
    int64_t number = js_i64(call->input, "PartNumber", 0);
    yyjson_mut_val *sizes = yyjson_mut_obj_get(meta, "PartSizes");
    int64_t count = sizes == NULL ? 1 : (int64_t)yyjson_mut_arr_size(sizes);
    if (yyjson_obj_get(call->input, "Range") != NULL) {
        return err_set(err, "InvalidRequest", "Cannot specify both Range header and partNumber query parameter");
    }
    if (number < 1 || number > S3_MOST_PARTS) {
        return s3_bad_argument(call, err, "partNumber", str_fmt(call->arena, "%lld", (long long)number),
                               "Part number must be an integer between 1 and 10000, inclusive");
    }
    if (number > count) {
        s3_detail(call, "ActualPartCount", str_fmt(call->arena, "%lld", (long long)count));
        return err_set(err, "InvalidPartNumber", "The requested partnumber is not satisfiable");
    }
    *ret_range = (S3Range){.size = size, .is_part = true};
    if (sizes != NULL) {
        for (int64_t i = 0; i < number; i++) {
            ret_range->offset += i > 0 ? ret_range->size : 0;
            ret_range->size = yyjson_mut_get_sint(yyjson_mut_arr_get(sizes, (size_t)i));
        }
        (void)yyjson_mut_obj_add_int(call->doc, call->output, "PartsCount", count);
    }
    return true;
}

/* The bytes that are asked for: a part, a range, or all. */
static bool find_range(AwsCall *call, yyjson_mut_val *meta, const StObject *object, S3Range *ret_range, Err *err) {
    if (yyjson_obj_get(call->input, "PartNumber") != NULL) {
        return part_range(call, meta, object->size, ret_range, err);
    }
    if (s3_range(js_str(call->input, "Range"), object->size, ret_range) == S3_RANGE_BEHIND) {
        s3_detail(call, "ActualObjectSize", str_fmt(call->arena, "%lld", (long long)object->size));
        return s3_error(call, err, "InvalidRange");
    }
    return true;
}

/* What the request wants to read in the answer's headers, instead of what is stored. */
static void override_headers(AwsCall *call) {
    static const char *const NAMES[] = {"CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Expires"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        yyjson_val *value = yyjson_obj_get(call->input, str_fmt(call->arena, "Response%s", NAMES[i]).data);
        if (value != NULL) {
            (void)yyjson_mut_obj_put(call->output, yyjson_mut_str(call->doc, NAMES[i]), yyjson_val_mut_copy(call->doc, value));
        }
    }
}

/* Those of the whole, or of the part that was asked for. */
static void show_checksums(AwsCall *call, const StObject *object, yyjson_mut_val *meta, const S3Range *range) {
    int64_t number = js_i64(call->input, "PartNumber", 0);
    Str part = number < 1 ? STR("") : js_mut_text(yyjson_mut_arr_get(yyjson_mut_obj_get(meta, "PartChecksums"), (size_t)number - 1));
    if (part.len > 0) {
        js_put_str(call->doc, call->output, s3_checksum_member(call->arena, s3_meta_algorithm(meta)).data, part);
        js_put_str(call->doc, call->output, "ChecksumType", js_mut_text(yyjson_mut_obj_get(meta, "ChecksumType")));
    } else if (range->size == object->size) {
        s3_meta_show_checksums(call, meta, call->output);
    }
}

static void show_object(AwsCall *call, const StObject *object, yyjson_mut_val *meta, const S3Range *range) {
    yyjson_mut_val *output = call->output;
    s3_meta_show(call, meta, output);
    s3_show_encryption(call, meta);
    s3_show_lock(call, &object->lock);
    override_headers(call);
    js_put_str(call->doc, output, "AcceptRanges", STR("bytes"));
    (void)yyjson_mut_obj_add_int(call->doc, output, "ContentLength", range->size);
    if (range->is_part) {
        int64_t last = range->offset + range->size - 1;
        call->status = 206;
        if (range->size > 0) {
            js_put_str(call->doc, output, "ContentRange",
                       str_fmt(call->arena, "bytes %lld-%lld/%lld", (long long)range->offset, (long long)last, (long long)object->size));
        }
    }
    if (str_eq_c(js_str(call->input, "ChecksumMode"), "ENABLED")) {
        show_checksums(call, object, meta, range);
    }
    yyjson_mut_val *tags = object->tags.len == 0 ? NULL : js_parse_into(call->doc, object->tags);
    if (tags != NULL) {
        (void)yyjson_mut_obj_add_int(call->doc, output, "TagCount", (int64_t)yyjson_mut_arr_size(tags));
    }
}

/* GetObject and HeadObject are the same but for the body. */
static bool read_object(SvServices *services, AwsCall *call, bool with_body, Err *err) {
    StVersion version;
    S3Range range;
    if (!s3_check(services, call, err) || !s3_find_version(services, call, &version, err)) {
        return false;
    }
    StObject object = version.object;
    s3_put_version(call, &object);
    js_put_str(call->doc, call->output, "ETag", s3_quoted(call->arena, object.etag));
    js_put_time(call->doc, call->output, "LastModified", object.modified_us / 1000000 * 1000000);
    switch (s3_read_condition(call, &object, "")) {
    case S3_HOLDS: break;
    case S3_NOT_MODIFIED: call->status = 304; return true;
    case S3_FAILED:
        s3_detail(call, "Condition", yyjson_obj_get(call->input, "IfMatch") != NULL ? STR("If-Match") : STR("If-Unmodified-Since"));
        return s3_error(call, err, "PreconditionFailed");
    }
    yyjson_mut_val *meta = s3_meta_read(call, object.meta);
    if (!find_range(call, meta, &object, &range, err)) {
        return false;
    }
    show_object(call, &object, meta, &range);
    if (version.is_latest && !s3_put_expiration(services, call, &object, err)) {
        return false;
    }
    if (with_body) {
        call->download = (AwsDownload){.path = object.path, .offset = range.offset, .size = range.size};
    }
    return true;
}

bool sv_s3_get_object(void *self, AwsCall *call, Err *err) {
    return read_object(self, call, true, err);
}

bool sv_s3_head_object(void *self, AwsCall *call, Err *err) {
    return read_object(self, call, false, err);
}

/* ---- copy ---- */

/* Metadata and tags of the copy: the source's, or with REPLACE the request's. */
static bool copied_meta(AwsCall *call, const StObject *source, yyjson_mut_val **ret_meta, Str *ret_tags, Err *err) {
    yyjson_mut_val *kept = s3_meta_read(call, source->meta);
    *ret_meta = kept;
    *ret_tags = source->tags;
    if (str_eq_c(js_str(call->input, "MetadataDirective"), "REPLACE")) {
        *ret_meta = s3_meta_of_input(call, err);
        if (*ret_meta == NULL) {
            return false;
        }
        s3_meta_keep_bytes(call, kept, *ret_meta);
    } else if (yyjson_obj_get(call->input, "StorageClass") != NULL) {
        js_put_str(call->doc, *ret_meta, "StorageClass", js_str(call->input, "StorageClass"));
    }
    return !str_eq_c(js_str(call->input, "TaggingDirective"), "REPLACE") ||
           s3_tags_of_header(call, js_str(call->input, "Tagging"), ret_tags, err);
}

/* The checksum that the request asks for, or if it asks for none and the source has none, S3's own choice. */
static bool add_checksum(AwsCall *call, const StObject *source, yyjson_mut_val *meta, Err *err) {
    Str algorithm = str_lower(call->arena, js_str(call->input, "ChecksumAlgorithm"));
    AwsDigest which;
    Str there = s3_meta_algorithm(meta);
    if (algorithm.len == 0 ? there.len > 0 : str_eq_nocase(algorithm, there)) {
        return true;
    }
    algorithm = algorithm.len == 0 ? S3_DEFAULT_CHECKSUM : algorithm;
    if (!aws_digest_named(algorithm, &which)) {
        s3_detail(call, "Header", STR("x-amz-checksum-algorithm"));
        return s3_error(call, err, "NotImplemented");
    }
    AwsDigests *digests = s3_digest_file(source->path, 0, source->size, 1u << which, err);
    if (digests == NULL) {
        return false;
    }
    s3_meta_drop_checksums(meta);
    js_put_str(call->doc, meta, s3_checksum_member(call->arena, algorithm).data, aws_base64(call->arena, aws_digests_get(digests, which)));
    js_put_str(call->doc, meta, "ChecksumType", STR("FULL_OBJECT"));
    aws_digests_free(digests);
    return true;
}

static bool changes_nothing(const AwsCall *call, Str source_bucket, const StObject *source) {
    return str_eq(source_bucket, s3_bucket(call)) && str_eq(source->key, s3_key(call)) &&
           yyjson_mut_obj_get(call->output, "CopySourceVersionId") == NULL && !str_eq_c(js_str(call->input, "MetadataDirective"), "REPLACE") && yyjson_obj_get(call->input, "StorageClass") == NULL &&
           yyjson_obj_get(call->input, "WebsiteRedirectLocation") == NULL && yyjson_obj_get(call->input, "ServerSideEncryption") == NULL;
}

bool sv_s3_copy_object(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StObject source;
    StObject copy;
    Str source_bucket;
    yyjson_mut_val *meta = NULL;
    StPut put = {.key = s3_key(call)};
    if (!s3_check(services, call, err) || !s3_write_condition(call, &put.condition, err) || !s3_lock_of_input(services, call, &put.lock, err) ||
        !s3_copy_source(services, call, &source, &source_bucket, err)) {
        return false;
    }
    if (changes_nothing(call, source_bucket, &source)) {
        return err_set(err, "InvalidRequest",
                       "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, "
                       "storage class, website redirect location or encryption attributes.");
    }
    if (source.size > LARGEST_COPY) {
        return err_set(err, "InvalidRequest", "The specified copy source is larger than the maximum allowable size for a copy source: %lld",
                       (long long)LARGEST_COPY);
    }
    put.etag = source.etag;
    if (!copied_meta(call, &source, &meta, &put.tags, err) || !add_checksum(call, &source, meta, err) || !s3_put_acl(services, call, meta, err) ||
        !s3_put_encryption(services, call, meta, err) ||
        !s3_meta_text(call, meta, &put.meta, err) ||
        !st_object_copy(services->store, call->arena, &source, s3_bucket(call), &put, &copy, err)) {
        return s3_failed(call, err);
    }
    s3_put_version(call, &copy);
    yyjson_mut_val *result = yyjson_mut_obj_add_obj(call->doc, call->output, "CopyObjectResult");
    js_put_str(call->doc, result, "ETag", s3_quoted(call->arena, copy.etag));
    js_put_time(call->doc, result, "LastModified", copy.modified_us);
    s3_meta_show_checksums(call, meta, result);
    return s3_put_expiration(services, call, &copy, err);
}

/* ---- delete ---- */

/* What was removed, as DeleteObject and an item of DeleteObjects tell it. */
static void show_removed(AwsCall *call, const StRemoval *removal, const StRemoved *removed, const char *marker_member, yyjson_mut_val *output) {
    if (removal->version.len > 0) {
        js_put_str(call->doc, output, "VersionId", removal->version);
    }
    if (removed->is_marker) {
        (void)yyjson_mut_obj_add_bool(call->doc, output, "DeleteMarker", true);
        js_put_str(call->doc, output, marker_member, removed->version);
    }
}

bool sv_s3_delete_object(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StRemoval removal = {.key = s3_key(call),
                         .version = js_str(call->input, "VersionId"),
                         .condition = {.etag = s3_unquoted(js_str(call->input, "IfMatch"))},
                         .bypasses_governance = js_bool(call->input, "BypassGovernanceRetention", false)};
    StRemoved removed;
    if (!s3_check(services, call, err)) {
        return false;
    }
    if (!st_objects_remove(services->store, call->arena, s3_bucket(call), &removal, 1, &removed, err)) {
        return s3_failed(call, err);
    }
    if (removed.failure != NULL) {
        (void)err_set(err, removed.failure->code, "%s", removed.failure->message);
        return err_is(err, "AccessDenied") ? false : s3_failed(call, err);
    }
    show_removed(call, &removal, &removed, "VersionId", call->output);
    return true;
}

/* The error of one key among many. */
static void add_failure(AwsCall *call, yyjson_mut_val *errors, Str key, Str version, const Err *failure) {
    yyjson_mut_val *item = yyjson_mut_arr_add_obj(call->doc, errors);
    const char *message = s3_message(failure->code);
    js_put_str(call->doc, item, "Key", key);
    if (version.len > 0) {
        js_put_str(call->doc, item, "VersionId", version);
    }
    js_put_str(call->doc, item, "Code", str_from_c(failure->code));
    js_put_str(call->doc, item, "Message", str_from_c(message != NULL && !err_is(failure, "AccessDenied") ? message : failure->message));
}

/* One item as the store takes it; false: it can't be, and failure says why. */
static bool read_removal(AwsCall *call, yyjson_val *object, StRemoval *ret_removal, Err *failure) {
    *ret_removal = (StRemoval){.key = js_str(object, "Key"),
                               .version = js_str(object, "VersionId"),
                               .condition = {.etag = s3_unquoted(js_str(object, "ETag"))},
                               .bypasses_governance = js_bool(call->input, "BypassGovernanceRetention", false)};
    if (ret_removal->version.len > 0 && !st_version_is_valid(ret_removal->version)) {
        return err_set(failure, "NoSuchVersion", "no such version");
    }
    if (!s3_may_delete(call, ret_removal->key, ret_removal->version, failure)) {
        return false;
    }
    return (yyjson_obj_get(object, "LastModifiedTime") == NULL && yyjson_obj_get(object, "Size") == NULL) ||
           err_set(failure, "NotImplemented", "no such conditions");
}

bool sv_s3_delete_objects(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    yyjson_val *objects = yyjson_obj_get(yyjson_obj_get(call->input, "Delete"), "Objects");
    bool is_quiet = js_bool(yyjson_obj_get(call->input, "Delete"), "Quiet", false);
    size_t most = yyjson_arr_size(objects);
    if (!s3_check(services, call, err)) {
        return false;
    }
    if (most == 0 || most > MOST_DELETED) {
        return s3_error(call, err, "MalformedXML");
    }
    yyjson_mut_val *deleted = yyjson_mut_arr(call->doc);
    yyjson_mut_val *errors = yyjson_mut_arr(call->doc);
    StRemoval *removals = ARENA_ARRAY(call->arena, StRemoval, most);
    StRemoved *removed = ARENA_ARRAY(call->arena, StRemoved, most);
    Err **refused = ARENA_ARRAY(call->arena, Err *, most); /* NULL: the store is asked */
    size_t wanted = 0;
    size_t i;
    size_t count;
    yyjson_val *object;
    yyjson_arr_foreach(objects, i, count, object) {
        Err failure = {0};
        refused[i] = NULL;
        if (read_removal(call, object, &removals[wanted], &failure)) {
            wanted++;
        } else {
            refused[i] = ARENA_NEW(call->arena, Err);
            *refused[i] = failure;
        }
    }
    if (!st_objects_remove(services->store, call->arena, s3_bucket(call), removals, wanted, removed, err)) {
        return s3_failed(call, err);
    }
    size_t at = 0; /* of removals */
    yyjson_arr_foreach(objects, i, count, object) {
        const Err *failure = refused[i] != NULL ? refused[i] : removed[at].failure;
        if (failure != NULL) {
            add_failure(call, errors, js_str(object, "Key"), js_str(object, "VersionId"), failure);
        } else if (!is_quiet) {
            yyjson_mut_val *item = yyjson_mut_arr_add_obj(call->doc, deleted);
            js_put_str(call->doc, item, "Key", removals[at].key);
            show_removed(call, &removals[at], &removed[at], "DeleteMarkerVersionId", item);
        }
        at += refused[i] == NULL ? 1 : 0;
    }
    (void)yyjson_mut_obj_add_val(call->doc, call->output, "Deleted", deleted);
    (void)yyjson_mut_obj_add_val(call->doc, call->output, "Errors", errors);
    return true;
}
