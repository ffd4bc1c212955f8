/* kernels/printf.c - format_string: java.util.Formatter over Spark's values.
 *
 * Invariant: a conversion that Java refuses for its argument ends the query; an argument is what Spark holds it as (a date is its day's number).
 */
#include "kernels/kn_call.h"
#include "kernels/number_text.h"
#include "kernels/unicode.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Spec {
    int index; /* of the argument, from 1; 0: the next */
    bool left, plus, space, zero, group, paren, alternate, previous;
    int width, precision; /* -1: none */
    char conversion;
    Str text;
} Spec;

typedef enum Kind { KIND_NULL, KIND_LONG, KIND_DOUBLE, KIND_FLOAT, KIND_BOOL, KIND_TEXT } Kind;

typedef struct Value {
    Kind kind;
    int bits; /* of a LONG */
    int64_t i;
    double f;
    Str s;
    char space[64];
} Value;

static bool read_spec(Str format, size_t *at, Spec *spec) {
    size_t i = *at + 1, from = *at;
    *spec = (Spec){.width = -1, .precision = -1};
    size_t digits = i;
    while (digits < format.len && isdigit((unsigned char)format.data[digits])) {
        digits++;
    }
    if (digits > i && digits < format.len && format.data[digits] == '$') {
        spec->index = (int)strtol(format.data + i, NULL, 10);
        i = digits + 1;
    }
    for (; i < format.len; i++) {
        char c = format.data[i];
        bool *flag = c == '-' ? &spec->left : c == '+' ? &spec->plus : c == ' ' ? &spec->space : c == '0' ? &spec->zero : c == ',' ? &spec->group :
                     c == '(' ? &spec->paren : c == '#' ? &spec->alternate : c == '<' ? &spec->previous : NULL;
        if (flag == NULL) {
            break;
        }
        *flag = true;
    }
    if (i < format.len && isdigit((unsigned char)format.data[i])) {
        spec->width = 0;
        while (i < format.len && isdigit((unsigned char)format.data[i])) {
            spec->width = spec->width < 100000 ? spec->width * 10 + (format.data[i] - '0') : spec->width;
            i++;
        }
    }
    if (i + 1 < format.len && format.data[i] == '.' && isdigit((unsigned char)format.data[i + 1])) {
        spec->precision = 0;
        for (i++; i < format.len && isdigit((unsigned char)format.data[i]); i++) {
            spec->precision = spec->precision < 1000 ? spec->precision * 10 + (format.data[i] - '0') : spec->precision;
        }
    }
    if (i >= format.len) {
        return false;
    }
    spec->conversion = format.data[i];
    spec->text = str_slice(format, from, i + 1);
    *at = i + 1;
    return true;
}

static void read_value(const KnColumn *column, duckdb_type type, idx_t row, Value *value) {
    *value = (Value){.kind = KIND_NULL};
    if (kn_is_null(column, row)) {
        return;
    }
    value->kind = KIND_LONG;
    value->bits = 32;
    switch ((int)type) {
    case DUCKDB_TYPE_BOOLEAN:
        value->kind = KIND_BOOL;
        value->i = ((const bool *)column->data)[row];
        break;
    case DUCKDB_TYPE_TINYINT:
        value->bits = 8;
        value->i = ((const int8_t *)column->data)[row];
        break;
    case DUCKDB_TYPE_SMALLINT:
        value->bits = 16;
        value->i = ((const int16_t *)column->data)[row];
        break;
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_DATE: value->i = ((const int32_t *)column->data)[row]; break;
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        value->bits = 64;
        value->i = ((const int64_t *)column->data)[row];
        break;
    case DUCKDB_TYPE_FLOAT:
        value->kind = KIND_FLOAT;
        value->f = (double)((const float *)column->data)[row];
        value->s = (Str){value->space, kn_float_text(((const float *)column->data)[row], value->space)};
        break;
    case DUCKDB_TYPE_DOUBLE:
        value->kind = KIND_DOUBLE;
        value->f = ((const double *)column->data)[row];
        value->s = (Str){value->space, kn_double_text(value->f, value->space)};
        break;
    default:
        value->kind = KIND_TEXT;
        value->s = kn_text((const duckdb_string_t *)column->data + row);
        break;
    }
}

static void pad(KnCall *kn, const Spec *spec, Str text) {
    size_t count = kn_char_count(text), width = spec->width > 0 ? (size_t)spec->width : 0;
    for (size_t i = count; i < width && !spec->left; i++) {
        kn_text_char(kn, ' ');
    }
    kn_text_add(kn, text.data, text.len);
    for (size_t i = count; i < width && spec->left; i++) {
        kn_text_char(kn, ' ');
    }
}

