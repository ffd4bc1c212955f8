/* exec/arrow_batch.c - see arrow_batch.h.
 *
 * DuckDB's own converter points its vectors into Arrow's buffers; each column is given to it alone, holding one reference to the batch.
 */
#include "exec/arrow_batch.h"

#include <stdlib.h>
#include <string.h>

/* Whether an Arrow field has the layout that carries a Spark type. */
static bool format_fits(const struct ArrowSchema *schema, const PlType *type) {
    const char *f = schema->format;
    if (schema->dictionary != NULL) {
        return false;
    }
    switch (type->kind) {
    case PL_TYPE_NULL: return true;
    case PL_TYPE_BOOLEAN: return strcmp(f, "b") == 0;
    case PL_TYPE_BYTE: return strcmp(f, "c") == 0;
    case PL_TYPE_SHORT: return strcmp(f, "s") == 0;
    case PL_TYPE_INT: return strcmp(f, "i") == 0;
    case PL_TYPE_LONG: return strcmp(f, "l") == 0;
    case PL_TYPE_FLOAT: return strcmp(f, "f") == 0;
    case PL_TYPE_DOUBLE: return strcmp(f, "g") == 0;
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR: return strcmp(f, "u") == 0 || strcmp(f, "U") == 0;
    case PL_TYPE_BINARY: return strcmp(f, "z") == 0 || strcmp(f, "Z") == 0;
    case PL_TYPE_DATE: return strcmp(f, "tdD") == 0;
    case PL_TYPE_TIMESTAMP: return strncmp(f, "tsu:", 4) == 0 && f[4] != '\0';
    case PL_TYPE_TIMESTAMP_NTZ: return strcmp(f, "tsu:") == 0;
    case PL_TYPE_DAY_TIME_INTERVAL: return strcmp(f, "tDu") == 0;
    case PL_TYPE_CALENDAR_INTERVAL: return strcmp(f, "tin") == 0;
    case PL_TYPE_YEAR_MONTH_INTERVAL: return strcmp(f, "i") == 0 || strcmp(f, "tiM") == 0;
    case PL_TYPE_DECIMAL: {
        struct ArrowSchemaView view;
        return ArrowSchemaViewInit(&view, schema, NULL) == NANOARROW_OK && view.type == NANOARROW_TYPE_DECIMAL128 &&
               view.decimal_precision == type->precision && view.decimal_scale == type->scale;
    }
    case PL_TYPE_ARRAY:
        return (strcmp(f, "+l") == 0 || strcmp(f, "+L") == 0) && schema->n_children == 1 && format_fits(schema->children[0], type->element);
    case PL_TYPE_MAP:
        return strcmp(f, "+m") == 0 && schema->n_children == 1 && schema->children[0]->n_children == 2 &&
               format_fits(schema->children[0]->children[0], type->key) && format_fits(schema->children[0]->children[1], type->element);
    case PL_TYPE_STRUCT:
        if (strcmp(f, "+s") != 0 || schema->n_children != (int64_t)type->nfields) {
            return false;
        }
        for (size_t i = 0; i < type->nfields; i++) {
            if (!format_fits(schema->children[i], type->fields[i].type)) {
                return false;
            }
        }
        return true;
    }
    return false;
}

