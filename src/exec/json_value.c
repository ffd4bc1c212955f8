/* exec/json_value.c - see json.h: options, parsing with Jackson's liberties, and values into vectors of any type. */
#include "exec/json.h"

#include "kernels/number_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ex_json_options(ExJsonOptions *ret, const PlOption *options, size_t noptions, Str time_zone, Arena *arena, Err *err) {
    ExJsonOptions *o = ret;
    *o = (ExJsonOptions){0};
    bool is_ok = ex_option_bool(options, noptions, "multiLine", false, &o->multi_line, err) &&
                 ex_option_bool(options, noptions, "primitivesAsString", false, &o->primitives_as_string, err) &&
                 ex_option_bool(options, noptions, "prefersDecimal", false, &o->prefers_decimal, err) &&
                 ex_option_bool(options, noptions, "allowSingleQuotes", true, &o->single_quotes, err) &&
                 ex_option_bool(options, noptions, "allowUnquotedFieldNames", false, &o->unquoted_names, err) &&
                 ex_option_bool(options, noptions, "allowComments", false, &o->comments, err) &&
                 ex_option_bool(options, noptions, "allowNonNumericNumbers", true, &o->non_numeric, err) &&
                 ex_option_bool(options, noptions, "dropFieldIfAllNull", false, &o->drop_all_null, err) &&
                 ex_option_bool(options, noptions, "inferTimestamp", false, &o->infer_timestamp, err);
    if (!is_ok) {
        return false;
    }
    Str mode = ex_option(options, noptions, "mode", "PERMISSIVE");
    o->mode = str_eq_nocase(mode, STR("DROPMALFORMED")) ? EX_CSV_DROP : str_eq_nocase(mode, STR("FAILFAST")) ? EX_CSV_FAIL : EX_CSV_PERMISSIVE;
    o->corrupt_column = ex_option(options, noptions, "columnNameOfCorruptRecord", "_corrupt_record");
    o->line_sep = ex_option(options, noptions, "lineSep", "");
    Str charset = ex_option(options, noptions, "encoding", "");
    charset = charset.len > 0 ? charset : ex_option(options, noptions, "charset", "UTF-8");
    if (!ex_charset_find(charset, &o->charset)) {
        return err_set(err, ERR_NOT_SUPPORTED, "the encoding %.*s is not supported; UTF-8, ISO-8859-1 and UTF-16 are", STR_ARG(charset));
    }
    return ex_option_sampling_ratio(options, noptions, &o->sampling_ratio, err) &&
           ex_parse_options(&o->parse, options, noptions, time_zone, arena, err);
}

enum { MAX_DEPTH = 1000 }; /* StreamReadConstraints of Spark's Jackson; what reads values goes as deep as they do */

/* Whether arrays and objects lie in one another more than MAX_DEPTH times. A document's values lie one behind the other, insides after their container. */
static bool is_too_deep(yyjson_doc *doc) {
    if (yyjson_doc_get_val_count(doc) <= MAX_DEPTH) {
        return false;
    }
    const yyjson_val *ends[MAX_DEPTH];
    size_t depth = 0;
    yyjson_val *value = yyjson_doc_get_root(doc);
    for (const yyjson_val *end = unsafe_yyjson_get_next(value); value < end; value++) {
        while (depth > 0 && value >= ends[depth - 1]) {
            depth--;
        }
        if (!unsafe_yyjson_is_ctn(value)) {
            continue;
        }
        if (depth == MAX_DEPTH) {
            return true;
        }
        ends[depth++] = unsafe_yyjson_get_next(value);
    }
    return false;
}

