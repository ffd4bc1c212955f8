/* s3_settings_checks.c - S3: the checks of documents that are kept for AWS's own machinery: website, logging, replication, notifications, acceleration.
 *
 * Called from the rows of s3_settings.c, before a document is kept. What such a document asks for (events, copies in other buckets, access logs, pages) is
 * not done here; it is refused where S3 refuses it, so that a mistake is met here and not at AWS. Sources: Amazon S3 API Reference, PutBucketWebsite
 * and its neighbours, and the messages that S3 answers. Invariant: a document changes only by the Ids that S3 gives to what came without one.
 */
#include "service/s3_settings.h"

#include <string.h>

enum { MOST_ROUTING_RULES = 50, MOST_REPLICATION_RULES = 1000, LONGEST_ID = 255 };

static const Str BUCKET_ARN = {"arn:aws:s3:::", 13};

static Str text_of(yyjson_mut_val *object, const char *name) {
    return js_mut_text(yyjson_mut_obj_get(object, name));
}

/* One more of what the request makes; unique in the document. */
static void give_id(AwsCall *call, yyjson_mut_val *object, const char *member, size_t number) {
    if (text_of(object, member).len == 0) {
        js_put_str(call->doc, object, member, str_fmt(call->arena, "%.*s-%zu", STR_ARG(call->request_id), number));
    }
}

/* ---- website ---- */

static bool check_routing_rule(yyjson_mut_val *rule, Err *err) {
    yyjson_mut_val *redirect = yyjson_mut_obj_get(rule, "Redirect");
    Str status = text_of(redirect, "HttpRedirectCode");
    if (yyjson_mut_obj_get(redirect, "ReplaceKeyWith") != NULL && yyjson_mut_obj_get(redirect, "ReplaceKeyPrefixWith") != NULL) {
        return err_set(err, "InvalidRequest", "You can only define ReplaceKeyPrefix or ReplaceKey but not both.");
    }
    return status.len == 0 || (status.len == 3 && status.data[0] == '3' && !str_eq_c(status, "300")) ||
           err_set(err, "InvalidRequest", "The provided HTTP redirect code (%.*s) is not valid. Valid codes are 3XX except 300.", STR_ARG(status));
}

bool s3_check_website(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err) {
    yyjson_mut_val *all_to = yyjson_mut_obj_get(document, "RedirectAllRequestsTo");
    yyjson_mut_val *index = yyjson_mut_obj_get(document, "IndexDocument");
    yyjson_mut_val *rules = yyjson_mut_obj_get(document, "RoutingRules");
    Str suffix = text_of(index, "Suffix");
    size_t i;
    size_t count;
    yyjson_mut_val *rule;
    (void)services;
    if (all_to != NULL) {
        return yyjson_mut_obj_size(document) == 1 ||
               err_set(err, "InvalidRequest", "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.");
    }
    if (index == NULL) {
        return s3_bad_argument(call, err, "IndexDocument", STR("null"), "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty");
    }
    if (suffix.len == 0 || memchr(suffix.data, '/', suffix.len) != NULL) {
        return s3_bad_argument(call, err, "IndexDocument", suffix, "The IndexDocument Suffix is not well formed");
    }
    if (yyjson_mut_obj_get(document, "ErrorDocument") != NULL && text_of(yyjson_mut_obj_get(document, "ErrorDocument"), "Key").len == 0) {
        return s3_bad_argument(call, err, "ErrorDocument", STR(""), "The ErrorDocument Key is not well formed");
    }
    if (yyjson_mut_arr_size(rules) > MOST_ROUTING_RULES) {
        return err_set(err, "InvalidRequest", "%zu routing rules provided, the number of routing rules in a website configuration is limited to %d.",
                       yyjson_mut_arr_size(rules), MOST_ROUTING_RULES);
    }
    yyjson_mut_arr_foreach(rules, i, count, rule) {
        if (!check_routing_rule(rule, err)) {
            return false;
        }
    }
    return true;
}

/* ---- logging ---- */

bool s3_check_logging(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err) {
    yyjson_mut_val *enabled = yyjson_mut_obj_get(document, "LoggingEnabled");
    Str target = text_of(enabled, "TargetBucket");
    StBucket bucket;
    if (yyjson_mut_obj_size(yyjson_mut_obj_get(enabled, "TargetObjectKeyFormat")) > 1) {
        return s3_error(call, err, "MalformedXML");
    }
    if (enabled == NULL || st_bucket_get(services->store, call->arena, target, &bucket, err)) {
        return true;
    }
    if (!err_is(err, "NoSuchBucket")) {
        return false;
    }
    err_clear(err);
    s3_detail(call, "TargetBucket", target);
    return err_set(err, "InvalidTargetBucketForLogging", "The target bucket for logging does not exist");
}

/* ---- acceleration ---- */

bool s3_check_acceleration(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err) {
    Str bucket = s3_bucket(call);
    (void)services;
    if (yyjson_mut_obj_get(document, "Status") == NULL) {
        return s3_error(call, err, "MalformedXML");
    }
    return memchr(bucket.data, '.', bucket.len) == NULL ||
           err_set(err, "InvalidRequest", "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names");
}

