/* exec/value_parse.c - see value_parse.h. Meanings: UnivocityParser.makeConverter, DateTimeUtils.stringToDate/stringToTimestamp of Spark 3.5. */
#include "exec/value_parse.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const ExPattern *given_pattern(const PlOption *options, size_t noptions, const char *name, Arena *arena, Err *err) {
    for (size_t i = noptions; i > 0; i--) {
        if (str_eq_nocase(options[i - 1].key, str_from_c(name))) {
            return ex_pattern_new(arena, options[i - 1].value, err);
        }
    }
    return NULL;
}

static Str given(const PlOption *options, size_t noptions, const char *name, const char *fallback) {
    for (size_t i = noptions; i > 0; i--) {
        if (str_eq_nocase(options[i - 1].key, str_from_c(name))) {
            return options[i - 1].value;
        }
    }
    return str_from_c(fallback);
}

bool ex_parse_options(ExParseOptions *ret, const PlOption *options, size_t noptions, Str time_zone, Arena *arena, Err *err) {
    *ret = (ExParseOptions){.nan_value = given(options, noptions, "nanValue", "NaN"),
                            .positive_inf = given(options, noptions, "positiveInf", "Inf"),
                            .negative_inf = given(options, noptions, "negativeInf", "-Inf"),
                            .arena = arena};
    Str zone = given(options, noptions, "timeZone", "");
    zone = zone.len > 0 ? zone : time_zone;
    ret->zone = ex_zone_find(arena, zone);
    if (ret->zone == NULL) {
        return err_set(err, "INVALID_CONF_VALUE.TIME_ZONE", "'%.*s' is no time zone", STR_ARG(zone));
    }
    ret->date = given_pattern(options, noptions, "dateFormat", arena, err);
    ret->timestamp = given_pattern(options, noptions, "timestampFormat", arena, err);
    ret->ntz = given_pattern(options, noptions, "timestampNTZFormat", arena, err);
    ret->has_fallback = str_eq_nocase(given(options, noptions, "enableDateTimeParsingFallback", "false"), STR("true"));
    ret->date_text = given(options, noptions, "dateFormat", "yyyy-MM-dd");
    ret->timestamp_text = given(options, noptions, "timestampFormat", "yyyy-MM-dd HH:mm:ss");
    return !err->is_set;
}

/* FastDateFormat is lenient: any digits for a number, and what follows the pattern is ignored. */
static bool legacy_takes(Str pattern, Str s) {
    size_t at = 0;
    bool is_quoted = false;
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (c == '\'') {
            is_quoted = !is_quoted;
            continue;
        }
        if (is_quoted || !is_letter) {
            if (at >= s.len || s.data[at++] != c) {
                return false;
            }
            continue;
        }
        size_t run = i;
        while (i + 1 < pattern.len && pattern.data[i + 1] == c) {
            i++;
        }
        if (strchr("yMdHhKkmsSDu", c) == NULL || (c == 'M' && i - run >= 2)) {
            return false;
        }
        while (at < s.len && (unsigned char)s.data[at] <= ' ') {
            at++;
        }
        size_t from = at;
        while (at < s.len && s.data[at] >= '0' && s.data[at] <= '9') {
            at++;
        }
        if (at == from) {
            return false;
        }
    }
    return true;
}

bool ex_parse_is_upgrade(const ExParseOptions *o, const PlType *type, Str text, Err *err) {
    bool is_time = type->kind == PL_TYPE_DATE || type->kind == PL_TYPE_TIMESTAMP;
    if (!is_time || o->is_corrected || !legacy_takes(type->kind == PL_TYPE_DATE ? o->date_text : o->timestamp_text, text)) {
        return false;
    }
    err_set(err, "INCONSISTENT_BEHAVIOR_CROSS_VERSION.PARSE_DATETIME_BY_NEW_PARSER",
            "[INCONSISTENT_BEHAVIOR_CROSS_VERSION.PARSE_DATETIME_BY_NEW_PARSER] You may get a different result due to the upgrading to Spark >= 3.0:\n"
            "Fail to parse '%.*s' in the new parser. You can set \"spark.sql.legacy.timeParserPolicy\" to \"LEGACY\" to restore the behavior before "
            "Spark 3.0, or set to \"CORRECTED\" and treat it as an invalid datetime string.",
            STR_ARG(text));
    return true;
}

static bool valid_digits(int segment, int digits) {
    if (segment == 6) {
        return true;
    }
    return segment == 0 ? digits >= 4 && digits <= 7 : digits > 0 && digits <= 2;
}

