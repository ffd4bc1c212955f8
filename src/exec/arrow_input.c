/* exec/arrow_input.c - solder_arrow(n): the rows that a client sent (LocalRelation) as a table.
 *
 * Invariant: the bytes live in the request's arena, borrowed; rows come in the client's order, from one thread.
 */
#include "exec/arrow_batch.h"
#include "exec/arrow_stream.h"

#include <stdlib.h>

typedef struct ExArrowScan {
    ExInput *input;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    ExArrowMap map;
    ExBatch *batch;
    int64_t at;
    idx_t ncolumns;
    idx_t columns[];
} ExArrowScan;

static void scan_free(void *owned) {
    ExArrowScan *scan = owned;
    ex_batch_drop(scan->batch);
    ex_arrow_map_done(&scan->map);
    if (scan->schema.release != NULL) {
        ArrowSchemaRelease(&scan->schema);
    }
    if (scan->stream.release != NULL) {
        ArrowArrayStreamRelease(&scan->stream);
    }
    free(scan);
}

static bool scan_open(ExArrowScan *scan, Err *err) {
    const TrRel *rel = scan->input->lo->rel;
    if (rel->local.arrow_ipc.len == 0) {
        return true;
    }
    if (!ex_arrow_stream_open(rel->local.arrow_ipc, &scan->stream, &scan->schema, err)) {
        return false;
    }
    return ex_arrow_map_init(&scan->map, scan->input->scope->connection, &scan->schema, rel->output, rel->noutput, err);
}

static void bind(duckdb_bind_info info) {
    ExInput *input = ex_bind_input(info, LO_INPUT_ARROW);
    if (input == NULL) {
        return;
    }
    ex_bind_columns(info, input->lo->rel->output, input->lo->rel->noutput);
    duckdb_bind_set_bind_data(info, input, NULL);
}

static void init(duckdb_init_info info) {
    ExInput *input = duckdb_init_get_bind_data(info);
    idx_t n = duckdb_init_get_column_count(info);
    ExArrowScan *scan = calloc(1, sizeof *scan + (size_t)(n + 1) * sizeof(idx_t));
    if (scan == NULL) {
        duckdb_init_set_error(info, "SOLDER.OUT_OF_MEMORY: no memory for a scan");
        return;
    }
    scan->input = input;
    scan->ncolumns = n;
    for (idx_t i = 0; i < n; i++) {
        scan->columns[i] = duckdb_init_get_column_index(info, i);
    }
    Err err = {0};
    if (!scan_open(scan, &err)) {
        ex_op_fail(input->scope->op, &err);
        duckdb_init_set_error(info, err.message);
        scan_free(scan);
        return;
    }
    duckdb_init_set_max_threads(info, 1);
    duckdb_init_set_init_data(info, scan, scan_free);
}

static bool next_batch(ExArrowScan *scan, Err *err) {
    ex_batch_drop(scan->batch);
    scan->batch = NULL;
    scan->at = 0;
    struct ArrowArray array = {0};
    if (ArrowArrayStreamGetNext(&scan->stream, &array, NULL) != NANOARROW_OK) {
        return err_set(err, "SOLDER.ARROW_DATA", "the rows of a LocalRelation are damaged: %s", ArrowArrayStreamGetLastError(&scan->stream));
    }
    if (array.release == NULL) {
        return true;
    }
    scan->batch = ex_batch_new(&scan->map, &scan->schema, &array, err);
    return scan->batch != NULL;
}

static void run(duckdb_function_info info, duckdb_data_chunk chunk) {
    ExArrowScan *scan = duckdb_function_get_init_data(info);
    Err err = {0};
    bool is_ok = true;
    duckdb_data_chunk_set_size(chunk, 0);
    if (scan->stream.release == NULL) {
        return;
    }
    while (is_ok && (scan->batch == NULL || scan->at >= scan->batch->length)) {
        is_ok = next_batch(scan, &err);
        if (is_ok && scan->batch == NULL) {
            return;
        }
    }
    if (is_ok) {
        int64_t left = scan->batch->length - scan->at;
        idx_t count = left > (int64_t)duckdb_vector_size() ? duckdb_vector_size() : (idx_t)left;
        is_ok = ex_batch_emit(&scan->map, scan->batch, scan->at, count, scan->columns, scan->ncolumns, chunk, &err);
        scan->at += (int64_t)count;
    }
    if (!is_ok) {
        ex_op_fail(scan->input->scope->op, &err);
        duckdb_function_set_error(info, err.message);
    }
}

bool ex_table_function_register(ExEngine *engine, const char *name, duckdb_table_function_bind_t bind_fn, duckdb_table_function_init_t init_fn,
                                duckdb_table_function_init_t local_init_fn, duckdb_table_function_t run_fn, Err *err) {
    duckdb_table_function f = duckdb_create_table_function();
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_table_function_set_name(f, name);
    duckdb_table_function_add_parameter(f, number);
    duckdb_destroy_logical_type(&number);
    duckdb_table_function_set_extra_info(f, engine, NULL);
    duckdb_table_function_set_bind(f, bind_fn);
    duckdb_table_function_set_init(f, init_fn);
    if (local_init_fn != NULL) {
        duckdb_table_function_set_local_init(f, local_init_fn);
    }
    duckdb_table_function_set_function(f, run_fn);
    duckdb_table_function_supports_projection_pushdown(f, true);
    bool is_ok = duckdb_register_table_function(engine->connection, f) == DuckDBSuccess;
    duckdb_destroy_table_function(&f);
    return is_ok || err_set(err, ERR_INTERNAL, "DuckDB refuses the table function %s", name);
}

bool ex_arrow_register(ExEngine *engine, Err *err) {
    return ex_table_function_register(engine, "solder_arrow", bind, init, NULL, run, err);
}
