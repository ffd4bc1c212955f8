/* s3_lifecycle.c - S3: lifecycle rules: their check, what an object's answer tells of them, and the thread that applies them.
 *
 * Behaviour: "Managing the lifecycle of objects" of the user guide. Once an hour the thread goes through the buckets that have rules, page by page; a version is
 * deleted only if it is still the one that was looked at. A day's length is a setting of the server (`--lifecycle-day`), so that rules can be tried: with a
 * shorter day the thread goes as much more often. Transitions change nothing, since there is one kind of storage. Invariant: what a lock protects stays.
 */
#include "service/s3_settings.h"

#include "store/uploads.h"

#include "aws/request.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_RULES = 1000, LONGEST_ID = 255, PAGE = 1000, SWEEPS_A_DAY = 24, FIRST_SWEEP_SECONDS = 60 };

/* ---- the check ---- */

static bool wrong(AwsCall *call, Err *err, const char *message) {
    (void)call;
    return err_set(err, "InvalidRequest", "%s", message);
}

static bool is_positive(yyjson_mut_val *object, const char *name) {
    yyjson_mut_val *value = yyjson_mut_obj_get(object, name);
    return value == NULL || yyjson_mut_get_sint(value) > 0;
}

static bool check_actions(AwsCall *call, yyjson_mut_val *rule, Err *err) {
    static const char *const ACTIONS[] = {"Expiration", "Transitions", "NoncurrentVersionTransitions", "NoncurrentVersionExpiration",
                                          "AbortIncompleteMultipartUpload"};
    yyjson_mut_val *expiration = yyjson_mut_obj_get(rule, "Expiration");
    yyjson_mut_val *date = yyjson_mut_obj_get(expiration, "Date");
    size_t actions = 0;
    for (size_t i = 0; i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        actions += yyjson_mut_obj_get(rule, ACTIONS[i]) != NULL ? 1 : 0;
    }
    if (actions == 0) {
        return wrong(call, err, "At least one action needs to be specified in a rule");
    }
    if (expiration != NULL && yyjson_mut_obj_size(expiration) != 1) {
        return s3_error(call, err, "MalformedXML");
    }
    if (!is_positive(expiration, "Days")) {
        return s3_bad_argument(call, err, "Days", STR(""), "'Days' for Expiration action must be a positive integer");
    }
    if (!is_positive(yyjson_mut_obj_get(rule, "NoncurrentVersionExpiration"), "NoncurrentDays")) {
        return s3_bad_argument(call, err, "NoncurrentDays", STR(""), "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer");
    }
    if (!is_positive(yyjson_mut_obj_get(rule, "AbortIncompleteMultipartUpload"), "DaysAfterInitiation")) {
        return s3_bad_argument(call, err, "DaysAfterInitiation", STR(""),
                               "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer");
    }
    if (date != NULL && (int64_t)yyjson_mut_get_num(date) % 86400 != 0) {
        return s3_bad_argument(call, err, "Date", STR(""), "'Date' must be at midnight GMT");
    }
    return true;
}

bool s3_check_lifecycle(SvServices *services, AwsCall *call, yyjson_mut_val *document, Err *err) {
    yyjson_mut_val *rules = yyjson_mut_obj_get(document, "Rules");
    size_t i;
    size_t count;
    yyjson_mut_val *rule;
    if (yyjson_mut_arr_size(rules) == 0 || yyjson_mut_arr_size(rules) > MOST_RULES) {
        return s3_error(call, err, "MalformedXML");
    }
    yyjson_mut_arr_foreach(rules, i, count, rule) {
        bool has_filter = yyjson_mut_obj_get(rule, "Filter") != NULL;
        if (has_filter == (yyjson_mut_obj_get(rule, "Prefix") != NULL) || yyjson_mut_obj_size(yyjson_mut_obj_get(rule, "Filter")) > 1) {
            return s3_error(call, err, "MalformedXML");
        }
        if (!check_actions(call, rule, err)) {
            return false;
        }
        Str id = js_mut_text(yyjson_mut_obj_get(rule, "ID"));
        if (id.len > LONGEST_ID) {
            return s3_bad_argument(call, err, "ID", id, "ID length should not exceed allowed limit of 255");
        }
        if (id.len == 0) {
            js_put_str(call->doc, rule, "ID", str_fmt(call->arena, "%.*s-%zu", STR_ARG(call->request_id), i));
            continue;
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(id, js_mut_text(yyjson_mut_obj_get(yyjson_mut_arr_get(rules, k), "ID")))) {
                return s3_bad_argument(call, err, "ID", id, "Rule ID must be unique. Found same ID for more than one rule");
            }
        }
    }
    atomic_store(&services->may_have_lifecycles, true);
    return true;
}

