/* exec/metrics.c - TR_COLLECT_METRICS: numbers gathered beside the rows that pass.
 *
 * lower/ puts solder_metrics(n, v0, v1 …) into a filter over the observed rows; it is volatile, always TRUE, and adds each value to counters of its
 * own thread. When the query has ended they are merged and the input's finish query makes the metric columns of them.
 * Invariant: every observed row is counted once, whichever thread reads it.
 */
#include "exec/ex_internal.h"

#include <stdlib.h>
#include <string.h>

typedef enum ExCarrier { CARRIER_LONG, CARRIER_DOUBLE, CARRIER_STRING, CARRIER_INT, CARRIER_BOOL } ExCarrier;

typedef struct ExCell {
    bool has_value;
    int64_t i;
    double f;
    char *owned_text;
    size_t len;
} ExCell;

/* The counters of one thread for one LO_INPUT_METRICS. */
typedef struct ExMetricSet {
    struct ExMetricSet *next;
    const LoInput *lo;
    size_t ncells;
    ExCell cells[];
} ExMetricSet;

static ExCarrier carrier_of(Str type) {
    if (str_eq_c(type, "DOUBLE")) {
        return CARRIER_DOUBLE;
    }
    if (str_eq_c(type, "VARCHAR")) {
        return CARRIER_STRING;
    }
    if (str_eq_c(type, "DATE")) {
        return CARRIER_INT;
    }
    return str_eq_c(type, "BOOLEAN") ? CARRIER_BOOL : CARRIER_LONG;
}

static ExMetricSet *new_set(ExInput *input) {
    ExOperation *op = input->scope->op;
    size_t n = input->lo->nmetrics;
    ExMetricSet *set = calloc(1, sizeof *set + n * sizeof(ExCell));
    if (set == NULL) {
        return NULL;
    }
    set->lo = input->lo;
    set->ncells = n;
    pthread_mutex_lock(&op->lock);
    set->next = op->metric_sets;
    op->metric_sets = set;
    pthread_mutex_unlock(&op->lock);
    return set;
}

static void keep_text(ExCell *cell, const char *text, size_t len) {
    char *copy = malloc(len + 1);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, text, len);
    free(cell->owned_text);
    cell->owned_text = copy;
    cell->len = len;
}

static void add_number(ExCell *cell, LoMetricKind kind, int64_t i, double f, bool is_double) {
    bool is_first = !cell->has_value;
    cell->has_value = true;
    switch (kind) {
    case LO_METRIC_COUNT: cell->i += 1; return;
    case LO_METRIC_SUM:
        cell->i = (int64_t)((uint64_t)cell->i + (uint64_t)i);
        cell->f += f;
        return;
    case LO_METRIC_MIN:
    case LO_METRIC_MAX: {
        /* NaN is the greatest double, as Spark has it. */
        bool is_less = is_double ? (f < cell->f || (cell->f != cell->f && f == f)) : i < cell->i;
        bool is_more = is_double ? (f > cell->f || (f != f && cell->f == cell->f)) : i > cell->i;
        if (is_first || (kind == LO_METRIC_MIN ? is_less : is_more)) {
            cell->i = i;
            cell->f = f;
        }
        return;
    }
    }
}

static void add_text(ExCell *cell, LoMetricKind kind, const char *text, size_t len) {
    if (kind == LO_METRIC_COUNT) {
        cell->has_value = true;
        cell->i++;
        return;
    }
    if (cell->has_value) {
        int order = str_cmp((Str){text, len}, (Str){cell->owned_text, cell->len});
        if (kind == LO_METRIC_MIN ? order >= 0 : order <= 0) {
            return;
        }
    }
    cell->has_value = true;
    keep_text(cell, text, len);
}

static void add_vector(ExCell *cell, const LoMetric *metric, duckdb_vector vector, idx_t count) {
    uint64_t *validity = duckdb_vector_get_validity(vector);
    void *data = duckdb_vector_get_data(vector);
    ExCarrier carrier = carrier_of(metric->type);
    if (metric->kind == LO_METRIC_COUNT && validity == NULL) {
        cell->has_value = true;
        cell->i += (int64_t)count;
        return;
    }
    for (idx_t row = 0; row < count; row++) {
        if (validity != NULL && !duckdb_validity_row_is_valid(validity, row)) {
            continue;
        }
        switch (carrier) {
        case CARRIER_LONG: add_number(cell, metric->kind, ((int64_t *)data)[row], 0, false); break;
        case CARRIER_INT: add_number(cell, metric->kind, ((int32_t *)data)[row], 0, false); break;
        case CARRIER_BOOL: add_number(cell, metric->kind, ((bool *)data)[row], 0, false); break;
        case CARRIER_DOUBLE: add_number(cell, metric->kind, 0, ((double *)data)[row], true); break;
        case CARRIER_STRING: {
            duckdb_string_t *s = &((duckdb_string_t *)data)[row];
            add_text(cell, metric->kind, duckdb_string_t_data(s), duckdb_string_t_length(*s));
            break;
        }
        }
    }
}