bool ex_parse_date(Str text, int32_t *ret_days) {
    Str s = str_trim(text);
    int64_t parts[3] = {1, 1, 1}, value = 0;
    int segment = 0, digits = 0;
    size_t i = 0;
    bool is_negative = false;
    if (s.len > 0 && (s.data[0] == '-' || s.data[0] == '+')) {
        is_negative = s.data[0] == '-';
        i = 1;
    }
    for (; i < s.len; i++) {
        char c = s.data[i];
        if (c == ' ' || c == 'T') {
            break;
        }
        if (segment < 2 && c == '-') {
            if (!valid_digits(segment, digits)) {
                return false;
            }
            parts[segment++] = value;
            value = digits = 0;
        } else if (c >= '0' && c <= '9' && digits < 8) {
            value = value * 10 + (c - '0');
            digits++;
        } else {
            return false;
        }
    }
    if (!valid_digits(segment, digits) || (segment < 2 && i < s.len)) {
        return false;
    }
    parts[segment] = value;
    return ex_days_of(is_negative ? -parts[0] : parts[0], (int)parts[1], (int)parts[2], ret_days);
}

typedef struct Stamp {
    int64_t parts[7];
    int fraction_digits;
    Str zone;
} Stamp;

/* [+-]yyyy…-[m]m-[d]d[ |T][h]h:[m]m:[s]s.[fraction][zone], cut off behind any part. */
static bool scan_stamp(Str s, bool *ret_negative, Stamp *ret) {
    *ret = (Stamp){.parts = {1, 1, 1, 0, 0, 0, 0}};
    size_t i = 0;
    int segment = 0, digits = 0;
    int64_t value = 0;
    if (s.len > 0 && (s.data[0] == '-' || s.data[0] == '+')) {
        *ret_negative = s.data[0] == '-';
        i = 1;
    }
    for (; i < s.len; i++) {
        char c = s.data[i];
        if (c >= '0' && c <= '9') {
            if (segment == 6) {
                ret->fraction_digits += ret->fraction_digits < 6;
            }
            if (segment != 6 || digits < 6) {
                value = value * 10 + (c - '0');
            }
            if (++digits > 7 && segment != 6) {
                return false;
            }
            continue;
        }
        bool is_next = segment < 2 ? c == '-' : segment == 2 ? c == ' ' || c == 'T' : segment < 5 ? c == ':' : segment == 5 && c == '.';
        if (!valid_digits(segment, digits)) {
            return false;
        }
        if (is_next) {
            ret->parts[segment++] = value;
            value = digits = 0;
            continue;
        }
        if (segment < 5) {
            return false;
        }
        ret->parts[segment] = value;
        ret->zone = str_slice(s, i, s.len);
        return true;
    }
    if (!valid_digits(segment, digits)) {
        return false;
    }
    ret->parts[segment] = value;
    return true;
}

bool ex_parse_timestamp(const ExZone *zone, Str text, bool is_ntz, int64_t *ret_us) {
    Str s = str_trim(text);
    bool is_negative = false;
    Stamp stamp;
    if (s.len == 0 || !scan_stamp(s, &is_negative, &stamp)) {
        return false;
    }
    int32_t day;
    if (stamp.parts[3] > 23 || stamp.parts[4] > 59 || stamp.parts[5] > 59 ||
        !ex_days_of(is_negative ? -stamp.parts[0] : stamp.parts[0], (int)stamp.parts[1], (int)stamp.parts[2], &day)) {
        return false;
    }
    int64_t micros = stamp.parts[6];
    for (int i = stamp.fraction_digits; i < 6; i++) {
        micros *= 10;
    }
    __int128 wide = ((__int128)day * 86400 + stamp.parts[3] * 3600 + stamp.parts[4] * 60 + stamp.parts[5]) * 1000000 + micros;
    if (wide > INT64_MAX - 86400000000 || wide < INT64_MIN + 86400000000) {
        return false;
    }
    int64_t local = (int64_t)wide;
    if (is_ntz) {
        *ret_us = local;
        return stamp.zone.len == 0;
    }
    if (stamp.zone.len == 0) {
        *ret_us = ex_zone_to_utc(zone, local);
        return true;
    }
    Arena *arena = arena_new();
    const ExZone *own = ex_zone_find(arena, stamp.zone);
    if (own != NULL) {
        *ret_us = ex_zone_to_utc(own, local);
    }
    arena_free(arena);
    return own != NULL;
}

bool ex_parse_long(Str s, int64_t *ret) {
    size_t i = s.len > 0 && (s.data[0] == '-' || s.data[0] == '+') ? 1 : 0;
    bool is_negative = i == 1 && s.data[0] == '-';
    if (i == s.len) {
        return false;
    }
    int64_t value = 0;
    for (; i < s.len; i++) {
        unsigned d = (unsigned)(unsigned char)s.data[i] - '0';
        if (d > 9 || __builtin_mul_overflow(value, (int64_t)10, &value) || __builtin_sub_overflow(value, (int64_t)d, &value)) {
            return false;
        }
    }
    if (!is_negative && value == INT64_MIN) {
        return false;
    }
    *ret = is_negative ? value : -value;
    return true;
}

