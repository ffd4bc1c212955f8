/* kernels/calendar.c - see calendar.h. Zones come from ICU's own data, so that no tzdata package is needed.
 *
 * Invariant: a zone's table is made once, for 1800 to 2450, by when every rule has been the same for a cycle of the calendar; later times repeat it.
 */
#include "kernels/calendar.h"

#include "base/vec.h"
#include "kernels/number_text.h"

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
    return month >= 1 && month <= 12 && day >= 1 && (day <= 28 || day <= kn_month_length(year, (int)month));
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

#define TABLE_START (INT64_C(-5364662400)) /* 1800 */
#define TABLE_END INT64_C(15147388800)     /* 2450 */
#define CYCLE INT64_C(12622780800)         /* seconds of 400 years */

enum { BUCKET_BITS = 25, BUCKETS = (TABLE_END - TABLE_START) >> BUCKET_BITS, NAME_MAX = 64 };

/* When offsets begin to hold: sorted seconds with INT64_MAX behind them. Buckets of about a year say where to start looking. */
typedef struct Steps {
    const int64_t *at;
    uint16_t first[BUCKETS + 1]; /* how many lie at or before the bucket's start */
} Steps;

struct KnZone {
    Str id;
    bool is_named; /* ICU knows it by its id, and has names for it */
    int32_t offset;
    const int32_t *offsets; /* of a region: before the first transition, and from each one on; NULL: always the one offset */
    Steps utc, local;       /* transitions by UTC, and by the local time from which the new offset holds */
};

/* +h +hh +hh:mm +hhmm +hh:mm:ss +hhmmss, at most 18 hours; and +7:30 and +07:3, which Spark pads. */
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
    for (size_t i = 0; i < sizeof ids / sizeof ids[0] && name.len == 3; i++) {
        if (str_eq_c(name, ids[i][0])) {
            return str_from_c(ids[i][1]);
        }
    }
    return name;
}

/* The offset of a name that is not a region's; ret_prefix: what stands in front of it. */
static bool fixed_offset(Str name, Str *ret_prefix, int32_t *ret_seconds) {
    static const char *const prefixes[] = {"UTC", "GMT", "UT"};
    char first = name.len > 0 ? name.data[0] : '\0';
    *ret_seconds = 0;
    *ret_prefix = (Str){0};
    if (first == '+' || first == '-') {
        return parse_offset(name, ret_seconds);
    }
    if (first == 'Z') {
        return name.len == 1;
    }
    for (size_t i = 0; i < 3 && (first == 'U' || first == 'G'); i++) {
        Str prefix = str_from_c(prefixes[i]);
        if (str_starts_with(name, prefix)) {
            *ret_prefix = prefix;
            return name.len == prefix.len || parse_offset(str_slice(name, prefix.len, name.len), ret_seconds);
        }
    }
    return false;
}

/* ZoneOffset.getId behind its prefix: Z, UTC, +07:00, GMT-03:30. */
static Str offset_id(Arena *arena, Str prefix, int32_t offset) {
    int size = offset < 0 ? -offset : offset;
    char sign = offset < 0 ? '-' : '+';
    if (offset == 0) {
        return prefix.len == 0 ? STR("Z") : str_copy(arena, prefix);
    }
    if (size % 60 != 0) {
        return str_fmt(arena, "%.*s%c%02d:%02d:%02d", STR_ARG(prefix), sign, size / 3600, size / 60 % 60, size % 60);
    }
    return str_fmt(arena, "%.*s%c%02d:%02d", STR_ARG(prefix), sign, size / 3600, size / 60 % 60);
}