static void run(duckdb_function_info info, duckdb_data_chunk chunk, duckdb_vector output) {
    ExMetricSet *set = duckdb_scalar_function_get_state(info);
    ExInput *input = duckdb_scalar_function_get_bind_data(info);
    idx_t count = duckdb_data_chunk_get_size(chunk);
    for (size_t i = 0; i < set->ncells; i++) {
        add_vector(&set->cells[i], &input->lo->metrics[i], duckdb_data_chunk_get_vector(chunk, i + 1), count);
    }
    memset(duckdb_vector_get_data(output), 1, count);
}

static void bind(duckdb_bind_info info) {
    ExEngine *engine = duckdb_scalar_function_bind_get_extra_info(info);
    duckdb_client_context context = NULL;
    duckdb_scalar_function_get_client_context(info, &context);
    ExScope *scope = ex_scope_of(engine, context);
    duckdb_expression first = duckdb_scalar_function_bind_get_argument(info, 0);
    duckdb_value value = NULL;
    duckdb_error_data failure = duckdb_expression_fold(context, first, &value);
    int64_t number = failure == NULL ? duckdb_get_int64(value) : -1;
    duckdb_destroy_value(&value);
    duckdb_destroy_error_data(&failure);
    duckdb_destroy_expression(&first);
    duckdb_destroy_client_context(&context);
    if (scope == NULL || number < 0 || (size_t)number >= scope->query->ninputs ||
        scope->query->inputs[number].kind != LO_INPUT_METRICS ||
        duckdb_scalar_function_bind_get_argument_count(info) != scope->query->inputs[number].nmetrics + 1) {
        duckdb_scalar_function_bind_set_error(info, ERR_INTERNAL ": solder_metrics names an input that the query does not have");
        return;
    }
    duckdb_scalar_function_set_bind_data(info, &scope->inputs[number], NULL);
}

static void init(duckdb_init_info info) {
    ExInput *input = duckdb_scalar_function_init_get_bind_data(info);
    ExMetricSet *set = new_set(input);
    if (set == NULL) {
        duckdb_scalar_function_init_set_error(info, "SOLDER.OUT_OF_MEMORY: no memory for a metric's counters");
        return;
    }
    duckdb_scalar_function_init_set_state(info, set, NULL);
}

bool ex_metrics_register(ExEngine *engine, Err *err) {
    duckdb_scalar_function f = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(f, "solder_metrics");
    duckdb_logical_type any = duckdb_create_logical_type(DUCKDB_TYPE_ANY), boolean = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
    duckdb_scalar_function_set_varargs(f, any);
    duckdb_scalar_function_set_return_type(f, boolean);
    duckdb_destroy_logical_type(&any);
    duckdb_destroy_logical_type(&boolean);
    duckdb_scalar_function_set_special_handling(f);
    duckdb_scalar_function_set_volatile(f);
    duckdb_scalar_function_set_extra_info(f, engine, NULL);
    duckdb_scalar_function_set_bind(f, bind);
    duckdb_scalar_function_set_init(f, init);
    duckdb_scalar_function_set_function(f, run);
    bool is_ok = duckdb_register_scalar_function(engine->connection, f) == DuckDBSuccess;
    duckdb_destroy_scalar_function(&f);
    return is_ok || err_set(err, ERR_INTERNAL, "DuckDB refuses the function solder_metrics");
}

static void merge(ExCell *into, const ExCell *from, const LoMetric *metric) {
    if (!from->has_value) {
        return;
    }
    ExCarrier carrier = carrier_of(metric->type);
    if (metric->kind == LO_METRIC_COUNT) {
        into->i += from->i;
    } else if (carrier == CARRIER_STRING) {
        add_text(into, metric->kind, from->owned_text, from->len);
    } else {
        add_number(into, metric->kind, from->i, from->f, carrier == CARRIER_DOUBLE);
    }
    into->has_value = true;
}

