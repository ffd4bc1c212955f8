/* decode_literal.c - constants between protobuf and plan/. */
#include "connect/decode.h"
#include "connect/wire.h"

static const PlValue *bad(Err *err, const char *what) {
    (void)err_set(err, "SOLDER.BAD_REQUEST", "The plan has a literal %s", what);
    return NULL;
}

/* "-12.50" as an unscaled number; the scale is what stands behind the point. E-notation comes from Java for big scales: "1E+3", "0E-18". */
static bool parse_decimal(Str text, __int128 *ret_unscaled, int *ret_digits, int *ret_scale) {
    const __int128 max = ((__int128)1 << 126);
    __int128 value = 0;
    int digits = 0, scale = 0;
    bool is_negative = false, has_point = false, has_digit = false;
    size_t i = 0;
    if (i < text.len && (text.data[i] == '-' || text.data[i] == '+')) {
        is_negative = text.data[i++] == '-';
    }
    for (; i < text.len; i++) {
        char c = text.data[i];
        if (c == '.' && !has_point) {
            has_point = true;
        } else if (c >= '0' && c <= '9') {
            if (value > max / 10 - 10) {
                return false;
            }
            value = value * 10 + (c - '0');
            digits += value != 0 ? 1 : 0;
            scale += has_point ? 1 : 0;
            has_digit = true;
        } else {
            break;
        }
    }
    if (i < text.len && (text.data[i] == 'e' || text.data[i] == 'E')) {
        int64_t exponent = 0;
        Str rest = str_slice(text, i + 1, text.len);
        if (rest.len > 0 && rest.data[0] == '+') {
            rest = str_slice(rest, 1, rest.len);
        }
        if (!str_to_i64(rest, &exponent) || exponent > 38 || exponent < -76) {
            return false;
        }
        scale -= (int)exponent;
        i = text.len;
    }
    for (; scale < 0; scale++) {
        if (value > max / 10) {
            return false;
        }
        value *= 10;
        digits += value != 0 ? 1 : 0;
    }
    *ret_unscaled = is_negative ? -value : value;
    *ret_digits = digits;
    *ret_scale = scale;
    return has_digit && i == text.len;
}

static const PlValue *decode_decimal(Arena *arena, const Spark__Connect__Expression__Literal__Decimal *message, Err *err) {
    PlValue *value = ARENA_NEW(arena, PlValue);
    int digits = 0, scale = 0;
    if (!parse_decimal(str_trim(CN_STR(message->value)), &value->dec, &digits, &scale) || scale > 38) {
        return bad(err, "DECIMAL that is no decimal number of at most 38 digits");
    }
    int wanted_scale = message->has_scale ? message->scale : scale;
    int precision = message->has_precision ? message->precision : digits > wanted_scale ? digits : wanted_scale;
    if (precision < 1) {
        precision = 1;
    }
    if (precision > 38 || wanted_scale < scale || wanted_scale > precision || digits + wanted_scale - scale > precision) {
        return bad(err, "DECIMAL that does not fit its precision and scale");
    }
    for (; scale < wanted_scale; scale++) {
        value->dec *= 10;
    }
    value->type = pl_decimal(arena, precision, wanted_scale);
    return value;
}

static bool decode_items(Arena *arena, size_t n, Spark__Connect__Expression__Literal **literals, PlValue *items, size_t step, Err *err) {
    for (size_t i = 0; i < n; i++) {
        const PlValue *item = cn_decode_literal(arena, literals[i], err);
        if (item == NULL) {
            return false;
        }
        items[i * step] = *item;
    }
    return true;
}

static const PlValue *decode_array(Arena *arena, const Spark__Connect__Expression__Literal__Array *message, Err *err) {
    PlValue *value = ARENA_NEW(arena, PlValue);
    PlValue *items = ARENA_ARRAY(arena, PlValue, message->n_elements);
    const PlType *element = cn_decode_type(arena, message->element_type, err);
    if (element == NULL || !decode_items(arena, message->n_elements, message->elements, items, 1, err)) {
        return NULL;
    }
    bool has_null = false;
    for (size_t i = 0; i < message->n_elements; i++) {
        has_null = has_null || items[i].is_null;
        if (!items[i].is_null && !pl_type_same(items[i].type, element)) {
            return bad(err, "ARRAY with an element of another type");
        }
        items[i].type = element;
    }
    value->type = pl_array(arena, element, has_null);
    value->items = items;
    value->nitems = message->n_elements;
    return value;
}

