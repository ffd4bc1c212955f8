/* literal.c - numbers, strings and typed literals (DATE'…', TIMESTAMP'…', X'…').
 *
 * A literal that cannot be is no syntax error: it is noted, and reported if the text is good otherwise.
 */
#include "sql/parser.h"

#include <float.h>
#include <math.h>

enum { MAX_PRECISION = 38, MAX_DIGITS = 400 };

/* -- numbers */

/* What Spark puts into the type of 1.50BD: unscaled value, precision and scale of a Java BigDecimal. */
typedef struct Digits {
    __int128 unscaled;
    int64_t precision;
    int64_t scale;
    bool is_large; /* more digits than fit */
} Digits;

static Digits read_digits(Str text) {
    Digits d = {0};
    size_t i = 0;
    bool is_negative = text.len > 0 && text.data[0] == '-';
    i += is_negative ? 1 : 0;
    bool has_point = false;
    int64_t significant = 0;
    for (; i < text.len && text.data[i] != 'e' && text.data[i] != 'E'; i++) {
        char c = text.data[i];
        if (c == '.') {
            has_point = true;
            continue;
        }
        if (significant > 0 || c != '0') {
            significant++;
        }
        if (significant <= MAX_PRECISION) {
            d.unscaled = d.unscaled * 10 + (c - '0');
        }
        d.scale += has_point ? 1 : 0;
    }
    if (i < text.len) {
        int64_t exponent = 0;
        Str rest = str_slice(text, i + 1, text.len);
        if (str_starts_with(rest, STR("+"))) {
            rest = str_slice(rest, 1, rest.len);
        }
        if (!str_to_i64(rest, &exponent) || exponent > INT32_MAX || exponent < -(int64_t)INT32_MAX) {
            exponent = INT32_MAX;
        }
        d.scale -= exponent;
    }
    d.precision = significant == 0 ? 1 : significant;
    if (d.scale < 0) { /* 1e3BD: 1000 */
        d.precision = significant == 0 ? 1 : d.precision - d.scale;
        for (int64_t k = d.scale; k < 0 && d.precision <= MAX_PRECISION; k++) {
            d.unscaled *= 10;
        }
        d.scale = 0;
    }
    d.precision = d.precision > d.scale ? d.precision : d.scale;
    d.is_large = d.precision > MAX_PRECISION || d.scale > MAX_PRECISION;
    d.unscaled = is_negative ? -d.unscaled : d.unscaled;
    return d;
}

static const PxExpr *decimal_literal(SqParser *p, size_t first, Str text, bool is_suffixed) {
    Digits d = read_digits(text);
    if (d.is_large) {
        if (is_suffixed) {
            sq_note(p, first, "_LEGACY_ERROR_TEMP_0061",
                    "[DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION] Decimal precision %lld exceeds max precision %d..", (long long)d.precision,
                    MAX_PRECISION);
        } else { /* Spark reports this one without the place */
            (void)err_set(p->noted, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
                          "[DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION] Decimal precision %lld exceeds max precision %d.", (long long)d.precision,
                          MAX_PRECISION);
        }
        return sq_int(p, first, 0);
    }
    return sq_literal(p, first,
                      (PlValue){.type = pl_decimal(p->arena, (int)d.precision, (int)d.scale), .dec = d.unscaled});
}

static const PxExpr *out_of_range(SqParser *p, size_t first, Str text, const char *type, const char *low, const char *high) {
    sq_note(p, first, "INVALID_NUMERIC_LITERAL_RANGE",
            "Numeric literal %.*s is outside the valid range for %s with minimum value of %s and maximum value of %s. Please adjust the value "
            "accordingly.",
            STR_ARG(text), type, low, high);
    return sq_int(p, first, 0);
}

static const PxExpr *integral_literal(SqParser *p, size_t first, Str text, const PlType *type) {
    int64_t value = 0;
    bool fits = str_to_i64(text, &value);
    if (type->kind == PL_TYPE_BYTE) {
        fits = fits && value >= INT8_MIN && value <= INT8_MAX;
    } else if (type->kind == PL_TYPE_SHORT) {
        fits = fits && value >= INT16_MIN && value <= INT16_MAX;
    }
    if (!fits) {
        return type->kind == PL_TYPE_BYTE    ? out_of_range(p, first, text, "tinyint", "-128", "127")
               : type->kind == PL_TYPE_SHORT ? out_of_range(p, first, text, "smallint", "-32768", "32767")
                                             : out_of_range(p, first, text, "bigint", "-9223372036854775808", "9223372036854775807");
    }
    return sq_literal(p, first, (PlValue){.type = type, .i = value});
}

