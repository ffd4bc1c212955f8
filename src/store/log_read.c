/* log_read.c - events of many streams in the order of their times; see st_log_read in logs.h.
 *
 * The blocks whose times lie in the range are taken in the order of their first times (backward: of their last ones, from the end). The best
 * `limit` events so far stand in a heap with the worst on top; once no block that is left can have a better one, it is done. So a page costs
 * the blocks that it comes from, however much the streams hold, and events that came out of order are in their place.
 */
#include "base/vec.h"
#include "store/log_room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct BlockRef {
    int64_t stream_id;
    StLogBlock block;
} BlockRef;

typedef struct Reader {
    StLogs *logs;
    const StLogQuery *query;
    VEC(BlockRef) blocks;
    StLogEvent *heap; /* messages malloc'ed */
    size_t count, cap;
    size_t bytes;
    bool is_cut; /* events at or behind cut_at, seen in the page's direction, have no place */
    StLogPlace cut_at;
    char *buffer;
    size_t buffer_size;
    int64_t bytes_read;
} Reader;

static StLogPlace place_of(const StLogEvent *event) {
    return (StLogPlace){event->time_ms, event->stream_id, event->offset};
}

static int compare_i64(int64_t a, int64_t b) {
    return a < b ? -1 : a > b;
}

static int compare_places(StLogPlace a, StLogPlace b) {
    int order = compare_i64(a.time_ms, b.time_ms);
    order = order != 0 ? order : compare_i64(a.stream_id, b.stream_id);
    return order != 0 ? order : compare_i64(a.offset, b.offset);
}

/* Below 0: a comes before b in the direction of the page. */
static int compare(const Reader *reader, StLogPlace a, StLogPlace b) {
    return reader->query->backward ? compare_places(b, a) : compare_places(a, b);
}

/* ---- the heap ---- */

static bool is_worse(const Reader *reader, size_t a, size_t b) {
    return compare(reader, place_of(&reader->heap[a]), place_of(&reader->heap[b])) > 0;
}

static void swap(Reader *reader, size_t a, size_t b) {
    StLogEvent saved = reader->heap[a];
    reader->heap[a] = reader->heap[b];
    reader->heap[b] = saved;
}

static size_t cost(const StLogEvent *event) {
    return event->message.len + ST_LOG_EVENT_OVERHEAD;
}

