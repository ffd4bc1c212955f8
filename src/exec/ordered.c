/* exec/ordered.c - see ordered.h.
 *
 * Lanes take the parts' numbers in turn and leave batches in the parts' lists; the operation's thread takes them from the current part's list.
 * Invariant: no other lock is taken under `lock`, and DuckDB is not called under it.
 */
#include "exec/ordered.h"

#include "exec/arrow_batch.h"
#include "exec/parts.h"
#include "exec/python_wire.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A lane works ahead by at most WAITING_PARTS parts, all of them together by at most a MEMORY_SHARE-th of the engine's memory. */
enum { PART_BYTES = 8 * 1024 * 1024, WAITING_PARTS = 4, MEMORY_SHARE = 8, MOST_LANES = 64 };

typedef struct Waiting {
    struct Waiting *next;
    struct ArrowArray batch;
    int64_t bytes;
} Waiting;

typedef struct Part {
    Waiting *first, *last;
    bool is_done;
} Part;

typedef struct Lane {
    ExOrdered *ordered;
    pthread_t thread;
} Lane;

struct ExOrdered {
    ExOperation *op;
    struct ArrowSchema schema; /* to measure batches by */
    size_t nparts;
    int64_t most_waiting;
    Lane lanes[MOST_LANES];
    size_t nlanes;
    pthread_mutex_t lock; /* over everything below */
    pthread_cond_t changed;
    size_t next_part, current;
    int64_t waiting; /* bytes */
    bool is_stopping;
    Err err;
    Part parts[];
};

static bool is_over(const ExOrdered *ordered) {
    return ordered->is_stopping || ordered->err.is_set || atomic_load(&ordered->op->is_interrupted);
}

static void fail(ExOrdered *ordered, const Err *err) {
    pthread_mutex_lock(&ordered->lock);
    if (!ordered->err.is_set) {
        ordered->err = *err;
    }
    pthread_cond_broadcast(&ordered->changed);
    pthread_mutex_unlock(&ordered->lock);
}

/* The cond's wait, but no longer than an interrupt may go unseen. */
static void wait_a_while(ExOrdered *ordered) {
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 100000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&ordered->changed, &ordered->lock, &until);
}

/* ---- a lane ------------------------------------------------------------------------------------------------------------------- */

static void free_waiting(Waiting *owned_waiting) {
    owned_waiting->batch.release(&owned_waiting->batch);
    free(owned_waiting);
}

static bool put(ExOrdered *ordered, size_t number, struct ArrowArray *owned_batch, Err *err) {
    Waiting *waiting = calloc(1, sizeof *waiting);
    if (waiting == NULL) {
        owned_batch->release(owned_batch);
        return err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for the rows of a scan");
    }
    *waiting = (Waiting){.batch = *owned_batch, .bytes = ex_arrow_bytes(&ordered->schema, owned_batch)};
    pthread_mutex_lock(&ordered->lock);
    Part *part = &ordered->parts[number];
    while (ordered->waiting > ordered->most_waiting && !(ordered->current == number && part->first == NULL) && !is_over(ordered)) {
        wait_a_while(ordered);
    }
    if (is_over(ordered)) { /* nobody will ask for it */
        pthread_mutex_unlock(&ordered->lock);
        free_waiting(waiting);
        return true;
    }
    if (part->last != NULL) {
        part->last->next = waiting;
    } else {
        part->first = waiting;
    }
    part->last = waiting;
    ordered->waiting += waiting->bytes;
    pthread_cond_broadcast(&ordered->changed);
    pthread_mutex_unlock(&ordered->lock);
    return true;
}

static bool take_part(ExOrdered *ordered, size_t *ret_part) {
    pthread_mutex_lock(&ordered->lock);
    bool has_part = ordered->next_part < ordered->nparts && !is_over(ordered);
    *ret_part = has_part ? ordered->next_part++ : 0;
    pthread_mutex_unlock(&ordered->lock);
    return has_part;
}

static bool goes_on(ExOrdered *ordered) {
    pthread_mutex_lock(&ordered->lock);
    bool is_going = !is_over(ordered);
    pthread_mutex_unlock(&ordered->lock);
    return is_going;
}