/* 'text' as "text", and (allowUnquotedFieldNames) name: as "name":. */
static void repair(ExBytes *out, const ExJsonOptions *o, Str s) {
    out->len = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (c == '"') {
            size_t from = i++;
            while (i < s.len && s.data[i] != '"') {
                i += s.data[i] == '\\' ? 2 : 1;
            }
            size_t to = i < s.len ? i + 1 : s.len;
            ex_bytes_add(out, s.data + from, to - from);
            continue;
        }
        if (c == '\'' && o->single_quotes) {
            ex_bytes_add_char(out, '"');
            for (i++; i < s.len && s.data[i] != '\''; i++) {
                if (s.data[i] == '\\' && i + 1 < s.len) {
                    i++;
                    if (s.data[i] != '\'') {
                        ex_bytes_add_char(out, '\\');
                    }
                } else if (s.data[i] == '"') {
                    ex_bytes_add_char(out, '\\');
                }
                ex_bytes_add_char(out, s.data[i]);
            }
            ex_bytes_add_char(out, '"');
            continue;
        }
        bool is_name = o->unquoted_names && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$');
        size_t end = i;
        while (is_name && end < s.len && ((s.data[end] >= 'a' && s.data[end] <= 'z') || (s.data[end] >= 'A' && s.data[end] <= 'Z') ||
                                          (s.data[end] >= '0' && s.data[end] <= '9') || s.data[end] == '_' || s.data[end] == '$')) {
            end++;
        }
        size_t colon = end;
        while (is_name && colon < s.len && (s.data[colon] == ' ' || s.data[colon] == '\t')) {
            colon++;
        }
        if (is_name && colon < s.len && s.data[colon] == ':') {
            ex_bytes_add_char(out, '"');
            ex_bytes_add(out, s.data + i, end - i);
            ex_bytes_add_char(out, '"');
            i = end - 1;
        } else {
            ex_bytes_add_char(out, c);
        }
    }
}

yyjson_val *ex_json_parse(ExJsonDoc *json, const ExJsonOptions *o, Str record) {
    yyjson_read_flag flags = YYJSON_READ_NUMBER_AS_RAW | YYJSON_READ_STOP_WHEN_DONE;
    flags |= o->non_numeric ? YYJSON_READ_ALLOW_INF_AND_NAN : 0;
    flags |= o->comments ? YYJSON_READ_ALLOW_COMMENTS : 0;
    yyjson_doc_free(json->doc);
    json->doc = yyjson_read(record.data, record.len, flags);
    bool may_repair = (o->single_quotes && record.len > 0 && memchr(record.data, '\'', record.len) != NULL) || o->unquoted_names;
    if (json->doc == NULL && may_repair) {
        repair(&json->repaired, o, record);
        json->doc = yyjson_read(json->repaired.data, json->repaired.len, flags);
    }
    if (json->doc != NULL && is_too_deep(json->doc)) {
        yyjson_doc_free(json->doc);
        json->doc = NULL;
    }
    return yyjson_doc_get_root(json->doc);
}

void ex_json_done(ExJsonDoc *json) {
    yyjson_doc_free(json->doc);
    ex_bytes_free(&json->repaired);
    *json = (ExJsonDoc){0};
}

void ex_json_put_null(const PlType *type, duckdb_vector vector, idx_t row) {
    duckdb_vector_ensure_validity_writable(vector);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
    if (type->kind == PL_TYPE_STRUCT) {
        for (size_t i = 0; i < type->nfields; i++) {
            ex_json_put_null(type->fields[i].type, duckdb_struct_vector_get_child(vector, i), row);
        }
    } else if (type->kind == PL_TYPE_ARRAY || type->kind == PL_TYPE_MAP) {
        ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row] = (duckdb_list_entry){duckdb_list_vector_get_size(vector), 0};
    }
}

static bool is_integer_text(Str s) {
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '.' || s.data[i] == 'e' || s.data[i] == 'E' || (s.data[i] | 32) == 'n') {
            return false;
        }
    }
    return true;
}

static Str raw_of(yyjson_val *value) {
    return (Str){yyjson_get_raw(value), yyjson_get_len(value)};
}

static Str text_of(yyjson_val *value) {
    return (Str){yyjson_get_str(value), yyjson_get_len(value)};
}

static bool special_number(Str s, double *ret) {
    Str rest = s;
    bool is_negative = rest.len > 0 && rest.data[0] == '-';
    if (is_negative || (rest.len > 0 && rest.data[0] == '+')) {
        rest = str_slice(rest, 1, rest.len);
    }
    if (str_eq_nocase(s, STR("NaN"))) {
        *ret = NAN;
        return true;
    }
    if (str_eq_nocase(rest, STR("Infinity")) || str_eq_nocase(rest, STR("Inf"))) {
        *ret = is_negative ? -INFINITY : INFINITY;
        return true;
    }
    return false;
}

