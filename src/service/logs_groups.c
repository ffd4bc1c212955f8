/* logs_groups.c - CloudWatch Logs: groups and streams; their events are in logs_events.c. Behaviour: Amazon CloudWatch Logs API reference. */
#include "service/logs_names.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_PAGE = 50 };

Str lg_group_arn(const SvServices *services, Arena *arena, Str name) {
    return str_fmt(arena, "arn:aws:logs:%.*s:%.*s:log-group:%.*s", STR_ARG(services->region), STR_ARG(services->account), STR_ARG(name));
}

bool lg_group_name(const SvServices *services, AwsCall *call, Str *ret_name, Err *err) {
    Str name = js_str(call->input, "logGroupName");
    Str identifier = js_str(call->input, "logGroupIdentifier");
    if ((name.len == 0) == (identifier.len == 0)) {
        return err_set(err, "InvalidParameterException",
                       name.len == 0 ? "Either logGroupName or logGroupIdentifier is required."
                                     : "Only one of logGroupName and logGroupIdentifier may be specified.");
    }
    Str prefix = lg_group_arn(services, call->arena, STR(""));
    *ret_name = name.len > 0 ? name : str_starts_with(identifier, prefix) ? str_slice(identifier, prefix.len, identifier.len) : identifier;
    if (name.len == 0 && str_ends_with(*ret_name, STR(":*"))) {
        *ret_name = str_slice(*ret_name, 0, ret_name->len - 2);
    }
    return true;
}

bool lg_page_start(AwsCall *call, Str *ret_after, Err *err) {
    Str token = js_str(call->input, "nextToken");
    *ret_after = STR("");
    return token.len == 0 || js_page_position(call->arena, token, ret_after) ||
           err_set(err, "InvalidParameterException", "The specified nextToken is invalid.");
}

static size_t page_limit(AwsCall *call) {
    int64_t limit = js_i64(call->input, "limit", DEFAULT_PAGE);
    return limit < 1 || limit > DEFAULT_PAGE ? DEFAULT_PAGE : (size_t)limit;
}

/* ---- groups ---- */

bool sv_logs_create_log_group(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    yyjson_val *tags = yyjson_obj_get(call->input, "tags");
    return st_log_group_create(services->logs, js_str(call->input, "logGroupName"), tags == NULL ? STR("") : js_write_val(call->arena, tags), err);
}

bool sv_logs_delete_log_group(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    return st_log_group_delete(services->logs, js_str(call->input, "logGroupName"), err);
}

static void add_group(const SvServices *services, AwsCall *call, yyjson_mut_val *list, const StLogGroup *group) {
    yyjson_mut_doc *doc = call->doc;
    yyjson_mut_val *shown = yyjson_mut_arr_add_obj(doc, list);
    Str arn = lg_group_arn(services, call->arena, group->name);
    js_put_str(doc, shown, "logGroupName", group->name);
    (void)yyjson_mut_obj_add_int(doc, shown, "creationTime", group->created_ms);
    if (group->retention_days > 0) {
        (void)yyjson_mut_obj_add_int(doc, shown, "retentionInDays", group->retention_days);
    }
    (void)yyjson_mut_obj_add_int(doc, shown, "metricFilterCount", 0);
    js_put_str(doc, shown, "arn", str_fmt(call->arena, "%.*s:*", STR_ARG(arn)));
    (void)yyjson_mut_obj_add_int(doc, shown, "storedBytes", group->stored_bytes);
    js_put_str(doc, shown, "logGroupClass", STR("STANDARD"));
    js_put_str(doc, shown, "logGroupArn", arn);
}