/* Names and formats as the carrier has them: struct fields by position, intervals as the integers they are. */
static bool rename_fields(struct ArrowSchema *schema, const PlType *type) {
    switch (type->kind) {
    case PL_TYPE_DAY_TIME_INTERVAL: return ArrowSchemaSetFormat(schema, "l") == NANOARROW_OK;
    case PL_TYPE_YEAR_MONTH_INTERVAL: return ArrowSchemaSetFormat(schema, "i") == NANOARROW_OK;
    case PL_TYPE_ARRAY: return rename_fields(schema->children[0], type->element);
    case PL_TYPE_MAP:
        return rename_fields(schema->children[0]->children[0], type->key) && rename_fields(schema->children[0]->children[1], type->element);
    case PL_TYPE_STRUCT:
        for (size_t i = 0; i < type->nfields; i++) {
            Arena *arena = arena_new();
            bool is_ok = ArrowSchemaSetName(schema->children[i], str_fmt(arena, "f%zu", i).data) == NANOARROW_OK;
            arena_free(arena);
            if (!is_ok || !rename_fields(schema->children[i], type->fields[i].type)) {
                return false;
            }
        }
        return true;
    case PL_TYPE_NULL:
    case PL_TYPE_BOOLEAN:
    case PL_TYPE_BYTE:
    case PL_TYPE_SHORT:
    case PL_TYPE_INT:
    case PL_TYPE_LONG:
    case PL_TYPE_FLOAT:
    case PL_TYPE_DOUBLE:
    case PL_TYPE_STRING:
    case PL_TYPE_BINARY:
    case PL_TYPE_DATE:
    case PL_TYPE_TIMESTAMP:
    case PL_TYPE_TIMESTAMP_NTZ:
    case PL_TYPE_CALENDAR_INTERVAL:
    case PL_TYPE_DECIMAL:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR: return true;
    }
    return true;
}

/* DuckDB has no struct without fields, so its converter refuses them; the carrier's extra field is not in the Arrow data. */
static bool has_empty_struct(const PlType *type) {
    bool found = type->kind == PL_TYPE_STRUCT && type->nfields == 0;
    found = found || (type->key != NULL && has_empty_struct(type->key)) || (type->element != NULL && has_empty_struct(type->element));
    for (size_t i = 0; i < type->nfields; i++) {
        found = found || has_empty_struct(type->fields[i].type);
    }
    return found;
}

static bool map_column(ExArrowMap *map, size_t i, const struct ArrowSchema *field, Err *err) {
    const TyAttr *attr = &map->output[i];
    Arena *arena = arena_new();
    if (!format_fits(field, attr->type)) {
        Str type = pl_type_simple(arena, attr->type);
        err_set(err, "SOLDER.ARROW_TYPE", "column %.*s is declared as %.*s but its Arrow data has the format \"%s\"%s", STR_ARG(attr->name),
                STR_ARG(type), field->format, field->dictionary != NULL ? " (dictionary-encoded)" : "");
        arena_free(arena);
        return false;
    }
    arena_free(arena);
    if (attr->type->kind == PL_TYPE_NULL) {
        return true;
    }
    if (has_empty_struct(attr->type)) {
        return err_set(err, ERR_NOT_SUPPORTED, "column %.*s: rows from outside with a struct without fields are not supported; give it a field or leave it out",
                       STR_ARG(attr->name));
    }
    struct ArrowSchema one;
    ArrowSchemaInit(&one);
    bool is_ok = ArrowSchemaSetTypeStruct(&one, 1) == NANOARROW_OK;
    if (is_ok) {
        ArrowSchemaRelease(one.children[0]);
        is_ok = ArrowSchemaDeepCopy(field, one.children[0]) == NANOARROW_OK && ArrowSchemaSetName(one.children[0], "c") == NANOARROW_OK &&
                rename_fields(one.children[0], attr->type);
    }
    if (!is_ok) {
        err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for an Arrow schema");
    } else {
        duckdb_error_data failure = duckdb_schema_from_arrow(map->connection, &one, &map->columns[i]);
        if (failure != NULL) {
            is_ok = ex_error_from_duckdb(NULL, duckdb_error_data_message(failure), err);
            duckdb_destroy_error_data(&failure);
        }
    }
    ArrowSchemaRelease(&one);
    return is_ok;
}

