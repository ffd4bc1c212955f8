/* s3_settings.c - S3: what a bucket is told by documents: CORS, policy, lifecycle, encryption, tags …, one row each.
 *
 * A setting is kept as the JSON of its document (store/versions.h) and answered as it came. What a bucket says that was told nothing is AWS's: an error
 * by name, an empty document, or the default that new buckets have there. Invariant: what is kept passed its check, so that those who act on it
 * (s3_cors.c, s3_lifecycle.c) meet well-formed documents alone.
 */
#include "service/s3_settings.h"

#include "aws/model.h"
#include "service/policy.h"
#include "service/s3_metadata.h"

#include <string.h>

typedef struct Setting {
    const char *name; /* of the row in the store */
    const char *get, *put, *delete; /* operations; NULL: there is none */
    const char *member; /* of Put's input, and of Get's output when is_whole; else the output has the document's members */
    bool is_whole;
    const char *absent;  /* error when nothing was set; NULL: the default is answered */
    const char *initial; /* JSON; NULL: an empty document */
    bool stays_deleted;  /* deleting it is not going back to the default */
    bool (*check)(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err);
} Setting;

static bool malformed(AwsCall *call, Err *err) {
    return s3_error(call, err, "MalformedXML");
}

/* ---- checks ---- */

static bool check_tags(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err) {
    (void)services;
    Str ignored;
    yyjson_val *tags = yyjson_obj_get(yyjson_obj_get(call->input, "Tagging"), "TagSet");
    (void)document;
    return yyjson_arr_size(tags) > S3_MOST_BUCKET_TAGS ? err_set(err, "BadRequest", "Bucket tag count cannot be greater than %d", S3_MOST_BUCKET_TAGS)
                                                       : s3_tags_of_bucket(call, tags, &ignored, err);
}

static bool check_encryption(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err) {
    (void)services;
    yyjson_mut_val *rules = yyjson_mut_obj_get(document, "Rules");
    yyjson_mut_val *by_default = yyjson_mut_obj_get(yyjson_mut_arr_get_first(rules), "ApplyServerSideEncryptionByDefault");
    Str algorithm = js_mut_text(yyjson_mut_obj_get(by_default, "SSEAlgorithm"));
    if (yyjson_mut_arr_size(rules) != 1) {
        return malformed(call, err);
    }
    if (yyjson_mut_obj_get(by_default, "KMSMasterKeyID") != NULL && !str_starts_with(algorithm, STR("aws:kms"))) {
        return s3_bad_argument(call, err, "KMSMasterKeyID", STR(""), "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms");
    }
    return true;
}

static bool check_ownership(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err) {
    (void)services;
    yyjson_mut_val *rules = yyjson_mut_obj_get(document, "Rules");
    return yyjson_mut_arr_size(rules) == 1 || malformed(call, err);
}

static bool check_cors(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err) {
    (void)services;
    static const char *const METHODS[] = {"GET", "PUT", "HEAD", "POST", "DELETE"};
    size_t i;
    size_t count;
    yyjson_mut_val *rule;
    yyjson_mut_val *rules = yyjson_mut_obj_get(document, "CORSRules");
    if (yyjson_mut_arr_size(rules) == 0 || yyjson_mut_arr_size(rules) > 100) {
        return malformed(call, err);
    }
    yyjson_mut_arr_foreach(rules, i, count, rule) {
        size_t k;
        size_t size;
        yyjson_mut_val *item;
        yyjson_mut_arr_foreach(yyjson_mut_obj_get(rule, "AllowedMethods"), k, size, item) {
            bool is_known = false;
            for (size_t m = 0; m < sizeof METHODS / sizeof METHODS[0]; m++) {
                is_known = is_known || str_eq_c(js_mut_text(item), METHODS[m]);
            }
            if (!is_known) {
                return err_set(err, "InvalidRequest", "Found unsupported HTTP method in CORS config. Unsupported method is %.*s", STR_ARG(js_mut_text(item)));
            }
        }
        static const char *const PATTERNS[] = {"AllowedOrigins", "AllowedHeaders"};
        for (size_t p = 0; p < 2; p++) {
            yyjson_mut_arr_foreach(yyjson_mut_obj_get(rule, PATTERNS[p]), k, size, item) {
                Str text = js_mut_text(item);
                const char *star = text.len == 0 ? NULL : memchr(text.data, '*', text.len);
                if (star != NULL && memchr(star + 1, '*', text.len - (size_t)(star - text.data) - 1) != NULL) {
                    return err_set(err, "InvalidRequest", "%s \"%.*s\" can not have more than one wildcard.",
                                   p == 0 ? "AllowedOrigin" : "AllowedHeader", STR_ARG(text));
                }
            }
        }
    }
    return true;
}

