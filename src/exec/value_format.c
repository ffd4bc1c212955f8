/* exec/value_format.c - see value_format.h. */
#include "exec/value_format.h"

#include "kernels/number_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for len bytes behind the others. */
static char *reserve(ExBytes *bytes, size_t len) {
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
    return bytes->data + bytes->len;
}

void ex_bytes_add(ExBytes *bytes, const char *data, size_t len) {
    if (len > 0) {
        memcpy(reserve(bytes, len), data, len);
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
    bytes->len += kn_padded_text(value, 1, reserve(bytes, 24));
}

static const KnPattern *pattern_of(const PlOption *options, size_t noptions, const char *name, const char *fallback, Arena *arena, Err *err) {
    for (size_t i = noptions; i > 0; i--) {
        if (str_eq_nocase(options[i - 1].key, str_from_c(name))) {
            return kn_pattern_new(arena, options[i - 1].value, false, err);
        }
    }
    return kn_pattern_new(arena, str_from_c(fallback), false, err);
}

bool ex_format_options(ExFormatOptions *ret, const PlOption *options, size_t noptions, Str time_zone, Arena *arena, Err *err) {
    *ret = (ExFormatOptions){0};
    for (size_t i = 0; i < noptions; i++) {
        time_zone = str_eq_nocase(options[i].key, STR("timeZone")) ? options[i].value : time_zone;
        if (str_eq_nocase(options[i].key, STR("ignoreNullFields"))) {
            ret->keep_null_fields = str_eq_nocase(options[i].value, STR("false"));
        }
    }
    ret->zone = kn_zone_new(arena, time_zone);
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

static void add_pattern(ExBytes *out, const KnPattern *pattern, const KnZone *zone, int64_t us) {
    out->len += kn_pattern_format(pattern, zone, us, reserve(out, kn_pattern_room(pattern)));
}

/* What the text formats and casts share; false: a type they have their own way for. */
static bool add_plain(const PlType *type, duckdb_vector vector, idx_t row, ExBytes *out) {
    void *data = duckdb_vector_get_data(vector);
    enum { ROOM = 96 }; /* for what the kernels write */
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
    case PL_TYPE_FLOAT: out->len += kn_float_text(((float *)data)[row], reserve(out, ROOM)); return true;
    case PL_TYPE_DOUBLE: out->len += kn_double_text(((double *)data)[row], reserve(out, ROOM)); return true;
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR:
    case PL_TYPE_BINARY: {
        Str s = text_at(vector, row);
        ex_bytes_add(out, s.data, s.len);
        return true;
    }
    case PL_TYPE_DECIMAL:
        out->len += kn_big_decimal_text(kn_decimal_load(data, type->precision, row), type->scale, reserve(out, ROOM));
        return true;
    case PL_TYPE_DAY_TIME_INTERVAL:
        out->len += kn_day_time_text(((int64_t *)data)[row], type->start, type->end, reserve(out, ROOM));
        return true;
    case PL_TYPE_YEAR_MONTH_INTERVAL:
        out->len += kn_year_month_text(((int32_t *)data)[row], type->start, type->end, reserve(out, ROOM));
        return true;
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

void ex_format_cast(const ExFormatOptions *options, const PlType *type, duckdb_vector vector, idx_t row, ExBytes *out) {
    if (add_plain(type, vector, row, out)) {
        return;
    }
    void *data = duckdb_vector_get_data(vector);
    char *text = reserve(out, 64);
    if (type->kind == PL_TYPE_DATE) {
        out->len += kn_date_text(((int32_t *)data)[row], text);
    } else if (type->kind == PL_TYPE_TIMESTAMP_NTZ) {
        out->len += kn_timestamp_text(((int64_t *)data)[row], text);
    } else if (type->kind == PL_TYPE_TIMESTAMP) {
        out->len += kn_timestamp_text(kn_to_local(options->zone, ((int64_t *)data)[row]), text);
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