/* ---- one rule ---- */

struct S3Lifecycle {
    SvServices *services;
    int64_t day_us;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool is_running, is_stopping;
};

typedef struct Rule {
    StStore *store;
    int64_t day_us;
    Arena *arena; /* of the pages; emptied with each */
    Str bucket, prefix;
    yyjson_val *rule, *filter; /* filter: its And, or itself */
    int64_t now_us;
} Rule;

/* As S3 counts: the days pass, then the next midnight comes. */
static int64_t due_us(const Rule *rule, int64_t from_us, int64_t days) {
    return (from_us + (days + 1) * rule->day_us - 1) / rule->day_us * rule->day_us;
}

static bool is_due(const Rule *rule, int64_t from_us, int64_t days) {
    return rule->now_us >= due_us(rule, from_us, days);
}

static bool has_tag(yyjson_val *tags, yyjson_val *wanted) {
    size_t i;
    size_t count;
    yyjson_val *tag;
    yyjson_arr_foreach(tags, i, count, tag) {
        if (str_eq(js_str(tag, "Key"), js_str(wanted, "Key")) && str_eq(js_str(tag, "Value"), js_str(wanted, "Value"))) {
            return true;
        }
    }
    return false;
}

/* Sizes and tags; the prefix is the walk's. A marker has neither. */
static bool fits(const Rule *rule, const StObject *object, bool is_marker) {
    yyjson_val *single = yyjson_obj_get(rule->filter, "Tag");
    yyjson_val *several = yyjson_obj_get(rule->filter, "Tags");
    yyjson_val *above = yyjson_obj_get(rule->filter, "ObjectSizeGreaterThan");
    yyjson_val *below = yyjson_obj_get(rule->filter, "ObjectSizeLessThan");
    if (is_marker) {
        return single == NULL && several == NULL && above == NULL && below == NULL;
    }
    if ((above != NULL && object->size <= yyjson_get_sint(above)) || (below != NULL && object->size >= yyjson_get_sint(below))) {
        return false;
    }
    if (single == NULL && several == NULL) {
        return true;
    }
    yyjson_doc *parsed = yyjson_read(object->tags.data != NULL ? object->tags.data : "", object->tags.len, 0);
    yyjson_val *tags = yyjson_doc_get_root(parsed);
    bool ok = single == NULL || has_tag(tags, single);
    size_t i;
    size_t count;
    yyjson_val *tag;
    yyjson_arr_foreach(several, i, count, tag) {
        ok = ok && has_tag(tags, tag);
    }
    yyjson_doc_free(parsed);
    return ok;
}

/* INT64_MAX: never. */
static int64_t expires_us(const Rule *rule, int64_t from_us) {
    yyjson_val *expiration = yyjson_obj_get(rule->rule, "Expiration");
    yyjson_val *days = yyjson_obj_get(expiration, "Days");
    yyjson_val *date = yyjson_obj_get(expiration, "Date");
    return days != NULL ? due_us(rule, from_us, yyjson_get_sint(days)) : date != NULL ? (int64_t)(yyjson_get_num(date) * 1e6) : INT64_MAX;
}

static bool is_expired(const Rule *rule, int64_t from_us) {
    return rule->now_us >= expires_us(rule, from_us);
}

static bool remove_all(const Rule *rule, Arena *arena, const StRemoval *removals, size_t count, Err *err) {
    StRemoved *removed = ARENA_ARRAY(arena, StRemoved, count); /* locked ones stay */
    return count == 0 || st_objects_remove(rule->store, arena, rule->bucket, removals, count, removed, err);
}

