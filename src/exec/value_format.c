/* exec/value_format.c - see value_format.h. */
#include "exec/value_format.h"

#include "kernels/number_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ex_bytes_add(ExBytes *bytes, const char *data, size_t len) {
    if (bytes->len + len > bytes->cap) {
        size_t cap = bytes->cap == 0 ? 4096 : bytes->cap * 2;
        while (cap < bytes->len + len) {
            cap *= 2;
        }
        char *grown = realloc(bytes->data, cap);
        if (grown == NULL) {
            fputs("solder: out of memory\n", stderr);
            abort();
        }
        bytes->data = grown;
        bytes->cap = cap;
    }
    if (len > 0) {
        memcpy(bytes->data + bytes->len, data, len);
        bytes->len += len;
    }
}

void ex_bytes_add_char(ExBytes *bytes, char c) {
    ex_bytes_add(bytes, &c, 1);
}

void ex_bytes_free(ExBytes *bytes) {
    free(bytes->data);
    *bytes = (ExBytes){0};
}

void ex_bytes_add_long(ExBytes *bytes, int64_t value) {
    char text[24];
    int n = sizeof text;
    uint64_t v = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        text[--n] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    if (value < 0) {
        text[--n] = '-';
    }
    ex_bytes_add(bytes, text + n, sizeof text - (size_t)n);
}

static const ExPattern *pattern_of(const PlOption *options, size_t noptions, const char *name, const char *fallback, Arena *arena, Err *err) {
    for (size_t i = noptions; i > 0; i--) {
        if (str_eq_nocase(options[i - 1].key, str_from_c(name))) {
            return ex_pattern_new(arena, options[i - 1].value, err);
        }
    }
    return ex_pattern_new(arena, str_from_c(fallback), err);
}

bool ex_format_options(ExFormatOptions *ret, const PlOption *options, size_t noptions, Str time_zone, Arena *arena, Err *err) {
    *ret = (ExFormatOptions){0};
    for (size_t i = 0; i < noptions; i++) {
        time_zone = str_eq_nocase(options[i].key, STR("timeZone")) ? options[i].value : time_zone;
        if (str_eq_nocase(options[i].key, STR("ignoreNullFields"))) {
            ret->keep_null_fields = str_eq_nocase(options[i].value, STR("false"));
        }
    }
    ret->zone = ex_zone_find(arena, time_zone);
    if (ret->zone == NULL) {
        return err_set(err, "INVALID_CONF_VALUE.TIME_ZONE", "'%.*s' is no time zone", STR_ARG(time_zone));
    }
    ret->date = pattern_of(options, noptions, "dateFormat", "yyyy-MM-dd", arena, err);
    ret->timestamp = pattern_of(options, noptions, "timestampFormat", "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]", arena, err);
    ret->ntz = pattern_of(options, noptions, "timestampNTZFormat", "yyyy-MM-dd'T'HH:mm:ss[.SSS]", arena, err);
    return !err->is_set;
}

bool ex_vector_is_null(duckdb_vector vector, idx_t row) {
    uint64_t *validity = duckdb_vector_get_validity(vector);
    return validity != NULL && !duckdb_validity_row_is_valid(validity, row);
}

static Str text_at(duckdb_vector vector, idx_t row) {
    duckdb_string_t *s = &((duckdb_string_t *)duckdb_vector_get_data(vector))[row];
    return (Str){duckdb_string_t_data(s), duckdb_string_t_length(*s)};
}

static __int128 decimal_at(const PlType *type, void *data, idx_t row) {
    if (type->precision <= 4) {
        return ((int16_t *)data)[row];
    }
    if (type->precision <= 9) {
        return ((int32_t *)data)[row];
    }
    if (type->precision <= 18) {
        return ((int64_t *)data)[row];
    }
    duckdb_hugeint h = ((duckdb_hugeint *)data)[row];
    return ((__int128)h.upper << 64) | (__int128)h.lower;
}

