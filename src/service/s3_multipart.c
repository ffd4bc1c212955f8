/* s3_multipart.c - S3: multipart uploads, from CreateMultipartUpload to their end.
 *
 * Behaviour: Amazon S3 API Reference; checksums: "Checking object integrity" of the user guide. The ETag is S3's: MD5 of the parts' MD5s, "-" and their
 * number. What the checksum of the whole is to be stands in the upload's metadata as UploadChecksum and ChecksumType, until the object takes its place; an
 * upload that wishes for none gets the CRC64NVME of the whole, joined from those of its parts.
 */
#include "service/s3_acl.h"
#include "service/s3_locks.h"
#include "service/s3_metadata.h"
#include "service/s3_uploads.h"
#include "service/s3_settings.h"

#include "store/uploads.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The CRC64NVME of a part that came with another checksum, which is the one that is shown. */
static const char UNSHOWN_CRC[] = "UnshownCRC64NVME";

static Str upload_id(const AwsCall *call) {
    return js_str(call->input, "UploadId");
}

static bool find_upload(SvServices *services, AwsCall *call, StUpload *ret_upload, Err *err) {
    return s3_check(services, call, err) &&
           (st_upload_get(services->store, call->arena, s3_bucket(call), s3_key(call), upload_id(call), ret_upload, err) || s3_failed(call, err));
}

static Str member_text(yyjson_mut_val *object, const char *name) {
    return js_mut_text(yyjson_mut_obj_get(object, name));
}

/* ---- begin ---- */

