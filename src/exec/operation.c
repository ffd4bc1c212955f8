/* exec/operation.c - one running query: open, batches, interrupt, counters, close.
 *
 * Called by connect/. Nothing runs before the first ex_next, so that a caller can always interrupt and watch what runs.
 * Invariant: a batch is handed out whole; after an error or the end every further call gives the same answer.
 */
#include "exec/ex_internal.h"
#include "exec/ordered.h"

#include <stdlib.h>
#include <string.h>

void ex_op_fail(ExOperation *op, const Err *err) {
    pthread_mutex_lock(&op->lock);
    if (!op->err.is_set) {
        op->err = *err;
    }
    pthread_mutex_unlock(&op->lock);
}

bool ex_op_cancelled(ExOperation *op, Err *err) {
    if (atomic_load(&op->is_interrupted)) {
        err_set(err, ERR_CANCELLED, "The operation was cancelled.");
        return true;
    }
    return false;
}

bool ex_op_error(ExOperation *op, const char *duckdb_message, Err *err) {
    if (ex_op_cancelled(op, err)) {
        return false;
    }
    pthread_mutex_lock(&op->lock);
    Err own = op->err;
    pthread_mutex_unlock(&op->lock);
    if (own.is_set) {
        return err_set(err, own.code, "%s", own.message);
    }
    return ex_error_from_duckdb(op->engine, duckdb_message, err);
}

void ex_note_malformed(ExOperation *op, ExTally *tally, Str borrowed_text) {
    if (atomic_fetch_add(&tally->malformed, 1) == 0) {
        pthread_mutex_lock(&op->lock);
        tally->first_malformed = str_copy(op->threads_arena, borrowed_text);
        pthread_mutex_unlock(&op->lock);
    }
}

static size_t count_inputs(const LoQuery *query) {
    size_t n = query->ninputs;
    for (size_t i = 0; i < query->ninputs; i++) {
        n += query->inputs[i].child != NULL ? count_inputs(query->inputs[i].child) : 0;
    }
    return n;
}

static void list_inputs(ExOperation *op, const LoQuery *query) {
    for (size_t i = 0; i < query->ninputs; i++) {
        op->tallies[op->ntallies++].lo = &query->inputs[i];
        if (query->inputs[i].child != NULL) {
            list_inputs(op, query->inputs[i].child);
        }
    }
}

ExOperation *ex_op_new(ExEngine *engine, Arena *arena, const PlSettings *settings, const LoQuery *query, Err *err) {
    ExOperation *op = ARENA_NEW(arena, ExOperation);
    op->engine = engine;
    op->arena = arena;
    op->threads_arena = arena_new();
    op->settings = settings;
    op->query = query;
    pthread_mutex_init(&op->lock, NULL);
    if (!pl_settings_get(settings, STR("spark.sql.session.timeZone"), &op->time_zone) || op->time_zone.len == 0) {
        op->time_zone = STR("UTC");
    }
    op->tallies = ARENA_ARRAY(arena, ExTally, count_inputs(query));
    list_inputs(op, query);
    op->scope = ex_scope_open(op, query, err);
    if (op->scope == NULL) {
        ex_close(op);
        return NULL;
    }
    return op;
}

ExOperation *ex_open(ExEngine *engine, Arena *arena, const PlSettings *settings, const LoQuery *query, Err *err) {
    ExOperation *op = ex_op_new(engine, arena, settings, query, err);
    if (op == NULL) {
        return NULL;
    }
    Str sql = str_copy(arena, query->sql);
    if (duckdb_prepare(op->scope->connection, sql.data, &op->prepared) != DuckDBSuccess) {
        ex_op_error(op, duckdb_prepare_error(op->prepared), err);
        ex_close(op);
        return NULL;
    }
    if (!ex_check_carriers(op->prepared, query, err)) {
        ex_close(op);
        return NULL;
    }
    duckdb_connection_get_arrow_options(op->scope->connection, &op->arrow_options);
    return op;
}

static bool start(ExOperation *op, Err *err) {
    if (ex_op_cancelled(op, err)) {
        return false;
    }
    if (!ex_ordered_open(op, &op->ordered, err) || op->ordered != NULL) {
        return op->ordered != NULL;
    }
    if (duckdb_pending_prepared_streaming(op->prepared, &op->pending) != DuckDBSuccess) {
        return ex_op_error(op, duckdb_pending_error(op->pending), err);
    }
    if (duckdb_execute_pending(op->pending, &op->result) != DuckDBSuccess) {
        ex_op_error(op, duckdb_result_error(&op->result), err);
        duckdb_destroy_result(&op->result);
        return false;
    }
    op->has_result = true;
    return true;
}

static bool finish(ExOperation *op, Err *err) {
    const char *message = op->has_result ? duckdb_result_error(&op->result) : NULL;
    if (message != NULL && message[0] != '\0') {
        return ex_op_error(op, message, err);
    }
    if (ex_op_cancelled(op, err)) {
        return false;
    }
    op->is_done = true;
    return ex_metrics_finish(op, err);
}