/* java.math.BigDecimal.toString: scientific once the number is small against its scale. */
static void add_decimal(ExBytes *out, __int128 value, int scale) {
    char digits[48];
    int n = 0;
    bool is_negative = value < 0;
    unsigned __int128 v = is_negative ? (unsigned __int128)0 - (unsigned __int128)value : (unsigned __int128)value;
    do {
        digits[n++] = (char)('0' + (int)(v % 10));
        v /= 10;
    } while (v > 0);
    if (is_negative) {
        ex_bytes_add_char(out, '-');
    }
    int adjusted = n - 1 - scale;
    if (adjusted < -6) {
        ex_bytes_add_char(out, digits[n - 1]);
        if (n > 1) {
            ex_bytes_add_char(out, '.');
        }
        for (int i = n - 2; i >= 0; i--) {
            ex_bytes_add_char(out, digits[i]);
        }
        ex_bytes_add_char(out, 'E');
        ex_bytes_add_long(out, adjusted);
        return;
    }
    while (n <= scale) {
        digits[n++] = '0';
    }
    for (int i = n - 1; i >= 0; i--) {
        ex_bytes_add_char(out, digits[i]);
        if (i == scale && i > 0) {
            ex_bytes_add_char(out, '.');
        }
    }
}

static void add_pattern(ExBytes *out, const ExPattern *pattern, const ExZone *zone, int64_t us) {
    char text[256];
    ex_bytes_add(out, text, ex_pattern_format(pattern, zone, us, text, sizeof text));
}

static void add_two(ExBytes *out, int64_t value) {
    ex_bytes_add_char(out, (char)('0' + value / 10 % 10));
    ex_bytes_add_char(out, (char)('0' + value % 10));
}

/* IntervalUtils.toDayTimeIntervalString, ANSI style. */
static void add_day_time(ExBytes *out, const PlType *type, int64_t us) {
    static const char *const units[] = {"DAY", "HOUR", "MINUTE", "SECOND"};
    uint64_t v = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    ex_bytes_add(out, "INTERVAL '", 10);
    if (us < 0) {
        ex_bytes_add_char(out, '-');
    }
    static const uint64_t size[] = {86400000000ULL, 3600000000ULL, 60000000ULL, 1000000ULL};
    for (int i = type->start; i <= type->end; i++) {
        uint64_t n = v / size[i];
        v -= n * size[i];
        if (i > type->start) {
            ex_bytes_add_char(out, i == 1 ? ' ' : ':');
            add_two(out, (int64_t)n);
        } else if (i == 0) {
            ex_bytes_add_long(out, (int64_t)n);
        } else {
            add_two(out, (int64_t)n);
        }
    }
    if (type->end == 3 && v > 0) {
        char fraction[8];
        int n = 6;
        for (int i = 5; i >= 0; i--) {
            fraction[i] = (char)('0' + v % 10);
            v /= 10;
        }
        while (n > 0 && fraction[n - 1] == '0') {
            n--;
        }
        ex_bytes_add_char(out, '.');
        ex_bytes_add(out, fraction, (size_t)n);
    }
    ex_bytes_add(out, "' ", 2);
    ex_bytes_add(out, units[type->start], strlen(units[type->start]));
    if (type->end != type->start) {
        ex_bytes_add(out, " TO ", 4);
        ex_bytes_add(out, units[type->end], strlen(units[type->end]));
    }
}

static void add_year_month(ExBytes *out, const PlType *type, int64_t months) {
    uint64_t v = months < 0 ? 0 - (uint64_t)months : (uint64_t)months;
    ex_bytes_add(out, "INTERVAL '", 10);
    if (months < 0) {
        ex_bytes_add_char(out, '-');
    }
    if (type->start == 0) {
        ex_bytes_add_long(out, (int64_t)(v / 12));
    }
    if (type->start == 0 && type->end == 1) {
        ex_bytes_add_char(out, '-');
    }
    if (type->end == 1) {
        ex_bytes_add_long(out, (int64_t)(type->start == 0 ? v % 12 : v));
    }
    const char *unit = type->start == 1 ? "' MONTH" : type->end == 0 ? "' YEAR" : "' YEAR TO MONTH";
    ex_bytes_add(out, unit, strlen(unit));
}