static const PlValue *decode_map(Arena *arena, const Spark__Connect__Expression__Literal__Map *message, Err *err) {
    if (message->n_keys != message->n_values) {
        return bad(err, "MAP with more keys than values");
    }
    PlValue *value = ARENA_NEW(arena, PlValue);
    PlValue *items = ARENA_ARRAY(arena, PlValue, message->n_keys * 2);
    const PlType *key = cn_decode_type(arena, message->key_type, err);
    const PlType *element = key == NULL ? NULL : cn_decode_type(arena, message->value_type, err);
    if (element == NULL || !decode_items(arena, message->n_keys, message->keys, items, 2, err) ||
        !decode_items(arena, message->n_values, message->values, items + 1, 2, err)) {
        return NULL;
    }
    bool has_null = false;
    for (size_t i = 0; i < message->n_keys; i++) {
        PlValue *k = &items[2 * i], *v = &items[2 * i + 1];
        if (k->is_null || !pl_type_same(k->type, key) || (!v->is_null && !pl_type_same(v->type, element))) {
            return bad(err, "MAP with a null key or an entry of another type");
        }
        has_null = has_null || v->is_null;
        k->type = key;
        v->type = element;
    }
    value->type = pl_map(arena, key, element, has_null);
    value->items = items;
    value->nitems = message->n_keys * 2;
    return value;
}

static const PlValue *decode_struct(Arena *arena, const Spark__Connect__Expression__Literal__Struct *message, Err *err) {
    PlValue *value = ARENA_NEW(arena, PlValue);
    PlValue *items = ARENA_ARRAY(arena, PlValue, message->n_elements);
    value->type = cn_decode_type(arena, message->struct_type, err);
    if (value->type == NULL || !decode_items(arena, message->n_elements, message->elements, items, 1, err)) {
        return NULL;
    }
    if (value->type->kind != PL_TYPE_STRUCT || value->type->nfields != message->n_elements) {
        return bad(err, "STRUCT whose values do not match its type");
    }
    for (size_t i = 0; i < message->n_elements; i++) {
        if (!items[i].is_null && !pl_type_same(items[i].type, value->type->fields[i].type)) {
            return bad(err, "STRUCT with a value of another type");
        }
        items[i].type = value->type->fields[i].type;
    }
    value->items = items;
    value->nitems = message->n_elements;
    return value;
}

static const PlValue *integral(Arena *arena, const PlType *type, int64_t i) {
    PlValue *value = ARENA_NEW(arena, PlValue);
    value->type = type;
    value->i = i;
    return value;
}

static const PlValue *text(Arena *arena, const PlType *type, ProtobufCBinaryData bytes) {
    PlValue *value = ARENA_NEW(arena, PlValue);
    value->type = type;
    value->s = CN_STR(bytes);
    return value;
}

static const PlValue *real(Arena *arena, const PlType *type, double f) {
    PlValue *value = ARENA_NEW(arena, PlValue);
    value->type = type;
    value->f = f;
    return value;
}

static const PlValue *decode_null(Arena *arena, const Spark__Connect__DataType *message, Err *err) {
    PlValue *value = ARENA_NEW(arena, PlValue);
    value->type = cn_decode_type(arena, message, err);
    value->is_null = true;
    return value->type == NULL ? NULL : value;
}

static const PlValue *decode_interval(Arena *arena, const Spark__Connect__Expression__Literal__CalendarInterval *message) {
    PlValue *value = ARENA_NEW(arena, PlValue);
    value->type = &PL_CALENDAR_INTERVAL;
    value->months = message->months;
    value->days = message->days;
    value->i = message->microseconds;
    return value;
}

