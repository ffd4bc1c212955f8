/* s3_buckets.c - S3: buckets, and the settings of a bucket that clients ask for.
 *
 * Behaviour: Amazon S3 API Reference, CreateBucket and its neighbours. Ownership and lists: s3_acl.c.
 */
#include "service/s3_acl.h"

#include <string.h>

enum { MOST_BUCKETS_IN_A_PAGE = 10000 };

static const Str US_EAST_1 = {"us-east-1", 9};

/* An IPv4 address, and the prefixes and suffixes that S3 keeps for itself ("General purpose bucket naming rules"); the store checks the rest. */
static bool name_is_free(Str name) {
    static const char *const PREFIXES[] = {"xn--", "sthree-", "amzn-s3-demo-"};
    static const char *const SUFFIXES[] = {"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3", "-an"};
    size_t dots = 0;
    bool is_numeric = name.len > 0;
    for (size_t i = 0; i < name.len; i++) {
        dots += name.data[i] == '.' ? 1 : 0;
        is_numeric = is_numeric && (name.data[i] == '.' || (name.data[i] >= '0' && name.data[i] <= '9'));
    }
    bool is_free = !(is_numeric && dots == 3);
    for (size_t i = 0; i < sizeof PREFIXES / sizeof PREFIXES[0]; i++) {
        is_free = is_free && !str_starts_with(name, str_from_c(PREFIXES[i]));
    }
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof SUFFIXES[0]; i++) {
        is_free = is_free && !str_ends_with(name, str_from_c(SUFFIXES[i]));
    }
    return is_free;
}

/* us-east-1 makes buckets of any region, as S3's global endpoint does; another region only its own. */
static bool check_location(const SvServices *services, AwsCall *call, Str location, Err *err) {
    if (str_eq(services->region, US_EAST_1)) {
        if (str_eq(location, US_EAST_1)) {
            s3_detail(call, "LocationConstraint", location);
            return s3_error(call, err, "InvalidLocationConstraint");
        }
        return true;
    }
    return str_eq(location, services->region) ||
           err_set(err, "IllegalLocationConstraintException",
                   "The %.*s location constraint is incompatible for the region specific endpoint this request was sent to.",
                   STR_ARG(location.len == 0 ? STR("unspecified") : location));
}

bool sv_s3_create_bucket(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str name = s3_bucket(call);
    Str location = js_str(yyjson_obj_get(call->input, "CreateBucketConfiguration"), "LocationConstraint");
    if (!s3_check(services, call, err) || !check_location(services, call, location, err)) {
        return false;
    }
    if (!name_is_free(name)) {
        return s3_error(call, err, "InvalidBucketName");
    }
    if (!s3_check_new_bucket(services, call, err)) {
        return false;
    }
    if (!st_bucket_create(services->store, name, location, err)) {
        /* us-east-1 alone is content with a bucket that its owner has already. */
        bool is_there = err_is(err, "BucketAlreadyOwnedByYou") && str_eq(services->region, US_EAST_1);
        if (!is_there) {
            return s3_failed(call, err);
        }
        err_clear(err);
    } else if (!s3_open_new_bucket(services, call, err)) {
        return s3_failed(call, err);
    }
    if (js_bool(call->input, "ObjectLockEnabledForBucket", false) && !st_bucket_set_lock(services->store, name, STR(""), 0, 0, err)) {
        return s3_failed(call, err);
    }
    js_put_str(call->doc, call->output, "Location", str_fmt(call->arena, "/%.*s", STR_ARG(name)));
    return true;
}

static Str region_of(const SvServices *services, const StBucket *bucket) {
    return bucket->location.len == 0 ? services->region : bucket->location;
}

/* The bucket that the request names, its owner checked. */
static bool find_bucket(const SvServices *services, AwsCall *call, StBucket *ret_bucket, Err *err) {
    return s3_check(services, call, err) &&
           (st_bucket_get(services->store, call->arena, s3_bucket(call), ret_bucket, err) || s3_failed(call, err));
}