/* ICU's calendar of a zone that it knows by this very name, else NULL. */
static UCalendar *open_calendar(Str name) {
    UChar id[NAME_MAX];
    UChar canonical[NAME_MAX];
    UErrorCode status = U_ZERO_ERROR;
    UBool is_system = 0;
    if (name.len == 0 || name.len >= NAME_MAX) {
        return NULL;
    }
    u_charsToUChars(name.data, id, (int32_t)name.len);
    ucal_getCanonicalTimeZoneID(id, (int32_t)name.len, canonical, NAME_MAX, &is_system, &status);
    if (U_FAILURE(status) || !is_system) {
        return NULL;
    }
    UCalendar *calendar = ucal_open(id, (int32_t)name.len, "en_US", UCAL_GREGORIAN, &status);
    return U_FAILURE(status) ? NULL : calendar;
}

static int32_t icu_offset(UCalendar *calendar, double ms, UErrorCode *status) {
    ucal_setMillis(calendar, ms, status);
    return (ucal_get(calendar, UCAL_ZONE_OFFSET, status) + ucal_get(calendar, UCAL_DST_OFFSET, status)) / 1000;
}

typedef struct Transition {
    int64_t at; /* UTC seconds */
    int32_t before, after;
} Transition;

/* The local time from which the new offset holds: in a gap the time moves forward, of an overlap the earlier one counts. */
static int64_t local_start(const Transition *t) {
    return t->at + (t->after > t->before ? t->after : t->before);
}

/* The next transition of a calendar behind the time it stands at, as long as it lies before an end; moves the calendar there. */
static bool next_transition(UCalendar *calendar, int32_t before, double end_ms, Transition *ret) {
    UErrorCode status = U_ZERO_ERROR;
    UDate next = 0;
    while (ucal_getTimeZoneTransitionDate(calendar, UCAL_TZ_TRANSITION_NEXT, &next, &status) && U_SUCCESS(status) && next < end_ms) {
        int32_t after = icu_offset(calendar, next, &status);
        if (after != before && U_SUCCESS(status)) {
            *ret = (Transition){.at = (int64_t)(next / 1000), .before = before, .after = after};
            return true;
        }
    }
    return false;
}

static void fill_steps(Steps *steps, const int64_t *at) {
    size_t n = 0;
    steps->at = at;
    for (int64_t bucket = 0; bucket <= BUCKETS; bucket++) {
        while (at[n] <= TABLE_START + bucket * (INT64_C(1) << BUCKET_BITS)) {
            n++;
        }
        steps->first[bucket] = (uint16_t)n;
    }
}

static bool fill_region(Arena *arena, KnZone *zone, Str name) {
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *calendar = open_calendar(name);
    if (calendar == NULL) {
        return false;
    }
    VEC(int64_t) utc = {.arena = arena};
    VEC(int64_t) local = {.arena = arena};
    VEC(int32_t) offsets = {.arena = arena};
    zone->offset = icu_offset(calendar, (double)TABLE_START * 1000, &status);
    VEC_PUSH(&offsets, zone->offset);
    Transition t = {.after = zone->offset};
    while (next_transition(calendar, t.after, (double)TABLE_END * 1000, &t)) {
        VEC_PUSH(&utc, t.at);
        VEC_PUSH(&local, local_start(&t));
        VEC_PUSH(&offsets, t.after);
    }
    ucal_close(calendar);
    VEC_PUSH(&utc, INT64_MAX);
    VEC_PUSH(&local, INT64_MAX);
    zone->id = str_copy(arena, name);
    zone->is_named = true;
    zone->offsets = offsets.items;
    fill_steps(&zone->utc, utc.items);
    fill_steps(&zone->local, local.items);
    return U_SUCCESS(status);
}

const KnZone *kn_zone_new(Arena *arena, Str given) {
    KnZone *zone = ARENA_NEW(arena, KnZone);
    Str name = short_id(given);
    Str prefix;
    if (fixed_offset(name, &prefix, &zone->offset)) {
        zone->id = offset_id(arena, prefix, zone->offset);
        zone->is_named = prefix.len > 0 && zone->offset == 0;
        return zone;
    }
    return fill_region(arena, zone, name) ? zone : NULL;
}

Str kn_zone_id(const KnZone *zone) {
    return zone->id;
}