const PlValue *cn_decode_literal(Arena *arena, const Spark__Connect__Expression__Literal *l, Err *err) {
    if (l == NULL) {
        return bad(err, "that is missing");
    }
    switch ((int)l->literal_type_case) {
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_NULL: return decode_null(arena, l->null, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_BINARY: return text(arena, &PL_BINARY, l->binary);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_BOOLEAN: return integral(arena, &PL_BOOLEAN, l->boolean != 0);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_BYTE: return integral(arena, &PL_BYTE, (int8_t)l->byte);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_SHORT: return integral(arena, &PL_SHORT, (int16_t)l->short_);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_INTEGER: return integral(arena, &PL_INT, l->integer);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_LONG: return integral(arena, &PL_LONG, l->long_);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_FLOAT: return real(arena, &PL_FLOAT, (double)l->float_);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_DOUBLE: return real(arena, &PL_DOUBLE, l->double_);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_DECIMAL: return decode_decimal(arena, l->decimal, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_STRING: return text(arena, &PL_STRING, l->string);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_DATE: return integral(arena, &PL_DATE, l->date);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_TIMESTAMP: return integral(arena, &PL_TIMESTAMP, l->timestamp);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_TIMESTAMP_NTZ: return integral(arena, &PL_TIMESTAMP_NTZ, l->timestamp_ntz);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_CALENDAR_INTERVAL: return decode_interval(arena, l->calendar_interval);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_YEAR_MONTH_INTERVAL: return integral(arena, &PL_YEAR_MONTH, l->year_month_interval);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_DAY_TIME_INTERVAL: return integral(arena, &PL_DAY_TIME, l->day_time_interval);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_ARRAY: return decode_array(arena, l->array, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_MAP: return decode_map(arena, l->map, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_STRUCT: return decode_struct(arena, l->struct_, err);
    default: return bad(err, "of a kind that this version does not know");
    }
}

/* Decimal text of an unscaled number. */
static Str decimal_text(Arena *arena, __int128 unscaled, int scale) {
    char digits[48];
    size_t n = 0;
    unsigned __int128 rest = unscaled < 0 ? -(unsigned __int128)unscaled : (unsigned __int128)unscaled;
    for (; rest > 0 || n <= (size_t)scale; rest /= 10) {
        digits[n++] = (char)('0' + (int)(rest % 10));
    }
    StrBuf buf = {.arena = arena};
    if (unscaled < 0) {
        strbuf_add_char(&buf, '-');
    }
    for (size_t i = n; i > 0; i--) {
        if (i == (size_t)scale) {
            strbuf_add_char(&buf, '.');
        }
        strbuf_add_char(&buf, digits[i - 1]);
    }
    return strbuf_str(&buf);
}

static void encode_items(Arena *arena, const PlValue *value, size_t from, size_t step, size_t *ret_n,
                         Spark__Connect__Expression__Literal ***ret_items) {
    size_t n = value->nitems / step;
    Spark__Connect__Expression__Literal **items = ARENA_ARRAY(arena, Spark__Connect__Expression__Literal *, n);
    for (size_t i = 0; i < n; i++) {
        items[i] = cn_encode_literal(arena, &value->items[from + i * step]);
    }
    *ret_n = n;
    *ret_items = items;
}

static void encode_nested(Arena *arena, Spark__Connect__Expression__Literal *out, const PlValue *value) {
    if (value->type->kind == PL_TYPE_ARRAY) {
        Spark__Connect__Expression__Literal__Array *array = ARENA_NEW(arena, Spark__Connect__Expression__Literal__Array);
        spark__connect__expression__literal__array__init(array);
        array->element_type = cn_encode_type(arena, value->type->element);
        encode_items(arena, value, 0, 1, &array->n_elements, &array->elements);
        out->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_ARRAY;
        out->array = array;
    } else if (value->type->kind == PL_TYPE_MAP) {
        Spark__Connect__Expression__Literal__Map *map = ARENA_NEW(arena, Spark__Connect__Expression__Literal__Map);
        spark__connect__expression__literal__map__init(map);
        map->key_type = cn_encode_type(arena, value->type->key);
        map->value_type = cn_encode_type(arena, value->type->element);
        encode_items(arena, value, 0, 2, &map->n_keys, &map->keys);
        encode_items(arena, value, 1, 2, &map->n_values, &map->values);
        out->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_MAP;
        out->map = map;
    } else {
        Spark__Connect__Expression__Literal__Struct *row = ARENA_NEW(arena, Spark__Connect__Expression__Literal__Struct);
        spark__connect__expression__literal__struct__init(row);
        row->struct_type = cn_encode_type(arena, value->type);
        encode_items(arena, value, 0, 1, &row->n_elements, &row->elements);
        out->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_STRUCT;
        out->struct_ = row;
    }
}

#define ENCODE(case_name, member, value_expr)                                                                                    \
    do {                                                                                                                         \
        out->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_##case_name;                                  \
        out->member = (value_expr);                                                                                              \
    } while (0)

static void encode_with_message(Arena *arena, Spark__Connect__Expression__Literal *out, const PlValue *value) {
    if (value->type->kind == PL_TYPE_DECIMAL) {
        ENCODE(DECIMAL, decimal, ARENA_NEW(arena, Spark__Connect__Expression__Literal__Decimal));
        spark__connect__expression__literal__decimal__init(out->decimal);
        CN_SET(out->decimal, value, cn_bytes(decimal_text(arena, value->dec, value->type->scale)));
        CN_SET(out->decimal, precision, value->type->precision);
        CN_SET(out->decimal, scale, value->type->scale);
    } else {
        ENCODE(CALENDAR_INTERVAL, calendar_interval, ARENA_NEW(arena, Spark__Connect__Expression__Literal__CalendarInterval));
        spark__connect__expression__literal__calendar_interval__init(out->calendar_interval);
        CN_SET(out->calendar_interval, months, value->months);
        CN_SET(out->calendar_interval, days, value->days);
        CN_SET(out->calendar_interval, microseconds, value->i);
    }
}

Spark__Connect__Expression__Literal *cn_encode_literal(Arena *arena, const PlValue *value) {
    Spark__Connect__Expression__Literal *out = ARENA_NEW(arena, Spark__Connect__Expression__Literal);
    spark__connect__expression__literal__init(out);
    if (value->is_null) {
        ENCODE(NULL, null, cn_encode_type(arena, value->type));
        return out;
    }
    switch (value->type->kind) {
    case PL_TYPE_NULL: ENCODE(NULL, null, cn_encode_type(arena, value->type)); break;
    case PL_TYPE_BOOLEAN: ENCODE(BOOLEAN, boolean, value->i != 0); break;
    case PL_TYPE_BYTE: ENCODE(BYTE, byte, (int32_t)value->i); break;
    case PL_TYPE_SHORT: ENCODE(SHORT, short_, (int32_t)value->i); break;
    case PL_TYPE_INT: ENCODE(INTEGER, integer, (int32_t)value->i); break;
    case PL_TYPE_LONG: ENCODE(LONG, long_, value->i); break;
    case PL_TYPE_FLOAT: ENCODE(FLOAT, float_, (float)value->f); break;
    case PL_TYPE_DOUBLE: ENCODE(DOUBLE, double_, value->f); break;
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR: ENCODE(STRING, string, cn_bytes(value->s)); break;
    case PL_TYPE_BINARY: ENCODE(BINARY, binary, cn_bytes(value->s)); break;
    case PL_TYPE_DATE: ENCODE(DATE, date, (int32_t)value->i); break;
    case PL_TYPE_TIMESTAMP: ENCODE(TIMESTAMP, timestamp, value->i); break;
    case PL_TYPE_TIMESTAMP_NTZ: ENCODE(TIMESTAMP_NTZ, timestamp_ntz, value->i); break;
    case PL_TYPE_DAY_TIME_INTERVAL: ENCODE(DAY_TIME_INTERVAL, day_time_interval, value->i); break;
    case PL_TYPE_YEAR_MONTH_INTERVAL: ENCODE(YEAR_MONTH_INTERVAL, year_month_interval, (int32_t)value->i); break;
    case PL_TYPE_DECIMAL:
    case PL_TYPE_CALENDAR_INTERVAL: encode_with_message(arena, out, value); break;
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP:
    case PL_TYPE_STRUCT: encode_nested(arena, out, value); break;
    }
    return out;
}
