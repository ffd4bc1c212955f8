/* kernels/calendar.c - see calendar.h. Zones come from ICU's own data, so that no tzdata package is needed.
 *
 * Invariant: a zone's table is made once, for 1800 to 2450, by when every rule has been the same for a cycle of the calendar; later times repeat it.
 */
#include "kernels/calendar.h"

#include "kernels/number_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unicode/ucal.h>
#include <unicode/ustring.h>

/* ---- dates ------------------------------------------------------------------------------------------------------------------------ */

int64_t kn_days_of(int64_t year, int month, int day) {
    /* Years begin in March, so that the leap day is the last. */
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = kn_floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

KnDate kn_date_of(int64_t days) {
    int64_t z = days + 719468;
    int64_t era = kn_floor_div(z, 146097);
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    KnDate date = {.year = year_of_era + era * 400, .day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1)};
    date.month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    date.year += date.month <= 2 ? 1 : 0;
    return date;
}

bool kn_is_leap(int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int kn_month_length(int64_t year, int month) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && kn_is_leap(year) ? 29 : lengths[month - 1];
}

bool kn_is_date(int64_t year, int64_t month, int64_t day) {
    return month >= 1 && month <= 12 && day >= 1 && day <= kn_month_length(year, (int)month);
}

int kn_day_of_week(int64_t days) {
    return (int)kn_floor_mod(days + 3, 7) + 1;
}

int kn_day_of_year(int64_t days) {
    return (int)(days - kn_days_of(kn_date_of(days).year, 1, 1)) + 1;
}

int kn_week_of_year(int64_t days, int64_t *ret_year) {
    /* The week belongs to the year of its Thursday. */
    int64_t thursday = days - (kn_day_of_week(days) - 4);
    int64_t year = kn_date_of(thursday).year;
    if (ret_year != NULL) {
        *ret_year = year;
    }
    return (int)((thursday - kn_days_of(year, 1, 1)) / 7) + 1;
}

int64_t kn_add_months(int64_t days, int64_t months) {
    KnDate date = kn_date_of(days);
    int64_t total = date.year * 12 + (date.month - 1) + months;
    int64_t year = kn_floor_div(total, 12);
    int month = (int)kn_floor_mod(total, 12) + 1;
    int length = kn_month_length(year, month);
    return kn_days_of(year, month, date.day < length ? date.day : length);
}

/* ---- zones ------------------------------------------------------------------------------------------------------------------------ */

enum { MAX_TRANSITIONS = 1536 };

#define TABLE_START (INT64_C(-5364662400))  /* 1800 */
#define TABLE_END INT64_C(15147388800)      /* 2450 */
#define CYCLE INT64_C(12622780800)          /* seconds of 400 years */

struct KnZone {
    int32_t first; /* offset before the first transition */
    size_t count;
    int64_t at[MAX_TRANSITIONS];       /* UTC seconds */
    int64_t local_at[MAX_TRANSITIONS]; /* local seconds from which the new offset holds */
    int32_t offset[MAX_TRANSITIONS];   /* from then on */
};

/* +h +hh +hh:mm +hhmm +hh:mm:ss +hhmmss, at most 18 hours. */
static bool parse_offset(Str text, int32_t *ret_seconds) {
    if (text.len < 2 || (text.data[0] != '+' && text.data[0] != '-')) {
        return false;
    }
    int parts[3] = {0, 0, 0};
    int digits[3] = {0, 0, 0};
    int part = 0;
    bool has_colon = memchr(text.data, ':', text.len) != NULL;
    for (size_t i = 1; i < text.len; i++) {
        char c = text.data[i];
        if (c == ':' && part < 2 && digits[part] > 0) {
            part++;
        } else if (c >= '0' && c <= '9') {
            if (digits[part] == 2) {
                if (has_colon || part == 2) {
                    return false;
                }
                part++;
            }
            parts[part] = parts[part] * 10 + (c - '0');
            digits[part]++;
        } else {
            return false;
        }
    }
    /* Spark pads +7:30 and +07:3 itself; +073 is none. */
    if (digits[part] == 0 || parts[1] > 59 || parts[2] > 59 || (!has_colon && part > 0 && digits[part] != 2) || (part == 2 && digits[2] != 2)) {
        return false;
    }
    int32_t seconds = parts[0] * 3600 + parts[1] * 60 + parts[2];
    *ret_seconds = text.data[0] == '-' ? -seconds : seconds;
    return seconds <= 18 * 3600;
}

