/* s3_metadata.c - see s3_metadata.h. Limits: Amazon S3 User Guide, "Working with object metadata" and "Categorizing your storage using tags". */
#include "service/s3_metadata.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MOST_METADATA = 2048, MOST_TAGS = 10, LONGEST_TAG_KEY = 128, LONGEST_TAG_VALUE = 256 };

/* Members that inputs and outputs share under one name. */
static const char *const HEADERS[] = {"CacheControl",    "ContentDisposition", "ContentEncoding", "ContentLanguage",        "ContentType",
                                      "Expires",         "Metadata",           "StorageClass",    "WebsiteRedirectLocation"};
static const char *const CHECKSUMS[] = {"ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1", "ChecksumSHA256"};

enum { HEADER_COUNT = sizeof HEADERS / sizeof HEADERS[0], CHECKSUM_COUNT = sizeof CHECKSUMS / sizeof CHECKSUMS[0] };

/* ---- headers ---- */

/* "aws-chunked" is how the body came, not what the object is. */
static Str without_chunked(Arena *arena, Str encodings) {
    StrBuf out = {.arena = arena};
    for (size_t from = 0; from <= encodings.len;) {
        const char *comma = from == encodings.len ? NULL : memchr(encodings.data + from, ',', encodings.len - from);
        size_t end = comma == NULL ? encodings.len : (size_t)(comma - encodings.data);
        Str one = str_trim(str_slice(encodings, from, end));
        if (one.len > 0 && !str_eq_nocase(one, STR("aws-chunked"))) {
            strbuf_fmt(&out, "%s%.*s", out.len > 0 ? "," : "", STR_ARG(one));
        }
        from = end + 1;
    }
    return strbuf_str(&out);
}

static bool check_metadata(AwsCall *call, yyjson_val *metadata, Err *err) {
    size_t total = 0;
    size_t i;
    size_t count;
    yyjson_val *key;
    yyjson_val *value;
    yyjson_obj_foreach(metadata, i, count, key, value) {
        total += yyjson_get_len(key) + yyjson_get_len(value);
        if (!s3_is_utf8(js_text(key)) || !s3_is_utf8(js_text(value))) {
            return err_set(err, "InvalidArgument", "The value of a x-amz-meta- header is not UTF-8");
        }
    }
    if (total > MOST_METADATA) {
        s3_detail(call, "Size", str_fmt(call->arena, "%zu", total));
        s3_detail(call, "MaxSizeAllowed", str_fmt(call->arena, "%d", MOST_METADATA));
        return s3_error(call, err, "MetadataTooLarge");
    }
    return true;
}

yyjson_mut_val *s3_meta_of_input(AwsCall *call, Err *err) {
    yyjson_mut_val *meta = yyjson_mut_obj(call->doc);
    if (!check_metadata(call, yyjson_obj_get(call->input, "Metadata"), err)) {
        return NULL;
    }
    for (size_t i = 0; i < HEADER_COUNT; i++) {
        yyjson_val *value = yyjson_obj_get(call->input, HEADERS[i]);
        Str text = js_text(value);
        if (value == NULL) {
            continue;
        }
        if (!s3_is_utf8(text)) {
            (void)err_set(err, "InvalidArgument", "The value of %s is not UTF-8", HEADERS[i]);
            return NULL;
        }
        if (strcmp(HEADERS[i], "ContentEncoding") == 0) {
            text = without_chunked(call->arena, text);
            if (text.len > 0) {
                js_put_str(call->doc, meta, HEADERS[i], text);
            }
        } else if (strcmp(HEADERS[i], "StorageClass") != 0 || !str_eq_c(text, "STANDARD")) {
            (void)yyjson_mut_obj_add_val(call->doc, meta, HEADERS[i], yyjson_val_mut_copy(call->doc, value));
        }
    }
    return meta;
}

bool s3_meta_text(AwsCall *call, const yyjson_mut_val *meta, Str *ret_text, Err *err) {
    *ret_text = js_write(call->arena, (yyjson_mut_val *)(uintptr_t)meta);
    return ret_text->len > 0 || err_set(err, ERR_INTERNAL, "an object's metadata can't be written as JSON");
}

