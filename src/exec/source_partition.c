/* exec/source_partition.c - Hive-style partition columns from directory names (PartitioningUtils of Spark 3.5).
 *
 * Invariant: every file of a scan has a value for every partition column; values have the column's type.
 */
#include "exec/source.h"

#include "kernels/number_text.h"

#include <string.h>

typedef struct Pair {
    Str name, raw;
} Pair;

/* %41 → A (ExternalCatalogUtils.unescapePathName). */
static Str unescape(Arena *arena, Str s) {
    StrBuf out = {.arena = arena};
    for (size_t i = 0; i < s.len; i++) {
        int value = -1;
        if (s.data[i] == '%' && i + 2 < s.len) {
            value = 0;
            for (size_t k = i + 1; k <= i + 2; k++) {
                char c = s.data[k];
                int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
                value = digit < 0 || value < 0 ? -1 : value * 16 + digit;
            }
        }
        if (value > 0) {
            strbuf_add_char(&out, (char)value);
            i += 2;
        } else {
            strbuf_add_char(&out, s.data[i]);
        }
    }
    return strbuf_str(&out);
}

/* "a=1/b=2" → pairs; directories without = in between end the run (they are no partition directories). */
static size_t parse_below(Arena *arena, Str below, const Pair **ret) {
    VEC(Pair) pairs = {.arena = arena};
    size_t from = 0;
    for (size_t i = 0; i <= below.len; i++) {
        if (i < below.len && below.data[i] != '/') {
            continue;
        }
        Str part = str_slice(below, from, i);
        from = i + 1;
        const char *eq = part.len > 0 ? memchr(part.data, '=', part.len) : NULL;
        if (eq == NULL || eq == part.data) {
            pairs.count = 0; /* columns begin below the last plain directory */
            continue;
        }
        size_t at = (size_t)(eq - part.data);
        VEC_PUSH(&pairs, (Pair){.name = unescape(arena, str_slice(part, 0, at)), .raw = unescape(arena, str_slice(part, at + 1, part.len))});
    }
    *ret = pairs.items;
    return pairs.count;
}

static bool is_null_raw(Str raw) {
    return str_eq_c(raw, "__HIVE_DEFAULT_PARTITION__");
}

/* inferPartitionColumnValue */
static const PlType *infer(Arena *arena, Str raw, const KnZone *zone) {
    int64_t i;
    double f;
    int32_t days;
    int precision, scale;
    if (is_null_raw(raw)) {
        return &PL_NULL;
    }
    if (kn_java_long(raw, &i)) {
        return i >= INT32_MIN && i <= INT32_MAX ? &PL_INT : &PL_LONG;
    }
    if (kn_decimal_shape(raw, &precision, &scale) && scale <= 0 && precision - scale <= 38) {
        return pl_decimal(arena, precision - scale, 0);
    }
    if (kn_java_double(raw, &f)) {
        return &PL_DOUBLE;
    }
    Err ignored = {0}; /* both patterns are good */
    const KnPattern *date = kn_pattern_new(arena, STR("yyyy-MM-dd"), true, &ignored);
    const KnPattern *timestamp = kn_pattern_new(arena, STR("yyyy-MM-dd HH:mm:ss[.S]"), true, &ignored);
    if (kn_pattern_parse_date(date, raw, &days)) {
        return &PL_DATE;
    }
    return kn_pattern_parse(timestamp, zone, raw, &i) ? &PL_TIMESTAMP : &PL_STRING;
}

static int rank(const PlType *type) {
    return type->kind == PL_TYPE_INT ? 1 : type->kind == PL_TYPE_LONG ? 2 : type->kind == PL_TYPE_DECIMAL ? 3 : type->kind == PL_TYPE_DOUBLE ? 4 : 0;
}

static const PlType *widen(Arena *arena, const PlType *a, const PlType *b) {
    if (a->kind == PL_TYPE_NULL) {
        return b;
    }
    if (b->kind == PL_TYPE_NULL || pl_type_equal(a, b)) {
        return a;
    }
    int ra = rank(a), rb = rank(b);
    if (ra > 0 && rb > 0) {
        if (ra == 3 && rb == 3) {
            return pl_decimal(arena, a->precision > b->precision ? a->precision : b->precision, 0);
        }
        return ra > rb ? a : b;
    }
    bool is_time = (a->kind == PL_TYPE_DATE && b->kind == PL_TYPE_TIMESTAMP) || (a->kind == PL_TYPE_TIMESTAMP && b->kind == PL_TYPE_DATE);
    return is_time ? &PL_TIMESTAMP : &PL_STRING;
}

