/* interval.c - INTERVAL literals: INTERVAL 1 DAY 2 HOURS, INTERVAL '1-2' YEAR TO MONTH, INTERVAL '1 day 2 hours'.
 *
 * Invariant: a literal is of a year-month or of a day-time type, as wide as the units that were written; mixing the two is an error.
 */
#include "sql/parser.h"

#define MICROS_PER_SECOND INT64_C(1000000)
#define MICROS_PER_DAY (INT64_C(86400) * MICROS_PER_SECOND)

typedef struct Unit {
    const char *name; /* singular */
    SqTok tok, plural; /* plural EOF: none in the grammar */
    bool is_months;
    int field; /* in its type: year 0 month 1; day 0 hour 1 minute 2 second 3 */
    int64_t months, days, micros;
} Unit;

static const Unit UNITS[] = {
    {"year", SQ_KW_YEAR, SQ_KW_YEARS, true, 0, 12, 0, 0},
    {"month", SQ_KW_MONTH, SQ_KW_MONTHS, true, 1, 1, 0, 0},
    {"week", SQ_KW_WEEK, SQ_KW_WEEKS, false, 0, 0, 7, 0},
    {"day", SQ_KW_DAY, SQ_KW_DAYS, false, 0, 0, 1, 0},
    {"hour", SQ_KW_HOUR, SQ_KW_HOURS, false, 1, 0, 0, 3600 * MICROS_PER_SECOND},
    {"minute", SQ_KW_MINUTE, SQ_KW_MINUTES, false, 2, 0, 0, 60 * MICROS_PER_SECOND},
    {"second", SQ_KW_SECOND, SQ_KW_SECONDS, false, 3, 0, 0, MICROS_PER_SECOND},
    {"millisecond", SQ_KW_MILLISECOND, SQ_KW_MILLISECONDS, false, 3, 0, 0, 1000},
    {"microsecond", SQ_KW_MICROSECOND, SQ_KW_MICROSECONDS, false, 3, 0, 0, 1},
};

enum { UNIT_COUNT = sizeof UNITS / sizeof *UNITS, UNIT_YEAR = 0, UNIT_MONTH = 1, UNIT_SECOND = 6 };

static const Unit *unit_of_token(SqTok tok) {
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (UNITS[i].tok == tok || UNITS[i].plural == tok) {
            return &UNITS[i];
        }
    }
    return NULL;
}

static bool is_unit_token(SqTok tok) {
    return unit_of_token(tok) != NULL || tok == SQ_KW_NANOSECOND || tok == SQ_KW_NANOSECONDS;
}

static const Unit *unit_of_text(Arena *arena, Str word) {
    word = str_lower(arena, word);
    if (word.len > 1 && word.data[word.len - 1] == 's') {
        word.len--;
    }
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (str_eq_c(word, UNITS[i].name)) {
            return &UNITS[i];
        }
    }
    return NULL;
}

/* What is added up while an interval is read. */
typedef struct Sum {
    int64_t months, days, micros;
    bool has_months, has_time;
    int low_month, high_month, low_time, high_time; /* the fields that were written */
} Sum;

static void widen(bool *has, int *low, int *high, int field) {
    *low = !*has || field < *low ? field : *low;
    *high = !*has || field > *high ? field : *high;
    *has = true;
}

static bool overflow(Str *why) {
    *why = STR("integer overflow");
    return false;
}