yyjson_mut_val *s3_meta_read(AwsCall *call, Str meta) {
    yyjson_mut_val *read = meta.len == 0 ? NULL : js_parse_into(call->doc, meta);
    return yyjson_mut_is_obj(read) ? read : yyjson_mut_obj(call->doc);
}

static void copy_member(AwsCall *call, yyjson_mut_val *from, const char *name, yyjson_mut_val *to) {
    yyjson_mut_val *value = yyjson_mut_obj_get(from, name);
    if (value != NULL) {
        (void)yyjson_mut_obj_put(to, yyjson_mut_str(call->doc, name), yyjson_mut_val_mut_copy(call->doc, value));
    }
}

void s3_meta_show(AwsCall *call, yyjson_mut_val *meta, yyjson_mut_val *output) {
    js_put_str(call->doc, output, "ContentType", STR("binary/octet-stream"));
    for (size_t i = 0; i < HEADER_COUNT; i++) {
        copy_member(call, meta, HEADERS[i], output);
    }
}

void s3_meta_show_checksums(AwsCall *call, yyjson_mut_val *meta, yyjson_mut_val *output) {
    for (size_t i = 0; i < CHECKSUM_COUNT; i++) {
        copy_member(call, meta, CHECKSUMS[i], output);
    }
    copy_member(call, meta, "ChecksumType", output);
}

void s3_meta_drop_checksums(yyjson_mut_val *meta) {
    for (size_t i = 0; i < CHECKSUM_COUNT; i++) {
        (void)yyjson_mut_obj_remove_key(meta, CHECKSUMS[i]);
    }
    (void)yyjson_mut_obj_remove_key(meta, "ChecksumType");
    (void)yyjson_mut_obj_remove_key(meta, "PartChecksums");
}

void s3_meta_keep_bytes(AwsCall *call, yyjson_mut_val *from, yyjson_mut_val *to) {
    s3_meta_show_checksums(call, from, to);
    copy_member(call, from, "PartSizes", to);
    copy_member(call, from, "PartChecksums", to);
}

/* ---- checksums ---- */

Str s3_checksum_member(Arena *arena, Str algorithm) {
    Str upper = str_upper(arena, algorithm);
    return str_fmt(arena, "Checksum%.*s", STR_ARG(upper));
}

void s3_meta_put_uploaded(AwsCall *call, yyjson_mut_val *meta) {
    bool is_given = call->upload->checksum_name.len > 0;
    Str algorithm = is_given ? call->upload->checksum_name : S3_DEFAULT_CHECKSUM;
    Str value = is_given ? call->upload->checksum : call->upload->crc64nvme;
    if (value.len > 0) {
        js_put_str(call->doc, meta, s3_checksum_member(call->arena, algorithm).data, value);
        js_put_str(call->doc, meta, "ChecksumType", STR("FULL_OBJECT"));
    }
}

Str s3_meta_algorithm(yyjson_mut_val *meta) {
    for (size_t i = 0; i < CHECKSUM_COUNT; i++) {
        if (yyjson_mut_obj_get(meta, CHECKSUMS[i]) != NULL) {
            return str_from_c(CHECKSUMS[i] + strlen("Checksum"));
        }
    }
    return STR("");
}

