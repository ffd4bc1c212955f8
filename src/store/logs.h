/* store/logs.h - log groups, streams and events: what CloudWatch Logs keeps.
 *
 * Used by service/ (the logs service, and the output of job runs). Groups and streams are rows; a stream's events stand in one file that only
 * grows, logs/<id>.log, each with its length, times and checksum, beside an index of its blocks by time, logs/<id>.idx.
 * Invariants: an appended event is seen by the next read, and lasts through a kill of the process; it is on disk after st_logs_sync, or when the
 * append asked for that. A record that a kill tore is cut off when the file is opened; the index is never needed, only faster. One process at a
 * time appends (a lock on the folder). Thread-safe.
 * Error codes: ResourceNotFoundException, ResourceAlreadyExistsException.
 */
#ifndef SOLDER_STORE_LOGS_H
#define SOLDER_STORE_LOGS_H

#include "store/store.h"

typedef struct StLogs StLogs;

enum { ST_LOG_EVENT_OVERHEAD = 26, ST_LOG_EVENT_MAX = 256 * 1024 - ST_LOG_EVENT_OVERHEAD };

StLogs *st_logs_open(StStore *store, Err *err);
/* Syncs, then frees; the store stays open. */
void st_logs_close(StLogs *owned_logs);
/* Puts what was appended on disk, and what rows tell of it. *ret_did is false when nothing had been appended. */
bool st_logs_sync(StLogs *logs, bool *ret_did, Err *err);

typedef struct StLogGroup {
    Str name;
    int64_t created_ms, retention_days; /* 0: for ever */
    int64_t stored_bytes;
    Str tags; /* JSON object */
} StLogGroup;

bool st_log_group_create(StLogs *logs, Str name, Str tags, Err *err);
bool st_log_group_delete(StLogs *logs, Str name, Err *err);
bool st_log_group_retain(StLogs *logs, Str name, int64_t days, Err *err);
/* Merges a patch into its tags (RFC 7396: null removes one). */
bool st_log_group_tag(StLogs *logs, Str name, Str patch, Err *err);
bool st_log_group_get(StLogs *logs, Arena *arena, Str name, StLogGroup *ret_group, Err *err);
/* All whose name begins with prefix, by name. */
bool st_log_group_list(StLogs *logs, Arena *arena, Str prefix, const StLogGroup **ret_groups, size_t *ret_count, Err *err);

typedef struct StLogStream {
    int64_t id;
    Str name;
    int64_t created_ms;
    int64_t first_ms, last_ms; /* of the events' timestamps */
    int64_t ingested_ms;       /* 0: no event yet */
    int64_t stored_bytes;
} StLogStream;

bool st_log_stream_create(StLogs *logs, Str group, Str name, Err *err);
bool st_log_stream_delete(StLogs *logs, Str group, Str name, Err *err);
bool st_log_stream_get(StLogs *logs, Arena *arena, Str group, Str name, StLogStream *ret_stream, Err *err);
/* All whose name begins with prefix, by name. */
bool st_log_stream_list(StLogs *logs, Arena *arena, Str group, Str prefix, const StLogStream **ret_streams, size_t *ret_count, Err *err);

typedef struct StLogEvent {
    int64_t time_ms, ingested_ms; /* milliseconds since 1970 */
    Str message;
    int64_t stream_id, offset; /* where it is; set by reads */
} StLogEvent;

/* All or none. Of the events, time_ms and message count; a message longer than ST_LOG_EVENT_MAX is cut at a character. */
bool st_log_append(StLogs *logs, int64_t stream_id, const StLogEvent *events, size_t count, bool sync, Err *err);

/* A place in the order of events: by time, then stream, then offset. It stands in front of the event that has it. */
typedef struct StLogPlace {
    int64_t time_ms, stream_id, offset;
} StLogPlace;

typedef struct StLogQuery {
    const int64_t *streams;
    size_t nstreams;
    int64_t from_ms, to_ms; /* [from, to) */
    bool backward;          /* the last ones in front of place, else the first ones from place on */
    const StLogPlace *place; /* NULL: from the range's beginning, or its end */
    size_t limit;
    size_t max_bytes; /* of messages with their overhead; at least one event is given */
    bool (*match)(void *self, Str message); /* NULL: every event */
    void *self;
} StLogQuery;

typedef struct StLogPage {
    const StLogEvent *events; /* oldest first, either way */
    size_t count;
    bool has_more;
    StLogPlace next, previous; /* behind the last event and in front of the first; without events, the place asked for */
} StLogPage;

/* Events of the streams; those that are gone meanwhile have none. Reads only blocks whose times lie in the range. */
bool st_log_read(StLogs *logs, Arena *arena, const StLogQuery *query, StLogPage *ret_page, Err *err);
/* Bytes of event files that reads have taken from disk or cache so far: what an index saves is seen here. */
int64_t st_logs_bytes_read(StLogs *logs);

#endif