size_t kn_zone_name(const KnZone *zone, int64_t utc_us, bool is_full, char *ret_text) {
    UChar name[KN_ZONE_NAME_MAX];
    UErrorCode status = U_ZERO_ERROR;
    int32_t len = 0;
    UCalendar *calendar = zone->is_named ? open_calendar(zone->id) : NULL;
    if (calendar != NULL) {
        ucal_setMillis(calendar, (double)(utc_us / 1000), &status);
        bool is_summer = ucal_inDaylightTime(calendar, &status) != 0;
        UCalendarDisplayNameType type = is_summer ? (is_full ? UCAL_DST : UCAL_SHORT_DST) : (is_full ? UCAL_STANDARD : UCAL_SHORT_STANDARD);
        int32_t n = ucal_getTimeZoneDisplayName(calendar, type, "en_US", name, KN_ZONE_NAME_MAX, &status);
        u_strToUTF8(ret_text, KN_ZONE_NAME_MAX, &len, name, n, &status);
        ucal_close(calendar);
        if (U_SUCCESS(status)) {
            return (size_t)len;
        }
    }
    memcpy(ret_text, zone->id.data, zone->id.len); /* shorter than NAME_MAX */
    return zone->id.len;
}

/* What a call's state keeps: the zone and the arena that it lives in. */
typedef struct KeptZone {
    Arena *owned_arena;
    const KnZone *zone;
} KeptZone;

static void free_kept(void *owned) {
    arena_free(((KeptZone *)owned)->owned_arena);
}

static void *keep_zone(KnCall *kn, Str name) {
    Arena *arena = arena_new();
    KeptZone *kept = ARENA_NEW(arena, KeptZone);
    *kept = (KeptZone){.owned_arena = arena, .zone = kn_zone_new(arena, name)};
    if (kept->zone == NULL) {
        arena_free(arena);
        kn_fail(kn, "INVALID_TIMEZONE: [INVALID_TIMEZONE] The timezone: %.*s is invalid.", STR_ARG(name));
        return NULL;
    }
    return kept;
}

const KnZone *kn_zone_of(KnCall *kn, Str name) {
    const KeptZone *kept = kn_cached(kn, name, keep_zone, free_kept);
    return kept == NULL ? NULL : kept->zone;
}

static int64_t offset_in(const KnZone *zone, const Steps *steps, int64_t seconds) {
    if (zone->offsets == NULL || seconds < TABLE_START) {
        return zone->offset;
    }
    if (seconds >= TABLE_END) {
        seconds -= ((seconds - TABLE_END) / CYCLE + 1) * CYCLE;
    }
    size_t n = steps->first[(seconds - TABLE_START) >> BUCKET_BITS];
    while (steps->at[n] <= seconds) {
        n++;
    }
    return zone->offsets[n];
}

int64_t kn_zone_offset(const KnZone *zone, int64_t utc_seconds) {
    return offset_in(zone, &zone->utc, utc_seconds);
}

int64_t kn_to_local(const KnZone *zone, int64_t utc_us) {
    int64_t local;
    int64_t offset = kn_zone_offset(zone, kn_floor_div(utc_us, KN_US_PER_SECOND)) * KN_US_PER_SECOND;
    return __builtin_add_overflow(utc_us, offset, &local) ? (offset < 0 ? INT64_MIN : INT64_MAX) : local;
}

/* false: beyond what microseconds hold. */
static bool utc_of(const KnZone *zone, int64_t local_us, int64_t *ret_utc_us) {
    int64_t offset = offset_in(zone, &zone->local, kn_floor_div(local_us, KN_US_PER_SECOND)) * KN_US_PER_SECOND;
    if (__builtin_sub_overflow(local_us, offset, ret_utc_us)) {
        *ret_utc_us = offset < 0 ? INT64_MAX : INT64_MIN;
        return false;
    }
    return true;
}

int64_t kn_to_utc(const KnZone *zone, int64_t local_us) {
    int64_t utc_us;
    (void)utc_of(zone, local_us, &utc_us);
    return utc_us;
}