/* Jackson's copyCurrentStructure: compact JSON, doubles as Java prints them. */
static void add_structure(ExBytes *out, yyjson_val *value) {
    if (yyjson_is_raw(value)) {
        Str s = raw_of(value);
        double f;
        char text[40];
        if (is_integer_text(s)) {
            s = str_eq_c(s, "-0") ? STR("0") : s;
            ex_bytes_add(out, s.data, s.len);
        } else if (special_number(s, &f) || kn_java_double(s, &f)) {
            bool is_special = !isfinite(f);
            ex_bytes_add(out, "\"", is_special ? 1 : 0);
            ex_bytes_add(out, text, kn_double_text(f, text));
            ex_bytes_add(out, "\"", is_special ? 1 : 0);
        }
        return;
    }
    if (yyjson_is_str(value)) {
        ex_bytes_add_json(out, text_of(value));
        return;
    }
    size_t i, n;
    yyjson_val *key, *item;
    if (yyjson_is_arr(value)) {
        ex_bytes_add_char(out, '[');
        yyjson_arr_foreach(value, i, n, item) {
            ex_bytes_add(out, ",", i > 0 ? 1 : 0);
            add_structure(out, item);
        }
        ex_bytes_add_char(out, ']');
    } else if (yyjson_is_obj(value)) {
        ex_bytes_add_char(out, '{');
        yyjson_obj_foreach(value, i, n, key, item) {
            ex_bytes_add(out, ",", i > 0 ? 1 : 0);
            ex_bytes_add_json(out, text_of(key));
            ex_bytes_add_char(out, ':');
            add_structure(out, item);
        }
        ex_bytes_add_char(out, '}');
    } else {
        const char *word = yyjson_is_null(value) ? "null" : yyjson_get_bool(value) ? "true" : "false";
        ex_bytes_add(out, word, strlen(word));
    }
}

static void put_text(yyjson_val *value, duckdb_vector vector, idx_t row) {
    if (yyjson_is_str(value)) {
        duckdb_unsafe_vector_assign_string_element_len(vector, row, yyjson_get_str(value), yyjson_get_len(value));
        return;
    }
    ExBytes text = {0};
    add_structure(&text, value);
    duckdb_unsafe_vector_assign_string_element_len(vector, row, text.data, text.len);
    ex_bytes_free(&text);
}

static bool put_binary(yyjson_val *value, duckdb_vector vector, idx_t row) {
    static const char codes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    Str s = text_of(value);
    if (!yyjson_is_str(value)) {
        return false;
    }
    ExBytes out = {0};
    uint32_t bits = 0;
    int n = 0;
    bool is_ok = true;
    for (size_t i = 0; i < s.len && is_ok && s.data[i] != '='; i++) {
        const char *at = s.data[i] != '\0' ? strchr(codes, s.data[i]) : NULL;
        is_ok = at != NULL;
        bits = bits << 6 | (uint32_t)(is_ok ? at - codes : 0);
        n += 6;
        if (n >= 8) {
            n -= 8;
            ex_bytes_add_char(&out, (char)(bits >> n & 0xFF));
        }
    }
    if (is_ok) {
        duckdb_unsafe_vector_assign_string_element_len(vector, row, out.data != NULL ? out.data : "", out.len);
    }
    ex_bytes_free(&out);
    return is_ok;
}