/* Expiration of what keys stand for now. */
static bool expire_objects(const Rule *rule, Err *err) {
    yyjson_val *expiration = yyjson_obj_get(rule->rule, "Expiration");
    StPage page = {.prefix = rule->prefix, .limit = PAGE};
    bool more = yyjson_obj_get(expiration, "Days") != NULL || yyjson_obj_get(expiration, "Date") != NULL;
    bool ok = true;
    while (ok && more) {
        Arena *arena = arena_new();
        const StEntry *entries = NULL;
        size_t count = 0;
        ok = st_object_page(rule->store, arena, rule->bucket, &page, &entries, &count, &more, err);
        StRemoval *removals = ARENA_ARRAY(arena, StRemoval, count);
        size_t doomed = 0;
        for (size_t i = 0; ok && i < count; i++) {
            const StObject *object = &entries[i].object;
            if (is_expired(rule, object->modified_us) && fits(rule, object, false)) {
                removals[doomed++] = (StRemoval){.key = object->key, .only_seq = object->seq};
            }
        }
        ok = ok && remove_all(rule, arena, removals, doomed, err);
        page.after = ok && more ? str_copy(rule->arena, entries[count - 1].object.key) : STR("");
        arena_free(arena);
    }
    return ok;
}

/* A walk over versions: how many older ones of a key were met, and a latest marker of which nothing older was met yet. */
typedef struct Versions {
    Str key;
    int64_t older;
    bool has_marker;
    StVersion marker;
} Versions;

/* A marker that hides nothing any more: told to go, or as old as the rule's days. */
static bool is_empty_marker(const Rule *rule, const Versions *seen) {
    yyjson_val *expiration = yyjson_obj_get(rule->rule, "Expiration");
    return seen->has_marker && seen->older == 0 && fits(rule, &seen->marker.object, true) &&
           (js_bool(expiration, "ExpiredObjectDeleteMarker", false) || is_expired(rule, seen->marker.object.modified_us));
}

static StRemoval removal_of(const StVersion *version) {
    return (StRemoval){.key = version->object.key, .version = version->object.version, .only_seq = version->object.seq};
}

static void look_at_version(const Rule *rule, const StVersion *version, Versions *seen, StRemoval *removals, size_t *doomed) {
    yyjson_val *noncurrent = yyjson_obj_get(rule->rule, "NoncurrentVersionExpiration");
    if (!str_eq(version->object.key, seen->key)) {
        if (is_empty_marker(rule, seen)) {
            removals[(*doomed)++] = removal_of(&seen->marker);
        }
        *seen = (Versions){.key = str_copy(rule->arena, version->object.key)};
    }
    if (version->is_latest) {
        seen->has_marker = version->is_marker;
        if (seen->has_marker) { /* it is looked at again when the next key comes, perhaps on the next page */
            seen->marker = *version;
            seen->marker.object.key = seen->key;
            seen->marker.object.version = str_copy(rule->arena, version->object.version);
        }
        return;
    }
    seen->older++;
    if (noncurrent != NULL && seen->older > js_i64(noncurrent, "NewerNoncurrentVersions", 0) &&
        is_due(rule, version->replaced_us, js_i64(noncurrent, "NoncurrentDays", 1)) && fits(rule, &version->object, version->is_marker)) {
        removals[(*doomed)++] = removal_of(version);
    }
}

static bool expire_versions(const Rule *rule, Err *err) {
    StVersionPage page = {.prefix = rule->prefix, .limit = PAGE};
    Versions seen = {0};
    bool more = yyjson_obj_get(rule->rule, "NoncurrentVersionExpiration") != NULL || yyjson_obj_get(rule->rule, "Expiration") != NULL;
    bool ok = true;
    while (ok && more) {
        Arena *arena = arena_new();
        const StVersionEntry *entries = NULL;
        size_t count = 0;
        size_t doomed = 0;
        ok = st_version_page(rule->store, arena, rule->bucket, &page, &entries, &count, &more, err);
        StRemoval *removals = ARENA_ARRAY(arena, StRemoval, 2 * count + 1);
        for (size_t i = 0; ok && i < count; i++) {
            look_at_version(rule, &entries[i].version, &seen, removals, &doomed);
        }
        if (ok && !more && is_empty_marker(rule, &seen)) {
            removals[doomed++] = removal_of(&seen.marker);
        }
        ok = ok && remove_all(rule, arena, removals, doomed, err);
        if (ok && more) {
            page.after_key = str_copy(rule->arena, entries[count - 1].version.object.key);
            page.after_version = str_copy(rule->arena, entries[count - 1].version.object.version);
        }
        arena_free(arena);
    }
    return ok;
}