bool kn_to_utc_in(Str zone_name, int64_t local_us, int64_t *ret_utc_us) {
    enum { NEAR_S = 3 * 86400 };
    Str name = short_id(zone_name);
    Str prefix;
    int32_t offset;
    if (fixed_offset(name, &prefix, &offset)) {
        return !__builtin_sub_overflow(local_us, offset * KN_US_PER_SECOND, ret_utc_us);
    }
    /* A table would take far longer than the transitions about this one time. */
    UErrorCode status = U_ZERO_ERROR;
    UCalendar *calendar = open_calendar(name);
    if (calendar == NULL) {
        return false;
    }
    int64_t local = kn_floor_div(local_us, KN_US_PER_SECOND);
    Transition t = {.after = icu_offset(calendar, (double)(local - NEAR_S) * 1000, &status)};
    offset = t.after;
    while (next_transition(calendar, offset, (double)(local + NEAR_S) * 1000, &t) && local_start(&t) <= local) {
        offset = t.after;
    }
    ucal_close(calendar);
    return U_SUCCESS(status) && !__builtin_sub_overflow(local_us, offset * KN_US_PER_SECOND, ret_utc_us);
}

/* ---- text ------------------------------------------------------------------------------------------------------------------------- */

static size_t add_two(char *ret_text, int64_t value) {
    ret_text[0] = (char)('0' + value / 10);
    ret_text[1] = (char)('0' + value % 10);
    return 2;
}

size_t kn_date_text(int64_t days, char *ret_text) {
    KnDate date = kn_date_of(days);
    size_t n = 0;
    if (date.year > 9999) {
        ret_text[n++] = '+';
    }
    n += kn_padded_text(date.year, 4, ret_text + n);
    ret_text[n++] = '-';
    n += add_two(ret_text + n, date.month);
    ret_text[n++] = '-';
    return n + add_two(ret_text + n, date.day);
}

/* .ffffff without the zeros at its end; nothing for 0. */
static size_t add_fraction(char *ret_text, int64_t micros) {
    if (micros == 0) {
        return 0;
    }
    ret_text[0] = '.';
    size_t n = 1 + kn_padded_text(micros, 6, ret_text + 1);
    while (ret_text[n - 1] == '0') {
        n--;
    }
    return n;
}

size_t kn_timestamp_text(int64_t local_us, char *ret_text) {
    int64_t days = kn_floor_div(local_us, KN_US_PER_DAY);
    int64_t rest = local_us - days * KN_US_PER_DAY;
    int64_t seconds = rest / KN_US_PER_SECOND;
    size_t n = kn_date_text(days, ret_text);
    ret_text[n++] = ' ';
    n += add_two(ret_text + n, seconds / 3600);
    ret_text[n++] = ':';
    n += add_two(ret_text + n, seconds / 60 % 60);
    ret_text[n++] = ':';
    n += add_two(ret_text + n, seconds % 60);
    return n + add_fraction(ret_text + n, rest % KN_US_PER_SECOND);
}

static size_t add_word(char *ret_text, const char *word) {
    size_t len = strlen(word);
    memcpy(ret_text, word, len);
    return len;
}

/* The fields of an interval's type, from start to end: "HOUR TO SECOND", or "HOUR". */
static size_t add_fields(char *ret_text, const char *const *names, int start, int end) {
    size_t n = add_word(ret_text, names[start]);
    if (end != start) {
        n += add_word(ret_text + n, " TO ");
        n += add_word(ret_text + n, names[end]);
    }
    return n;
}