static duckdb_value cell_value(const ExCell *cell, const LoMetric *metric) {
    if (metric->kind == LO_METRIC_COUNT) {
        return duckdb_create_int64(cell->i);
    }
    if (!cell->has_value) {
        return duckdb_create_null_value();
    }
    switch (carrier_of(metric->type)) {
    case CARRIER_DOUBLE: return duckdb_create_double(cell->f);
    case CARRIER_STRING: return duckdb_create_varchar_length(cell->owned_text, cell->len);
    case CARRIER_INT: return duckdb_create_date((duckdb_date){(int32_t)cell->i});
    case CARRIER_BOOL: return duckdb_create_bool(cell->i != 0);
    case CARRIER_LONG: break;
    }
    if (str_eq_c(metric->type, "TIMESTAMP")) {
        return duckdb_create_timestamp((duckdb_timestamp){cell->i});
    }
    if (str_eq_c(metric->type, "TIMESTAMPTZ")) {
        return duckdb_create_timestamp_tz((duckdb_timestamp){cell->i});
    }
    return duckdb_create_int64(cell->i);
}

static bool finish_one(ExOperation *op, const LoInput *input, const ExCell *cells, ExMetric *ret, Err *err) {
    const TrRel *rel = input->rel;
    duckdb_prepared_statement prepared = NULL;
    Str sql = str_copy(op->arena, input->finish);
    bool is_ok = duckdb_prepare(op->engine->connection, sql.data, &prepared) == DuckDBSuccess;
    if (!is_ok) {
        ex_error_from_duckdb(op->engine, duckdb_prepare_error(prepared), err);
    }
    for (size_t i = 0; is_ok && i < input->nmetrics; i++) {
        duckdb_value value = cell_value(&cells[i], &input->metrics[i]);
        is_ok = i >= duckdb_nparams(prepared) || duckdb_bind_value(prepared, i + 1, value) == DuckDBSuccess ||
                err_set(err, ERR_INTERNAL, "a metric's number %zu can't be bound", i + 1);
        duckdb_destroy_value(&value);
    }
    duckdb_result result;
    if (is_ok && duckdb_execute_prepared(prepared, &result) != DuckDBSuccess) {
        is_ok = ex_error_from_duckdb(op->engine, duckdb_result_error(&result), err);
        duckdb_destroy_result(&result);
    } else if (is_ok) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
        const PlValue **values = ARENA_ARRAY(op->arena, const PlValue *, rel->metrics.nmetrics);
        TyAttr *columns = ARENA_ARRAY(op->arena, TyAttr, rel->metrics.nmetrics);
        for (size_t i = 0; i < rel->metrics.nmetrics; i++) {
            columns[i] = rel->metrics.metrics[i].attr;
            values[i] = ex_value_at(op->arena, columns[i].type, duckdb_data_chunk_get_vector(chunk, i), 0);
        }
        *ret = (ExMetric){.name = rel->metrics.name, .values = values, .columns = columns, .ncolumns = rel->metrics.nmetrics};
        duckdb_destroy_data_chunk(&chunk);
        duckdb_destroy_result(&result);
    }
    duckdb_destroy_prepare(&prepared);
    return is_ok;
}

/* A plan that uses an observed relation twice (the branches of a union) observes the same rows twice, under one name: as in Spark, once counts. */
static bool is_known(const ExMetric *metrics, size_t n, Str name) {
    for (size_t i = 0; i < n; i++) {
        if (str_eq(metrics[i].name, name)) {
            return true;
        }
    }
    return false;
}

bool ex_metrics_finish(ExOperation *op, Err *err) {
    ExMetric *metrics = ARENA_ARRAY(op->arena, ExMetric, op->ntallies);
    size_t n = 0;
    for (size_t k = 0; k < op->ntallies; k++) {
        const LoInput *input = op->tallies[k].lo;
        if (input->kind != LO_INPUT_METRICS || is_known(metrics, n, input->rel->metrics.name)) {
            continue;
        }
        ExCell *cells = calloc(input->nmetrics + 1, sizeof *cells);
        if (cells == NULL) {
            return err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for a metric's counters");
        }
        for (ExMetricSet *set = op->metric_sets; set != NULL; set = set->next) {
            for (size_t i = 0; set->lo == input && i < set->ncells; i++) {
                merge(&cells[i], &set->cells[i], &input->metrics[i]);
            }
        }
        bool is_ok = finish_one(op, input, cells, &metrics[n], err);
        for (size_t i = 0; i < input->nmetrics; i++) {
            free(cells[i].owned_text);
        }
        free(cells);
        if (!is_ok) {
            return false;
        }
        n++;
    }
    op->metrics = metrics;
    op->nmetrics = n;
    return true;
}

void ex_metric_sets_free(ExOperation *op) {
    while (op->metric_sets != NULL) {
        ExMetricSet *set = op->metric_sets;
        op->metric_sets = set->next;
        for (size_t i = 0; i < set->ncells; i++) {
            free(set->cells[i].owned_text);
        }
        free(set);
    }
}