static bool check_policy(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err) {
    (void)services;
    return policy_check(js_mut_text(document), s3_bucket(call), err);
}

/* ---- the rows ---- */

static const Setting SETTINGS[] = {
    {"cors", "GetBucketCors", "PutBucketCors", "DeleteBucketCors", "CORSConfiguration", false, "NoSuchCORSConfiguration", NULL, false, check_cors},
    {"lifecycle", "GetBucketLifecycleConfiguration", "PutBucketLifecycleConfiguration", "DeleteBucketLifecycle", "LifecycleConfiguration", false,
     "NoSuchLifecycleConfiguration", NULL, false, s3_check_lifecycle},
    {"policy", "GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy", "Policy", true, "NoSuchBucketPolicy", NULL, false, check_policy},
    {"tagging", "GetBucketTagging", "PutBucketTagging", "DeleteBucketTagging", "Tagging", false, "NoSuchTagSet", NULL, false, check_tags},
    {"encryption", "GetBucketEncryption", "PutBucketEncryption", "DeleteBucketEncryption", "ServerSideEncryptionConfiguration", true, NULL,
     "{\"Rules\":[{\"ApplyServerSideEncryptionByDefault\":{\"SSEAlgorithm\":\"AES256\"},\"BucketKeyEnabled\":false}]}", false, check_encryption},
    {"public-access-block", "GetPublicAccessBlock", "PutPublicAccessBlock", "DeletePublicAccessBlock", "PublicAccessBlockConfiguration", true,
     "NoSuchPublicAccessBlockConfiguration",
     "{\"BlockPublicAcls\":true,\"IgnorePublicAcls\":true,\"BlockPublicPolicy\":true,\"RestrictPublicBuckets\":true}", true, NULL},
    {"ownership", "GetBucketOwnershipControls", "PutBucketOwnershipControls", "DeleteBucketOwnershipControls", "OwnershipControls", true,
     "OwnershipControlsNotFoundError", "{\"Rules\":[{\"ObjectOwnership\":\"BucketOwnerEnforced\"}]}", true, check_ownership},
    {"website", "GetBucketWebsite", "PutBucketWebsite", "DeleteBucketWebsite", "WebsiteConfiguration", false, "NoSuchWebsiteConfiguration", NULL, false,
     s3_check_website},
    {"replication", "GetBucketReplication", "PutBucketReplication", "DeleteBucketReplication", "ReplicationConfiguration", true,
     "ReplicationConfigurationNotFoundError", NULL, false, s3_check_replication},
    {"logging", "GetBucketLogging", "PutBucketLogging", NULL, "BucketLoggingStatus", false, NULL, NULL, false, s3_check_logging},
    {"notification", "GetBucketNotificationConfiguration", "PutBucketNotificationConfiguration", NULL, "NotificationConfiguration", false, NULL, NULL, false,
     s3_check_notifications},
    {"accelerate", "GetBucketAccelerateConfiguration", "PutBucketAccelerateConfiguration", NULL, "AccelerateConfiguration", false, NULL, NULL, false,
     s3_check_acceleration},
    {"request-payment", "GetBucketRequestPayment", "PutBucketRequestPayment", NULL, "RequestPaymentConfiguration", false, NULL,
     "{\"Payer\":\"BucketOwner\"}", false, NULL},
};

static bool is_named(const char *operation, const AwsCall *call) {
    return operation != NULL && strcmp(operation, call->operation->name) == 0;
}

static const Setting *setting_of(const AwsCall *call) {
    for (size_t i = 0; i < sizeof SETTINGS / sizeof SETTINGS[0]; i++) {
        if (is_named(SETTINGS[i].get, call) || is_named(SETTINGS[i].put, call) || is_named(SETTINGS[i].delete, call)) {
            return &SETTINGS[i];
        }
    }
    return NULL;
}

