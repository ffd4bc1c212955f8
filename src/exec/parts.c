/* exec/parts.c - see parts.h. */
#include "exec/parts.h"

#include "exec/scan.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yyjson.h>

/* lower/special.c's sample of everything, a fence for filters: it passes every row on. */
static bool is_whole_sample(Str name, yyjson_val *node) {
    const char *method = yyjson_get_str(yyjson_obj_get(yyjson_obj_get(node, "extra_info"), "Sample Method"));
    return str_eq_c(name, "STREAMING_SAMPLE") && method != NULL && strcmp(method, "System: 100.000000%") == 0;
}

/* Physical operators under which a row comes from exactly one row of the scan. */
static bool is_row_by_row(yyjson_val *node, int *scans) {
    const char *name = yyjson_get_str(yyjson_obj_get(node, "name"));
    if (name == NULL) {
        return false;
    }
    Str trimmed = str_trim(str_from_c(name));
    bool is_scan = str_eq_c(trimmed, "SOLDER_SCAN");
    *scans += is_scan;
    if (!is_scan && !str_eq_c(trimmed, "PROJECTION") && !str_eq_c(trimmed, "FILTER") && !is_whole_sample(trimmed, node)) {
        return false;
    }
    size_t i, most;
    yyjson_val *child;
    yyjson_arr_foreach(yyjson_obj_get(node, "children"), i, most, child) {
        if (!is_row_by_row(child, scans)) {
            return false;
        }
    }
    return true;
}

static const ExScanPlan *only_plan(const ExScope *scope) {
    const ExScanPlan *plan = NULL;
    for (size_t i = 0; i < scope->query->ninputs; i++) {
        if (scope->query->inputs[i].kind == LO_INPUT_SCAN && scope->inputs[i].state != NULL) {
            if (plan != NULL) {
                return NULL;
            }
            plan = scope->inputs[i].state;
        }
    }
    return plan;
}

int64_t ex_scan_bytes(const ExScope *scope) {
    const ExScanPlan *plan = only_plan(scope);
    int64_t bytes = 0;
    for (size_t f = 0; plan != NULL && f < plan->scan->nfiles; f++) {
        bytes += plan->scan->files[f].size;
    }
    return bytes;
}

size_t ex_count_parts(ExScope *scope, size_t most) {
    bool has_scan = false;
    for (size_t i = 0; i < scope->query->ninputs; i++) {
        has_scan |= scope->query->inputs[i].kind == LO_INPUT_SCAN && !scope->query->inputs[i].is_direct;
    }
    if (!has_scan) {
        return 0;
    }
    size_t parts = 0;
    Arena *arena = arena_new();
    Str sql = str_fmt(arena, "EXPLAIN (FORMAT json) %.*s", STR_ARG(scope->query->sql));
    duckdb_result result;
    duckdb_data_chunk chunk = NULL;
    if (duckdb_query(scope->connection, sql.data, &result) == DuckDBSuccess) {
        chunk = duckdb_fetch_chunk(result);
    } /* else the query itself will say what is wrong */
    if (chunk != NULL && duckdb_data_chunk_get_size(chunk) > 0) {
        duckdb_string_t *text = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1));
        yyjson_doc *doc = yyjson_read(duckdb_string_t_data(text), duckdb_string_t_length(*text), 0);
        yyjson_val *root = yyjson_doc_get_root(doc);
        root = yyjson_is_arr(root) ? yyjson_arr_get_first(root) : root;
        int scans = 0;
        const ExScanPlan *plan = only_plan(scope);
        if (root != NULL && plan != NULL && is_row_by_row(root, &scans) && scans == 1) {
            parts = plan->nsplits < most ? plan->nsplits : most;
        }
        yyjson_doc_free(doc);
    }
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
    arena_free(arena);
    return parts > 1 ? parts : 0;
}

bool ex_worker_take(ExEngine *engine, int *ret_to, int *ret_from, int64_t *ret_id, Err *err) {
    pthread_mutex_lock(&engine->lock);
    ExIdleWorker *idle = engine->idle;
    if (idle != NULL) {
        engine->idle = idle->next;
    }
    pthread_mutex_unlock(&engine->lock);
    if (idle == NULL) {
        return engine->config.workers->start(engine->config.workers->self, ret_to, ret_from, ret_id, err);
    }
    *ret_to = idle->to;
    *ret_from = idle->from;
    *ret_id = idle->id;
    free(idle);
    return true;
}

void ex_worker_keep(ExEngine *engine, int to, int from, int64_t id) {
    ExIdleWorker *idle = calloc(1, sizeof *idle);
    if (idle == NULL) {
        close(to);
        close(from);
        engine->config.workers->stop(engine->config.workers->self, id);
        return;
    }
    *idle = (ExIdleWorker){.to = to, .from = from, .id = id};
    pthread_mutex_lock(&engine->lock);
    idle->next = engine->idle;
    engine->idle = idle;
    pthread_mutex_unlock(&engine->lock);
}

void ex_workers_end(ExEngine *engine) {
    while (engine->idle != NULL) {
        ExIdleWorker *idle = engine->idle;
        engine->idle = idle->next;
        close(idle->to); /* the worker ends by itself at the end of its input */
        close(idle->from);
        engine->config.workers->stop(engine->config.workers->self, idle->id);
        free(idle);
    }
}