/* A number's digits with sign, groups and leading zeros. */
static void add_number(KnCall *kn, const Spec *spec, bool is_negative, Str digits) {
    char text[1400];
    size_t n = 0;
    const char *point = memchr(digits.data, '.', digits.len);
    size_t whole = point != NULL ? (size_t)(point - digits.data) : digits.len;
    size_t groups = spec->group && whole > 0 ? (whole - 1) / 3 : 0;
    size_t sign = is_negative ? (spec->paren ? 2 : 1) : spec->plus || spec->space ? 1 : 0;
    if (is_negative || spec->plus || spec->space) {
        text[n++] = is_negative ? (spec->paren ? '(' : '-') : spec->plus ? '+' : ' ';
    }
    for (size_t used = sign + digits.len + groups; spec->zero && spec->width > 0 && used < (size_t)spec->width && n < 1000; used++) {
        text[n++] = '0';
    }
    for (size_t i = 0; i < digits.len && n < sizeof text - 4; i++) {
        if (i > 0 && i < whole && spec->group && (whole - i) % 3 == 0) {
            text[n++] = ',';
        }
        text[n++] = digits.data[i];
    }
    if (is_negative && spec->paren) {
        text[n++] = ')';
    }
    pad(kn, spec, (Str){text, n});
}

static bool refuse(KnCall *kn, const Spec *spec, const char *why) {
    kn_fail(kn, "_LEGACY_ERROR_FORMAT: %s: %.*s", why, STR_ARG(spec->text));
    return false;
}

static bool add_integral(KnCall *kn, const Spec *spec, const Value *value) {
    char digits[32];
    if (value->kind != KIND_LONG) {
        return refuse(kn, spec, "format_string: no whole number for");
    }
    if (spec->conversion == 'd') {
        uint64_t rest = value->i < 0 ? 0 - (uint64_t)value->i : (uint64_t)value->i;
        int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)rest);
        add_number(kn, spec, value->i < 0, (Str){digits, (size_t)n});
        return true;
    }
    uint64_t bits = (uint64_t)value->i & (value->bits == 64 ? UINT64_MAX : (UINT64_C(1) << value->bits) - 1);
    const char *prefix = !spec->alternate ? "" : spec->conversion == 'o' ? "0" : spec->conversion == 'x' ? "0x" : "0X";
    int n = snprintf(digits, sizeof digits, spec->conversion == 'o' ? "%s%llo" : spec->conversion == 'x' ? "%s%llx" : "%s%llX", prefix,
                     (unsigned long long)bits);
    Spec plain = *spec;
    plain.group = plain.plus = plain.space = plain.paren = false;
    add_number(kn, &plain, false, (Str){digits, (size_t)n});
    return true;
}

/* Java rounds half up on the shortest digits, C on the exact value. */
static void fixed_digits(double x, int precision, char *text, size_t size) {
    char exact[1200];
    double positive = fabs(x);
    char shortest[40];
    size_t n = kn_double_text(positive, shortest);
    bool is_plain = memchr(shortest, 'E', n) == NULL;
    const char *point = memchr(shortest, '.', n);
    if (is_plain && point != NULL && (int)(n - (size_t)(point - shortest) - 1) > precision) {
        size_t keep = (size_t)(point - shortest) + 1 + (size_t)precision;
        bool up = shortest[keep] >= '5';
        size_t len = precision == 0 ? keep - 1 : keep;
        exact[0] = '0';
        memcpy(exact + 1, shortest, len);
        for (size_t i = len; up && i > 0; i--) {
            if (exact[i] == '.') {
                continue;
            }
            up = exact[i] == '9';
            exact[i] = up ? '0' : (char)(exact[i] + 1);
        }
        if (up) {
            exact[0] = '1';
        }
        size_t skip = exact[0] == '0' ? 1 : 0;
        memcpy(text, exact + skip, len + 1 - skip);
        text[len + 1 - skip] = '\0';
        return;
    }
    (void)snprintf(text, size, "%.*f", precision, positive);
}

static bool add_floating(KnCall *kn, const Spec *spec, const Value *value) {
    char digits[1300];
    if (value->kind != KIND_DOUBLE && value->kind != KIND_FLOAT) {
        return refuse(kn, spec, "format_string: no floating number for");
    }
    if (!isfinite(value->f)) {
        Spec plain = *spec;
        plain.zero = false;
        bool is_negative = value->f < 0;
        Str name = isnan(value->f) ? (spec->conversion == 'E' ? STR("NAN") : STR("NaN")) : spec->conversion == 'E' ? STR("INFINITY") : STR("Infinity");
        plain.plus = plain.plus && !isnan(value->f);
        plain.group = false;
        add_number(kn, &plain, is_negative, name);
        return true;
    }
    int precision = spec->precision < 0 ? 6 : spec->precision;
    precision = precision > 300 ? 300 : precision;
    if (spec->conversion == 'f') {
        double shown = value->kind == KIND_FLOAT ? strtod(value->s.data != NULL ? value->space : "0", NULL) : value->f;
        fixed_digits(shown, precision, digits, sizeof digits);
    } else {
        (void)snprintf(digits, sizeof digits, spec->conversion == 'E' ? "%.*E" : "%.*e", precision, fabs(value->f));
    }
    add_number(kn, spec, signbit(value->f) != 0, str_from_c(digits));
    return true;
}