/* ---- the three operations ---- */

static bool answer(SvServices *services, AwsCall *call, const Setting *setting, Err *err) {
    static const Str DELETED = {"null", 4};
    Str json = STR("");
    if (!st_bucket_setting_get(services->store, call->arena, s3_bucket(call), str_from_c(setting->name), &json, err)) {
        return s3_failed(call, err);
    }
    if (str_eq(json, DELETED) || (json.len == 0 && setting->initial == NULL && setting->absent != NULL)) {
        s3_detail(call, "BucketName", s3_bucket(call));
        return s3_error(call, err, setting->absent);
    }
    json = json.len > 0 ? json : str_from_c(setting->initial != NULL ? setting->initial : "{}");
    yyjson_mut_val *document = js_parse_into(call->doc, json);
    if (document == NULL) {
        return err_set(err, ERR_INTERNAL, "the setting %s of a bucket can't be read", setting->name);
    }
    if (setting->is_whole) {
        return yyjson_mut_obj_add_val(call->doc, call->output, setting->member, document);
    }
    size_t i;
    size_t count;
    yyjson_mut_val *key;
    yyjson_mut_val *value;
    yyjson_mut_obj_foreach(document, i, count, key, value) {
        (void)yyjson_mut_obj_add_val(call->doc, call->output, yyjson_mut_get_str(key), yyjson_mut_val_mut_copy(call->doc, value));
    }
    return true;
}

static bool keep(SvServices *services, AwsCall *call, const Setting *setting, Err *err) {
    yyjson_mut_val *document = yyjson_val_mut_copy(call->doc, yyjson_obj_get(call->input, setting->member));
    if (document == NULL) {
        return malformed(call, err);
    }
    if (setting->check != NULL && !setting->check(services, call, document, err)) {
        return false;
    }
    Str json = js_write(call->arena, document);
    if (json.len == 0) {
        return malformed(call, err);
    }
    return st_bucket_setting_put(services->store, s3_bucket(call), str_from_c(setting->name), json, err) || s3_failed(call, err);
}

static bool drop(SvServices *services, AwsCall *call, const Setting *setting, Err *err) {
    Str name = str_from_c(setting->name);
    bool ok = setting->stays_deleted ? st_bucket_setting_put(services->store, s3_bucket(call), name, STR("null"), err)
                                     : st_bucket_setting_delete(services->store, s3_bucket(call), name, err);
    return ok || s3_failed(call, err);
}

bool s3_serve_setting(SvServices *services, AwsCall *call, Err *err) {
    const Setting *setting = setting_of(call);
    if (setting == NULL) {
        return err_set(err, ERR_INTERNAL, "an operation has no row among the settings");
    }
    if (!s3_check(services, call, err)) {
        return false;
    }
    return is_named(setting->put, call)      ? keep(services, call, setting, err)
           : is_named(setting->delete, call) ? drop(services, call, setting, err)
                                             : answer(services, call, setting, err);
}

#define BY_ROW(handler)                                                                                                                              \
    bool handler(void *self, AwsCall *call, Err *err) {                                                                                              \
        return s3_serve_setting(self, call, err);                                                                                                    \
    }

