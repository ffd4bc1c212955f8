/* exec/value_read.c - one value out of a DuckDB vector.
 *
 * Used for metrics and for the json and text writers' small needs. Invariant: the vector has the carrier type of lower.h for the Spark type.
 */
#include "exec/ex_internal.h"

#include "kernels/kn_call.h"

#include <string.h>

static void read_list(Arena *arena, PlValue *value, const PlType *type, duckdb_vector vector, idx_t row) {
    duckdb_list_entry entry = ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row];
    duckdb_vector child = duckdb_list_vector_get_child(vector);
    bool is_map = type->kind == PL_TYPE_MAP;
    value->nitems = (size_t)entry.length * (is_map ? 2 : 1);
    PlValue *items = ARENA_ARRAY(arena, PlValue, value->nitems);
    for (idx_t i = 0; i < entry.length; i++) {
        if (is_map) {
            items[2 * i] = *ex_value_at(arena, type->key, duckdb_struct_vector_get_child(child, 0), entry.offset + i);
            items[2 * i + 1] = *ex_value_at(arena, type->element, duckdb_struct_vector_get_child(child, 1), entry.offset + i);
        } else {
            items[i] = *ex_value_at(arena, type->element, child, entry.offset + i);
        }
    }
    value->items = items;
}

const PlValue *ex_value_at(Arena *arena, const PlType *type, duckdb_vector vector, idx_t row) {
    PlValue *value = ARENA_NEW(arena, PlValue);
    value->type = type;
    uint64_t *validity = duckdb_vector_get_validity(vector);
    if (type->kind == PL_TYPE_NULL || (validity != NULL && !duckdb_validity_row_is_valid(validity, row))) {
        value->is_null = true;
        return value;
    }
    void *data = duckdb_vector_get_data(vector);
    switch (type->kind) {
    case PL_TYPE_NULL: break;
    case PL_TYPE_BOOLEAN: value->i = ((bool *)data)[row]; break;
    case PL_TYPE_BYTE: value->i = ((int8_t *)data)[row]; break;
    case PL_TYPE_SHORT: value->i = ((int16_t *)data)[row]; break;
    case PL_TYPE_INT:
    case PL_TYPE_DATE:
    case PL_TYPE_YEAR_MONTH_INTERVAL: value->i = ((int32_t *)data)[row]; break;
    case PL_TYPE_LONG:
    case PL_TYPE_TIMESTAMP:
    case PL_TYPE_TIMESTAMP_NTZ:
    case PL_TYPE_DAY_TIME_INTERVAL: value->i = ((int64_t *)data)[row]; break;
    case PL_TYPE_FLOAT: value->f = (double)((float *)data)[row]; break;
    case PL_TYPE_DOUBLE: value->f = ((double *)data)[row]; break;
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR:
    case PL_TYPE_BINARY: {
        duckdb_string_t *s = &((duckdb_string_t *)data)[row];
        value->s = str_copy(arena, (Str){duckdb_string_t_data(s), duckdb_string_t_length(*s)});
        break;
    }
    case PL_TYPE_CALENDAR_INTERVAL: {
        duckdb_interval v = ((duckdb_interval *)data)[row];
        value->months = v.months;
        value->days = v.days;
        value->i = v.micros;
        break;
    }
    case PL_TYPE_DECIMAL: value->dec = kn_decimal_load(data, type->precision, row); break;
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP: read_list(arena, value, type, vector, row); break;
    case PL_TYPE_STRUCT: {
        PlValue *items = ARENA_ARRAY(arena, PlValue, type->nfields);
        for (size_t i = 0; i < type->nfields; i++) {
            items[i] = *ex_value_at(arena, type->fields[i].type, duckdb_struct_vector_get_child(vector, i), row);
        }
        value->items = items;
        value->nitems = type->nfields;
        break;
    }
    }
    return value;
}
