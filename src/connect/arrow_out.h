/* connect/arrow_out.h - results as Arrow IPC streams of Spark's schema.
 *
 * Used by run_query.c (batches from exec/) and by commands (small tables of values). exec/ gives 2,048-row chunks in DuckDB's carrier types
 * (lower.h, lo_duckdb_type); they are joined to batches of about 4 MB, each a whole IPC stream of its own, as Spark sends them.
 * Invariant: a message's bytes are handed out once and freed by gRPC when the last response that uses them is gone.
 */
#ifndef SOLDER_CONNECT_ARROW_OUT_H
#define SOLDER_CONNECT_ARROW_OUT_H

#include "plan/typed.h"

#include <nanoarrow/nanoarrow.h>

enum { CN_BATCH_BYTES = 4 * 1024 * 1024 };

typedef struct CnBatcher {
    const PlType *type;
    struct ArrowSchema schema;
    struct ArrowArray rows; /* being built */
    bool is_building;
    int64_t bytes; /* about, of rows */
} CnBatcher;

/* Spark's Arrow schema of a struct type; timestamps get the time zone. */
bool cn_arrow_schema(Arena *arena, const PlType *type, Str time_zone, struct ArrowSchema *ret_schema, Err *err);

bool cn_batcher_init(CnBatcher *ret_batcher, Arena *arena, const PlType *type, Str time_zone, Err *err);
/* Adds a chunk (a struct array in carrier types). Borrows it. */
bool cn_batcher_add(CnBatcher *batcher, const struct ArrowArray *chunk, Err *err);
/* The rows so far as an IPC stream in malloc'd bytes; starts anew. */
bool cn_batcher_take(CnBatcher *batcher, uint8_t **ret_owned_bytes, size_t *ret_size, int64_t *ret_rows, Err *err);
void cn_batcher_done(CnBatcher *batcher);

/* Rows of values (nrows × the type's fields) as an IPC stream in the arena. Cells: boolean, integers, double, string, null. */
bool cn_arrow_rows(Arena *arena, const PlType *type, const PlValue *cells, size_t nrows, Str *ret_ipc, Err *err);

/* The Spark type of an Arrow IPC stream's schema. */
const PlType *cn_arrow_type(Arena *arena, Str ipc, Err *err);

#endif