/* sign * whole.fraction of a unit; false: it does not fit. */
static bool add_amount(Sum *sum, const Unit *unit, bool is_negative, int64_t whole, int64_t fraction_micros, Str *why) {
    int64_t amount = is_negative ? -whole : whole;
    int64_t months;
    int64_t days;
    int64_t micros;
    if (unit->is_months) {
        widen(&sum->has_months, &sum->low_month, &sum->high_month, unit->field);
    } else {
        widen(&sum->has_time, &sum->low_time, &sum->high_time, unit->field);
    }
    bool fits = !__builtin_mul_overflow(amount, unit->months, &months) && !__builtin_add_overflow(sum->months, months, &sum->months) &&
                !__builtin_mul_overflow(amount, unit->days, &days) && !__builtin_add_overflow(sum->days, days, &sum->days) &&
                !__builtin_mul_overflow(amount, unit->micros, &micros) && !__builtin_add_overflow(sum->micros, micros, &sum->micros) &&
                !__builtin_add_overflow(sum->micros, is_negative ? -fraction_micros : fraction_micros, &sum->micros);
    fits = fits && sum->months >= INT32_MIN && sum->months <= INT32_MAX && sum->days >= INT32_MIN && sum->days <= INT32_MAX;
    return fits || overflow(why);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static Str word_at(Str text, size_t at) {
    size_t end = at;
    while (end < text.len && !is_blank(text.data[end])) {
        end++;
    }
    return str_slice(text, at, end);
}

/* "12", "1.5", ".5", "5." as digits at *at. */
static bool read_amount(Arena *arena, Str text, size_t *at, int64_t *ret_whole, int64_t *ret_fraction, bool *ret_is_fraction, Str *why) {
    Str word = word_at(text, *at);
    int64_t whole = 0;
    int64_t fraction = 0;
    int64_t scale = 100000;
    size_t ndigits = 0;
    bool has_point = false;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.data[i];
        if (c == '.' && !has_point) {
            has_point = true;
        } else if (c < '0' || c > '9') {
            *why = i == 0 ? str_fmt(arena, "unrecognized number '%.*s'", STR_ARG(word)) : str_fmt(arena, "invalid value '%.*s'", STR_ARG(word));
            return false;
        } else if (has_point) {
            fraction += (c - '0') * scale;
            scale /= 10;
            ndigits++;
        } else if (__builtin_mul_overflow(whole, (int64_t)10, &whole) || __builtin_add_overflow(whole, (int64_t)(c - '0'), &whole)) {
            return overflow(why);
        } else {
            ndigits++;
        }
    }
    if (ndigits == 0) {
        *why = str_fmt(arena, "unrecognized number '%.*s'", STR_ARG(word));
        return false;
    }
    *at += word.len;
    *ret_whole = whole;
    *ret_fraction = fraction;
    *ret_is_fraction = has_point && word.data[word.len - 1] != '.';
    return true;
}

/* "1 day -2 hours": pairs of an amount and a unit. */
static bool read_pairs(Arena *arena, Str text, Sum *sum, Str *why) {
    size_t at = 0;
    size_t npairs = 0;
    text = str_trim(text);
    Str head = word_at(text, 0);
    if (str_eq_nocase(head, STR("interval")) && head.len < text.len) {
        text = str_trim(str_slice(text, head.len, text.len));
    }
    while (at < text.len) {
        bool is_negative = text.data[at] == '-';
        if (is_negative || text.data[at] == '+') {
            at++;
        }
        while (at < text.len && is_blank(text.data[at])) {
            at++;
        }
        int64_t whole;
        int64_t fraction;
        bool is_fraction;
        if (!read_amount(arena, text, &at, &whole, &fraction, &is_fraction, why)) {
            return false;
        }
        while (at < text.len && is_blank(text.data[at])) {
            at++;
        }
        Str word = word_at(text, at);
        const Unit *unit = unit_of_text(arena, word);
        if (unit == NULL) {
            *why = str_fmt(arena, "invalid unit '%.*s'", STR_ARG(word));
            return false;
        }
        if (is_fraction && unit != &UNITS[UNIT_SECOND]) {
            *why = str_fmt(arena, "'%.*s' cannot have fractional part", STR_ARG(word));
            return false;
        }
        if (!add_amount(sum, unit, is_negative, whole, fraction, why)) {
            return false;
        }
        at += word.len;
        while (at < text.len && is_blank(text.data[at])) {
            at++;
        }
        npairs++;
    }
    *why = npairs == 0 ? STR("interval string cannot be empty") : *why;
    return npairs > 0;
}

static const PlType *interval_type(Arena *arena, PlTypeKind kind, int start, int end) {
    PlType *t = ARENA_NEW(arena, PlType);
    *t = (PlType){.kind = kind, .start = start, .end = end};
    return t;
}

/* The sum as a literal's value; false: both kinds of units were written. */
static bool value_of(Arena *arena, const Sum *sum, PlValue *ret_value) {
    if (sum->has_months && sum->has_time) {
        return false;
    }
    if (sum->has_months) {
        *ret_value = (PlValue){.type = interval_type(arena, PL_TYPE_YEAR_MONTH_INTERVAL, sum->low_month, sum->high_month), .i = sum->months};
        return true;
    }
    /* days fit 32 bits, so only the product may not fit */
    int64_t micros;
    if (__builtin_mul_overflow(sum->days, MICROS_PER_DAY, &micros) || __builtin_add_overflow(micros, sum->micros, &micros)) {
        return false;
    }
    *ret_value = (PlValue){.type = interval_type(arena, PL_TYPE_DAY_TIME_INTERVAL, sum->low_time, sum->high_time), .i = micros};
    return true;
}