static bool put_number(const ExJsonOptions *o, const PlType *type, yyjson_val *value, void *data, idx_t row) {
    bool is_real = type->kind == PL_TYPE_FLOAT || type->kind == PL_TYPE_DOUBLE;
    double f;
    if (yyjson_is_raw(value)) {
        Str s = raw_of(value);
        if (is_real && special_number(s, &f)) {
            if (type->kind == PL_TYPE_FLOAT) {
                ((float *)data)[row] = (float)f;
            } else {
                ((double *)data)[row] = f;
            }
            return true;
        }
        int64_t i;
        if (type->kind == PL_TYPE_BYTE && is_integer_text(s)) { /* Jackson's getByteValue takes bytes without a sign, too */
            bool is_byte = kn_java_long(s, &i) && i >= INT8_MIN && i <= UINT8_MAX;
            ((int8_t *)data)[row] = (int8_t)(is_byte ? i : 0);
            return is_byte;
        }
        return (is_real || type->kind == PL_TYPE_DECIMAL || is_integer_text(s)) && ex_parse_into(&o->parse, type, s, data, row);
    }
    if (!yyjson_is_str(value) || yyjson_get_len(value) == 0) {
        return false;
    }
    if (type->kind == PL_TYPE_DECIMAL) {
        return ex_parse_into(&o->parse, type, text_of(value), data, row);
    }
    if (!is_real || !o->non_numeric || !special_number(text_of(value), &f)) {
        return false;
    }
    if (type->kind == PL_TYPE_FLOAT) {
        ((float *)data)[row] = (float)f;
    } else {
        ((double *)data)[row] = f;
    }
    return true;
}

static bool put_time(const ExJsonOptions *o, const PlType *type, yyjson_val *value, void *data, idx_t row) {
    int64_t i;
    if (yyjson_is_str(value)) {
        return yyjson_get_len(value) > 0 && ex_parse_into(&o->parse, type, text_of(value), data, row);
    }
    bool is_seconds = type->kind == PL_TYPE_TIMESTAMP && yyjson_is_raw(value) && is_integer_text(raw_of(value)) && kn_java_long(raw_of(value), &i);
    if (!is_seconds || __builtin_mul_overflow(i, (int64_t)1000000, &((int64_t *)data)[row])) {
        return false;
    }
    return true;
}

static ExJsonPut worse(ExJsonPut a, ExJsonPut b) {
    return a == EX_JSON_BAD || b == EX_JSON_BAD ? EX_JSON_BAD : a == EX_JSON_PARTIAL || b == EX_JSON_PARTIAL ? EX_JSON_PARTIAL : EX_JSON_OK;
}

/* One bad element spoils the whole list; one that is only partly read does not. */
static ExJsonPut put_list(const ExJsonOptions *o, const PlType *type, yyjson_val *value, duckdb_vector vector, idx_t row) {
    bool is_map = type->kind == PL_TYPE_MAP;
    if (is_map ? !yyjson_is_obj(value) : !yyjson_is_arr(value)) {
        return EX_JSON_BAD;
    }
    idx_t from = duckdb_list_vector_get_size(vector), count = is_map ? yyjson_obj_size(value) : yyjson_arr_size(value);
    if (duckdb_list_vector_reserve(vector, from + count) != DuckDBSuccess || duckdb_list_vector_set_size(vector, from + count) != DuckDBSuccess) {
        return EX_JSON_BAD;
    }
    duckdb_vector child = duckdb_list_vector_get_child(vector);
    size_t i, n;
    yyjson_val *key, *item;
    ExJsonPut state = EX_JSON_OK;
    if (is_map) {
        duckdb_vector keys = duckdb_struct_vector_get_child(child, 0), values = duckdb_struct_vector_get_child(child, 1);
        yyjson_obj_foreach(value, i, n, key, item) {
            state = worse(state, ex_json_put(o, type->key, key, keys, from + i));
            state = worse(state, ex_json_put(o, type->element, item, values, from + i));
        }
    } else {
        yyjson_arr_foreach(value, i, n, item) {
            state = worse(state, ex_json_put(o, type->element, item, child, from + i));
        }
    }
    ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row] = (duckdb_list_entry){from, count};
    return state;
}

