/* s3_condition_keys.c - the condition keys of bucket policies: what a request says of each; see s3_access.h.
 *
 * Sources: Service Authorization Reference, "Condition keys for Amazon S3"; IAM User Guide, "AWS global condition context keys". A key without a row is
 * absent, as one that AWS has not put into a request. Text is NULL, not empty, where a key is absent: an empty prefix is one.
 */
#include "service/s3_access.h"
#include "service/s3_metadata.h"

#include "aws/request.h"
#include "base/vec.h"

#include <math.h>
#include <string.h>
#include <time.h>

typedef struct Row {
    const char *key;
    Str (*text)(const S3Subject *subject, const char *name);
    const char *name; /* of what the function looks at */
} Row;

static const Str ABSENT = {NULL, 0};

/* ---- members of the input ---- */

static Str text_of(const S3Subject *subject, yyjson_val *value) {
    if (value == NULL || yyjson_is_obj(value) || yyjson_is_arr(value)) {
        return ABSENT;
    }
    return yyjson_is_str(value) ? (Str){yyjson_get_str(value), yyjson_get_len(value)} : js_write_val(subject->call->arena, value);
}

static Str of_input(const S3Subject *subject, const char *name) {
    return text_of(subject, yyjson_obj_get(subject->call->input, name));
}

/* "bucket/key", however the header wrote it. */
static Str copy_source(const S3Subject *subject, const char *name) {
    Str text = of_input(subject, name);
    if (text.data == NULL) {
        return ABSENT;
    }
    text = s3_url_decoded(subject->call->arena, text);
    return str_starts_with(text, STR("/")) ? str_slice(text, 1, text.len) : text;
}

/* Of a PutObject's header, or of the document of PutObjectRetention and PutObjectLegalHold: "ObjectLockMode Retention.Mode". */
static yyjson_val *lock_member(const S3Subject *subject, const char *header, const char *document, const char *member) {
    yyjson_val *value = yyjson_obj_get(subject->call->input, header);
    return value != NULL ? value : yyjson_obj_get(yyjson_obj_get(subject->call->input, document), member);
}

static Str lock_mode(const S3Subject *subject, const char *name) {
    return text_of(subject, lock_member(subject, name, "Retention", "Mode"));
}

static Str legal_hold(const S3Subject *subject, const char *name) {
    return text_of(subject, lock_member(subject, name, "LegalHold", "Status"));
}

static Str retain_until(const S3Subject *subject, const char *name) {
    yyjson_val *until = lock_member(subject, name, "Retention", "RetainUntilDate");
    return until == NULL ? ABSENT : aws_time_iso(subject->call->arena, yyjson_get_num(until));
}

static Str retention_days(const S3Subject *subject, const char *name) {
    yyjson_val *until = lock_member(subject, name, "Retention", "RetainUntilDate");
    double days = until == NULL ? 0 : floor((yyjson_get_num(until) - (double)time(NULL)) / 86400);
    return until == NULL ? ABSENT : str_fmt(subject->call->arena, "%.0f", days);
}

/* ---- the caller and the way ---- */

static Str given(Str text) {
    return text.len == 0 ? ABSENT : text;
}

static Str literal(const S3Subject *subject, const char *name) {
    (void)subject;
    return str_from_c(name);
}

/* Members of the AwsCaller: what signing and the connection say. */
static Str of_caller(const S3Subject *subject, const char *name) {
    const AwsCaller *caller = subject->call->caller;
    const struct {
        const char *name;
        Str text;
    } members[] = {{"address", caller->address},
                   {"user_agent", caller->user_agent},
                   {"referer", caller->referer},
                   {"content_sha256", caller->content_sha256},
                   {"auth_type", str_from_c(caller->auth_type)},
                   {"signature_version", str_from_c(caller->signature_version)},
                   {"tls_version", str_from_c(caller->tls_version)}};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (strcmp(members[i].name, name) == 0) {
            return given(members[i].text);
        }
    }
    return ABSENT;
}

static Str is_sheltered(const S3Subject *subject, const char *name) {
    (void)name;
    return subject->call->caller->is_sheltered ? STR("true") : STR("false");
}

static double now(void) {
    struct timespec clock;
    (void)clock_gettime(CLOCK_REALTIME, &clock);
    return (double)clock.tv_sec + (double)clock.tv_nsec / 1e9;
}