bool sv_s3_head_bucket(void *self, AwsCall *call, Err *err) {
    StBucket bucket;
    if (!find_bucket(self, call, &bucket, err)) {
        return false;
    }
    js_put_str(call->doc, call->output, "BucketRegion", region_of(self, &bucket));
    return true;
}

bool sv_s3_delete_bucket(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    return s3_check(services, call, err) && (st_bucket_delete(services->store, s3_bucket(call), err) || s3_failed(call, err));
}

bool sv_s3_list_buckets(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    const StBucket *buckets = NULL;
    size_t count = 0;
    Str prefix = js_str(call->input, "Prefix");
    Str region = js_str(call->input, "BucketRegion");
    Str token = js_str(call->input, "ContinuationToken");
    Str after = STR("");
    int64_t limit = js_i64(call->input, "MaxBuckets", MOST_BUCKETS_IN_A_PAGE);
    bool is_paged = yyjson_obj_size(call->input) > 0;
    if (token.len > 0 && !js_page_position(call->arena, token, &after)) {
        return s3_bad_argument(call, err, "continuation-token", token, "The continuation token provided is incorrect");
    }
    if (!st_bucket_list(services->store, call->arena, &buckets, &count, err)) {
        return false;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, "Buckets");
    Str last = STR("");
    for (size_t i = 0; i < count; i++) {
        if (!str_starts_with(buckets[i].name, prefix) || (region.len > 0 && !str_eq(region, region_of(services, &buckets[i]))) ||
            (after.len > 0 && str_cmp(buckets[i].name, after) <= 0)) {
            continue;
        }
        if ((int64_t)yyjson_mut_arr_size(list) == limit) {
            js_put_str(call->doc, call->output, "ContinuationToken", js_page_token(call->arena, last));
            break;
        }
        yyjson_mut_val *item = yyjson_mut_arr_add_obj(call->doc, list);
        js_put_str(call->doc, item, "Name", buckets[i].name);
        js_put_time(call->doc, item, "CreationDate", buckets[i].created_us);
        if (is_paged) {
            js_put_str(call->doc, item, "BucketRegion", region_of(services, &buckets[i]));
        }
        last = buckets[i].name;
    }
    if (prefix.len > 0) {
        js_put_str(call->doc, call->output, "Prefix", prefix);
    }
    s3_put_owner(services, call, call->output, "Owner");
    return true;
}

/* S3 says nothing of us-east-1. */
bool sv_s3_get_bucket_location(void *self, AwsCall *call, Err *err) {
    StBucket bucket;
    if (!find_bucket(self, call, &bucket, err)) {
        return false;
    }
    Str region = region_of(self, &bucket);
    if (!str_eq(region, US_EAST_1)) {
        js_put_str(call->doc, call->output, "LocationConstraint", region);
    }
    return true;
}

bool sv_s3_get_bucket_versioning(void *self, AwsCall *call, Err *err) {
    StBucket bucket;
    if (!find_bucket(self, call, &bucket, err)) {
        return false;
    }
    if (bucket.versioning.len > 0) { /* never enabled: an empty answer */
        js_put_str(call->doc, call->output, "Status", bucket.versioning);
    }
    return true;
}

bool sv_s3_put_bucket_versioning(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    yyjson_val *wanted = yyjson_obj_get(call->input, "VersioningConfiguration");
    Str status = js_str(wanted, "Status");
    if (!s3_check(services, call, err)) {
        return false;
    }
    if (str_eq_c(js_str(wanted, "MFADelete"), "Enabled")) {
        return err_set(err, "AccessDenied", "Mfa Authentication must be used for this request"); /* which came without: s3_check */
    }
    if (status.len == 0) {
        return err_set(err, "IllegalVersioningConfigurationException", "The Versioning element must be specified");
    }
    return st_bucket_set_versioning(services->store, s3_bucket(call), status, err) ||
           (err_is(err, "InvalidBucketState") ? false : s3_failed(call, err));
}