/* What the text formats and casts share; false: a type they have their own way for. */
static bool add_plain(const PlType *type, duckdb_vector vector, idx_t row, ExBytes *out) {
    void *data = duckdb_vector_get_data(vector);
    char text[64];
    switch (type->kind) {
    case PL_TYPE_BOOLEAN: {
        bool is_true = ((bool *)data)[row];
        ex_bytes_add(out, is_true ? "true" : "false", is_true ? 4 : 5);
        return true;
    }
    case PL_TYPE_BYTE: ex_bytes_add_long(out, ((int8_t *)data)[row]); return true;
    case PL_TYPE_SHORT: ex_bytes_add_long(out, ((int16_t *)data)[row]); return true;
    case PL_TYPE_INT: ex_bytes_add_long(out, ((int32_t *)data)[row]); return true;
    case PL_TYPE_LONG: ex_bytes_add_long(out, ((int64_t *)data)[row]); return true;
    case PL_TYPE_FLOAT: ex_bytes_add(out, text, kn_float_text(((float *)data)[row], text)); return true;
    case PL_TYPE_DOUBLE: ex_bytes_add(out, text, kn_double_text(((double *)data)[row], text)); return true;
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR:
    case PL_TYPE_BINARY: {
        Str s = text_at(vector, row);
        ex_bytes_add(out, s.data, s.len);
        return true;
    }
    case PL_TYPE_DECIMAL: add_decimal(out, decimal_at(type, data, row), type->scale); return true;
    case PL_TYPE_DAY_TIME_INTERVAL: add_day_time(out, type, ((int64_t *)data)[row]); return true;
    case PL_TYPE_YEAR_MONTH_INTERVAL: add_year_month(out, type, ((int32_t *)data)[row]); return true;
    case PL_TYPE_DATE:
    case PL_TYPE_TIMESTAMP:
    case PL_TYPE_TIMESTAMP_NTZ:
    case PL_TYPE_NULL:
    case PL_TYPE_CALENDAR_INTERVAL:
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP:
    case PL_TYPE_STRUCT: return false;
    }
    return false;
}

void ex_format_scalar(const ExFormatOptions *options, const PlType *type, duckdb_vector vector, idx_t row, ExBytes *out) {
    if (add_plain(type, vector, row, out)) {
        return;
    }
    void *data = duckdb_vector_get_data(vector);
    if (type->kind == PL_TYPE_DATE) {
        add_pattern(out, options->date, NULL, (int64_t)((int32_t *)data)[row] * 86400000000);
    } else if (type->kind == PL_TYPE_TIMESTAMP) {
        add_pattern(out, options->timestamp, options->zone, ((int64_t *)data)[row]);
    } else if (type->kind == PL_TYPE_TIMESTAMP_NTZ) {
        add_pattern(out, options->ntz, NULL, ((int64_t *)data)[row]);
    }
}

static void add_cast_time(ExBytes *out, int64_t local_us, bool is_date) {
    int64_t day = local_us / 86400000000, rest = local_us % 86400000000;
    if (rest < 0) {
        rest += 86400000000;
        day--;
    }
    int64_t year;
    int month, dom;
    ex_date_of(day, &year, &month, &dom);
    if (year < 0) {
        ex_bytes_add_char(out, '-');
        year = -year;
    } else if (year > 9999) {
        ex_bytes_add_char(out, '+');
    }
    for (int64_t limit = 1000; limit > 1 && year < limit; limit /= 10) {
        ex_bytes_add_char(out, '0');
    }
    ex_bytes_add_long(out, year);
    ex_bytes_add_char(out, '-');
    add_two(out, month);
    ex_bytes_add_char(out, '-');
    add_two(out, dom);
    if (is_date) {
        return;
    }
    ex_bytes_add_char(out, ' ');
    add_two(out, rest / 3600000000);
    ex_bytes_add_char(out, ':');
    add_two(out, rest / 60000000 % 60);
    ex_bytes_add_char(out, ':');
    add_two(out, rest / 1000000 % 60);
    int64_t micros = rest % 1000000;
    if (micros > 0) {
        char fraction[6];
        int n = 6;
        for (int i = 5; i >= 0; i--) {
            fraction[i] = (char)('0' + micros % 10);
            micros /= 10;
        }
        while (fraction[n - 1] == '0') {
            n--;
        }
        ex_bytes_add_char(out, '.');
        ex_bytes_add(out, fraction, (size_t)n);
    }
}