static const PxExpr *literal_of(SqParser *p, size_t first, const Sum *sum) {
    PlValue value;
    if (value_of(p->arena, sum, &value)) {
        return sq_literal(p, first, value);
    }
    Str text = sq_text_from(p, first);
    if (sum->has_months && sum->has_time) {
        sq_note(p, first, "_LEGACY_ERROR_TEMP_0029", "Cannot mix year-month and day-time fields: %.*s.", STR_ARG(text));
    } else if (!p->noted->is_set) {
        (void)err_set(p->noted, "ARITHMETIC_OVERFLOW", "long overflow");
    }
    return sq_int(p, first, 0);
}

bool sq_interval_from_text(Str text, PlValue *ret_value, Arena *arena, Str *ret_why) {
    Sum sum = {0};
    Str why = {0};
    bool good = read_pairs(arena, text, &sum, &why) && value_of(arena, &sum, ret_value);
    if (ret_why != NULL) {
        *ret_why = why;
    }
    return good;
}

/* -- in the grammar */

bool sq_at_interval(const SqParser *p) {
    SqTok next = sq_peek(p, 1);
    if (!sq_is(p, SQ_KW_INTERVAL)) {
        return false;
    }
    if (next == SQ_TOK_PLUS || next == SQ_TOK_MINUS) {
        SqTok value = sq_peek(p, 2);
        return (value == SQ_TOK_STRING || value == SQ_TOK_INTEGER || value == SQ_TOK_DECIMAL) && is_unit_token(sq_peek(p, 3));
    }
    return next == SQ_TOK_STRING || (next >= SQ_TOK_INTEGER && next <= SQ_TOK_BIGDECIMAL);
}

/* INTERVAL '1 day 2 hours'; INTERVAL is the current token. */
static const PxExpr *typed_interval(SqParser *p) {
    size_t first = p->pos;
    sq_expect(p, SQ_KW_INTERVAL);
    Str text = sq_single_string(p);
    Sum sum = {0};
    Str why = {0};
    if (!read_pairs(p->arena, text, &sum, &why)) {
        sq_note(p, first, "INVALID_TYPED_LITERAL", "The value of the typed literal \"INTERVAL\" is invalid: '%.*s'.", STR_ARG(text));
        return sq_int(p, first, 0);
    }
    return literal_of(p, first, &sum);
}


/* A whole text of numbers with the separators between the fields start..end ("1 2:3:4.5"), into sum. */
static bool read_range(Str text, int start, int end, Sum *sum, Str *why, Arena *arena) {
    static const char SEPARATORS[] = {' ', ':', ':'};
    static const char *const NAMES[] = {"day", "hour", "minute", "second"};
    static const int64_t LIMITS[] = {INT64_MAX, 23, 59, 59};
    static const int64_t MICROS[] = {MICROS_PER_DAY, 3600 * MICROS_PER_SECOND, 60 * MICROS_PER_SECOND, MICROS_PER_SECOND};
    size_t at = 0;
    bool is_negative = text.len > 0 && text.data[0] == '-';
    at += is_negative || (text.len > 0 && text.data[0] == '+') ? 1 : 0;
    int64_t total = 0;
    int64_t numbers[4] = {0};
    for (int field = start; field <= end; field++) {
        size_t from = at;
        while (at < text.len && text.data[at] >= '0' && text.data[at] <= '9') {
            at++;
        }
        if (at == from || !str_to_i64(str_slice(text, from, at), &numbers[field]) || (field > start && at - from > 2)) {
            return false;
        }
        if (field < end && (at >= text.len || text.data[at++] != SEPARATORS[field])) {
            return false;
        }
    }
    int64_t fraction = 0;
    if (end == 3 && at < text.len && text.data[at] == '.') {
        size_t count = 0;
        for (at++; at < text.len && text.data[at] >= '0' && text.data[at] <= '9'; at++, count++) {
            fraction = count < 6 ? fraction * 10 + (text.data[at] - '0') : fraction;
        }
        if (count == 0 || count > 9) {
            return false;
        }
        for (; count < 6; count++) {
            fraction *= 10;
        }
    }
    if (at != text.len) {
        return false;
    }
    for (int field = start; field <= end; field++) {
        int64_t micros;
        if (field > start && numbers[field] > LIMITS[field]) {
            *why = str_fmt(arena, "requirement failed: %s %lld outside range [0, %lld]", NAMES[field], (long long)numbers[field],
                           (long long)LIMITS[field]);
            return false;
        }
        if (__builtin_mul_overflow(numbers[field], MICROS[field], &micros) || __builtin_add_overflow(total, micros, &total)) {
            *why = STR("requirement failed: integer overflow");
            return false;
        }
    }
    if (__builtin_add_overflow(total, fraction, &total)) {
        *why = STR("requirement failed: integer overflow");
        return false;
    }
    *sum = (Sum){.micros = is_negative ? -total : total, .has_time = true, .low_time = start, .high_time = end};
    return true;
}

