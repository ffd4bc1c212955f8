/* lower/literal.c - constants as SQL text.
 *
 * Used by expr.c. Invariant: the text gives the exact value: dates and timestamps are written as numbers, floats with all their digits,
 * so that no parser's idea of a calendar or of rounding comes in.
 */
#include "lower/lo_internal.h"

#include <math.h>

void lo_write_quoted(StrBuf *out, Str text) {
    /* DuckDB's parser stops at a NUL byte, so those are put in by chr(0). */
    bool has_nul = text.len > 0 && memchr(text.data, 0, text.len) != NULL;
    strbuf_add_c(out, has_nul ? "('" : "'");
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '\'') {
            strbuf_add_c(out, "''");
        } else if (c == '\0') {
            strbuf_add_c(out, "' || chr(0) || '");
        } else {
            strbuf_add_char(out, c);
        }
    }
    strbuf_add_c(out, has_nul ? "')" : "'");
}

Str lo_quoted(Lo *lo, Str text) {
    StrBuf out = {.arena = lo->arena};
    lo_write_quoted(&out, text);
    return strbuf_str(&out);
}

void lo_write_identifier(StrBuf *out, Str name) {
    strbuf_add_char(out, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '"') {
            strbuf_add_char(out, '"');
        }
        strbuf_add_char(out, name.data[i]);
    }
    strbuf_add_char(out, '"');
}

static void write_float(StrBuf *out, double value, bool is_double) {
    const char *type = is_double ? "DOUBLE" : "FLOAT";
    if (isnan(value)) {
        strbuf_fmt(out, "CAST('NaN' AS %s)", type);
    } else if (isinf(value)) {
        strbuf_fmt(out, "CAST('%sInfinity' AS %s)", value < 0 ? "-" : "", type);
    } else {
        strbuf_fmt(out, is_double ? "CAST('%.17g' AS %s)" : "CAST('%.9g' AS %s)", value, type);
    }
}

static void write_decimal(StrBuf *out, const PlValue *value) {
    char digits[48];
    size_t n = 0;
    unsigned __int128 rest = value->dec < 0 ? -(unsigned __int128)value->dec : (unsigned __int128)value->dec;
    do {
        digits[n++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0 || n <= (size_t)value->type->scale);
    strbuf_add_c(out, value->dec < 0 ? "CAST('-" : "CAST('");
    while (n > 0) {
        if (n == (size_t)value->type->scale) {
            strbuf_add_char(out, '.');
        }
        strbuf_add_char(out, digits[--n]);
    }
    strbuf_fmt(out, "' AS DECIMAL(%d,%d))", value->type->precision, value->type->scale);
}

static void write_binary(StrBuf *out, Str bytes) {
    strbuf_add_c(out, "CAST('");
    for (size_t i = 0; i < bytes.len; i++) {
        strbuf_fmt(out, "\\x%02X", (unsigned)(unsigned char)bytes.data[i]);
    }
    strbuf_add_c(out, "' AS BLOB)");
}

static void write_items(Lo *lo, StrBuf *out, const PlValue *value, size_t from, size_t step) {
    for (size_t i = from; i < value->nitems; i += step) {
        strbuf_add_c(out, i > from ? ", " : "");
        lo_write_literal(lo, out, &value->items[i]);
    }
}

static void write_nested(Lo *lo, StrBuf *out, const PlValue *value) {
    Str type = lo_duckdb_type(lo->arena, value->type);
    if (value->type->kind == PL_TYPE_STRUCT) {
        if (value->nitems == 0) {
            strbuf_add_c(out, "struct_pack(f := false)");
            return;
        }
        strbuf_add_c(out, "struct_pack(");
        for (size_t i = 0; i < value->nitems; i++) {
            strbuf_fmt(out, "%sf%zu := ", i > 0 ? ", " : "", i);
            lo_write_literal(lo, out, &value->items[i]);
        }
        strbuf_add_char(out, ')');
    } else if (value->type->kind == PL_TYPE_ARRAY) {
        strbuf_add_c(out, "CAST([");
        write_items(lo, out, value, 0, 1);
        strbuf_fmt(out, "] AS %.*s)", STR_ARG(type));
    } else {
        strbuf_add_c(out, "CAST(map([");
        write_items(lo, out, value, 0, 2);
        strbuf_add_c(out, "], [");
        write_items(lo, out, value, 1, 2);
        strbuf_fmt(out, "]) AS %.*s)", STR_ARG(type));
    }
}

void lo_write_literal(Lo *lo, StrBuf *out, const PlValue *value) {
    Str type = lo_duckdb_type(lo->arena, value->type);
    if (value->is_null) {
        strbuf_fmt(out, "CAST(NULL AS %.*s)", STR_ARG(type));
        return;
    }
    switch (value->type->kind) {
    case PL_TYPE_NULL: strbuf_add_c(out, "CAST(NULL AS INTEGER)"); return;
    case PL_TYPE_BOOLEAN: strbuf_add_c(out, value->i != 0 ? "true" : "false"); return;
    case PL_TYPE_BYTE:
    case PL_TYPE_SHORT:
    case PL_TYPE_INT:
    case PL_TYPE_LONG:
    case PL_TYPE_DAY_TIME_INTERVAL:
    case PL_TYPE_YEAR_MONTH_INTERVAL: strbuf_fmt(out, "CAST(%lld AS %.*s)", (long long)value->i, STR_ARG(type)); return;
    case PL_TYPE_FLOAT: write_float(out, value->f, false); return;
    case PL_TYPE_DOUBLE: write_float(out, value->f, true); return;
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR: lo_write_quoted(out, value->s); return;
    case PL_TYPE_BINARY: write_binary(out, value->s); return;
    case PL_TYPE_DATE: strbuf_fmt(out, "make_date(CAST(%lld AS INTEGER))", (long long)value->i); return;
    case PL_TYPE_TIMESTAMP: strbuf_fmt(out, "make_timestamptz(CAST(%lld AS BIGINT))", (long long)value->i); return;
    case PL_TYPE_TIMESTAMP_NTZ: strbuf_fmt(out, "make_timestamp(CAST(%lld AS BIGINT))", (long long)value->i); return;
    case PL_TYPE_CALENDAR_INTERVAL:
        strbuf_fmt(out, "(to_months(%d) + to_days(%d) + to_microseconds(%lld))", (int)value->months, (int)value->days, (long long)value->i);
        return;
    case PL_TYPE_DECIMAL: write_decimal(out, value); return;
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP:
    case PL_TYPE_STRUCT: write_nested(lo, out, value); return;
    }
}
