/* lower/cast.c - conversions between types: the rows of spec/casts.tsv, and nested types by their parts.
 *
 * Used by expr.c and by writers that need text (show). Invariant: every pair that Spark allows has a row, or the error names it.
 */
#include "lower/lo_internal.h"

typedef struct CastRow {
    PlTypeKind from, to;
    const char *lower;
    const char *attempt; /* try_cast; empty: not allowed */
} CastRow;

static const CastRow cast_rows[] = {
#include "gen/casts.inc"
};

static PlTypeKind plain_kind(const PlType *type) {
    return type->kind == PL_TYPE_CHAR || type->kind == PL_TYPE_VARCHAR ? PL_TYPE_STRING : type->kind;
}

static const CastRow *find_row(PlTypeKind from, PlTypeKind to) {
    for (size_t i = 0; i < sizeof cast_rows / sizeof cast_rows[0]; i++) {
        if (cast_rows[i].from == from && cast_rows[i].to == to) {
            return &cast_rows[i];
        }
    }
    return NULL;
}

static bool not_castable(Lo *lo, const PlType *from, const PlType *to) {
    Str a = pl_type_simple(lo->arena, from);
    Str b = pl_type_simple(lo->arena, to);
    return err_set(lo->err, ERR_NOT_SUPPORTED, "casting %.*s to %.*s is not supported yet", STR_ARG(a), STR_ARG(b));
}

static void write_row(Lo *lo, StrBuf *out, const char *text, Str child, const PlType *from, const PlType *to) {
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] != '{') {
            strbuf_add_char(out, text[i]);
            continue;
        }
        size_t end = i + 1;
        while (text[end] != '}' && text[end] != '\0') {
            end++;
        }
        Str word = {text + i + 1, end - i - 1};
        if (str_eq(word, STR("0"))) {
            strbuf_add(out, child);
        } else if (str_eq(word, STR("type"))) {
            strbuf_add(out, lo_duckdb_type(lo->arena, to));
        } else if (str_eq(word, STR("fields"))) {
            strbuf_fmt(out, "%d, %d", from->start, from->end);
        } else if (str_eq(word, STR("tz"))) {
            lo_write_quoted(out, lo->time_zone);
        } else if (str_starts_with(word, STR("kernel:"))) {
            strbuf_add(out, lo_kernel(lo, str_to_c(lo->arena, str_slice(word, 7, word.len)), to));
        } else {
            err_set(lo->err, ERR_INTERNAL, "spec/casts.tsv has the unknown word {%.*s}", STR_ARG(word));
        }
        i = end;
    }
}

/* Whether the value needs no change at all: same carrier, same meaning. */
static bool is_identity(const PlType *from, const PlType *to) {
    PlTypeKind a = plain_kind(from);
    PlTypeKind b = plain_kind(to);
    if (a != b) {
        return false;
    }
    if (a == PL_TYPE_DECIMAL) {
        return from->precision == to->precision && from->scale == to->scale;
    }
    if (a == PL_TYPE_ARRAY || a == PL_TYPE_MAP) {
        return is_identity(from->element, to->element) && (a == PL_TYPE_ARRAY || is_identity(from->key, to->key));
    }
    if (a == PL_TYPE_STRUCT) {
        for (size_t i = 0; i < from->nfields; i++) {
            if (i >= to->nfields || !is_identity(from->fields[i].type, to->fields[i].type)) {
                return false;
            }
        }
        return from->nfields == to->nfields;
    }
    return true;
}

/* "null" for a null part of a nested value in text. */
static void write_part(Lo *lo, StrBuf *out, Str part, const PlType *type) {
    strbuf_add_c(out, "coalesce(");
    lo_write_cast(lo, out, part, type, &PL_STRING, PL_CAST_LEGACY);
    strbuf_add_c(out, ", 'null')");
}