static const PlValue *value_of(Arena *arena, const PlType *type, Str raw, const ExParseOptions *options, Str name, Err *err) {
    PlValue *value = ARENA_NEW(arena, PlValue);
    value->type = type;
    if (is_null_raw(raw)) {
        value->is_null = true;
        return value;
    }
    if (type->kind == PL_TYPE_STRING || type->kind == PL_TYPE_VARCHAR || type->kind == PL_TYPE_CHAR || type->kind == PL_TYPE_BINARY) {
        value->s = raw;
        return value;
    }
    union {
        bool b;
        int8_t i8;
        int16_t i16;
        int32_t i32;
        int64_t i64;
        float f;
        double d;
        duckdb_hugeint h;
    } space = {0};
    bool is_ok = type->kind == PL_TYPE_DECIMAL ? ex_parse_decimal(raw, type->precision, type->scale, &value->dec)
                                               : ex_parse_into(options, type, raw, &space, 0);
    switch (type->kind) {
    case PL_TYPE_BOOLEAN: value->i = space.b; break;
    case PL_TYPE_BYTE: value->i = space.i8; break;
    case PL_TYPE_SHORT: value->i = space.i16; break;
    case PL_TYPE_INT:
    case PL_TYPE_DATE: value->i = space.i32; break;
    case PL_TYPE_LONG:
    case PL_TYPE_TIMESTAMP:
    case PL_TYPE_TIMESTAMP_NTZ: value->i = space.i64; break;
    case PL_TYPE_FLOAT: value->f = (double)space.f; break;
    case PL_TYPE_DOUBLE: value->f = space.d; break;
    case PL_TYPE_DECIMAL:
    case PL_TYPE_NULL:
    case PL_TYPE_STRING:
    case PL_TYPE_BINARY:
    case PL_TYPE_CALENDAR_INTERVAL:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR:
    case PL_TYPE_DAY_TIME_INTERVAL:
    case PL_TYPE_YEAR_MONTH_INTERVAL:
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP:
    case PL_TYPE_STRUCT: break;
    }
    if (!is_ok) {
        Str shown = pl_type_simple(arena, type);
        err_set(err, "SOLDER.PARTITION_VALUE", "the partition directory %.*s=%.*s does not hold a value of type %.*s", STR_ARG(name), STR_ARG(raw),
                STR_ARG(shown));
        return NULL;
    }
    return value;
}

static const PlType *given_type(const PlType *schema, Str name) {
    for (size_t i = 0; schema != NULL && i < schema->nfields; i++) {
        if (str_eq_nocase(schema->fields[i].name, name)) {
            return schema->fields[i].type;
        }
    }
    return NULL;
}

static bool plain_files(Arena *arena, bool is_recursive, const ExFoundList *files, TyScan *scan) {
    TyFile *out = ARENA_ARRAY(arena, TyFile, files->count);
    size_t n = 0;
    for (size_t i = 0; i < files->count; i++) {
        const ExFound *f = &files->items[i];
        if (is_recursive || f->below.len == 0) {
            out[n++] = (TyFile){.path = f->path, .shown = f->shown, .size = f->size, .modified_us = f->modified_us};
        }
    }
    scan->files = out;
    scan->nfiles = n;
    return true;
}

bool ex_source_partitions(Arena *arena, const PlSettings *settings, const PlType *given_schema, const PlOption *options, size_t noptions,
                          const KnZone *zone, const ExFoundList *files, TyScan *scan, Err *err) {
    bool is_recursive = false, infers = pl_settings_bool(settings, STR("spark.sql.sources.partitionColumnTypeInference.enabled"));
    if (!ex_option_bool(options, noptions, "recursiveFileLookup", false, &is_recursive, err)) {
        return false;
    }
    const Pair **pairs = ARENA_ARRAY(arena, const Pair *, files->count);
    size_t ncolumns = 0, first = 0;
    for (size_t i = 0; i < files->count && !is_recursive; i++) {
        size_t n = parse_below(arena, files->items[i].below, &pairs[i]);
        if (i == 0) {
            ncolumns = n;
        }
        bool is_same = n == ncolumns;
        for (size_t k = 0; is_same && k < n; k++) {
            is_same = str_eq_nocase(pairs[i][k].name, pairs[first][k].name);
        }
        if (!is_same) {
            return err_set(err, "CONFLICTING_PARTITION_COLUMN_NAMES",
                           "Conflicting partition column names detected below the path: %.*s and %.*s have different partition directories",
                           STR_ARG(files->items[first].shown), STR_ARG(files->items[i].shown));
        }
    }
    if (ncolumns == 0) {
        return plain_files(arena, is_recursive, files, scan);
    }
    PlField *fields = ARENA_ARRAY(arena, PlField, ncolumns);
    for (size_t k = 0; k < ncolumns; k++) {
        const PlType *type = given_type(given_schema, pairs[0][k].name);
        if (type == NULL) {
            type = infers ? &PL_NULL : &PL_STRING;
            for (size_t i = 0; infers && i < files->count; i++) {
                type = widen(arena, type, infer(arena, pairs[i][k].raw, zone));
            }
            type = type->kind == PL_TYPE_NULL ? &PL_STRING : type;
        }
        fields[k] = (PlField){.name = pairs[0][k].name, .type = type, .nullable = true};
    }
    ExParseOptions parse = {.nan_value = STR("NaN"), .positive_inf = STR("Infinity"), .negative_inf = STR("-Infinity"), .arena = arena, .zone = zone};
    TyFile *out = ARENA_ARRAY(arena, TyFile, files->count);
    for (size_t i = 0; i < files->count; i++) {
        const ExFound *f = &files->items[i];
        const PlValue **values = ARENA_ARRAY(arena, const PlValue *, ncolumns);
        for (size_t k = 0; k < ncolumns; k++) {
            values[k] = value_of(arena, fields[k].type, pairs[i][k].raw, &parse, fields[k].name, err);
            if (values[k] == NULL) {
                return false;
            }
        }
        out[i] = (TyFile){.path = f->path, .shown = f->shown, .size = f->size, .modified_us = f->modified_us, .partition = values};
    }
    scan->files = out;
    scan->nfiles = files->count;
    scan->partition_fields = fields;
    scan->npartition_fields = ncolumns;
    return true;
}