static bool read_year_month(Str text, Sum *sum, Str *why, Arena *arena) {
    size_t at = 0;
    bool is_negative = text.len > 0 && text.data[0] == '-';
    at += is_negative || (text.len > 0 && text.data[0] == '+') ? 1 : 0;
    size_t hyphen = at;
    while (hyphen < text.len && text.data[hyphen] != '-') {
        hyphen++;
    }
    Str years_text = str_slice(text, at, hyphen);
    Str months_text = str_slice(text, hyphen + 1, text.len);
    int64_t years;
    int64_t months;
    bool are_digits = years_text.len > 0 && months_text.len > 0 && years_text.data[0] != '+' && months_text.data[0] != '+' &&
                      months_text.data[0] != '-';
    if (!are_digits || !str_to_i64(years_text, &years) || !str_to_i64(months_text, &months)) {
        *why = str_fmt(arena,
                       "Error parsing interval year-month string: Interval string does not match year-month format of `[+|-]y-m`, `INTERVAL "
                       "[+|-]'[+|-]y-m' YEAR TO MONTH` when cast to interval year to month: %.*s",
                       STR_ARG(text));
        return false;
    }
    if (months > 11) {
        *why = str_fmt(arena, "Error parsing interval year-month string: requirement failed: month %lld outside range [0, 11]", (long long)months);
        return false;
    }
    int64_t total;
    if (__builtin_mul_overflow(years, (int64_t)12, &total) || __builtin_add_overflow(total, months, &total) || total > INT32_MAX) {
        *why = STR("Error parsing interval year-month string: integer overflow");
        return false;
    }
    *sum = (Sum){.months = is_negative ? -total : total, .has_months = true, .low_month = 0, .high_month = 1};
    return true;
}

/* '1-2' YEAR TO MONTH: the value is read, FROM TO units follow. */
static const PxExpr *from_to(SqParser *p, size_t first, size_t at_value, const Unit *from, bool is_string, Str text) {
    static const char *const FORMATS[4][4] = {
        {"", "d h", "d h:m", "d h:m:s.n"}, {"", "", "h:m", "h:m:s.n"}, {"", "", "", "m:s.n"}, {"", "", "", ""}};
    sq_expect(p, SQ_KW_TO);
    const Unit *to = unit_of_token(sq_peek(p, 0));
    if (to == NULL || sq_peek(p, 0) == to->plural) {
        sq_fail(p);
        return NULL;
    }
    p->pos++;
    if (!is_string) {
        sq_note(p, at_value, "_LEGACY_ERROR_TEMP_0027", "The value of from-to unit must be a string.");
        return sq_int(p, first, 0);
    }
    Sum sum = {0};
    Str why = {0};
    bool good;
    if (from == &UNITS[UNIT_YEAR] && to == &UNITS[UNIT_MONTH]) {
        good = read_year_month(text, &sum, &why, p->arena);
    } else if (!from->is_months && !to->is_months && from->field < to->field) {
        good = read_range(text, from->field, to->field, &sum, &why, p->arena);
        if (!good && why.len == 0) {
            const char *format = FORMATS[from->field][to->field];
            Str upper_from = str_upper(p->arena, str_from_c(from->name));
            Str upper_to = str_upper(p->arena, str_from_c(to->name));
            why = str_fmt(p->arena,
                          "Interval string does not match day-time format of `[+|-]%s`, `INTERVAL [+|-]'[+|-]%s' %.*s TO %.*s` when cast to "
                          "interval %s to %s: %.*s, set spark.sql.legacy.fromDayTimeString.enabled to true to restore the behavior before "
                          "Spark 3.0.",
                          format, format, STR_ARG(upper_from), STR_ARG(upper_to), from->name, to->name, STR_ARG(text));
        }
    } else {
        sq_note(p, at_value, "_LEGACY_ERROR_TEMP_0028", "Intervals FROM %s TO %s are not supported.", from->name, to->name);
        return sq_int(p, first, 0);
    }
    if (!good) {
        sq_note(p, at_value, "_LEGACY_ERROR_TEMP_0063", "%.*s.", STR_ARG(why));
        return sq_int(p, first, 0);
    }
    return literal_of(p, first, &sum);
}