/* *ret_ended: to the part's last row; else it was stopped. */
static bool read_chunks(ExOrdered *ordered, size_t number, duckdb_arrow_options options, duckdb_result *result, bool *ret_ended, Err *err) {
    ExOperation *op = ordered->op;
    while (goes_on(ordered)) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(*result);
        if (chunk == NULL) {
            const char *message = duckdb_result_error(result);
            *ret_ended = message == NULL || message[0] == '\0';
            return *ret_ended || ex_op_error(op, message, err);
        }
        struct ArrowArray batch = {0};
        duckdb_error_data failure = NULL;
        bool has_rows = duckdb_data_chunk_get_size(chunk) > 0;
        if (has_rows) {
            failure = duckdb_data_chunk_to_arrow(options, chunk, &batch);
        }
        duckdb_destroy_data_chunk(&chunk);
        if (failure != NULL) {
            (void)ex_op_error(op, duckdb_error_data_message(failure), err);
            duckdb_destroy_error_data(&failure);
            return false;
        }
        if (has_rows && !put(ordered, number, &batch, err)) {
            return false;
        }
    }
    return true;
}

static bool read_part(ExOrdered *ordered, size_t number, duckdb_prepared_statement prepared, duckdb_arrow_options options, Err *err) {
    ExOperation *op = ordered->op;
    duckdb_pending_result pending = NULL;
    duckdb_result result = {0};
    bool has_ended = false;
    bool is_ok =
        duckdb_pending_prepared_streaming(prepared, &pending) == DuckDBSuccess || ex_op_error(op, duckdb_pending_error(pending), err);
    if (is_ok) {
        is_ok = duckdb_execute_pending(pending, &result) == DuckDBSuccess || ex_op_error(op, duckdb_result_error(&result), err);
        is_ok = is_ok && read_chunks(ordered, number, options, &result, &has_ended, err);
        duckdb_destroy_result(&result);
    }
    duckdb_destroy_pending(&pending);
    pthread_mutex_lock(&ordered->lock);
    ordered->parts[number].is_done = has_ended;
    pthread_cond_broadcast(&ordered->changed);
    pthread_mutex_unlock(&ordered->lock);
    return is_ok;
}

/* One prepared query serves all the parts of a lane: the scan asks its scope for the part when it begins. */
static bool read_parts(ExOrdered *ordered, ExScope *scope, Err *err) {
    duckdb_prepared_statement prepared = NULL;
    duckdb_arrow_options options = NULL;
    bool is_ok = duckdb_prepare(scope->connection, scope->query->sql.data, &prepared) == DuckDBSuccess ||
                 ex_op_error(ordered->op, duckdb_prepare_error(prepared), err);
    if (is_ok) {
        duckdb_connection_get_arrow_options(scope->connection, &options);
    }
    scope->nparts = ordered->nparts;
    while (is_ok && take_part(ordered, &scope->part)) {
        is_ok = read_part(ordered, scope->part, prepared, options, err);
    }
    duckdb_destroy_arrow_options(&options);
    duckdb_destroy_prepare(&prepared);
    return is_ok;
}

static void *run_lane(void *arg) {
    ExOrdered *ordered = ((Lane *)arg)->ordered;
    Err err = {0};
    ExScope *scope = ex_scope_open(ordered->op, ordered->op->query, &err);
    if (scope == NULL || !read_parts(ordered, scope, &err)) {
        fail(ordered, &err);
    }
    ex_scope_close(scope);
    return NULL;
}

/* ---- the operation's side ----------------------------------------------------------------------------------------------------- */

static size_t count_parts(const ExOperation *op) {
    int64_t pieces = ex_scan_bytes(op->scope) / PART_BYTES;
    return op->engine->threads > 1 && pieces > 1 ? ex_count_parts(op->scope, (size_t)pieces) : 0;
}