/* The algorithm and type of the checksum of the whole, as far as the request says. */
static bool put_checksum_wish(AwsCall *call, yyjson_mut_val *meta, Err *err) {
    Str algorithm = js_str(call->input, "ChecksumAlgorithm");
    Str type = js_str(call->input, "ChecksumType");
    AwsDigest which;
    if (algorithm.len == 0) {
        return type.len == 0 || err_set(err, "InvalidRequest", "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
    }
    if (!aws_digest_named(str_lower(call->arena, algorithm), &which) || which == AWS_MD5) {
        s3_detail(call, "Header", STR("x-amz-checksum-algorithm"));
        return s3_error(call, err, "NotImplemented");
    }
    bool is_whole = type.len == 0 ? which == AWS_CRC64NVME : str_eq_c(type, "FULL_OBJECT");
    bool is_possible = is_whole ? which != AWS_SHA1 && which != AWS_SHA256 : which != AWS_CRC64NVME;
    if (!is_possible) {
        return err_set(err, "InvalidRequest", "The %s checksum type cannot be used with the %.*s checksum algorithm.",
                       is_whole ? "FULL_OBJECT" : "COMPOSITE", STR_ARG(str_lower(call->arena, algorithm)));
    }
    js_put_str(call->doc, meta, "UploadChecksum", algorithm);
    js_put_str(call->doc, meta, "ChecksumType", is_whole ? STR("FULL_OBJECT") : STR("COMPOSITE"));
    return true;
}

static void show_checksum_wish(AwsCall *call, yyjson_mut_val *meta, yyjson_mut_val *output) {
    if (yyjson_mut_obj_get(meta, "UploadChecksum") != NULL) {
        js_put_str(call->doc, output, "ChecksumAlgorithm", member_text(meta, "UploadChecksum"));
        js_put_str(call->doc, output, "ChecksumType", member_text(meta, "ChecksumType"));
    }
}

bool sv_s3_create_multipart_upload(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str tags;
    Str text;
    StUpload upload;
    StLock lock;
    if (!s3_check(services, call, err) || !s3_tags_of_header(call, js_str(call->input, "Tagging"), &tags, err) ||
        !s3_lock_of_input(services, call, &lock, err)) {
        return false;
    }
    yyjson_mut_val *meta = s3_meta_of_input(call, err);
    if (meta == NULL || !s3_put_acl(services, call, meta, err) || !s3_put_encryption(services, call, meta, err)) {
        return false;
    }
    s3_lock_into_meta(call, &lock, meta);
    if (!put_checksum_wish(call, meta, err) || !s3_meta_text(call, meta, &text, err) ||
        !st_upload_create(services->store, call->arena, s3_bucket(call), s3_key(call), text, tags, &upload, err)) {
        return s3_failed(call, err);
    }
    js_put_str(call->doc, call->output, "Bucket", s3_bucket(call));
    js_put_str(call->doc, call->output, "Key", s3_key(call));
    js_put_str(call->doc, call->output, "UploadId", upload.id);
    show_checksum_wish(call, meta, call->output);
    return true;
}

/* ---- parts ---- */

static bool part_number(AwsCall *call, int64_t *ret_number, Err *err) {
    *ret_number = js_i64(call->input, "PartNumber", 0);
    return (*ret_number >= 1 && *ret_number <= S3_MOST_PARTS) ||
           s3_bad_argument(call, err, "partNumber", str_fmt(call->arena, "%lld", (long long)*ret_number),
                           "Part number must be an integer between 1 and 10000, inclusive");
}

bool sv_s3_place_upload(void *self, Arena *arena, const AwsComingUpload *coming, AwsUpload *ret_upload, Err *err) {
    SvServices *services = self;
    StComingPart part = {
        .bucket = coming->bucket, .key = coming->key, .upload = coming->upload_id, .number = coming->part <= S3_MOST_PARTS ? coming->part : 0, .size = coming->size};
    StPlace place;
    if (!st_part_place(services->store, arena, &part, &place, err)) {
        return false;
    }
    *ret_upload = (AwsUpload){.path = place.path, .offset = place.offset, .is_shared = place.is_shared};
    return true;
}

bool sv_s3_upload_part(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    AwsUpload *body = call->upload;
    StUpload upload;
    StPart part = {0};
    int64_t when_us = 0;
    if (body == NULL) {
        return err_set(err, ERR_INTERNAL, "UploadPart came without a body");
    }
    if (!part_number(call, &part.number, err) || !find_upload(services, call, &upload, err)) {
        return false;
    }
    Str wanted = str_lower(call->arena, member_text(s3_meta_read(call, upload.meta), "UploadChecksum"));
    if (wanted.len > 0 && !str_eq(wanted, body->checksum_name)) {
        return err_set(err, "InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: %.*s, actual checksum Type: %.*s", STR_ARG(wanted),
                       STR_ARG(body->checksum_name.len > 0 ? body->checksum_name : STR("null")));
    }
    yyjson_mut_val *meta = yyjson_mut_obj(call->doc);
    s3_meta_put_uploaded(call, meta);
    (void)yyjson_mut_obj_remove_key(meta, "ChecksumType"); /* a part has none */
    if (wanted.len == 0 && body->checksum_name.len > 0 && body->crc64nvme.len > 0) {
        js_put_str(call->doc, meta, UNSHOWN_CRC, body->crc64nvme);
    }
    part.etag = s3_hex(call->arena, (Str){(const char *)body->md5, sizeof body->md5});
    if (!s3_meta_text(call, meta, &part.meta, err)) {
        return s3_failed(call, err);
    }
    body->is_taken = true;
    part.size = body->size;
    StPlace place = {.path = body->path, .offset = body->offset, .is_shared = body->is_shared};
    if (!st_part_put(services->store, call->arena, s3_bucket(call), s3_key(call), upload.id, &part, &place, &when_us, err)) {
        return s3_failed(call, err);
    }
    js_put_str(call->doc, call->output, "ETag", s3_quoted(call->arena, part.etag));
    s3_show_encryption(call, s3_meta_read(call, upload.meta));
    s3_meta_show_checksums(call, meta, call->output);
    return true;
}

/* "bytes=0-9", both ends given and inside of the source. */
static bool source_range(AwsCall *call, int64_t size, S3Range *ret_range, Err *err) {
    Str text = js_str(call->input, "CopySourceRange");
    *ret_range = (S3Range){.size = size};
    if (text.len == 0) {
        return true;
    }
    int64_t last = 0;
    const char *dash = memchr(text.data, '-', text.len);
    size_t at = dash == NULL ? text.len : (size_t)(dash - text.data);
    bool has_ends = str_to_i64(str_slice(text, at + 1, text.len), &last) && at > 6;
    S3RangeKind kind = has_ends ? s3_range(text, size, ret_range) : S3_RANGE_NONE;
    if (kind == S3_RANGE_NONE) {
        return s3_bad_argument(call, err, "x-amz-copy-source-range", text,
                               "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based "
                               "offsets of the first and last bytes to copy");
    }
    if (kind == S3_RANGE_BEHIND || last >= size) {
        return s3_bad_argument(call, err, "x-amz-copy-source-range", text,
                               str_fmt(call->arena, "Range specified is not valid for source object of size: %lld", (long long)size).data);
    }
    return true;
}

/* The range's bytes at the place. */
static bool copy_range(Str from_path, const S3Range *range, const StPlace *place, Err *err) {
    int from = open(from_path.data, O_RDONLY | O_CLOEXEC);
    int to = from < 0 ? -1 : open(place->path.data, O_WRONLY | O_CREAT | O_CLOEXEC | (place->is_shared ? 0 : O_EXCL), 0600);
    bool ok = to >= 0 || err_set(err, err_io_code(errno), "copying %.*s: %s", STR_ARG(from_path), strerror(errno));
    off_t offset = range->offset;
    off_t at = place->offset;
    for (int64_t left = range->size; ok && left > 0;) {
        ssize_t got = copy_file_range(from, &offset, to, &at, (size_t)left, 0);
        ok = got > 0 || (got < 0 && errno == EINTR) ||
             err_set(err, got == 0 ? ERR_IO : err_io_code(errno), "copying %.*s: %s", STR_ARG(from_path), got == 0 ? "it is shorter than its row says" : strerror(errno));
        left -= got > 0 ? got : 0;
    }
    if (from >= 0) {
        (void)close(from);
    }
    if (to >= 0) {
        (void)close(to);
    }
    return ok;
}

/* MD5, and the checksum that the upload wants of its parts or else S3's own, of the copied bytes. */
static bool digest_part(AwsCall *call, const StUpload *upload, const StPlace *place, StPart *part, yyjson_mut_val *meta, Err *err) {
    Str wanted = str_lower(call->arena, member_text(s3_meta_read(call, upload->meta), "UploadChecksum"));
    AwsDigest which = AWS_MD5;
    wanted = wanted.len > 0 ? wanted : S3_DEFAULT_CHECKSUM;
    bool has_checksum = aws_digest_named(wanted, &which);
    AwsDigests *digests = s3_digest_file(place->path, place->offset, part->size, 1u << AWS_MD5 | 1u << which, err);
    if (digests == NULL) {
        return false;
    }
    part->etag = s3_hex(call->arena, aws_digests_get(digests, AWS_MD5));
    if (has_checksum) {
        js_put_str(call->doc, meta, s3_checksum_member(call->arena, wanted).data, aws_base64(call->arena, aws_digests_get(digests, which)));
    }
    aws_digests_free(digests);
    return true;
}

bool sv_s3_upload_part_copy(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StUpload upload;
    StObject source;
    Str source_bucket;
    S3Range range;
    StPart part = {0};
    StPlace place;
    int64_t when_us = 0;
    if (!part_number(call, &part.number, err) || !find_upload(services, call, &upload, err) ||
        !s3_copy_source(services, call, &source, &source_bucket, err) || !source_range(call, source.size, &range, err)) {
        return false;
    }
    part.size = range.size;
    StComingPart coming = {.bucket = s3_bucket(call), .key = s3_key(call), .upload = upload.id, .number = part.number, .size = part.size};
    if (!st_part_place(services->store, call->arena, &coming, &place, err)) {
        return s3_failed(call, err);
    }
    yyjson_mut_val *meta = yyjson_mut_obj(call->doc);
    if (!copy_range(source.path, &range, &place, err) || !digest_part(call, &upload, &place, &part, meta, err) ||
        !s3_meta_text(call, meta, &part.meta, err)) {
        if (!place.is_shared) {
            (void)unlink(place.path.data); /* ENOENT: it was not made */
        }
        return false;
    }
    if (!st_part_put(services->store, call->arena, s3_bucket(call), s3_key(call), upload.id, &part, &place, &when_us, err)) {
        return s3_failed(call, err);
    }
    s3_show_encryption(call, s3_meta_read(call, upload.meta));
    yyjson_mut_val *result = yyjson_mut_obj_add_obj(call->doc, call->output, "CopyPartResult");
    js_put_str(call->doc, result, "ETag", s3_quoted(call->arena, part.etag));
    js_put_time(call->doc, result, "LastModified", when_us);
    s3_meta_show_checksums(call, meta, result);
    return true;
}

bool sv_s3_list_parts(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StUpload upload;
    const StPart *parts = NULL;
    size_t count = 0;
    int64_t marker = js_i64(call->input, "PartNumberMarker", 0);
    int64_t most = js_i64(call->input, "MaxParts", S3_MOST_IN_A_PAGE);
    size_t limit = most < 0 || most > S3_MOST_IN_A_PAGE ? S3_MOST_IN_A_PAGE : (size_t)most;
    if (!find_upload(services, call, &upload, err)) {
        return false;
    }
    if (!st_part_list(services->store, call->arena, upload.id, marker, limit + 1, &parts, &count, err)) {
        return s3_failed(call, err);
    }
    size_t shown = count < limit ? count : limit;
    yyjson_mut_val *output = call->output;
    js_put_str(call->doc, output, "Bucket", s3_bucket(call));
    js_put_str(call->doc, output, "Key", s3_key(call));
    js_put_str(call->doc, output, "UploadId", upload.id);
    (void)yyjson_mut_obj_add_int(call->doc, output, "PartNumberMarker", marker);
    (void)yyjson_mut_obj_add_int(call->doc, output, "NextPartNumberMarker", shown > 0 ? parts[shown - 1].number : 0);
    (void)yyjson_mut_obj_add_int(call->doc, output, "MaxParts", (int64_t)limit);
    (void)yyjson_mut_obj_add_bool(call->doc, output, "IsTruncated", count > limit);
    js_put_str(call->doc, output, "StorageClass", STR("STANDARD"));
    s3_put_owner(services, call, output, "Initiator");
    s3_put_owner(services, call, output, "Owner");
    show_checksum_wish(call, s3_meta_read(call, upload.meta), output);
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, output, "Parts");
    for (size_t i = 0; i < shown; i++) {
        yyjson_mut_val *item = yyjson_mut_arr_add_obj(call->doc, list);
        (void)yyjson_mut_obj_add_int(call->doc, item, "PartNumber", parts[i].number);
        js_put_time(call->doc, item, "LastModified", parts[i].modified_us);
        js_put_str(call->doc, item, "ETag", s3_quoted(call->arena, parts[i].etag));
        (void)yyjson_mut_obj_add_int(call->doc, item, "Size", parts[i].size);
        s3_meta_show_checksums(call, s3_meta_read(call, parts[i].meta), item);
    }
    return true;
}

