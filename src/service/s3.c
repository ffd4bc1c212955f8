/* s3.c - see s3.h. Messages are those of Amazon S3's "Error responses" and of its answers. */
#include "service/s3.h"

#include "aws/checksum.h"

#include <string.h>

/* ---- errors ---- */

/* What stands beside the message: the request's own value of that member. */
typedef struct Words {
    const char *code;
    const char *message;
    const char *detail; /* element of the error */
    const char *member; /* of the request's input */
} Words;

static const Words WORDS[] = {
    {"AccessDenied", "Access Denied", NULL, NULL},
    {"InvalidBucketAclWithBlockPublicAccessError", "Bucket cannot have public ACLs set with BlockPublicAccess enabled", NULL, NULL},
    {"InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting", "BucketName", "Bucket"},
    {"MissingSecurityHeader", "Your request was missing a required header", NULL, NULL},
    {"UnexpectedContent", "This request does not support content", NULL, NULL},
    {"UnresolvableGrantByEmailAddress", "The e-mail address you provided does not match any account on record.", NULL, NULL},
    {"AccessControlListNotSupported", "The bucket does not allow ACLs", NULL, NULL},
    {"BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.", "BucketName", "Bucket"},
    {"BucketNotEmpty", "The bucket you tried to delete is not empty", "BucketName", "Bucket"},
    {"EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", NULL, NULL},
    {"InvalidBucketName", "The specified bucket is not valid.", "BucketName", "Bucket"},
    {"InvalidLocationConstraint", "The specified location-constraint is not valid", NULL, NULL},
    {"InvalidPart",
     "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the "
     "part's entity tag.",
     "UploadId", "UploadId"},
    {"InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.", "UploadId", "UploadId"},
    {"InvalidRange", "The requested range is not satisfiable", "RangeRequested", "Range"},
    {"InvalidURI", "Couldn't parse the specified URI.", NULL, NULL},
    {"KeyTooLongError", "Your key is too long", NULL, NULL},
    {"MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", NULL, NULL},
    {"MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size", NULL, NULL},
    {"NoSuchBucket", "The specified bucket does not exist", "BucketName", "Bucket"},
    {"NoSuchKey", "The specified key does not exist.", "Key", "Key"},
    {"NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.", "UploadId",
     "UploadId"},
    {"InvalidBucketState", "The request is not valid with the current state of the bucket.", NULL, NULL},
    {"MethodNotAllowed", "The specified method is not allowed against this resource.", NULL, NULL},
    {"NoSuchVersion", "The specified version does not exist.", "VersionId", "VersionId"},
    {"NotImplemented", "A header you provided implies functionality that is not implemented", NULL, NULL},
    {"NoSuchBucketPolicy", "The bucket policy does not exist", "BucketName", "Bucket"},
    {"NoSuchConfiguration", "The specified configuration does not exist.", NULL, NULL},
    {"NoSuchCORSConfiguration", "The CORS configuration does not exist", NULL, NULL},
    {"NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", NULL, NULL},
    {"NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration", NULL, NULL},
    {"NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found", NULL, NULL},
    {"NoSuchTagSet", "The TagSet does not exist", NULL, NULL},
    {"NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration", NULL, NULL},
    {"ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket", NULL, NULL},
    {"OwnershipControlsNotFoundError", "The bucket ownership controls were not found", NULL, NULL},
    {"TooManyConfigurations", "You are attempting to create a new configuration but have already reached the 1,000-configuration limit.", NULL, NULL},
    {"ReplicationConfigurationNotFoundError", "The replication configuration was not found", NULL, NULL},
    {"PreconditionFailed", "At least one of the pre-conditions you specified did not hold", NULL, NULL},
};

static const Words *words_of(const char *code) {
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (strcmp(WORDS[i].code, code) == 0) {
            return &WORDS[i];
        }
    }
    return NULL;
}

const char *s3_message(const char *code) {
    const Words *words = words_of(code);
    return words == NULL ? NULL : words->message;
}

void s3_detail(AwsCall *call, const char *name, Str value) {
    if (call->error_detail == NULL) {
        call->error_detail = yyjson_mut_obj(call->doc);
    }
    js_put_str(call->doc, call->error_detail, name, value);
}

void s3_error_header(AwsCall *call, const char *name, Str value) {
    if (call->error_headers == NULL) {
        call->error_headers = yyjson_mut_obj(call->doc);
    }
    js_put_str(call->doc, call->error_headers, name, value);
}

