/* exec/arrow_batch.h - Arrow record batches from outside (a client's rows, a Python worker's) as DuckDB chunks.
 *
 * Used by arrow_input.c, python_pool.c and ordered.c. Invariant: a batch's buffers live until the last vector that points into them is gone; what comes in is
 * checked (structure by nanoarrow, types and UTF-8 here) before DuckDB sees it.
 */
#ifndef SOLDER_EXEC_ARROW_BATCH_H
#define SOLDER_EXEC_ARROW_BATCH_H

#include "exec/ex_internal.h"

#include <nanoarrow/nanoarrow.h>

/* How the columns of one stream become vectors of output's carrier types. */
typedef struct ExArrowMap {
    const TyAttr *output;
    size_t noutput;
    duckdb_connection connection;
    duckdb_arrow_converted_schema *columns; /* malloc'd; NULL for a void column */
} ExArrowMap;

/* A batch shared by the vectors made of it. */
typedef struct ExBatch {
    atomic_int refs;
    int64_t length;
    struct ArrowArray array;
} ExBatch;

bool ex_arrow_map_init(ExArrowMap *ret_map, duckdb_connection connection, const struct ArrowSchema *borrowed_schema, const TyAttr *output,
                       size_t noutput, Err *err);
void ex_arrow_map_done(ExArrowMap *map);
/* Takes the array. NULL and err set when a string is no UTF-8 or the number of columns is wrong. */
ExBatch *ex_batch_new(const ExArrowMap *map, const struct ArrowSchema *borrowed_schema, struct ArrowArray *owned_array, Err *err);
/* About how much memory the array takes. */
int64_t ex_arrow_bytes(const struct ArrowSchema *schema, const struct ArrowArray *array);
void ex_batch_drop(ExBatch *owned_batch);
/* Rows [from, from + count) of the given columns into the chunk; count is at most DuckDB's vector size. */
bool ex_batch_emit(const ExArrowMap *map, ExBatch *batch, int64_t from, idx_t count, const idx_t *columns, idx_t ncolumns, duckdb_data_chunk chunk,
                   Err *err);

#endif