static Str short_id(Str name) {
    static const char *const ids[][2] = {
        {"EST", "-05:00"},           {"HST", "-10:00"},          {"MST", "-07:00"},           {"ACT", "Australia/Darwin"},
        {"AET", "Australia/Sydney"}, {"AGT", "America/Argentina/Buenos_Aires"}, {"ART", "Africa/Cairo"}, {"AST", "America/Anchorage"},
        {"BET", "America/Sao_Paulo"}, {"BST", "Asia/Dhaka"},     {"CAT", "Africa/Harare"},    {"CNT", "America/St_Johns"},
        {"CST", "America/Chicago"},  {"CTT", "Asia/Shanghai"},   {"EAT", "Africa/Addis_Ababa"}, {"ECT", "Europe/Paris"},
        {"IET", "America/Indiana/Indianapolis"}, {"IST", "Asia/Kolkata"}, {"JST", "Asia/Tokyo"}, {"MIT", "Pacific/Apia"},
        {"NET", "Asia/Yerevan"},     {"NST", "Pacific/Auckland"}, {"PLT", "Asia/Karachi"},    {"PNT", "America/Phoenix"},
        {"PRT", "America/Puerto_Rico"}, {"PST", "America/Los_Angeles"}, {"SST", "Pacific/Guadalcanal"}, {"VST", "Asia/Ho_Chi_Minh"}};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        if (str_eq_c(name, ids[i][0])) {
            return str_from_c(ids[i][1]);
        }
    }
    return name;
}

static int32_t icu_offset(UCalendar *calendar, UErrorCode *status) {
    return (ucal_get(calendar, UCAL_ZONE_OFFSET, status) + ucal_get(calendar, UCAL_DST_OFFSET, status)) / 1000;
}

static bool fill_region(KnZone *zone, Str name) {
    UChar id[64];
    UChar canonical[64];
    UErrorCode status = U_ZERO_ERROR;
    UBool is_system = 0;
    if (name.len == 0 || name.len >= 60) {
        return false;
    }
    u_charsToUChars(name.data, id, (int32_t)name.len);
    ucal_getCanonicalTimeZoneID(id, (int32_t)name.len, canonical, 64, &is_system, &status);
    if (U_FAILURE(status) || !is_system) {
        return false;
    }
    UCalendar *calendar = ucal_open(id, (int32_t)name.len, "en", UCAL_GREGORIAN, &status);
    if (U_FAILURE(status)) {
        return false;
    }
    ucal_setMillis(calendar, (double)TABLE_START * 1000, &status);
    zone->first = icu_offset(calendar, &status);
    int32_t before = zone->first;
    UDate next = 0;
    while (zone->count < MAX_TRANSITIONS && ucal_getTimeZoneTransitionDate(calendar, UCAL_TZ_TRANSITION_NEXT, &next, &status) &&
           next < (double)TABLE_END * 1000) {
        ucal_setMillis(calendar, next, &status);
        int32_t after = icu_offset(calendar, &status);
        if (after != before) {
            zone->at[zone->count] = (int64_t)(next / 1000);
            zone->local_at[zone->count] = zone->at[zone->count] + (after > before ? after : before);
            zone->offset[zone->count++] = after;
        }
        before = after;
    }
    ucal_close(calendar);
    return U_SUCCESS(status);
}

static bool fill_zone(KnZone *zone, Str given) {
    Str name = short_id(given);
    if (str_eq(name, STR("Z")) || str_eq(name, STR("UTC")) || str_eq(name, STR("GMT")) || str_eq(name, STR("UT"))) {
        return true;
    }
    if (parse_offset(name, &zone->first)) {
        return true;
    }
    static const char *const prefixes[] = {"UTC", "GMT", "UT"};
    for (size_t i = 0; i < 3; i++) {
        Str prefix = str_from_c(prefixes[i]);
        if (str_starts_with(name, prefix) && parse_offset(str_slice(name, prefix.len, name.len), &zone->first)) {
            return true;
        }
    }
    return fill_region(zone, name);
}

KnZone *kn_zone_new(Str name) {
    KnZone *zone = calloc(1, sizeof *zone);
    if (zone != NULL && !fill_zone(zone, name)) {
        free(zone);
        return NULL;
    }
    return zone;
}

void kn_zone_free(void *owned_zone) {
    free(owned_zone);
}

static void *make_zone(KnCall *kn, Str name) {
    KnZone *zone = kn_zone_new(name);
    if (zone == NULL) {
        kn_fail(kn, "INVALID_TIMEZONE: [INVALID_TIMEZONE] The timezone: %.*s is invalid.", STR_ARG(name));
    }
    return zone;
}

const KnZone *kn_zone_of(KnCall *kn, Str name) {
    return kn_cached(kn, name, make_zone, kn_zone_free);
}