bool s3_error(AwsCall *call, Err *err, const char *code) {
    const Words *words = words_of(code);
    if (words != NULL && words->detail != NULL && yyjson_mut_obj_get(call->error_detail, words->detail) == NULL) {
        s3_detail(call, words->detail, js_str(call->input, words->member));
    }
    return err_set(err, code, "%s", words == NULL ? code : words->message);
}

bool s3_bad_argument(AwsCall *call, Err *err, const char *name, Str value, const char *message) {
    s3_detail(call, "ArgumentName", str_from_c(name));
    s3_detail(call, "ArgumentValue", value);
    return err_set(err, "InvalidArgument", "%s", message);
}

bool s3_failed(AwsCall *call, Err *err) {
    char code[ERR_CODE_MAX];
    if (words_of(err->code) == NULL) {
        return false;
    }
    memcpy(code, err->code, sizeof code);
    if (strcmp(code, "PreconditionFailed") == 0) {
        s3_detail(call, "Condition", js_str(call->input, "IfMatch").len > 0 ? STR("If-Match") : STR("If-None-Match"));
    }
    err_clear(err);
    return s3_error(call, err, code);
}

/* ---- what all requests pass ---- */

Str s3_bucket(const AwsCall *call) {
    return js_str(call->input, "Bucket");
}

Str s3_key(const AwsCall *call) {
    return js_str(call->input, "Key");
}

bool s3_is_utf8(Str text) {
    const unsigned char *bytes = (const unsigned char *)text.data;
    for (size_t i = 0; i < text.len;) {
        unsigned char c = bytes[i];
        size_t more = c < 0x80 ? 0 : c >= 0xC2 && c < 0xE0 ? 1 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xF0 && c < 0xF5 ? 3 : SIZE_MAX;
        if (more > text.len - i - 1) {
            return false;
        }
        for (size_t k = 1; k <= more; k++) {
            /* The second byte also tells overlong forms, surrogates and what is behind U+10FFFF. */
            unsigned char least = k == 1 && c == 0xE0 ? 0xA0 : k == 1 && c == 0xF0 ? 0x90 : 0x80;
            unsigned char most = k == 1 && c == 0xED ? 0x9F : k == 1 && c == 0xF4 ? 0x8F : 0xBF;
            if (bytes[i + k] < least || bytes[i + k] > most) {
                return false;
            }
        }
        i += more + 1;
    }
    return true;
}

static bool check_key(AwsCall *call, Err *err) {
    enum { LONGEST_KEY = 1024 };
    Str key = s3_key(call);
    if (!s3_is_utf8(key)) {
        return s3_error(call, err, "InvalidURI");
    }
    if (key.len > LONGEST_KEY) {
        s3_detail(call, "Size", str_fmt(call->arena, "%zu", key.len));
        s3_detail(call, "MaxSizeAllowed", str_fmt(call->arena, "%d", LONGEST_KEY));
        return s3_error(call, err, "KeyTooLongError");
    }
    return true;
}

/* Members of inputs that ask for what Solder does not have: silence would be a lie about how the bytes are kept. */
static bool check_absent_features(AwsCall *call, Err *err) {
    static const struct {
        const char *member, *header;
    } MEMBERS[] = {{"SSECustomerAlgorithm", "x-amz-server-side-encryption-customer-algorithm"},
                   {"SSECustomerKey", "x-amz-server-side-encryption-customer-key"},
                   {"CopySourceSSECustomerAlgorithm", "x-amz-copy-source-server-side-encryption-customer-algorithm"},
                   {"CopySourceSSECustomerKey", "x-amz-copy-source-server-side-encryption-customer-key"},
                   {"WriteOffsetBytes", "x-amz-write-offset-bytes"}};
    for (size_t i = 0; i < sizeof MEMBERS / sizeof MEMBERS[0]; i++) {
        if (yyjson_obj_get(call->input, MEMBERS[i].member) != NULL) {
            s3_detail(call, "Header", str_from_c(MEMBERS[i].header));
            return s3_error(call, err, "NotImplemented");
        }
    }
    if (yyjson_obj_get(call->input, "MFA") != NULL) { /* the code of no device, since there are none */
        return err_set(err, "AccessDenied", "The serial number and/or token code you provided is not valid.");
    }
    return true;
}

