/* kernels/date_pattern.c - java.time.DateTimeFormatter's patterns in the US locale: formatting and parsing.
 *
 * Reached by date_format, from_unixtime, to_timestamp and the like. Invariant: the letters and rules of Spark 3.5's datetime patterns; a pattern
 * that Spark refuses ends the query with its error class, a text that does not fit gives null.
 */
#include "kernels/calendar.h"
#include "kernels/kn_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

enum { MAX_ITEMS = 64, LITERAL = '\'' };

typedef struct Item {
    char letter; /* LITERAL, '[' or ']' too */
    int count;
    char text[48]; /* of a literal */
    size_t len;
} Item;

typedef struct Pattern {
    Item items[MAX_ITEMS];
    size_t count;
    char zone_name[64]; /* of the zone last used, for z */
} Pattern;

static const char *const month_names[] = {"January", "February", "March",     "April",   "May",      "June",
                                          "July",    "August",   "September", "October", "November", "December"};
static const char *const day_names[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

static bool refuse(KnCall *kn, Str pattern) {
    kn_fail(kn,
            "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION: [INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION] You may "
            "get a different result due to the upgrading to Spark >= 3.0:\nFail to recognize '%.*s' pattern in the DateTimeFormatter. 1) You can set "
            "\"spark.sql.legacy.timeParserPolicy\" to \"LEGACY\" to restore the behavior before Spark 3.0. 2) You can form a valid datetime "
            "pattern with the guide from 'https://spark.apache.org/docs/latest/sql-ref-datetime-pattern.html'.",
            STR_ARG(pattern));
    return false;
}

static bool add_item(Pattern *made, char letter, int count, const char *text, size_t len) {
    if (made->count == MAX_ITEMS || len > sizeof made->items[0].text) {
        return false;
    }
    Item *item = &made->items[made->count++];
    *item = (Item){.letter = letter, .count = count, .len = len};
    if (len > 0) {
        memcpy(item->text, text, len);
    }
    return true;
}

static bool compile(Pattern *made, Str s) {
    for (size_t i = 0; i < s.len;) {
        char c = s.data[i];
        if (c == '\'') {
            char text[48];
            size_t len = 0;
            size_t at = i + 1;
            if (at < s.len && s.data[at] == '\'') {
                text[len++] = '\'';
                at++;
            } else {
                for (; at < s.len && !(s.data[at] == '\'' && !(at + 1 < s.len && s.data[at + 1] == '\'')); at++) {
                    at += s.data[at] == '\'' ? 1 : 0; /* '' inside is one quote */
                    if (len == sizeof text) {
                        return false;
                    }
                    text[len++] = s.data[at];
                }
                if (at == s.len) {
                    return false; /* not closed */
                }
                at++;
            }
            if (!add_item(made, LITERAL, 1, text, len)) {
                return false;
            }
            i = at;
            continue;
        }
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            size_t end = i;
            while (end < s.len && s.data[end] == c) {
                end++;
            }
            if (strchr("ABcenNpYWwuF", c) != NULL || strchr("GyMLdDEahHkKmsSVzOXxZQq", c) == NULL || end - i > (c == 'y' ? 6 : c == 'S' ? 9 : 5) ||
                !add_item(made, c, (int)(end - i), NULL, 0)) {
                return false;
            }
            i = end;
            continue;
        }
        if (c == '#' || c == '{' || c == '}' || !add_item(made, c == '[' || c == ']' ? c : LITERAL, 1, &c, 1)) {
            return false;
        }
        i++;
    }
    return true;
}

static void *make_pattern(KnCall *kn, Str text) {
    Pattern *made = calloc(1, sizeof *made);
    if (made == NULL || !compile(made, text)) {
        free(made);
        refuse(kn, text);
        return NULL;
    }
    return made;
}

static Pattern *pattern_of(KnCall *kn, Str text) {
    return kn_cached_also(kn, text, make_pattern, free);
}

/* ---- formatting ------------------------------------------------------------------------------------------------------------------- */

static void add_number(KnCall *kn, int64_t value, int width) {
    char text[32];
    int n = snprintf(text, sizeof text, "%0*lld", width, (long long)value);
    kn_text_add(kn, text, n > 0 ? (size_t)n : 0);
}