/* The last entry of a sorted table that is not after a value, or count. */
static size_t last_before(const int64_t *table, size_t count, int64_t value) {
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (table[middle] <= value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? count : low - 1;
}

static int64_t offset_in(const KnZone *zone, const int64_t *table, int64_t seconds) {
    if (zone->count == 0) {
        return zone->first;
    }
    if (seconds >= TABLE_END) {
        seconds -= ((seconds - TABLE_END) / CYCLE + 1) * CYCLE;
    }
    size_t index = last_before(table, zone->count, seconds);
    return index == zone->count ? zone->first : zone->offset[index];
}

int64_t kn_zone_offset(const KnZone *zone, int64_t utc_seconds) {
    return offset_in(zone, zone->at, utc_seconds);
}

int64_t kn_zone_offset_local(const KnZone *zone, int64_t local_seconds) {
    return offset_in(zone, zone->local_at, local_seconds);
}

int64_t kn_to_local(const KnZone *zone, int64_t utc_us) {
    int64_t local;
    int64_t offset = kn_zone_offset(zone, kn_floor_div(utc_us, KN_US_PER_SECOND)) * KN_US_PER_SECOND;
    return __builtin_add_overflow(utc_us, offset, &local) ? (offset < 0 ? INT64_MIN : INT64_MAX) : local;
}

int64_t kn_to_utc(const KnZone *zone, int64_t local_us) {
    int64_t utc;
    int64_t offset = kn_zone_offset_local(zone, kn_floor_div(local_us, KN_US_PER_SECOND)) * KN_US_PER_SECOND;
    return __builtin_sub_overflow(local_us, offset, &utc) ? (offset < 0 ? INT64_MAX : INT64_MIN) : utc;
}

/* ---- text ------------------------------------------------------------------------------------------------------------------------- */

size_t kn_date_text(int64_t days, char *ret_text) {
    KnDate date = kn_date_of(days);
    const char *sign = date.year < 0 ? "-" : date.year > 9999 ? "+" : "";
    int64_t year = date.year < 0 ? -date.year : date.year;
    int n = snprintf(ret_text, 48, "%s%04lld-%02d-%02d", sign, (long long)year, date.month, date.day);
    return n > 0 ? (size_t)n : 0;
}

size_t kn_timestamp_text(int64_t local_us, char *ret_text) {
    int64_t days = kn_floor_div(local_us, KN_US_PER_DAY);
    int64_t rest = local_us - days * KN_US_PER_DAY;
    int64_t seconds = rest / KN_US_PER_SECOND;
    int micros = (int)(rest % KN_US_PER_SECOND);
    size_t len = kn_date_text(days, ret_text);
    int n = snprintf(ret_text + len, 24, " %02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
    len += n > 0 ? (size_t)n : 0;
    if (micros > 0) {
        n = snprintf(ret_text + len, 16, ".%06d", micros);
        len += n > 0 ? (size_t)n : 0;
        while (ret_text[len - 1] == '0') {
            len--;
        }
    }
    return len;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool date_digits_fit(int segment, int digits) {
    return segment == 0 ? digits >= 4 && digits <= 7 : digits > 0 && digits <= 2;
}

bool kn_parse_date(Str text, int64_t *ret_days) {
    Str s = kn_trim_all(text);
    int64_t segments[3] = {1, 1, 1};
    int64_t value = 0;
    int digits = 0;
    int segment = 0;
    size_t at = 0;
    bool is_negative = false;
    if (s.len == 0) {
        return false;
    }
    if (s.data[0] == '-' || s.data[0] == '+') {
        is_negative = s.data[0] == '-';
        at = 1;
    }
    for (; at < s.len && s.data[at] != ' ' && s.data[at] != 'T'; at++) {
        if (segment < 2 && s.data[at] == '-') {
            if (!date_digits_fit(segment, digits)) {
                return false;
            }
            segments[segment++] = value;
            value = 0;
            digits = 0;
        } else if (is_digit(s.data[at]) && digits < 8) {
            value = value * 10 + (s.data[at] - '0');
            digits++;
        } else {
            return false;
        }
    }
    if (!date_digits_fit(segment, digits) || (segment < 2 && at < s.len)) {
        return false;
    }
    segments[segment] = value;
    int64_t year = is_negative ? -segments[0] : segments[0];
    if (!kn_is_date(year, segments[1], segments[2])) {
        return false;
    }
    int64_t days = kn_days_of(year, (int)segments[1], (int)segments[2]);
    *ret_days = days;
    return days >= INT32_MIN && days <= INT32_MAX;
}

/* What the scanner of a timestamp has found. */
typedef struct Scan {
    int64_t segments[9]; /* year month day hour minute second fraction … */
    int segment, digits, fraction_digits;
    int64_t value;
    bool is_time_only;
    bool has_sign, is_negative;
    Str zone;
    bool has_zone;
} Scan;

static bool digits_fit(int segment, int digits) {
    switch (segment) {
    case 0: return digits >= 4 && digits <= 6;
    case 6: return true;
    case 7: return digits <= 2;
    default: return digits > 0 && digits <= 2;
    }
}

static bool close_segment(Scan *scan, int checked_as) {
    if (!digits_fit(checked_as, scan->digits)) {
        return false;
    }
    scan->segments[scan->segment] = scan->value;
    scan->value = 0;
    scan->digits = 0;
    return true;
}

/* A character that is no digit; false: no timestamp. */
static bool scan_mark(Scan *scan, Str s, size_t at) {
    char c = s.data[at];
    if (at == 0 && c == 'T') {
        scan->is_time_only = true;
        scan->segment += 3;
        return true;
    }
    if (scan->segment < 2) {
        if (c == '-') {
            bool ok = close_segment(scan, scan->segment);
            scan->segment++;
            return ok;
        }
        if (scan->segment == 0 && c == ':' && !scan->has_sign) {
            scan->is_time_only = true;
            scan->segment = 3;
            bool ok = close_segment(scan, 3);
            scan->segment = 4;
            return ok;
        }
        return false;
    }
    if (scan->segment == 2 || scan->segment == 3 || scan->segment == 4) {
        bool fits = scan->segment == 2 ? c == ' ' || c == 'T' : c == ':';
        if (!fits || !close_segment(scan, scan->segment)) {
            return false;
        }
        scan->segment++;
        return true;
    }
    if (scan->segment == 5 && c == '.') {
        bool ok = close_segment(scan, 5);
        scan->segment = 6;
        return ok;
    }
    if (!close_segment(scan, scan->segment)) { /* the rest is a zone */
        return false;
    }
    scan->zone = str_slice(s, at, s.len);
    scan->has_zone = true;
    return true;
}

static bool scan_timestamp(Str s, Scan *scan) {
    size_t at = 0;
    if (s.data[0] == '-' || s.data[0] == '+') {
        scan->has_sign = true;
        scan->is_negative = s.data[0] == '-';
        at = 1;
    }
    for (; at < s.len && !scan->has_zone; at++) {
        char c = s.data[at];
        if (!is_digit(c)) {
            if (!scan_mark(scan, s, at)) {
                return false;
            }
            continue;
        }
        scan->fraction_digits += scan->segment == 6;
        if (scan->segment != 6 || scan->digits < 6) {
            if (scan->digits > 8) {
                return false;
            }
            scan->value = scan->value * 10 + (c - '0');
        }
        scan->digits++;
    }
    if (!scan->has_zone && !close_segment(scan, scan->segment)) {
        return false;
    }
    for (; scan->fraction_digits < 6; scan->fraction_digits++) {
        scan->segments[6] *= 10;
    }
    return true;
}

bool kn_parse_timestamp(Str text, const KnZone *session, bool is_ntz, int64_t *ret_us) {
    Str s = kn_trim_all(text);
    Scan scan = {.segments = {1, 1, 1, 0, 0, 0, 0, 0, 0}};
    if (s.len == 0 || !scan_timestamp(s, &scan) || (is_ntz && scan.is_time_only)) {
        return false;
    }
    KnZone *own = NULL;
    if (scan.has_zone) {
        own = kn_zone_new(kn_trim_all(scan.zone));
        if (own == NULL) {
            return false;
        }
    }
    const KnZone *zone = own != NULL ? own : session;
    int64_t days = 0;
    bool ok = scan.segments[3] < 24 && scan.segments[4] < 60 && scan.segments[5] < 60;
    if (scan.is_time_only) {
        days = kn_floor_div(kn_to_local(zone, (int64_t)time(NULL) * KN_US_PER_SECOND), KN_US_PER_DAY);
    } else {
        int64_t year = scan.is_negative ? -scan.segments[0] : scan.segments[0];
        ok = ok && kn_is_date(year, scan.segments[1], scan.segments[2]);
        days = ok ? kn_days_of(year, (int)scan.segments[1], (int)scan.segments[2]) : 0;
    }
    __int128 local = (__int128)days * KN_US_PER_DAY +
                     ((scan.segments[3] * 60 + scan.segments[4]) * 60 + scan.segments[5]) * KN_US_PER_SECOND + scan.segments[6];
    ok = ok && local >= INT64_MIN && local <= INT64_MAX;
    if (ok) {
        *ret_us = is_ntz ? (int64_t)local : kn_to_utc(zone, (int64_t)local);
    }
    kn_zone_free(own);
    return ok;
}
