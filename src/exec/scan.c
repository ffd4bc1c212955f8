/* exec/scan.c - solder_scan(n): files of a format as a table, in parallel and with only the asked-for columns.
 *
 * Invariant: splits are handed out in file order, so that a single thread gives rows in file order; partition columns come from the file,
 * never from its bytes.
 */
#include "exec/scan.h"

#include <stdlib.h>
#include <string.h>

enum { SPLIT_BYTES = 8 * 1024 * 1024 };

static const ExFormat *const formats[] = {&ex_format_csv, &ex_format_json, &ex_format_text, &ex_format_binary};

const ExFormat *ex_format_find(Str name) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (str_eq_nocase(name, str_from_c(formats[i]->name))) {
            return formats[i];
        }
    }
    return NULL;
}

const PlOption *ex_option_find(const PlOption *options, size_t noptions, const char *name) {
    for (size_t i = noptions; i > 0; i--) {
        if (str_eq_nocase(options[i - 1].key, str_from_c(name))) {
            return &options[i - 1];
        }
    }
    return NULL;
}

Str ex_option(const PlOption *options, size_t noptions, const char *name, const char *fallback) {
    const PlOption *option = ex_option_find(options, noptions, name);
    return option != NULL ? option->value : str_from_c(fallback);
}

bool ex_option_bool(const PlOption *options, size_t noptions, const char *name, bool fallback, bool *ret, Err *err) {
    const PlOption *option = ex_option_find(options, noptions, name);
    *ret = fallback;
    if (option == NULL) {
        return true;
    }
    if (str_eq_nocase(option->value, STR("true"))) {
        *ret = true;
    } else if (str_eq_nocase(option->value, STR("false"))) {
        *ret = false;
    } else {
        return err_set(err, "SOLDER.OPTION", "%s flag can be true or false", name);
    }
    return true;
}

bool ex_option_int(const PlOption *options, size_t noptions, const char *name, int64_t fallback, int64_t *ret, Err *err) {
    const PlOption *option = ex_option_find(options, noptions, name);
    *ret = fallback;
    if (option != NULL && !str_to_i64(option->value, ret)) {
        return err_set(err, "SOLDER.OPTION", "%s should be an integer. Found %.*s", name, STR_ARG(option->value));
    }
    return true;
}

bool ex_option_sampling_ratio(const PlOption *options, size_t noptions, double *ret, Err *err) {
    Str text = ex_option(options, noptions, "samplingRatio", "1.0");
    if (!str_to_double(str_trim(text), ret)) {
        return err_set(err, "SOLDER.OPTION", "samplingRatio should be a number. Found %.*s", STR_ARG(text));
    }
    return *ret > 0 || err_set(err, "SOLDER.OPTION", "requirement failed: samplingRatio (%.*s) should be greater than 0", STR_ARG(text));
}

bool ex_times_are_corrected(const ExOperation *op) {
    Str policy;
    return pl_settings_get(op->settings, STR("spark.sql.legacy.timeParserPolicy"), &policy) && !str_eq_nocase(policy, STR("EXCEPTION"));
}

Str ex_scan_file_shown(const ExScanLocal *local) {
    return local->plan->scan->files[local->split->file].shown;
}

static void plan_splits(ExScanPlan *plan) {
    const TyScan *scan = plan->scan;
    size_t n = 0;
    if (plan->format == &ex_format_named) {
        ExSplit *only = ARENA_NEW(plan->arena, ExSplit);
        only->to = INT64_MAX;
        plan->splits = only;
        plan->nsplits = 1;
        return;
    }
    for (size_t i = 0; i < scan->nfiles; i++) {
        n += (size_t)(scan->files[i].size / SPLIT_BYTES) + 1;
    }
    ExSplit *splits = ARENA_ARRAY(plan->arena, ExSplit, n);
    size_t count = 0;
    for (size_t i = 0; i < scan->nfiles; i++) {
        const TyFile *file = &scan->files[i];
        if (file->size == 0 && plan->format != &ex_format_binary) {
            continue;
        }
        if (!plan->format->is_splittable(plan, file)) {
            splits[count++] = (ExSplit){.file = i, .from = 0, .to = INT64_MAX};
            continue;
        }
        for (int64_t from = 0; from < file->size; from += SPLIT_BYTES) {
            splits[count++] = (ExSplit){.file = i, .from = from, .to = from + SPLIT_BYTES};
        }
    }
    plan->splits = splits;
    plan->nsplits = count;
}