/* ---- the end ---- */

static int nibble(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The ETag that the parts of the request make; empty when one has none that is an MD5. */
static Str joined_etag(Arena *arena, yyjson_val *wanted) {
    AwsDigests *digests = aws_digests_new(1u << AWS_MD5);
    bool ok = digests != NULL;
    size_t i;
    size_t count;
    yyjson_val *part;
    yyjson_arr_foreach(wanted, i, count, part) {
        Str etag = s3_unquoted(js_str(part, "ETag"));
        char bytes[16];
        ok = ok && etag.len == 32;
        for (size_t k = 0; ok && k < 16; k++) {
            int high = nibble(etag.data[2 * k]);
            int low = nibble(etag.data[2 * k + 1]);
            ok = high >= 0 && low >= 0;
            bytes[k] = (char)(high * 16 + low);
        }
        if (ok) {
            aws_digests_add(digests, (Str){bytes, sizeof bytes});
        }
    }
    Str etag = ok ? str_fmt(arena, "%.*s-%zu", STR_ARG(s3_hex(arena, aws_digests_get(digests, AWS_MD5))), yyjson_arr_size(wanted)) : STR("");
    aws_digests_free(digests);
    return etag;
}

static const StPart *part_of(const StPart *parts, size_t count, int64_t number) {
    size_t from = 0;
    while (from < count) { /* they are in the order of their numbers */
        size_t middle = from + (count - from) / 2;
        if (parts[middle].number == number) {
            return &parts[middle];
        }
        if (parts[middle].number < number) {
            from = middle + 1;
        } else {
            count = middle;
        }
    }
    return NULL;
}

/* A checksum that the request gives of a part is that of the part. */
static bool same_checksums(AwsCall *call, yyjson_val *wanted, const StPart *part) {
    yyjson_mut_val *meta = s3_meta_read(call, part->meta);
    size_t i;
    size_t count;
    yyjson_mut_val *name;
    yyjson_mut_val *value;
    yyjson_mut_obj_foreach(meta, i, count, name, value) {
        yyjson_val *given = yyjson_obj_get(wanted, yyjson_mut_get_str(name));
        if (given != NULL && !str_eq(js_text(given), (Str){yyjson_mut_get_str(value), yyjson_mut_get_len(value)})) {
            return false;
        }
    }
    return true;
}

/* An upload whose checksum is made of those of its parts wants to hear them again. */
static bool check_named_checksums(AwsCall *call, yyjson_mut_val *meta, yyjson_val *wanted, Err *err) {
    Str algorithm = str_lower(call->arena, member_text(meta, "UploadChecksum"));
    Str member = s3_checksum_member(call->arena, algorithm);
    size_t i;
    size_t count;
    yyjson_val *item;
    if (algorithm.len == 0 || !str_eq_c(member_text(meta, "ChecksumType"), "COMPOSITE")) {
        return true;
    }
    yyjson_arr_foreach(wanted, i, count, item) {
        if (yyjson_obj_get(item, member.data) == NULL) {
            return err_set(err, "InvalidRequest",
                           "The upload was created using a %.*s checksum. The complete request must include the checksum for each part. It was missing "
                           "for part %lld in the request.",
                           STR_ARG(algorithm), (long long)js_i64(item, "PartNumber", 0));
        }
    }
    return true;
}

static bool check_order(AwsCall *call, yyjson_val *wanted, Err *err) {
    int64_t last = 0;
    size_t i;
    size_t count;
    yyjson_val *item;
    yyjson_arr_foreach(wanted, i, count, item) {
        int64_t number = js_i64(item, "PartNumber", 0);
        if (number <= last) {
            return s3_error(call, err, "InvalidPartOrder");
        }
        last = number;
    }
    return true;
}

/* The upload's parts that the request names, in its order. */
static bool choose_parts(SvServices *services, AwsCall *call, yyjson_val *wanted, const StPart **ret_parts, Err *err) {
    const StPart *all = NULL;
    size_t all_count = 0;
    if (!check_order(call, wanted, err) || !st_part_list(services->store, call->arena, upload_id(call), 0, 0, &all, &all_count, err)) {
        return s3_failed(call, err);
    }
    StPart *chosen = ARENA_ARRAY(call->arena, StPart, yyjson_arr_size(wanted));
    size_t i;
    size_t count;
    yyjson_val *item;
    yyjson_arr_foreach(wanted, i, count, item) {
        int64_t number = js_i64(item, "PartNumber", 0);
        Str etag = s3_unquoted(js_str(item, "ETag"));
        const StPart *part = part_of(all, all_count, number);
        if (part == NULL || !str_eq(part->etag, etag) || !same_checksums(call, item, part)) {
            s3_detail(call, "PartNumber", str_fmt(call->arena, "%lld", (long long)number));
            s3_detail(call, "ETag", etag);
            return s3_error(call, err, "InvalidPart");
        }
        if (i + 1 < count && part->size < S3_SMALLEST_PART) {
            s3_detail(call, "ETag", etag);
            s3_detail(call, "PartNumber", str_fmt(call->arena, "%lld", (long long)number));
            s3_detail(call, "ProposedSize", str_fmt(call->arena, "%lld", (long long)part->size));
            s3_detail(call, "MinSizeAllowed", str_fmt(call->arena, "%d", S3_SMALLEST_PART));
            return s3_error(call, err, "EntityTooSmall");
        }
        chosen[i] = *part;
    }
    *ret_parts = chosen;
    return true;
}

static Str part_checksum(AwsCall *call, const StPart *part, const char *member) {
    yyjson_mut_val *meta = s3_meta_read(call, part->meta);
    Str own = member_text(meta, member);
    return own.len == 0 && strcmp(member, "ChecksumCRC64NVME") == 0 ? member_text(meta, UNSHOWN_CRC) : own;
}

/* From the parts' own: of all their bytes, or the checksum of their checksums. */
static bool join_checksums(AwsCall *call, const StPart *parts, size_t count, AwsDigest which, const char *member, bool is_whole, Str *ret_value, Err *err) {
    AwsDigests *digests = aws_digests_new(1u << which);
    Str joined = STR("");
    bool ok = digests != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        Str bytes;
        ok = aws_base64_decode(call->arena, part_checksum(call, &parts[i], member), &bytes);
        if (ok && !is_whole) {
            aws_digests_add(digests, bytes);
        } else if (ok && i > 0) {
            ok = aws_crc_join(call->arena, which, joined, bytes, parts[i].size, &joined);
        } else if (ok) {
            joined = bytes;
        }
    }
    if (ok) {
        *ret_value = aws_base64(call->arena, is_whole ? joined : aws_digests_get(digests, which));
    }
    aws_digests_free(digests);
    return ok || err_set(err, ERR_INTERNAL, "the checksums of an upload's parts can't be joined");
}