/* Whether a string can stand for an amount: digits, sign, point; the rest the reader of pairs finds. */
static bool is_amount_text(Str text) {
    text = str_trim(text);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!(c >= '0' && c <= '9') && c != '.' && !(i == 0 && (c == '-' || c == '+'))) {
            return false;
        }
    }
    return true;
}

/* -'1' is -1, -'-1' is 1 */
static Str signed_text(Arena *arena, bool is_negative, Str text) {
    if (!is_negative || text.len == 0) {
        return text;
    }
    if (text.data[0] == '-') {
        return str_slice(text, 1, text.len);
    }
    return str_fmt(arena, "-%.*s", STR_ARG(text.data[0] == '+' ? str_slice(text, 1, text.len) : text));
}

const PxExpr *sq_interval(SqParser *p) {
    size_t first = p->pos;
    if (sq_peek(p, 1) == SQ_TOK_STRING && !is_unit_token(sq_peek(p, 2))) {
        return typed_interval(p);
    }
    sq_expect(p, SQ_KW_INTERVAL);
    size_t body = p->pos;
    Sum sum = {0};
    StrBuf pairs = {.arena = p->arena};
    for (size_t count = 0;; count++) {
        SqTok value = sq_peek(p, 0);
        bool has_sign = value == SQ_TOK_MINUS || value == SQ_TOK_PLUS;
        value = has_sign ? sq_peek(p, 1) : value;
        bool is_string = value == SQ_TOK_STRING;
        if (!is_string && value != SQ_TOK_INTEGER && value != SQ_TOK_DECIMAL) {
            if (count == 0) {
                sq_fail(p);
            }
            break;
        }
        size_t at_value = p->pos;
        bool is_negative = sq_is(p, SQ_TOK_MINUS);
        p->pos += has_sign ? 1 : 0;
        Str text = is_string ? sq_single_string(p) : sq_token_str(p, p->pos);
        p->pos += is_string ? 0 : 1;
        text = signed_text(p->arena, is_negative, text);
        if (!is_unit_token(sq_peek(p, 0))) {
            sq_fail(p);
            return NULL;
        }
        const Unit *unit = unit_of_token(sq_peek(p, 0));
        Str word = str_lower(p->arena, sq_token_str(p, p->pos));
        p->pos++;
        if (sq_is(p, SQ_KW_TO) && is_unit_token(sq_peek(p, 1)) && unit != NULL) {
            if (count == 0) {
                return from_to(p, first, at_value, unit, is_string, text);
            }
            sq_note(p, at_value, "_LEGACY_ERROR_TEMP_0024", "Can only have a single from-to unit in the interval literal syntax.");
            return from_to(p, first, at_value, unit, true, text);
        }
        if (is_string && !is_amount_text(text)) {
            sq_note(p, body, "_LEGACY_ERROR_TEMP_0026",
                    "Can only use numbers in the interval value part for multiple unit value pairs interval form, but got invalid value: %.*s.",
                    STR_ARG(text));
        }
        strbuf_fmt(&pairs, " %.*s %.*s", STR_ARG(text), STR_ARG(word));
    }
    Str why = {0};
    if (!p->failed && !read_pairs(p->arena, strbuf_str(&pairs), &sum, &why)) {
        sq_note(p, body, "_LEGACY_ERROR_TEMP_0062", "Error parsing '%.*s' to interval, %.*s.", STR_ARG(strbuf_str(&pairs)), STR_ARG(why));
        return sq_int(p, first, 0);
    }
    return literal_of(p, first, &sum);
}
