/* exec/types.c - Spark's types as DuckDB's logical types.
 *
 * Used by the table functions' binds. Invariant: the same carriers as lo_duckdb_type writes (lower/lower.h).
 */
#include "exec/ex_internal.h"

#include <stdlib.h>

static duckdb_logical_type struct_type(const PlType *type) {
    Arena *arena = arena_new();
    size_t n = type->nfields > 0 ? type->nfields : 1;
    duckdb_logical_type *members = ARENA_ARRAY(arena, duckdb_logical_type, n);
    const char **names = ARENA_ARRAY(arena, const char *, n);
    if (type->nfields == 0) {
        members[0] = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
        names[0] = "f";
    }
    for (size_t i = 0; i < type->nfields; i++) {
        members[i] = ex_logical_type(type->fields[i].type);
        names[i] = str_fmt(arena, "f%zu", i).data;
    }
    duckdb_logical_type result = duckdb_create_struct_type(members, names, n);
    for (size_t i = 0; i < n; i++) {
        duckdb_destroy_logical_type(&members[i]);
    }
    arena_free(arena);
    return result;
}

duckdb_logical_type ex_logical_type(const PlType *type) {
    switch (type->kind) {
    case PL_TYPE_NULL: return duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
    case PL_TYPE_BOOLEAN: return duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
    case PL_TYPE_BYTE: return duckdb_create_logical_type(DUCKDB_TYPE_TINYINT);
    case PL_TYPE_SHORT: return duckdb_create_logical_type(DUCKDB_TYPE_SMALLINT);
    case PL_TYPE_INT: return duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
    case PL_TYPE_LONG: return duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    case PL_TYPE_FLOAT: return duckdb_create_logical_type(DUCKDB_TYPE_FLOAT);
    case PL_TYPE_DOUBLE: return duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR: return duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    case PL_TYPE_BINARY: return duckdb_create_logical_type(DUCKDB_TYPE_BLOB);
    case PL_TYPE_DATE: return duckdb_create_logical_type(DUCKDB_TYPE_DATE);
    case PL_TYPE_TIMESTAMP: return duckdb_create_logical_type(DUCKDB_TYPE_TIMESTAMP_TZ);
    case PL_TYPE_TIMESTAMP_NTZ: return duckdb_create_logical_type(DUCKDB_TYPE_TIMESTAMP);
    case PL_TYPE_CALENDAR_INTERVAL: return duckdb_create_logical_type(DUCKDB_TYPE_INTERVAL);
    case PL_TYPE_DECIMAL: return duckdb_create_decimal_type((uint8_t)type->precision, (uint8_t)type->scale);
    case PL_TYPE_DAY_TIME_INTERVAL: return duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    case PL_TYPE_YEAR_MONTH_INTERVAL: return duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
    case PL_TYPE_ARRAY: {
        duckdb_logical_type element = ex_logical_type(type->element);
        duckdb_logical_type result = duckdb_create_list_type(element);
        duckdb_destroy_logical_type(&element);
        return result;
    }
    case PL_TYPE_MAP: {
        duckdb_logical_type key = ex_logical_type(type->key), value = ex_logical_type(type->element);
        duckdb_logical_type result = duckdb_create_map_type(key, value);
        duckdb_destroy_logical_type(&key);
        duckdb_destroy_logical_type(&value);
        return result;
    }
    case PL_TYPE_STRUCT: return struct_type(type);
    }
    return NULL;
}