bool s3_check(const SvServices *services, AwsCall *call, Err *err) {
    static const char *const OWNERS[] = {"ExpectedBucketOwner", "ExpectedSourceBucketOwner"};
    for (size_t i = 0; i < 2; i++) {
        Str owner = js_str(call->input, OWNERS[i]);
        if (owner.len > 0 && !str_eq(owner, services->account)) {
            return s3_error(call, err, "AccessDenied");
        }
    }
    yyjson_val *version = yyjson_obj_get(call->input, "VersionId");
    if (version != NULL && !st_version_is_valid(js_text(version))) {
        return s3_bad_argument(call, err, "versionId", js_text(version),
                               yyjson_get_len(version) == 0 ? "Version id cannot be the empty string" : "Invalid version id specified");
    }
    return check_key(call, err) && check_absent_features(call, err);
}

Str s3_canonical_id(Arena *arena, Str account) {
    AwsDigests *digests = aws_digests_new(1u << AWS_SHA256);
    Str id = STR("");
    if (digests != NULL) {
        aws_digests_add(digests, account);
        id = s3_hex(arena, aws_digests_get(digests, AWS_SHA256));
    }
    aws_digests_free(digests);
    return id;
}

void s3_put_owner(const SvServices *services, AwsCall *call, yyjson_mut_val *object, const char *member) {
    yyjson_mut_val *owner = yyjson_mut_obj_add_obj(call->doc, object, member);
    js_put_str(call->doc, owner, "ID", s3_canonical_id(call->arena, services->account));
}

/* ---- ETags and conditions ---- */

Str s3_quoted(Arena *arena, Str etag) {
    return str_fmt(arena, "\"%.*s\"", STR_ARG(etag));
}

Str s3_unquoted(Str etag) {
    etag = str_trim(etag);
    etag = str_starts_with(etag, STR("W/")) ? str_slice(etag, 2, etag.len) : etag;
    bool is_quoted = etag.len >= 2 && etag.data[0] == '"' && etag.data[etag.len - 1] == '"';
    return is_quoted ? str_slice(etag, 1, etag.len - 1) : etag;
}

bool s3_write_condition(AwsCall *call, StCondition *ret_condition, Err *err) {
    Str none_match = js_str(call->input, "IfNoneMatch");
    Str match = js_str(call->input, "IfMatch");
    *ret_condition = (StCondition){.must_be_absent = none_match.len > 0, .etag = s3_unquoted(match)};
    if (none_match.len > 0 && (match.len > 0 || !str_eq_c(s3_unquoted(none_match), "*"))) {
        s3_detail(call, "Header", STR("If-None-Match"));
        return s3_error(call, err, "NotImplemented");
    }
    return true;
}

/* The object's ETag against a header's list; "*" is any. */
static bool matches_any(Str list, Str etag) {
    for (size_t from = 0; from <= list.len;) {
        const char *comma = from == list.len ? NULL : memchr(list.data + from, ',', list.len - from);
        size_t end = comma == NULL ? list.len : (size_t)(comma - list.data);
        Str one = s3_unquoted(str_slice(list, from, end));
        if (str_eq_c(one, "*") || str_eq(one, etag)) {
            return true;
        }
        from = end + 1;
    }
    return false;
}

static yyjson_val *prefixed(const AwsCall *call, const char *prefix, const char *name) {
    return yyjson_obj_get(call->input, str_fmt(call->arena, "%s%s", prefix, name).data);
}

/* RFC 9110, 13.2.2; times count in whole seconds, as Last-Modified shows them. */
S3Outcome s3_read_condition(const AwsCall *call, const StObject *object, const char *prefix) {
    yyjson_val *match = prefixed(call, prefix, "IfMatch");
    yyjson_val *none_match = prefixed(call, prefix, "IfNoneMatch");
    yyjson_val *modified = prefixed(call, prefix, "IfModifiedSince");
    yyjson_val *unmodified = prefixed(call, prefix, "IfUnmodifiedSince");
    double changed = (double)(object->modified_us / 1000000);
    if (match != NULL ? !matches_any(js_text(match), object->etag) : unmodified != NULL && changed > yyjson_get_num(unmodified)) {
        return S3_FAILED;
    }
    if (none_match != NULL ? matches_any(js_text(none_match), object->etag) : modified != NULL && changed <= yyjson_get_num(modified)) {
        return S3_NOT_MODIFIED;
    }
    return S3_HOLDS;
}