static const PxExpr *floating_literal(SqParser *p, size_t first, Str text, bool is_float) {
    double value = 0;
    if (!str_to_double(text, &value) || (is_float ? fabs(value) > (double)FLT_MAX : isinf(value))) {
        return is_float ? out_of_range(p, first, text, "float", "-3.4028234663852886E+38", "3.4028234663852886E+38")
                        : out_of_range(p, first, text, "double", "-1.7976931348623157E+308", "1.7976931348623157E+308");
    }
    value = is_float ? (double)(float)value : value;
    return sq_literal(p, first, (PlValue){.type = is_float ? &PL_FLOAT : &PL_DOUBLE, .f = value});
}

const PxExpr *sq_number(SqParser *p) {
    size_t first = p->pos;
    bool is_negative = sq_accept(p, SQ_TOK_MINUS);
    SqTok tok = sq_peek(p, 0);
    Str digits = sq_token_str(p, p->pos);
    if (tok < SQ_TOK_INTEGER || tok > SQ_TOK_BIGDECIMAL) {
        sq_fail(p);
        return NULL;
    }
    p->pos++;
    bool is_one_letter = tok == SQ_TOK_BIGINT || tok == SQ_TOK_SMALLINT || tok == SQ_TOK_TINYINT || tok == SQ_TOK_FLOAT || tok == SQ_TOK_DOUBLE;
    size_t suffix = tok == SQ_TOK_BIGDECIMAL ? 2 : is_one_letter ? 1 : 0;
    digits = str_slice(digits, 0, digits.len - suffix);
    Str text = is_negative ? str_fmt(p->arena, "-%.*s", STR_ARG(digits)) : digits;
    switch ((int)tok) {
    case SQ_TOK_INTEGER: {
        int64_t value;
        if (!str_to_i64(text, &value)) {
            return decimal_literal(p, first, text, false);
        }
        bool is_int = value >= INT32_MIN && value <= INT32_MAX;
        return sq_literal(p, first, (PlValue){.type = is_int ? &PL_INT : &PL_LONG, .i = value});
    }
    case SQ_TOK_BIGINT:
        return integral_literal(p, first, text, &PL_LONG);
    case SQ_TOK_SMALLINT:
        return integral_literal(p, first, text, &PL_SHORT);
    case SQ_TOK_TINYINT:
        return integral_literal(p, first, text, &PL_BYTE);
    case SQ_TOK_FLOAT:
        return floating_literal(p, first, text, true);
    case SQ_TOK_EXPONENT:
    case SQ_TOK_DOUBLE:
        return floating_literal(p, first, text, false);
    case SQ_TOK_BIGDECIMAL:
        return decimal_literal(p, first, text, true);
    default:
        return decimal_literal(p, first, text, false);
    }
}

/* -- strings */