bool ex_parse_double(Str text, double *ret) {
    Str s = text;
    while (s.len > 0 && (unsigned char)s.data[0] <= ' ') {
        s = str_slice(s, 1, s.len);
    }
    while (s.len > 0 && (unsigned char)s.data[s.len - 1] <= ' ') {
        s.len--;
    }
    size_t sign = s.len > 0 && (s.data[0] == '-' || s.data[0] == '+') ? 1 : 0;
    Str body = str_slice(s, sign, s.len);
    if (str_eq_c(body, "NaN")) {
        *ret = NAN;
        return true;
    }
    if (str_eq_c(body, "Infinity")) {
        *ret = sign == 1 && s.data[0] == '-' ? -INFINITY : INFINITY;
        return true;
    }
    bool is_hex = body.len > 2 && body.data[0] == '0' && (body.data[1] | 32) == 'x';
    if (body.len > 0 && !is_hex && strchr("dDfF", body.data[body.len - 1]) != NULL) {
        s.len--;
        body.len--;
    }
    bool has_digit = false;
    for (size_t i = 0; i < body.len && !is_hex; i++) {
        char c = body.data[i];
        has_digit |= c >= '0' && c <= '9';
        if (!((c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' || c == '-' || c == '+')) {
            return false;
        }
    }
    char space[128];
    if ((!has_digit && !is_hex) || s.len == 0) {
        return false;
    }
    char *copy = s.len < sizeof space ? space : malloc(s.len + 1);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, s.data, s.len);
    copy[s.len] = '\0';
    char *end;
    *ret = strtod(copy, &end);
    bool is_ok = end == copy + s.len;
    if (copy != space) {
        free(copy);
    }
    return is_ok;
}

/* Digits without leading zeros, sign and exponent of a plain or scientific number. */
typedef struct Number {
    char digits[80];
    int n;         /* significant digits kept */
    int64_t scale; /* value = digits × 10^-scale */
    bool is_negative;
    bool is_long;  /* more digits than kept */
} Number;

static bool scan_number(Str s, Number *ret) {
    *ret = (Number){0};
    size_t i = s.len > 0 && (s.data[0] == '-' || s.data[0] == '+') ? 1 : 0;
    ret->is_negative = i == 1 && s.data[0] == '-';
    bool has_digit = false, has_point = false;
    for (; i < s.len; i++) {
        char c = s.data[i];
        if (c == '.' && !has_point) {
            has_point = true;
        } else if (c >= '0' && c <= '9') {
            has_digit = true;
            ret->scale += has_point;
            if (ret->n > 0 || c != '0') {
                if (ret->n < (int)sizeof ret->digits) {
                    ret->digits[ret->n++] = c;
                } else {
                    ret->is_long = true;
                    ret->scale--;
                }
            }
        } else {
            break;
        }
    }
    if (!has_digit) {
        return false;
    }
    if (i < s.len) {
        int64_t exponent;
        if ((s.data[i] | 32) != 'e' || !ex_parse_long(str_slice(s, i + 1, s.len), &exponent) || exponent > 100000 || exponent < -100000) {
            return false;
        }
        ret->scale -= exponent;
    }
    return true;
}

bool ex_decimal_shape(Str text, int *ret_precision, int *ret_scale) {
    Number number;
    if (!scan_number(text, &number) || number.scale > 10000 || number.scale < -10000) {
        return false;
    }
    *ret_precision = number.n == 0 ? 1 : number.n;
    *ret_scale = (int)number.scale;
    return true;
}

bool ex_parse_decimal(Str text, int precision, int scale, __int128 *ret) {
    char space[256];
    Str s = text;
    if (memchr(text.data, ',', text.len) != NULL && text.len < sizeof space) {
        size_t n = 0;
        for (size_t i = 0; i < text.len; i++) {
            if (text.data[i] != ',') {
                space[n++] = text.data[i];
            }
        }
        s = (Str){space, n};
    }
    Number number;
    if (!scan_number(s, &number)) {
        return false;
    }
    /* Keep the digits up to the wanted scale; the next one rounds half up. */
    int64_t keep = number.n - (number.scale - scale);
    if (keep > 38 && number.n > 0) {
        return false;
    }
    __int128 value = 0;
    for (int64_t i = 0; i < keep && keep >= 0; i++) {
        value = value * 10 + (i < number.n ? number.digits[i] - '0' : 0);
    }
    if (keep >= 0 && keep < number.n && number.digits[keep] >= '5') {
        value++;
    }
    __int128 limit = 1;
    for (int i = 0; i < precision; i++) {
        limit *= 10;
    }
    if (value >= limit) {
        return false;
    }
    *ret = number.is_negative ? -value : value;
    return true;
}

void ex_store_decimal(void *data, idx_t row, int precision, __int128 value) {
    if (precision <= 4) {
        ((int16_t *)data)[row] = (int16_t)value;
    } else if (precision <= 9) {
        ((int32_t *)data)[row] = (int32_t)value;
    } else if (precision <= 18) {
        ((int64_t *)data)[row] = (int64_t)value;
    } else {
        ((duckdb_hugeint *)data)[row] = (duckdb_hugeint){.lower = (uint64_t)value, .upper = (int64_t)(value >> 64)};
    }
}

static bool parse_real(const ExParseOptions *o, Str text, double *ret) {
    if (str_eq(text, o->nan_value)) {
        *ret = NAN;
        return true;
    }
    if (str_eq(text, o->negative_inf)) {
        *ret = -INFINITY;
        return true;
    }
    if (str_eq(text, o->positive_inf)) {
        *ret = INFINITY;
        return true;
    }
    return ex_parse_double(text, ret);
}

static bool parse_stamp(const ExParseOptions *o, const ExPattern *pattern, Str text, bool is_ntz, int64_t *ret) {
    if (pattern == NULL) {
        return ex_parse_timestamp(o->zone, text, is_ntz, ret);
    }
    return ex_pattern_parse(pattern, is_ntz ? NULL : o->zone, text, ret) ||
           (o->has_fallback && ex_parse_timestamp(o->zone, text, is_ntz, ret));
}

static float to_float(Str text) {
    char space[64];
    memcpy(space, text.data, text.len);
    space[text.len] = '\0';
    return strtof(space, NULL);
}

bool ex_parse_into(const ExParseOptions *o, const PlType *type, Str text, void *data, idx_t row) {
    int64_t i = 0;
    double f = 0;
    switch (type->kind) {
    case PL_TYPE_BOOLEAN:
        if (str_eq_nocase(text, STR("true")) || str_eq_nocase(text, STR("false"))) {
            ((bool *)data)[row] = text.len == 4;
            return true;
        }
        return false;
    case PL_TYPE_BYTE:
        ((int8_t *)data)[row] = 0;
        if (!ex_parse_long(text, &i) || i < INT8_MIN || i > INT8_MAX) {
            return false;
        }
        ((int8_t *)data)[row] = (int8_t)i;
        return true;
    case PL_TYPE_SHORT:
        if (!ex_parse_long(text, &i) || i < INT16_MIN || i > INT16_MAX) {
            return false;
        }
        ((int16_t *)data)[row] = (int16_t)i;
        return true;
    case PL_TYPE_INT:
        if (!ex_parse_long(text, &i) || i < INT32_MIN || i > INT32_MAX) {
            return false;
        }
        ((int32_t *)data)[row] = (int32_t)i;
        return true;
    case PL_TYPE_LONG: return ex_parse_long(text, &((int64_t *)data)[row]);
    case PL_TYPE_FLOAT:
        if (!parse_real(o, text, &f)) {
            return false;
        }
        /* Straight to float: through double it would round twice. */
        ((float *)data)[row] = isfinite(f) && text.len < 64 ? to_float(text) : (float)f;
        return true;
    case PL_TYPE_DOUBLE: return parse_real(o, text, &((double *)data)[row]);
    case PL_TYPE_DATE:
        if (o->date != NULL) {
            return ex_pattern_parse_date(o->date, text, &((int32_t *)data)[row]) ||
                   (o->has_fallback && ex_parse_date(text, &((int32_t *)data)[row]));
        }
        return ex_parse_date(text, &((int32_t *)data)[row]);
    case PL_TYPE_TIMESTAMP: return parse_stamp(o, o->timestamp, text, false, &((int64_t *)data)[row]);
    case PL_TYPE_TIMESTAMP_NTZ: return parse_stamp(o, o->ntz, text, true, &((int64_t *)data)[row]);
    case PL_TYPE_DECIMAL: {
        __int128 value;
        if (!ex_parse_decimal(text, type->precision, type->scale, &value)) {
            return false;
        }
        ex_store_decimal(data, row, type->precision, value);
        return true;
    }
    case PL_TYPE_NULL:
    case PL_TYPE_STRING:
    case PL_TYPE_CHAR:
    case PL_TYPE_VARCHAR:
    case PL_TYPE_BINARY:
    case PL_TYPE_CALENDAR_INTERVAL:
    case PL_TYPE_DAY_TIME_INTERVAL:
    case PL_TYPE_YEAR_MONTH_INTERVAL:
    case PL_TYPE_ARRAY:
    case PL_TYPE_MAP:
    case PL_TYPE_STRUCT: return false;
    }
    return false;
}