/* ---- notifications ---- */

typedef struct Receiver {
    const char *member, *arn;
    const char *prefix, *service; /* of the ARN */
} Receiver;

static const Receiver RECEIVERS[] = {{"TopicConfigurations", "TopicArn", "arn:aws", ":sns:"},
                                     {"QueueConfigurations", "QueueArn", "arn:aws", ":sqs:"},
                                     {"LambdaFunctionConfigurations", "LambdaFunctionArn", "arn:aws", ":lambda:"}};

bool s3_check_notifications(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err) {
    size_t number = 0;
    (void)services;
    for (size_t r = 0; r < sizeof RECEIVERS / sizeof RECEIVERS[0]; r++) {
        size_t i;
        size_t count;
        yyjson_mut_val *one;
        yyjson_mut_arr_foreach(yyjson_mut_obj_get(document, RECEIVERS[r].member), i, count, one) {
            Str arn = text_of(one, RECEIVERS[r].arn);
            if (!str_starts_with(arn, str_from_c(RECEIVERS[r].prefix)) || !str_contains(arn, str_from_c(RECEIVERS[r].service))) {
                return s3_bad_argument(call, err, RECEIVERS[r].arn, arn, "The ARN is not well formed");
            }
            if (yyjson_mut_arr_size(yyjson_mut_obj_get(one, "Events")) == 0 || text_of(one, "Id").len > LONGEST_ID) {
                return s3_error(call, err, "MalformedXML");
            }
            give_id(call, one, "Id", number++);
        }
    }
    return true;
}

/* ---- replication ---- */

/* Here, and with versions. */
static bool check_destination(SvServices *services, AwsCall *call, Str arn, Err *err) {
    StBucket bucket;
    if (!str_starts_with(arn, BUCKET_ARN)) {
        return s3_bad_argument(call, err, "Bucket", arn, "Invalid bucket ARN.");
    }
    if (!st_bucket_get(services->store, call->arena, str_slice(arn, BUCKET_ARN.len, arn.len), &bucket, err)) {
        if (err_is(err, "NoSuchBucket")) {
            err_clear(err);
            (void)err_set(err, "InvalidRequest", "Destination bucket must exist.");
        }
        return false;
    }
    return str_eq_c(bucket.versioning, "Enabled") || err_set(err, "InvalidRequest", "Destination bucket must have versioning enabled.");
}

/* A rule with a Filter is of the newer schema, which wants to be told more. */
static bool check_schema(AwsCall *call, yyjson_mut_val *rule, Err *err) {
    static const char *const WANTED[] = {"DeleteMarkerReplication", "Priority"};
    yyjson_mut_val *filter = yyjson_mut_obj_get(rule, "Filter");
    if (filter == NULL) {
        return true;
    }
    if (yyjson_mut_obj_get(rule, "Prefix") != NULL || yyjson_mut_obj_size(filter) > 1) {
        return s3_error(call, err, "MalformedXML");
    }
    for (size_t i = 0; i < sizeof WANTED / sizeof WANTED[0]; i++) {
        if (yyjson_mut_obj_get(rule, WANTED[i]) == NULL) {
            return err_set(err, "InvalidRequest",
                           "%s must be specified for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide "
                           "for more information.",
                           WANTED[i]);
        }
    }
    return true;
}

bool s3_check_replication(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err) {
    yyjson_mut_val *rules = yyjson_mut_obj_get(document, "Rules");
    StBucket bucket;
    size_t i;
    size_t count;
    yyjson_mut_val *rule;
    if (!st_bucket_get(services->store, call->arena, s3_bucket(call), &bucket, err)) {
        return s3_failed(call, err);
    }
    if (!str_eq_c(bucket.versioning, "Enabled")) {
        return err_set(err, "InvalidRequest", "Versioning must be 'Enabled' on the bucket to apply a replication configuration");
    }
    if (yyjson_mut_arr_size(rules) == 0 || yyjson_mut_arr_size(rules) > MOST_REPLICATION_RULES) {
        return s3_error(call, err, "MalformedXML");
    }
    yyjson_mut_arr_foreach(rules, i, count, rule) {
        Str id = text_of(rule, "ID");
        if (id.len > LONGEST_ID) {
            return s3_bad_argument(call, err, "ID", id, "Rule Id must not exceed 255 characters.");
        }
        for (size_t k = 0; id.len > 0 && k < i; k++) {
            if (str_eq(id, text_of(yyjson_mut_arr_get(rules, k), "ID"))) {
                return s3_bad_argument(call, err, "ID", id, "Rule Id must be unique. Found same ID for more than one rule");
            }
        }
        if (!check_schema(call, rule, err) || !check_destination(services, call, text_of(yyjson_mut_obj_get(rule, "Destination"), "Bucket"), err)) {
            return false;
        }
        give_id(call, rule, "ID", i);
    }
    return true;
}
