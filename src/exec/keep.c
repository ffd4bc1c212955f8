/* exec/keep.c - a query's rows kept in a table of the engine, for cached relations.
 *
 * Called by connect/ (cache.c). The table lies in DuckDB's database in memory, whose blocks go to the spill directory when memory runs out,
 * and is gone with the engine. Invariant: a table is there with all its rows or not at all.
 */
#include "exec/ex_internal.h"

ExOperation *ex_keep_open(ExEngine *engine, Arena *arena, const PlSettings *settings, const LoQuery *query, Str table, Err *err) {
    ExOperation *op = ex_op_new(engine, arena, settings, query, err);
    if (op == NULL) {
        return NULL;
    }
    StrBuf sql = {.arena = arena};
    strbuf_fmt(&sql, "CREATE TABLE %.*s(", STR_ARG(table));
    for (size_t i = 0; i < query->noutput; i++) {
        strbuf_fmt(&sql, "%sk%zu", i > 0 ? ", " : "", i);
    }
    strbuf_fmt(&sql, "%s) AS %.*s", query->noutput == 0 ? "c_" : "", STR_ARG(query->sql));
    if (duckdb_prepare(op->scope->connection, strbuf_str(&sql).data, &op->prepared) != DuckDBSuccess) {
        (void)ex_op_error(op, duckdb_prepare_error(op->prepared), err);
        ex_close(op);
        return NULL;
    }
    return op;
}

bool ex_keep_run(ExOperation *op, Err *err) {
    if (ex_op_cancelled(op, err)) {
        return false;
    }
    duckdb_result result;
    bool is_ok = duckdb_execute_prepared(op->prepared, &result) == DuckDBSuccess;
    if (!is_ok) {
        (void)ex_op_error(op, duckdb_result_error(&result), err);
    }
    duckdb_destroy_result(&result);
    op->is_done = is_ok;
    return is_ok && ex_metrics_finish(op, err);
}

int64_t ex_source_bytes(const LoQuery *query) {
    enum { PARQUET_GROWS = 4 }; /* compressed and encoded in the file, plain in memory */
    int64_t bytes = query->kept_bytes;
    for (size_t i = 0; i < query->ninputs; i++) {
        const LoInput *input = &query->inputs[i];
        for (size_t f = 0; input->kind == LO_INPUT_SCAN && f < input->rel->scan.scan->nfiles; f++) {
            bytes += input->rel->scan.scan->files[f].size * (input->is_direct ? PARQUET_GROWS : 1);
        }
    }
    return bytes;
}

void ex_keep_drop(ExEngine *engine, Str table) {
    Arena *arena = arena_new();
    duckdb_connection connection = NULL;
    Err ignored = {0}; /* a table that was never made */
    if (duckdb_connect(engine->database, &connection) == DuckDBSuccess) {
        (void)ex_run_sql(connection, str_fmt(arena, "DROP TABLE IF EXISTS %.*s", STR_ARG(table)).data, &ignored);
    }
    duckdb_disconnect(&connection);
    arena_free(arena);
}