bool ex_arrow_map_init(ExArrowMap *ret_map, duckdb_connection connection, const struct ArrowSchema *borrowed_schema, const TyAttr *output,
                       size_t noutput, Err *err) {
    *ret_map = (ExArrowMap){.output = output, .noutput = noutput, .connection = connection};
    if (strcmp(borrowed_schema->format, "+s") != 0 || borrowed_schema->n_children != (int64_t)noutput) {
        return err_set(err, "SOLDER.ARROW_TYPE", "Arrow data has %lld columns where %zu are declared", (long long)borrowed_schema->n_children,
                       noutput);
    }
    ret_map->columns = calloc(noutput + 1, sizeof *ret_map->columns);
    if (ret_map->columns == NULL) {
        return err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for an Arrow schema");
    }
    for (size_t i = 0; i < noutput; i++) {
        if (!map_column(ret_map, i, borrowed_schema->children[i], err)) {
            ex_arrow_map_done(ret_map);
            return false;
        }
    }
    return true;
}

void ex_arrow_map_done(ExArrowMap *map) {
    for (size_t i = 0; map->columns != NULL && i < map->noutput; i++) {
        duckdb_destroy_arrow_converted_schema(&map->columns[i]);
    }
    free(map->columns);
    map->columns = NULL;
}

static bool has_high_bit(const uint8_t *data, int64_t size) {
    uint64_t seen = 0;
    int64_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint64_t word;
        memcpy(&word, data + i, 8);
        seen |= word;
    }
    for (; i < size; i++) {
        seen |= (uint64_t)data[i];
    }
    return (seen & 0x8080808080808080ULL) != 0;
}

static bool is_utf8(const char *data, int64_t size) {
    duckdb_error_data failure = duckdb_valid_utf8_check(data, (idx_t)size);
    bool is_ok = failure == NULL || !duckdb_error_data_has_error(failure);
    duckdb_destroy_error_data(&failure);
    return is_ok;
}

/* Every string of the array, nested ones too, is UTF-8. */
static bool strings_are_valid(const struct ArrowSchema *schema, const struct ArrowArray *array) {
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (!strings_are_valid(schema->children[i], array->children[i])) {
            return false;
        }
    }
    bool is_large = strcmp(schema->format, "U") == 0;
    if ((!is_large && strcmp(schema->format, "u") != 0) || array->length == 0) {
        return true;
    }
    const int32_t *narrow = array->buffers[1];
    const int64_t *wide = array->buffers[1];
    const char *data = array->buffers[2];
    int64_t end = array->offset + array->length;
    int64_t first = is_large ? wide[array->offset] : narrow[array->offset];
    int64_t last = is_large ? wide[end] : narrow[end];
    if (last <= first || !has_high_bit((const uint8_t *)data + first, last - first)) {
        return true;
    }
    for (int64_t i = array->offset; i < end; i++) {
        int64_t from = is_large ? wide[i] : narrow[i], to = is_large ? wide[i + 1] : narrow[i + 1];
        if (to > from && !is_utf8(data + from, to - from)) {
            return false;
        }
    }
    return true;
}

ExBatch *ex_batch_new(const ExArrowMap *map, const struct ArrowSchema *borrowed_schema, struct ArrowArray *owned_array, Err *err) {
    ExBatch *batch = calloc(1, sizeof *batch);
    if (batch == NULL) {
        ArrowArrayRelease(owned_array);
        err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for an Arrow batch");
        return NULL;
    }
    atomic_store(&batch->refs, 1);
    ArrowArrayMove(owned_array, &batch->array);
    batch->length = batch->array.length;
    if (batch->array.n_children != (int64_t)map->noutput || batch->array.offset != 0) {
        err_set(err, "SOLDER.ARROW_TYPE", "an Arrow batch has %lld columns where %zu are declared", (long long)batch->array.n_children, map->noutput);
        ex_batch_drop(batch);
        return NULL;
    }
    for (size_t i = 0; i < map->noutput; i++) {
        if (!strings_are_valid(borrowed_schema->children[i], batch->array.children[i])) {
            err_set(err, "SOLDER.INVALID_UTF8", "column %.*s holds a string that is not UTF-8", STR_ARG(map->output[i].name));
            ex_batch_drop(batch);
            return NULL;
        }
    }
    return batch;
}