/* Parts that were uploaded before Solder computed checksums of its own have none. */
static bool all_have(AwsCall *call, const StPart *parts, size_t count, const char *member) {
    for (size_t i = 0; i < count; i++) {
        if (part_checksum(call, &parts[i], member).len == 0) {
            return false;
        }
    }
    return true;
}

/* Puts the checksum of the whole in the place of the wish for it, or where none was wished for, S3's own. */
static bool put_checksum(AwsCall *call, const StPart *parts, size_t count, yyjson_mut_val *meta, Err *err) {
    Str wished = str_lower(call->arena, member_text(meta, "UploadChecksum"));
    Str algorithm = wished.len > 0 ? wished : S3_DEFAULT_CHECKSUM;
    bool is_whole = wished.len == 0 || str_eq_c(member_text(meta, "ChecksumType"), "FULL_OBJECT");
    AwsDigest which;
    Str member = s3_checksum_member(call->arena, algorithm);
    if (!aws_digest_named(algorithm, &which) || (wished.len == 0 && !all_have(call, parts, count, member.data))) {
        return true;
    }
    Str value;
    if (!join_checksums(call, parts, count, which, member.data, is_whole, &value, err)) {
        return false;
    }
    value = is_whole ? value : str_fmt(call->arena, "%.*s-%zu", STR_ARG(value), count);
    Str given = js_str(call->input, member.data);
    if (given.len > 0 && !str_eq(given, value)) {
        return err_set(err, "BadDigest", "The %.*s you specified did not match the calculated checksum.", STR_ARG(algorithm));
    }
    (void)yyjson_mut_obj_remove_key(meta, "UploadChecksum");
    js_put_str(call->doc, meta, member.data, value);
    js_put_str(call->doc, meta, "ChecksumType", is_whole ? STR("FULL_OBJECT") : STR("COMPOSITE"));
    return true;
}

