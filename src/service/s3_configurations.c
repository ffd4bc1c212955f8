/* s3_configurations.c - S3: what a bucket has several of, by Id: configurations of analytics, intelligent tiering, inventories and metrics, a row each.
 *
 * As s3_settings.c, each is kept as the JSON of its document, under the kind's name and the Id, and answered as it came; reports, tiers and metrics are made
 * by AWS alone. Source: Amazon S3 API Reference, PutBucketAnalyticsConfiguration and its neighbours. Invariant: an Id names at most one of a kind, and a
 * bucket has at most 1,000 of each.
 */
#include "service/s3.h"

#include "aws/model.h"

#include <ctype.h>
#include <string.h>

enum { MOST_OF_A_KIND = 1000, PAGE = 100, LONGEST_ID = 64 };

typedef struct Kind {
    const char *name; /* in the store */
    const char *get, *put, *delete, *list;
    const char *member, *list_member;
} Kind;

#define KIND(name, word)                                                                                                                             \
    {                                                                                                                                                \
        name, "GetBucket" word "Configuration", "PutBucket" word "Configuration", "DeleteBucket" word "Configuration",                               \
            "ListBucket" word "Configurations", word "Configuration", word "ConfigurationList"                                                       \
    }

static const Kind KINDS[] = {
    KIND("analytics", "Analytics"), KIND("intelligent-tiering", "IntelligentTiering"), KIND("inventory", "Inventory"), KIND("metrics", "Metrics")};

static bool is_named(const char *operation, const AwsCall *call) {
    return strcmp(operation, call->operation->name) == 0;
}

static const Kind *kind_of(const AwsCall *call) {
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        const Kind *kind = &KINDS[i];
        if (is_named(kind->get, call) || is_named(kind->put, call) || is_named(kind->delete, call) || is_named(kind->list, call)) {
            return kind;
        }
    }
    return NULL;
}

static Str store_name(AwsCall *call, const Kind *kind) {
    return str_fmt(call->arena, "%s/%.*s", kind->name, STR_ARG(js_str(call->input, "Id")));
}

/* Letters, digits and "-_.", at most 64. */
static bool check_id(AwsCall *call, Str id, Err *err) {
    bool ok = id.len > 0 && id.len <= LONGEST_ID;
    for (size_t i = 0; ok && i < id.len; i++) {
        ok = isalnum((unsigned char)id.data[i]) || memchr("-_.", id.data[i], 3) != NULL;
    }
    return ok || s3_bad_argument(call, err, "Id", id, "The specified configuration ID is not valid");
}

static bool find(SvServices *services, AwsCall *call, const Kind *kind, Str *ret_json, Err *err) {
    if (!st_bucket_setting_get(services->store, call->arena, s3_bucket(call), store_name(call, kind), ret_json, err)) {
        return s3_failed(call, err);
    }
    return ret_json->len > 0 || s3_error(call, err, "NoSuchConfiguration");
}

static bool answer(SvServices *services, AwsCall *call, const Kind *kind, Err *err) {
    Str json;
    if (!find(services, call, kind, &json, err)) {
        return false;
    }
    yyjson_mut_val *document = js_parse_into(call->doc, json);
    return document != NULL ? yyjson_mut_obj_add_val(call->doc, call->output, kind->member, document)
                            : err_set(err, ERR_INTERNAL, "a configuration of %s can't be read", kind->name);
}

static bool keep(SvServices *services, AwsCall *call, const Kind *kind, Err *err) {
    yyjson_val *document = yyjson_obj_get(call->input, kind->member);
    yyjson_val *filter = yyjson_obj_get(document, "Filter");
    Str id = js_str(call->input, "Id");
    if (document == NULL || yyjson_obj_size(filter) > 1) {
        return s3_error(call, err, "MalformedXML");
    }
    if (!check_id(call, id, err)) {
        return false;
    }
    if (!str_eq(js_str(document, "Id"), id)) {
        return s3_bad_argument(call, err, "Id", id, "The configuration's Id is not that of the request");
    }
    return st_bucket_setting_put_one(services->store, s3_bucket(call), str_from_c(kind->name), id, js_write_val(call->arena, document), MOST_OF_A_KIND,
                                     err) ||
           s3_failed(call, err);
}