static Str signature_age(const S3Subject *subject, const char *name) {
    double at = 0;
    (void)name;
    return aws_time_parse(subject->call->caller->signed_date, &at) ? str_fmt(subject->call->arena, "%.0f", (now() - at) * 1000) : ABSENT;
}

static Str current_time(const S3Subject *subject, const char *name) {
    (void)name;
    return aws_time_iso(subject->call->arena, now());
}

static Str epoch_time(const S3Subject *subject, const char *name) {
    (void)name;
    return str_fmt(subject->call->arena, "%.0f", floor(now()));
}

static Str principal_arn(const S3Subject *subject, const char *name) {
    (void)name;
    return subject->principal == NULL ? ABSENT : subject->role_arn.len > 0 ? subject->role_arn : subject->principal->arn;
}

static Str principal_account(const S3Subject *subject, const char *name) {
    (void)name;
    return subject->principal == NULL ? ABSENT : subject->call->account;
}

static Str principal_type(const S3Subject *subject, const char *name) {
    (void)name;
    return subject->principal == NULL         ? STR("Anonymous")
           : subject->principal->is_root      ? STR("Account")
           : subject->role_arn.len > 0        ? STR("AssumedRole")
                                              : STR("User");
}

static Str user_name(const S3Subject *subject, const char *name) {
    (void)name;
    return subject->principal == NULL ? ABSENT : given(subject->principal->user_name);
}

static Str user_id(const S3Subject *subject, const char *name) {
    (void)name;
    return subject->principal == NULL ? STR("anonymous") : subject->principal->user_id;
}

/* Nobody here has a second factor; a lasting key does not even say so. */
static Str has_mfa(const S3Subject *subject, const char *name) {
    (void)name;
    return subject->principal != NULL && subject->principal->is_temporary ? STR("false") : ABSENT;
}

static Str account(const S3Subject *subject, const char *name) {
    (void)name;
    return subject->call->account;
}

static Str region(const S3Subject *subject, const char *name) {
    (void)name;
    return subject->call->region;
}

static const Row ROWS[] = {
    {"aws:currenttime", current_time, NULL},
    {"aws:epochtime", epoch_time, NULL},
    {"aws:multifactorauthpresent", has_mfa, NULL},
    {"aws:principalaccount", principal_account, NULL},
    {"aws:principalarn", principal_arn, NULL},
    {"aws:principalisawsservice", literal, "false"},
    {"aws:principaltype", principal_type, NULL},
    {"aws:referer", of_caller, "referer"},
    {"aws:requestedregion", region, NULL},
    {"aws:resourceaccount", account, NULL},
    {"aws:securetransport", is_sheltered, NULL},
    {"aws:sourceip", of_caller, "address"},
    {"aws:useragent", of_caller, "user_agent"},
    {"aws:userid", user_id, NULL},
    {"aws:username", user_name, NULL},
    {"aws:viaawsservice", literal, "false"},
    {"s3:authtype", of_caller, "auth_type"},
    {"s3:delimiter", of_input, "Delimiter"},
    {"s3:if-match", of_input, "IfMatch"},
    {"s3:if-none-match", of_input, "IfNoneMatch"},
    {"s3:max-keys", of_input, "MaxKeys"},
    {"s3:object-lock-legal-hold", legal_hold, "ObjectLockLegalHoldStatus"},
    {"s3:object-lock-mode", lock_mode, "ObjectLockMode"},
    {"s3:object-lock-remaining-retention-days", retention_days, "ObjectLockRetainUntilDate"},
    {"s3:object-lock-retain-until-date", retain_until, "ObjectLockRetainUntilDate"},
    {"s3:prefix", of_input, "Prefix"},
    {"s3:resourceaccount", account, NULL},
    {"s3:signatureage", signature_age, NULL},
    {"s3:signatureversion", of_caller, "signature_version"},
    {"s3:tlsversion", of_caller, "tls_version"},
    {"s3:x-amz-acl", of_input, "ACL"},
    {"s3:x-amz-content-sha256", of_caller, "content_sha256"},
    {"s3:x-amz-copy-source", copy_source, "CopySource"},
    {"s3:x-amz-grant-full-control", of_input, "GrantFullControl"},
    {"s3:x-amz-grant-read", of_input, "GrantRead"},
    {"s3:x-amz-grant-read-acp", of_input, "GrantReadACP"},
    {"s3:x-amz-grant-write", of_input, "GrantWrite"},
    {"s3:x-amz-grant-write-acp", of_input, "GrantWriteACP"},
    {"s3:x-amz-metadata-directive", of_input, "MetadataDirective"},
    {"s3:x-amz-object-ownership", of_input, "ObjectOwnership"},
    {"s3:x-amz-server-side-encryption", of_input, "ServerSideEncryption"},
    {"s3:x-amz-server-side-encryption-aws-kms-key-id", of_input, "SSEKMSKeyId"},
    {"s3:x-amz-server-side-encryption-customer-algorithm", of_input, "SSECustomerAlgorithm"},
    {"s3:x-amz-storage-class", of_input, "StorageClass"},
    {"s3:x-amz-website-redirect-location", of_input, "WebsiteRedirectLocation"},
};