/* Sizes, and where the upload wished for checksums, those of the parts. */
static void put_parts(AwsCall *call, const StPart *parts, size_t count, Str wished, yyjson_mut_val *meta) {
    Str algorithm = wished.len > 0 ? s3_meta_algorithm(meta) : STR("");
    Str member = s3_checksum_member(call->arena, algorithm);
    yyjson_mut_val *sizes = yyjson_mut_obj_add_arr(call->doc, meta, "PartSizes");
    yyjson_mut_val *checksums = algorithm.len == 0 ? NULL : yyjson_mut_obj_add_arr(call->doc, meta, "PartChecksums");
    for (size_t i = 0; i < count; i++) {
        (void)yyjson_mut_arr_add_int(call->doc, sizes, parts[i].size);
        if (checksums != NULL) {
            Str own = member_text(s3_meta_read(call, parts[i].meta), member.data);
            (void)yyjson_mut_arr_add_strncpy(call->doc, checksums, own.data != NULL ? own.data : "", own.len);
        }
    }
}

static void show_completed(AwsCall *call, Str etag, yyjson_mut_val *meta) {
    Str bucket = s3_bucket(call);
    Str key = aws_percent_encode(call->arena, s3_key(call));
    js_put_str(call->doc, call->output, "Location", str_fmt(call->arena, "http://%.*s/%.*s/%.*s", STR_ARG(call->host), STR_ARG(bucket), STR_ARG(key)));
    js_put_str(call->doc, call->output, "Bucket", bucket);
    js_put_str(call->doc, call->output, "Key", s3_key(call));
    js_put_str(call->doc, call->output, "ETag", s3_quoted(call->arena, etag));
    s3_meta_show_checksums(call, meta, call->output);
}