static Str plain_text(Value *value) {
    switch (value->kind) {
    case KIND_NULL: return STR("null");
    case KIND_BOOL: return value->i != 0 ? STR("true") : STR("false");
    case KIND_LONG: return (Str){value->space, (size_t)snprintf(value->space, sizeof value->space, "%lld", (long long)value->i)};
    case KIND_FLOAT:
    case KIND_DOUBLE:
    case KIND_TEXT: return value->s;
    }
    return value->s;
}

static Str cut(Str s, int precision) {
    return precision < 0 ? s : str_slice(s, 0, kn_char_offset(s, (size_t)precision));
}

static void add_upper(KnCall *kn, const Spec *spec, Str s) {
    size_t from = kn->state->buffer_len;
    pad(kn, spec, s);
    for (size_t i = from; i < kn->state->buffer_len; i++) {
        kn->state->owned_buffer[i] = (char)toupper((unsigned char)kn->state->owned_buffer[i]);
    }
}

static bool add_value(KnCall *kn, const Spec *spec, Value *value) {
    char c = spec->conversion;
    if (value->kind == KIND_NULL && c != 'b' && c != 'B') {
        Str word = c == 's' || c == 'S' ? cut(STR("null"), spec->precision) : STR("null");
        if (isupper((unsigned char)c)) {
            add_upper(kn, spec, word);
        } else {
            pad(kn, spec, word);
        }
        return true;
    }
    switch (c) {
    case 's': pad(kn, spec, cut(plain_text(value), spec->precision)); return true;
    case 'S': add_upper(kn, spec, cut(plain_text(value), spec->precision)); return true;
    case 'b':
    case 'B': {
        bool is_true = value->kind == KIND_BOOL ? value->i != 0 : value->kind != KIND_NULL;
        Str word = cut(is_true ? STR("true") : STR("false"), spec->precision);
        if (c == 'b') {
            pad(kn, spec, word);
        } else {
            add_upper(kn, spec, word);
        }
        return true;
    }
    case 'd':
    case 'x':
    case 'X':
    case 'o': return add_integral(kn, spec, value);
    case 'f':
    case 'e':
    case 'E': return add_floating(kn, spec, value);
    case 'c': {
        char bytes[4];
        if (value->kind != KIND_LONG || value->bits == 64) {
            return refuse(kn, spec, "format_string: no character for");
        }
        pad(kn, spec, (Str){bytes, kn_char_write((uint32_t)value->i, bytes)});
        return true;
    }
    default: return refuse(kn, spec, "format_string: the conversion is not supported");
    }
}

static bool format_row(KnCall *kn, Str format, const duckdb_type *types, idx_t row) {
    int next = 1, previous = 0;
    for (size_t at = 0; at < format.len;) {
        Spec spec;
        Value value;
        if (format.data[at] != '%') {
            kn_text_char(kn, format.data[at++]);
            continue;
        }
        if (!read_spec(format, &at, &spec)) {
            spec.text = format;
            return refuse(kn, &spec, "format_string: UnknownFormatConversionException");
        }
        if (spec.conversion == 'n' || spec.conversion == '%') {
            pad(kn, &spec, spec.conversion == 'n' ? STR("\n") : STR("%"));
            continue;
        }
        int index = spec.previous ? previous : spec.index > 0 ? spec.index : next++;
        previous = index;
        if (index < 1 || (idx_t)index >= kn->nargs) {
            return refuse(kn, &spec, "format_string: MissingFormatArgumentException: Format specifier");
        }
        read_value(&kn->args[index], types[index], row, &value);
        if (!add_value(kn, &spec, &value)) {
            return false;
        }
    }
    return true;
}

static void format_string(KnCall *kn) {
    duckdb_type types[KN_MAX_ARGS];
    for (idx_t arg = 0; arg < kn->nargs; arg++) {
        duckdb_logical_type type = duckdb_vector_get_column_type(kn->args[arg].vector);
        types[arg] = duckdb_get_type_id(type);
        duckdb_destroy_logical_type(&type);
    }
    for (idx_t row = 0; row < kn->rows; row++) {
        if (kn_is_null(&kn->args[0], row)) {
            kn_null(kn, row);
            continue;
        }
        kn_text_start(kn);
        if (!format_row(kn, kn_str(kn, 0, row), types, row)) {
            return;
        }
        kn_put(kn, row, kn->state->buffer_len == 0 ? STR("") : kn_text_str(kn));
    }
}

/* ---- what ends a query -------------------------------------------------------------------------------------------------------------- */

static void raise_error(KnCall *kn) {
    if (kn->rows > 0) {
        Str text = kn_is_null(&kn->args[0], 0) ? STR("null") : kn_str(kn, 0, 0);
        kn_fail(kn, "_LEGACY_ERROR_USER_RAISED: %.*s", STR_ARG(text));
    }
}

const KnScalar kn_printf_kernels[] = {
    {"spark_format_string", "sA*:s", format_string},
    {"spark_raise_error", "s:4!", raise_error},
    {.name = NULL},
};