/* ---- tags ---- */

/* Of the object that is there, as its row has them; NULL: none. */
static yyjson_mut_val *existing_tags(const S3Subject *subject) {
    StVersion version;
    Err ignored = {0};
    bool ok = subject->key.len > 0 && st_version_get(subject->services->store, subject->call->arena, subject->bucket, subject->key, subject->version, &version,
                                                     &ignored);
    return ok && version.object.tags.len > 0 ? js_parse_into(subject->call->doc, version.object.tags) : NULL;
}

/* Those that the request gives: of a header, or of a document. */
static yyjson_mut_val *asked_tags(const S3Subject *subject) {
    yyjson_val *tagging = yyjson_obj_get(subject->call->input, "Tagging");
    Str json = STR("");
    Err ignored = {0};
    if (yyjson_is_obj(tagging)) {
        return yyjson_val_mut_copy(subject->call->doc, yyjson_obj_get(tagging, "TagSet"));
    }
    bool ok = tagging != NULL && s3_tags_of_header(subject->call, js_text(tagging), &json, &ignored);
    return ok && json.len > 0 ? js_parse_into(subject->call->doc, json) : NULL;
}

static Str tag_value(yyjson_mut_val *tags, Str key) {
    size_t i;
    size_t count;
    yyjson_mut_val *tag;
    yyjson_mut_arr_foreach(tags, i, count, tag) {
        if (str_eq(js_mut_text(yyjson_mut_obj_get(tag, "Key")), key)) {
            Str value = js_mut_text(yyjson_mut_obj_get(tag, "Value"));
            return value.data != NULL ? value : STR("");
        }
    }
    return ABSENT;
}

static size_t tag_keys(Arena *arena, yyjson_mut_val *tags, const Str **ret_values) {
    VEC(Str) keys = {.arena = arena};
    size_t i;
    size_t count;
    yyjson_mut_val *tag;
    yyjson_mut_arr_foreach(tags, i, count, tag) {
        VEC_PUSH(&keys, js_mut_text(yyjson_mut_obj_get(tag, "Key")));
    }
    *ret_values = keys.items;
    return keys.count;
}

/* "s3:existingobjecttag/<key>" and its like. */
static Str tag_text(const S3Subject *subject, Str key) {
    static const Str EXISTING = {"s3:existingobjecttag/", 21};
    static const Str ASKED[] = {{"s3:requestobjecttag/", 20}, {"aws:requesttag/", 15}};
    if (str_starts_with(key, EXISTING)) {
        return tag_value(existing_tags(subject), str_slice(key, EXISTING.len, key.len));
    }
    for (size_t i = 0; i < 2; i++) {
        if (str_starts_with(key, ASKED[i])) {
            return tag_value(asked_tags(subject), str_slice(key, ASKED[i].len, key.len));
        }
    }
    return ABSENT;
}

size_t s3_condition_values(void *self, Str key, const Str **ret_values) {
    const S3Subject *subject = self;
    Str text = ABSENT;
    bool is_found = false;
    if (str_eq_c(key, "s3:requestobjecttagkeys") || str_eq_c(key, "aws:tagkeys")) {
        return tag_keys(subject->call->arena, asked_tags(subject), ret_values);
    }
    if (str_eq_c(key, "s3:versionid")) { /* of the item or the source, where there are several */
        text = given(subject->version);
        is_found = true;
    }
    for (size_t i = 0; !is_found && i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (str_eq_c(key, ROWS[i].key)) {
            text = ROWS[i].text(subject, ROWS[i].name);
            is_found = true;
        }
    }
    text = is_found ? text : tag_text(subject, key);
    if (text.data == NULL) {
        return 0;
    }
    Str *value = ARENA_NEW(subject->call->arena, Str);
    *value = text;
    *ret_values = value;
    return 1;
}
