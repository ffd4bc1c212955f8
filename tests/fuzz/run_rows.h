/* run_rows.h - for fuzz targets whose bytes become rows: a query through lower/, exec/ and DuckDB into the Arrow stream that a client gets.
 *
 * Invariant: one engine for all inputs of a process (starting one takes longer than most inputs), one thread, little memory.
 */
#ifndef SOLDER_TESTS_FUZZ_RUN_ROWS_H
#define SOLDER_TESTS_FUZZ_RUN_ROWS_H

#include "connect/arrow_out.h"
#include "exec/exec.h"
#include "exec/storage_dir.h"

#include <stdio.h>
#include <stdlib.h>

static inline ExEngine *fuzz_engine(void) {
    static ExEngine *engine = NULL;
    if (engine == NULL) {
        Err err = {0};
        const ExConfig config = {.memory_limit = STR("512MB"), .threads = 1, .storage = &ex_dir_storage};
        engine = ex_engine_new(&config, &err);
        if (engine == NULL) {
            abort();
        }
    }
    return engine;
}

/* Columns of a relation as a struct type has them. */
static inline const TyAttr *fuzz_columns(Arena *arena, const PlType *type) {
    TyAttr *columns = ARENA_ARRAY(arena, TyAttr, type->nfields);
    for (size_t i = 0; i < type->nfields; i++) {
        const PlField *field = &type->fields[i];
        columns[i] = (TyAttr){.id = (uint32_t)i, .name = field->name, .type = field->type, .nullable = field->nullable};
    }
    return columns;
}

static inline bool fuzz_send(CnBatcher *batcher, Err *err) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    int64_t rows = 0;
    bool is_ok = cn_batcher_take(batcher, &bytes, &size, &rows, err);
    free(bytes);
    return is_ok;
}

/* Runs the relation, whose columns have the types of type's fields, to its end: a few bytes may stand for more rows than there is time for, so
 * only the first MAX_BATCHES of them. No bytes may lead to an error that is Solder's own fault: after some of those DuckDB serves nobody. */
static inline bool fuzz_run_rows(Arena *arena, const PlSettings *settings, const TrRel *rel, const PlType *type, Err *err) {
    enum { MAX_BATCHES = 16 };
    const LoQuery *query = lo_lower(arena, settings, rel, false, err);
    ExOperation *op = query == NULL ? NULL : ex_open(fuzz_engine(), arena, settings, query, err);
    if (op == NULL) {
        return false;
    }
    CnBatcher batcher;
    bool is_ok = cn_batcher_init(&batcher, arena, type, STR("UTC"), err);
    bool has_batcher = is_ok, is_done = false;
    for (int i = 0; is_ok && !is_done && i < MAX_BATCHES; i++) {
        struct ArrowArray batch = {0};
        is_ok = ex_next(op, &batch, &is_done, err) && (is_done || cn_batcher_add(&batcher, &batch, err));
        if (batch.release != NULL) {
            batch.release(&batch);
        }
    }
    is_ok = is_ok && fuzz_send(&batcher, err);
    if (has_batcher) {
        cn_batcher_done(&batcher);
    }
    ex_close(op);
    if (err_is(err, ERR_INTERNAL)) {
        fprintf(stderr, "%s: %s\n", err->code, err->message);
        abort();
    }
    return is_ok;
}

#endif