static void write_nested_text(Lo *lo, StrBuf *out, Str child, const PlType *from) {
    strbuf_fmt(out, "(CASE WHEN %.*s IS NULL THEN NULL ELSE ", STR_ARG(child));
    Str item = lo_name(lo, "e");
    if (from->kind == PL_TYPE_ARRAY) {
        strbuf_fmt(out, "'[' || coalesce(array_to_string(list_transform(%.*s, lambda %.*s: ", STR_ARG(child), STR_ARG(item));
        write_part(lo, out, item, from->element);
        strbuf_add_c(out, "), ', '), '') || ']' END)");
    } else if (from->kind == PL_TYPE_MAP) {
        strbuf_fmt(out, "'{' || coalesce(array_to_string(list_transform(map_entries(%.*s), lambda %.*s: ", STR_ARG(child), STR_ARG(item));
        write_part(lo, out, str_fmt(lo->arena, "struct_extract(%.*s, 'key')", STR_ARG(item)), from->key);
        strbuf_add_c(out, " || ' -> ' || ");
        write_part(lo, out, str_fmt(lo->arena, "struct_extract(%.*s, 'value')", STR_ARG(item)), from->element);
        strbuf_add_c(out, "), ', '), '') || '}' END)");
    } else {
        strbuf_add_c(out, "'{'");
        for (size_t i = 0; i < from->nfields; i++) {
            strbuf_add_c(out, i > 0 ? " || ', ' || " : " || ");
            write_part(lo, out, str_fmt(lo->arena, "struct_extract(%.*s, 'f%zu')", STR_ARG(child), i), from->fields[i].type);
        }
        strbuf_add_c(out, " || '}' END)");
    }
}

static void write_nested(Lo *lo, StrBuf *out, Str child, const PlType *from, const PlType *to, PlCastMode mode) {
    Str item = lo_name(lo, "e");
    if (from->kind == PL_TYPE_ARRAY) {
        strbuf_fmt(out, "list_transform(%.*s, lambda %.*s: ", STR_ARG(child), STR_ARG(item));
        lo_write_cast(lo, out, item, from->element, to->element, mode);
        strbuf_add_char(out, ')');
    } else if (from->kind == PL_TYPE_MAP) {
        strbuf_fmt(out, "map_from_entries(list_transform(map_entries(%.*s), lambda %.*s: struct_pack(k := ", STR_ARG(child), STR_ARG(item));
        lo_write_cast(lo, out, str_fmt(lo->arena, "struct_extract(%.*s, 'key')", STR_ARG(item)), from->key, to->key, mode);
        strbuf_add_c(out, ", v := ");
        lo_write_cast(lo, out, str_fmt(lo->arena, "struct_extract(%.*s, 'value')", STR_ARG(item)), from->element, to->element, mode);
        strbuf_add_c(out, ")))");
    } else {
        strbuf_fmt(out, "(CASE WHEN %.*s IS NULL THEN NULL ELSE struct_pack(", STR_ARG(child));
        for (size_t i = 0; i < from->nfields; i++) {
            strbuf_fmt(out, "%sf%zu := ", i > 0 ? ", " : "", i);
            Str field = str_fmt(lo->arena, "struct_extract(%.*s, 'f%zu')", STR_ARG(child), i);
            lo_write_cast(lo, out, field, from->fields[i].type, to->fields[i].type, mode);
        }
        strbuf_add_c(out, ") END)");
    }
}

void lo_write_cast(Lo *lo, StrBuf *out, Str child, const PlType *from, const PlType *to, PlCastMode mode) {
    if (is_identity(from, to)) {
        strbuf_add(out, child);
        return;
    }
    PlTypeKind a = plain_kind(from);
    PlTypeKind b = plain_kind(to);
    if (a == PL_TYPE_NULL) {
        strbuf_fmt(out, "CAST(NULL AS %.*s)", STR_ARG(lo_duckdb_type(lo->arena, to)));
        return;
    }
    bool is_nested = a == PL_TYPE_ARRAY || a == PL_TYPE_MAP || a == PL_TYPE_STRUCT;
    if (is_nested && b == PL_TYPE_STRING) {
        write_nested_text(lo, out, child, from);
        return;
    }
    if (is_nested && a == b && (a != PL_TYPE_STRUCT || (from->nfields == to->nfields && from->nfields > 0))) {
        write_nested(lo, out, child, from, to, mode);
        return;
    }
    /* Plain DuckDB where nothing can be rounded or overflow. */
    if (a == PL_TYPE_DECIMAL && b == PL_TYPE_DECIMAL && to->scale >= from->scale && to->precision - to->scale >= from->precision - from->scale) {
        strbuf_fmt(out, "CAST(%.*s AS %.*s)", STR_ARG(child), STR_ARG(lo_duckdb_type(lo->arena, to)));
        return;
    }
    if (a == PL_TYPE_DECIMAL && b == PL_TYPE_STRING && from->scale <= 6) {
        strbuf_fmt(out, "CAST(%.*s AS VARCHAR)", STR_ARG(child));
        return;
    }
    const CastRow *row = find_row(a, b);
    const char *text = row == NULL ? "" : mode == PL_CAST_LEGACY ? row->lower : row->attempt;
    if (text[0] == '\0') {
        not_castable(lo, from, to);
        return;
    }
    write_row(lo, out, text, child, from, to);
}