static bool abort_uploads(const Rule *rule, Err *err) {
    yyjson_val *days = yyjson_obj_get(yyjson_obj_get(rule->rule, "AbortIncompleteMultipartUpload"), "DaysAfterInitiation");
    StUploadPage page = {.prefix = rule->prefix, .limit = PAGE};
    bool more = days != NULL;
    bool ok = true;
    while (ok && more) {
        const StUploadEntry *entries = NULL;
        size_t count = 0;
        StStore *store = rule->store;
        ok = st_upload_page(store, rule->arena, rule->bucket, &page, &entries, &count, &more, err);
        for (size_t i = 0; ok && i < count; i++) {
            const StUpload *upload = &entries[i].upload;
            Err gone = {0}; /* it was completed meanwhile */
            if (is_due(rule, upload->created_us, yyjson_get_sint(days))) {
                (void)st_upload_abort(store, rule->bucket, upload->key, upload->id, &gone);
            }
        }
        if (ok && more) {
            page.after_key = entries[count - 1].upload.key;
            page.after_id = entries[count - 1].upload.id;
        }
    }
    return ok;
}

static int64_t length_of_day(const SvServices *services) {
    enum { DAY_SECONDS = 86400 };
    return INT64_C(1000000) * (services->lifecycle_day > 0 ? services->lifecycle_day : DAY_SECONDS);
}

static Rule rule_of(const SvServices *services, Arena *arena, Str bucket, yyjson_val *json) {
    yyjson_val *filter = yyjson_obj_get(json, "Filter");
    yyjson_val *and = yyjson_obj_get(filter, "And");
    filter = and != NULL ? and : filter;
    Str prefix = js_str(filter, "Prefix");
    return (Rule){.store = services->store,
                  .day_us = length_of_day(services),
                  .arena = arena,
                  .bucket = bucket,
                  .prefix = prefix.len > 0 ? prefix : js_str(json, "Prefix"),
                  .rule = json,
                  .filter = filter,
                  .now_us = st_now_us()};
}

static bool is_enabled(yyjson_val *rule) {
    return str_eq_c(js_str(rule, "Status"), "Enabled");
}

/* ---- what an object's answer tells of them ---- */

/* The rule that deletes it first; "" when none does. */
static Str expiration_of(const SvServices *services, AwsCall *call, yyjson_val *rules, const StObject *object) {
    int64_t first_us = INT64_MAX;
    Str id = STR("");
    size_t i;
    size_t count;
    yyjson_val *json;
    yyjson_arr_foreach(rules, i, count, json) {
        Rule rule = rule_of(services, call->arena, s3_bucket(call), json);
        int64_t when_us = expires_us(&rule, object->modified_us);
        if (is_enabled(json) && when_us < first_us && str_starts_with(object->key, rule.prefix) && fits(&rule, object, false)) {
            first_us = when_us;
            id = js_str(json, "ID");
        }
    }
    Str date = first_us == INT64_MAX ? STR("") : aws_time_http(call->arena, (double)(first_us / 1000000));
    return date.len == 0 ? STR("") : str_fmt(call->arena, "expiry-date=\"%.*s\", rule-id=\"%.*s\"", STR_ARG(date), STR_ARG(aws_percent_encode(call->arena, id)));
}

bool s3_put_expiration(SvServices *services, AwsCall *call, const StObject *object, Err *err) {
    Str json = STR("");
    if (!atomic_load(&services->may_have_lifecycles)) {
        return true;
    }
    if (!st_bucket_setting_get(services->store, call->arena, s3_bucket(call), STR("lifecycle"), &json, err)) {
        return s3_failed(call, err);
    }
    yyjson_doc *parsed = json.len == 0 ? NULL : yyjson_read(json.data, json.len, 0);
    Str text = expiration_of(services, call, yyjson_obj_get(yyjson_doc_get_root(parsed), "Rules"), object);
    yyjson_doc_free(parsed);
    if (text.len > 0) {
        js_put_str(call->doc, call->output, "Expiration", text);
    }
    return true;
}

/* ---- the thread ---- */

static bool is_stopping(S3Lifecycle *lifecycle) {
    (void)pthread_mutex_lock(&lifecycle->mutex);
    bool stopping = lifecycle->is_stopping;
    (void)pthread_mutex_unlock(&lifecycle->mutex);
    return stopping;
}