int64_t ex_arrow_bytes(const struct ArrowSchema *schema, const struct ArrowArray *array) {
    int64_t n = array->length * 8;
    bool has_text = strcmp(schema->format, "u") == 0 || strcmp(schema->format, "z") == 0;
    if (has_text && array->length > 0) {
        const int32_t *offsets = array->buffers[1];
        n += offsets[array->offset + array->length] - offsets[array->offset];
    }
    for (int64_t i = 0; i < schema->n_children && i < array->n_children; i++) {
        n += ex_arrow_bytes(schema->children[i], array->children[i]);
    }
    return n;
}

void ex_batch_drop(ExBatch *owned_batch) {
    if (owned_batch != NULL && atomic_fetch_sub(&owned_batch->refs, 1) == 1) {
        ArrowArrayRelease(&owned_batch->array);
        free(owned_batch);
    }
}

/* A view of one column that holds the batch. */
typedef struct ExSlice {
    struct ArrowArray column;
    struct ArrowArray *child;
    const void *no_buffer;
    ExBatch *batch;
} ExSlice;

static void release_slice(struct ArrowArray *array) {
    ExSlice *slice = array->private_data;
    array->release = NULL;
    ex_batch_drop(slice->batch);
    free(slice);
}

static void set_all_null(duckdb_vector vector, idx_t count) {
    duckdb_vector_ensure_validity_writable(vector);
    uint64_t *validity = duckdb_vector_get_validity(vector);
    memset(validity, 0, (size_t)((count + 63) / 64) * 8);
}

static bool emit_column(const ExArrowMap *map, ExBatch *batch, size_t column, int64_t from, idx_t count, duckdb_vector target, Err *err) {
    if (map->columns[column] == NULL) {
        set_all_null(target, count);
        return true;
    }
    ExSlice *slice = calloc(1, sizeof *slice);
    if (slice == NULL) {
        return err_set(err, "SOLDER.OUT_OF_MEMORY", "no memory for an Arrow batch");
    }
    slice->column = *batch->array.children[column];
    slice->column.offset += from;
    slice->column.length = (int64_t)count;
    slice->column.null_count = slice->column.null_count == 0 ? 0 : -1;
    slice->child = &slice->column;
    slice->batch = batch;
    struct ArrowArray parent = {.length = (int64_t)count,
                                .n_buffers = 1,
                                .n_children = 1,
                                .buffers = &slice->no_buffer,
                                .children = &slice->child,
                                .release = release_slice,
                                .private_data = slice};
    atomic_fetch_add(&batch->refs, 1);
    duckdb_data_chunk converted = NULL;
    duckdb_error_data failure = duckdb_data_chunk_from_arrow(map->connection, &parent, map->columns[column], &converted);
    if (failure != NULL) {
        ex_error_from_duckdb(NULL, duckdb_error_data_message(failure), err);
        duckdb_destroy_error_data(&failure);
        if (parent.release != NULL) {
            parent.release(&parent);
        }
        return false;
    }
    duckdb_vector_reference_vector(target, duckdb_data_chunk_get_vector(converted, 0));
    duckdb_destroy_data_chunk(&converted);
    return true;
}

bool ex_batch_emit(const ExArrowMap *map, ExBatch *batch, int64_t from, idx_t count, const idx_t *columns, idx_t ncolumns, duckdb_data_chunk chunk,
                   Err *err) {
    for (idx_t i = 0; i < ncolumns; i++) {
        duckdb_vector target = duckdb_data_chunk_get_vector(chunk, i);
        if (columns[i] >= map->noutput) {
            /* A row number or the placeholder of a relation without columns: only the count matters. */
            set_all_null(target, count);
        } else if (!emit_column(map, batch, (size_t)columns[i], from, count, target, err)) {
            return false;
        }
    }
    duckdb_data_chunk_set_size(chunk, count);
    return true;
}