static void add_word(KnCall *kn, const char *word, bool is_full) {
    kn_text_add(kn, word, is_full ? strlen(word) : 3);
}

static void add_offset(KnCall *kn, int64_t offset, const Item *item) {
    char text[24];
    char sign = offset < 0 ? '-' : '+';
    int64_t size = offset < 0 ? -offset : offset;
    int hours = (int)(size / 3600);
    int minutes = (int)(size / 60 % 60);
    int seconds = (int)(size % 60);
    int n = 0;
    if (item->letter == 'O') {
        n = size == 0              ? snprintf(text, sizeof text, "GMT")
            : item->count == 4     ? snprintf(text, sizeof text, "GMT%c%02d:%02d", sign, hours, minutes)
            : minutes == 0         ? snprintf(text, sizeof text, "GMT%c%d", sign, hours)
                                   : snprintf(text, sizeof text, "GMT%c%d:%02d", sign, hours, minutes);
    } else if (item->letter == 'X' && size == 0) {
        n = snprintf(text, sizeof text, "Z");
    } else if (item->letter == 'Z') {
        n = item->count == 4   ? (size == 0 ? snprintf(text, sizeof text, "GMT") : snprintf(text, sizeof text, "GMT%c%02d:%02d", sign, hours, minutes))
            : item->count == 5 ? (size == 0 ? snprintf(text, sizeof text, "Z") : snprintf(text, sizeof text, "%c%02d:%02d", sign, hours, minutes))
                               : snprintf(text, sizeof text, "%c%02d%02d", sign, hours, minutes);
    } else if (item->count == 1) {
        n = minutes == 0 ? snprintf(text, sizeof text, "%c%02d", sign, hours) : snprintf(text, sizeof text, "%c%02d%02d", sign, hours, minutes);
    } else if (item->count == 2 || (item->count == 4 && seconds == 0)) {
        n = snprintf(text, sizeof text, "%c%02d%02d", sign, hours, minutes);
    } else if (item->count == 3 || seconds == 0) {
        n = snprintf(text, sizeof text, "%c%02d:%02d", sign, hours, minutes);
    } else {
        n = snprintf(text, sizeof text, item->count == 4 ? "%c%02d%02d%02d" : "%c%02d:%02d:%02d", sign, hours, minutes, seconds);
    }
    kn_text_add(kn, text, n > 0 ? (size_t)n : 0);
}

static void add_zone_name(KnCall *kn, Str zone, int64_t utc_us, bool is_full) {
    UChar id[64];
    UChar name[64];
    char bytes[200];
    int32_t nbytes = 0;
    UErrorCode status = U_ZERO_ERROR;
    if (zone.len >= 60) {
        return;
    }
    u_charsToUChars(zone.data, id, (int32_t)zone.len);
    UCalendar *calendar = ucal_open(id, (int32_t)zone.len, "en_US", UCAL_GREGORIAN, &status);
    if (U_FAILURE(status)) {
        return;
    }
    ucal_setMillis(calendar, (double)(utc_us / 1000), &status);
    bool is_summer = ucal_inDaylightTime(calendar, &status) != 0;
    UCalendarDisplayNameType type = is_summer ? (is_full ? UCAL_DST : UCAL_SHORT_DST) : (is_full ? UCAL_STANDARD : UCAL_SHORT_STANDARD);
    int32_t n = ucal_getTimeZoneDisplayName(calendar, type, "en_US", name, 64, &status);
    u_strToUTF8(bytes, sizeof bytes, &nbytes, name, n, &status);
    ucal_close(calendar);
    if (U_SUCCESS(status)) {
        kn_text_add(kn, bytes, (size_t)nbytes);
    }
}

