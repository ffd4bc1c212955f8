/* exec/value_parse.c - see value_parse.h. Meanings: UnivocityParser.makeConverter, DateTimeUtils.stringToDate/stringToTimestamp of Spark 3.5. */
#include "exec/value_parse.h"

#include "kernels/number_text.h"

#include <math.h>
#include <string.h>

static const KnPattern *given_pattern(const PlOption *options, size_t noptions, const char *name, Arena *arena, Err *err) {
    for (size_t i = noptions; i > 0; i--) {
        if (str_eq_nocase(options[i - 1].key, str_from_c(name))) {
            return kn_pattern_new(arena, options[i - 1].value, true, err);
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
    ret->zone = kn_zone_new(arena, zone);
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

/* The options' words for what is no number. */
static bool special(const ExParseOptions *o, Str text, double *ret) {
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
    return false;
}

static bool parse_stamp(const ExParseOptions *o, const KnPattern *pattern, Str text, int64_t *ret) {
    return pattern == NULL ? kn_parse_timestamp(text, o->zone, ret)
                           : kn_pattern_parse(pattern, o->zone, text, ret) || (o->has_fallback && kn_parse_timestamp(text, o->zone, ret));
}

static bool parse_ntz(const ExParseOptions *o, Str text, int64_t *ret) {
    return o->ntz == NULL ? kn_parse_ntz(text, false, ret)
                          : kn_pattern_parse(o->ntz, NULL, text, ret) || (o->has_fallback && kn_parse_ntz(text, false, ret));
}

/* ExprUtils.getDecimalParser in the US locale: commas do not count, blanks do. */
bool ex_parse_decimal(Str text, int precision, int scale, __int128 *ret) {
    char space[256];
    Str s = text;
    if (text.len > 0 && (unsigned char)text.data[0] <= ' ') {
        return false;
    }
    if (text.len > 0 && text.len < sizeof space && memchr(text.data, ',', text.len) != NULL) {
        size_t n = 0;
        for (size_t i = 0; i < text.len; i++) {
            space[n] = text.data[i];
            n += text.data[i] != ',' ? 1 : 0;
        }
        s = (Str){space, n};
    }
    return (s.len == 0 || (unsigned char)s.data[s.len - 1] > ' ') && kn_parse_decimal(s, scale, ret) && kn_fits(*ret, precision);
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
        if (!kn_java_long(text, &i) || i < INT8_MIN || i > INT8_MAX) {
            return false;
        }
        ((int8_t *)data)[row] = (int8_t)i;
        return true;
    case PL_TYPE_SHORT:
        if (!kn_java_long(text, &i) || i < INT16_MIN || i > INT16_MAX) {
            return false;
        }
        ((int16_t *)data)[row] = (int16_t)i;
        return true;
    case PL_TYPE_INT:
        if (!kn_java_long(text, &i) || i < INT32_MIN || i > INT32_MAX) {
            return false;
        }
        ((int32_t *)data)[row] = (int32_t)i;
        return true;
    case PL_TYPE_LONG: return kn_java_long(text, &((int64_t *)data)[row]);
    case PL_TYPE_FLOAT:
        /* A number goes straight to float: through double it would round twice. */
        if (special(o, text, &f)) {
            ((float *)data)[row] = (float)f;
            return true;
        }
        return kn_java_float(text, &((float *)data)[row]);
    case PL_TYPE_DOUBLE: return special(o, text, &((double *)data)[row]) || kn_java_double(text, &((double *)data)[row]);
    case PL_TYPE_DATE:
        if (o->date != NULL) {
            return kn_pattern_parse_date(o->date, text, &((int32_t *)data)[row]) ||
                   (o->has_fallback && kn_parse_date(text, &((int32_t *)data)[row]));
        }
        return kn_parse_date(text, &((int32_t *)data)[row]);
    case PL_TYPE_TIMESTAMP: return parse_stamp(o, o->timestamp, text, &((int64_t *)data)[row]);
    case PL_TYPE_TIMESTAMP_NTZ: return parse_ntz(o, text, &((int64_t *)data)[row]);
    case PL_TYPE_DECIMAL: {
        __int128 value;
        if (!ex_parse_decimal(text, type->precision, type->scale, &value)) {
            return false;
        }
        kn_decimal_store(data, type->precision, row, value);
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