static ExScanPlan *plan_of(ExInput *input, Err *err) {
    if (input->state != NULL) {
        return input->state;
    }
    const TyScan *scan = input->lo->rel->scan.scan;
    const ExFormat *format =
        ex_named_source_find(input->scope->engine, scan->format) != NULL ? &ex_format_named : ex_format_find(scan->format);
    if (format == NULL) {
        err_set(err, ERR_NOT_SUPPORTED, "the data source %.*s is not supported yet", STR_ARG(scan->format));
        return NULL;
    }
    Arena *arena = arena_new();
    ExScanPlan *plan = ARENA_NEW(arena, ExScanPlan);
    *plan = (ExScanPlan){.input = input, .scan = scan, .format = format, .arena = arena};
    if (!format->plan(plan, err)) {
        arena_free(arena);
        return NULL;
    }
    plan_splits(plan);
    input->state = plan;
    return plan;
}

void ex_input_done(ExInput *input) {
    if (input->lo->kind != LO_INPUT_SCAN) {
        return;
    }
    ExScanPlan *plan = input->state;
    input->state = NULL;
    if (plan != NULL) {
        arena_free(plan->arena);
    }
}

static void fail_bind(duckdb_bind_info info, ExInput *input, const Err *err) {
    ex_op_fail(input->scope->op, err);
    duckdb_bind_set_error(info, err->message);
}

static void bind(duckdb_bind_info info) {
    ExInput *input = ex_bind_input(info, LO_INPUT_SCAN);
    if (input == NULL) {
        return;
    }
    Err err = {0};
    ExScanPlan *plan = plan_of(input, &err);
    if (plan == NULL) {
        fail_bind(info, input, &err);
        return;
    }
    ex_bind_columns(info, input->lo->rel->output, input->lo->rel->noutput);
    int64_t bytes = 0;
    for (size_t i = 0; i < plan->scan->nfiles; i++) {
        bytes += plan->scan->files[i].size;
    }
    duckdb_bind_set_cardinality(info, (idx_t)(bytes / 64 + 1), false);
    duckdb_bind_set_bind_data(info, plan, NULL);
}

static void run_free(void *owned) {
    ExScanRun *run = owned;
    free(run->columns);
    free(run);
}

static void init(duckdb_init_info info) {
    ExScanPlan *plan = duckdb_init_get_bind_data(info);
    ExScanRun *run = calloc(1, sizeof *run);
    idx_t n = duckdb_init_get_column_count(info);
    idx_t *columns = calloc((size_t)n + 1, sizeof *columns);
    if (run == NULL || columns == NULL) {
        free(run);
        free(columns);
        duckdb_init_set_error(info, "SOLDER.OUT_OF_MEMORY: no memory for a scan");
        return;
    }
    for (idx_t i = 0; i < n; i++) {
        columns[i] = duckdb_init_get_column_index(info, i);
    }
    run->plan = plan;
    run->ncolumns = n;
    run->columns = columns;
    ExScope *scope = plan->input->scope;
    if (scope->nparts > 0) {
        atomic_store(&run->next_split, plan->nsplits * scope->part / scope->nparts);
    }
    idx_t threads = plan->nsplits > 0 ? (idx_t)plan->nsplits : 1;
    idx_t most = (idx_t)scope->engine->threads;
    duckdb_init_set_max_threads(info, threads < most ? threads : most);
    duckdb_init_set_init_data(info, run, run_free);
}

static void local_free(void *owned) {
    ExScanLocal *local = owned;
    local->plan->format->close(local);
    arena_free(local->arena);
    free(local);
}

static void run_scan(duckdb_function_info info, duckdb_data_chunk chunk);

static void local_init(duckdb_init_info info) {
    ExScanLocal *local = calloc(1, sizeof *local);
    if (local == NULL) {
        duckdb_init_set_error(info, "SOLDER.OUT_OF_MEMORY: no memory for a scan");
        return;
    }
    local->plan = duckdb_init_get_bind_data(info);
    local->arena = arena_new();
    duckdb_init_set_init_data(info, local, local_free);
}

