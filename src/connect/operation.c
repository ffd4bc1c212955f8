/* operation.c - see operation.h. */
#include "connect/operation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    UNSENT_MAX = 32 * 1024 * 1024, /* the producer waits for the client beyond this */
    KEPT_MAX = 64 * 1024 * 1024,   /* a client that never releases loses its oldest responses beyond this */
    GONE_POLL_MS = 50
};

CnOperation *cn_operation_new(CnSession *session, Arena *owned_arena, Str id, bool is_reattachable, const Str *tags, size_t ntags, Err *err) {
    CnOperation *op = ARENA_NEW(owned_arena, CnOperation);
    atomic_init(&op->refs, 2); /* the caller's and the list's */
    op->session = session;
    op->arena = owned_arena;
    op->id = id;
    op->is_reattachable = is_reattachable;
    op->tags = tags;
    op->ntags = ntags;
    op->number = atomic_fetch_add(&session->server->numbers, 1) + 1;
    op->detached_ms = cn_now_ms();
    (void)pthread_mutex_init(&op->lock, NULL);
    pthread_condattr_t clock;
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&op->changed, &clock);
    (void)pthread_condattr_destroy(&clock);
    (void)pthread_mutex_lock(&session->lock);
    bool is_taken = false;
    for (CnOperation *other = session->operations; other != NULL; other = other->next) {
        is_taken = is_taken || str_eq(other->id, id);
    }
    if (!is_taken) {
        op->next = session->operations;
        op->is_listed = true;
        session->operations = op;
        (void)atomic_fetch_add(&session->refs, 1);
    }
    (void)pthread_mutex_unlock(&session->lock);
    if (is_taken) {
        (void)err_set(err, "INVALID_HANDLE.OPERATION_ALREADY_EXISTS", "The handle %.*s is invalid. Operation already exists.", STR_ARG(id));
        (void)pthread_cond_destroy(&op->changed);
        (void)pthread_mutex_destroy(&op->lock);
        arena_free(owned_arena);
        return NULL;
    }
    return op;
}

CnOperation *cn_operation_find(CnSession *session, Str id) {
    (void)pthread_mutex_lock(&session->lock);
    CnOperation *op = session->operations;
    while (op != NULL && !str_eq(op->id, id)) {
        op = op->next;
    }
    if (op != NULL) {
        (void)atomic_fetch_add(&op->refs, 1);
    }
    (void)pthread_mutex_unlock(&session->lock);
    return op;
}

static void drop_first(CnOperation *op, size_t n) {
    for (size_t i = 0; i < n; i++) {
        CnResponse *response = &op->responses[i];
        if (op->first + i + 1 <= op->sent) {
            op->kept_bytes -= response->size;
        } else {
            op->unsent_bytes -= response->size;
        }
        for (size_t k = 0; k < response->nslices; k++) {
            grpc_slice_unref(response->slices[k]);
        }
    }
    memmove(op->responses, op->responses + n, (op->count - n) * sizeof *op->responses);
    op->first += n;
    op->count -= n;
}

void cn_operation_drop(CnOperation *op) {
    if (atomic_fetch_sub(&op->refs, 1) != 1) {
        return;
    }
    CnSession *session = op->session;
    if (op->count > 0) {
        drop_first(op, op->count);
    }
    free(op->responses);
    (void)pthread_cond_destroy(&op->changed);
    (void)pthread_mutex_destroy(&op->lock);
    arena_free(op->arena);
    cn_session_unref(session);
}

/* Under the lock. Takes the slices. */
static void append(CnOperation *op, grpc_slice *owned_slices, size_t nslices) {
    if (op->count == op->cap) {
        op->cap = op->cap == 0 ? 8 : op->cap * 2;
        CnResponse *grown = realloc(op->responses, op->cap * sizeof *grown);
        if (grown == NULL) {
            abort(); /* as the arenas do: everything acknowledged is durable */
        }
        op->responses = grown;
    }
    CnResponse response = {.nslices = nslices};
    for (size_t i = 0; i < nslices; i++) {
        response.slices[i] = owned_slices[i];
        response.size += GRPC_SLICE_LENGTH(owned_slices[i]);
    }
    op->responses[op->count++] = response;
    op->unsent_bytes += response.size;
}