void ex_format_cast(const ExFormatOptions *options, const PlType *type, duckdb_vector vector, idx_t row, ExBytes *out) {
    if (add_plain(type, vector, row, out)) {
        return;
    }
    void *data = duckdb_vector_get_data(vector);
    if (type->kind == PL_TYPE_DATE) {
        add_cast_time(out, (int64_t)((int32_t *)data)[row] * 86400000000, true);
    } else if (type->kind == PL_TYPE_TIMESTAMP_NTZ) {
        add_cast_time(out, ((int64_t *)data)[row], false);
    } else if (type->kind == PL_TYPE_TIMESTAMP) {
        int64_t us = ((int64_t *)data)[row];
        add_cast_time(out, us + (int64_t)ex_zone_offset(options->zone, us) * 1000000, false);
    }
}

void ex_bytes_add_json(ExBytes *out, Str s) {
    static const char hex[] = "0123456789ABCDEF";
    ex_bytes_add_char(out, '"');
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        ex_bytes_add(out, s.data + from, i - from);
        from = i + 1;
        static const char plain[] = "\b\t\n\f\r\"\\", codes[] = "btnfr\"\\";
        const char *at = memchr(plain, c, sizeof plain - 1);
        if (at != NULL) {
            char pair[2] = {'\\', codes[at - plain]};
            ex_bytes_add(out, pair, 2);
        } else {
            char code[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            ex_bytes_add(out, code, 6);
        }
    }
    ex_bytes_add(out, s.data + from, s.len - from);
    ex_bytes_add_char(out, '"');
}

static void add_base64(ExBytes *out, Str s) {
    static const char codes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.len; i += 3) {
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++) {
            v = v << 8 | (i + k < s.len ? (unsigned char)s.data[i + k] : 0);
        }
        for (size_t k = 0; k < 4; k++) {
            ex_bytes_add_char(out, i + k > s.len ? '=' : codes[v >> (18 - 6 * k) & 63]);
        }
    }
}

/* A key is its value inside Spark as text: times and intervals are numbers. */
static void add_key(const ExFormatOptions *options, const PlType *type, duckdb_vector vector, idx_t row, ExBytes *out) {
    if (type->kind == PL_TYPE_DATE || type->kind == PL_TYPE_YEAR_MONTH_INTERVAL) {
        ex_bytes_add_long(out, ((int32_t *)duckdb_vector_get_data(vector))[row]);
    } else if (type->kind == PL_TYPE_TIMESTAMP || type->kind == PL_TYPE_TIMESTAMP_NTZ || type->kind == PL_TYPE_DAY_TIME_INTERVAL) {
        ex_bytes_add_long(out, ((int64_t *)duckdb_vector_get_data(vector))[row]);
    } else {
        ex_format_cast(options, type, vector, row, out);
    }
}