/* One item of a local time; zone and utc_us for the letters that show the zone. */
static void format_item(KnCall *kn, const Item *item, int64_t local_us, int64_t utc_us, Str zone) {
    int64_t days = kn_floor_div(local_us, KN_US_PER_DAY);
    int64_t of_day = local_us - days * KN_US_PER_DAY;
    KnDate date = kn_date_of(days);
    int hour = (int)(of_day / INT64_C(3600000000));
    int64_t year = date.year > 0 ? date.year : 1 - date.year; /* of the era */
    int width = item->count;
    switch (item->letter) {
    case LITERAL: kn_text_add(kn, item->text, item->len); break;
    case 'G': kn_text_add(kn, date.year > 0 ? "AD" : "BC", 2); break;
    case 'y':
        if (width == 2) {
            add_number(kn, year % 100, 2);
        } else {
            if (width >= 4 && year > 9999 && year >= (width == 4 ? 10000 : width == 5 ? 100000 : 1000000)) {
                kn_text_char(kn, '+');
            }
            add_number(kn, year, width);
        }
        break;
    case 'M':
    case 'L':
        if (width < 3) {
            add_number(kn, date.month, width);
        } else if (width == 5) {
            kn_text_add(kn, month_names[date.month - 1], 1);
        } else {
            add_word(kn, month_names[date.month - 1], width == 4);
        }
        break;
    case 'd': add_number(kn, date.day, width); break;
    case 'D': add_number(kn, kn_day_of_year(days), width); break;
    case 'E':
        if (width == 5) {
            kn_text_add(kn, day_names[kn_day_of_week(days) - 1], 1);
        } else {
            add_word(kn, day_names[kn_day_of_week(days) - 1], width == 4);
        }
        break;
    case 'a': kn_text_add(kn, hour < 12 ? "AM" : "PM", 2); break;
    case 'h': add_number(kn, hour % 12 == 0 ? 12 : hour % 12, width); break;
    case 'H': add_number(kn, hour, width); break;
    case 'k': add_number(kn, hour == 0 ? 24 : hour, width); break;
    case 'K': add_number(kn, hour % 12, width); break;
    case 'm': add_number(kn, of_day / 60000000 % 60, width); break;
    case 's': add_number(kn, of_day / 1000000 % 60, width); break;
    case 'S': {
        char digits[16];
        int n = snprintf(digits, sizeof digits, "%06d000", (int)(of_day % 1000000));
        kn_text_add(kn, digits, n > 0 ? (size_t)width : 0);
        break;
    }
    case 'Q':
    case 'q': {
        int quarter = (date.month + 2) / 3;
        if (width < 3) {
            add_number(kn, quarter, width);
        } else if (width == 3) {
            kn_text_char(kn, 'Q');
            add_number(kn, quarter, 1);
        } else {
            static const char *const names[] = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};
            add_word(kn, names[quarter - 1], true);
        }
        break;
    }
    case 'V': kn_text_add(kn, zone.data, zone.len); break;
    case 'z': add_zone_name(kn, zone, utc_us, width == 4); break;
    case 'O':
    case 'X':
    case 'x':
    case 'Z': add_offset(kn, (local_us - utc_us) / KN_US_PER_SECOND, item); break;
    default: break; /* the brackets of an optional part */
    }
}

static void date_format(KnCall *kn) { /* (timestamp, pattern, zone) */
    KN_EACH_ROW(kn, i) {
        int64_t utc_us = KN_ARG(kn, int64_t, 0)[i];
        Str name = kn_str(kn, 2, i);
        const Pattern *pattern = pattern_of(kn, kn_str(kn, 1, i));
        const KnZone *zone = pattern == NULL ? NULL : kn_zone_of(kn, name);
        if (zone == NULL) {
            return;
        }
        int64_t local = kn_to_local(zone, utc_us);
        kn_text_start(kn);
        for (size_t k = 0; k < pattern->count; k++) {
            format_item(kn, &pattern->items[k], local, utc_us, name);
        }
        kn_put(kn, i, kn->state->buffer_len == 0 ? STR("") : kn_text_str(kn));
    }
}

/* ---- parsing ---------------------------------------------------------------------------------------------------------------------- */

typedef struct Fields {
    int64_t year;
    int month, day, day_of_year;
    int hour, half_hour, half; /* half: 0 AM, 1 PM, -1 unknown; half_hour: of 12, -1 unknown */
    int minute, second, micros;
    bool has_day_of_year;
    bool is_before_era;
    KnZone *owned_zone;
} Fields;

static bool is_numeric(const Item *item) {
    return item->letter != LITERAL && strchr("yMLdDhHkKmsS", item->letter) != NULL && !((item->letter == 'M' || item->letter == 'L') && item->count > 2);
}