static ExJsonPut put_struct(const ExJsonOptions *o, const PlType *type, yyjson_val *value, duckdb_vector vector, idx_t row) {
    if (!yyjson_is_obj(value)) {
        return EX_JSON_BAD;
    }
    ExJsonPut state = EX_JSON_OK;
    for (size_t f = 0; f < type->nfields; f++) {
        duckdb_vector child = duckdb_struct_vector_get_child(vector, f);
        Str name = type->fields[f].name;
        yyjson_val *item = NULL, *key, *candidate;
        size_t i, n;
        yyjson_obj_foreach(value, i, n, key, candidate) {
            item = str_eq(text_of(key), name) ? candidate : item;
        }
        if (item == NULL) {
            ex_json_put_null(type->fields[f].type, child, row);
        } else if (ex_json_put(o, type->fields[f].type, item, child, row) != EX_JSON_OK) {
            state = EX_JSON_PARTIAL;
        }
    }
    return state;
}

ExJsonPut ex_json_put(const ExJsonOptions *o, const PlType *type, yyjson_val *value, duckdb_vector vector, idx_t row) {
    if (yyjson_is_null(value) || type->kind == PL_TYPE_NULL) {
        ex_json_put_null(type, vector, row);
        return EX_JSON_OK;
    }
    ExJsonPut state = EX_JSON_OK;
    void *data = duckdb_vector_get_data(vector);
    bool is_ok = false;
    switch (type->kind) {
    case PL_TYPE_BOOLEAN:
        is_ok = yyjson_is_bool(value);
        ((bool *)data)[row] = is_ok && yyjson_get_bool(value);
        break;
    case PL_TYPE_BYTE:
    case PL_TYPE_SHORT:
    case PL_TYPE_INT:
    case PL_TYPE_LONG:
    case PL_TYPE_FLOAT:
    case PL_TYPE_DOUBLE:
    case PL_TYPE_DECIMAL: is_ok = put_number(o, type, value, data, row); break;
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR:
        put_text(value, vector, row);
        is_ok = true;
        break;
    case PL_TYPE_BINARY: is_ok = put_binary(value, vector, row); break;
    case PL_TYPE_DATE:
    case PL_TYPE_TIMESTAMP:
    case PL_TYPE_TIMESTAMP_NTZ: is_ok = put_time(o, type, value, data, row); break;
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP:
        state = put_list(o, type, value, vector, row);
        is_ok = state != EX_JSON_BAD;
        break;
    case PL_TYPE_STRUCT:
        state = put_struct(o, type, value, vector, row);
        is_ok = state != EX_JSON_BAD;
        break;
    case PL_TYPE_NULL:
    case PL_TYPE_CALENDAR_INTERVAL:
    case PL_TYPE_DAY_TIME_INTERVAL:
    case PL_TYPE_YEAR_MONTH_INTERVAL: break;
    }
    if (!is_ok) {
        ex_json_put_null(type, vector, row);
        return EX_JSON_BAD;
    }
    return state;
}

bool ex_json_is_upgrade(const ExJsonOptions *o, const PlType *type, yyjson_val *value, Err *err) {
    size_t i, n;
    yyjson_val *key, *item;
    if ((type->kind == PL_TYPE_DATE || type->kind == PL_TYPE_TIMESTAMP) && yyjson_is_str(value)) {
        int64_t scratch;
        return yyjson_get_len(value) > 0 && !ex_parse_into(&o->parse, type, text_of(value), &scratch, 0) &&
               ex_parse_is_upgrade(&o->parse, type, text_of(value), err);
    }
    if (type->kind == PL_TYPE_ARRAY && yyjson_is_arr(value)) {
        yyjson_arr_foreach(value, i, n, item) {
            if (ex_json_is_upgrade(o, type->element, item, err)) {
                return true;
            }
        }
    } else if ((type->kind == PL_TYPE_MAP || type->kind == PL_TYPE_STRUCT) && yyjson_is_obj(value)) {
        yyjson_obj_foreach(value, i, n, key, item) {
            const PlType *inner = type->kind == PL_TYPE_MAP ? type->element : NULL;
            for (size_t f = 0; type->kind == PL_TYPE_STRUCT && f < type->nfields; f++) {
                inner = str_eq(type->fields[f].name, text_of(key)) ? type->fields[f].type : inner;
            }
            if (inner != NULL && ex_json_is_upgrade(o, inner, item, err)) {
                return true;
            }
        }
    }
    return false;
}