static void add_utf8(StrBuf *buf, uint32_t c) {
    if (c < 0x80) {
        strbuf_add_char(buf, (char)c);
    } else if (c < 0x800) {
        strbuf_add_char(buf, (char)(0xC0 | (c >> 6)));
        strbuf_add_char(buf, (char)(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        strbuf_add_char(buf, (char)(0xE0 | (c >> 12)));
        strbuf_add_char(buf, (char)(0x80 | ((c >> 6) & 0x3F)));
        strbuf_add_char(buf, (char)(0x80 | (c & 0x3F)));
    } else {
        strbuf_add_char(buf, (char)(0xF0 | (c >> 18)));
        strbuf_add_char(buf, (char)(0x80 | ((c >> 12) & 0x3F)));
        strbuf_add_char(buf, (char)(0x80 | ((c >> 6) & 0x3F)));
        strbuf_add_char(buf, (char)(0x80 | (c & 0x3F)));
    }
}

/* count digits of a base at text[at..]; false: they are not all there. */
static bool read_code(Str text, size_t at, size_t count, uint32_t base, uint32_t *ret_code) {
    uint32_t code = 0;
    if (at + count > text.len) {
        return false;
    }
    for (size_t i = at; i < at + count; i++) {
        char c = text.data[i];
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10
                                                : 16;
        if (digit >= base) {
            return false;
        }
        code = code * base + digit;
    }
    *ret_code = code;
    return true;
}

/* A high and a low surrogate, each written as an escape, are one character; alone they are none and become ?, as in Java. */
static size_t add_surrogates(StrBuf *buf, Str body, size_t after, uint32_t high) {
    uint32_t low;
    bool is_pair = high < 0xDC00 && after + 6 <= body.len && body.data[after] == '\\' && body.data[after + 1] == 'u' &&
                   read_code(body, after + 2, 4, 16, &low) && low >= 0xDC00 && low <= 0xDFFF;
    if (!is_pair) {
        strbuf_add_char(buf, '?');
        return after;
    }
    add_utf8(buf, 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
    return after + 6;
}

/* The escape whose backslash is at body[i]; where to go on. */
static size_t add_escape(StrBuf *buf, Str body, size_t i) {
    static const char LETTERS[] = "0bnrtZ";
    static const char MEANT[] = {'\0', '\b', '\n', '\r', '\t', 0x1A};
    if (i + 1 == body.len) {
        strbuf_add_char(buf, '\\');
        return i + 1;
    }
    char c = body.data[i + 1];
    uint32_t code;
    if (c == 'u' && read_code(body, i + 2, 4, 16, &code)) {
        if (code >= 0xD800 && code <= 0xDFFF) {
            return add_surrogates(buf, body, i + 6, code);
        }
        add_utf8(buf, code);
        return i + 6;
    }
    if (c == 'U' && read_code(body, i + 2, 8, 16, &code) && code <= 0x10FFFF) {
        add_utf8(buf, code);
        return i + 10;
    }
    if ((c == '0' || c == '1') && read_code(body, i + 1, 3, 8, &code)) {
        add_utf8(buf, code);
        return i + 4;
    }
    const char *letter = c == '\0' ? NULL : strchr(LETTERS, c);
    if (letter != NULL) {
        strbuf_add_char(buf, MEANT[letter - LETTERS]);
    } else {
        if (c == '%' || c == '_') {
            strbuf_add_char(buf, '\\'); /* LIKE reads these */
        }
        strbuf_add_char(buf, c);
    }
    return i + 2;
}

static void add_unescaped(StrBuf *buf, Str token) {
    bool is_raw = token.data[0] == 'r' || token.data[0] == 'R';
    Str body = str_slice(token, is_raw ? 2 : 1, token.len - 1);
    if (is_raw) {
        strbuf_add(buf, body);
        return;
    }
    size_t i = 0;
    while (i < body.len) {
        if (body.data[i] == '\\') {
            i = add_escape(buf, body, i);
        } else {
            strbuf_add_char(buf, body.data[i]);
            i++;
        }
    }
}

Str sq_single_string(SqParser *p) {
    StrBuf buf = {.arena = p->arena};
    size_t at = p->pos;
    sq_expect(p, SQ_TOK_STRING);
    if (!p->failed) {
        add_unescaped(&buf, sq_token_str(p, at));
    }
    return strbuf_str(&buf);
}

Str sq_string_literal(SqParser *p) {
    StrBuf buf = {.arena = p->arena};
    do {
        size_t at = p->pos;
        sq_expect(p, SQ_TOK_STRING);
        if (!p->failed) {
            add_unescaped(&buf, sq_token_str(p, at));
        }
    } while (sq_is(p, SQ_TOK_STRING));
    return strbuf_str(&buf);
}

/* -- typed literals */

static const PxExpr *invalid(SqParser *p, size_t first, const char *type, Str text) {
    sq_note(p, first, "INVALID_TYPED_LITERAL", "The value of the typed literal \"%s\" is invalid: '%.*s'.", type, STR_ARG(text));
    return sq_int(p, first, 0);
}

static const PxExpr *date_literal(SqParser *p, size_t first, Str text) {
    Str word = str_lower(p->arena, str_trim(text));
    const char *today = "current_date";
    if (str_eq(word, STR("now")) || str_eq(word, STR("today"))) {
        return sq_call(p, first, str_from_c(today), NULL, 0);
    }
    if (str_eq(word, STR("tomorrow")) || str_eq(word, STR("yesterday"))) {
        const PxExpr *base = sq_call(p, first, str_from_c(today), NULL, 0);
        return sq_call2(p, first, "date_add", base, sq_int(p, first, str_eq(word, STR("tomorrow")) ? 1 : -1));
    }
    int64_t days = 0;
    if (!str_eq(word, STR("epoch")) && !sq_date_from_text(text, &days)) {
        return invalid(p, first, "DATE", text);
    }
    return sq_literal(p, first, (PlValue){.type = &PL_DATE, .i = days});
}

static const PxExpr *timestamp_literal(SqParser *p, size_t first, Str text, const char *shown, bool is_ntz) {
    Str word = str_lower(p->arena, str_trim(text));
    const char *now = is_ntz ? "localtimestamp" : "current_timestamp";
    if (str_eq(word, STR("now"))) {
        return sq_call(p, first, str_from_c(now), NULL, 0);
    }
    bool is_tomorrow = str_eq(word, STR("tomorrow"));
    if (str_eq(word, STR("today")) || is_tomorrow || str_eq(word, STR("yesterday"))) {
        const PxExpr *day = sq_call(p, first, STR("current_date"), NULL, 0);
        if (!str_eq(word, STR("today"))) {
            day = sq_call2(p, first, "date_add", day, sq_int(p, first, is_tomorrow ? 1 : -1));
        }
        PxExpr *e = sq_expr(p, PX_CAST, first);
        e->cast.child = day;
        e->cast.type = is_ntz ? &PL_TIMESTAMP_NTZ : &PL_TIMESTAMP;
        return e;
    }
    SqInstant instant = {.has_zone = true};
    if (!str_eq(word, STR("epoch")) && !sq_timestamp_from_text(text, &instant)) {
        return invalid(p, first, shown, text);
    }
    PlValue value = {.type = is_ntz ? &PL_TIMESTAMP_NTZ : &PL_TIMESTAMP, .i = instant.micros};
    if (!is_ntz && (!instant.has_zone || instant.is_named_zone)) {
        value.s = str_copy(p->arena, str_trim(text)); /* see PxExpr.literal: analyze/ knows time zones */
    }
    return sq_literal(p, first, value);
}

static const PxExpr *binary_literal(SqParser *p, size_t first, Str text) {
    Str shown = text;
    StrBuf buf = {.arena = p->arena};
    if (text.len % 2 == 1) {
        text = str_fmt(p->arena, "0%.*s", STR_ARG(text));
    }
    for (size_t i = 0; i < text.len; i += 2) {
        uint32_t byte;
        if (!read_code(text, i, 2, 16, &byte)) {
            return invalid(p, first, "X", shown);
        }
        strbuf_add_char(&buf, (char)byte);
    }
    return sq_literal(p, first, (PlValue){.type = &PL_BINARY, .s = strbuf_str(&buf)});
}

const PxExpr *sq_typed_literal(SqParser *p) {
    size_t first = p->pos;
    Str type = str_upper(p->arena, sq_identifier(p));
    Str text = sq_single_string(p);
    if (p->failed) {
        return NULL;
    }
    if (str_eq(type, STR("DATE"))) {
        return date_literal(p, first, text);
    }
    if (str_eq(type, STR("TIMESTAMP"))) {
        return timestamp_literal(p, first, text, "TIMESTAMP", false);
    }
    if (str_eq(type, STR("TIMESTAMP_LTZ"))) {
        return timestamp_literal(p, first, text, "TIMESTAMP_LTZ", false);
    }
    if (str_eq(type, STR("TIMESTAMP_NTZ"))) {
        return timestamp_literal(p, first, text, "TIMESTAMP_NTZ", true);
    }
    if (str_eq(type, STR("X"))) {
        return binary_literal(p, first, text);
    }
    sq_note(p, first, "UNSUPPORTED_TYPED_LITERAL",
            "Literals of the type \"%.*s\" are not supported. Supported types are \"DATE\", \"TIMESTAMP_NTZ\", \"TIMESTAMP_LTZ\", \"TIMESTAMP\", "
            "\"INTERVAL\", \"X\".",
            STR_ARG(type));
    return sq_int(p, first, 0);
}
