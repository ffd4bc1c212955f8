/* lower/type.c - the DuckDB type that carries a Spark type, as text.
 *
 * Used by every writer of lower/ and by exec/. Invariant: lower.h's table of carriers, nothing else decides them.
 */
#include "lower/lo_internal.h"

static void write_type(StrBuf *out, const PlType *type) {
    switch (type->kind) {
    case PL_TYPE_NULL: strbuf_add_c(out, "INTEGER"); return;
    case PL_TYPE_BOOLEAN: strbuf_add_c(out, "BOOLEAN"); return;
    case PL_TYPE_BYTE: strbuf_add_c(out, "TINYINT"); return;
    case PL_TYPE_SHORT: strbuf_add_c(out, "SMALLINT"); return;
    case PL_TYPE_INT: strbuf_add_c(out, "INTEGER"); return;
    case PL_TYPE_LONG: strbuf_add_c(out, "BIGINT"); return;
    case PL_TYPE_FLOAT: strbuf_add_c(out, "FLOAT"); return;
    case PL_TYPE_DOUBLE: strbuf_add_c(out, "DOUBLE"); return;
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR: strbuf_add_c(out, "VARCHAR"); return;
    case PL_TYPE_BINARY: strbuf_add_c(out, "BLOB"); return;
    case PL_TYPE_DATE: strbuf_add_c(out, "DATE"); return;
    case PL_TYPE_TIMESTAMP: strbuf_add_c(out, "TIMESTAMPTZ"); return;
    case PL_TYPE_TIMESTAMP_NTZ: strbuf_add_c(out, "TIMESTAMP"); return;
    case PL_TYPE_CALENDAR_INTERVAL: strbuf_add_c(out, "INTERVAL"); return;
    case PL_TYPE_DECIMAL: strbuf_fmt(out, "DECIMAL(%d,%d)", type->precision, type->scale); return;
    case PL_TYPE_DAY_TIME_INTERVAL: strbuf_add_c(out, "BIGINT"); return;
    case PL_TYPE_YEAR_MONTH_INTERVAL: strbuf_add_c(out, "INTEGER"); return;
    case PL_TYPE_ARRAY:
        write_type(out, type->element);
        strbuf_add_c(out, "[]");
        return;
    case PL_TYPE_MAP:
        strbuf_add_c(out, "MAP(");
        write_type(out, type->key);
        strbuf_add_c(out, ", ");
        write_type(out, type->element);
        strbuf_add_char(out, ')');
        return;
    case PL_TYPE_STRUCT:
        strbuf_add_c(out, "STRUCT(");
        if (type->nfields == 0) {
            strbuf_add_c(out, "f BOOLEAN");
        }
        for (size_t i = 0; i < type->nfields; i++) {
            strbuf_fmt(out, "%sf%zu ", i > 0 ? ", " : "", i);
            write_type(out, type->fields[i].type);
        }
        strbuf_add_char(out, ')');
        return;
    }
}

Str lo_duckdb_type(Arena *arena, const PlType *type) {
    StrBuf out = {.arena = arena};
    write_type(&out, type);
    return strbuf_str(&out);
}