/* INTERVAL '1 02:03:04.5' DAY TO SECOND: the first field holds all that is above it, the others are of two digits (IntervalUtils of Spark 3.5). */
size_t kn_day_time_text(int64_t us, int start, int end, char *ret_text) {
    static const char *const NAMES[] = {"DAY", "HOUR", "MINUTE", "SECOND"};
    static const uint64_t MICROS[] = {UINT64_C(86400000000), UINT64_C(3600000000), 60000000, 1000000};
    uint64_t rest = us < 0 ? UINT64_C(0) - (uint64_t)us : (uint64_t)us;
    size_t n = add_word(ret_text, us < 0 ? "INTERVAL '-" : "INTERVAL '");
    for (int field = start; field <= end; field++) {
        n += add_word(ret_text + n, field == start ? "" : field == 1 ? " " : ":");
        n += kn_padded_text((int64_t)(rest / MICROS[field]), field == 0 ? 1 : 2, ret_text + n);
        rest %= MICROS[field];
    }
    if (end == 3) {
        n += add_fraction(ret_text + n, (int64_t)rest);
    }
    n += add_word(ret_text + n, "' ");
    return n + add_fields(ret_text + n, NAMES, start, end);
}

size_t kn_year_month_text(int32_t months, int start, int end, char *ret_text) {
    static const char *const NAMES[] = {"YEAR", "MONTH"};
    int64_t size = months < 0 ? -(int64_t)months : months;
    size_t n = add_word(ret_text, months < 0 ? "INTERVAL '-" : "INTERVAL '");
    n += kn_padded_text(start == 0 ? size / 12 : size, 1, ret_text + n);
    if (start != end) {
        ret_text[n++] = '-';
        n += kn_padded_text(size % 12, 1, ret_text + n);
    }
    n += add_word(ret_text + n, "' ");
    return n + add_fields(ret_text + n, NAMES, start, end);
}

/* ---- reading ---------------------------------------------------------------------------------------------------------------------- */

/* A row of digits; how many. Nine fit any part that counts, so that more only count. */
static int read_digits(Str s, size_t *at, int kept, int64_t *ret_value) {
    int n = 0;
    *ret_value = 0;
    for (; *at < s.len; (*at)++, n++) {
        unsigned digit = (unsigned)(unsigned char)s.data[*at] - '0';
        if (digit > 9) {
            break;
        }
        *ret_value = n < kept ? *ret_value * 10 + digit : *ret_value;
    }
    return n;
}

/* A sign in front of the year; false: there is none. */
static bool read_sign(Str s, size_t *at, bool *ret_negative) {
    bool is_there = s.data[0] == '-' || s.data[0] == '+';
    *ret_negative = s.data[0] == '-';
    *at = is_there ? 1 : 0;
    return is_there;
}

/* [+-]yyyy…[-[m]m[-[d]d[ |T…]]]: what stands behind a day does not count. */
bool kn_parse_date(Str text, int32_t *ret_days) {
    Str s = kn_trim_all(text);
    int64_t parts[3] = {1, 1, 1};
    size_t at;
    bool is_negative;
    if (s.len == 0) {
        return false;
    }
    (void)read_sign(s, &at, &is_negative);
    for (int part = 0; part < 3; part++, at++) {
        int digits = read_digits(s, &at, 9, &parts[part]);
        if (part == 0 ? digits < 4 || digits > 7 : digits < 1 || digits > 2) {
            return false;
        }
        if (at == s.len) {
            break;
        }
        if (part < 2 ? s.data[at] != '-' : s.data[at] != ' ' && s.data[at] != 'T') {
            return false;
        }
    }
    int64_t year = is_negative ? -parts[0] : parts[0];
    if (!kn_is_date(year, parts[1], parts[2])) {
        return false;
    }
    int64_t days = kn_days_of(year, (int)parts[1], (int)parts[2]);
    *ret_days = (int32_t)days;
    return days >= INT32_MIN && days <= INT32_MAX;
}

typedef struct Stamp {
    int64_t parts[7]; /* year month day hour minute second microseconds */
    bool is_time_only, is_negative, has_zone;
    Str zone;
} Stamp;

