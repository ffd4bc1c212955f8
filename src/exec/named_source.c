/* exec/named_source.c - sources that daemon/ gives by name (solder.catalog): a callback's strings as rows.
 *
 * Invariant: the callback runs once a scan, when it is bound, so that its error comes before any row.
 */
#include "exec/column_write.h"
#include "exec/scan.h"

typedef struct ExNamedRows {
    const Str *rows;
    size_t count;
} ExNamedRows;

static bool named_plan(ExScanPlan *plan, Err *err) {
    const ExNamedSource *source = ex_named_source_find(plan->input->scope->engine, plan->scan->format);
    ExNamedRows *rows = ARENA_NEW(plan->arena, ExNamedRows);
    plan->options = rows;
    return source->rows(source->self, plan->arena, plan->scan->options, plan->scan->noptions, &rows->rows, &rows->count, err);
}

static bool named_is_splittable(const ExScanPlan *plan, const TyFile *file) {
    (void)plan;
    (void)file;
    return false;
}

static bool named_open(ExScanLocal *local, Err *err) {
    local->reader = calloc(1, sizeof(size_t));
    return local->reader != NULL || err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for a reader");
}

static bool named_begin(ExScanLocal *local, Err *err) {
    (void)err;
    *(size_t *)local->reader = 0;
    return true;
}

static bool named_read(ExScanLocal *local, duckdb_data_chunk chunk, idx_t *ret_count, Err *err) {
    (void)err;
    const ExNamedRows *rows = local->plan->options;
    size_t *at = local->reader;
    idx_t row = 0;
    ExColumn column = {0};
    bool is_wanted = local->run->ncolumns > 0 && local->run->columns[0] == 0;
    if (is_wanted) {
        ex_column_start(&column, duckdb_data_chunk_get_vector(chunk, 0));
    }
    for (; row < duckdb_vector_size() && *at < rows->count; row++, (*at)++) {
        if (is_wanted) {
            ex_column_copy(&column, row, rows->rows[*at].data, rows->rows[*at].len);
        }
    }
    *ret_count = row;
    return true;
}

static void named_close(ExScanLocal *local) {
    free(local->reader);
}

const ExFormat ex_format_named = {.name = "",
                                  .plan = named_plan,
                                  .is_splittable = named_is_splittable,
                                  .open = named_open,
                                  .begin = named_begin,
                                  .read = named_read,
                                  .close = named_close};