/* Digits at *at: between least and most. */
static bool read_number(Str s, size_t *at, int least, int most, int64_t *ret_value) {
    int n = 0;
    int64_t value = 0;
    while (*at < s.len && n < most && s.data[*at] >= '0' && s.data[*at] <= '9') {
        value = value * 10 + (s.data[(*at)++] - '0');
        n++;
    }
    *ret_value = value;
    return n >= least;
}

static bool read_word(Str s, size_t *at, const char *const *words, int count, bool is_full, int *ret_index) {
    for (int i = 0; i < count; i++) {
        size_t len = is_full ? strlen(words[i]) : 3;
        if (s.len - *at >= len && str_eq_nocase(str_slice(s, *at, *at + len), (Str){words[i], len})) {
            *at += len;
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static bool read_zone(Str s, size_t *at, const Item *item, Fields *fields) {
    size_t end = *at;
    if (item->letter == 'V' || item->letter == 'z' || item->letter == 'O' || item->letter == 'Z') {
        while (end < s.len && s.data[end] != ' ' && s.data[end] != ']' && s.data[end] != ')') {
            end++;
        }
    } else if (end < s.len && s.data[end] == 'Z') {
        end++;
    } else {
        if (end < s.len && (s.data[end] == '+' || s.data[end] == '-')) {
            end++;
        }
        while (end < s.len && ((s.data[end] >= '0' && s.data[end] <= '9') || s.data[end] == ':')) {
            end++;
        }
    }
    if (end == *at || (item->letter == 'x' && s.data[*at] == 'Z')) {
        return false;
    }
    fields->owned_zone = kn_zone_new(str_slice(s, *at, end));
    *at = end;
    return fields->owned_zone != NULL;
}

static bool read_year(const Item *item, bool is_adjacent, Str s, size_t *at, Fields *fields) {
    int64_t value;
    if (item->count == 2) {
        if (!read_number(s, at, 2, 2, &value)) {
            return false;
        }
        fields->year = 2000 + value;
        return true;
    }
    bool has_sign = item->count >= 4 && *at < s.len && s.data[*at] == '+';
    *at += has_sign ? 1 : 0;
    size_t before = *at;
    if (!read_number(s, at, item->count, is_adjacent ? item->count : 10, &value) ||
        (item->count >= 4 && (*at - before > (size_t)item->count) != has_sign)) {
        return false;
    }
    fields->year = value;
    return value > 0;
}

static bool read_item(const Item *item, bool is_adjacent, Str s, size_t *at, Fields *fields) {
    int64_t value = 0;
    int index = 0;
    int most = is_adjacent || item->count > 1 ? item->count : 2;
    switch (item->letter) {
    case LITERAL:
        if (s.len - *at < item->len || !str_eq_nocase(str_slice(s, *at, *at + item->len), (Str){item->text, item->len})) {
            return false;
        }
        *at += item->len;
        return true;
    case 'y': return read_year(item, is_adjacent, s, at, fields);
    case 'M':
    case 'L':
        if (item->count > 2) {
            bool ok = item->count < 5 && read_word(s, at, month_names, 12, item->count == 4, &index);
            fields->month = index + 1;
            return ok;
        }
        if (!read_number(s, at, item->count, most, &value)) {
            return false;
        }
        fields->month = (int)value;
        return true;
    case 'S': {
        size_t before = *at;
        if (!read_number(s, at, 1, item->count, &value)) {
            return false;
        }
        size_t digits = *at - before;
        for (; digits < 6; digits++) {
            value *= 10;
        }
        for (; digits > 6; digits--) {
            value /= 10;
        }
        fields->micros = (int)value;
        return true;
    }
    case 'a':
        if (s.len - *at < 2 || (s.data[*at + 1] | 32) != 'm' || ((s.data[*at] | 32) != 'a' && (s.data[*at] | 32) != 'p')) {
            return false;
        }
        fields->half = (s.data[*at] | 32) == 'p';
        *at += 2;
        return true;
    case 'G':
        if (s.len - *at < 2) {
            return false;
        }
        fields->is_before_era = (s.data[*at] | 32) == 'b';
        *at += 2;
        return true;
    case 'V':
    case 'z':
    case 'O':
    case 'X':
    case 'x':
    case 'Z': return read_zone(s, at, item, fields);
    case 'D': most = is_adjacent || item->count == 3 ? 3 : 3; break;
    case 'E':
    case 'Q':
    case 'q': return false; /* refused for parsing before this is reached */
    default: break;
    }
    if (!read_number(s, at, item->count, most, &value)) {
        return false;
    }
    switch (item->letter) {
    case 'd': fields->day = (int)value; return value >= 1 && value <= 31;
    case 'D':
        fields->day_of_year = (int)value;
        fields->has_day_of_year = true;
        return value >= 1 && value <= 366;
    case 'H': fields->hour = (int)value; return value < 24;
    case 'k': fields->hour = (int)value % 24; return value >= 1 && value <= 24;
    case 'h': fields->half_hour = (int)value % 12; return value >= 1 && value <= 12;
    case 'K': fields->half_hour = (int)value; return value < 12;
    case 'm': fields->minute = (int)value; return value < 60;
    case 's': fields->second = (int)value; return value < 60;
    default: return false;
    }
}

static bool read_items(const Pattern *pattern, Str s, Fields *fields) {
    size_t at = 0;
    size_t kept = 0; /* where an optional part began */
    Fields before = *fields;
    for (size_t k = 0; k < pattern->count; k++) {
        const Item *item = &pattern->items[k];
        if (item->letter == '[') {
            kept = at;
            before = *fields;
            continue;
        }
        if (item->letter == ']') {
            continue;
        }
        bool is_adjacent = is_numeric(item) && k + 1 < pattern->count && is_numeric(&pattern->items[k + 1]);
        if (read_item(item, is_adjacent, s, &at, fields)) {
            continue;
        }
        /* Inside an optional part: as if it were not there. */
        size_t close = k;
        size_t open = k;
        while (open > 0 && pattern->items[open].letter != '[' && pattern->items[open].letter != ']') {
            open--;
        }
        while (close < pattern->count && pattern->items[close].letter != ']') {
            close++;
        }
        if (pattern->items[open].letter != '[' || close == pattern->count) {
            return false;
        }
        at = kept;
        *fields = before;
        k = close;
    }
    return at == s.len;
}

static bool parse_with(const Pattern *pattern, Str s, const KnZone *session, int64_t *ret_us) {
    Fields f = {.year = 1970, .month = 1, .day = 1, .half_hour = -1, .half = -1};
    bool ok = read_items(pattern, s, &f);
    int64_t year = f.is_before_era ? 1 - f.year : f.year;
    int64_t days = 0;
    if (ok && f.has_day_of_year) {
        days = kn_days_of(year, 1, 1) + f.day_of_year - 1;
        ok = f.day_of_year <= (kn_is_leap(year) ? 366 : 365);
    } else if (ok) {
        ok = kn_is_date(year, f.month, f.day);
        days = ok ? kn_days_of(year, f.month, f.day) : 0;
    }
    int hour = f.half_hour >= 0 ? f.half_hour + (f.half == 1 ? 12 : 0) : f.hour;
    ok = ok && days > INT64_MIN / KN_US_PER_DAY && days < INT64_MAX / KN_US_PER_DAY;
    if (ok) {
        int64_t local = days * KN_US_PER_DAY + (((int64_t)hour * 60 + f.minute) * 60 + f.second) * KN_US_PER_SECOND + f.micros;
        *ret_us = kn_to_utc(f.owned_zone != NULL ? f.owned_zone : session, local);
    }
    kn_zone_free(f.owned_zone);
    return ok;
}

static void parse_timestamp(KnCall *kn) { /* (text, pattern, zone) */
    KN_EACH_ROW(kn, i) {
        Str text = kn_str(kn, 1, i);
        const Pattern *pattern = pattern_of(kn, text);
        const KnZone *zone = pattern == NULL ? NULL : kn_zone_of(kn, kn_str(kn, 2, i));
        if (zone == NULL) {
            return;
        }
        for (size_t k = 0; k < pattern->count; k++) {
            if (strchr("EFqQ", pattern->items[k].letter) != NULL) {
                refuse(kn, text);
                return;
            }
        }
        if (!parse_with(pattern, kn_str(kn, 0, i), zone, &KN_OUT(kn, int64_t)[i])) {
            kn_null(kn, i);
        }
    }
}

const KnScalar kn_date_pattern_kernels[] = {
    {"spark_date_format", "Tss:s", date_format},
    {"spark_parse_timestamp", "sss:T", parse_timestamp},
    {.name = NULL},
};