static void json_list(const ExFormatOptions *options, const PlType *type, duckdb_vector vector, idx_t row, ExBytes *out) {
    duckdb_list_entry entry = ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row];
    duckdb_vector child = duckdb_list_vector_get_child(vector);
    bool is_map = type->kind == PL_TYPE_MAP;
    ex_bytes_add_char(out, is_map ? '{' : '[');
    for (idx_t i = entry.offset; i < entry.offset + entry.length; i++) {
        if (i > entry.offset) {
            ex_bytes_add_char(out, ',');
        }
        duckdb_vector value = child;
        if (is_map) {
            ExBytes key = {0};
            duckdb_vector keys = duckdb_struct_vector_get_child(child, 0);
            add_key(options, type->key, keys, i, &key);
            ex_bytes_add_json(out, (Str){key.data, key.len});
            ex_bytes_free(&key);
            ex_bytes_add_char(out, ':');
            value = duckdb_struct_vector_get_child(child, 1);
        }
        ex_format_json_value(options, type->element, value, i, out);
    }
    ex_bytes_add_char(out, is_map ? '}' : ']');
}

void ex_format_json_value(const ExFormatOptions *options, const PlType *type, duckdb_vector vector, idx_t row, ExBytes *out) {
    if (type->kind == PL_TYPE_NULL || ex_vector_is_null(vector, row)) {
        ex_bytes_add(out, "null", 4);
        return;
    }
    void *data = duckdb_vector_get_data(vector);
    switch (type->kind) {
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR: ex_bytes_add_json(out, text_at(vector, row)); return;
    case PL_TYPE_BINARY:
        ex_bytes_add_char(out, '"');
        add_base64(out, text_at(vector, row));
        ex_bytes_add_char(out, '"');
        return;
    case PL_TYPE_FLOAT:
    case PL_TYPE_DOUBLE: {
        double f = type->kind == PL_TYPE_FLOAT ? (double)((float *)data)[row] : ((double *)data)[row];
        if (!isfinite(f)) {
            ex_bytes_add_char(out, '"');
        }
        (void)add_plain(type, vector, row, out);
        if (!isfinite(f)) {
            ex_bytes_add_char(out, '"');
        }
        return;
    }
    case PL_TYPE_DATE:
    case PL_TYPE_TIMESTAMP:
    case PL_TYPE_TIMESTAMP_NTZ:
    case PL_TYPE_DAY_TIME_INTERVAL:
    case PL_TYPE_YEAR_MONTH_INTERVAL: {
        ex_bytes_add_char(out, '"');
        ex_format_scalar(options, type, vector, row, out);
        ex_bytes_add_char(out, '"');
        return;
    }
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP: json_list(options, type, vector, row, out); return;
    case PL_TYPE_STRUCT: {
        Arena *arena = arena_new();
        duckdb_vector *children = ARENA_ARRAY(arena, duckdb_vector, type->nfields);
        for (size_t i = 0; i < type->nfields; i++) {
            children[i] = duckdb_struct_vector_get_child(vector, i);
        }
        ex_format_json_object(options, type->fields, type->nfields, children, row, out);
        arena_free(arena);
        return;
    }
    case PL_TYPE_NULL:
    case PL_TYPE_BOOLEAN:
    case PL_TYPE_BYTE:
    case PL_TYPE_SHORT:
    case PL_TYPE_INT:
    case PL_TYPE_LONG:
    case PL_TYPE_DECIMAL:
    case PL_TYPE_CALENDAR_INTERVAL: (void)add_plain(type, vector, row, out); return;
    }
}

void ex_format_json_object(const ExFormatOptions *options, const PlField *fields, size_t nfields, const duckdb_vector *children, idx_t row,
                           ExBytes *out) {
    bool is_first = true;
    ex_bytes_add_char(out, '{');
    for (size_t i = 0; i < nfields; i++) {
        if (!options->keep_null_fields && (fields[i].type->kind == PL_TYPE_NULL || ex_vector_is_null(children[i], row))) {
            continue;
        }
        if (!is_first) {
            ex_bytes_add_char(out, ',');
        }
        is_first = false;
        ex_bytes_add_json(out, fields[i].name);
        ex_bytes_add_char(out, ':');
        ex_format_json_value(options, fields[i].type, children[i], row, out);
    }
    ex_bytes_add_char(out, '}');
}
