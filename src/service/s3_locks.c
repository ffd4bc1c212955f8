/* s3_locks.c - S3: object lock: the bucket's configuration, retention and legal holds of versions.
 *
 * Behaviour: "Locking objects with Object Lock" of the user guide. The store refuses what a lock forbids (store/versions.h); here are the words. Upload
 * metadata carries a lock from CreateMultipartUpload to the object as the member Lock.
 */
#include "service/s3_locks.h"

static const char MISSING[] = "Bucket is missing Object Lock Configuration";

static bool find_locked_bucket(const SvServices *services, AwsCall *call, Err *err) {
    StBucket bucket;
    if (!s3_check(services, call, err)) {
        return false;
    }
    if (!st_bucket_get(services->store, call->arena, s3_bucket(call), &bucket, err)) {
        return s3_failed(call, err);
    }
    return bucket.has_lock || err_set(err, "InvalidRequest", MISSING);
}

static bool check_date(AwsCall *call, int64_t until_us, Err *err) {
    return until_us > st_now_us() || s3_bad_argument(call, err, "x-amz-object-lock-retain-until-date", str_fmt(call->arena, "%lld", (long long)(until_us / 1000000)),
                                                     "The retain until date must be in the future!");
}

static int64_t time_us(yyjson_val *seconds) {
    return (int64_t)(yyjson_get_num(seconds) * 1e6);
}

/* ---- of the bucket ---- */

bool sv_s3_put_object_lock_configuration(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StBucket bucket;
    yyjson_val *wanted = yyjson_obj_get(call->input, "ObjectLockConfiguration");
    yyjson_val *retention = yyjson_obj_get(yyjson_obj_get(wanted, "Rule"), "DefaultRetention");
    Str mode = js_str(retention, "Mode");
    int64_t days = js_i64(retention, "Days", 0);
    int64_t years = js_i64(retention, "Years", 0);
    bool has_days = yyjson_obj_get(retention, "Days") != NULL;
    bool has_years = yyjson_obj_get(retention, "Years") != NULL;
    enum { MOST_DAYS = 36500, MOST_YEARS = 100 };
    if (!s3_check(services, call, err)) {
        return false;
    }
    bool is_whole = yyjson_obj_get(wanted, "Rule") == NULL || (mode.len > 0 && has_days != has_years);
    if (!str_eq_c(js_str(wanted, "ObjectLockEnabled"), "Enabled") || !is_whole) {
        return s3_error(call, err, "MalformedXML");
    }
    if ((has_days && (days < 1 || days > MOST_DAYS)) || (has_years && (years < 1 || years > MOST_YEARS))) {
        return s3_bad_argument(call, err, has_days ? "Days" : "Years", str_fmt(call->arena, "%lld", (long long)(has_days ? days : years)),
                               "Default retention period must be a positive integer value");
    }
    if (!st_bucket_get(services->store, call->arena, s3_bucket(call), &bucket, err)) {
        return s3_failed(call, err);
    }
    if (!str_eq_c(bucket.versioning, "Enabled")) {
        return err_set(err, "InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration");
    }
    return st_bucket_set_lock(services->store, s3_bucket(call), mode, days, years, err) || s3_failed(call, err);
}

bool sv_s3_get_object_lock_configuration(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StBucket bucket;
    if (!s3_check(services, call, err)) {
        return false;
    }
    if (!st_bucket_get(services->store, call->arena, s3_bucket(call), &bucket, err)) {
        return s3_failed(call, err);
    }
    if (!bucket.has_lock) {
        s3_detail(call, "BucketName", s3_bucket(call));
        return s3_error(call, err, "ObjectLockConfigurationNotFoundError");
    }
    yyjson_mut_val *shown = yyjson_mut_obj_add_obj(call->doc, call->output, "ObjectLockConfiguration");
    js_put_str(call->doc, shown, "ObjectLockEnabled", STR("Enabled"));
    if (bucket.lock_mode.len > 0) {
        yyjson_mut_val *retention = yyjson_mut_obj_add_obj(call->doc, yyjson_mut_obj_add_obj(call->doc, shown, "Rule"), "DefaultRetention");
        js_put_str(call->doc, retention, "Mode", bucket.lock_mode);
        (void)yyjson_mut_obj_add_int(call->doc, retention, bucket.lock_days > 0 ? "Days" : "Years", bucket.lock_days + bucket.lock_years);
    }
    return true;
}

/* ---- of a version ---- */

static bool set_lock(SvServices *services, AwsCall *call, StLockPart part, const StLock *lock, Err *err) {
    bool bypasses = js_bool(call->input, "BypassGovernanceRetention", false);
    if (st_version_set_lock(services->store, call->arena, s3_bucket(call), s3_key(call), js_str(call->input, "VersionId"), part, lock, bypasses, err)) {
        return true;
    }
    return err_is(err, "AccessDenied") ? false : s3_failed(call, err);
}