S3RangeKind s3_range(Str text, int64_t size, S3Range *ret_range) {
    static const Str UNIT = {"bytes=", 6};
    int64_t first = 0;
    int64_t last = size - 1;
    *ret_range = (S3Range){.size = size};
    if (!str_starts_with(text, UNIT)) {
        return S3_RANGE_NONE;
    }
    Str range = str_trim(str_slice(text, UNIT.len, text.len));
    const char *dash = range.len == 0 ? NULL : memchr(range.data, '-', range.len);
    size_t at = dash == NULL ? 0 : (size_t)(dash - range.data);
    Str left = str_trim(str_slice(range, 0, at));
    Str right = str_trim(str_slice(range, at + 1, range.len));
    bool has_right = str_to_i64(right, &last) && last >= 0;
    if (dash == NULL || (right.len > 0 && !has_right)) {
        return S3_RANGE_NONE;
    }
    if (left.len == 0) {
        if (!has_right) {
            return S3_RANGE_NONE;
        }
        first = last >= size ? 0 : size - last; /* the last so many bytes */
        if (last == 0) {
            return S3_RANGE_BEHIND;
        }
        last = size - 1;
    } else if (!str_to_i64(left, &first) || first < 0 || (has_right && last < first)) {
        return S3_RANGE_NONE;
    }
    if (first >= size) {
        return S3_RANGE_BEHIND;
    }
    last = !has_right || last >= size ? size - 1 : last;
    *ret_range = (S3Range){.offset = first, .size = last - first + 1, .is_part = true};
    return S3_RANGE_FITS;
}

/* ---- text ---- */

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

Str s3_url_decoded(Arena *arena, Str text) {
    StrBuf out = {.arena = arena};
    for (size_t i = 0; i < text.len; i++) {
        int high = text.data[i] == '%' && i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.data[i + 2]) : -1;
        strbuf_add_char(&out, low >= 0 ? (char)(high * 16 + low) : text.data[i]);
        i += low >= 0 ? 2 : 0;
    }
    return strbuf_str(&out);
}

void s3_put_text(AwsCall *call, yyjson_mut_val *object, const char *name, Str text) {
    bool is_encoded = str_eq_c(js_str(call->input, "EncodingType"), "url");
    js_put_str(call->doc, object, name, is_encoded ? aws_percent_encode(call->arena, text) : text);
}

Str s3_hex(Arena *arena, Str bytes) {
    StrBuf out = {.arena = arena};
    for (size_t i = 0; i < bytes.len; i++) {
        strbuf_fmt(&out, "%02x", (unsigned char)bytes.data[i]);
    }
    return strbuf_str(&out);
}

/* ---- the source of a copy ---- */

bool s3_copy_source(const SvServices *services, AwsCall *call, StObject *ret_source, Str *ret_bucket, Err *err) {
    Str text = js_str(call->input, "CopySource");
    const char *question = text.len == 0 ? NULL : memmem(text.data, text.len, "?versionId=", 11);
    Str version = question == NULL ? STR("") : str_slice(text, (size_t)(question - text.data) + 11, text.len);
    Str source = s3_url_decoded(call->arena, str_slice(text, 0, question == NULL ? text.len : (size_t)(question - text.data)));
    source = str_starts_with(source, STR("/")) ? str_slice(source, 1, source.len) : source;
    const char *slash = source.len == 0 ? NULL : memchr(source.data, '/', source.len);
    size_t at = slash == NULL ? source.len : (size_t)(slash - source.data);
    Str key = str_slice(source, at + 1, source.len);
    *ret_bucket = str_slice(source, 0, at);
    if (at == 0 || key.len == 0 || !s3_is_utf8(source)) {
        return s3_bad_argument(call, err, "x-amz-copy-source", text, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
    }
    if (question != NULL && !st_version_is_valid(version)) {
        return s3_bad_argument(call, err, "versionId", version, "Invalid version id specified");
    }
    StVersion found;
    bool ok = st_version_get(services->store, call->arena, *ret_bucket, key, version, &found, err);
    if (ok && found.is_marker && version.len > 0) {
        return err_set(err, "InvalidRequest", "The source of a copy request may not specifically refer to a delete marker by version id.");
    }
    if (!ok || found.is_marker) {
        (void)err_set(err, "NoSuchKey", "a delete marker");
        s3_detail(call, "BucketName", *ret_bucket);
        if (err_is(err, "NoSuchKey")) {
            s3_detail(call, "Key", key);
        }
        return s3_failed(call, err);
    }
    *ret_source = found.object;
    if (found.object.version.len > 0) {
        js_put_str(call->doc, call->output, "CopySourceVersionId", found.object.version);
    }
    if (s3_read_condition(call, ret_source, "CopySource") != S3_HOLDS) {
        s3_detail(call, "Condition", STR("x-amz-copy-source-If-*"));
        return s3_error(call, err, "PreconditionFailed");
    }
    return true;
}