/* A constant into every row of a partition column. */
static void fill_constant(duckdb_vector vector, const PlValue *value, const PlType *type, idx_t count) {
    void *data = duckdb_vector_get_data(vector);
    if (value == NULL || value->is_null) {
        duckdb_vector_ensure_validity_writable(vector);
        memset(duckdb_vector_get_validity(vector), 0, (size_t)((count + 63) / 64) * 8);
        return;
    }
    for (idx_t i = 0; i < count; i++) {
        switch (type->kind) {
        case PL_TYPE_BOOLEAN: ((bool *)data)[i] = value->i != 0; break;
        case PL_TYPE_BYTE: ((int8_t *)data)[i] = (int8_t)value->i; break;
        case PL_TYPE_SHORT: ((int16_t *)data)[i] = (int16_t)value->i; break;
        case PL_TYPE_INT:
        case PL_TYPE_DATE:
        case PL_TYPE_YEAR_MONTH_INTERVAL: ((int32_t *)data)[i] = (int32_t)value->i; break;
        case PL_TYPE_LONG:
        case PL_TYPE_TIMESTAMP:
        case PL_TYPE_TIMESTAMP_NTZ:
        case PL_TYPE_DAY_TIME_INTERVAL: ((int64_t *)data)[i] = value->i; break;
        case PL_TYPE_FLOAT: ((float *)data)[i] = (float)value->f; break;
        case PL_TYPE_DOUBLE: ((double *)data)[i] = value->f; break;
        case PL_TYPE_STRING:
        case PL_TYPE_CHAR:
        case PL_TYPE_VARCHAR:
        case PL_TYPE_BINARY: duckdb_vector_assign_string_element_len(vector, i, value->s.data, value->s.len); break;
        case PL_TYPE_DECIMAL:
            if (type->precision <= 4) {
                ((int16_t *)data)[i] = (int16_t)value->dec;
            } else if (type->precision <= 9) {
                ((int32_t *)data)[i] = (int32_t)value->dec;
            } else if (type->precision <= 18) {
                ((int64_t *)data)[i] = (int64_t)value->dec;
            } else {
                ((duckdb_hugeint *)data)[i] = (duckdb_hugeint){.lower = (uint64_t)value->dec, .upper = (int64_t)(value->dec >> 64)};
            }
            break;
        case PL_TYPE_NULL:
        case PL_TYPE_CALENDAR_INTERVAL:
        case PL_TYPE_ARRAY:
        case PL_TYPE_MAP:
        case PL_TYPE_STRUCT: break; /* no partition column has these types */
        }
    }
}

static void fill_partitions(ExScanLocal *local, duckdb_data_chunk chunk, idx_t count) {
    const TyScan *scan = local->plan->scan;
    size_t ndata = scan->data_schema->nfields;
    for (idx_t i = 0; i < local->run->ncolumns; i++) {
        idx_t column = local->run->columns[i];
        if (column >= ndata && column - ndata < scan->npartition_fields) {
            const PlValue *value = scan->files[local->split->file].partition[column - ndata];
            fill_constant(duckdb_data_chunk_get_vector(chunk, i), value, scan->partition_fields[column - ndata].type, count);
        } else if (column >= ndata) {
            /* No column is asked for: DuckDB's row number, or the placeholder of an empty output. */
            memset(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, i)), 0, (size_t)count);
        }
    }
}

static bool next_split(ExScanLocal *local, bool *ret_done, Err *err) {
    ExScanPlan *plan = local->plan;
    const ExScope *scope = plan->input->scope;
    size_t end = scope->nparts > 0 ? plan->nsplits * (scope->part + 1) / scope->nparts : plan->nsplits;
    size_t i = atomic_fetch_add(&local->run->next_split, 1);
    if (i >= end) {
        *ret_done = true;
        return true;
    }
    local->split = &plan->splits[i];
    return plan->format->begin(local, err);
}

static bool read_some(ExScanLocal *local, duckdb_data_chunk chunk, idx_t *ret_count, Err *err) {
    bool is_done = false;
    for (;;) {
        if (ex_op_cancelled(local->plan->input->scope->op, err)) {
            return false;
        }
        if (local->split == NULL && (!next_split(local, &is_done, err) || is_done)) {
            return is_done;
        }
        idx_t count = 0;
        if (!local->plan->format->read(local, chunk, &count, err)) {
            return false;
        }
        if (count > 0) {
            fill_partitions(local, chunk, count);
            *ret_count = count;
            atomic_fetch_add(&local->plan->input->tally->rows, (long long)count);
            return true;
        }
        local->split = NULL;
    }
}

static void run_scan(duckdb_function_info info, duckdb_data_chunk chunk) {
    ExScanLocal *local = duckdb_function_get_local_init_data(info);
    Err err = {0};
    bool is_ok = true;
    idx_t count = 0;
    if (local->run == NULL) {
        local->run = duckdb_function_get_init_data(info);
        is_ok = local->plan->format->open(local, &err);
    }
    is_ok = is_ok && read_some(local, chunk, &count, &err);
    if (!is_ok) {
        ex_op_fail(local->plan->input->scope->op, &err);
        duckdb_function_set_error(info, err.message);
        count = 0;
    }
    duckdb_data_chunk_set_size(chunk, count);
}

bool ex_scan_register(ExEngine *engine, Err *err) {
    return ex_table_function_register(engine, "solder_scan", bind, init, local_init, run_scan, err);
}
