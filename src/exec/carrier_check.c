/* exec/carrier_check.c - a prepared query's columns are of the types that lower.h promises.
 *
 * Called when a query is opened. Invariant: a row of the registry whose template gives another type than its Spark type's carrier ends the query with
 * an error that names the column; without this its bytes would be read as something else.
 */
#include "exec/ex_internal.h"

static duckdb_type carrier_of(const PlType *type) {
    switch (type->kind) {
    case PL_TYPE_NULL: return DUCKDB_TYPE_INTEGER;
    case PL_TYPE_BOOLEAN: return DUCKDB_TYPE_BOOLEAN;
    case PL_TYPE_BYTE: return DUCKDB_TYPE_TINYINT;
    case PL_TYPE_SHORT: return DUCKDB_TYPE_SMALLINT;
    case PL_TYPE_INT: return DUCKDB_TYPE_INTEGER;
    case PL_TYPE_LONG: return DUCKDB_TYPE_BIGINT;
    case PL_TYPE_FLOAT: return DUCKDB_TYPE_FLOAT;
    case PL_TYPE_DOUBLE: return DUCKDB_TYPE_DOUBLE;
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR: return DUCKDB_TYPE_VARCHAR;
    case PL_TYPE_BINARY: return DUCKDB_TYPE_BLOB;
    case PL_TYPE_DATE: return DUCKDB_TYPE_DATE;
    case PL_TYPE_TIMESTAMP: return DUCKDB_TYPE_TIMESTAMP_TZ;
    case PL_TYPE_TIMESTAMP_NTZ: return DUCKDB_TYPE_TIMESTAMP;
    case PL_TYPE_CALENDAR_INTERVAL: return DUCKDB_TYPE_INTERVAL;
    case PL_TYPE_DECIMAL: return DUCKDB_TYPE_DECIMAL;
    case PL_TYPE_DAY_TIME_INTERVAL: return DUCKDB_TYPE_BIGINT;
    case PL_TYPE_YEAR_MONTH_INTERVAL: return DUCKDB_TYPE_INTEGER;
    case PL_TYPE_ARRAY: return DUCKDB_TYPE_LIST;
    case PL_TYPE_MAP: return DUCKDB_TYPE_MAP;
    case PL_TYPE_STRUCT: return DUCKDB_TYPE_STRUCT;
    }
    return DUCKDB_TYPE_INVALID;
}

static bool is_carrier(duckdb_logical_type owned_type, const PlType *type) {
    bool is_ok = duckdb_get_type_id(owned_type) == carrier_of(type);
    if (is_ok && type->kind == PL_TYPE_DECIMAL) {
        is_ok = duckdb_decimal_width(owned_type) == type->precision && duckdb_decimal_scale(owned_type) == type->scale;
    } else if (is_ok && type->kind == PL_TYPE_ARRAY) {
        is_ok = is_carrier(duckdb_list_type_child_type(owned_type), type->element);
    } else if (is_ok && type->kind == PL_TYPE_MAP) {
        is_ok = is_carrier(duckdb_map_type_key_type(owned_type), type->key) && is_carrier(duckdb_map_type_value_type(owned_type), type->element);
    } else if (is_ok && type->kind == PL_TYPE_STRUCT && type->nfields > 0) {
        is_ok = duckdb_struct_type_child_count(owned_type) == type->nfields;
        for (size_t i = 0; is_ok && i < type->nfields; i++) {
            is_ok = is_carrier(duckdb_struct_type_child_type(owned_type, i), type->fields[i].type);
        }
    }
    duckdb_destroy_logical_type(&owned_type);
    return is_ok;
}

bool ex_check_carriers(duckdb_prepared_statement prepared, const LoQuery *query, Err *err) {
    for (size_t i = 0; i < query->noutput; i++) {
        const TyAttr *attr = &query->output[i];
        duckdb_logical_type type = duckdb_prepared_statement_column_logical_type(prepared, i);
        if (type == NULL || !is_carrier(type, attr->type)) {
            return err_set(err, ERR_INTERNAL, "the column %.*s is not of the type that its expression promises; please report the query", STR_ARG(attr->name));
        }
    }
    return true;
}