bool cn_operation_push(CnOperation *op, grpc_slice *owned_slices, size_t nslices, Err *err) {
    (void)pthread_mutex_lock(&op->lock);
    while (op->unsent_bytes > UNSENT_MAX && !op->is_cancelled) {
        (void)pthread_cond_wait(&op->changed, &op->lock);
    }
    bool ok = !op->is_cancelled;
    if (ok) {
        append(op, owned_slices, nslices);
    } else {
        for (size_t i = 0; i < nslices; i++) {
            grpc_slice_unref(owned_slices[i]);
        }
        (void)err_set(err, ERR_CANCELLED, "Operation has been canceled.");
    }
    (void)pthread_cond_broadcast(&op->changed);
    (void)pthread_mutex_unlock(&op->lock);
    return ok;
}

void cn_operation_finish(CnOperation *op, grpc_slice *owned_slices, size_t nslices, const Err *failure) {
    (void)pthread_mutex_lock(&op->lock);
    op->running = NULL;
    op->is_finished = true;
    if (nslices > 0) {
        append(op, owned_slices, nslices);
    }
    if (failure != NULL) {
        op->failure = *failure;
    }
    (void)pthread_cond_broadcast(&op->changed);
    (void)pthread_mutex_unlock(&op->lock);
}

bool cn_operation_running(CnOperation *op, ExOperation *running, Err *err) {
    (void)pthread_mutex_lock(&op->lock);
    op->running = running;
    bool ok = running == NULL || !op->is_cancelled;
    (void)pthread_mutex_unlock(&op->lock);
    return ok || err_set(err, ERR_CANCELLED, "Operation has been canceled.");
}

size_t cn_operation_next_number(CnOperation *op) {
    (void)pthread_mutex_lock(&op->lock);
    size_t number = op->first + op->count + 1;
    (void)pthread_mutex_unlock(&op->lock);
    return number;
}

bool cn_operation_is_cancelled(CnOperation *op) {
    (void)pthread_mutex_lock(&op->lock);
    bool is_cancelled = op->is_cancelled;
    (void)pthread_mutex_unlock(&op->lock);
    return is_cancelled;
}

bool cn_operation_cancel(CnOperation *op) {
    (void)pthread_mutex_lock(&op->lock);
    bool was_running = !op->is_finished && !op->is_cancelled;
    op->is_cancelled = true;
    if (op->running != NULL) {
        ex_interrupt(op->running);
    }
    (void)pthread_cond_broadcast(&op->changed);
    (void)pthread_mutex_unlock(&op->lock);
    return was_running;
}

void cn_operation_release_until(CnOperation *op, size_t number) {
    (void)pthread_mutex_lock(&op->lock);
    if (number > op->first && op->count > 0) {
        size_t n = number - op->first;
        drop_first(op, n < op->count ? n : op->count);
    }
    (void)pthread_cond_broadcast(&op->changed);
    (void)pthread_mutex_unlock(&op->lock);
}

void cn_operation_release(CnOperation *op) {
    (void)cn_operation_cancel(op);
    (void)pthread_mutex_lock(&op->session->lock);
    bool was_listed = op->is_listed;
    for (CnOperation **at = &op->session->operations; was_listed && *at != NULL; at = &(*at)->next) {
        if (*at == op) {
            *at = op->next;
            break;
        }
    }
    op->is_listed = false;
    (void)pthread_mutex_unlock(&op->session->lock);
    if (was_listed) {
        cn_operation_drop(op);
    }
}

