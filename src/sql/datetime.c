/* datetime.c - the text of DATE'…' and TIMESTAMP'…' into days and microseconds, in the forms that Spark's stringToDate and stringToTimestamp take.
 *
 * Invariant: pure functions of the text; the proleptic Gregorian calendar; nothing depends on a session's time zone.
 */
#include "sql/parser.h"

#define MICROS_PER_SECOND INT64_C(1000000)
#define MICROS_PER_DAY (INT64_C(86400) * MICROS_PER_SECOND)

/* Days since 1970-01-01 of a date; false: there is no such day. */
static bool days_of(int64_t year, int64_t month, int64_t day, int64_t *ret_days) {
    static const int LENGTHS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month < 1 || month > 12 || day < 1 || day > LENGTHS[month - 1] + (month == 2 && is_leap ? 1 : 0)) {
        return false;
    }
    int64_t y = year - (month <= 2 ? 1 : 0);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    *ret_days = era * 146097 + day_of_era - 719468;
    return true;
}

/* Reads min to max digits at *at. */
static bool digits(Str text, size_t *at, size_t min, size_t max, int64_t *ret_value) {
    int64_t value = 0;
    size_t count = 0;
    while (*at < text.len && count < max && text.data[*at] >= '0' && text.data[*at] <= '9') {
        value = value * 10 + (text.data[*at] - '0');
        (*at)++;
        count++;
    }
    *ret_value = value;
    return count >= min;
}

static bool accept(Str text, size_t *at, char c) {
    if (*at < text.len && text.data[*at] == c) {
        (*at)++;
        return true;
    }
    return false;
}

/* [+-]yyyy[-m[-d]]: as much as is there; at the end *at stands behind it. */
static bool read_date(Str text, size_t *at, int64_t *ret_days) {
    bool is_negative = *at < text.len && text.data[*at] == '-';
    if (is_negative || (*at < text.len && text.data[*at] == '+')) {
        (*at)++;
    }
    int64_t year;
    int64_t month = 1;
    int64_t day = 1;
    if (!digits(text, at, 4, 7, &year)) {
        return false;
    }
    if (accept(text, at, '-')) {
        if (!digits(text, at, 1, 2, &month)) {
            return false;
        }
        if (accept(text, at, '-') && !digits(text, at, 1, 2, &day)) {
            return false;
        }
    }
    return days_of(is_negative ? -year : year, month, day, ret_days);
}

bool sq_date_from_text(Str text, int64_t *ret_days) {
    text = str_trim(text);
    size_t at = 0;
    if (!read_date(text, &at, ret_days)) {
        return false;
    }
    if (at == text.len) {
        return true;
    }
    /* What stands behind a whole date is ignored: 2020-01-01T12:00. */
    size_t hyphens = 0;
    for (size_t i = 1; i < at; i++) {
        hyphens += text.data[i] == '-';
    }
    return hyphens == 2 && (text.data[at] == ' ' || text.data[at] == 'T');
}

/* +1, +01:00, +01:00:00, with the sign at *at. */
static bool read_offset(Str text, size_t at, int64_t *ret_seconds) {
    bool is_negative = at < text.len && text.data[at] == '-';
    at++;
    int64_t parts[3] = {0, 0, 0};
    if (!digits(text, &at, 1, 2, &parts[0])) {
        return false;
    }
    for (int i = 1; i < 3 && at < text.len; i++) {
        (void)accept(text, &at, ':');
        if (!digits(text, &at, 1, 2, &parts[i])) {
            return false;
        }
    }
    if (at != text.len || parts[0] > 18 || parts[1] > 59 || parts[2] > 59) {
        return false;
    }
    int64_t seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
    *ret_seconds = is_negative ? -seconds : seconds;
    return seconds <= 18 * 3600;
}

/* Whether the text has the form of a region's name (Europe/Berlin, EST5EDT); whether there is such a region analyze/ finds out. */
static bool is_region(Str zone) {
    bool has_letter = false;
    for (size_t i = 0; i < zone.len; i++) {
        char c = zone.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        has_letter = has_letter || is_letter;
        if (!is_letter && !(c >= '0' && c <= '9') && c != '/' && c != '_' && c != '+' && c != '-') {
            return false;
        }
    }
    return has_letter && memchr(zone.data, '/', zone.len) != NULL;
}

static bool read_zone(Str zone, SqInstant *instant) {
    instant->has_zone = true;
    if (str_eq(zone, STR("Z")) || str_eq(zone, STR("UTC")) || str_eq(zone, STR("GMT")) || str_eq(zone, STR("UT"))) {
        return true;
    }
    size_t at = 0;
    if (str_starts_with(zone, STR("UTC")) || str_starts_with(zone, STR("GMT"))) {
        at = 3;
    } else if (str_starts_with(zone, STR("UT"))) {
        at = 2;
    }
    if (at < zone.len && (zone.data[at] == '+' || zone.data[at] == '-')) {
        int64_t seconds;
        if (!read_offset(zone, at, &seconds)) {
            return false;
        }
        instant->micros -= seconds * MICROS_PER_SECOND;
        return true;
    }
    instant->is_named_zone = is_region(zone);
    return instant->is_named_zone;
}

/* hh[:mm[:ss[.ffffff]]] at *at. */
static bool read_time(Str text, size_t *at, int64_t *ret_micros) {
    int64_t hour;
    int64_t minute = 0;
    int64_t second = 0;
    int64_t micros = 0;
    if (!digits(text, at, 1, 2, &hour)) {
        return false;
    }
    if (accept(text, at, ':')) {
        if (!digits(text, at, 1, 2, &minute)) {
            return false;
        }
        if (accept(text, at, ':')) {
            if (!digits(text, at, 1, 2, &second)) {
                return false;
            }
            if (accept(text, at, '.')) {
                size_t count = 0;
                for (; *at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++, count++) {
                    micros = count < 6 ? micros * 10 + (text.data[*at] - '0') : micros; /* what is finer is cut off */
                }
                for (; count < 6; count++) {
                    micros *= 10;
                }
            }
        }
    }
    if (hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    *ret_micros = ((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + micros;
    return true;
}

bool sq_timestamp_from_text(Str text, SqInstant *ret_instant) {
    text = str_trim(text);
    *ret_instant = (SqInstant){0};
    size_t at = 0;
    int64_t days;
    if (!read_date(text, &at, &days)) {
        return false;
    }
    if (days > INT64_MAX / MICROS_PER_DAY - 1 || days < INT64_MIN / MICROS_PER_DAY + 1) {
        return false;
    }
    ret_instant->micros = days * MICROS_PER_DAY;
    if (at == text.len) {
        return true;
    }
    if (!accept(text, &at, ' ') && !accept(text, &at, 'T')) {
        return false;
    }
    int64_t micros;
    if (!read_time(text, &at, &micros)) {
        return false;
    }
    ret_instant->micros += micros;
    Str zone = str_trim(str_slice(text, at, text.len));
    return zone.len == 0 || read_zone(zone, ret_instant);
}