static bool drop(SvServices *services, AwsCall *call, const Kind *kind, Err *err) {
    Str json;
    return find(services, call, kind, &json, err) &&
           (st_bucket_setting_delete(services->store, s3_bucket(call), store_name(call, kind), err) || s3_failed(call, err));
}

static bool list(SvServices *services, AwsCall *call, const Kind *kind, Err *err) {
    Str token = js_str(call->input, "ContinuationToken");
    Str after = STR("");
    const Str *jsons = NULL;
    size_t count = 0;
    if (token.len > 0 && !js_page_position(call->arena, token, &after)) {
        return s3_bad_argument(call, err, "continuation-token", token, "The continuation token provided is incorrect");
    }
    if (!st_bucket_setting_list(services->store, call->arena, s3_bucket(call), str_from_c(kind->name), after, PAGE + 1, &jsons, &count, err)) {
        return s3_failed(call, err);
    }
    yyjson_mut_val *items = yyjson_mut_arr(call->doc);
    yyjson_mut_val *last = NULL;
    for (size_t i = 0; i < count && i < PAGE; i++) {
        last = js_parse_into(call->doc, jsons[i]);
        if (!yyjson_mut_arr_add_val(items, last)) {
            return err_set(err, ERR_INTERNAL, "a configuration of %s can't be read", kind->name);
        }
    }
    if (token.len > 0) {
        js_put_str(call->doc, call->output, "ContinuationToken", token);
    }
    if (count > PAGE) {
        js_put_str(call->doc, call->output, "NextContinuationToken", js_page_token(call->arena, js_mut_text(yyjson_mut_obj_get(last, "Id"))));
    }
    (void)yyjson_mut_obj_add_bool(call->doc, call->output, "IsTruncated", count > PAGE);
    return count == 0 || yyjson_mut_obj_add_val(call->doc, call->output, kind->list_member, items);
}

static bool serve(void *self, AwsCall *call, Err *err) {
    const Kind *kind = kind_of(call);
    if (kind == NULL) {
        return err_set(err, ERR_INTERNAL, "an operation has no row among the configurations");
    }
    if (!s3_check(self, call, err)) {
        return false;
    }
    return is_named(kind->list, call)     ? list(self, call, kind, err)
           : is_named(kind->put, call)    ? keep(self, call, kind, err)
           : is_named(kind->delete, call) ? drop(self, call, kind, err)
                                          : answer(self, call, kind, err);
}

#define BY_ROW(handler)                                                                                                                              \
    bool handler(void *self, AwsCall *call, Err *err) {                                                                                              \
        return serve(self, call, err);                                                                                                               \
    }

BY_ROW(sv_s3_get_bucket_analytics_configuration)
BY_ROW(sv_s3_put_bucket_analytics_configuration)
BY_ROW(sv_s3_delete_bucket_analytics_configuration)
BY_ROW(sv_s3_list_bucket_analytics_configurations)
BY_ROW(sv_s3_get_bucket_intelligent_tiering_configuration)
BY_ROW(sv_s3_put_bucket_intelligent_tiering_configuration)
BY_ROW(sv_s3_delete_bucket_intelligent_tiering_configuration)
BY_ROW(sv_s3_list_bucket_intelligent_tiering_configurations)
BY_ROW(sv_s3_get_bucket_inventory_configuration)
BY_ROW(sv_s3_put_bucket_inventory_configuration)
BY_ROW(sv_s3_delete_bucket_inventory_configuration)
BY_ROW(sv_s3_list_bucket_inventory_configurations)
BY_ROW(sv_s3_get_bucket_metrics_configuration)
BY_ROW(sv_s3_put_bucket_metrics_configuration)
BY_ROW(sv_s3_delete_bucket_metrics_configuration)
BY_ROW(sv_s3_list_bucket_metrics_configurations)