bool sv_s3_put_object_retention(void *self, AwsCall *call, Err *err) {
    yyjson_val *wanted = yyjson_obj_get(call->input, "Retention");
    yyjson_val *until = yyjson_obj_get(wanted, "RetainUntilDate");
    StLock lock = {.mode = js_str(wanted, "Mode"), .until_us = time_us(until)};
    if (!find_locked_bucket(self, call, err)) {
        return false;
    }
    if (wanted == NULL || (lock.mode.len > 0) != (until != NULL)) {
        return s3_error(call, err, "MalformedXML");
    }
    return (until == NULL || check_date(call, lock.until_us, err)) && set_lock(self, call, ST_RETENTION, &lock, err);
}

bool sv_s3_put_object_legal_hold(void *self, AwsCall *call, Err *err) {
    Str status = js_str(yyjson_obj_get(call->input, "LegalHold"), "Status");
    StLock lock = {.legal_hold = str_eq_c(status, "ON")};
    if (!find_locked_bucket(self, call, err)) {
        return false;
    }
    return status.len == 0 ? s3_error(call, err, "MalformedXML") : set_lock(self, call, ST_LEGAL_HOLD, &lock, err);
}

static bool no_lock(AwsCall *call, Err *err) {
    return s3_error(call, err, "NoSuchObjectLockConfiguration");
}

bool sv_s3_get_object_retention(void *self, AwsCall *call, Err *err) {
    StVersion version;
    if (!find_locked_bucket(self, call, err) || !s3_find_version(self, call, &version, err)) {
        return false;
    }
    const StLock *lock = &version.object.lock;
    if (lock->mode.len == 0) {
        return no_lock(call, err);
    }
    yyjson_mut_val *shown = yyjson_mut_obj_add_obj(call->doc, call->output, "Retention");
    js_put_str(call->doc, shown, "Mode", lock->mode);
    js_put_time(call->doc, shown, "RetainUntilDate", lock->until_us);
    return true;
}

bool sv_s3_get_object_legal_hold(void *self, AwsCall *call, Err *err) {
    StVersion version;
    if (!find_locked_bucket(self, call, err) || !s3_find_version(self, call, &version, err)) {
        return false;
    }
    yyjson_mut_val *shown = yyjson_mut_obj_add_obj(call->doc, call->output, "LegalHold");
    js_put_str(call->doc, shown, "Status", version.object.lock.legal_hold ? STR("ON") : STR("OFF"));
    return true;
}

/* ---- of writes and reads ---- */

bool s3_lock_of_input(const SvServices *services, AwsCall *call, StLock *ret_lock, Err *err) {
    yyjson_val *until = yyjson_obj_get(call->input, "ObjectLockRetainUntilDate");
    Str hold = js_str(call->input, "ObjectLockLegalHoldStatus");
    *ret_lock = (StLock){.mode = js_str(call->input, "ObjectLockMode"), .until_us = time_us(until), .legal_hold = str_eq_c(hold, "ON")};
    if (ret_lock->mode.len == 0 && until == NULL && hold.len == 0) {
        return true;
    }
    if (!find_locked_bucket(services, call, err)) {
        return false;
    }
    if ((ret_lock->mode.len > 0) != (until != NULL)) {
        return s3_bad_argument(call, err, until == NULL ? "x-amz-object-lock-mode" : "x-amz-object-lock-retain-until-date", ret_lock->mode,
                               "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied");
    }
    return until == NULL || check_date(call, ret_lock->until_us, err);
}

void s3_show_lock(AwsCall *call, const StLock *lock) {
    if (lock->mode.len > 0) {
        js_put_str(call->doc, call->output, "ObjectLockMode", lock->mode);
        js_put_time(call->doc, call->output, "ObjectLockRetainUntilDate", lock->until_us);
    }
    if (lock->legal_hold) {
        js_put_str(call->doc, call->output, "ObjectLockLegalHoldStatus", STR("ON"));
    }
}

void s3_lock_into_meta(AwsCall *call, const StLock *lock, yyjson_mut_val *meta) {
    if (lock->mode.len > 0 || lock->legal_hold) {
        yyjson_mut_val *kept = yyjson_mut_obj_add_obj(call->doc, meta, "Lock");
        js_put_str(call->doc, kept, "Mode", lock->mode);
        (void)yyjson_mut_obj_add_int(call->doc, kept, "Until", lock->until_us);
        (void)yyjson_mut_obj_add_bool(call->doc, kept, "LegalHold", lock->legal_hold);
    }
}

StLock s3_lock_out_of_meta(yyjson_mut_val *meta) {
    yyjson_mut_val *kept = yyjson_mut_obj_remove_key(meta, "Lock");
    return (StLock){.mode = js_mut_text(yyjson_mut_obj_get(kept, "Mode")),
                    .until_us = yyjson_mut_get_sint(yyjson_mut_obj_get(kept, "Until")),
                    .legal_hold = yyjson_mut_get_bool(yyjson_mut_obj_get(kept, "LegalHold"))};
}