/* A client that did not get the answer asks again: the object that its parts made is there, so the answer is the same. */
static bool is_done_already(SvServices *services, AwsCall *call, Str etag) {
    StObject object;
    Err ignored = {0};
    if (!st_object_get(services->store, call->arena, s3_bucket(call), s3_key(call), &object, &ignored) || !str_eq(object.etag, etag)) {
        return false;
    }
    yyjson_mut_val *meta = s3_meta_read(call, object.meta);
    show_completed(call, etag, meta);
    s3_show_encryption(call, meta);
    s3_put_version(call, &object);
    return true;
}

static bool check_size(AwsCall *call, const StPart *parts, size_t count, Err *err) {
    int64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += parts[i].size;
    }
    int64_t given = js_i64(call->input, "MpuObjectSize", size);
    return given == size || err_set(err, "InvalidRequest", "The provided 'x-amz-mp-object-size' header value %lld does not match what was computed: %lld",
                                    (long long)given, (long long)size);
}

bool sv_s3_complete_multipart_upload(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    yyjson_val *wanted = yyjson_obj_get(yyjson_obj_get(call->input, "MultipartUpload"), "Parts");
    size_t count = yyjson_arr_size(wanted);
    StUpload upload;
    const StPart *parts = NULL;
    StPut put = {.key = s3_key(call)};
    StObject object;
    if (count == 0) {
        return s3_error(call, err, "MalformedXML");
    }
    if (!s3_check(services, call, err) || !s3_write_condition(call, &put.condition, err)) {
        return false;
    }
    put.etag = joined_etag(call->arena, wanted);
    if (!st_upload_get(services->store, call->arena, s3_bucket(call), s3_key(call), upload_id(call), &upload, err)) {
        if (err_is(err, "NoSuchUpload") && put.etag.len > 0 && is_done_already(services, call, put.etag)) {
            err_clear(err);
            return true;
        }
        return s3_failed(call, err);
    }
    yyjson_mut_val *meta = s3_meta_read(call, upload.meta);
    Str wished = member_text(meta, "UploadChecksum");
    if (!check_named_checksums(call, meta, wanted, err) || !choose_parts(services, call, wanted, &parts, err) || !check_size(call, parts, count, err) || !put_checksum(call, parts, count, meta, err)) {
        return false;
    }
    put_parts(call, parts, count, wished, meta);
    put.lock = s3_lock_out_of_meta(meta);
    put.tags = upload.tags;
    if (!s3_meta_text(call, meta, &put.meta, err) ||
        !st_upload_complete(services->store, call->arena, s3_bucket(call), upload.id, &put, parts, count, &object, err)) {
        return s3_failed(call, err);
    }
    show_completed(call, put.etag, meta);
    s3_show_encryption(call, meta);
    s3_put_version(call, &object);
    return s3_put_expiration(services, call, &object, err);
}