bool sv_logs_describe_log_groups(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str prefix = js_str(call->input, "logGroupNamePrefix");
    Str part = js_str(call->input, "logGroupNamePattern");
    const StLogGroup *groups = NULL;
    size_t count = 0;
    Str after;
    if (prefix.len > 0 && part.len > 0) {
        return err_set(err, "InvalidParameterException", "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
    }
    if (!lg_page_start(call, &after, err) || !st_log_group_list(services->logs, call->arena, prefix, &groups, &count, err)) {
        return false;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, "logGroups");
    size_t limit = page_limit(call);
    Str last = {0};
    for (size_t i = 0, taken = 0; i < count; i++) {
        if ((after.len > 0 && str_cmp(groups[i].name, after) <= 0) ||
            (part.len > 0 && !str_contains(str_lower(call->arena, groups[i].name), str_lower(call->arena, part)))) {
            continue;
        }
        if (taken == limit) {
            js_put_str(call->doc, call->output, "nextToken", js_page_token(call->arena, last));
            break;
        }
        add_group(services, call, list, &groups[i]);
        last = groups[i].name;
        taken++;
    }
    return true;
}

bool sv_logs_put_retention_policy(void *self, AwsCall *call, Err *err) {
    static const int ALLOWED[] = {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};
    SvServices *services = self;
    int64_t days = js_i64(call->input, "retentionInDays", 0);
    for (size_t i = 0; i < sizeof ALLOWED / sizeof ALLOWED[0]; i++) {
        if (days == ALLOWED[i]) {
            return st_log_group_retain(services->logs, js_str(call->input, "logGroupName"), days, err);
        }
    }
    return err_set(err, "InvalidParameterException",
                   "Invalid retention policy specified. Allowed values are 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, "
                   "1827, 2192, 2557, 2922, 3288 and 3653");
}

bool sv_logs_delete_retention_policy(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    return st_log_group_retain(services->logs, js_str(call->input, "logGroupName"), 0, err);
}

static bool put_tags(AwsCall *call, const StLogGroup *group) {
    return yyjson_mut_obj_add_val(call->doc, call->output, "tags", js_parse_into(call->doc, group->tags.len == 0 ? STR("{}") : group->tags));
}

bool sv_logs_list_tags_log_group(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StLogGroup group;
    return st_log_group_get(services->logs, call->arena, js_str(call->input, "logGroupName"), &group, err) && put_tags(call, &group);
}

/* The group that an ARN names; the model lets none with ":*" behind it through. */
static bool group_of_arn(const SvServices *services, AwsCall *call, Str *ret_name, Err *err) {
    Str arn = js_str(call->input, "resourceArn");
    Str prefix = lg_group_arn(services, call->arena, STR(""));
    if (!str_starts_with(arn, prefix)) {
        return err_set(err, "InvalidParameterException", "'%.*s' is no ARN of a log group of this account and region", STR_ARG(arn));
    }
    *ret_name = str_slice(arn, prefix.len, arn.len);
    return true;
}

bool sv_logs_list_tags_for_resource(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    StLogGroup group;
    Str name;
    return group_of_arn(services, call, &name, err) && st_log_group_get(services->logs, call->arena, name, &group, err) && put_tags(call, &group);
}

bool sv_logs_tag_resource(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str name;
    return group_of_arn(services, call, &name, err) &&
           st_log_group_tag(services->logs, name, js_write_val(call->arena, yyjson_obj_get(call->input, "tags")), err);
}

bool sv_logs_untag_resource(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    size_t index;
    size_t count;
    yyjson_val *key;
    Str name;
    yyjson_mut_val *patch = yyjson_mut_obj(call->doc);
    yyjson_arr_foreach(yyjson_obj_get(call->input, "tagKeys"), index, count, key) {
        (void)yyjson_mut_obj_put(patch, yyjson_val_mut_copy(call->doc, key), yyjson_mut_null(call->doc));
    }
    return group_of_arn(services, call, &name, err) && st_log_group_tag(services->logs, name, js_write(call->arena, patch), err);
}

/* ---- streams ---- */

bool sv_logs_create_log_stream(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    return st_log_stream_create(services->logs, js_str(call->input, "logGroupName"), js_str(call->input, "logStreamName"), err);
}

bool sv_logs_delete_log_stream(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    return st_log_stream_delete(services->logs, js_str(call->input, "logGroupName"), js_str(call->input, "logStreamName"), err);
}

/* By the last event's time, those without events by their creation; names decide between equals. */
static int64_t sort_time(const StLogStream *stream) {
    return stream->ingested_ms > 0 ? stream->last_ms : stream->created_ms;
}

static int by_last_event(const void *a, const void *b) {
    const StLogStream *left = a;
    const StLogStream *right = b;
    int64_t l = sort_time(left);
    int64_t r = sort_time(right);
    return l != r ? (l < r ? -1 : 1) : str_cmp(left->name, right->name);
}

static void add_stream(AwsCall *call, yyjson_mut_val *list, Str group_arn, const StLogStream *stream) {
    yyjson_mut_doc *doc = call->doc;
    yyjson_mut_val *shown = yyjson_mut_arr_add_obj(doc, list);
    js_put_str(doc, shown, "logStreamName", stream->name);
    (void)yyjson_mut_obj_add_int(doc, shown, "creationTime", stream->created_ms);
    if (stream->ingested_ms > 0) {
        (void)yyjson_mut_obj_add_int(doc, shown, "firstEventTimestamp", stream->first_ms);
        (void)yyjson_mut_obj_add_int(doc, shown, "lastEventTimestamp", stream->last_ms);
        (void)yyjson_mut_obj_add_int(doc, shown, "lastIngestionTime", stream->ingested_ms);
    }
    js_put_str(doc, shown, "uploadSequenceToken", str_fmt(call->arena, "%056lld", (long long)stream->id));
    js_put_str(doc, shown, "arn", str_fmt(call->arena, "%.*s:log-stream:%.*s", STR_ARG(group_arn), STR_ARG(stream->name)));
    (void)yyjson_mut_obj_add_int(doc, shown, "storedBytes", 0); /* as AWS has it since 2019: the group's tells */
}

bool sv_logs_describe_log_streams(void *self, AwsCall *call, Err *err) {
    SvServices *services = self;
    Str prefix = js_str(call->input, "logStreamNamePrefix");
    bool by_time = str_eq_c(js_str(call->input, "orderBy"), "LastEventTime");
    bool descending = js_bool(call->input, "descending", false);
    const StLogStream *streams = NULL;
    size_t count = 0;
    Str group;
    Str after;
    if (by_time && prefix.len > 0) {
        return err_set(err, "InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.");
    }
    if (!lg_group_name(services, call, &group, err) || !lg_page_start(call, &after, err) ||
        !st_log_stream_list(services->logs, call->arena, group, prefix, &streams, &count, err)) {
        return false;
    }
    if (by_time && count > 1) {
        qsort((StLogStream *)streams, count, sizeof *streams, by_last_event);
    }
    /* A token is the name of the last stream shown: by name the next one follows; by time it is looked for, and where it stands now is where the
     * page goes on. */
    size_t from = 0;
    for (size_t i = 0; i < count && after.len > 0; i++) {
        const StLogStream *stream = &streams[descending ? count - 1 - i : i];
        int order = by_time ? (str_eq(stream->name, after) ? 0 : 1) : (descending ? str_cmp(after, stream->name) : str_cmp(stream->name, after));
        from = order <= 0 ? i + 1 : from;
    }
    yyjson_mut_val *list = yyjson_mut_obj_add_arr(call->doc, call->output, "logStreams");
    Str arn = lg_group_arn(services, call->arena, group);
    size_t limit = page_limit(call);
    for (size_t i = from; i < count; i++) {
        const StLogStream *stream = &streams[descending ? count - 1 - i : i];
        add_stream(call, list, arn, stream);
        if (i + 1 - from == limit && i + 1 < count) {
            js_put_str(call->doc, call->output, "nextToken", js_page_token(call->arena, stream->name));
            break;
        }
    }
    return true;
}