static void push(Reader *reader, const StLogEvent *event) {
    if (reader->count == reader->cap) {
        reader->cap = reader->cap == 0 ? 64 : reader->cap * 2;
        reader->heap = realloc(reader->heap, reader->cap * sizeof *reader->heap);
        if (reader->heap == NULL) {
            abort();
        }
    }
    char *copy = malloc(event->message.len + 1);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, event->message.data, event->message.len);
    size_t at = reader->count++;
    reader->heap[at] = *event;
    reader->heap[at].message.data = copy;
    reader->bytes += cost(event);
    while (at > 0 && is_worse(reader, at, (at - 1) / 2)) {
        swap(reader, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

/* Takes the worst away; nothing behind it has a place any more. */
static void pop(Reader *reader) {
    StLogEvent worst = reader->heap[0];
    reader->is_cut = true;
    reader->cut_at = place_of(&worst);
    reader->bytes -= cost(&worst);
    free((char *)worst.message.data);
    reader->heap[0] = reader->heap[--reader->count];
    for (size_t at = 0;;) {
        size_t child = 2 * at + 1;
        if (child >= reader->count) {
            return;
        }
        child = child + 1 < reader->count && is_worse(reader, child + 1, child) ? child + 1 : child;
        if (!is_worse(reader, child, at)) {
            return;
        }
        swap(reader, child, at);
        at = child;
    }
}

static void offer(Reader *reader, const StLogEvent *event) {
    const StLogQuery *query = reader->query;
    StLogPlace place = place_of(event);
    if (event->time_ms < query->from_ms || event->time_ms >= query->to_ms || (reader->is_cut && compare(reader, place, reader->cut_at) >= 0)) {
        return;
    }
    if (query->place != NULL && (compare_places(place, *query->place) < 0) != query->backward) {
        return;
    }
    if (query->match != NULL && !query->match(query->self, event->message)) {
        return;
    }
    push(reader, event);
    while (reader->count > query->limit || (reader->bytes > query->max_bytes && reader->count > 1)) {
        pop(reader);
    }
}

/* ---- the blocks ---- */

static bool is_wanted(const StLogQuery *query, const StLogBlock *block) {
    if (block->max_ms < query->from_ms || block->min_ms >= query->to_ms) {
        return false;
    }
    return query->place == NULL || (query->backward ? block->min_ms <= query->place->time_ms : block->max_ms >= query->place->time_ms);
}

static bool collect_blocks(Reader *reader, Err *err) {
    const StLogQuery *query = reader->query;
    bool ok = true;
    st_logs_lock(reader->logs);
    for (size_t i = 0; i < query->nstreams && ok; i++) {
        const StLogFile *file = st_logs_file(reader->logs, query->streams[i], err);
        ok = file != NULL;
        for (size_t b = 0; ok && b < file->nblocks; b++) {
            if (is_wanted(query, &file->blocks[b])) {
                VEC_PUSH(&reader->blocks, (BlockRef){file->id, file->blocks[b]});
            }
        }
    }
    st_logs_unlock(reader->logs);
    return ok;
}

static int by_first_time(const void *a, const void *b) {
    return compare_i64(((const BlockRef *)a)->block.min_ms, ((const BlockRef *)b)->block.min_ms);
}

static int by_last_time_from_end(const void *a, const void *b) {
    return compare_i64(((const BlockRef *)b)->block.max_ms, ((const BlockRef *)a)->block.max_ms);
}

/* A stream that was deleted meanwhile has no file: no events. */
static bool read_block(Reader *reader, Arena *scratch, const BlockRef *ref, Str *ret_bytes, Err *err) {
    size_t size = (size_t)(ref->block.end - ref->block.start);
    Str path = str_fmt(scratch, "%.*s/%lld.log", STR_ARG(reader->logs->folder), (long long)ref->stream_id);
    *ret_bytes = STR("");
    int fd = open(path.data, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT || err_set(err, ERR_IO, "%.*s: %s", STR_ARG(path), strerror(errno));
    }
    if (size > reader->buffer_size) {
        free(reader->buffer);
        reader->buffer = malloc(size);
        if (reader->buffer == NULL) {
            abort();
        }
        reader->buffer_size = size;
    }
    size_t done = 0;
    ssize_t got = 0;
    do {
        got = pread(fd, reader->buffer + done, size - done, ref->block.start + (int64_t)done);
        done += got > 0 ? (size_t)got : 0;
    } while (done < size && (got > 0 || (got < 0 && errno == EINTR)));
    bool ok = got >= 0 || err_set(err, ERR_IO, "%.*s: %s", STR_ARG(path), strerror(errno));
    (void)close(fd);
    reader->bytes_read += (int64_t)done;
    *ret_bytes = (Str){reader->buffer, done};
    return ok;
}

static bool read_blocks(Reader *reader, Arena *scratch, Err *err) {
    bool backward = reader->query->backward;
    if (reader->blocks.count > 1) {
        qsort(reader->blocks.items, reader->blocks.count, sizeof *reader->blocks.items, backward ? by_last_time_from_end : by_first_time);
    }
    for (size_t i = 0; i < reader->blocks.count; i++) {
        const BlockRef *ref = &reader->blocks.items[i];
        if (reader->is_cut && (backward ? ref->block.max_ms < reader->cut_at.time_ms : ref->block.min_ms > reader->cut_at.time_ms)) {
            break;
        }
        Str bytes;
        if (!read_block(reader, scratch, ref, &bytes, err)) {
            return false;
        }
        StLogEvent event = {.stream_id = ref->stream_id};
        size_t before = 0;
        size_t at = 0;
        while (st_log_record(bytes, &at, &event)) {
            event.offset = ref->block.start + (int64_t)before;
            offer(reader, &event);
            before = at;
        }
    }
    return true;
}

static int by_place(const void *a, const void *b) {
    return compare_places(place_of(a), place_of(b));
}

static void fill_page(Reader *reader, Arena *arena, StLogPage *ret_page) {
    const StLogQuery *query = reader->query;
    StLogEvent *events = ARENA_ARRAY(arena, StLogEvent, reader->count + 1);
    if (reader->count > 1) {
        qsort(reader->heap, reader->count, sizeof *reader->heap, by_place);
    }
    for (size_t i = 0; i < reader->count; i++) {
        events[i] = reader->heap[i];
        events[i].message = str_copy(arena, reader->heap[i].message);
    }
    StLogPlace asked = query->place != NULL ? *query->place : (StLogPlace){.time_ms = query->from_ms};
    *ret_page = (StLogPage){.events = events, .count = reader->count, .has_more = reader->is_cut, .next = asked, .previous = asked};
    if (reader->count > 0) {
        ret_page->previous = place_of(&events[0]);
        ret_page->next = place_of(&events[reader->count - 1]);
        ret_page->next.offset++;
    }
}

bool st_log_read(StLogs *logs, Arena *arena, const StLogQuery *query, StLogPage *ret_page, Err *err) {
    Arena *scratch = arena_new();
    Reader reader = {.logs = logs, .query = query, .blocks = {.arena = scratch}};
    bool ok = collect_blocks(&reader, err) && read_blocks(&reader, scratch, err);
    if (ok) {
        fill_page(&reader, arena, ret_page);
    }
    for (size_t i = 0; i < reader.count; i++) {
        free((char *)reader.heap[i].message.data);
    }
    st_logs_lock(logs);
    logs->bytes_read += reader.bytes_read;
    st_logs_unlock(logs);
    free(reader.heap);
    free(reader.buffer);
    arena_free(scratch);
    return ok;
}
