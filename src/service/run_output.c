/* run_output.c - see run_output.h. */
#include "service/run_output.h"

#include "base/utf8.h"
#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PARTIAL_LINE_MS = 1000, REPAIRED_MAX = ST_LOG_EVENT_MAX / 3 };

typedef struct Pipe {
    Str group;
    int64_t stream_id; /* 0: not made yet */
    char *line;        /* the last line's beginning; ST_LOG_EVENT_MAX bytes, made when needed */
    size_t len;
    int64_t since_ms;
    bool has_failed; /* said once */
} Pipe;

struct RunOutput {
    Arena *arena;
    StLogs *logs;
    Str stream;
    int64_t last_ms; /* times of events never go back, whatever the clock does */
    Pipe pipes[2];
};

static int64_t clock_ms(clockid_t clock) {
    struct timespec now;
    return clock_gettime(clock, &now) == 0 ? (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 : 0;
}

RunOutput *ro_new(StLogs *logs, Str group_prefix, Str stream) {
    Arena *arena = arena_new();
    RunOutput *output = ARENA_NEW(arena, RunOutput);
    output->arena = arena;
    output->logs = logs;
    output->stream = str_copy(arena, stream);
    output->pipes[0].group = str_fmt(arena, "%.*s/output", STR_ARG(group_prefix));
    output->pipes[1].group = str_fmt(arena, "%.*s/error", STR_ARG(group_prefix));
    return output;
}

void ro_free(RunOutput *owned_output) {
    free(owned_output->pipes[0].line);
    free(owned_output->pipes[1].line);
    arena_free(owned_output->arena);
}

static bool made(bool ok, Err *err) {
    if (!ok && err_is(err, "ResourceAlreadyExistsException")) {
        err_clear(err);
        return true;
    }
    return ok;
}

static bool make_stream(RunOutput *output, Pipe *pipe, Arena *scratch, Err *err) {
    StLogStream stream = {0};
    bool ok = made(st_log_group_create(output->logs, pipe->group, STR(""), err), err) &&
              made(st_log_stream_create(output->logs, pipe->group, output->stream, err), err) &&
              st_log_stream_get(output->logs, scratch, pipe->group, output->stream, &stream, err);
    pipe->stream_id = ok ? stream.id : 0;
    return ok;
}

/* Somebody may delete the stream while the run prints: then it is made again. */
static void log_events(RunOutput *output, Pipe *pipe, Arena *scratch, const StLogEvent *events, size_t count) {
    Err err = {0};
    if (count == 0) {
        return;
    }
    bool ok = (pipe->stream_id != 0 || make_stream(output, pipe, scratch, &err)) &&
              st_log_append(output->logs, pipe->stream_id, events, count, false, &err);
    if (!ok && err_is(&err, "ResourceNotFoundException")) {
        err_clear(&err);
        ok = make_stream(output, pipe, scratch, &err) && st_log_append(output->logs, pipe->stream_id, events, count, false, &err);
    }
    if (!ok && !pipe->has_failed) {
        fprintf(stderr, "solder: lines of run %.*s are lost: %s\n", STR_ARG(output->stream), err.message);
    }
    pipe->has_failed = !ok;
}

typedef VEC(StLogEvent) EventVec;

/* How much of text fits into one event: not within a character. */
static size_t piece_length(Str text) {
    if (text.len <= ST_LOG_EVENT_MAX) {
        return text.len;
    }
    size_t len = ST_LOG_EVENT_MAX;
    while (len > ST_LOG_EVENT_MAX - 4 && ((unsigned char)text.data[len] & 0xC0) == 0x80) {
        len--;
    }
    return len;
}

/* Blank lines are left out: CloudWatch has no event without text. */
static void add_line(EventVec *events, Str line, int64_t time_ms) {
    line.len -= line.len > 0 && line.data[line.len - 1] == '\r';
    while (line.len > 0) {
        Str piece = {line.data, piece_length(line)};
        if (!utf8_is_valid(piece.data, piece.len)) {
            piece.len = piece.len < REPAIRED_MAX ? piece.len : REPAIRED_MAX;
            char *repaired = arena_alloc(events->arena, piece.len * 3 + 1);
            Str text = {repaired, utf8_repair(piece.data, piece.len, repaired)};
            VEC_PUSH(events, (StLogEvent){.time_ms = time_ms, .message = text});
        } else {
            VEC_PUSH(events, (StLogEvent){.time_ms = time_ms, .message = piece});
        }
        line = str_slice(line, piece.len, line.len);
    }
}

static void keep(Pipe *pipe, Str rest) {
    if (pipe->line == NULL && (pipe->line = malloc(ST_LOG_EVENT_MAX)) == NULL) {
        abort();
    }
    if (pipe->len == 0) {
        pipe->since_ms = clock_ms(CLOCK_MONOTONIC);
    }
    memcpy(pipe->line + pipe->len, rest.data, rest.len);
    pipe->len += rest.len;
}

static int64_t event_time(RunOutput *output) {
    int64_t now = clock_ms(CLOCK_REALTIME);
    output->last_ms = now > output->last_ms ? now : output->last_ms;
    return output->last_ms;
}

/* The kept beginning and what follows it, as one line. */
static void end_line(EventVec *events, Pipe *pipe, Str rest, int64_t time_ms) {
    if (pipe->len == 0) {
        add_line(events, rest, time_ms);
        return;
    }
    StrBuf whole = {.arena = events->arena};
    strbuf_add(&whole, (Str){pipe->line, pipe->len});
    strbuf_add(&whole, rest);
    add_line(events, strbuf_str(&whole), time_ms);
    pipe->len = 0;
}

void ro_take(RunOutput *output, bool is_stderr, Str bytes) {
    Pipe *pipe = &output->pipes[is_stderr];
    EventVec events = {.arena = arena_new()};
    int64_t time_ms = event_time(output);
    while (bytes.len > 0) {
        const char *end = memchr(bytes.data, '\n', bytes.len);
        if (end != NULL) {
            size_t len = (size_t)(end - bytes.data);
            end_line(&events, pipe, str_slice(bytes, 0, len), time_ms);
            bytes = str_slice(bytes, len + 1, bytes.len);
        } else if (pipe->len + bytes.len >= ST_LOG_EVENT_MAX) {
            /* A line without an end: what is there makes events, the last character's bytes may follow. */
            size_t tail = 0;
            while (tail < 3 && tail + 1 < bytes.len && ((unsigned char)bytes.data[bytes.len - 1 - tail] & 0xC0) == 0x80) {
                tail++;
            }
            tail += ((unsigned char)bytes.data[bytes.len - 1 - tail] & 0xC0) == 0xC0;
            end_line(&events, pipe, str_slice(bytes, 0, bytes.len - tail), time_ms);
            if (tail > 0) {
                keep(pipe, str_slice(bytes, bytes.len - tail, bytes.len));
            }
            break;
        } else {
            keep(pipe, bytes);
            break;
        }
    }
    log_events(output, pipe, events.arena, events.items, events.count);
    arena_free(events.arena);
}

void ro_flush(RunOutput *output, bool at_end) {
    for (size_t i = 0; i < 2; i++) {
        Pipe *pipe = &output->pipes[i];
        if (pipe->len > 0 && (at_end || clock_ms(CLOCK_MONOTONIC) - pipe->since_ms >= PARTIAL_LINE_MS)) {
            EventVec events = {.arena = arena_new()};
            end_line(&events, pipe, STR(""), event_time(output));
            log_events(output, pipe, events.arena, events.items, events.count);
            arena_free(events.arena);
        }
    }
}