static void apply_rule(S3Lifecycle *lifecycle, Str bucket, yyjson_val *json) {
    Err err = {0};
    Rule rule = rule_of(lifecycle->services, arena_new(), bucket, json);
    if (!expire_objects(&rule, &err) || !expire_versions(&rule, &err) || !abort_uploads(&rule, &err)) {
        if (!err_is(&err, "NoSuchBucket")) {
            fprintf(stderr, "solder: lifecycle rules of s3://%.*s: %s\n", STR_ARG(bucket), err.message);
        }
    }
    arena_free(rule.arena);
}

static void sweep(S3Lifecycle *lifecycle) {
    Arena *arena = arena_new();
    const StBucket *buckets = NULL;
    size_t count = 0;
    Err err = {0};
    bool ok = st_bucket_list(lifecycle->services->store, arena, &buckets, &count, &err);
    for (size_t i = 0; ok && i < count && !is_stopping(lifecycle); i++) {
        Str json = STR("");
        Err gone = {0};
        if (!st_bucket_setting_get(lifecycle->services->store, arena, buckets[i].name, STR("lifecycle"), &json, &gone) || json.len == 0) {
            continue;
        }
        yyjson_doc *parsed = yyjson_read(json.data, json.len, 0);
        size_t k;
        size_t size;
        yyjson_val *rule;
        yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(parsed), "Rules"), k, size, rule) {
            if (is_enabled(rule) && !is_stopping(lifecycle)) {
                apply_rule(lifecycle, buckets[i].name, rule);
            }
        }
        yyjson_doc_free(parsed);
    }
    arena_free(arena);
}

/* true: it is time for a sweep; false: the server stops. */
static bool wait_for_sweep(S3Lifecycle *lifecycle, int64_t wait_us) {
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_us / 1000000;
    until.tv_nsec += wait_us % 1000000 * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&lifecycle->mutex);
    while (!lifecycle->is_stopping && pthread_cond_timedwait(&lifecycle->wake, &lifecycle->mutex, &until) != ETIMEDOUT) {
    }
    bool goes_on = !lifecycle->is_stopping;
    (void)pthread_mutex_unlock(&lifecycle->mutex);
    return goes_on;
}

static void *run(void *self) {
    S3Lifecycle *lifecycle = self;
    int64_t pause_us = lifecycle->day_us / SWEEPS_A_DAY;
    pause_us = pause_us < 100000 ? 100000 : pause_us;
    int64_t first_us = INT64_C(1000000) * FIRST_SWEEP_SECONDS;
    for (int64_t wait_us = pause_us < first_us ? pause_us : first_us; wait_for_sweep(lifecycle, wait_us); wait_us = pause_us) {
        sweep(lifecycle);
    }
    return NULL;
}

bool s3_lifecycle_open(SvServices *services, Err *err) {
    bool is_used = false;
    bool ok = st_bucket_setting_is_used(services->store, STR("lifecycle"), &is_used, err);
    atomic_init(&services->may_have_lifecycles, is_used);
    return ok;
}

S3Lifecycle *s3_lifecycle_start(SvServices *services, Err *err) {
    S3Lifecycle *lifecycle = ARENA_NEW(services->arena, S3Lifecycle);
    pthread_condattr_t attributes;
    *lifecycle = (S3Lifecycle){.services = services, .day_us = length_of_day(services)};
    lifecycle->is_running = pthread_mutex_init(&lifecycle->mutex, NULL) == 0 && pthread_condattr_init(&attributes) == 0 &&
                            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 && pthread_cond_init(&lifecycle->wake, &attributes) == 0 &&
                            pthread_create(&lifecycle->thread, NULL, run, lifecycle) == 0;
    if (!lifecycle->is_running) {
        (void)err_set(err, ERR_INTERNAL, "cannot start the thread of the lifecycle rules");
        return NULL;
    }
    return lifecycle;
}

void s3_lifecycle_stop(S3Lifecycle *lifecycle) {
    if (lifecycle == NULL || !lifecycle->is_running) {
        return;
    }
    (void)pthread_mutex_lock(&lifecycle->mutex);
    lifecycle->is_stopping = true;
    (void)pthread_cond_signal(&lifecycle->wake);
    (void)pthread_mutex_unlock(&lifecycle->mutex);
    (void)pthread_join(lifecycle->thread, NULL);
    lifecycle->is_running = false;
}