bool ex_next(ExOperation *op, struct ArrowArray *ret_batch, bool *ret_done, Err *err) {
    *ret_done = op->is_done;
    if (op->is_done) {
        return true;
    }
    if (!op->has_result && op->ordered == NULL && !start(op, err)) {
        return false;
    }
    if (op->ordered != NULL) {
        if (!ex_ordered_next(op->ordered, ret_batch, ret_done, err)) {
            return false;
        }
        if (*ret_done) {
            return finish(op, err);
        }
        atomic_fetch_add(&op->rows_out, (long long)ret_batch->length);
        return true;
    }
    for (;;) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(op->result);
        if (chunk == NULL) {
            *ret_done = true;
            return finish(op, err);
        }
        idx_t count = duckdb_data_chunk_get_size(chunk);
        if (count == 0) {
            duckdb_destroy_data_chunk(&chunk);
            continue;
        }
        duckdb_error_data failure = duckdb_data_chunk_to_arrow(op->arrow_options, chunk, ret_batch);
        duckdb_destroy_data_chunk(&chunk);
        if (failure != NULL) {
            ex_op_error(op, duckdb_error_data_message(failure), err);
            duckdb_destroy_error_data(&failure);
            return false;
        }
        atomic_fetch_add(&op->rows_out, (long long)count);
        return true;
    }
}

void ex_interrupt(ExOperation *op) {
    atomic_store(&op->is_interrupted, true);
    pthread_mutex_lock(&op->engine->lock);
    for (ExScope *scope = op->engine->scopes; scope != NULL; scope = scope->next) {
        if (scope->op == op) {
            duckdb_interrupt(scope->connection);
        }
    }
    pthread_mutex_unlock(&op->engine->lock);
}

void ex_progress(const ExOperation *op, ExProgress *ret_progress) {
    *ret_progress = (ExProgress){.rows_out = atomic_load(&op->rows_out)};
    int64_t direct_total = 0;
    for (size_t i = 0; i < op->ntallies; i++) {
        const LoInput *input = op->tallies[i].lo;
        ret_progress->rows_read += atomic_load(&op->tallies[i].rows);
        ret_progress->bytes_read += atomic_load(&op->tallies[i].bytes);
        if (input->kind != LO_INPUT_SCAN) {
            continue;
        }
        const TyScan *scan = input->rel->scan.scan;
        for (size_t f = 0; f < scan->nfiles; f++) {
            ret_progress->bytes_total += scan->files[f].size;
            direct_total += input->is_direct ? scan->files[f].size : 0;
        }
    }
    if (direct_total > 0 && op->scope != NULL) {
        duckdb_query_progress_type progress = duckdb_query_progress(op->scope->connection);
        double share = op->is_done ? 1.0 : progress.percentage > 0 ? progress.percentage / 100.0 : 0.0;
        ret_progress->bytes_read += (int64_t)((double)direct_total * share);
    }
}

void ex_metrics(const ExOperation *op, const ExMetric **ret_metrics, size_t *ret_count) {
    *ret_metrics = op->metrics;
    *ret_count = op->nmetrics;
}

/* Rows that DuckDB read by itself: the footers say how many there are. */
static int64_t direct_rows(ExOperation *op, const TyScan *scan) {
    StrBuf sql = {.arena = op->arena};
    strbuf_add_c(&sql, "SELECT CAST(sum(num_rows) AS BIGINT) FROM parquet_file_metadata([");
    for (size_t i = 0; i < scan->nfiles; i++) {
        strbuf_add_c(&sql, i > 0 ? ", '" : "'");
        for (size_t k = 0; k < scan->files[i].path.len; k++) {
            char c = scan->files[i].path.data[k];
            strbuf_add_c(&sql, c == '\'' ? "'" : "");
            strbuf_add_char(&sql, c);
        }
        strbuf_add_char(&sql, '\'');
    }
    strbuf_add_c(&sql, "])");
    int64_t rows = 0;
    duckdb_result result;
    if (scan->nfiles > 0 && duckdb_query(op->scope->connection, strbuf_str(&sql).data, &result) == DuckDBSuccess) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
        if (chunk != NULL) {
            rows = *(int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
            duckdb_destroy_data_chunk(&chunk);
        }
        duckdb_destroy_result(&result);
    }
    return rows;
}

void ex_counts(const ExOperation *borrowed_op, const ExCount **ret_counts, size_t *ret_count) {
    ExOperation *op = (ExOperation *)(uintptr_t)borrowed_op;
    ExCount *counts = ARENA_ARRAY(op->arena, ExCount, op->ntallies + 1);
    size_t n = 0;
    for (size_t i = 0; i < op->ntallies; i++) {
        const LoInput *input = op->tallies[i].lo;
        if (input->kind != LO_INPUT_SCAN) {
            continue;
        }
        const TyScan *scan = input->rel->scan.scan;
        ExTally *tally = &op->tallies[i];
        ExCount *c = &counts[n++];
        c->shown = scan->shown;
        c->format = scan->format;
        c->files = (int64_t)scan->nfiles;
        c->malformed = atomic_load(&tally->malformed);
        pthread_mutex_lock(&op->lock);
        c->first_malformed = str_copy(op->arena, tally->first_malformed);
        pthread_mutex_unlock(&op->lock);
        c->rows = atomic_load(&tally->rows);
        c->bytes = atomic_load(&tally->bytes);
        if (input->is_direct) {
            c->rows = direct_rows(op, scan);
            for (size_t f = 0; f < scan->nfiles; f++) {
                c->bytes += scan->files[f].size;
            }
        }
    }
    if (op->write != NULL) {
        counts[n++] = op->target;
    }
    *ret_counts = counts;
    *ret_count = n;
}

void ex_close(ExOperation *owned_op) {
    if (owned_op == NULL) {
        return;
    }
    ex_ordered_close(owned_op->ordered);
    if (owned_op->has_result) {
        duckdb_destroy_result(&owned_op->result);
    }
    duckdb_destroy_pending(&owned_op->pending);
    duckdb_destroy_prepare(&owned_op->prepared);
    duckdb_destroy_arrow_options(&owned_op->arrow_options);
    ex_scope_close(owned_op->scope);
    ex_metric_sets_free(owned_op);
    arena_free(owned_op->threads_arena);
    pthread_mutex_destroy(&owned_op->lock);
}