BY_ROW(sv_s3_get_bucket_cors)
BY_ROW(sv_s3_put_bucket_cors)
BY_ROW(sv_s3_delete_bucket_cors)
BY_ROW(sv_s3_get_bucket_lifecycle_configuration)
BY_ROW(sv_s3_put_bucket_lifecycle_configuration)
BY_ROW(sv_s3_delete_bucket_lifecycle)
BY_ROW(sv_s3_get_bucket_policy)
BY_ROW(sv_s3_delete_bucket_policy)
BY_ROW(sv_s3_get_bucket_tagging)
BY_ROW(sv_s3_put_bucket_tagging)
BY_ROW(sv_s3_delete_bucket_tagging)
BY_ROW(sv_s3_get_bucket_encryption)
BY_ROW(sv_s3_put_bucket_encryption)
BY_ROW(sv_s3_delete_bucket_encryption)
BY_ROW(sv_s3_get_public_access_block)
BY_ROW(sv_s3_put_public_access_block)
BY_ROW(sv_s3_delete_public_access_block)
BY_ROW(sv_s3_get_bucket_ownership_controls)
BY_ROW(sv_s3_delete_bucket_ownership_controls)
BY_ROW(sv_s3_get_bucket_website)
BY_ROW(sv_s3_put_bucket_website)
BY_ROW(sv_s3_delete_bucket_website)
BY_ROW(sv_s3_get_bucket_replication)
BY_ROW(sv_s3_put_bucket_replication)
BY_ROW(sv_s3_delete_bucket_replication)
BY_ROW(sv_s3_get_bucket_logging)
BY_ROW(sv_s3_put_bucket_logging)
BY_ROW(sv_s3_get_bucket_notification_configuration)
BY_ROW(sv_s3_put_bucket_notification_configuration)
BY_ROW(sv_s3_get_bucket_accelerate_configuration)
BY_ROW(sv_s3_put_bucket_accelerate_configuration)
BY_ROW(sv_s3_get_bucket_request_payment)
BY_ROW(sv_s3_put_bucket_request_payment)

/* ---- encryption of objects ---- */

bool s3_put_encryption(SvServices *services, AwsCall *call, yyjson_mut_val *meta, Err *err) {
    static const char *const MEMBERS[] = {"ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled"};
    if (yyjson_obj_get(call->input, "ServerSideEncryption") == NULL) {
        Str json = STR("");
        if (!st_bucket_setting_get(services->store, call->arena, s3_bucket(call), STR("encryption"), &json, err)) {
            return s3_failed(call, err);
        }
        yyjson_mut_val *rule = json.len == 0 ? NULL : yyjson_mut_arr_get_first(yyjson_mut_obj_get(js_parse_into(call->doc, json), "Rules"));
        yyjson_mut_val *by_default = yyjson_mut_obj_get(rule, "ApplyServerSideEncryptionByDefault");
        yyjson_mut_val *values[] = {yyjson_mut_obj_get(by_default, "SSEAlgorithm"), yyjson_mut_obj_get(by_default, "KMSMasterKeyID"),
                                    yyjson_mut_get_bool(yyjson_mut_obj_get(rule, "BucketKeyEnabled")) ? yyjson_mut_true(call->doc) : NULL};
        for (size_t i = 0; i < 3; i++) {
            (void)yyjson_mut_obj_remove_key(meta, MEMBERS[i]);
            if (values[i] != NULL) {
                (void)yyjson_mut_obj_add_val(call->doc, meta, MEMBERS[i], yyjson_mut_val_mut_copy(call->doc, values[i]));
            }
        }
    } else {
        for (size_t i = 0; i < 3; i++) {
            yyjson_val *value = yyjson_obj_get(call->input, MEMBERS[i]);
            (void)yyjson_mut_obj_remove_key(meta, MEMBERS[i]);
            if (value != NULL) {
                (void)yyjson_mut_obj_add_val(call->doc, meta, MEMBERS[i], yyjson_val_mut_copy(call->doc, value));
            }
        }
    }
    if (yyjson_mut_obj_get(meta, "SSEKMSKeyId") != NULL && !str_starts_with(js_mut_text(yyjson_mut_obj_get(meta, "ServerSideEncryption")), STR("aws:kms"))) {
        return s3_bad_argument(call, err, "x-amz-server-side-encryption", js_str(call->input, "ServerSideEncryption"),
                               "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms");
    }
    s3_show_encryption(call, meta);
    return true;
}

/* What has no word about it, as the engine's files, has what buckets have that were told nothing. */
void s3_show_encryption(AwsCall *call, yyjson_mut_val *meta) {
    static const char *const MEMBERS[] = {"ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled"};
    js_put_str(call->doc, call->output, MEMBERS[0], STR("AES256"));
    for (size_t i = 0; i < sizeof MEMBERS / sizeof MEMBERS[0]; i++) {
        yyjson_mut_val *value = yyjson_mut_obj_get(meta, MEMBERS[i]);
        if (value != NULL) {
            (void)yyjson_mut_obj_put(call->output, yyjson_mut_str(call->doc, MEMBERS[i]), yyjson_mut_val_mut_copy(call->doc, value));
        }
    }
}