AwsDigests *s3_digest_file(Str path, int64_t offset, int64_t size, unsigned wanted, Err *err) {
    enum { BUFFER = 1 << 16 };
    AwsDigests *digests = aws_digests_new(wanted);
    int fd = open(path.data, O_RDONLY | O_CLOEXEC);
    bool ok = (digests != NULL || err_set(err, ERR_INTERNAL, "no memory for digests")) &&
              (fd >= 0 || err_set(err, ERR_IO, "%.*s: %s", STR_ARG(path), strerror(errno)));
    char buffer[BUFFER];
    while (ok && size > 0) {
        ssize_t got = pread(fd, buffer, size < BUFFER ? (size_t)size : BUFFER, offset);
        if (got <= 0 && !(got < 0 && errno == EINTR)) {
            ok = err_set(err, ERR_IO, "%.*s: %s", STR_ARG(path), got == 0 ? "is shorter than its row says" : strerror(errno));
        } else if (got > 0) {
            aws_digests_add(digests, (Str){buffer, (size_t)got});
            offset += got;
            size -= got;
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (!ok) {
        aws_digests_free(digests);
        return NULL;
    }
    return digests;
}

/* ---- tags ---- */

static bool add_tag(AwsCall *call, yyjson_mut_val *tags, Str key, Str value, size_t most, Err *err) {
    size_t i;
    size_t count;
    yyjson_mut_val *tag;
    yyjson_mut_arr_foreach(tags, i, count, tag) {
        yyjson_mut_val *other = yyjson_mut_obj_get(tag, "Key");
        if (str_eq((Str){yyjson_mut_get_str(other), yyjson_mut_get_len(other)}, key)) {
            return err_set(err, "InvalidTag", "Cannot provide multiple Tags with the same key");
        }
    }
    if (key.len == 0 || key.len > LONGEST_TAG_KEY * 4 || !s3_is_utf8(key)) {
        return err_set(err, "InvalidTag", "The TagKey you have provided is invalid");
    }
    if (value.len > LONGEST_TAG_VALUE * 4 || !s3_is_utf8(value)) {
        return err_set(err, "InvalidTag", "The TagValue you have provided is invalid");
    }
    if (yyjson_mut_arr_size(tags) == most) {
        return err_set(err, "BadRequest", "Object tags cannot be greater than %zu", most);
    }
    yyjson_mut_val *added = yyjson_mut_arr_add_obj(call->doc, tags);
    js_put_str(call->doc, added, "Key", key);
    js_put_str(call->doc, added, "Value", value);
    return true;
}

static Str tags_text(AwsCall *call, yyjson_mut_val *tags) {
    return yyjson_mut_arr_size(tags) == 0 ? STR("") : js_write(call->arena, tags);
}

static bool tags_of(AwsCall *call, yyjson_val *tag_set, size_t most, Str *ret_tags, Err *err) {
    yyjson_mut_val *tags = yyjson_mut_arr(call->doc);
    size_t i;
    size_t count;
    yyjson_val *tag;
    yyjson_arr_foreach(tag_set, i, count, tag) {
        if (!add_tag(call, tags, js_str(tag, "Key"), js_str(tag, "Value"), most, err)) {
            return false;
        }
    }
    *ret_tags = tags_text(call, tags);
    return true;
}

bool s3_tags_of_set(AwsCall *call, yyjson_val *tag_set, Str *ret_tags, Err *err) {
    return tags_of(call, tag_set, MOST_TAGS, ret_tags, err);
}

bool s3_tags_of_bucket(AwsCall *call, yyjson_val *tag_set, Str *ret_tags, Err *err) {
    return tags_of(call, tag_set, SIZE_MAX, ret_tags, err);
}

/* A form's text: '+' is a blank. */
static Str form_text(Arena *arena, Str text) {
    char *copy = str_to_c(arena, text);
    for (size_t i = 0; i < text.len; i++) {
        copy[i] = copy[i] == '+' ? ' ' : copy[i];
    }
    return s3_url_decoded(arena, (Str){copy, text.len});
}

bool s3_tags_of_header(AwsCall *call, Str header, Str *ret_tags, Err *err) {
    yyjson_mut_val *tags = yyjson_mut_arr(call->doc);
    for (size_t from = 0; from < header.len;) {
        const char *amp = memchr(header.data + from, '&', header.len - from);
        size_t end = amp == NULL ? header.len : (size_t)(amp - header.data);
        Str pair = str_slice(header, from, end);
        const char *equals = pair.len == 0 ? NULL : memchr(pair.data, '=', pair.len);
        size_t at = equals == NULL ? pair.len : (size_t)(equals - pair.data);
        Str key = form_text(call->arena, str_slice(pair, 0, at));
        if (pair.len > 0 && !add_tag(call, tags, key, form_text(call->arena, str_slice(pair, at + 1, pair.len)), MOST_TAGS, err)) {
            return false;
        }
        from = end + 1;
    }
    *ret_tags = tags_text(call, tags);
    return true;
}