/* [+-]yyyy…-[m]m-[d]d[ |T][h]h:[m]m:[s]s.[fraction][zone], cut off behind any part; or T[h]h…, or [h]h:…. */
static bool scan_stamp(Str s, Stamp *ret) {
    *ret = (Stamp){.parts = {1, 1, 1, 0, 0, 0, 0}};
    size_t at;
    bool has_sign = read_sign(s, &at, &ret->is_negative);
    int part = 0;
    if (s.data[0] == 'T') {
        ret->is_time_only = true;
        part = 3;
        at = 1;
    }
    for (;; part++, at++) {
        int64_t value;
        int digits = read_digits(s, &at, part == 6 ? 6 : 9, &value);
        char c = at < s.len ? s.data[at] : '\0';
        if (part == 0 && c == ':' && !has_sign && at < s.len) {
            ret->is_time_only = true;
            part = 3;
        }
        if (part == 0 ? digits < 4 || digits > 6 : part < 6 && (digits < 1 || digits > 2)) {
            return false;
        }
        ret->parts[part] = value;
        for (; part == 6 && digits < 6; digits++) {
            ret->parts[6] *= 10;
        }
        if (at == s.len) {
            return true;
        }
        if (part < 2 ? c == '-' : part == 2 ? c == ' ' || c == 'T' : part < 5 ? c == ':' : part == 5 && c == '.') {
            continue;
        }
        ret->has_zone = part >= 5;
        ret->zone = str_slice(s, at, s.len);
        return ret->has_zone;
    }
}

/* The wall-clock time of a text; today: the day of a time that stands alone. */
static bool local_of(const Stamp *stamp, int64_t today, int64_t *ret_us) {
    int64_t days = today;
    if (stamp->parts[3] > 23 || stamp->parts[4] > 59 || stamp->parts[5] > 59) {
        return false;
    }
    if (!stamp->is_time_only) {
        int64_t year = stamp->is_negative ? -stamp->parts[0] : stamp->parts[0];
        if (!kn_is_date(year, stamp->parts[1], stamp->parts[2])) {
            return false;
        }
        days = kn_days_of(year, (int)stamp->parts[1], (int)stamp->parts[2]);
    }
    int64_t of_day = ((stamp->parts[3] * 60 + stamp->parts[4]) * 60 + stamp->parts[5]) * KN_US_PER_SECOND + stamp->parts[6];
    __int128 local = (__int128)days * KN_US_PER_DAY + of_day; /* the first day that fits does not begin where the first time does */
    *ret_us = (int64_t)local;
    return local >= INT64_MIN && local <= INT64_MAX;
}

/* The day that it is now, where the clock shows what the zone of a text, or the session's, shows. */
static int64_t today_in(const Stamp *stamp, const KnZone *session) {
    int64_t now = (int64_t)time(NULL) * KN_US_PER_SECOND;
    int64_t local = now;
    if (!stamp->has_zone) {
        local = kn_to_local(session, now);
    } else {
        Arena *arena = arena_new();
        const KnZone *zone = kn_zone_new(arena, kn_trim_all(stamp->zone));
        local = zone == NULL ? now : kn_to_local(zone, now);
        arena_free(arena);
    }
    return kn_floor_div(local, KN_US_PER_DAY);
}

bool kn_parse_timestamp(Str text, const KnZone *session, int64_t *ret_us) {
    Str s = kn_trim_all(text);
    Stamp stamp;
    int64_t today = 0;
    int64_t local;
    if (s.len == 0 || !scan_stamp(s, &stamp)) {
        return false;
    }
    if (stamp.is_time_only) {
        today = today_in(&stamp, session);
    }
    if (!local_of(&stamp, today, &local)) {
        return false;
    }
    return stamp.has_zone ? kn_to_utc_in(kn_trim_all(stamp.zone), local, ret_us) : utc_of(session, local, ret_us);
}

bool kn_parse_ntz(Str text, bool allows_zone, int64_t *ret_us) {
    Str s = kn_trim_all(text);
    Stamp stamp;
    int64_t ignored;
    if (s.len == 0 || !scan_stamp(s, &stamp) || stamp.is_time_only || !local_of(&stamp, 0, ret_us)) {
        return false;
    }
    return !stamp.has_zone || (allows_zone && kn_to_utc_in(kn_trim_all(stamp.zone), 0, &ignored));
}