/* Under the lock: waits until there is a response behind number, the end, another stream, or the client is gone. */
static bool wait_for(CnOperation *op, CnCall *call, uint64_t stream, size_t number) {
    while (number >= op->first + op->count && !op->is_finished && op->streams == stream) {
        struct timespec until = {0};
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += GONE_POLL_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        if (pthread_cond_timedwait(&op->changed, &op->lock, &until) == ETIMEDOUT) {
            (void)pthread_mutex_unlock(&op->lock);
            bool is_gone = cn_call_is_gone(call);
            (void)pthread_mutex_lock(&op->lock);
            if (is_gone) {
                return false;
            }
        }
    }
    return true;
}

/* Under the lock: number has been sent. */
static void mark_sent(CnOperation *op, size_t number) {
    while (op->sent < number) {
        op->sent++;
        if (op->sent > op->first && op->sent <= op->first + op->count) {
            size_t size = op->responses[op->sent - op->first - 1].size;
            op->unsent_bytes -= size;
            op->kept_bytes += size;
        }
    }
    while (op->count > 0 && op->first < op->sent && (!op->is_reattachable || op->kept_bytes > KEPT_MAX)) {
        drop_first(op, 1);
    }
    (void)pthread_cond_broadcast(&op->changed);
}

typedef enum StreamEnd { STREAM_ENDED, STREAM_GONE, STREAM_REPLACED, STREAM_LOST } StreamEnd;

/* Under the lock, given up while sending. */
static StreamEnd send_all(CnOperation *op, CnCall *call, uint64_t stream, size_t after) {
    for (size_t number = after;;) {
        if (!wait_for(op, call, stream, number)) {
            return STREAM_GONE;
        }
        if (op->streams != stream) {
            return STREAM_REPLACED;
        }
        if (number < op->first) {
            return STREAM_LOST;
        }
        if (number >= op->first + op->count) {
            bool has_failed = op->failure.is_set;
            (void)pthread_mutex_unlock(&op->lock);
            if (has_failed) {
                cn_call_fail(call, &op->failure); /* does not change once finished */
            } else {
                cn_call_finish(call, NULL, 0);
            }
            (void)pthread_mutex_lock(&op->lock);
            return STREAM_ENDED;
        }
        CnResponse response = op->responses[number - op->first];
        for (size_t i = 0; i < response.nslices; i++) {
            (void)grpc_slice_ref(response.slices[i]);
        }
        number++;
        bool is_last = op->is_finished && !op->failure.is_set && number == op->first + op->count;
        (void)pthread_mutex_unlock(&op->lock);
        bool ok = true;
        if (is_last) {
            cn_call_finish(call, response.slices, response.nslices);
        } else {
            ok = cn_call_send(call, response.slices, response.nslices);
        }
        (void)pthread_mutex_lock(&op->lock);
        if (!ok) {
            return STREAM_GONE;
        }
        mark_sent(op, number);
        if (is_last) {
            return STREAM_ENDED;
        }
    }
}

void cn_operation_stream(CnOperation *op, CnCall *call, size_t after) {
    (void)pthread_mutex_lock(&op->lock);
    uint64_t stream = ++op->streams;
    op->is_attached = true;
    (void)pthread_cond_broadcast(&op->changed);
    StreamEnd end = send_all(op, call, stream, after);
    if (op->streams == stream) {
        op->is_attached = false;
        op->detached_ms = cn_now_ms();
    }
    (void)pthread_mutex_unlock(&op->lock);
    Err err = {0};
    switch (end) {
    case STREAM_ENDED: break;
    case STREAM_GONE: (void)err_set(&err, ERR_CANCELLED, "The client has gone."); break;
    case STREAM_REPLACED: (void)err_set(&err, "INVALID_CURSOR.DISCONNECTED", "The cursor is invalid. The cursor has been disconnected by the server."); break;
    case STREAM_LOST:
        (void)err_set(&err, "INVALID_CURSOR.POSITION_NOT_AVAILABLE",
                      "The cursor is invalid. The cursor position id %zu is no longer available at index %zu.", after, after + 1);
        break;
    }
    if (err.is_set) {
        cn_call_fail(call, &err);
    }
    if (!op->is_reattachable && (end == STREAM_ENDED || end == STREAM_GONE)) {
        cn_operation_release(op);
    }
}
