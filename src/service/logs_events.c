/* logs_events.c - CloudWatch Logs: putting, getting and filtering events. Behaviour: Amazon CloudWatch Logs API reference.
 *
 * Tokens hold a place in the order of events (store/logs.h), so they are good across restarts and while events are added: a forward token
 * names what comes from its place on, a backward one what comes in front of it. At an end the same token is given again.
 */
#include "service/logs_names.h"
#include "service/logs_pattern.h"

#include "base/map.h"
#include "base/vec.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MAX_EVENTS = 10000, MAX_ANSWER = 1 << 20, MAX_BATCH = 1 << 20, PLACE_DIGITS = 56 };
static const int64_t DAY_MS = INT64_C(86400000);
static const int64_t TOO_NEW_MS = INT64_C(2) * 3600000;
static const int64_t TOO_OLD_MS = INT64_C(14) * 86400000;

static int64_t now_ms(void) {
    struct timespec now;
    return clock_gettime(CLOCK_REALTIME, &now) == 0 ? (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 : 0;
}

/* ---- places as text ---- */

/* 56 digits, as AWS's event ids and tokens have: time, stream, offset. */
static Str place_text(Arena *arena, StLogPlace place) {
    return str_fmt(arena, "%019lld%018lld%019lld", (long long)place.time_ms, (long long)place.stream_id, (long long)place.offset);
}

static bool read_place(Str text, StLogPlace *ret_place) {
    return text.len == PLACE_DIGITS && str_to_i64(str_slice(text, 0, 19), &ret_place->time_ms) &&
           str_to_i64(str_slice(text, 19, 37), &ret_place->stream_id) && str_to_i64(str_slice(text, 37, 56), &ret_place->offset);
}

static bool bad_token(Err *err) {
    return err_set(err, "InvalidParameterException", "The specified nextToken is invalid.");
}

/* ---- PutLogEvents ---- */

typedef struct Batch {
    VEC(StLogEvent) events;
    int64_t too_old_end, expired_end, too_new_start; /* -1: none */
} Batch;

static bool check_batch(yyjson_val *list, Err *err) {
    int64_t first = 0;
    int64_t before = 0;
    size_t bytes = 0;
    size_t index;
    size_t count;
    yyjson_val *item;
    yyjson_arr_foreach(list, index, count, item) {
        int64_t time_ms = js_i64(item, "timestamp", 0);
        if (index > 0 && time_ms < before) {
            return err_set(err, "InvalidParameterException", "Log events in a single PutLogEvents request must be in chronological order.");
        }
        first = index == 0 ? time_ms : first;
        before = time_ms;
        bytes += js_str(item, "message").len + ST_LOG_EVENT_OVERHEAD;
        if (js_str(item, "message").len > ST_LOG_EVENT_MAX) {
            return err_set(err, "InvalidParameterException", "Log event too large: %zu bytes exceeds limit of %d",
                           js_str(item, "message").len + ST_LOG_EVENT_OVERHEAD, ST_LOG_EVENT_MAX + ST_LOG_EVENT_OVERHEAD);
        }
    }
    if (before - first > DAY_MS) {
        return err_set(err, "InvalidParameterException", "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
    }
    return bytes <= MAX_BATCH || err_set(err, "InvalidParameterException", "Upload too large: %zu bytes exceeds limit of %d", bytes, MAX_BATCH);
}

/* Events that are too old or too new are left out, and the answer tells which. */
static void sort_out(yyjson_val *list, const StLogGroup *group, Batch *batch) {
    int64_t now = now_ms();
    size_t index;
    size_t count;
    yyjson_val *item;
    batch->too_old_end = batch->expired_end = batch->too_new_start = -1;
    yyjson_arr_foreach(list, index, count, item) {
        int64_t time_ms = js_i64(item, "timestamp", 0);
        if (group->retention_days > 0 && time_ms < now - group->retention_days * DAY_MS) {
            batch->expired_end = (int64_t)index + 1;
        } else if (time_ms < now - TOO_OLD_MS) {
            batch->too_old_end = (int64_t)index + 1;
        } else if (time_ms > now + TOO_NEW_MS) {
            batch->too_new_start = batch->too_new_start < 0 ? (int64_t)index : batch->too_new_start;
        } else {
            VEC_PUSH(&batch->events, (StLogEvent){.time_ms = time_ms, .message = js_str(item, "message")});
        }
    }
}

bool sv_logs_put_log_events(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    yyjson_val *list = yyjson_obj_get(call->input, "logEvents");
    Str name = js_str(call->input, "logGroupName");
    StLogGroup group;
    StLogStream stream;
    Batch batch = {.events = {.arena = call->arena}};
    if (!check_batch(list, err) || !st_log_group_get(services->logs, call->arena, name, &group, err) ||
        !st_log_stream_get(services->logs, call->arena, name, js_str(call->input, "logStreamName"), &stream, err)) {
        return false;
    }
    sort_out(list, &group, &batch);
    if (batch.events.count > 0 && !st_log_append(services->logs, stream.id, batch.events.items, batch.events.count, true, err)) {
        return false;
    }
    js_put_str(call->doc, call->output, "nextSequenceToken", str_fmt(call->arena, "%056lld", (long long)stream.id));
    if (batch.events.count < yyjson_arr_size(list)) {
        yyjson_mut_val *rejected = yyjson_mut_obj_add_obj(call->doc, call->output, "rejectedLogEventsInfo");
        const struct {
            const char *name;
            int64_t value;
        } members[] = {{"tooNewLogEventStartIndex", batch.too_new_start},
                       {"tooOldLogEventEndIndex", batch.too_old_end},
                       {"expiredLogEventEndIndex", batch.expired_end}};
        for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
            if (members[i].value >= 0) {
                (void)yyjson_mut_obj_add_int(call->doc, rejected, members[i].name, members[i].value);
            }
        }
    }
    return true;
}

/* ---- reading ---- */

static void set_range(AwsCall *call, const StLogGroup *group, StLogQuery *query, bool end_is_in) {
    int64_t to = js_i64(call->input, "endTime", INT64_MAX - 1);
    int64_t oldest = group->retention_days > 0 ? now_ms() - group->retention_days * DAY_MS : 0;
    query->from_ms = js_i64(call->input, "startTime", 0);
    query->from_ms = query->from_ms < oldest ? oldest : query->from_ms;
    query->to_ms = to + (end_is_in && to < INT64_MAX - 1);
    int64_t limit = js_i64(call->input, "limit", MAX_EVENTS);
    query->limit = limit < 1 || limit > MAX_EVENTS ? MAX_EVENTS : (size_t)limit;
    query->max_bytes = MAX_ANSWER;
}

static yyjson_mut_val *add_event(AwsCall *call, yyjson_mut_val *list, const StLogEvent *event) {
    yyjson_mut_val *shown = yyjson_mut_arr_add_obj(call->doc, list);
    (void)yyjson_mut_obj_add_int(call->doc, shown, "timestamp", event->time_ms);
    js_put_str(call->doc, shown, "message", event->message);
    (void)yyjson_mut_obj_add_int(call->doc, shown, "ingestionTime", event->ingested_ms);
    return shown;
}

bool sv_logs_get_log_events(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str token = js_str(call->input, "nextToken");
    Str name;
    StLogGroup group;
    StLogStream stream;
    StLogPlace place = {0};
    StLogPage page;
    if (!lg_group_name(services, call, &name, err) || !st_log_group_get(services->logs, call->arena, name, &group, err) ||
        !st_log_stream_get(services->logs, call->arena, name, js_str(call->input, "logStreamName"), &stream, err)) {
        return false;
    }
    bool is_backward = token.len > 0 ? token.data[0] == 'b' : !js_bool(call->input, "startFromHead", false);
    if (token.len > 0) {
        bool is_ours = token.len > 2 && (token.data[0] == 'f' || token.data[0] == 'b') && token.data[1] == '/';
        if (!is_ours || !read_place(str_slice(token, 2, token.len), &place)) {
            return bad_token(err);
        }
    }
    StLogQuery query = {.streams = &stream.id, .nstreams = 1, .backward = is_backward, .place = token.len > 0 ? &place : NULL};
    set_range(call, &group, &query, false);
    if (!st_log_read(services->logs, call->arena, &query, &page, err)) {
        return false;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, "events");
    for (size_t i = 0; i < page.count; i++) {
        (void)add_event(call, list, &page.events[i]);
    }
    js_put_str(call->doc, call->output, "nextForwardToken", str_fmt(call->arena, "f/%s", place_text(call->arena, page.next).data));
    js_put_str(call->doc, call->output, "nextBackwardToken", str_fmt(call->arena, "b/%s", place_text(call->arena, page.previous).data));
    return true;
}

static bool matches(void *self, Str message) {
    return lg_pattern_matches(self, message);
}

/* The streams to search: those named, those of a prefix, or all. */
static bool choose_streams(const SvServices *services, AwsCall *call, Str group, const StLogStream **ret_streams, size_t *ret_count, Err *err) {
    yyjson_val *names = yyjson_obj_get(call->input, "logStreamNames");
    Str prefix = js_str(call->input, "logStreamNamePrefix");
    if (names == NULL) {
        return st_log_stream_list(services->logs, call->arena, group, prefix, ret_streams, ret_count, err);
    }
    if (prefix.len > 0) {
        return err_set(err, "InvalidParameterException", "logStreamNamePrefix and logStreamNames cannot both be specified.");
    }
    VEC(StLogStream) streams = {.arena = call->arena};
    size_t index;
    size_t count;
    yyjson_val *name;
    yyjson_arr_foreach(names, index, count, name) {
        StLogStream stream;
        if (!st_log_stream_get(services->logs, call->arena, group, js_text(name), &stream, err)) {
            return false;
        }
        VEC_PUSH(&streams, stream);
    }
    *ret_streams = streams.items;
    *ret_count = streams.count;
    return true;
}

bool sv_logs_filter_log_events(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str token = js_str(call->input, "nextToken");
    const StLogStream *streams = NULL;
    size_t count = 0;
    Str name;
    Str position;
    StLogGroup group;
    StLogPlace place = {0};
    StLogPage page;
    LgPattern pattern = {0};
    if (!lg_group_name(services, call, &name, err) || !lg_pattern_parse(call->arena, js_str(call->input, "filterPattern"), &pattern, err) ||
        !st_log_group_get(services->logs, call->arena, name, &group, err) || !choose_streams(services, call, name, &streams, &count, err)) {
        return false;
    }
    if (token.len > 0 && (!js_page_position(call->arena, token, &position) || !read_place(position, &place))) {
        return bad_token(err);
    }
    int64_t *ids = ARENA_ARRAY(call->arena, int64_t, count + 1);
    Map names = {.arena = call->arena};
    for (size_t i = 0; i < count; i++) {
        ids[i] = streams[i].id;
        map_put(&names, (Str){(const char *)&ids[i], sizeof ids[i]}, (void *)&streams[i].name);
    }
    StLogQuery query = {.streams = ids,
                        .nstreams = count,
                        .place = token.len > 0 ? &place : NULL,
                        .match = pattern.count > 0 ? matches : NULL,
                        .self = &pattern};
    set_range(call, &group, &query, true);
    if (!st_log_read(services->logs, call->arena, &query, &page, err)) {
        return false;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, "events");
    for (size_t i = 0; i < page.count; i++) {
        const StLogEvent *event = &page.events[i];
        const Str *stream = map_get(&names, (Str){(const char *)&event->stream_id, sizeof event->stream_id});
        yyjson_mut_val *shown = add_event(call, list, event);
        js_put_str(call->doc, shown, "logStreamName", *stream);
        js_put_str(call->doc, shown, "eventId", place_text(call->arena, (StLogPlace){event->time_ms, event->stream_id, event->offset}));
    }
    (void)yyjson_mut_obj_add_arr(call->doc, call->output, "searchedLogStreams"); /* empty, as AWS gives it now */
    if (page.has_more) {
        js_put_str(call->doc, call->output, "nextToken", js_page_token(call->arena, place_text(call->arena, page.next)));
    }
    return true;
}