bool sv_s3_abort_multipart_upload(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    return s3_check(services, call, err) &&
           (st_upload_abort(services->store, s3_bucket(call), s3_key(call), upload_id(call), err) || s3_failed(call, err));
}

/* ---- listing ---- */

static void add_upload(const SvServices *services, AwsCall *call, yyjson_mut_val *uploads, const StUpload *upload) {
    yyjson_mut_val *item = yyjson_mut_arr_add_obj(call->doc, uploads);
    js_put_str(call->doc, item, "UploadId", upload->id);
    s3_put_text(call, item, "Key", upload->key);
    js_put_time(call->doc, item, "Initiated", upload->created_us);
    js_put_str(call->doc, item, "StorageClass", STR("STANDARD"));
    s3_put_owner(services, call, item, "Owner");
    s3_put_owner(services, call, item, "Initiator");
    show_checksum_wish(call, s3_meta_read(call, upload->meta), item);
}

bool sv_s3_list_multipart_uploads(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    const StUploadEntry *entries = NULL;
    size_t count = 0;
    bool more = false;
    int64_t most = js_i64(call->input, "MaxUploads", S3_MOST_IN_A_PAGE);
    StUploadPage page = {.prefix = js_str(call->input, "Prefix"),
                         .delimiter = js_str(call->input, "Delimiter"),
                         .after_key = js_str(call->input, "KeyMarker"),
                         .after_id = js_str(call->input, "UploadIdMarker"),
                         .limit = most < 1 || most > S3_MOST_IN_A_PAGE ? S3_MOST_IN_A_PAGE : (size_t)most};
    if (!s3_check(services, call, err)) {
        return false;
    }
    if (!st_upload_page(services->store, call->arena, s3_bucket(call), &page, &entries, &count, &more, err)) {
        return s3_failed(call, err);
    }
    yyjson_mut_val *output = call->output;
    js_put_str(call->doc, output, "Bucket", s3_bucket(call));
    s3_put_text(call, output, "KeyMarker", page.after_key);
    js_put_str(call->doc, output, "UploadIdMarker", page.after_id);
    s3_put_text(call, output, "Prefix", page.prefix);
    if (page.delimiter.len > 0) {
        s3_put_text(call, output, "Delimiter", page.delimiter);
    }
    (void)yyjson_mut_obj_add_int(call->doc, output, "MaxUploads", (int64_t)page.limit);
    (void)yyjson_mut_obj_add_bool(call->doc, output, "IsTruncated", more);
    yyjson_mut_val *uploads = yyjson_mut_obj_add_arr(call->doc, output, "Uploads");
    yyjson_mut_val *prefixes = yyjson_mut_obj_add_arr(call->doc, output, "CommonPrefixes");
    for (size_t i = 0; i < count; i++) {
        if (entries[i].is_prefix) {
            s3_put_text(call, yyjson_mut_arr_add_obj(call->doc, prefixes), "Prefix", entries[i].upload.key);
        } else {
            add_upload(services, call, uploads, &entries[i].upload);
        }
    }
    if (more) {
        s3_put_text(call, output, "NextKeyMarker", entries[count - 1].upload.key);
        js_put_str(call->doc, output, "NextUploadIdMarker", entries[count - 1].upload.id);
    }
    if (yyjson_obj_get(call->input, "EncodingType") != NULL) {
        js_put_str(call->doc, output, "EncodingType", STR("url"));
    }
    return true;
}