bool ex_ordered_open(ExOperation *op, ExOrdered **ret, Err *err) {
    *ret = NULL;
    size_t nparts = count_parts(op);
    if (nparts == 0) {
        return true;
    }
    ExOrdered *ordered = calloc(1, sizeof *ordered + nparts * sizeof(Part));
    if (ordered == NULL) {
        return err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for the parts of a scan");
    }
    ordered->op = op;
    ordered->nparts = nparts;
    pthread_mutex_init(&ordered->lock, NULL);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&ordered->changed, &clock);
    pthread_condattr_destroy(&clock);
    Arena *arena = arena_new();
    bool is_ok = ex_wire_schema(arena, op->query->output, op->query->noutput, op->time_zone, &ordered->schema, err);
    arena_free(arena);
    size_t wanted = (size_t)op->engine->threads < nparts ? (size_t)op->engine->threads : nparts;
    wanted = wanted < MOST_LANES ? wanted : MOST_LANES;
    int64_t most = (int64_t)wanted * WAITING_PARTS * PART_BYTES, share = op->engine->memory_bytes / MEMORY_SHARE;
    ordered->most_waiting = most < share ? most : share;
    while (is_ok && ordered->nlanes < wanted) {
        Lane *lane = &ordered->lanes[ordered->nlanes];
        lane->ordered = ordered;
        if (pthread_create(&lane->thread, NULL, run_lane, lane) != 0) {
            break;
        }
        ordered->nlanes++;
    }
    if (!is_ok || ordered->nlanes == 0) {
        ex_ordered_close(ordered);
        return is_ok; /* without a thread the operation reads by itself */
    }
    *ret = ordered;
    return true;
}

/* A lane may be deep in a part of which no row passes the filter: its query is interrupted. */
static void end_lanes(ExOrdered *ordered) {
    pthread_mutex_lock(&ordered->lock);
    ordered->is_stopping = true;
    bool is_complete = ordered->current == ordered->nparts;
    pthread_cond_broadcast(&ordered->changed);
    pthread_mutex_unlock(&ordered->lock);
    if (!is_complete && ordered->nlanes > 0) {
        ex_interrupt(ordered->op);
    }
    for (; ordered->nlanes > 0; ordered->nlanes--) {
        pthread_join(ordered->lanes[ordered->nlanes - 1].thread, NULL);
    }
}

bool ex_ordered_next(ExOrdered *ordered, struct ArrowArray *ret_batch, bool *ret_done, Err *err) {
    Waiting *first = NULL;
    bool is_ok = true;
    pthread_mutex_lock(&ordered->lock);
    while (first == NULL && ordered->current < ordered->nparts) {
        if (ordered->err.is_set) {
            is_ok = err_set(err, ordered->err.code, "%s", ordered->err.message);
            break;
        }
        if (ex_op_cancelled(ordered->op, err)) {
            ordered->err = *err; /* every further call says the same */
            is_ok = false;
            break;
        }
        Part *part = &ordered->parts[ordered->current];
        first = part->first;
        if (first != NULL) {
            part->first = first->next;
            part->last = part->first == NULL ? NULL : part->last;
            ordered->waiting -= first->bytes;
            pthread_cond_broadcast(&ordered->changed);
        } else if (part->is_done) {
            ordered->current++;
            pthread_cond_broadcast(&ordered->changed);
        } else {
            wait_a_while(ordered);
        }
    }
    pthread_mutex_unlock(&ordered->lock);
    *ret_done = is_ok && first == NULL;
    if (first == NULL) {
        end_lanes(ordered);
    }
    if (first != NULL) {
        *ret_batch = first->batch;
        free(first);
    }
    return is_ok;
}

void ex_ordered_close(ExOrdered *owned_ordered) {
    if (owned_ordered == NULL) {
        return;
    }
    end_lanes(owned_ordered);
    for (size_t i = 0; i < owned_ordered->nparts; i++) {
        while (owned_ordered->parts[i].first != NULL) {
            Waiting *waiting = owned_ordered->parts[i].first;
            owned_ordered->parts[i].first = waiting->next;
            free_waiting(waiting);
        }
    }
    if (owned_ordered->schema.release != NULL) {
        owned_ordered->schema.release(&owned_ordered->schema);
    }
    pthread_mutex_destroy(&owned_ordered->lock);
    pthread_cond_destroy(&owned_ordered->changed);
    free(owned_ordered);
}
